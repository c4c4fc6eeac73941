//! Commands: what to do with one user or one user group.
//!
//! [`UserCommand`] and [`GroupCommand`] are built step by step, or read from the service's own JSON as a [`Command`]. A
//! command may be longer than a request allows: it is split when it is [sent](crate::batch).
//!
//! What belongs to the other kind of command, or to another step, does not compile:
//!
//! ```compile_fail
//! # use umapi_plan::Command;
//! // A user group does not join groups.
//! Command::group("Design").add_to(["Photoshop"]);
//! ```
//! ```compile_fail
//! # use umapi_plan::Command;
//! // A user has no members.
//! Command::user("ann@example.com").add_users(["bob@example.com"]);
//! ```
//! ```compile_fail
//! # use umapi_plan::Command;
//! // Only a create can meet something that exists already.
//! Command::user("ann@example.com").add_to(["Design"]).ignore_if_exists();
//! ```
//! ```compile_fail
//! # use umapi_plan::{Command, UserUpdate};
//! // An update has its own fields, and no country.
//! Command::user("ann@example.com").update(UserUpdate::default().with_country("US"));
//! ```
//! ```compile_fail
//! # use umapi_plan::{Command, UserUpdate};
//! // The email address of an update is a field of it.
//! Command::user("ann@example.com").update(UserUpdate::default()).email("ann@example.org");
//! ```
//! ```compile_fail
//! # use umapi_plan::Command;
//! // A user group belongs to no domain.
//! Command::group("Design").domain("example.com");
//! ```
//! ```compile_fail
//! # use umapi_plan::Command;
//! // A user group has no Adobe ID.
//! Command::group("Design").use_adobe_id();
//! ```
//! ```compile_fail
//! # use umapi_plan::Command;
//! // A description belongs to a new group, or to an update.
//! Command::group("Design").remove_all().description("Designers");
//! ```
//! ```compile_fail
//! # use umapi_plan::{Command, NewUser};
//! // A create begins a command.
//! Command::user("ann@example.com").add_to(["Design"]).create(NewUser::adobe_id("ann@example.com"));
//! ```
//! ```compile_fail
//! # use umapi_plan::Command;
//! // A removal ends a command.
//! Command::user("ann@example.com").remove_from_org().add_to(["Design"]);
//! ```
//! ```compile_fail
//! # use umapi_plan::Command;
//! // Nothing can be done with a deleted group.
//! Command::group("Design").delete().add_users(["ann@example.com"]);
//! ```
//!
//! [`Command::check`] finds everything else that the service rejects for its form:
//!
//! | rule | the service's code |
//! | --- | --- |
//! | a create is the first step, and there is at most one | `error.command.create.not_first`, `….more_than_one` |
//! | `removeFromOrg` and `removeFromDomain` are last, and there is at most one | `error.command.removefromorg.not_last` |
//! | nothing comes after `deleteUserGroup` | `error.command.illegal_entry` |
//! | a command has a root and a step | `error.command.user.missing`, `….user_usergroup.missing`, `….steps.malformed` |
//! | a username has a domain, an email address has none (unless the service ignores it) | `error.command.domain.missing`, `….must_be_used_with_nonemail_username` |
//! | addresses, usernames, countries and lengths | `error.user.email.invalid`, `error.user.name.invalid`, `error.country.invalid`, `error.command.string.too_long` |
//! | new users have the names and the address that their type needs | `error.user.firstname_missing`, `….lastname_missing`, `….id_missing`, `….must_match_email` |
//! | lists hold names, and none twice where that is an error | `error.command.add_remove.…`, `error.group.invalid_list`, `error.user.user_list.invalid` |
//! | new names of groups do not begin with `_`, and a path can hold them | `error.group.invalid_name` |
//! | names hold no control and no invisible characters | the code of the field |
//! | one step fits into a request | `error.command.malformed` (when it is sent) |

mod description;
mod group;
mod rules;
mod step;
mod user;
mod violation;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use umapi_model::{self as model, ExhaustiveCommand};

use crate::account::Account;

pub(crate) use description::StepInText;
pub(crate) use rules::{check_membership_group, check_membership_user};
pub(crate) use step::{Step, json_size, take_steps, with_steps};
pub(crate) use violation::Violation;

pub use description::StepDescription;
pub use group::{GroupCommand, NewGroup};
pub use user::{NewUser, UserCommand};
pub use violation::InvalidCommand;

/// A command on a user or on a user group.
///
/// ```
/// use umapi_plan::{Account, Command, NewUser};
///
/// let new = NewUser::federated("jdoe@example.com", "John", "Doe", "US").ignore_if_exists();
/// let commands: [Command; 3] = [
///     Command::create_user(new).add_to(["Photoshop", "Design"]).into(),
///     Command::group("Design").add_users(["ann@example.com", "bob@example.com"]).into(),
///     Command::user(Account::username("jdoe", "login.example.com")).remove_from_org(),
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
/// A `Command` can also be read from the service's own JSON, without its limits of ten, and written to it. What was read
/// is not checked yet: see [`check`](Self::check).
///
/// ```
/// use umapi_plan::Command;
///
/// let line = r#"{"usergroup":"Design","requestID":"7","do":[{"add":{"user":["ann@example.com"]}}]}"#;
/// let command: Command = serde_json::from_str(line)?;
/// assert_eq!(command, Command::group("Design").add_users(["ann@example.com"]).request_id("7").into());
/// assert_eq!(serde_json::to_string(&command)?, line);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A program that keeps a journal asks a command what it was marked with:
///
/// ```
/// use umapi_plan::{Command, model};
///
/// let begun: Command = Command::group("Design").delete().request_id("row-7").repeated();
/// assert!(begun.is_group() && begun.is_repeated());
/// assert_eq!(begun.requested_id(), Some("row-7"));
/// assert!(matches!(begun.to_raw(), model::Command::Group(_)));
/// ```
#[derive(Clone, PartialEq)]
pub enum Command {
    /// A command on a user.
    User(UserCommand),
    /// A command on a user group.
    Group(GroupCommand),
}

impl Command {
    /// A command on an existing user: an email address, or another [`Account`].
    pub fn user(account: impl Into<Account>) -> UserCommand {
        UserCommand::new(&account.into())
    }

    /// A command that begins with the creation of a user.
    pub fn create_user(new: NewUser) -> UserCommand {
        new.into()
    }

    /// A command on an existing user group, by its name. Product profiles and administrative groups are not user groups:
    /// their members are changed by commands on users, or by [`GroupCommand::add_profiles`].
    pub fn group(name: impl Into<String>) -> GroupCommand {
        model::UserGroupCommand::new(name, []).into()
    }

    /// A command that begins with the creation of a user group.
    pub fn create_group(new: NewGroup) -> GroupCommand {
        new.into()
    }

    /// Sets the service's `requestID`, which the service repeats in errors and warnings. At most 250 characters.
    ///
    /// It is not sent in a request that joins this command with others on the same user or group.
    #[must_use]
    pub fn request_id(self, id: impl Into<String>) -> Self {
        match self {
            Self::User(command) => command.request_id(id).into(),
            Self::Group(command) => command.request_id(id).into(),
        }
    }

    /// Marks the command as one that may have been done already, entirely or in part, by an earlier process that ended
    /// before it had the response. The client then verifies what an error such as "already exists" means, by the same
    /// rules as for a request whose response was lost.
    ///
    /// A program that keeps a journal marks the commands that were begun and have no outcome.
    #[must_use]
    pub fn repeated(self) -> Self {
        match self {
            Self::User(command) => command.repeated().into(),
            Self::Group(command) => command.repeated().into(),
        }
    }

    /// The user or the user group of the command.
    pub fn root(&self) -> &str {
        match self {
            Self::User(command) => &command.raw.user,
            Self::Group(command) => &command.raw.usergroup,
        }
    }

    /// The service's `requestID`, if it was set.
    pub fn requested_id(&self) -> Option<&str> {
        match self {
            Self::User(command) => command.raw.request_id.as_deref(),
            Self::Group(command) => command.raw.request_id.as_deref(),
        }
    }

    /// Whether it is marked as [repeated](Self::repeated).
    pub fn is_repeated(&self) -> bool {
        match self {
            Self::User(command) => command.is_repeated,
            Self::Group(command) => command.is_repeated,
        }
    }

    /// Whether the command is about a user group.
    pub fn is_group(&self) -> bool {
        matches!(self, Self::Group(_))
    }

    /// The number of steps, as the caller gave them.
    pub fn steps(&self) -> usize {
        match self {
            Self::User(command) => command.raw.do_.len(),
            Self::Group(command) => command.raw.do_.len(),
        }
    }

    /// Checks every rule that can be checked without the service. The client does so before it sends a command.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), InvalidCommand> {
        match self {
            Self::User(command) => command.check(),
            Self::Group(command) => command.check(),
        }
    }

    /// The command in the service's form. Lists and steps may be longer than a request allows.
    pub fn to_raw(&self) -> model::Command {
        match self {
            Self::User(command) => command.raw.clone().into(),
            Self::Group(command) => command.raw.clone().into(),
        }
    }

    /// The command in the service's form, and whether it may have been done already.
    pub(crate) fn into_parts(self) -> (model::Command, bool) {
        match self {
            Self::User(command) => (command.raw.into(), command.is_repeated),
            Self::Group(command) => (command.raw.into(), command.is_repeated),
        }
    }

    /// The command of this form. `None` for a variant that this version does not know.
    pub(crate) fn from_raw(raw: model::Command) -> Option<Self> {
        match raw {
            model::Command::User(raw) => Some(raw.into()),
            model::Command::Group(raw) => Some(raw.into()),
            _ => None,
        }
    }
}

/// The root of a command in the service's form.
pub(crate) fn root_of(command: &model::Command) -> &str {
    match command.exhaustive() {
        ExhaustiveCommand::User(command) => &command.user,
        ExhaustiveCommand::Group(command) => &command.usergroup,
    }
}

impl From<&Command> for Command {
    fn from(command: &Command) -> Self {
        command.clone()
    }
}

impl From<UserCommand> for Command {
    fn from(command: UserCommand) -> Self {
        Self::User(command)
    }
}

impl From<GroupCommand> for Command {
    fn from(command: GroupCommand) -> Self {
        Self::Group(command)
    }
}

impl From<model::UserCommand> for Command {
    fn from(raw: model::UserCommand) -> Self {
        Self::User(raw.into())
    }
}

impl From<model::UserGroupCommand> for Command {
    fn from(raw: model::UserGroupCommand) -> Self {
        Self::Group(raw.into())
    }
}

/// The command, if it breaks no rule.
impl TryFrom<model::Command> for Command {
    type Error = InvalidCommand;

    fn try_from(raw: model::Command) -> Result<Self, InvalidCommand> {
        let command = Self::from_raw(raw).ok_or_else(|| rules::no_root().in_command(""))?;
        command.check()?;
        Ok(command)
    }
}

/// The untagged enum of the model can only report that a value matches neither variant. Here the root is looked at first,
/// so that the message names what is wrong inside.
impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = serde_json::Map::deserialize(deserializer)?;
        let (is_user, is_group) = (fields.contains_key("user"), fields.contains_key("usergroup"));
        let value = serde_json::Value::Object(fields);
        match (is_user, is_group) {
            (true, false) => serde_json::from_value::<model::UserCommand>(value).map(Into::into),
            (false, true) => serde_json::from_value::<model::UserGroupCommand>(value).map(Into::into),
            (true, true) => return Err(D::Error::custom("a command has a `user` or a `usergroup`, not both")),
            (false, false) => return Err(D::Error::custom("a command must have a `user` or a `usergroup`")),
        }
        .map_err(D::Error::custom)
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::User(command) => command.raw.serialize(serializer),
            Self::Group(command) => command.raw.serialize(serializer),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(command) => command.fmt(f),
            Self::Group(command) => command.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use umapi_model::{UserGroupStep, UserGroupUpdate, UserStep, UserUpdate};

    use super::*;

    /// The names of the steps of commands.
    fn names_of(commands: impl IntoIterator<Item = Command>) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::new();
        for command in commands {
            names.extend(take_steps(&mut command.to_raw()).iter().map(Step::name));
        }
        names
    }

    #[test]
    fn every_step_of_the_service_has_a_method() {
        let user = || Command::user("a@b.c");
        let on_users = names_of([
            NewUser::adobe_id("a@b.c").into(),
            NewUser::enterprise("a@b.c", "A", "B").into(),
            NewUser::federated("a@b.c", "A", "B", "US").into(),
            user().update(UserUpdate::default()).into(),
            user().add_to(["x"]).remove_from(["y"]).into(),
            user().add_admin_roles(["x"]).remove_admin_roles(["x"]).reset_password().into(),
            user().remove_from_org(),
            user().remove_from_domain("b.c"),
        ]);
        assert_eq!(on_users, BTreeSet::from(UserStep::NAMES));
        let group = || Command::group("Design");
        let on_groups = names_of([
            NewGroup::new("Design").into(),
            group().update(UserGroupUpdate::default()).into(),
            group().add_users(["a@b.c"]).remove_users(["a@b.c"]).into(),
            group().delete(),
        ]);
        assert_eq!(on_groups, BTreeSet::from(UserGroupStep::NAMES));
    }

    #[test]
    fn parse_errors_name_what_is_wrong() {
        for (json, part) in [
            (r#"{"do":[]}"#, "must have"),
            (r#"{"user":"a@b.c","usergroup":"x","do":[]}"#, "not both"),
            (r#"{"user":"a@b.c","do":[{"levitate":{}}]}"#, "levitate"),
            (r#"{"user":"a@b.c","color":1,"do":[]}"#, "color"),
            (r#"{"user":"a@b.c","do":[{"createFederatedID":{"email":"a@b.c"}}]}"#, "firstname"),
            ("[]", "map"),
        ] {
            let message = serde_json::from_str::<Command>(json).unwrap_err().to_string();
            assert!(message.contains(part), "{json}: {message}");
        }
    }

    #[test]
    fn json_survives_a_round_trip() {
        let json = r#"{"user":"a@b.c","requestID":"r7","do":[{"add":{"group":["x"]}},{"remove":"all"}]}"#;
        let command: Command = serde_json::from_str(json).unwrap();
        assert_eq!(command.requested_id(), Some("r7"));
        assert_eq!(serde_json::to_string(&command).unwrap(), json);
    }

    #[test]
    fn raw_commands_are_checked_on_conversion() {
        let raw = |user: &str| Command::from(Command::user(user).add_to(["x"])).to_raw();
        assert!(Command::try_from(raw("a@b.c")).is_ok());
        assert_eq!(Command::try_from(raw("")).unwrap_err().field(), "user");
    }
}
