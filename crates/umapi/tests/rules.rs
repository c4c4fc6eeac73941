//! The client's rules and the emulator's: both were made from the documentation, and must say the same of a command.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

use proptest::prelude::*;
use umapi::{Command, CreateOption, UserGroupUpdate, UserUpdate, model};
use umapi_emulator::engine::{self, ActionOptions, provision};
use umapi_emulator::store::Store;

const ORG: &str = "1F@AdobeOrg";

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    store.write(None, |tx| provision::organization(tx, ORG, "Example")).unwrap();
    store
}

/// The codes with which the emulator refuses a command. Nothing is done.
fn emulator_says(store: &Store, command: &Command) -> Vec<String> {
    let body = serde_json::to_vec(&[command]).unwrap();
    let answer = engine::apply(store, ORG, &body, &ActionOptions::new("r", 0).test_only(true)).unwrap();
    answer.errors.into_iter().map(|error| error.error_code.to_string()).collect()
}

fn user() -> Command {
    Command::user("a@b.c")
}

fn group() -> Command {
    Command::group("Design")
}

fn federated(edit: impl FnOnce(&mut model::NewFederatedId)) -> Command {
    let mut new = model::NewFederatedId::new("a@b.c", "A", "B", "US");
    edit(&mut new);
    model::UserCommand::new("a@b.c", [model::UserStep::CreateFederatedId(new)]).into()
}

#[test]
fn the_emulator_refuses_with_the_same_code() {
    let store = store();
    let (long, longer) = ("x".repeat(251), "x".repeat(256));
    for command in [
        user().add_to(["x"]).add_adobe_id(),
        user().add_adobe_id().create_enterprise("A", "B"),
        user().remove_from_org().add_to(["x"]),
        user().remove_from_org().remove_from_org(),
        user().remove_from_domain("b.c").remove_from_org(),
        user(),
        Command::user("").remove_all(),
        Command::group("").remove_all(),
        Command::user("jdoe").remove_all(),
        Command::user(long.as_str()).domain("b.c").remove_all(),
        Command::username("jdoe", long.as_str()).remove_all(),
        user().domain("b.c").remove_all(),
        user().request_id(long.as_str()).remove_all(),
        Command::group(longer.as_str()).remove_all(),
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
        user().add_adobe_id().email("x@y.z"),
        user().update(UserUpdate::default().with_email("nobody")),
        user().update(UserUpdate::default().with_username(" x")),
        user().update(UserUpdate::default().with_firstname("")),
        user().update(UserUpdate::default().with_lastname(long.as_str())),
        user().add_to([""; 0]),
        user().add_to([""]),
        user().remove_from([longer.as_str()]),
        user().add_to(["_ORG_admin"]),
        user().add_admin_roles([""; 0]),
        user().add_product_admin_roles(["X", "x"]),
        user().remove_from_domain(long.as_str()),
        group().add_users([""; 0]),
        group().add_users(["a@b.c", "A@B.C"]),
        group().remove_users(["a b@c.d"]),
        group().add_profiles([""]),
        group().update_user_group(UserGroupUpdate::default()),
        group().update_user_group(UserGroupUpdate::default().with_name("_x")),
        Command::group("_admin_x").create_user_group(),
        Command::group("x\u{7}").create_user_group(),
    ] {
        let error = command.check().expect_err("the client takes it");
        let codes = emulator_says(&store, &command);
        assert!(codes.iter().any(|code| *code == error.code().to_string()), "{error}\nbut the emulator: {codes:?}");
    }
}

/// Names, some of which cannot be.
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
            let mut command = if is_user { Command::user(root) } else { Command::group(root) };
            if let Some(domain) = domain.filter(|_| is_user) {
                command = command.domain(domain);
            }
            for (kind, name, list) in steps {
                command = match (is_user, kind) {
                    (true, 0) => command.create_federated(name, "B", "US"),
                    (true, 1) => command.create_enterprise("A", name),
                    (true, 2) => command.add_adobe_id().email(name),
                    (true, 3) => command.update(UserUpdate::default().with_email(name)),
                    (true, 4) => command.update(UserUpdate::default().with_username(name)),
                    (true, 5) => command.remove_from_org(),
                    (true, 6) => command.add_admin_roles(list),
                    (true, 7..10) => command.add_to(list),
                    (true, _) => command.remove_from(list),
                    (false, 0..3) => command.create_user_group(),
                    (false, 3) => command.update_user_group(UserGroupUpdate::default().with_name(name)),
                    (false, 4) => command.add_profiles(list),
                    (false, 5..9) => command.add_users(list),
                    (false, _) => command.remove_users(list),
                };
            }
            command
        },
    )
}

/// Codes that say that a command is wrong in itself, whoever there is.
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
    fn what_the_client_takes_the_emulator_does_not_refuse_for_its_form(command in any_command()) {
        thread_local!(static STORE: Store = store());
        if command.check().is_ok() {
            let codes = STORE.with(|store| emulator_says(store, &command));
            prop_assert!(!codes.iter().any(|code| is_about_form(code)), "{:?}: {:?}", command, codes);
        }
    }

    #[test]
    fn what_the_client_refuses_the_emulator_refuses_too(command in any_command()) {
        thread_local!(static STORE: Store = store());
        if let Err(error) = command.check() {
            let codes = STORE.with(|store| emulator_says(store, &command));
            prop_assert!(!codes.is_empty() || is_stricter(&error), "{}", error);
        }
    }
}

/// Where the client refuses what the service does nothing about, or takes for the name of nobody: steps after a deletion,
/// updates of nothing, and roots that cannot be names.
fn is_stricter(error: &umapi::InvalidCommand) -> bool {
    matches!(error.field(), "deleteUserGroup" | "update") || error.step().is_none()
}
