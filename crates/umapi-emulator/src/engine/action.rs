use std::fmt;

use umapi_model::limits;

use super::command::Execution;
use super::outcome::{ActionResponse, Tally};
use super::{Refusal, Rejected, request};
use crate::store::{Cause, Organization, Store, StoreError, Tx};

/// How much one action request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of JSON.
    pub body_bytes: usize,
    /// Commands in a request.
    pub commands: usize,
    /// Steps in a command.
    pub steps: usize,
    /// Names in one list of an `add` or `remove`.
    pub names: usize,
    /// Users in a user group that profiles can still be added to.
    pub group_members: i64,
}

impl Default for Limits {
    /// The service's: 1 MB, 10 commands, 10 steps, 10 names, 200,000 users.
    fn default() -> Self {
        Self {
            body_bytes: limits::REQUEST_BYTES,
            commands: limits::COMMANDS_PER_REQUEST,
            steps: limits::STEPS_PER_COMMAND,
            names: limits::NAMES_PER_LIST,
            group_members: limits::GROUP_MEMBERS_FOR_PROFILE as i64,
        }
    }
}

/// A step that is about to be run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StepView<'a> {
    /// The command, counted from 0.
    pub index: u32,
    /// The step of the command, counted from 0.
    pub step: u32,
    /// What it does: `createFederatedID`, `add`, ….
    pub name: &'a str,
    /// The root of the command: a user, or a user group.
    pub user: Option<&'a str>,
}

/// What makes a step fail that would have been done: a failure outside of the service that a request cannot cause.
pub type Interference<'a> = dyn Fn(&StepView<'_>) -> Option<Refusal> + 'a;

/// How an action request is run.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ActionOptions<'a> {
    /// The request's id: what the ledger records the changes under.
    pub request_id: &'a str,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Whether nothing is to be done (`testOnly=true`).
    pub test_only: bool,
    /// How much it may hold.
    pub limits: Limits,
    /// What makes steps fail.
    pub interference: Option<&'a Interference<'a>>,
}

impl<'a> ActionOptions<'a> {
    /// A request with an id at a time, in milliseconds since 1970, for real, under the service's limits.
    #[must_use]
    pub fn new(request_id: &'a str, at: i64) -> Self {
        Self { request_id, at, test_only: false, limits: Limits::default(), interference: None }
    }

    /// In test mode, or not.
    #[must_use]
    pub fn test_only(self, test_only: bool) -> Self {
        Self { test_only, ..self }
    }

    /// Under other limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// With steps that fail.
    #[must_use]
    pub fn interference(self, interference: &'a Interference<'a>) -> Self {
        Self { interference: Some(interference), ..self }
    }
}

impl fmt::Debug for ActionOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionOptions")
            .field("request_id", &self.request_id)
            .field("at", &self.at)
            .field("test_only", &self.test_only)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a request as a whole was not run. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionFailure {
    /// The body is no array of commands: 400.
    #[error("{0}")]
    Malformed(Refusal),
    /// There is no such organization: 400.
    #[error("{0}")]
    UnknownOrganization(Refusal),
    /// The organization is being moved and takes no changes: 403.
    #[error("{0}")]
    Migrating(Refusal),
    /// The store could not do its work: 500.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ActionFailure {
    /// The service's code and message, if it has them for this.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Malformed(refusal) | Self::UnknownOrganization(refusal) | Self::Migrating(refusal) => Some(refusal),
            Self::Store(_) => None,
        }
    }
}

/// Runs an action request. When it returns `Ok`, everything that the answer reports as done is committed.
///
/// Test mode runs every step and takes it back at once: all rules are checked against the state as it is, and nothing
/// changes. What only fails because a user does not exist counts as good.
///
/// # Errors
/// If the request as a whole cannot be run; a step that fails is an entry in the answer.
pub fn apply(
    store: &Store,
    org_id: &str,
    body: &[u8],
    options: &ActionOptions<'_>,
) -> Result<ActionResponse, ActionFailure> {
    // Before the store is taken, and complained of after it: of a wrong body in a wrong organization the organization is
    // reported.
    let commands = request::parse(body, &options.limits)
        .map_err(|message| ActionFailure::Malformed(Refusal::new("error.command.malformed", message)));
    let run = |tx: &mut Tx<'_>| {
        let org = changeable_organization(tx, org_id)?;
        let commands = commands?;
        let mut tally = Tally::default();
        let mut execution = Execution::new(tx, &org, options);
        for command in commands {
            let (errors, warnings) = execution.command(command)?;
            tally.command(errors, warnings);
        }
        Ok(tally.response(options.test_only))
    };
    if options.test_only {
        store.rehearse(run)
    } else {
        store.write(Some(Cause::request(options.at, options.request_id)), run)
    }
}

/// The organization, if there is one and it takes changes.
fn changeable_organization(tx: &Tx<'_>, org_id: &str) -> Result<Organization, ActionFailure> {
    let org = tx.rows().organization(org_id)?.ok_or_else(|| {
        ActionFailure::UnknownOrganization(Refusal::new("error.organization.invalid_id", "Bad organization Id"))
    })?;
    if org.migrating {
        return Err(ActionFailure::Migrating(migrating()));
    }
    Ok(org)
}

pub(super) fn migrating() -> Refusal {
    Refusal::new("error.organization.migrating", "Changes cannot be made while the organization is migrating")
}

impl From<Rejected> for ActionFailure {
    /// Only for failures of the store: a refusal belongs into the answer.
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Store(error) => Self::Store(error),
            Rejected::Refused(refusal) => Self::Malformed(refusal),
        }
    }
}
