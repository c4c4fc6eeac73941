use http::StatusCode;
use serde::Serialize;

use super::call::Call;
use super::paging::Paging;
use super::refusals::{domain_not_found, group_not_found, user_not_found};
use super::shapes::{UserShape, Users};
use crate::http::Answer;
use crate::store::{MemberQuery, MemberStatus, StoreError, UserQuery};

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

/// `GET /users/{orgId}/{page}`.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, StoreError> {
    let domain = call.query("domain");
    let query = UserQuery { domain: domain.as_deref(), direct_only: call.flag("directOnly", true) };
    let request = call.path_page(call.world.settings.pages.users);
    let Some(page) = call.world.store.read(|reader| reader.users(call.org.id, &query, request))? else {
        return Ok(domain_not_found(domain.as_deref().unwrap_or_default()));
    };
    let body = UserPage { last_page: page.is_last(), result: "success", group_name: None, users: Users(&page.items) };
    Ok(Paging::of(&page).on(Answer::json(StatusCode::OK, &body)))
}

/// `GET /users/{orgId}/{page}/{groupName}`.
pub(super) fn list_in_group(call: &Call<'_>) -> Result<Answer, StoreError> {
    let name = call.path("groupName");
    let query = MemberQuery {
        status: match call.query("status").as_deref() {
            Some("active") => Some(MemberStatus::Active),
            Some("inactive") => Some(MemberStatus::Inactive),
            _ => None,
        },
        direct_only: call.flag("directOnly", true),
        exclude_groups: call.flag("excludeGroups", false),
    };
    let request = call.path_page(call.world.settings.pages.users);
    let found = call.world.store.read(|reader| {
        let Some(group) = reader.group_by_name(call.org.id, name)? else { return Ok::<_, StoreError>(None) };
        let page = reader.members(&group, &query, request)?;
        Ok(Some((group, page)))
    })?;
    let Some((group, page)) = found else { return Ok(group_not_found(name)) };
    let body = UserPage {
        last_page: page.is_last(),
        result: "success",
        group_name: Some(&group.name),
        users: Users(&page.items),
    };
    Ok(Paging::of(&page).on(Answer::json(StatusCode::OK, &body)))
}

/// `GET /organizations/{orgId}/users/{userString}`.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, StoreError> {
    #[derive(Serialize)]
    struct Found<'a> {
        result: &'static str,
        user: UserShape<'a>,
    }
    let name = call.path("userString");
    let domain = call.query("domain");
    let user = call.world.store.read(|reader| reader.user(call.org.id, name, domain.as_deref(), true))?;
    Ok(match user {
        Some(user) => Answer::json(StatusCode::OK, &Found { result: "success", user: UserShape::of(&user) }),
        None => user_not_found(name),
    })
}
