//! Groups that are too large for the service to list: their members are taken from the list of all users.

use umapi::{Client, Error, model::User, plan::account::FoldedName};

use crate::{cache::ListReader, connection::Connection, context::Context, failure::Result};

/// The list of all users, for the members of groups that the service cannot list. With `direct_only`, it lacks the members of
/// profiles who have them through user groups.
pub(crate) async fn users_of(
    context: &Context,
    connection: &Connection,
    groups: &[&str],
    direct_only: bool,
) -> Result<ListReader<User>> {
    let members = if direct_only { "direct members" } else { "members" };
    context.note(&format!(
        "too large for the service to list: \"{}\"; the {members} are taken from the list of all users",
        groups.join("\", \"")
    ));
    connection.users(context, None, direct_only, "cannot list the users").await
}

/// Whether a user of the list is a member.
pub(crate) fn has_member(group: &FoldedName, user: &User) -> bool {
    user.groups.iter().flatten().any(|name| FoldedName::new(name) == *group)
}

/// What is known of a group after its first member was asked for: the service has no call that finds a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupState {
    Missing,
    Listable,
    TooLarge,
}

impl GroupState {
    /// Asks for the first member of a group.
    pub(crate) async fn of(client: &Client, group: &str) -> Result<Self, Error> {
        match client.users().in_group(group).exclude_groups(true).list().try_next().await {
            Ok(_) => Ok(Self::Listable),
            Err(error) if error.is_not_found() => Ok(Self::Missing),
            Err(error) if error.is_group_too_large() => Ok(Self::TooLarge),
            Err(error) => Err(error),
        }
    }
}
