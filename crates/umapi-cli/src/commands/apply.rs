//! `umapi apply`.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use umapi::{MembershipPlan, model::ThrottleClass};

use super::pages::warn_about_unreadable;
use crate::{
    batch::WriteArgs,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    input::{Diagnostics, TableArgs, read_memberships, source_name},
    memberships::{self, ChangeRecord, Current, Diff, MaxRemovals},
    output::{counted, rough},
    private_file,
};

/// The number of changes that are shown before the question.
const SHOWN: usize = 20;

/// Change memberships to match a file: compare, show the plan, confirm, apply.
///
/// Missing members are added, and members that the file does not list are removed. Groups and users that the file does
/// not name are left unchanged. `umapi help membership-file` describes the file. After Ctrl-C or a failure, run the same
/// command again: it compares again and continues.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi apply teams.yaml --plan-only
  umapi apply teams.yaml --yes --max-removals 50
  umapi export --output users.csv; edit users.csv; umapi apply users.csv")]
pub(crate) struct ApplyArgs {
    /// File with the desired memberships: YAML, JSON or CSV, by its name.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    table: TableArgs,

    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,

    /// Write the plan to stdout; change nothing.
    #[arg(long)]
    plan_only: bool,

    /// Write the plan to a file too, as commands for `umapi run`.
    #[arg(long, value_name = "FILE")]
    plan_out: Option<PathBuf>,

    /// Change nothing if more memberships would be removed: a number, or a share of those compared.
    #[arg(long, value_name = "N|N%", default_value = "20%")]
    max_removals: MaxRemovals,

    /// Only add missing members; remove nobody.
    #[arg(long)]
    add_only: bool,

    /// Change administrative groups too, if the file names them or a user has them.
    #[arg(long)]
    include_admin_groups: bool,

    #[command(flatten)]
    options: WriteArgs,
}

impl ApplyArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let desired = read_memberships(&self.file, self.table)?;
        let connection = Connection::for_change(context, "memberships").await?;
        let file = source_name(&self.file);
        let current = Current::read(&connection.client, &desired, &file).await?;
        warn_about_unreadable(context, current.unreadable_items);
        let mut diff = Diff::between(&desired, &current, self.include_admin_groups).map_err(|mistakes| {
            let mut diagnostics = Diagnostics::of_file(&file);
            mistakes.into_iter().for_each(|mistake| diagnostics.push(mistake));
            diagnostics.into_failure("the memberships do not fit the organization; nothing was changed")
        })?;
        if self.add_only {
            diff.keep_additions();
        }
        connection.progress.finish();
        report_skipped(context, &diff);
        let exit = if diff.unknown_users.is_empty() { Exit::Success } else { Exit::Failed };
        if let Some(path) = &self.plan_out {
            write_plan(path, &diff)?;
        }
        if self.plan_only {
            return self.show_plan(context, &connection, &diff).await.map(|()| exit);
        }
        if diff.is_empty() {
            context.note(match diff.unknown_users.is_empty() {
                true => "nothing to change: the memberships match the file",
                false => "nothing to change, apart from what is skipped",
            });
            return Ok(exit);
        }
        self.check_removals(&diff)?;
        let changes = diff.changes();
        let planned = memberships::plan(&connection, &changes).await?;
        context.note(&describe(&connection, &diff, planned.plan()).await);
        if !self.yes && !self.options.dry_run {
            for planned in changes.iter().take(SHOWN) {
                context.note(&format!("  {}", planned.change));
            }
            match changes.len().saturating_sub(SHOWN) {
                0 => {}
                more => context.note(&format!("  and {more} more; --plan-only shows all")),
            }
            context.confirm("Apply these changes?", false)?;
        }
        Ok(memberships::apply(context, &connection, planned, &changes, &[], &self.options).await?.most_severe(exit))
    }

    async fn show_plan(&self, context: &Context, connection: &Connection, diff: &Diff) -> Result<()> {
        let (mut listing, changes) = (context.listing(), diff.changes());
        for planned in &changes {
            listing.push(&ChangeRecord::from(planned))?;
        }
        listing.finish()?;
        let planned = memberships::plan(connection, &changes).await?;
        context.note(&describe(connection, diff, planned.plan()).await);
        if !self.max_removals.allows(diff.removals(), diff.current) {
            context.note(&format!("this is more than --max-removals {} allows", self.max_removals));
        }
        Ok(())
    }

    fn check_removals(&self, diff: &Diff) -> Result<()> {
        let (removals, current) = (diff.removals(), diff.current);
        if self.max_removals.allows(removals, current) {
            return Ok(());
        }
        Err(Failure::usage("too many memberships would be removed; nothing was changed")
            .why(format!("{removals} of {current} memberships, and --max-removals is {}", self.max_removals))
            .remedy(format!(
                "check the plan with --plan-only; to apply it, add --max-removals {removals}; to remove nobody, add --add-only"
            )))
    }
}

/// Tells what the plan leaves out.
fn report_skipped(context: &Context, diff: &Diff) {
    if diff.skipped() > 0 {
        context.note(&format!(
            "skipped: {} to administrative groups; add --include-admin-groups to make them",
            counted(diff.skipped() as u64, "change")
        ));
    }
    for unknown in &diff.unknown_users {
        context.warn(&format!("skipped: {unknown}"));
    }
    for (group, count) in &diff.held_removals {
        context.warn(&format!(
            "nobody is removed from \"{group}\" ({} not made), because its list names users who do not exist; correct the list first",
            counted(*count as u64, "removal")
        ));
    }
}

/// `12 to add, 3 to remove; 2 requests, about 6 s under the rate limits`.
async fn describe(connection: &Connection, diff: &Diff, plan: &MembershipPlan) -> String {
    let changes = format!("{} to add, {} to remove", diff.additions(), diff.removals());
    let requests = plan.requests();
    if requests == 0 {
        return changes;
    }
    let time = match connection.client.time_for(ThrottleClass::Action, requests).await {
        Ok(time) if time.as_secs() == 0 => "sent immediately".to_owned(),
        Ok(time) => format!("about {} under the rate limits", rough(time)),
        Err(error) => format!("the time is unknown: {error}"),
    };
    format!("{changes}; {}, {time}", counted(requests as u64, "request"))
}

fn write_plan(path: &Path, diff: &Diff) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut plan = Vec::new();
        for command in diff.commands() {
            serde_json::to_writer(&mut plan, &command)?;
            plan.push(b'\n');
        }
        match private_file::is_special(path) {
            true => std::fs::write(path, plan),
            false => private_file::replace(path, &plan),
        }
    };
    write().map_err(|error| {
        Failure::failed(format!("cannot write the plan to {}", path.display()))
            .why(error)
            .remedy("name a file in a folder that you can write to")
    })
}
