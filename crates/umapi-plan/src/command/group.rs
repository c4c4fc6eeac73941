//! Commands on user groups, and new user groups.

use std::fmt;

use umapi_model::{
    self as model, AllMemberships, CreateOption, UserGroupCreation, UserGroupDeletion, UserGroupMembers,
    UserGroupRemoval, UserGroupStep, UserGroupUpdate,
};

use super::{Command, InvalidCommand, Step, rules};

/// A command on a user group: any number of steps, each with any number of names. Made by [`Command::group`] and
/// [`Command::create_group`].
///
/// ```
/// use umapi_plan::Command;
///
/// let change = Command::group("Design")
///     .add_users(["ann@example.com"])
///     .remove_users(["bob@example.com"])
///     .add_profiles(["Photoshop"])
///     .remove_profiles(["Illustrator"]);
/// change.check()?;
/// Command::group("Former designers").remove_all().delete().check()?;
/// # Ok::<(), umapi_plan::InvalidCommand>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct GroupCommand {
    pub(super) raw: model::UserGroupCommand,
    pub(super) is_repeated: bool,
}

impl GroupCommand {
    /// Sets the service's `requestID`. See [`Command::request_id`].
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.raw.request_id = Some(id.into());
        self
    }

    /// Marks the command as one that may have been done already. See [`Command::repeated`].
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.is_repeated = true;
        self
    }

    /// Checks every rule that can be checked without the service. See [`Command::check`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), InvalidCommand> {
        let step = |index: usize| self.raw.do_.get(index).cloned().map(Step::Group);
        rules::check_group_command(&self.raw).map_err(|invalid| invalid.describe(self.raw.do_.len(), step))
    }

    /// Changes the name or the description of the user group. Not allowed for read-only groups.
    #[must_use]
    pub fn update(self, fields: UserGroupUpdate) -> Self {
        self.step(UserGroupStep::UpdateUserGroup(fields))
    }

    /// Adds users, by email address or by a username that only one directory has. Users who are members already are not
    /// an error, unless all of ten are. Not allowed for read-only groups.
    ///
    /// Where a membership may be set from the user or from the group, let [`membership`](crate::membership) choose: it
    /// needs the fewest requests, and has an outcome for each user.
    #[must_use]
    pub fn add_users(self, users: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserGroupStep::Add(UserGroupMembers::default().with_user(users)))
    }

    /// Removes users from the group. Not allowed for read-only groups.
    #[must_use]
    pub fn remove_users(self, users: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserGroupStep::Remove(UserGroupRemoval::These(UserGroupMembers::default().with_user(users))))
    }

    /// Gives product profiles to all present and future members. Not allowed for groups of more than 200,000 users.
    #[must_use]
    pub fn add_profiles(self, profiles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserGroupStep::Add(UserGroupMembers::default().with_product_configuration(profiles)))
    }

    /// Takes product profiles from the group.
    #[must_use]
    pub fn remove_profiles(self, profiles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let profiles = UserGroupMembers::default().with_product_configuration(profiles);
        self.step(UserGroupStep::Remove(UserGroupRemoval::These(profiles)))
    }

    /// Removes all users and profiles from the group.
    #[must_use]
    pub fn remove_all(self) -> Self {
        self.step(UserGroupStep::Remove(UserGroupRemoval::All(AllMemberships::All)))
    }

    /// Deletes the user group. Ends the command.
    #[must_use]
    pub fn delete(self) -> Command {
        self.step(UserGroupStep::DeleteUserGroup(UserGroupDeletion::default())).into()
    }

    fn step(mut self, step: UserGroupStep) -> Self {
        self.raw.do_.push(step);
        self
    }
}

impl From<model::UserGroupCommand> for GroupCommand {
    fn from(raw: model::UserGroupCommand) -> Self {
        Self { raw, is_repeated: false }
    }
}

impl fmt::Debug for GroupCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("GroupCommand");
        all.field("raw", &self.raw);
        if self.is_repeated {
            all.field("is_repeated", &true);
        }
        all.finish()
    }
}

/// A user group to create.
///
/// ```
/// use umapi_plan::{Command, NewGroup};
///
/// Command::create_group(NewGroup::new("Design").description("All designers").update_if_exists())
///     .add_profiles(["Photoshop"])
///     .add_users(["ann@example.com"])
///     .check()?;
/// # Ok::<(), umapi_plan::InvalidCommand>(())
/// ```
///
/// A group that exists already is an error, unless [`ignore_if_exists`](Self::ignore_if_exists) or
/// [`update_if_exists`](Self::update_if_exists) says otherwise.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing is created before the command is sent"]
pub struct NewGroup {
    name: String,
    step: UserGroupCreation,
}

impl NewGroup {
    /// A user group of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), step: UserGroupCreation::default() }
    }

    /// Sets the description.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.step.description = Some(description.into());
        self
    }

    /// Skips the create if the group exists already, and runs the steps after it.
    pub fn ignore_if_exists(mut self) -> Self {
        self.step.option = Some(CreateOption::IgnoreIfAlreadyExists);
        self
    }

    /// Writes the description if the group exists already, and runs the steps after the create.
    pub fn update_if_exists(mut self) -> Self {
        self.step.option = Some(CreateOption::UpdateIfAlreadyExists);
        self
    }
}

impl From<NewGroup> for GroupCommand {
    fn from(new: NewGroup) -> Self {
        Self::from(model::UserGroupCommand::new(new.name, [])).step(UserGroupStep::CreateUserGroup(new.step))
    }
}

impl From<NewGroup> for Command {
    fn from(new: NewGroup) -> Self {
        Self::Group(new.into())
    }
}
