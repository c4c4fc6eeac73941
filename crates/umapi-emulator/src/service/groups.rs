use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::call::Call;
use super::paging::Paging;
use super::shapes::Groups;
use crate::http::Answer;
use crate::store::StoreError;

/// `GET /groups/{orgId}/{page}`. A page behind the end says so, and is no error.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, StoreError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct GroupPage<'a> {
        last_page: bool,
        result: &'static str,
        groups: Groups<'a>,
    }
    let request = call.path_page(call.world.settings.pages.groups);
    let page = call.world.store.read(|reader| reader.groups(call.org.id, request))?;
    let answer = if page.past_end {
        Answer::json(StatusCode::OK, &json!({"lastPage": true, "result": "Not found"}))
    } else {
        let body = GroupPage { last_page: page.is_last(), result: "success", groups: Groups(&page.items) };
        Answer::json(StatusCode::OK, &body)
    };
    Ok(Paging::of(&page).on(answer))
}
