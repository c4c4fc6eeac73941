//! `GET /groups/{orgId}/{page}`.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::{Context, dto::Groups, with_paging};
use crate::{
    http::Response,
    store::{PageRequest, StoreError},
};

impl Context<'_> {
    /// `GET /groups/{orgId}/{page}`. A page past the end is not an error: its body says so.
    pub(super) fn list_groups(self, page: u64) -> Result<Response, StoreError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct GroupPage<'a> {
            last_page: bool,
            result: &'static str,
            groups: Groups<'a>,
        }
        let request = PageRequest { page, size: self.app.settings.pages.groups };
        let page = self.app.store.read(|reader| reader.groups(self.org.id, request))?;
        let response = if page.past_end {
            Response::json(StatusCode::OK, &json!({"lastPage": true, "result": "Not found"}))
        } else {
            let body = GroupPage { last_page: page.is_last(), result: "success", groups: Groups(&page.items) };
            Response::json(StatusCode::OK, &body)
        };
        Ok(with_paging(response, &page, page.number))
    }
}
