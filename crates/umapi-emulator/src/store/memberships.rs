//! Memberships: which user is in which group, directly and through user groups.

use std::rc::Rc;

use rusqlite::{
    OptionalExtension, params,
    types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

use super::{ChangeKind, GroupId, GroupKind, Reader, StoreError, Tx, UserId, UserRow, UserStatus, lists::Scope};

/// How a user is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberClass(i64);

impl MemberClass {
    /// An ordinary member.
    pub const DIRECT: Self = Self(0);
    const THROUGH_GROUPS: i64 = 1;
    /// The partial index `membership_waiting` uses this bit.
    const UNLICENSED: i64 = 2;
    const HIDDEN: i64 = 4;
    const TECHNICAL: i64 = 8;

    /// Whether the user is in the profile through user groups only.
    #[must_use]
    pub const fn is_through_groups_only(self) -> bool {
        self.0 & Self::THROUGH_GROUPS != 0
    }

    /// Whether the user is in the profile without a license.
    #[must_use]
    pub const fn is_unlicensed(self) -> bool {
        self.0 & Self::UNLICENSED != 0
    }

    #[must_use]
    pub(crate) const fn through_groups_only(self, yes: bool) -> Self {
        self.with(Self::THROUGH_GROUPS, yes)
    }

    pub(super) const fn unlicensed(self, yes: bool) -> Self {
        self.with(Self::UNLICENSED, yes)
    }

    pub(super) const fn hidden(self, yes: bool) -> Self {
        self.with(Self::HIDDEN, yes)
    }

    pub(super) const fn technical(self, yes: bool) -> Self {
        self.with(Self::TECHNICAL, yes)
    }

    pub(super) const fn is_hidden(self) -> bool {
        self.0 & Self::HIDDEN != 0
    }

    const fn with(self, bit: i64, yes: bool) -> Self {
        if yes { Self(self.0 | bit) } else { Self(self.0 & !bit) }
    }

    pub(crate) const fn number(self) -> i64 {
        self.0
    }
}

impl ToSql for MemberClass {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for MemberClass {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// The membership of one user in one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// The group.
    pub group: GroupId,
    /// How the user is in it.
    pub class: MemberClass,
    /// Through how many user groups the user is in it, in addition to a direct membership.
    pub indirect: i64,
    since: i64,
}

impl Membership {
    /// Whether the user was added to the group directly.
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        !self.class.is_through_groups_only()
    }
}

impl Reader<'_> {
    /// Returns the membership of a user in a group, if there is one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn membership(&self, user: UserId, group: GroupId) -> Result<Option<Membership>, StoreError> {
        Ok(self
            .sql
            .prepare_cached("SELECT class, indirect, since FROM membership WHERE usr = ?1 AND grp = ?2")?
            .query_row(params![user, group], |row| {
                Ok(Membership { group, class: row.get(0)?, indirect: row.get(1)?, since: row.get(2)? })
            })
            .optional()?)
    }

    /// Returns all memberships of a user, ordered by group id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn memberships(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        let mut query = self
            .sql
            .prepare_cached("SELECT grp, class, indirect, since FROM membership WHERE usr = ?1 ORDER BY grp")?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Membership { group: row.get(0)?, class: row.get(1)?, indirect: row.get(2)?, since: row.get(3)? })
        };
        Ok(query.query_map([user], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the profiles that are assigned to a user group.
    ///
    /// # Errors
    /// If the database fails.
    pub fn profiles_of_group(&self, group: GroupId) -> Result<Vec<GroupId>, StoreError> {
        let mut query = self.sql.prepare_cached("SELECT profile FROM group_profile WHERE grp = ?1 ORDER BY profile")?;
        Ok(query.query_map([group], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Returns the user groups that a profile is assigned to.
    ///
    /// # Errors
    /// If the database fails.
    pub fn groups_of_profile(&self, profile: GroupId) -> Result<Vec<GroupId>, StoreError> {
        let mut query = self.sql.prepare_cached("SELECT grp FROM group_profile WHERE profile = ?1 ORDER BY grp")?;
        Ok(query.query_map([profile], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Returns the ids of all members of a group, listed or not, in order.
    ///
    /// # Errors
    /// If the database fails.
    pub fn member_ids(&self, group: GroupId) -> Result<Vec<UserId>, StoreError> {
        let mut query = self.sql.prepare_cached("SELECT usr FROM membership WHERE grp = ?1 ORDER BY usr")?;
        Ok(query.query_map([group], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

/// Returns the class that a user's memberships start with: hidden, technical.
fn base_class(user: &UserRow) -> MemberClass {
    MemberClass::DIRECT.hidden(user.status != UserStatus::Active).technical(user.technical)
}

impl Tx<'_> {
    /// Adds a user to a group, and so to the profiles assigned to the group. Returns whether the membership is new.
    ///
    /// # Errors
    /// If the database fails.
    pub fn add_member(&mut self, user: &UserRow, group: GroupId) -> Result<bool, StoreError> {
        let new = self.grant(user.id, base_class(user), group)?;
        if !new {
            return Ok(false);
        }
        if self.group_state(group)?.kind == GroupKind::UserGroup {
            for profile in self.assigned_profiles(group)?.iter() {
                self.grant(user.id, base_class(user).through_groups_only(true), *profile)?;
            }
        }
        self.record_membership(ChangeKind::MemberAdded, user, group)?;
        Ok(true)
    }

    /// Removes a user from a group, and from the profiles that the user has through this group only. Returns whether
    /// the user was a direct member.
    ///
    /// # Errors
    /// If the database fails.
    pub fn remove_member(&mut self, user: &UserRow, group: GroupId) -> Result<bool, StoreError> {
        if !self.revoke(user.id, group, true)? {
            return Ok(false);
        }
        if self.group_state(group)?.kind == GroupKind::UserGroup {
            for profile in self.assigned_profiles(group)?.iter() {
                self.revoke(user.id, *profile, false)?;
            }
        }
        self.record_membership(ChangeKind::MemberRemoved, user, group)?;
        Ok(true)
    }

    fn assigned_profiles(&mut self, group: GroupId) -> Result<Rc<[GroupId]>, StoreError> {
        if let Some(profiles) = self.cache.assigned.get(&group) {
            return Ok(Rc::clone(profiles));
        }
        let profiles: Rc<[GroupId]> = self.rows().profiles_of_group(group)?.into();
        self.cache.assigned.insert(group, Rc::clone(&profiles));
        Ok(profiles)
    }

    /// Removes a user from every group.
    pub(super) fn remove_all_memberships(&mut self, user: &UserRow) -> Result<(), StoreError> {
        for membership in self.rows().memberships(user.id)? {
            if membership.is_direct() {
                self.remove_member(user, membership.group)?;
            }
        }
        Ok(())
    }

    /// Assigns a profile to a user group. Returns whether the assignment is new.
    ///
    /// # Errors
    /// If the database fails.
    pub fn attach_profile(&mut self, group: GroupId, profile: GroupId) -> Result<bool, StoreError> {
        let new = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO group_profile (grp, profile) VALUES (?1, ?2)")?
            .execute(params![group, profile])?;
        self.cache.assigned.remove(&group);
        if new == 0 {
            return Ok(false);
        }
        for (user, class) in self.member_classes(group)? {
            self.grant(user, class.unlicensed(false).through_groups_only(true), profile)?;
        }
        self.record_attachment(ChangeKind::ProfileAttached, group, profile)?;
        Ok(true)
    }

    /// Unassigns a profile from a user group. Returns whether it was assigned.
    ///
    /// # Errors
    /// If the database fails.
    pub fn detach_profile(&mut self, group: GroupId, profile: GroupId) -> Result<bool, StoreError> {
        let gone = self
            .sql
            .prepare_cached("DELETE FROM group_profile WHERE grp = ?1 AND profile = ?2")?
            .execute(params![group, profile])?;
        self.cache.assigned.remove(&group);
        if gone == 0 {
            return Ok(false);
        }
        for (user, _) in self.member_classes(group)? {
            self.revoke(user, profile, false)?;
        }
        self.record_attachment(ChangeKind::ProfileDetached, group, profile)?;
        Ok(true)
    }

    fn member_classes(&self, group: GroupId) -> Result<Vec<(UserId, MemberClass)>, StoreError> {
        let mut query = self.sql.prepare_cached("SELECT usr, class FROM membership WHERE grp = ?1 ORDER BY usr")?;
        Ok(query.query_map([group], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    /// Adds one reason to be in a group: directly, or through one more user group. Returns whether that changed
    /// anything.
    fn grant(&mut self, user: UserId, class: MemberClass, group: GroupId) -> Result<bool, StoreError> {
        let through_group = class.is_through_groups_only();
        match self.rows().membership(user, group)? {
            None => {
                self.enter(user, class, group)?;
                Ok(true)
            }
            Some(_) if through_group => {
                self.sql
                    .prepare_cached("UPDATE membership SET indirect = indirect + 1 WHERE usr = ?1 AND grp = ?2")?
                    .execute(params![user, group])?;
                Ok(true)
            }
            Some(is) if is.class.is_through_groups_only() => {
                self.reclass(user, group, is.class, is.class.through_groups_only(false))?;
                Ok(true)
            }
            Some(_) => Ok(false),
        }
    }

    /// Removes one reason to be in a group. Returns whether the user had it.
    fn revoke(&mut self, user: UserId, group: GroupId, direct: bool) -> Result<bool, StoreError> {
        let Some(is) = self.rows().membership(user, group)? else { return Ok(false) };
        let reasons = (is.is_direct(), is.indirect);
        let left = match (direct, reasons) {
            (true, (false, _)) | (false, (_, 0)) => return Ok(false),
            (true, (true, indirect)) => (false, indirect),
            (false, (is_direct, indirect)) => (is_direct, indirect - 1),
        };
        match left {
            (false, 0) => self.exit(user, is, group)?,
            (false, _) if direct => self.reclass(user, group, is.class, is.class.through_groups_only(true))?,
            (_, indirect) => {
                self.sql
                    .prepare_cached("UPDATE membership SET indirect = ?3 WHERE usr = ?1 AND grp = ?2")?
                    .execute(params![user, group, indirect])?;
            }
        }
        Ok(true)
    }

    fn enter(&mut self, user: UserId, class: MemberClass, group: GroupId) -> Result<(), StoreError> {
        let mut state = self.group_state(group)?;
        let licensed = state.kind == GroupKind::Profile && state.quota.is_none_or(|quota| state.licensed < quota);
        let class = class.unlicensed(state.kind == GroupKind::Profile && !licensed);
        let since = self.next_sequence()?;
        self.sql
            .prepare_cached("INSERT INTO membership (grp, class, usr, indirect, since) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![group, class, user, i64::from(class.is_through_groups_only()), since])?;
        state.members += 1;
        state.licensed += i64::from(licensed);
        self.set_group_state(group, state);
        self.touch(Scope::Group(group), user);
        self.count_in_product(user, group, state.kind, state.subject, 1)
    }

    fn exit(&mut self, user: UserId, is: Membership, group: GroupId) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("DELETE FROM membership WHERE grp = ?1 AND class = ?2 AND usr = ?3")?
            .execute(params![group, is.class, user])?;
        let mut state = self.group_state(group)?;
        state.members -= 1;
        let freed = state.kind == GroupKind::Profile && !is.class.is_unlicensed();
        state.licensed -= i64::from(freed);
        self.set_group_state(group, state);
        self.touch(Scope::Group(group), user);
        self.count_in_product(user, group, state.kind, state.subject, -1)?;
        if freed { self.assign_free_licenses(group) } else { Ok(()) }
    }

    pub(super) fn reclass(
        &mut self,
        user: UserId,
        group: GroupId,
        from: MemberClass,
        to: MemberClass,
    ) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("UPDATE membership SET class = ?4 WHERE grp = ?1 AND class = ?2 AND usr = ?3")?
            .execute(params![group, from, user, to])?;
        self.touch(Scope::Group(group), user);
        Ok(())
    }

    /// Hides memberships from lists while the user is not active; memberships and licenses stay.
    pub(super) fn hide_memberships(&mut self, user: UserId, hidden: bool) -> Result<(), StoreError> {
        for is in self.rows().memberships(user)? {
            if is.class.is_hidden() != hidden {
                self.reclass(user, is.group, is.class, is.class.hidden(hidden))?;
            }
        }
        Ok(())
    }

    /// Counts a user of a product once, in however many of its profiles the user is.
    fn count_in_product(
        &mut self,
        user: UserId,
        group: GroupId,
        kind: GroupKind,
        product: Option<i64>,
        change: i64,
    ) -> Result<(), StoreError> {
        let Some(product) = product.filter(|_| kind == GroupKind::Profile) else { return Ok(()) };
        let elsewhere = self.exists(
            "SELECT 1 FROM membership m JOIN grp g ON g.id = m.grp
             WHERE m.usr = ?1 AND m.grp <> ?2 AND g.kind = 1 AND g.subject = ?3",
            params![user, group, product],
        )?;
        if !elsewhere {
            self.count_product_user(product, change);
        }
        Ok(())
    }
}
