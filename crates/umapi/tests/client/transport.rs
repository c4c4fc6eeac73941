//! What becomes of a call when the service, or what lies between, behaves badly.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::service::{NumberedTokens, Reply, Service};
use umapi::{
    HttpOptions, Observer, RetryPolicy, ThrottlePolicy, Wait, WaitReason,
    auth::{AccessToken, Error as LoginError, FixedToken, TokenFuture, TokenSource},
    model::{ErrorCode, NewUserGroup, UserGroupChange},
};

const ANN: &str = r#"{"result":"success","user":{"email":"ann@example.com"}}"#;
const GROUP: &str = r#"{"groupId":7,"name":"Design"}"#;
const HOUR: Duration = Duration::from_secs(3600);

fn refusal(status: u16, body: &str) -> Reply {
    Reply::of(status, &[("x-request-id", "from-the-service")], body)
}

#[derive(Clone, Default)]
struct Waits(Arc<Mutex<Vec<(WaitReason, Duration)>>>);

impl Observer for Waits {
    fn wait_begins(&self, wait: &Wait<'_>) {
        self.0.lock().unwrap().push((wait.reason, wait.duration));
    }
}

#[tokio::test]
async fn a_request_carries_token_key_product_and_a_name_of_its_own() {
    let service = Service::scripted([Reply::json(ANN)]).await;
    let http = HttpOptions::new().product("staff-sync/2.1").build().unwrap();
    let client = service.builder().http(http).build().unwrap();
    let ann = client.users().get_by_username("ann", "example.com").await.unwrap().unwrap();
    assert_eq!(ann.email.as_deref(), Some("ann@example.com"));
    let [request] = service.requests().try_into().unwrap();
    assert_eq!(request.path, "/organizations/1F@AdobeOrg/users/ann?domain=example.com");
    assert_eq!(request.header("authorization"), Some("Bearer token-1"));
    assert_eq!(request.header("x-api-key"), Some("key-1"));
    assert!(request.header("user-agent").unwrap().starts_with("staff-sync/2.1 umapi-rust/"));
    assert_eq!(request.header("x-request-id").map(str::len), Some(32));
    assert_eq!(request.header("pragma"), None);
}

#[tokio::test]
async fn finding_nothing_is_a_value_where_the_service_itself_says_so() {
    let not_found = refusal(404, r#"{"result":"error.user.not_found","message":"User not found a@b.c"}"#);
    let service = Service::scripted([not_found, refusal(404, "<html>no such page</html>")]).await;
    assert_eq!(service.client().users().get("a@b.c").await.unwrap(), None);
    let error = service.client().users().get("a@b.c").await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("web page"), "{error}");
}

#[tokio::test]
async fn a_401_drops_exactly_that_token_and_sends_once_more() {
    let tokens = NumberedTokens::default();
    let service = Service::answering(|request| match request.header("authorization") {
        Some("Bearer token-0") => refusal(401, ""),
        _ => Reply::json(ANN),
    })
    .await;
    let client = service.bare_client().token_source("key", tokens.clone()).build().unwrap();
    client.users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(tokens.refused(), ["token-0"]);
    assert_eq!(service.requests().len(), 2);
    assert_eq!(service.seconds(), 0, "nothing was waited for");
}

#[tokio::test]
async fn a_second_401_is_the_answer() {
    let challenge = r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#;
    let service = Service::scripted([Reply::of(401, &[("www-authenticate", challenge)], "")]).await;
    let client = service.bare_client().token_source("key", NumberedTokens::default()).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_unauthorized() && !error.may_have_been_applied(), "{error}");
    assert_eq!(error.service_message(), Some("The access token is invalid"));
    assert_eq!((error.requests(), service.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_429_of_an_hour_is_waited_for_exactly_and_told_of_before() {
    let throttled =
        Reply::of(429, &[("retry-after", "3600")], r#"{"error_code":"429050","message":"Too many requests"}"#);
    let service = Service::scripted([throttled, Reply::json(ANN)]).await;
    let waits = Waits::default();
    let client = service.builder().observer(waits.clone()).build().unwrap();
    client.users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.seconds(), 3600);
    assert_eq!(*waits.0.lock().unwrap(), [(WaitReason::Throttled, HOUR)]);
}

#[tokio::test]
async fn a_wait_that_the_policy_forbids_is_not_begun() {
    for policy in [ThrottlePolicy::FailAtOnce, ThrottlePolicy::WaitUpTo(HOUR / 2)] {
        let service = Service::scripted([Reply::of(429, &[("retry-after", "3600")], "")]).await;
        let client = service.builder().throttle_policy(policy).build().unwrap();
        let error = client.users().get("ann@example.com").await.unwrap_err();
        assert!(error.is_throttled() && error.is_retryable(), "{error}");
        assert_eq!(error.retry_after(), Some(HOUR));
        assert_eq!(error.until(), Some(service.clock().wall() + HOUR));
        assert_eq!((service.seconds(), service.requests().len()), (0, 1));
        // The others of the class know: they do not run into the same wall.
        let error = client.users().get("bob@example.com").await.unwrap_err();
        assert!(error.is_throttled(), "{error}");
        assert_eq!(service.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_retry_after_that_is_a_date_is_seen_from_the_servers_own_clock() {
    let headers = [("date", "Thu, 01 Jan 1998 00:00:00 GMT"), ("retry-after", "Thu, 01 Jan 1998 00:10:00 GMT")];
    let service = Service::scripted([Reply::of(503, &headers, ""), Reply::json(ANN)]).await;
    service.client().users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.seconds(), 600);
}

#[tokio::test]
async fn no_wait_goes_into_the_deadline() {
    let service = Service::scripted([Reply::of(429, &[("retry-after", "3600")], "")]).await;
    let client = service.builder().call_timeout(HOUR / 2).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_throttled(), "{error}");
    assert_eq!((service.seconds(), service.requests().len()), (0, 1));
}

#[tokio::test]
async fn a_question_is_asked_again_after_whatever_may_pass() {
    let faults = [
        Reply::HangUp,
        Reply::json(ANN).cut_off(),
        Reply::json("{\"result\":"),
        refusal(502, "<html>Bad gateway</html>"),
        refusal(500, ""),
    ];
    let service = Service::scripted(faults.into_iter().chain([Reply::json(ANN)])).await;
    service.client().users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.requests().len(), 6);
}

#[tokio::test]
async fn a_change_that_must_not_be_done_twice_is_not_sent_twice_and_says_what_it_may_have_done() {
    let broken = [
        (Reply::HangUp, None),
        (Reply::json(GROUP).cut_off(), Some(200)),
        (Reply::json("[]"), Some(200)),
        (refusal(502, "<html>Bad gateway</html>"), Some(502)),
        (refusal(504, ""), Some(504)),
    ];
    for (reply, status) in broken {
        let service = Service::scripted([reply.clone()]).await;
        let error = service.client().legacy().user_groups().create(&NewUserGroup::new("Design")).await.unwrap_err();
        assert_eq!(error.status(), status, "{reply:?}");
        assert!(error.may_have_been_applied() && error.is_retryable(), "{error}");
        let is_answered = status.is_some();
        assert_eq!(error.request_id() == Some("from-the-service"), is_answered, "{error}");
        assert!(error.request_id().is_some());
        assert_eq!(service.requests().len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn a_change_that_was_refused_was_not_done() {
    let service = Service::scripted([refusal(
        400,
        r#"{"errorCode":"DUPLICATE_GROUP_NAME","errorMessage":"DUPLICATE_GROUP_NAME"}"#,
    )])
    .await;
    let error = service.client().legacy().user_groups().create(&NewUserGroup::new("Design")).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::LegacyDuplicateGroupName));
    assert!(!error.may_have_been_applied() && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_change_that_is_the_same_twice_is_sent_again() {
    let service = Service::scripted([Reply::HangUp, Reply::json(GROUP)]).await;
    let change = UserGroupChange::default().with_name("Design");
    service.client().legacy().user_groups().update(7, &change).await.unwrap();
    let bodies: Vec<String> = service.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [r#"{"name":"Design"}"#; 2], "the body goes out whole, both times");
}

#[tokio::test]
async fn a_deletion_that_was_done_by_an_attempt_without_an_answer_is_done() {
    let gone = || refusal(404, r#"{"errorCode":"GROUP_NOT_FOUND","errorMessage":"GROUP_NOT_FOUND"}"#);
    let service = Service::scripted([Reply::HangUp, gone()]).await;
    assert!(service.client().legacy().user_groups().delete(7).await.unwrap());
    assert!(!service.client().legacy().user_groups().delete(7).await.unwrap());
}

#[tokio::test]
async fn an_attempt_ends_with_its_time() {
    let service = Service::scripted([Reply::Silence]).await;
    let client = service.builder().attempt_timeout(Duration::from_secs(40)).retry(RetryPolicy::NEVER).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("40s"), "{error}");
    assert_eq!(service.seconds(), 40);
}

#[tokio::test]
async fn a_call_ends_with_its_time() {
    let service = Service::scripted([Reply::Silence]).await;
    let client = service.builder().call_timeout(Duration::from_secs(130)).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(service.seconds(), 130);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let service = Service::scripted([Reply::Silence]).await;
    let nowhere = service.builder().base_url("http://127.0.0.1:1").build().unwrap();
    let error = nowhere.legacy().user_groups().create(&NewUserGroup::new("Design")).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_been_applied(), "{error}");
    assert_eq!(error.requests(), 6);
}

#[tokio::test]
async fn large_groups_do_not_burn_the_calls_of_a_minute() {
    let service = Service::scripted([refusal(504, "")]).await;
    let error = service.client().users().in_group("Everyone").list().try_next().await.unwrap_err();
    assert_eq!(error.status(), Some(504));
    assert_eq!(service.requests().len(), 3);
    assert_eq!(service.seconds(), 30 + 60);
}

#[tokio::test]
async fn names_that_no_path_can_hold_are_refused_before_anything_is_sent() {
    let service = Service::scripted([Reply::json(ANN)]).await;
    let client = service.client();
    for name in ["", ".", ".."] {
        let error = client.users().in_group(name).list().try_next().await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("group"), "{error}");
        assert!(client.users().get(name).await.unwrap_err().is_invalid_input());
        assert!(client.legacy().products().get(name).await.unwrap_err().is_invalid_input());
        assert!(client.legacy().products().configurations("p").get(name).await.unwrap_err().is_invalid_input());
    }
    assert_eq!(service.requests().len(), 0);
}

#[tokio::test]
async fn a_credential_that_is_refused_leaves_the_work_to_the_others() {
    let service = Service::answering(|request| match request.header("x-api-key") {
        Some("bad") => refusal(403, r#"{"error_code":"403003","message":"Api Key is invalid"}"#),
        _ => Reply::json(ANN),
    })
    .await;
    let client = service.builder().token_source("bad", FixedToken::new("x")).build().unwrap();
    for _ in 0..10 {
        client.users().get("ann@example.com").await.unwrap().unwrap();
    }
    let bad = service.requests().iter().filter(|request| request.header("x-api-key") == Some("bad")).count();
    assert_eq!((bad, service.seconds()), (1, 0));
}

#[tokio::test]
async fn the_only_credential_that_is_refused_is_an_error() {
    let service = Service::scripted([refusal(403, r#"{"error_code":"403003","message":"Api Key is invalid"}"#)]).await;
    let error = service.client().users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_forbidden() && error.code() == Some(&ErrorCode::Gateway403003), "{error}");
}

/// A login that does not work.
struct NoLogin;

impl TokenSource for NoLogin {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err(LoginError::other("the vault is closed")) })
    }

    fn invalidate(&self, _: &AccessToken) {}
}

#[tokio::test]
async fn a_login_that_fails_is_told_apart() {
    let service = Service::scripted([Reply::json(ANN)]).await;
    let client = service.bare_client().token_source("key", NoLogin).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_login() && error.to_string().contains("the vault is closed"), "{error}");
    let with_another = service.builder().token_source("key", NoLogin).build().unwrap();
    for _ in 0..4 {
        with_another.users().get("ann@example.com").await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn no_error_and_no_debug_shows_a_token() {
    let service = Service::scripted([refusal(500, "")]).await;
    let client = service.bare_client().token_source("key", FixedToken::new("planted")).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?}");
    assert!(!shown.contains("planted"), "{shown}");
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect() {
    let elsewhere = Service::scripted([Reply::json(ANN)]).await;
    let away = Reply::of(307, &[("location", &format!("{}/users", elsewhere.url))], "");
    let error = Service::scripted([away]).await.client().users().get("ann@example.com").await.unwrap_err();
    assert!(error.to_string().contains("not redirected"), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn any_request_goes_the_same_way() {
    let service =
        Service::scripted([Reply::of(429, &[("retry-after", "7")], ""), Reply::json(ANN), Reply::HangUp]).await;
    let client = service.client();
    let answer = client.request("GET", "/users/{orgId}/0").query("domain", "a b").send().await.unwrap();
    assert_eq!((answer.status, answer.requests, service.seconds()), (200, 2, 7));
    assert_eq!(answer.body, ANN.as_bytes());
    assert!(answer.headers.contains(&("x-request-id".to_owned(), "from-the-service".to_owned())));
    assert_eq!(service.requests()[1].path, "/users/1F@AdobeOrg/0?domain=a+b");
    let error = client.request("POST", "/action/{orgId}").body("[]").send().await.unwrap_err();
    assert!(error.may_have_been_applied() && service.requests().len() == 3, "what changes something is sent once");
    let error = client.request("GET", "/nowhere").send().await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("GET /nowhere"), "{error}");
}
