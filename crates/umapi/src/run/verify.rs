//! Reads users and groups to verify what an error after a lost request means.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::Mutex;
use umapi_model::{Group, GroupType, Operation, UserGroup};
use umapi_plan::{
    account::{Account, FoldedName, is_email_type},
    job::{Finding, Lookup, Verification, VerificationId},
};
use umapi_time::Instant;

use super::StopHandle;
use crate::{
    call::Scope,
    client::Client,
    error::{Error, Kind},
    list::{PageItem, Pager},
    rate::RateLimitScope,
};

/// How often a user or group is read if the service rejects new access tokens. Without an answer, the outcome of a command
/// remains unknown.
const ATTEMPTS: u32 = 3;

/// Runs verifications. Those that begin at the same time share one list of groups, because the service has no call for a
/// single group.
#[derive(Clone)]
pub(super) struct Verifier {
    client: Client,
    deadline: Option<Instant>,
    stop: StopHandle,
    scope: Scope,
    groups: Arc<Mutex<Option<Groups>>>,
}

/// The groups of the organization.
struct Groups {
    read_from: Instant,
    by_name: HashMap<FoldedName, Group>,
    is_whole: bool,
}

impl Verifier {
    pub(super) fn new(client: Client, deadline: Option<Instant>, stop: StopHandle, scope: Scope) -> Self {
        Self { client, deadline, stop, scope, groups: Arc::default() }
    }

    /// Makes all lookups of a verification. What is read must not be older than `since`.
    pub(super) async fn run(self, verification: Verification, since: Instant) -> (VerificationId, Vec<Finding>) {
        let mut findings = Vec::new();
        for lookup in &verification.lookups {
            let mut attempts = 1;
            let found = loop {
                match self.within_bounds(self.look_up(lookup, since)).await {
                    // The token is shared with the requests of the run, and can be revoked between its issue and this read.
                    Err(error) if error.is_unauthorized() && attempts < ATTEMPTS => attempts += 1,
                    found => break found,
                }
            };
            findings.push(found.unwrap_or_else(|error| Finding::Failed(error.into())));
        }
        (verification.id, findings)
    }

    async fn look_up(&self, lookup: &Lookup, since: Instant) -> Result<Finding, Error> {
        match lookup {
            Lookup::User(account) => self.user(account).await,
            Lookup::Group(name) => self.group(name, since).await,
            _ => Err(Error::invalid("this version of the client cannot read that")),
        }
    }

    /// Ends a read when the run is stopped or has no time left.
    async fn within_bounds(&self, read: impl Future<Output = Result<Finding, Error>>) -> Result<Finding, Error> {
        let clock = &self.client.0.clock;
        let out_of_time = async {
            match self.deadline {
                Some(deadline) => clock.sleep(deadline - clock.now()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.stopped() => Err(Error::new(Kind::Stopped)),
            found = read => found,
            () = out_of_time => Err(Error::new(Kind::Deadline { has_passed: true })),
        }
    }

    async fn user(&self, account: &Account) -> Result<Finding, Error> {
        let users = self.client.users();
        let user = match account.domain() {
            _ if account.is_adobe_id() => users.get_adobe_id(account.name()),
            Some(domain) if !is_email_type(account.name()) => users.get_by_username(account.name(), domain),
            _ => users.get(account.name()),
        };
        Ok(Finding::User(user.in_scope(&self.scope).await?.map(Box::new)))
    }

    async fn group(&self, name: &str, since: Instant) -> Result<Finding, Error> {
        let mut groups = self.groups.lock().await;
        if groups.as_ref().is_none_or(|groups| groups.read_from < since) {
            let read_from = self.client.0.clock.now();
            let (by_name, is_whole) = self.read_groups().await?;
            *groups = Some(Groups { read_from, by_name, is_whole });
        }
        let group = groups.as_ref().and_then(|groups| groups.by_name.get(&FoldedName::new(name)));
        if group.is_none() && groups.as_ref().is_some_and(|groups| !groups.is_whole) {
            return Err(Error::new(Kind::NotWhole { what: format!("the group \"{name}\"") }));
        }
        Ok(Finding::Group(group.cloned().map(Box::new)))
    }

    /// Reads all groups, or all user groups if the service allows the list of all groups only in hours. Only user groups are
    /// created and deleted, so the older list of them is enough. Returns the groups, and whether these are all.
    async fn read_groups(&self) -> Result<(HashMap<FoldedName, Group>, bool), Error> {
        let all_groups = RateLimitScope::FirstPage(Operation::ListGroups);
        if self.client.time_for(all_groups, 1).await?.is_zero() {
            return by_name(self.client.groups().list().in_scope(&self.scope), |group| group).await;
        }
        let user_groups = self.client.legacy().user_groups().list().in_scope(&self.scope);
        by_name(user_groups, |group: UserGroup| Group::new(group.name).with_type(GroupType::UserGroup)).await
    }
}

async fn by_name<T: PageItem>(
    mut list: Pager<T>,
    group_of: impl Fn(T) -> Group,
) -> Result<(HashMap<FoldedName, Group>, bool), Error> {
    let mut by_name = HashMap::new();
    while let Some(item) = list.try_next().await? {
        let group = group_of(item);
        by_name.insert(FoldedName::new(&group.group_name), group);
    }
    Ok((by_name, !list.changes().any()))
}
