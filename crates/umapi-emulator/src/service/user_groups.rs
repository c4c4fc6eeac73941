use http::StatusCode;

use super::call::Call;
use super::legacy_users;
use super::paging::Paging;
use super::refusals::{self, not_found};
use super::shapes::{UserGroupShape, UserGroups};
use crate::engine::legacy::{self, LegacyError, UserGroupFields};
use crate::http::Answer;
use crate::store::{GroupId, PageRequest, StoreError, UserGroup};

const NOT_FOUND: &str = "GROUP_NOT_FOUND";

/// `GET /{orgId}/user-groups`. Its pages count from 1, and 0 is taken for 1.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, StoreError> {
    let asked = call.query_page(call.world.settings.pages.legacy_lists);
    let request = PageRequest { page: asked.page.saturating_sub(1), ..asked };
    let page = call.world.store.read(|reader| reader.user_groups(call.org.id, request))?;
    Ok(Paging::of(&page).counted_from_one().on(Answer::json(StatusCode::OK, &UserGroups(&page.items))))
}

/// `GET /{orgId}/user-groups/{groupId}`.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, StoreError> {
    Ok(find(call)?.map_or_else(|| not_found(NOT_FOUND), |group| show(&group)))
}

/// `POST /{orgId}/user-groups`.
pub(super) fn create(call: &Call<'_>) -> Answer {
    let fields = legacy::body::<UserGroupFields>(&call.request.body);
    written(fields.and_then(|fields| legacy::create_user_group(&call.world.store, &call.legacy(), &fields)))
}

/// `PUT /{orgId}/user-groups/{groupId}`.
pub(super) fn update(call: &Call<'_>) -> Answer {
    let fields = legacy::body::<UserGroupFields>(&call.request.body);
    written(fields.and_then(|fields| legacy::update_user_group(&call.world.store, &call.legacy(), id(call), &fields)))
}

/// `POST /{orgId}/user-groups/{groupId}`.
pub(super) fn update_rights(call: &Call<'_>) -> Answer {
    let rights = legacy::body(&call.request.body);
    written(
        rights
            .and_then(|rights| legacy::update_user_group_rights(&call.world.store, &call.legacy(), id(call), &rights)),
    )
}

/// `DELETE /{orgId}/user-groups/{groupId}`.
pub(super) fn delete(call: &Call<'_>) -> Answer {
    match legacy::delete_user_group(&call.world.store, &call.legacy(), id(call)) {
        Ok(()) => Answer::empty(StatusCode::NO_CONTENT),
        Err(failure) => refusals::legacy(failure),
    }
}

/// `GET /{orgId}/user-groups/{groupId}/users`.
pub(super) fn list_users(call: &Call<'_>) -> Result<Answer, StoreError> {
    let found = if find(call)?.is_some() { legacy_users::members(call, id(call))? } else { None };
    Ok(found.unwrap_or_else(|| not_found(NOT_FOUND)))
}

/// `GET /{orgId}/user-groups/{groupId}/admins`.
pub(super) fn list_admins(call: &Call<'_>) -> Result<Answer, StoreError> {
    let row = call.world.store.read(|reader| reader.group_row(call.org.id, id(call)))?;
    let admins = if find(call)?.is_some() { row.and_then(|row| row.admins) } else { None };
    let found = admins.map(|admins| legacy_users::members(call, admins)).transpose()?.flatten();
    Ok(found.unwrap_or_else(|| not_found(NOT_FOUND)))
}

/// The group's id; one that is no number is no group's.
fn id(call: &Call<'_>) -> GroupId {
    call.path("groupId").parse().unwrap_or(GroupId::MIN)
}

fn find(call: &Call<'_>) -> Result<Option<UserGroup>, StoreError> {
    call.world.store.read(|reader| reader.user_group(call.org.id, id(call)))
}

fn written(result: Result<UserGroup, LegacyError>) -> Answer {
    result.map_or_else(refusals::legacy, |group| show(&group))
}

fn show(group: &UserGroup) -> Answer {
    Answer::json(StatusCode::OK, &UserGroupShape::of(group))
}
