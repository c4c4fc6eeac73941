//! The records of `umapi sync`.

use serde::Serialize;
use umapi::AccountKind;
use umapi_sync::{AccountRecord, Action, Change, config::UpdatableField};

use crate::{
    output::{Cell, Column, OutcomeStatus, Record, column, hidden_column},
    summary::Ended,
};

/// A change of a plan.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PlannedRecord {
    /// Counted from 1 in all organizations.
    pub(crate) number: u64,
    org: String,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
}

/// A change of a plan, and its outcome.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SyncRecord {
    #[serde(flatten)]
    planned: PlannedRecord,
    outcome: OutcomeStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
}

/// A group of Adobe, as `umapi sync check` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct GroupCheck {
    pub(crate) org: String,
    pub(crate) group: String,
    pub(crate) sources: Vec<String>,
    /// How many people it is to have; `None` if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) people: Option<u64>,
    /// How many members it has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<u64>,
    pub(crate) state: String,
}

/// What a run would do about a person, and why.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    pub(crate) about: String,
    pub(crate) value: String,
}

impl PlannedRecord {
    pub(crate) fn new(number: u64, org: &str, change: &Change) -> Self {
        let (group, details) = match &change.action {
            Action::CreateGroup { group } => (Some(group.clone()), None),
            Action::CreateUser { email, .. } => {
                let is_name = change.user.as_ref().is_some_and(|user| user.name == *email);
                (None, (!is_name).then(|| email.clone()))
            }
            Action::UpdateUser { fields } => {
                let changes = fields.iter().map(|(field, change): (&UpdatableField, _)| {
                    format!("{field}: {} -> {}", change.from.as_deref().unwrap_or("nothing"), change.to)
                });
                (None, Some(changes.collect::<Vec<_>>().join("; ")))
            }
            Action::Add { group, .. } => (Some(group.clone()), None),
            Action::Remove(removal) => (Some(removal.group().to_owned()), None),
            Action::RemoveFromOrg(_) => (None, None),
        };
        Self {
            number,
            org: org.to_owned(),
            action: change.action.name(),
            user: change.user.as_ref().map(shown),
            kind: change.user.as_ref().and_then(|user| user.kind).map(AccountKind::as_str),
            group,
            details,
            reason: change.reason.to_string(),
            person: change.person.as_ref().map(ToString::to_string),
        }
    }
}

impl PlannedRecord {
    /// The change on one line, for a question.
    pub(crate) fn line(&self) -> String {
        let parts = [Some(self.action), self.user.as_deref(), self.group.as_deref(), self.details.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl SyncRecord {
    pub(crate) fn new(
        planned: PlannedRecord,
        outcome: OutcomeStatus,
        message: Option<String>,
        codes: Vec<String>,
    ) -> Self {
        Self { planned, outcome, message, codes }
    }
}

/// A user, as a table shows one.
pub(crate) fn shown(user: &AccountRecord) -> String {
    match &user.domain {
        Some(domain) => format!("{} of {domain}", user.name),
        None => user.name.clone(),
    }
}

impl Record for PlannedRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            hidden_column("number", |record: &Self| record.number.into()),
            hidden_column("org", |record| (&record.org).into()),
            column("action", |record| record.action.into()),
            column("user", |record| (&record.user).into()),
            hidden_column("type", |record| record.kind.map_or(Cell::Missing, Into::into)),
            column("group", |record| (&record.group).into()),
            column("details", |record| (&record.details).into()),
            column("reason", |record| (&record.reason).into()),
            hidden_column("person", |record| (&record.person).into()),
        ]
    }
}

impl Record for SyncRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("number", |record: &Self| record.planned.number.into()),
            hidden_column("org", |record| (&record.planned.org).into()),
            column("action", |record| record.planned.action.into()),
            column("user", |record| (&record.planned.user).into()),
            hidden_column("type", |record| record.planned.kind.map_or(Cell::Missing, Into::into)),
            column("group", |record| (&record.planned.group).into()),
            hidden_column("details", |record| (&record.planned.details).into()),
            hidden_column("reason", |record| (&record.planned.reason).into()),
            hidden_column("person", |record| (&record.planned.person).into()),
            column("outcome", |record| record.outcome.as_str().into()),
            column("message", |record| (&record.message).into()),
            hidden_column("codes", |record| (&record.codes).into()),
        ]
    }
}

impl Ended for SyncRecord {
    fn verdict(&self) -> OutcomeStatus {
        self.outcome
    }

    fn has_warnings(&self) -> bool {
        false
    }
}

impl Record for GroupCheck {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("org", |record: &Self| (&record.org).into()),
            column("group", |record| (&record.group).into()),
            column("sources", |record| (&record.sources).into()),
            column("people", |record| (&record.people).into()),
            column("members", |record| (&record.members).into()),
            column("state", |record| (&record.state).into()),
        ]
    }
}

impl Record for Explanation {
    fn columns() -> Vec<Column<Self>> {
        vec![column("about", |record: &Self| (&record.about).into()), column("value", |record| (&record.value).into())]
    }
}
