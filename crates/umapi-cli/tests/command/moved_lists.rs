//! Lists that change while they are read: a page repeats an entry, and another entry is on no page.

use serde_json::{Value, json};
use umapi_emulator::{FaultEffect, FaultRule, LimitSettings, Operation, PageSizes, seed::Seed};

use crate::stage::{Stage, ended, text};

const MOVED: &str = "the list changed while it was read, so entries may be missing";

const TEAM: [&str; 6] = ["ann", "bob", "cat", "dan", "eve", "fay"];

/// An organization with lists of two entries a page, whose user group Design has six members.
fn stage() -> Stage {
    let users = TEAM.map(|name| format!("      - {{ type: federatedID, email: {name}@example.com, firstname: A, lastname: B, country: US, groups: [Design] }}\n")).concat();
    let seed = format!(
        "organizations:\n  - id: AA11@AdobeOrg\n    userGroups: [{{ name: Design }}, {{ name: Sales }}]\n    \
         integrations: [{{ clientId: hr, secrets: [hr-secret] }}]\n    directories:\n      - name: Staff\n        \
         type: federated\n        domains: [example.com]\n    users:\n{users}"
    );
    Stage::with(|builder| {
        let mut sizes = PageSizes::default();
        sizes.users = 2;
        builder.page_sizes(sizes).limits(LimitSettings::off()).seed(Seed::from_yaml(&seed).unwrap())
    })
}

/// Makes the second page of a list repeat an entry of the first, in place of its own. Returns the entries that are missing now.
fn move_list(stage: &Stage, operation: Operation, path: &str) -> Vec<String> {
    let page = |index: u32| -> Vec<Value> {
        let shown = stage.umapi(["api", "GET", &path.replace("PAGE", &index.to_string())]).done().json();
        shown["users"].as_array().unwrap().clone()
    };
    let (first, second) = (page(0), page(1));
    let patch = FaultEffect::patched_response(json!({ "users": [first[1]] }));
    stage.emulator.faults().add(FaultRule::on(operation, patch).nth(2)).unwrap();
    second.iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nobody_leaves_because_a_list_of_people_moved() {
    let (people, stage) = (stage(), Stage::new());
    stage.file("hr", "hr-secret");
    let of_people = people.profile("hr", people.emulator.org_id(), "hr", "hr");
    stage.file("config.toml", stage.main_profile() + &of_people);
    stage.file(
        "umapi-sync.toml",
        "[[org]]\nprofile = \"main\"\n[[directory]]\nkind = \"adobe\"\nname = \"hr\"\nprofile = \"hr\"\n[people]\n\
         email = \"{email}\"\ncountry = \"US\"\ntype = \"federated\"\n[[map]]\nfrom = \"Design\"\nto = \"Sales\"\n\
         [leavers]\nremove = \"now\"\n\
         [guard]\nleavers = \"off\"\nremovals_per_group = \"off\"\ndirectory_shrinks = \"off\"\n",
    );
    let sync = |arguments: &[&str]| {
        ended(stage.bare_command().args(["--no-rate-limit", "sync"]).args(arguments).args(["-f", "json"]))
    };
    let joined = sync(&["apply", "--auto"]).done();
    assert_eq!(joined.json().as_array().unwrap().len(), 12, "six people are created and added: {}", joined.out);
    let missing = move_list(&people, Operation::ListUsers, "/users/{org}/PAGE");
    assert_eq!(missing.len(), 2);
    let held = sync(&["plan"]).with_code(1).saying("all people: it changed while it was read");
    assert_eq!(held.json(), json!([]), "{missing:?} may only have moved");
    people.emulator.faults().clear();
    sync(&["plan"]).done().saying("nothing to change");
}

#[test]
fn sync_forgets_nobody_because_the_users_of_adobe_moved() {
    let stage = stage();
    stage.file("people.csv", "id,email,groups\n1,ann@example.com,Artists\n");
    stage.file(
        "umapi-sync.toml",
        "[[org]]\nprofile = \"main\"\n[[directory]]\nkind = \"file\"\nname = \"hr\"\npath = \"people.csv\"\n[people]\nemail = \"{email}\"\n\
         country = \"US\"\n[[map]]\nfrom = \"Artists\"\nto = \"Sales\"\n",
    );
    stage.file("config.toml", stage.main_profile());
    move_list(&stage, Operation::ListUsers, "/users/{org}/PAGE");
    stage.umapi(["sync", "plan"]).with_code(1).saying("the users of Adobe: it changed while it was read");
}

#[test]
fn plan_from_members_that_moved_is_told() {
    let stage = stage();
    let file = stage.file("teams.yaml", "groups:\n  Design: [ann@example.com]\n");
    let path = "/users/{org}/PAGE/Design";
    move_list(&stage, Operation::ListUsersInGroup, path);
    let planned = stage.umapi(["apply", text(&file), "--plan-only", "--max-removals", "90%", "-f", "csv"]);
    planned.done().saying(MOVED);
}

#[test]
fn user_whom_a_moved_list_lacks_is_looked_up() {
    let stage = stage();
    let names = (0..95).map(|number| format!("user{number}")).chain(TEAM.map(str::to_owned));
    let names: String = names.map(|name| format!("{name}@example.com\n")).collect();
    let missing = move_list(&stage, Operation::ListUsers, "/users/{org}/PAGE");
    let file = stage.file("names.txt", names);
    let found = stage.umapi(["users", "get", "--from", text(&file), "-f", "csv"]);
    assert!(missing.iter().all(|user| found.out.contains(user)), "{}{}", found.out, found.err);
    found.with_code(1).saying(MOVED).saying("95 users do not exist");
}

#[test]
fn unreadable_entry_is_told_after_a_resumed_read() {
    let stage = stage();
    let unreadable = FaultEffect::patched_response(json!({ "users": [{ "email": ["ann@example.com"] }] }));
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, unreadable).nth(1)).unwrap();
    let refused = umapi_emulator::FaultResponse::throttled(3000);
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, refused).from_call(3)).unwrap();
    ended(stage.cached_command().args(["users", "list", "--max-wait", "1s"])).with_code(4);
    stage.emulator.faults().clear();
    for _ in 0..2 {
        let listed = ended(stage.cached_command().args(["users", "list", "-f", "csv"])).done();
        listed.saying("1 entries of the list cannot be read");
    }
}
