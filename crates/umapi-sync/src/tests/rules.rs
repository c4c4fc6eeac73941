//! Each rule of a sync, by an example.

use umapi_directory::GapCause;
use umapi_model::{GroupType, UserType};

use super::world::{Adobe, NO_GUARDS, Source, State, config, plan, run};
use crate::{Action, Guard, Plan, Quarantine};

fn design() -> Adobe {
    Adobe::default().group("Design", GroupType::ProductProfile)
}

fn removals(plan: &Plan) -> usize {
    let is_removal = |action: &Action| matches!(action, Action::Remove(_) | Action::RemoveFromOrg(_));
    plan.orgs[0].changes.iter().filter(|change| is_removal(&change.action)).count()
}

#[test]
fn joiners_are_created_and_movers_move() {
    let source = Source::default().person("ann", &["Artists"]).person("bob", &["ACL-X"]).person("cat", &[]);
    let mut adobe = design().user("bob", &["Design"]);
    let planned = run("", &source, &mut adobe, &State::default(), 1);
    assert!(planned.plan.is_whole(), "{:#?}", planned.plan);
    assert_eq!((adobe.members("Design"), adobe.members("ACL X")), (vec!["ann"], vec!["bob"]));
    assert!(!adobe.users.contains_key("cat@example.com"), "nobody mapped cat");
    assert!(run("", &source, &mut adobe, &planned.state, 1).plan.is_empty());
}

// user-sync #517 #521
#[test]
fn no_gap_of_a_group_ever_removes_a_member() {
    let whole = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let mut adobe = design();
    let state = run(NO_GUARDS, &whole, &mut adobe, &State::default(), 1).state;
    for cause in
        [GapCause::SizeLimit, GapCause::NotFound, GapCause::Interrupted, GapCause::Ambiguous, GapCause::Refused]
    {
        let cut = Source::default().person("ann", &["Artists"]).person("bob", &[]).person("cat", &["ACL-X"]);
        let planned = run(NO_GUARDS, &cut.gap("Artists", cause), &mut adobe.clone(), &state, 2);
        assert_eq!(removals(&planned.plan), 0, "{cause:?}");
        assert!(!planned.plan.is_whole() && planned.plan.orgs[0].held[0].group.as_deref() == Some("Design"));
        assert!(planned.plan.len() >= 2, "the additions go on: {:#?}", planned.plan.orgs[0].changes);
    }
    // A renamed group, and one that is empty all of a sudden.
    let renamed = Source::default().person("ann", &["Artists2"]).person("bob", &["Artists2"]);
    let emptied = Source::default().person("ann", &["Artists"]).person("bob", &[]);
    let mut emptied = emptied;
    emptied.groups.get_mut("Artists").unwrap().clear();
    for source in [renamed, emptied] {
        let planned = run(NO_GUARDS, &source, &mut adobe.clone(), &state, 2);
        assert_eq!(removals(&planned.plan), 0);
        assert_eq!(planned.plan.orgs[0].held[0].users, 2);
    }
}

// user-sync #762
#[test]
fn the_last_member_leaves_with_a_vanished_group() {
    let mut adobe = design();
    let source = Source::default().person("ann", &["Artists", "ACL-X"]);
    let state = run(NO_GUARDS, &source, &mut adobe, &State::default(), 1).state;
    assert_eq!(adobe.members("ACL X"), ["ann"]);
    let vanished = Source::default().person("ann", &["Artists"]);
    let cut = run(NO_GUARDS, &vanished.clone().gap("groups", GapCause::SizeLimit), &mut adobe.clone(), &state, 2);
    assert_eq!(removals(&cut.plan), 0, "the list of groups is not whole");
    run(NO_GUARDS, &vanished, &mut adobe, &state, 2);
    assert!(adobe.members("ACL X").is_empty());
}

// user-sync #488
#[test]
fn leavers_go_in_stages_and_come_back() {
    let more = format!("{NO_GUARDS}\n[leavers]\nunmap = \"1d\"\nremove = \"30d\"\n");
    let both = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let ann = Source::default().person("ann", &["Artists"]);
    let mut adobe = design();
    let state = run(&more, &both, &mut adobe, &State::default(), 1).state;
    let state = run(&more, &ann, &mut adobe, &state, 2).state;
    assert_eq!(adobe.members("Design"), ["ann", "bob"], "a day of grace");
    let state = run(&more, &ann, &mut adobe, &state, 3).state;
    assert_eq!(adobe.members("Design"), ["ann"]);
    let back = run(&more, &both, &mut adobe.clone(), &state, 31);
    assert!(back.state.orgs["main"].leavers.is_empty());
    let late = run(&more, &ann.clone().gap("people", GapCause::TimeLimit), &mut adobe, &state, 40);
    assert_eq!((removals(&late.plan), late.plan.orgs[0].held.len()), (0, 1));
    assert_eq!(late.state.orgs["main"].leavers.len(), 1, "the day is not forgotten");
    run(&more, &ann, &mut adobe, &late.state, 41);
    assert!(!adobe.users.contains_key("bob@example.com"));
}

#[test]
fn who_never_was_in_the_directory_is_not_a_leaver() {
    let more = format!("{NO_GUARDS}\n[leavers]\nremove = \"now\"\n");
    let source = Source::default().person("ann", &["Artists"]);
    let mut adobe = design().user("guest", &[]);
    run(&more, &source, &mut adobe, &State::default(), 1);
    assert!(adobe.users.contains_key("guest@example.com"));
    run(&format!("{more}who = \"everyone\"\n"), &source, &mut adobe, &State::default(), 1);
    assert!(!adobe.users.contains_key("guest@example.com"));
}

// user-sync #646 #466
#[test]
fn skipped_people_keep_what_they_have() {
    let more = NO_GUARDS.to_owned() + "[leavers]\nremove = \"now\"\n";
    let source = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let mut adobe = design();
    let state = run(&more, &source, &mut adobe, &State::default(), 1).state;
    // A rule leaves bob out; and bob's address gets lost, so that nobody can tell who bob is but by the id.
    let text = format!("{}{more}", super::world::CONFIG.replace("[people]", "[people]\nskip = 'attr.type == \"x\"'"));
    let skipping = crate::Config::parse(&text).unwrap();
    let skipped = source.clone().set("bob", "type", "x");
    let nameless = source.clone().set("bob", "mail", "");
    for source in [skipped, nameless] {
        let planned = plan(&skipping, &source, &adobe, &state, 2);
        assert_eq!(removals(&planned.plan), 0, "{:#?}", planned.plan);
    }
}

#[test]
fn a_member_whom_nobody_can_identify_holds_the_removals() {
    let source = Source::default().person("ann", &["Artists"]).person("new", &["Artists"]).set("new", "mail", "");
    let adobe = design().user("ann", &["Design"]).user("other", &["Design"]);
    let planned = plan(&config(NO_GUARDS), &source, &adobe, &State::default(), 1);
    assert_eq!(removals(&planned.plan), 0);
    assert_eq!(planned.plan.orgs[0].held[0].gaps[0].cause, GapCause::Unidentified);
    assert!(planned.plan.problems[0].to_string().starts_with("CN=new: there is no email address"));
}

// user-sync #775 #531 #540
#[test]
fn a_new_address_follows_the_id_and_makes_no_duplicate() {
    let text = super::world::CONFIG.replace("[people]", "[people]\nupdate = [\"email\", \"firstname\"]");
    let config = crate::Config::parse(&text).unwrap();
    let mut adobe = design();
    let before = Source::default().person("ann", &["Artists"]);
    let planned = plan(&config, &before, &adobe, &State::default(), 1);
    adobe.apply(&planned.plan);
    let linked = plan(&config, &before, &adobe, &planned.state, 1).state;
    let after = before.set("ann", "mail", "ann.new@example.com");
    let planned = plan(&config, &after, &adobe, &linked, 2);
    assert_eq!(planned.plan.len(), 1, "{:#?}", planned.plan.orgs[0].changes);
    let change = &planned.plan.orgs[0].changes[0];
    assert_eq!(change.user.as_ref().unwrap().name, "ann@example.com", "the old identity");
    adobe.apply(&planned.plan);
    assert_eq!((adobe.users.len(), adobe.members("Design")), (1, vec!["ann.new"]));
}

// user-sync #393 #471
#[test]
fn letter_case_is_no_difference() {
    let text = super::world::CONFIG.replace("[people]", "[people]\nupdate = [\"email\"]");
    let source = Source::default().person("ann", &["Artists"]).set("ann", "mail", "ANN@Example.com");
    let adobe = design().user("ann", &["Design"]);
    let planned = plan(&crate::Config::parse(&text).unwrap(), &source, &adobe, &State::default(), 1);
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan.orgs[0].changes);
}

// user-sync #511 #547 #559
#[test]
fn an_adobe_id_of_the_same_address_is_blocked_every_time() {
    let source = Source::default().person("ann", &["Artists"]);
    let mut adobe = design();
    adobe.create("ann@example.com", UserType::AdobeId, "F");
    for _ in 0..2 {
        let planned = run("", &source, &mut adobe, &State::default(), 1);
        assert!(planned.plan.is_empty());
        assert!(planned.plan.orgs[0].blocked[0].to_string().contains("an Adobe ID has this address"));
    }
}

#[test]
fn administrators_and_the_protected_are_untouched() {
    let more = format!(
        "{NO_GUARDS}[protect]\nusers = [\"vip@.*\"]\ngroups = [\"ACL Board\"]\n[leavers]\nremove = \"now\"\nwho = \"everyone\"\n"
    );
    let source = Source::default().person("ann", &["Artists"]).person("bob", &["ACL-Board"]);
    let adobe = design()
        .group("ACL Board", GroupType::UserGroup)
        .group("_org_admin", GroupType::SysadminGroup)
        .user("vip", &["Design"])
        .user("boss", &["Design", "_org_admin"])
        .user("dan", &["ACL Board"]);
    let planned = plan(&config(&more), &source, &adobe, &State::default(), 1);
    for change in &planned.plan.orgs[0].changes {
        let name = change.user.as_ref().map(|user| user.name.as_str());
        assert!(!matches!(name, Some("vip@example.com" | "boss@example.com")), "{change:?}");
        assert!(!change.action.to_string().contains("Board"), "{change:?}");
    }
}

#[test]
fn guards_stop_a_run_until_it_is_allowed() {
    let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    let all = names.iter().fold(Source::default(), |source, name| source.person(name, &["Artists"]));
    let few = names.iter().enumerate().fold(Source::default(), |source, (number, name)| {
        source.person(name, if number < 12 { &["Artists"] } else { &[] })
    });
    let mut adobe = design();
    let mut state = run("", &all, &mut adobe, &State::default(), 1).state;
    let before = adobe.clone();
    let planned = run("", &few, &mut adobe, &state, 2);
    let guards: Vec<Guard> = planned.plan.trips.iter().map(|trip| trip.guard).collect();
    assert_eq!((guards, &adobe), (vec![Guard::RemovalsPerGroup, Guard::DirectoryShrinks], &before));
    assert!(planned.plan.trips[0].to_string().contains("Design would lose 8 of 20 members"));
    state.quarantine = Some(Quarantine { trips: planned.plan.trips, is_allowed: true });
    run("", &few, &mut adobe, &state, 2);
    assert_eq!(adobe.members("Design").len(), 12);
}

#[test]
fn more_licenses_than_there_are_stop_a_run() {
    let source = Source::default().person("ann", &["Artists"]).person("bob", &["Artists"]);
    let mut adobe = design();
    adobe.quotas.insert("Design".to_owned(), 1);
    let planned = run("", &source, &mut adobe, &State::default(), 1);
    assert_eq!(planned.plan.trips[0].to_string(), "main: Design would need 2 licenses and has 1; `licenses` says stop");
    assert!(run("[guard]\nlicenses = \"warn\"\n", &source, &mut adobe, &State::default(), 1).plan.trips.is_empty());
}

#[test]
fn a_misspelled_group_is_not_created() {
    let source = Source::default().person("ann", &["ACL-Creative Cloud"]);
    let adobe = design().group("ACL Creative Clouds", GroupType::ProductProfile);
    let planned = plan(&config(""), &source, &adobe, &State::default(), 1);
    assert!(
        planned.plan.orgs[0].blocked.iter().any(|blocked| blocked.reason.contains("very near to ACL Creative Clouds"))
    );
    // Without `create`, an absent group is told too.
    let planned =
        plan(&config(""), &Source::default().person("ann", &["Artists"]), &Adobe::default(), &State::default(), 1);
    assert_eq!(planned.plan.orgs[0].blocked[0].what, "group Design");
}

#[test]
fn two_people_with_one_account_change_no_names() {
    let text = super::world::CONFIG.replace("[people]", "[people]\nupdate = [\"firstname\"]");
    let source = Source::default()
        .person("ann", &["Artists"])
        .person("ann2", &["ACL-X"])
        .set("ann2", "mail", "ann@example.com")
        .set("ann", "givenName", "Ann")
        .set("ann2", "givenName", "Anna");
    let adobe = design().user("ann", &[]);
    let planned = plan(&crate::Config::parse(&text).unwrap(), &source, &adobe, &State::default(), 1);
    assert!(planned.plan.orgs[0].changes.iter().all(|change| !matches!(change.action, Action::UpdateUser { .. })));
    assert!(planned.plan.problems[0].reason.contains("is the account of CN=ann too"));
}

#[test]
fn a_plan_file_belongs_to_its_configuration() {
    let source = Source::default().person("ann", &["Artists"]);
    let planned = plan(&config(""), &source, &design(), &State::default(), 1);
    let text = serde_json::to_string(&planned.plan).unwrap();
    assert_eq!(Plan::parse(&text, &config("").hash).unwrap(), planned.plan);
    assert!(Plan::parse(&text, &config("\n").hash).unwrap_err().to_string().contains("configuration has changed"));
    assert!(Plan::parse("{}", "").unwrap_err().to_string().contains("not a plan"));
    assert!(
        Plan::parse(&text.replace("\"version\":1", "\"version\":9"), "")
            .unwrap_err()
            .to_string()
            .contains("another version")
    );
}
