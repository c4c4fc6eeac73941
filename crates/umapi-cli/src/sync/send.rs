//! Sends the changes of a plan, in an order in which each finds what it needs.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::stream;
use umapi::{
    Account, Client, Command, CommandOutcome, Error, GroupRef, MembershipAction, MembershipChange, Outcome, RunOptions,
    StepState, StopHandle, plan::account::AccountKey,
};
use umapi_sync::{
    Action, Change, OrgPlan, Report, TargetKind,
    report::{ReportedOutcome, Status},
};

use super::records::{PlannedRecord, SyncRecord};
use crate::{
    batch::keep_cache,
    cache::{Cache, RunChanges},
    connection::Connection,
    context::Context,
    failure::{Exit, Result},
    options::WriteArgs,
    output::{OutcomeStatus, explain},
    summary::Summary,
};

/// The outcome of a change.
struct Ending {
    status: OutcomeStatus,
    message: Option<String>,
    codes: Vec<String>,
}

/// Whether lists of Adobe's side may be read on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// The groups, if that saves requests.
    Allowed,
    /// None.
    Unread,
}

/// A sending in progress.
struct Sending<'a> {
    context: &'a Context,
    client: &'a Client,
    /// The lists on disk, which must not show what is changed here as it was. `None` for a dry run.
    cache: Option<&'a Cache>,
    cached: RunChanges,
    run: RunOptions,
    lists: Lists,
    changes: &'a [&'a Change],
    endings: BTreeMap<usize, Ending>,
    requests: u64,
    error: Option<Error>,
}

/// Sends the changes of all organizations, and writes the outcome of each.
///
/// What other organizations depend on is made first and removed last: additions in the order of the configuration, removals
/// in the opposite one.
pub(crate) async fn send(
    context: &Context,
    connections: &[Connection],
    orgs: &[OrgPlan],
    lists: Lists,
    options: &WriteArgs,
    report: &mut Report,
) -> Result<Exit> {
    let mut reported = BTreeMap::new();
    let mut listing_owner = None;
    let mut summary = Summary::default();
    let mut requests = 0;
    let mut error = None;
    let numbered = numbered(orgs);
    let adding = numbered.iter().map(|(org, changes)| (*org, part(changes, |action| !is_removal(action))));
    let removing = numbered.iter().rev().map(|(org, changes)| (*org, part(changes, is_removal)));
    for (org, part) in adding.chain(removing).collect::<Vec<_>>() {
        let Some(connection) = connections.get(org).filter(|_| !part.is_empty()) else { continue };
        let listing = listing_owner.get_or_insert_with(|| context.outcomes(&connection.progress));
        connection.progress.begin_again();
        let changes: Vec<&Change> = part.iter().map(|(_, change)| *change).collect();
        // One for each: a run that ends early for a reason of its own stops its handle, and nothing of other organizations.
        let stop = StopHandle::new();
        let interrupt = context.interrupts.stop(&stop);
        let run = RunOptions::new().stop(&stop);
        let run = if options.dry_run { run.test_only() } else { run };
        let cache = connection.cache.as_ref().filter(|_| !options.dry_run);
        let cached = RunChanges::begin(cache, changes.len() as u64, options.dry_run);
        let mut sending = Sending {
            context,
            client: &connection.client,
            cache,
            cached: keep_cache(context, cached).unwrap_or_default(),
            run,
            lists,
            changes: &changes,
            endings: BTreeMap::new(),
            requests: 0,
            error: None,
        };
        sending.send_all().await;
        drop(interrupt);
        keep_cache(context, sending.cached.end());
        connection.progress.finish();
        requests += sending.requests;
        error = error.or(sending.error);
        for (index, (number, change)) in part.iter().enumerate() {
            let ending = sending.endings.remove(&index).unwrap_or_else(|| Ending {
                status: OutcomeStatus::NotSent,
                message: Some("the run ended before it".to_owned()),
                codes: Vec::new(),
            });
            reported.insert(*number, ending.reported());
            let planned = PlannedRecord::new(*number, &orgs[org].org, change);
            let record = SyncRecord::new(planned, ending.status, ending.message, ending.codes);
            summary.write(&record, listing, options)?;
        }
    }
    report.take_outcomes(reported);
    if let Some(listing) = listing_owner {
        listing.finish()?;
    }
    let summary = summary.finish(requests, options.dry_run);
    context.summarize(&summary);
    context.conclude_changes(&summary, error.as_ref(), "the next run continues; what is done already stays as it is")
}

/// The changes of each organization, numbered through all of them from 1.
fn numbered(orgs: &[OrgPlan]) -> Vec<(usize, Vec<(u64, &Change)>)> {
    let mut numbers = 1_u64..;
    orgs.iter().enumerate().map(|(index, org)| (index, numbers.by_ref().zip(&org.changes).collect())).collect()
}

fn part<'c>(changes: &[(u64, &'c Change)], is_in: impl Fn(&Action) -> bool) -> Vec<(u64, &'c Change)> {
    changes.iter().filter(|(_, change)| is_in(&change.action)).copied().collect()
}

fn is_removal(action: &Action) -> bool {
    matches!(action, Action::Remove(_) | Action::RemoveFromOrg(_))
}

impl Sending<'_> {
    async fn send_all(&mut self) {
        self.commands(|action| matches!(action, Action::CreateGroup { .. })).await;
        self.create_users().await;
        self.commands(|action| matches!(action, Action::UpdateUser { .. })).await;
        self.memberships().await;
        self.commands(|action| matches!(action, Action::RemoveFromOrg(_))).await;
    }

    /// Creates users, each with the memberships that cannot be set from the group: that saves a request of their own.
    async fn create_users(&mut self) {
        let mut joins: HashMap<AccountKey, Vec<usize>> = HashMap::new();
        for (index, change) in self.changes.iter().enumerate() {
            if let (Action::Add { kind, .. }, Some(user)) = (&change.action, &change.user)
                && *kind != TargetKind::UserGroup
            {
                joins.entry(Account::from(user).key().clone()).or_default().push(index);
            }
        }
        let mut commands = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            if !matches!(change.action, Action::CreateUser { .. }) {
                continue;
            }
            let Some(Command::User(mut command)) = change.command() else { continue };
            let key = change.user.as_ref().map(|user| Account::from(user).key().clone());
            let mut indexes = vec![index];
            indexes.extend(key.and_then(|key| joins.remove(&key)).unwrap_or_default());
            // A step for each membership, so that each has its own outcome.
            for &index in &indexes {
                if let Action::Add { group, .. } = &self.changes[index].action {
                    command = command.add_to([group]);
                }
            }
            commands.push((indexes, Command::from(command)));
        }
        self.execute(commands).await;
    }

    /// Sends the changes of one kind, a command each.
    async fn commands(&mut self, is_in: impl Fn(&Action) -> bool) {
        let chosen = self.changes.iter().enumerate().filter(|(_, change)| is_in(&change.action));
        let commands = chosen.filter_map(|(index, change)| Some((vec![index], change.command()?))).collect();
        self.execute(commands).await;
    }

    async fn execute(&mut self, commands: Vec<(Vec<usize>, Command)>) {
        if commands.is_empty() || self.error.is_some() {
            return;
        }
        for (indexes, command) in &commands {
            keep_cache(self.context, self.cached.before(indexes[0] as u64, command));
        }
        let mut outcomes = self.client.execute_stream(stream::iter(commands)).with_options(self.run.clone());
        while let Some((indexes, outcome)) = outcomes.next().await {
            keep_cache(self.context, self.cached.after(indexes[0] as u64, outcome.is_completed()));
            for (step, index) in indexes.into_iter().enumerate() {
                self.endings.insert(index, Ending::of_step(&outcome, step));
            }
        }
        self.requests += outcomes.requests();
        self.error = outcomes.error().cloned();
    }

    /// Sends the memberships that are left, in the fewest requests. Users who could not be created are left out.
    async fn memberships(&mut self) {
        if self.error.is_some() {
            return;
        }
        let failed: HashSet<AccountKey> = self
            .changes
            .iter()
            .enumerate()
            .filter(|(index, change)| {
                let has_failed = |ending: &Ending| ending.status != OutcomeStatus::Completed;
                matches!(change.action, Action::CreateUser { .. }) && self.endings.get(index).is_some_and(has_failed)
            })
            .filter_map(|(_, change)| Some(Account::from(change.user.as_ref()?).key().clone()))
            .collect();
        let mut indexes = Vec::new();
        let mut memberships = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            if self.endings.contains_key(&index) {
                continue;
            }
            let Some(membership) = membership(change) else { continue };
            if failed.contains(membership.user.key()) {
                let message = Some("the user could not be created".to_owned());
                self.endings.insert(index, Ending { status: OutcomeStatus::NotSent, message, codes: Vec::new() });
                continue;
            }
            indexes.push(index);
            memberships.push(membership);
        }
        if memberships.is_empty() {
            return;
        }
        let begun = self.cache.map(|cache| cache.begin_memberships(&memberships));
        let begun = begun.and_then(|begun| keep_cache(self.context, begun));
        let wanted = self.client.memberships().with(memberships.clone());
        let wanted = if self.lists == Lists::Unread { wanted.without_reading_groups() } else { wanted };
        let planned = match wanted.plan().await {
            Ok(planned) => planned,
            // What was sent before has outcomes, which are still told.
            Err(error) => {
                self.error = Some(error);
                return;
            }
        };
        let report = match planned.with_options(self.run.clone()).await {
            Ok(report) => report,
            Err(unfinished) => {
                self.error = Some(unfinished.error().clone());
                unfinished.into_report()
            }
        };
        self.requests += u64::from(report.requests());
        if let (Some(cache), Some(mut users)) = (self.cache, begun) {
            for outcome in report.outcomes().iter().filter(|outcome| !outcome.is_completed()) {
                users.remove(outcome.change().user.key());
            }
            let done = memberships.iter().filter(|change| users.contains(change.user.key()));
            keep_cache(self.context, cache.complete_memberships(done));
        }
        for outcome in report.outcomes() {
            if let Some(&index) = indexes.get(outcome.number()) {
                self.endings.insert(index, Ending::of(outcome.outcome()));
            }
        }
    }
}

fn membership(change: &Change) -> Option<MembershipChange> {
    let user = Account::from(change.user.as_ref()?);
    let (group, kind, action) = match &change.action {
        Action::Add { group, kind } => (group.as_str(), *kind, MembershipAction::Add),
        Action::Remove(removal) => (removal.group(), removal.kind(), MembershipAction::Remove),
        _ => return None,
    };
    let group = match kind {
        TargetKind::UserGroup => GroupRef::user_group(group),
        TargetKind::Profile => GroupRef::profile(group),
        TargetKind::Unknown => GroupRef::from(group),
    };
    Some(MembershipChange { user, group, action })
}

impl Ending {
    fn reported(&self) -> ReportedOutcome {
        let status = match self.status {
            OutcomeStatus::Completed => Status::Completed,
            OutcomeStatus::Rejected => Status::Rejected,
            OutcomeStatus::NotSent => Status::NotSent,
            OutcomeStatus::Unknown | OutcomeStatus::NotFound => Status::Unknown,
        };
        ReportedOutcome { status, message: self.message.clone(), codes: self.codes.clone() }
    }

    /// The outcome of one step of a command.
    fn of_step(outcome: &CommandOutcome, step: usize) -> Self {
        let state = outcome.steps().into_iter().find(|known| known.step == step).map(|known| known.state());
        match (state, outcome.outcome()) {
            (Some(StepState::Done), _) => Self::of(&Outcome::Completed),
            (Some(StepState::Rejected), Outcome::Rejected { errors }) => {
                let own = errors.iter().filter(|error| error.step.is_none_or(|known| known == step));
                Self::of(&Outcome::Rejected { errors: own.cloned().collect() })
            }
            (_, whole) => Self::of(whole),
        }
    }

    fn of(outcome: &Outcome) -> Self {
        let (status, message, codes) = match outcome {
            Outcome::Completed => (OutcomeStatus::Completed, None, Vec::new()),
            Outcome::Rejected { errors } => {
                let messages: Vec<String> = errors.iter().map(explain::step_error).collect();
                let codes = errors.iter().map(|error| error.code.as_str().to_owned()).collect();
                (OutcomeStatus::Rejected, Some(messages.join("; ")), codes)
            }
            Outcome::NotSent { why } => (OutcomeStatus::NotSent, Some(explain::not_sent(why)), Vec::new()),
            Outcome::Unknown { why } => (OutcomeStatus::Unknown, Some(explain::unknown(why)), Vec::new()),
            other => (OutcomeStatus::Unknown, Some(other.to_string()), Vec::new()),
        };
        Self { status, message, codes }
    }
}
