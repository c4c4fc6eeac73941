//! A service that contradicts itself, repeats itself, never ends, or asks for endless waits. Every call must end, and no
//! outcome may claim more than the response proves.

use std::time::Duration;

use serde_json::{Value, json};
use umapi::{Client, ClientBuilder, Command, Error, NewUser, Outcome, RunOptions, StandardRetry, ThrottlePolicy};
use umapi_emulator::{
    Emulator, FaultEffect, FaultHandle, FaultResponse, FaultRule, LimitSettings, LoginOperation, Operation, seed::Seed,
};
use umapi_time::{Instant, ManualClock};

use crate::faults::client_with;

const SEED: &str = "
organizations:
  - id: 12345@AdobeOrg
    directories: [{ name: Staff, type: federated, domains: [staff.example] }]
    userGroups: [{ name: Team }]
    integrations: [{ clientId: client, secrets: [secret] }]
    users:
      - { type: federatedID, email: ann@staff.example, firstname: Ann, lastname: Lee, country: US }
";
const HOUR: Duration = Duration::from_secs(3600);
/// The maximum number of requests of a call that makes no progress.
const BOUND: u64 = 100;

/// An emulator without rate limits, and its clock.
struct Service {
    manual: ManualClock,
    emulator: Emulator,
}

impl Service {
    async fn start() -> Self {
        let manual = ManualClock::new().auto_advance(Duration::from_millis(1));
        let builder = Emulator::builder().seed(Seed::from_yaml(SEED).unwrap()).clock(manual.clone());
        let emulator = builder.limits(LimitSettings::off()).check_responses(false).without_management().start().await;
        Self { manual, emulator: emulator.unwrap() }
    }

    fn client(&self) -> Client {
        self.client_with(|builder| builder)
    }

    fn client_with(&self, settings: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        client_with(&self.manual, &self.emulator, settings)
    }

    fn fault(&self, operation: Operation, effect: impl Into<FaultEffect>) -> FaultHandle {
        self.emulator.faults().add(FaultRule::on(operation, effect)).unwrap()
    }

    fn now(&self) -> Instant {
        self.manual.clock().now()
    }
}

async fn all_users(client: &Client) -> Result<usize, Error> {
    let (mut list, mut count) = (client.users().list(), 0);
    while list.try_next().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn page(number: usize) -> Value {
    let user = json!({ "email": format!("user{number}@staff.example"), "status": "active", "type": "federatedID" });
    json!({ "lastPage": false, "result": "success", "users": [user] })
}

#[tokio::test]
async fn contradictory_responses_are_never_completed() {
    let errors = |entry: Value| json!({ "errors": [entry] });
    let patches = [
        json!({ "result": "error.internal.exceptionflys" }),
        json!({ "result": "failure" }),
        json!({ "completed": 0 }),
        json!({ "completed": 0, "completedInTestMode": 3 }),
        json!({ "completed": 1, "notCompleted": 2 }),
        errors(json!({ "index": 3, "step": 0, "errorCode": "error.user.not_found", "message": "m" })),
        errors(json!({ "index": 0, "step": 7, "errorCode": "error.user.not_found", "message": "m" })),
        errors(json!({ "index": 0, "step": 0, "errorCode": "e", "message": "m", "user": "somebody@else.example" })),
    ];
    for (number, patch) in patches.into_iter().enumerate() {
        let service = Service::start().await;
        let fault = service.fault(Operation::ExecuteActions, FaultEffect::patched_response(patch.clone()));
        let users = (0..3).map(|user| format!("new{number}-{user}@staff.example"));
        let commands = users.map(|user| Command::from(NewUser::federated(user, "First", "Last", "US")));
        let report = match service.client().execute(commands).await {
            Ok(report) => report,
            Err(unfinished) => unfinished.into_report(),
        };
        assert_eq!(report.outcomes().len(), 3, "{patch}");
        assert_eq!(fault.matched(), 1, "{patch}: an applied request is not repeated");
        let wrong: Vec<String> =
            report.outcomes().iter().filter(|outcome| !outcome.is_unknown()).map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{patch}: {wrong:#?}");
    }
}

#[tokio::test]
async fn contradictory_reads_are_errors_in_the_words_of_the_service() {
    let service = Service::start().await;
    let client = service.client();
    let other = json!({ "user": { "email": "somebody@else.example", "username": "somebody@else.example" } });
    let failing = json!({ "result": "error.internal.exceptionflys", "message": "Out of order" });
    for (patch, words) in
        [(other, ""), (failing.clone(), "error.internal.exceptionflys"), (json!({ "user": null }), "")]
    {
        let fault = service.fault(Operation::GetUser, FaultEffect::patched_response(patch.clone()));
        let error = client.users().get("ann@staff.example").await.expect_err(&patch.to_string());
        assert!(error.to_string().contains(words), "{patch}: {error}");
        assert!(fault.matched() <= BOUND, "{patch}");
        fault.remove();
    }
    for (patch, words) in
        [(failing, "error.internal.exceptionflys"), (json!({ "users": null }), ""), (json!({ "lastPage": null }), "")]
    {
        let fault = service.fault(Operation::ListUsers, FaultEffect::patched_response(patch.clone()));
        let error = all_users(&client).await.expect_err(&patch.to_string());
        assert!(error.to_string().contains(words), "{patch}: {error}");
        assert!(fault.matched() <= BOUND, "{patch}");
        fault.remove();
    }
    assert!(client.users().get("ann@staff.example").await.unwrap().is_some());
}

#[tokio::test]
async fn alternating_pages_end_with_an_error() {
    let service = Service::start().await;
    for (call, number) in [(1, 1), (2, 2)] {
        let rule = FaultRule::on(Operation::ListUsers, FaultResponse::json(200, page(number)));
        service.emulator.faults().add(rule.from_call(call).every(2)).unwrap();
    }
    let error = all_users(&service.client()).await.expect_err("the list repeats itself");
    assert!(error.to_string().contains("page"), "{error}");
    let requests = service.emulator.journal().select(|exchange| exchange.status == Some(200)).len() as u64;
    assert!(requests <= BOUND, "{requests} requests: {error}");
}

#[tokio::test]
async fn alternating_401_and_429_end_with_an_error() {
    let service = Service::start().await;
    let responses = [FaultResponse::status(401), FaultResponse::throttled(0)];
    for (call, response) in (1..).zip(responses) {
        let rule = FaultRule::on(Operation::GetUser, response);
        service.emulator.faults().add(rule.from_call(call).every(2)).unwrap();
    }
    let error = service.client().users().get("ann@staff.example").await.expect_err("it never succeeds");
    let requests: u64 = service.emulator.faults().list().iter().map(|rule| rule.fired).sum();
    assert!((1..=BOUND).contains(&requests), "{requests} requests: {error}");
}

#[tokio::test]
async fn the_throttle_policy_bounds_every_wait_that_a_server_asks_for() {
    for status in [408, 429, 500, 502, 503, 504] {
        let service = Service::start().await;
        let asks = FaultResponse::status(status).header("Retry-After", "3600");
        let fault = service.fault(Operation::GetUser, asks);
        let client = service.client_with(|builder| builder.throttle_policy(ThrottlePolicy::WaitUpTo(Duration::ZERO)));
        let begun = service.now();
        let error = client.users().get("ann@staff.example").await.expect_err("it fails");
        let took = service.now() - begun;
        assert!(took < HOUR, "{status}: {took:?}: {error}");
        assert!(fault.matched() <= BOUND, "{status}");
    }
}

#[tokio::test]
async fn a_retry_after_in_the_far_future_does_not_wait_forever() {
    for status in [429, 503] {
        let service = Service::start().await;
        let asks = FaultResponse::status(status).header("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT");
        service.emulator.faults().add(FaultRule::on(Operation::GetUser, asks).nth(1)).unwrap();
        let begun = service.now();
        let _ = service.client().users().get("ann@staff.example").await;
        let took = service.now() - begun;
        assert!(took <= 7 * 24 * HOUR, "{status}: {took:?}");
    }
}

#[tokio::test]
async fn a_hold_that_outlasts_a_call_delays_the_next_one() {
    let service = Service::start().await;
    let rule = FaultRule::on(Operation::GetUser, FaultResponse::throttled(2700));
    let fault = service.emulator.faults().add(rule).unwrap();
    let client = service.client_with(|builder| builder.call_timeout(Duration::from_secs(60)));
    for _ in 0..5 {
        client.users().get("ann@staff.example").await.expect_err("the hold outlasts the call");
    }
    assert_eq!(fault.matched(), 1, "later calls respect the hold");
}

#[tokio::test]
async fn an_endless_response_ends_with_an_error() {
    let endless = || FaultResponse::text(200, r#"{"result":"success","users":["#).endless(" ".repeat(1 << 16));
    let service = Service::start().await;
    let client = service.client_with(|builder| builder.retry(StandardRetry::NEVER));
    service.fault(Operation::GetUser, endless());
    service.fault(Operation::ListUsers, endless());
    client.users().get("ann@staff.example").await.expect_err("a body without an end");
    all_users(&client).await.expect_err("a page without an end");

    let service = Service::start().await;
    let rule = FaultRule::on(LoginOperation::RequestToken, endless());
    service.emulator.faults().add(rule).unwrap();
    let error = service.client().users().get("ann@staff.example").await.expect_err("a login without an end");
    assert!(error.is_login(), "{error}");
}

#[tokio::test]
async fn an_endless_response_keeps_what_is_known() {
    let service = Service::start().await;
    let endless = FaultResponse::text(200, r#"{"result":"success","errors":["#).after_applying();
    let rule = FaultRule::on(Operation::ExecuteActions, endless.endless(" ".repeat(1 << 16)));
    service.emulator.faults().add(rule.from_call(3)).unwrap();
    let client = service.client_with(|builder| builder.retry(StandardRetry::NEVER));
    let users = (0..30).map(|user| format!("new{user}@staff.example"));
    let commands = users.map(|user| Command::from(NewUser::federated(user, "First", "Last", "US")));
    let report = match client.execute(commands).with_options(RunOptions::new().in_flight(1)).await {
        Ok(report) => report,
        Err(unfinished) => unfinished.into_report(),
    };
    assert_eq!(report.completed().count(), 20, "{report}");
    let unknown = report.outcomes().iter().filter(|outcome| matches!(outcome.outcome(), Outcome::Unknown { .. }));
    assert_eq!(unknown.count(), 10, "{report}");
}
