//! User groups by their number.

use umapi_model::{
    LegacyUser, NewUserGroup, Operation, UserGroup, UserGroupChange, UserGroupRights, UserGroupRightsRequest,
};

use crate::{
    call::ApiCall,
    call::Effect,
    call::RawClient,
    client::Client,
    error::Error,
    list::{Pager, Query, array_page},
    lookup::{found, is_absent},
};

/// User groups by their number; made by [`Legacy::user_groups`](crate::Legacy::user_groups).
///
/// A change that was sent and not answered is sent again only where doing it twice is the same as doing it once;
/// [`Error::may_have_been_applied`] tells.
#[derive(Clone, Debug)]
pub struct LegacyUserGroups {
    client: Client,
}

#[expect(deprecated, reason = "it is what this module is for")]
impl LegacyUserGroups {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All user groups.
    #[must_use]
    pub fn list(&self) -> Pager<UserGroup> {
        let query =
            Query::new(self.client.clone(), Operation::ListUserGroups, &[], |client: Client, call, page| async move {
                let organization = client.organization();
                let send = |raw: RawClient| async move { raw.list_user_groups(organization, Some(page), None).await };
                Ok(array_page(client.0.call(call, send).await?, page, 1))
            });
        Pager::new(query.counted_from_one())
    }

    /// The user group with this number; nothing if there is none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get(&self, group_id: u64) -> Result<Option<UserGroup>, Error> {
        let organization = self.client.organization();
        let send = |raw: RawClient| async move { raw.get_user_group(organization, group_id, None).await };
        found(self.client.0.call(ApiCall::question(Operation::GetUserGroup), send).await)
    }

    /// Creates a user group.
    ///
    /// # Errors
    ///
    /// See [`Error`]; `DUPLICATE_GROUP_NAME` for a name that is taken.
    pub async fn create(&self, group: &NewUserGroup) -> Result<UserGroup, Error> {
        let organization = self.client.organization();
        let send = |raw: RawClient| async move { raw.create_user_group(organization, None, group).await };
        let call = ApiCall::change(Operation::CreateUserGroup, Effect::OneTimeChange);
        Ok(self.client.0.call(call, send).await?.value)
    }

    /// Renames or describes a user group.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn update(&self, group_id: u64, change: &UserGroupChange) -> Result<UserGroup, Error> {
        let organization = self.client.organization();
        let send = |raw: RawClient| async move { raw.update_user_group(organization, group_id, None, change).await };
        let call = ApiCall::change(Operation::UpdateUserGroup, Effect::RepeatableChange);
        Ok(self.client.0.call(call, send).await?.value)
    }

    /// Changes who is a member and who is an administrator.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn change_rights(&self, group_id: u64, rights: UserGroupRights) -> Result<UserGroup, Error> {
        let organization = self.client.organization();
        let body = &UserGroupRightsRequest::from(rights);
        let send =
            |raw: RawClient| async move { raw.update_user_group_rights(organization, group_id, None, body).await };
        let call = ApiCall::change(Operation::UpdateUserGroupRights, Effect::RepeatableChange);
        Ok(self.client.0.call(call, send).await?.value)
    }

    /// Deletes a user group and its memberships, not its users. False if there was none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn delete(&self, group_id: u64) -> Result<bool, Error> {
        let organization = self.client.organization();
        let send = |raw: RawClient| async move { raw.delete_user_group(organization, group_id, None).await };
        let call = ApiCall::change(Operation::DeleteUserGroup, Effect::RepeatableChange);
        match self.client.0.call(call, send).await {
            Ok(_) => Ok(true),
            // Gone: by an earlier attempt that was not answered, or before.
            Err(error) if is_absent(&error) => Ok(error.may_have_been_applied()),
            Err(error) => Err(error),
        }
    }

    /// The members of a user group.
    #[must_use]
    pub fn users(&self, group_id: u64) -> Pager<LegacyUser> {
        let operation = Operation::ListUserGroupUsers;
        let fetch = move |client: Client, call, page| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move {
                raw.list_user_group_users(organization, group_id, Some(page), None).await
            };
            Ok(array_page(client.0.call(call, send).await?, page, 0))
        };
        Pager::new(Query::new(self.client.clone(), operation, &[&group_id.to_string()], fetch))
    }

    /// The administrators of a user group.
    #[must_use]
    pub fn admins(&self, group_id: u64) -> Pager<LegacyUser> {
        let operation = Operation::ListUserGroupAdmins;
        let fetch = move |client: Client, call, page| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move {
                raw.list_user_group_admins(organization, group_id, Some(page), None).await
            };
            Ok(array_page(client.0.call(call, send).await?, page, 0))
        };
        Pager::new(Query::new(self.client.clone(), operation, &[&group_id.to_string()], fetch))
    }
}
