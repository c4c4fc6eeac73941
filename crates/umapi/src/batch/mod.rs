//! Batches.
pub(crate) mod access;
mod estimate;
mod graph;
mod levels;
mod outcome;
pub(crate) mod reading;
mod record;
mod report;
mod ring;
mod scheduler;
mod second_try;
mod settings;
mod settling;
mod things;
mod unit;
pub(crate) mod wire;
pub(crate) mod work;

pub use estimate::Estimate;
pub use outcome::{CommandOutcome, NotSent, Notice, Outcome, StepError, StepOutcome, StepState, StepWarning};
pub use report::{Counts, Ended, Report};

pub(crate) use scheduler::Scheduler;
pub(crate) use settings::Settings;
pub(crate) use work::{Answer, Exchange, PackedRequest, Progress, RequestId, Work};

#[cfg(test)]
mod tests;
