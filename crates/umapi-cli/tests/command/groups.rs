//! `umapi groups`: create, change and delete user groups.

use umapi_emulator::{FaultResponse, FaultRule, Operation};

use crate::stage::{Ended, Stage, ended};

#[test]
fn user_group_is_created_changed_and_deleted() {
    let stage = Stage::new();
    stage.umapi(["groups", "create", "Draw", "--description", "All", "--add-profile", "Photoshop"]).done();
    stage.umapi(["groups", "create", "Draw"]).with_code(1).saying("1 rejected");
    stage.umapi(["groups", "create", "draw", "--if-exists", "ignore"]).done();
    stage.umapi(["groups", "update", "Draw", "--name", "Drawing", "--remove-profile", "Photoshop"]).done();
    stage.umapi(["groups", "get", "Draw"]).with_code(1);
    stage.umapi(["groups", "get", "Drawing"]).done();
    stage.umapi(["groups", "delete", "Drawing"]).with_code(2);
    stage.umapi(["groups", "delete", "Drawing", "--yes", "--dry-run"]).done();
    stage.umapi(["groups", "delete", "Drawing", "--yes"]).done();
    stage.umapi(["groups", "get", "Drawing"]).with_code(1);
    stage.umapi(["groups", "update", "Design"]).with_code(2);
}

/// Makes the service give up on listing the members of any group.
fn make_groups_too_large(stage: &Stage) {
    let too_large = FaultRule::on(Operation::ListUsersInGroup, FaultResponse::status(504));
    stage.emulator.faults().add(too_large).unwrap();
}

#[test]
fn members_of_a_large_group_come_from_the_list_of_users() {
    let stage = Stage::new();
    let lists =
        [&["groups", "members", "design", "-f", "csv"][..], &["users", "list", "--group", "design", "-f", "csv"]];
    let sorted = |ended: &Ended| {
        let mut lines = ended.csv();
        lines.sort();
        lines
    };
    let expected = lists.map(|list| sorted(&stage.umapi(list).done()));
    make_groups_too_large(&stage);
    let run = |arguments: &[&str]| ended(stage.command().args(arguments).args(["--max-wait", "0s"]));
    for (list, expected) in lists.into_iter().zip(expected) {
        let members = run(list).done().saying("too large for the service to list: \"design\"");
        assert_eq!(sorted(&members), expected, "{list:?}");
    }
    assert_eq!(run(&["groups", "members", "Design", "-f", "csv", "--without-groups"]).done().lines().len(), 3);
    run(&["groups", "members", "Photoshop", "--inactive"]).with_code(5).saying("leave out --status and --inactive");
    run(&["groups", "members", "1234"]).with_code(5).saying("give the name of the group");
}

#[test]
fn members_of_a_large_group_are_moved_and_copied() {
    let stage = Stage::new();
    make_groups_too_large(&stage);
    let run = |arguments: &[&str]| ended(stage.command().args(arguments).args(["--max-wait", "0s", "--yes"]));
    run(&["members", "copy", "--from", "design", "--to", "Sales"]).done().saying("too large for the service");
    assert_eq!(stage.groups_of("jdoe@example.com").iter().filter(|group| *group == "Sales").count(), 1);
    run(&["members", "move", "--from", "Design", "--to", "Sales", "jdoe@example.com"]).done();
    assert!(!stage.groups_of("jdoe@example.com").contains(&"Design".to_owned()));
}
