//! The ledger: which request changed what, and when.

use std::{collections::HashMap, fmt, sync::Arc};

use crate::store::{ChangeKind, LedgerEntry, OrgId, Reader, Store, StoreError};

/// The changes of an organization: what changed, when, and by which request.
///
/// ```
/// use umapi_emulator::Ledger;
///
/// # fn nothing_happened_twice(ledger: &Ledger) -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(ledger.changes_of_membership("ann@example.com", "Design")?.len(), 1);
/// assert!(ledger.repeated()?.is_empty());
/// # Ok(()) }
/// ```
///
/// It contains only requests that changed the state: adding a user to a group a second time is not a change. The content of a
/// seed is not in it.
///
/// What was done to a user, to a group, and by one request:
///
/// ```
/// use umapi_emulator::{Emulator, seed::Presence, store::ChangeKind};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::start().await?;
/// let (manage, ledger) = (emulator.manage(), emulator.ledger());
/// let before = ledger.position()?;
/// manage.set_presence(emulator.org_id(), "jdoe@example.com", None, Presence::DirectoryOnly)?;
///
/// let changes = ledger.changes_of_user("jdoe@example.com")?;
/// assert!(changes.iter().any(|change| change.kind == ChangeKind::UserLeft));
/// assert!(!ledger.changes_of_group("Design")?.is_empty(), "the user was in it");
/// assert_eq!(ledger.changes_of_request("management")?, ledger.since(before)?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Ledger {
    store: Arc<Store>,
    org_id: String,
}

/// A change that happened more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repetition {
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The user.
    pub user: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// The occurrences, oldest first.
    pub entries: Vec<LedgerEntry>,
}

impl Ledger {
    pub(crate) fn new(store: Arc<Store>, org_id: impl Into<String>) -> Self {
        Self { store, org_id: org_id.into() }
    }

    /// The changes of the users who have this email address, or had it then; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_user(&self, email: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| r.ledger_of_user(org, email))
    }

    /// The changes of one membership; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_membership(&self, email: &str, group: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| r.ledger_of_membership(org, email, group))
    }

    /// The changes of a group and its members; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_group(&self, name: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| r.ledger_of_group(org, name))
    }

    /// The changes by requests with this `X-Request-Id`; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_request(&self, request_id: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| Ok(only_of(org, r.ledger_of_request(request_id)?)))
    }

    /// The entries after a position; oldest first. 0 is before the first entry.
    ///
    /// # Errors
    /// If the store fails.
    pub fn since(&self, seq: i64) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| Ok(only_of(org, r.ledger_after(seq, u32::MAX)?)))
    }

    /// The position of the newest entry of all organizations; 0 if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub fn position(&self) -> Result<i64, StoreError> {
        self.store.read(|r| r.ledger_end())
    }

    /// The changes that happened more than once to the same user, group or membership.
    ///
    /// # Errors
    /// If the store fails.
    pub fn repeated(&self) -> Result<Vec<Repetition>, StoreError> {
        Ok(repetitions(self.since(0)?))
    }

    fn read(
        &self,
        query: impl FnOnce(&Reader<'_>, OrgId) -> Result<Vec<LedgerEntry>, StoreError>,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        self.store.read(|r| match r.organization(&self.org_id)? {
            Some(org) => query(r, org.id),
            None => Ok(Vec::new()),
        })
    }
}

fn only_of(org: OrgId, mut entries: Vec<LedgerEntry>) -> Vec<LedgerEntry> {
    entries.retain(|entry| entry.org == org);
    entries
}

/// The changes that happened more than once, in the order of their first occurrence.
pub(crate) fn repetitions(entries: Vec<LedgerEntry>) -> Vec<Repetition> {
    let mut found: Vec<Repetition> = Vec::new();
    let mut positions: HashMap<_, usize> = HashMap::new();
    for entry in entries {
        let key = (entry.org, entry.kind, entry.user.clone(), entry.group.clone(), entry.detail.clone());
        match positions.get(&key) {
            Some(&position) => found[position].entries.push(entry),
            None => {
                positions.insert(key, found.len());
                let (user, group) = (entry.user.clone(), entry.group.clone());
                found.push(Repetition { kind: entry.kind, user, group, entries: vec![entry] });
            }
        }
    }
    found.retain(|repetition| repetition.entries.len() > 1);
    found
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("org_id", &self.org_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{self, ActionOptions},
        testing::app,
    };

    #[test]
    fn repeated_changes_are_found() {
        let (app, _) = app();
        let store = &app.store;
        let ledger = Ledger::new(store.clone(), "AA@AdobeOrg");
        let act = |id: &str, step: &str| {
            let body = format!(r#"[{{"user":"bob@a.com","do":[{{"{step}":{{"group":["Design"]}}}}]}}]"#);
            let options = ActionOptions::new(id, 5);
            let response = engine::apply(store, "AA@AdobeOrg", body.as_bytes(), &options).unwrap();
            assert_eq!(response.completed, 1);
        };
        act("one", "add");
        act("again", "add");
        assert_eq!(ledger.changes_of_membership("Bob@a.com", "design").unwrap().len(), 1);
        assert!(ledger.repeated().unwrap().is_empty());
        let position = ledger.position().unwrap();
        act("two", "remove");
        act("three", "add");
        assert_eq!(ledger.since(position).unwrap().len(), 2);
        let repeated = ledger.repeated().unwrap();
        assert_eq!(repeated.len(), 1);
        assert_eq!((repeated[0].kind, repeated[0].user.as_deref()), (ChangeKind::MemberAdded, Some("bob@a.com")));
        let requests: Vec<_> = repeated[0].entries.iter().map(|entry| entry.cause.request.as_str()).collect();
        assert_eq!(requests, ["one", "three"]);
        assert_eq!(ledger.changes_of_request("two").unwrap().len(), 1);
        let elsewhere = Ledger::new(store.clone(), "BB@AdobeOrg");
        assert!(elsewhere.since(0).unwrap().is_empty() && elsewhere.changes_of_request("two").unwrap().is_empty());
    }
}
