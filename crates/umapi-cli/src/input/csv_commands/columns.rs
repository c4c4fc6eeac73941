//! The columns of a CSV file with commands.

use csv::StringRecord;

use crate::input::bad::Column;

/// All columns that there are; `umapi help command-files` documents them.
const KNOWN: [&str; 20] = [
    "user",
    "domain",
    "use_adobe_id",
    "create",
    "email",
    "firstname",
    "lastname",
    "country",
    "username",
    "if_exists",
    "add",
    "remove",
    "remove_from_org",
    "usergroup",
    "name",
    "description",
    "add_profiles",
    "remove_profiles",
    "delete",
    "request_id",
];

/// The columns of one file, in its order.
pub(super) struct Columns(Vec<&'static str>);

impl Columns {
    /// Reads the header. Letter case does not matter.
    pub(super) fn of_header(header: &StringRecord) -> Result<Self, (Column, String, String)> {
        let mut columns = Vec::with_capacity(header.len());
        for (index, text) in header.iter().enumerate() {
            let name = text.trim_start_matches('\u{feff}').to_ascii_lowercase();
            let Some(known) = KNOWN.into_iter().find(|known| *known == name) else {
                let rule = match name.as_str() {
                    "" => format!("column {} has no name", index + 1),
                    _ => format!("there is no column `{name}`"),
                };
                return Err((Column::Whole, rule, format!("the columns are {}", KNOWN.join(", "))));
            };
            if columns.contains(&known) {
                let rule = format!("the column `{known}` is there twice");
                return Err((Column::Named(known.to_owned()), rule, "leave one of them out".to_owned()));
            }
            columns.push(known);
        }
        if !columns.contains(&"user") && !columns.contains(&"usergroup") {
            let rule = "neither a column `user` nor a column `usergroup` is there".to_owned();
            return Err((Column::Whole, rule, "the first line must name the columns".to_owned()));
        }
        Ok(Self(columns))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| *column == name)
    }
}
