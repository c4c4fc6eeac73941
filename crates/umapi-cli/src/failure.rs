//! Failed calls of the command: what failed, why, what to do, and the exit code.

use std::{fmt, io, process::ExitCode};

use anstyle::{AnsiColor, Style};
use umapi::{Error, auth};

use crate::output::{Level, escape, explain, time};

/// The result of a part of the command.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// How a call ends, as an exit code. The numbers are part of the stable interface: see `umapi help exit-codes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything succeeded.
    Success = 0,
    /// The service rejected a part of it, or something failed that has no code of its own.
    Failed = 1,
    /// The arguments, the configuration or an input file are wrong. Nothing was sent.
    Usage = 2,
    /// The login was rejected.
    Login = 3,
    /// The service asked for a longer wait than allowed.
    RateLimited = 4,
    /// The service could not be reached, or did not answer.
    Network = 5,
    /// A user to be removed was not found. Everything else succeeded.
    NotFound = 6,
    /// Stopped by Ctrl-C or a signal.
    Interrupted = 130,
}

impl Exit {
    /// Returns the more severe of two exit codes of one call.
    pub(crate) fn most_severe(self, other: Self) -> Self {
        if self.severity() >= other.severity() { self } else { other }
    }

    /// Says how the call ended.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Usage => "wrong input",
            Self::Login => "login rejected",
            Self::RateLimited => "rate limited",
            Self::Network => "service not reached",
            Self::NotFound => "not found",
            Self::Interrupted => "interrupted",
        }
    }

    /// How important it is to know.
    pub(crate) fn level(self) -> Level {
        if self == Self::Success { Level::Info } else { Level::Error }
    }

    /// An interruption counts most, then whatever kept the rest from being sent.
    fn severity(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::NotFound => 1,
            Self::Failed => 2,
            Self::Usage => 3,
            Self::Network => 4,
            Self::RateLimited => 5,
            Self::Login => 6,
            Self::Interrupted => 7,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failed call: what failed, why, what to do, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    why: Vec<String>,
    remedy: Option<String>,
    exit: Exit,
    is_reader_closed: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { what: escape(&what.into()), why: Vec::new(), remedy: None, exit, is_reader_closed: false }
    }

    /// A failure with the exit code of mistakes in arguments, configuration or files.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// A failure on this machine, e.g. of a disk.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// A failed call of the service.
    pub(crate) fn of_service(what: impl Into<String>, error: &Error) -> Self {
        let failure = Self::new(exit_of(error), what).why(explain::call_error(error));
        match remedy_of(error) {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        }
    }

    /// A failed login.
    pub(crate) fn of_login(what: impl Into<String>, error: &auth::Error) -> Self {
        Self::of_service(what, &Error::from(error.clone()))
    }

    /// The reader of a list closed the pipe, as in `umapi users list | head`: not an error.
    pub(crate) fn reader_closed() -> Self {
        Self { is_reader_closed: true, ..Self::new(Exit::Success, "the reader of the result closed the pipe") }
    }

    pub(crate) fn is_reader_closed(&self) -> bool {
        self.is_reader_closed
    }

    /// Adds a cause; several are shown one below the other.
    pub(crate) fn why(mut self, cause: impl fmt::Display) -> Self {
        let cause = cause.to_string();
        self.why.push(escape(without_error_number(&cause)));
        self
    }

    /// Sets what to do about it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(escape(&remedy.into()));
        self
    }

    /// Changes the causes and what to do about them.
    pub(crate) fn map_text(mut self, change: impl Fn(&str) -> String) -> Self {
        self.why = self.why.iter().map(|cause| change(cause)).collect();
        self.remedy = self.remedy.as_deref().map(change);
        self
    }

    /// Sets the exit code.
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// What failed.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Why it failed.
    pub(crate) fn causes(&self) -> &[String] {
        &self.why
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// Writes all parts, in color where the writer supports it.
    pub(crate) fn show(&self, out: &mut impl io::Write) -> io::Result<()> {
        let error = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        let label = Style::new().bold();
        writeln!(out, "{error}error:{error:#} {}", self.what)?;
        for cause in &self.why {
            writeln!(out, "  {label}cause:{label:#} {}", cause.replace('\n', "\n         "))?;
        }
        if let Some(remedy) = &self.remedy {
            writeln!(out, "  {label}help:{label:#}  {}", remedy.replace('\n', "\n         "))?;
        }
        Ok(())
    }
}

/// A failed write of a result. A closed pipe is not an error: see [`Failure::reader_closed`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::reader_closed();
        }
        Self::failed("cannot write the result").why(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for cause in &self.why {
            write!(f, ": {cause}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

/// Returns the exit code of a call that failed with this error.
pub(crate) fn exit_of(error: &Error) -> Exit {
    if let Some(login) = error.login() {
        return match () {
            () if login.is_invalid_input() => Exit::Usage,
            () if login.is_throttled() => Exit::RateLimited,
            () if login.is_retryable() || login.is_network() => Exit::Network,
            () => Exit::Login,
        };
    }
    match error.status() {
        _ if error.is_stopped() => Exit::Interrupted,
        _ if error.is_invalid_input() => Exit::Usage,
        _ if error.is_throttled() => Exit::RateLimited,
        Some(401) => Exit::Login,
        Some(403) if !error.is_migrating() => Exit::Login,
        _ if error.is_retryable() || error.is_network() || error.is_unreadable() => Exit::Network,
        _ => Exit::Failed,
    }
}

fn remedy_of(error: &Error) -> Option<String> {
    if error.is_unknown_issuer() {
        return Some(
            "ask your administrators for the certificate of that authority as PEM; set its file as `root_certificates` in the\n\
             profile (--root-certificates FILE of \"umapi config add\"), or in the variable UMAPI_ROOT_CERTIFICATES"
                .to_owned(),
        );
    }
    if error.is_rate_limit_store() || error.login().is_some_and(auth::Error::is_unavailable) {
        return Some("see \"umapi help shared-limits\" for what calls can do without Redis".to_owned());
    }
    match exit_of(error) {
        Exit::Login => Some("run \"umapi auth check\" to see what is missing".to_owned()),
        Exit::RateLimited => Some(match error.until() {
            Some(until) => {
                let now = error.retry_after().and_then(|wait| until.checked_sub(wait)).unwrap_or(until);
                format!("try again at {}, or allow a longer wait with --max-wait", time::local_near(until, now))
            }
            None => "try again later, or allow a longer wait with --max-wait".to_owned(),
        }),
        Exit::Network if error.is_timeout() => {
            Some("try again, or allow more time for a request with --timeout".to_owned())
        }
        Exit::Network => Some("try again; if it fails again, check the network, the proxy and the address".to_owned()),
        _ => error.code().and_then(explain::remedy).map(str::to_owned),
    }
}

/// A cause without the number that Rust puts behind the words of the operating system: `No such file or directory (os error
/// 2)`. It tells an administrator nothing.
fn without_error_number(cause: &str) -> &str {
    match cause.rsplit_once(" (os error ") {
        Some((words, number)) if number.trim_end_matches(')').parse::<i32>().is_ok() => words,
        _ => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_have_no_number_of_the_operating_system() {
        let cause = |cause: &str| Failure::usage("x").why(cause).to_string();
        let missing = io::Error::from_raw_os_error(2).to_string();
        assert!(missing.contains("os error"), "{missing}");
        assert!(!cause(&missing).contains("os error"), "{}", cause(&missing));
        assert!(cause("users.csv (os error x)").ends_with("(os error x)"));
    }

    #[test]
    fn failure_shows_what_why_and_what_to_do() {
        let failure = Failure::usage("cannot read users.csv").why("no such file").remedy("check the path");
        let mut shown = anstream::StripStream::new(Vec::new());
        failure.show(&mut shown).unwrap();
        let shown = String::from_utf8(shown.into_inner()).unwrap();
        assert_eq!(shown, "error: cannot read users.csv\n  cause: no such file\n  help:  check the path\n");
        assert_eq!(failure.exit(), Exit::Usage);
    }

    #[test]
    fn most_severe_exit_code_is_returned() {
        assert_eq!(Exit::Failed.most_severe(Exit::Login), Exit::Login);
        assert_eq!(Exit::Interrupted.most_severe(Exit::Login), Exit::Interrupted);
        assert_eq!(Exit::Success.most_severe(Exit::NotFound), Exit::NotFound);
        assert_eq!(Exit::NotFound.most_severe(Exit::Failed), Exit::Failed);
    }
}
