//! Spans, events and metrics of a run with faults: their names, and what they must not tell. This is a test binary of its own
//! because the subscriber is global.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests panic on the unexpected")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, Registry, layer::Context, prelude::*, registry::LookupSpan};
use umapi::{
    Client, ClientBuilder, Command, GroupRef, NewUser,
    auth::{AccessToken, Session, TokenFuture, TokenSource},
    time::ManualClock,
};
use umapi_emulator::{
    AnyOperation, Emulator, FaultEffect, FaultResponse, FaultRule, LoginOperation, Operation, seed::Seed,
};

const TABLES: &str = include_str!("../src/telemetry.md");

/// Names that no telemetry may have.
const PERSONAL: [&str; 6] = ["planted", "Planted", "ann@", "Secret Project", "example.com", "secret-1"];

const SEED: &str = r#"
organizations:
  - id: 12345@AdobeOrg
    directories: [{ name: Staff, type: federated, domains: [planted.example.com] }]
    userGroups: [{ name: Secret Project planted }]
    users: [{ type: federatedID, email: ann@planted.example.com, username: ann@planted.example.com, firstname: Ann, lastname: Planted, country: US }]
    integrations:
      - { clientId: first-client, secrets: [planted-secret-1] }
      - { clientId: second-client, secrets: [planted-secret-2] }
"#;

/// A span as it was recorded.
#[derive(Clone, Debug, Default)]
struct Recorded {
    name: &'static str,
    parent: Option<u64>,
    declared: Vec<&'static str>,
    /// Every value that a field got, in order.
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Recorded {
    fn value(&self, field: &str) -> Option<&str> {
        self.values.get(field)?.last().map(String::as_str)
    }
}

/// Everything that the crates of the client record.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Collected>>);

#[derive(Clone, Default)]
struct Collected {
    spans: BTreeMap<u64, Recorded>,
    event_fields: BTreeSet<&'static str>,
    text: String,
}

impl Collector {
    fn collected(&self) -> Collected {
        self.0.lock().unwrap().clone()
    }
}

impl Collected {
    fn named(&self, name: &str) -> Vec<&Recorded> {
        self.spans.values().filter(|span| span.name == name).collect()
    }
}

struct Values(Vec<(&'static str, String)>);

impl Visit for Values {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        panic!("{field} = {value}: a collector of traces would make a text of such a number");
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

fn is_of_client(target: &str) -> bool {
    let crate_name = target.split("::").next().unwrap_or_default();
    crate_name.starts_with("umapi") && crate_name != "umapi_emulator"
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        if !is_of_client(metadata.target()) {
            return;
        }
        let mut values = Values(Vec::new());
        attributes.record(&mut values);
        let mut collected = self.0.lock().unwrap();
        writeln!(collected.text, "{} {:?}", metadata.name(), values.0).unwrap();
        let mut span = Recorded {
            name: metadata.name(),
            parent: context.span(id).and_then(|span| span.parent().map(|parent| parent.id().into_u64())),
            declared: metadata.fields().iter().map(|field| field.name()).collect(),
            ..Recorded::default()
        };
        values.0.into_iter().for_each(|(name, value)| span.values.entry(name).or_default().push(value));
        collected.spans.insert(id.into_u64(), span);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, _: Context<'_, S>) {
        let mut values = Values(Vec::new());
        record.record(&mut values);
        let mut collected = self.0.lock().unwrap();
        let Some(span) = collected.spans.get_mut(&id.into_u64()) else { return };
        for (name, value) in &values.0 {
            span.values.entry(name).or_default().push(value.clone());
        }
        writeln!(collected.text, "{:?}", values.0).unwrap();
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !is_of_client(event.metadata().target()) {
            return;
        }
        let mut values = Values(Vec::new());
        event.record(&mut values);
        let mut collected = self.0.lock().unwrap();
        writeln!(collected.text, "event {:?}", values.0).unwrap();
        collected.event_fields.extend(values.0.into_iter().map(|(name, _)| name).filter(|name| *name != "message"));
    }
}

/// A source of tokens that remembers what it gave.
struct Remembering(Session, Arc<Mutex<Vec<String>>>);

impl TokenSource for Remembering {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let token = self.0.token().await?;
            self.1.lock().unwrap().push(token.reveal().to_owned());
            Ok(token)
        })
    }

    fn invalidate(&self, rejected: &AccessToken) {
        self.0.invalidate(rejected);
    }
}

/// An organization whose service breaks many things, and what the client must not tell about it.
struct Stage {
    emulator: Emulator,
    clock: ManualClock,
    tokens: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    async fn start() -> Self {
        let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
        let seed = Seed::from_yaml(SEED).unwrap();
        let emulator =
            Emulator::builder().seed(seed).clock(clock.clone()).check_responses(false).start().await.unwrap();
        Self { emulator, clock, tokens: Arc::default() }
    }

    fn client(&self, settings: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        let mut builder = self.emulator.client_builder_without_credentials().unwrap();
        for (id, secret) in [("first-client", "planted-secret-1"), ("second-client", "planted-secret-2")] {
            let credentials = self.emulator.login_with(id, secret).unwrap();
            let session = Session::builder(credentials).clock(self.clock.clock()).build().unwrap();
            builder = builder.token_source(id, Remembering(session, self.tokens.clone()));
        }
        settings(builder).build().unwrap()
    }

    fn fault(&self, operation: impl Into<AnyOperation>, effect: impl Into<FaultEffect>) {
        self.emulator.faults().add(FaultRule::on(operation.into(), effect).times(1)).unwrap();
    }
}

/// A message with an address, as the service sends them.
fn rejection(status: u16, code: &str) -> FaultResponse {
    let message = "ann@planted.example.com is not in Secret Project planted";
    FaultResponse::json(status, json!({ "error_code": code, "message": message, "result": "error" }))
        .header("X-Request-Id", "ann@planted.example.com")
}

/// Reads, changes and errors, through faults of every kind.
async fn faulty_run(stage: &Stage, client: &Client) {
    stage.fault(LoginOperation::RequestToken, rejection(503, "ann@planted.example.com"));
    stage.fault(Operation::ListUsers, rejection(500, "ann@planted.example.com"));
    stage.fault(Operation::ListUsers, FaultResponse::throttled(2700));
    stage.fault(Operation::ListUsers, FaultEffect::reset_after_applying());
    let unreadable = json!({ "users": [{ "email": ["ann@planted.example.com"], "username": "planted" }] });
    stage.fault(Operation::ListUsers, FaultEffect::patched_response(unreadable));
    client.users().list().try_collect().await.unwrap();

    stage.fault(Operation::GetUser, FaultEffect::expired_token());
    assert!(client.users().get("ann@planted.example.com").await.unwrap().is_some());
    assert!(client.users().get("planted@planted.example.com").await.unwrap().is_none());
    stage.fault(Operation::GetUser, rejection(400, "error.user.type_unknown"));
    client.users().get("ann@planted.example.com").await.unwrap_err();
    stage.fault(Operation::GetUser, rejection(403, "error.apikey.invalid"));
    client.users().get("ann@planted.example.com").await.unwrap();
    stage.fault(Operation::ListUsersInGroup, FaultEffect::invalid_json());
    client.users().in_group("Secret Project planted").list().try_collect().await.unwrap();

    stage.fault(Operation::ExecuteActions, FaultEffect::cut_off(10));
    let commands: Vec<Command> = (0..250)
        .map(|number| {
            let email = format!("planted{number}@planted.example.com");
            let new = NewUser::federated(email, "Planted", "Planted", "US").ignore_if_exists();
            Command::create_user(new).add_to(["Secret Project planted"]).into()
        })
        .chain([Command::user("nobody@planted.example.com").add_to(["Secret Project planted"]).into()])
        .collect();
    client.execute(commands).await.unwrap();
    let change = |email: &str| client.memberships().add(email, GroupRef::user_group("Secret Project planted"));
    change("ann@planted.example.com").plan().await.unwrap().await.unwrap();

    stage.emulator.faults().add(FaultRule::on(Operation::ExecuteActions, rejection(403, "error.planted"))).unwrap();
    let leave = Command::user("ann@planted.example.com").remove_from_org();
    client.execute([leave]).await.unwrap_err();
}

/// The fields of each span in the table, and the fields of events.
fn documented() -> (BTreeMap<&'static str, BTreeSet<&'static str>>, BTreeSet<&'static str>) {
    let (mut spans, mut events) = (BTreeMap::<_, BTreeSet<_>>::new(), BTreeSet::new());
    let (mut heading, mut span) = ("", "");
    for line in TABLES.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            heading = title;
        }
        let cells: Vec<&str> = line.split('|').collect();
        let name = |cell: usize| cells.get(cell).and_then(|text| names(text).next());
        match heading {
            "Spans" => match (name(1), name(2)) {
                (Some(named), _) => span = named,
                (None, Some(field)) => _ = spans.entry(span).or_default().insert(field),
                (None, None) => {}
            },
            "Events" => events.extend(cells.get(1).into_iter().flat_map(|text| names(text))),
            _ => {}
        }
    }
    (spans, events)
}

/// The names in backticks.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn record<F: Future>(run: impl FnOnce() -> F) -> (Collected, F::Output) {
    let collector = Collector::default();
    let _recording = tracing::subscriber::set_default(Registry::default().with(collector.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(run());
    drop(runtime);
    (collector.collected(), output)
}

#[test]
fn telemetry_tells_nothing_personal_and_only_what_is_documented() {
    let (collected, tokens) = record(|| async {
        let stage = Stage::start().await;
        let client = stage.client(|builder| builder);
        faulty_run(&stage, &client).await;
        stage.tokens.lock().unwrap().clone()
    });
    assert!(tokens.len() > 3 && collected.spans.len() > 30, "{tokens:?}\n{}", collected.text);
    for hidden in PERSONAL.into_iter().chain(tokens.iter().map(String::as_str)) {
        let lines: Vec<&str> = collected.text.lines().filter(|line| line.contains(hidden)).collect();
        assert!(lines.is_empty(), "{hidden} is in:\n{}", lines.join("\n"));
    }
    let (spans, events) = documented();
    let mut seen = BTreeMap::<_, BTreeSet<_>>::new();
    for span in collected.spans.values() {
        seen.entry(span.name).or_default().extend(&span.declared);
        for (field, values) in &span.values {
            assert_eq!(values.len(), 1, "OpenTelemetry would get {field} of {} twice: {values:?}", span.name);
        }
    }
    assert_eq!(seen, spans, "the table of spans in src/telemetry.md");
    let unknown: Vec<_> = collected.event_fields.difference(&events).collect();
    assert!(unknown.is_empty(), "fields of events that are not in src/telemetry.md: {unknown:?}");
}

#[test]
fn every_attempt_is_a_client_span_below_its_call() {
    let (collected, ()) = record(|| async {
        let stage = Stage::start().await;
        let client = stage.client(|builder| builder);
        faulty_run(&stage, &client).await;
    });
    let parent = |span: &Recorded| collected.spans.get(&span.parent.unwrap()).unwrap().clone();
    for attempt in collected.named("http.request") {
        assert_eq!(attempt.value("otel.kind"), Some("client"));
        let owner = parent(attempt);
        let is_login = attempt.value("url.template") == Some("/ims/token/v3");
        assert_eq!(owner.name, if is_login { "umapi.login" } else { "umapi.call" }, "{attempt:?}");
        let status = attempt.value("http.response.status_code").map(|status| status.parse::<u16>().unwrap());
        match status {
            Some(status @ 400..) => assert_eq!(attempt.value("error.type"), Some(status.to_string().as_str())),
            Some(_) => assert_eq!(attempt.value("network.protocol.version"), Some("1.1")),
            None => assert!(attempt.value("error.type").is_some(), "{attempt:?}"),
        }
        assert_eq!(attempt.value("otel.status_code"), attempt.value("error.type").map(|_| "ERROR"));
    }
    for login in collected.named("umapi.login") {
        assert_eq!((parent(login).name, login.value("otel.name")), ("umapi.call", Some("Login/requestToken")));
    }
    let calls = collected.named("umapi.call");
    for call in &calls {
        let is_action = call.value("rpc.method") == Some("UserManagement/executeActions");
        assert_eq!(call.parent.is_some(), is_action, "{call:?}");
        assert!(!is_action || parent(call).name == "umapi.run");
    }
    let users: Vec<_> = calls.iter().filter(|call| call.value("otel.name") == Some("UserManagement/getUser")).collect();
    let ends: Vec<_> = users.iter().map(|call| (call.value("umapi.requests"), call.value("error.type"))).collect();
    let (once, twice) = (Some("1"), Some("2"));
    assert_eq!(ends, [(twice, None), (once, None), (once, Some("400")), (twice, None)]);
    assert_eq!(users[2].value("umapi.error.code"), Some("error.user.type_unknown"));
    let of_users =
        |attempt: &&&Recorded| attempt.value("url.template") == Some("/organizations/{orgId}/users/{userString}");
    let attempts = collected.named("http.request");
    let of_users: Vec<_> = attempts.iter().filter(of_users).collect();
    assert_eq!(of_users[0].value("otel.name"), Some("GET /organizations/{orgId}/users/{userString}"));
    let resends: Vec<_> = of_users.iter().map(|attempt| attempt.value("http.request.resend_count")).collect();
    assert_eq!(resends, [None, Some("1"), None, None, None, Some("1")]);
    let url = of_users[0].value("url.full").unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:")
            && url.ends_with("/v2/usermanagement/organizations/{orgId}/users/{userString}")
    );
    let runs: Vec<_> = collected.named("umapi.run").into_iter().map(|run| run.value("error.type")).collect();
    assert_eq!(runs, [None, None, Some("403")]);
}

#[cfg(feature = "opentelemetry")]
mod metrics {
    use opentelemetry::Value;
    use opentelemetry_sdk::metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    };
    use umapi::telemetry::MetricsObserver;

    use super::*;

    /// The attributes of each point of each metric, and its value: a sum, or the number of measurements and their sum.
    type Points = BTreeMap<String, Vec<(BTreeMap<String, String>, f64, u64)>>;

    fn points(exporter: &InMemoryMetricExporter) -> Points {
        let mut points = Points::new();
        let finished = exporter.get_finished_metrics().unwrap();
        let last = finished.last().unwrap();
        for scope in last.scope_metrics() {
            assert_eq!((scope.scope().name(), scope.scope().version()), ("umapi", Some(env!("CARGO_PKG_VERSION"))));
            for metric in scope.metrics() {
                let all = points.entry(metric.name().to_owned()).or_default();
                match metric.data() {
                    AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                        for point in sum.data_points() {
                            all.push((attributes(point.attributes()), point.value() as f64, 1));
                        }
                    }
                    AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                        for point in histogram.data_points() {
                            all.push((attributes(point.attributes()), point.sum(), point.count()));
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        points
    }

    fn attributes<'a>(pairs: impl Iterator<Item = &'a opentelemetry::KeyValue>) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().into_owned();
        pairs.map(|pair| (pair.key.to_string(), text(&pair.value))).collect()
    }

    /// The attributes of each metric in the table.
    fn documented() -> BTreeMap<String, BTreeSet<String>> {
        let section = TABLES.split("# Metrics").nth(1).unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            let keys = names(cells[3]).filter(|name| name.contains('.')).map(str::to_owned);
            (cells[0].trim_end_matches('`').to_owned(), keys.collect())
        })
        .collect()
    }

    #[test]
    fn metrics_count_what_happened_and_name_nobody() {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let (_, requests) = record(|| async {
            let stage = Stage::start().await;
            let client = stage.client(|builder| builder.observer(MetricsObserver::new(&provider)));
            faulty_run(&stage, &client).await;
            let of_service = |operation: &Operation| stage.emulator.journal().count(*operation);
            Operation::ALL.iter().map(of_service).sum::<usize>()
        });
        provider.force_flush().unwrap();
        let points = points(&exporter);
        let keys: BTreeMap<_, BTreeSet<_>> = points
            .iter()
            .map(|(name, points)| (name.clone(), points.iter().flat_map(|(keys, ..)| keys.keys().cloned()).collect()))
            .collect();
        assert_eq!(keys, documented(), "the table of metrics in src/telemetry.md");
        for hidden in PERSONAL.into_iter().chain(["12345@AdobeOrg", "-client"]) {
            assert!(!format!("{points:?}").contains(hidden), "{hidden} is in {points:#?}");
        }
        let series: usize = points.values().map(Vec::len).sum();
        assert!(series < 60, "{series} series: {points:#?}");

        let count = |metric: &str| points[metric].iter().map(|(.., count)| count).sum::<u64>();
        assert_eq!(count("http.client.request.duration"), requests as u64);
        let sum = |metric: &str, key: &str, value: &str| -> f64 {
            let chosen = points[metric].iter().filter(|(keys, ..)| keys.get(key).is_some_and(|found| found == value));
            chosen.map(|(_, sum, _)| sum).sum()
        };
        assert_eq!(sum("umapi.client.outcomes", "umapi.outcome", "completed"), 251.0);
        assert_eq!(sum("umapi.client.outcomes", "umapi.outcome", "rejected"), 1.0);
        assert_eq!(sum("umapi.client.outcomes", "umapi.outcome", "not_sent"), 1.0);
        assert_eq!(sum("umapi.client.outcomes", "umapi.items", "memberships"), 1.0);
        assert!(sum("umapi.client.wait.duration", "umapi.wait.reason", "throttled") >= 2600.0, "{points:#?}");
        assert!(sum("umapi.client.wait.duration", "umapi.wait.reason", "rate_limit") >= 30.0, "{points:#?}");
        assert_eq!(sum("umapi.client.retries", "error.type", "429"), 1.0);
        assert_eq!(sum("umapi.client.retries", "error.type", "500"), 1.0);
    }

    /// Runs something on a stage, and returns the metrics that it recorded.
    fn measured<F: Future>(run: impl FnOnce(Stage, MetricsObserver) -> F) -> (Points, F::Output) {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let (_, output) = record(|| async { run(Stage::start().await, MetricsObserver::new(&provider)).await });
        provider.force_flush().unwrap();
        let all = points(&exporter);
        for hidden in PERSONAL.into_iter().chain(["12345@AdobeOrg", "-client"]) {
            assert!(!format!("{all:?}").contains(hidden), "{hidden} is in {all:#?}");
        }
        (all, output)
    }

    /// The number of logins by the class of their error, and the same of their requests.
    fn logins(points: &Points) -> [BTreeMap<String, u64>; 2] {
        [("rpc.client.call.duration", "rpc.method"), ("http.client.request.duration", "url.template")].map(
            |(metric, key)| {
                let of_login = |keys: &BTreeMap<String, String>| {
                    keys.get(key).is_some_and(|found| ["Login/requestToken", "/ims/token/v3"].contains(&&**found))
                };
                let all = points.get(metric).into_iter().flatten().filter(|(keys, ..)| of_login(keys));
                all.fold(BTreeMap::new(), |mut counts, (keys, _, count)| {
                    assert_eq!(keys["server.address"], "127.0.0.1");
                    *counts.entry(keys.get("error.type").cloned().unwrap_or_default()).or_default() += count;
                    counts
                })
            },
        )
    }

    fn counts<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
        counts.into_iter().map(|(class, count)| (class.to_owned(), count)).collect()
    }

    #[test]
    fn a_login_of_many_tasks_is_measured_once() {
        let (points, seen) = measured(|stage, metrics| async move {
            let credentials = || stage.emulator.login_with("first-client", "planted-secret-1").unwrap();
            let builder = || stage.emulator.client_builder_without_credentials().unwrap().credentials(credentials());
            let client = builder().observer(metrics.clone()).build().unwrap();
            let calls = (0..20).map(|_| client.users().get("ann@planted.example.com"));
            for user in futures_util::future::join_all(calls).await {
                assert!(user.unwrap().is_some());
            }
            assert_eq!(stage.emulator.journal().count(LoginOperation::RequestToken), 1);
            stage.fault(LoginOperation::RequestToken, rejection(503, "ann@planted.example.com"));
            let client = builder().observer(metrics).build().unwrap();
            assert!(client.users().get("ann@planted.example.com").await.unwrap().is_some());
            stage.emulator.journal().count(LoginOperation::RequestToken)
        });
        assert_eq!(seen, 3);
        assert_eq!(logins(&points), [counts([("", 2), ("503", 1)]), counts([("", 2), ("503", 1)])], "{points:#?}");
        let login = |(keys, ..): &&(BTreeMap<String, String>, f64, u64)| {
            keys.contains_key("http.request.method")
                && keys.get("url.template").is_some_and(|path| path == "/ims/token/v3")
                && keys.get("http.response.status_code").is_some_and(|status| status == "200")
        };
        let (keys, ..) = points["http.client.request.duration"].iter().find(login).unwrap();
        assert_eq!((&*keys["http.request.method"], &*keys["network.protocol.version"]), ("POST", "1.1"));
    }

    #[test]
    fn failed_logins_are_measured_with_their_class() {
        let (points, ()) = measured(|stage, metrics| async move {
            let wrong = stage.emulator.login_with("first-client", "planted-secret-9").unwrap();
            let builder = || stage.emulator.client_builder_without_credentials().unwrap();
            let client = builder().credentials(wrong).observer(metrics.clone()).build().unwrap();
            assert!(client.users().get("ann@planted.example.com").await.unwrap_err().is_login());
            let garbage = FaultResponse::json(200, json!({ "access_token": ["planted"] }));
            stage.fault(LoginOperation::RequestToken, garbage);
            let right = stage.emulator.login_with("second-client", "planted-secret-2").unwrap();
            let none = umapi::CallOptions::new().retry(umapi::StandardRetry::NEVER);
            let client = builder().credentials(right.clone()).observer(metrics.clone()).build().unwrap();
            assert!(
                client.users().get("ann@planted.example.com").with_options(none.clone()).await.unwrap_err().is_login()
            );
            let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let nowhere = right.with_endpoint(umapi::auth::Endpoint::parse(&format!("http://{closed}")).unwrap());
            let client = builder().credentials(nowhere).observer(metrics).build().unwrap();
            assert!(client.users().get("ann@planted.example.com").with_options(none).await.unwrap_err().is_login());
        });
        let [logins, requests] = logins(&points);
        assert_eq!(requests, counts([("", 1), ("401", 1), ("connect", 1)]), "{points:#?}");
        assert_eq!(logins, counts([("401", 1), ("connect", 1), ("unreadable_response", 1)]), "{points:#?}");
    }

    #[test]
    fn a_shared_session_is_measured_by_its_own_observer() {
        let (points, seen) = measured(|stage, metrics| async move {
            let credentials = stage.emulator.login_with("first-client", "planted-secret-1").unwrap();
            let clock = stage.clock.clock();
            let session = Session::builder(credentials).clock(clock).observer(metrics.clone()).build().unwrap();
            for _ in 0..2 {
                let builder = stage.emulator.client_builder_without_credentials().unwrap();
                let builder = builder.token_source("first-client", session.clone()).observer(metrics.clone());
                builder.build().unwrap().users().get("ann@planted.example.com").await.unwrap();
            }
            // A source of somebody else's is not the client's to measure.
            let client = stage.client(|builder| builder.observer(metrics));
            client.users().get("ann@planted.example.com").await.unwrap();
            stage.emulator.journal().count(LoginOperation::RequestToken)
        });
        assert_eq!((seen, logins(&points)), (2, [counts([("", 1)]), counts([("", 1)])]), "{points:#?}");
    }
}

#[test]
fn an_observer_of_logins_that_panics_harms_no_login() {
    struct Careless;

    impl umapi::auth::LoginObserver for Careless {
        fn login_request_finished(&self, _: &umapi::auth::LoginRequestFinished<'_>) {
            panic!("planted");
        }

        fn login_finished(&self, _: &umapi::auth::LoginFinished<'_>) {
            panic!("planted");
        }
    }

    record(|| async {
        let stage = Stage::start().await;
        let credentials = stage.emulator.login_with("first-client", "planted-secret-1").unwrap();
        let session = Session::builder(credentials).clock(stage.clock.clock()).observer(Careless).build().unwrap();
        assert!(!session.token().await.unwrap().reveal().is_empty());
    });
}
