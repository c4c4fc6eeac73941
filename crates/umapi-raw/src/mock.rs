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
//! let list = client.list_users_in_group("12345@AdobeOrg", 0, "R&D / 50 %", None, None, None, None);
//! let page = list.await.unwrap();
//! assert!(page.last_page && page.users.is_empty());
//! mock.assert();
//! # });
//! ```

pub use httpmock;
use httpmock::{HttpMockResponse, Mock, MockServer, When};
use serde::Serialize;
/// Recordings, and how they are [replayed](replay).
pub use umapi_recording as recording;
use umapi_recording::{Outcome, Replay};

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

/// Answers the requests of a server with the responses of a recording. They are asked for with the pseudonyms of the recording,
/// because the real names are not in it. See [`Replay`] for how requests match. A request that was
/// not recorded gets 400 with the code `replay.no_match` and a message that names the nearest recorded one. A mock cannot break a
/// connection: an exchange that had no whole response gets 502 with the code `replay.broken`. The emulator can.
///
/// ```no_run
/// use umapi_raw::mock::{self, recording::{Recording, Replay}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = mock::httpmock::MockServer::start();
/// let replay = mock::replay(&server, Replay::new(Recording::open("recording.jsonl")?)?);
/// // … send the requests of the recording to server.base_url() …
/// println!("{} requests were sent", replay.calls());
/// # Ok(()) }
/// ```
pub fn replay(server: &MockServer, replay: Replay) -> Mock<'_> {
    server.mock(move |when, then| {
        when.any_request();
        then.respond_with(move |request| {
            let uri = request.uri();
            let target = uri.path_and_query().map_or("/", |target| target.as_str());
            let error = |status: u16, code: &str, message: String| {
                let body = serde_json::json!({"result": code, "message": message}).to_string();
                HttpMockResponse::builder().status(status).header("content-type", "application/json").body(body).build()
            };
            match replay.respond(request.method_str(), target, request.body_ref()) {
                Ok(recorded) if recorded.outcome == Outcome::Response => {
                    let response = HttpMockResponse::builder().status(recorded.status).body(recorded.body);
                    recorded
                        .headers
                        .into_iter()
                        .fold(response, |response, (name, value)| response.header(name, value))
                        .build()
                }
                Ok(recorded) => {
                    let line = recorded.line;
                    error(
                        502,
                        "replay.broken",
                        format!("the exchange of line {line} had no response: {:?}", recorded.outcome),
                    )
                }
                Err(no_match) => error(400, "replay.no_match", no_match.to_string()),
            }
        });
    })
}
