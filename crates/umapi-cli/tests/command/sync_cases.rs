//! What users of user-sync, Adobe's former tool, reported, by the numbers of their reports.
//!
//! Each number has a test, here, in `sync.rs`, `sync_orgs.rs`, `sync_faults.rs`, or in the crates `umapi-sync` and
//! `umapi-directory`: `grep -rn "#788"` finds it.

use umapi_emulator::{ActionStep, FaultResponse, FaultRule, LimitSettings, Operation, StepFault};

use crate::{
    stage::Stage,
    sync::{CONFIG, PEOPLE, stage_with, sync},
};

fn stage() -> Stage {
    stage_with(LimitSettings::off())
}

// #751: one group that Adobe does not have ended the whole run.
#[test]
fn a_group_that_does_not_exist_stops_nothing_else() {
    let stage = stage();
    stage.file("umapi-sync.toml", CONFIG.replace("[\"Design\"]", "[\"Design\", \"No Such Group\"]"));
    sync(&stage, &["apply", "--auto"]).with_code(1).saying("group No Such Group: there is no such group");
    assert_eq!(stage.groups_of("ann@example.com"), ["Design"]);
    // Without a look at Adobe's side, the service refuses it; the rest is done.
    stage.file("people.csv", format!("{PEOPLE}3,cat@example.com,Cat,C,US,Artists\n"));
    sync(&stage, &["apply", "--auto", "--push"]).with_code(1);
    assert_eq!(stage.groups_of("cat@example.com"), ["Design"]);
}

// #571 #664 #671: "Could not create person of type createFederatedID", without a cause or a way out.
#[test]
fn a_person_who_cannot_be_created_gets_a_cause() {
    let stage = stage();
    let fault =
        StepFault::on(ActionStep::CreateFederatedId, "error.internal.create_failed").for_user("ann@example.com");
    stage.emulator.faults().add(FaultRule::on_step(fault)).unwrap();
    let failed = sync(&stage, &["apply", "--auto", "-f", "json"]).with_code(1);
    let outcomes = failed.json();
    let ann = outcomes
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["action"] == "create-user" && change["user"] == "ann@example.com")
        .unwrap();
    let message = ann["message"].as_str().unwrap();
    assert_eq!(ann["codes"][0], "error.internal.create_failed", "{ann:#}");
    assert!(message.contains("another sync") || message.contains("directory"), "{message}");
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X", "Design"]);
    // What can be known before is not sent at all.
    stage.emulator.faults().clear();
    stage.file("people.csv", format!("{PEOPLE}3,cat@example.com,,C,US,Artists\n"));
    sync(&stage, &["apply", "--auto"]).with_code(1).saying("a first name is missing");
    assert!(
        stage.emulator.journal().all().iter().all(|exchange| !exchange
            .body
            .as_deref()
            .unwrap_or_default()
            .contains("cat@example.com"))
    );
}

// #515: the members of large groups could not be listed (504), and the run failed.
#[test]
fn large_groups_are_never_listed() {
    let stage = stage();
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsersInGroup, FaultResponse::status(504))).unwrap();
    // A page of all users that is late is asked for again.
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::status(504)).times(1)).unwrap();
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.emulator.journal().count(Operation::ListUsersInGroup), 0);
    stage.emulator.faults().clear();
    assert_eq!(stage.groups_of("ann@example.com"), ["Design"]);
}

// #524 #762: one directory in a run; patterns for groups of LDAP only.
#[test]
fn people_come_from_several_directories_of_any_kind() {
    let stage = stage();
    stage.file("partners.ndjson", "{\"id\": \"p1\", \"email\": \"pat@example.com\", \"givenName\": \"Pat\", \"sn\": \"P\", \"groups\": [\"ACL-X\", \"Artists\"]}\n");
    let more = "[[directory]]\nkind = \"file\"\nname = \"partners\"\npath = \"partners.ndjson\"\n\n[people]";
    stage.file("umapi-sync.toml", CONFIG.replace("[people]", more));
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.groups_of("pat@example.com"), ["ACL X", "Design"]);
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X", "Design"]);
    // If one of them cannot be read, nobody of either loses anything, and nobody is a leaver.
    std::fs::write(stage.path("partners.ndjson"), "{\"id\": \"p1\"").unwrap();
    stage.file("people.csv", PEOPLE.replace("\"Artists,ACL-X\"", ""));
    assert_ne!(sync(&stage, &["apply", "--auto"]).code, Some(0));
    for user in ["pat@example.com", "bob@example.com"] {
        assert_eq!(stage.groups_of(user), ["ACL X", "Design"], "{user}");
    }
}

// #827 #835: a new address of a user who logs in with a username changed nothing, or another user.
#[test]
fn a_new_address_is_changed_under_the_username() {
    let stage = stage();
    let people = "id,email,givenName,sn,country,groups,uid\n1,ann@example.com,Ann,Lee,DE,Artists,annl\n";
    stage.file("people.csv", people);
    let rules = "[people]\nusername = \"{uid}\"\ndomain = \"usernames.example\"";
    let config = CONFIG.replace("[people]", rules).replace("[\"firstname\"]", "[\"firstname\", \"email\"]");
    stage.file("umapi-sync.toml", config);
    sync(&stage, &["apply", "--auto"]).done();
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
    stage.file("people.csv", people.replace("ann@example.com", "ann.lee@example.com"));
    let plan = sync(&stage, &["plan", "-f", "csv"]).done();
    assert!(
        plan.out.contains("email address: ann@example.com -> ann.lee@example.com") && !plan.out.contains("create-user"),
        "{}",
        plan.out
    );
    stage.emulator.journal().clear();
    sync(&stage, &["apply", "--auto"]).done();
    let sent = stage.emulator.journal().last_of(Operation::ExecuteActions).unwrap().body.unwrap();
    assert!(sent.contains("\"annl\"") && sent.contains("usernames.example"), "{sent}");
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
}

// #805: a rule could give administrative rights.
#[test]
fn a_rule_for_administrators_is_refused() {
    let stage = stage();
    stage.file("umapi-sync.toml", CONFIG.replace("[\"Design\"]", "[\"_admin_Design\"]"));
    sync(&stage, &["apply", "--auto"]).with_code(2).saying("`_admin_Design` is an administrative group");
    // Nor does a pattern reach one by what a name of the directory holds.
    stage.file("umapi-sync.toml", CONFIG.replace("\"ACL $1\"", "\"$1\""));
    stage.file("people.csv", PEOPLE.replace("ACL-X", "ACL-_org_admin"));
    let ended = sync(&stage, &["apply", "--auto"]);
    assert!(stage.groups_of("bob@example.com").iter().all(|group| group == "Design"), "{}", ended.err);
    assert_ne!(ended.code, Some(0), "it is told");
}
