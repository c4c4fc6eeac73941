use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::observe::Names;
use crate::journal::{Exchange, Repetition};
use crate::store::{ChangeKind, LedgerEntry};

/// A date and time as JSON has it.
pub(super) fn moment(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(&Rfc3339).unwrap_or_default()
}

fn moment_of_millis(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExchangeView<'a> {
    seq: u64,
    at: String,
    took_milliseconds: f64,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    faults: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    effects: Option<Effects>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Effects {
    after: i64,
    up_to: i64,
}

impl<'a> ExchangeView<'a> {
    pub(super) fn of(exchange: &'a Exchange) -> Self {
        Self {
            seq: exchange.seq,
            at: moment(exchange.at),
            took_milliseconds: exchange.took.as_secs_f64() * 1000.0,
            request_id: &exchange.request_id,
            operation: exchange.operation,
            organization: exchange.organization.as_deref(),
            client: exchange.client.as_deref(),
            method: &exchange.method,
            path: &exchange.path,
            query: exchange.query.as_deref(),
            headers: &exchange.headers,
            body: exchange.body.as_deref(),
            status: exchange.status,
            answer: exchange.answer.as_deref(),
            faults: &exchange.faults,
            effects: exchange.effects.map(|(after, up_to)| Effects { after, up_to }),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ChangeView<'a> {
    seq: i64,
    at: String,
    request: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
    organization: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl<'a> ChangeView<'a> {
    pub(super) fn of(entry: &'a LedgerEntry, names: &'a Names) -> Self {
        Self {
            seq: entry.seq,
            at: moment_of_millis(entry.cause.at),
            request: &entry.cause.request,
            command: entry.cause.command,
            step: entry.cause.step,
            organization: names.of(entry.org),
            kind: kind(entry.kind),
            user: entry.user.as_deref(),
            group: entry.group.as_deref(),
            detail: entry.detail.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct RepetitionView<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    changes: Vec<ChangeView<'a>>,
}

impl<'a> RepetitionView<'a> {
    pub(super) fn of(repetition: &'a Repetition, names: &'a Names) -> Self {
        Self {
            kind: kind(repetition.kind),
            user: repetition.user.as_deref(),
            group: repetition.group.as_deref(),
            changes: repetition.entries.iter().map(|entry| ChangeView::of(entry, names)).collect(),
        }
    }
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::UserCreated => "userCreated",
        ChangeKind::UserUpdated => "userUpdated",
        ChangeKind::UserJoined => "userJoined",
        ChangeKind::UserLeft => "userLeft",
        ChangeKind::UserDeleted => "userDeleted",
        ChangeKind::StatusChanged => "statusChanged",
        ChangeKind::PasswordReset => "passwordReset",
        ChangeKind::MemberAdded => "memberAdded",
        ChangeKind::MemberRemoved => "memberRemoved",
        ChangeKind::ProfileAttached => "profileAttached",
        ChangeKind::ProfileDetached => "profileDetached",
        ChangeKind::GroupCreated => "groupCreated",
        ChangeKind::GroupUpdated => "groupUpdated",
        ChangeKind::GroupDeleted => "groupDeleted",
    }
}
