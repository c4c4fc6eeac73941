//! What became of a membership.

use std::fmt;
use std::sync::Arc;

use super::builder::Memberships;
use super::change::MembershipChange;
use crate::batch::{BatchOutcome, Outcome, Report, StepError};

/// What became of one membership, in the caller's own numbering.
#[derive(Clone, Debug)]
pub struct MembershipOutcome {
    pub(super) number: usize,
    pub(super) edge: MembershipChange,
    pub(super) outcome: Outcome,
    pub(super) was_so_already: bool,
    pub(super) requests: u32,
    pub(super) request_id: Option<Arc<str>>,
}

/// What became of every membership of a batch.
pub type MembershipReport = Report<MembershipOutcome>;

impl MembershipOutcome {
    /// Which membership it is, counted from 0 in the order in which they were given.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The membership.
    pub fn edge(&self) -> &MembershipChange {
        &self.edge
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether it is now as it should be.
    pub fn is_completed(&self) -> bool {
        matches!(self.outcome, Outcome::Completed)
    }

    /// Whether the service said that it was as it should be before. It does not always say so.
    pub fn was_so_already(&self) -> bool {
        self.was_so_already
    }

    /// Why it was refused, if it was.
    pub fn error(&self) -> Option<&StepError> {
        match &self.outcome {
            Outcome::Rejected { errors } => errors.first(),
            _ => None,
        }
    }

    /// How many requests it took part in, repeated ones included.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The `X-Request-Id` of the last answer that concerned it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl fmt::Display for MembershipOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "membership {}, {}: {}", self.number, self.edge, self.outcome)
    }
}

impl BatchOutcome for MembershipOutcome {
    const PLURAL: &'static str = "memberships";

    fn number(&self) -> usize {
        self.number
    }

    fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl Report<MembershipOutcome> {
    /// The memberships that were not sent, to be given again.
    pub fn into_unsent(self) -> Memberships {
        let unsent = |outcome: &MembershipOutcome| matches!(outcome.outcome, Outcome::NotSent { .. });
        self.into_outcomes().into_iter().filter(unsent).map(|outcome| outcome.edge).collect()
    }
}
