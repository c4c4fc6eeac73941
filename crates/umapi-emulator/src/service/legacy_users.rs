use http::StatusCode;

use super::call::Call;
use super::paging::Paging;
use super::refusals::{domain_not_found, user_not_found};
use super::shapes::{LegacyUserShape, LegacyUsers};
use crate::http::Answer;
use crate::store::{GroupId, MemberQuery, Page, StoreError, User, UserQuery};

/// `GET /{orgId}/users`.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, StoreError> {
    let domain = call.query("domain");
    let query = UserQuery { domain: domain.as_deref(), direct_only: call.flag("directOnly", true) };
    let request = call.query_page(call.world.settings.pages.legacy_users);
    let page = call.world.store.read(|reader| reader.users(call.org.id, &query, request))?;
    Ok(page.map_or_else(|| domain_not_found(domain.as_deref().unwrap_or_default()), |page| answer(&page)))
}

/// `GET /{orgId}/users/{email}`.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, StoreError> {
    let email = call.path("email");
    let user = call.world.store.read(|reader| reader.user(call.org.id, email, None, true))?;
    Ok(match user {
        Some(user) => Answer::json(StatusCode::OK, &LegacyUserShape::of(&user)),
        None => user_not_found(email),
    })
}

/// A page of the users in a group, whatever brought them there.
pub(super) fn members(call: &Call<'_>, group: GroupId) -> Result<Option<Answer>, StoreError> {
    let request = call.query_page(call.world.settings.pages.legacy_users);
    let query = MemberQuery { direct_only: false, ..MemberQuery::default() };
    let page = call.world.store.read(|reader| {
        let Some(group) = reader.group_row(call.org.id, group)? else { return Ok::<_, StoreError>(None) };
        reader.members(&group, &query, request).map(Some)
    })?;
    Ok(page.map(|page| answer(&page)))
}

fn answer(page: &Page<User>) -> Answer {
    Paging::of(page).on(Answer::json(StatusCode::OK, &LegacyUsers(&page.items)))
}
