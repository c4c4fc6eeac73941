//! Users as the endpoints show them.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::outer_user_id;
use super::{Class, DirectoryId, GroupId, GroupKind, OrgId, Reader, StoreError, UserId, UserKind, UserRow, UserStatus};

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
