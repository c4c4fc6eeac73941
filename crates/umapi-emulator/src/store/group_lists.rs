//! Groups as the endpoints show them.

use rusqlite::{OptionalExtension, Row, params};

use super::pages::{Place, as_i64};
use super::{GroupId, GroupKind, OrgId, Page, PageRequest, Reader, StoreError};

/// A group as `GET /groups` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// `groupId`.
    pub id: GroupId,
    /// `groupName`.
    pub name: String,
    /// `type`.
    pub kind: GroupKind,
    /// `memberCount`.
    pub member_count: i64,
    /// `adminGroupName`: only while there are administrators.
    pub admin_group_name: Option<String>,
    /// `userGroupName`: of administrators of a user group.
    pub user_group_name: Option<String>,
    /// `productProfileName`: of administrators and developers of a profile, and the product's name on product
    /// administrators.
    pub product_profile_name: Option<String>,
    /// `productName`: of a profile.
    pub product_name: Option<String>,
    /// `licenseQuota`: of a profile that has one.
    pub license_quota: Option<i64>,
    /// `isReadOnly`.
    pub read_only: bool,
}

/// A user group as the deprecated endpoints show it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserGroup {
    /// `groupId`.
    pub id: GroupId,
    /// `name`.
    pub name: String,
    /// The description, which the service takes and does not show.
    pub description: Option<String>,
    /// `userCount`; the service leaves out a 0.
    pub user_count: i64,
    /// `adminCount`; the service leaves out a 0.
    pub admin_count: i64,
    /// `adminGroupId`: only while there are administrators.
    pub admin_group_id: Option<GroupId>,
    /// `adminGroupName`: only while there are administrators.
    pub admin_group_name: Option<String>,
    /// `isReadOnly`.
    pub read_only: bool,
}

impl Reader<'_> {
    /// A page of all groups that are seen: user groups, profiles and administrative groups. A page behind the end is
    /// empty, and says so.
    ///
    /// # Errors
    /// If the database fails.
    pub fn groups(&self, org: OrgId, page: PageRequest) -> Result<Page<Group>, StoreError> {
        let total: i64 = self
            .sql
            .prepare_cached("SELECT COUNT(*) FROM grp WHERE org = ?1 AND visible = 1")?
            .query_row([org], |row| row.get(0))?;
        let total = total.unsigned_abs();
        let place = Place::find(page, total);
        if place.past_end {
            return Ok(place.page(Vec::new(), total));
        }
        let mut query = self.sql.prepare_cached(
            "SELECT g.id, g.name, g.kind, g.members, a.name, s.name, p.name, g.quota, g.read_only
             FROM grp g
             LEFT JOIN grp a ON a.id = g.admins AND a.members > 0
             LEFT JOIN grp s ON s.id = g.subject AND g.kind IN (6, 7, 8)
             LEFT JOIN product p ON p.id = g.subject AND g.kind IN (1, 5)
             WHERE g.org = ?1 AND g.visible = 1 ORDER BY g.id LIMIT ?2 OFFSET ?3",
        )?;
        let groups = query.query_map(params![org, as_i64(place.size), as_i64(place.offset)], |row| {
            let kind = row.get(2)?;
            let (subject, product): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
            let of = |wanted: bool, name: &Option<String>| name.clone().filter(|_| wanted);
            Ok(Group {
                id: row.get(0)?,
                name: row.get(1)?,
                kind,
                member_count: row.get(3)?,
                admin_group_name: row.get(4)?,
                user_group_name: of(kind == GroupKind::UserGroupAdmin, &subject),
                product_profile_name: of(matches!(kind, GroupKind::ProfileAdmin | GroupKind::Developer), &subject)
                    .or_else(|| of(kind == GroupKind::ProductAdmin, &product)),
                product_name: of(kind == GroupKind::Profile, &product),
                license_quota: row.get(7)?,
                read_only: row.get(8)?,
            })
        })?;
        Ok(place.page(groups.collect::<Result<_, _>>()?, total))
    }

    /// A page of the user groups.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_groups(&self, org: OrgId, page: PageRequest) -> Result<Page<UserGroup>, StoreError> {
        let total: i64 = self
            .sql
            .prepare_cached("SELECT COUNT(*) FROM grp WHERE org = ?1 AND kind = 0")?
            .query_row([org], |row| row.get(0))?;
        let place = Place::find(page, total.unsigned_abs());
        let sql = format!("{USER_GROUP} WHERE g.org = ?1 AND g.kind = 0 ORDER BY g.id LIMIT ?2 OFFSET ?3");
        let mut query = self.sql.prepare_cached(&sql)?;
        let groups = query.query_map(params![org, as_i64(place.size), as_i64(place.offset)], read_user_group)?;
        Ok(place.page(groups.collect::<Result<_, _>>()?, total.unsigned_abs()))
    }

    /// One user group by its id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_group(&self, org: OrgId, id: GroupId) -> Result<Option<UserGroup>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("{USER_GROUP} WHERE g.id = ?2 AND g.org = ?1 AND g.kind = 0"))?
            .query_row(params![org, id], read_user_group)
            .optional()?)
    }
}

const USER_GROUP: &str =
    "SELECT g.id, g.name, g.description, g.members, COALESCE(a.members, 0), a.id, a.name, g.read_only
    FROM grp g LEFT JOIN grp a ON a.id = g.admins AND a.members > 0";

fn read_user_group(row: &Row<'_>) -> rusqlite::Result<UserGroup> {
    Ok(UserGroup {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        user_count: row.get(3)?,
        admin_count: row.get(4)?,
        admin_group_id: row.get(5)?,
        admin_group_name: row.get(6)?,
        read_only: row.get(7)?,
    })
}
