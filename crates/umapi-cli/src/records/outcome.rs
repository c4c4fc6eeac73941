//! What became of a command.

use serde::{Deserialize, Serialize};
use umapi::batch::{CommandOutcome, Outcome};

use crate::output::{Column, Record, column, hidden_column};

/// How a command ended, in the word that results have for it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Completed,
    Rejected,
    NotSent,
    Unknown,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::NotSent => "not-sent",
            Self::Unknown => "unknown",
        }
    }
}

/// What became of a command, or of a membership.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct OutcomeRecord {
    /// Counted from 1, in the order in which the commands were given.
    pub(crate) number: u64,
    /// The line of the file on which the command begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// The user or user group that it is about.
    pub(crate) subject: String,
    pub(crate) outcome: Verdict,
    /// What the service said, by its codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) codes: Vec<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The ids of the requests that it was in, for Adobe's support.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) requests: Vec<String>,
    /// What was done and should be asked for in another way, or is good to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

impl OutcomeRecord {
    pub(crate) fn of(outcome: &CommandOutcome, line: Option<u64>) -> Self {
        let (verdict, why) = match outcome.outcome() {
            Outcome::Completed => (Verdict::Completed, None),
            Outcome::Rejected { .. } => (Verdict::Rejected, None),
            Outcome::NotSent { why } => (Verdict::NotSent, Some(why.to_string())),
            Outcome::Unknown { why } => (Verdict::Unknown, Some(why.to_string())),
            other => (Verdict::Unknown, Some(other.to_string())),
        };
        let messages: Vec<String> = why.into_iter().chain(outcome.errors().iter().map(ToString::to_string)).collect();
        let warnings = outcome.warnings().iter().map(ToString::to_string);
        Self {
            number: outcome.number() as u64 + 1,
            line,
            subject: outcome.root().to_owned(),
            outcome: verdict,
            codes: outcome.errors().iter().map(|error| error.code.as_str().to_owned()).collect(),
            message: (!messages.is_empty()).then(|| messages.join("; ")),
            requests: outcome.request_ids().map(str::to_owned).collect(),
            warnings: warnings.chain(outcome.notices().iter().map(ToString::to_string)).collect(),
        }
    }
}

impl Record for OutcomeRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("number", |record: &Self| (&record.number).into()),
            hidden_column("line", |record| (&record.line).into()),
            column("subject", |record| (&record.subject).into()),
            column("outcome", |record| record.outcome.as_str().into()),
            hidden_column("codes", |record| (&record.codes).into()),
            column("message", |record| (&record.message).into()),
            hidden_column("requests", |record| (&record.requests).into()),
            column("warnings", |record| (&record.warnings).into()),
        ]
    }
}
