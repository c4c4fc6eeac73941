//! Groups of every kind: their rows, and every change to a group other than its members.

use rusqlite::{OptionalExtension, Row, params};

use super::{ChangeKind, GroupId, OrgId, Reader, StoreError, Tx, fold, stored_enum};

/// The kind of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupKind {
    /// A user group.
    UserGroup,
    /// A product profile.
    Profile,
    /// The organization's system administrators.
    SystemAdmin,
    /// The organization's deployment administrators.
    DeploymentAdmin,
    /// The organization's support administrators.
    SupportAdmin,
    /// The administrators of a product.
    ProductAdmin,
    /// The administrators of a profile.
    ProfileAdmin,
    /// The administrators of a user group.
    UserGroupAdmin,
    /// The developers of a profile.
    Developer,
}

stored_enum!(GroupKind {
    // The queries of this module use the numbers.
    UserGroup = 0,
    Profile = 1,
    SystemAdmin = 2,
    DeploymentAdmin = 3,
    SupportAdmin = 4,
    ProductAdmin = 5,
    ProfileAdmin = 6,
    UserGroupAdmin = 7,
    Developer = 8,
});

impl GroupKind {
    /// Returns the service's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserGroup => "USER_GROUP",
            Self::Profile => "PRODUCT_PROFILE",
            Self::SystemAdmin => "SYSADMIN_GROUP",
            Self::DeploymentAdmin => "DEPLOYMENT_ADMIN_GROUP",
            Self::SupportAdmin => "SUPPORT_ADMIN_GROUP",
            Self::ProductAdmin => "PRODUCT_ADMIN_GROUP",
            Self::ProfileAdmin => "PROFILE_ADMIN_GROUP",
            Self::UserGroupAdmin => "USER_ADMIN_GROUP",
            Self::Developer => "DEVELOPER_GROUP",
        }
    }

    /// Returns when a group of this kind is listed.
    pub(super) const fn visibility(self) -> Visibility {
        match self {
            Self::UserGroup | Self::Profile | Self::SystemAdmin => Visibility::Always,
            Self::DeploymentAdmin | Self::SupportAdmin => Visibility::OnceUsed,
            Self::ProductAdmin | Self::ProfileAdmin | Self::UserGroupAdmin | Self::Developer => Visibility::WhileUsed,
        }
    }
}

/// When a group is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    Always,
    /// While it has members.
    WhileUsed,
    /// From its first member on.
    OnceUsed,
}

/// The row of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupRow {
    /// The service's `groupId`.
    pub id: GroupId,
    /// The organization that it belongs to.
    pub org: OrgId,
    /// Its kind.
    pub kind: GroupKind,
    /// Its name as it was written.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Whether another organization owns its users.
    pub read_only: bool,
    /// The product of a profile or of product administrators; the group that other administrators manage.
    pub subject: Option<i64>,
    /// The licenses of a profile; `None` is unlimited.
    pub quota: Option<i64>,
    /// How many members it has, including those that lists omit.
    pub members: i64,
    /// How many of them hold a license.
    pub licensed: i64,
    /// The group of its administrators.
    pub admins: Option<GroupId>,
    /// The group of its developers.
    pub developers: Option<GroupId>,
}

pub(super) const COLUMNS: &str =
    "SELECT g.id, g.org, g.kind, g.name, g.description, g.read_only, g.subject, g.quota, g.members,
    g.licensed, g.admins, g.developers FROM grp g";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<GroupRow> {
    Ok(GroupRow {
        id: row.get(0)?,
        org: row.get(1)?,
        kind: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        read_only: row.get(5)?,
        subject: row.get(6)?,
        quota: row.get(7)?,
        members: row.get(8)?,
        licensed: row.get(9)?,
        admins: row.get(10)?,
        developers: row.get(11)?,
    })
}

impl Reader<'_> {
    /// Returns the group with a name, of any kind, ignoring case.
    ///
    /// # Errors
    /// If the database fails.
    pub fn group_by_name(&self, org: OrgId, name: &str) -> Result<Option<GroupRow>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("{COLUMNS} WHERE g.org = ?1 AND g.key = ?2"))?
            .query_row(params![org, fold(name)], read)
            .optional()?)
    }

    /// Returns the group with a name, of any kind, ignoring case; if there is none, the group with this id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn group_by_name_or_id(&self, org: OrgId, name: &str) -> Result<Option<GroupRow>, StoreError> {
        match (self.group_by_name(org, name)?, name.parse()) {
            (None, Ok(id)) => self.group_row(org, id),
            (group, _) => Ok(group),
        }
    }

    /// Returns a group of the organization by its id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn group_row(&self, org: OrgId, id: GroupId) -> Result<Option<GroupRow>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("{COLUMNS} WHERE g.id = ?2 AND g.org = ?1"))?
            .query_row(params![org, id], read)
            .optional()?)
    }

    /// Returns all groups of one kind, ordered by id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn groups_of_kind(&self, org: OrgId, kind: GroupKind) -> Result<Vec<GroupRow>, StoreError> {
        let mut query =
            self.sql.prepare_cached(&format!("{COLUMNS} WHERE g.org = ?1 AND g.kind = ?2 ORDER BY g.id"))?;
        Ok(query.query_map(params![org, kind], read)?.collect::<Result<_, _>>()?)
    }
}

/// A group to create.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewGroup<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its description.
    pub description: Option<&'a str>,
    /// Whether another organization owns its users.
    pub read_only: bool,
    /// The licenses of a profile; `None` is unlimited.
    pub quota: Option<i64>,
}

/// Returns the name of an administrative group.
fn derived_name(kind: GroupKind, subject: &str) -> String {
    let prefix = match kind {
        GroupKind::ProductAdmin => "_product_admin_",
        GroupKind::Developer => "_developer_",
        _ => "_admin_",
    };
    format!("{prefix}{subject}")
}

impl Tx<'_> {
    /// Creates a user group, and the group of its administrators.
    ///
    /// # Errors
    /// If the database fails, or the name is taken.
    pub fn create_user_group(&mut self, org: OrgId, new: &NewGroup<'_>) -> Result<GroupId, StoreError> {
        let id = self.insert_group(org, GroupKind::UserGroup, new, None)?;
        let admins = self.insert_derived(org, GroupKind::UserGroupAdmin, new.name, id)?;
        self.set_admin_groups(id, admins, None)?;
        self.record_group(ChangeKind::GroupCreated, id, None)?;
        Ok(id)
    }

    /// Creates a profile of a product, and the groups of its administrators and developers.
    ///
    /// # Errors
    /// If the database fails, or the name is taken.
    pub fn create_profile(&mut self, product: i64, new: &NewGroup<'_>) -> Result<GroupId, StoreError> {
        let org =
            self.sql.prepare_cached("SELECT org FROM product WHERE id = ?1")?.query_row([product], |row| row.get(0))?;
        let id = self.insert_group(org, GroupKind::Profile, new, Some(product))?;
        let admins = self.insert_derived(org, GroupKind::ProfileAdmin, new.name, id)?;
        let developers = self.insert_derived(org, GroupKind::Developer, new.name, id)?;
        self.set_admin_groups(id, admins, Some(developers))?;
        self.record_group(ChangeKind::GroupCreated, id, None)?;
        Ok(id)
    }

    pub(super) fn insert_derived(
        &mut self,
        org: OrgId,
        kind: GroupKind,
        subject_name: &str,
        subject: i64,
    ) -> Result<GroupId, StoreError> {
        let name = derived_name(kind, subject_name);
        self.insert_group(org, kind, &NewGroup { name: &name, ..NewGroup::default() }, Some(subject))
    }

    pub(super) fn insert_group(
        &mut self,
        org: OrgId,
        kind: GroupKind,
        new: &NewGroup<'_>,
        subject: Option<i64>,
    ) -> Result<GroupId, StoreError> {
        self.sql
            .prepare_cached(
                "INSERT INTO grp (org, kind, name, key, description, read_only, subject, quota, visible)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                org,
                kind,
                new.name,
                fold(new.name),
                new.description,
                new.read_only,
                subject,
                new.quota,
                kind.visibility() == Visibility::Always
            ])?;
        Ok(self.sql.last_insert_rowid())
    }

    fn set_admin_groups(&self, id: GroupId, admins: GroupId, developers: Option<GroupId>) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("UPDATE grp SET admins = ?2, developers = ?3 WHERE id = ?1")?
            .execute(params![id, admins, developers])?;
        Ok(())
    }

    /// Changes name and description; `None` keeps the present value. The administrative groups are renamed too.
    ///
    /// # Errors
    /// If the database fails, or the name is taken.
    pub fn change_group(&self, id: GroupId, name: Option<&str>, description: Option<&str>) -> Result<(), StoreError> {
        let is_so_already = self.exists(
            "SELECT 1 FROM grp WHERE id = ?1 AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR description IS ?3)",
            params![id, name, description],
        )?;
        if is_so_already {
            return Ok(());
        }
        if let Some(name) = name {
            let mut rename = self.sql.prepare_cached("UPDATE grp SET name = ?2, key = ?3 WHERE id = ?1")?;
            rename.execute(params![id, name, fold(name)])?;
            let derived: Vec<(GroupId, GroupKind)> = self
                .sql
                .prepare_cached("SELECT id, kind FROM grp WHERE subject = ?1 AND kind IN (6, 7, 8)")?
                .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            for (derived, kind) in derived {
                let name = derived_name(kind, name);
                rename.execute(params![derived, name, fold(&name)])?;
            }
        }
        if let Some(description) = description {
            self.sql
                .prepare_cached("UPDATE grp SET description = ?2 WHERE id = ?1")?
                .execute(params![id, description])?;
        }
        self.record_group(ChangeKind::GroupUpdated, id, name.map(|_| "name").or(description.map(|_| "description")))
    }

    /// Sets whether another organization owns the users of a group.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_read_only(&self, id: GroupId, read_only: bool) -> Result<(), StoreError> {
        let changed = self
            .sql
            .prepare_cached("UPDATE grp SET read_only = ?2 WHERE id = ?1 AND read_only <> ?2")?
            .execute(params![id, read_only])?;
        if changed == 0 {
            return Ok(());
        }
        self.record_group(ChangeKind::GroupUpdated, id, Some("readOnly"))
    }

    /// Deletes a user group or a profile, with its administrative groups. Its members stay in the organization, and
    /// lose what they had through it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        for profile in self.rows().profiles_of_group(id)? {
            self.detach_profile(id, profile)?;
        }
        for group in self.rows().groups_of_profile(id)? {
            self.detach_profile(group, id)?;
        }
        self.record_group(ChangeKind::GroupDeleted, id, None)?;
        self.uncount_product_users(id)?;
        let mut gone: Vec<GroupId> = self
            .sql
            .prepare_cached("SELECT id FROM grp WHERE subject = ?1 AND kind IN (6, 7, 8)")?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        gone.push(id);
        self.flush()?;
        for group in gone {
            self.sql.prepare_cached("DELETE FROM membership WHERE grp = ?1")?.execute([group])?;
            self.sql.prepare_cached("DELETE FROM grp WHERE id = ?1")?.execute([group])?;
            self.drop_group_state(group);
        }
        Ok(())
    }

    /// Subtracts from a product's user count the members of a deleted profile that are in no other profile of the
    /// product.
    fn uncount_product_users(&mut self, profile: GroupId) -> Result<(), StoreError> {
        let state = self.group_state(profile)?;
        let Some(product) = state.subject.filter(|_| state.kind == GroupKind::Profile) else { return Ok(()) };
        let leaving: i64 = self
            .sql
            .prepare_cached(
                "SELECT COUNT(*) FROM membership m WHERE m.grp = ?1 AND NOT EXISTS (
                    SELECT 1 FROM membership o JOIN grp g ON g.id = o.grp
                    WHERE o.usr = m.usr AND o.grp <> ?1 AND g.kind = 1 AND g.subject = ?2)",
            )?
            .query_row([profile, product], |row| row.get(0))?;
        self.count_product_user(product, -leaving);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        MemberQuery, NewProduct, PageRequest, Store,
        testing::{named, organization, user},
    };

    const ALL: PageRequest = PageRequest { page: 0, size: 100 };

    fn names(store: &Store, org: OrgId) -> Vec<String> {
        store.read(|r| r.groups(org, ALL)).unwrap().items.into_iter().map(|group| group.name).collect()
    }

    #[test]
    fn administrative_groups_are_visible_with_members_and_renamed() {
        let store = Store::in_memory().unwrap();
        let (org, group, user) = store
            .write(None, |tx| {
                let org = organization(tx);
                let group = tx.create_user_group(org, &named("Design"))?;
                Ok::<_, StoreError>((org, group, user(tx, org, "a@x.com")))
            })
            .unwrap();
        assert_eq!(names(&store, org), ["_org_admin", "Design"]);
        store
            .write(None, |tx| {
                let admins = tx.rows().group_by_name(org, "_ADMIN_design")?.unwrap();
                tx.add_member(&user, admins.id)?;
                tx.change_group(group, Some("Art"), None)
            })
            .unwrap();
        assert_eq!(names(&store, org)[1..], ["Art", "_admin_Art"]);
        let shown = store.read(|r| r.groups(org, ALL)).unwrap().items;
        assert_eq!(shown[1].admin_group_name.as_deref(), Some("_admin_Art"));
        assert_eq!(shown[2].user_group_name.as_deref(), Some("Art"));
        store.write(None, |tx| tx.delete_group(group)).unwrap();
        assert_eq!(names(&store, org), ["_org_admin"]);
    }

    #[test]
    fn an_administrative_role_is_listed_from_its_first_member() {
        let store = Store::in_memory().unwrap();
        let (org, user) = store
            .write(None, |tx| {
                let org = organization(tx);
                Ok::<_, StoreError>((org, user(tx, org, "a@x.com")))
            })
            .unwrap();
        let role = store.read(|r| r.group_by_name(org, "_support_admin")).unwrap().unwrap().id;
        assert_eq!(names(&store, org), ["_org_admin"]);
        store.write(None, |tx| tx.add_member(&user, role)).unwrap();
        assert_eq!(names(&store, org), ["_org_admin", "_support_admin"]);
        store.write(None, |tx| tx.remove_member(&user, role)).unwrap();
        assert_eq!(names(&store, org), ["_org_admin", "_support_admin"], "it had somebody");
    }

    #[test]
    fn a_deleted_profile_leaves_product_count_and_user_groups() {
        let store = Store::in_memory().unwrap();
        store
            .write(None, |tx| {
                let org = organization(tx);
                let product = tx.create_product(org, &NewProduct { name: "P", ..NewProduct::default() })?;
                let [one, two] = ["One", "Two"].map(|name| tx.create_profile(product, &named(name)).unwrap());
                let group = tx.create_user_group(org, &named("G"))?;
                tx.attach_profile(group, one)?;
                for (email, into) in [("a@x.com", group), ("b@x.com", one), ("c@x.com", two)] {
                    let user = user(tx, org, email);
                    tx.add_member(&user, into)?;
                    if email == "b@x.com" {
                        tx.add_member(&user, two)?;
                    }
                }
                let count = |tx: &mut Tx<'_>| {
                    tx.flush().unwrap();
                    tx.rows().products_of(org).unwrap()[0].user_count
                };
                assert_eq!(count(tx), 3);
                tx.delete_group(one)?;
                assert_eq!(count(tx), 2, "b is still in the other profile");
                assert!(tx.rows().profiles_of_group(group)?.is_empty());
                let row = tx.rows().group_row(org, two)?.unwrap();
                assert_eq!(tx.rows().members(&row, &MemberQuery::default(), ALL)?.total, 2);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
