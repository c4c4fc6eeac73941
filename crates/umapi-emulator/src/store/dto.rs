//! What the endpoints return: pages of users, of a group's members, of groups and of user groups.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{
    DirectoryId, GroupId, GroupKind, GroupRow, MemberClass, OrgId, Page, PageRequest, Reader, StoreError, UserId,
    UserKind, UserRow, UserStatus, fold, is_email_type,
    lists::{List, PageSlice, as_i64},
    names::external_user_id,
    users::{COLUMNS, read},
};

/// A user as the service returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// `id`.
    pub id: String,
    /// `email`.
    pub email: String,
    /// `username`.
    pub username: String,
    /// `domain`.
    pub domain: String,
    /// `firstname`.
    pub firstname: Option<String>,
    /// `lastname`.
    pub lastname: Option<String>,
    /// `country`.
    pub country: Option<String>,
    /// `phoneNumber`, of the deprecated endpoints.
    pub phone: Option<String>,
    /// `status`.
    pub status: UserStatus,
    /// `type`.
    pub kind: UserKind,
    /// `groups`: the groups of the user, as far as the query asks for them.
    pub groups: Vec<Arc<str>>,
    /// `adminRoles` (deprecated): what the user administers, in that field's own terms.
    pub admin_roles: Vec<Arc<str>>,
}

/// How much of a user's `groups` is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupsShown {
    None,
    Direct,
    All,
}

impl GroupsShown {
    pub(super) fn direct_only(yes: bool) -> Self {
        if yes { Self::Direct } else { Self::All }
    }
}

/// Converts rows to users, and caches what they share.
pub(super) struct UserMapper<'c> {
    reader: Reader<'c>,
    shown: GroupsShown,
    owners: HashMap<(OrgId, Option<DirectoryId>), Arc<str>>,
    groups: HashMap<GroupId, (Arc<str>, Option<Arc<str>>)>,
}

/// The groups of a user, by id.
type Groups = Vec<(GroupId, MemberClass)>;

/// If a page has fewer ids per user than this between its first and its last, one scan over all rows between them is faster
/// than looking up each user's.
const SPARSE: i64 = 8;

/// The users of a page, sorted by id: rows that are stored together are then read together.
struct PageUsers {
    /// The ids, and their positions on the page.
    by_id: Vec<(UserId, usize)>,
}

impl PageUsers {
    /// The users of a page in their order.
    fn new(users: impl IntoIterator<Item = UserId>) -> Self {
        let mut by_id: Vec<(UserId, usize)> = users.into_iter().zip(0..).collect();
        by_id.sort_unstable();
        Self { by_id }
    }

    /// Reads the rows of the users, and passes each one to `read` with the position of its user. The rows are in the order of
    /// the users' ids, which are their first column.
    fn each(
        &self,
        sql: &Connection,
        query: PageQuery<'_>,
        mut read: impl FnMut(usize, &Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let (Some((first, _)), Some((last, _))) = (self.by_id.first(), self.by_id.last()) else { return Ok(()) };
        let is_dense = (last - first) / SPARSE < self.by_id.len() as i64;
        let (mut query, parameters): (_, &[&dyn ToSql]) = if is_dense {
            (sql.prepare_cached(query.scan)?, &[first, last])
        } else {
            let ids: Vec<String> = self.by_id.iter().map(|(id, _)| id.to_string()).collect();
            (sql.prepare_cached(query.lookups)?, &[&format!("[{}]", ids.join(","))])
        };
        let (mut rows, mut users) = (query.query(parameters)?, self.by_id.iter().peekable());
        while let Some(row) = rows.next()? {
            let id: UserId = row.get(0)?;
            while users.next_if(|(user, _)| *user < id).is_some() {}
            if let Some((_, position)) = users.peek().filter(|(user, _)| *user == id) {
                read(*position, row)?;
            }
        }
        Ok(())
    }
}

/// A query for rows of the users of a page, in two forms.
#[derive(Clone, Copy)]
struct PageQuery<'a> {
    /// All rows with ids from ?1 to ?2, in order.
    scan: &'a str,
    /// The rows with the ids in the JSON array ?1, in its order.
    lookups: &'a str,
}

impl<'c> UserMapper<'c> {
    pub(super) fn new(reader: Reader<'c>, shown: GroupsShown) -> Self {
        Self { reader, shown, owners: HashMap::new(), groups: HashMap::new() }
    }

    /// Converts the rows of a page.
    pub(super) fn users(mut self, rows: Vec<UserRow>) -> Result<Vec<User>, StoreError> {
        let groups = self.groups_of(&rows)?;
        rows.into_iter().zip(groups).map(|(row, groups)| self.user(row, groups)).collect()
    }

    fn user(&mut self, row: UserRow, memberships: Groups) -> Result<User, StoreError> {
        let owner = self.owner(row.org, row.directory)?;
        let (mut groups, mut admin_roles) = (Vec::with_capacity(memberships.len()), Vec::new());
        for (group, class) in memberships {
            if self.shown == GroupsShown::Direct && class.is_through_groups_only() {
                continue;
            }
            let (name, role) = self.group(group)?;
            groups.push(name);
            admin_roles.extend(role);
        }
        Ok(User {
            id: external_user_id(row.account, row.kind, &owner),
            email: row.email,
            username: row.username,
            domain: row.domain,
            firstname: row.firstname,
            lastname: row.lastname,
            country: row.country,
            phone: row.phone,
            status: row.status,
            kind: row.kind,
            groups,
            admin_roles,
        })
    }

    /// Returns the groups of each user of a page.
    fn groups_of(&self, rows: &[UserRow]) -> Result<Vec<Groups>, StoreError> {
        let mut all = vec![Groups::new(); rows.len()];
        if self.shown == GroupsShown::None {
            return Ok(all);
        }
        let query = PageQuery {
            scan: "SELECT usr, grp, class FROM membership WHERE usr BETWEEN ?1 AND ?2 ORDER BY usr",
            lookups: "SELECT m.usr, m.grp, m.class FROM json_each(?1) page CROSS JOIN membership m ON m.usr = page.value",
        };
        PageUsers::new(rows.iter().map(|row| row.id)).each(self.reader.sql, query, |position, row| {
            all[position].push((row.get(1)?, row.get(2)?));
            Ok(())
        })?;
        for groups in &mut all {
            groups.sort_unstable_by_key(|(group, _)| *group);
        }
        Ok(all)
    }

    fn owner(&mut self, org: OrgId, directory: Option<DirectoryId>) -> Result<Arc<str>, StoreError> {
        if let Some(owner) = self.owners.get(&(org, directory)) {
            return Ok(Arc::clone(owner));
        }
        let owner: Arc<str> = match directory {
            Some(directory) => self.reader.directory_owner(directory)?,
            None => self.reader.org_id(org)?,
        }
        .into();
        self.owners.insert((org, directory), Arc::clone(&owner));
        Ok(owner)
    }

    /// Returns a group's name, and the value that `adminRoles` has for its members.
    fn group(&mut self, id: GroupId) -> Result<(Arc<str>, Option<Arc<str>>), StoreError> {
        if let Some(known) = self.groups.get(&id) {
            return Ok(known.clone());
        }
        let (name, kind, subject): (String, GroupKind, Option<String>) = self
            .reader
            .sql
            .prepare_cached(
                "SELECT g.name, g.kind, COALESCE(s.name, p.name) FROM grp g
                 LEFT JOIN grp s ON s.id = g.subject AND g.kind IN (6, 7)
                 LEFT JOIN product p ON p.id = g.subject AND g.kind = 5 WHERE g.id = ?1",
            )?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let role = match kind {
            GroupKind::SystemAdmin => Some("org".into()),
            GroupKind::DeploymentAdmin => Some("deployment".into()),
            GroupKind::SupportAdmin => Some("support".into()),
            GroupKind::UserGroup | GroupKind::Profile | GroupKind::Developer => None,
            GroupKind::ProductAdmin | GroupKind::ProfileAdmin | GroupKind::UserGroupAdmin => subject.map(Arc::from),
        };
        let known = (Arc::from(name), role);
        self.groups.insert(id, known.clone());
        Ok(known)
    }
}

/// A query for the users of an organization.
#[derive(Debug, Clone, Copy)]
pub struct UserQuery<'a> {
    /// Only users with this domain.
    pub domain: Option<&'a str>,
    /// Whether `groups` omits profiles that the user has through user groups only.
    pub direct_only: bool,
}

impl Default for UserQuery<'_> {
    fn default() -> Self {
        Self { domain: None, direct_only: true }
    }
}

/// Whether a member of a profile holds a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Holds a license.
    Active,
    /// Waits for a license.
    Inactive,
}

/// A query for the members of a group.
#[derive(Debug, Clone, Copy)]
pub struct MemberQuery {
    /// For a profile: only members with, or only members without, a license.
    pub status: Option<MemberStatus>,
    /// For a profile: only direct members. `groups` follows it too.
    pub direct_only: bool,
    /// Whether `groups` is left empty.
    pub exclude_groups: bool,
}

impl Default for MemberQuery {
    fn default() -> Self {
        Self { status: None, direct_only: true, exclude_groups: false }
    }
}

impl MemberQuery {
    /// Returns the membership classes that match the query, without technical accounts.
    fn classes(self, kind: GroupKind) -> Vec<MemberClass> {
        if kind != GroupKind::Profile {
            return vec![MemberClass::DIRECT];
        }
        let reasons: &[bool] = if self.direct_only { &[false] } else { &[false, true] };
        let licenses: &[bool] = match self.status {
            None => &[false, true],
            Some(MemberStatus::Active) => &[false],
            Some(MemberStatus::Inactive) => &[true],
        };
        let class = |through, without| MemberClass::DIRECT.through_groups_only(through).unlicensed(without);
        reasons.iter().flat_map(|through| licenses.iter().map(move |without| class(*through, *without))).collect()
    }
}

impl Reader<'_> {
    /// Returns a page of the users of an organization; past the end, the last page. Returns `None` if no user has the
    /// domain and the organization may not use it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn users(
        &self,
        org: OrgId,
        query: &UserQuery<'_>,
        page: PageRequest,
    ) -> Result<Option<Page<User>>, StoreError> {
        let (list, domain) = match query.domain {
            None => (List::Organization(org), None),
            Some(name) => {
                let Some(domain) = self.domain_id(org, name)? else {
                    let usable = self.claim(org, name)?.is_some_and(|claim| claim.owned || claim.trusted);
                    return Ok(usable.then(|| PageSlice::find(page, 0).page(Vec::new(), 0)));
                };
                (List::Domain(domain), Some(domain))
            }
        };
        let technical: i64 = self
            .sql
            .prepare_cached(
                "SELECT COUNT(*) FROM user
                 WHERE org = ?1 AND technical = 1 AND presence = 1 AND (?2 IS NULL OR domain = ?2)",
            )?
            .query_row(params![org, domain], |row| row.get(0))?;
        self.user_page(list, page, GroupsShown::direct_only(query.direct_only), technical.unsigned_abs()).map(Some)
    }

    /// Returns a page of the members of a group; past the end, the last page.
    ///
    /// # Errors
    /// If the database fails.
    pub fn members(&self, group: &GroupRow, query: &MemberQuery, page: PageRequest) -> Result<Page<User>, StoreError> {
        let classes = query.classes(group.kind);
        let mut count = self.sql.prepare_cached("SELECT COUNT(*) FROM membership WHERE grp = ?1 AND class = ?2")?;
        let mut technical = 0;
        for class in &classes {
            technical +=
                count.query_row(params![group.id, class.technical(true)], |row| row.get::<_, i64>(0))?.unsigned_abs();
        }
        let shown = if query.exclude_groups { GroupsShown::None } else { GroupsShown::direct_only(query.direct_only) };
        self.user_page(List::Members(group.id, classes.into_iter().collect()), page, shown, technical)
    }

    /// Returns a page of a list, whose total includes the technical accounts that the list omits.
    fn user_page(
        &self,
        list: List,
        page: PageRequest,
        shown: GroupsShown,
        technical: u64,
    ) -> Result<Page<User>, StoreError> {
        let (slice, ids) = self.list_page(list, page)?;
        let query = PageQuery {
            scan: &format!("SELECT {COLUMNS} FROM user u WHERE u.id BETWEEN ?1 AND ?2 ORDER BY u.id"),
            lookups: &format!("SELECT {COLUMNS} FROM json_each(?1) page CROSS JOIN user u ON u.id = page.value"),
        };
        let mut rows: Vec<Option<UserRow>> = ids.iter().map(|_| None).collect();
        PageUsers::new(ids).each(self.sql, query, |position, row| {
            rows[position] = Some(read(row)?);
            Ok(())
        })?;
        let rows = rows.into_iter().flatten().collect();
        Ok(slice.page(UserMapper::new(*self, shown).users(rows)?, slice.listed + technical))
    }

    /// Returns one active user by email address or username. `domain` is a domain of the user's directory, or
    /// `AdobeID`. Without it, an address means the organization's own account before the Adobe ID.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user(
        &self,
        org: OrgId,
        user: &str,
        domain: Option<&str>,
        direct_only: bool,
    ) -> Result<Option<User>, StoreError> {
        let row = self.find_row(org, user, domain)?.filter(UserRow::is_listed);
        let mapper = UserMapper::new(*self, GroupsShown::direct_only(direct_only));
        Ok(mapper.users(row.into_iter().collect())?.pop())
    }

    fn find_row(&self, org: OrgId, user: &str, domain: Option<&str>) -> Result<Option<UserRow>, StoreError> {
        if domain.is_some_and(|domain| fold(domain) == "adobeid") {
            return self.user_by_email(org, user, true);
        }
        let directory = match domain {
            Some(domain) => self.claim(org, domain)?.map(|claim| claim.directory.id),
            None => None,
        };
        let fits = |row: &UserRow| {
            let is_of =
                |domain| fold(&row.domain) == fold(domain) || (directory.is_some() && row.directory == directory);
            row.is_listed() && domain.is_none_or(is_of)
        };
        if !is_email_type(user) {
            return Ok(self.users_by_username(org, user, None)?.into_iter().find(fits));
        }
        match self.user_by_email(org, user, false)?.filter(fits) {
            Some(own) => Ok(Some(own)),
            None => Ok(self.user_by_email(org, user, true)?.filter(fits)),
        }
    }
}

/// A group as `GET /groups` returns it.
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
    /// `adminGroupName`: only while the group has administrators.
    pub admin_group_name: Option<String>,
    /// `userGroupName`: for the administrators of a user group.
    pub user_group_name: Option<String>,
    /// `productProfileName`: for the administrators and developers of a profile; for product administrators, the
    /// product's name.
    pub product_profile_name: Option<String>,
    /// `productName`: for a profile.
    pub product_name: Option<String>,
    /// `licenseQuota`: for a profile that has one.
    pub license_quota: Option<i64>,
    /// `isReadOnly`.
    pub read_only: bool,
}

/// A user group as the deprecated endpoints return it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserGroup {
    /// `groupId`.
    pub id: GroupId,
    /// `name`.
    pub name: String,
    /// The description, which the service accepts and does not return.
    pub description: Option<String>,
    /// `userCount`; the service omits a 0.
    pub user_count: i64,
    /// `adminCount`; the service omits a 0.
    pub admin_count: i64,
    /// `adminGroupId`: only while the group has administrators.
    pub admin_group_id: Option<GroupId>,
    /// `adminGroupName`: only while the group has administrators.
    pub admin_group_name: Option<String>,
    /// `isReadOnly`.
    pub read_only: bool,
}

impl Reader<'_> {
    /// Returns a page of all visible groups: user groups, profiles and administrative groups. A page past the end is
    /// empty and has `past_end` set.
    ///
    /// # Errors
    /// If the database fails.
    pub fn groups(&self, org: OrgId, page: PageRequest) -> Result<Page<Group>, StoreError> {
        let total: i64 = self
            .sql
            .prepare_cached("SELECT COUNT(*) FROM grp WHERE org = ?1 AND visible = 1")?
            .query_row([org], |row| row.get(0))?;
        let total = total.unsigned_abs();
        let slice = PageSlice::find(page, total);
        if slice.past_end {
            return Ok(slice.page(Vec::new(), total));
        }
        let mut query = self.sql.prepare_cached(
            "SELECT g.id, g.name, g.kind, g.members, a.name, s.name, p.name, g.quota, g.read_only
             FROM grp g
             LEFT JOIN grp a ON a.id = g.admins AND a.members > 0
             LEFT JOIN grp s ON s.id = g.subject AND g.kind IN (6, 7, 8)
             LEFT JOIN product p ON p.id = g.subject AND g.kind IN (1, 5)
             WHERE g.org = ?1 AND g.visible = 1 ORDER BY g.id LIMIT ?2 OFFSET ?3",
        )?;
        let groups = query.query_map(params![org, as_i64(slice.size), as_i64(slice.offset)], |row| {
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
        Ok(slice.page(groups.collect::<Result<_, _>>()?, total))
    }

    /// Returns a page of the user groups.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_groups(&self, org: OrgId, page: PageRequest) -> Result<Page<UserGroup>, StoreError> {
        let total: i64 = self
            .sql
            .prepare_cached("SELECT COUNT(*) FROM grp WHERE org = ?1 AND kind = 0")?
            .query_row([org], |row| row.get(0))?;
        let slice = PageSlice::find(page, total.unsigned_abs());
        let sql = format!("{USER_GROUP} WHERE g.org = ?1 AND g.kind = 0 ORDER BY g.id LIMIT ?2 OFFSET ?3");
        let mut query = self.sql.prepare_cached(&sql)?;
        let groups = query.query_map(params![org, as_i64(slice.size), as_i64(slice.offset)], read_user_group)?;
        Ok(slice.page(groups.collect::<Result<_, _>>()?, total.unsigned_abs()))
    }

    /// Returns one user group by its id.
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
