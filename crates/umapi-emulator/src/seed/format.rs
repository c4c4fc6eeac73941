//! The format of a seed file.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SeedError;
use crate::store;

/// Levels that a seed may be nested in YAML: twice what the format has.
const DEEPEST: usize = 16;

/// All organizations of an emulator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// The organizations. One that owns a directory comes before those it trusts with it.
    pub organizations: Vec<Organization>,
}

/// An organization and all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organization {
    /// Its id: a hexadecimal number, then `@AdobeOrg`.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Whether it is being moved, and so lets nobody in.
    #[serde(default)]
    pub migrating: bool,
    /// The types of users it may create; all three if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_types: Option<Vec<UserType>>,
    /// Its directories.
    #[serde(default)]
    pub directories: Vec<Directory>,
    /// Its products.
    #[serde(default)]
    pub products: Vec<Product>,
    /// Its user groups.
    #[serde(default)]
    pub user_groups: Vec<UserGroup>,
    /// Its users.
    #[serde(default)]
    pub users: Vec<User>,
    /// Its integrations.
    #[serde(default)]
    pub integrations: Vec<Integration>,
    /// What else is to be made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
}

/// The type of a user's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UserType {
    /// The person's own account.
    #[serde(rename = "adobeID")]
    AdobeId,
    /// The organization's, with Adobe's login.
    #[serde(rename = "enterpriseID")]
    EnterpriseId,
    /// The organization's, with its own login.
    #[serde(rename = "federatedID")]
    FederatedId,
    /// An account whose type the service cannot tell.
    #[serde(rename = "unknown")]
    Unknown,
}

impl From<UserType> for store::UserKind {
    fn from(user_type: UserType) -> Self {
        match user_type {
            UserType::AdobeId => Self::AdobeId,
            UserType::EnterpriseId => Self::EnterpriseId,
            UserType::FederatedId => Self::FederatedId,
            UserType::Unknown => Self::Unknown,
        }
    }
}

/// A directory: the accounts of some domains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Directory {
    /// Its name.
    pub name: String,
    /// The type of its accounts.
    #[serde(rename = "type")]
    pub directory_type: DirectoryType,
    /// How its accounts log in; username login is for federated directories.
    #[serde(default)]
    pub login: Login,
    /// Whether another sync owns its accounts, so that none can be created through the service.
    #[serde(default)]
    pub synced: bool,
    /// The domains it claims.
    #[serde(default)]
    pub domains: Vec<Domain>,
    /// The ids of the organizations that may use it too.
    #[serde(default)]
    pub trusted_by: Vec<String>,
}

/// The type of a directory's accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DirectoryType {
    /// Enterprise IDs.
    Enterprise,
    /// Federated IDs.
    Federated,
}

/// How accounts log in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// By their email.
    #[default]
    Email,
    /// By a username that is no email.
    Username,
}

/// A claimed domain: its name, or more about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Domain {
    /// Its name.
    Name(String),
    /// Its name and how it is claimed.
    Claim(DomainClaim),
}

/// How a domain is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DomainClaim {
    /// Its name.
    pub name: String,
    /// Whether Adobe IDs with its addresses are kept out.
    #[serde(default)]
    pub enforced: bool,
}

/// A product and its profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// The service's id for it; one is made up if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its code.
    #[serde(default)]
    pub code: String,
    /// How many licenses were bought; what decides is the quota of each profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<u32>,
    /// Its profiles.
    #[serde(default)]
    pub profiles: Vec<Profile>,
}

/// A product profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many members hold a license; as many as there are if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<u32>,
}

/// A user group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserGroup {
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether another organization owns its users.
    #[serde(default)]
    pub read_only: bool,
    /// The names of the profiles that it brings to its users.
    #[serde(default)]
    pub profiles: Vec<String>,
}

/// The state of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum UserStatus {
    /// In good standing. Lists show these only.
    #[default]
    Active,
    /// Cannot log in for now.
    Disabled,
    /// Cannot log in for good.
    Locked,
    /// Being removed.
    Removed,
}

impl From<UserStatus> for store::UserStatus {
    fn from(status: UserStatus) -> Self {
        match status {
            UserStatus::Active => Self::Active,
            UserStatus::Disabled => Self::Disabled,
            UserStatus::Locked => Self::Locked,
            UserStatus::Removed => Self::Removed,
        }
    }
}

/// How an account stands to its organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// It is a user of it.
    #[default]
    Member,
    /// It is in a directory of it and no user of it.
    DirectoryOnly,
    /// It was invited and has not accepted.
    Invited,
}

impl From<Presence> for store::Presence {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Member => Self::Member,
            Presence::DirectoryOnly => Self::DirectoryOnly,
            Presence::Invited => Self::Invited,
        }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// The type of the account.
    #[serde(rename = "type")]
    pub user_type: UserType,
    /// The address: at most 60 characters.
    pub email: String,
    /// The username, if the account does not log in by its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The domain of the directory, for a username that is no email.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firstname: Option<String>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastname: Option<String>,
    /// The country: two upper-case letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The phone number, which the deprecated endpoints show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The state of the account.
    #[serde(default)]
    pub status: UserStatus,
    /// How the account stands to the organization.
    #[serde(default)]
    pub presence: Presence,
    /// Whether it is a technical account: counted, and not listed.
    #[serde(default)]
    pub technical: bool,
    /// The names of the groups the user is in: user groups, profiles, and administrative groups such as `_org_admin` or
    /// `_admin_Design`.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// An integration: what a client of the service logs in as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Integration {
    /// The client id, which is also the API key.
    pub client_id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The id of its technical account; `{clientId}@techacct.adobe.com` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technical_account: Option<String>,
    /// The address of its technical account; its id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technical_account_email: Option<String>,
    /// The client secrets that are valid.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Certificates and public keys in PEM, for JWTs.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The scopes it may ask for.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// The metascopes its JWTs may name.
    #[serde(default = "default_metascopes")]
    pub metascopes: Vec<String>,
    /// Whether each of its JWTs must have a new `jti`.
    #[serde(default)]
    pub jti_required: bool,
    /// Whether it may log in and call.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn default_scopes() -> Vec<String> {
    ["openid", "AdobeID", "user_management_sdk", "exchange_jwt"].map(str::to_owned).into()
}

fn default_metascopes() -> Vec<String> {
    vec!["ent_user_sdk".to_owned()]
}

fn yes() -> bool {
    true
}

/// What is to be made up: the same numbers make the same organization, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Generate {
    /// How many users.
    pub users: u32,
    /// How many user groups.
    #[serde(default)]
    pub groups: u32,
    /// How many product profiles.
    #[serde(default)]
    pub profiles: u32,
    /// What the choices depend on.
    #[serde(default)]
    pub seed: u64,
}

impl Seed {
    /// Reads YAML (and so JSON too).
    ///
    /// # Errors
    /// If it is no seed, with line and column.
    pub fn from_yaml(text: &str) -> Result<Self, SeedError> {
        // The file is the user's own, and may be as large as an organization; but what is nested without end would be
        // followed until the stack is used up.
        let budget = serde_saphyr::budget! {
            max_depth: DEEPEST,
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
            max_aliases: usize::MAX,
            max_anchors: usize::MAX,
            max_merge_keys: usize::MAX,
            enforce_alias_anchor_ratio: false,
        };
        let options = serde_saphyr::options! { budget: budget };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let location = error
                .location()
                .map_or_else(|| "its beginning".to_owned(), |at| format!("line {}, column {}", at.line(), at.column()));
            SeedError::Format { location, message: error.without_snippet().to_string() }
        })
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// If it is no seed, with line and column.
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        serde_json::from_str(text).map_err(|error| SeedError::Format {
            location: format!("line {}, column {}", error.line(), error.column()),
            message: error.to_string(),
        })
    }

    /// Reads a file: JSON if its name ends in `.json`, else YAML.
    ///
    /// # Errors
    /// If it cannot be read, or is no seed.
    pub fn from_file(path: &Path) -> Result<Self, SeedError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| SeedError::File { path: path.display().to_string(), error })?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if is_json { Self::from_json(&text) } else { Self::from_yaml(&text) }
    }
}

/// The JSON Schema of the format.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_refused_with_its_line() {
        let error = Seed::from_yaml("organizations:\n  - id: 1@AdobeOrg\n    nam: x\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("nam"), "{error}");
        let error = Seed::from_json("{\n\"organisations\":[]}").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("organisations"), "{error}");
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        for levels in [20, 100, 10_000] {
            let endless = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let seed = format!(
                "organizations: [{{id: 1@AdobeOrg, directories: [{{name: a, type: federated, domains: {endless}}}]}}]"
            );
            for refused in [Seed::from_yaml(&seed), Seed::from_yaml(&endless)] {
                assert!(matches!(refused, Err(SeedError::Format { .. })), "{refused:?}");
            }
        }
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = Seed::from_yaml("organizations: [{id: 1@AdobeOrg, userTypes: [adobeID]}]").unwrap();
        let json = serde_json::to_string(&yaml).unwrap();
        assert_eq!(Seed::from_json(&json).unwrap(), yaml);
    }

    #[test]
    fn the_schema_names_every_part() {
        let schema = serde_json::to_string(&json_schema()).unwrap();
        for part in ["userGroups", "trustedBy", "clientId", "readOnly", "generate"] {
            assert!(schema.contains(part), "{part}");
        }
    }
}
