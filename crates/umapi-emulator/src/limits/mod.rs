//! How often a client may call.
//!
//! Each class of operations has an allowance of calls in a minute, for one client and for all clients together. A minute
//! begins with its first call, on the emulator's clock; a call that is refused is not counted. What the service does in
//! detail is not documented.

mod settings;
mod window;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use umapi_model::Operation;
use umapi_model::ThrottleClass;
use umapi_time::Instant;

use crate::clock::http_date;
use crate::http::Answer;
use crate::world::World;
pub use settings::{Allowance, LimitError, LimitSettings, RetryAfter};
use window::Window;

/// The limits of one emulator, and what is left of them. Clones share them.
#[derive(Clone, Default)]
pub struct Limits(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    settings: LimitSettings,
    applications: HashMap<ThrottleClass, Window>,
    /// By client, so that looking one up needs no new string.
    clients: HashMap<String, HashMap<ThrottleClass, Window>>,
}

impl Limits {
    /// Limits to begin with.
    ///
    /// # Errors
    /// If they name a class of operations that is not there, or shut out for more than a year.
    pub fn new(settings: LimitSettings) -> Result<Self, LimitError> {
        settings.check()?;
        Ok(Self(Arc::new(Mutex::new(State { settings, ..State::default() }))))
    }

    /// The limits as they are.
    #[must_use]
    pub fn settings(&self) -> LimitSettings {
        self.lock().settings.clone()
    }

    /// Changes the limits. What was called so far in this minute stays counted.
    ///
    /// # Errors
    /// If they name a class of operations that is not there, or shut out for more than a year.
    pub fn set(&self, settings: LimitSettings) -> Result<(), LimitError> {
        settings.check()?;
        self.lock().settings = settings;
        Ok(())
    }

    /// Forgets what was called, and lets in again who is shut out.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.applications.clear();
        state.clients.clear();
    }

    /// Counts a call, or says how long to wait.
    pub(crate) fn admit(
        &self,
        world: &World,
        client_id: &str,
        operation: &'static Operation,
    ) -> Result<(), Box<Answer>> {
        let Some(class) = operation.throttle.map(|throttle| throttle.class) else { return Ok(()) };
        let clock = world.clock.clock();
        let mut state = self.lock();
        let retry_after = state.settings.retry_after;
        state.admit(client_id, class, clock.now()).map_err(|wait| Box::new(too_many(retry_after, wait, &clock)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counts that a panic left behind are at worst a call short.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self, client_id: &str, class: ThrottleClass, now: Instant) -> Result<(), Duration> {
        let Some(allowance) = self.settings.classes.get(class.as_str()).copied() else { return Ok(()) };
        if !self.clients.contains_key(client_id) {
            self.clients.insert(client_id.to_owned(), HashMap::new());
        }
        let Some(classes) = self.clients.get_mut(client_id) else { return Ok(()) };
        let client = classes.entry(class).or_default();
        let all = self.applications.entry(class).or_default();
        let wait = client.wait(now, allowance.client).max(all.wait(now, allowance.application));
        if let Some(wait) = wait {
            // Who is shut out already is told what is left of it.
            let penalty = self.settings.penalty().filter(|_| !client.is_shut(now));
            if let Some(penalty) = penalty {
                client.shut(now + penalty);
            }
            return Err(penalty.unwrap_or(wait));
        }
        client.count(now);
        all.count(now);
        Ok(())
    }
}

/// The answer to a call too many.
fn too_many(retry_after: RetryAfter, wait: Duration, clock: &umapi_time::Clock) -> Answer {
    let body = json!({"error_code": "429050", "message": "Too many requests"});
    let answer = Answer::json(StatusCode::TOO_MANY_REQUESTS, &body);
    // Whole seconds, and never too few.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let value = match retry_after {
        RetryAfter::Absent => return answer,
        RetryAfter::Seconds => HeaderValue::from(seconds.max(1)),
        RetryAfter::Date => {
            // A date has no fractions: the second that has begun counts as well.
            let until = clock.wall() + wait + Duration::from_nanos(999_999_999);
            http_date(until).unwrap_or_else(|| HeaderValue::from(seconds.max(1)))
        }
    };
    answer.with_header(RETRY_AFTER, value)
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limits").field(&self.settings()).finish()
    }
}

#[cfg(test)]
mod tests {
    use umapi_time::{Clock, ManualClock};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Desk {
        state: State,
        clock: ManualClock,
    }

    impl Desk {
        fn new(settings: LimitSettings) -> Self {
            Self { state: State { settings, ..State::default() }, clock: ManualClock::new() }
        }

        fn call(&mut self, client: &str) -> Result<(), u64> {
            let now = self.clock.clock().now();
            self.state.admit(client, ThrottleClass::Action, now).map_err(|wait| wait.as_secs())
        }
    }

    #[test]
    fn a_client_has_its_allowance_every_minute() {
        let mut desk = Desk::new(LimitSettings::off().with_class("action", 2, 100));
        assert_eq!(desk.call("a"), Ok(()));
        desk.clock.advance(20 * SECOND);
        assert_eq!(desk.call("a"), Ok(()));
        desk.clock.advance(10 * SECOND);
        assert_eq!(desk.call("a"), Err(30), "the minute began with the first call");
        assert_eq!(desk.call("b"), Ok(()), "another client");
        desk.clock.advance(30 * SECOND);
        assert_eq!(desk.call("a"), Ok(()));
    }

    #[test]
    fn all_clients_share_the_allowance_of_the_application() {
        let mut desk = Desk::new(LimitSettings::off().with_class("action", 2, 3));
        for client in ["a", "b", "c"] {
            assert_eq!(desk.call(client), Ok(()));
        }
        assert_eq!(desk.call("d"), Err(60));
        desk.clock.advance(60 * SECOND);
        assert_eq!(desk.call("d"), Ok(()));
    }

    #[test]
    fn classes_have_allowances_of_their_own() {
        let mut desk = Desk::new(LimitSettings::off().with_class("action", 1, 1).with_class("users", 1, 1));
        assert_eq!(desk.call("a"), Ok(()));
        let now = desk.clock.clock().now();
        assert_eq!(desk.state.admit("a", ThrottleClass::Users, now), Ok(()));
        assert_eq!(desk.state.admit("a", ThrottleClass::Groups, now), Ok(()), "a class without an allowance");
    }

    #[test]
    fn a_penalty_shuts_out_until_it_is_over() {
        let mut desk = Desk::new(LimitSettings::severe());
        for _ in 0..10 {
            assert_eq!(desk.call("a"), Ok(()));
        }
        assert_eq!(desk.call("a"), Err(3300));
        desk.clock.advance(3000 * SECOND);
        assert_eq!(desk.call("a"), Err(300), "it does not begin anew");
        assert_eq!(desk.call("b"), Ok(()));
        desk.clock.advance(300 * SECOND);
        assert_eq!(desk.call("a"), Ok(()));
    }

    #[test]
    fn no_allowance_at_all_is_no_calls_at_all() {
        let mut desk = Desk::new(LimitSettings::off().with_class("action", 0, 10));
        assert_eq!(desk.call("a"), Err(60));
        desk.clock.advance(60 * SECOND);
        assert_eq!(desk.call("a"), Err(60));
    }

    #[test]
    fn the_answer_says_how_long_to_wait() {
        let clock: Clock = ManualClock::new().clock();
        let seconds = too_many(RetryAfter::Seconds, Duration::from_millis(12_001), &clock);
        assert_eq!((seconds.status.as_u16(), &seconds.headers[RETRY_AFTER]), (429, &HeaderValue::from(13)));
        assert_eq!(&seconds.body[..], br#"{"error_code":"429050","message":"Too many requests"}"#);
        let date = too_many(RetryAfter::Date, Duration::from_millis(12_001), &clock);
        let date = httpdate::parse_http_date(date.headers[RETRY_AFTER].to_str().unwrap()).unwrap();
        assert_eq!(date.duration_since(clock.wall()).unwrap(), 13 * SECOND);
        assert!(too_many(RetryAfter::Absent, SECOND, &clock).headers.get(RETRY_AFTER).is_none());
    }

    #[test]
    fn settings_change_at_run_time() {
        let limits = Limits::new(LimitSettings::off()).unwrap();
        limits.set(LimitSettings::severe()).unwrap();
        assert_eq!(limits.settings(), LimitSettings::severe());
        assert!(limits.set(LimitSettings::off().with_class("x", 1, 1)).is_err());
        assert_eq!(limits.settings(), LimitSettings::severe());
    }
}
