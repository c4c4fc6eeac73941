//! A run that ended early.

use std::{error, fmt};

use crate::error::Error;

/// A run that ended early, with the report on all of it: what was done, what was rejected, what may have been done, and
/// what was not sent.
///
/// ```no_run
/// # async fn run(client: umapi::Client, commands: Vec<umapi::Command>) {
/// match client.execute(commands).await {
///     Ok(report) => println!("{report}"),
///     Err(unfinished) => {
///         eprintln!("{unfinished}");
///         let rest = unfinished.into_report().into_unsent();
///         println!("{} commands are left for another time", rest.len());
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Unfinished<R> {
    report: Box<R>,
    error: Error,
}

impl<R> Unfinished<R> {
    pub(super) fn new(report: R, error: Error) -> Self {
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
}

impl<R: fmt::Display> fmt::Display for Unfinished<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped early: {}", self.report)
    }
}

impl<R: fmt::Debug + fmt::Display> error::Error for Unfinished<R> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}
