//! Reading users.

use super::{Call, List, wrapper::wrapper};
use crate::model::{LicenseStatus, User};

wrapper! {
    /// Reads users; created by [`Client::users`](super::Client::users).
    ///
    /// ```no_run
    /// # fn run(client: umapi::blocking::Client) -> Result<(), umapi::Error> {
    /// match client.users().get("jdoe@example.com").wait()? {
    ///     Some(user) => println!("{:?} is in {:?}", user.email, user.groups),
    ///     None => println!("the user does not exist"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    Users;

    /// Returns the user with this email address, or `None`.
    fn get(&self, email: &str) -> Call<Option<User>>;
    /// Returns the user with this username in a domain, or `None`.
    fn get_by_username(&self, username: &str, domain: &str) -> Call<Option<User>>;
    /// Returns the Adobe ID with this email address, or `None`.
    fn get_adobe_id(&self, email: &str) -> Call<Option<User>>;
    /// Lists all users of the organization.
    fn list(&self) -> List<User>;
    /// Selects the users of a domain.
    fn domain(&self, domain: impl Into<String>) -> UserList;
    /// Sets whether the groups of each user include only the profiles that were assigned directly.
    fn direct_only(&self, direct_only: bool) -> UserList;
    /// Selects the users of a user group, a product profile or an administrative group.
    fn in_group(&self, name: impl Into<String>) -> GroupMembers;
}

wrapper! {
    /// A list of users of the organization, with filters.
    UserList;

    consuming {
        /// Selects the users of a domain.
        fn domain(self, domain: impl Into<String>) -> Self;
        /// Sets whether the groups of each user include only the profiles that were assigned directly.
        fn direct_only(self, direct_only: bool) -> Self;
        /// Starts the list.
        fn list(self) -> List<User>;
    }
}

wrapper! {
    /// A list of the members of a group, with filters.
    GroupMembers;

    consuming {
        /// Selects the members of a product profile that have a license, or those that do not.
        fn status(self, status: LicenseStatus) -> Self;
        /// Sets whether the groups of each user are left out, which makes the responses much smaller.
        fn exclude_groups(self, exclude: bool) -> Self;
        /// Sets whether the groups of each user include only the profiles that were assigned directly.
        fn direct_only(self, direct_only: bool) -> Self;
        /// Starts the list.
        fn list(self) -> List<User>;
    }
}
