use std::collections::HashSet;

use super::action::{ActionFailure, ActionOptions, StepView};
use super::lookup::{self, Found};
use super::outcome::{ActionError, ActionWarning};
use super::request::{Command, with_email_type};
use super::steps::{ParsedStep, Root, Step};
use super::{Refusal, Rejected};
use crate::store::{
    GroupId, GroupKind, GroupRow, Organization, StoreError, Tx, UserId, UserKind, UserRow, fold, is_email_type,
};

/// Runs the commands of one request.
pub(super) struct Execution<'t, 'c> {
    tx: &'t mut Tx<'c>,
    org: &'t Organization,
    options: &'t ActionOptions<'t>,
    /// User groups that commands of this request would have created, in test mode.
    promised: HashSet<String>,
}

/// What the steps of one command share.
pub(super) struct Context<'e, 'c> {
    pub(super) tx: &'e mut Tx<'c>,
    pub(super) org: &'e Organization,
    pub(super) options: &'e ActionOptions<'e>,
    pub(super) root: &'e Root,
    promised: &'e mut HashSet<String>,
    state: &'e mut State,
}

/// What the steps before found out.
#[derive(Debug, Default)]
struct State {
    /// The user, once found or made: an `update` may give it another address, and it stays the same user.
    user: Option<UserId>,
    /// The user group, once found or made.
    group: Option<GroupId>,
    /// A create of this command failed.
    create_failed: bool,
    /// A `deleteUserGroup` of this command succeeded.
    deleted: bool,
}

impl<'t, 'c> Execution<'t, 'c> {
    pub(super) fn new(tx: &'t mut Tx<'c>, org: &'t Organization, options: &'t ActionOptions<'t>) -> Self {
        Self { tx, org, options, promised: HashSet::new() }
    }

    /// Runs one command. Steps after a failed one are still tried, each failure has its own entry, and what was done
    /// before stays done: the documentation does not say so, logs of Adobe's own tool do.
    pub(super) fn command(
        &mut self,
        command: Command,
    ) -> Result<(Vec<ActionError>, Vec<ActionWarning>), ActionFailure> {
        let label = command.label;
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let runnable = match command.body {
            Ok(runnable) => runnable,
            Err(refusal) => return Ok((vec![label.error(0, refusal)], warnings)),
        };
        if let Some(refusal) = self.domain_beside_address(&runnable.root, &runnable.steps)? {
            return Ok((vec![label.error(0, refusal)], warnings));
        }
        let mut state = State::default();
        for (parsed, step) in runnable.steps.into_iter().zip(0_u32..) {
            if state.deleted {
                break;
            }
            warnings.extend(parsed.deprecated.iter().map(|message| label.deprecated(step, message.clone())));
            let creates_user = parsed.is_create() && matches!(runnable.root, Root::User { .. });
            let view = StepView { index: label.index, step, name: &parsed.name, user: label.user.as_deref() };
            let interfered = self.options.interference.and_then(|interfere| interfere(&view));
            let outcome = match (interfered, parsed.step) {
                (Some(refusal), _) | (None, Err(refusal)) => Err(Rejected::Refused(refusal)),
                (None, Ok(todo)) => {
                    self.tx.at_step(label.index, step);
                    self.step(&runnable.root, &mut state, &todo)
                }
            };
            match outcome {
                Ok(()) => {}
                Err(Rejected::Refused(refusal)) => {
                    state.create_failed |= creates_user;
                    errors.push(label.error(step, refusal));
                }
                Err(Rejected::Store(error)) => return Err(error.into()),
            }
        }
        Ok((errors, warnings))
    }

    fn step(&mut self, root: &Root, state: &mut State, step: &Step) -> Result<(), Rejected> {
        let Self { tx, org, options, promised } = self;
        // What a step found must not outlive it if it is taken back.
        let mut found = State { ..*state };
        let run = |tx: &mut Tx<'c>| Context { tx, org, options, root, promised, state: &mut found }.run(step);
        if options.test_only {
            tx.pretend(run)?;
            state.deleted = found.deleted;
        } else {
            tx.attempt(run)?;
            *state = found;
        }
        Ok(())
    }

    /// `domain` must not accompany an address, except that it is ignored for Adobe IDs and Enterprise IDs.
    fn domain_beside_address(&self, root: &Root, steps: &[ParsedStep]) -> Result<Option<Refusal>, StoreError> {
        let Root::User { name, domain: Some(_), use_adobe_id } = root else { return Ok(None) };
        let ignored = |kind| matches!(kind, UserKind::AdobeId | UserKind::EnterpriseId);
        if !is_email_type(name) || *use_adobe_id {
            return Ok(None);
        }
        let created = steps.first().and_then(|parsed| match parsed.name.as_str() {
            "addAdobeID" | "createEnterpriseID" => Some(true),
            "createFederatedID" => Some(false),
            _ => None,
        });
        let fine = match created {
            Some(fine) => fine,
            None => match lookup::find(self.tx.rows(), self.org.id, name, None, false)? {
                Found::Member(user) | Found::Outside(user) => ignored(user.kind),
                _ => false,
            },
        };
        Ok((!fine).then(with_email_type))
    }
}

/// The user of a command, as a step may use it.
pub(super) enum Target {
    User(Box<UserRow>),
    /// Nobody, in test mode: the step is good as far as it can be told.
    Unknown,
}

impl Context<'_, '_> {
    fn run(&mut self, step: &Step) -> Result<(), Rejected> {
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

    /// The user string of the command; empty for a command on a group, whose steps never ask.
    pub(super) fn user_name(&self) -> (&str, Option<&str>) {
        match self.root {
            Root::User { name, domain, .. } => (name, domain.as_deref()),
            Root::Group { name } => (name, None),
        }
    }

    /// Who the command is about, whatever the standing.
    pub(super) fn find_user(&mut self) -> Result<Found, StoreError> {
        if let Some(id) = self.state.user
            && let Some(user) = self.tx.rows().user_row(id)?
        {
            return Ok(Found::Member(user));
        }
        let Root::User { name, domain, use_adobe_id } = self.root else { return Ok(Found::Nobody) };
        let found = lookup::find(self.tx.rows(), self.org.id, name, domain.as_deref(), *use_adobe_id)?;
        if let Found::Member(user) = &found {
            self.state.user = Some(user.id);
        }
        Ok(found)
    }

    /// The user of the command, who must be one of the organization.
    pub(super) fn member(&mut self) -> Result<Target, Rejected> {
        let found = self.find_user()?;
        let (name, _) = self.user_name();
        let refusal = match found {
            Found::Member(user) => return Ok(Target::User(Box::new(user))),
            Found::Nobody | Found::Elsewhere if self.options.test_only => return Ok(Target::Unknown),
            Found::Outside(_) => lookup::not_in_org(name),
            Found::Conflict => Refusal::new(
                "error.user.nonexistent_or_has_conflicting_parameters",
                format!(
                    "User does not exist or has conflicting parameters: {name}, useAdobeID is true and it is no Adobe ID"
                ),
            ),
            Found::Nobody | Found::Elsewhere if self.state.create_failed => {
                Refusal::new("error.user.not_found", "No valid users were found in the request")
            }
            Found::Nobody | Found::Elsewhere => lookup::nonexistent(name),
        };
        Err(refusal.into())
    }

    /// From here on the command is about this user.
    pub(super) fn is_about_user(&mut self, user: UserId) {
        self.state.user = Some(user);
    }

    /// The user group of the command; `None` if an earlier command would have made it, in test mode.
    pub(super) fn user_group(&mut self) -> Result<Option<GroupRow>, Rejected> {
        let (name, _) = self.user_name();
        let group = match self.state.group {
            Some(id) => self.tx.rows().group_row(self.org.id, id)?,
            None => self.tx.rows().group_by_name(self.org.id, name)?,
        };
        match group.filter(|group| group.kind == GroupKind::UserGroup) {
            Some(group) => Ok(Some(group)),
            None if self.is_promised(name) => Ok(None),
            None => super::refusal::refuse("error.usergroup.not_found", format!("Group {name} was not found")),
        }
    }

    /// From here on the command is about this user group.
    pub(super) fn is_about_group(&mut self, group: GroupId) {
        self.state.group = Some(group);
    }

    /// Nothing of the command runs after this step.
    pub(super) fn is_over(&mut self) {
        self.state.deleted = true;
    }

    /// In test mode a group that would have been made is good for the steps and commands that follow.
    pub(super) fn promise_group(&mut self, name: &str) {
        if self.options.test_only {
            self.promised.insert(fold(name).into_owned());
        }
    }

    pub(super) fn is_promised(&self, group: &str) -> bool {
        self.promised.contains(&*fold(group))
    }
}
