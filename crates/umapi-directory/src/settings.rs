//! The settings of each kind of directory, as a configuration file holds them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of directories, and their settings.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum DirectorySettings {
    /// A file of people.
    File(FileSettings),
    /// A program that prints people.
    Exec(ExecSettings),
    /// A server that speaks LDAP.
    Ldap(LdapSettings),
    /// Entra ID (Azure Active Directory).
    Entra(EntraSettings),
    /// An Okta organization.
    Okta(OktaSettings),
    /// A Google Workspace account.
    Google(GoogleSettings),
    /// The users and groups of another Adobe organization.
    Adobe(AdobeSettings),
}

impl DirectorySettings {
    /// Whether directories of this kind can tell what changed. One of them may still not: OpenLDAP cannot, Active Directory
    /// can.
    pub fn can_tell_changes(&self) -> bool {
        match self {
            Self::File(_) | Self::Exec(_) | Self::Google(_) | Self::Adobe(_) => false,
            Self::Ldap(_) | Self::Entra(_) | Self::Okta(_) => true,
        }
    }
}

/// A file of people: CSV, JSON, NDJSON or YAML. Each has its attributes and the names of its groups.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// The file. A relative path starts at the folder of the configuration.
    pub path: PathBuf,
    /// The format, if the ending of the name does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// The delimiter of CSV, if it is not found in the first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The character encoding, such as `windows-1252`. Default: UTF-8, or what a byte order mark says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The attribute that stays when name and address of a person change. Default: `id` if there is one, else `username`,
    /// else `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The attribute with the names of the groups. Default: `groups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// What separates the names of groups in one field of CSV. Default: a comma; then a field with `;` or `|` is refused,
    /// because it may be one name or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_separator: Option<char>,
}

/// A format of a file of people.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Lines with delimiters, the first of them the names of the attributes.
    Csv,
    /// An array of objects.
    Json,
    /// An object on each line.
    Ndjson,
    /// A list of maps.
    Yaml,
}

/// A program that prints people as NDJSON, and says at the end whether these were all.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExecSettings {
    /// The program and its arguments. No shell reads them.
    pub command: Vec<String>,
    /// How long it may run, in seconds. Default: 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// A server that speaks LDAP: OpenLDAP, 389 Directory Server, FreeIPA, Active Directory.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LdapSettings {
    /// The servers, in the order in which they are tried: `ldaps://dc1.example.com`.
    #[schemars(with = "OneOrMany<String>")]
    #[serde(deserialize_with = "one_or_many")]
    pub url: Vec<String>,
    /// Where people and groups are searched: `DC=example,DC=com`.
    pub base: String,
    /// Where groups are searched, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_base: Option<String>,
    /// The names of attributes and filters. Default: found from the server's root entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<LdapPreset>,
    /// Who logs in. Default: nobody, or whom the system says with `login = "external"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// How to log in. Default: `simple` with a user, else `anonymous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LdapLogin>,
    /// Whether a connection to `ldap://` is encrypted by StartTLS. Default: yes, except over `ldapi://` and on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_tls: Option<bool>,
    /// A PEM file with additional certificates to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_certificates: Option<PathBuf>,
    /// Which entries are people, in place of the preset's filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_filter: Option<String>,
    /// Which entries are groups, in place of the preset's filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_filter: Option<String>,
    /// The attribute with the name of a group. Default: `cn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// The attribute that stays when everything else of a person changes, in place of the preset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether members of groups in a group count. Default: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<bool>,
    /// What it means that a group names a member whom the user cannot find: that the member is `gone`, or perhaps `hidden`,
    /// so that nobody is removed from the group. Default: `hidden` on Active Directory, which keeps no names of deleted
    /// members, else `gone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_members: Option<MissingMembers>,
    /// Whether the domains that the server refers to, such as the child domains of a forest, hold nobody who matters. Default:
    /// no, and lists are not whole with such a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_referrals: Option<bool>,
    /// The number of entries in a page. Default: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// How long a server may take for an answer, in seconds. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// Names of attributes and filters of a product.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LdapPreset {
    /// Active Directory, and Samba as its domain controller.
    Ad,
    /// OpenLDAP.
    OpenLdap,
    /// 389 Directory Server.
    #[serde(rename = "389ds")]
    Ds389,
    /// FreeIPA.
    FreeIpa,
}

/// What a member means whom the user of a directory cannot find.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingMembers {
    /// The member was deleted, and the name stayed in the group.
    Gone,
    /// The user may not see the member.
    Hidden,
}

/// How to log in to a server that speaks LDAP.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LdapLogin {
    /// With user and password.
    Simple,
    /// As the user of this process (`ldapi://`), or of the client's certificate.
    External,
    /// As nobody.
    Anonymous,
}

/// Entra ID, which was called Azure Active Directory. It is read by Microsoft Graph, with an application that has the
/// permissions `User.Read.All` and `GroupMember.Read.All`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EntraSettings {
    /// The tenant: its id, or one of its domains such as `example.onmicrosoft.com`.
    pub tenant: String,
    /// The application (client) id.
    pub client_id: String,
    /// The secret of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretSource>,
    /// The private key (PEM) of a certificate of the application, in place of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<SecretSource>,
    /// The passphrase of the private key, if it is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key_passphrase: Option<SecretSource>,
    /// The file with the certificate (PEM). Default: it stands beside the private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The cloud of the tenant. Default: `global`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<EntraCloud>,
    /// The address of the login server, in place of that of the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_url: Option<String>,
    /// The address of Microsoft Graph, in place of that of the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph_url: Option<String>,
    /// A PEM file with additional certificates to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_certificates: Option<PathBuf>,
    /// How long a server may take for an answer, in seconds. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// A cloud of Microsoft.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EntraCloud {
    /// The one of most tenants.
    #[default]
    Global,
    /// US Government L4.
    UsGovernment,
    /// US Government L5 (DOD).
    UsGovernmentDod,
    /// China, operated by 21Vianet.
    China,
}

/// An Okta organization. It is read with a token, or as an application with `client_id` and `private_key`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OktaSettings {
    /// The address of the organization: `https://example.okta.com`.
    pub url: String,
    /// An API token. It has the rights of the administrator who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretSource>,
    /// The client id of an application that was granted `okta.users.read` and `okta.groups.read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The private key of the application, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<SecretSource>,
    /// The id of the key (`kid`), if the application has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The statuses of people whose accounts are in use. Default: `ACTIVE`, `PROVISIONED`, `RECOVERY`, `PASSWORD_EXPIRED`,
    /// `LOCKED_OUT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<Vec<OktaStatus>>,
    /// A PEM file with additional certificates to trust, for example those of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_certificates: Option<PathBuf>,
    /// The number of entries in a page, at most 200. Default: 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200))]
    pub page_size: Option<u32>,
    /// How long an answer may take, in seconds. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// The status of a user of Okta. Users who are deactivated (`DEPROVISIONED`) left.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum OktaStatus {
    /// The account was made and not activated yet.
    Staged,
    /// The account was activated; its owner did not sign in yet.
    Provisioned,
    /// In use.
    Active,
    /// The owner resets the password.
    Recovery,
    /// The owner must change the password.
    PasswordExpired,
    /// There were too many wrong passwords.
    LockedOut,
    /// An administrator suspended the account.
    Suspended,
}

/// A Google Workspace account. It is read by a service account with domain-wide delegation.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GoogleSettings {
    /// The key of the service account: the JSON that Google Cloud creates.
    pub key: SecretSource,
    /// The administrator in whose name the service account reads: `admin@example.com`.
    pub subject: String,
    /// The id of the account, if it is not the one of the administrator: `C01abcdef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Whether groups in a group count. Default: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<bool>,
    /// Whether groups of other organizations that are members of a group are taken for empty. Nobody can see who is in them, so
    /// by default nobody is removed from such a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_external_groups: Option<bool>,
    /// Whether organizational units count as groups, for example `ou:/Sales`, with the people of the units below them. It
    /// needs another scope: `admin.directory.orgunit.readonly`. Default: no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizational_units: Option<bool>,
    /// The address of the Directory API. Default: `https://admin.googleapis.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A PEM file with additional certificates to trust, for example those of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_certificates: Option<PathBuf>,
    /// The number of entries in a page, at most 500 people and 200 groups or members. Default: as many as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 500))]
    pub page_size: Option<u32>,
    /// How long an answer may take, in seconds. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// Another Adobe organization.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AdobeSettings {
    /// The profile of its login.
    pub profile: String,
}

/// Where a secret is kept. A secret itself never stands in a configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretSource {
    /// An entry of the system's keyring.
    Keyring(String),
    /// A file that holds nothing else.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// A value, or a list of values.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}
