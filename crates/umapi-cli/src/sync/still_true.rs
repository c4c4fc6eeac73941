//! Whether a plan still fits: only the users that it touches are looked up, so no list is read from its beginning.

use std::collections::BTreeMap;

use umapi::{Account, AccountKind, Client, model::User, plan::account::FoldedName};
use umapi_sync::{AccountRecord, Action, Change, FieldChange, OrgPlan, config::UpdatableField};

use crate::failure::{Failure, Result};

/// The number of differences that are told.
const SHOWN: usize = 20;

/// Whether a change is still to be made.
enum Standing {
    Wanted,
    /// It is made already, perhaps by a run of the same plan that was stopped.
    Done,
    /// What it changes has changed.
    Stale(String),
}

/// Looks at the users of a plan, and takes out what is done already. Returns how much that is.
///
/// # Errors
/// A plan that does not fit any more, with the differences.
pub(crate) async fn take_out_done(client: &Client, plan: &mut OrgPlan) -> Result<usize> {
    let mut users: BTreeMap<String, Option<User>> = BTreeMap::new();
    for change in &plan.changes {
        if let Some(record) = &change.user
            && !users.contains_key(&key(record))
        {
            let user = look_up(client, &Account::from(record)).await;
            let user = user.map_err(|error| Failure::of_service(format!("cannot look up {}", record.name), &error))?;
            users.insert(key(record), user);
        }
    }
    let is_new = |change: &Change| matches!(change.action, Action::CreateUser { .. });
    let created: Vec<String> = plan
        .changes
        .iter()
        .filter(|change| is_new(change))
        .filter_map(|change| Some(key(change.user.as_ref()?)))
        .collect();
    let mut stale = Vec::new();
    let mut done = 0;
    plan.changes.retain(|change| {
        let Some(record) = &change.user else { return true };
        let user = users.get(&key(record)).and_then(Option::as_ref);
        match standing(change, user, created.contains(&key(record))) {
            Standing::Wanted => true,
            Standing::Done => {
                done += 1;
                false
            }
            Standing::Stale(why) => {
                stale.push(format!("{}: {why}", record.name));
                false
            }
        }
    });
    if stale.is_empty() {
        return Ok(done);
    }
    let more = stale.len().saturating_sub(SHOWN);
    let failure = Failure::usage(format!("the plan does not fit {} any more; nothing was changed", plan.org));
    let failure = stale.into_iter().take(SHOWN).fold(failure, Failure::why);
    let failure = if more > 0 { failure.why(format!("and {more} more")) } else { failure };
    Err(failure.remedy("make it again with \"umapi sync plan --out FILE\""))
}

fn key(record: &AccountRecord) -> String {
    umapi_sync::user_key(&Account::from(record))
}

async fn look_up(client: &Client, account: &Account) -> Result<Option<User>, umapi::Error> {
    let users = client.users();
    match (account.domain(), account.kind()) {
        (Some(domain), _) => users.get_by_username(account.name(), domain).await,
        (None, Some(AccountKind::AdobeId)) => users.get_adobe_id(account.name()).await,
        _ => users.get(account.name()).await,
    }
}

fn standing(change: &Change, user: Option<&User>, is_created: bool) -> Standing {
    let is_member = |group: &str| {
        let group = FoldedName::new(group);
        user.is_some_and(|user| user.groups.iter().flatten().any(|name| FoldedName::new(name) == group))
    };
    match (&change.action, user) {
        (Action::CreateUser { .. }, Some(_)) => Standing::Done,
        (Action::CreateUser { .. } | Action::CreateGroup { .. }, _) => Standing::Wanted,
        (Action::Add { .. }, None) if is_created => Standing::Wanted,
        (Action::Remove(_) | Action::RemoveFromOrg(_), None) => Standing::Done,
        (Action::RemoveFromOrg(_), Some(_)) => Standing::Wanted,
        (Action::UpdateUser { fields }, None) => {
            // Under a new address, the old one is gone.
            let renames = fields.contains_key(&UpdatableField::Email) || fields.contains_key(&UpdatableField::Username);
            if renames { Standing::Done } else { Standing::Stale("the user does not exist any more".to_owned()) }
        }
        (_, None) => Standing::Stale("the user does not exist any more".to_owned()),
        (Action::Add { group, .. }, Some(_)) if is_member(group) => Standing::Done,
        (Action::Remove(removal), Some(_)) if !is_member(removal.group()) => Standing::Done,
        (Action::Add { .. } | Action::Remove(_), Some(_)) => Standing::Wanted,
        (Action::UpdateUser { fields }, Some(user)) => standing_of_update(fields, user),
    }
}

fn standing_of_update(fields: &BTreeMap<UpdatableField, FieldChange>, user: &User) -> Standing {
    let mut is_done = true;
    for (field, change) in fields {
        let value = match field {
            UpdatableField::Firstname => &user.firstname,
            UpdatableField::Lastname => &user.lastname,
            UpdatableField::Email => &user.email,
            UpdatableField::Username => &user.username,
        };
        let same = |expected: Option<&str>| value.as_deref().map(FoldedName::user) == expected.map(FoldedName::user);
        if value.as_deref() == Some(change.to.as_str()) {
            continue;
        }
        is_done = false;
        if !same(change.from.as_deref()) {
            let (is, was) = (value.as_deref().unwrap_or("nothing"), change.from.as_deref().unwrap_or("nothing"));
            return Standing::Stale(format!("the {field} is {is} now, and was {was}"));
        }
    }
    if is_done { Standing::Done } else { Standing::Wanted }
}
