use serde::{Deserialize, Serialize};

use super::FaultError;

/// Which of the calls that a rule is about it hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selection {
    /// The first, counted from 1.
    #[serde(default = "one")]
    pub(super) from: u64,
    /// From there on, every nth.
    #[serde(default = "one")]
    pub(super) every: u64,
    /// How often at most; without end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u64>,
    /// How probably each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
    /// What the choices depend on.
    #[serde(default)]
    pub(super) seed: u64,
}

fn one() -> u64 {
    1
}

impl Default for Selection {
    fn default() -> Self {
        Self { from: 1, every: 1, times: None, probability: None, seed: 0 }
    }
}

impl Selection {
    pub(super) fn check(&self) -> Result<(), FaultError> {
        if self.from == 0 {
            return Err(FaultError::new("when.from", "counts from 1"));
        }
        if self.every == 0 {
            return Err(FaultError::new("when.every", "must be at least 1"));
        }
        match self.probability {
            Some(p) if !(0.0..=1.0).contains(&p) => {
                Err(FaultError::new("when.probability", format!("must be from 0 to 1: {p}")))
            }
            _ => Ok(()),
        }
    }
}

/// Counts calls, and says of each whether it is hit.
#[derive(Debug)]
pub(super) struct Counter {
    selection: Selection,
    dice: fastrand::Rng,
    /// Calls that the rule was about.
    pub(super) matched: u64,
    /// Calls that it hit.
    pub(super) fired: u64,
}

impl Counter {
    pub(super) fn new(selection: &Selection) -> Self {
        let dice = fastrand::Rng::with_seed(selection.seed);
        Self { selection: selection.clone(), dice, matched: 0, fired: 0 }
    }

    /// Counts a call; answers whether it is one to hit. [`fire`](Self::fire) counts the hit.
    pub(super) fn selects(&mut self) -> bool {
        self.matched += 1;
        let Self { selection, dice, matched, fired } = self;
        let Some(place) = matched.checked_sub(selection.from) else { return false };
        // The dice is thrown for every call in the row, so that what it says of one does not hang on `times`.
        place % selection.every == 0
            && selection.probability.is_none_or(|p| dice.f64() < p)
            && selection.times.is_none_or(|times| *fired < times)
    }

    pub(super) fn fire(&mut self) {
        self.fired += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(selection: &Selection, calls: u64) -> Vec<u64> {
        let mut counter = Counter::new(selection);
        (1..=calls)
            .filter(|_| {
                let hit = counter.selects();
                if hit {
                    counter.fire();
                }
                hit
            })
            .collect()
    }

    #[test]
    fn calls_are_chosen_by_number() {
        assert_eq!(hits(&Selection { from: 3, times: Some(1), ..Selection::default() }, 9), [3]);
        assert_eq!(hits(&Selection { every: 3, ..Selection::default() }, 9), [1, 4, 7]);
        assert_eq!(hits(&Selection { from: 2, every: 2, times: Some(3), ..Selection::default() }, 9), [2, 4, 6]);
    }

    #[test]
    fn chance_is_the_same_for_the_same_seed() {
        let some = |seed| Selection { probability: Some(0.3), seed, ..Selection::default() };
        let first = hits(&some(1), 1000);
        assert_eq!(first, hits(&some(1), 1000));
        assert_ne!(first, hits(&some(2), 1000));
        assert!((200..400).contains(&first.len()), "{}", first.len());
        assert_eq!(hits(&Selection { probability: Some(0.0), ..some(1) }, 100), [0; 0]);
        assert_eq!(hits(&Selection { probability: Some(1.0), ..some(1) }, 100).len(), 100);
    }
}
