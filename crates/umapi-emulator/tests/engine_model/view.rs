//! What the lists of an organization show, page by page.

use umapi_emulator::store::{
    Group, GroupRow, MemberQuery, MemberStatus, Page, PageRequest, Reader, Store, StoreError, User, UserQuery,
};

use crate::ORG;

/// A short page, so that lists have several.
const SIZE: u64 = 3;

#[derive(Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) users: Vec<UserView>,
    pub(crate) groups: Vec<GroupView>,
    pub(crate) products: Vec<ProductView>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct UserView {
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) first: String,
    pub(crate) direct_groups: Vec<String>,
    pub(crate) all_groups: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct GroupView {
    pub(crate) name: String,
    pub(crate) member_count: i64,
    pub(crate) admin_group_name: Option<String>,
    pub(crate) quota: Option<i64>,
    pub(crate) description: Option<String>,
    pub(crate) read_only: bool,
    /// With `directOnly`.
    pub(crate) direct: Members,
    /// Without `directOnly`.
    pub(crate) everybody: Members,
}

/// The addresses of a group's members, by `status`.
#[derive(Debug, PartialEq)]
pub(crate) struct Members {
    pub(crate) all: Vec<String>,
    pub(crate) active: Vec<String>,
    pub(crate) inactive: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct ProductView {
    pub(crate) name: String,
    pub(crate) users: i64,
}

impl View {
    pub(crate) fn of(store: &Store) -> Self {
        store
            .read(|r| {
                let org = r.organization(ORG)?.unwrap().id;
                let query = |direct_only| UserQuery { direct_only, ..UserQuery::default() };
                let users = |direct_only| pages(|page| Ok(r.users(org, &query(direct_only), page)?.unwrap()));
                let users =
                    users(true)?.into_iter().zip(users(false)?).map(|(direct, all)| user_view(direct, all)).collect();
                let mut groups = Vec::new();
                for group in pages(|page| r.groups(org, page))? {
                    let row = r.group_by_name(org, &group.name)?.unwrap();
                    groups.push(group_view(r, group, &row)?);
                }
                let products = r.products_of(org)?;
                let product =
                    |p: &umapi_emulator::store::Product| ProductView { name: p.name.clone(), users: p.user_count };
                Ok::<_, StoreError>(Self { users, groups, products: products.iter().map(product).collect() })
            })
            .unwrap()
    }
}

fn user_view(direct: User, all: User) -> UserView {
    let names = |user: &User| user.groups.iter().map(|name| (**name).to_owned()).collect();
    assert_eq!(direct.email, all.email);
    UserView {
        direct_groups: names(&direct),
        all_groups: names(&all),
        email: direct.email,
        username: direct.username,
        first: direct.firstname.unwrap_or_default(),
    }
}

fn group_view(r: &Reader<'_>, group: Group, row: &GroupRow) -> Result<GroupView, StoreError> {
    let members = |direct_only| {
        let with = |status| {
            let query = MemberQuery { status, direct_only, exclude_groups: true };
            pages(|page| r.members(row, &query, page)).map(|users| users.into_iter().map(|user| user.email).collect())
        };
        let (active, inactive) = (with(Some(MemberStatus::Active))?, with(Some(MemberStatus::Inactive))?);
        Ok::<_, StoreError>(Members { all: with(None)?, active, inactive })
    };
    Ok(GroupView {
        direct: members(true)?,
        everybody: members(false)?,
        name: group.name,
        member_count: group.member_count,
        admin_group_name: group.admin_group_name,
        quota: group.license_quota,
        description: row.description.clone(),
        read_only: group.read_only,
    })
}

/// Reads a whole list page by page, and checks that the pages are consistent.
fn pages<T>(get: impl Fn(PageRequest) -> Result<Page<T>, StoreError>) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    let mut number = 0;
    loop {
        let page = get(PageRequest { page: number, size: SIZE })?;
        assert_eq!((page.number, page.past_end), (number, false));
        assert_eq!(page.pages, page.total.div_ceil(SIZE).max(1));
        let full = page.items.len() as u64 == SIZE;
        assert!(full || page.is_last(), "a short page that is not the last one");
        let (last, total) = (page.is_last(), page.total);
        all.extend(page.items);
        number += 1;
        if last {
            assert_eq!(all.len() as u64, total);
            assert!(get(PageRequest { page: number, size: SIZE })?.past_end);
            return Ok(all);
        }
    }
}
