//! Commands in CSV: one per row, in columns.

use std::{
    io::{self, BufRead},
    str::FromStr,
};

use csv::StringRecord;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use umapi::{AccountKind, Command};

use super::{
    BadEntry,
    columns::{self, ForeignTable, column_name},
    commands::{NumberedCommand, ReadOptions},
    csv::{CsvReader, Row, split_list},
    diagnostic::{Diagnostic, SourceLocation},
    json_commands::{CommandProblem, parse_command},
    text::country_code,
};
use crate::output::escape_line;

/// Reads a command from each row. A bad row does not keep the next one from being read; a bad header does.
pub(super) struct CsvCommandReader<R> {
    rows: CsvReader<R>,
    options: ReadOptions,
    table: Option<Table>,
}

/// The columns of a file.
enum Table {
    Own(Columns),
    Foreign(ForeignTable),
}

/// Columns of our own.
struct Columns {
    /// Their names as in the file.
    shown: StringRecord,
    /// Their names as in [`COLUMNS`].
    names: StringRecord,
}

impl<R: BufRead> CsvCommandReader<R> {
    pub(super) fn new(options: ReadOptions, input: R) -> Self {
        Self { rows: CsvReader::new(input).with_delimiter(options.delimiter), options, table: None }
    }

    pub(super) fn header_text(&self) -> &str {
        self.rows.header_text()
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<NumberedCommand, BadEntry>>> {
        if self.table.is_none() {
            let header = self.rows.read_header()?.map(|(header, line)| (header.clone(), line));
            match header.and_then(|(header, line)| Table::of_header(header, line)) {
                Ok(table) => self.table = Some(table),
                Err(diagnostic) => {
                    return Ok(Some(Err(BadEntry { diagnostic, text: String::new(), ends_file: true })));
                }
            }
            if let Some(Table::Foreign(table)) = &self.table
                && table.has_short_rows()
            {
                self.rows.fill_short_rows();
            }
        }
        let (Some(row), Some(table)) = (self.rows.next_row()?, &self.table) else { return Ok(None) };
        Ok(Some(row.and_then(|row| {
            let command = match table {
                Table::Own(columns) => {
                    command_of(&row, &columns.names).map_err(|problem| problem.at(row.line, columns))
                }
                Table::Foreign(table) => creation_of(&row, table, self.options.default_kind),
            };
            match command {
                Ok(command) => Ok(NumberedCommand { line: row.line, command }),
                Err(diagnostic) => Err(BadEntry { diagnostic, text: row.text, ends_file: false }),
            }
        })))
    }
}

/// The columns that a file can have; `umapi help command-files` documents them.
const COLUMNS: [&str; 20] = [
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

impl Table {
    /// The columns of a header, under any of their names.
    fn of_header(shown: StringRecord, line: u64) -> Result<Self, Diagnostic> {
        if let Some(table) = ForeignTable::recognize(&shown) {
            columns::check_unique(&shown, shown.iter(), line)?;
            return Ok(Self::Foreign(table));
        }
        if let Some(index) = shown.iter().position(str::is_empty) {
            let rule = format!("column {} has no name", index + 1);
            return Err(Diagnostic::new(SourceLocation::line(line), rule).remedy("name the column, or delete it"));
        }
        let mut names: Vec<String> = shown.iter().map(column_name).collect();
        for name in &mut names {
            if name == "user_group" {
                "usergroup".clone_into(name);
            }
        }
        let named = || names.iter().zip(&shown);
        let unknown: Vec<String> = named()
            .filter(|(name, _)| !COLUMNS.contains(&name.as_str()))
            .map(|(_, shown)| format!("`{}`", escape_line(shown)))
            .collect();
        if !unknown.is_empty() {
            let plural = if unknown.len() == 1 { "" } else { "s" };
            let rule = format!("unknown column{plural} {}", unknown.join(", "));
            let remedy = format!("the columns are {}", COLUMNS.join(", "));
            return Err(Diagnostic::new(SourceLocation::line(line), rule).remedy(remedy));
        }
        columns::check_unique(&shown, names.iter().map(String::as_str), line)?;
        // Without a column for the name of the user, the address is the name.
        if !names.iter().any(|name| name == "user")
            && let Some(email) = names.iter_mut().find(|name| *name == "email")
        {
            "user".clone_into(email);
        }
        if !names.iter().any(|name| matches!(name.as_str(), "user" | "usergroup")) {
            let rule = "neither a column `user` nor a column `usergroup` exists";
            return Err(Diagnostic::new(SourceLocation::line(line), rule).remedy("name the columns on the first line"));
        }
        let names = names.iter().collect();
        Ok(Self::Own(Columns { shown, names }))
    }
}

impl Columns {
    /// The name of a column as in the file.
    fn shown<'a>(&'a self, name: &'a str) -> &'a str {
        let position = self.names.iter().position(|own| own == name);
        position.and_then(|position| self.shown.get(position)).unwrap_or(name)
    }
}

/// A row, by the names of its columns. An empty field is `None`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CommandRow<'a> {
    user: Option<&'a str>,
    domain: Option<&'a str>,
    use_adobe_id: Option<&'a str>,
    create: Option<&'a str>,
    email: Option<&'a str>,
    firstname: Option<&'a str>,
    lastname: Option<&'a str>,
    country: Option<&'a str>,
    username: Option<&'a str>,
    if_exists: Option<&'a str>,
    add: Option<&'a str>,
    remove: Option<&'a str>,
    remove_from_org: Option<&'a str>,
    usergroup: Option<&'a str>,
    name: Option<&'a str>,
    description: Option<&'a str>,
    add_profiles: Option<&'a str>,
    remove_profiles: Option<&'a str>,
    delete: Option<&'a str>,
    request_id: Option<&'a str>,
}

/// `yes` or `no`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Flag(bool);

/// What a create does if the user or user group exists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfExists {
    Error,
    Ignore,
    Update,
}

/// How a user leaves the organization.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OrgRemoval {
    No,
    Yes,
    AndDeleteAccount,
}

/// Names joined by `;`.
struct NameList(Vec<String>);

/// Names joined by `;`, or `*` for all.
enum Removal {
    All,
    Of(NameList),
}

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" => Ok(Self(true)),
            "no" | "false" => Ok(Self(false)),
            _ => Err(format!("`{text}` is not yes or no; write yes, or leave the field empty")),
        }
    }
}

impl FromStr for IfExists {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "error" => Ok(Self::Error),
            "ignore" => Ok(Self::Ignore),
            "update" => Ok(Self::Update),
            _ => Err(format!("`{text}` is not a rule for what exists; write error, ignore or update")),
        }
    }
}

impl FromStr for OrgRemoval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "no" | "false" => Ok(Self::No),
            "yes" | "true" => Ok(Self::Yes),
            "delete" => Ok(Self::AndDeleteAccount),
            _ => Err(format!("`{text}` is not yes, delete or no; write yes or delete, or leave the field empty")),
        }
    }
}

impl FromStr for NameList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        split_list(text).map(Self)
    }
}

impl FromStr for Removal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" { Ok(Self::All) } else { text.parse().map(Self::Of) }
    }
}

/// What is wrong with a row.
#[derive(Debug)]
struct RowProblem {
    /// The column, if it is a single one.
    column: Option<String>,
    rule: String,
    remedy: Option<String>,
}

impl RowProblem {
    fn new(column: impl Into<String>, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { column: Some(column.into()), rule: rule.into(), remedy: Some(remedy.into()) }
    }

    fn at(self, line: u64, columns: &Columns) -> Diagnostic {
        let location = match self.column {
            Some(column) => SourceLocation::column(line, columns.shown(&column)),
            None => SourceLocation::line(line),
        };
        Diagnostic { location, rule: self.rule, remedy: self.remedy }
    }
}

/// Makes the command of a row, in the service's own JSON first.
fn command_of(row: &Row, columns: &StringRecord) -> Result<Command, RowProblem> {
    let cells: CommandRow<'_> = row.fields.deserialize(Some(columns)).map_err(|error| {
        // All fields are texts, and the header was checked.
        RowProblem { column: None, rule: error.to_string(), remedy: None }
    })?;
    let (steps, mut fields) = match (cells.user, cells.usergroup) {
        (Some(user), None) => (cells.user_steps(user)?, cells.user_fields(user)?),
        (None, Some(group)) => (cells.group_steps()?, Map::from_iter([("usergroup".to_owned(), json!(group))])),
        (Some(_), Some(_)) => {
            return Err(RowProblem::new(
                "usergroup",
                "a row is about a user or a user group, not both",
                "write two rows",
            ));
        }
        (None, None) => {
            let column = if columns.iter().any(|name| name == "user") { "user" } else { "usergroup" };
            return Err(RowProblem::new(column, "the field is empty", "name the user or the user group"));
        }
    };
    if steps.is_empty() {
        return Err(RowProblem {
            column: None,
            rule: "the row says nothing to do".to_owned(),
            remedy: Some("fill one of the columns create, add, remove, …: umapi help command-files".to_owned()),
        });
    }
    if let Some(id) = cells.request_id {
        fields.insert("requestID".to_owned(), json!(id));
    }
    fields.insert("do".to_owned(), Value::Array(steps));
    let text = Value::Object(fields).to_string();
    parse_command(&text).map_err(|problem| {
        let column = cells.column_of(&text, &problem);
        let remedy = problem.remedy_with_code();
        let rule = match &problem.field {
            // The column does not say what is missing.
            Some(field) if problem.code.is_some() && *field != column => format!("`{field}`: {}", problem.rule),
            _ => problem.rule,
        };
        RowProblem { column: columns.iter().any(|name| name == column).then_some(column), rule, remedy }
    })
}

/// Makes the command that creates the user of a row of another tool's table, and adds them to their groups. A user who
/// exists is only added.
fn creation_of(row: &Row, table: &ForeignTable, default: Option<AccountKind>) -> Result<Command, Diagnostic> {
    let user = table.user(row)?;
    let in_column = |field: &str| SourceLocation::column(row.line, table.column_of(Some(field)).unwrap_or(field));
    let create = match user.kind.or(default) {
        Some(AccountKind::AdobeId) => "addAdobeID",
        Some(AccountKind::EnterpriseId) => "createEnterpriseID",
        Some(AccountKind::FederatedId) => "createFederatedID",
        _ => {
            return Err(Diagnostic::new(in_column("type"), "the type of the user is missing")
                .remedy("write adobeID, enterpriseID or federatedID, or add --default-type for all such rows"));
        }
    };
    let country = user.country.as_deref().map(country_code);
    let mut body = filled(&[
        ("email", Some(&user.email)),
        ("firstname", user.firstname.as_deref()),
        ("lastname", user.lastname.as_deref()),
        ("country", country.as_deref()),
    ]);
    body.insert("option".to_owned(), json!("ignoreIfAlreadyExists"));
    let mut steps = vec![json!({ create: body })];
    if !user.groups.is_empty() {
        steps.push(json!({ "add": { "group": user.groups } }));
    }
    let mut fields = filled(&[("user", Some(&user.name)), ("domain", user.domain.as_deref())]);
    fields.insert("do".to_owned(), Value::Array(steps));
    parse_command(&Value::Object(fields).to_string()).map_err(|problem| {
        let location = match table.column_of(problem.field.as_deref()) {
            Some(column) => SourceLocation::column(row.line, column),
            None => SourceLocation::line(row.line),
        };
        let remedy = problem.remedy_with_code();
        Diagnostic { location, rule: problem.rule, remedy }
    })
}

/// The value of a field, if it is not empty.
fn parsed<T: FromStr<Err = String>>(column: &str, cell: Option<&str>) -> Result<Option<T>, RowProblem> {
    cell.map(str::parse).transpose().map_err(|rule| RowProblem { column: Some(column.to_owned()), rule, remedy: None })
}

fn is_yes(column: &str, cell: Option<&str>) -> Result<bool, RowProblem> {
    Ok(parsed(column, cell)?.is_some_and(|Flag(is_yes)| is_yes))
}

impl CommandRow<'_> {
    fn user_fields(&self, user: &str) -> Result<Map<String, Value>, RowProblem> {
        let mut fields = Map::from_iter([("user".to_owned(), json!(user))]);
        if let Some(domain) = self.domain {
            fields.insert("domain".to_owned(), json!(domain));
        }
        if is_yes("use_adobe_id", self.use_adobe_id)? {
            fields.insert("useAdobeID".to_owned(), json!(true));
        }
        Ok(fields)
    }

    /// Create or update, remove, add, leave.
    fn user_steps(&self, user: &str) -> Result<Vec<Value>, RowProblem> {
        refuse(
            &[
                ("name", self.name.is_some()),
                ("description", self.description.is_some()),
                ("add_profiles", self.add_profiles.is_some()),
                ("remove_profiles", self.remove_profiles.is_some()),
                ("delete", self.delete.is_some()),
            ],
            "the column is for user groups",
            "leave it empty in a row about a user",
        )?;
        let mut steps = Vec::new();
        if let Some(kind) = self.create {
            let step = match columns::kind_of(kind) {
                Ok(AccountKind::AdobeId) => "addAdobeID",
                Ok(AccountKind::EnterpriseId) => "createEnterpriseID",
                Ok(AccountKind::FederatedId) => "createFederatedID",
                _ => {
                    let rule = format!("unknown user type `{kind}`");
                    return Err(RowProblem::new("create", rule, "write adobe, enterprise or federated"));
                }
            };
            refuse(
                &[("username", self.username.is_some())],
                "a new user has the username in `user`",
                "leave the field empty",
            )?;
            let country = self.country.map(country_code);
            let mut body = filled(&[
                ("firstname", self.firstname),
                ("lastname", self.lastname),
                ("country", country.as_deref()),
                ("email", Some(self.email.unwrap_or(user))),
            ]);
            self.insert_option(&mut body)?;
            steps.push(json!({ step: body }));
        } else {
            refuse(
                &[("country", self.country.is_some())],
                "the country of a user cannot be changed",
                "leave the field empty; for a new user, write adobe, enterprise or federated in the column `create`",
            )?;
            self.refuse_if_exists()?;
            let body = filled(&[
                ("email", self.email),
                ("firstname", self.firstname),
                ("lastname", self.lastname),
                ("username", self.username),
            ]);
            if !body.is_empty() {
                steps.push(json!({ "update": body }));
            }
        }
        match parsed("remove", self.remove)? {
            None => {}
            Some(Removal::All) => steps.push(json!({ "remove": "all" })),
            Some(Removal::Of(NameList(groups))) => steps.push(json!({ "remove": { "group": groups } })),
        }
        if let Some(NameList(groups)) = parsed("add", self.add)? {
            steps.push(json!({ "add": { "group": groups } }));
        }
        match parsed("remove_from_org", self.remove_from_org)? {
            None | Some(OrgRemoval::No) => {}
            Some(OrgRemoval::Yes) => steps.push(json!({ "removeFromOrg": {} })),
            Some(OrgRemoval::AndDeleteAccount) => steps.push(json!({ "removeFromOrg": { "deleteAccount": true } })),
        }
        Ok(steps)
    }

    /// Create or update, remove, add, delete.
    fn group_steps(&self) -> Result<Vec<Value>, RowProblem> {
        refuse(
            &[
                ("domain", self.domain.is_some()),
                ("use_adobe_id", self.use_adobe_id.is_some()),
                ("email", self.email.is_some()),
                ("firstname", self.firstname.is_some()),
                ("lastname", self.lastname.is_some()),
                ("country", self.country.is_some()),
                ("username", self.username.is_some()),
                ("remove_from_org", self.remove_from_org.is_some()),
            ],
            "the column is for users",
            "leave it empty in a row about a user group",
        )?;
        let mut steps = Vec::new();
        if is_yes("create", self.create)? {
            refuse(
                &[("name", self.name.is_some())],
                "a new user group has the name in `usergroup`",
                "leave the field empty",
            )?;
            let mut body = filled(&[("description", self.description)]);
            self.insert_option(&mut body)?;
            steps.push(json!({ "createUserGroup": body }));
        } else {
            self.refuse_if_exists()?;
            let body = filled(&[("name", self.name), ("description", self.description)]);
            if !body.is_empty() {
                steps.push(json!({ "updateUserGroup": body }));
            }
        }
        let profiles = parsed("remove_profiles", self.remove_profiles)?;
        match parsed("remove", self.remove)? {
            Some(Removal::All) => {
                refuse(
                    &[("remove_profiles", self.remove_profiles.is_some())],
                    "`*` in `remove` removes all profiles too",
                    "leave the field empty",
                )?;
                steps.push(json!({ "remove": "all" }));
            }
            Some(Removal::Of(users)) => push_members(&mut steps, "remove", Some(users), profiles),
            None => push_members(&mut steps, "remove", None, profiles),
        }
        push_members(&mut steps, "add", parsed("add", self.add)?, parsed("add_profiles", self.add_profiles)?);
        if is_yes("delete", self.delete)? {
            steps.push(json!({ "deleteUserGroup": {} }));
        }
        Ok(steps)
    }

    fn insert_option(&self, body: &mut Map<String, Value>) -> Result<(), RowProblem> {
        let option = match parsed("if_exists", self.if_exists)? {
            None | Some(IfExists::Error) => return Ok(()),
            Some(IfExists::Ignore) => "ignoreIfAlreadyExists",
            Some(IfExists::Update) => "updateIfAlreadyExists",
        };
        body.insert("option".to_owned(), json!(option));
        Ok(())
    }

    fn refuse_if_exists(&self) -> Result<(), RowProblem> {
        refuse(
            &[("if_exists", self.if_exists.is_some())],
            "the column is for users and user groups that are created",
            "leave the field empty, or fill `create`",
        )
    }

    /// The column that a field of the JSON was made from.
    fn column_of(&self, text: &str, problem: &CommandProblem) -> String {
        let step = problem.step.and_then(|step| {
            let command: Value = serde_json::from_str(text).ok()?;
            command["do"].get(step)?.as_object()?.keys().next().cloned()
        });
        let step = step.filter(|step| matches!(step.as_str(), "add" | "remove"));
        match (step, problem.field.as_deref()) {
            (Some(step), Some("productConfiguration")) => format!("{step}_profiles"),
            (Some(step), _) => step,
            (None, Some("useAdobeID")) => "use_adobe_id".to_owned(),
            (None, Some("requestID")) => "request_id".to_owned(),
            (None, Some("option")) => "if_exists".to_owned(),
            (None, Some("deleteAccount" | "removeFromOrg")) => "remove_from_org".to_owned(),
            // The address of a new user is the one in `user`, unless there is a column for it.
            (None, Some("email")) if self.email.is_none() => "user".to_owned(),
            // A username needs a domain, and there may be no such column.
            (None, Some("domain")) if self.domain.is_none() => "user".to_owned(),
            (None, Some(field)) => field.to_owned(),
            (None, None) => String::new(),
        }
    }
}

/// The fields that have a value.
fn filled(fields: &[(&str, Option<&str>)]) -> Map<String, Value> {
    fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!((*value)?)))).collect()
}

/// Refuses the first of these columns that is filled.
fn refuse(columns: &[(&str, bool)], rule: &str, remedy: &str) -> Result<(), RowProblem> {
    match columns.iter().find(|(_, is_filled)| *is_filled) {
        Some((column, _)) => Err(RowProblem::new(*column, rule, remedy)),
        None => Ok(()),
    }
}

fn push_members(steps: &mut Vec<Value>, step: &str, users: Option<NameList>, profiles: Option<NameList>) {
    let mut body = Map::new();
    for (key, names) in [("user", users), ("productConfiguration", profiles)] {
        if let Some(NameList(names)) = names {
            body.insert(key.to_owned(), json!(names));
        }
    }
    if !body.is_empty() {
        steps.push(json!({ step: body }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_field_of_the_row() {
        let header = StringRecord::from(COLUMNS.to_vec());
        let row = StringRecord::from(vec![""; COLUMNS.len()]);
        assert!(row.deserialize::<CommandRow<'_>>(Some(&header)).is_ok());
    }
}
