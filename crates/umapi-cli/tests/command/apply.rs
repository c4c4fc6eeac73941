//! `umapi apply`.

use std::path::PathBuf;

use umapi_emulator::{FaultResponse, FaultRule, Operation};

use crate::stage::{Stage, ended, text};

const TEAMS: &str =
    "groups:\n  Design: [BOB@enterprise.example, jane@example.com]\nusers:\n  nobody@example.com: [Sales]\n";

#[test]
fn memberships_become_what_the_file_says() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", TEAMS);
    let plan = stage.umapi(["apply", text(&file), "--plan-only", "-f", "csv"]).done();
    assert_eq!(
        plan.lines(),
        [
            "action,user,group,line,type,domain",
            "add,jane@example.com,Design,2,federatedID,",
            "remove,jdoe@example.com,Design,2,federatedID,",
            "add,nobody@example.com,Sales,4,federatedID,"
        ]
    );
    plan.saying("2 to add, 1 to remove; 1 request, sent immediately");
    stage.umapi(["apply", text(&file), "--yes"]).with_code(2).saying("1 of 2 memberships, and --max-removals is 20%");
    stage.umapi(["apply", text(&file), "--max-removals", "1"]).with_code(2).saying("no terminal to ask");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
    let done = stage.umapi(["apply", text(&file), "--max-removals", "50%", "--yes", "-f", "json"]).done();
    let lines: Vec<_> =
        done.json().as_array().unwrap().iter().map(|outcome| outcome["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 2, 4], "an outcome has the line that asks for it");
    assert_eq!(stage.groups_of("nobody@example.com"), ["Sales"]);
    assert_eq!(stage.umapi(["groups", "members", "Design", "-f", "csv"]).done().csv().len(), 2);
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("nothing to change");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 1);
}

#[test]
fn plan_can_be_saved_and_run() {
    let stage = Stage::new();
    let (file, plan) = (stage.file("teams.yaml", TEAMS), stage.path("plan.ndjson"));
    stage.umapi(["apply", text(&file), "--plan-only", "--plan-out", text(&plan)]).done();
    stage.umapi(["run", text(&plan)]).done().saying("3 completed; 1 request");
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("nothing to change");
}

#[test]
fn saved_plan_is_applied_exactly() {
    let stage = Stage::new();
    let (file, plan) = (stage.file("teams.yaml", TEAMS), stage.path("plan.json"));
    stage.umapi(["apply", text(&file), "--plan-only", "--plan-out", text(&plan)]).done();
    stage.umapi(["apply", text(&plan), "--yes"]).with_code(2).saying("1 of 2 memberships, and --max-removals is 20%");
    stage.umapi(["apply", text(&plan), "--add-only"]).with_code(2).saying("--add-only cannot be used with a plan");
    let shown = stage.umapi(["apply", text(&plan), "--plan-only", "-f", "csv"]).done();
    assert_eq!(shown.csv().len(), 3);
    stage.emulator.journal().clear();
    let done = stage.umapi(["apply", text(&plan), "--yes", "--max-removals", "1", "-f", "json"]).done();
    let lines: Vec<_> =
        done.json().as_array().unwrap().iter().map(|outcome| outcome["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 2, 4]);
    // No list of all users or groups is read.
    let read = |operation| stage.emulator.journal().count(operation);
    assert_eq!((read(Operation::ListGroups), read(Operation::ListUsers), read(Operation::GetUser)), (0, 0, 3));
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("nothing to change");
    let again = stage.umapi(["apply", text(&plan), "--yes", "--max-removals", "1"]).with_code(1);
    again.saying("`jane@example.com` is in \"Design\" already").saying("`jdoe@example.com` is not in \"Design\"");
}

#[test]
fn plan_is_refused_if_anything_in_it_has_changed() {
    let stage = Stage::new();
    let (file, plan) = (stage.file("teams.yaml", TEAMS), stage.path("plan.json"));
    stage.umapi(["apply", text(&file), "--plan-only", "--plan-out", text(&plan)]).done();
    let before = stage.emulator.snapshot().unwrap();
    for (change, part) in [
        (
            &["users", "remove", "jane@example.com", "--yes"][..],
            "`jane@example.com` is not in the organization any more",
        ),
        (&["members", "add", "Sales", "nobody@example.com"], "line 4: `nobody@example.com` is in \"Sales\" already"),
        (
            &["members", "remove", "Design", "jdoe@example.com"],
            "line 2: `jdoe@example.com` is not in \"Design\" any more",
        ),
        (&["groups", "update", "Sales", "--name", "Selling"], "group \"Sales\" does not exist any more"),
    ] {
        stage.umapi(change).done();
        stage.emulator.journal().clear();
        let refused = stage.umapi(["apply", text(&plan), "--yes", "--max-removals", "1"]).with_code(1);
        refused.saying("has changed since the plan was made").saying(part);
        assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
        stage.emulator.restore(&before).unwrap();
    }
    stage.umapi(["apply", text(&plan), "--yes", "--max-removals", "1"]).done();
}

#[test]
fn plan_belongs_to_its_organization() {
    let (stage, other) = (Stage::new(), Stage::new());
    let (file, plan) = (stage.file("teams.yaml", TEAMS), stage.path("plan.json"));
    stage.umapi(["apply", text(&file), "--plan-only", "--plan-out", text(&plan)]).done();
    other.umapi(["apply", text(&plan), "--yes"]).with_code(2).saying("made for another organization");
    let whole = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, &whole[..whole.len() / 2]).unwrap();
    stage.umapi(["apply", text(&plan), "--yes"]).with_code(2).saying("cannot apply the plan").saying("line ");
}

#[test]
fn plan_is_recognized_by_its_content() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", TEAMS);
    for name in ["plan", "plan.txt", "plan.yaml", "plan.csv"] {
        let plan = stage.path(name);
        stage.umapi(["apply", text(&file), "--plan-only", "--plan-out", text(&plan)]).done();
        stage
            .umapi(["apply", text(&plan), "--dry-run", "--max-removals", "90%"])
            .done()
            .saying("have not changed since");
    }
    // A formatter sorts its fields.
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(stage.path("plan")).unwrap()).unwrap();
    let sorted: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_value(plan).unwrap();
    let sorted = stage.file("sorted.json", serde_json::to_string(&sorted).unwrap());
    stage.umapi(["apply", text(&sorted), "--dry-run", "--max-removals", "90%"]).done();
}

#[test]
fn edited_plan_with_impossible_names_is_refused() {
    let stage = Stage::new();
    let (file, plan) = (stage.file("teams.yaml", TEAMS), stage.path("plan.json"));
    stage.umapi(["apply", text(&file), "--plan-only", "--plan-out", text(&plan)]).done();
    let whole: serde_json::Value = serde_json::from_slice(&std::fs::read(&plan).unwrap()).unwrap();
    stage.emulator.journal().clear();
    for (place, value, part) in [
        ("/changes/0/user", "".into(), "there cannot be such names"),
        ("/changes/0/group", "_org_admin".into(), "there cannot be such names"),
        ("/changes/0/group", "a".repeat(300), "there cannot be such names"),
    ] {
        let mut edited = whole.clone();
        *edited.pointer_mut(place).unwrap() = value.into();
        std::fs::write(&plan, edited.to_string()).unwrap();
        stage.umapi(["apply", text(&plan), "--yes", "--max-removals", "90%"]).with_code(2).saying(part);
    }
    let mut edited = whole.clone();
    edited["new_groups"] = serde_json::json!(["_x", ""]);
    std::fs::write(&plan, edited.to_string()).unwrap();
    let refused = stage.umapi(["apply", text(&plan), "--yes", "--max-removals", "90%"]).with_code(2);
    refused.saying("group \"_x\" cannot be created").saying("group \"\" cannot be created");
    assert_eq!(stage.emulator.journal().all().len(), 0);
    std::fs::write(&plan, whole.to_string()).unwrap();
    let refused = stage.umapi(["apply", text(&plan), "--yes", "--max-removals", "0"]).with_code(2);
    assert!(!refused.err.contains("--add-only"), "{}", refused.err);
}

#[test]
fn plan_creates_the_groups_that_it_names() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", "groups:\n  Spring: [jane@example.com]\n");
    let plan = stage.path("plan.json");
    stage.umapi(["apply", text(&file), "--create-groups", "--plan-only", "--plan-out", text(&plan)]).done();
    stage.umapi(["apply", text(&plan), "--yes"]).done();
    assert!(stage.groups_of("jane@example.com").contains(&"Spring".to_owned()));
    stage.umapi(["apply", text(&plan), "--yes"]).with_code(1).saying("group \"Spring\" exists already");
}

#[test]
fn members_of_a_group_too_large_to_list_are_found() {
    let stage = Stage::new();
    let too_large = FaultRule::on(Operation::ListUsersInGroup, FaultResponse::status(504));
    stage.emulator.faults().add(too_large).unwrap();
    let file = stage.file("teams.yaml", "groups:\n  Design: [bob@enterprise.example, jane@example.com]\n");
    let mut command = stage.command();
    command.args(["apply", text(&file), "--yes", "--max-removals", "50%", "--max-wait", "0s"]);
    ended(&mut command).done().saying("too large for the service to list: \"Design\"").saying("2 completed");
    stage.emulator.faults().clear();
    assert!(stage.groups_of("jane@example.com").contains(&"Design".to_owned()));
    assert!(!stage.groups_of("jdoe@example.com").contains(&"Design".to_owned()));
}

/// Makes 101 users and a plan to add them to Sales: too many to look them up one by one. Returns the plan, and one of them.
fn large_plan(stage: &Stage) -> (PathBuf, String) {
    let names: Vec<String> = (0..101).map(|number| format!("joiner{number}@mail.example")).collect();
    let lines: String = names.iter().map(|name| format!("{name},adobe\n")).collect();
    let joiners = stage.file("joiners.csv", format!("user,create\n{lines}"));
    stage.umapi(["run", text(&joiners), "--quiet"]).done();
    let file = stage.file("teams.yaml", format!("groups:\n  Sales: [{}]\n", names.join(", ")));
    let plan = stage.path("plan.json");
    stage.umapi(["apply", text(&file), "--add-only", "--plan-only", "--plan-out", text(&plan), "--quiet"]).done();
    (plan, names[7].clone())
}

#[test]
fn large_plan_for_a_group_too_large_to_list_is_checked() {
    let stage = Stage::new();
    let (plan, one) = large_plan(&stage);
    let too_large = FaultRule::on(Operation::ListUsersInGroup, FaultResponse::status(504));
    stage.emulator.faults().add(too_large).unwrap();
    stage.umapi(["members", "add", "Sales", &one, "--max-wait", "0s"]).done();
    let apply = || ended(stage.command().args(["apply", text(&plan), "--yes", "--max-wait", "0s"]));
    apply().with_code(1).saying("`joiner7@mail.example (Adobe ID)` is in \"Sales\" already");
    stage.umapi(["members", "remove", "Sales", &one, "--max-wait", "0s"]).done();
    apply().done().saying("101 completed");
}

#[test]
fn large_plan_is_checked_against_the_members_of_its_groups() {
    let stage = Stage::new();
    let (plan, one) = large_plan(&stage);
    stage.umapi(["members", "add", "Sales", &one]).done();
    let apply = || stage.umapi(["apply", text(&plan), "--yes"]);
    apply().with_code(1).saying("`joiner7@mail.example (Adobe ID)` is in \"Sales\" already");
    stage.umapi(["members", "remove", "Sales", &one]).done();
    apply().done().saying("101 completed");
}

#[cfg(target_os = "linux")]
#[test]
fn plan_on_a_full_disk_is_an_error() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", TEAMS);
    let arguments = ["apply", text(&file), "--plan-only", "--max-removals", "90%", "--plan-out", "/dev/full"];
    stage.umapi(arguments).with_code(1).saying("cannot write the plan to /dev/full");
}

#[test]
fn edited_export_can_be_applied() {
    let stage = Stage::new();
    let export = stage.umapi(["export"]).done().out;
    let same = stage.file("same.csv", &export);
    stage.umapi(["apply", text(&same), "--yes"]).done().saying("nothing to change");
    let edited = stage.file("edited.csv", export.replace(",Sales\n", ",Sales;Design\n"));
    stage.umapi(["apply", text(&edited), "--yes", "--add-only"]).done();
    stage.umapi(["apply", text(&edited), "--yes"]).done().saying("nothing to change");
}

#[test]
fn administrative_groups_are_skipped_by_default() {
    let stage = Stage::new();
    let file = stage.file("teams.csv", "user,group\nann@mail.example,Photoshop\n");
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("skipped: 1 change to administrative groups");
    assert_eq!(stage.groups_of("ann@mail.example"), ["Photoshop", "_admin_Design"]);
    stage.umapi(["apply", text(&file), "--yes", "--include-admin-groups", "--max-removals", "1"]).done();
    assert_eq!(stage.groups_of("ann@mail.example"), ["Photoshop"]);
}

#[test]
fn users_are_found_by_username() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", "users:\n  lee: [Sales]\n");
    stage.umapi(["apply", text(&file), "--yes", "--add-only"]).done();
    // The service promises to find one by itself only together with its domain.
    assert_eq!(stage.emulator.journal().count(Operation::GetUser), 0);
    let lee = stage.umapi(["users", "get", "lee", "--domain", "usernames.example", "-f", "json"]).done().json();
    assert!(lee["groups"].as_array().unwrap().contains(&"Sales".into()), "{lee}");
}

#[test]
fn file_with_mistakes_changes_nothing() {
    let stage = Stage::new();
    for (name, content, parts) in [
        ("a.yaml", "groups:\n  Nothing: []\n", ["names groups that do not exist", "Nothing"]),
        ("b.yaml", "groups:\n  Design: jane@example.com\n", ["line 2, column 11", "a list was expected"]),
        ("c.json", "{\"groups\": {\"Design\": [1, }", ["line 1, column 23", "a bracket is not closed"]),
        ("d.csv", "name,group\n", ["line 1", "unknown column `name`"]),
    ] {
        let file = stage.file(name, content);
        stage.umapi(["apply", text(&file), "--yes"]).with_code(2).saying(parts[0]).saying(parts[1]);
    }
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
}

#[test]
fn unknown_user_does_not_stop_the_others() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", "users:\n  zoe@example.com: [Sales]\n  nobody@example.com: [Design]\n");
    stage
        .umapi(["apply", text(&file), "--yes"])
        .with_code(1)
        .saying("skipped: line 2, column 3: `zoe@example.com` is not in the organization");
    assert_eq!(stage.groups_of("nobody@example.com"), ["Design"]);
}
