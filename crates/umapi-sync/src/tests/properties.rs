//! What holds for every directory and every organization.

use std::collections::BTreeSet;

use proptest::prelude::*;
use umapi_directory::GapCause;
use umapi_model::GroupType;

use super::world::{Adobe, NO_GUARDS, Source, State, config, plan};
use crate::Action;

const PEOPLE: [&str; 6] = ["ann", "bob", "cat", "dan", "eve", "fay"];
const SOURCES: [&str; 3] = ["Artists", "ACL-X", "ACL-Y"];
const TARGETS: [&str; 4] = ["Design", "ACL X", "ACL Y", "Other"];

pub(super) fn some(names: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<&'static str>> {
    proptest::sample::subsequence(names.to_vec(), 0..=names.len()).prop_map(BTreeSet::from_iter)
}

pub(super) fn directory() -> impl Strategy<Value = Source> {
    let person = (any::<bool>(), some(&SOURCES), 0..10_u8);
    proptest::collection::vec(person, PEOPLE.len()).prop_map(|people| {
        let mut source = Source::default();
        // The group that a rule names is there, perhaps empty.
        source.groups.insert("Artists".to_owned(), BTreeSet::new());
        for (name, (exists, groups, odd)) in PEOPLE.iter().zip(people) {
            if exists {
                source = source.person(name, &groups.into_iter().collect::<Vec<_>>());
                match odd {
                    0 => source = source.set(name, "mail", ""),
                    1 => {
                        source.disabled.insert((*name).to_owned());
                    }
                    _ => {}
                }
            }
        }
        source
    })
}

fn organization() -> impl Strategy<Value = Adobe> {
    let user = (any::<bool>(), some(&TARGETS), 0..6_u8);
    proptest::collection::vec(user, PEOPLE.len()).prop_map(|users| {
        let mut adobe = Adobe::default().group("Design", GroupType::ProductProfile);
        for name in ["ACL X", "ACL Y", "Other"] {
            adobe = adobe.group(name, GroupType::UserGroup);
        }
        adobe = adobe.group("_org_admin", GroupType::SysadminGroup);
        for (name, (exists, groups, odd)) in PEOPLE.iter().zip(users) {
            if exists {
                let mut groups: Vec<&str> = groups.into_iter().collect();
                if odd == 0 {
                    groups.push("_org_admin");
                }
                adobe = adobe.user(name, &groups);
            }
        }
        adobe
    })
}

const STAGES: &str = "[leavers]\nremove = \"now\"\nwho = \"everyone\"\n";

proptest! {
    #[test]
    fn applying_a_plan_leaves_nothing_to_do(source in directory(), mut adobe in organization(), all in any::<bool>()) {
        let config = config(&if all { format!("{NO_GUARDS}{STAGES}") } else { NO_GUARDS.to_owned() });
        let first = plan(&config, &source, &adobe, &State::default(), 1);
        adobe.apply(&first.plan);
        let second = plan(&config, &source, &adobe, &first.state, 1);
        prop_assert!(second.plan.is_empty(), "{:#?}", second.plan.orgs[0].changes);
    }

    #[test]
    fn the_applied_plan_is_what_the_directory_wants(source in directory(), mut adobe in organization()) {
        let before = adobe.clone();
        let config = config(NO_GUARDS);
        let planned = plan(&config, &source, &adobe, &State::default(), 1);
        adobe.apply(&planned.plan);
        let is_admin = |name: &str| before.users.get(&format!("{name}@example.com")).is_some_and(|user| user.groups.contains("_org_admin"));
        for (from, to) in [("Artists", "Design"), ("ACL-X", "ACL X"), ("ACL-Y", "ACL Y")] {
            let members = source.groups.get(from).cloned().unwrap_or_default();
            let usable = |name: &str| {
                let has_mail = source.people[name].iter().any(|(key, value)| key == "mail" && !value.is_empty());
                has_mail && !source.disabled.contains(name)
            };
            for name in &members {
                if usable(name) {
                    prop_assert!(adobe.members(to).contains(&name.as_str()), "{name} in {to}");
                }
            }
            let is_whole = members.iter().all(|name| usable(name) || source.disabled.contains(name));
            for name in adobe.members(to) {
                let was_in = before.members(to).contains(&name);
                let may_stay = is_admin(name) || !is_whole;
                prop_assert!(members.contains(name) || (was_in && may_stay), "{name} in {to}");
            }
        }
        prop_assert_eq!(adobe.members("Other"), before.members("Other"));
    }

    #[test]
    fn a_gap_never_removes(source in directory(), adobe in organization(), gaps in some(&["Artists", "ACL-X", "ACL-Y", "people", "groups"]), lost in some(&PEOPLE)) {
        let config = config(&format!("{NO_GUARDS}{STAGES}"));
        let whole = plan(&config, &source, &adobe, &State::default(), 1);
        // The parts that are not whole lose people, too.
        let mut cut = source.clone();
        for gap in &gaps {
            cut = cut.gap(gap, GapCause::SizeLimit);
            if let Some(members) = cut.groups.get_mut(*gap) {
                members.retain(|name| !lost.contains(name.as_str()));
            }
        }
        if gaps.contains("groups") {
            cut.groups.retain(|name, _| name == "Artists");
        }
        if gaps.contains("people") {
            cut.people.retain(|name, _| !lost.contains(name.as_str()));
        }
        let partial = plan(&config, &cut, &adobe, &State::default(), 1);
        let removals = |plan: &crate::Plan| -> BTreeSet<String> {
            let is_removal = |action: &Action| matches!(action, Action::Remove(_) | Action::RemoveFromOrg(_));
            let changes = plan.orgs[0].changes.iter().filter(|change| is_removal(&change.action));
            changes.map(|change| format!("{} {}", change.user.as_ref().unwrap().name, change.action)).collect()
        };
        let (more, fewer) = (removals(&partial.plan), removals(&whole.plan));
        prop_assert!(more.is_subset(&fewer), "{:?}", more.difference(&fewer));
        let is_seen = |gap: &&&str| matches!(**gap, "people" | "groups") || source.groups.contains_key(**gap);
        prop_assert!(gaps.iter().filter(is_seen).count() == 0 || !partial.plan.is_whole());
    }
}
