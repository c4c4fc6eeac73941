//! What a push sends, and what it never takes.

use std::collections::BTreeSet;

use proptest::prelude::*;
use umapi_directory::GapCause;
use umapi_model::GroupType;

use super::{
    properties::{directory, some},
    world::{Adobe, NO_GUARDS, Source, State, config, plan, push},
};
use crate::{Action, Config, Given, GivenUser, Plan, user_key};

fn design() -> Adobe {
    Adobe::default().group("Design", GroupType::ProductProfile)
}

/// Remembers a plan as one that was completed.
fn give(given: &mut Given, plan: &Plan) {
    for change in &plan.orgs[0].changes {
        let Some(account) = &change.user else { continue };
        let key = &change.person;
        let of = |user: &GivenUser| user_key(&umapi_plan::Account::from(&user.account));
        let wanted = user_key(&umapi_plan::Account::from(account));
        let known = given.users.iter().find(|(_, user)| of(user) == wanted).map(|(key, _)| key.clone());
        let key = known.or_else(|| key.clone()).expect("a user belongs to a person");
        let user = given.users.remove(&key).unwrap_or_else(|| GivenUser::new(account.clone()));
        if let Some(user) = user.after(change) {
            given.users.insert(key, user);
        }
        if let Action::Add { group, kind } = &change.action {
            let name = umapi_plan::account::FoldedName::new(group);
            given.groups.entry(name).or_insert(crate::GivenGroup { name: group.clone(), kind: *kind });
        }
    }
}

fn removals(plan: &Plan) -> BTreeSet<String> {
    let is_removal = |action: &Action| matches!(action, Action::Remove(_) | Action::RemoveFromOrg(_));
    let changes = plan.orgs[0].changes.iter().filter(|change| is_removal(&change.action));
    changes.map(|change| format!("{} {}", change.user.as_ref().unwrap().name, change.action)).collect()
}

fn lines(plan: &Plan) -> Vec<String> {
    let name = |change: &crate::Change| change.user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
    plan.orgs[0].changes.iter().map(|change| format!("{} {}", name(change), change.action)).collect()
}

#[test]
fn what_no_run_gave_is_never_taken() {
    let source = Source::default().person("ann", &["Artists"]).person("bob", &[]);
    let config = config(NO_GUARDS);
    let pushed = push(&config, &source, Given::default(), &State::default(), 1);
    assert_eq!(lines(&pushed.plan), ["ann@example.com create", "ann@example.com add to Design"]);
    // A run that saw Adobe's side knows what it gave; what others gave does not count.
    let adobe = design().user("ann", &["Design"]).user("bob", &["Design"]);
    let planned = plan(&config, &source, &adobe, &State::default(), 1);
    let given = planned.given;
    assert_eq!(given.users.len(), 2);
    assert!(push(&config, &source, given, &planned.state, 1).plan.is_empty());
}

#[test]
fn administrators_whom_a_run_saw_are_left_alone() {
    let text = format!("{}{NO_GUARDS}", super::world::CONFIG.replace("[people]", "[people]\nupdate = [\"firstname\"]"));
    let config = Config::parse(&text).unwrap();
    let adobe = design()
        .group("_org_admin", GroupType::SysadminGroup)
        .user("ann", &["Design", "_org_admin"])
        .user("bob", &["Design"]);
    let both = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let planned = plan(&config, &both, &adobe, &State::default(), 1);
    let given = planned.given;
    let without = Source::default().person("cat", &["Artists"]).person("ann", &[]).person("bob", &[]);
    let changed = without.set("ann", "givenName", "Other").set("bob", "givenName", "Other");
    let pushed = push(&config, &changed, given, &planned.state, 2);
    assert_eq!(removals(&pushed.plan), ["bob@example.com remove from Design".to_owned()].into());
    assert!(!lines(&pushed.plan).iter().any(|line| line.starts_with("ann")), "{:?}", lines(&pushed.plan));
}

#[test]
fn a_push_keeps_days_of_grace() {
    let config = config(&format!("{NO_GUARDS}[leavers]\nunmap = \"3d\"\nremove = \"5d\"\n"));
    let both = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let ann = Source::default().person("ann", &["Artists"]);
    let mut given = Given::default();
    let pushed = push(&config, &both, given.clone(), &State::default(), 1);
    give(&mut given, &pushed.plan);
    let pushed = push(&config, &ann, given.clone(), &pushed.state, 2);
    assert_eq!((removals(&pushed.plan).len(), pushed.due.len()), (0, 0));
    // Whether bob moved or left is not known: the days may not be over.
    let cut = push(&config, &ann.clone().gap("people", GapCause::SizeLimit), given.clone(), &pushed.state, 9);
    assert_eq!(removals(&cut.plan).len(), 0);
    assert_eq!(cut.state.orgs["main"].leavers.len(), 1, "the day is not forgotten");
    let pushed = push(&config, &ann, given.clone(), &cut.state, 7);
    assert_eq!(removals(&pushed.plan), ["bob@example.com remove from Design".to_owned()].into());
    assert_eq!(pushed.due["main"], 1, "a push removes nobody from the organization");
    let back = push(&config, &both, given, &pushed.state, 8);
    assert!(back.plan.is_empty() && back.state.orgs["main"].leavers.is_empty());
}

#[test]
fn a_new_identity_with_the_same_account_is_the_same_user() {
    let config = config(NO_GUARDS);
    let mut given = Given::default();
    let pushed = push(&config, &Source::default().person("ann", &["Artists"]), given.clone(), &State::default(), 1);
    give(&mut given, &pushed.plan);
    let again = Source::default().person("ann2", &["Artists"]).set("ann2", "mail", "ann@example.com");
    let pushed = push(&config, &again, given, &pushed.state, 2);
    assert!(pushed.plan.is_empty(), "{:?}", lines(&pushed.plan));
}

#[test]
fn links_of_earlier_versions_name_the_old_identity() {
    let text = format!("{}{NO_GUARDS}", super::world::CONFIG.replace("[people]", "[people]\nupdate = [\"email\"]"));
    let config = Config::parse(&text).unwrap();
    let source = Source::default().person("ann", &["Artists"]);
    let adobe = design().user("ann", &["Design"]);
    let state = plan(&config, &source, &adobe, &State::default(), 1).state;
    let renamed = source.set("ann", "mail", "ann.new@example.com");
    let pushed = push(&config, &renamed, Given::default(), &state, 2);
    let expected = "ann@example.com change email address from ann@example.com to ann.new@example.com";
    assert_eq!(lines(&pushed.plan), [expected, "ann@example.com add to Design"]);
    assert_eq!(pushed.state.orgs["main"], state.orgs["main"]);
}

proptest! {
    #[test]
    fn pushing_a_push_leaves_nothing_to_do(first in directory(), second in directory()) {
        let config = config(NO_GUARDS);
        let mut given = Given::default();
        let pushed = push(&config, &first, given.clone(), &State::default(), 1);
        give(&mut given, &pushed.plan);
        prop_assert!(push(&config, &first, given.clone(), &pushed.state, 1).plan.is_empty());
        let pushed = push(&config, &second, given.clone(), &pushed.state, 1);
        give(&mut given, &pushed.plan);
        let again = push(&config, &second, given.clone(), &pushed.state, 1);
        prop_assert!(again.plan.is_empty(), "{:#?}", again.plan.orgs[0].changes);
    }

    #[test]
    fn a_gap_never_takes_by_a_push(first in directory(), second in directory(), gaps in some(&["Artists", "ACL-X", "ACL-Y", "people", "groups"])) {
        let config = config(&format!("{NO_GUARDS}[leavers]\nremove = \"now\"\n"));
        let mut given = Given::default();
        let pushed = push(&config, &first, given.clone(), &State::default(), 1);
        give(&mut given, &pushed.plan);
        let whole = push(&config, &second, given.clone(), &pushed.state, 1);
        let mut cut = second.clone();
        for gap in &gaps {
            cut = cut.gap(gap, GapCause::SizeLimit);
        }
        let partial = push(&config, &cut, given.clone(), &pushed.state, 1);
        let (fewer, more) = (removals(&partial.plan), removals(&whole.plan));
        prop_assert!(fewer.is_subset(&more));
        for (gap, target) in [("Artists", "Design"), ("ACL-X", "ACL X"), ("ACL-Y", "ACL Y")] {
            let taken = fewer.iter().filter(|line| line.ends_with(&format!("from {target}"))).count();
            prop_assert!(taken == 0 || !gaps.contains(gap) || !cut.groups.contains_key(gap), "{fewer:?}");
        }
        // Nothing that was not given is taken.
        let total: usize = given.users.values().map(|user| user.groups.len()).sum();
        prop_assert!(more.len() <= total);
    }
}
