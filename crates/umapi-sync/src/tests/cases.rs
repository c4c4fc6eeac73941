//! What users of user-sync, Adobe's former tool, reported, by the numbers of their reports; and what must not happen again.
//!
//! Other numbers stand at the tests of `rules.rs`, and at those of the command and of `umapi-directory`.

use umapi_directory::{Complete, GapCause};
use umapi_model::{Group, GroupType, User, UserType};

use super::world::{Adobe, CONFIG, NO_GUARDS, Source, State, plan, plan_with, run};
use crate::{Action, Config, Guard, OrganizationReader, Quarantine};

fn design() -> Adobe {
    Adobe::default().group("Design", GroupType::ProductProfile)
}

// #827 #835: a new address under a login with usernames.
#[test]
fn a_username_login_is_matched_by_name_and_id() {
    let rules = "[people]\nusername = \"{uid}\"\ndomain = \"corp\"\nupdate = [\"email\"]";
    let config = Config::parse(&CONFIG.replace("[people]", rules)).unwrap();
    let source =
        Source::default().person("ann", &["Artists"]).set("ann", "uid", "annl").set("ann", "mail", "new@example.com");
    let mut reader = OrganizationReader::new([Group::new("Design").with_type(GroupType::UserGroup)]);
    let user = User::default()
        .with_id("1")
        .with_type(UserType::FederatedId)
        .with_country("US")
        .with_groups(["Design"].map(str::to_owned).to_vec());
    reader.take(user.with_email("old@example.com").with_username("annl").with_domain("corp"));
    let adobe = reader.finish("main", &Complete::proven(()).into(), Complete::proven(()).into());
    let planned = plan_with(&config, &source, vec![adobe], &State::default(), 1);
    let changes = &planned.plan.orgs[0].changes;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let user = changes[0].user.as_ref().unwrap();
    assert_eq!((user.name.as_str(), user.domain.as_deref()), ("annl", Some("corp")));
    assert_eq!(changes[0].action.to_string(), "change email address from old@example.com to new@example.com");
}

// #393 #471: letter case of groups made users lose and get them, run after run.
#[test]
fn letter_case_of_groups_is_no_difference() {
    let source = Source::default().person("ann", &["Artists"]);
    let text = CONFIG.replace("[\"Design\"]", "[\"DESIGN\"]").replace("from = \"Artists\"", "from = \"ARTISTS\"");
    let adobe = design().user("ann", &["design"]);
    let planned = plan(&Config::parse(&text).unwrap(), &source, &adobe, &State::default(), 1);
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan.orgs[0].changes);
}

// #446: two groups of one name: nobody knows which is meant, so nobody loses anything, and the check names them.
#[test]
fn a_name_of_two_groups_removes_nobody() {
    let mut adobe = design();
    let both = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let state = run(NO_GUARDS, &both, &mut adobe, &State::default(), 1).state;
    let twice = Source::default().person("ann", &["Artists"]).person("bob", &[]).gap("Artists", GapCause::Ambiguous);
    let planned = run(NO_GUARDS, &twice, &mut adobe, &state, 2);
    assert_eq!(adobe.members("Design"), ["ann", "bob"]);
    assert!(planned.plan.gaps[0].to_string().contains("several groups"), "{}", planned.plan.gaps[0]);
}

// #805: names of the directory are written by others than the rules are.
#[test]
fn no_pattern_reaches_an_administrative_group() {
    let source = Source::default().person("ann", &["Artists", "ACL-_org_admin", "ACL- _admin_Design"]);
    let text = format!("{}{NO_GUARDS}", CONFIG.replace("[\"ACL $1\"]", "[\"$1\"]"));
    let adobe = design().group("_org_admin", GroupType::SysadminGroup).user("ann", &[]);
    let planned = plan(&Config::parse(&text).unwrap(), &source, &adobe, &State::default(), 1);
    let actions: Vec<String> = planned.plan.orgs[0].changes.iter().map(|change| change.action.to_string()).collect();
    assert_eq!(actions, ["add to Design"]);
    let blocked: Vec<&str> = planned.plan.orgs[0].blocked.iter().map(|blocked| blocked.what.as_str()).collect();
    assert_eq!(blocked, ["group _admin_Design", "group _org_admin"]);
}

#[test]
fn groups_without_a_rule_do_not_count_as_shrunk() {
    let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    let with = |groups: &[&str]| names.iter().fold(Source::default(), |source, name| source.person(name, groups));
    let mut adobe = design();
    let state = run("", &with(&["Artists", "Canteen", "ACL-X"]), &mut adobe, &State::default(), 1).state;
    let mut sizes: Vec<&String> = state.directories["hr"].groups.keys().collect();
    sizes.sort();
    assert_eq!(sizes, ["ACL-X", "Artists"]);
    assert!(run("", &with(&["Artists", "ACL-X"]), &mut adobe, &state, 2).plan.trips.is_empty());
    // Earlier versions remembered all groups; and a mapped one counts.
    let mut old = state;
    old.directories.get_mut("hr").unwrap().groups.insert("Canteen".to_owned(), 20);
    let trips = run("", &with(&["Artists"]), &mut adobe, &old, 2).plan.trips;
    assert!(trips.iter().all(|trip| trip.group.as_deref() != Some("Canteen")), "{trips:?}");
    assert!(trips.iter().any(|trip| trip.guard == Guard::DirectoryShrinks && trip.group.as_deref() == Some("ACL-X")));
}

#[test]
fn what_both_sides_lost_is_forgotten() {
    let more = format!("{NO_GUARDS}[leavers]\nremove = \"now\"\n");
    let both = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let ann = Source::default().person("ann", &["Artists"]);
    let mut adobe = design().user("guest", &["Design"]);
    let mut state = run(&more, &both, &mut adobe, &State::default(), 1).state;
    state.orgs.get_mut("main").unwrap().adopted.insert("guest@example.com".to_owned());
    let state = run(&more, &both, &mut adobe, &state, 1).state;
    assert_eq!(state.links.len(), 2);
    let state = run(&more, &ann, &mut adobe, &state, 2).state;
    assert_eq!(state.links.len(), 2, "the user of bob was still there");
    adobe.users.remove("guest@example.com");
    let cut = run(&more, &ann.clone().gap("people", GapCause::SizeLimit), &mut adobe, &state, 3).state;
    assert_eq!((cut.links.len(), cut.orgs["main"].adopted.len()), (2, 1), "nobody knows");
    let state = run(&more, &ann, &mut adobe, &cut, 4).state;
    assert_eq!((state.links.len(), state.orgs["main"].adopted.len()), (1, 0));
}

#[test]
fn grace_outlasts_a_list_of_people_that_is_cut() {
    let more = format!("{NO_GUARDS}[leavers]\nunmap = \"30d\"\n");
    let both = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let ann = Source::default().person("ann", &["Artists"]);
    let mut adobe = design();
    let state = run(&more, &both, &mut adobe, &State::default(), 1).state;
    let state = run(&more, &ann, &mut adobe, &state, 2).state;
    run(&more, &ann.gap("people", GapCause::SizeLimit), &mut adobe, &state, 3);
    assert_eq!(adobe.members("Design"), ["ann", "bob"]);
}

#[test]
fn what_is_allowed_is_allowed_for_its_size_only() {
    let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    let members = |count: usize| {
        names.iter().enumerate().fold(Source::default(), |source, (number, name)| {
            source.person(name, if number < count { &["Artists"] } else { &[] })
        })
    };
    let mut adobe = design();
    let mut state = run("", &members(20), &mut adobe, &State::default(), 1).state;
    let trips = run("", &members(12), &mut adobe, &state, 2).plan.trips;
    state.quarantine = Some(Quarantine { trips, is_allowed: true });
    assert!(!run("", &members(11), &mut adobe.clone(), &state, 2).plan.trips.is_empty(), "more than was looked at");
    let done = run("", &members(12), &mut adobe, &state, 2);
    assert!(done.plan.orgs[0].changes.iter().all(|change| matches!(change.action, Action::Remove(_))));
    assert_eq!((adobe.members("Design").len(), &done.state.quarantine), (12, &None));
}

#[test]
fn a_deserted_directory_proves_nothing() {
    let more = format!("{NO_GUARDS}[leavers]\nremove = \"now\"\n");
    let mut adobe = design();
    let state = run(&more, &Source::default().person("ann", &["ACL-X"]), &mut adobe, &State::default(), 1).state;
    // Nobody; and people, but not one group.
    for source in [Source::default(), Source::default().person("ann", &[])] {
        let planned = run(&more, &source, &mut adobe, &state, 2);
        assert_eq!(adobe.members("ACL X"), ["ann"]);
        assert!(!planned.plan.is_whole());
    }
}
