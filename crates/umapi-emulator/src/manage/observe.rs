//! The endpoints of the emulator's own parts: health, violations, clock, fault rules, rate limits, journal and ledger.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use umapi_model::AnyOperation;

use super::{
    ManageError,
    endpoints::{Context, created, done, ok},
    organization,
};
use crate::{
    faults::FaultRule,
    http::Response,
    journal::{HttpExchange, Repetition, repetitions},
    limits::{ExceededLimit, LimitSettings},
    store::{ChangeKind, LedgerEntry, OrgId, Reader, StoreError, fold},
};

#[derive(Deserialize)]
pub(super) struct ClockTime {
    time: String,
}

#[derive(Deserialize)]
pub(super) struct Advance {
    seconds: f64,
}

#[derive(Deserialize)]
pub(super) struct Enabled {
    enabled: bool,
}

/// Health and violations.
impl Context<'_> {
    pub(super) fn get_health(&self) -> Result<Response, ManageError> {
        let organizations: Vec<_> = self.manage.organizations()?.into_iter().map(|org| org.id).collect();
        ok(&json!({
            "status": "up",
            "version": env!("CARGO_PKG_VERSION"),
            "organizations": organizations,
            "time": moment(self.app.clock.wall()),
        }))
    }

    pub(super) fn list_violations(&self) -> Result<Response, ManageError> {
        let all = self.app.contract.violations.all();
        let show = |v: &crate::contract::Violation| json!({"operation": v.operation, "requestId": v.request_id, "reason": v.reason});
        ok(&json!({"violations": all.iter().map(show).collect::<Vec<_>>()}))
    }
}

/// The clock.
impl Context<'_> {
    pub(super) fn show_clock(&self) -> Result<Response, ManageError> {
        let clock = &self.app.clock;
        ok(&json!({"mode": clock.mode().as_str(), "time": moment(clock.wall())}))
    }

    pub(super) fn set_clock(&self, to: &ClockTime) -> Result<Response, ManageError> {
        let ClockTime { time } = to;
        let parsed = OffsetDateTime::parse(time, &Rfc3339).map_err(|error| {
            ManageError::invalid(format!("`time` must be like 2026-02-28T23:59:59Z, not {time}: {error}"))
        })?;
        self.app.clock.set(SystemTime::from(parsed))?;
        self.show_clock()
    }

    pub(super) fn freeze_clock(&self) -> Result<Response, ManageError> {
        self.app.clock.freeze()?;
        self.show_clock()
    }

    pub(super) fn resume_clock(&self) -> Result<Response, ManageError> {
        self.app.clock.resume()?;
        self.show_clock()
    }

    pub(super) fn advance_clock(&self, by: &Advance) -> Result<Response, ManageError> {
        let Advance { seconds } = by;
        let duration = Duration::try_from_secs_f64(*seconds)
            .map_err(|error| ManageError::invalid(format!("`seconds` cannot be {seconds}: {error}")))?;
        self.app.clock.advance(duration)?;
        self.show_clock()
    }
}

/// Fault rules.
impl Context<'_> {
    pub(super) fn list_faults(&self) -> Result<Response, ManageError> {
        ok(&json!({"faults": self.app.faults.list()}))
    }

    pub(super) fn create_fault(&self, rule: FaultRule) -> Result<Response, ManageError> {
        let id = self.app.faults.add(rule)?.id();
        created(&self.app.faults.get(id).ok_or_else(|| unknown_fault(id))?)
    }

    pub(super) fn clear_faults(&self) -> Result<Response, ManageError> {
        self.app.faults.clear();
        done(Ok(()))
    }

    pub(super) fn get_fault(&self, id: u64) -> Result<Response, ManageError> {
        ok(&self.app.faults.get(id).ok_or_else(|| unknown_fault(id))?)
    }

    pub(super) fn update_fault(&self, id: u64, change: &Enabled) -> Result<Response, ManageError> {
        self.app.faults.enable(id, change.enabled);
        self.get_fault(id)
    }

    pub(super) fn delete_fault(&self, id: u64) -> Result<Response, ManageError> {
        done(if self.app.faults.remove(id) { Ok(()) } else { Err(unknown_fault(id)) })
    }
}

fn unknown_fault(id: u64) -> ManageError {
    ManageError::not_found("emulator.fault.unknown", format!("Fault rule {id} does not exist"))
}

/// Rate limits.
impl Context<'_> {
    pub(super) fn show_limits(&self) -> Result<Response, ManageError> {
        ok(&self.app.limits.settings())
    }

    pub(super) fn set_limits(&self, settings: LimitSettings) -> Result<Response, ManageError> {
        self.app.limits.set(settings)?;
        self.show_limits()
    }

    pub(super) fn clear_usage(&self) -> Result<Response, ManageError> {
        self.app.limits.clear();
        done(Ok(()))
    }
}

/// Journal and ledger.
impl Context<'_> {
    pub(super) fn list_exchanges(
        &self,
        operation: Option<&str>,
        request_id: Option<&str>,
        after: u64,
        limit: u64,
    ) -> Result<Response, ManageError> {
        let operation = match operation.map(str::parse::<AnyOperation>).transpose() {
            Ok(operation) => operation,
            Err(error) => return Err(ManageError::invalid(error.to_string())),
        };
        let journal = &self.app.journal;
        // The position is read first: exchanges that are recorded meanwhile come after it.
        let position = journal.position();
        let mut found = journal.select(|exchange| {
            exchange.seq > after
                && operation.is_none_or(|operation| exchange.operation == Some(operation))
                && request_id.is_none_or(|id| exchange.request_id == id)
        });
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let exchanges: Vec<_> = found.iter().map(ExchangeDto::of).collect();
        ok(&json!({"position": position, "exchanges": exchanges}))
    }

    pub(super) fn clear_journal(&self) -> Result<Response, ManageError> {
        self.app.journal.clear();
        done(Ok(()))
    }

    pub(super) fn list_changes(
        &self,
        org_id: &Option<String>,
        user: &Option<String>,
        group: &Option<String>,
        request_id: &Option<String>,
        after: u64,
        limit: u64,
    ) -> Result<Response, ManageError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        self.app.store.read(|r| {
            let org = optional_organization(r, org_id)?;
            let position = r.ledger_end()?;
            let mut found = match (org, user, group, request_id) {
                (None, Some(_), ..) | (None, _, Some(_), _) => {
                    return Err(ManageError::invalid("`user` and `group` need `organization`"));
                }
                (Some(org), Some(user), ..) => r.ledger_of_user(org, user)?,
                (Some(org), None, Some(group), _) => r.ledger_of_group(org, group)?,
                (_, None, None, Some(id)) => r.ledger_of_request(id)?,
                // The entries of other organizations are removed below, so all are read.
                (Some(_), None, None, None) => r.ledger_after(after, u32::MAX)?,
                (None, None, None, None) => r.ledger_after(after, limit)?,
            };
            found.retain(|entry| {
                entry.seq > after
                    && org.is_none_or(|org| entry.org == org)
                    && group.as_deref().is_none_or(|group| entry.group.as_deref() == Some(&*fold(group)))
                    && request_id.as_deref().is_none_or(|id| entry.cause.request == id)
            });
            found.truncate(limit as usize);
            let ids = OrganizationIds::read(r)?;
            let changes: Vec<_> = found.iter().map(|entry| ChangeDto::of(entry, &ids)).collect();
            ok(&json!({"position": position, "changes": changes}))
        })
    }

    pub(super) fn list_repetitions(&self, org_id: &Option<String>) -> Result<Response, ManageError> {
        self.app.store.read(|r| {
            let all = r.ledger_after(0, u32::MAX)?;
            let org = optional_organization(r, org_id)?;
            let ids = OrganizationIds::read(r)?;
            let matches = |entry: &LedgerEntry| org.is_none_or(|org| entry.org == org);
            let repeated = repetitions(all.into_iter().filter(matches).collect());
            let repeated: Vec<_> = repeated.iter().map(|one| RepetitionDto::of(one, &ids)).collect();
            ok(&json!({"repetitions": repeated}))
        })
    }
}

fn optional_organization(r: &Reader<'_>, org_id: &Option<String>) -> Result<Option<OrgId>, ManageError> {
    org_id.as_deref().map(|org_id| organization(r, org_id).map(|org| org.id)).transpose()
}

/// The ids of the organizations, by their numbers in the store.
struct OrganizationIds(HashMap<OrgId, String>);

impl OrganizationIds {
    fn read(r: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self(r.organizations()?.into_iter().map(|org| (org.id, org.org_id)).collect()))
    }

    fn of(&self, org: OrgId) -> &str {
        self.0.get(&org).map_or("", String::as_str)
    }
}

/// A date and time in JSON.
fn moment(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(&Rfc3339).unwrap_or_default()
}

fn moment_of_millis(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExchangeDto<'a> {
    seq: u64,
    at: String,
    took_milliseconds: f64,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<AnyOperation>,
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
    #[serde(rename = "answer", skip_serializing_if = "Option::is_none")]
    response: Option<&'a str>,
    #[serde(rename = "limit", skip_serializing_if = "Option::is_none")]
    exceeded_limit: Option<ExceededLimit>,
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

impl<'a> ExchangeDto<'a> {
    fn of(exchange: &'a HttpExchange) -> Self {
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
            response: exchange.response.as_deref(),
            exceeded_limit: exchange.exceeded_limit,
            faults: &exchange.faults,
            effects: exchange.effects.map(|(after, up_to)| Effects { after, up_to }),
        }
    }
}

#[derive(Serialize)]
struct ChangeDto<'a> {
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

impl<'a> ChangeDto<'a> {
    fn of(entry: &'a LedgerEntry, ids: &'a OrganizationIds) -> Self {
        Self {
            seq: entry.seq,
            at: moment_of_millis(entry.cause.at),
            request: &entry.cause.request,
            command: entry.cause.command,
            step: entry.cause.step,
            organization: ids.of(entry.org),
            kind: change_kind(entry.kind),
            user: entry.user.as_deref(),
            group: entry.group.as_deref(),
            detail: entry.detail.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct RepetitionDto<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    changes: Vec<ChangeDto<'a>>,
}

impl<'a> RepetitionDto<'a> {
    fn of(repetition: &'a Repetition, ids: &'a OrganizationIds) -> Self {
        Self {
            kind: change_kind(repetition.kind),
            user: repetition.user.as_deref(),
            group: repetition.group.as_deref(),
            changes: repetition.entries.iter().map(|entry| ChangeDto::of(entry, ids)).collect(),
        }
    }
}

fn change_kind(kind: ChangeKind) -> &'static str {
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
