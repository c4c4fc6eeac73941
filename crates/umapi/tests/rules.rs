//! The rules of the client and of the emulator: both follow the documentation, and must agree on every command.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

use proptest::prelude::*;
use umapi::{Account, Command, CreateOption, GroupCommand, NewGroup, UserCommand, UserGroupUpdate, UserUpdate, model};
use umapi_emulator::engine::{self, ActionOptions, provision};
use umapi_emulator::store::Store;

const ORG: &str = "1F@AdobeOrg";

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    store.write(None, |tx| provision::organization(tx, ORG, "Example")).unwrap();
    store
}

/// The codes with which the emulator rejects a command. Nothing is done.
fn emulator_says(store: &Store, command: &Command) -> Vec<String> {
    let body = serde_json::to_vec(&[command]).unwrap();
    let response = engine::apply(store, ORG, &body, &ActionOptions::new("r", 0).test_only(true)).unwrap();
    response.errors.into_iter().map(|error| error.error_code.to_string()).collect()
}

fn user() -> UserCommand {
    Command::user("a@b.c")
}

fn username(name: &str, domain: &str) -> UserCommand {
    Command::user(Account::username(name, domain))
}

fn group() -> GroupCommand {
    Command::group("Design")
}

/// A command on a user with any steps, as it is read from a file.
fn steps(steps: &[&str]) -> Command {
    serde_json::from_str(&format!(r#"{{"user":"a@b.c","do":[{}]}}"#, steps.join(","))).unwrap()
}

fn federated(edit: impl FnOnce(&mut model::NewFederatedId)) -> Command {
    let mut new = model::NewFederatedId::new("a@b.c", "A", "B", "US");
    edit(&mut new);
    model::UserCommand::new("a@b.c", [model::UserStep::CreateFederatedId(new)]).into()
}

#[test]
fn the_emulator_rejects_with_the_same_code() {
    const ADD: &str = r#"{"add":{"group":["x"]}}"#;
    const ADOBE: &str = r#"{"addAdobeID":{"email":"a@b.c"}}"#;
    const ENTERPRISE: &str = r#"{"createEnterpriseID":{"email":"a@b.c","firstname":"A","lastname":"B"}}"#;
    const LEAVE: &str = r#"{"removeFromOrg":{}}"#;
    const LEAVE_DOMAIN: &str = r#"{"removeFromDomain":{"domain":"b.c"}}"#;
    let store = store();
    let (long, longer) = ("x".repeat(251), "x".repeat(256));
    let commands: Vec<Command> = vec![
        steps(&[ADD, ADOBE]),
        steps(&[ADOBE, ENTERPRISE]),
        steps(&[LEAVE, ADD]),
        steps(&[LEAVE, LEAVE]),
        steps(&[LEAVE_DOMAIN, LEAVE]),
        user().into(),
        Command::user("").remove_all().into(),
        Command::group("").remove_all().into(),
        Command::user("jdoe").remove_all().into(),
        username(&long, "b.c").remove_all().into(),
        username("jdoe", &long).remove_all().into(),
        username("a@b.c", "b.c").remove_all().into(),
        user().request_id(long.as_str()).remove_all().into(),
        Command::group(longer.as_str()).remove_all().into(),
        federated(|new| new.firstname.clear()),
        federated(|new| new.lastname.clear()),
        federated(|new| new.lastname.clone_from(&long)),
        federated(|new| new.country = "us".into()),
        federated(|new| new.country = "USA".into()),
        federated(|new| new.country.clear()),
        federated(|new| new.email.clear()),
        federated(|new| new.email = "a b@c.d".into()),
        federated(|new| new.email = format!("{}@b.c", "x".repeat(60))),
        federated(|new| new.option = Some(CreateOption::from("overwrite"))),
        steps(&[r#"{"addAdobeID":{"email":"x@y.z"}}"#]),
        user().update(UserUpdate::default().with_email("nobody")).into(),
        user().update(UserUpdate::default().with_username(" x")).into(),
        user().update(UserUpdate::default().with_firstname("")).into(),
        user().update(UserUpdate::default().with_lastname(long.as_str())).into(),
        user().add_to([""; 0]).into(),
        user().add_to([""]).into(),
        user().remove_from([longer.as_str()]).into(),
        user().add_to(["_ORG_admin"]).into(),
        user().add_admin_roles([""; 0]).into(),
        user().add_product_admin_roles(["X", "x"]).into(),
        user().remove_from_domain(long.as_str()),
        group().add_users([""; 0]).into(),
        group().add_users(["a@b.c", "A@B.C"]).into(),
        group().remove_users(["a b@c.d"]).into(),
        group().add_profiles([""]).into(),
        group().update(UserGroupUpdate::default()).into(),
        group().update(UserGroupUpdate::default().with_name("_x")).into(),
        NewGroup::new("_admin_x").into(),
        NewGroup::new("x\u{7}").into(),
    ];
    for command in commands {
        let error = command.check().expect_err("the client takes it");
        let codes = emulator_says(&store, &command);
        assert!(codes.iter().any(|code| *code == error.code().to_string()), "{error}\nbut the emulator: {codes:?}");
    }
}

/// Names, some of which are not allowed.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,3}",
        4 => "[a-c]{1,2}@[b-d]\\.[e-f]",
        1 => "[ _a@<\"é]{0,5}",
        1 => Just("x".repeat(61) + "@b.c"),
        1 => Just("x".repeat(256)),
    ]
}

fn any_command() -> impl Strategy<Value = Command> {
    let step = (0..14_u8, name(), prop::collection::vec(name(), 0..4));
    (any::<bool>(), name(), prop::option::of(name()), prop::collection::vec(step, 0..4)).prop_map(
        |(is_user, root, domain, steps)| {
            if is_user {
                let steps = steps.into_iter().map(|(kind, name, list)| any_user_step(kind, name, list, &root));
                let mut command = model::UserCommand::new(root.as_str(), steps.collect::<Vec<_>>());
                command.domain = domain;
                command.into()
            } else {
                let steps = steps.into_iter().map(|(kind, name, list)| any_group_step(kind, name, list));
                model::UserGroupCommand::new(root.as_str(), steps.collect::<Vec<_>>()).into()
            }
        },
    )
}

fn any_user_step(kind: u8, name: String, list: Vec<String>, root: &str) -> model::UserStep {
    use model::{UserMemberships, UserRemoval, UserStep};
    let email = if root.contains('@') { root } else { "" };
    match kind {
        0 => UserStep::CreateFederatedId(model::NewFederatedId::new(email, name, "B", "US")),
        1 => UserStep::CreateEnterpriseId(model::NewEnterpriseId::new(email, "A", name)),
        2 => UserStep::AddAdobeId(model::NewAdobeId::new(name)),
        3 => UserStep::Update(UserUpdate::default().with_email(name)),
        4 => UserStep::Update(UserUpdate::default().with_username(name)),
        5 => UserStep::RemoveFromOrg(model::OrgRemoval::default().with_delete_account(false)),
        6 => UserStep::AddRoles(model::RoleLists::default().with_admin(list)),
        7..10 => UserStep::Add(UserMemberships::default().with_group(list)),
        _ => UserStep::Remove(UserRemoval::These(UserMemberships::default().with_group(list))),
    }
}

fn any_group_step(kind: u8, name: String, list: Vec<String>) -> model::UserGroupStep {
    use model::{UserGroupMembers, UserGroupRemoval, UserGroupStep};
    match kind {
        0..3 => UserGroupStep::CreateUserGroup(model::UserGroupCreation::default()),
        3 => UserGroupStep::UpdateUserGroup(UserGroupUpdate::default().with_name(name)),
        4 => UserGroupStep::Add(UserGroupMembers::default().with_product_configuration(list)),
        5..9 => UserGroupStep::Add(UserGroupMembers::default().with_user(list)),
        _ => UserGroupStep::Remove(UserGroupRemoval::These(UserGroupMembers::default().with_user(list))),
    }
}

/// Codes of commands that are wrong in any organization.
fn is_about_form(code: &str) -> bool {
    code.starts_with("error.command.")
        || matches!(
            code,
            "error.user.email.invalid"
                | "error.user.name.invalid"
                | "error.user.user_list.invalid"
                | "error.user.id_missing"
                | "error.user.firstname_missing"
                | "error.user.lastname_missing"
                | "error.group.invalid_list"
                | "error.group.invalid_name"
                | "error.country.invalid"
                | "error.option.illegal"
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_emulator_accepts_the_form_of_valid_commands(command in any_command()) {
        thread_local!(static STORE: Store = store());
        if command.check().is_ok() {
            let codes = STORE.with(|store| emulator_says(store, &command));
            prop_assert!(!codes.iter().any(|code| is_about_form(code)), "{:?}: {:?}", command, codes);
        }
    }

    #[test]
    fn the_emulator_rejects_invalid_commands_too(command in any_command()) {
        thread_local!(static STORE: Store = store());
        if let Err(error) = command.check() {
            let codes = STORE.with(|store| emulator_says(store, &command));
            prop_assert!(!codes.is_empty() || is_stricter(&error), "{}", error);
        }
    }
}

/// Whether the client rejects what the service ignores, or takes for an unknown name: steps after a deletion, updates
/// without fields, and impossible roots.
fn is_stricter(error: &umapi::InvalidCommand) -> bool {
    matches!(error.field(), "deleteUserGroup" | "update") || error.step().is_none()
}
