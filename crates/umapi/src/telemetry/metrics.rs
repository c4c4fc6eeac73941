//! Metrics of OpenTelemetry, fed by an observer.

use std::{collections::HashMap, fmt, sync::Arc};

use opentelemetry::{
    InstrumentationScope, KeyValue, global,
    metrics::{Counter, Histogram, Meter, MeterProvider},
};
use umapi_auth::{LoginFinished, LoginObserver, LoginRequestFinished};
use umapi_model::Operation;
use umapi_plan::Outcome;

use super::{SCHEMA_URL, SYSTEM, method};
use crate::observer::{CallFinished, Observer, OutcomeKnown, PageRead, RequestFinished, Retry, WaitEnded, WaitReason};

/// The boundaries that the conventions recommend for requests and calls, in seconds.
const REQUEST_BOUNDARIES: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Boundaries for waits, in seconds: up to the hours of the first pages.
const WAIT_BOUNDARIES: [f64; 11] = [0.1, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0];

/// An observer that records metrics of OpenTelemetry. [The table](crate::telemetry#metrics) lists them.
///
/// ```
/// use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
/// use umapi::{Client, auth::FixedToken, telemetry::MetricsObserver};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let exporter = InMemoryMetricExporter::default(); // or one of opentelemetry-otlp
/// let meters = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
/// let client = Client::builder("12345@AdobeOrg")
///     .token_source("client id", FixedToken::new("access token"))
///     .observer(MetricsObserver::new(&meters))
///     .build()?;
/// # drop(client);
/// # meters.shutdown()?;
/// # Ok(())
/// # }
/// ```
///
/// A client gives it its own logins. A token source of your own can be given a clone:
///
/// ```
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
/// use umapi::{
///     auth::{OAuthServerToServer, Session},
///     telemetry::MetricsObserver,
/// };
///
/// # fn main() -> Result<(), umapi::Error> {
/// let metrics = MetricsObserver::new(&SdkMeterProvider::default());
/// let credentials = OAuthServerToServer::new("client id", "client secret")?;
/// let shared = Session::builder(credentials).observer(metrics.clone()).build()?;
/// let builder = umapi::Client::builder("12345@AdobeOrg")
///     .token_source("client id", shared)
///     .observer(metrics);
/// # Ok(()) }
/// ```
///
/// The attributes have few values: operations, statuses, classes of errors. None is the name of a user, of a group or of an
/// organization.
#[derive(Clone)]
pub struct MetricsObserver {
    requests: Histogram<f64>,
    calls: Histogram<f64>,
    waits: Histogram<f64>,
    retries: Counter<u64>,
    pages: Counter<u64>,
    items: Counter<u64>,
    outcomes: Counter<u64>,
    /// The method and path of each operation.
    operations: Arc<HashMap<&'static str, Operation>>,
}

impl MetricsObserver {
    /// Creates an observer that records with a meter of this provider.
    #[must_use]
    pub fn new(provider: &impl MeterProvider) -> Self {
        Self::with_meter(&provider.meter_with_scope(scope()))
    }

    /// Creates an observer that records with the global provider, which must be set before.
    ///
    /// ```
    /// use opentelemetry_sdk::metrics::SdkMeterProvider;
    /// use umapi::{Client, auth::FixedToken, telemetry::MetricsObserver};
    ///
    /// # fn main() -> Result<(), umapi::Error> {
    /// opentelemetry::global::set_meter_provider(SdkMeterProvider::default());
    /// let client = Client::builder("12345@AdobeOrg")
    ///     .token_source("client id", FixedToken::new("access token"))
    ///     .observer(MetricsObserver::global())
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn global() -> Self {
        Self::with_meter(&global::meter_with_scope(scope()))
    }

    fn with_meter(meter: &Meter) -> Self {
        let seconds = |name, description, boundaries: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(boundaries.to_vec()).build()
        };
        let count =
            |name, unit, description| meter.u64_counter(name).with_unit(unit).with_description(description).build();
        Self {
            requests: seconds("http.client.request.duration", "Duration of HTTP client requests.", &REQUEST_BOUNDARIES),
            calls: seconds(
                "rpc.client.call.duration",
                "Measures the duration of an outgoing Remote Procedure Call (RPC).",
                &REQUEST_BOUNDARIES,
            ),
            waits: seconds("umapi.client.wait.duration", "How long calls waited before a request.", &WAIT_BOUNDARIES),
            retries: count("umapi.client.retries", "{retry}", "Requests that were sent again."),
            pages: count("umapi.client.list.pages", "{page}", "Pages of lists that were read."),
            items: count("umapi.client.list.items", "{item}", "Items on the pages of lists."),
            outcomes: count(
                "umapi.client.outcomes",
                "{outcome}",
                "Outcomes of commands and of changes of memberships.",
            ),
            operations: Arc::new(Operation::ALL.into_iter().map(|operation| (operation.id(), operation)).collect()),
        }
    }
}

/// Who records: this crate, by a version of the conventions.
fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("umapi").with_version(env!("CARGO_PKG_VERSION")).with_schema_url(SCHEMA_URL).build()
}

/// The attributes of a measurement.
#[derive(Default)]
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn with(mut self, key: &'static str, value: impl Into<opentelemetry::Value>) -> Self {
        self.0.push(KeyValue::new(key, value));
        self
    }

    fn with_some(self, key: &'static str, value: Option<impl Into<opentelemetry::Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    fn of_call(operation: &str) -> Self {
        Self::default().with("rpc.system.name", SYSTEM).with("rpc.method", method(operation))
    }

    fn of_server(self, address: Option<&str>, port: Option<u16>) -> Self {
        self.with_some("server.address", address.map(str::to_owned)).with_some("server.port", port.map(i64::from))
    }

    fn of_error(self, error: Option<&crate::Error>) -> Self {
        self.with_some("error.type", error.map(|error| error.error_type().into_owned()))
    }
}

impl Observer for MetricsObserver {
    fn request_finished(&self, request: &RequestFinished<'_>) {
        let operation = self.operations.get(request.operation);
        let attributes = Attributes::default()
            .with_some("http.request.method", operation.map(|operation| operation.method()))
            .with_some("url.template", operation.map(|operation| operation.path()))
            .of_server(Some(request.server_address), Some(request.server_port))
            .with_some("http.response.status_code", request.status.map(i64::from))
            .with_some("network.protocol.version", request.protocol_version)
            .of_error(request.error);
        self.requests.record(request.took.as_secs_f64(), &attributes.0);
    }

    fn call_finished(&self, call: &CallFinished<'_>) {
        let attributes =
            Attributes::of_call(call.operation).of_server(call.server_address, call.server_port).of_error(call.error);
        self.calls.record(call.took.as_secs_f64(), &attributes.0);
    }

    fn wait_ended(&self, wait: &WaitEnded<'_>) {
        let attributes = Attributes::of_call(wait.operation).with("umapi.wait.reason", reason(wait.reason));
        self.waits.record(wait.duration.as_secs_f64(), &attributes.0);
    }

    fn retry(&self, retry: &Retry<'_>) {
        self.retries.add(1, &Attributes::of_call(retry.operation).of_error(Some(retry.error)).0);
    }

    fn page(&self, page: &PageRead<'_>) {
        let attributes = Attributes::of_call(page.operation).0;
        self.pages.add(1, &attributes);
        self.items.add(page.items as u64, &attributes);
    }

    fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
        LoginObserver::login_request_finished(self, request);
    }

    fn login_finished(&self, login: &LoginFinished<'_>) {
        LoginObserver::login_finished(self, login);
    }

    fn outcome(&self, known: &OutcomeKnown<'_>) {
        let attributes =
            Attributes::default().with("umapi.items", known.items).with("umapi.outcome", word(known.outcome));
        self.outcomes.add(1, &attributes.0);
    }
}

/// For a [`Session`](crate::auth::Session) or a token source that is not of the client.
impl LoginObserver for MetricsObserver {
    fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
        let attributes = Attributes::default()
            .with("http.request.method", request.method)
            .with_some("url.template", request.path.map(str::to_owned))
            .of_server(Some(request.server_address), Some(request.server_port))
            .with_some("http.response.status_code", request.status.map(i64::from))
            .with_some("network.protocol.version", request.protocol_version)
            .with_some("error.type", request.error_type.map(str::to_owned));
        self.requests.record(request.took.as_secs_f64(), &attributes.0);
    }

    fn login_finished(&self, login: &LoginFinished<'_>) {
        let attributes = Attributes::default()
            .with("rpc.system.name", SYSTEM)
            .with("rpc.method", format!("Login/{}", login.operation))
            .of_server(Some(login.server_address), Some(login.server_port))
            .with_some("error.type", login.error.map(|error| error.error_type().into_owned()));
        self.calls.record(login.took.as_secs_f64(), &attributes.0);
    }
}

fn reason(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::RateLimit => "rate_limit",
        WaitReason::FirstPage => "first_page",
        WaitReason::Throttled => "throttled",
        WaitReason::Backoff => "backoff",
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Rejected { .. } => "rejected",
        Outcome::NotSent { .. } => "not_sent",
        Outcome::Unknown { .. } => "unknown",
        _ => "_OTHER",
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsObserver").finish_non_exhaustive()
    }
}
