use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::store::{ChangeKind, LedgerEntry, OrgId, Reader, StoreError};
use crate::world::World;

/// Who changed what in an organization, when, and by which request.
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
/// Only what changed the state is in it: adding a user to a group a second time is no change. What a seed brings is not.
#[derive(Clone)]
pub struct Ledger {
    world: Arc<World>,
    org_id: String,
}

/// A change that happened more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repetition {
    /// What happened.
    pub kind: ChangeKind,
    /// The user it happened to.
    pub user: Option<String>,
    /// The group it happened to.
    pub group: Option<String>,
    /// Each time that it happened, oldest first.
    pub entries: Vec<LedgerEntry>,
}

impl Ledger {
    pub(crate) fn new(world: Arc<World>, org_id: impl Into<String>) -> Self {
        Self { world, org_id: org_id.into() }
    }

    /// What happened to the users who have, or had then, this address; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_user(&self, email: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| r.ledger_of_user(org, email))
    }

    /// When one user came into a group and left it; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_membership(&self, email: &str, group: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| r.ledger_of_membership(org, email, group))
    }

    /// What happened to a group and its members; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_group(&self, name: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| r.ledger_of_group(org, name))
    }

    /// What the requests with an `X-Request-Id` did; oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn changes_of_request(&self, request_id: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| Ok(of(org, r.ledger_of_request(request_id)?)))
    }

    /// Everything after an entry, oldest first; 0 is before the first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn since(&self, seq: i64) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|r, org| Ok(of(org, r.ledger_after(seq, u32::MAX)?)))
    }

    /// The place of the newest entry, of all organizations; 0 if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub fn position(&self) -> Result<i64, StoreError> {
        self.world.store.read(|r| r.ledger_end())
    }

    /// What happened more than once to the same user, group or membership.
    ///
    /// # Errors
    /// If the store fails.
    pub fn repeated(&self) -> Result<Vec<Repetition>, StoreError> {
        Ok(repetitions(self.since(0)?))
    }

    fn read(
        &self,
        ask: impl FnOnce(&Reader<'_>, OrgId) -> Result<Vec<LedgerEntry>, StoreError>,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        self.world.store.read(|r| match r.organization(&self.org_id)? {
            Some(org) => ask(r, org.id),
            None => Ok(Vec::new()),
        })
    }
}

fn of(org: OrgId, mut entries: Vec<LedgerEntry>) -> Vec<LedgerEntry> {
    entries.retain(|entry| entry.org == org);
    entries
}

/// The changes that happened more than once, in the order of their first time.
pub(crate) fn repetitions(entries: Vec<LedgerEntry>) -> Vec<Repetition> {
    let mut found: Vec<Repetition> = Vec::new();
    let mut places: HashMap<_, usize> = HashMap::new();
    for entry in entries {
        let key = (entry.org, entry.kind, entry.user.clone(), entry.group.clone(), entry.detail.clone());
        match places.get(&key) {
            Some(&place) => found[place].entries.push(entry),
            None => {
                places.insert(key, found.len());
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
    use crate::engine::{self, ActionOptions};
    use crate::testing::world;

    #[test]
    fn it_tells_what_happened_twice() {
        let (world, _) = world();
        let ledger = Ledger::new(world.clone(), "AA@AdobeOrg");
        let act = |id: &str, step: &str| {
            let body = format!(r#"[{{"user":"bob@a.com","do":[{{"{step}":{{"group":["Design"]}}}}]}}]"#);
            let options = ActionOptions::new(id, 5);
            let answer = engine::apply(&world.store, "AA@AdobeOrg", body.as_bytes(), &options).unwrap();
            assert_eq!(answer.completed, 1);
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
        let elsewhere = Ledger::new(world.clone(), "BB@AdobeOrg");
        assert!(elsewhere.since(0).unwrap().is_empty() && elsewhere.changes_of_request("two").unwrap().is_empty());
    }
}
