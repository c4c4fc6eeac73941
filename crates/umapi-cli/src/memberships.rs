//! Setting memberships: by `umapi members`, and by `umapi apply` after comparing.

mod difference;
mod guard;
mod present;
mod record;

use umapi::{MembershipChange, PlannedMemberships};

pub(crate) use difference::Difference;
pub(crate) use guard::MaxRemovals;
pub(crate) use present::Present;
pub(crate) use record::{ChangeRecord, MembershipRecord};

use crate::{
    batch::{Summary, WriteArgs},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    interrupt::Interrupt,
};

/// Plans memberships, and sets them.
pub(crate) async fn execute(context: &Context, edges: Vec<MembershipChange>, options: &WriteArgs) -> Result<Exit> {
    let connection = Connection::for_change(context, "memberships").await?;
    let planned = plan(&connection, edges).await?;
    carry_out(context, &connection, planned, options).await
}

/// Finds the fewest requests. Names that no group or user can have are refused before anything is sent.
pub(crate) async fn plan(connection: &Connection, edges: Vec<MembershipChange>) -> Result<PlannedMemberships> {
    let planned = connection.client.memberships().with(edges).plan().await;
    planned.map_err(|error| Failure::of_service("the memberships cannot be planned", &error))
}

/// Sets memberships, and writes what becomes of each.
pub(crate) async fn carry_out(
    context: &Context,
    connection: &Connection,
    planned: PlannedMemberships,
    options: &WriteArgs,
) -> Result<Exit> {
    let planned = if options.dry_run { planned.test_only() } else { planned };
    connection.progress.begin_again();
    let _interrupt = Interrupt::stops(planned.stop_handle(), context, &connection.progress);
    let (report, error) = match planned.await {
        Ok(report) => (report, None),
        Err(unfinished) => {
            let error = unfinished.error().clone();
            (unfinished.into_report(), Some(error))
        }
    };
    connection.progress.finish();
    let (mut listing, mut summary) = (context.outcomes(&connection.progress), Summary::default());
    for outcome in report.outcomes() {
        summary.write(&MembershipRecord::of(outcome), &mut listing, options)?;
    }
    listing.finish()?;
    context.note(&summary.describe(u64::from(report.requests()), options.dry_run));
    summary.conclude(context, error.as_ref(), "the same call goes on from here: what is there already changes nothing")
}
