//! The error of a failed call.

use std::{
    any::Any,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use umapi_http::{NetworkError, innermost};
use umapi_model::{ErrorCode, Operation, OutOfBounds, RemedyInText};
use umapi_plan::{BatchOutcome, CallFailure, Counts, InvalidCommand, InvalidMembership, InvalidOutcome, Report};

use crate::{run::Unfinished, stub::unanswered_text};

/// The error of a failed call, or of a run that ended early. Cheap to clone.
///
/// Reads, changes, commands and memberships that break a rule, logins and settings all end in it, so `?` works all along:
///
/// ```no_run
/// use umapi::{Client, Command, Error};
///
/// async fn remove_leavers(client: &Client, group: &str) -> Result<usize, Error> {
///     let leavers = client.users().in_group(group).list().try_collect().await?;
///     let emails = leavers.iter().filter_map(|user| user.email.as_ref());
///     let commands: Vec<Command> =
///         emails.map(|email| Command::user(email).remove_from_org()).collect();
///     commands.iter().try_for_each(Command::check)?;
///     let report = client.execute(commands).await?;
///     client.memberships().remove("boss@example.com", group).plan().await?.await?;
///     Ok(report.counts().completed)
/// }
/// ```
///
/// The predicates tell errors apart:
///
/// ```
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// match client.users().in_group("Photoshop").list().try_next().await {
///     Ok(first) => println!("{first:?}"),
///     Err(error) if error.is_not_found() => println!("there is no such group"),
///     Err(error) if error.is_throttled() => println!("try again at {:?}", error.until()),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Troubleshooting
///
/// The text says what failed and what to do; `{:#}` adds the cause, which [`source`](std::error::Error::source) returns. The
/// predicates are for programs. [`status`](Self::status),
/// [`code`](Self::code), [`service_message`](Self::service_message), [`body`](Self::body) and
/// [`request_id`](Self::request_id) come from the service. After a call that changes something,
/// [`may_have_been_applied`](Self::may_have_been_applied) says whether the change may have been made nevertheless.
///
/// # Runs
///
/// If a run of commands or memberships ends early, the error is the one that ended it, and the text has the counts of all
/// outcomes. [`report`](Self::report) returns the whole report.
///
/// What a program tells its user depends on who can do something about it:
///
/// ```
/// use umapi::{Error, Memberships, UserCommand, stub::ErrorBuilder};
///
/// fn advice(error: &Error) -> String {
///     if let Some(login) = error.login() {
///         return format!("check the credentials: {login}");
///     }
///     if let Some(invalid) = error.invalid_command() {
///         return format!("correct command {:?}: {}", invalid.number(), invalid.rule());
///     }
///     if let Some(invalid) = error.invalid_membership() {
///         return format!("correct membership {:?}: {}", invalid.number(), invalid.rule());
///     }
///     let advice = match error {
///         _ if error.is_unauthorized() => "the API key belongs to another organization",
///         _ if error.is_unknown_issuer() => "add the certificate of the proxy",
///         _ if error.is_connect() => "is there a network?",
///         _ if error.is_timeout() => "give it more time",
///         _ if error.is_group_too_large() => "list all users instead of this group's",
///         _ if error.is_endless() || error.is_unreadable() => "report it with the request id",
///         _ if error.is_journal() || error.is_rate_limit_store() => "look at our own database",
///         _ if error.is_stopped() => "you have stopped it",
///         _ if error.is_invalid_input() => "correct the input",
///         _ => error.service_message().unwrap_or("try again later"),
///     };
///     advice.to_owned()
/// }
///
/// let overloaded = ErrorBuilder::rejected(503).message("Maintenance until 6:00");
/// assert_eq!(advice(&overloaded.build()), "Maintenance until 6:00");
/// let login = umapi::auth::Error::other("the vault is sealed");
/// let closed = ErrorBuilder::login(login).build();
/// assert_eq!(advice(&closed), "check the credentials: the vault is sealed");
/// let odd = ErrorBuilder::unreadable("the body is cut off");
/// assert_eq!(advice(&odd.build()), "report it with the request id");
/// let slow = ErrorBuilder::timeout(std::time::Duration::from_secs(120));
/// assert_eq!(advice(&slow.build()), "give it more time");
/// let empty = ErrorBuilder::invalid_input("the name is empty");
/// assert_eq!(advice(&empty.build()), "correct the input");
/// ```
#[derive(Clone)]
pub struct Error(Arc<Details>);

/// Everything that is known about a failure.
#[derive(Clone, Debug)]
pub(crate) struct Details {
    kind: Kind,
    pub(crate) operation: Option<&'static str>,
    pub(crate) request_id: Option<String>,
    pub(crate) requests: u32,
    pub(crate) may_have_been_applied: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) until: Option<SystemTime>,
    /// What ended the call because it was repeated too often.
    pub(crate) repeated: Option<String>,
    /// The run that the error ended.
    run: Option<EndedRun>,
}

/// A run that ended early.
#[derive(Clone)]
pub(crate) struct EndedRun {
    pub(crate) summary: String,
    pub(crate) counts: Counts,
    /// The report of a run that makes one.
    pub(crate) report: Option<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for EndedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

/// What failed.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// An input that cannot be used.
    Invalid(String),
    /// A command that breaks a rule.
    Command(InvalidCommand),
    /// A membership that cannot be set.
    Membership(InvalidMembership),
    /// A stub has no method of its own for this operation.
    Unanswered(Operation),
    /// There is no access token.
    Login(umapi_auth::Error),
    /// There was no connection.
    Connect(Cause),
    /// The certificate of the service is not trusted.
    Certificate(Cause),
    /// The connection broke.
    Network(Cause),
    /// An attempt took longer than this.
    Timeout(Duration),
    /// The response is an error.
    Rejected(ErrorResponse),
    /// The response is a success but cannot be used.
    Unreadable { response: ErrorResponse, why: String },
    /// A list makes no progress.
    NoProgress(String),
    /// A list lacks what was looked for, and is not whole.
    NotWhole { what: String },
    /// The store of the rate limits failed.
    RateLimitStore(Cause),
    /// The wait for a permit was longer than allowed.
    Throttled,
    /// The deadline of the call has passed, or is too close.
    Deadline { has_passed: bool },
    /// The caller stopped the call.
    Stopped,
    /// The journal could not record the request.
    Journal(String),
}

/// The error behind an error, e.g. of the HTTP library.
#[derive(Clone, Debug)]
pub(crate) struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Cause {
    /// Keeps an error, or makes one of a text.
    pub(crate) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// Keeps an error of a rate limit store.
    pub(crate) fn of_store(error: Arc<dyn std::error::Error + Send + Sync>) -> Self {
        Self(error)
    }

    fn network(&self) -> Option<&NetworkError> {
        self.0.downcast_ref()
    }
}

/// What the service said in a response that is not a usable success.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorResponse {
    pub(crate) status: u16,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) message: Option<String>,
    pub(crate) body: String,
    pub(crate) is_html: bool,
}

impl ErrorResponse {
    /// Whether a code of the service says what failed. The codes of the gateway before it are numbers.
    fn names_what_failed(&self) -> bool {
        self.code.as_ref().is_some_and(|code| code.as_str().bytes().any(|byte| !byte.is_ascii_digit()))
    }
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Arc::new(Details {
            kind,
            operation: None,
            request_id: None,
            requests: 0,
            may_have_been_applied: false,
            retry_after: None,
            until: None,
            repeated: None,
            run: None,
        }))
    }

    /// Creates the error of an input that cannot be used. The text says which, why, and what to do.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid(message.into()))
    }

    /// Returns the error with other details.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Returns the error of a run that ended early.
    pub(crate) fn of_run(self, run: EndedRun, may_have_been_applied: bool) -> Self {
        self.with(|details| {
            details.run = Some(run);
            details.may_have_been_applied = may_have_been_applied;
        })
    }

    /// Returns the error behind the failure of an outcome. `None` if the outcome was read from a file.
    pub fn of(failure: &CallFailure) -> Option<&Self> {
        failure.downcast_ref()
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    fn response(&self) -> Option<&ErrorResponse> {
        match &self.0.kind {
            Kind::Rejected(response) | Kind::Unreadable { response, .. } => Some(response),
            _ => None,
        }
    }

    /// Whether an input cannot be used: a command, a name, a URL, a setting, a resume token. Nothing was sent.
    pub fn is_invalid_input(&self) -> bool {
        matches!(&self.0.kind, Kind::Invalid(_) | Kind::Command(_) | Kind::Membership(_) | Kind::Unanswered(_))
            || self.login().is_some_and(umapi_auth::Error::is_invalid_input)
    }

    /// Whether there is no access token, because the login failed. [`login`](Self::login) says more.
    pub fn is_login(&self) -> bool {
        self.login().is_some()
    }

    /// Whether the service rejected the access token, and a new one too (status 401), e.g. because it belongs to another
    /// organization.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// Whether the API key lacks the permission, or the organization accepts no changes for now (status 403).
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// Whether Adobe is migrating the organization, which accepts no changes until that is finished.
    pub fn is_migrating(&self) -> bool {
        self.code() == Some(&ErrorCode::OrganizationMigrating)
    }

    /// Whether the user, group, domain, profile or product does not exist, because the service says so: status 404 with a
    /// [`code`](Self::code). A 404 without a code, e.g. the web page of a proxy, or with a number of the gateway says that the
    /// URL is wrong.
    pub fn is_not_found(&self) -> bool {
        self.response().is_some_and(|response| response.status == 404 && response.names_what_failed())
    }

    /// Whether there were too many calls, or would have been: the service responded with 429, or the wait for a permit was
    /// longer than the [`ThrottlePolicy`](crate::ThrottlePolicy) allows. [`until`](Self::until) says when the call is possible
    /// again.
    pub fn is_throttled(&self) -> bool {
        matches!(&self.0.kind, Kind::Throttled) || self.status() == Some(429)
    }

    /// Whether the time of an attempt or of the whole call ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(&self.0.kind, Kind::Timeout(_) | Kind::Deadline { .. })
            || self.login().is_some_and(umapi_auth::Error::is_timeout)
    }

    /// Whether there was no connection to the service. Nothing was sent.
    pub fn is_connect(&self) -> bool {
        matches!(&self.0.kind, Kind::Connect(_) | Kind::Certificate(_))
            || self.login().is_some_and(umapi_auth::Error::is_connect)
    }

    /// Whether the certificate of the service, or of the login, is not trusted because its issuer is unknown, e.g. that of a
    /// proxy that inspects TLS. Nothing was sent. [`HttpOptions::root_certificates`](crate::HttpOptions::root_certificates) adds
    /// the issuer.
    pub fn is_unknown_issuer(&self) -> bool {
        match self.kind() {
            Kind::Certificate(cause) => cause.network().is_some_and(NetworkError::is_unknown_issuer),
            Kind::Login(error) => error.is_unknown_issuer(),
            _ => false,
        }
    }

    /// Whether the service could not be reached, or the connection broke.
    pub fn is_network(&self) -> bool {
        matches!(&self.0.kind, Kind::Connect(_) | Kind::Certificate(_) | Kind::Network(_))
            || self.login().is_some_and(umapi_auth::Error::is_network)
    }

    /// Whether the store of the rate limits failed, which [`source`](std::error::Error::source) says more about. Nothing was
    /// sent for the attempt. See [`RateLimitStore`](crate::RateLimitStore).
    pub fn is_rate_limit_store(&self) -> bool {
        matches!(&self.0.kind, Kind::RateLimitStore(_))
    }

    /// Whether the service takes too long to list the members of a group, which is usually so for good if the group is very
    /// large (status 504). Read all users instead, and keep those with the group in their `groups`: that list has no such limit.
    pub fn is_group_too_large(&self) -> bool {
        self.status() == Some(504) && self.operation() == Some(Operation::ListUsersInGroup.id())
    }

    /// Whether the caller stopped the call with a [`StopHandle`](crate::StopHandle).
    pub fn is_stopped(&self) -> bool {
        matches!(&self.0.kind, Kind::Stopped)
    }

    /// Whether the journal could not be written before a request. Nothing more was sent. See [`Journal`](crate::Journal).
    pub fn is_journal(&self) -> bool {
        matches!(&self.0.kind, Kind::Journal(_))
    }

    /// Whether the response has the status of a success, but is incomplete, too large, not JSON, of another shape, or
    /// contradicts what was requested.
    pub fn is_unreadable(&self) -> bool {
        matches!(&self.0.kind, Kind::Unreadable { .. })
    }

    /// Whether a list makes no progress: the same pages repeat, or all pages are empty.
    pub fn is_endless(&self) -> bool {
        matches!(&self.0.kind, Kind::NoProgress(_))
    }

    /// Whether a list does not have what was looked for, and is not whole: it changed while it was read, or could not be read
    /// in part. So nobody knows whether it exists.
    pub fn is_not_whole(&self) -> bool {
        matches!(&self.0.kind, Kind::NotWhole { .. })
    }

    /// Whether the same call may succeed later: after network failures, timeouts, unreadable responses, 429 and 5xx. For a
    /// call that changes something, check [`may_have_been_applied`](Self::may_have_been_applied) too.
    pub fn is_retryable(&self) -> bool {
        match &self.0.kind {
            Kind::Invalid(_)
            | Kind::Command(_)
            | Kind::Membership(_)
            | Kind::Unanswered(_)
            | Kind::Certificate(_)
            | Kind::Stopped
            | Kind::Journal(_) => false,
            Kind::Login(error) => error.is_retryable(),
            Kind::Rejected(response) => response.status == 429 || response.status == 408 || response.status >= 500,
            Kind::Connect(_)
            | Kind::Network(_)
            | Kind::Timeout(_)
            | Kind::Unreadable { .. }
            | Kind::NoProgress(_)
            | Kind::NotWhole { .. }
            | Kind::RateLimitStore(_)
            | Kind::Throttled
            | Kind::Deadline { .. } => true,
        }
    }

    /// Whether the service may have made the change nevertheless: the request was sent, and no readable response denies it.
    /// For a run that ended early: whether anything of it was done, or may have been.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// The error code of the service, from any of the shapes in which it sends one.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.response().and_then(|response| response.code.as_ref())
    }

    /// The message of the service.
    pub fn service_message(&self) -> Option<&str> {
        self.response().and_then(|response| response.message.as_deref())
    }

    /// The body of the response, at most 4,096 characters, with secrets redacted.
    pub fn body(&self) -> Option<&str> {
        self.response().map(|response| response.body.as_str()).filter(|body| !body.is_empty())
    }

    /// The `X-Request-Id` of the last attempt, for Adobe's support. It exists even if no response arrived.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The `operationId` of the call in the description.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The number of requests that were sent for this call.
    pub fn requests(&self) -> u32 {
        self.0.requests
    }

    /// How long to wait according to the service or the rate limits, counted from when the error occurred.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The end of [`retry_after`](Self::retry_after) on the wall clock.
    pub fn until(&self) -> Option<SystemTime> {
        self.0.until
    }

    /// The report on the run that this error ended: what was done, what was rejected, what may have been done, and what was
    /// not sent. `O` is what the run reports on: [`CommandOutcome`](crate::CommandOutcome), a pair of a key and a
    /// `CommandOutcome`, or [`MembershipOutcome`](crate::MembershipOutcome). `None` for another type, and for errors of other
    /// calls.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client, commands: Vec<umapi::Command>) -> Result<(), umapi::Error> {
    /// use umapi::{Command, CommandOutcome, Error, Report};
    ///
    /// let result: Result<Report, Error> = async { Ok(client.execute(commands).await?) }.await;
    /// if let Err(error) = result {
    ///     let rest: Vec<Command> = match error.report::<CommandOutcome>() {
    ///         Some(report) => report.unsent().cloned().collect(),
    ///         None => return Err(error),
    ///     };
    ///     eprintln!("{error}; {} commands are left", rest.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn report<O: BatchOutcome + 'static>(&self) -> Option<&Report<O>> {
        self.0.run.as_ref()?.report.as_deref()?.downcast_ref()
    }

    /// The number of outcomes of each kind, of the run that this error ended.
    pub fn counts(&self) -> Option<Counts> {
        self.0.run.as_ref().map(|run| run.counts)
    }

    /// The rule that a command breaks, if that is the error.
    pub fn invalid_command(&self) -> Option<&InvalidCommand> {
        match &self.0.kind {
            Kind::Command(invalid) => Some(invalid),
            _ => None,
        }
    }

    /// Why a membership cannot be set, if that is the error.
    pub fn invalid_membership(&self) -> Option<&InvalidMembership> {
        match &self.0.kind {
            Kind::Membership(invalid) => Some(invalid),
            _ => None,
        }
    }

    /// The error of the login, if the login failed.
    pub fn login(&self) -> Option<&umapi_auth::Error> {
        match &self.0.kind {
            Kind::Login(error) => Some(error),
            _ => None,
        }
    }
}

impl Error {
    fn write_not_sent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Earlier attempts may have had a connection.
        if self.requests() == 0 && !self.may_have_been_applied() { f.write_str("; nothing was sent") } else { Ok(()) }
    }
}

/// What failed and what to do. Codes and ids come last, in parentheses. The alternate form, `{:#}`, has the
/// [`source`](std::error::Error::source) too, for a text that stands alone.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Invalid(message) => f.write_str(message)?,
            Kind::Command(invalid) => invalid.fmt(f)?,
            Kind::Membership(invalid) => invalid.fmt(f)?,
            Kind::Unanswered(operation) => f.write_str(&unanswered_text(*operation))?,
            Kind::Login(error) => {
                let is_usable = !error.is_invalid_input();
                f.write_str(if is_usable { "there is no access token" } else { "the credentials cannot be used" })?;
                if f.alternate() {
                    write!(f, ": {error}")?;
                }
            }
            Kind::Connect(cause) => {
                f.write_str("the service cannot be reached")?;
                write_cause(f, cause)?;
                self.write_not_sent(f)?;
                write_remedy(f, cause)?;
            }
            Kind::Certificate(cause) => {
                f.write_str("the certificate of the service is not trusted")?;
                write_cause(f, cause)?;
                self.write_not_sent(f)?;
                write_remedy(f, cause)?;
            }
            Kind::Network(cause) => {
                f.write_str("the connection to the service broke")?;
                write_cause(f, cause)?;
            }
            Kind::Timeout(limit) => {
                write!(f, "no response within {limit:?}; try again later, or allow more time for an attempt")?;
            }
            Kind::Rejected(_) if self.is_group_too_large() => f.write_str(
                "the service takes too long to list the members of this group, probably because it is very large; list all \
                 users instead and keep those in the group",
            )?,
            Kind::Rejected(response) => write_rejected(f, response)?,
            Kind::Unreadable { response, why } => write_unreadable(f, response, why)?,
            Kind::NoProgress(why) => write!(f, "the list of the service does not end: {why}; try again later")?,
            Kind::NotWhole { what } => write!(
                f,
                "nobody knows whether {what} exists: the list does not have it, but changed while it was read, or could not be \
                 read in part; read it again later"
            )?,
            Kind::RateLimitStore(cause) => {
                f.write_str("the store of the rate limits failed")?;
                write_cause(f, cause)?;
                f.write_str(", so nothing is sent; check where the rate limits are stored")?;
            }
            Kind::Throttled => f.write_str("the rate limit requires a longer wait than the throttle policy allows")?,
            Kind::Journal(why) => write!(f, "the journal cannot be written, so nothing more is sent: {why}")?,
            Kind::Stopped => f.write_str("stopped by the caller")?,
            Kind::Deadline { has_passed: true } => {
                f.write_str("the deadline passed before the call finished; allow more time for the call")?;
            }
            Kind::Deadline { has_passed: false } => f.write_str("the call would not finish before its deadline")?,
        }
        if let Some(repeated) = &self.0.repeated {
            write!(f, "; {repeated}")?;
        }
        if let Some(wait) = self.retry_after() {
            write!(f, "; the service accepts calls again in {}", Rounded(wait))?;
        }
        if let Some(run) = &self.0.run {
            write!(f, "; the run ended early: {}", run.summary)?;
        } else if self.may_have_been_applied() {
            f.write_str("; the change may have been made nevertheless, so check before you repeat it")?;
        }
        let mut facts = Vec::new();
        facts.extend(self.operation().map(str::to_owned));
        facts.extend(self.status().map(|status| format!("status {status}")));
        facts.extend(self.code().map(|code| format!("code {code}")));
        // Nobody can look up a request that was not sent.
        let is_sent = !self.is_connect() || self.requests() > 0;
        facts.extend(self.request_id().filter(|_| is_sent).map(|id| format!("request {id}")));
        facts.extend((self.requests() > 1).then(|| format!("{} requests sent", self.requests())));
        if facts.is_empty() { Ok(()) } else { write!(f, " ({})", facts.join(", ")) }
    }
}

/// Writes the cause in the alternate form of a text.
fn write_cause(f: &mut fmt::Formatter<'_>, cause: &Cause) -> fmt::Result {
    if f.alternate() { write!(f, " ({})", innermost(&*cause.0)) } else { Ok(()) }
}

fn write_remedy(f: &mut fmt::Formatter<'_>, cause: &Cause) -> fmt::Result {
    let remedy = cause.network().map_or("check the network, the proxy and the address", NetworkError::remedy);
    write!(f, "; {remedy}")
}

fn write_rejected(f: &mut fmt::Formatter<'_>, response: &ErrorResponse) -> fmt::Result {
    match (&response.message, &response.code) {
        (Some(message), _) => {
            write!(f, "the service rejected the request: {}", message.trim_end_matches('.'))?;
        }
        (None, Some(code)) => write!(f, "the service rejected the request: {code}")?,
        (None, None) if response.is_html => {
            write!(f, "a web page with status {} was returned, probably by a proxy or gateway", response.status)?;
        }
        (None, None) => write!(f, "the service responded with status {}", response.status)?,
    }
    let remedy = response.code.as_ref().and_then(ErrorCode::remedy).or_else(|| remedy(response));
    write!(f, "{}", RemedyInText(remedy))
}

fn write_unreadable(f: &mut fmt::Formatter<'_>, response: &ErrorResponse, why: &str) -> fmt::Result {
    write!(f, "the response of the service cannot be used ({why})")?;
    match (&response.message, &response.code) {
        (Some(message), _) => write!(f, ": {message}"),
        (None, Some(code)) => write!(f, ": {code}"),
        (None, None) => Ok(()),
    }
}

/// What to do about a response that is not of the service.
const CHECK_THE_WAY: &str = "check the URL of the service and the proxy";

/// What to do about a status, for responses that say nothing more.
fn remedy(response: &ErrorResponse) -> Option<&'static str> {
    let is_foreign = response.is_html && response.code.is_none();
    Some(match response.status {
        300..=399 => "requests do not follow a redirect, so use the final address of the service",
        407 if response.code.is_none() => "set the user name and the password in the URL of the proxy",
        400..=406 | 409..=428 if is_foreign => CHECK_THE_WAY,
        404 if is_foreign || !response.names_what_failed() => CHECK_THE_WAY,
        400 => "check the organization id and the parameters",
        401 => {
            "check that the credentials belong to this organization and environment, and include the User Management API"
        }
        403 => {
            "check that the API key belongs to an integration with the User Management API, and that the organization is not \
             being migrated"
        }
        404 => "check the spelling of the name in the Admin Console",
        429 => "wait, and reduce the calls of other programs with the same credentials",
        500.. => "try again later",
        _ => return None,
    })
}

/// A duration in seconds, minutes or days.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: f64 = 86_400.0;
        match self.0.as_secs_f64() {
            seconds if seconds < 120.0 => write!(f, "{seconds:.0} seconds"),
            seconds if seconds < 2.0 * DAY => write!(f, "{:.0} minutes", seconds / 60.0),
            seconds if seconds < 1_000.0 * DAY => write!(f, "{:.0} days", seconds / DAY),
            _ => f.write_str("more than 1000 days"),
        }
    }
}

/// The same text as `{:#}`, on one line, because a `main` that returns an error prints it in this form.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&umapi_http::one_line(&format!("{self:#}")))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            Kind::Login(error) => Some(error),
            Kind::Connect(cause) | Kind::Certificate(cause) | Kind::Network(cause) | Kind::RateLimitStore(cause) => {
                Some(&*cause.0)
            }
            _ => None,
        }
    }
}

impl From<Error> for CallFailure {
    fn from(error: Error) -> Self {
        let failure = Self::new(error.clone())
            .with_requests(error.requests(), error.request_id())
            .with_status(error.status())
            .with_service_error(error.code().cloned(), error.service_message());
        let failure = if error.is_retryable() { failure.retryable() } else { failure };
        let failure = if error.may_have_been_applied() { failure.perhaps_applied() } else { failure };
        if error.is_stopped() { failure.stopped() } else { failure }
    }
}

/// The error that ended the run, with its report: see [`Error::report`].
impl<O: BatchOutcome + Send + Sync + 'static> From<Unfinished<Report<O>>> for Error {
    fn from(unfinished: Unfinished<Report<O>>) -> Self {
        let (error, report) = unfinished.into_parts();
        let may_have_been_applied = report.may_have_been_applied();
        let (summary, counts) = (report.summary(), report.counts());
        error.of_run(EndedRun { summary, counts, report: Some(Arc::new(report)) }, may_have_been_applied)
    }
}

impl From<OutOfBounds> for Error {
    fn from(error: OutOfBounds) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<InvalidCommand> for Error {
    fn from(invalid: InvalidCommand) -> Self {
        Self::new(Kind::Command(invalid))
    }
}

impl From<InvalidMembership> for Error {
    fn from(invalid: InvalidMembership) -> Self {
        Self::new(Kind::Membership(invalid))
    }
}

impl From<InvalidOutcome> for Error {
    fn from(invalid: InvalidOutcome) -> Self {
        Self::invalid(invalid.to_string())
    }
}

impl From<umapi_http::InvalidSetting> for Error {
    fn from(error: umapi_http::InvalidSetting) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<umapi_auth::Error> for Error {
    fn from(error: umapi_auth::Error) -> Self {
        Self::new(Kind::Login(error))
    }
}

#[cfg(test)]
mod tests {
    use umapi_plan::CommandOutcome;

    use super::*;

    fn rejected(status: u16, code: &str) -> Error {
        let code = (!code.is_empty()).then(|| ErrorCode::from(code));
        Error::new(Kind::Rejected(ErrorResponse { status, code, ..ErrorResponse::default() }))
    }

    #[test]
    fn predicates_follow_status_and_code() {
        assert!(rejected(401, "").is_unauthorized() && !rejected(401, "").is_retryable());
        assert!(rejected(404, "error.user.not_found").is_not_found());
        let migrating = rejected(403, "error.organization.migrating");
        assert!(migrating.is_forbidden() && migrating.is_migrating() && !migrating.is_retryable());
        assert!(rejected(429, "429050").is_throttled() && rejected(429, "").is_retryable());
        assert!(Error::new(Kind::Throttled).is_throttled());
        assert!(Error::new(Kind::Deadline { has_passed: true }).is_timeout());
        assert!(rejected(503, "").is_retryable() && !rejected(400, "").is_retryable());
        assert!(Error::invalid("x").is_invalid_input());
    }

    #[test]
    fn the_debug_form_is_the_text_on_one_line() {
        let error = rejected(404, "error.user.not_found").with(|details| {
            details.operation = Some("getUser");
            details.request_id = Some("r-1".to_owned());
        });
        assert_eq!(format!("{error:?}"), format!("{error:#}"));
        assert_eq!(format!("{:?}", Error::invalid("a\r\nb")), "a\\r\\nb");
        let login = Error::from(umapi_auth::Error::other("no connection"));
        assert_eq!(format!("{login:?}"), "there is no access token: no connection");
        let unfinished = Unfinished::new(Report::<CommandOutcome>::new([]), error.clone());
        assert_eq!(format!("{unfinished:?}"), format!("{unfinished}: {error:#}"));
    }

    #[test]
    fn a_deadline_that_passed_differs_from_one_that_is_too_close() {
        let text = |has_passed| Error::new(Kind::Deadline { has_passed }).to_string();
        assert!(text(true).contains("the deadline passed") && !text(true).contains("would not"), "{}", text(true));
        assert!(text(false).contains("would not finish before its deadline"), "{}", text(false));
    }

    #[test]
    fn a_group_that_is_too_large_has_a_remedy() {
        let of = |status, operation: Operation| {
            rejected(status, "").with(|details| details.operation = Some(operation.id()))
        };
        let error = of(504, Operation::ListUsersInGroup);
        assert!(error.is_group_too_large() && error.to_string().contains("list all users"), "{error}");
        assert!(!of(504, Operation::ListUsers).is_group_too_large());
        assert!(!of(503, Operation::ListUsersInGroup).is_group_too_large());
    }

    #[test]
    fn the_text_has_the_remedy_first_and_the_codes_last() {
        let error = rejected(403, "403003").with(|details| {
            details.operation = Some("getUser");
            details.request_id = Some("r-1".to_owned());
        });
        let text = error.to_string();
        assert!(text.contains(ErrorCode::Gateway403003.remedy().unwrap().trim_end_matches('.')), "{text}");
        assert!(text.ends_with(" (getUser, status 403, code 403003, request r-1)"), "{text}");
    }

    #[test]
    fn the_source_keeps_the_cause_and_the_text_does_not_repeat_it() {
        let refused = || Cause::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        let login = || umapi_auth::Error::other("connection refused");
        for kind in [
            Kind::Connect(refused()),
            Kind::Certificate(refused()),
            Kind::Network(refused()),
            Kind::RateLimitStore(refused()),
            Kind::Login(login()),
        ] {
            let error = Error::new(kind);
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, "connection refused");
            assert!(!error.to_string().contains(&cause), "{error}");
            assert_eq!(format!("{error:#}").matches(&cause).count(), 1, "{error:#}");
        }
    }

    #[test]
    fn an_ended_run_keeps_its_counts_and_its_report() {
        let commands = ["a@b.c", "d@e.f"].map(|user| umapi_plan::Command::user(user).remove_from_org());
        let [done, left] = &commands;
        let cause = || Error::new(Kind::Throttled);
        let report =
            Report::new([CommandOutcome::completed(done), CommandOutcome::not_sent(left, CallFailure::from(cause()))])
                .with_requests(1);
        let error = Error::from(Unfinished::new(report.clone(), cause()));
        assert!(error.is_throttled() && error.may_have_been_applied() && !cause().may_have_been_applied());
        assert_eq!(error.report(), Some(&report));
        assert_eq!(error.report::<umapi_plan::MembershipOutcome>(), None);
        assert_eq!(error.counts(), Some(Counts::new().with_completed(1).with_not_sent(1)));
        let text = error.to_string();
        let counts = "the run ended early: 2 commands in 1 request: 1 completed, 0 rejected, 1 not sent, 0 unknown";
        assert!(text.contains(counts) && !text.contains("nevertheless"), "{text}");
        assert_eq!(error.report::<CommandOutcome>().unwrap().unsent().collect::<Vec<_>>(), [left]);
        assert!(cause().report::<CommandOutcome>().is_none() && cause().counts().is_none());
    }

    #[test]
    fn a_run_of_which_nothing_was_sent_changed_nothing() {
        let command = umapi_plan::Command::user("a@b.c").remove_from_org();
        let lost = Error::new(Kind::Stopped);
        let outcome = CommandOutcome::not_sent(&command, CallFailure::from(lost.clone()));
        let error = Error::from(Unfinished::new(Report::new([outcome]), lost.clone()));
        assert!(error.is_stopped() && !error.may_have_been_applied());
        let tried = Report::new([CommandOutcome::completed(&command)]).with_test_mode(true);
        assert!(!Error::from(Unfinished::new(tried, lost)).may_have_been_applied());
    }

    #[test]
    fn failures_of_outcomes_keep_what_the_error_says() {
        let error = rejected(503, "error.internal.add").with(|details| {
            details.may_have_been_applied = true;
            details.requests = 2;
            details.request_id = Some("r-1".to_owned());
        });
        let failure = CallFailure::from(error.clone());
        let json = serde_json::to_string(&failure).unwrap();
        let read: CallFailure = serde_json::from_str(&json).unwrap();
        assert_eq!(read, failure);
        assert!(Error::of(&failure).is_some() && Error::of(&read).is_none());
        for failure in [failure, read] {
            assert_eq!((failure.status(), failure.requests(), failure.request_id()), (Some(503), 2, Some("r-1")));
            assert!(failure.is_retryable() && failure.may_have_been_applied() && !failure.is_stopped());
            assert_eq!(format!("{failure:#}"), format!("{error:#}"));
        }
        assert!(CallFailure::from(Error::new(Kind::Stopped)).is_stopped());
    }

    #[test]
    fn rules_keep_their_own_errors() {
        let invalid = umapi_plan::Command::user("a@b.c").add_to([""]).check().unwrap_err();
        let error = Error::from(invalid.clone());
        assert!(error.is_invalid_input() && !error.is_retryable());
        assert_eq!((error.invalid_command(), error.to_string()), (Some(&invalid), invalid.to_string()));
        let invalid = umapi_plan::Memberships::new().add("a@b.c", "").plan().unwrap_err();
        let error = Error::from(invalid.clone());
        assert!(error.is_invalid_input() && error.invalid_command().is_none());
        assert_eq!((error.invalid_membership(), error.to_string()), (Some(&invalid), invalid.to_string()));
    }

    #[test]
    fn the_text_says_that_a_change_may_have_been_made() {
        let error = Error::new(Kind::Timeout(Duration::from_secs(5))).with(|details| {
            details.may_have_been_applied = true;
            details.requests = 3;
        });
        let text = error.to_string();
        assert!(text.contains("5s") && text.contains("may have been made") && text.contains("3 requests"), "{text}");
    }
}
