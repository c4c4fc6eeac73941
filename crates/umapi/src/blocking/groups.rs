//! Reading groups.

use super::{Call, List, wrapper::wrapper};
use crate::{
    GroupDirectory,
    model::{Group, GroupType},
};

wrapper! {
    /// Reads user groups, product profiles and administrative groups; created by [`Client::groups`](super::Client::groups).
    ///
    /// ```no_run
    /// # fn run(client: umapi::blocking::Client) -> Result<(), umapi::Error> {
    /// use umapi::model::GroupType;
    ///
    /// for profile in client.groups().of_type(GroupType::ProductProfile).list() {
    ///     println!("{}", profile?.group_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    Groups;

    /// Lists all groups of every type.
    fn list(&self) -> List<Group>;
    /// Selects the groups of one type.
    fn of_type(&self, of_type: GroupType) -> GroupList;
    /// Reads all groups, to look them up by name.
    fn directory(&self) -> Call<GroupDirectory>;
    /// Returns the group with this name, or `None`.
    fn get(&self, name: &str) -> Call<Option<Group>>;
}

wrapper! {
    /// A list of groups, with a filter.
    GroupList;

    consuming {
        /// Starts the list.
        fn list(self) -> List<Group>;
    }
}
