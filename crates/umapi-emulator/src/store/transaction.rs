use std::collections::HashMap;
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, params};

use super::lists::{List, Pending};
use super::{Cause, GroupId, GroupKind, OrgId, ProductId, Reader, StoreError, UserId};

/// Changes the store. Everything done with it is kept together, or not at all.
///
/// Counts (of lists, members, licences) are collected in memory and written at the end of each
/// [savepoint](Self::attempt) and of the transaction, which makes loading a million users a matter of seconds. Rows are
/// written at once, so [`Tx::rows`] sees them; ask for counts only after [`Tx::settle`].
#[derive(Debug)]
pub struct Tx<'c> {
    pub(super) sql: &'c Connection,
    pub(super) cause: Option<Cause>,
    lists: Pending,
    groups: HashMap<GroupId, GroupState>,
    products: HashMap<ProductId, i64>,
    moment: Option<i64>,
    pub(super) memo: Memo,
}

/// What was looked up and is as it was: a million users that are loaded ask for the same few things.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// The rows of domains.
    pub(super) domains: HashMap<(OrgId, String), i64>,
    /// The row that the next user gets.
    pub(super) next_user: Option<UserId>,
    /// The profiles that user groups bring.
    pub(super) brought: HashMap<GroupId, Rc<[GroupId]>>,
}

/// What a group's memberships keep changing.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupState {
    pub(super) kind: GroupKind,
    /// The product of a profile.
    pub(super) subject: Option<i64>,
    pub(super) quota: Option<i64>,
    pub(super) members: i64,
    pub(super) licensed: i64,
    changed: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn begin(sql: &'c Connection, cause: Option<Cause>) -> Self {
        Self {
            sql,
            cause,
            lists: Pending::default(),
            groups: HashMap::new(),
            products: HashMap::new(),
            moment: None,
            memo: Memo::default(),
        }
    }

    /// The rows as they are now. Counts may lag behind until [`Tx::settle`].
    #[must_use]
    pub fn rows(&self) -> Reader<'c> {
        Reader { sql: self.sql }
    }

    /// Writes the counts that were collected.
    ///
    /// # Errors
    /// If the database fails.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.lists.flush(self.sql)?;
        if !self.groups.is_empty() {
            let mut write = self
                .sql
                .prepare_cached("UPDATE grp SET members = ?2, licensed = ?3, visible = ?4 OR ?2 > 0 WHERE id = ?1")?;
            for (id, group) in &mut self.groups {
                if group.changed {
                    let always = !group.kind.is_derived();
                    write.execute(params![id, group.members, group.licensed, always])?;
                    group.changed = false;
                }
            }
        }
        for (product, change) in self.products.drain() {
            self.sql
                .prepare_cached("UPDATE product SET users = users + ?2 WHERE id = ?1")?
                .execute(params![product, change])?;
        }
        if let Some(moment) = self.moment {
            self.set_setting("moment", &moment.to_le_bytes())?;
        }
        Ok(())
    }

    /// Tries something that may be refused: if the closure returns an error, nothing of it stays.
    ///
    /// # Errors
    /// What the closure returns, or the store's own failure.
    pub fn attempt<T, E: From<StoreError>>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.settle()?;
        self.run("SAVEPOINT attempt")?;
        let outcome = change(self).and_then(|value| self.settle().map(|()| value).map_err(E::from));
        if outcome.is_err() {
            self.take_back()?;
        }
        self.run("RELEASE attempt")?;
        outcome
    }

    /// Does something only to see whether it would work: nothing of it stays, whatever the closure returns.
    ///
    /// # Errors
    /// What the closure returns, or the store's own failure.
    pub fn pretend<T, E: From<StoreError>>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.settle()?;
        self.run("SAVEPOINT attempt")?;
        let outcome = change(self);
        self.take_back()?;
        self.run("RELEASE attempt")?;
        outcome
    }

    /// From here on, changes are recorded in the ledger under this step of this command.
    pub fn at_step(&mut self, command: u32, step: u32) {
        if let Some(cause) = &mut self.cause {
            cause.command = Some(command);
            cause.step = Some(step);
        }
    }

    pub(super) fn finish(&mut self, ledger_entries: u64) -> Result<(), StoreError> {
        self.settle()?;
        if self.cause.is_some() {
            self.trim_ledger(ledger_entries)?;
        }
        Ok(())
    }

    pub(super) fn count(&mut self, list: List, user: UserId, change: i64) {
        self.lists.add(list, user, change);
    }

    pub(super) fn count_product_user(&mut self, product: ProductId, change: i64) {
        *self.products.entry(product).or_default() += change;
    }

    pub(super) fn group_state(&mut self, group: GroupId) -> Result<GroupState, StoreError> {
        if let Some(state) = self.groups.get(&group) {
            return Ok(*state);
        }
        let state = self
            .sql
            .prepare_cached("SELECT kind, subject, quota, members, licensed FROM grp WHERE id = ?1")?
            .query_row([group], |row| {
            Ok(GroupState {
                kind: row.get(0)?,
                subject: row.get(1)?,
                quota: row.get(2)?,
                members: row.get(3)?,
                licensed: row.get(4)?,
                changed: false,
            })
        })?;
        self.groups.insert(group, state);
        Ok(state)
    }

    pub(super) fn set_group_state(&mut self, group: GroupId, state: GroupState) {
        self.groups.insert(group, GroupState { changed: true, ..state });
    }

    /// The group's row was written or deleted past the cache. Settle first.
    pub(super) fn forget_group_state(&mut self, group: GroupId) {
        self.groups.remove(&group);
    }

    /// A number that is larger than all before: the order in which members began to wait for a licence.
    pub(super) fn next_moment(&mut self) -> Result<i64, StoreError> {
        let last = match self.moment {
            Some(moment) => moment,
            None => {
                let stored = self.rows().setting("moment")?.and_then(|bytes| bytes.try_into().ok());
                stored.map_or(0, i64::from_le_bytes)
            }
        };
        self.moment = Some(last + 1);
        Ok(last + 1)
    }

    fn take_back(&mut self) -> Result<(), StoreError> {
        self.lists.clear();
        self.groups.clear();
        self.products.clear();
        self.memo = Memo::default();
        self.run("ROLLBACK TO attempt")
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.sql.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    pub(super) fn exists(&self, sql: &str, params: impl rusqlite::Params) -> Result<bool, StoreError> {
        Ok(self.sql.prepare_cached(sql)?.query_row(params, |_| Ok(())).optional()?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{named, organization};
    use crate::store::{NewOrganization, NewProduct, NewUser, Store, UserKind};

    fn organizations(tx: &Tx<'_>) -> usize {
        tx.rows().organizations().unwrap().len()
    }

    #[test]
    fn a_refused_attempt_and_a_pretence_leave_nothing_and_the_rest_stays() {
        let store = Store::in_memory().unwrap();
        let new = |tx: &mut Tx<'_>, org_id| tx.create_organization(&NewOrganization { org_id, name: "" });
        store
            .write(None, |tx| {
                new(tx, "1@AdobeOrg")?;
                let refused: Result<(), StoreError> = tx.attempt(|tx| {
                    new(tx, "2@AdobeOrg")?;
                    Err(StoreError::Layout { found: 0, expected: 0 })
                });
                assert!(refused.is_err());
                tx.pretend(|tx| new(tx, "3@AdobeOrg"))?;
                tx.attempt(|tx| new(tx, "4@AdobeOrg"))?;
                assert_eq!(organizations(tx), 2);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn what_a_refused_attempt_looked_up_is_forgotten() {
        let store = Store::in_memory().unwrap();
        store
            .write(None, |tx| {
                let org = organization(tx);
                let product = tx.create_product(org, &NewProduct { name: "P", ..NewProduct::default() })?;
                let profile = tx.create_profile(product, &named("Profile"))?;
                let group = tx.create_user_group(org, &named("G"))?;
                let enter = |tx: &mut Tx<'_>, email| {
                    let id = tx.create_user(org, &NewUser::member(UserKind::FederatedId, email, "x.com"))?;
                    let user = tx.rows().user_row(id)?.unwrap();
                    tx.add_member(&user, group)?;
                    Ok::<_, StoreError>(user)
                };
                let refused: Result<(), StoreError> = tx.attempt(|tx| {
                    tx.attach_profile(group, profile)?;
                    enter(tx, "a@x.com")?;
                    Err(StoreError::Layout { found: 0, expected: 0 })
                });
                assert!(refused.is_err());
                let user = enter(tx, "b@x.com")?;
                assert_eq!(user.account, user.id, "the number of the first row of the account");
                assert_eq!(user.domain, "x.com");
                assert!(tx.rows().membership(user.id, profile)?.is_none(), "the group brings no profile");
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn moments_only_grow_also_in_the_next_transaction() {
        let store = Store::in_memory().unwrap();
        let next = || store.write(None, |tx| tx.next_moment()).unwrap();
        assert!(next() < next());
    }
}
