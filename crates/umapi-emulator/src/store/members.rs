use rusqlite::params;

use super::faces::{Faces, Shown};
use super::lists::List;
use super::pages::{Place, as_i64};
use super::users::{COLUMNS, read};
use super::{
    Class, GroupKind, GroupRow, OrgId, Page, PageRequest, Reader, StoreError, User, UserId, UserRow, fold,
    is_email_type,
};

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
