//! The interface between a planner and whatever sends its requests.

use std::{error::Error, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use umapi_model::{self as model, ErrorCode};

use crate::{
    account::Account,
    batch::{BatchOutcome, CommandOutcome},
    command::{Command, GroupCommand, UserCommand},
};

/// What a batch takes: a command, or a pair of a key and a command. The key comes back with the outcome.
///
/// | given | outcome |
/// | --- | --- |
/// | [`Command`], [`UserCommand`], [`GroupCommand`] | [`CommandOutcome`] |
/// | `(K, C)`, where `C` is one of these | `(K, CommandOutcome)` |
///
/// A function that takes any of them separates the caller's keys from the commands:
///
/// ```
/// use umapi_plan::{Command, Submission};
///
/// fn commands<S: Submission>(batch: impl IntoIterator<Item = S>) -> (Vec<S::Key>, Vec<Command>) {
///     batch.into_iter().map(Submission::into_parts).unzip()
/// }
///
/// let (lines, commands) = commands([(7, Command::user("ann@example.com").remove_from_org())]);
/// assert_eq!((lines, commands[0].root()), (vec![7], "ann@example.com"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a command nor a pair of a key and a command",
    label = "not a command",
    note = "commands that you keep are cloned: `execute(commands.iter().cloned())`",
    note = "`.into()` makes a `Command` of each kind of command; a key must be `Send + 'static`"
)]
pub trait Submission: sealed::Sealed {
    /// The key of the caller; `()` if there is none.
    type Key: Send + 'static;
    /// What comes back for it.
    type Outcome: BatchOutcome + Send + 'static;

    /// The key and the command.
    fn into_parts(self) -> (Self::Key, Command);

    /// The outcome, with its key.
    fn outcome(key: Self::Key, outcome: CommandOutcome) -> Self::Outcome;
}

mod sealed {
    /// Closes [`Submission`](super::Submission) for other crates.
    pub trait Sealed {}
}

macro_rules! submission {
    ($($command:ty),+) => {$(
        impl sealed::Sealed for $command {}

        impl Submission for $command {
            type Key = ();
            type Outcome = CommandOutcome;

            fn into_parts(self) -> ((), Command) {
                ((), self.into())
            }

            fn outcome((): (), outcome: CommandOutcome) -> CommandOutcome {
                outcome
            }
        }
    )+};
}

submission!(Command, UserCommand, GroupCommand);

impl<K, C> sealed::Sealed for (K, C) {}

impl<K: Send + 'static, C: Into<Command>> Submission for (K, C) {
    type Key = K;
    type Outcome = (K, CommandOutcome);

    fn into_parts(self) -> (K, Command) {
        (self.0, self.1.into())
    }

    fn outcome(key: K, outcome: CommandOutcome) -> (K, CommandOutcome) {
        (key, outcome)
    }
}

/// Work that is sent in requests. A job does no I/O and knows no time: a runner sends the requests and reports the results.
///
/// A runner without I/O, for a service in which all goes well:
///
/// ```
/// use umapi_plan::{
///     CallFailure, Command, CommandOutcome,
///     batch::{Scheduler, Settings},
///     job::{
///         Finding, Job, Lookup, PackedRequest, RequestId, RequestResult, Response, Verification,
///         VerificationId,
///     },
///     model::{ActionResponse, ActionResult},
/// };
///
/// fn send(request: &PackedRequest) -> (RequestId, RequestResult) {
///     let done = request.commands.len() as u32;
///     let body = ActionResponse::new(ActionResult::Success).with_completed(done);
///     let response = Response { body, request_id: None, attempts: 1, repeated_after_unknown: false };
///     (request.id, RequestResult::Response(response))
/// }
///
/// fn read(verification: &Verification) -> (VerificationId, Vec<Finding>) {
///     let find = |lookup: &Lookup| match lookup {
///         Lookup::User(_) => Finding::User(None),
///         Lookup::Group(_) => Finding::Group(None),
///         _ => Finding::Failed(CallFailure::new("this runner cannot read it")),
///     };
///     (verification.id, verification.lookups.iter().map(find).collect())
/// }
///
/// fn run(mut job: impl Job<Outcome = CommandOutcome, Key = ()>) -> Vec<CommandOutcome> {
///     let mut outcomes = Vec::new();
///     while !job.is_finished() {
///         if let Some(verification) = job.next_verification() {
///             let (id, findings) = read(&verification);
///             job.finish_verification(id, &findings);
///         } else if let Some(request) = job.next_request(true) {
///             let (id, result) = send(&request);
///             job.finish_request(id, result);
///         } else {
///             job.abort(CallFailure::new("the job waits for nothing"));
///         }
///         outcomes.extend(job.take_outcomes());
///         println!("{} of {}", job.progress().ended, job.progress().given);
///     }
///     outcomes
/// }
///
/// let mut job = Scheduler::<Command>::new(Settings::default());
/// for user in ["ann@example.com", "bob@example.com"] {
///     job.offer(Command::user(user).remove_from_org());
/// }
/// job.close();
/// assert!(run(job).iter().all(CommandOutcome::is_completed));
/// ```
pub trait Job {
    /// The outcome of one item of the job: a command or a membership.
    type Outcome;
    /// The caller's key of an item.
    type Key;

    /// Returns a request that may be sent now. `None` means: wait for a result, or for more items.
    ///
    /// A request with room left is held back while something in flight could fill it, or while more items may be pushed;
    /// `flush` says that no more items come for now.
    fn next_request(&mut self, flush: bool) -> Option<PackedRequest>;

    /// Takes the result of a request. Must be called exactly once for each request.
    fn finish_request(&mut self, id: RequestId, result: RequestResult);

    /// Returns a verification to run: what a response means cannot be told before something was read.
    fn next_verification(&mut self) -> Option<Verification>;

    /// Takes the findings of a verification, in the order of its lookups. Must be called exactly once for each
    /// verification.
    fn finish_verification(&mut self, id: VerificationId, findings: &[Finding]);

    /// Sends nothing more, and verifies nothing more. Requests and verifications in progress still get their results.
    fn abort(&mut self, why: CallFailure);

    /// Takes the outcomes that were determined since the last call.
    fn take_outcomes(&mut self) -> Vec<Self::Outcome>;

    /// The key of an item that has no outcome yet.
    fn key(&self, number: u64) -> Option<&Self::Key>;

    /// Whether nothing is left to send or to wait for, and no more items come.
    fn is_finished(&self) -> bool;

    /// How far the job is.
    fn progress(&self) -> JobProgress;
}

/// Identifies a request between a job and its runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(crate) u64);

/// A request that may be sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PackedRequest {
    /// Identifies the request when its result is reported.
    pub id: RequestId,
    /// One to ten commands, within every limit of the service.
    pub commands: Vec<model::Command>,
    /// The caller's items that are in it, by number, ascending.
    pub numbers: Vec<u64>,
}

/// The result of a request. `E` is the error type of the transport.
#[derive(Clone, Debug)]
pub enum RequestResult<E = CallFailure> {
    /// A readable response with a success status.
    Response(Response),
    /// The service rejected the whole request for its content: status 400, 413 or 422. Nothing was applied.
    Refused(E),
    /// The request was certainly not applied, and is given up.
    NotSent(E),
    /// The request may have been applied, and is given up.
    Unknown(E),
}

impl<E> RequestResult<E> {
    /// Converts the error.
    ///
    /// ```
    /// use std::io;
    /// use umapi_plan::{CallFailure, job::RequestResult};
    ///
    /// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    /// let result: RequestResult<io::Error> = RequestResult::NotSent(refused);
    /// let result: RequestResult = result.map_err(|error| CallFailure::new(error).retryable());
    /// assert!(matches!(result, RequestResult::NotSent(failure) if failure.is_retryable()));
    /// ```
    pub fn map_err<F>(self, convert: impl FnOnce(E) -> F) -> RequestResult<F> {
        match self {
            Self::Response(response) => RequestResult::Response(response),
            Self::Refused(error) => RequestResult::Refused(convert(error)),
            Self::NotSent(error) => RequestResult::NotSent(convert(error)),
            Self::Unknown(error) => RequestResult::Unknown(convert(error)),
        }
    }
}

/// A readable response to an action request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The body.
    pub body: model::ActionResponse,
    /// The `X-Request-Id` of the response.
    pub request_id: Option<String>,
    /// Requests sent until there was a response, including the last one.
    pub attempts: u32,
    /// Whether an earlier attempt may have been applied.
    pub repeated_after_unknown: bool,
}

/// Identifies a verification between a job and its runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerificationId(pub(crate) u64);

/// What must be read before the meaning of a response is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// Identifies the verification when its findings are reported.
    pub id: VerificationId,
    /// What to read.
    pub lookups: Vec<Lookup>,
}

/// One user or group to read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Lookup {
    /// The user with this account, with the groups that the user is in directly.
    User(Account),
    /// The group with this name.
    Group(String),
}

/// What a lookup found.
#[derive(Clone, Debug)]
pub enum Finding {
    /// The user; `None` if the service says that there is no such user.
    User(Option<Box<model::User>>),
    /// The group; `None` if the organization does not have it.
    Group(Option<Box<model::Group>>),
    /// The lookup failed.
    Failed(CallFailure),
}

/// The failure of a call, as the transport reports it. Cheap to clone.
///
/// The transport's own error is kept: [`downcast_ref`](Self::downcast_ref) returns it.
///
/// ```
/// use umapi_plan::CallFailure;
///
/// let failure = CallFailure::new("no response within 30 s").with_requests(2, Some("r-1")).retryable();
/// let json = serde_json::json!({
///     "message": "no response within 30 s", "is_retryable": true, "requests": 2, "request_id": "r-1",
/// });
/// assert_eq!(serde_json::to_value(&failure)?, json);
/// assert_eq!(serde_json::from_value::<CallFailure>(json)?, failure);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Two failures are equal if they say the same. One that was read from JSON says what the original said, but no longer has
/// the transport's own error.
///
/// What a transport knows goes in, and comes out where an outcome is explained:
///
/// ```
/// use std::io;
/// use umapi_plan::{CallFailure, model::ErrorCode};
///
/// let failure = CallFailure::new(io::Error::from(io::ErrorKind::ConnectionReset))
///     .with_status(Some(500))
///     .with_service_error(Some(ErrorCode::InternalAdd), Some("try again"))
///     .perhaps_applied();
/// assert!(failure.downcast_ref::<io::Error>().is_some() && failure.may_have_been_applied());
/// assert_eq!((failure.status(), failure.service_message()), (Some(500), Some("try again")));
/// assert!(!failure.is_stopped() && CallFailure::new("Ctrl-C").stopped().is_stopped());
/// ```
#[derive(Clone, Deserialize, Serialize)]
#[serde(from = "FailureForm", into = "FailureForm")]
pub struct CallFailure(Arc<FailureDetails>);

#[derive(Clone)]
struct FailureDetails {
    error: Arc<dyn Error + Send + Sync>,
    facts: FailureFacts,
}

/// What is known about a failure besides its text.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
struct FailureFacts {
    #[serde(default, skip_serializing_if = "is_false")]
    is_retryable: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    may_have_been_applied: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    is_stopped: bool,
    #[serde(default)]
    requests: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_message: Option<String>,
}

/// A failure in JSON.
#[derive(Deserialize, Serialize)]
struct FailureForm {
    message: String,
    /// The text with its cause, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full_message: Option<String>,
    #[serde(flatten)]
    facts: FailureFacts,
}

/// The text of an error of the past.
#[derive(Debug)]
struct PastError {
    message: String,
    full_message: Option<String>,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl CallFailure {
    /// A failure with the error of the transport.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::new(FailureDetails { error: error.into().into(), facts: FailureFacts::default() }))
    }

    /// Sets how many requests were sent for the call, and the `X-Request-Id` of the last one.
    #[must_use]
    pub fn with_requests(self, requests: u32, request_id: Option<&str>) -> Self {
        self.with(|details| {
            details.requests = requests;
            details.request_id = request_id.map(str::to_owned);
        })
    }

    /// Sets the error code and the message of the service.
    #[must_use]
    pub fn with_service_error(self, code: Option<ErrorCode>, message: Option<&str>) -> Self {
        self.with(|details| {
            details.code = code;
            details.service_message = message.map(str::to_owned);
        })
    }

    /// Sets the HTTP status of the response.
    #[must_use]
    pub fn with_status(self, status: Option<u16>) -> Self {
        self.with(|details| details.status = status)
    }

    /// Notes that the same call may succeed later.
    #[must_use]
    pub fn retryable(self) -> Self {
        self.with(|details| details.is_retryable = true)
    }

    /// Notes that the change may have been made nevertheless.
    #[must_use]
    pub fn perhaps_applied(self) -> Self {
        self.with(|details| details.may_have_been_applied = true)
    }

    /// Notes that the caller stopped the call.
    #[must_use]
    pub fn stopped(self) -> Self {
        self.with(|details| details.is_stopped = true)
    }

    fn with(mut self, change: impl FnOnce(&mut FailureFacts)) -> Self {
        change(&mut Arc::make_mut(&mut self.0).facts);
        self
    }

    /// The error of the transport, if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.error.downcast_ref()
    }

    /// How many requests were sent for the call.
    pub fn requests(&self) -> u32 {
        self.0.facts.requests
    }

    /// The `X-Request-Id` of the last request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.facts.request_id.as_deref()
    }

    /// The error code of the service.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.0.facts.code.as_ref()
    }

    /// The message of the service, for people.
    pub fn service_message(&self) -> Option<&str> {
        self.0.facts.service_message.as_deref()
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.facts.status
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.0.facts.is_retryable
    }

    /// Whether the change may have been made nevertheless.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.facts.may_have_been_applied
    }

    /// Whether the caller stopped the call.
    pub fn is_stopped(&self) -> bool {
        self.0.facts.is_stopped
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl fmt::Debug for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFailure").field("error", &self.0.error).field("facts", &self.0.facts).finish()
    }
}

impl PartialEq for CallFailure {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.facts == other.0.facts
                && self.to_string() == other.to_string()
                && format!("{self:#}") == format!("{other:#}"))
    }
}

impl From<CallFailure> for FailureForm {
    fn from(failure: CallFailure) -> Self {
        let (message, full) = (failure.to_string(), format!("{failure:#}"));
        Self { full_message: (full != message).then_some(full), message, facts: failure.0.facts.clone() }
    }
}

impl From<FailureForm> for CallFailure {
    fn from(FailureForm { message, full_message, facts }: FailureForm) -> Self {
        Self(Arc::new(FailureDetails { error: Arc::new(PastError { message, full_message }), facts }))
    }
}

impl fmt::Display for PastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.full_message.as_ref().filter(|_| f.alternate()).unwrap_or(&self.message))
    }
}

impl Error for PastError {}

impl Error for CallFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.error.source()
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobProgress {
    /// The items that the caller gave: commands or memberships.
    pub given: usize,
    /// How many of them have an outcome.
    pub ended: usize,
    /// Requests in flight.
    pub in_flight: usize,
    /// The least number of requests for what is known now and not sent.
    pub requests_left: usize,
}
