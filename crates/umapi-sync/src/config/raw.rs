//! The tables of the file, as they are written. Their JSON Schema is published.

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use toml::Spanned;
use umapi_directory::DirectorySettings;

/// `[[org]]`: an Adobe organization.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrgTable {
    /// The profile of `umapi config` with its login.
    #[schemars(with = "String")]
    pub(super) profile: Spanned<String>,
    /// The name by which targets refer to it. Default: the name of the profile.
    #[schemars(with = "Option<String>")]
    pub(super) name: Option<Spanned<String>>,
}

/// `[people]`: how a person becomes a user. Texts are templates: `{mail}`, `{c|upper|or:US}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleTable {
    /// The kind of account: `federated`, `enterprise`, `adobeID`, or a template that gives one of them.
    #[serde(rename = "type")]
    #[schemars(with = "Option<String>")]
    pub(super) kind: Option<Spanned<String>>,
    /// The email address.
    #[schemars(with = "Option<String>")]
    pub(super) email: Option<Spanned<String>>,
    /// The username, if it is not the address.
    #[schemars(with = "Option<String>")]
    pub(super) username: Option<Spanned<String>>,
    /// The domain of a username that is not an address.
    #[schemars(with = "Option<String>")]
    pub(super) domain: Option<Spanned<String>>,
    /// The first name.
    #[schemars(with = "Option<String>")]
    pub(super) firstname: Option<Spanned<String>>,
    /// The last name.
    #[schemars(with = "Option<String>")]
    pub(super) lastname: Option<Spanned<String>>,
    /// The country, as two letters of ISO 3166-1.
    #[schemars(with = "Option<String>")]
    pub(super) country: Option<Spanned<String>>,
    /// The fields that follow the directory after the user was created.
    #[serde(default)]
    pub(super) update: Vec<UpdatableField>,
    /// A condition in CEL: who is left out.
    #[schemars(with = "Option<String>")]
    pub(super) skip: Option<Spanned<String>>,
    /// What a disabled account means.
    #[serde(default)]
    pub(super) disabled: DisabledPeople,
}

/// A field of a user that can follow the directory.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdatableField {
    /// The first name.
    Firstname,
    /// The last name.
    Lastname,
    /// The email address.
    Email,
    /// The username.
    Username,
}

/// What a disabled account of the directory means.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DisabledPeople {
    /// Its owner left.
    #[default]
    Leave,
    /// It is left out: what the user has stays.
    Skip,
    /// Nothing.
    Stay,
}

/// `[[map]]`: members of one group become members of others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MapTable {
    /// A group of the directory, or a pattern between slashes.
    #[schemars(with = "String")]
    pub(super) from: Spanned<String>,
    /// Groups of Adobe: `Design`, `emea::Design`; with a pattern also `ACL $1`. None: the rule only selects people.
    #[schemars(with = "OneOrMany")]
    pub(super) to: Spanned<OneOrMany>,
    /// Whether a user group that does not exist is created.
    #[serde(default)]
    pub(super) create: bool,
    /// The directory, if the rule is not for all of them.
    #[schemars(with = "Option<String>")]
    pub(super) directory: Option<Spanned<String>>,
}

/// A text, or a list of texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// `[protect]`: who and what is never touched.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProtectTable {
    /// Groups whose memberships stay as they are. Administrators are always protected.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// Kinds of accounts: `adobeID`, `enterpriseID`, `federatedID`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) types: Vec<Spanned<String>>,
    /// Users: regular expressions for the whole address or username.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) users: Vec<Spanned<String>>,
}

/// `[leavers]`: what happens to users who left the directory. `now`, a number of days such as `30d`, or `never`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaversTable {
    /// When they lose the groups that the rules give. Default: now.
    #[schemars(with = "Option<String>")]
    pub(super) unmap: Option<Spanned<String>>,
    /// When they are removed from the organization. Default: never.
    #[schemars(with = "Option<String>")]
    pub(super) remove: Option<Spanned<String>>,
    /// When their accounts are deleted, with their files. Default: never.
    #[schemars(with = "Option<String>")]
    pub(super) delete: Option<Spanned<String>>,
    /// Who can be one.
    #[serde(default)]
    pub(super) who: LeaverScope,
}

/// Which users of Adobe can be leavers.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaverScope {
    /// Those whom an earlier run found in the directory.
    #[default]
    Known,
    /// Everybody who is not in the directory, even if they never were.
    Everyone,
}

/// Who takes part.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeopleScope {
    /// Members of the groups of `[[map]]`.
    #[default]
    Mapped,
    /// Everybody in the directories.
    All,
}

/// `[scope]`: who takes part. Who does not is not a leaver.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeTable {
    /// Who takes part.
    #[serde(default)]
    pub(super) people: PeopleScope,
}

/// `[guard]`: what stops a run before it changes anything. A number, a share such as `"5%"`, or `"off"`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GuardTable {
    /// How many users may leave. Default: 5%.
    #[schemars(with = "Option<NumberOrText>")]
    pub(super) leavers: Option<Spanned<NumberOrText>>,
    /// How many members a group may lose; a share counts for groups of ten and more. Default: 20%.
    #[schemars(with = "Option<NumberOrText>")]
    pub(super) removals_per_group: Option<Spanned<NumberOrText>>,
    /// How many users may be created. Default: 500.
    #[schemars(with = "Option<NumberOrText>")]
    pub(super) creations: Option<Spanned<NumberOrText>>,
    /// By how much a directory or a group of it may shrink. Default: 10%.
    #[schemars(with = "Option<NumberOrText>")]
    pub(super) directory_shrinks: Option<Spanned<NumberOrText>>,
    /// What happens if more licenses are needed than there are. Default: stop.
    #[serde(default)]
    pub(super) licenses: LicenseGuard,
    /// What a run does that stopped. Default: quarantine.
    #[serde(default)]
    pub(super) on_trip: OnTrip,
}

/// What happens if more licenses are needed than there are.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LicenseGuard {
    /// The run stops.
    #[default]
    Stop,
    /// The report says so.
    Warn,
}

/// What a run does that a guard stopped.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTrip {
    /// It changes nothing, and neither does any later run until `umapi sync allow`.
    #[default]
    Quarantine,
    /// It changes nothing. The next run looks again.
    Stop,
}

/// A number, or a text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum NumberOrText {
    Number(u64),
    Text(String),
}

/// The whole file, for its schema. It is read table by table, so that all mistakes are found.
#[derive(JsonSchema)]
#[schemars(rename = "SyncConfig", deny_unknown_fields)]
#[allow(dead_code)]
struct File {
    /// The organizations. The first one is the primary one.
    org: Vec<OrgTable>,
    /// Where people and groups are read.
    directory: Vec<DirectoryTable>,
    /// How a person becomes a user.
    people: PeopleTable,
    /// Which groups become which.
    map: Vec<MapTable>,
    /// Who and what is never touched.
    protect: Option<ProtectTable>,
    /// What happens to users who left the directory.
    leavers: Option<LeaversTable>,
    /// Who takes part.
    scope: Option<ScopeTable>,
    /// What stops a run.
    guard: Option<GuardTable>,
}

/// `[[directory]]`: where people and groups are read.
#[derive(JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
#[allow(dead_code)]
struct DirectoryTable {
    /// The name by which rules and messages refer to it. Default: its kind.
    name: Option<String>,
    #[schemars(flatten)]
    mirror: MirrorTable,
    #[schemars(flatten)]
    settings: DirectorySettings,
}

/// The keys of `[[directory]]` about what is kept of a directory.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct MirrorTable {
    /// Whether a run reads only what changed since the one before, from a directory that can tell. What the sync uses of its
    /// people is then kept in a file beside the state. Default: no.
    pub(super) delta: Option<bool>,
    /// With `delta`: after how many days everything is read again. Default: 7.
    #[schemars(with = "Option<u32>", range(min = 1))]
    pub(super) whole_after_days: Option<Spanned<u32>>,
}

/// The JSON Schema of the file.
pub fn schema() -> Schema {
    schema_for!(File)
}
