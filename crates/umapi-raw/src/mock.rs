//! Typed mocks of all operations, for `httpmock`, which is re-exported: a program that depends on another version of it would
//! have other types.
//!
//! ```
//! use umapi_raw::{
//!     Client, UserManagement,
//!     mock::{UserManagementMockExt, httpmock::MockServer},
//!     model::GroupUserPage,
//! };
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let server = MockServer::start_async().await;
//! let mock = server.list_users_in_group(|when, then| {
//!     when.org_id("12345@AdobeOrg").group_name("R&D / 50 %").page(0);
//!     then.ok(&GroupUserPage::new(true, "success", []));
//! });
//!
//! let client = Client::<UserManagement>::new(&server.base_url(), reqwest::Client::new());
//! let page = client.list_users_in_group("12345@AdobeOrg", 0, "R&D / 50 %", None, None, None, None).await.unwrap();
//! assert!(page.last_page && page.users.is_empty());
//! mock.assert();
//! # });
//! ```

pub use httpmock;
use httpmock::When;
use serde::Serialize;

pub use crate::generated::mocks::{
    ims::{ImsMockExt, operations as ims_operations},
    user_management::{UserManagementMockExt, operations},
};

/// Matches a form body by the fields of `value`.
#[expect(clippy::expect_used, reason = "the types of forms are flat structs of text, which are always serializable")]
pub(crate) fn form_body(when: When, value: &impl Serialize) -> When {
    let fields = serde_json::to_value(value).expect("a form serializes");
    fields.as_object().into_iter().flatten().fold(when, |when, (name, field)| {
        let text = field.as_str().map_or_else(|| field.to_string(), str::to_owned);
        when.form_urlencoded_tuple(name, text)
    })
}
