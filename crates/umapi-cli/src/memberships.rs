//! Setting memberships: by `umapi members`, and by `umapi apply` after comparing.

mod difference;
mod guard;
mod present;
mod record;

use umapi::{Edge, PlannedMemberships};

pub(crate) use difference::Difference;
pub(crate) use guard::MaxRemovals;
pub(crate) use present::Present;
pub(crate) use record::{ChangeRecord, MembershipRecord};

use crate::{
    batch::{Summary, WriteArgs},
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    interrupt::Interrupt,
    listing::Work,
};

/// Plans memberships, and sets them.
pub(crate) async fn execute(context: &Context, edges: Vec<Edge>, options: &WriteArgs) -> Result<Exit> {
    let work = Work::begin_change(context, "memberships").await?;
    let planned = plan(&work, edges).await?;
    carry_out(context, &work, planned, options).await
}

/// Finds the fewest requests. Names that no group or user can have are refused before anything is sent.
pub(crate) async fn plan(work: &Work, edges: Vec<Edge>) -> Result<PlannedMemberships> {
    let planned = work.connection.client.memberships().with(edges).plan().await;
    planned.map_err(|error| Failure::of_service("the memberships cannot be planned", &error))
}

/// Sets memberships, and writes what becomes of each.
pub(crate) async fn carry_out(
    context: &Context,
    work: &Work,
    planned: PlannedMemberships,
    options: &WriteArgs,
) -> Result<Exit> {
    let planned = if options.test_only { planned.test_only() } else { planned };
    work.bar.begin_again();
    let _interrupt = Interrupt::stops(planned.stop_handle(), context, &work.bar);
    let (report, error) = match planned.await {
        Ok(report) => (report, None),
        Err(unfinished) => {
            let error = unfinished.error().clone();
            (unfinished.into_report(), Some(error))
        }
    };
    work.bar.finish();
    let (mut listing, mut summary) = (context.listing(), Summary::default());
    for outcome in report.outcomes() {
        summary.write(&MembershipRecord::of(outcome), &mut listing, options)?;
    }
    listing.finish()?;
    context.hint(&summary.describe(u64::from(report.requests()), options.test_only));
    summary.conclude(context, error.as_ref(), "the same call goes on from here: what is there already changes nothing")
}
