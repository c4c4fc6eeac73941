//! Licenses of a profile: which members hold one, and which wait for one.

use rusqlite::{OptionalExtension, params};

use super::{ChangeKind, GroupId, MemberClass, StoreError, Tx, UserId};

impl Tx<'_> {
    /// Gives the free licenses of a profile to the members that have waited longest.
    pub(super) fn assign_free_licenses(&mut self, profile: GroupId) -> Result<(), StoreError> {
        let mut state = self.group_state(profile)?;
        while state.quota.is_none_or(|quota| state.licensed < quota) {
            let next: Option<(UserId, MemberClass)> = self
                .sql
                .prepare_cached(
                    "SELECT usr, class FROM membership WHERE grp = ?1 AND class & 2 ORDER BY since LIMIT 1",
                )?
                .query_row([profile], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((user, class)) = next else { break };
            self.reclass(user, profile, class, class.unlicensed(false))?;
            state.licensed += 1;
        }
        self.set_group_state(profile, state);
        Ok(())
    }

    /// Sets the licenses of a profile; `None` is unlimited. With fewer licenses than before, the members that joined
    /// last lose theirs and wait; with more, the members that have waited longest get one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_quota(&mut self, profile: GroupId, quota: Option<i64>) -> Result<(), StoreError> {
        let mut state = self.group_state(profile)?;
        if state.quota == quota {
            return Ok(());
        }
        self.sql.prepare_cached("UPDATE grp SET quota = ?2 WHERE id = ?1")?.execute(params![profile, quota])?;
        state.quota = quota;
        let excess = quota.map_or(0, |quota| (state.licensed - quota).max(0));
        let last: Vec<(UserId, MemberClass)> = self
            .sql
            .prepare_cached(
                "SELECT usr, class FROM membership WHERE grp = ?1 AND NOT class & 2 ORDER BY since DESC LIMIT ?2",
            )?
            .query_map([profile, excess], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (user, class) in last {
            self.reclass(user, profile, class, class.unlicensed(true))?;
        }
        state.licensed -= excess;
        self.set_group_state(profile, state);
        self.assign_free_licenses(profile)?;
        self.record_group(ChangeKind::GroupUpdated, profile, Some("quota"))
    }
}

#[cfg(test)]
mod tests {
    use crate::store::{
        NewGroup, NewProduct, Store, StoreError, Tx, UserRow,
        testing::{named, organization, user},
    };

    fn has_license(tx: &Tx<'_>, user: &UserRow, profile: i64) -> bool {
        !tx.rows().membership(user.id, profile).unwrap().unwrap().class.is_unlicensed()
    }

    #[test]
    fn a_freed_license_goes_to_the_longest_waiting_member() {
        let store = Store::in_memory().unwrap();
        store
            .write(None, |tx| {
                let org = organization(tx);
                let product = tx.create_product(org, &NewProduct { name: "P", ..NewProduct::default() })?;
                let one = NewGroup { quota: Some(1), ..named("Profile") };
                let profile = tx.create_profile(product, &one)?;
                let group = tx.create_user_group(org, &named("G"))?;
                let [a, b, c] = ["a@x.com", "b@x.com", "c@x.com"].map(|email| user(tx, org, email));
                tx.attach_profile(group, profile)?;
                tx.add_member(&a, profile)?;
                tx.add_member(&c, group)?;
                tx.add_member(&b, profile)?;
                assert_eq!([&a, &b, &c].map(|u| has_license(tx, u, profile)), [true, false, false]);
                tx.remove_member(&a, profile)?;
                assert_eq!([&b, &c].map(|u| has_license(tx, u, profile)), [false, true], "c came before b");
                tx.set_quota(profile, Some(2))?;
                assert!(has_license(tx, &b, profile));
                tx.set_quota(profile, Some(0))?;
                assert_eq!([&b, &c].map(|u| has_license(tx, u, profile)), [false, false]);
                tx.set_quota(profile, Some(1))?;
                assert_eq!(
                    [&b, &c].map(|u| has_license(tx, u, profile)),
                    [false, true],
                    "the position in the queue stays"
                );
                tx.flush()?;
                assert_eq!(tx.rows().product(org, &tx.rows().products_of(org)?[0].external_id)?.unwrap().user_count, 2);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
