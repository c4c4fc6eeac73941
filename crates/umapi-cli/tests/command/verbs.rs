//! Everyday verbs of an administrator: leavers from a list, a department that moves, who waits for a license.

use serde_json::json;
use umapi_emulator::{FaultResponse, FaultRule, Operation};

use crate::stage::{Ended, Stage, text};

/// Creates this many users and adds them to a group.
fn people(stage: &Stage, count: u32, group: &str) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|number| format!("p{number}@example.com")).collect();
    let lines: String = names.iter().map(|name| format!("{name},federated,P,Person,US,{group}\n")).collect();
    let file = stage.file("people.csv", format!("user,create,firstname,lastname,country,add\n{lines}"));
    stage.umapi(["run", text(&file), "--problems-only"]).done();
    names
}

fn sent(stage: &Stage, operation: Operation) -> u64 {
    stage.emulator.journal().count(operation) as u64
}

fn members(stage: &Stage, group: &str) -> usize {
    stage.umapi(["members", "list", group, "-f", "csv"]).done().csv().len()
}

/// The column of a CSV result.
fn column(ended: &Ended, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(ended.out.as_bytes());
    let position = reader.headers().unwrap().iter().position(|header| header == name).unwrap();
    reader.records().map(|record| record.unwrap()[position].to_owned()).collect()
}

#[test]
fn leavers_are_removed_from_a_list() {
    let stage = Stage::new();
    let file =
        stage.file("leavers.txt", "# May\njane@example.com\n\nzoe@example.com\nJANE@example.com\njdoe@example.com\n");
    let remove = ["users", "remove", "--from", text(&file), "-f", "csv"];
    stage.umapi(remove).with_code(2).saying("--yes");
    let removed = stage.umapi([&remove[..], &["--yes"]].concat()).with_code(6).saying("2 completed, 1 not found");
    let outcomes = column(&removed, "outcome").into_iter().zip(column(&removed, "line"));
    let mut outcomes: Vec<(String, String)> = outcomes.collect();
    outcomes.sort();
    let expected = [("completed", "2"), ("completed", "6"), ("not-found", "4")];
    assert_eq!(outcomes, expected.map(|(outcome, line)| (outcome.to_owned(), line.to_owned())));
    stage.umapi(["users", "get", "jane@example.com"]).with_code(1);
    // A list without names is a day without leavers.
    let empty = stage.file("empty.txt", "# nobody\n");
    stage.umapi(["users", "remove", "--from", text(&empty), "--yes"]).done().saying("0 completed; 0 requests");
}

#[test]
fn every_mistake_of_a_list_is_told_with_its_line() {
    let seed = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command/cases/twin-seed.yaml");
    let stage = Stage::with(|builder| builder.seed_file(seed).limits(umapi_emulator::LimitSettings::off()));
    let bad = stage.file("bad.txt", "a\u{200b}@example.com\nb@example.com\nc\u{202e}@example.com\n");
    for verb in [&["users", "remove"][..], &["users", "get"], &["members", "add", "Design"], &["groups", "delete"]] {
        let told = stage.umapi([verb, &["--from", text(&bad)]].concat()).with_code(2);
        assert!(told.err.contains("line 1") && told.err.contains("line 3"), "{verb:?}: {}", told.err);
    }
    let twins = stage.file("twins.txt", "# two accounts\nann@example.com\n");
    for verb in [&["users", "remove", "--yes"][..], &["members", "remove", "Design"]] {
        let told = stage.umapi([verb, &["--from", text(&twins)]].concat()).with_code(2);
        let place = format!("{}, line 2: `ann@example.com` is the name of 2 accounts", text(&twins));
        assert!(told.err.contains(&place), "{verb:?}: {}", told.err);
    }
    assert_eq!(sent(&stage, Operation::ExecuteActions), 0);
}

#[test]
fn users_are_looked_up_from_a_list() {
    let stage = Stage::new();
    let names = people(&stage, 120, "Sales");
    let file = stage.file("names.txt", format!("{}\nnobody1@example.com\nJANE@example.com\n", names.join("\n")));
    let found = stage.umapi(["users", "get", "--from", text(&file), "-f", "csv"]).with_code(1);
    assert!(found.err.contains("error: user \"nobody1@example.com\" does not exist"), "{}", found.err);
    assert!(found.err.contains("names.txt, line 121: "), "{}", found.err);
    assert_eq!(found.csv().len(), 121);
    assert_eq!(sent(&stage, Operation::GetUser), 0, "many are found in the list of all users");
    let few = stage.file("few.txt", "jane@example.com\nzoe@example.com\n");
    stage.umapi(["users", "get", "--from", text(&few), "-f", "csv"]).with_code(1).saying("few.txt, line 2");
    assert_eq!(sent(&stage, Operation::GetUser), 2);
}

#[test]
fn department_moves_by_one_command_per_person() {
    let stage = Stage::new();
    let people = people(&stage, 247, "Document Cloud 1");
    let (before, requests) = (members(&stage, "Document Cloud 1"), sent(&stage, Operation::ExecuteActions));
    let stay = before - people.len();
    let file = stage.file("department.txt", people.join("\n"));
    let move_people =
        ["members", "move", "--from", "Document Cloud 1", "--to", "All Apps", "--users-from", text(&file)];
    let moved = stage.umapi([&move_people[..], &["-f", "csv"]].concat());
    assert_eq!(column(&moved, "outcome"), vec!["completed"; 247], "{}", moved.err);
    assert_eq!(sent(&stage, Operation::ExecuteActions) - requests, 25);
    assert_eq!(members(&stage, "Document Cloud 1"), stay);
    assert_eq!(stage.groups_of("p7@example.com"), ["All Apps"]);
    // They are not members any more.
    let again = stage.umapi([&move_people[..], &["-f", "csv"]].concat()).with_code(6);
    assert_eq!(sent(&stage, Operation::ExecuteActions) - requests, 25);
    assert!(again.out.contains("is not a member of"), "{}", again.out);
}

#[test]
fn all_members_move_after_a_question() {
    let stage = Stage::new();
    people(&stage, 12, "Sales");
    let (sales, design) = (members(&stage, "Sales"), members(&stage, "Design"));
    let move_all = ["members", "move", "--from", "sales", "--to", "Design"];
    stage.umapi(move_all).with_code(2).saying("--yes");
    stage.umapi(["members", "move", "--from", "Sales", "--to", "sales"]).with_code(2).saying("two different groups");
    let requests = sent(&stage, Operation::ExecuteActions);
    for (from, to, unknown) in [("Sales", "Nix", "Nix"), ("Nix", "Sales", "Nix")] {
        let failed = stage.umapi(["members", "move", "--from", from, "--to", to, "--yes"]).with_code(1);
        failed.saying(&format!("group \"{unknown}\" does not exist"));
    }
    assert_eq!(sent(&stage, Operation::ExecuteActions), requests, "nobody leaves a group for one that does not exist");
    stage.umapi([&move_all[..], &["--dry-run"]].concat()).done().saying("dry run");
    assert_eq!(members(&stage, "Sales"), sales);
    stage.umapi([&move_all[..], &["--yes"]].concat()).done();
    assert_eq!((members(&stage, "Sales"), members(&stage, "Design")), (0, design + sales));
}

#[test]
fn members_are_copied_to_another_group() {
    let stage = Stage::new();
    let (sales, requests) = (members(&stage, "Sales"), sent(&stage, Operation::ExecuteActions));
    stage.umapi(["members", "copy", "--from", "Sales", "--to", "R&D / Labs (100 %)", "--yes"]).done();
    assert_eq!(members(&stage, "Sales"), sales);
    assert_eq!(members(&stage, "R&D / Labs (100 %)"), sales + 1);
    assert_eq!(sent(&stage, Operation::ExecuteActions) - requests, 1);
    let copy = ["members", "copy", "--from", "Sales", "--to", "Design", "jdoe@example.com"];
    stage.umapi(copy).with_code(1).saying("`jdoe@example.com` is not a member of \"Sales\"");
}

#[test]
fn member_through_a_user_group_stays() {
    let stage = Stage::new();
    let user =
        |name: &str, group: &str| json!({"email": name, "username": name, "type": "federatedID", "groups": [group]});
    let users = [user("jane@example.com", "Photoshop"), user("jdoe@example.com", "Design")];
    let list = json!({"result": "success", "lastPage": true, "groupName": "Photoshop", "users": users});
    // The lists before are those of the new group, and of who waits for a license.
    let rule = FaultRule::on(Operation::ListUsersInGroup, FaultResponse::json(200, list));
    stage.emulator.faults().add(rule.clone().nth(2)).unwrap();
    stage.emulator.faults().add(rule.nth(5)).unwrap();
    let transfer = ["members", "move", "--from", "Photoshop", "--to", "All Apps", "-f", "csv"];
    let moved = stage.umapi([&transfer[..], &["--yes"]].concat()).done();
    assert_eq!(moved.csv().len(), 1, "{}", moved.out);
    moved.saying("1 member of \"Photoshop\" through user groups");
    let named = stage.umapi([&transfer[..], &["jdoe@example.com"]].concat()).with_code(1);
    assert_eq!(column(&named, "outcome"), ["not-sent"], "{}", named.err);
    assert!(!stage.groups_of("jdoe@example.com").contains(&"All Apps".to_owned()));
}

#[test]
fn users_without_licenses_are_told_after_adding() {
    let stage = Stage::new();
    let people = people(&stage, 8, "Sales");
    let add = [&["members", "add", "Photoshop"][..], &people.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    let added = stage.umapi(&add).done();
    let waiting = stage.umapi(["members", "list", "Photoshop", "--inactive", "-f", "csv"]).done().csv().len();
    assert!(waiting > 0 && waiting < 8, "{waiting}");
    added.saying(&format!("warning: {waiting} of 8 users added to \"Photoshop\" wait for a license"));
    // One more, who is created.
    let create =
        ["users", "create", "late@mail.example", "--type", "adobe", "--add-to", "Photoshop", "--add-to", "Sales"];
    let created = stage.umapi(create).done().saying("the user added to \"Photoshop\" waits for a license");
    assert!(!created.err.contains("Sales"), "{}", created.err);
    // Groups without quotas, and dry runs, are quiet.
    let quiet = stage.umapi(["members", "add", "Design", &people[0]]).done();
    assert!(!quiet.err.contains("license"), "{}", quiet.err);
    let quiet = stage.umapi([&add[..], &["--dry-run"]].concat()).done();
    assert!(!quiet.err.contains("license"), "{}", quiet.err);
}

#[test]
fn users_are_listed_by_product_license_and_type() {
    let stage = Stage::new();
    let emails = |arguments: &[&str]| {
        let mut emails = column(&stage.umapi([&["users", "list", "-f", "csv"], arguments].concat()).done(), "email");
        emails.sort();
        emails
    };
    let photoshop = emails(&["--product", "adobe photoshop"]);
    assert_eq!(photoshop, emails(&["--group", "Photoshop"]));
    stage.umapi(["users", "list", "--product", "Nix"]).with_code(1).saying("umapi profiles list");
    let everywhere = emails(&["--inactive"]);
    assert!(!everywhere.is_empty());
    assert_eq!(everywhere, emails(&["--status", "inactive"]));
    assert!(everywhere.windows(2).all(|pair| pair[0] != pair[1]), "nobody twice: {everywhere:?}");
    assert_eq!(emails(&["--in-no-group"]), ["nobody@example.com"]);
    assert_eq!(emails(&["--type", "enterprise"]).len(), 2);
    let without = stage.umapi(["users", "list", "--without-groups", "-f", "json"]).done().json();
    assert!(without.as_array().unwrap().iter().all(|user| user["groups"].is_null()), "{without}");
    stage.umapi(["users", "list", "--domain", "example.com", "--inactive"]).with_code(2);
    stage.umapi(["users", "list", "--in-no-group", "--without-groups"]).with_code(2);
}

#[test]
fn groups_are_found_by_id_and_deleted_from_a_list() {
    let stage = Stage::new();
    let group = stage.umapi(["groups", "get", "Design", "-f", "json"]).done().json();
    let id = group["id"].to_string();
    assert_eq!(stage.umapi(["groups", "get", &id, "-f", "json"]).done().json()["name"], "Design");
    assert_eq!(members(&stage, &id), members(&stage, "Design"));
    // A name comes before an id.
    stage.umapi(["groups", "create", &id]).done();
    assert_eq!(stage.umapi(["groups", "get", &id, "-f", "json"]).done().json()["name"], id.as_str());
    let file = stage.file("old.txt", format!("# old\n{id}\nsales\nSales\n"));
    stage.umapi(["groups", "delete", "--from", text(&file)]).with_code(2).saying("--yes");
    stage.umapi(["groups", "delete", "--from", text(&file), "--yes"]).done().saying("2 completed");
    stage.umapi(["groups", "get", "Design"]).done();
    stage.umapi(["groups", "get", "Sales"]).with_code(1);
}

#[test]
fn apply_creates_groups_on_request() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", "groups:\n  Drawing: [jane@example.com]\n  Design: [bob@enterprise.example]\n");
    stage.umapi(["apply", text(&file), "--yes"]).with_code(2).saying("--create-groups");
    let apply = ["apply", text(&file), "--create-groups", "--add-only", "-f", "csv"];
    let plan = stage.umapi([&apply[..], &["--plan-only"]].concat()).done().saying("1 user group to create: Drawing");
    assert!(column(&plan, "action").contains(&"create-group".to_owned()), "{}", plan.out);
    stage.umapi([&apply[..], &["--dry-run", "--yes"]].concat()).done().saying("not validated");
    stage.umapi(["groups", "get", "Drawing"]).with_code(1);
    stage.umapi([&apply[..], &["--yes"]].concat()).done();
    assert!(stage.groups_of("jane@example.com").contains(&"Drawing".to_owned()));
    let again = stage.umapi([&apply[..], &["--yes"]].concat()).done();
    again.saying("nothing to change");
    let bad = stage.file("bad.yaml", "groups:\n  _Admins: [jane@example.com]\n");
    stage.umapi(["apply", text(&bad), "--create-groups", "--yes"]).with_code(2).saying("line 2").saying("_Admins");
}
