//! The settings of the rate limits, as the library, the command, seeds and the management API share them.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use umapi_model::{CountedCalls, Throttle, ThrottleClass};

/// The rate limits of an emulator, and the response of a client that exceeds them.
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::{FirstPageLimit, LimitSettings, RetryAfter, ThrottleClass};
///
/// let documented = LimitSettings::documented();
/// let strict = LimitSettings::off()
///     .with_class(ThrottleClass::Action, 1, 10)
///     .with_retry_after(RetryAfter::Date);
/// let severe = LimitSettings::documented().with_penalty(Duration::from_secs(3_300));
/// let reported = LimitSettings::reported();
/// let minute = FirstPageLimit { block_seconds: 60, ..FirstPageLimit::reported() };
/// let short = documented.clone().with_first_pages(minute);
/// # let _ = (documented, strict, severe, reported, short);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitSettings {
    /// The limit of each class of operations. A class that is absent has no limit.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, RateLimit>",
        extend("propertyNames" = {"enum": ThrottleClass::ALL.map(ThrottleClass::as_str)})
    )]
    classes: BTreeMap<ThrottleClass, RateLimit>,
    /// The limit of reading page 0 of all users, and of all groups. If absent, page 0 is like every other page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_pages: Option<FirstPageLimit>,
    /// The format of `Retry-After`.
    #[serde(default)]
    retry_after: RetryAfter,
    /// How long a client that exceeds the limit of a class is locked out, in seconds, at most a year. If absent, until its
    /// minute ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    penalty_seconds: Option<u64>,
}

/// The calls that are allowed in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Calls of one client.
    pub client: u32,
    /// Calls of all clients together.
    pub application: u32,
}

/// How often a client can read page 0 of all users, and of all groups, each counted separately. Users of the service reported
/// this limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FirstPageLimit {
    /// Reads of page 0 of one list in a period: 1.
    pub calls: u32,
    /// The period in seconds, from 1 to a year: two hours. It begins with the first read.
    pub period_seconds: u64,
    /// How long a client that exceeds the limit is blocked, in seconds, at most a year: 2,400. Every call is refused, of every
    /// class; after the block, a new period begins. With 0, only the first page is refused, until its period ends.
    pub block_seconds: u64,
    /// How long after a counted read a second one is its retry, in seconds, at most a year: 600. A retry is not counted if
    /// both reads have `Pragma: umapi-sync-start`, and no call with `Pragma: umapi-sync-end` is between them.
    pub retry_seconds: u64,
}

impl FirstPageLimit {
    /// The limit of the description, which is known from reports.
    #[must_use]
    pub fn reported() -> Self {
        let reported = Throttle::ALL.iter().find(|throttle| throttle.counts == CountedCalls::FirstPage);
        let block = reported.and_then(|throttle| throttle.block);
        Self {
            calls: reported.map_or(1, |throttle| throttle.client),
            period_seconds: reported.map_or(1, |throttle| throttle.period.as_secs()),
            block_seconds: block.map_or(0, |block| block.duration.as_secs()),
            retry_seconds: block.map_or(0, |block| block.retry_within.as_secs()),
        }
    }

    pub(super) fn period(&self) -> Duration {
        Duration::from_secs(self.period_seconds)
    }

    /// How long a client is blocked. `None` if it is not.
    pub(super) fn block(&self) -> Option<Duration> {
        (self.block_seconds > 0).then(|| Duration::from_secs(self.block_seconds))
    }

    pub(super) fn retry(&self) -> Duration {
        Duration::from_secs(self.retry_seconds)
    }
}

impl Default for FirstPageLimit {
    fn default() -> Self {
        Self::reported()
    }
}

/// The format of `Retry-After`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// A time is longer than a year.
    #[error("`{field}` must be at most {LONGEST}: {seconds}")]
    TooLong {
        /// The field of the settings.
        field: &'static str,
        /// Its value.
        seconds: u64,
    },
    /// A period of no time.
    #[error("`{field}` must be at least 1")]
    NoPeriod {
        /// The field of the settings.
        field: &'static str,
    },
}

/// A year, in seconds.
const LONGEST: u64 = 365 * 24 * 60 * 60;

impl LimitSettings {
    /// The penalty that users of the service reported: they were told to wait for almost an hour.
    pub const LONG_PENALTY: Duration = Duration::from_secs(3_300);

    /// The limits that the service documents: those of every minute.
    #[must_use]
    pub fn documented() -> Self {
        let throttles = Throttle::ALL.into_iter().filter(|throttle| throttle.counts == CountedCalls::Every);
        let classes = throttles.map(|throttle| {
            let limit = RateLimit { client: throttle.client, application: throttle.application.unwrap_or(u32::MAX) };
            (throttle.class, limit)
        });
        Self { classes: classes.collect(), ..Self::off() }
    }

    /// The limits that the service documents, and the limit of first pages that users reported.
    #[must_use]
    pub fn reported() -> Self {
        Self::documented().with_first_pages(FirstPageLimit::reported())
    }

    /// No limits.
    #[must_use]
    pub fn off() -> Self {
        Self { classes: BTreeMap::new(), first_pages: None, retry_after: RetryAfter::default(), penalty_seconds: None }
    }

    /// The limits that the service documents, with the long waits that users reported.
    #[must_use]
    pub fn severe() -> Self {
        Self::documented().with_penalty(Self::LONG_PENALTY)
    }

    /// The names of the ready-made settings.
    pub(crate) const PRESETS: [&str; 4] = ["documented", "reported", "severe", "off"];

    /// The ready-made settings with a name: `documented`, `reported`, `severe` or `off`.
    pub(crate) fn preset(name: &str) -> Option<Self> {
        match name {
            "documented" => Some(Self::documented()),
            "reported" => Some(Self::reported()),
            "severe" => Some(Self::severe()),
            "off" => Some(Self::off()),
            _ => None,
        }
    }

    /// Sets the calls per minute of a class of operations, for one client and for all clients together.
    #[must_use]
    pub fn with_class(mut self, class: ThrottleClass, client: u32, application: u32) -> Self {
        self.classes.insert(class, RateLimit { client, application });
        self
    }

    /// Sets the limit of first pages.
    #[must_use]
    pub fn with_first_pages(self, limit: FirstPageLimit) -> Self {
        Self { first_pages: Some(limit), ..self }
    }

    /// Sets the format of `Retry-After`.
    #[must_use]
    pub fn with_retry_after(self, retry_after: RetryAfter) -> Self {
        Self { retry_after, ..self }
    }

    /// Locks out a client that exceeds the limit of a class for this long.
    #[must_use]
    pub fn with_penalty(self, penalty: Duration) -> Self {
        Self { penalty_seconds: Some(penalty.as_secs()), ..self }
    }

    /// The limit of first pages. `None` if page 0 is like every other page.
    #[must_use]
    pub fn first_pages(&self) -> Option<FirstPageLimit> {
        self.first_pages
    }

    pub(super) fn check(&self) -> Result<(), LimitError> {
        let first_pages = self.first_pages.unwrap_or_default();
        if first_pages.period_seconds == 0 {
            return Err(LimitError::NoPeriod { field: "periodSeconds" });
        }
        for (field, seconds) in [
            ("penaltySeconds", self.penalty_seconds.unwrap_or_default()),
            ("periodSeconds", first_pages.period_seconds),
            ("blockSeconds", first_pages.block_seconds),
            ("retrySeconds", first_pages.retry_seconds),
        ] {
            if seconds > LONGEST {
                return Err(LimitError::TooLong { field, seconds });
            }
        }
        Ok(())
    }

    pub(super) fn class(&self, class: ThrottleClass) -> Option<RateLimit> {
        self.classes.get(&class).copied()
    }

    pub(super) fn retry_after(&self) -> RetryAfter {
        self.retry_after
    }

    pub(super) fn penalty(&self) -> Option<Duration> {
        self.penalty_seconds.map(Duration::from_secs)
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self::documented()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_limits_are_those_of_the_description() {
        let documented = LimitSettings::documented();
        assert_eq!(documented.class(ThrottleClass::Action), Some(RateLimit { client: 10, application: 100 }));
        assert_eq!(documented.class(ThrottleClass::Legacy), Some(RateLimit { client: 5, application: 50 }));
        assert_eq!(documented.classes.len(), ThrottleClass::ALL.len());
        assert_eq!(documented.first_pages(), None);
        documented.check().unwrap();
        let reported = LimitSettings::reported();
        let expected = FirstPageLimit { calls: 1, period_seconds: 7200, block_seconds: 2400, retry_seconds: 600 };
        assert_eq!(reported.first_pages(), Some(expected));
        reported.check().unwrap();
    }

    #[test]
    fn every_limit_of_first_pages_has_the_same_numbers() {
        // One setting serves all of them.
        let mut limits = Throttle::ALL.iter().filter(|throttle| throttle.counts == CountedCalls::FirstPage);
        let first = limits.next().unwrap();
        assert!(limits.all(|one| (one.client, one.period, one.block) == (first.client, first.period, first.block)));
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
        let first_pages: LimitSettings = serde_json::from_str(r#"{"firstPages":{"blockSeconds":0}}"#).unwrap();
        let expected = FirstPageLimit { block_seconds: 0, ..FirstPageLimit::reported() };
        assert_eq!(first_pages.first_pages(), Some(expected));
    }

    #[test]
    fn times_must_be_possible() {
        let of = |limit: FirstPageLimit| LimitSettings::off().with_first_pages(limit).check();
        let reported = FirstPageLimit::reported();
        for (limit, field) in [
            (FirstPageLimit { period_seconds: 0, ..reported }, "periodSeconds"),
            (FirstPageLimit { period_seconds: u64::MAX, ..reported }, "periodSeconds"),
            (FirstPageLimit { block_seconds: LONGEST + 1, ..reported }, "blockSeconds"),
            (FirstPageLimit { retry_seconds: LONGEST + 1, ..reported }, "retrySeconds"),
        ] {
            assert!(of(limit).unwrap_err().to_string().contains(field), "{limit:?}");
        }
        let penalty = LimitSettings::off().with_penalty(Duration::MAX).check().unwrap_err();
        assert!(penalty.to_string().starts_with("`penaltySeconds` must be at most 31536000"), "{penalty}");
    }
}
