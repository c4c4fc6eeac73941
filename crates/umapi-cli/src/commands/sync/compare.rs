//! `umapi sync compare`.

use std::path::PathBuf;

use clap::Args;
use umapi_sync::{Compared, LogShape, PeerLog, Who, compare, user_key};

use super::{Prepared, import::read, prepare};
use crate::{
    context::Context,
    failure::{Exit, Failure, Result},
    input::TextArgs,
    output::{Cell, Column, Record, column, counted, hidden_column},
    sync::{Setup, SyncArgs},
};

/// Show what this tool and user-sync would do, side by side. Changes nothing.
///
/// Exits with 1 if they differ, or if the log does not tell everything.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  user_sync --test-mode > user-sync.log
  umapi sync compare user-sync.log")]
pub(crate) struct CompareArgs {
    /// Log of user_sync --test-mode, of the level info or debug. Of several runs in it, the last one counts.
    #[arg(value_name = "LOG")]
    log: PathBuf,

    /// Show only what differs.
    #[arg(long)]
    differences: bool,

    #[command(flatten)]
    text: TextArgs,

    #[command(flatten)]
    files: SyncArgs,
}

impl CompareArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let name = self.log.display().to_string();
        let log = PeerLog::parse(&read(&self.log, self.text.encoding())?);
        let unusable = |why: &str, remedy: &str| {
            Err(Failure::usage(format!("cannot compare with {name}")).why(why).remedy(remedy))
        };
        match log.shape() {
            LogShape::Foreign => {
                return unusable(
                    "it is not a log of user-sync",
                    "name the file of user_sync --test-mode, e.g. in its folder logs",
                );
            }
            LogShape::NoInfo => {
                return unusable(
                    "it holds no messages of the level info, which tell the changes",
                    "set file_log_level: info, and run user_sync --test-mode again",
                );
            }
            LogShape::CutOff => {
                context.warn(&format!("{name} ends before the summary of the run: what is missing in it is not known"))
            }
            LogShape::Whole => {}
        }
        if log.runs() > 1 {
            context.note(&format!("{name} holds {} runs; the last one counts", log.runs()));
        }
        if !log.is_test() && log.shape() == LogShape::Whole {
            context.warn("this run of user-sync was no test: it made its changes, so they are not to be made again");
        }
        if !log.knows_groups_of_new() {
            context.note("the log does not name the groups of new users; file_log_level: debug does");
        }
        for (line, problem) in log.problems().iter().take(super::SHOWN) {
            context.note(&format!("{name}, line {line}: user-sync says: {problem}"));
        }
        let setup = self.files.read(context)?;
        let state = setup.state(context)?;
        let prepared = prepare(context, &setup, &state, &state.state).await?;
        super::tell(context, &prepared.planned.plan);
        let mut compared = compare(&prepared.planned.plan, &log, setup.config.primary());
        for row in compared.iter_mut().filter(|row| row.who == Who::OnlyUserSync) {
            row.reason = why_not(&prepared, &setup, row);
        }
        let mut listing = context.listing();
        for row in compared.iter().filter(|row| !self.differences || row.who != Who::Both) {
            listing.push(row)?;
        }
        listing.finish()?;
        let count = |who| compared.iter().filter(|row| row.who == who).count() as u64;
        let (both, umapi, peer, unknown) =
            (count(Who::Both), count(Who::OnlyUmapi), count(Who::OnlyUserSync), count(Who::Unknown));
        context.note(&format!(
            "{} by both, {umapi} only by umapi, {peer} only by user-sync, {unknown} not logged",
            counted(both, "change")
        ));
        let is_same = umapi == 0 && peer == 0 && log.shape() == LogShape::Whole;
        Ok(if is_same { prepared.exit() } else { Exit::Failed.most_severe(prepared.exit()) })
    }
}

/// Why a change is not in the plan, if that is known.
fn why_not(prepared: &Prepared<'_>, setup: &Setup, row: &Compared) -> Option<String> {
    let Prepared { inputs, planned, .. } = prepared;
    let is = |name: &str, other: &str| name.to_lowercase() == other.to_lowercase();
    let organizations = inputs.organizations.iter().zip(&planned.matchings);
    let (organization, matching) = organizations.into_iter().find(|(known, _)| known.name == row.org)?;
    let plan = planned.plan.orgs.iter().find(|plan| plan.org == row.org)?;
    if let Some(held) = plan.held.iter().find(|held| match (&held.group, &row.group) {
        (Some(held), Some(group)) => is(held, group),
        (held, group) => held.is_none() && group.is_none() && matches!(row.action, "leave" | "delete-account"),
    }) {
        return held.gaps.first().map(ToString::to_string);
    }
    let name = row.user.as_deref()?;
    if let Some(blocked) = plan.blocked.iter().find(|blocked| blocked.what.to_lowercase().contains(name)) {
        return Some(format!("blocked: {}", blocked.reason));
    }
    let users = organization.users.found()?;
    let index = users.iter().position(|user| {
        is(user.details.name(), name) || user.details.email_address().is_some_and(|email| is(email, name))
    })?;
    let user = users.get(index)?;
    let names = [Some(user.details.name()), user.details.email_address(), user.username.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let key = user_key(&user.details.account());
    if user.is_administrator {
        Some("an administrator: nothing is taken or changed".to_owned())
    } else if setup.config.protect.covers(user.details.kind(), &names) {
        Some("[protect] covers the user".to_owned())
    } else if matching.is_held(index) {
        Some("left out: what they have stays".to_owned())
    } else if plan.leavers.contains_key(&key) {
        Some("[leavers] gives days of grace, or never takes it".to_owned())
    } else if matching.person_of(index).is_none() && matches!(row.action, "leave" | "delete-account") {
        Some("no earlier run found the user in the directory (`who` in [leavers])".to_owned())
    } else {
        None
    }
}

impl Record for Compared {
    fn columns() -> Vec<Column<Self>> {
        vec![
            hidden_column("org", |row: &Self| (&row.org).into()),
            column("user", |row| (&row.user).into()),
            column("action", |row| row.action.into()),
            column("group", |row| (&row.group).into()),
            column("who", |row| row.who.as_str().into()),
            column("reason", |row| (&row.reason).into()),
            hidden_column("line", |row| row.line.map_or(Cell::Missing, Into::into)),
        ]
    }
}
