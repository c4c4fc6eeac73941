//! Membership changes in results.

use serde::Serialize;
use umapi::{AccountKind, MembershipAction, MembershipOutcome, Outcome};

use super::PlannedChange;
use crate::{
    input::desired::Located,
    output::{Cell, Column, OutcomeStatus, Record, column, explain, hidden_column},
    summary::Ended,
};

/// The outcome of a membership change.
#[derive(Debug, Serialize)]
pub(crate) struct MembershipRecord {
    /// Counted from 1.
    number: u64,
    /// The line of the input file that asks for the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    action: &'static str,
    user: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
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
    pub(super) fn new(planned: &PlannedChange, outcome: &MembershipOutcome) -> Self {
        let (status, message) = match outcome.outcome() {
            Outcome::Completed => (OutcomeStatus::Completed, None),
            Outcome::Rejected { errors } => {
                let messages: Vec<String> = errors.iter().map(explain::step_error).collect();
                (OutcomeStatus::Rejected, Some(messages.join("; ")))
            }
            Outcome::NotSent { why } => (OutcomeStatus::NotSent, Some(explain::not_sent(why))),
            Outcome::Unknown { why } => (OutcomeStatus::Unknown, Some(explain::unknown(why))),
            other => (OutcomeStatus::Unknown, Some(other.to_string())),
        };
        Self {
            codes: outcome.error().map(|error| error.code.as_str().to_owned()).into_iter().collect(),
            message,
            requests: outcome.request_id().map(str::to_owned).into_iter().collect(),
            ..Self::with_status(planned, status)
        }
    }

    /// The record of a removal of a user who does not exist.
    pub(super) fn not_found(planned: &PlannedChange) -> Self {
        let message = Some("no such user in the organization; nothing was sent".to_owned());
        Self { message, ..Self::with_status(planned, OutcomeStatus::NotFound) }
    }

    fn with_status(PlannedChange { number, change, line }: &PlannedChange, outcome: OutcomeStatus) -> Self {
        Self {
            number: *number,
            line: *line,
            action: action_name(change.action),
            user: change.user.name().to_owned(),
            kind: change.user.kind().map(AccountKind::as_str),
            domain: change.user.domain().map(str::to_owned),
            group: change.group.name().to_owned(),
            outcome,
            codes: Vec::new(),
            message: None,
            requests: Vec::new(),
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
            hidden_column("line", |record| (&record.line).into()),
            column("action", |record| record.action.into()),
            column("user", |record| (&record.user).into()),
            column("group", |record| (&record.group).into()),
            column("outcome", |record| record.outcome.as_str().into()),
            hidden_column("codes", |record| (&record.codes).into()),
            column("message", |record| (&record.message).into()),
            hidden_column("requests", |record| (&record.requests).into()),
            hidden_column("type", |record| record.kind.map_or(Cell::Missing, Into::into)),
            hidden_column("domain", |record| (&record.domain).into()),
        ]
    }
}

/// A membership change in a plan.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ChangeRecord {
    action: &'static str,
    /// Empty for a group to create.
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

impl ChangeRecord {
    /// A user group to create.
    pub(crate) fn new_group(group: &Located<String>) -> Self {
        let line = group.location.line;
        let group = group.name.clone();
        Self { action: "create-group", user: String::new(), kind: None, domain: None, group, line }
    }
}

impl From<&PlannedChange> for ChangeRecord {
    fn from(PlannedChange { change, line, .. }: &PlannedChange) -> Self {
        Self {
            action: action_name(change.action),
            user: change.user.name().to_owned(),
            kind: change.user.kind().map(AccountKind::as_str),
            domain: change.user.domain().map(str::to_owned),
            group: change.group.name().to_owned(),
            line: *line,
        }
    }
}

impl Record for ChangeRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("action", |record: &Self| record.action.into()),
            column("user", |record| (&record.user).into()),
            column("group", |record| (&record.group).into()),
            hidden_column("line", |record| (&record.line).into()),
            hidden_column("type", |record| record.kind.map_or(Cell::Missing, Into::into)),
            hidden_column("domain", |record| (&record.domain).into()),
        ]
    }
}

fn action_name(action: MembershipAction) -> &'static str {
    match action {
        MembershipAction::Add => "add",
        MembershipAction::Remove => "remove",
    }
}
