//! The order of dependent commands.

use umapi_model::UserUpdate;

use super::*;
use crate::account::Account;

fn assert_order(commands: impl IntoIterator<Item = impl Into<Command>>, expected: &[&[&str]]) {
    let requests = run(&mut scheduler(commands));
    assert_eq!(roots(&requests), expected);
}

#[test]
fn a_group_is_created_before_it_is_used() {
    let create = Command::create_group(NewGroup::new("Design"));
    for group in ["design", "_admin_Design"] {
        assert_order(
            commands![create.clone(), Command::user("a@b.c").add_to([group]), Command::user("d@e.f").remove_all()],
            &[&["Design", "d@e.f"], &["a@b.c"]],
        );
    }
}

#[test]
fn a_group_is_created_first_even_if_given_last() {
    assert_order(
        commands![Command::user("a@b.c").add_to(["Design"]), Command::create_group(NewGroup::new("Design"))],
        &[&["Design"], &["a@b.c"]],
    );
}

#[test]
fn mutual_needs_keep_the_order_of_the_caller() {
    let user = Command::create_user(NewUser::adobe_id("a@b.c")).add_to(["Design"]);
    let group = Command::create_group(NewGroup::new("Design")).add_users(["a@b.c"]);
    assert_order(commands![user.clone(), group.clone()], &[&["a@b.c"], &["Design"]]);
    assert_order(commands![group, user], &[&["Design"], &["a@b.c"]]);
}

#[test]
fn a_user_is_created_before_a_group_adds_them() {
    let (user, group) =
        (Command::create_user(NewUser::adobe_id("A@b.c")), Command::group("Design").add_users(["a@b.c"]));
    assert_order(commands![user.clone(), group.clone()], &[&["A@b.c"], &["Design"]]);
    assert_order(commands![group, user], &[&["A@b.c"], &["Design"]]);
}

#[test]
fn removals_come_after_earlier_commands() {
    assert_order(
        commands![Command::group("Design").add_users(["a@b.c"]), Command::user("a@b.c").remove_from_org()],
        &[&["Design"], &["a@b.c"]],
    );
    assert_order(
        commands![Command::user("a@b.c").add_to(["Design"]), Command::group("Design").delete()],
        &[&["a@b.c"], &["Design"]],
    );
}

#[test]
fn commands_after_a_removal_stay_after_it() {
    assert_order(
        commands![
            Command::group("Design").delete(),
            Command::create_group(NewGroup::new("Design")),
            Command::user("a@b.c").add_to(["Design"]),
        ],
        &[&["Design"], &["Design"], &["a@b.c"]],
    );
}

#[test]
fn a_new_name_is_used_after_the_rename() {
    let rename = Command::user("a@b.c").update(UserUpdate::default().with_email("new@b.c"));
    assert_order(commands![rename, Command::group("g").add_users(["new@b.c"])], &[&["a@b.c"], &["g"]]);
}

#[test]
fn the_two_sides_of_one_membership_keep_their_order() {
    assert_order(
        commands![Command::user("a@b.c").add_to(["g"]), Command::group("G").remove_users(["a@b.c"])],
        &[&["a@b.c"], &["G"]],
    );
    assert_order(
        commands![Command::group("G").remove_users(["a@b.c"]), Command::user("a@b.c").add_to(["g"])],
        &[&["G"], &["a@b.c"]],
    );
    assert_order(
        commands![Command::user("a@b.c").add_to(["g"]), Command::group("g").add_users(["other@b.c"])],
        &[&["a@b.c", "g"]],
    );
}

#[test]
fn equal_usernames_of_two_domains_are_two_users() {
    let user = |domain: &str| Command::user(Account::username("jdoe", domain)).add_to(["g"]);
    assert_order(commands![user("b.c"), user("d.e")], &[&["jdoe", "jdoe"]]);
}

#[test]
fn joining_never_costs_a_request() {
    // The second command on the user needs a group that needs the first one: they stay two.
    assert_order(
        commands![
            Command::create_user(NewUser::adobe_id("a@b.c")),
            Command::create_group(NewGroup::new("g")).add_users(["a@b.c"]),
            Command::user("a@b.c").add_to(["g"]),
        ],
        &[&["a@b.c"], &["g"], &["a@b.c"]],
    );
}
