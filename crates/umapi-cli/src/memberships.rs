//! Membership changes: what `umapi members` and `umapi apply` have in common.

mod current;
mod diff;
mod max_removals;
mod plan_file;
mod record;

use std::collections::HashMap;

use umapi::{
    Command, GroupKind, GroupRef, MembershipAction, MembershipChange, Memberships, PlannedMemberships, RunOptions,
    StopHandle, plan::account::FoldedName,
};

pub(crate) use current::Current;
pub(crate) use diff::Diff;
pub(crate) use max_removals::MaxRemovals;
pub(crate) use plan_file::PlanFile;
pub(crate) use record::{ChangeRecord, MembershipRecord};

use crate::{
    batch::keep_cache,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    input::{Diagnostic, SourceLocation},
    licenses::Added,
    options::WriteArgs,
    summary::Summary,
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

/// Finds the fewest requests. Names that no group or user can have are refused before anything is sent, all at once.
pub(crate) async fn plan(
    context: &Context,
    connection: &Connection,
    changes: &[PlannedChange],
) -> Result<PlannedMemberships> {
    check_names(changes)?;
    let mut changes: Vec<MembershipChange> = changes.iter().map(|planned| planned.change.clone()).collect();
    set_kinds(context, connection, &mut changes).await?;
    let planned = connection.client.memberships().with(changes).plan().await;
    planned.map_err(|error| Failure::of_service("cannot plan the membership changes", &error))
}

fn check_names(changes: &[PlannedChange]) -> Result<()> {
    let mut mistakes: Vec<String> = Vec::new();
    for PlannedChange { change, line, .. } in changes {
        let command = Command::user(change.user.clone()).add_to([change.group.name()]);
        let Err(invalid) = command.check() else { continue };
        let name = match invalid.field() {
            // The service knows whether there is such a username.
            "domain" if change.user.domain().is_none() => continue,
            "user" | "domain" => change.user.name(),
            _ => change.group.name(),
        };
        let location = line.map(SourceLocation::line).unwrap_or_default();
        let rule = format!("{name}: {} ({})", invalid.rule(), invalid.code());
        let mistake = Diagnostic::new(location, rule).remedy(invalid.remedy()).to_string();
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(mistakes.iter().fold(Failure::usage("there cannot be such names; nothing was sent"), Failure::why))
}

/// Sets the kinds of the groups of changes, if the number of requests depends on them.
async fn set_kinds(context: &Context, connection: &Connection, changes: &mut [MembershipChange]) -> Result<()> {
    if !kinds_matter(changes) {
        return Ok(());
    }
    let mut groups = connection.group_kinds(context, "cannot plan the membership changes").await?;
    let mut kinds = HashMap::new();
    while let Some(group) = groups.try_next().await? {
        let known = GroupRef::of_type(&group.group_name, group.type_.as_ref());
        kinds.insert(FoldedName::new(&group.group_name), known.kind());
    }
    for change in changes.iter_mut().filter(|change| change.group.kind() == GroupKind::Unknown) {
        let name = change.group.name().to_owned();
        change.group = match kinds.get(&FoldedName::new(&name)) {
            Some(GroupKind::UserGroup) => GroupRef::user_group(name),
            Some(GroupKind::Profile) => GroupRef::profile(name),
            // A group that does not exist is rejected by the service: only once, if the command is on the group.
            None if !groups.may_lack_entries() => GroupRef::user_group(name),
            // Memberships of an administrative group are set from the users, which fits groups of every kind.
            _ => GroupRef::administrative(name),
        };
    }
    Ok(())
}

/// Whether the changes take fewer requests if the groups of unknown kinds are user groups.
fn kinds_matter(changes: &[MembershipChange]) -> bool {
    if changes.iter().all(|change| change.group.kind() != GroupKind::Unknown) {
        return false;
    }
    let mut from_users = Memberships::new();
    from_users.extend(changes.iter().cloned());
    let mut best_case = from_users.clone();
    best_case.resolve(|_| Some(GroupKind::UserGroup));
    match (from_users.plan(), best_case.plan()) {
        (Ok(from_users), Ok(best_case)) => best_case.requests() < from_users.requests(),
        // What is wrong with them is said when they are planned.
        _ => false,
    }
}

/// What to do after a run that ended early.
pub(crate) const RUN_AGAIN: &str = "run the same command again to continue; what is done already stays as it is";

/// Applies planned changes, and writes the outcome of each. The users of `not_found` do not exist, so nothing is sent for
/// them.
pub(crate) async fn apply(
    context: &Context,
    connection: &Connection,
    planned: PlannedMemberships,
    changes: &[PlannedChange],
    not_found: &[PlannedChange],
    options: &WriteArgs,
    how_to_continue: &str,
) -> Result<Exit> {
    let stop = StopHandle::new();
    let run = RunOptions::new().stop(&stop);
    let planned = planned.with_options(if options.dry_run { run.test_only() } else { run });
    let cache = connection.cache.as_ref().filter(|_| !options.dry_run);
    let begun = cache.map(|cache| cache.begin_memberships(changes.iter().map(|planned| &planned.change)));
    let begun = begun.and_then(|begun| keep_cache(context, begun));
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
    if let (Some(cache), Some(mut users)) = (cache, begun) {
        for outcome in report.outcomes().iter().filter(|outcome| !outcome.is_completed()) {
            users.remove(outcome.change().user.key());
        }
        let done = changes.iter().map(|planned| &planned.change).filter(|change| users.contains(change.user.key()));
        keep_cache(context, cache.complete_memberships(done));
    }
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
    context.conclude_changes(&summary, error.as_ref(), how_to_continue)
}
