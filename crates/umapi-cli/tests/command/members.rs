//! `umapi members`.

use crate::stage::{Stage, text};

#[test]
fn users_join_and_leave_groups() {
    let stage = Stage::new();
    let users = stage.file("users.txt", "\u{feff}jane@example.com\n\n  nobody@example.com\n");
    let added = stage.umapi([
        "members",
        "add",
        "Design",
        "bob@enterprise.example",
        "--group",
        "Photoshop",
        "--from",
        text(&users),
        "-f",
        "csv",
    ]);
    assert_eq!(added.csv().len(), 6);
    added.done();
    assert_eq!(stage.groups_of("nobody@example.com"), ["Design", "Photoshop"]);
    let removed =
        stage.umapi_with(["members", "remove", "Photoshop", "--from", "-", "-f", "json"], "jane@example.com\n").done();
    assert_eq!(removed.json()[0]["action"], "remove");
    assert!(!stage.groups_of("jane@example.com").contains(&"Photoshop".to_owned()));
}

#[test]
fn unknown_user_does_not_stop_the_others() {
    let stage = Stage::new();
    let added = stage.umapi(["members", "add", "Sales", "zoe@example.com", "nobody@example.com", "-f", "json"]);
    let outcomes = added.json();
    assert_eq!((&outcomes[0]["outcome"], &outcomes[1]["outcome"]), (&"rejected".into(), &"completed".into()));
    added.with_code(1);
    assert_eq!(stage.groups_of("nobody@example.com"), ["Sales"]);
    let problems =
        stage.umapi(["members", "add", "Sales", "zoe@example.com", "jane@example.com", "--problems-only", "-f", "csv"]);
    assert_eq!(problems.csv().len(), 1);
    stage.umapi(["members", "add", "", "jane@example.com"]).with_code(2);
    stage.umapi(["members", "add", "Design"]).with_code(2);
    stage.umapi(["members", "add", "Design", "--from", "/nowhere"]).with_code(2).saying("cannot read /nowhere");
}
