//! CSV: two columns, of which the first one says what is complete.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{Mistake, Name, Place, Root, Wanted};
use crate::input::{LineStarts, split_list};

/// Other columns of `umapi export`, which say nothing of memberships.
const IGNORED: [&str; 8] = ["id", "username", "domain", "firstname", "lastname", "country", "status", "type"];

/// Where in a line the two names are.
struct Columns {
    root: Root,
    first: usize,
    second: usize,
}

pub(super) fn read(text: &str) -> Result<Wanted, Mistake> {
    let (text, starts) = LineStarts::new(text.as_bytes());
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(text);
    let columns = Columns::of_header(reader.headers().map_err(unreadable)?)?;
    let mut wanted = Wanted::default();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, |position| starts.line_at(position.byte()));
        if record.iter().all(str::is_empty) {
            continue;
        }
        let place = Place { line, column: 0 };
        let name = |text: &str| Name { text: text.to_owned(), place };
        let field = |index: usize| record.get(index).unwrap_or_default();
        let list = wanted.begin(columns.root, name(field(columns.first)), true)?;
        let items = split_list(field(columns.second)).map_err(|rule| Mistake {
            place,
            rule,
            remedy: "umapi help membership-file shows the form",
        })?;
        for item in items {
            list.push(name(&item))?;
        }
    }
    Ok(wanted)
}

impl Columns {
    fn of_header(header: &StringRecord) -> Result<Self, Mistake> {
        let mistake = |rule: String| Mistake {
            place: Place { line: 1, column: 0 },
            rule,
            remedy: "the header is `group,user` or `user,group`; umapi help membership-file says more",
        };
        let (mut group, mut user) = (None, None);
        for (index, name) in header.iter().enumerate() {
            let slot = match name.to_ascii_lowercase().as_str() {
                "group" | "groups" => &mut group,
                "user" | "users" | "email" => &mut user,
                other if IGNORED.contains(&other) => continue,
                _ => return Err(mistake(format!("there is no column `{name}`"))),
            };
            if slot.replace(index).is_some() {
                return Err(mistake(format!("there are two columns for `{name}`")));
            }
        }
        match (group, user) {
            (Some(group), Some(user)) if group < user => Ok(Self { root: Root::Group, first: group, second: user }),
            (Some(group), Some(user)) => Ok(Self { root: Root::User, first: user, second: group }),
            (None, _) => Err(mistake("a column `group` is missing".to_owned())),
            (_, None) => Err(mistake("a column `user` is missing".to_owned())),
        }
    }
}

fn unreadable(error: csv::Error) -> Mistake {
    let line = error.position().map_or(0, csv::Position::line);
    let rule = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "this is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Mistake { place: Place { line, column: 0 }, rule, remedy: "save the file as CSV in UTF-8" }
}
