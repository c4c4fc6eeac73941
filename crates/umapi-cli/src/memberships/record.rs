//! Memberships in results.

use serde::Serialize;
use umapi::{MembershipAction, MembershipOutcome, Outcome};

use crate::{
    batch::Ended,
    output::{Column, OutcomeStatus, Record, column, hidden_column},
};

/// What became of a membership.
#[derive(Debug, Serialize)]
pub(crate) struct MembershipRecord {
    /// Counted from 1.
    number: u64,
    action: &'static str,
    user: String,
    group: String,
    outcome: OutcomeStatus,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requests: Vec<String>,
}

impl MembershipRecord {
    pub(super) fn of(outcome: &MembershipOutcome) -> Self {
        let (verdict, message) = match outcome.outcome() {
            Outcome::Completed => (OutcomeStatus::Completed, None),
            Outcome::Rejected { errors } => {
                let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
                (OutcomeStatus::Rejected, Some(messages.join("; ")))
            }
            Outcome::NotSent { why } => (OutcomeStatus::NotSent, Some(why.to_string())),
            Outcome::Unknown { why } => (OutcomeStatus::Unknown, Some(why.to_string())),
            other => (OutcomeStatus::Unknown, Some(other.to_string())),
        };
        let edge = outcome.edge();
        Self {
            number: outcome.number() as u64 + 1,
            action: name_of(edge.action),
            user: edge.user.name().to_owned(),
            group: edge.group.name().to_owned(),
            outcome: verdict,
            codes: outcome.error().map(|error| error.code.as_str().to_owned()).into_iter().collect(),
            message,
            requests: outcome.request_id().map(str::to_owned).into_iter().collect(),
        }
    }
}

impl Ended for MembershipRecord {
    fn verdict(&self) -> OutcomeStatus {
        self.outcome
    }

    fn has_warnings(&self) -> bool {
        false
    }
}

impl Record for MembershipRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("number", |record: &Self| (&record.number).into()),
            column("action", |record| record.action.into()),
            column("user", |record| (&record.user).into()),
            column("group", |record| (&record.group).into()),
            column("outcome", |record| record.outcome.as_str().into()),
            hidden_column("codes", |record| (&record.codes).into()),
            column("message", |record| (&record.message).into()),
            hidden_column("requests", |record| (&record.requests).into()),
        ]
    }
}

/// A membership that a plan changes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ChangeRecord {
    pub(crate) action: &'static str,
    pub(crate) user: String,
    pub(crate) group: String,
}

impl Record for ChangeRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("action", |record: &Self| record.action.into()),
            column("user", |record| (&record.user).into()),
            column("group", |record| (&record.group).into()),
        ]
    }
}

/// The word that results have for it.
pub(super) fn name_of(action: MembershipAction) -> &'static str {
    match action {
        MembershipAction::Add => "add",
        MembershipAction::Remove => "remove",
    }
}
