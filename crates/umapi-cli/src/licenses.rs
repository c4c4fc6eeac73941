//! Users who were added to a product profile whose licenses are used up.

use std::collections::{BTreeMap, HashSet};

use umapi::{
    Account, Client, Error, GroupKind, GroupRef,
    model::{LicenseStatus, User},
    plan::account::{AccountKey, FoldedName},
};

use crate::{connection::Connection, context::Context, output::counted};

/// The number of users who are named in a warning.
const SHOWN: usize = 5;

/// The most groups that are read, which takes a minute under the rate limits.
const MAX_GROUPS: usize = 25;

/// Users who were added to groups.
#[derive(Debug, Default)]
pub(crate) struct Added {
    groups: BTreeMap<FoldedName, (GroupRef, HashSet<AccountKey>)>,
}

impl Added {
    /// Notes that a user was added to a group.
    pub(crate) fn push(&mut self, group: &GroupRef, user: &Account) {
        if matches!(group.kind(), GroupKind::Profile | GroupKind::Unknown) {
            let entry = self.groups.entry(FoldedName::new(group.name()));
            entry.or_insert_with(|| (group.clone(), HashSet::new())).1.insert(user.key().clone());
        }
    }

    /// Warns about users who wait for a license. The users are added all the same, so a list that cannot be read is only noted.
    pub(crate) async fn warn_about_licenses(&self, context: &Context, connection: &Connection) {
        for (group, users) in self.groups.values().take(MAX_GROUPS) {
            match without_license(&connection.client, group, users).await {
                Ok(without) if without.is_empty() => {}
                Ok(without) => context.warn(&describe(group.name(), users.len(), &without)),
                Err(error) if error.is_not_found() || error.is_stopped() => {}
                Err(_) => context.note(&format!("cannot tell whether \"{}\" has licenses left", group.name())),
            }
        }
    }
}

/// Returns the names of those users who are in a profile without a license.
async fn without_license(client: &Client, group: &GroupRef, users: &HashSet<AccountKey>) -> Result<Vec<String>, Error> {
    let inactive = members(client, group, LicenseStatus::Inactive, users).await?;
    if inactive.is_empty() || group.kind() == GroupKind::Profile {
        return Ok(inactive);
    }
    // Of a user group the service may list all members, whatever their status: then the same users are active, too.
    let active = members(client, group, LicenseStatus::Active, users).await?;
    Ok(inactive.into_iter().filter(|user| !active.contains(user)).collect())
}

async fn members(
    client: &Client,
    group: &GroupRef,
    status: LicenseStatus,
    users: &HashSet<AccountKey>,
) -> Result<Vec<String>, Error> {
    let mut members = client.users().in_group(group.name()).status(status).exclude_groups(true).list().dedup();
    let (mut found, wanted) = (Vec::new(), users.len());
    while found.len() < wanted
        && let Some(user) = members.try_next().await?
    {
        if let Some(account) = Account::of(&user).filter(|account| is_one_of(account, &user, users)) {
            found.push(account.name().to_owned());
        }
    }
    Ok(found)
}

/// Whether an account is one of those that were added. A new user was named by the address alone.
fn is_one_of(account: &Account, user: &User, users: &HashSet<AccountKey>) -> bool {
    users.contains(account.key())
        || user.email.as_ref().is_some_and(|email| users.contains(Account::email(email).key()))
}

/// `3 of 5 users added to "Photoshop" wait for a license: …`
fn describe(group: &str, added: usize, without: &[String]) -> String {
    let mut names = without.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if without.len() > SHOWN {
        names += &format!(" and {} more", without.len() - SHOWN);
    }
    let users = match added {
        1 => "the user added".to_owned(),
        added => format!("{} of {} added", without.len(), counted(added as u64, "user")),
    };
    let wait = if without.len() == 1 { "waits" } else { "wait" };
    format!(
        "{users} to \"{group}\" {wait} for a license, because its licenses are used up: {names}; \
         \"umapi members list '{group}' --inactive\" lists all who wait"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_users_are_counted_and_named() {
        let names = |count: usize| (1..=count).map(|number| format!("u{number}@b.c")).collect::<Vec<_>>();
        let text = describe("Photoshop", 5, &names(3));
        assert!(text.starts_with("3 of 5 users added to \"Photoshop\" wait for a license"), "{text}");
        assert!(text.contains("used up: u1@b.c, u2@b.c, u3@b.c;"), "{text}");
        assert!(describe("P", 9, &names(7)).contains("u5@b.c and 2 more;"));
        assert!(describe("P", 1, &names(1)).starts_with("the user added to \"P\" waits for a license"));
    }
}
