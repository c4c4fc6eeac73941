//! The test stage: an emulator, and clients that share its API key through a server.

use std::{num::NonZeroU32, time::Duration};

use umapi::{
    Client, Command, NewUser, RateLimit, RateLimits,
    auth::{Credentials, Endpoint, OAuthServerToServer, Session, StandardRetry},
    model::ThrottleClass,
    time::{AdvanceGuard, Clock, Instant, Sleep, TimeSource},
};
use umapi_emulator::Emulator;
use umapi_redis::{Redis, SharedRateLimits, SharedTokens};

/// Where a process finds the service and the server. It is passed on as one text.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Access {
    pub(crate) organization: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) service: String,
    pub(crate) login: String,
    pub(crate) redis: String,
    /// The time in which ten action requests are allowed.
    pub(crate) period_ms: u64,
    pub(crate) margin_ms: u64,
}

impl Access {
    pub(crate) fn to(emulator: &Emulator, redis: String, period_ms: u64, margin_ms: u64) -> Self {
        let ready = emulator.credentials();
        Self {
            organization: emulator.org_id().to_owned(),
            client_id: ready.client_id.clone(),
            client_secret: ready.client_secret.clone(),
            service: emulator.um_url(),
            login: emulator.ims_url(),
            redis,
            period_ms,
            margin_ms,
        }
    }

    pub(crate) fn redis(&self) -> Redis {
        Redis::builder(&self.redis).build().unwrap()
    }

    pub(crate) fn tokens(&self, redis: &Redis) -> SharedTokens {
        let login = OAuthServerToServer::new(self.client_id.as_str(), self.client_secret.as_str()).unwrap();
        let credentials = Credentials::from(login).with_endpoint(Endpoint::parse(&self.login).unwrap());
        let session = Session::builder(credentials.clone()).retry(StandardRetry::NEVER).build().unwrap();
        SharedTokens::new(redis, &self.organization, &credentials, session).unwrap()
    }

    /// A client with a quota of action requests.
    pub(crate) fn client(&self, redis: &Redis, quota: u32) -> Client {
        let (period, margin) = (Duration::from_millis(self.period_ms), Duration::from_millis(self.margin_ms));
        let limit = RateLimit::new(NonZeroU32::new(quota).unwrap(), period);
        Client::builder(&self.organization)
            .token_source(&self.client_id, self.tokens(redis))
            .rate_limit_store(SharedRateLimits::with_margin(redis, &self.organization, margin))
            .rate_limits(RateLimits::unlimited().with(ThrottleClass::Action, [limit]))
            .base_url(&self.service)
            .build()
            .unwrap()
    }
}

/// A command that creates a user.
pub(crate) fn create(name: &str) -> Command {
    Command::from(NewUser::federated(format!("{name}@example.com"), "Test", name, "US"))
}

/// A clock that is faster than the machine's.
#[derive(Debug)]
pub(crate) struct Fast {
    clock: Clock,
    factor: u32,
}

impl Fast {
    pub(crate) fn clock(factor: u32) -> Clock {
        Clock::new(Self { clock: Clock::real(), factor })
    }
}

impl TimeSource for Fast {
    fn wall(&self) -> std::time::SystemTime {
        self.clock.wall()
    }

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.clock.now().since_origin() * self.factor
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.clock.sleep_until(Instant::ORIGIN + deadline.since_origin() / self.factor)
    }

    fn advance_guard(&self) -> AdvanceGuard {
        self.clock.advance_guard()
    }
}
