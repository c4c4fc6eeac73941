//! `umapi users`: create, change and remove users.

use umapi_emulator::Operation;

use crate::stage::Stage;

#[test]
fn user_is_created_changed_and_removed() {
    let stage = Stage::new();
    let create =
        ["users", "create", "new@example.com", "--type", "federated", "--firstname", "New", "--lastname", "Person"];
    let created = stage.umapi(
        [&create[..], &["--country", "US", "--add-to", "Design", "--add-to", "Photoshop", "-f", "json"]].concat(),
    );
    assert_eq!(created.done().json()[0]["outcome"], "completed");
    assert_eq!(stage.groups_of("new@example.com"), ["Design", "Photoshop"]);
    stage.umapi(["users", "update", "new@example.com", "--lastname", "Kim"]).done();
    let changed = stage.umapi(["users", "get", "new@example.com", "-f", "json"]).done().json();
    assert_eq!(changed["lastname"], "Kim");
    stage.umapi(["users", "remove", "new@example.com"]).with_code(2).saying("no terminal to ask on").saying("--yes");
    stage.umapi(["users", "remove", "new@example.com", "--yes"]).done();
    stage.umapi(["users", "get", "new@example.com"]).with_code(1);
}

#[test]
fn rejected_command_exits_with_1_and_says_why() {
    let stage = Stage::new();
    let create = [
        "users",
        "create",
        "jane@example.com",
        "--type",
        "federated",
        "--firstname",
        "J",
        "--lastname",
        "R",
        "--country",
        "GB",
    ];
    let refused =
        stage.umapi([&create[..], &["-f", "json"]].concat()).with_code(1).saying("0 completed, 1 rejected; 1 request");
    let outcome = &refused.json()[0];
    assert_eq!((&outcome["outcome"], &outcome["codes"][0]), (&"rejected".into(), &"error.user.already_in_org".into()));
    stage.umapi([&create[..], &["--if-exists", "ignore"]].concat()).done();
    stage.umapi([&create[..], &["--if-exists", "update"]].concat()).done();
    let updated = stage.umapi(["users", "get", "jane@example.com", "-f", "json"]).done().json();
    assert_eq!(updated["firstname"], "J");
}

#[test]
fn invalid_command_is_not_sent() {
    let stage = Stage::new();
    let create = ["users", "create", "new@example.com", "--type", "federated", "--firstname", "A", "--lastname", "B"];
    stage
        .umapi([&create[..], &["--country", "usa"]].concat())
        .with_code(2)
        .saying("cause: --country: ")
        .saying("two upper-case letters");
    stage.umapi(["users", "update", "new@example.com"]).with_code(2);
    let long = "x".repeat(251);
    stage.umapi(["users", "update", "new@example.com", "--lastname", &long]).with_code(2).saying("lastname");
    stage
        .umapi(["users", "remove", "jane@example.com", "jane\u{200b}@example.com", "--yes"])
        .with_code(2)
        .saying("U+200B");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
}

#[test]
fn all_account_types_can_be_created() {
    let stage = Stage::new();
    for arguments in [
        &["users", "create", "a@mail.example", "--type", "adobe", "--add-to", "Sales"][..],
        &[
            "users",
            "create",
            "b@mail.example",
            "--type",
            "adobe",
            "--firstname",
            "B",
            "--lastname",
            "C",
            "--country",
            "FR",
        ],
        &["users", "create", "c@enterprise.example", "--type", "enterprise", "--firstname", "C", "--lastname", "D"],
        &[
            "users",
            "create",
            "dee",
            "--domain",
            "usernames.example",
            "--email",
            "dee@example.com",
            "--type",
            "federated",
            "--firstname",
            "D",
            "--lastname",
            "E",
            "--country",
            "US",
        ],
    ] {
        stage.umapi(arguments).done();
    }
    let dee = stage.umapi(["users", "get", "dee", "--domain", "usernames.example", "-f", "json"]).done().json();
    assert_eq!(dee["email"], "dee@example.com");
}

#[test]
fn dry_run_changes_nothing() {
    let stage = Stage::new();
    let tried = stage.umapi(["users", "remove", "jane@example.com", "--dry-run"]).done();
    assert!(tried.err.contains("dry run, nothing was changed"), "{}", tried.err);
    stage.umapi(["users", "get", "jane@example.com"]).done();
    assert_eq!(stage.emulator.ledger().since(0).unwrap(), []);
}

#[test]
fn user_who_was_created_without_a_group_is_told() {
    let stage = Stage::new();
    let create =
        ["users", "create", "new@example.com", "--type", "federated", "--firstname", "New", "--lastname", "User"];
    let more = ["--country", "US", "--add-to", "Desing", "-f", "json"];
    let created = stage.umapi([&create[..], &more].concat());
    let outcome = &created.json()[0];
    assert_eq!(outcome["outcome"], "rejected", "{}", created.out);
    assert_eq!(outcome["warnings"], serde_json::json!(["accepted all the same: step 1 of 2"]));
    assert_eq!(stage.groups_of("new@example.com"), [""; 0]);
}
