//! What a driver runs: requests that may be sent now, and how they ended.

use umapi_model as model;

use crate::error::Error;

/// Work that comes in requests. It does no I/O and knows no time: a driver sends the requests and tells how they ended.
pub(crate) trait Work {
    /// How one piece of the caller's ended.
    type Outcome;

    /// A request that may be sent now. Nothing: wait for an answer, or for more to do.
    ///
    /// A request that is not full is held back while something in flight could fill it, or while more may be pushed
    /// unless `flush` says that nothing comes just now.
    fn next_request(&mut self, flush: bool) -> Option<PackedRequest>;

    /// How a request ended. To be told exactly once of each.
    fn answered(&mut self, id: RequestId, exchange: Exchange);

    /// Nothing more is to be sent. What is in flight is still to be answered.
    fn abort(&mut self, why: Error);

    /// What has ended since this was last asked.
    fn take_outcomes(&mut self) -> Vec<Self::Outcome>;

    /// Whether nothing is left to send or to wait for, and nothing more will come.
    fn is_finished(&self) -> bool;

    /// How far it is.
    fn progress(&self) -> Progress;
}

/// The name of a request between driver and work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RequestId(pub(crate) u64);

/// A request that may be sent.
#[derive(Clone, Debug)]
pub(crate) struct PackedRequest {
    pub(crate) id: RequestId,
    /// One to ten, within every limit.
    pub(crate) commands: Vec<model::Command>,
    /// What of the caller's is in it, by number, ascending.
    pub(crate) numbers: Vec<u64>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub(crate) enum Exchange {
    /// With a readable answer of success.
    Answered(Answer),
    /// The service read it and refused all of it for what it holds: statuses 400, 413, 422.
    Refused(Error),
    /// It was surely not applied, and is given up.
    NotSent(Error),
    /// It may have been applied, and is given up.
    Unknown(Error),
}

/// A readable answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) response: model::ActionResponse,
    pub(crate) request_id: Option<String>,
    /// Requests sent until there was an answer, the last one included.
    pub(crate) attempts: u32,
    /// An earlier one of them may have been applied.
    pub(crate) repeated_after_unknown: bool,
}

/// How far work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What the caller gave: commands or memberships.
    pub(crate) given: usize,
    /// How many of them have ended.
    pub(crate) ended: usize,
    /// Requests that are in flight.
    pub(crate) in_flight: usize,
    /// Requests that will at least be needed for what is known now and not sent.
    pub(crate) requests_left: usize,
}
