//! The rate limits of clients.
//!
//! Each class of operations has a limit of calls per minute, for one client and for all clients together. A minute begins with
//! its first call, on the emulator's clock; a rejected call does not count. The service does not document its own algorithm.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, Serialize};
use serde_json::json;
use umapi_model::{Operation, ThrottleClass};
use umapi_time::{Clock, Instant};

use crate::{clock::http_date, http::Response};

/// The rate limits of an emulator, and the response of a client that exceeds them.
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::{LimitSettings, RetryAfter, ThrottleClass};
///
/// let documented = LimitSettings::documented();
/// let strict = LimitSettings::off().with_class(ThrottleClass::Action, 1, 10).with_retry_after(RetryAfter::Date);
/// let severe = LimitSettings::documented().with_penalty(Duration::from_secs(3_300));
/// # let _ = (documented, strict, severe);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitSettings {
    /// The limit of each class of operations. A class that is absent has no limit.
    #[serde(default)]
    classes: BTreeMap<ThrottleClass, RateLimit>,
    /// The format of `Retry-After`.
    #[serde(default)]
    retry_after: RetryAfter,
    /// How long a client that exceeds a limit is locked out, in seconds, at most a year. If absent, until its minute ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    penalty_seconds: Option<u64>,
}

/// The calls that are allowed in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Calls of one client.
    pub client: u32,
    /// Calls of all clients together.
    pub application: u32,
}

/// The format of `Retry-After`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum RetryAfter {
    /// Seconds.
    #[default]
    Seconds,
    /// An HTTP date.
    Date,
    /// The header is not sent.
    Absent,
}

/// The error of invalid limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The penalty is longer than a year.
    #[error("`penaltySeconds` must be at most {MAX_PENALTY}: {0}")]
    Penalty(u64),
}

/// A year, in seconds.
const MAX_PENALTY: u64 = 365 * 24 * 60 * 60;

impl LimitSettings {
    /// The penalty that users of the service reported: they were told to wait for almost an hour.
    pub const LONG_PENALTY: Duration = Duration::from_secs(3_300);

    /// The limits that the service documents.
    #[must_use]
    pub fn documented() -> Self {
        let throttles = Operation::ALL.into_iter().filter_map(Operation::throttle);
        let classes = throttles.map(|throttle| {
            let limit = RateLimit { client: throttle.client, application: throttle.application.unwrap_or(u32::MAX) };
            (throttle.class, limit)
        });
        Self { classes: classes.collect(), ..Self::off() }
    }

    /// No limits.
    #[must_use]
    pub fn off() -> Self {
        Self { classes: BTreeMap::new(), retry_after: RetryAfter::default(), penalty_seconds: None }
    }

    /// The limits that the service documents, with the long waits that users reported.
    #[must_use]
    pub fn severe() -> Self {
        Self::documented().with_penalty(Self::LONG_PENALTY)
    }

    /// Sets the calls per minute of a class of operations, for one client and for all clients together.
    #[must_use]
    pub fn with_class(mut self, class: ThrottleClass, client: u32, application: u32) -> Self {
        self.classes.insert(class, RateLimit { client, application });
        self
    }

    /// Sets the format of `Retry-After`.
    #[must_use]
    pub fn with_retry_after(self, retry_after: RetryAfter) -> Self {
        Self { retry_after, ..self }
    }

    /// Locks out a client that exceeds a limit for this long.
    #[must_use]
    pub fn with_penalty(self, penalty: Duration) -> Self {
        Self { penalty_seconds: Some(penalty.as_secs()), ..self }
    }

    fn check(&self) -> Result<(), LimitError> {
        match self.penalty_seconds {
            Some(seconds) if seconds > MAX_PENALTY => Err(LimitError::Penalty(seconds)),
            _ => Ok(()),
        }
    }

    fn penalty(&self) -> Option<Duration> {
        self.penalty_seconds.map(Duration::from_secs)
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self::documented()
    }
}

/// The limits of one emulator, and the calls counted so far. Clones share them.
#[derive(Clone, Default)]
pub struct RateLimits(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    settings: LimitSettings,
    all_clients: HashMap<ThrottleClass, Window>,
    /// By client, so that a lookup needs no new string.
    clients: HashMap<String, HashMap<ThrottleClass, Window>>,
}

impl RateLimits {
    /// Creates limits without counted calls.
    ///
    /// # Errors
    /// If the penalty is longer than a year.
    pub fn new(settings: LimitSettings) -> Result<Self, LimitError> {
        settings.check()?;
        Ok(Self(Arc::new(Mutex::new(State { settings, ..State::default() }))))
    }

    /// The current settings.
    #[must_use]
    pub fn settings(&self) -> LimitSettings {
        self.lock().settings.clone()
    }

    /// Changes the settings. The calls counted in the current minute stay counted.
    ///
    /// # Errors
    /// If the penalty is longer than a year.
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
    pub(crate) fn admit(&self, client_id: &str, class: ThrottleClass, clock: &Clock) -> Result<(), Box<Response>> {
        let mut state = self.lock();
        let retry_after = state.settings.retry_after;
        let admitted = state.admit(client_id, class, clock.now());
        admitted.map_err(|wait| Box::new(too_many_requests(retry_after, wait, clock)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // After a panic, the counts are at most one call too low.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self, client_id: &str, class: ThrottleClass, now: Instant) -> Result<(), Duration> {
        let Some(limit) = self.settings.classes.get(&class).copied() else { return Ok(()) };
        if !self.clients.contains_key(client_id) {
            self.clients.insert(client_id.to_owned(), HashMap::new());
        }
        let Some(classes) = self.clients.get_mut(client_id) else { return Ok(()) };
        let client = classes.entry(class).or_default();
        let all = self.all_clients.entry(class).or_default();
        let wait = client.wait(now, limit.client).max(all.wait(now, limit.application));
        if let Some(wait) = wait {
            // A client that is locked out already gets the remaining time.
            let penalty = self.settings.penalty().filter(|_| !client.is_locked(now));
            if let Some(penalty) = penalty {
                client.lock_until(now + penalty);
            }
            return Err(penalty.unwrap_or(wait));
        }
        client.count(now);
        all.count(now);
        Ok(())
    }
}

fn too_many_requests(retry_after: RetryAfter, wait: Duration, clock: &Clock) -> Response {
    let body = json!({"error_code": "429050", "message": "Too many requests"});
    let response = Response::json(StatusCode::TOO_MANY_REQUESTS, &body);
    // Whole seconds, rounded up.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let value = match retry_after {
        RetryAfter::Absent => return response,
        RetryAfter::Seconds => HeaderValue::from(seconds.max(1)),
        RetryAfter::Date => {
            // A date has no fractions: round up.
            let until = clock.wall() + wait + Duration::from_nanos(999_999_999);
            http_date(until).unwrap_or_else(|| HeaderValue::from(seconds.max(1)))
        }
    };
    response.with_header(RETRY_AFTER, value)
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimits").field(&self.settings()).finish()
    }
}

/// The period of all limits.
const MINUTE: Duration = Duration::from_secs(60);

/// The calls counted in one minute, which begins with its first call.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    end: Option<Instant>,
    used: u32,
    /// Whether no call is admitted until the end.
    is_locked: bool,
}

impl Window {
    /// The time to wait, if no call is left.
    fn wait(&mut self, now: Instant, limit: u32) -> Option<Duration> {
        if self.end.is_some_and(|end| now >= end) {
            *self = Self::default();
        }
        // With a limit of 0, no minute ever begins: tell the client to try again in one.
        (self.is_locked || self.used >= limit).then(|| self.end.map_or(MINUTE, |end| end - now))
    }

    fn count(&mut self, now: Instant) {
        self.end.get_or_insert(now + MINUTE);
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
            let now = self.clock.clock().now();
            self.state.admit(client, ThrottleClass::Action, now).map_err(|wait| wait.as_secs())
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
        let now = fixture.clock.clock().now();
        assert_eq!(fixture.state.admit("a", ThrottleClass::Users, now), Ok(()));
        assert_eq!(fixture.state.admit("a", ThrottleClass::Groups, now), Ok(()), "a class without a limit");
    }

    #[test]
    fn a_penalty_locks_out_until_it_ends() {
        let mut fixture = Fixture::new(LimitSettings::severe());
        for _ in 0..10 {
            assert_eq!(fixture.call("a"), Ok(()));
        }
        assert_eq!(fixture.call("a"), Err(3300));
        fixture.clock.advance(3000 * SECOND);
        assert_eq!(fixture.call("a"), Err(300), "it does not start again");
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
    fn the_default_limits_are_those_of_the_description() {
        let documented = LimitSettings::documented();
        assert_eq!(documented.classes[&ThrottleClass::Action], RateLimit { client: 10, application: 100 });
        assert_eq!(documented.classes[&ThrottleClass::Legacy], RateLimit { client: 5, application: 50 });
        assert_eq!(documented.classes.len(), ThrottleClass::ALL.len());
        documented.check().unwrap();
    }

    #[test]
    fn an_unknown_class_is_rejected_with_the_known_ones() {
        let text = r#"{"classes":{"actions":{"client":1,"application":1}}}"#;
        let error = serde_json::from_str::<LimitSettings>(text).unwrap_err().to_string();
        assert!(error.contains("actions") && error.contains("action, users, groups, legacy"), "{error}");
    }

    #[test]
    fn json_may_omit_defaults() {
        let text = r#"{"classes":{"users":{"client":1,"application":2}},"retryAfter":"date"}"#;
        let settings: LimitSettings = serde_json::from_str(text).unwrap();
        let expected = LimitSettings::off().with_class(ThrottleClass::Users, 1, 2).with_retry_after(RetryAfter::Date);
        assert_eq!(settings, expected);
        assert_eq!(serde_json::from_str::<LimitSettings>("{}").unwrap(), LimitSettings::off());
    }
}
