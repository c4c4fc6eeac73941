//! The file that `umapi apply` reads: memberships in YAML, JSON or CSV.

use std::{fmt, io, marker::PhantomData, path::Path};

use csv::StringRecord;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

use super::{
    Diagnostic, Diagnostics, SourceLocation,
    csv::{CsvReader, Row, split_list},
    read_whole,
    text::{decode, without_bom},
};
use crate::{
    failure::Result,
    memberships::{Desired, ListKind, LocatedName},
};

/// Reads the file: CSV if its name ends with `.csv`, otherwise YAML or JSON. All mistakes are told at once.
pub(crate) fn read_memberships(path: &Path) -> Result<Desired> {
    let bytes = read_whole(path)?;
    let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    memberships_of(is_table, &bytes).map_err(|mistakes| {
        let name = if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
        let mut diagnostics = Diagnostics::of_file(name);
        mistakes.into_iter().for_each(|mistake| diagnostics.push(mistake));
        let what = match diagnostics.count() {
            1 => "the memberships cannot be read".to_owned(),
            count => format!("the memberships cannot be read: {count} mistakes"),
        };
        diagnostics.into_failure(&what)
    })
}

/// Reads the content of such a file.
///
/// # Errors
///
/// All mistakes in it; one at least.
pub(crate) fn memberships_of(is_table: bool, bytes: &[u8]) -> Result<Desired, Vec<Diagnostic>> {
    let (desired, mut mistakes) = match is_table {
        true => read_table(bytes)?,
        false => read_document(decode(without_bom(bytes), 1).map_err(|mistake| vec![mistake])?)?,
    };
    if mistakes.is_empty() {
        mistakes = desired.contradictions();
    }
    if mistakes.is_empty() { Ok(desired) } else { Err(mistakes) }
}

const HELP: &str = "umapi help membership-file shows the format";

/// YAML, and JSON in the same shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    groups: Entries<Vec<Spanned<String>>>,
    #[serde(default)]
    users: Entries<Vec<Spanned<String>>>,
}

/// A mapping as a list, in the order of the file, with the places of its keys.
struct Entries<V>(Vec<(Spanned<String>, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Mapping<V> {
            type Value = Entries<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with their lists")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<V>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Mapping(PhantomData))
    }
}

fn read_document(text: &str) -> Result<(Desired, Vec<Diagnostic>), Vec<Diagnostic>> {
    let document: Document = serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location().map_or_else(SourceLocation::default, location_of);
        vec![Diagnostic::new(location, in_plain_words(&error.without_snippet().to_string())).remedy(HELP)]
    })?;
    let (mut desired, mut mistakes) = (Desired::default(), Vec::new());
    for (kind, entries) in [(ListKind::Group, document.groups), (ListKind::User, document.users)] {
        for (key, items) in entries.0 {
            match desired.begin(kind, located(key), false) {
                Ok(list) => mistakes.extend(items.into_iter().filter_map(|item| list.push(located(item)).err())),
                Err(mistake) => mistakes.push(mistake),
            }
        }
    }
    Ok((desired, mistakes))
}

/// The message without the place, which is told separately, and without the terms of YAML.
fn in_plain_words(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    match message {
        "expected sequence start" => "a list was expected, as in [ann@example.com]; [] is an empty list".to_owned(),
        "expected mapping start" => "names with their lists were expected".to_owned(),
        other => other.to_owned(),
    }
}

fn located(spanned: Spanned<String>) -> LocatedName {
    let location = location_of(spanned.referenced);
    LocatedName::new(spanned.value, location)
}

fn location_of(location: Location) -> SourceLocation {
    SourceLocation::character(location.line(), location.column())
}

/// Columns of `umapi export` that say nothing about memberships.
const IGNORED: [&str; 8] = ["id", "username", "domain", "firstname", "lastname", "country", "status", "type"];

/// The columns of a table: the first one of `group` and `user` says which lists are complete.
struct Columns {
    kind: ListKind,
    header: StringRecord,
}

/// The two fields of a row that count.
#[derive(Deserialize)]
struct TableRow<'a> {
    group: &'a str,
    user: &'a str,
}

fn read_table(bytes: &[u8]) -> Result<(Desired, Vec<Diagnostic>), Vec<Diagnostic>> {
    let cannot_fail = |error: io::Error| vec![Diagnostic::new(SourceLocation::default(), error.to_string())];
    let mut reader = CsvReader::new(bytes);
    let (header, line) = reader.read_header().map_err(cannot_fail)?.map_err(|mistake| vec![mistake])?;
    let columns = Columns::of_header(header, line).map_err(|mistake| vec![mistake])?;
    let (mut desired, mut mistakes) = (Desired::default(), Vec::new());
    while let Some(row) = reader.next_row().map_err(cannot_fail)? {
        match row {
            Ok(row) => mistakes.extend(columns.add_row(&row, &mut desired)),
            Err(bad) => mistakes.push(bad.diagnostic),
        }
    }
    Ok((desired, mistakes))
}

impl Columns {
    fn of_header(header: &StringRecord, line: u64) -> Result<Self, Diagnostic> {
        let mistake = |rule: String| {
            Diagnostic::new(SourceLocation::line(line), rule)
                .remedy("the header is `group,user` or `user,group`; umapi help membership-file says more")
        };
        let mut names = StringRecord::new();
        for name in header {
            let name = match name {
                "group" | "groups" => "group",
                "user" | "users" | "email" => "user",
                name if IGNORED.contains(&name) => name,
                name => return Err(mistake(format!("unknown column `{name}`"))),
            };
            if names.iter().any(|earlier| earlier == name) {
                return Err(mistake(format!("there are two columns for `{name}`")));
            }
            names.push_field(name);
        }
        let position = |wanted: &str| names.iter().position(|name| name == wanted);
        let kind = match (position("group"), position("user")) {
            (Some(group), Some(user)) if group < user => ListKind::Group,
            (Some(_), Some(_)) => ListKind::User,
            (None, _) => return Err(mistake("a column `group` is missing".to_owned())),
            (_, None) => return Err(mistake("a column `user` is missing".to_owned())),
        };
        Ok(Self { kind, header: names })
    }

    /// Adds a row to the lists, and returns what is wrong with it.
    fn add_row(&self, row: &Row, desired: &mut Desired) -> Vec<Diagnostic> {
        let cells: TableRow<'_> = match row.fields.deserialize(Some(&self.header)) {
            Ok(cells) => cells,
            Err(error) => return vec![Diagnostic::new(SourceLocation::line(row.line), error.to_string())],
        };
        let (first, second, second_column) = match self.kind {
            ListKind::Group => (cells.group, cells.user, "user"),
            ListKind::User => (cells.user, cells.group, "group"),
        };
        let location = SourceLocation::line(row.line);
        let list = match desired.begin(self.kind, LocatedName::new(first, location.clone()), true) {
            Ok(list) => list,
            Err(mistake) => return vec![mistake],
        };
        match split_list(second) {
            Ok(items) => {
                items.into_iter().filter_map(|item| list.push(LocatedName::new(item, location.clone())).err()).collect()
            }
            Err(rule) => vec![Diagnostic::new(SourceLocation::column(row.line, second_column), rule).remedy(HELP)],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::memberships::DesiredList;

    fn shown(desired: &Desired) -> Vec<String> {
        let show = |kind: &str, lists: &BTreeMap<String, DesiredList>| -> Vec<String> {
            let line = |list: &DesiredList| {
                let mut items: Vec<&str> = list.items.values().map(|name| name.text.as_str()).collect();
                items.sort_unstable();
                format!("{kind} {}: {}", list.name.text, items.join(" "))
            };
            lists.values().map(line).collect()
        };
        [show("group", &desired.groups), show("user", &desired.users)].concat()
    }

    fn mistakes(is_table: bool, text: &str) -> Vec<String> {
        memberships_of(is_table, text.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    const EXPECTED: [&str; 3] = [
        "group Design: ann@example.com bob@example.com",
        "group Photoshop: ",
        "user cleo@example.com: Illustrator Sales",
    ];

    #[test]
    fn yaml_and_json_have_the_same_shape() {
        let yaml = "groups:\n  Design: [bob@example.com, ann@example.com]\n  Photoshop: []\nusers:\n  cleo@example.com:\n    - Sales\n    - Illustrator\n";
        let json = "{\n\t\"groups\": {\"Design\": [\"ann@example.com\", \"bob@example.com\"], \"Photoshop\": []},\n\t\"users\": {\"cleo@example.com\": [\"Illustrator\", \"Sales\"]}\n}";
        for text in [yaml, json] {
            assert_eq!(shown(&memberships_of(false, text.as_bytes()).unwrap()), EXPECTED, "{text}");
        }
    }

    #[test]
    fn first_column_of_csv_says_which_lists_are_complete() {
        let groups = "group,user\nDesign,ann@example.com\nPhotoshop,\n\ndesign,bob@example.com;ann@example.com\n";
        assert_eq!(shown(&memberships_of(true, groups.as_bytes()).unwrap()), &EXPECTED[..2]);
        let users = "id;Email;firstname;groups\n1;cleo@example.com;Cleo;\"Illustrator;Sales\"\n";
        assert_eq!(shown(&memberships_of(true, users.as_bytes()).unwrap()), &EXPECTED[2..]);
    }

    #[test]
    fn mistakes_have_a_place_and_a_rule() {
        for (text, parts) in [
            ("groups:\n  Design: [a@b.c]\n  design: [d@e.f]\n", ["line 3, column 3: ", "line 2"]),
            ("teams: {}\n", ["line 1", "teams"]),
            ("groups:\n  Design: nobody\n", ["line 2, column 11: a list was expected", ""]),
            ("groups:\n  Design: [a@b.c, ' ']\n", ["line 2, column 19: ", "empty"]),
            ("groups:\n  Design: [\"a@b.c\\u200b\"]\n", ["line 2, column 12: ", "`a@b.c<U+200B>` contains"]),
            ("groups:\n  Design: [a@b.c]\nusers:\n  A@b.c: [Sales]\n", ["line 2, column 12: ", "line 4"]),
            ("groups:\n  Design: [x@b.c]\nusers:\n  a@b.c: [design]\n", ["line 4, column 11: ", "line 2"]),
            ("groups: [\n", ["line", ""]),
        ] {
            let shown = mistakes(false, text).join("\n");
            assert!(parts.iter().all(|part| shown.contains(part)), "{text}: {shown}");
        }
        for (text, part) in [
            ("group\nDesign\n", "line 1: a column `user` is missing"),
            ("group,user,colour\n", "line 1: unknown column `colour`"),
            ("group,user,email\n", "two columns"),
            ("group,user\n\n,ann@example.com\n", "line 3: a name is empty"),
            ("group,user\nDesign,a\\b\n", "line 2, column `user`: a single `\\`"),
            ("group,user\nDesign,a@b.c,d@e.f\n", "line 2: the row has 3 fields, the header has 2"),
            ("user,group\na@b.c\n", "line 2: the row has 1 field, the header has 2"),
        ] {
            let shown = mistakes(true, text).join("\n");
            assert!(shown.contains(part), "{text}: {shown}");
        }
    }

    #[test]
    fn all_mistakes_of_a_file_are_told_at_once() {
        let table = mistakes(true, "group,user\nDesign\n,ann@b.c\nSales,\"a\nSales,a@b.c\n");
        let lines: Vec<&str> = table.iter().map(|mistake| &mistake[..7]).collect();
        assert_eq!(lines, ["line 2:", "line 3:", "line 4,"], "{table:?}");
        let document = mistakes(false, "groups:\n  A: ['', b@c.d]\n  a: []\n  B: [' ']\n");
        assert_eq!(document.len(), 3, "{document:?}");
    }
}
