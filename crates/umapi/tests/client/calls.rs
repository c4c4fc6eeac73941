//! Calls to a service, or over a network, that behaves badly.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::service::{NumberedTokens, Reply, Service};
use umapi::{
    Client, Command, Error, HttpOptions, Observer, RunOptions, StandardRetry, ThrottlePolicy, Wait, WaitReason,
    auth::{
        AccessToken, Credentials, Endpoint, Error as LoginError, FixedToken, OAuthServerToServer, TokenFuture,
        TokenSource,
    },
    model::{ErrorCode, NewUserGroup, UserGroupChange},
};

const ANN: &str = r#"{"result":"success","user":{"email":"ann@example.com"}}"#;
const GROUP: &str = r#"{"groupId":7,"name":"Design"}"#;
const HOUR: Duration = Duration::from_secs(3600);

fn rejection(status: u16, body: &str) -> Reply {
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
async fn a_request_carries_token_key_product_and_request_id() {
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
async fn not_found_is_none_if_the_service_says_so() {
    let not_found = rejection(404, r#"{"result":"error.user.not_found","message":"User not found a@b.c"}"#);
    let service = Service::scripted([not_found, rejection(404, "<html>no such page</html>")]).await;
    assert_eq!(service.client().users().get("a@b.c").await.unwrap(), None);
    let error = service.client().users().get("a@b.c").await.unwrap_err();
    assert!(!error.is_not_found() && error.to_string().contains("web page"), "{error}");
}

#[tokio::test]
async fn a_404_that_is_not_of_the_service_says_what_to_check() {
    for body in
        ["<html>no such page</html>", "", "{}", r#"{"message":"no Route matched"}"#, r#"{"error_code":"404000"}"#]
    {
        let service = Service::responding(|_| rejection(404, body)).await;
        let error = service.client().users().in_group("Design").list().try_collect().await.unwrap_err();
        assert!(!error.is_not_found() && error.status() == Some(404), "{error}");
        let text = error.to_string();
        assert!(text.contains("check the URL of the service and the proxy") && !text.contains("spelling"), "{text}");
    }
    for body in [r#"{"result":"error.group.unheard_of"}"#, r#"{"errorCode":"GROUP_NOT_FOUND"}"#] {
        let service = Service::responding(|_| rejection(404, body)).await;
        let error = service.client().users().in_group("Design").list().try_collect().await.unwrap_err();
        assert!(error.is_not_found() && !error.to_string().contains("proxy"), "{error}");
    }
    let service = Service::scripted([rejection(403, "<html>blocked</html>")]).await;
    let text = service.client().users().get("a@b.c").await.unwrap_err().to_string();
    assert!(text.contains("the proxy") && !text.contains("API key"), "{text}");
}

#[tokio::test]
async fn a_401_drops_the_token_and_retries_once() {
    let tokens = NumberedTokens::default();
    let service = Service::responding(|request| match request.header("authorization") {
        Some("Bearer token-0") => rejection(401, ""),
        _ => Reply::json(ANN),
    })
    .await;
    let client = service.bare_client().token_source("key", tokens.clone()).build().unwrap();
    client.users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(tokens.rejected(), ["token-0"]);
    assert_eq!(service.requests().len(), 2);
    assert_eq!(service.seconds(), 0, "without a wait");
}

#[tokio::test]
async fn a_second_401_is_final() {
    let challenge = r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#;
    let service = Service::scripted([Reply::of(401, &[("www-authenticate", challenge)], "")]).await;
    let client = service.bare_client().token_source("key", NumberedTokens::default()).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_unauthorized() && !error.may_have_been_applied(), "{error}");
    assert_eq!(error.service_message(), Some("The access token is invalid"));
    assert_eq!((error.requests(), service.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_429_of_an_hour_is_waited_for_exactly_and_reported() {
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
async fn a_wait_that_the_policy_forbids_is_not_started() {
    for policy in [ThrottlePolicy::FailAtOnce, ThrottlePolicy::WaitUpTo(HOUR / 2)] {
        let service = Service::scripted([Reply::of(429, &[("retry-after", "3600")], "")]).await;
        let client = service.builder().throttle_policy(policy).build().unwrap();
        let error = client.users().get("ann@example.com").await.unwrap_err();
        assert!(error.is_throttled() && error.is_retryable(), "{error}");
        assert_eq!(error.retry_after(), Some(HOUR));
        assert_eq!(error.until(), Some(service.clock().wall() + HOUR));
        assert_eq!((service.seconds(), service.requests().len()), (0, 1));
        // Other calls of the class respect the pause.
        let error = client.users().get("bob@example.com").await.unwrap_err();
        assert!(error.is_throttled(), "{error}");
        assert_eq!(service.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_retry_after_date_is_relative_to_the_server_clock() {
    let headers = [("date", "Thu, 01 Jan 1998 00:00:00 GMT"), ("retry-after", "Thu, 01 Jan 1998 00:10:00 GMT")];
    let service = Service::scripted([Reply::of(503, &headers, ""), Reply::json(ANN)]).await;
    service.client().users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.seconds(), 600);
}

#[tokio::test]
async fn no_wait_outlasts_the_deadline() {
    let service = Service::scripted([Reply::of(429, &[("retry-after", "3600")], "")]).await;
    let client = service.builder().call_timeout(HOUR / 2).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_throttled(), "{error}");
    assert_eq!((service.seconds(), service.requests().len()), (0, 1));
}

#[tokio::test]
async fn a_read_is_retried_after_temporary_failures() {
    let faults = [
        Reply::HangUp,
        Reply::json(ANN).truncated(),
        Reply::json("{\"result\":"),
        rejection(502, "<html>Bad gateway</html>"),
        rejection(500, ""),
    ];
    let service = Service::scripted(faults.into_iter().chain([Reply::json(ANN)])).await;
    service.client().users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.requests().len(), 6);
}

#[tokio::test]
async fn a_one_time_change_is_not_repeated_and_reports_its_doubt() {
    let broken = [
        (Reply::HangUp, None),
        (Reply::json(GROUP).truncated(), Some(200)),
        (Reply::json("[]"), Some(200)),
        (rejection(502, "<html>Bad gateway</html>"), Some(502)),
        (rejection(504, ""), Some(504)),
    ];
    for (reply, status) in broken {
        let service = Service::scripted([reply.clone()]).await;
        let error = service.client().legacy().user_groups().create(&NewUserGroup::new("Design")).await.unwrap_err();
        assert_eq!(error.status(), status, "{reply:?}");
        assert!(error.may_have_been_applied() && error.is_retryable(), "{error}");
        let has_response = status.is_some();
        assert_eq!(error.request_id() == Some("from-the-service"), has_response, "{error}");
        assert!(error.request_id().is_some());
        assert_eq!(service.requests().len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn a_rejected_change_was_not_applied() {
    let service = Service::scripted([rejection(
        400,
        r#"{"errorCode":"DUPLICATE_GROUP_NAME","errorMessage":"DUPLICATE_GROUP_NAME"}"#,
    )])
    .await;
    let error = service.client().legacy().user_groups().create(&NewUserGroup::new("Design")).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::LegacyDuplicateGroupName));
    assert!(!error.may_have_been_applied() && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_repeatable_change_is_sent_again() {
    let service = Service::scripted([Reply::HangUp, Reply::json(GROUP)]).await;
    let change = UserGroupChange::default().with_name("Design");
    service.client().legacy().user_groups().update(7, &change).await.unwrap();
    let bodies: Vec<String> = service.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [r#"{"name":"Design"}"#; 2], "both requests have the whole body");
}

#[tokio::test]
async fn a_deletion_by_an_attempt_without_a_response_counts() {
    let gone = || rejection(404, r#"{"errorCode":"GROUP_NOT_FOUND","errorMessage":"GROUP_NOT_FOUND"}"#);
    let service = Service::scripted([Reply::HangUp, gone()]).await;
    assert!(service.client().legacy().user_groups().delete(7).await.unwrap());
    assert!(!service.client().legacy().user_groups().delete(7).await.unwrap());
}

#[tokio::test]
async fn an_attempt_ends_with_its_timeout() {
    let service = Service::scripted([Reply::Silence]).await;
    let client =
        service.builder().attempt_timeout(Duration::from_secs(40)).retry(StandardRetry::NEVER).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("40s"), "{error}");
    assert_eq!(service.seconds(), 40);
}

#[tokio::test]
async fn a_call_ends_with_its_timeout() {
    let service = Service::scripted([Reply::Silence]).await;
    let client = service.builder().call_timeout(Duration::from_secs(130)).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(service.seconds(), 130);
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let service = Service::scripted([Reply::Silence]).await;
    let nowhere = service.builder().base_url("http://127.0.0.1:1").build().unwrap();
    let error = nowhere.legacy().user_groups().create(&NewUserGroup::new("Design")).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_been_applied(), "{error}");
    assert_eq!(error.requests(), 0, "six attempts had no connection");
    let text = format!("{error:#}");
    assert!(
        text.contains("no connection to 127.0.0.1:1: connection refused") && text.contains("nothing was sent"),
        "{text}"
    );
}

#[tokio::test]
async fn a_504_does_not_use_up_the_calls_of_a_minute() {
    let service = Service::scripted([rejection(504, "")]).await;
    let error = service.client().users().in_group("Everyone").list().try_next().await.unwrap_err();
    assert_eq!(error.status(), Some(504));
    assert_eq!(service.requests().len(), 3);
    assert_eq!(service.seconds(), 30 + 60);
}

#[tokio::test]
async fn names_that_change_the_path_are_rejected_before_sending() {
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
async fn a_rejected_credential_is_replaced_by_the_others() {
    let service = Service::responding(|request| match request.header("x-api-key") {
        Some("bad") => rejection(403, r#"{"error_code":"403003","message":"Api Key is invalid"}"#),
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
async fn a_rejected_only_credential_is_an_error() {
    let service =
        Service::scripted([rejection(403, r#"{"error_code":"403003","message":"Api Key is invalid"}"#)]).await;
    let error = service.client().users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_forbidden() && error.code() == Some(&ErrorCode::Gateway403003), "{error}");
}

/// A login that always fails.
struct NoLogin;

impl TokenSource for NoLogin {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err(LoginError::other("the vault is closed")) })
    }

    fn invalidate(&self, _: &AccessToken) {}
}

#[tokio::test]
async fn a_failed_login_is_an_error_of_its_own() {
    let service = Service::scripted([Reply::json(ANN)]).await;
    let client = service.bare_client().token_source("key", NoLogin).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_login() && format!("{error:#}").contains("the vault is closed"), "{error}");
    let with_another = service.builder().token_source("key", NoLogin).build().unwrap();
    for _ in 0..4 {
        with_another.users().get("ann@example.com").await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn errors_and_debug_show_no_token() {
    let service = Service::scripted([rejection(500, "")]).await;
    let client = service.bare_client().token_source("key", FixedToken::new("planted")).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?}");
    assert!(!shown.contains("planted"), "{shown}");
}

#[tokio::test]
async fn an_echoed_token_is_redacted_wherever_it_stands() {
    const TOKEN: &str = "planted/token+of=the~service";
    let echoes = |text: &str| {
        let user = format!(r#"{{"result":"success","user":{{"email":"ann@example.com","firstname":"{text}"}}}}"#);
        let headers = [("x-request-id", text), ("www-authenticate", text)];
        [(200, user), (200, format!(r#"{{"result":"{text}"}}"#)), (401, String::new()), (400, format!("<p>{text}"))]
            .map(|(status, body)| Reply::of(status, &headers, &body))
    };
    for text in [TOKEN, "planted%2ftoken%2Bof%3Dthe~service", "PLANTED/TOKEN+OF=THE~SERVICE"] {
        for reply in echoes(text) {
            let service = Service::scripted([reply.clone(), reply]).await;
            let client = service.bare_client().token_source("key", FixedToken::new(TOKEN)).build().unwrap();
            let shown = match client.users().get("ann@example.com").await {
                Ok(user) => format!("{user:?}"),
                Err(error) => format!("{error:#} {error:?} {:?} {:?}", error.body(), error.request_id()),
            };
            assert!(shown.contains("[redacted]") && !shown.to_lowercase().contains("planted"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_redirected_change_may_have_been_made() {
    for status in [301, 302, 303, 307, 308] {
        let away = || Reply::of(status, &[("location", "https://elsewhere.example/")], "");
        let service = Service::scripted([away(), away()]).await;
        let client = service.client();
        let error = client.request("POST", "/action/{orgId}").body("[]").send().await.unwrap_err();
        assert!(error.may_have_been_applied() && !error.is_retryable(), "{error}");
        assert!(error.to_string().contains("check before you repeat it"), "{error}");
        assert!(!client.users().get("ann@example.com").await.unwrap_err().may_have_been_applied());
        assert_eq!(service.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect() {
    let elsewhere = Service::scripted([Reply::json(ANN)]).await;
    let away = Reply::of(307, &[("location", &format!("{}/users", elsewhere.url))], "");
    let error = Service::scripted([away]).await.client().users().get("ann@example.com").await.unwrap_err();
    assert!(error.to_string().contains("do not follow a redirect"), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_request_of_any_operation_is_sent_the_same_way() {
    let service =
        Service::scripted([Reply::of(429, &[("retry-after", "7")], ""), Reply::json(ANN), Reply::HangUp]).await;
    let client = service.client();
    let response = client.request("GET", "/users/{orgId}/0").query("domain", "a b").send().await.unwrap();
    assert_eq!((response.status, response.requests, service.seconds()), (200, 2, 7));
    assert_eq!(response.body, ANN.as_bytes());
    assert!(response.headers.contains(&("x-request-id".to_owned(), "from-the-service".to_owned())));
    assert_eq!(service.requests()[1].path, "/users/1F@AdobeOrg/0?domain=a+b");
    let error = client.request("POST", "/action/{orgId}").body("[]").send().await.unwrap_err();
    assert!(error.may_have_been_applied() && service.requests().len() == 3, "a change is sent once");
    let error = client.request("GET", "/nowhere").send().await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("GET /nowhere"), "{error}");
}

/// The statuses of responses that may ask to wait.
const ASKING: [u16; 6] = [408, 429, 500, 502, 503, 504];

fn asking(status: u16, retry_after: &str) -> Reply {
    Reply::of(status, &[("retry-after", retry_after)], "")
}

#[tokio::test]
async fn no_requested_wait_is_longer_than_the_policy_allows() {
    for status in ASKING {
        for policy in [ThrottlePolicy::FailAtOnce, ThrottlePolicy::WaitUpTo(HOUR / 2)] {
            let service = Service::scripted([asking(status, "3600")]).await;
            let client = service.builder().throttle_policy(policy).build().unwrap();
            let error = client.users().get("ann@example.com").await.unwrap_err();
            assert_eq!((error.status(), error.retry_after()), (Some(status), Some(HOUR)), "{error}");
            assert_eq!((service.seconds(), service.requests().len()), (0, 1), "{status}");
        }
    }
}

#[tokio::test]
async fn a_requested_wait_is_noted_by_a_call_that_does_not_wait() {
    for status in ASKING {
        let service = Service::scripted([asking(status, "2700"), Reply::json(ANN)]).await;
        let client = service.builder().call_timeout(Duration::from_secs(60)).build().unwrap();
        client.users().get("ann@example.com").await.unwrap_err();
        for _ in 0..30 {
            client.users().get("ann@example.com").await.unwrap_err();
        }
        assert_eq!((service.seconds(), service.requests().len()), (0, 1), "{status}");
        service.manual.advance(Duration::from_secs(2700));
        client.users().get("ann@example.com").await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_requested_wait_is_exact_and_reported_for_every_status() {
    for status in ASKING {
        let service = Service::scripted([asking(status, "3600"), Reply::json(ANN)]).await;
        let waits = Waits::default();
        let client = service.builder().observer(waits.clone()).build().unwrap();
        client.users().get("ann@example.com").await.unwrap().unwrap();
        assert_eq!(service.seconds(), 3600, "{status}");
        let reported: Duration = waits.0.lock().unwrap().iter().map(|(_, duration)| *duration).sum();
        assert!(reported > HOUR - Duration::from_secs(2) && reported <= HOUR, "{status}: {reported:?}");
    }
}

#[tokio::test]
async fn a_retry_after_in_the_year_9999_is_bounded() {
    let service = Service::scripted([asking(429, "Fri, 31 Dec 9999 23:59:59 GMT"), Reply::json(ANN)]).await;
    service.client().users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.seconds(), 24 * 3600);
}

#[tokio::test]
async fn a_401_and_a_429_in_turn_end_with_an_error_that_says_so() {
    let mut is_unauthorized = false;
    let service = Service::responding(move |_| {
        is_unauthorized = !is_unauthorized;
        if is_unauthorized { rejection(401, "") } else { asking(429, "0") }
    })
    .await;
    let client = service.bare_client().token_source("key", NumberedTokens::default()).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.to_string().contains("rejected 4 new access tokens"), "{error}");
    assert!(service.requests().len() < 12, "{} requests", service.requests().len());
}

#[tokio::test]
async fn responses_of_429_without_an_end_end_with_an_error() {
    let service = Service::scripted([asking(429, "0")]).await;
    let error = service.client().users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_throttled() && error.to_string().contains("429 61 times"), "{error}");
    assert_eq!(service.requests().len(), 61);
}

#[tokio::test]
async fn a_success_without_an_end_is_not_read_to_its_end() {
    let service = Service::scripted([Reply::Endless(200)]).await;
    // The clock would skip to the timeout of the attempt.
    service.manual.freeze();
    let error = service.client().users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_unreadable() && error.to_string().contains("larger"), "{error}");
    assert_eq!(service.requests().len(), 1, "the response would be the same again");
}

#[tokio::test]
async fn what_was_known_before_a_response_without_an_end_is_reported() {
    let mut is_first = true;
    let service = Service::responding(move |request| match std::mem::take(&mut is_first) {
        true => {
            let count = request.body.matches("\"user\"").count();
            Reply::json(&format!(r#"{{"result":"success","completed":{count},"notCompleted":0}}"#))
        }
        false => Reply::Endless(200),
    })
    .await;
    service.manual.freeze();
    let commands = (0..12).map(|number| Command::user(format!("u{number}@example.com")).add_to(["Design"]));
    let report = match service.client().execute(commands).with_options(RunOptions::new().in_flight(1)).await {
        Ok(report) => report,
        Err(unfinished) => unfinished.into_report(),
    };
    let counts = report.counts();
    assert_eq!((counts.completed, counts.unknown), (10, 2), "{report:?}");
}

#[tokio::test]
async fn an_error_without_an_end_is_an_error_with_its_status() {
    let service = Service::scripted([Reply::Endless(403)]).await;
    service.manual.freeze();
    let error = service.client().users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_forbidden() && error.body().unwrap().len() <= 4096, "{error}");
}

/// A login server and the service in one.
async fn with_login(mut login: impl FnMut(usize) -> Reply + Send + 'static) -> (Service, Credentials) {
    let mut logins = 0;
    let service = Service::responding(move |request| {
        if !request.path.starts_with("/ims/") {
            return Reply::json(ANN);
        }
        logins += 1;
        login(logins)
    })
    .await;
    let client = OAuthServerToServer::new("client", "secret").unwrap();
    let credentials = Credentials::from(client).with_endpoint(Endpoint::parse(&service.url).unwrap());
    (service, credentials)
}

const TOKEN: &str = r#"{"access_token":"t","expires_in":86399}"#;

#[tokio::test]
async fn the_wait_for_a_login_is_reported_and_keeps_the_policy() {
    let respond = |login| if login == 1 { asking(503, "1800") } else { Reply::json(TOKEN) };
    let (service, credentials) = with_login(respond).await;
    let waits = Waits::default();
    let client = service.bare_client().credentials(credentials).observer(waits.clone()).build().unwrap();
    client.users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.seconds(), 1800);
    assert_eq!(*waits.0.lock().unwrap(), [(WaitReason::Throttled, HOUR / 2)]);

    for limit in [Some(ThrottlePolicy::FailAtOnce), Some(ThrottlePolicy::WaitUpTo(HOUR / 3)), None] {
        let (service, credentials) = with_login(respond).await;
        let builder = service.bare_client().credentials(credentials);
        let client = match limit {
            Some(policy) => builder.throttle_policy(policy).build().unwrap(),
            None => builder.call_timeout(HOUR / 3).build().unwrap(),
        };
        for _ in 0..3 {
            let error = client.users().get("ann@example.com").await.unwrap_err();
            assert!(error.is_login() && error.retry_after() == Some(HOUR / 2), "{error}");
        }
        assert_eq!((service.seconds(), service.requests().len()), (0, 1));
    }
}

#[tokio::test]
async fn a_login_that_takes_too_long_ends_with_the_call() {
    let (service, credentials) = with_login(|_| Reply::Silence).await;
    let builder = service.bare_client().credentials(credentials);
    let client = builder.call_timeout(Duration::from_secs(5)).build().unwrap();
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(service.seconds(), 5);
}

#[tokio::test]
async fn a_temporary_failure_of_the_login_is_retried() {
    let (service, credentials) =
        with_login(|login| if login < 4 { asking(500, "0") } else { Reply::json(TOKEN) }).await;
    let client = service.bare_client().credentials(credentials).build().unwrap();
    client.users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.requests().len(), 5);
}

/// Every read, with a name for messages.
async fn read(client: &Client, operation: &str) -> Result<(), Error> {
    match operation {
        "user" => client.users().get("ann@example.com").await.map(drop),
        "users" => client.users().list().try_next().await.map(drop),
        "members" => client.users().in_group("Design").list().try_next().await.map(drop),
        "groups" => client.groups().list().try_next().await.map(drop),
        other => panic!("{other}"),
    }
}

const READS: [&str; 4] = ["user", "users", "members", "groups"];

#[tokio::test]
async fn a_200_with_a_failed_result_is_an_error_with_its_message() {
    let body =
        r#"{"lastPage":true,"result":"error.internal.exceptionflys","message":"Unexpected","users":[],"groups":[]}"#;
    for operation in READS {
        let service = Service::scripted([Reply::json(body)]).await;
        let error = read(&service.client(), operation).await.unwrap_err();
        assert!(error.is_unreadable() && error.status() == Some(200), "{operation}: {error}");
        assert_eq!(error.code().map(ErrorCode::as_str), Some("error.internal.exceptionflys"), "{operation}");
        assert_eq!(error.service_message(), Some("Unexpected"), "{operation}");
        assert_eq!(error.request_id(), Some("from-the-service"), "{operation}");
        assert_eq!((error.requests(), service.requests().len()), (1, 1), "{operation}");
    }
}

#[tokio::test]
async fn a_page_without_required_fields_is_an_error_with_its_message() {
    for (operation, body) in [
        ("users", r#"{"result":"success","message":"Maintenance","lastPage":true}"#),
        ("users", r#"{"result":"success","message":"Maintenance","users":[]}"#),
        ("members", r#"{"result":"success","message":"Maintenance","lastPage":true}"#),
        ("groups", r#"{"result":"success","message":"Maintenance","groups":[]}"#),
        ("user", r#"{"result":"success","message":"Maintenance"}"#),
        ("user", r#"{"message":"Maintenance"}"#),
    ] {
        let service = Service::scripted([Reply::json(body)]).await;
        let error = read(&service.client(), operation).await.unwrap_err();
        assert!(error.is_unreadable() && error.to_string().contains("Maintenance"), "{body}: {error}");
        assert_eq!(service.requests().len(), 1, "a complete response is not requested again: {body}");
    }
}

#[tokio::test]
async fn another_user_than_the_requested_one_is_an_error() {
    let service = Service::scripted([Reply::json(ANN)]).await;
    let error = service.client().users().get("bob@example.com").await.unwrap_err();
    assert!(error.is_unreadable() && error.to_string().contains("bob@example.com"), "{error}");
    assert!(service.client().users().get("ANN@example.com").await.unwrap().is_some());
}
