//! Files of people: CSV, JSON, NDJSON, YAML.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use encoding_rs::{Encoding, UTF_8};
use serde_json::Value;

use crate::{
    directory::{Directory, DirectoryError, Query, ReadFuture, Reading},
    extent::GapCause,
    person::Person,
    record::{Collector, Record},
    settings::{FileFormat, FileSettings},
};

/// Deepest nesting of a file in YAML: a list of people with lists of values needs three levels.
const DEEPEST: usize = 16;

/// A file of people.
#[derive(Clone, Debug)]
pub struct FileDirectory {
    path: PathBuf,
    settings: FileSettings,
}

impl FileDirectory {
    /// The file of these settings. A relative path starts at `folder`.
    pub fn new(settings: FileSettings, folder: &Path) -> Self {
        Self { path: folder.join(&settings.path), settings }
    }

    fn read_now(&self, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Result<Reading, DirectoryError> {
        let text = self.text()?;
        let mut collector = Collector::new(take, self.settings.id.as_deref());
        if text.trim().is_empty() {
            collector.gap(GapCause::Interrupted, format!("{} is empty", self.name()));
            return Ok(collector.finish(query));
        }
        match self.format()? {
            FileFormat::Csv => self.csv(&text, &mut collector)?,
            FileFormat::Ndjson => {
                for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
                    let place = format!("{}, line {line}", self.name());
                    match serde_json::from_str(text) {
                        Ok(value) => self.entry(place, &value, &mut collector),
                        Err(error) => {
                            collector.unreadable(&place, format!("it is not JSON (column {})", error.column()));
                        }
                    }
                }
            }
            FileFormat::Json => {
                let value: Value = serde_json::from_str(&text).map_err(|error| {
                    let place = format!("{}, line {}, column {}", self.name(), error.line(), error.column());
                    let reason =
                        if error.is_eof() { "the file ends in the middle of a value" } else { "this is not JSON" };
                    DirectoryError::setting(
                        place,
                        reason,
                        "write the file again; a file that is cut off says nothing about who left",
                    )
                })?;
                self.entries(value, &mut collector)?;
            }
            FileFormat::Yaml => {
                // `NO` is a country, not a "no".
                // The file may be as large as a directory. Only nesting is limited, which takes stack.
                let budget = serde_saphyr::budget! {
                    max_depth: DEEPEST,
                    max_events: usize::MAX,
                    max_nodes: usize::MAX,
                    max_total_scalar_bytes: usize::MAX,
                };
                let options = serde_saphyr::options! { strict_booleans: true, budget: budget };
                let value: Value = serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
                    let place = match error.location() {
                        Some(location) => {
                            format!("{}, line {}, column {}", self.name(), location.line(), location.column())
                        }
                        None => self.name(),
                    };
                    DirectoryError::setting(place, "this is not YAML", "correct the file")
                })?;
                self.entries(value, &mut collector)?;
            }
        }
        Ok(collector.finish(query))
    }

    fn entries(&self, value: Value, collector: &mut Collector<'_>) -> Result<(), DirectoryError> {
        let list = match value {
            Value::Array(list) => list,
            // A single object, as some tools write a list of one.
            Value::Object(_) => vec![value],
            _ => {
                return Err(DirectoryError::setting(
                    self.name(),
                    "it is not a list of people",
                    "write a list: [{\"email\": \"…\"}]",
                ));
            }
        };
        for (number, value) in (1..).zip(&list) {
            self.entry(format!("{}, entry {number}", self.name()), value, collector);
        }
        Ok(())
    }

    /// Takes a person, or the name of a group: `{"group": "Artists"}`.
    fn entry(&self, place: String, value: &Value, collector: &mut Collector<'_>) {
        if let Some(name) =
            value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.get("group")?.as_str())
        {
            return collector.group(name);
        }
        match Record::from_json(value, self.groups_attribute()) {
            Ok(record) => collector.record(place, record),
            Err(reason) => collector.unreadable(&place, reason),
        }
    }

    fn csv(&self, text: &str, collector: &mut Collector<'_>) -> Result<(), DirectoryError> {
        let (delimiter, text, first_line) = match (self.settings.delimiter, text.strip_prefix("sep=")) {
            (Some(delimiter), _) => (delimiter, text, 1),
            (None, Some(rest)) => {
                (rest.chars().next().unwrap_or(','), rest.split_once('\n').map_or("", |(_, rest)| rest), 2)
            }
            (None, None) => (delimiter_of(text), text, 1),
        };
        let mut lines = Lines { text: text.as_bytes(), at: 0, line: first_line };
        let Ok(delimiter) = u8::try_from(delimiter) else {
            let reason = format!("`{delimiter}` cannot be the delimiter of CSV");
            return Err(DirectoryError::setting(self.name(), reason, "use a comma, a semicolon or a tab"));
        };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
        let headers: Vec<String> = match reader.headers() {
            Ok(headers) => headers.iter().map(|name| name.trim().to_owned()).collect(),
            Err(error) => return Err(self.csv_error(&error, &mut lines)),
        };
        let header_line = lines.line_at(0);
        if let Some(twice) = headers.iter().enumerate().find(|(index, name)| {
            !name.is_empty() && headers[..*index].iter().any(|before| before.eq_ignore_ascii_case(name))
        }) {
            let reason = format!("the column `{}` is there twice", twice.1);
            return Err(DirectoryError::setting(
                format!("{}, line {header_line}", self.name()),
                reason,
                "rename or delete one of them",
            ));
        }
        let separator = self.settings.group_separator.unwrap_or(',');
        for row in reader.records() {
            let row = row.map_err(|error| self.csv_error(&error, &mut lines))?;
            let line = row.position().map_or(header_line, |position| lines.line_at(position.byte()));
            let place = format!("{}, line {line}", self.name());
            if row.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            let surplus = row.iter().skip(headers.len()).any(|field| !field.trim().is_empty());
            if row.len() < headers.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1) || surplus {
                let reason = format!("it has {} fields, and there are {} columns", row.len(), headers.len());
                collector.unreadable(&place, reason);
                continue;
            }
            let mut record = Record::default();
            for (name, value) in headers.iter().zip(&row).filter(|(name, _)| !name.is_empty()) {
                if name.eq_ignore_ascii_case(self.groups_attribute()) {
                    self.check_separator(&place, value)?;
                    let groups = value.split(separator).map(|group| group.trim().to_owned());
                    record.groups = groups.filter(|group| !group.is_empty()).collect();
                } else {
                    record.attributes.push(name, value);
                }
            }
            collector.record(place, record);
        }
        Ok(())
    }

    /// Refuses groups that other programs separate in another way. One name in place of several would take all of them away.
    fn check_separator(&self, place: &str, groups: &str) -> Result<(), DirectoryError> {
        match groups.chars().find(|letter| matches!(letter, ';' | '|')) {
            Some(other) if self.settings.group_separator.is_none() => Err(DirectoryError::setting(
                place,
                format!("`{groups}` may be one group or several"),
                format!("set group_separator = \"{other}\" in [[directory]], or \",\" if it is one name"),
            )),
            _ => Ok(()),
        }
    }

    fn csv_error(&self, error: &csv::Error, lines: &mut Lines<'_>) -> DirectoryError {
        let place = match error.position() {
            Some(position) => format!("{}, line {}", self.name(), lines.line_at(position.byte())),
            None => self.name(),
        };
        DirectoryError::setting(place, "this cannot be read as CSV", "check the quotes and the delimiter")
    }

    /// The text of the file, decoded.
    fn text(&self) -> Result<String, DirectoryError> {
        let bytes = fs::read(&self.path).map_err(|error| {
            let remedy = match error.kind() {
                io::ErrorKind::NotFound => "check `path`; a relative path starts at the folder of the configuration",
                io::ErrorKind::PermissionDenied => "give this user the right to read it",
                _ => "check the file",
            };
            let mut wrong = DirectoryError::setting(self.name(), reason_of(&error), remedy);
            wrong.is_temporary = error.kind() != io::ErrorKind::NotFound;
            wrong
        })?;
        let encoding = match &self.settings.encoding {
            Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                DirectoryError::setting(
                    self.name(),
                    format!("there is no encoding `{label}`"),
                    "use e.g. utf-8, utf-16le, windows-1252",
                )
            })?,
            None => UTF_8,
        };
        let (text, used, has_errors) = encoding.decode(&bytes);
        if !has_errors {
            return Ok(text.into_owned());
        }
        let line = text.split('\u{fffd}').next().unwrap_or_default().matches('\n').count() + 1;
        let place = format!("{}, line {line}", self.name());
        let reason = format!("this is not {}", used.name());
        Err(DirectoryError::setting(place, reason, "name the encoding, for example encoding = \"windows-1252\""))
    }

    fn format(&self) -> Result<FileFormat, DirectoryError> {
        if let Some(format) = self.settings.format {
            return Ok(format);
        }
        let ending = self.path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("csv" | "tsv" | "txt") => Ok(FileFormat::Csv),
            Some("json") => Ok(FileFormat::Json),
            Some("ndjson" | "jsonl") => Ok(FileFormat::Ndjson),
            Some("yaml" | "yml") => Ok(FileFormat::Yaml),
            _ => {
                let reason = "the ending of its name tells no format";
                Err(DirectoryError::setting(
                    self.name(),
                    reason,
                    "set format = \"csv\", \"json\", \"ndjson\" or \"yaml\"",
                ))
            }
        }
    }

    fn groups_attribute(&self) -> &str {
        self.settings.groups.as_deref().unwrap_or("groups")
    }

    fn name(&self) -> String {
        self.settings.path.display().to_string()
    }
}

impl Directory for FileDirectory {
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(async move { self.read_now(query, take) })
    }
}

/// Counts the lines of a text. The reader of CSV says where a row begins before it has read the rest of the line break in front
/// of it, so its own number is one too low in files from Excel.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the row that begins at this byte, or after the line breaks there. Rows come in their order.
    fn line_at(&mut self, byte: u64) -> u64 {
        let is_break = |at: usize| matches!(self.text.get(at), Some(b'\r' | b'\n'));
        let mut row = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        while is_break(row) {
            row += 1;
        }
        let ends_line = |at: &usize| match self.text.get(*at) {
            Some(b'\n') => true,
            Some(b'\r') => self.text.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        self.line += (self.at..row).filter(ends_line).count() as u64;
        self.at = self.at.max(row);
        self.line
    }
}

/// The delimiter that the first line has most of, outside of quotes.
fn delimiter_of(text: &str) -> char {
    let first = text.lines().next().unwrap_or_default();
    let mut is_quoted = false;
    let mut counts = [(',', 0_usize), (';', 0), ('\t', 0)];
    for character in first.chars() {
        is_quoted ^= character == '"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!is_quoted && character == *delimiter);
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| count).map_or(',', |(delimiter, _)| *delimiter)
}

/// The reason of an error of the system, without its number.
fn reason_of(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::directory::GroupSelector;

    fn read_bytes(
        name: &str,
        bytes: &[u8],
        change: impl FnOnce(&mut FileSettings),
    ) -> Result<(Vec<Person>, Reading), DirectoryError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        let mut settings = FileSettings {
            path: name.into(),
            format: None,
            delimiter: None,
            encoding: None,
            id: None,
            groups: None,
            group_separator: None,
        };
        change(&mut settings);
        let directory = FileDirectory::new(settings, folder.path());
        let query =
            Query { groups: vec![GroupSelector::Named("Artists".to_owned())], attributes: Vec::new(), everyone: true };
        let mut people = Vec::new();
        let mut take = |person| people.push(person);
        let reading = block_on(directory.read(&query, &mut take))?;
        Ok((people, reading))
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match pin!(future).poll(&mut context) {
            std::task::Poll::Ready(output) => output,
            std::task::Poll::Pending => panic!("a file is read at once"),
        }
    }

    fn read(name: &str, text: &str) -> (Vec<Person>, Reading) {
        read_bytes(name, text.as_bytes(), |_| {}).unwrap()
    }

    fn artists(reading: &Reading) -> &Extent<Vec<crate::PersonId>> {
        &reading.groups["Artists"].members
    }

    use crate::extent::Extent;

    #[test]
    fn every_format_says_the_same() {
        let csv = "email;firstname;groups\nann@b.c;Ann;\"Artists,Others\"\nbob@b.c;Bob;\n;;\n";
        let json = r#"[{"email":"ann@b.c","firstname":"Ann","groups":["Artists","Others"]},{"email":"bob@b.c","firstname":"Bob","groups":null}]"#;
        let ndjson = "{\"email\":\"ann@b.c\",\"firstname\":\"Ann\",\"groups\":[\"Artists\",\"Others\"]}\n\n{\"email\":\"bob@b.c\",\"firstname\":\"Bob\"}\n";
        let yaml =
            "- email: ann@b.c\n  firstname: Ann\n  groups: [Artists, Others]\n- {email: bob@b.c, firstname: Bob}\n";
        for (name, text) in [("a.csv", csv), ("a.json", json), ("a.ndjson", ndjson), ("a.yaml", yaml)] {
            let (people, reading) = read(name, text);
            let names: Vec<&str> = people.iter().filter_map(|person| person.attributes.first("firstName")).collect();
            assert_eq!(names, ["Ann", "Bob"], "{name}");
            assert_eq!(artists(&reading).complete().unwrap().get().len(), 1, "{name}");
            assert!(reading.group_list.complete().is_ok() && reading.groups.contains_key("Others"), "{name}");
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_makes_every_list_partial() {
        for (name, text) in [
            ("a.csv", "email,groups\nann@b.c,Artists\nbob@b.c\n"),
            ("a.csv", "email,groups\nann@b.c,Artists\n,Artists\n"),
            ("a.csv", "email,groups\nann@b.c,Artists\nann@b.c,Artists,surplus\n"),
            ("a.ndjson", "{\"email\":\"ann@b.c\",\"groups\":\"Artists\"}\n{\"email\":\"bo"),
            ("a.json", r#"[{"email":"ann@b.c","groups":["Artists"]}, 3]"#),
            ("a.json", r#"[{"id":"1","email":"ann@b.c","groups":["Artists"]},{"id":"1","email":"other@b.c"}]"#),
            ("a.yaml", "- {email: ann@b.c, groups: [Artists]}\n- {email: bob@b.c, groups: {a: b}}\n"),
        ] {
            let (people, reading) = read(name, text);
            assert_eq!(people.len(), 1, "{text}");
            assert!(reading.people.complete().is_err() && artists(&reading).complete().is_err(), "{text}");
            assert!(reading.group_list.complete().is_err(), "{text}");
        }
    }

    #[test]
    fn groups_are_separated_as_the_settings_say() {
        let csv = "email,groups\nann@b.c,Artists;Others\nbob@b.c,Artists\n";
        let error = read_bytes("a.csv", csv.as_bytes(), |_| {}).unwrap_err();
        assert_eq!(error.to_string(), "a.csv, line 2: `Artists;Others` may be one group or several");
        assert!(error.remedy.unwrap().contains("group_separator = \";\""));
        for (separator, groups) in [(';', ["Artists", "Others"]), (',', ["Artists", "Artists;Others"])] {
            let set = |settings: &mut FileSettings| settings.group_separator = Some(separator);
            let (_, reading) = read_bytes("a.csv", csv.as_bytes(), set).unwrap();
            assert!(groups.iter().all(|group| reading.groups.contains_key(*group)), "{separator}");
        }
    }

    #[test]
    fn a_file_that_is_cut_off_or_wrong_is_an_error_with_its_place() {
        let error = |name, text: &str| read_bytes(name, text.as_bytes(), |_| {}).unwrap_err().to_string();
        assert_eq!(
            error("a.json", "[{\"email\":"),
            "a.json, line 1, column 10: the file ends in the middle of a value"
        );
        assert!(error("a.yaml", "- a: [").starts_with("a.yaml, line "));
        assert_eq!(error("a.csv", "email,Email\n"), "a.csv, line 1: the column `Email` is there twice");
        assert!(error("a.doc", "x").contains("tells no format"));
        let (_, empty) = read("a.csv", "\n");
        assert!(empty.people.complete().is_err(), "an empty file proves nothing");
    }

    #[test]
    fn encodings_are_named() {
        let latin = b"email,firstname\nann@b.c,J\xf6rg\n";
        let error = read_bytes("a.csv", latin, |_| {}).unwrap_err();
        assert_eq!(error.to_string(), "a.csv, line 2: this is not UTF-8");
        let (people, _) =
            read_bytes("a.csv", latin, |settings| settings.encoding = Some("windows-1252".into())).unwrap();
        assert_eq!(people[0].attributes.first("firstname"), Some("Jörg"));
        let utf16: Vec<u8> =
            "\u{feff}sep=;\r\nemail;sn\r\nann@b.c;Ö\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (people, _) = read_bytes("a.csv", &utf16, |_| {}).unwrap();
        assert_eq!(people[0].attributes.first("sn"), Some("Ö"));
    }

    #[test]
    fn rows_have_their_lines_with_every_line_break() {
        for line_break in ["\n", "\r\n", "\r"] {
            let lines = ["email;note;groups", "ann@b.c;x;Artists", "", "bob@b.c;\"two", "lines\";", "cid@b.c;;", ""];
            let (people, _) = read("a.csv", &lines.join(line_break));
            let places: Vec<&str> = people.iter().map(|person| person.place.as_str()).collect();
            assert_eq!(places, ["a.csv, line 2", "a.csv, line 4", "a.csv, line 6"], "{line_break:?}");
        }
        let (people, _) = read("a.csv", "sep=;\r\nemail;note\r\nann@b.c;x\r\n");
        assert_eq!(people[0].place, "a.csv, line 3");
        let error = read_bytes("a.csv", b"sep=;\r\nemail;Email\r\n", |_| {}).unwrap_err().to_string();
        assert!(error.starts_with("a.csv, line 2"), "{error}");
    }

    #[test]
    fn words_of_yaml_stay_words() {
        let (people, _) = read("a.yaml", "- {email: ann@b.c, country: NO, enabled: false, code: \"007\"}\n");
        assert_eq!(people[0].attributes.first("country"), Some("NO"));
        assert_eq!(people[0].attributes.first("code"), Some("007"));
        assert!(!people[0].is_enabled);
    }

    #[test]
    fn a_group_that_nobody_has_is_missing_unless_it_is_named() {
        let (_, reading) = read("a.ndjson", "{\"email\":\"ann@b.c\"}");
        assert!(artists(&reading).found().is_none());
        let (_, reading) = read("a.ndjson", "{\"email\":\"ann@b.c\"}\n{\"group\":\"Artists\"}");
        assert_eq!(artists(&reading).complete().unwrap().get().len(), 0);
    }

    #[test]
    fn nesting_is_limited_in_yaml_and_size_is_not() {
        for levels in [250, 100_000] {
            let nested = format!("- email: {}{}\n", "[".repeat(levels), "]".repeat(levels));
            for name in ["p.yaml", "p.json"] {
                let error = read_bytes(name, nested.replace("- email: ", "[").as_bytes(), |_| {}).unwrap_err();
                assert!(error.to_string().contains(name), "{error}");
            }
            let error = read_bytes("p.yaml", nested.as_bytes(), |_| {}).unwrap_err().to_string();
            assert!(error.contains("line 1"), "{error}");
        }
        let many: String = (0..90_000).map(|number| format!("- {{email: p{number}@b.c, country: DE}}\n")).collect();
        assert_eq!(read("p.yaml", &many).0.len(), 90_000);
    }
}
