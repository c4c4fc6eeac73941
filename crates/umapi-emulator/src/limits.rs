//! The rate limits of clients.
//!
//! Each class of operations has a limit of calls in a period (a minute), for one client and for all clients together. A period
//! begins with its first call, on the emulator's clock; a rejected call does not count. The service does not document its own
//! algorithm.
//!
//! In addition, the first page (page 0) of a list may have a limit of hours, and a client that exceeds it is blocked: every
//! call is refused, of every class. Users of the service reported this; `x-umapi-throttles` of the description says what is
//! known.

mod first_pages;
mod settings;
mod usage;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::Serialize;
use serde_json::json;
use umapi_model::{Operation, Throttle, ThrottleClass};
use umapi_time::{Clock, Instant};

use self::first_pages::FirstPages;
pub use self::settings::{FirstPageLimit, LimitError, LimitSettings, RateLimit, RetryAfter};
pub(crate) use self::usage::LimitUsage;
use crate::{clock::http_date, http::Response, journal::Stage};

/// The limit that refused a call.
///
/// ```
/// use umapi_emulator::{ExceededLimit, HttpExchange, LimitScope};
///
/// /// Whether the program under test called too often: it alone, and not because it is blocked.
/// fn is_too_fast(exchange: &HttpExchange) -> bool {
///     let of_client =
///         |limit: ExceededLimit| limit.scope == LimitScope::Client && !limit.blocked;
///     exchange.exceeded_limit.is_some_and(of_client)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExceededLimit {
    /// The name of the limit in the description, e.g. `groups` or `groups-first-page`.
    pub name: &'static str,
    /// Whose calls the limit counts.
    pub scope: LimitScope,
    /// Whether an earlier call exceeded the limit, and the client has been blocked since.
    pub blocked: bool,
}

/// Whose calls a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LimitScope {
    /// The calls of one client.
    Client,
    /// The calls of all clients together.
    Application,
}

/// A call, as far as limits depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CountedCall<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) operation: Operation,
    /// Whether it asks for page 0 of a list.
    pub(crate) is_first_page: bool,
    /// The values of `Pragma`, separated by commas.
    pub(crate) pragma: &'a str,
}

/// A refused call: the limit, and how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal {
    limit: ExceededLimit,
    wait: Duration,
}

/// The limits of one emulator, and the calls counted so far. Clones share them.
///
/// ```
/// use umapi_emulator::{Emulator, LimitSettings};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::builder().limits(LimitSettings::off()).start().await?;
/// // Everything is set up. From now on, the service is as severe as on a bad day.
/// emulator.limits().set(LimitSettings::severe())?;
/// assert_eq!(emulator.limits().settings(), LimitSettings::severe());
/// assert!(LimitSettings::reported().first_pages().is_some(), "only these limit first pages");
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct RateLimits(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    settings: LimitSettings,
    all_clients: HashMap<ThrottleClass, Window>,
    /// By client, so that a lookup needs no new string.
    clients: HashMap<String, Counted>,
}

/// The counted calls of one client.
#[derive(Default)]
struct Counted {
    classes: HashMap<ThrottleClass, Window>,
    first_pages: FirstPages,
}

impl RateLimits {
    /// Creates limits without counted calls.
    ///
    /// # Errors
    /// If a period is zero, or a time is longer than a year.
    pub fn new(settings: LimitSettings) -> Result<Self, LimitError> {
        settings.check()?;
        Ok(Self(Arc::new(Mutex::new(State { settings, ..State::default() }))))
    }

    /// The current settings.
    #[must_use]
    pub fn settings(&self) -> LimitSettings {
        self.lock().settings.clone()
    }

    /// Changes the settings. Counted calls stay counted, and blocked clients stay blocked until the end that they were told,
    /// unless the limit that blocks them is removed.
    ///
    /// # Errors
    /// If a period is zero, or a time is longer than a year.
    pub fn set(&self, settings: LimitSettings) -> Result<(), LimitError> {
        settings.check()?;
        self.lock().settings = settings;
        Ok(())
    }

    /// Clears the counted calls, and ends all lockouts.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.all_clients.clear();
        state.clients.clear();
    }

    /// Counts a call. The error is the response of a call that exceeds a limit.
    pub(crate) fn admit(&self, call: &CountedCall<'_>, clock: &Clock) -> Result<(), Box<Response>> {
        let mut state = self.lock();
        let retry_after = state.settings.retry_after();
        let admitted = state.admit(call, clock.now());
        drop(state);
        admitted.map_err(|Refusal { limit, wait }| {
            if !limit.blocked && call.is_first_page && limit.name != class_name(call.operation) {
                let (client, operation, seconds) = (call.client_id, call.operation.id(), wait.as_secs());
                tracing::warn!(client, operation, limit = limit.name, seconds, "page 0 was read again too soon");
            }
            let mut response = too_many_requests(retry_after, wait, clock);
            response.exceeded_limit = Some(limit);
            response.stage = Stage::Limits;
            Box::new(response)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // After a panic, the counts are at most one call too low.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call against all its limits, or against none if one of them refuses it.
    fn admit(&mut self, call: &CountedCall<'_>, now: Instant) -> Result<(), Refusal> {
        if !self.clients.contains_key(call.client_id) {
            self.clients.insert(call.client_id.to_owned(), Counted::default());
        }
        let Some(client) = self.clients.get_mut(call.client_id) else { return Ok(()) };
        let first_pages = self.settings.first_pages();
        if let Some(settings) = first_pages {
            client.first_pages.check_block(&settings, now)?;
        }
        let of_class = call.operation.throttle().and_then(|throttle| {
            let limit = self.settings.class(throttle.class)?;
            Some((throttle, limit))
        });
        if let Some((throttle, limit)) = of_class {
            let own = client.classes.entry(throttle.class).or_default();
            let all = self.all_clients.entry(throttle.class).or_default();
            own.check(all, limit, throttle, self.settings.penalty(), now)?;
        }
        if let Some(settings) = first_pages {
            client.first_pages.count(&settings, call, now)?;
        }
        if let Some((throttle, _)) = of_class {
            client.classes.entry(throttle.class).or_default().count(throttle.period, now);
            self.all_clients.entry(throttle.class).or_default().count(throttle.period, now);
        }
        Ok(())
    }
}

fn class_name(operation: Operation) -> &'static str {
    operation.throttle().map_or("", |throttle| throttle.name)
}

fn too_many_requests(retry_after: RetryAfter, wait: Duration, clock: &Clock) -> Response {
    let body = json!({"error_code": "429050", "message": "Too many requests"});
    let response = Response::json(StatusCode::TOO_MANY_REQUESTS, &body);
    // Whole seconds, rounded up.
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    let value = match retry_after {
        RetryAfter::Absent => return response,
        RetryAfter::Seconds => HeaderValue::from(seconds.max(1)),
        RetryAfter::Date => {
            // A date has no fractions: round up.
            let rounded = wait.saturating_add(Duration::from_nanos(999_999_999));
            let until = clock.wall().checked_add(rounded);
            until.and_then(http_date).unwrap_or_else(|| HeaderValue::from(seconds.max(1)))
        }
    };
    response.with_header(RETRY_AFTER, value)
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimits").field(&self.settings()).finish()
    }
}

/// The calls counted in one period, which begins with its first call.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    end: Option<Instant>,
    used: u32,
    /// Whether no call is admitted until the end.
    is_locked: bool,
}

impl Window {
    /// Checks whether a client, and all clients together, have a call left. If not, it locks the client out for the penalty.
    fn check(
        &mut self,
        all: &mut Self,
        limit: RateLimit,
        throttle: &Throttle,
        penalty: Option<Duration>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let own_wait = self.wait(limit.client, throttle.period, now);
        let all_wait = all.wait(limit.application, throttle.period, now);
        let Some(wait) = own_wait.max(all_wait) else { return Ok(()) };
        let scope = if own_wait >= all_wait { LimitScope::Client } else { LimitScope::Application };
        let limit = ExceededLimit { name: throttle.name, scope, blocked: self.is_locked(now) };
        // A client that is locked out already gets the remaining time.
        match penalty.filter(|_| !limit.blocked) {
            Some(penalty) => {
                self.lock_until(now + penalty);
                Err(Refusal { limit, wait: penalty })
            }
            None => Err(Refusal { limit, wait }),
        }
    }

    /// The time to wait, if no call is left.
    fn wait(&mut self, limit: u32, period: Duration, now: Instant) -> Option<Duration> {
        if self.end.is_some_and(|end| now >= end) {
            *self = Self::default();
        }
        // With a limit of 0, no period ever begins: tell the client to try again after one.
        (self.is_locked || self.used >= limit).then(|| self.end.map_or(period, |end| end - now))
    }

    fn count(&mut self, period: Duration, now: Instant) {
        self.end.get_or_insert(now + period);
        self.used = self.used.saturating_add(1);
    }

    fn lock_until(&mut self, until: Instant) {
        self.end = Some(until);
        self.is_locked = true;
    }

    fn is_locked(&self, now: Instant) -> bool {
        self.is_locked && self.end.is_some_and(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use umapi_time::ManualClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Fixture {
        state: State,
        clock: ManualClock,
    }

    impl Fixture {
        fn new(settings: LimitSettings) -> Self {
            Self { state: State { settings, ..State::default() }, clock: ManualClock::new() }
        }

        fn call(&mut self, client: &str) -> Result<(), u64> {
            self.of(client, Operation::ExecuteActions).map_err(|refusal| refusal.wait.as_secs())
        }

        fn of(&mut self, client_id: &str, operation: Operation) -> Result<(), Refusal> {
            let call = CountedCall { client_id, operation, is_first_page: false, pragma: "" };
            self.state.admit(&call, self.clock.clock().now())
        }
    }

    #[test]
    fn a_client_has_its_limit_every_minute() {
        let mut fixture = Fixture::new(LimitSettings::off().with_class(ThrottleClass::Action, 2, 100));
        assert_eq!(fixture.call("a"), Ok(()));
        fixture.clock.advance(20 * SECOND);
        assert_eq!(fixture.call("a"), Ok(()));
        fixture.clock.advance(10 * SECOND);
        assert_eq!(fixture.call("a"), Err(30), "the minute began with the first call");
        assert_eq!(fixture.call("b"), Ok(()), "another client");
        fixture.clock.advance(30 * SECOND);
        assert_eq!(fixture.call("a"), Ok(()));
    }

    #[test]
    fn all_clients_share_the_limit_of_the_application() {
        let mut fixture = Fixture::new(LimitSettings::off().with_class(ThrottleClass::Action, 2, 3));
        for client in ["a", "b", "c"] {
            assert_eq!(fixture.call(client), Ok(()));
        }
        let limit = fixture.of("d", Operation::ExecuteActions).unwrap_err().limit;
        assert_eq!((limit.name, limit.scope, limit.blocked), ("action", LimitScope::Application, false));
        assert_eq!(fixture.call("d"), Err(60));
        fixture.clock.advance(60 * SECOND);
        assert_eq!(fixture.call("d"), Ok(()));
    }

    #[test]
    fn each_class_has_its_own_limit() {
        let settings =
            LimitSettings::off().with_class(ThrottleClass::Action, 1, 1).with_class(ThrottleClass::Users, 1, 1);
        let mut fixture = Fixture::new(settings);
        assert_eq!(fixture.call("a"), Ok(()));
        assert_eq!(fixture.of("a", Operation::GetUser), Ok(()));
        for _ in 0..3 {
            assert_eq!(fixture.of("a", Operation::GetProduct), Ok(()), "a class without a limit");
        }
    }

    #[test]
    fn a_penalty_locks_out_until_it_ends() {
        let mut fixture = Fixture::new(LimitSettings::severe());
        for _ in 0..10 {
            assert_eq!(fixture.call("a"), Ok(()));
        }
        assert_eq!(fixture.call("a"), Err(3300));
        fixture.clock.advance(3000 * SECOND);
        let refusal = fixture.of("a", Operation::ExecuteActions).unwrap_err();
        assert_eq!(refusal.wait.as_secs(), 300, "it does not start again");
        assert!(refusal.limit.blocked && refusal.limit.scope == LimitScope::Client);
        assert_eq!(fixture.call("b"), Ok(()));
        fixture.clock.advance(300 * SECOND);
        assert_eq!(fixture.call("a"), Ok(()));
    }

    #[test]
    fn a_limit_of_zero_admits_no_call() {
        let mut fixture = Fixture::new(LimitSettings::off().with_class(ThrottleClass::Action, 0, 10));
        assert_eq!(fixture.call("a"), Err(60));
        fixture.clock.advance(60 * SECOND);
        assert_eq!(fixture.call("a"), Err(60));
    }

    #[test]
    fn the_response_says_how_long_to_wait() {
        let clock: Clock = ManualClock::new().clock();
        let seconds = too_many_requests(RetryAfter::Seconds, Duration::from_millis(12_001), &clock);
        assert_eq!((seconds.status.as_u16(), &seconds.headers[RETRY_AFTER]), (429, &HeaderValue::from(13)));
        assert_eq!(&seconds.body[..], br#"{"error_code":"429050","message":"Too many requests"}"#);
        let date = too_many_requests(RetryAfter::Date, Duration::from_millis(12_001), &clock);
        let date = httpdate::parse_http_date(date.headers[RETRY_AFTER].to_str().unwrap()).unwrap();
        assert_eq!(date.duration_since(clock.wall()).unwrap(), 13 * SECOND);
        assert!(too_many_requests(RetryAfter::Absent, SECOND, &clock).headers.get(RETRY_AFTER).is_none());
    }

    #[test]
    fn settings_change_at_run_time() {
        let limits = RateLimits::new(LimitSettings::off()).unwrap();
        limits.set(LimitSettings::severe()).unwrap();
        assert_eq!(limits.settings(), LimitSettings::severe());
        assert!(limits.set(LimitSettings::off().with_penalty(Duration::MAX)).is_err());
        assert_eq!(limits.settings(), LimitSettings::severe());
    }

    #[test]
    fn a_wait_without_a_date_is_told_in_seconds() {
        let clock = ManualClock::new().clock();
        let refused = too_many_requests(RetryAfter::Date, Duration::MAX, &clock);
        assert_eq!(refused.headers[RETRY_AFTER], u64::MAX.to_string().as_str());
        let refused = too_many_requests(RetryAfter::Date, SECOND, &clock);
        assert!(refused.headers[RETRY_AFTER].to_str().unwrap().ends_with("GMT"));
    }
}
