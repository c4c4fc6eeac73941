//! Memberships: looked up, planned and run.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use umapi_model::GroupType;

use super::{StopHandle, Unfinished, options::Options, runner::Runner};
use crate::{client::Client, error::Error};
use umapi_plan::{
    GroupKind, GroupRef, MembershipChange, MembershipPlan, MembershipReport, Memberships, UserRef, command::fold,
};

impl Client {
    /// Sets memberships, of many users in many groups, with the fewest requests: the client chooses for each whether it is
    /// told to the user or to the group.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client, staff: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut memberships = client.memberships().remove("bob@example.com", "Sales");
    /// for email in &staff {
    ///     memberships = memberships.add(email, "Everyone");
    /// }
    /// let plan = memberships.plan().await?;
    /// println!("{} memberships in {} requests", plan.plan().memberships(), plan.plan().requests());
    /// let report = plan.await?;
    /// for refused in report.rejected() {
    ///     eprintln!("{refused}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn memberships(&self) -> MembershipChanges {
        MembershipChanges { client: self.clone(), memberships: Memberships::new() }
    }
}

/// Memberships to be set; made by [`Client::memberships`].
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `plan`, and nothing sent before what it gives is awaited"]
pub struct MembershipChanges {
    client: Client,
    memberships: Memberships,
}

impl MembershipChanges {
    /// Has a user join a group.
    pub fn add(mut self, user: impl Into<UserRef>, group: impl Into<GroupRef>) -> Self {
        self.memberships = self.memberships.add(user, group);
        self
    }

    /// Has a user leave a group.
    pub fn remove(mut self, user: impl Into<UserRef>, group: impl Into<GroupRef>) -> Self {
        self.memberships = self.memberships.remove(user, group);
        self
    }

    /// Adds what was put together before, or is left of an earlier [report](MembershipReport).
    pub fn with(mut self, edges: impl IntoIterator<Item = MembershipChange>) -> Self {
        self.memberships.extend(edges);
        self
    }

    /// Decides how they are sent. Where it matters which kind of group a name is, and the [`GroupRef`] does not say, the list
    /// of groups is read.
    ///
    /// # Errors
    ///
    /// For a membership that [cannot be set](crate::InvalidMembership), by its number; if the list of groups cannot be read.
    pub async fn plan(mut self) -> Result<PlannedMemberships, Error> {
        if self.memberships.unresolved().next().is_some() {
            let kinds = self.kinds().await?;
            // A name that the organization does not have is refused by the service: once, if it is a group's command.
            self.memberships.resolve(|name| Some(kinds.get(&*fold(name)).copied().unwrap_or(GroupKind::UserGroup)));
        }
        let plan = self.memberships.plan().map_err(|invalid| Error::invalid(invalid.to_string()))?;
        Ok(PlannedMemberships { options: Options::new(self.client), plan })
    }

    /// The kind of each group in question, as far as the organization has it.
    async fn kinds(&self) -> Result<HashMap<String, GroupKind>, Error> {
        let wanted: Vec<String> = self.memberships.unresolved().map(|name| fold(name).to_string()).collect();
        let mut kinds: HashMap<String, Option<GroupKind>> = wanted.into_iter().map(|name| (name, None)).collect();
        let mut missing = kinds.len();
        let mut groups = self.client.groups().list();
        while missing > 0
            && let Some(group) = groups.try_next().await?
        {
            if let Some(kind) = kinds.get_mut(&*fold(&group.group_name))
                && kind.replace(kind_of(group.type_.as_ref())).is_none()
            {
                missing -= 1;
            }
        }
        Ok(kinds.into_iter().filter_map(|(name, kind)| Some((name, kind?))).collect())
    }
}

fn kind_of(group_type: Option<&GroupType>) -> GroupKind {
    match group_type {
        Some(GroupType::UserGroup) => GroupKind::UserGroup,
        Some(GroupType::ProductProfile) => GroupKind::Profile,
        _ => GroupKind::Administrative,
    }
}

/// Memberships with a plan; made by [`MembershipChanges::plan`], and run by awaiting it.
///
/// As with [`Execute`](crate::Execute), dropping the future under way tells nobody what became of them.
#[must_use = "nothing is sent before it is awaited"]
pub struct PlannedMemberships {
    options: Options,
    plan: MembershipPlan,
}

impl PlannedMemberships {
    /// The plan: how many requests it takes, say.
    #[must_use]
    pub fn plan(&self) -> &MembershipPlan {
        &self.plan
    }

    /// Only tries: the service validates everything and changes nothing.
    pub fn test_only(mut self) -> Self {
        self.options.test_only = true;
        self
    }

    /// The most requests in flight at a time. The default is four for each credential.
    pub fn in_flight(mut self, most: usize) -> Self {
        self.options.in_flight = most;
        self
    }

    /// How long all of it may take. What cannot be sent within this time is not sent.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.options.deadline = Some(time);
        self
    }

    /// A handle to stop it by.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.options.stop.clone()
    }

    async fn run(self) -> Result<MembershipReport, Unfinished<MembershipReport>> {
        Runner::new(self.plan.into_job(), self.options).run().await
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
