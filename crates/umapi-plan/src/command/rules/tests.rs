use umapi_model::{UserGroupUpdate, UserUpdate};

use crate::command::Command;

/// Where and by which code a command is refused.
fn refused(command: Command) -> (String, String, Option<usize>) {
    let error = command.check().unwrap_err();
    assert!(!error.rule().is_empty() && !error.remedy().is_empty());
    assert_eq!(error.root(), command.root());
    (error.code().to_string(), error.field().to_owned(), error.step())
}

#[track_caller]
fn assert_refused(command: Command, code: &str, field: &str, step: Option<usize>) {
    assert_eq!(refused(command), (code.to_owned(), field.to_owned(), step));
}

fn user() -> Command {
    Command::user("a@b.c")
}

fn group() -> Command {
    Command::group("Design")
}

const NOBODY: [&str; 0] = [];

#[test]
fn creates_come_first_and_once() {
    let create = || user().create_federated("A", "B", "US");
    assert!(create().add_to(["x"]).remove_from_org().check().is_ok());
    assert_refused(user().add_to(["x"]).add_adobe_id(), "error.command.create.not_first", "addAdobeID", Some(1));
    let twice = create().create_enterprise("A", "B");
    assert_refused(twice, "error.command.create.more_than_one", "createEnterpriseID", Some(1));
    let twice = group().create_user_group().create_user_group();
    assert_refused(twice, "error.command.create.more_than_one", "createUserGroup", Some(1));
}

#[test]
fn removals_come_last_and_once() {
    let code = "error.command.removefromorg.not_last";
    assert_refused(user().remove_from_org().add_to(["x"]), code, "removeFromOrg", Some(0));
    assert_refused(user().remove_from_org().remove_from_org(), code, "removeFromOrg", Some(0));
    assert_refused(user().remove_from_domain("b.c").remove_from_org(), code, "removeFromDomain", Some(0));
    let after = group().delete_user_group().add_users(["a@b.c"]);
    assert_refused(after, "error.command.illegal_entry", "deleteUserGroup", Some(0));
}

#[test]
fn a_command_has_a_root_and_a_step() {
    assert_refused(user(), "error.command.steps.malformed", "do", None);
    assert_refused(Command::user("").remove_all(), "error.command.user.missing", "user", None);
    assert_refused(Command::group("").remove_all(), "error.command.user_usergroup.missing", "usergroup", None);
}

#[test]
fn a_domain_goes_with_a_username_only() {
    let (missing, superfluous) =
        ("error.command.domain.missing", "error.command.domain.must_be_used_with_nonemail_username");
    assert_refused(Command::user("jdoe").remove_all(), missing, "domain", None);
    assert_refused(Command::username("jdoe", "").remove_all(), missing, "domain", None);
    assert_refused(user().domain("b.c").remove_all(), superfluous, "domain", None);
    for fine in [
        Command::username("jdoe", "b.c").remove_all(),
        user().domain("b.c").add_adobe_id(),
        user().domain("b.c").create_enterprise("A", "B"),
        user().domain("b.c").use_adobe_id().remove_all(),
    ] {
        assert_eq!(fine.check(), Ok(()));
    }
    assert_refused(group().domain("b.c").remove_all(), "error.command.illegal_entry", "domain", None);
}

#[test]
fn fields_of_new_users() {
    let long = "x".repeat(251);
    for (command, code, field) in [
        (user().create_federated("", "B", "US"), "error.user.firstname_missing", "firstname"),
        (user().create_enterprise("A", ""), "error.user.lastname_missing", "lastname"),
        (user().create_enterprise("A", long.as_str()), "error.command.string.too_long", "lastname"),
        (user().create_federated("A", "B", ""), "error.country.invalid", "country"),
        (user().add_adobe_id().country("usa"), "error.command.string.too_long", "country"),
        (user().add_adobe_id().email("x@y.z"), "error.user.must_match_email", "email"),
        (Command::username("jdoe", "b.c").create_enterprise("A", "B"), "error.user.id_missing", "email"),
        (Command::user("a@b@c").create_enterprise("A", "B"), "error.user.email.invalid", "user"),
    ] {
        let (found, at, _) = refused(command);
        assert_eq!((found.as_str(), at.as_str()), (code, field));
    }
    assert!(user().add_adobe_id().names("A", "B").country("DE").email("A@B.c").update_if_exists().check().is_ok());
}

#[test]
fn lists_have_names_that_there_can_be() {
    let long = "x".repeat(256);
    for (command, code) in [
        (user().add_to(NOBODY), "error.command.add_remove.missing_list"),
        (user().add_to([""]), "error.group.invalid_list"),
        (user().remove_from([long.as_str()]), "error.command.add_remove.group_or_product_name_too_long"),
        (user().add_to(["_ORG_admin"]), "error.command.illegal_entry"),
        (user().add_admin_roles(NOBODY), "error.command.add_remove.missing_list"),
        (user().add_product_admin_roles(["X", "x"]), "error.command.add_remove.duplicate.productadmin_list"),
        (group().add_users(NOBODY), "error.command.add_remove.user_usergroup.missing"),
        (group().add_users(["a@b.c", "A@B.C"]), "error.command.add_remove.duplicate.user_list"),
        (group().remove_users(["a b@c.d"]), "error.user.user_list.invalid"),
        (group().add_profiles([""]), "error.group.invalid_list"),
    ] {
        assert_eq!(refused(command).0, code);
    }
    assert!(group().add_users((0..1000).map(|i| format!("u{i}@b.c"))).check().is_ok(), "long lists are split later");
}

#[test]
fn names_of_groups_that_are_made() {
    for command in [
        Command::group("_admin_x").create_user_group(),
        Command::group("..").create_user_group(),
        group().update_user_group(UserGroupUpdate::default().with_name("_x")),
    ] {
        assert_eq!(refused(command).0, "error.group.invalid_name");
    }
    let nothing = group().update_user_group(UserGroupUpdate::default());
    assert_refused(nothing, "error.user.command.missing.arguments", "updateUserGroup", Some(0));
}

#[test]
fn updates_change_something() {
    assert_eq!(refused(user().update(UserUpdate::default())).0, "error.user.command.missing.arguments");
    assert_eq!(refused(user().update(UserUpdate::default().with_email("x"))).0, "error.user.email.invalid");
    assert_eq!(refused(user().update(UserUpdate::default().with_username(" x"))).0, "error.user.name.invalid");
    assert!(user().update(UserUpdate::default().with_firstname("X")).check().is_ok());
}

#[test]
fn what_does_not_fit_the_root_or_the_step_before_is_refused_by_name() {
    for (command, field) in [
        (group().add_to(["x"]), "add"),
        (user().add_users(["a@b.c"]), "add"),
        (user().delete_user_group(), "deleteUserGroup"),
        (user().add_to(["x"]).ignore_if_exists(), "option"),
        (user().create_federated("A", "B", "US").add_to(["x"]).ignore_if_exists(), "option"),
        (group().remove_all().description("x"), "description"),
        (group().use_adobe_id().remove_all(), "useAdobeID"),
    ] {
        assert_refused(command, "error.command.illegal_entry", field, None);
    }
}

#[test]
fn the_message_says_where_what_and_the_way_out() {
    let error = user().create_federated("A", "B", "us").check().unwrap_err();
    let text = error.to_string();
    for part in ["a@b.c", "step 0", "createFederatedID", "country", "upper-case", "say", "error.country.invalid"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}
