use rusqlite::{OptionalExtension, Row, params};

use super::{GroupId, OrgId, Reader, StoreError, fold, stored_enum};

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
    // Queries of this folder name the numbers.
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
    /// The service's word for it.
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

    /// Whether it gives rights over a product, profile or user group: then it is seen only while it has members.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        matches!(self, Self::ProductAdmin | Self::ProfileAdmin | Self::UserGroupAdmin | Self::Developer)
    }
}

/// A group's row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupRow {
    /// The service's `groupId`.
    pub id: GroupId,
    /// The organization it belongs to.
    pub org: OrgId,
    /// Its kind.
    pub kind: GroupKind,
    /// Its name as it is spelled.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Whether another organization owns its users.
    pub read_only: bool,
    /// The product of a profile or of product administrators; the group that other administrators are for.
    pub subject: Option<i64>,
    /// The licences of a profile; none is "as many as are asked for".
    pub quota: Option<i64>,
    /// How many users are in it, also those who are not listed.
    pub members: i64,
    /// How many of them hold a licence.
    pub licensed: i64,
    /// The group of its administrators.
    pub admins: Option<GroupId>,
    /// The group of its developers.
    pub developers: Option<GroupId>,
}

const COLUMNS: &str = "SELECT g.id, g.org, g.kind, g.name, g.description, g.read_only, g.subject, g.quota, g.members,
    g.licensed, g.admins, g.developers FROM grp g";

fn read(row: &Row<'_>) -> rusqlite::Result<GroupRow> {
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
    /// The group with a name, of any kind, without regard to case.
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

    /// A group of the organization by its id.
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

    /// All groups of one kind, ordered by their ids.
    ///
    /// # Errors
    /// If the database fails.
    pub fn groups_of_kind(&self, org: OrgId, kind: GroupKind) -> Result<Vec<GroupRow>, StoreError> {
        let mut query =
            self.sql.prepare_cached(&format!("{COLUMNS} WHERE g.org = ?1 AND g.kind = ?2 ORDER BY g.id"))?;
        Ok(query.query_map(params![org, kind], read)?.collect::<Result<_, _>>()?)
    }
}
