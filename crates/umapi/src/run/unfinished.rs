//! A run that ended early.

use std::{error, fmt};

use umapi_plan::{BatchOutcome, Report};

use crate::error::Error;

/// A run that ended early, with the report on all of it: what was done, what was rejected, what may have been done, and
/// what was not sent.
///
/// ```no_run
/// # async fn run(client: umapi::Client, commands: Vec<umapi::Command>) {
/// match client.execute(commands).await {
///     Ok(report) => println!("{report}"),
///     Err(unfinished) => {
///         eprintln!("{unfinished}: {}", unfinished.error());
///         let rest = unfinished.into_report().into_unsent();
///         println!("{} commands are left for another time", rest.len());
///     }
/// }
/// # }
/// ```
///
/// With `?` it becomes an [`Error`], which keeps the report: see [`Error::report`]. Keys must be [`Sync`] for that.
///
/// A test makes one with [`new`](Self::new).
#[derive(Clone)]
pub struct Unfinished<R = Report> {
    report: Box<R>,
    error: Error,
}

impl<R> Unfinished<R> {
    /// A run that this error ended, and its report.
    #[must_use]
    pub fn new(report: R, error: Error) -> Self {
        Self { report: Box::new(report), error }
    }

    /// The report on everything.
    #[must_use]
    pub fn report(&self) -> &R {
        &self.report
    }

    /// Consumes it and returns the report.
    #[must_use]
    pub fn into_report(self) -> R {
        *self.report
    }

    /// Why the run ended.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    pub(crate) fn into_parts(self) -> (Error, R) {
        (self.error, *self.report)
    }
}

/// The counts of the outcomes. The [`source`](error::Error::source) says why the run ended.
impl<O: BatchOutcome> fmt::Display for Unfinished<Report<O>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the run ended early: {}", self.report.summary())
    }
}

/// The counts and why the run ended, on one line, because a `main` that returns an error prints it in this form. The
/// [`report`](Self::report) has the outcomes.
impl<O: BatchOutcome> fmt::Debug for Unfinished<Report<O>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {:?}", self.error)
    }
}

impl<O: BatchOutcome> error::Error for Unfinished<Report<O>> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}
