//! What the clients have used of their limits: for people who look at them.

use std::time::Duration;

use umapi_model::{CountedCalls, Throttle};
use umapi_time::{Clock, Instant};

use super::{Counted, RateLimits, State, Window};

/// What has been used of all limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The calls of all clients together.
    pub(crate) application: Vec<LimitUsage>,
    /// The clients that have made calls, by id; not more than were asked for.
    pub(crate) clients: Vec<ClientUsage>,
    /// The number of clients that are not listed.
    pub(crate) more: usize,
}

/// What one client has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientUsage {
    pub(crate) client_id: String,
    pub(crate) limits: Vec<LimitUsage>,
    /// The limit of first pages that blocks every call of the client, and for how long.
    pub(crate) blocked: Option<(&'static str, Duration)>,
}

/// What has been used of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitUsage {
    /// The name in the description.
    pub(crate) name: &'static str,
    pub(crate) used: u32,
    pub(crate) limit: u32,
    /// The time until the used calls are free again. `None` if none is used.
    pub(crate) free_in: Option<Duration>,
    /// Whether no call is admitted until then, whatever is left.
    pub(crate) is_locked: bool,
}

impl RateLimits {
    /// What has been used at this moment, with at most this many clients.
    pub(crate) fn usage(&self, clock: &Clock, most: usize) -> Usage {
        let now = clock.now();
        let state = self.lock();
        let mut ids: Vec<_> = state.clients.keys().collect();
        ids.sort_unstable();
        let clients = ids.iter().take(most).map(|id| state.client_usage(id, &state.clients[*id], now)).collect();
        Usage { application: state.application_usage(now), clients, more: ids.len().saturating_sub(most) }
    }
}

impl State {
    fn application_usage(&self, now: Instant) -> Vec<LimitUsage> {
        let of = |throttle: &Throttle| {
            let limit = self.settings.class(throttle.class)?.application;
            Some(self.all_clients.get(&throttle.class).copied().unwrap_or_default().usage(throttle, limit, now))
        };
        of_minutes().filter_map(of).collect()
    }

    fn client_usage(&self, client_id: &str, counted: &Counted, now: Instant) -> ClientUsage {
        let of = |throttle: &Throttle| {
            let limit = self.settings.class(throttle.class)?.client;
            Some(counted.classes.get(&throttle.class).copied().unwrap_or_default().usage(throttle, limit, now))
        };
        let mut limits: Vec<_> = of_minutes().filter_map(of).collect();
        let mut blocked = None;
        if let Some(settings) = self.settings.first_pages() {
            let first_pages = Throttle::ALL.iter().filter(|throttle| throttle.counts == CountedCalls::FirstPage);
            limits.extend(first_pages.map(|throttle| {
                let (used, free_in) = counted.first_pages.used(&settings, throttle.name, now);
                LimitUsage { name: throttle.name, used, limit: settings.calls, free_in, is_locked: false }
            }));
            blocked = counted.first_pages.blocked(&settings, now);
        }
        ClientUsage { client_id: client_id.to_owned(), limits, blocked }
    }
}

/// The limits that count every call.
fn of_minutes() -> impl Iterator<Item = &'static Throttle> {
    Throttle::ALL.iter().filter(|throttle| throttle.counts == CountedCalls::Every)
}

impl Window {
    fn usage(&self, throttle: &Throttle, limit: u32, now: Instant) -> LimitUsage {
        let free_in = self.end.filter(|end| now < *end).map(|end| end - now);
        let used = if free_in.is_some() { self.used } else { 0 };
        LimitUsage { name: throttle.name, used, limit, free_in, is_locked: self.is_locked(now) }
    }
}

#[cfg(test)]
mod tests {
    use umapi_model::{Operation, ThrottleClass};
    use umapi_time::ManualClock;

    use super::*;
    use crate::limits::{CountedCall, FirstPageLimit, LimitSettings};

    #[test]
    fn used_calls_are_shown_until_they_are_free() {
        let manual = ManualClock::new();
        let settings = LimitSettings::off()
            .with_class(ThrottleClass::Users, 3, 9)
            .with_first_pages(FirstPageLimit { calls: 1, ..FirstPageLimit::reported() });
        let limits = RateLimits::new(settings).unwrap();
        let call = |client_id, is_first_page| {
            let call = CountedCall { client_id, operation: Operation::ListUsers, is_first_page, pragma: "" };
            limits.admit(&call, &manual.clock()).is_ok()
        };
        assert!(call("b", true) && call("a", false));
        manual.advance(Duration::from_secs(10));
        assert!(!call("b", true), "the second first page");
        let usage = limits.usage(&manual.clock(), 1);
        assert_eq!((usage.clients.len(), usage.more, usage.clients[0].client_id.as_str()), (1, 1, "a"));
        let all = usage.application[0];
        assert_eq!((all.name, all.used, all.limit, all.free_in), ("users", 2, 9, Some(Duration::from_secs(50))));
        let b = &limits.usage(&manual.clock(), 9).clients[1];
        let used: Vec<_> = b.limits.iter().map(|limit| (limit.name, limit.used)).collect();
        assert_eq!(used, [("users", 1), ("users-first-page", 1), ("groups-first-page", 0)]);
        assert_eq!(b.blocked, Some(("users-first-page", Duration::from_secs(2400))));
        manual.advance(Duration::from_secs(2 * 3600));
        let b = &limits.usage(&manual.clock(), 9).clients[1];
        assert!(b.blocked.is_none() && b.limits.iter().all(|limit| limit.used == 0 && limit.free_in.is_none()));
    }
}
