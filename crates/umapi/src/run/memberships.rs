//! Running changes of memberships: looks up the kinds of groups, plans and sends.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use umapi_model::{Operation, ThrottleClass};
use umapi_plan::{
    Account, GroupKind, GroupRef, MembershipChange, MembershipPlan, MembershipReport, Memberships, account::FoldedName,
};

use super::{RunOptions, Unfinished, journal::OptionalJournal, runner::Runner, stubbed::StubRun};
use crate::{
    call::{Call, Scope},
    client::Client,
    error::Error,
    groups::GroupDirectory,
    rate::RateLimitScope,
};

impl Client {
    /// Changes memberships, of many users in many groups, with the fewest requests: the client decides for each whether
    /// it is set from the user or from the group. Changes have no keys: the outcomes are in the order of the changes. One change
    /// that breaks a rule fails the plan as a whole, before anything is sent.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client, staff: Vec<String>) -> Result<(), umapi::Error> {
    /// let mut memberships = client.memberships().remove("bob@example.com", "Sales");
    /// for email in &staff {
    ///     memberships = memberships.add(email, "Everyone");
    /// }
    /// let plan = memberships.plan().await?;
    /// println!("{} memberships in {} requests", plan.plan().memberships(), plan.plan().requests());
    /// let report = plan.await?;
    /// for rejected in report.rejected() {
    ///     eprintln!("{rejected}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn memberships(&self) -> MembershipChanges {
        MembershipChanges { client: self.clone(), memberships: Memberships::new(), directory: None, reads_groups: true }
    }
}

/// Changes of memberships to plan; made by [`Client::memberships`].
#[derive(Clone, Debug)]
#[must_use = "nothing is read before `plan`, and nothing is sent before the plan is awaited"]
pub struct MembershipChanges {
    client: Client,
    memberships: Memberships,
    directory: Option<GroupDirectory>,
    reads_groups: bool,
}

impl MembershipChanges {
    /// Adds a user to a group.
    pub fn add(mut self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self {
        self.memberships = self.memberships.add(user, group);
        self
    }

    /// Removes a user from a group.
    pub fn remove(mut self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self {
        self.memberships = self.memberships.remove(user, group);
        self
    }

    /// Appends changes, for example what an earlier [report](MembershipReport) lists as not sent.
    pub fn with(mut self, changes: impl IntoIterator<Item = MembershipChange>) -> Self {
        self.memberships.extend(changes);
        self
    }

    /// Takes the kinds of groups from a directory, so that [`plan`](Self::plan) reads no list.
    ///
    /// # Errors
    ///
    /// If the directory is of another organization.
    pub fn with_directory(mut self, directory: &GroupDirectory) -> Result<Self, Error> {
        let (expected, given) = (self.client.organization(), directory.organization());
        if !expected.eq_ignore_ascii_case(given) {
            return Err(Error::invalid(format!(
                "the groups belong to the organization {given}, but the client is for {expected}; read them with this client"
            )));
        }
        self.directory = Some(directory.clone());
        Ok(self)
    }

    /// Lets [`plan`](Self::plan) read no list. Memberships in groups whose kind nothing tells are set from the users, even if
    /// that takes more requests.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// // The list of groups may be read once in two hours. Leave it to the report of tonight.
    /// let changes = client.memberships().add("ann@example.com", "Design").without_reading_groups();
    /// println!("{}", changes.plan().await?.await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn without_reading_groups(mut self) -> Self {
        self.reads_groups = false;
        self
    }

    /// Plans how they are sent.
    ///
    /// The kind of a group decides whether its memberships can be set from the group. If the [`GroupRef`] of a group does not
    /// name it and there is no [directory](Self::with_directory), the groups are read: but only if a plan that sets these
    /// memberships from the users might take more requests. If the groups were read within the last two hours, and so cannot be
    /// read now, more requests are better than the wait, unless they take even longer.
    ///
    /// [Options](crate::CallOptions) apply to reading the groups; [those of the run](PlannedMemberships::with_options) to
    /// changing the memberships.
    ///
    /// # Errors
    ///
    /// If a membership [cannot be set](Error::invalid_membership), with its number; if the list of groups cannot be read.
    pub fn plan(self) -> Call<PlannedMemberships> {
        let client = self.client.clone();
        Call::new(&client, |client, scope| async move { scope.within(&client.0.clock, self.plan_within(&scope)).await })
    }

    async fn plan_within(mut self, scope: &Scope) -> Result<PlannedMemberships, Error> {
        let for_stub = self.client.0.stub().map(|_| self.memberships.changes().collect());
        if self.memberships.unresolved().next().is_some() {
            if let Some(directory) = self.directory.take() {
                // A group that it lacks may have been created since.
                self.memberships.resolve(|name| directory.kind(name));
            } else if !self.reads_groups {
                // What is not resolved is set from the users, which fits groups of every kind.
            } else if let Some(plan) = self.plan_without_groups().await? {
                return Ok(PlannedMemberships::new(self.client, plan, for_stub));
            } else {
                let (kinds, is_whole) = self.kinds(scope).await?;
                // A group that does not exist is rejected by the service: only once, if the command is on the group.
                let if_missing = is_whole.then_some(GroupKind::UserGroup);
                self.memberships.resolve(|name| kinds.get(&FoldedName::new(name)).copied().or(if_missing));
            }
        }
        Ok(PlannedMemberships::new(self.client, self.memberships.plan()?, for_stub))
    }

    /// The plan that sets all memberships in groups of unknown kinds from the users, if it is as good as reading the groups.
    async fn plan_without_groups(&self) -> Result<Option<MembershipPlan>, Error> {
        let mut best_case = self.memberships.clone();
        best_case.resolve(|_| Some(GroupKind::UserGroup));
        let (Ok(plan), Ok(best_case)) = (self.memberships.clone().plan(), best_case.plan()) else { return Ok(None) };
        let more = plan.requests().saturating_sub(best_case.requests());
        if more == 0 {
            return Ok(Some(plan));
        }
        let wait = self.client.time_for(RateLimitScope::FirstPage(Operation::ListGroups), 1).await?;
        let time_of_more = self.client.0.rate_limiter.time_between(ThrottleClass::Action, more);
        Ok((!wait.is_zero() && time_of_more <= wait).then_some(plan))
    }

    /// Reads the kinds of the groups that do not name it, and whether those that are missing do not exist.
    async fn kinds(&self, scope: &Scope) -> Result<(HashMap<FoldedName, GroupKind>, bool), Error> {
        let mut kinds: HashMap<FoldedName, Option<GroupKind>> =
            self.memberships.unresolved().map(|name| (FoldedName::new(name), None)).collect();
        let mut missing = kinds.len();
        let mut groups = self.client.groups().list().in_scope(scope);
        while missing > 0
            && let Some(group) = groups.try_next().await?
        {
            if let Some(kind) = kinds.get_mut(&FoldedName::new(&group.group_name))
                && kind.replace(GroupKind::of_type(group.type_.as_ref())).is_none()
            {
                missing -= 1;
            }
        }
        let kinds = kinds.into_iter().filter_map(|(name, kind)| Some((name, kind?))).collect();
        Ok((kinds, !groups.changes().any()))
    }
}

/// Planned changes of memberships; made by [`MembershipChanges::plan`], and run by awaiting it.
///
/// As with [`Execute`](crate::Execute), dropping the future loses the outcomes.
#[must_use = "nothing is sent before it is awaited"]
pub struct PlannedMemberships {
    client: Client,
    options: RunOptions,
    plan: MembershipPlan,
    /// The changes, if the client is made from a stub.
    for_stub: Option<Vec<MembershipChange>>,
}

impl PlannedMemberships {
    fn new(client: Client, plan: MembershipPlan, for_stub: Option<Vec<MembershipChange>>) -> Self {
        Self { client, options: RunOptions::new(), plan, for_stub }
    }

    /// The plan, for example to show how many requests it takes.
    #[must_use]
    pub fn plan(&self) -> &MembershipPlan {
        &self.plan
    }

    /// Sets the options of the run.
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    async fn run(self) -> Result<MembershipReport, Unfinished<MembershipReport>> {
        if let Some(changes) = self.for_stub {
            return StubRun::new(self.client, self.options, OptionalJournal::<()>::none()).change(changes).await;
        }
        Runner::new(self.client, self.plan.into_job(self.options.test_only), self.options, OptionalJournal::none())
            .run()
            .await
    }
}

impl IntoFuture for PlannedMemberships {
    type Output = Result<MembershipReport, Unfinished<MembershipReport>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for PlannedMemberships {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedMemberships").field("options", &self.options).finish_non_exhaustive()
    }
}
