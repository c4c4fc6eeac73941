//! The file format of a seed.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    SeedError,
    mistake::{self, Mistake},
};
use crate::{limits::LimitSettings, store};

/// Deepest nesting of a seed in YAML: twice what the format needs.
const DEEPEST: usize = 16;

/// A seed: all organizations of an emulator.
///
/// A program builds one from what it has, and writes the schema for the people who write theirs by hand:
///
/// ```
/// use umapi_emulator::seed::{self, Generate, Organization, Seed};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("seed.json");
/// let generate = Generate { users: 5000, groups: 20, profiles: 5, seed: 42 };
/// let large = Organization {
///     id: "12345@AdobeOrg".to_owned(),
///     generate: Some(generate),
///     ..Organization::default()
/// };
/// let seed = Seed { organizations: vec![large], limits: None };
/// std::fs::write(&path, serde_json::to_vec(&seed)?)?;
/// assert_eq!(Seed::from_file(&path)?, seed);
/// assert_eq!(Seed::from_json(&serde_json::to_string(&seed)?)?, seed);
/// println!("{}", serde_json::to_string_pretty(&seed::json_schema())?);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// The organizations. One that owns a directory comes before those that it trusts with it.
    pub organizations: Vec<Organization>,
    /// The rate limits that the emulator starts with, unless it is given others; the documented ones if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitSettings>,
}

/// An organization and its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organization {
    /// Its id: a hexadecimal number followed by `@AdobeOrg`.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Whether it is migrating, and so rejects logins and changes.
    #[serde(default)]
    pub migrating: bool,
    /// The types of users that it may create; all three if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_types: Option<Vec<UserType>>,
    /// Whether an Enterprise or Federated ID can be created with the address of an Adobe ID (default true). If not, such
    /// a create step succeeds and creates nothing. The users of a seed may share addresses in any case.
    #[serde(default = "yes")]
    pub shared_addresses: bool,
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
    /// What to generate in addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            migrating: false,
            user_types: None,
            shared_addresses: true,
            directories: Vec::new(),
            products: Vec::new(),
            user_groups: Vec::new(),
            users: Vec::new(),
            integrations: Vec::new(),
            generate: None,
        }
    }
}

/// The type of a user's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UserType {
    /// Owned by the person.
    #[serde(rename = "adobeID")]
    AdobeId,
    /// Owned by the organization, with Adobe's login.
    #[serde(rename = "enterpriseID")]
    EnterpriseId,
    /// Owned by the organization, with its own login.
    #[serde(rename = "federatedID")]
    FederatedId,
    /// The service cannot determine the type.
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
    /// How its accounts log in; username login is for federated directories only.
    #[serde(default)]
    pub login: Login,
    /// Whether another sync owns its accounts, so that the service cannot create any.
    #[serde(default)]
    pub synced: bool,
    /// The domains it claims.
    #[serde(default)]
    pub domains: Vec<Domain>,
    /// The ids of other organizations that may use it.
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
    /// With their email address.
    #[default]
    Email,
    /// With a username that is not an email address.
    Username,
}

/// A claimed domain: its name, or its name and how it is claimed.
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
    /// Whether Adobe IDs with addresses in this domain are rejected.
    #[serde(default)]
    pub enforced: bool,
}

/// A product and its profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// The service's id for it; computed if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its code.
    #[serde(default)]
    pub code: String,
    /// How many licenses were bought. Only the quota of each profile has an effect.
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
    /// How many members can hold a license; unlimited if absent.
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
    /// The names of the profiles that are assigned to it.
    #[serde(default)]
    pub profiles: Vec<String>,
}

/// The state of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum UserStatus {
    /// In good standing. Lists show only these.
    #[default]
    Active,
    /// Temporarily unable to log in.
    Disabled,
    /// Permanently unable to log in.
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

/// The relation of an account to its organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// A user of the organization.
    #[default]
    Member,
    /// In a directory of the organization, but not a user of it.
    DirectoryOnly,
    /// Invited, and has not accepted.
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
    /// The username, if the account does not log in with its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The domain of the directory, for a username that is not an email address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firstname: Option<String>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastname: Option<String>,
    /// The two-letter country code, in upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The phone number, which the deprecated endpoints return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The state of the account.
    #[serde(default)]
    pub status: UserStatus,
    /// The relation of the account to the organization.
    #[serde(default)]
    pub presence: Presence,
    /// Whether it is a technical account, which is counted but not listed.
    #[serde(default)]
    pub technical: bool,
    /// The names of the groups of the user: user groups, profiles, and administrative groups, e.g. `_org_admin` or
    /// `_admin_Design`.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// An integration: the credentials that a client logs in with.
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
    /// PEM certificates and public keys that verify its JWTs.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The scopes that it may request.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// The metascopes that its JWTs may contain.
    #[serde(default = "default_metascopes")]
    pub metascopes: Vec<String>,
    /// Whether each of its JWTs needs a new `jti`.
    #[serde(default)]
    pub jti_required: bool,
    /// Whether it may log in and send requests.
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

/// What to generate: the same numbers always generate the same organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Generate {
    /// How many users; at most 10,000,000.
    pub users: u32,
    /// How many user groups.
    #[serde(default)]
    pub groups: u32,
    /// How many product profiles.
    #[serde(default)]
    pub profiles: u32,
    /// The seed of the random numbers.
    #[serde(default)]
    pub seed: u64,
}

impl Seed {
    /// Parses YAML, which includes JSON.
    ///
    /// # Errors
    /// If it is not a seed, with line and column.
    pub fn from_yaml(text: &str) -> Result<Self, SeedError> {
        mistake::read_yaml(text, options()).map_err(SeedError::of_mistake)
    }

    /// Parses JSON.
    ///
    /// # Errors
    /// If it is not a seed, with line and column.
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        mistake::read_json(text, options()).map_err(SeedError::of_mistake)
    }

    /// Reads a file: JSON if its name ends in `.json`, otherwise YAML.
    ///
    /// # Errors
    /// If it cannot be read, or is not a seed.
    pub fn from_file(path: &Path) -> Result<Self, SeedError> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| SeedError::File { path: file.clone(), error })?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let read = mistake::text_of(&bytes).and_then(|text| match is_json {
            true => mistake::read_json(text, options()),
            false => mistake::read_yaml(text, options()),
        });
        read.map_err(|Mistake { location, message }| SeedError::Format {
            location: format!("{file}, {location}"),
            message,
        })
    }
}

/// The file is the user's own, and may be as large as an organization. Only the nesting is limited, because unlimited
/// nesting would overflow the stack.
pub(crate) fn options() -> serde_saphyr::Options {
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
    serde_saphyr::options! { budget: budget }
}

/// Returns the JSON Schema of the format.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_rejected_with_its_line() {
        let error = Seed::from_yaml("organizations:\n  - id: 1@AdobeOrg\n    nam: x\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("nam"), "{error}");
        let error = Seed::from_json("{\n\"organisations\":[]}").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("organisations"), "{error}");
    }

    #[test]
    fn excessive_nesting_is_rejected() {
        for levels in [20, 100, 10_000] {
            let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let seed = format!(
                "organizations: [{{id: 1@AdobeOrg, directories: [{{name: a, type: federated, domains: {nested}}}]}}]"
            );
            for result in [Seed::from_yaml(&seed), Seed::from_yaml(&nested)] {
                assert!(matches!(result, Err(SeedError::Format { .. })), "{result:?}");
            }
        }
    }

    #[test]
    fn yaml_and_json_are_equivalent() {
        let yaml = Seed::from_yaml("organizations: [{id: 1@AdobeOrg, userTypes: [adobeID]}]").unwrap();
        let json = serde_json::to_string(&yaml).unwrap();
        assert_eq!(Seed::from_json(&json).unwrap(), yaml);
    }

    #[test]
    fn the_schema_names_every_part() {
        let schema = serde_json::to_string(&json_schema()).unwrap();
        for part in ["userGroups", "trustedBy", "clientId", "readOnly", "generate", "firstPages"] {
            assert!(schema.contains(part), "{part}");
        }
    }
}
