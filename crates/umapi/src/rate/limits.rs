//! How many calls a minute.

use std::{collections::BTreeMap, num::NonZeroU32};

use umapi_model::{Operation, ThrottleClass};

/// How many calls a minute one credential may make, for each class of operations.
///
/// ```
/// use std::num::NonZeroU32;
/// use umapi::{RateLimits, model::ThrottleClass};
///
/// let documented = RateLimits::default();
/// assert_eq!(documented.per_minute(ThrottleClass::Action), NonZeroU32::new(10));
///
/// // Half of it, to leave room for another program with the same credentials.
/// let half = documented.with(ThrottleClass::Action, NonZeroU32::new(5));
/// assert_eq!(half.per_minute(ThrottleClass::Action), NonZeroU32::new(5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits(BTreeMap<ThrottleClass, NonZeroU32>);

impl RateLimits {
    /// Those of the service's description, which are also the default.
    #[must_use]
    pub fn documented() -> Self {
        let throttles = Operation::ALL.iter().filter_map(|operation| operation.throttle());
        Self(throttles.filter_map(|one| Some((one.class, NonZeroU32::new(one.client_per_minute)?))).collect())
    }

    /// None, for an emulator without limits. A 429 is heeded all the same.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(BTreeMap::new())
    }

    /// The same but for one class: so many calls a minute, or any number of them.
    #[must_use]
    pub fn with(mut self, class: ThrottleClass, per_minute: Option<NonZeroU32>) -> Self {
        match per_minute {
            Some(number) => drop(self.0.insert(class, number)),
            None => drop(self.0.remove(&class)),
        }
        self
    }

    /// How many calls a minute; nothing for any number of them.
    #[must_use]
    pub fn per_minute(&self, class: ThrottleClass) -> Option<NonZeroU32> {
        self.0.get(&class).copied()
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self::documented()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_limits_are_those_of_the_description() {
        let limits = RateLimits::documented();
        let numbers = ThrottleClass::ALL.map(|class| limits.per_minute(class).map(NonZeroU32::get));
        assert_eq!(numbers, [Some(10), Some(25), Some(5), Some(5)]);
        assert_eq!(RateLimits::unlimited().per_minute(ThrottleClass::Users), None);
    }
}
