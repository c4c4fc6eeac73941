use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use umapi_model::ThrottleClass;
use umapi_model::operations;

/// How often clients may call, and what those hear that call more often.
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::{LimitSettings, RetryAfter};
///
/// let documented = LimitSettings::documented();
/// let strict = LimitSettings::off().with_class("action", 1, 10).with_retry_after(RetryAfter::Date);
/// let severe = LimitSettings::documented().with_penalty(Duration::from_secs(3_300));
/// # let _ = (documented, strict, severe);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitSettings {
    /// The allowance of each class of operations (`action`, `users`, `groups`, `legacy`). A class that is absent has no limit.
    #[serde(default)]
    pub(super) classes: BTreeMap<String, Allowance>,
    /// How `Retry-After` is written.
    #[serde(default)]
    pub(super) retry_after: RetryAfter,
    /// How long a client is shut out that calls once too often, in seconds, at most a year; until its minute is over if
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) penalty_seconds: Option<u64>,
}

/// Calls in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allowance {
    /// Of one client.
    pub client: u32,
    /// Of all clients together.
    pub application: u32,
}

/// How `Retry-After` is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum RetryAfter {
    /// In seconds.
    #[default]
    Seconds,
    /// As an HTTP date.
    Date,
    /// Not at all.
    Absent,
}

/// Why limits were not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// There is no such class of operations.
    #[error("`classes` has {0}, which is no class of operations: the classes are {classes}", classes = class_names())]
    UnknownClass(String),
    /// Nobody is shut out for longer than a year.
    #[error("`penaltySeconds` must be at most {MAX_PENALTY}: {0}")]
    Penalty(u64),
}

/// A year, in seconds.
const MAX_PENALTY: u64 = 365 * 24 * 60 * 60;

fn class_names() -> String {
    ThrottleClass::ALL.map(ThrottleClass::as_str).join(", ")
}

impl LimitSettings {
    /// What users of the service saw: they were told to wait for almost an hour.
    pub const LONG_PENALTY: Duration = Duration::from_secs(3_300);

    /// The limits that the service documents.
    #[must_use]
    pub fn documented() -> Self {
        let throttles = operations::ALL.iter().filter_map(|operation| operation.throttle);
        let classes = throttles.map(|throttle| {
            let allowance =
                Allowance { client: throttle.client_per_minute, application: throttle.application_per_minute };
            (throttle.class.as_str().to_owned(), allowance)
        });
        Self { classes: classes.collect(), ..Self::off() }
    }

    /// No limits.
    #[must_use]
    pub fn off() -> Self {
        Self { classes: BTreeMap::new(), retry_after: RetryAfter::default(), penalty_seconds: None }
    }

    /// The limits that the service documents, and the long waits that users have seen.
    #[must_use]
    pub fn severe() -> Self {
        Self::documented().with_penalty(Self::LONG_PENALTY)
    }

    /// With this allowance a minute, of one client and of all, for a class of operations: `action`, `users`, `groups` or
    /// `legacy`.
    #[must_use]
    pub fn with_class(mut self, class: impl Into<String>, client: u32, application: u32) -> Self {
        self.classes.insert(class.into(), Allowance { client, application });
        self
    }

    /// With `Retry-After` written in this way.
    #[must_use]
    pub fn with_retry_after(self, retry_after: RetryAfter) -> Self {
        Self { retry_after, ..self }
    }

    /// Shutting out for so long whoever calls once too often.
    #[must_use]
    pub fn with_penalty(self, penalty: Duration) -> Self {
        Self { penalty_seconds: Some(penalty.as_secs()), ..self }
    }

    pub(super) fn check(&self) -> Result<(), LimitError> {
        let is_known = |name: &str| ThrottleClass::ALL.iter().any(|class| class.as_str() == name);
        if let Some(unknown) = self.classes.keys().find(|name| !is_known(name)) {
            return Err(LimitError::UnknownClass(unknown.clone()));
        }
        match self.penalty_seconds {
            Some(seconds) if seconds > MAX_PENALTY => Err(LimitError::Penalty(seconds)),
            _ => Ok(()),
        }
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
    fn the_documented_limits_are_those_of_the_description() {
        let documented = LimitSettings::documented();
        assert_eq!(documented.classes["action"], Allowance { client: 10, application: 100 });
        assert_eq!(documented.classes["legacy"], Allowance { client: 5, application: 50 });
        assert_eq!(documented.classes.len(), ThrottleClass::ALL.len());
        documented.check().unwrap();
    }

    #[test]
    fn an_unknown_class_is_refused_with_the_known_ones() {
        let error = LimitSettings::off().with_class("actions", 1, 1).check().unwrap_err().to_string();
        assert!(error.contains("actions") && error.contains("action, users, groups, legacy"), "{error}");
        assert!(LimitSettings::off().with_penalty(Duration::MAX).check().is_err());
    }

    #[test]
    fn json_may_leave_out_what_is_usual() {
        let text = r#"{"classes":{"users":{"client":1,"application":2}},"retryAfter":"date"}"#;
        let settings: LimitSettings = serde_json::from_str(text).unwrap();
        assert_eq!(settings, LimitSettings::off().with_class("users", 1, 2).with_retry_after(RetryAfter::Date));
        assert_eq!(serde_json::from_str::<LimitSettings>("{}").unwrap(), LimitSettings::off());
    }
}
