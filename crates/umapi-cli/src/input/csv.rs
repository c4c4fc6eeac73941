//! A strict reader for CSV: one row per line, every row as long as the header, nothing repaired.

use std::io::{self, BufRead, Read};

use csv::StringRecord;

use super::{
    BadEntry,
    diagnostic::{Diagnostic, SourceLocation},
    text::{self, MAX_LINE},
};
use crate::output::escape_line;

/// Reads rows of CSV, with `,`, `;` or a tab between the fields.
///
/// The header says which one; a first line `sep=;`, as Excel writes it, says it too. A field in double quotes ends on its
/// own line, so a quotation mark in the wrong place never swallows the rows behind it.
pub(crate) struct CsvReader<R> {
    input: R,
    line: u64,
    bytes: Vec<u8>,
    is_over: bool,
    /// Whether the delimiter was given, and not recognized in the header.
    is_given: bool,
    delimiter: char,
    /// Whether empty fields at the end of a row may be left out.
    has_short_rows: bool,
    /// The text before the first row: the header, and `sep=` if the file has it.
    header_text: String,
    header: StringRecord,
}

/// A row with as many fields as the header.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) fields: StringRecord,
    /// The line as it is in the file.
    pub(crate) text: String,
}

impl<R: BufRead> CsvReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            line: 0,
            bytes: Vec::new(),
            is_over: false,
            is_given: false,
            delimiter: ',',
            has_short_rows: false,
            header_text: String::new(),
            header: StringRecord::new(),
        }
    }

    /// Sets the delimiter, which is recognized in the header otherwise.
    pub(crate) fn with_delimiter(mut self, delimiter: Option<char>) -> Self {
        (self.is_given, self.delimiter) = (delimiter.is_some(), delimiter.unwrap_or(','));
        self
    }

    /// Fills rows that are shorter than the header.
    pub(crate) fn fill_short_rows(&mut self) {
        self.has_short_rows = true;
    }

    /// Reads the header: the names of the columns without the empty ones at its end, and its line.
    pub(crate) fn read_header(&mut self) -> io::Result<Result<(&StringRecord, u64), Diagnostic>> {
        let mut separator = None;
        loop {
            let line = match self.next_line()? {
                None => {
                    let rule = "the file is empty: a header is missing";
                    let remedy = "write the names of the columns on the first line";
                    return Ok(Err(Diagnostic::new(SourceLocation::line(1), rule).remedy(remedy)));
                }
                Some(Err(bad)) => return Ok(Err(bad.diagnostic)),
                Some(Ok(line)) => line,
            };
            self.header_text += &line;
            if separator.is_none() && self.line == 1 {
                separator = declared_separator(&line);
                if separator.is_some() {
                    self.header_text.push('\n');
                    continue;
                }
            }
            if !self.is_given {
                self.delimiter = separator.unwrap_or_else(|| recognized_delimiter(&line));
            }
            let fields = match split(&line, self.delimiter) {
                Ok(fields) => fields,
                Err(problem) => return Ok(Err(problem.at(self.line, &line))),
            };
            if let Some((index, problem)) =
                fields.iter().enumerate().find_map(|(index, name)| Some((index, text::invisible_character(name)?)))
            {
                let rule = format!("the name of column {} {problem}", index + 1);
                return Ok(Err(Diagnostic::new(SourceLocation::line(self.line), rule).remedy("delete the character")));
            }
            let used = fields.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
            self.header = fields.iter().take(used).collect();
            return Ok(Ok((&self.header, self.line)));
        }
    }

    /// The header as it is in the file: what a file with some of its rows begins with.
    pub(crate) fn header_text(&self) -> &str {
        &self.header_text
    }

    /// Reads the next row that is not empty. A bad row does not keep the next one from being read, unless it says so.
    pub(crate) fn next_row(&mut self) -> io::Result<Option<Result<Row, BadEntry>>> {
        loop {
            let text = match self.next_line()? {
                None => return Ok(None),
                Some(Err(bad)) => return Ok(Some(Err(bad))),
                Some(Ok(text)) => text,
            };
            match self.row_of(&text) {
                Ok(fields) if fields.iter().all(str::is_empty) => {}
                Ok(fields) => return Ok(Some(Ok(Row { line: self.line, fields, text }))),
                Err(diagnostic) => return Ok(Some(Err(BadEntry { diagnostic, text, ends_file: false }))),
            }
        }
    }

    fn row_of(&self, text: &str) -> Result<StringRecord, Diagnostic> {
        let mut fields = split(text, self.delimiter).map_err(|problem| problem.at(self.line, text))?;
        let columns = self.header.len();
        while fields.len() > columns && fields.last().is_some_and(String::is_empty) {
            fields.pop();
        }
        if fields.iter().all(String::is_empty) {
            return Ok(StringRecord::new());
        }
        if self.has_short_rows && fields.len() < columns {
            fields.resize(columns, String::new());
        }
        if fields.len() != columns {
            let rule = format!("the row has {}, the header has {columns}", counted_fields(fields.len()));
            let remedy = match fields.len() > columns {
                true => format!("put a field that contains {} into double quotes", shown_delimiter(self.delimiter)),
                false => "give each row as many fields as the header, empty ones included".to_owned(),
            };
            return Err(Diagnostic::new(SourceLocation::line(self.line), rule).remedy(remedy));
        }
        for (field, name) in fields.iter().zip(&self.header) {
            if let Some(problem) = text::invisible_character(field) {
                let rule = format!("`{}` {problem}", escape_line(field));
                return Err(
                    Diagnostic::new(SourceLocation::column(self.line, name), rule).remedy("delete the character")
                );
            }
        }
        Ok(fields.iter().collect())
    }

    /// The next line that is not blank, without its end.
    fn next_line(&mut self) -> io::Result<Option<Result<String, BadEntry>>> {
        while !self.is_over {
            self.bytes.clear();
            let read = self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.bytes)?;
            if read == 0 {
                break;
            }
            self.line += 1;
            if let Some(diagnostic) = text::overlong_line(&self.bytes, self.line) {
                self.is_over = true;
                return Ok(Some(Err(BadEntry { diagnostic, text: String::new(), ends_file: true })));
            }
            let bytes = text::without_line_end(&self.bytes);
            let bytes = if self.line == 1 { text::without_bom(bytes) } else { bytes };
            match text::decode(bytes, self.line) {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => return Ok(Some(Ok(line.to_owned()))),
                Err(diagnostic) => {
                    self.is_over = true;
                    return Ok(Some(Err(BadEntry { diagnostic, text: String::new(), ends_file: true })));
                }
            }
        }
        Ok(None)
    }
}

fn counted_fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}

fn shown_delimiter(delimiter: char) -> String {
    if delimiter == '\t' { "a tab".to_owned() } else { format!("`{delimiter}`") }
}

/// The delimiter that a line such as `sep=;` declares.
fn declared_separator(line: &str) -> Option<char> {
    let line = line.trim_matches('"');
    let (key, value) = line.split_at_checked(4)?;
    let mut letters = value.chars();
    let separator = letters.next().filter(|separator| [',', ';', '\t'].contains(separator))?;
    (key.eq_ignore_ascii_case("sep=") && letters.next().is_none()).then_some(separator)
}

/// The delimiter that is most frequent in a header, outside of quotes.
fn recognized_delimiter(header: &str) -> char {
    let (mut is_quoted, mut counts) = (false, [(',', 0), (';', 0), ('\t', 0)]);
    for letter in header.chars() {
        is_quoted ^= letter == '"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!is_quoted && letter == *delimiter);
        }
    }
    // The first one of the most frequent ones.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(',', |(delimiter, _)| delimiter)
}

/// What is wrong with the quotation marks of a line.
struct QuotingProblem {
    /// The byte of the line where it is.
    byte: usize,
    rule: &'static str,
    remedy: &'static str,
}

impl QuotingProblem {
    fn at(self, number: u64, line: &str) -> Diagnostic {
        let column = line.get(..self.byte).unwrap_or(line).chars().count() + 1;
        Diagnostic::new(SourceLocation::character(number, column as u64), self.rule).remedy(self.remedy)
    }
}

/// Splits a line into its fields. Blanks around a field that is not quoted are left out.
fn split(line: &str, delimiter: char) -> Result<Vec<String>, QuotingProblem> {
    let is_blank = |letter: char| letter.is_whitespace() && letter != delimiter;
    let (mut fields, mut rest) = (Vec::new(), line);
    loop {
        let begin = line.len() - rest.len();
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (field, after) = quoted_field(quoted).ok_or(QuotingProblem {
                    byte: begin,
                    rule: "a quotation mark opens a field that is not closed on this line",
                    remedy: "close the field, or delete the quotation mark",
                })?;
                if !after.is_empty() && !after.starts_with(delimiter) {
                    return Err(QuotingProblem {
                        byte: line.len() - after.len(),
                        rule: "the field goes on after its closing quotation mark",
                        remedy: "write a quotation mark inside a field twice, as in \"O\"\"Neil\"",
                    });
                }
                (field, after)
            }
            None => {
                let (field, after) = rest.split_at(rest.find(delimiter).unwrap_or(rest.len()));
                if let Some(at) = field.find('"') {
                    return Err(QuotingProblem {
                        byte: begin + at,
                        rule: "a quotation mark is in the middle of a field",
                        remedy: "put the whole field into double quotes, and write a quotation mark inside it twice, as in \"O\"\"Neil\"",
                    });
                }
                (field.trim_matches(is_blank).to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(delimiter) {
            Some(more) => rest = more,
            None => return Ok(fields),
        }
    }
}

/// Splits the text behind an opening quotation mark into the value and what follows the closing one. `None` if there is no
/// closing one.
fn quoted_field(text: &str) -> Option<(String, &str)> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        let (part, after) = rest.split_once('"')?;
        value += part;
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

/// Splits names that are joined by `;`. A `;`, a `\` or an outer blank that belongs to a name has a `\` before it. Other
/// white space around a name and empty names are left out.
///
/// # Errors
///
/// If a `\` is before anything else, or at the end.
pub(crate) fn split_list(text: &str) -> Result<Vec<String>, String> {
    let (mut names, mut name, mut letters) = (Vec::new(), ListedName::default(), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            ';' => names.push(std::mem::take(&mut name)),
            '\\' => match letters.next() {
                Some(escaped) if matches!(escaped, ';' | '\\') || escaped.is_whitespace() => name.push(escaped, true),
                _ => {
                    return Err(
                        "a single `\\` has no meaning in a list: write `\\\\` if it is part of a name".to_owned()
                    );
                }
            },
            other => name.push(other, false),
        }
    }
    names.push(name);
    Ok(names.into_iter().map(ListedName::trimmed).filter(|name| !name.is_empty()).collect())
}

/// A name of a list in the making.
#[derive(Default)]
struct ListedName {
    text: String,
    /// Where the last character ends that is not a blank around the name.
    end: usize,
}

impl ListedName {
    fn push(&mut self, letter: char, is_escaped: bool) {
        if self.text.is_empty() && letter.is_whitespace() && !is_escaped {
            return;
        }
        self.text.push(letter);
        if is_escaped || !letter.is_whitespace() {
            self.end = self.text.len();
        }
    }

    fn trimmed(mut self) -> String {
        self.text.truncate(self.end);
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::join_list;

    /// The rows as lists of fields with their lines, or what is wrong with them.
    fn read(text: &[u8]) -> Vec<Result<(u64, Vec<String>), String>> {
        read_with(CsvReader::new(text))
    }

    fn read_with(mut reader: CsvReader<&[u8]>) -> Vec<Result<(u64, Vec<String>), String>> {
        if let Err(diagnostic) = reader.read_header().unwrap() {
            return vec![Err(diagnostic.to_string())];
        }
        std::iter::from_fn(|| reader.next_row().unwrap())
            .take(1000)
            .map(|row| match row {
                Ok(row) => Ok((row.line, row.fields.iter().map(str::to_owned).collect())),
                Err(bad) => Err(bad.diagnostic.to_string()),
            })
            .collect()
    }

    fn fields(line: u64, fields: &[&str]) -> Result<(u64, Vec<String>), String> {
        Ok((line, fields.iter().map(|&field| field.to_owned()).collect()))
    }

    #[test]
    fn delimiters_are_recognized_and_empty_columns_ignored() {
        let expected = [fields(2, &["a@b.c", "x;y"]), fields(4, &["d@e.f", ""])];
        let given = CsvReader::new("user,x|add\na@b.c|x;y\n".as_bytes()).with_delimiter(Some('|'));
        assert_eq!(read_with(given), [fields(2, &["a@b.c", "x;y"])]);
        for text in [
            "user,add\na@b.c,x;y\n\nd@e.f,\n",
            "\u{feff}User ,ADD,,,\r\n a@b.c ,\"x;y\",,,\r\n,,,,\r\nd@e.f,,,\r\n",
            "user;add\na@b.c;\"x;y\"\n;\nd@e.f;",
            "user\tadd\na@b.c\tx;y\n\nd@e.f\t\n",
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(read(b"sep=;\nuser;add\n\"a\";b,c\n"), [fields(3, &["a", "b,c"])]);
        assert_eq!(read(b"SEP=\t\nuser\tadd\na\tb;c\n"), [fields(3, &["a", "b;c"])]);
        assert_eq!(read(b"user\n\"say \"\"no\"\"\"\n"), [fields(2, &["say \"no\""])]);
    }

    #[test]
    fn nothing_is_repaired() {
        for (text, expected) in [
            ("group,user\nDesign,a@b.c,d@e.f\n", "line 2: the row has 3 fields, the header has 2; put a field"),
            ("group,user\nDesign\n", "line 2: the row has 1 field, the header has 2; give each row"),
            ("user,name\nbob,\"O\\\"Neil\"\n", "line 2, column 9: the field goes on after its closing"),
            ("user,name\nbob,\"O\" \n", "line 2, column 8: the field goes on after its closing"),
            ("user,name\nbob,O\"Neil\n", "line 2, column 6: a quotation mark is in the middle"),
            ("user,name\nbob, \"x\"\n", "line 2, column 6: a quotation mark is in the middle"),
            ("user,name\r\n\r\nbob,\"x\r\nann,y\"\r\n", "line 3, column 5: a quotation mark opens a field"),
            ("user,name\nann@b.c\u{200b},x\n", "line 2, column `user`: `ann@b.c<U+200B>` contains"),
            ("user,name\nann@b.c,a\u{202e}b\n", "line 2, column `name`: `a<U+202E>b` contains"),
            ("user,name\nann@b.c,a\rb\n", "line 2, column `name`: `a<U+000D>b` contains"),
            ("us\u{200b}er,name\n", "line 1: the name of column 1 contains"),
            ("", "line 1: the file is empty"),
        ] {
            let read = read(text.as_bytes());
            let bad = read[0].as_ref().unwrap_err();
            assert!(bad.starts_with(expected), "{text:?}: {bad}");
        }
        let latin = read(b"user,name\nann,ok\nbob,M\xfcller\ncleo,x\n");
        assert_eq!((latin.len(), &latin[0]), (2, &fields(2, &["ann", "ok"])));
        assert!(latin[1].as_ref().unwrap_err().starts_with("line 3, column 6: this is not UTF-8"), "{latin:?}");
        let utf16 = read(b"\xff\xfeu\0s\0e\0r\0\n\0");
        assert!(utf16[0].as_ref().unwrap_err().contains("UTF-16"), "{utf16:?}");
    }

    #[test]
    fn a_bad_row_does_not_hide_the_next() {
        let read = read(b"user,why\na@b.c,\"gone\nd@e.f,ok\ng@h.i,\"x\n");
        assert_eq!(read.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(read[1], fields(3, &["d@e.f", "ok"]));
    }

    #[test]
    fn a_list_is_split_as_it_was_joined() {
        for names in [vec![], vec!["Design"], vec!["a;b", r"c\d", r"\;", "e f"], vec![" a", "b  ", "\u{a0}", " ;\\ "]] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(split_list(&join_list(&names)).unwrap(), names);
        }
        assert_eq!(split_list(" a ;; b;").unwrap(), ["a", "b"]);
        assert!(split_list(r"a\b").is_err() && split_list("a\\").is_err());
    }

    proptest! {
        /// What the kept CSV library writes is read back as it was.
        #[test]
        fn written_fields_are_read_back(rows in proptest::collection::vec(proptest::collection::vec("[a-z\",; é]{0,6}", 3), 1..5)) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let read = read(&writer.into_inner().unwrap());
            let kept: Vec<_> = (2..).zip(&rows).filter(|(_, row)| row.iter().any(|field| !field.is_empty()))
                .map(|(line, row)| Ok((line, row.clone()))).collect();
            prop_assert_eq!(read, kept);
        }

        #[test]
        fn every_line_has_a_row_or_a_diagnostic(text in "[ab,; \n\r\t]{0,40}") {
            let text = format!("x,y\n{text}");
            let is_blank = |line: &&str| line.chars().all(|letter| letter == ',' || letter.is_whitespace());
            prop_assert_eq!(read(text.as_bytes()).len(), text.lines().skip(1).filter(|line| !is_blank(line)).count());
        }

        #[test]
        fn no_line_has_two_entries(text in "[ab,\"\n\r]{0,40}") {
            let entries = read(format!("x,y\n{text}").as_bytes()).len();
            prop_assert!(entries <= text.lines().count());
        }
    }
}
