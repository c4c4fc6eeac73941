use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::params;

use super::groups::as_i64;
use super::lists::List;
use super::names::outer_user_id;
use super::pages::Place;
use super::users::{COLUMNS, read};
use super::{
    Class, DirectoryId, GroupId, GroupKind, GroupRow, OrgId, Page, PageRequest, Reader, StoreError, UserId, UserKind,
    UserRow, UserStatus, fold, is_email_type,
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

/// How much of a user's `groups` is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Direct,
    All,
}

impl Shown {
    fn direct_only(yes: bool) -> Self {
        if yes { Self::Direct } else { Self::All }
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
        let mut faces = Faces::new(*self, Shown::direct_only(direct_only));
        row.map(|row| faces.face(row)).transpose()
    }

    fn find_row(&self, org: OrgId, user: &str, domain: Option<&str>) -> Result<Option<UserRow>, StoreError> {
        if domain.is_some_and(|domain| fold(domain) == "adobeid") {
            return self.user_by_email(org, user, true);
        }
        let mut candidates = if is_email_type(user) {
            let own = self.user_by_email(org, user, false)?;
            own.into_iter().chain(self.user_by_email(org, user, true)?).collect()
        } else {
            self.users_by_username(org, user, None)?
        };
        if let Some(domain) = domain {
            let directory = self.claim(org, domain)?.map(|claim| claim.directory.id);
            candidates.retain(|row: &UserRow| {
                row.domain == fold(domain) || (directory.is_some() && row.directory == directory)
            });
        }
        Ok(candidates.into_iter().find(UserRow::is_listed))
    }
}

/// Turns rows into users, and remembers what they share.
struct Faces<'c> {
    reader: Reader<'c>,
    shown: Shown,
    owners: HashMap<(OrgId, Option<DirectoryId>), Arc<str>>,
    groups: HashMap<GroupId, (Arc<str>, Option<Arc<str>>)>,
}

impl<'c> Faces<'c> {
    fn new(reader: Reader<'c>, shown: Shown) -> Self {
        Self { reader, shown, owners: HashMap::new(), groups: HashMap::new() }
    }

    fn of(mut self, rows: Vec<UserRow>) -> Result<Vec<User>, StoreError> {
        rows.into_iter().map(|row| self.face(row)).collect()
    }

    fn face(&mut self, row: UserRow) -> Result<User, StoreError> {
        let owner = self.owner(row.org, row.directory)?;
        let (groups, admin_roles) = self.groups_of(row.id)?;
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

    fn groups_of(&mut self, user: UserId) -> Result<(Vec<Arc<str>>, Vec<Arc<str>>), StoreError> {
        let (mut names, mut roles) = (Vec::new(), Vec::new());
        if self.shown == Shown::Nothing {
            return Ok((names, roles));
        }
        let reader = self.reader;
        let mut query = reader.sql.prepare_cached("SELECT grp, class FROM membership WHERE usr = ?1 ORDER BY grp")?;
        let mut rows = query.query([user])?;
        while let Some(row) = rows.next()? {
            let class: Class = row.get(1)?;
            if self.shown == Shown::Direct && class.is_through_groups_only() {
                continue;
            }
            let (name, role) = self.group(row.get(0)?)?;
            names.push(name);
            roles.extend(role);
        }
        Ok((names, roles))
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
