//! Reading groups.

mod directory;

pub use directory::GroupDirectory;
use umapi_model::{Group, GroupType, Operation};
use umapi_plan::account::FoldedName;

use crate::{
    call::{Call, RawClient},
    client::Client,
    error::{Error, Kind},
    list::{Page, PageCall, Pager, Query},
};

/// The result of a page past the end.
const PAST_END: &str = "Not found";

/// Reads user groups, product profiles and administrative groups; created by [`Client::groups`].
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

    /// Lists all groups of every type.
    #[must_use]
    pub fn list(&self) -> Pager<Group> {
        GroupList { client: self.client.clone(), of_type: None }.list()
    }

    /// Selects the groups of one type.
    pub fn of_type(&self, of_type: GroupType) -> GroupList {
        GroupList { client: self.client.clone(), of_type: Some(of_type) }
    }

    /// Reads all groups, to look them up by name. See [`GroupDirectory`].
    ///
    /// # Errors
    ///
    /// See [`Error`]. An item that cannot be read is left out, unless the client [fails](crate::UnreadableItems::Fail) then.
    pub fn directory(&self) -> Call<GroupDirectory> {
        Call::new(&self.client, |client, scope| async move {
            let read_at = client.0.clock.wall();
            let mut list = client.groups().list().in_scope(&scope);
            let read = async {
                let mut groups = Vec::new();
                while let Some(group) = list.try_next().await? {
                    groups.push(group);
                }
                Ok(GroupDirectory::read(client.organization(), groups, read_at, !list.changes().any()))
            };
            scope.within(&client.0.clock, read).await
        })
    }

    /// Returns the group with this name, or `None`. Letter case does not matter.
    ///
    /// The service has no such operation, so the list is read until the group is found, which it allows once in two hours. To
    /// look up several groups, read a [`directory`](Self::directory).
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// match client.groups().get("Design").await {
    ///     Ok(Some(group)) => println!("{group:?}"),
    ///     Ok(None) => println!("it can be created"),
    ///     Err(error) if error.is_not_whole() => println!("nobody knows, ask again later: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`is_not_whole`](Error::is_not_whole) if the list does not have the group, but changed while it was read.
    pub fn get(&self, name: &str) -> Call<Option<Group>> {
        let name = name.to_owned();
        Call::new(&self.client, move |client, scope| async move {
            if name.is_empty() {
                return Err(Error::invalid("the group name is empty; use the name that the Admin Console shows"));
            }
            let mut groups = client.groups().list().in_scope(&scope);
            let folded = FoldedName::new(&name);
            let find = async {
                while let Some(group) = groups.try_next().await? {
                    if FoldedName::new(&group.group_name) == folded {
                        return Ok(Some(group));
                    }
                }
                match groups.changes().any() {
                    true => Err(Error::new(Kind::NotWhole { what: format!("the group \"{name}\"") })),
                    false => Ok(None),
                }
            };
            scope.within(&client.0.clock, find).await
        })
    }
}

/// A list of groups, with a filter.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `list`"]
pub struct GroupList {
    client: Client,
    of_type: Option<GroupType>,
}

impl GroupList {
    /// Starts the list. The service has no filter: other groups are read and dropped, and totals count them.
    #[must_use]
    pub fn list(self) -> Pager<Group> {
        let Self { client, of_type } = self;
        let filter = of_type.as_ref().map_or("", GroupType::as_str).to_owned();
        let query =
            Query::new(client, Operation::ListGroups, &[&filter], move |client: Client, call: PageCall, page| {
                let of_type = of_type.clone();
                async move {
                    let mut page = match client.0.stub() {
                        Some(stub) => call.ask(&client, stub.list_groups(page)).await?,
                        None => read_page(&client, &call, page).await?,
                    };
                    if let Some(of_type) = of_type {
                        page.items.retain(|group| group.type_.as_ref() == Some(&of_type));
                    }
                    Ok(page)
                }
            });
        Pager::new(query)
    }
}

/// Reads a page of the groups of every type.
async fn read_page(client: &Client, call: &PageCall, page: u32) -> Result<Page<Group>, Error> {
    let organization = client.organization();
    let send = |raw: RawClient| async move { raw.list_groups(organization, page, None).await };
    let response = client.0.call(call.as_call(), send).await?;
    let body = &response.value;
    // A page past the end is documented as "Not found".
    let is_past_end = body.last_page && body.groups.is_empty() && body.result.eq_ignore_ascii_case(PAST_END);
    if !is_past_end {
        response.check_result(&body.result, body.message.as_deref())?;
    }
    Ok(Page::of(response.value.groups, response.value.last_page, response.head))
}
