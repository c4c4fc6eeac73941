//! Options of single calls, lists and runs, and retry policies of the caller.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use umapi::{
    AttemptFailure, Call, CallOptions, Client, Command, Error, FailedAttempt, HttpOptions, NewUser, RateLimits,
    RetryPolicy, RunOptions, StandardRetry, ThrottlePolicy,
    model::{NewUserGroup, User, UserGroupChange},
};

use crate::service::{Reply, Seen, Service};

const ANN: &str = r#"{"result":"success","user":{"email":"ann@example.com"}}"#;
const GROUP: &str = r#"{"groupId":7,"name":"Design"}"#;
const SECOND: Duration = Duration::from_secs(1);

fn commands(count: usize) -> Vec<Command> {
    (0..count).map(|number| Command::user(format!("u{number}@example.com")).add_to(["Design"]).into()).collect()
}

/// Completes every action request, and answers every read.
fn helpful(request: &Seen) -> Reply {
    match request.path.as_str() {
        path if path.starts_with("/action/") => {
            let count = serde_json::from_str::<serde_json::Value>(&request.body).unwrap().as_array().unwrap().len();
            Reply::json(&format!(r#"{{"result":"success","completed":{count},"notCompleted":0}}"#))
        }
        path if path.starts_with("/groups/") => {
            let (page, is_last) = (path.rsplit('/').next().unwrap(), path.ends_with("/2"));
            Reply::json(&format!(
                r#"{{"lastPage":{is_last},"result":"success","groups":[{{"groupId":{page},"groupName":"Team {page}"}}]}}"#
            ))
        }
        path if path.starts_with("/users/") => {
            Reply::json(r#"{"lastPage":true,"result":"success","users":[{"email":"ann@example.com"}]}"#)
        }
        path if path.contains("/user-groups") => match request.head.starts_with("DELETE") {
            true => Reply::of(204, &[], ""),
            false => Reply::json(GROUP),
        },
        path if path.contains("/products/") => Reply::json(r#"{"id":"p","name":"Photoshop"}"#),
        path if path.contains("/organizations/") => Reply::json(ANN),
        _ => Reply::json(r#"{"email":"ann@example.com"}"#),
    }
}

/// A client without limits of its own, for a service that counts none.
fn unlimited(service: &Service) -> Client {
    service.builder().rate_limits(RateLimits::unlimited()).build().unwrap()
}

fn ids(service: &Service) -> Vec<String> {
    service.requests().iter().map(|request| request.header("x-request-id").unwrap().to_owned()).collect()
}

/// Makes every kind of call with options. Returns a name and the error of each.
async fn every_kind(client: &Client, options: &CallOptions) -> Vec<(&'static str, Option<Error>)> {
    fn failed<T>(result: Result<T, Error>) -> Option<Error> {
        result.err()
    }
    let with = || options.clone();
    let legacy = client.legacy();
    let (groups, products) = (legacy.user_groups(), legacy.products());
    let run = RunOptions::new().calls(with());
    let mut outcomes = client.execute_stream(futures_util::stream::iter(commands(1))).with_options(run.clone());
    while outcomes.next().await.is_some() {}
    // Eleven memberships in a group of an unknown kind: the groups are read first.
    let mut memberships = client.memberships();
    for number in 0..20 {
        memberships =
            memberships.add(format!("u{number}@example.com"), "Team 0").add(format!("u{number}@example.com"), "Team 1");
    }
    let planned = memberships.plan().with_options(with()).await;
    let change = UserGroupChange::default().with_name("Design");
    let mut results = vec![
        ("users.get", failed(client.users().get("ann@example.com").with_options(with()).await)),
        ("users.get_adobe_id", failed(client.users().get_adobe_id("ann@example.com").with_options(with()).await)),
        ("groups.get", failed(client.groups().get("Team 0").with_options(with()).await)),
        ("groups.directory", failed(client.groups().directory().with_options(with()).await)),
        ("groups.list", failed(client.groups().list().with_options(with()).try_collect().await)),
        ("users.list", failed(client.users().list().with_options(with()).by_page().try_next().await)),
        ("in_group", failed(client.users().in_group("Design").list().with_options(with()).try_next().await)),
        ("request", failed(client.request("GET", "/groups/{orgId}/0").send().with_options(with()).await)),
        ("legacy users", failed(legacy.users().get("ann@example.com").with_options(with()).await)),
        ("legacy get", failed(groups.get(7).with_options(with()).await)),
        ("legacy create", failed(groups.create(&NewUserGroup::new("Design")).with_options(with()).await)),
        ("legacy update", failed(groups.update(7, &change).with_options(with()).await)),
        ("legacy delete", failed(groups.delete(7).with_options(with()).await)),
        ("legacy product", failed(products.get("p").with_options(with()).await)),
        (
            "execute",
            client.execute(commands(1)).with_options(run.clone()).await.err().map(|error| error.error().clone()),
        ),
        ("execute_stream", outcomes.error().cloned()),
    ];
    results.push(match planned {
        Err(error) => ("plan", Some(error)),
        Ok(planned) => ("memberships", planned.with_options(run).await.err().map(|error| error.error().clone())),
    });
    results
}

#[tokio::test]
async fn every_kind_of_call_carries_the_id_and_the_product() {
    let service = Service::responding(helpful).await;
    let http = HttpOptions::new().product("portal/1.0").build().unwrap();
    let client = service.builder().rate_limits(RateLimits::unlimited()).http(http).build().unwrap();
    let options = CallOptions::new().request_id("trace-7").product("signup/2.1");
    for (kind, error) in every_kind(&client, &options).await {
        assert!(error.is_none(), "{kind}: {error:?}");
    }
    let requests = service.requests();
    assert!(requests.len() >= 20, "{}", requests.len());
    for request in requests {
        let id = request.header("x-request-id").unwrap();
        assert!(id == "trace-7" || id.starts_with("trace-7-"), "{} {id}", request.path);
        let agent = request.header("user-agent").unwrap();
        assert!(agent.starts_with("signup/2.1 portal/1.0 umapi-rust/"), "{} {agent}", request.path);
    }
    // The next call is without them.
    client.users().get("ann@example.com").await.unwrap();
    let last = service.requests().pop().unwrap();
    assert!(last.header("user-agent").unwrap().starts_with("portal/1.0 umapi-rust/"));
    assert_eq!(last.header("x-request-id").map(str::len), Some(32));
}

#[tokio::test]
async fn invalid_options_are_refused_before_anything_is_sent() {
    let service = Service::responding(helpful).await;
    let client = unlimited(&service);
    let cases = [
        (CallOptions::new().request_id("a\r\nx-api-key: b"), "request id"),
        (CallOptions::new().request_id(""), "request id"),
        (CallOptions::new().product("two words"), "product"),
    ];
    for (options, named) in cases {
        for (kind, error) in every_kind(&client, &options).await {
            let error = error.unwrap_or_else(|| panic!("{kind} was accepted"));
            assert!(error.is_invalid_input() && error.to_string().contains(named), "{kind}: {error}");
        }
        let unfinished = client.execute(commands(3)).with_options(RunOptions::new().calls(options)).await.unwrap_err();
        assert_eq!(unfinished.report().not_sent().count(), 3);
    }
    assert_eq!(service.requests().len(), 0);
}

#[tokio::test]
async fn each_attempt_page_and_request_has_an_id_of_its_own() {
    let options = CallOptions::new().request_id("t");
    let failing = Service::scripted([Reply::of(500, &[], ""), Reply::HangUp, Reply::json(ANN)]).await;
    failing.client().users().get("ann@example.com").with_options(options.clone()).await.unwrap();
    assert_eq!(ids(&failing), ["t", "t-2", "t-3"]);

    let service = Service::responding(helpful).await;
    unlimited(&service).groups().list().with_options(options.clone()).try_collect().await.unwrap();
    assert_eq!(ids(&service), ["t", "t-2", "t-3"], "three pages");

    let service = Service::responding(helpful).await;
    let run = RunOptions::new().calls(options).in_flight(1);
    let report = unlimited(&service).execute(commands(25)).with_options(run).await.unwrap();
    assert_eq!(ids(&service), ["t", "t-2", "t-3"], "three requests");
    assert!(report.is_success());
}

#[tokio::test]
async fn the_error_names_the_id_of_the_last_attempt() {
    let service = Service::scripted([Reply::HangUp]).await;
    let options = CallOptions::new().request_id("trace-7").retry(StandardRetry::default().attempts(2));
    let error = service.client().users().get("ann@example.com").with_options(options).await.unwrap_err();
    assert_eq!(error.request_id(), Some("trace-7-2"));
}

#[tokio::test]
async fn a_verification_carries_the_id_of_its_run() {
    let service = Service::scripted([
        Reply::HangUp,
        Reply::json(
            r#"{"result":"error","completed":0,"notCompleted":1,"errors":[
                {"index":0,"step":0,"errorCode":"error.user.already_in_org","message":"already"}]}"#,
        ),
        Reply::json(
            r#"{"result":"success","user":{"email":"new@example.com","username":"new@example.com",
                "firstname":"New","lastname":"User","country":"US","type":"federatedID"}}"#,
        ),
    ])
    .await;
    let run = RunOptions::new().calls(CallOptions::new().request_id("t"));
    let create = Command::create_user(NewUser::federated("new@example.com", "New", "User", "US"));
    let report = service.client().execute([create]).with_options(run).await.unwrap();
    assert_eq!(ids(&service), ["t", "t-2", "t-3"], "{report}");
}

#[tokio::test]
async fn the_deadline_of_a_call_replaces_that_of_the_client() {
    let silent = || Service::scripted([Reply::Silence]);
    for (of_client, of_call, expected) in [(Some(50), Some(10), 10), (Some(10), Some(50), 50), (None, Some(30), 30)] {
        let service = silent().await;
        let mut builder = service.builder();
        if let Some(seconds) = of_client {
            builder = builder.call_timeout(SECOND * seconds);
        }
        let mut call = builder.build().unwrap().users().get("ann@example.com");
        if let Some(seconds) = of_call {
            call = call.with_options(CallOptions::new().deadline(SECOND * seconds));
        }
        let error = call.await.unwrap_err();
        assert!(error.is_timeout() && !error.may_have_been_applied(), "{error}");
        assert_eq!(service.seconds(), expected, "{of_client:?} {of_call:?}");
        let text = error.to_string();
        assert!(text.contains("the deadline passed") && !text.contains("an attempt"), "{text}");
    }
}

#[tokio::test]
async fn extreme_deadlines_are_no_trouble() {
    let service = Service::responding(helpful).await;
    let client = unlimited(&service);
    let get = |time| client.users().get("ann@example.com").with_options(CallOptions::new().deadline(time));
    assert!(get(Duration::MAX).await.unwrap().is_some());
    assert!(get(Duration::ZERO).await.unwrap_err().is_timeout());
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test]
async fn a_list_has_its_deadline_for_each_page_and_a_lookup_for_all() {
    let slow = || Service::responding(|request| helpful(request).after(SECOND * 4));
    let options = CallOptions::new().deadline(SECOND * 6);
    let service = slow().await;
    let all = unlimited(&service).groups().list().with_options(options.clone()).try_collect().await.unwrap();
    assert_eq!(all.len(), 3, "each page takes four seconds");

    let service = slow().await;
    let error = unlimited(&service).groups().get("Team 2").with_options(options.clone()).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(service.seconds(), 6);
    let service = slow().await;
    let error = unlimited(&service).groups().directory().with_options(options).await.unwrap_err();
    assert!(error.is_timeout() && service.seconds() == 6, "{error}");
}

#[tokio::test]
async fn a_retry_never_outlasts_the_deadline_of_the_call() {
    let service = Service::scripted([Reply::of(503, &[("retry-after", "60")], "")]).await;
    let options = CallOptions::new().deadline(SECOND * 30);
    let error = service.client().users().get("ann@example.com").with_options(options).await.unwrap_err();
    assert_eq!((error.status(), error.retry_after(), service.seconds()), (Some(503), Some(SECOND * 60), 0));
}

#[tokio::test]
async fn the_earlier_deadline_of_run_and_request_ends_a_request() {
    let run = |service: &Service, of_run: u32, of_request: u32| {
        let calls = CallOptions::new().deadline(SECOND * of_request);
        let options = RunOptions::new().deadline(SECOND * of_run).calls(calls).in_flight(1);
        unlimited(service).execute(commands(20)).with_options(options)
    };
    // That of the request: it fails, and the next request succeeds.
    let mut number = 0;
    let service = Service::responding(move |request| {
        number += 1;
        if number == 1 { Reply::Silence } else { helpful(request) }
    })
    .await;
    let report = run(&service, 100, 10).await.unwrap();
    assert_eq!((report.unknown().count(), report.completed().count(), service.seconds()), (10, 10, 10), "{report}");
    // That of the run: it ends.
    let service = Service::scripted([Reply::Silence]).await;
    let unfinished = run(&service, 10, 100).await.unwrap_err();
    assert!(unfinished.error().is_timeout() && service.seconds() == 10, "{unfinished}");
    assert_eq!((unfinished.report().unknown().count(), unfinished.report().not_sent().count()), (10, 10));
    // Requests that always run out of time end the run too.
    let service = Service::scripted([Reply::Silence]).await;
    let calls = RunOptions::new().calls(CallOptions::new().deadline(SECOND * 10)).in_flight(1);
    let unfinished = unlimited(&service).execute(commands(100)).with_options(calls).await.unwrap_err();
    assert_eq!((unfinished.report().unknown().count(), service.seconds()), (30, 30), "{unfinished}");
}

#[tokio::test]
async fn the_throttle_policy_of_a_call_replaces_that_of_the_client() {
    let throttled = || Service::scripted([Reply::of(429, &[("retry-after", "300")], ""), Reply::json(ANN)]);
    let of = |policy| CallOptions::new().throttle_policy(policy);
    let service = throttled().await;
    let impatient = service.client().users().get("ann@example.com").with_options(of(ThrottlePolicy::FailAtOnce));
    assert!(impatient.await.unwrap_err().is_throttled());
    assert_eq!(service.seconds(), 0);

    let service = throttled().await;
    let client = service.builder().throttle_policy(ThrottlePolicy::FailAtOnce).build().unwrap();
    let patient = client.users().get("ann@example.com").with_options(of(ThrottlePolicy::Wait));
    assert!(patient.await.unwrap().is_some());
    assert_eq!(service.seconds(), 300);

    let service = Service::responding(helpful).await;
    let run = RunOptions::new().calls(of(ThrottlePolicy::FailAtOnce));
    let unfinished = service.client().execute(commands(205)).with_options(run).await.unwrap_err();
    assert!(unfinished.error().is_throttled() && service.seconds() == 0, "{unfinished}");
    assert_eq!(unfinished.report().completed().count(), 100, "ten requests a minute");
}

/// A policy that notes what it is asked.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<Noted>>>);

/// Operation, number, failure, time spent, and the wait that the service asked for.
type Noted = (String, u32, AttemptFailure, Duration, Option<Duration>);

impl RetryPolicy for Noting {
    fn wait(&self, failed: &FailedAttempt<'_>) -> Option<Duration> {
        let FailedAttempt { operation, attempt, failure, elapsed, requested_wait, .. } = *failed;
        self.0.lock().unwrap().push((operation.to_owned(), attempt, failure, elapsed, requested_wait));
        (attempt < 4).then_some(SECOND * 3)
    }
}

#[tokio::test]
async fn a_policy_sees_what_failed_and_decides() {
    let policy = Noting::default();
    let script = [
        Reply::of(503, &[], ""),
        Reply::of(503, &[("retry-after", "5")], ""),
        Reply::HangUp,
        Reply::of(429, &[("retry-after", "7")], ""),
        Reply::of(500, &[], ""),
    ];
    let service = Service::scripted(script).await;
    let options = CallOptions::new().retry(policy.clone());
    let error = service.client().users().get("ann@example.com").with_options(options).await.unwrap_err();
    assert_eq!((error.status(), error.requests()), (Some(500), 5));
    let seen = policy.0.lock().unwrap().clone();
    let of = |attempt, failure, elapsed: u32, requested: Option<u32>| {
        ("getUser".to_owned(), attempt, failure, SECOND * elapsed, requested.map(|seconds| SECOND * seconds))
    };
    let unavailable = AttemptFailure::Status(503);
    assert_eq!(
        seen,
        [
            of(1, unavailable, 0, None),
            of(2, unavailable, 3, Some(5)),
            of(3, AttemptFailure::Lost, 8, None),
            of(4, AttemptFailure::Status(500), 18, None),
        ],
        "the 429 is waited for without asking"
    );
    // The client has its own policy.
    let policy = Noting::default();
    let service = Service::scripted([Reply::of(500, &[], "")]).await;
    let client = service.builder().retry(policy.clone()).build().unwrap();
    client.users().get("ann@example.com").await.unwrap_err();
    assert_eq!((policy.0.lock().unwrap().len(), service.seconds()), (4, 9));
    let never = CallOptions::new().retry(StandardRetry::NEVER);
    client.users().get("ann@example.com").with_options(never).await.unwrap_err();
    assert_eq!((policy.0.lock().unwrap().len(), service.seconds()), (4, 9));
}

#[tokio::test]
async fn a_hostile_policy_harms_nobody() {
    struct Endless;
    impl RetryPolicy for Endless {
        fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
            Some(Duration::ZERO)
        }
    }
    struct Sleepy;
    impl RetryPolicy for Sleepy {
        fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
            Some(Duration::from_secs(u64::MAX))
        }
    }
    struct Panicking;
    impl RetryPolicy for Panicking {
        fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
            panic!("planted")
        }
    }
    async fn call(options: CallOptions) -> (Error, usize, u64) {
        let service = Service::scripted([Reply::of(500, &[], "")]).await;
        let error = unlimited(&service).users().get("ann@example.com").with_options(options).await.unwrap_err();
        (error, service.requests().len(), service.seconds())
    }
    let (error, requests, seconds) = call(CallOptions::new().retry(Endless)).await;
    assert_eq!((error.status(), seconds), (Some(500), 0));
    assert!((2..=100).contains(&requests), "the budget ends it: {requests}");
    for options in [CallOptions::new().retry(Sleepy), CallOptions::new().retry(Panicking)] {
        let (error, requests, seconds) = call(options).await;
        assert_eq!((error.status(), requests, seconds), (Some(500), 1, 0));
    }
    // What must not be applied twice is not repeated, and a 404 is final.
    for (status, expected) in [(500, 1), (404, 1)] {
        let service = Service::scripted([Reply::of(status, &[], "")]).await;
        let create = unlimited(&service).legacy().user_groups().create(&NewUserGroup::new("Design"));
        create.with_options(CallOptions::new().retry(Endless)).await.unwrap_err();
        assert_eq!(service.requests().len(), expected, "{status}");
    }
}

#[tokio::test]
async fn a_call_is_a_future_like_any_other() {
    fn assert_send<T: Send + 'static>(_: &T) {}
    let service = Service::responding(helpful).await;
    let client = unlimited(&service);
    let call: Call<Option<User>> = client.users().get("ann@example.com");
    assert_send(&call);
    assert!(format!("{call:?}").starts_with("Call"));
    drop(call);
    assert_eq!(service.requests().len(), 0, "nothing is sent before it is awaited");
    let (one, other) = tokio::join!(client.users().get("ann@example.com"), client.users().get("ann@example.com"));
    assert!(one.unwrap().is_some() && other.unwrap().is_some());
    let spawned = tokio::spawn(client.users().get("ann@example.com"));
    assert!(spawned.await.unwrap().unwrap().is_some());
    let mut done = client.users().get("ann@example.com");
    assert!((&mut done).await.is_ok());
    let ids: HashSet<String> = ids(&service).into_iter().collect();
    assert_eq!(ids.len(), 4);
}
