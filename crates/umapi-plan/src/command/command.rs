//! A command: one user or user group, and the steps to take.

use std::fmt;

use umapi_model as model;

use super::invalid::{BrokenRule, InvalidCommand};
use super::rules;

/// What is to be done with one user or one user group: any number of steps, each with any number of names.
///
/// ```
/// use umapi_plan::Command;
///
/// let commands = [
///     Command::user("jdoe@example.com")
///         .create_federated("John", "Doe", "US").ignore_if_exists()
///         .add_to(["Photoshop", "Design"]),
///     Command::group("Design").add_users(["ann@example.com", "bob@example.com"]),
///     Command::user("jdoe").domain("login.example.com").remove_from_org().label("row 3"),
/// ];
/// for command in &commands {
///     command.check()?;
/// }
/// # Ok::<(), umapi_plan::InvalidCommand>(())
/// ```
///
/// Steps run in the order given. A step after one that failed is still tried, and what was done before it stays done.
/// Commands on different users and groups run in any order, except where one needs the other (see
/// [`batch`](crate::batch)).
///
/// A method for users on a group (or the reverse), and a modifier such as [`ignore_if_exists`](Self::ignore_if_exists)
/// without the step that it is about, make a command that [`check`](Self::check) refuses, as all that sends commands does.
///
/// A `Command` can also be read from the service's own JSON, without its limits of ten, and written to it:
///
/// ```
/// use umapi_plan::Command;
///
/// let line = r#"{"usergroup":"Design","requestID":"7","do":[{"add":{"user":["ann@example.com"]}}]}"#;
/// let command: Command = serde_json::from_str(line)?;
/// assert_eq!(command, Command::group("Design").add_users(["ann@example.com"]).request_id("7"));
/// assert_eq!(serde_json::to_string(&command)?, line);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Command {
    pub(super) raw: model::Command,
    label: Option<String>,
    is_repeated: bool,
    /// The first thing that was asked of the builder and makes no sense. Kept so that the chain need not stop for it.
    pub(super) mistake: Option<InvalidCommand>,
}

impl Command {
    /// A command on a user: an email address, or a username with a [`domain`](Self::domain).
    pub fn user(user: impl Into<String>) -> Self {
        Self::from(model::UserCommand::new(user, []))
    }

    /// A command on a user of a directory with username login.
    ///
    /// The same as [`user`](Self::user) with a [`domain`](Self::domain).
    pub fn username(name: impl Into<String>, domain: impl Into<String>) -> Self {
        Self::user(name).domain(domain)
    }

    /// A command on a user group, by its name. Product profiles and administrative groups are no user groups: what changes
    /// their members is a command on a user, or [`add_profiles`](Self::add_profiles) on a user group.
    pub fn group(name: impl Into<String>) -> Self {
        Self::from(model::UserGroupCommand::new(name, []))
    }

    /// Attaches a text of the caller's, which comes back with the outcome. It is never sent.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the service's `requestID`, which the service repeats in errors and warnings. At most 250 characters. It is the
    /// label as well, if the command has no other.
    ///
    /// It is not sent with a request that joins this command with others on the same user or group.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        let id = Some(id.into());
        match &mut self.raw {
            model::Command::User(command) => command.request_id = id,
            model::Command::Group(command) => command.request_id = id,
            _ => {}
        }
        self
    }

    /// Says that all or a part of it may have been done already, by an earlier process that was ended before it had the
    /// answer. A refusal that means so ("exists already", "is not there any more") then counts as done, with a
    /// [notice](crate::Notice), by the same rules by which the client repeats a request whose answer was lost.
    ///
    /// A program that keeps a journal learns from [`RequestStarted::commands`](crate::RequestStarted::commands) what is
    /// about to be sent.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.is_repeated = true;
        self
    }

    /// The domain of a user that is a username and no email address.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        match &mut self.raw {
            model::Command::User(command) => command.domain = Some(domain.into()),
            _ => self.mistaken("domain", "it is about users", "take it off, or begin with Command::user"),
        }
        self
    }

    /// Takes the user's Adobe ID where there is an Enterprise or Federated ID of the same address too.
    #[must_use]
    pub fn use_adobe_id(mut self) -> Self {
        match &mut self.raw {
            model::Command::User(command) => command.use_adobe_id = Some(true),
            _ => self.mistaken("useAdobeID", "it is about users", "take it off, or begin with Command::user"),
        }
        self
    }

    /// The user or the user group that the command is about.
    pub fn root(&self) -> &str {
        root_of(&self.raw)
    }

    /// Whether the command is about a user group.
    pub fn is_group(&self) -> bool {
        matches!(self.raw, model::Command::Group(_))
    }

    /// How many steps it has, as the caller counts them.
    pub fn steps(&self) -> usize {
        match &self.raw {
            model::Command::User(command) => command.do_.len(),
            model::Command::Group(command) => command.do_.len(),
            _ => 0,
        }
    }

    /// The label, or else the `requestID`.
    pub fn get_label(&self) -> Option<&str> {
        self.label.as_deref().or(match &self.raw {
            model::Command::User(command) => command.request_id.as_deref(),
            model::Command::Group(command) => command.request_id.as_deref(),
            _ => None,
        })
    }

    /// Checks every rule that can be checked without the service. All that sends commands does so first.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), InvalidCommand> {
        match &self.mistake {
            Some(mistake) => Err(mistake.clone()),
            None => rules::check(&self.raw),
        }
    }

    /// The data of the command, with no limit of ten kept: `umapi_plan::raw` takes it after it was split.
    pub fn as_raw(&self) -> &model::Command {
        &self.raw
    }

    pub(crate) fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    pub(crate) fn into_parts(self) -> (model::Command, Option<String>) {
        let label = match self.get_label() {
            Some(_) if self.label.is_some() => self.label,
            other => other.map(str::to_owned),
        };
        (self.raw, label)
    }

    pub(super) fn user_step(mut self, name: &'static str, step: model::UserStep) -> Self {
        match &mut self.raw {
            model::Command::User(command) => command.do_.push(step),
            _ => self.mistaken(name, "it is a step for a user, not for a user group", "begin with Command::user"),
        }
        self
    }

    pub(super) fn group_step(mut self, name: &'static str, step: model::UserGroupStep) -> Self {
        match &mut self.raw {
            model::Command::Group(command) => command.do_.push(step),
            _ => self.mistaken(name, "it is a step for a user group, not for a user", "begin with Command::group"),
        }
        self
    }

    pub(super) fn mistaken(&mut self, field: &'static str, rule: &'static str, remedy: &'static str) {
        if self.mistake.is_none() {
            let broken = BrokenRule::new(model::ErrorCode::CommandIllegalEntry, field, rule, remedy);
            self.mistake = Some(broken.in_command(self.root()));
        }
    }
}

/// The root of the service's own form.
pub(crate) fn root_of(command: &model::Command) -> &str {
    match command {
        model::Command::User(command) => &command.user,
        model::Command::Group(command) => &command.usergroup,
        _ => "",
    }
}

impl From<model::Command> for Command {
    fn from(raw: model::Command) -> Self {
        Self { raw, label: None, is_repeated: false, mistake: None }
    }
}

impl From<model::UserCommand> for Command {
    fn from(raw: model::UserCommand) -> Self {
        Self::from(model::Command::User(raw))
    }
}

impl From<model::UserGroupCommand> for Command {
    fn from(raw: model::UserGroupCommand) -> Self {
        Self::from(model::Command::Group(raw))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Command");
        all.field("raw", &self.raw);
        if let Some(label) = &self.label {
            all.field("label", label);
        }
        if self.is_repeated {
            all.field("is_repeated", &true);
        }
        if let Some(mistake) = &self.mistake {
            all.field("mistake", mistake);
        }
        all.finish()
    }
}
