//! `umapi sync`.

mod compare;
mod explain;
mod import;
mod init;
mod push;
mod secret;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use umapi_directory::Reading;
use umapi_sync::{
    Given, Inputs, LinkReader, OrgPlan, OrgState, PersonKey, Plan, Planned, Pushed, Quarantine, Report, Standing,
    State, Trip,
    config::DirectoryConfig,
    report::{Run, Status},
    user_key,
};

use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    options::WriteArgs,
    output::{counted, time},
    private_file,
    sync::{
        BothSides, Explanation, FailedOrgs, GivenFile, GroupCheck, LastRun, Lists, Made, PlannedRecord, ReportArgs,
        Setup, StateFile, SyncArgs, read_both, read_directories, send, shown, take_out_done, today,
    },
};

/// The number of changes, and of reasons against one, that are shown before the question.
const SHOWN: usize = 20;

/// Keep an organization in step with its directory: people, groups, licenses.
///
/// A configuration says where the people are (LDAP, Active Directory, Entra ID, Okta, Google Workspace, files, programs,
/// another organization), which of their groups become which of Adobe's, and what stops a run. Nobody is removed because a
/// list was cut off: removals need a list that was read to its end.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  umapi sync init                      Write a configuration
  umapi sync check                     Test directories, rules and rights
  umapi sync plan                      Show what would change, and why
  umapi sync apply --auto              Change it; for cron and timers
  umapi --emulator sync plan           Rehearse without an organization")]
pub(crate) enum SyncCommand {
    Init(init::InitArgs),
    Check(CheckArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Explain(explain::ExplainArgs),
    Status(StatusArgs),
    Allow(AllowArgs),
    Adopt(AdoptArgs),
    /// Print the JSON Schema of the configuration, for editors and checks.
    Schema,
    Import(import::ImportArgs),
    Compare(compare::CompareArgs),
    Secret(secret::SecretArgs),
}

/// Test the configuration: the directories, the rules, and the login of each organization.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    files: SyncArgs,
}

/// Show what would change, with the reason of each change. Changes nothing.
#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    files: SyncArgs,

    /// Write the plan to a file, for `umapi sync apply FILE`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Compare with what earlier runs gave instead of reading Adobe's side.
    #[arg(long, conflicts_with = "out")]
    push: bool,

    #[command(flatten)]
    only: OnlyArgs,

    #[command(flatten)]
    reports: ReportArgs,
}

/// Make the changes: all that a plan would show, or exactly those of a plan's file.
///
/// A run that a guard stops changes nothing, and neither does any later run until `umapi sync allow`. After a failure or a
/// stop, run it again: what is done already stays as it is.
#[derive(Args, Debug)]
pub(crate) struct ApplyArgs {
    /// File of `umapi sync plan --out`. It is refused if the users that it touches have changed.
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,

    #[command(flatten)]
    files: SyncArgs,

    /// Ask nothing; for schedulers.
    #[arg(long, alias = "yes", short_alias = 'y')]
    auto: bool,

    /// Send what changed since earlier runs, without reading Adobe's side.
    ///
    /// Without earlier runs, every user is created or updated, and added. Takes only memberships that earlier runs gave, and
    /// removes no users.
    #[arg(long, conflicts_with = "plan")]
    push: bool,

    #[command(flatten)]
    only: OnlyArgs,

    #[command(flatten)]
    reports: ReportArgs,

    #[command(flatten)]
    options: WriteArgs,
}

/// Show what the last run did, who is about to leave, and whether runs are stopped.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    files: SyncArgs,
}

/// Let the next run make what a guard stopped, once.
#[derive(Args, Debug)]
pub(crate) struct AllowArgs {
    #[command(flatten)]
    files: SyncArgs,

    /// Ask nothing.
    #[arg(long, short)]
    yes: bool,
}

/// Show who is in a group of the rules although no directory gives a reason, and keep some of them there.
#[derive(Args, Debug)]
pub(crate) struct AdoptArgs {
    /// Users who stay in their groups from now on.
    #[arg(value_name = "USER")]
    keep: Vec<String>,

    #[command(flatten)]
    files: SyncArgs,
}

/// Which people a run is about.
#[derive(Args, Debug, Default)]
pub(crate) struct OnlyArgs {
    /// Change only this person; can be repeated. Guards do not apply then.
    #[arg(long, value_name = "PERSON")]
    only: Vec<String>,
}

impl SyncCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Init(arguments) => arguments.run(context).await,
            Self::Check(arguments) => check(context, &arguments.files).await,
            Self::Plan(arguments) => arguments.run(context).await,
            Self::Apply(arguments) => arguments.run(context).await,
            Self::Explain(arguments) => arguments.run(context).await,
            Self::Status(arguments) => status(context, &arguments.files),
            Self::Allow(arguments) => arguments.run(context),
            Self::Adopt(arguments) => arguments.run(context).await,
            Self::Schema => schema(context),
            Self::Import(arguments) => arguments.run(context),
            Self::Compare(arguments) => arguments.run(context).await,
            Self::Secret(arguments) => arguments.run(context),
        }
    }
}

/// Both sides, the plan of a run, and what to remember of it.
struct Prepared<'c> {
    inputs: Inputs<'c>,
    planned: Planned,
    connections: Vec<Connection>,
    failed: FailedOrgs,
}

/// Reads both sides, and compares them. `state` is that of the file, or a copy.
async fn prepare<'c>(context: &Context, setup: &'c Setup, file: &StateFile, state: &'c State) -> Result<Prepared<'c>> {
    let BothSides { people, readings, organizations, connections, failed } = read_both(context, setup).await?;
    let today = today(&context.clock);
    let mut links = LinkReader::new(&people, &organizations);
    file.links(|org, person, link| links.take(org, person, link))?;
    let links = links.finish();
    let mut inputs = Inputs { config: &setup.config, people, readings, organizations, links, state, today };
    let planned = inputs.plan();
    tell_failed(context, &failed);
    Ok(Prepared { inputs, planned, connections, failed })
}

impl Prepared<'_> {
    /// The exit code of a call that only shows: whether all organizations could be read.
    fn failed_exit(&self) -> Exit {
        self.failed.iter().fold(Exit::Success, |exit, (_, failure)| exit.most_severe(failure.exit()))
    }

    /// How a run ends that does all it can.
    fn exit(&self) -> Exit {
        exit_of(&self.planned.plan, &self.failed)
    }
}

/// How a run ends that does all of a plan that it can.
fn exit_of(plan: &Plan, failed: &FailedOrgs) -> Exit {
    let whole = if plan.is_whole() { Exit::Success } else { Exit::Failed };
    failed.iter().fold(whole, |exit, (_, failure)| exit.most_severe(failure.exit()))
}

fn tell_failed(context: &Context, failed: &FailedOrgs) {
    for (org, failure) in failed {
        context.warn(&format!("nothing is changed in {org}: {failure}"));
    }
}

/// Organizations that failed, for the report.
fn failures(failed: &FailedOrgs) -> BTreeMap<String, String> {
    failed.iter().map(|(org, failure)| (org.clone(), failure.to_string())).collect()
}

impl PlanArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut report = Report::new(Run::Plan, time::utc(context.clock.wall()));
        let result = self.plan(context, &mut report).await;
        self.reports.conclude(context, report, result)
    }

    async fn plan(&self, context: &Context, report: &mut Report) -> Result<Exit> {
        let setup = self.files.read(context)?;
        let state = setup.state(context)?;
        let (mut plan, failed) = if self.push {
            let prepared = push::prepare(context, &setup, &state, &state.state, &setup.given(context)?).await?;
            (prepared.pushed.plan, prepared.failed)
        } else {
            let prepared = prepare(context, &setup, &state, &state.state).await?;
            (prepared.planned.plan, prepared.failed)
        };
        self.only.keep(&mut plan);
        let plan = &plan;
        report.take_plan(plan);
        report.take_failures(failures(&failed));
        let mut listing = context.listing();
        for record in records(plan) {
            listing.push(&record)?;
        }
        listing.finish()?;
        tell(context, plan);
        if let Some(path) = &self.out {
            private_file::write_plan(path, serde_json::to_vec_pretty(plan))?;
            context.note(&format!("plan {} in {}", plan.id(), path.display()));
        }
        Ok(exit_of(plan, &failed))
    }
}

impl ApplyArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let run = if self.options.dry_run { Run::DryRun } else { Run::Apply };
        let mut report = Report::new(run, time::utc(context.clock.wall()));
        let result = self.apply(context, &mut report).await;
        self.reports.conclude(context, report, result)
    }

    async fn apply(&self, context: &Context, report: &mut Report) -> Result<Exit> {
        let setup = self.files.read(context)?;
        let mut state = setup.state(context)?;
        if let Some(quarantine) = state.state.quarantine.as_ref().filter(|quarantine| !quarantine.is_allowed) {
            report.take_trips(&quarantine.trips);
        }
        refuse_quarantined(&state.state)?;
        let mut given = setup.given(context)?;
        let result = match &self.plan {
            Some(path) => self.apply_file(context, &setup, path, &mut state, &mut given, report).await,
            None if self.push => self.apply_push(context, &setup, &mut state, &mut given, report).await,
            None => self.apply_now(context, &setup, &mut state, &mut given, report).await,
        };
        let exit = result.as_ref().map_or_else(Failure::exit, |exit| *exit);
        // Without a confirmation, nothing ran.
        if !self.options.dry_run && exit != Exit::Usage {
            let counts = report.plan.is_some().then(|| report.counts.clone());
            let at = time::utc(context.clock.wall());
            let run = LastRun { at, summary: exit.describe().to_owned(), exit_code: exit as u8, counts };
            match (&result, state.save_run(run)) {
                (Ok(_), Err(failure)) => return Err(failure),
                (Err(_), Err(failure)) => context.warn(&failure.to_string()),
                (_, Ok(())) => {}
            }
        }
        result
    }

    async fn apply_now(
        &self,
        context: &Context,
        setup: &Setup,
        file: &mut StateFile,
        given: &mut GivenFile,
        report: &mut Report,
    ) -> Result<Exit> {
        let before = file.state.clone();
        let Prepared { inputs, mut planned, connections, failed } = prepare(context, setup, file, &before).await?;
        self.only.keep(&mut planned.plan);
        report.take_plan(&planned.plan);
        report.take_failures(failures(&failed));
        tell(context, &planned.plan);
        if !planned.plan.trips.is_empty() {
            return self.stop(context, setup, file, before.clone(), planned.plan.trips);
        }
        let whole = exit_of(&planned.plan, &failed);
        if planned.plan.is_empty() {
            context.note("nothing to change");
        } else {
            self.confirm(context, &planned.plan)?;
        }
        if !self.options.dry_run {
            let next = self.to_remember(&before, std::mem::take(&mut planned.state));
            file.save(next, inputs.forgotten(), inputs.links_of(&planned))?;
            see(given, &inputs, &planned, &connections)?;
        }
        // Only the plan is sent.
        drop(inputs);
        let Planned { plan, .. } = planned;
        let sent = send(context, &connections, &plan.orgs, Lists::Allowed, &self.options, report).await?;
        self.record(given, &connections, &plan.orgs, report)?;
        Ok(sent.most_severe(whole))
    }

    /// Sends what changed since earlier runs.
    async fn apply_push(
        &self,
        context: &Context,
        setup: &Setup,
        file: &mut StateFile,
        given: &mut GivenFile,
        report: &mut Report,
    ) -> Result<Exit> {
        let before = file.state.clone();
        let push::Prepared { pushed, connections, failed } =
            push::prepare(context, setup, file, &before, given).await?;
        let Pushed { mut plan, state: next, .. } = pushed;
        self.only.keep(&mut plan);
        let whole = exit_of(&plan, &failed);
        report.take_plan(&plan);
        report.take_failures(failures(&failed));
        tell(context, &plan);
        if !plan.trips.is_empty() {
            return self.stop(context, setup, file, before, plan.trips);
        }
        if plan.is_empty() {
            context.note("nothing to change");
        } else {
            self.confirm(context, &plan)?;
        }
        if !self.options.dry_run {
            file.save(self.to_remember(&before, next), [], [])?;
        }
        let sent = send(context, &connections, &plan.orgs, Lists::Unread, &self.options, report).await?;
        self.record(given, &connections, &plan.orgs, report)?;
        Ok(sent.most_severe(whole))
    }

    /// What to remember of a run before anything is sent: who is whom must survive a stop, and days of grace must not begin
    /// anew.
    fn to_remember(&self, before: &State, mut next: State) -> State {
        if !self.only.only.is_empty() {
            // Guards did not look, so what is allowed and what is compared next time stay as they are.
            next.directories.clone_from(&before.directories);
            next.quarantine.clone_from(&before.quarantine);
        }
        next
    }

    /// Remembers what was completed, for later pushes.
    fn record(
        &self,
        given: &mut GivenFile,
        connections: &[Connection],
        orgs: &[OrgPlan],
        report: &Report,
    ) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        for ((org, reported), connection) in orgs.iter().zip(&report.orgs).zip(connections) {
            let made = org.changes.iter().zip(&reported.changes).filter_map(|(change, reported)| {
                let outcome = reported.outcome.as_ref()?;
                Some(Made { change, is_completed: outcome.status == Status::Completed, codes: &outcome.codes })
            });
            given.record(&connection.access.organization, made)?;
        }
        Ok(())
    }

    /// Applies exactly a plan that was looked at.
    async fn apply_file(
        &self,
        context: &Context,
        setup: &Setup,
        path: &std::path::Path,
        file: &mut StateFile,
        given: &mut GivenFile,
        report: &mut Report,
    ) -> Result<Exit> {
        let cannot = || format!("cannot use the plan {}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(cannot()).why(error))?;
        let mut plan = Plan::parse(&text, &setup.config.hash).map_err(|error| Failure::usage(cannot()).why(error))?;
        self.only.keep(&mut plan);
        report.take_plan(&plan);
        if !plan.trips.is_empty() {
            let failure =
                plan.trips.iter().fold(Failure::usage(format!("a guard stopped {}", path.display())), Failure::why);
            return Err(failure.remedy("allow it with \"umapi sync allow\" and make the plan again"));
        }
        let mut connections = Vec::new();
        let mut done = 0;
        for org in &mut plan.orgs {
            let names = setup.config.orgs_by_name();
            let profile = names.get(org.org.as_str()).map_or("", |org| &org.profile);
            let connection = Connection::of_profile(context, profile, "users").await?;
            done += take_out_done(&connection.client, org).await?;
            connection.progress.finish();
            connections.push(connection);
        }
        report.take_plan(&plan);
        if done > 0 {
            context.note(&format!(
                "{} of the plan {} made already",
                counted(done as u64, "change"),
                if done == 1 { "is" } else { "are" }
            ));
        }
        if plan.is_empty() {
            context.note("nothing to change");
            return Ok(Exit::Success);
        }
        self.confirm(context, &plan)?;
        if !self.options.dry_run && self.only.only.is_empty() && file.state.quarantine.is_some() {
            // What was allowed is made now, once.
            file.save(State { quarantine: None, ..file.state.clone() }, [], [])?;
        }
        let sent = send(context, &connections, &plan.orgs, Lists::Allowed, &self.options, report).await?;
        self.record(given, &connections, &plan.orgs, report)?;
        Ok(sent)
    }

    fn confirm(&self, context: &Context, plan: &Plan) -> Result<()> {
        if self.auto || self.options.dry_run {
            return Ok(());
        }
        for record in records(plan).take(SHOWN) {
            context.note(&format!("  {}", record.line()));
        }
        if let more @ 1.. = plan.len().saturating_sub(SHOWN) {
            context.note(&format!("  and {more} more; \"umapi sync plan\" shows all"));
        }
        let mut report = Report::new(Run::Plan, String::new());
        report.take_plan(plan);
        context.note(&report.counts.to_string());
        context.confirm("Make these changes?", false)
    }

    /// Remembers what stopped the run, so that later runs stop, too.
    fn stop(
        &self,
        context: &Context,
        setup: &Setup,
        file: &mut StateFile,
        state: State,
        trips: Vec<Trip>,
    ) -> Result<Exit> {
        let quarantines = setup.config.guard.on_trip == umapi_sync::config::OnTrip::Quarantine;
        if quarantines && !self.options.dry_run {
            let quarantine = Some(Quarantine { trips: trips.clone(), is_allowed: false });
            file.save(State { quarantine, ..state }, [], [])?;
        }
        context.note("nothing was changed");
        let failure = trips.iter().fold(Failure::failed("a guard stopped the run"), Failure::why);
        Err(failure.remedy(match quarantines {
            true => "look at \"umapi sync plan\"; if it is right, \"umapi sync allow\" lets the next run make it; no run changes anything before",
            false => "look at \"umapi sync plan\"; if it is right, raise the limit in [guard]",
        }))
    }
}

/// Remembers how Adobe's side is, for later pushes.
fn see(given: &mut GivenFile, inputs: &Inputs<'_>, planned: &Planned, connections: &[Connection]) -> Result<()> {
    let organizations = inputs.organizations.iter().zip(&planned.matchings).zip(connections);
    for ((organization, matching), connection) in organizations {
        let groups = Given::groups_of(organization, &planned.targets);
        let users = Given::seen(&inputs.people, organization, matching, &planned.targets);
        let is_seen = |person: &PersonKey| match inputs.people.standing(person) {
            Some(Standing::Wanted(index)) => matching.user_of(*index).is_some(),
            _ => false,
        };
        let accounts = organization.users.complete().is_ok().then_some(|| Given::accounts(organization));
        given.see(&connection.access.organization, groups, users, is_seen, accounts)?;
    }
    Ok(())
}

/// Fails if a guard stopped an earlier run and nobody allowed it since.
fn refuse_quarantined(state: &State) -> Result<()> {
    match &state.quarantine {
        Some(quarantine) if !quarantine.is_allowed => {
            let failure = Failure::failed("a guard stopped an earlier run, so nothing is changed");
            let failure = quarantine.trips.iter().fold(failure, Failure::why);
            Err(failure.remedy("look at \"umapi sync plan\"; if it is right, run \"umapi sync allow\""))
        }
        _ => Ok(()),
    }
}

/// The changes of a plan, numbered through all organizations.
fn records(plan: &Plan) -> impl Iterator<Item = PlannedRecord> {
    let changes = plan.orgs.iter().flat_map(|org| org.changes.iter().map(|change| (&org.org, change)));
    (1..).zip(changes).map(|(number, (org, change))| PlannedRecord::new(number, org, change))
}

/// Tells what a plan does, and what it does not and why.
fn tell(context: &Context, plan: &Plan) {
    for problem in first(&plan.problems) {
        context.warn(&format!("left out: {problem}"));
    }
    more(context, plan.problems.len(), "people are left out");
    tell_gaps(context, &plan.gaps);
    for org in &plan.orgs {
        for held in &org.held {
            let why = held.gaps.first().map(ToString::to_string).unwrap_or_default();
            let whom = counted(held.users, "user");
            match &held.group {
                Some(group) => {
                    context.warn(&format!("nobody is removed from {group} ({whom} not in the directory): {why}"))
                }
                None => context.warn(&format!("nobody leaves ({whom} not in the directory): {why}")),
            }
        }
        for blocked in first(&org.blocked) {
            context.warn(&format!("blocked: {blocked}"));
        }
        more(context, org.blocked.len(), "are blocked");
        for lasting in first(&org.lasting) {
            context.note(&format!("stays: {}: {}", lasting.what, lasting.reason));
        }
        for licenses in &org.licenses {
            let quota = licenses.quota.map_or_else(String::new, |quota| format!(" of {quota}"));
            context
                .note(&format!("licenses of {}: {} -> {}{quota}", licenses.profile, licenses.before, licenses.after));
        }
    }
    for trip in &plan.trips {
        context.warn(&format!("stopped by a guard: {trip}"));
    }
}

fn first<T>(list: &[T]) -> impl Iterator<Item = &T> {
    list.iter().take(SHOWN)
}

fn more(context: &Context, count: usize, what: &str) {
    if let more @ 1.. = count.saturating_sub(SHOWN) {
        context.warn(&format!("{more} more {what}"));
    }
}

impl OnlyArgs {
    /// Drops the changes of everyone else. Guards protect from changing many, so they do not apply.
    fn keep(&self, plan: &mut Plan) {
        if self.only.is_empty() {
            return;
        }
        plan.trips.clear();
        for org in &mut plan.orgs {
            org.changes.retain(|change| match &change.user {
                None => true,
                Some(user) => {
                    let id = change.person.as_ref().map(|person| person.id.to_string());
                    let names = [Some(user.name.clone()), user.email.clone(), id];
                    let folded: Vec<String> = names.into_iter().flatten().map(|name| name.to_lowercase()).collect();
                    self.only.iter().any(|only| folded.contains(&only.trim().to_lowercase()))
                }
            });
        }
    }
}

async fn check(context: &Context, files: &SyncArgs) -> Result<Exit> {
    let setup = files.read(context)?;
    let state = setup.state(context)?;
    let prepared = prepare(context, &setup, &state, &state.state).await?;
    let Prepared { inputs, planned, .. } = &prepared;
    let mut exit = prepared.exit();
    for (directory, reading) in &inputs.readings {
        context.note(&describe(directory, reading));
    }
    let mut listing = context.listing();
    for organization in &inputs.organizations {
        let members = organization.members();
        for (key, target) in planned.targets.groups(&organization.name) {
            let found = organization.group(key);
            let state = match (&found, target.members.complete()) {
                (None, _) if !target.create => "does not exist".to_owned(),
                (None, _) => "is created".to_owned(),
                (Some(_), Err(gaps)) => gaps.first().map(ToString::to_string).unwrap_or_default(),
                (Some(_), Ok(list)) if list.get().is_empty() => "nobody is mapped to it".to_owned(),
                (Some(_), Ok(_)) => "ok".to_owned(),
            };
            if state != "ok" && state != "is created" {
                exit = exit.most_severe(Exit::Failed);
            }
            listing.push(&GroupCheck {
                org: organization.name.clone(),
                group: target.name.clone(),
                sources: target.sources.iter().map(|source| source.group.clone()).collect(),
                people: target.members.found().map(|members| members.len() as u64),
                members: found.map(|(index, _)| members.get(&index).map_or(0, Vec::len) as u64),
                state,
            })?;
        }
    }
    listing.finish()?;
    tell(context, &planned.plan);
    let mut report = Report::new(Run::Plan, String::new());
    report.take_plan(&planned.plan);
    context.note(&format!("plan: {}", report.counts));
    Ok(exit)
}

fn counted_people(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

/// Prints the JSON Schema of the configuration.
fn schema(context: &Context) -> Result<Exit> {
    let cannot = |error| Failure::failed("cannot write the JSON Schema").why(error);
    let mut text = serde_json::to_vec_pretty(&umapi_sync::config::schema()).map_err(cannot)?;
    text.push(b'\n');
    context.write(&text)?;
    Ok(Exit::Success)
}

fn status(context: &Context, files: &SyncArgs) -> Result<Exit> {
    let setup = files.read(context)?;
    let file = setup.state(context)?;
    let mut lines = Vec::new();
    let mut say = |about: &str, value: String| lines.push(Explanation { about: about.to_owned(), value });
    match &file.last_run {
        Some(run) => {
            say("last run", format!("{}: {}", run.at, run.summary));
            if let Some(counts) = &run.counts {
                say("last changes", counts.to_string());
            }
        }
        None => say("last run", "none".to_owned()),
    }
    for (directory, sizes) in &file.state.directories {
        let people = sizes.people.map_or_else(|| "never read whole".to_owned(), counted_people);
        say("directory", format!("{directory}: {people}, {}", counted(sizes.groups.len() as u64, "group")));
    }
    let now = today(&context.clock);
    let none = OrgState::default();
    for org in file.people.keys().chain(file.state.orgs.keys()).collect::<BTreeSet<_>>() {
        let known = counted_people(file.people.get(org).copied().unwrap_or_default());
        let state = file.state.orgs.get(org).unwrap_or(&none);
        say("organization", format!("{org}: {known} known, {} adopted", state.adopted.len()));
        for (user, leaver) in &state.leavers {
            say("leaver", format!("{user} of {org}: left {} days ago", now - leaver.since));
        }
    }
    let exit = match &file.state.quarantine {
        None => Exit::Success,
        Some(quarantine) => {
            for trip in &quarantine.trips {
                say(if quarantine.is_allowed { "allowed" } else { "stopped" }, trip.to_string());
            }
            if quarantine.is_allowed { Exit::Success } else { Exit::Failed }
        }
    };
    let mut listing = context.listing();
    for line in &lines {
        listing.push(line)?;
    }
    listing.finish()?;
    Ok(exit)
}

impl AllowArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        let setup = self.files.read(context)?;
        let mut file = setup.state(context)?;
        let Some(quarantine) = file.state.quarantine.clone() else {
            context.note("no run is stopped");
            return Ok(Exit::Success);
        };
        for trip in &quarantine.trips {
            context.note(&trip.to_string());
        }
        context.confirm("Let the next run make this, once?", self.yes)?;
        let state = State { quarantine: Some(Quarantine { is_allowed: true, ..quarantine }), ..file.state.clone() };
        file.save(state, [], [])?;
        context.note("the next run makes it");
        Ok(Exit::Success)
    }
}

impl AdoptArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let setup = self.files.read(context)?;
        let mut file = setup.state(context)?;
        let before = file.state.clone();
        let prepared = prepare(context, &setup, &file, &before).await?;
        let mut listing = context.listing();
        let mut adopted: Vec<(String, String)> = Vec::new();
        let mut unknown = self.keep.clone();
        for org in &prepared.planned.plan.orgs {
            for change in org.changes.iter().filter(|change| change.person.is_none()) {
                let (umapi_sync::Action::Remove(removal), Some(user)) = (&change.action, &change.user) else {
                    continue;
                };
                let is_kept = self.keep.iter().any(|keep| keep.eq_ignore_ascii_case(&user.name));
                unknown.retain(|name| !name.eq_ignore_ascii_case(&user.name));
                let license = org.licenses.iter().any(|licenses| licenses.profile == removal.group());
                let text = format!("{} ({})", removal.group(), if license { "a license" } else { "no license" });
                listing.push(&Explanation {
                    about: shown(user),
                    value: if is_kept { format!("{text}: stays") } else { text },
                })?;
                if is_kept {
                    adopted.push((org.org.clone(), user_key(&umapi::Account::from(user))));
                }
            }
        }
        listing.finish()?;
        let exit = prepared.failed_exit();
        drop(prepared);
        if let Some(name) = unknown.first() {
            return Err(Failure::new(Exit::NotFound, format!("{name} is in no group of the rules without a reason"))
                .remedy("\"umapi sync adopt\" without names lists who is"));
        }
        if !adopted.is_empty() {
            let mut state = before;
            let count = adopted.len() as u64;
            for (org, key) in adopted {
                state.orgs.entry(org).or_default().adopted.insert(key);
            }
            file.save(state, [], [])?;
            context.note(&format!(
                "{} from now on",
                if count == 1 { "1 membership stays".to_owned() } else { format!("{count} memberships stay") }
            ));
        }
        Ok(exit)
    }
}

/// Reads only the directories, for `umapi sync init`, and tells what they have. Returns whether all people were read.
async fn try_directories(context: &Context, setup: &Setup) -> Result<bool> {
    let (people, readings) = read_directories(context, setup).await?;
    for (directory, reading) in &readings {
        let groups = reading.groups.values().filter(|group| group.members.found().is_some()).count() as u64;
        context.note(&format!("{}, {}", describe(directory, reading), counted(groups, "group")));
        let of_groups = reading.groups.values().flat_map(|group| group.members.gaps());
        let gaps: BTreeSet<_> =
            reading.people.gaps().iter().chain(reading.group_list.gaps()).chain(of_groups).collect();
        tell_gaps(context, &Vec::from_iter(gaps));
    }
    context.note(&format!("{} can be users", counted_people(people.wanted().len() as u64)));
    Ok(readings.iter().all(|(_, reading)| reading.people.complete().is_ok()))
}

/// `hr: 5 people, all read`
fn describe(directory: &DirectoryConfig, reading: &Reading) -> String {
    let people = reading.people.found().copied().unwrap_or_default() as u64;
    let whole = if reading.people.complete().is_ok() { "all read" } else { "not all read" };
    format!("{}: {}, {whole}", directory.name, counted_people(people))
}

fn tell_gaps<G: std::fmt::Display>(context: &Context, gaps: &[G]) {
    for gap in first(gaps) {
        context.warn(&format!("not read to its end: {gap}"));
    }
    more(context, gaps.len(), "lists are not whole");
}
