//! The steps on a user group.

use umapi_model::{
    UserGroupCreation, UserGroupDeletion, UserGroupMembers, UserGroupRemoval, UserGroupStep, UserGroupUpdate,
};

use super::command::Command;

/// # Steps on a user group
impl Command {
    /// Creates the user group. Comes first; a [`description`](Self::description) may follow. A group that exists already is
    /// an error, unless [`ignore_if_exists`](Self::ignore_if_exists) or [`update_if_exists`](Self::update_if_exists)
    /// follows.
    ///
    /// ```
    /// # use umapi_plan::Command;
    /// Command::group("Design")
    ///     .create_user_group().description("Those who draw").update_if_exists()
    ///     .add_profiles(["Photoshop"])
    ///     .add_users(["ann@example.com"])
    ///     .check()?;
    /// # Ok::<(), umapi_plan::InvalidCommand>(())
    /// ```
    #[must_use]
    pub fn create_user_group(self) -> Self {
        self.group_step("createUserGroup", UserGroupStep::CreateUserGroup(UserGroupCreation::default()))
    }

    /// Changes the name or the description of the user group. Not of read-only groups.
    #[must_use]
    pub fn update_user_group(self, fields: UserGroupUpdate) -> Self {
        self.group_step("updateUserGroup", UserGroupStep::UpdateUserGroup(fields))
    }

    /// Deletes the user group. Comes last: nothing runs after it.
    #[must_use]
    pub fn delete_user_group(self) -> Self {
        self.group_step("deleteUserGroup", UserGroupStep::DeleteUserGroup(UserGroupDeletion::default()))
    }

    /// Adds users, by email address or by a username that only one directory has. Users that are in the group already are
    /// no error, unless all of ten are. Not to read-only groups.
    ///
    /// Where it may be the user or the group that a membership is set from, let
    /// [`memberships`](crate::membership) choose: it needs the fewest requests, and has an outcome for each user.
    #[must_use]
    pub fn add_users(self, users: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.group_step("add", UserGroupStep::Add(UserGroupMembers::default().with_user(users)))
    }

    /// Takes users out of the group. Not out of read-only groups.
    #[must_use]
    pub fn remove_users(self, users: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let users = UserGroupMembers::default().with_user(users);
        self.group_step("remove", UserGroupStep::Remove(UserGroupRemoval::These(users)))
    }

    /// Gives product profiles to all members of the group, present and future. Not to groups of more than 200,000 users.
    #[must_use]
    pub fn add_profiles(self, profiles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.group_step("add", UserGroupStep::Add(UserGroupMembers::default().with_product_configuration(profiles)))
    }

    /// Takes product profiles from the group.
    #[must_use]
    pub fn remove_profiles(self, profiles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let profiles = UserGroupMembers::default().with_product_configuration(profiles);
        self.group_step("remove", UserGroupStep::Remove(UserGroupRemoval::These(profiles)))
    }
}
