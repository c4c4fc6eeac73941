//! Runs an action request: one transaction, its commands in order, each step in a savepoint.

use std::{collections::HashSet, fmt};

use super::{
    lookup::{self, Lookup},
    outcome::{ActionError, ActionResponse, ActionWarning, EngineError, Rejection, ResponseBuilder, reject},
    request::{self, Command, ParseOptions, RequestSizes, with_email_type},
    steps::{ParsedStep, Root, Step},
};
use crate::{
    generated::action_step::ActionStep,
    store::{
        Cause, GroupId, GroupKind, GroupRow, Organization, Store, StoreError, Tx, UserId, UserKind, UserRow, fold,
        is_email_type,
    },
};

/// A step that is about to run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StepView<'a> {
    /// The command, counted from 0.
    pub index: u32,
    /// The step of the command, counted from 0.
    pub step: u32,
    /// Its name: `createFederatedID`, `add`, ….
    pub name: &'a str,
    /// The root of the command: a user, or a user group.
    pub user: Option<&'a str>,
}

/// Makes steps fail that would otherwise succeed. It simulates failures that a request cannot cause.
pub type StepFaults<'a> = dyn Fn(&StepView<'_>) -> Option<Rejection> + 'a;

/// Options for running an action request.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ActionOptions<'a> {
    /// The id of the request, which the ledger records.
    pub request_id: &'a str,
    /// The time, in milliseconds since 1970.
    pub at: i64,
    /// Whether to change nothing (`testOnly=true`).
    pub test_only: bool,
    /// How large the request may be.
    pub limits: RequestSizes,
    /// Whether to accept shapes that real clients send although they are not documented: `"true"` for `true`, several
    /// steps in one object, empty strings for absent fields, empty lists of groups.
    pub loose: bool,
    /// Makes steps fail.
    pub step_faults: Option<&'a StepFaults<'a>>,
}

impl<'a> ActionOptions<'a> {
    /// Creates the options for a request with an id at a time, in milliseconds since 1970: it changes the state, and
    /// the service's size limits apply.
    #[must_use]
    pub fn new(request_id: &'a str, at: i64) -> Self {
        Self { request_id, at, test_only: false, limits: RequestSizes::default(), loose: false, step_faults: None }
    }

    /// Sets test mode.
    #[must_use]
    pub fn test_only(self, test_only: bool) -> Self {
        Self { test_only, ..self }
    }

    /// Sets the size limits.
    #[must_use]
    pub fn limits(self, limits: RequestSizes) -> Self {
        Self { limits, ..self }
    }

    /// Sets whether to accept undocumented shapes.
    #[must_use]
    pub fn loose(self, loose: bool) -> Self {
        Self { loose, ..self }
    }

    /// Sets which steps fail.
    #[must_use]
    pub fn step_faults(self, step_faults: &'a StepFaults<'a>) -> Self {
        Self { step_faults: Some(step_faults), ..self }
    }
}

impl fmt::Debug for ActionOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionOptions")
            .field("request_id", &self.request_id)
            .field("at", &self.at)
            .field("test_only", &self.test_only)
            .field("limits", &self.limits)
            .field("loose", &self.loose)
            .finish_non_exhaustive()
    }
}

/// An error of a request as a whole. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionFailure {
    /// The body is not an array of commands: 400.
    #[error("{0}")]
    Malformed(Rejection),
    /// The organization does not exist: 400.
    #[error("{0}")]
    UnknownOrganization(Rejection),
    /// The organization is migrating and rejects changes: 403.
    #[error("{0}")]
    Migrating(Rejection),
    /// The store failed: 500.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ActionFailure {
    /// Returns the service's code and message, if there are any for this error.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Malformed(rejection) | Self::UnknownOrganization(rejection) | Self::Migrating(rejection) => {
                Some(rejection)
            }
            Self::Store(_) => None,
        }
    }
}

/// Runs an action request. When it returns `Ok`, everything that the response reports as done is committed.
///
/// Test mode runs every step and rolls it back immediately: all rules are checked against the present state, and
/// nothing changes. A step that fails only because a user does not exist counts as valid.
///
/// # Errors
/// If the request as a whole cannot be run. A failed step is an entry in the response instead.
pub fn apply(
    store: &Store,
    org_id: &str,
    body: &[u8],
    options: &ActionOptions<'_>,
) -> Result<ActionResponse, ActionFailure> {
    // Parsed before the store is locked, but reported after the organization is checked: for a bad body and a bad
    // organization, the organization is reported.
    let parse_options = ParseOptions { sizes: options.limits, loose: options.loose };
    let commands = request::parse(body, &parse_options)
        .map_err(|message| ActionFailure::Malformed(Rejection::new("error.command.malformed", message)));
    let run = |tx: &mut Tx<'_>| {
        let org = changeable_organization(tx, org_id)?;
        let commands = commands?;
        let mut builder = ResponseBuilder::default();
        let mut execution = Execution::new(tx, &org, options);
        for command in commands {
            let (errors, warnings) = execution.command(command)?;
            builder.command(errors, warnings);
        }
        Ok(builder.response(options.test_only))
    };
    if options.test_only {
        store.dry_run(run)
    } else {
        store.write(Some(Cause::request(options.at, options.request_id)), run)
    }
}

/// Returns the organization, if it exists and accepts changes.
fn changeable_organization(tx: &Tx<'_>, org_id: &str) -> Result<Organization, ActionFailure> {
    let org = tx.rows().organization(org_id)?.ok_or_else(|| {
        ActionFailure::UnknownOrganization(Rejection::new("error.organization.invalid_id", "Bad organization Id"))
    })?;
    if org.migrating {
        return Err(ActionFailure::Migrating(migrating()));
    }
    Ok(org)
}

pub(super) fn migrating() -> Rejection {
    Rejection::new("error.organization.migrating", "Changes cannot be made while the organization is migrating")
}

impl From<EngineError> for ActionFailure {
    /// Only for failures of the store: a rejection is part of the response.
    fn from(rejected: EngineError) -> Self {
        match rejected {
            EngineError::Store(error) => Self::Store(error),
            EngineError::Rejected(rejection) => Self::Malformed(rejection),
        }
    }
}

/// Runs the commands of one request.
pub(super) struct Execution<'t, 'c> {
    tx: &'t mut Tx<'c>,
    org: &'t Organization,
    options: &'t ActionOptions<'t>,
    /// User groups that earlier commands of the request would have created, in test mode.
    planned: HashSet<String>,
}

/// What the steps of one command share.
pub(super) struct Context<'e, 'c> {
    pub(super) tx: &'e mut Tx<'c>,
    pub(super) org: &'e Organization,
    pub(super) options: &'e ActionOptions<'e>,
    pub(super) root: &'e Root,
    planned: &'e mut HashSet<String>,
    state: &'e mut State,
}

/// What earlier steps of a command found or created.
#[derive(Debug, Default)]
struct State {
    /// The user, once found or created. If an `update` changes its address, it stays the same user.
    user: Option<UserId>,
    /// The user group, once found or created.
    group: Option<GroupId>,
    /// A create step of this command failed.
    create_failed: bool,
    /// A `deleteUserGroup` of this command succeeded.
    ended: bool,
}

impl<'t, 'c> Execution<'t, 'c> {
    pub(super) fn new(tx: &'t mut Tx<'c>, org: &'t Organization, options: &'t ActionOptions<'t>) -> Self {
        Self { tx, org, options, planned: HashSet::new() }
    }

    /// Runs one command. Steps after a failed one are still tried, each failure has its own entry, and earlier changes
    /// stay. The documentation does not say so; logs of Adobe's own tool show it.
    pub(super) fn command(
        &mut self,
        command: Command,
    ) -> Result<(Vec<ActionError>, Vec<ActionWarning>), ActionFailure> {
        let command_ref = command.command_ref;
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let runnable = match command.body {
            Ok(runnable) => runnable,
            Err(rejection) => return Ok((vec![command_ref.error(0, rejection)], warnings)),
        };
        if let Some(rejection) = self.domain_beside_address(&runnable.root, &runnable.steps)? {
            return Ok((vec![command_ref.error(0, rejection)], warnings));
        }
        let mut state = State::default();
        for (parsed, step) in runnable.steps.into_iter().zip(0_u32..) {
            if state.ended {
                break;
            }
            warnings.extend(parsed.deprecated.iter().map(|message| command_ref.deprecated(step, message.clone())));
            let creates_user = parsed.is_create() && matches!(runnable.root, Root::User { .. });
            let view =
                StepView { index: command_ref.index, step, name: &parsed.name, user: command_ref.user.as_deref() };
            let injected = self.options.step_faults.and_then(|fault| fault(&view));
            let outcome = match (injected, parsed.step) {
                (Some(rejection), _) | (None, Err(rejection)) => Err(EngineError::Rejected(rejection)),
                (None, Ok(todo)) => {
                    self.tx.at_step(command_ref.index, step);
                    self.step(&runnable.root, &mut state, &todo)
                }
            };
            match outcome {
                Ok(()) => {}
                Err(EngineError::Rejected(rejection)) => {
                    state.create_failed |= creates_user;
                    errors.push(command_ref.error(step, rejection));
                }
                Err(EngineError::Store(error)) => return Err(error.into()),
            }
        }
        Ok((errors, warnings))
    }

    fn step(&mut self, root: &Root, state: &mut State, step: &Step) -> Result<(), EngineError> {
        let Self { tx, org, options, planned } = self;
        // Kept only if the step is not rolled back.
        let mut found = State { ..*state };
        let run = |tx: &mut Tx<'c>| Context { tx, org, options, root, planned, state: &mut found }.run(step);
        if options.test_only {
            tx.dry_run(run)?;
            state.ended = found.ended;
        } else {
            tx.attempt(run)?;
            *state = found;
        }
        Ok(())
    }

    /// Rejects `domain` beside an email address, except for Adobe IDs and Enterprise IDs, where it is ignored.
    fn domain_beside_address(&self, root: &Root, steps: &[ParsedStep]) -> Result<Option<Rejection>, StoreError> {
        let Root::User { name, domain: Some(_), use_adobe_id } = root else { return Ok(None) };
        let ignored = |kind| matches!(kind, UserKind::AdobeId | UserKind::EnterpriseId);
        if !is_email_type(name) || *use_adobe_id {
            return Ok(None);
        }
        let first = steps.first().filter(|parsed| parsed.is_create()).and_then(|parsed| parsed.kind);
        let fine = match first {
            Some(kind) => matches!(kind, ActionStep::AddAdobeId | ActionStep::CreateEnterpriseId),
            None => match lookup::find(self.tx.rows(), self.org.id, name, None, false)? {
                Lookup::Member(user) | Lookup::NotInOrg(user) => ignored(user.kind),
                _ => false,
            },
        };
        Ok((!fine).then(with_email_type))
    }
}

/// The user that a step of the command works on.
pub(super) enum Target {
    User(Box<UserRow>),
    /// No user, in test mode: the step is valid as far as can be checked.
    Missing,
}

impl Context<'_, '_> {
    fn run(&mut self, step: &Step) -> Result<(), EngineError> {
        match step {
            Step::Create(create) => self.create_user(create),
            Step::Update(update) => self.update_user(update),
            Step::Add(lists) => self.add_to_groups(lists),
            Step::Remove(lists) => self.remove_from_groups(lists),
            Step::RemoveAll => self.remove_from_all_groups(),
            Step::RemoveFromOrg { delete_account, removed_domain } => {
                self.remove_from_org(*delete_account, removed_domain.as_deref())
            }
            Step::RemoveFromDomain { domain } => self.remove_from_domain(domain),
            Step::ResetPassword => self.reset_password(),
            Step::CreateGroup(fields) => self.create_group(fields),
            Step::UpdateGroup(fields) => self.update_group(fields),
            Step::DeleteGroup => self.delete_group(),
            Step::AddToGroup(lists) => self.add_to_group(lists),
            Step::RemoveFromGroup(lists) => self.remove_from_group(lists),
            Step::RemoveAllFromGroup => self.remove_all_from_group(),
        }
    }

    /// Returns the user string of the command, or the group name of a command on a group.
    pub(super) fn user_name(&self) -> (&str, Option<&str>) {
        match self.root {
            Root::User { name, domain, .. } => (name, domain.as_deref()),
            Root::Group { name } => (name, None),
        }
    }

    /// Finds the user of the command, in whatever relation to the organization.
    pub(super) fn find_user(&mut self) -> Result<Lookup, StoreError> {
        if let Some(id) = self.state.user
            && let Some(user) = self.tx.rows().user_row(id)?
        {
            return Ok(Lookup::Member(user));
        }
        let Root::User { name, domain, use_adobe_id } = self.root else { return Ok(Lookup::NotFound) };
        let found = lookup::find(self.tx.rows(), self.org.id, name, domain.as_deref(), *use_adobe_id)?;
        if let Lookup::Member(user) = &found {
            self.state.user = Some(user.id);
        }
        Ok(found)
    }

    /// Returns the user of the command, which must be a user of the organization.
    pub(super) fn member(&mut self) -> Result<Target, EngineError> {
        let found = self.find_user()?;
        let (name, _) = self.user_name();
        let rejection = match found {
            Lookup::Member(user) => return Ok(Target::User(Box::new(user))),
            Lookup::NotFound | Lookup::OtherDirectory if self.options.test_only => return Ok(Target::Missing),
            Lookup::NotInOrg(_) => lookup::not_in_org(name),
            Lookup::OtherType => Rejection::new(
                "error.user.nonexistent_or_has_conflicting_parameters",
                format!(
                    "User does not exist or has conflicting parameters: {name}, useAdobeID is true, but the user is not an Adobe ID"
                ),
            ),
            Lookup::NotFound | Lookup::OtherDirectory if self.state.create_failed => {
                Rejection::new("error.user.not_found", "No valid users were found in the request")
            }
            Lookup::NotFound | Lookup::OtherDirectory if matches!(self.root, Root::User { use_adobe_id: true, .. }) => {
                Rejection::new("error.user.nonexistent", format!("Adobe Id does not exist: {name}"))
            }
            Lookup::NotFound | Lookup::OtherDirectory => lookup::nonexistent(name),
        };
        Err(rejection.into())
    }

    /// Sets the user that the following steps work on.
    pub(super) fn set_user(&mut self, user: UserId) {
        self.state.user = Some(user);
    }

    /// Returns the user group of the command; `None` if an earlier command would have created it, in test mode.
    pub(super) fn user_group(&mut self) -> Result<Option<GroupRow>, EngineError> {
        let (name, _) = self.user_name();
        let group = match self.state.group {
            Some(id) => self.tx.rows().group_row(self.org.id, id)?,
            None => self.tx.rows().group_by_name(self.org.id, name)?,
        };
        match group.filter(|group| group.kind == GroupKind::UserGroup) {
            Some(group) => Ok(Some(group)),
            None if self.is_planned(name) => Ok(None),
            None => reject("error.usergroup.not_found", "UserGroup not found"),
        }
    }

    /// Sets the user group that the following steps work on.
    pub(super) fn set_group(&mut self, group: GroupId) {
        self.state.group = Some(group);
    }

    /// Skips the remaining steps of the command.
    pub(super) fn end_command(&mut self) {
        self.state.ended = true;
    }

    /// In test mode, makes a group that would have been created valid for later steps and commands.
    pub(super) fn plan_group(&mut self, name: &str) {
        if self.options.test_only {
            self.planned.insert(fold(name).into_owned());
        }
    }

    pub(super) fn is_planned(&self, group: &str) -> bool {
        self.planned.contains(&*fold(group))
    }
}
