//! The current endpoints of users: lists, the members of a group, and one user.

use http::StatusCode;
use serde::Serialize;

use super::{
    Context,
    dto::{UserDto, Users},
    errors::{domain_not_found, group_not_found, user_not_found},
    with_paging,
};
use crate::{
    http::Response,
    store::{MemberQuery, MemberStatus, PageRequest, StoreError, UserQuery},
};

/// A page of users.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserPage<'a> {
    last_page: bool,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<&'a str>,
    users: Users<'a>,
}

impl Context<'_> {
    /// `GET /users/{orgId}/{page}`.
    pub(super) fn list_users(self, page: u64, domain: Option<&str>, direct_only: bool) -> Result<Response, StoreError> {
        let query = UserQuery { domain, direct_only };
        let request = PageRequest { page, size: self.app.settings.pages.users };
        let Some(page) = self.app.store.read(|reader| reader.users(self.org.id, &query, request))? else {
            return Ok(domain_not_found(domain.unwrap_or_default()));
        };
        let body =
            UserPage { last_page: page.is_last(), result: "success", group_name: None, users: Users(&page.items) };
        Ok(with_paging(Response::json(StatusCode::OK, &body), &page, page.number))
    }

    /// `GET /users/{orgId}/{page}/{groupName}`.
    pub(super) fn list_users_in_group(
        self,
        page: u64,
        group_name: &str,
        direct_only: bool,
        status: Option<&str>,
        exclude_groups: bool,
    ) -> Result<Response, StoreError> {
        let status = match status {
            Some("active") => Some(MemberStatus::Active),
            Some("inactive") => Some(MemberStatus::Inactive),
            _ => None,
        };
        let query = MemberQuery { status, direct_only, exclude_groups };
        let request = PageRequest { page, size: self.app.settings.pages.users };
        let found = self.app.store.read(|reader| {
            let Some(group) = reader.group_by_name_or_id(self.org.id, group_name)? else {
                return Ok::<_, StoreError>(None);
            };
            let page = reader.members(&group, &query, request)?;
            Ok(Some((group, page)))
        })?;
        let Some((group, page)) = found else { return Ok(group_not_found(group_name)) };
        let body = UserPage {
            last_page: page.is_last(),
            result: "success",
            group_name: Some(&group.name),
            users: Users(&page.items),
        };
        Ok(with_paging(Response::json(StatusCode::OK, &body), &page, page.number))
    }

    /// `GET /organizations/{orgId}/users/{userString}`.
    pub(super) fn get_user(self, name: &str, domain: Option<&str>) -> Result<Response, StoreError> {
        #[derive(Serialize)]
        struct Found<'a> {
            result: &'static str,
            user: UserDto<'a>,
        }
        let user = self.app.store.read(|reader| reader.user(self.org.id, name, domain, true))?;
        Ok(match user {
            Some(user) => Response::json(StatusCode::OK, &Found { result: "success", user: UserDto::of(&user) }),
            None => user_not_found(name),
        })
    }
}
