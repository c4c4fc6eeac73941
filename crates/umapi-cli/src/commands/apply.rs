//! `umapi apply`.

use std::path::{Path, PathBuf};

use clap::Args;
use umapi::{
    Command, GroupCommand, MembershipAction, MembershipPlan, NewGroup, RunOptions, StopHandle, model::ThrottleClass,
    plan::account::FoldedName,
};

use crate::{
    batch::keep_cache,
    cache::RunChanges,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::{warn_about_moves, warn_about_unreadable},
    input::{Diagnostics, TableArgs, desired::Located, read_memberships, source_name},
    memberships::{self, ChangeRecord, Current, Diff, MaxRemovals, PlanFile, PlannedChange, RUN_AGAIN},
    options::WriteArgs,
    output::{OutcomeRecord, counted, rough, time},
    private_file,
};

/// The number of changes that are shown before the question.
const SHOWN: usize = 20;

/// Change memberships to match a file: compare, show the plan, confirm, apply.
///
/// Missing members are added, and members that the file does not list are removed. Groups and users that the file does
/// not name are left unchanged. `umapi help membership-file` describes the file. After Ctrl-C or a failure, run the same
/// command again: it compares again and continues.
///
/// With a plan of --plan-out as FILE, exactly that plan is applied. If a user or a group of it has changed since, nothing
/// is changed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi apply teams.yaml --plan-only
  umapi apply teams.yaml --yes --max-removals 50
  umapi apply teams.yaml --plan-only --plan-out plan.json; umapi apply plan.json
  umapi export --output users.csv; edit users.csv; umapi apply users.csv")]
pub(crate) struct ApplyArgs {
    /// File with the desired memberships (YAML, JSON or CSV, by its name), or a plan.
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

    /// Write the plan to a file too, for `umapi apply`; a name with .ndjson: for `umapi run`.
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

    /// Create the groups of the file that do not exist, as user groups.
    #[arg(long)]
    create_groups: bool,

    #[command(flatten)]
    options: WriteArgs,
}

impl ApplyArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        if let Some(plan) = PlanFile::read(&self.file)? {
            return self.apply_plan(context, &plan).await;
        }
        let desired = read_memberships(&self.file, self.table)?;
        let connection = Connection::for_change(context, "memberships").await?;
        let file = source_name(&self.file);
        connection.progress.set_phase("reading the groups and their members");
        let current = Current::read(context, &connection, &desired, &file, self.create_groups).await?;
        warn_about_unreadable(context, current.unreadable_items);
        warn_about_moves(context, current.has_moved);
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
            self.write_plan(context, &connection, path, (&diff, &current.new_groups))?;
        }
        if self.plan_only {
            return self.show_plan(context, &connection, &diff, &current.new_groups).await.map(|()| exit);
        }
        if diff.is_empty() && current.new_groups.is_empty() {
            context.note(match diff.unknown_users.is_empty() {
                true => "nothing to change: the memberships match the file",
                false => "nothing to change, apart from what is skipped",
            });
            return Ok(exit);
        }
        self.check_removals(diff.removals(), diff.current, "; to remove nobody, add --add-only")?;
        let new_groups = current.new_keys();
        let mut changes = diff.changes();
        if self.options.dry_run && !new_groups.is_empty() {
            // In a dry run no group is created, so the service would reject its members.
            changes.retain(|planned| !new_groups.contains(&FoldedName::new(planned.change.group.name())));
            changes.iter_mut().zip(1..).for_each(|(planned, number)| planned.number = number);
            context.note("the members of groups that do not exist yet are not validated");
        }
        let planned = memberships::plan(context, &connection, &changes).await?;
        note_new_groups(context, &current.new_groups);
        context.note(&describe(&connection, &changes, planned.plan()).await);
        self.confirm(context, &changes)?;
        let again = "run the same command again: groups that exist by then are used";
        self.create(context, &connection, &current.new_groups, again).await?;
        let applied =
            memberships::apply(context, &connection, planned, &changes, &[], &self.options, RUN_AGAIN).await?;
        Ok(applied.most_severe(exit))
    }

    /// Applies a saved plan, if the organization is as it was when the plan was made.
    async fn apply_plan(&self, context: &Context, plan: &PlanFile) -> Result<Exit> {
        let options = [
            ("--add-only", self.add_only),
            ("--include-admin-groups", self.include_admin_groups),
            ("--create-groups", self.create_groups),
            ("--plan-out", self.plan_out.is_some()),
        ];
        if let Some((option, _)) = options.iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::usage(format!("{option} cannot be used with a plan, which says what is changed"))
                .remedy(format!("leave it out, or make a new plan: umapi apply {} {option}", plan.file)));
        }
        let connection = Connection::for_change(context, "memberships").await?;
        plan.check_origin(&connection.access)?;
        plan.check_names()?;
        let changes = plan.changes();
        let new_groups: Vec<Located<String>> =
            plan.new_groups.iter().map(|name| Located::unplaced(name.clone())).collect();
        if changes.is_empty() && new_groups.is_empty() {
            context.note("nothing to change: the plan is empty");
            return Ok(Exit::Success);
        }
        if self.plan_only {
            connection.progress.finish();
            self.show_changes(context, &connection, &changes, &new_groups).await?;
            return Ok(Exit::Success);
        }
        self.check_removals(plan.removals(), plan.compared, "")?;
        if self.options.dry_run && !new_groups.is_empty() {
            return Err(Failure::usage("a plan that creates groups cannot be validated by a dry run")
                .remedy("leave out --dry-run, or use --plan-only to see the plan"));
        }
        plan.check_unchanged(&connection).await?;
        connection.progress.finish();
        context.note(&format!(
            "the plan of {} from {}; its users and groups have not changed since",
            plan.file, plan.made_at
        ));
        let planned = memberships::plan(context, &connection, &changes).await?;
        note_new_groups(context, &new_groups);
        context.note(&describe(&connection, &changes, planned.plan()).await);
        self.confirm(context, &changes)?;
        self.create(context, &connection, &new_groups, &plan.make_again()).await?;
        let options = &self.options;
        memberships::apply(context, &connection, planned, &changes, &[], options, &plan.make_again()).await
    }

    fn confirm(&self, context: &Context, changes: &[PlannedChange]) -> Result<()> {
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
        Ok(())
    }

    /// Creates user groups. If one cannot be created, no membership is changed.
    async fn create(
        &self,
        context: &Context,
        connection: &Connection,
        groups: &[Located<String>],
        how_to_continue: &str,
    ) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        let stop = StopHandle::new();
        let run = RunOptions::new().stop(&stop);
        let run = if self.options.dry_run { run.test_only() } else { run };
        let commands: Vec<Command> = groups.iter().map(|group| creation(group).into()).collect();
        let cache = connection.cache.as_ref();
        let changes = RunChanges::begin(cache, commands.len() as u64, self.options.dry_run);
        let changes = keep_cache(context, changes).unwrap_or_default();
        for (number, command) in (0..).zip(&commands) {
            keep_cache(context, changes.before(number, command));
        }
        let interrupt = context.interrupts.stop(&stop);
        let created = connection.client.execute(commands).with_options(run).await;
        drop(interrupt);
        let what = "cannot create the user groups; no membership was changed";
        let report = created.map_err(|unfinished| Failure::of_service(what, unfinished.error()))?;
        for outcome in report.outcomes() {
            keep_cache(context, changes.after(outcome.number() as u64, outcome.is_completed()));
        }
        let mut failure = None;
        for outcome in report.outcomes().iter().filter(|outcome| !outcome.is_completed()) {
            let record = OutcomeRecord::of(outcome, outcome.number() as u64 + 1, None);
            let why = record.message.unwrap_or_else(|| record.outcome.as_str().to_owned());
            let so_far = failure.take().unwrap_or_else(|| Failure::failed(what));
            failure = Some(so_far.why(format!("\"{}\": {why}", record.subject)));
        }
        match failure {
            Some(failure) => Err(failure.remedy(how_to_continue)),
            None => Ok(()),
        }
    }

    async fn show_plan(
        &self,
        context: &Context,
        connection: &Connection,
        diff: &Diff,
        new_groups: &[Located<String>],
    ) -> Result<()> {
        self.show_changes(context, connection, &diff.changes(), new_groups).await?;
        if !self.max_removals.allows(diff.removals(), diff.current) {
            context.note(&format!("this is more than --max-removals {} allows", self.max_removals));
        }
        Ok(())
    }

    async fn show_changes(
        &self,
        context: &Context,
        connection: &Connection,
        changes: &[PlannedChange],
        new_groups: &[Located<String>],
    ) -> Result<()> {
        let mut listing = context.listing();
        for group in new_groups {
            listing.push(&ChangeRecord::new_group(group))?;
        }
        for planned in changes {
            listing.push(&ChangeRecord::from(planned))?;
        }
        listing.finish()?;
        let planned = memberships::plan(context, connection, changes).await?;
        note_new_groups(context, new_groups);
        context.note(&describe(connection, changes, planned.plan()).await);
        Ok(())
    }

    fn check_removals(&self, removals: usize, current: usize, otherwise: &str) -> Result<()> {
        if self.max_removals.allows(removals, current) {
            return Ok(());
        }
        Err(Failure::usage("too many memberships would be removed; nothing was changed")
            .why(format!("{removals} of {current} memberships, and --max-removals is {}", self.max_removals))
            .remedy(format!("check the plan with --plan-only; to apply it, add --max-removals {removals}{otherwise}")))
    }
}

impl ApplyArgs {
    /// Writes the plan in the format that the name of the file asks for.
    fn write_plan(
        &self,
        context: &Context,
        connection: &Connection,
        path: &Path,
        (diff, new_groups): (&Diff, &[Located<String>]),
    ) -> Result<()> {
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ndjson")) {
            return write_commands(path, diff, new_groups);
        }
        let new_groups = new_groups.iter().map(|group| group.name.clone()).collect();
        let made_at = time::utc(context.clock.wall());
        let (changes, file) = (diff.changes(), source_name(&self.file));
        PlanFile::new(&connection.access, made_at, &file, diff.current, new_groups, &changes).write(path)
    }
}

/// The command that creates a group of the file. Someone else may create it in the meantime.
fn creation(group: &Located<String>) -> GroupCommand {
    Command::create_group(NewGroup::new(&group.name).ignore_if_exists())
}

fn note_new_groups(context: &Context, groups: &[Located<String>]) {
    let names: Vec<&str> = groups.iter().take(SHOWN).map(|group| group.name.as_str()).collect();
    match groups.len() {
        0 => {}
        count if count > SHOWN => {
            context.note(&format!("{count} user groups to create: {} and {} more", names.join(", "), count - SHOWN))
        }
        count => context.note(&format!("{} to create: {}", counted(count as u64, "user group"), names.join(", "))),
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
async fn describe(connection: &Connection, changes: &[PlannedChange], plan: &MembershipPlan) -> String {
    let additions = changes.iter().filter(|planned| planned.change.action == MembershipAction::Add).count();
    let changes = format!("{additions} to add, {} to remove", changes.len() - additions);
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

fn write_commands(path: &Path, diff: &Diff, new_groups: &[Located<String>]) -> Result<()> {
    let lines = || -> serde_json::Result<Vec<u8>> {
        let mut plan = Vec::new();
        let creations = new_groups.iter().map(|group| Command::from(creation(group)));
        for command in creations.chain(diff.commands()) {
            serde_json::to_writer(&mut plan, &command)?;
            plan.push(b'\n');
        }
        Ok(plan)
    };
    private_file::write_plan(path, lines())
}
