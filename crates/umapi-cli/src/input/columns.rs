//! The columns of a CSV file, by any of the names that people and other tools give them.

use std::collections::{HashMap, hash_map::Entry};

use csv::StringRecord;
use umapi::{AccountKind, plan::account::FoldedName};

use super::{
    csv::Row,
    diagnostic::{Diagnostic, SourceLocation},
};
use crate::accounts::parse_kind;

/// The name of a column as this command calls it, without regard to case, blanks and punctuation: `E-Mail Address` is
/// `email`, `First Name` and `Vorname` are
/// `firstname`.
pub(super) fn column_name(name: &str) -> String {
    let plain = plain_name(name);
    let known = match plain.as_str() {
        "e_mail" | "email_address" | "e_mail_address" | "mail" | "mail_address" | "user_email" | "e_mail_adresse"
        | "email_adresse" | "mailadresse" => "email",
        "first_name" | "given_name" | "givenname" | "forename" | "vorname" => "firstname",
        "last_name" | "family_name" | "familyname" | "surname" | "nachname" | "familienname" => "lastname",
        "country_code" | "countrycode" | "land" | "ländercode" | "länderkürzel" | "landeskennung" => "country",
        "user_name" | "benutzername" => "username",
        "user_type" | "account_type" | "identity_type" => "type",
        _ => return plain,
    };
    known.to_owned()
}

/// Refuses a second column of the same meaning. `names` are the meanings of the columns.
pub(super) fn check_unique<'a>(
    shown: &StringRecord,
    names: impl Iterator<Item = &'a str>,
    line: u64,
) -> Result<(), Diagnostic> {
    let mut earlier: HashMap<String, &str> = HashMap::new();
    for (name, shown) in names.zip(shown) {
        let first = match earlier.entry(plain_name(name)) {
            Entry::Vacant(entry) => {
                entry.insert(shown);
                continue;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let rule = match first == shown {
            true => format!("there are two columns `{name}`"),
            false => format!("there are two columns for `{name}`: `{first}` and `{shown}`"),
        };
        return Err(Diagnostic::new(SourceLocation::column(line, shown), rule).remedy("delete one of them"));
    }
    Ok(())
}

/// The name in lower case, with `_` for everything between its words.
fn plain_name(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars() {
        if letter.is_alphanumeric() {
            plain.extend(letter.to_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('_') {
            plain.push('_');
        }
    }
    plain.truncate(plain.trim_end_matches('_').len());
    plain
}

/// A table of users from another tool, with a user per row.
#[derive(Clone, Debug)]
pub(super) struct ForeignTable {
    tool: Tool,
    /// The names of the columns as in the file.
    names: StringRecord,
    parts: Vec<Part>,
}

/// A tool that writes or reads tables of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    /// The CSV of the Admin Console, for many users at once.
    AdminConsole,
    /// The file of users of user-sync.py.
    UserSync,
}

/// What a column says about the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Kind,
    Username,
    Domain,
    Email,
    FirstName,
    LastName,
    Country,
    /// Groups whose names begin with this.
    Groups(&'static str),
    AdminRoles,
    Ignored,
    Unknown,
}

/// A user in a table of another tool, with all their groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ForeignUser {
    pub(super) kind: Option<AccountKind>,
    /// The username, or the address if there is no other name.
    pub(super) name: String,
    /// The domain of a username that is not an address.
    pub(super) domain: Option<String>,
    pub(super) email: String,
    pub(super) firstname: Option<String>,
    pub(super) lastname: Option<String>,
    pub(super) country: Option<String>,
    pub(super) groups: Vec<String>,
}

impl ForeignTable {
    /// Recognizes the header of another tool.
    pub(super) fn recognize(header: &StringRecord) -> Option<Self> {
        let plain: Vec<String> = header.iter().map(plain_name).collect();
        let has = |name: &str| plain.iter().any(|column| column == name);
        let tool = if has("identity_type") && has("email") && has("username") {
            Tool::AdminConsole
        } else if plain.starts_with(&["firstname", "lastname", "email", "country", "groups"].map(str::to_owned)) {
            Tool::UserSync
        } else {
            return None;
        };
        let parts = plain.iter().map(|name| tool.part(name)).collect();
        Some(Self { tool, names: header.clone(), parts })
    }

    /// Whether the empty fields at the end of a row may be left out.
    pub(super) fn has_short_rows(&self) -> bool {
        self.tool == Tool::UserSync
    }

    /// The name in the file of the column that a field of a command was made from.
    pub(super) fn column_of(&self, field: Option<&str>) -> Option<&str> {
        let part = match field? {
            "user" | "username" => [Part::Username, Part::Email],
            "domain" => [Part::Domain, Part::Username],
            "email" => [Part::Email; 2],
            "firstname" => [Part::FirstName; 2],
            "lastname" => [Part::LastName; 2],
            "country" => [Part::Country; 2],
            "group" => [Part::Groups(""); 2],
            "type" => [Part::Kind; 2],
            _ => return None,
        };
        part.iter().find_map(|part| self.names.get(self.parts.iter().position(|own| own == part)?))
    }

    /// The user of a row.
    pub(super) fn user(&self, row: &Row) -> Result<ForeignUser, Diagnostic> {
        let mut user = ForeignUser::default();
        let mut username = None;
        for ((part, field), name) in self.parts.iter().zip(&row.fields).zip(&self.names) {
            let mistake = |rule: String| Diagnostic::new(SourceLocation::column(row.line, name), rule);
            let text = Some(field.to_owned()).filter(|text| !text.is_empty());
            match (part, text) {
                (_, None) | (Part::Ignored, _) => {}
                (Part::Kind, Some(text)) => user.kind = Some(kind_of(&text).map_err(mistake)?),
                (Part::Username, text) => username = text,
                (Part::Domain, text) => user.domain = text,
                (Part::Email, Some(text)) => user.email = text,
                (Part::FirstName, text) => user.firstname = text,
                (Part::LastName, text) => user.lastname = text,
                (Part::Country, text) => user.country = text,
                (Part::Groups(prefix), Some(text)) => {
                    user.groups.extend(items(&text).map(|name| format!("{prefix}{name}")));
                }
                (Part::AdminRoles, Some(text)) => {
                    for role in items(&text) {
                        let group = admin_group(role).ok_or_else(|| {
                            mistake(format!("the API does not know the role `{role}`"))
                                .remedy("delete it here, and give the role in the Admin Console")
                        })?;
                        user.groups.push(group.to_owned());
                    }
                }
                (Part::Unknown, Some(text)) => {
                    return Err(mistake(format!("what this column says cannot be transferred: `{text}`"))
                        .remedy("empty the field, or delete the column"));
                }
            }
        }
        if user.email.is_empty() {
            let column = self.column_of(Some("email")).unwrap_or("email");
            return Err(Diagnostic::new(SourceLocation::column(row.line, column), "the field is empty")
                .remedy("write the email address of the user"));
        }
        user.set_name(username);
        Ok(user)
    }
}

impl Tool {
    /// What a column is for this tool.
    fn part(self, name: &str) -> Part {
        match (self, name) {
            (_, "email") => Part::Email,
            (_, "username") => Part::Username,
            (_, "domain") => Part::Domain,
            (Self::AdminConsole, "identity_type") | (Self::UserSync, "type") => Part::Kind,
            (Self::AdminConsole, "first_name") | (Self::UserSync, "firstname") => Part::FirstName,
            (Self::AdminConsole, "last_name") | (Self::UserSync, "lastname") => Part::LastName,
            (Self::AdminConsole, "country_code") | (Self::UserSync, "country") => Part::Country,
            (Self::AdminConsole, "product_configurations" | "user_groups") | (Self::UserSync, "groups") => {
                Part::Groups("")
            }
            (Self::AdminConsole, "product_configurations_administered" | "user_groups_administered") => {
                Part::Groups("_admin_")
            }
            (Self::AdminConsole, "products_administered") => Part::Groups("_product_admin_"),
            (Self::AdminConsole, "developer_access") => Part::Groups("_developer_"),
            (Self::AdminConsole, "admin_roles") => Part::AdminRoles,
            // The console assigns these products by itself.
            (Self::AdminConsole, "id" | "auto_assigned_products") => Part::Ignored,
            (Self::AdminConsole, _) => Part::Unknown,
            // Attributes for the configuration of user-sync.
            (Self::UserSync, _) => Part::Ignored,
        }
    }
}

impl ForeignUser {
    /// Sets the name by which the service knows the user: a username that is not an address comes with a domain, which is
    /// the domain of the address if none is given.
    fn set_name(&mut self, username: Option<String>) {
        match username {
            Some(username) if !username.contains('@') => {
                let own = || self.email.rsplit_once('@').map(|(_, domain)| domain.to_owned());
                self.domain = self.domain.take().or_else(own);
                self.name = username;
            }
            username => {
                self.domain = None;
                let is_other = |name: &String| FoldedName::user(name) != FoldedName::user(&self.email);
                self.name = username.filter(is_other).unwrap_or_else(|| self.email.clone());
            }
        }
    }
}

/// The names of a list, which these tools join by commas.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The type of an account: `Federated ID`, `federatedID`.
pub(super) fn kind_of(text: &str) -> Result<AccountKind, String> {
    let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    parse_kind(&plain).map_err(|_| format!("unknown user type `{text}`; write adobeID, enterpriseID or federatedID"))
}

/// The group of an administrative role.
fn admin_group(role: &str) -> Option<&'static str> {
    let plain: String = role.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    match plain.strip_suffix("istrator").unwrap_or(&plain) {
        "systemadmin" | "sysadmin" | "orgadmin" | "organizationadmin" => Some("_org_admin"),
        "supportadmin" => Some("_support_admin"),
        "deploymentadmin" => Some("_deployment_admin"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_many_names() {
        for (name, expected) in [
            ("User", "user"),
            ("E-Mail Address", "email"),
            ("Email Address", "email"),
            (" e-mail: ", "email"),
            ("First Name", "firstname"),
            ("SURNAME", "lastname"),
            ("Vorname", "firstname"),
            ("Nachname", "lastname"),
            ("E-Mail", "email"),
            ("E-Mail-Adresse", "email"),
            ("Land", "country"),
            ("Länderkürzel", "country"),
            ("Country Code", "country"),
            ("remove_from_org", "remove_from_org"),
            ("Remove from Org", "remove_from_org"),
            ("Größe", "größe"),
        ] {
            assert_eq!(column_name(name), expected);
        }
    }

    fn user(header: &[&str], fields: &[&str]) -> Result<ForeignUser, String> {
        let table = ForeignTable::recognize(&StringRecord::from(header.to_vec())).unwrap();
        let row = Row { line: 2, fields: StringRecord::from(fields.to_vec()), text: String::new() };
        table.user(&row).map_err(|mistake| mistake.to_string())
    }

    const CONSOLE: [&str; 8] = [
        "Identity Type",
        "Username",
        "Domain",
        "Email",
        "Admin Roles",
        "User Groups",
        "User Groups Administered",
        "New Column",
    ];

    #[test]
    fn row_of_the_admin_console_is_a_user() {
        let fields =
            ["Federated ID", "ann", "B.c", "ann@mail.c", "Support Administrator", "Design, Sales", "Sales", ""];
        let read = user(&CONSOLE, &fields).unwrap();
        assert_eq!((read.name.as_str(), read.domain.as_deref()), ("ann", Some("B.c")));
        assert_eq!(read.groups, ["_support_admin", "Design", "Sales", "_admin_Sales"]);
        let read = user(&CONSOLE, &["Adobe ID", "ANN@mail.c", "mail.c", "ann@mail.c", "", "", "", ""]).unwrap();
        assert_eq!((read.name.as_str(), read.domain, read.kind), ("ann@mail.c", None, Some(AccountKind::AdobeId)));
        for (index, value, expected) in [
            (0, "Martian", "line 2, column `Identity Type`: unknown user type `Martian`"),
            (3, "", "line 2, column `Email`: the field is empty"),
            (4, "Storage Admin", "line 2, column `Admin Roles`: the API does not know the role `Storage Admin`"),
            (7, "x", "line 2, column `New Column`: what this column says cannot be transferred: `x`"),
        ] {
            let mut fields = fields;
            fields[index] = value;
            let mistake = user(&CONSOLE, &fields).unwrap_err();
            assert!(mistake.starts_with(expected), "{mistake}");
        }
    }

    #[test]
    fn row_of_user_sync_is_a_user() {
        let header =
            ["firstname", "lastname", "email", "country", "groups", "type", "username", "domain", "costcenter"];
        let read = user(&header, &["Ann", "Lee", "ann@b.c", "us", "A,B", "federatedID", "ann", "", "7"]).unwrap();
        assert_eq!((read.name.as_str(), read.domain.as_deref()), ("ann", Some("b.c")));
        assert_eq!((read.groups, read.country.as_deref()), (vec!["A".to_owned(), "B".to_owned()], Some("us")));
        assert!(ForeignTable::recognize(&StringRecord::from(vec!["user", "firstname", "groups"])).is_none());
    }
}
