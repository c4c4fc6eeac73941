//! What a sync remembers between runs. It is a cache: without it, the next run is a full one and days of grace begin anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use umapi_plan::{Account, AccountKind};

use crate::guard::Trip;

/// What a sync remembers between runs, besides a [`Link`] for each person: those are as many as there are people, so they
/// are read one by one, by a [`LinkReader`](crate::LinkReader).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// By the names of the organizations.
    pub orgs: BTreeMap<String, OrgState>,
    /// By the names of the directories: what the last good read found.
    pub directories: BTreeMap<String, DirectorySizes>,
    /// Set by a run that a guard stopped.
    pub quarantine: Option<Quarantine>,
}

/// What is remembered of an organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrgState {
    /// The users who left the directory, by their folded names.
    pub leavers: BTreeMap<String, Leaver>,
    /// Users who stay in the groups of the rules although no directory names them, by their folded names.
    pub adopted: BTreeSet<String>,
}

/// The user of a person, as the last run found it: who is who, whatever their names are now.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Link {
    /// The service's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The account.
    pub account: AccountRecord,
}

/// A user who left the directory.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Leaver {
    /// The day of the run that found it, counted from 1970.
    pub since: i64,
}

/// The sizes of a directory at its last good read.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct DirectorySizes {
    /// The number of people, if the read was whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u64>,
    /// The number of members of each group that was read whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, u64>,
}

/// A run that a guard stopped, and whether it may go on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Quarantine {
    /// What stopped it.
    pub trips: Vec<Trip>,
    /// Whether somebody allowed it: changes up to what was found then may be made once.
    pub is_allowed: bool,
}

/// An account in a file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct AccountRecord {
    /// The email address or the username.
    pub name: String,
    /// The domain of a username that is not an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The kind.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<AccountKind>,
    /// The email address, if it is not the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl AccountRecord {
    /// Sets the email address. It is the name, too, of an account that was named by its address.
    pub(crate) fn set_email(&mut self, email: String) {
        let is_named_by_it = self.domain.is_none() && self.email.is_none();
        if is_named_by_it { self.name = email } else { self.email = Some(email) }
    }
}

impl From<&Account> for AccountRecord {
    fn from(account: &Account) -> Self {
        Self {
            name: account.name().to_owned(),
            domain: account.domain().map(str::to_owned),
            kind: account.kind(),
            email: account.email_address().filter(|email| *email != account.name()).map(str::to_owned),
        }
    }
}

impl From<&AccountRecord> for Account {
    fn from(record: &AccountRecord) -> Self {
        let account = match &record.domain {
            Some(domain) => Self::username(&record.name, domain),
            None => Self::email(&record.name),
        };
        let account = record.kind.into_iter().fold(account, Self::with_kind);
        record.email.iter().fold(account, Self::with_email)
    }
}

/// The key of a user in [`OrgState::leavers`] and [`OrgState::adopted`].
pub fn user_key(account: &Account) -> String {
    let kind = if account.is_adobe_id() { "adobe:" } else { "" };
    let domain = account.domain().map(|domain| format!("@{domain}")).unwrap_or_default();
    format!("{kind}{}{}", account.key().name(), domain.to_lowercase())
}
