//! User groups.

use serde::Serialize;

use super::{Manage, ManageError};
use crate::{
    seed,
    store::{GroupId, GroupKind, GroupRow, Organization, Reader},
};

/// A user group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserGroupState {
    /// The id.
    pub group_id: GroupId,
    /// The name.
    pub name: String,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether another organization owns its users.
    pub read_only: bool,
    /// The number of users in it.
    pub members: i64,
    /// The names of the profiles that its members get.
    pub profiles: Vec<String>,
}

impl UserGroupState {
    fn of(r: &Reader<'_>, org: &Organization, group: GroupRow) -> Result<Self, ManageError> {
        let mut profiles = Vec::new();
        for profile in r.profiles_of_group(group.id)? {
            profiles.extend(r.group_row(org.id, profile)?.map(|profile| profile.name));
        }
        Ok(Self {
            group_id: group.id,
            name: group.name,
            description: group.description,
            read_only: group.read_only,
            members: group.members,
            profiles,
        })
    }
}

fn find(r: &Reader<'_>, org: &Organization, name: &str) -> Result<GroupRow, ManageError> {
    let found = r.group_by_name(org.id, name)?.filter(|group| group.kind == GroupKind::UserGroup);
    let unknown = || ManageError::not_found("emulator.usergroup.unknown", format!("User group {name} was not found"));
    found.ok_or_else(unknown)
}

impl Manage {
    /// The user groups of an organization.
    ///
    /// # Errors
    /// If the organization does not exist.
    pub fn user_groups(&self, org_id: &str) -> Result<Vec<UserGroupState>, ManageError> {
        self.read(org_id, |r, org| {
            let groups = r.groups_of_kind(org.id, GroupKind::UserGroup)?;
            groups.into_iter().map(|group| UserGroupState::of(r, org, group)).collect()
        })
    }

    /// A user group by its name, without regard to case.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn user_group(&self, org_id: &str, name: &str) -> Result<UserGroupState, ManageError> {
        self.read(org_id, |r, org| UserGroupState::of(r, org, find(r, org, name)?))
    }

    /// Creates a user group. It can be read-only: then another organization owns its users.
    ///
    /// ```
    /// use umapi_emulator::{Emulator, seed::UserGroup};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start().await?;
    /// let (manage, org) = (emulator.manage(), emulator.org_id());
    /// let new = UserGroup { name: "Interns".to_owned(), ..UserGroup::default() };
    /// manage.create_user_group(org, &new)?;
    /// // Now its users belong to another organization, and the service changes nothing in it.
    /// assert!(manage.set_read_only(org, "Interns", true)?.read_only);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If another group has the name, or one of the profiles does not exist.
    pub fn create_user_group(&self, org_id: &str, new: &seed::UserGroup) -> Result<UserGroupState, ManageError> {
        self.write(org_id, |tx, org| {
            seed::add_user_group(tx, org_id, new)?;
            tx.flush()?;
            let r = tx.rows();
            UserGroupState::of(&r, org, find(&r, org, &new.name)?)
        })
    }

    /// Sets whether another organization owns the users of a user group.
    ///
    /// # Errors
    /// If the group does not exist.
    pub fn set_read_only(&self, org_id: &str, name: &str, read_only: bool) -> Result<UserGroupState, ManageError> {
        self.write(org_id, |tx, org| {
            tx.set_read_only(find(&tx.rows(), org, name)?.id, read_only)?;
            let r = tx.rows();
            UserGroupState::of(&r, org, find(&r, org, name)?)
        })
    }
}
