//! The members of groups, written to stdout page by page.

use std::collections::HashSet;

use umapi::{Account, Error, model::User, plan::account::FoldedName};

use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::{warn_about_changes, warn_about_list},
    large_groups,
    member_filter::MemberFilter,
    output::Record,
};

/// Writes the members of groups as their pages arrive, each user once: the records that `pick` makes of them, up to a limit.
///
/// The members of a group that is too large for the service to list are taken from the list of all users.
pub(super) async fn write_members<R: Record>(
    context: &Context,
    connection: &Connection,
    (groups, filter): (&[String], &MemberFilter),
    limit: Option<u64>,
    mut pick: impl FnMut(User) -> Option<R>,
) -> Result<Exit> {
    let mut listing = context.listing_beside(&connection.progress);
    let (mut written, mut changes, mut seen) = (0, Vec::new(), HashSet::new());
    let (mut large, mut failure): (Vec<&str>, _) = (Vec::new(), None);
    'groups: for group in groups {
        let members = filter.apply(connection.client.users().in_group(group.as_str()));
        let mut members = members.list().dedup();
        while limit.is_none_or(|limit| written < limit) {
            let user = match members.try_next().await {
                Ok(Some(user)) => user,
                Ok(None) => break,
                Err(error) if error.is_group_too_large() && can_be_filtered(group, filter) => {
                    large.push(group);
                    break;
                }
                Err(error) => {
                    failure = Some(cannot_list(group, filter, &error));
                    break 'groups;
                }
            };
            let is_new = Account::of(&user).is_none_or(|account| seen.insert(account.key().clone()));
            if is_new && let Some(record) = pick(user) {
                listing.push(&record)?;
                written += 1;
            }
        }
        changes.push(members.changes());
    }
    let mut rest = None;
    if failure.is_none() && !large.is_empty() && limit.is_none_or(|limit| written < limit) {
        let keys: Vec<FoldedName> = large.iter().map(|group| FoldedName::new(group)).collect();
        match large_groups::users_of(context, connection, &large, filter.direct_only()).await {
            Err(unread) => failure = Some(unread),
            Ok(mut users) => {
                while limit.is_none_or(|limit| written < limit) {
                    let user = match users.try_next().await {
                        Ok(Some(user)) => user,
                        Ok(None) => break,
                        Err(unread) => {
                            failure = Some(unread);
                            break;
                        }
                    };
                    let is_member = keys.iter().any(|key| large_groups::has_member(key, &user));
                    let mut is_new = || Account::of(&user).is_some_and(|account| seen.insert(account.key().clone()));
                    if is_member
                        && is_new()
                        && let Some(record) = pick(user)
                    {
                        listing.push(&record)?;
                        written += 1;
                    }
                }
                rest = Some(users);
            }
        }
    }
    if let Some(failure) = failure {
        // The items read so far are part of the output. The failure is more important than a failed write.
        let _ = listing.finish();
        return Err(failure);
    }
    listing.finish()?;
    connection.progress.finish();
    changes.into_iter().for_each(|changes| warn_about_changes(context, changes));
    if let Some(users) = rest {
        warn_about_list(context, &users);
    }
    Ok(Exit::Success)
}

/// Whether the list of all users has what is asked of a group: names of groups, but neither their ids nor licenses.
fn can_be_filtered(group: &str, filter: &MemberFilter) -> bool {
    !filter.is_about_licenses() && group.parse::<u64>().is_err()
}

fn cannot_list(group: &str, filter: &MemberFilter, error: &Error) -> Failure {
    let failure = Failure::of_service(format!("cannot list the members of {group}"), error);
    match error.is_group_too_large() {
        true if filter.is_about_licenses() => failure.remedy(
            "leave out --status and --inactive: the members themselves are then taken from the list of all users",
        ),
        true => failure
            .remedy("give the name of the group, not its id: the members are then taken from the list of all users"),
        false => failure,
    }
}
