//! One line of a CSV file, as a command in the service's own JSON.

use csv::StringRecord;
use serde_json::{Map, Value, json};
use umapi::Command;

use super::{Columns, Complaint};
use crate::input::{bad::Column, command, list::split_list};

/// What can stand in a line about a user group, and in one about a user.
const OF_GROUPS: [&str; 5] = ["name", "description", "add_profiles", "remove_profiles", "delete"];
const OF_USERS: [&str; 8] =
    ["domain", "use_adobe_id", "email", "firstname", "lastname", "country", "username", "remove_from_org"];

/// One line, by the names of its columns.
pub(super) struct Row<'a> {
    columns: &'a Columns,
    record: &'a StringRecord,
}

type Made<T> = Result<T, Complaint>;

impl<'a> Row<'a> {
    pub(super) fn new(columns: &'a Columns, record: &'a StringRecord) -> Made<Self> {
        if record.len() > columns.len() {
            return Err(Complaint {
                column: Column::Whole,
                rule: format!("the line has {} fields, the header {}", record.len(), columns.len()),
                remedy: Some("put fields that hold a comma into double quotes".to_owned()),
            });
        }
        Ok(Self { columns, record })
    }

    pub(super) fn into_command(self) -> Made<Command> {
        let (steps, mut fields) = match (self.field("user"), self.field("usergroup")) {
            (Some(user), None) => (self.user_steps(user)?, self.user_fields(user)?),
            (None, Some(group)) => (self.group_steps()?, Map::from_iter([("usergroup".to_owned(), json!(group))])),
            (Some(_), Some(_)) => {
                return Err(Complaint::of_column(
                    "usergroup",
                    "a line is about a user or a user group, not both",
                    "write two lines",
                ));
            }
            (None, None) => {
                let column = if self.columns.position("user").is_some() { "user" } else { "usergroup" };
                return Err(Complaint::of_column(column, "it is empty", "say whom the command is about"));
            }
        };
        if steps.is_empty() {
            return Err(Complaint {
                column: Column::Whole,
                rule: "there is nothing to do".to_owned(),
                remedy: Some("fill one of the columns create, add, remove, …: umapi help command-files".to_owned()),
            });
        }
        if let Some(id) = self.field("request_id") {
            fields.insert("requestID".to_owned(), json!(id));
        }
        fields.insert("do".to_owned(), Value::Array(steps));
        let text = Value::Object(fields).to_string();
        command::parse(&text).map_err(|complaint| Complaint {
            column: self.column_of(&text, complaint.step, complaint.field.as_deref()),
            rule: complaint.rule,
            remedy: complaint.remedy,
        })
    }

    fn user_fields(&self, user: &str) -> Made<Map<String, Value>> {
        let mut fields = Map::from_iter([("user".to_owned(), json!(user))]);
        if let Some(domain) = self.field("domain") {
            fields.insert("domain".to_owned(), json!(domain));
        }
        if self.is_yes("use_adobe_id")? {
            fields.insert("useAdobeID".to_owned(), json!(true));
        }
        Ok(fields)
    }

    /// Create or update, remove, add, leave.
    fn user_steps(&self, user: &str) -> Made<Vec<Value>> {
        self.refuse(&OF_GROUPS, "it is about user groups", "leave it empty in a line about a user")?;
        let mut steps = Vec::new();
        let named = |fields: &[&str]| -> Map<String, Value> {
            fields.iter().filter_map(|field| Some(((*field).to_owned(), json!(self.field(field)?)))).collect()
        };
        if let Some(kind) = self.field("create") {
            let step = match kind.to_ascii_lowercase().as_str() {
                "adobe" => "addAdobeID",
                "enterprise" => "createEnterpriseID",
                "federated" => "createFederatedID",
                _ => {
                    let rule = format!("`{kind}` is no type of user");
                    return Err(Complaint::of_column("create", rule, "write adobe, enterprise or federated"));
                }
            };
            self.refuse(&["username"], "a new user has the user name that stands in `user`", "leave it empty")?;
            let mut body = named(&["firstname", "lastname", "country"]);
            body.insert("email".to_owned(), json!(self.field("email").unwrap_or(user)));
            self.insert_option(&mut body)?;
            steps.push(json!({ step: body }));
        } else {
            self.refuse(&["country"], "the country of a user cannot be changed", "leave it empty, or fill `create`")?;
            self.refuse(&["if_exists"], "it is about users that are created", "leave it empty, or fill `create`")?;
            let body = named(&["email", "firstname", "lastname", "username"]);
            if !body.is_empty() {
                steps.push(json!({ "update": body }));
            }
        }
        if let Some(names) = self.field("remove") {
            let body = if names == "*" { json!("all") } else { json!({ "group": self.list("remove")? }) };
            steps.push(json!({ "remove": body }));
        }
        if self.field("add").is_some() {
            steps.push(json!({ "add": { "group": self.list("add")? } }));
        }
        match self.field("remove_from_org").map(str::to_ascii_lowercase).as_deref() {
            None | Some("no" | "false") => {}
            Some("yes" | "true") => steps.push(json!({ "removeFromOrg": {} })),
            Some("delete") => steps.push(json!({ "removeFromOrg": { "deleteAccount": true } })),
            Some(other) => {
                return Err(Complaint::of_column(
                    "remove_from_org",
                    format!("`{other}` is no answer"),
                    "write yes or delete",
                ));
            }
        }
        Ok(steps)
    }

    /// Create or update, remove, add, delete.
    fn group_steps(&self) -> Made<Vec<Value>> {
        self.refuse(&OF_USERS, "it is about users", "leave it empty in a line about a user group")?;
        let mut steps = Vec::new();
        let described = |mut body: Map<String, Value>| {
            if let Some(text) = self.field("description") {
                body.insert("description".to_owned(), json!(text));
            }
            body
        };
        if self.is_yes("create")? {
            self.refuse(&["name"], "a new user group has the name that stands in `usergroup`", "leave it empty")?;
            let mut body = described(Map::new());
            self.insert_option(&mut body)?;
            steps.push(json!({ "createUserGroup": body }));
        } else {
            self.refuse(
                &["if_exists"],
                "it is about user groups that are created",
                "leave it empty, or fill `create`",
            )?;
            let name = self.field("name").map(|name| ("name".to_owned(), json!(name)));
            let body = described(name.into_iter().collect());
            if !body.is_empty() {
                steps.push(json!({ "updateUserGroup": body }));
            }
        }
        if self.field("remove") == Some("*") {
            self.refuse(&["remove_profiles"], "`remove` takes all profiles out too", "leave it empty")?;
            steps.push(json!({ "remove": "all" }));
        } else {
            self.push_members(&mut steps, "remove", "remove_profiles")?;
        }
        self.push_members(&mut steps, "add", "add_profiles")?;
        if self.is_yes("delete")? {
            steps.push(json!({ "deleteUserGroup": {} }));
        }
        Ok(steps)
    }

    fn push_members(&self, steps: &mut Vec<Value>, step: &str, profiles: &str) -> Made<()> {
        let mut body = Map::new();
        for (column, key) in [(step, "user"), (profiles, "productConfiguration")] {
            if self.field(column).is_some() {
                body.insert(key.to_owned(), json!(self.list(column)?));
            }
        }
        if !body.is_empty() {
            steps.push(json!({ step: body }));
        }
        Ok(())
    }

    fn insert_option(&self, body: &mut Map<String, Value>) -> Made<()> {
        let option = match self.field("if_exists").map(str::to_ascii_lowercase).as_deref() {
            None | Some("error") => return Ok(()),
            Some("ignore") => "ignoreIfAlreadyExists",
            Some("update") => "updateIfAlreadyExists",
            Some(other) => {
                return Err(Complaint::of_column(
                    "if_exists",
                    format!("`{other}` is no answer"),
                    "write error, ignore or update",
                ));
            }
        };
        body.insert("option".to_owned(), json!(option));
        Ok(())
    }

    /// The value of a column; nothing if it is empty or not there.
    fn field(&self, name: &str) -> Option<&'a str> {
        self.record.get(self.columns.position(name)?).filter(|value| !value.is_empty())
    }

    fn list(&self, name: &str) -> Made<Vec<String>> {
        split_list(self.field(name).unwrap_or_default())
            .map_err(|rule| Complaint::of_column(name, rule, "names are joined by `;`"))
    }

    fn is_yes(&self, name: &str) -> Made<bool> {
        match self.field(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("no" | "false") => Ok(false),
            Some("yes" | "true") => Ok(true),
            Some(other) => {
                Err(Complaint::of_column(name, format!("`{other}` is no answer"), "write yes, or leave it empty"))
            }
        }
    }

    /// Refuses the first of these columns that is filled.
    fn refuse(&self, names: &[&str], rule: &str, remedy: &str) -> Made<()> {
        match names.iter().find(|name| self.field(name).is_some()) {
            Some(name) => Err(Complaint::of_column(name, rule, remedy)),
            None => Ok(()),
        }
    }

    /// The column that a field of the JSON was made of.
    fn column_of(&self, text: &str, step: Option<usize>, field: Option<&str>) -> Column {
        let kind = step.and_then(|step| {
            let command: Value = serde_json::from_str(text).ok()?;
            command["do"].get(step)?.as_object()?.keys().next().cloned()
        });
        let is_list = matches!(kind.as_deref(), Some("add" | "remove"));
        let name = match field {
            Some("productConfiguration") if is_list => format!("{}_profiles", kind.unwrap_or_default()),
            _ if is_list => kind.unwrap_or_default(),
            Some("useAdobeID") => "use_adobe_id".to_owned(),
            Some("requestID") => "request_id".to_owned(),
            Some("option") => "if_exists".to_owned(),
            Some("deleteAccount" | "removeFromOrg") => "remove_from_org".to_owned(),
            // A new user without an address of its own has the one that names it.
            Some("email") if self.field("email").is_none() => "user".to_owned(),
            // A user name needs one, and there may be no such column.
            Some("domain") if self.field("domain").is_none() => "user".to_owned(),
            Some(field) => field.to_owned(),
            None => String::new(),
        };
        if self.columns.position(&name).is_some() { Column::Named(name) } else { Column::Whole }
    }
}
