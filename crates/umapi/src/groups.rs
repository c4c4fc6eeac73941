//! Reading groups.

use umapi_model::{Group, GroupType, Operation};

use crate::{
    call::RawClient,
    client::Client,
    error::Error,
    list::{Page, Pager, Query},
};
use umapi_plan::account::FoldedName;

/// Reads user groups, product profiles and administrative groups; made by [`Client::groups`].
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// use umapi::model::GroupType;
///
/// let mut profiles = client.groups().of_type(GroupType::ProductProfile).list();
/// while let Some(profile) = profiles.try_next().await? {
///     println!("{}: {:?} of {:?}", profile.group_name, profile.member_count, profile.license_quota);
/// }
/// # Ok(())
/// # }
/// ```
///
/// See <https://adobe-apiplatform.github.io/umapi-documentation/en/api/group.html>.
#[derive(Clone, Debug)]
pub struct Groups {
    client: Client,
}

impl Groups {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All groups, of every type.
    #[must_use]
    pub fn list(&self) -> Pager<Group> {
        GroupList { client: self.client.clone(), of_type: None }.list()
    }

    /// The groups of one type.
    pub fn of_type(&self, of_type: GroupType) -> GroupList {
        GroupList { client: self.client.clone(), of_type: Some(of_type) }
    }

    /// The group with this name; nothing if there is none. Letter case does not matter.
    ///
    /// The service has no such question: the list is read until the group is found. To look up many groups, read the
    /// list once.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get(&self, name: &str) -> Result<Option<Group>, Error> {
        if name.is_empty() {
            return Err(Error::invalid("the name of the group is empty: give the name that the Admin Console shows"));
        }
        let name = FoldedName::new(name);
        let mut groups = self.list();
        while let Some(group) = groups.try_next().await? {
            if FoldedName::new(&group.group_name) == name {
                return Ok(Some(group));
            }
        }
        Ok(None)
    }
}

/// Groups, to be listed.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `list`"]
pub struct GroupList {
    client: Client,
    of_type: Option<GroupType>,
}

impl GroupList {
    /// The list. The service knows no filter: other groups are read and left out, and totals count them.
    #[must_use]
    pub fn list(self) -> Pager<Group> {
        let Self { client, of_type } = self;
        let shown = of_type.as_ref().map_or("", GroupType::as_str).to_owned();
        let query = Query::new(client, Operation::ListGroups, &[&shown], move |client: Client, call, page| {
            let of_type = of_type.clone();
            async move {
                let organization = client.organization();
                let send = |raw: RawClient| async move { raw.list_groups(organization, page, None).await };
                let answer = client.0.call(call, send).await?;
                let (mut groups, is_last) = (answer.value.groups, answer.value.last_page);
                if let Some(of_type) = of_type {
                    groups.retain(|group| group.type_.as_ref() == Some(&of_type));
                }
                Ok(Page::of(groups, is_last, answer.head))
            }
        });
        Pager::new(query)
    }
}
