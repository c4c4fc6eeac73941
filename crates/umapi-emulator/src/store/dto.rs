//! What the endpoints show: pages of users, of the members of a group, of groups and user groups.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Class, DirectoryId, GroupId, GroupKind, GroupRow, OrgId, Page, PageRequest, Reader, StoreError, UserId, UserKind,
    UserRow, UserStatus, fold, is_email_type,
    lists::{List, Place, as_i64},
    names::outer_user_id,
    users::{COLUMNS, read},
};

/// A user as the service shows one.
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
    /// `groups`: every group the user is in, as far as was asked for.
    pub groups: Vec<Arc<str>>,
    /// `adminRoles` (deprecated): what the user administers, in the words of that field.
    pub admin_roles: Vec<Arc<str>>,
}

/// How much of a user's `groups` is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Direct,
    All,
}

impl Shown {
    pub(super) fn direct_only(yes: bool) -> Self {
        if yes { Self::Direct } else { Self::All }
    }
}

/// Turns rows into users, and remembers what they share.
pub(super) struct Faces<'c> {
    reader: Reader<'c>,
    shown: Shown,
    owners: HashMap<(OrgId, Option<DirectoryId>), Arc<str>>,
    groups: HashMap<GroupId, (Arc<str>, Option<Arc<str>>)>,
}

/// The groups a user is in, by their ids.
type Groups = Vec<(GroupId, Class)>;

/// A page whose users have this many ids between them for each user has its memberships read one user at a time.
const SPARSE: i64 = 8;

impl<'c> Faces<'c> {
    pub(super) fn new(reader: Reader<'c>, shown: Shown) -> Self {
        Self { reader, shown, owners: HashMap::new(), groups: HashMap::new() }
    }

    /// The users of a page, whose rows come in the order of their ids.
    pub(super) fn of(mut self, rows: Vec<UserRow>) -> Result<Vec<User>, StoreError> {
        let groups = self.groups_of(&rows)?;
        rows.into_iter().zip(groups).map(|(row, groups)| self.face(row, groups)).collect()
    }

    fn face(&mut self, row: UserRow, is_in: Groups) -> Result<User, StoreError> {
        let owner = self.owner(row.org, row.directory)?;
        let (mut groups, mut admin_roles) = (Vec::with_capacity(is_in.len()), Vec::new());
        for (group, class) in is_in {
            if self.shown == Shown::Direct && class.is_through_groups_only() {
                continue;
            }
            let (name, role) = self.group(group)?;
            groups.push(name);
            admin_roles.extend(role);
        }
        Ok(User {
            id: outer_user_id(row.account, row.kind, &owner),
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

    /// What each user of a page is in. Ids on a page mostly follow each other: then one walk over the memberships costs
    /// half of looking up each user.
    fn groups_of(&self, rows: &[UserRow]) -> Result<Vec<Groups>, StoreError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
        let mut all = vec![Groups::new(); rows.len()];
        if self.shown == Shown::Nothing {
            return Ok(all);
        }
        let mut query = self
            .reader
            .sql
            .prepare_cached("SELECT usr, grp, class FROM membership WHERE usr BETWEEN ?1 AND ?2 ORDER BY usr, grp")?;
        let spans = if (last.id - first.id) / SPARSE < rows.len() as i64 {
            vec![(first.id, last.id)]
        } else {
            rows.iter().map(|row| (row.id, row.id)).collect()
        };
        let mut at = 0;
        for (from, to) in spans {
            let mut memberships = query.query([from, to])?;
            while let Some(membership) = memberships.next()? {
                let user: UserId = membership.get(0)?;
                while rows.get(at).is_some_and(|row| row.id < user) {
                    at += 1;
                }
                if rows.get(at).is_some_and(|row| row.id == user) {
                    all[at].push((membership.get(1)?, membership.get(2)?));
                }
            }
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

    /// A group's name, and the word that `adminRoles` has for being in it.
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

/// Which users of an organization are asked for, and how they are shown.
#[derive(Debug, Clone, Copy)]
pub struct UserQuery<'a> {
    /// Only users with this domain.
    pub domain: Option<&'a str>,
    /// Whether `groups` leaves out the profiles that come through user groups only.
    pub direct_only: bool,
}

impl Default for UserQuery<'_> {
    fn default() -> Self {
        Self { domain: None, direct_only: true }
    }
}

/// Whether a member of a profile holds a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Holds one.
    Active,
    /// Waits for one.
    Inactive,
}

/// Which members of a group are asked for, and how they are shown.
#[derive(Debug, Clone, Copy)]
pub struct MemberQuery {
    /// Of a profile: only those with or without a licence.
    pub status: Option<MemberStatus>,
    /// Of a profile: only those who were put into it themselves. `groups` follows it too.
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
    /// The classes that the query means, technical accounts aside.
    fn classes(self, kind: GroupKind) -> Vec<Class> {
        if kind != GroupKind::Profile {
            return vec![Class::DIRECT];
        }
        let reasons: &[bool] = if self.direct_only { &[false] } else { &[false, true] };
        let licences: &[bool] = match self.status {
            None => &[false, true],
            Some(MemberStatus::Active) => &[false],
            Some(MemberStatus::Inactive) => &[true],
        };
        let class = |through, without| Class::DIRECT.through_groups_only(through).unlicensed(without);
        reasons.iter().flat_map(|through| licences.iter().map(move |without| class(*through, *without))).collect()
    }
}

impl Reader<'_> {
    /// A page of the users of an organization; a page behind the end is the last one.
    /// `None` if no user has the domain and the organization may not use it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn users(
        &self,
        org: OrgId,
        query: &UserQuery<'_>,
        page: PageRequest,
    ) -> Result<Option<Page<User>>, StoreError> {
        let (listed, technical, sql, owner) = match query.domain {
            None => (
                List::Organization(org),
                List::OrganizationTechnical(org),
                format!("{COLUMNS} WHERE u.org = ?1 AND u.listed = 1 AND u.id >= ?2 ORDER BY u.id LIMIT ?3 OFFSET ?4"),
                org,
            ),
            Some(name) => {
                let Some(domain) = self.domain_id(org, name)? else {
                    let usable = self.claim(org, name)?.is_some_and(|claim| claim.owned || claim.trusted);
                    return Ok(usable.then(|| Place::find(page, 0).page(Vec::new(), 0)));
                };
                (
                    List::Domain(domain),
                    List::DomainTechnical(domain),
                    format!(
                        "{COLUMNS} WHERE u.domain = ?1 AND u.listed = 1 AND u.id >= ?2 ORDER BY u.id LIMIT ?3 OFFSET ?4"
                    ),
                    domain,
                )
            }
        };
        let count = self.list_len(&[listed])?;
        let place = Place::find(page, count);
        let position = self.locate(&[listed], place.offset)?;
        let rows: Vec<UserRow> = self
            .sql
            .prepare_cached(&sql)?
            .query_map(params![owner, position.first, as_i64(place.size), as_i64(position.skip)], read)?
            .collect::<Result<_, _>>()?;
        let users = Faces::new(*self, Shown::direct_only(query.direct_only)).of(rows)?;
        Ok(Some(place.page(users, count + self.list_len(&[technical])?)))
    }

    /// A page of the users in a group; a page behind the end is the last one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn members(&self, group: &GroupRow, query: &MemberQuery, page: PageRequest) -> Result<Page<User>, StoreError> {
        let classes = query.classes(group.kind);
        let listed: Vec<_> = classes.iter().map(|class| List::Members(group.id, *class)).collect();
        let technical: Vec<_> = classes.iter().map(|class| List::Members(group.id, class.technical(true))).collect();
        let count = self.list_len(&listed)?;
        let place = Place::find(page, count);
        let position = self.locate(&listed, place.offset)?;

        // Each class is a list in the order of ids; the page is cut from their union.
        let mut ids: Vec<UserId> = Vec::new();
        let mut members = self.sql.prepare_cached(
            "SELECT usr FROM membership WHERE grp = ?1 AND class = ?2 AND usr >= ?3 ORDER BY usr LIMIT ?4",
        )?;
        for class in &classes {
            let rows = members
                .query_map(params![group.id, class, position.first, as_i64(position.skip + place.size)], |row| {
                    row.get(0)
                })?;
            for id in rows {
                ids.push(id?);
            }
        }
        if classes.len() > 1 {
            ids.sort_unstable();
        }
        let skip = usize::try_from(position.skip).unwrap_or(usize::MAX);
        let take = usize::try_from(place.size).unwrap_or(usize::MAX);
        let mut one = self.sql.prepare_cached(&format!("{COLUMNS} WHERE u.id = ?1"))?;
        let rows =
            ids.into_iter().skip(skip).take(take).map(|id| one.query_row([id], read)).collect::<Result<Vec<_>, _>>()?;
        let shown = if query.exclude_groups { Shown::Nothing } else { Shown::direct_only(query.direct_only) };
        Ok(place.page(Faces::new(*self, shown).of(rows)?, count + self.list_len(&technical)?))
    }

    /// One active user by email, or by username. `domain` is a domain of the user's directory, or `AdobeID`. Without it
    /// an address means the account of the organization before the Adobe ID.
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
        let faces = Faces::new(*self, Shown::direct_only(direct_only));
        Ok(faces.of(row.into_iter().collect())?.pop())
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
            let is_of = |domain| row.domain == fold(domain) || (directory.is_some() && row.directory == directory);
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
