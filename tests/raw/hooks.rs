//! Hooks add headers and decide whether to resend a request.

use std::sync::{Arc, Mutex};

use umapi_raw::{Client, Credential, Error, Hook, HookFuture, Resend, UserManagement, model::AnyOperation};

use crate::recorder::{Recorder, response};

const ORGANIZATION: &str = "12345@AdobeOrg";

fn empty_page() -> String {
    response("200 OK", "content-type: application/json\r\n", r#"{"lastPage":true,"result":"success","users":[]}"#)
}

#[tokio::test]
async fn the_credential_hook_sends_token_and_key() {
    let server = Recorder::start(vec![empty_page()]).await;
    let client = Client::<UserManagement>::new(&server.url, reqwest::Client::new())
        .with_hook(Credential::new("ey-token", "api-key"));
    client.list_groups(ORGANIZATION, 0, None).await.unwrap();
    let request = server.received()[0].to_lowercase();
    assert!(request.contains("authorization: bearer ey-token") && request.contains("x-api-key: api-key"), "{request}");
}

#[tokio::test]
async fn a_token_that_fits_no_header_is_rejected_without_showing_it() {
    let server = Recorder::start(vec![empty_page()]).await;
    let client = Client::<UserManagement>::new(&server.url, reqwest::Client::new())
        .with_hook(Credential::new("planted\nsecret", "api-key"));
    let Err(Error::Custom(message)) = client.list_groups(ORGANIZATION, 0, None).await else { panic!("it is rejected") };
    assert!(!message.contains("planted"), "{message}");
    assert!(server.received().is_empty());
}

/// Operation, number and status of an attempt.
type Attempt = (&'static str, u32, u16);

/// Numbers the attempts in a header, and resends the request until the response is not a 503.
#[derive(Default, Clone)]
struct Persistent {
    seen: Arc<Mutex<Vec<Attempt>>>,
}

impl Hook for Persistent {
    fn before<'a>(&'a self, _: AnyOperation, request: &'a mut reqwest::Request) -> HookFuture<'a, Result<(), String>> {
        let attempt = self.seen.lock().unwrap().len() + 1;
        request.headers_mut().insert("x-attempt", attempt.to_string().parse().unwrap());
        Box::pin(std::future::ready(Ok(())))
    }

    fn after<'a>(
        &'a self,
        operation: AnyOperation,
        attempt: u32,
        outcome: &'a reqwest::Result<reqwest::Response>,
    ) -> HookFuture<'a, Resend> {
        let status = outcome.as_ref().map_or(0, |response| response.status().as_u16());
        self.seen.lock().unwrap().push((operation.id(), attempt, status));
        Box::pin(std::future::ready(if status == 503 { Resend::Yes } else { Resend::No }))
    }
}

#[tokio::test]
async fn a_resent_request_has_its_whole_body() {
    let outage = response("503 Service Unavailable", "", "");
    let done = response("200 OK", "content-type: application/json\r\n", r#"{"groupId":1,"name":"Design"}"#);
    let server = Recorder::start(vec![outage.clone(), outage, done]).await;
    let hook = Persistent::default();
    let client = Client::<UserManagement>::new(&server.url, reqwest::Client::new()).with_hook(hook.clone());
    #[expect(deprecated, reason = "a call with a body and a short response")]
    let group =
        client.create_user_group(ORGANIZATION, None, &umapi_raw::model::NewUserGroup::new("Design")).await.unwrap();
    assert_eq!(group.name, "Design");
    assert_eq!(
        *hook.seen.lock().unwrap(),
        [("createUserGroup", 1, 503), ("createUserGroup", 2, 503), ("createUserGroup", 3, 200)]
    );
    for (index, request) in server.received().iter().enumerate() {
        assert!(request.to_lowercase().contains(&format!("x-attempt: {}", index + 1)), "{request}");
        assert!(request.ends_with(r#"{"name":"Design"}"#), "{request}");
    }
}
