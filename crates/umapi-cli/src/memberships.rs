//! Membership changes: what `umapi members` and `umapi apply` have in common.

mod current;
mod diff;
mod licenses;
mod max_removals;
mod record;

use umapi::{MembershipAction, MembershipChange, PlannedMemberships, RunOptions, StopHandle};

pub(crate) use current::Current;
pub(crate) use diff::Diff;
pub(crate) use licenses::Added;
pub(crate) use max_removals::MaxRemovals;
pub(crate) use record::{ChangeRecord, MembershipRecord};

use crate::{
    batch::{Summary, WriteArgs},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
};

/// A membership to change, its number, and the line of the input file that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedChange {
    /// Counted from 1.
    pub(crate) number: u64,
    pub(crate) change: MembershipChange,
    /// `None` if it was given as an argument.
    pub(crate) line: Option<u64>,
}

/// Finds the fewest requests. A name that no group or user can have is refused before anything is sent.
pub(crate) async fn plan(connection: &Connection, changes: &[PlannedChange]) -> Result<PlannedMemberships> {
    let changes: Vec<MembershipChange> = changes.iter().map(|planned| planned.change.clone()).collect();
    let planned = connection.client.memberships().with(changes).plan().await;
    planned.map_err(|error| Failure::of_service("cannot plan the membership changes", &error))
}

/// Applies planned changes, and writes the outcome of each. The users of `not_found` do not exist, so nothing is sent for
/// them.
pub(crate) async fn apply(
    context: &Context,
    connection: &Connection,
    planned: PlannedMemberships,
    changes: &[PlannedChange],
    not_found: &[PlannedChange],
    options: &WriteArgs,
) -> Result<Exit> {
    let stop = StopHandle::new();
    let run = RunOptions::new().stop(&stop);
    let planned = planned.with_options(if options.dry_run { run.test_only() } else { run });
    connection.progress.begin_again();
    let interrupt = context.interrupts.stop(&stop);
    let (report, error) = match planned.await {
        Ok(report) => (report, None),
        Err(unfinished) => {
            let error = unfinished.error().clone();
            (unfinished.into_report(), Some(error))
        }
    };
    drop(interrupt);
    connection.progress.finish();
    let (mut listing, mut summary) = (context.outcomes(&connection.progress), Summary::default());
    let mut added = Added::default();
    for outcome in report.outcomes() {
        if outcome.is_completed() && outcome.change().action == MembershipAction::Add {
            added.push(&outcome.change().group, &outcome.change().user);
        }
        if let Some(change) = changes.get(outcome.number()) {
            summary.write(&MembershipRecord::new(change, outcome), &mut listing, options)?;
        }
    }
    for change in not_found {
        summary.write(&MembershipRecord::not_found(change), &mut listing, options)?;
    }
    listing.finish()?;
    let summary = summary.finish(u64::from(report.requests()), options.dry_run);
    context.summarize(&summary);
    if !options.dry_run && error.is_none() {
        added.warn_about_licenses(context, connection).await;
    }
    summary.conclude(
        context,
        error.as_ref(),
        "run the same command again to continue; what is done already stays as it is",
    )
}
