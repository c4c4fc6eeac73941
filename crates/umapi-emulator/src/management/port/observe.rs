use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::call::{Call, created, done, ok};
use super::handlers::unbuilt;
use super::views::{ChangeView, ExchangeView, RepetitionView, moment};
use crate::http::Answer;
use crate::journal::repetitions;
use crate::management::{ManageError, organization};
use crate::store::{LedgerEntry, OrgId, Reader, StoreError, fold};

/// How many entries a list has if nobody says how many.
const LIMIT: u32 = 1000;

pub(super) fn health(call: &Call<'_>) -> Result<Answer, ManageError> {
    let organizations: Vec<_> = call.manage.organizations()?.into_iter().map(|org| org.id).collect();
    ok(&json!({
        "status": "up",
        "version": env!("CARGO_PKG_VERSION"),
        "organizations": organizations,
        "time": moment(call.world.clock.wall()),
    }))
}

pub(super) fn violations(call: &Call<'_>) -> Result<Answer, ManageError> {
    let all = call.world.contract.violations.all();
    let all: Vec<_> =
        all.iter().map(|v| json!({"operation": v.operation, "requestId": v.request_id, "reason": v.reason})).collect();
    ok(&json!({"violations": all}))
}

#[derive(Deserialize)]
struct Setting {
    time: String,
}

#[derive(Deserialize)]
struct Advance {
    seconds: f64,
}

pub(super) fn clock(call: &Call<'_>) -> Result<Answer, ManageError> {
    let clock = &call.world.clock;
    match call.endpoint.operation.id {
        "getClock" => {}
        "setClock" => {
            let text = call.body::<Setting>()?.time;
            let time = OffsetDateTime::parse(&text, &Rfc3339).map_err(|error| {
                ManageError::invalid(format!("`time` must be like 2026-02-28T23:59:59Z, not {text}: {error}"))
            })?;
            clock.set(SystemTime::from(time))?;
        }
        "freezeClock" => clock.freeze()?,
        "resumeClock" => clock.resume()?,
        "advanceClock" => {
            let seconds = call.body::<Advance>()?.seconds;
            let duration = Duration::try_from_secs_f64(seconds)
                .map_err(|error| ManageError::invalid(format!("`seconds` cannot be {seconds}: {error}")))?;
            clock.advance(duration)?;
        }
        _ => return unbuilt(call),
    }
    ok(&json!({"mode": clock.mode().as_str(), "time": moment(clock.wall())}))
}

#[derive(Deserialize)]
struct Enabled {
    enabled: bool,
}

pub(super) fn faults(call: &Call<'_>) -> Result<Answer, ManageError> {
    let faults = &call.world.faults;
    let id: u64 = call.name("faultId").parse().unwrap_or_default();
    let unknown = || ManageError::not_found("emulator.fault.unknown", format!("There is no fault rule {id}"));
    match call.endpoint.operation.id {
        "listFaults" => ok(&json!({"faults": faults.list()})),
        "createFault" => {
            let handle = faults.add(call.body()?)?;
            created(&faults.get(handle.id()).ok_or_else(unknown)?)
        }
        "clearFaults" => {
            faults.clear();
            done()
        }
        "getFault" => ok(&faults.get(id).ok_or_else(unknown)?),
        "updateFault" => {
            faults.enable(id, call.body::<Enabled>()?.enabled);
            ok(&faults.get(id).ok_or_else(unknown)?)
        }
        "deleteFault" if faults.remove(id) => done(),
        "deleteFault" => Err(unknown()),
        _ => unbuilt(call),
    }
}

pub(super) fn limits(call: &Call<'_>) -> Result<Answer, ManageError> {
    let limits = &call.world.limits;
    match call.endpoint.operation.id {
        "getLimits" => {}
        "setLimits" => limits.set(call.body()?)?,
        "clearUsage" => {
            limits.clear();
            return done();
        }
        _ => return unbuilt(call),
    }
    ok(&limits.settings())
}

pub(super) fn journal(call: &Call<'_>) -> Result<Answer, ManageError> {
    match call.endpoint.operation.id {
        "listExchanges" => exchanges(call),
        "clearJournal" => {
            call.world.journal.clear();
            done()
        }
        "listChanges" => changes(call),
        "listRepetitions" => call.world.store.read(|r| {
            let all = r.ledger_after(0, u32::MAX)?;
            let org = named_organization(r, call)?;
            let names = Names::read(r)?;
            let fits = |entry: &LedgerEntry| org.is_none_or(|org| entry.org == org);
            let repeated = repetitions(all.into_iter().filter(fits).collect());
            let shown: Vec<_> = repeated.iter().map(|one| RepetitionView::of(one, &names)).collect();
            ok(&json!({"repetitions": shown}))
        }),
        _ => unbuilt(call),
    }
}

fn exchanges(call: &Call<'_>) -> Result<Answer, ManageError> {
    let (operation, request_id) = (call.query::<String>("operation"), call.query::<String>("requestId"));
    let after = call.query("after").unwrap_or(0);
    let limit = call.query("limit").unwrap_or(LIMIT) as usize;
    // Read first: what is recorded meanwhile comes after it.
    let position = call.world.journal.position();
    let mut found = call.world.journal.select(|exchange| {
        exchange.seq > after
            && operation.as_deref().is_none_or(|operation| exchange.operation == Some(operation))
            && request_id.as_deref().is_none_or(|id| exchange.request_id == id)
    });
    found.truncate(limit);
    let exchanges: Vec<_> = found.iter().map(ExchangeView::of).collect();
    ok(&json!({"position": position, "exchanges": exchanges}))
}

fn changes(call: &Call<'_>) -> Result<Answer, ManageError> {
    let text = |name| call.query::<String>(name);
    let (user, group, request_id) = (text("user"), text("group"), text("requestId"));
    let after = call.query("after").unwrap_or(0);
    let limit = call.query("limit").unwrap_or(LIMIT);
    call.world.store.read(|r| {
        let org = named_organization(r, call)?;
        let position = r.ledger_end()?;
        let mut found = match (org, &user, &group, &request_id) {
            (None, Some(_), ..) | (None, _, Some(_), _) => {
                return Err(ManageError::invalid("`user` and `group` need `organization`"));
            }
            (Some(org), Some(user), ..) => r.ledger_of_user(org, user)?,
            (Some(org), None, Some(group), _) => r.ledger_of_group(org, group)?,
            (_, None, None, Some(id)) => r.ledger_of_request(id)?,
            // Those of other organizations are sorted out below, so all are read.
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
        let names = Names::read(r)?;
        let changes: Vec<_> = found.iter().map(|entry| ChangeView::of(entry, &names)).collect();
        ok(&json!({"position": position, "changes": changes}))
    })
}

fn named_organization(r: &Reader<'_>, call: &Call<'_>) -> Result<Option<OrgId>, ManageError> {
    match call.query::<String>("organization") {
        Some(org_id) => Ok(Some(organization(r, &org_id)?.id)),
        None => Ok(None),
    }
}

/// The ids of the organizations by their numbers.
pub(super) struct Names(HashMap<OrgId, String>);

impl Names {
    fn read(r: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self(r.organizations()?.into_iter().map(|org| (org.id, org.org_id)).collect()))
    }

    pub(super) fn of(&self, org: OrgId) -> &str {
        self.0.get(&org).map_or("", String::as_str)
    }
}
