//! `umapi users update|remove`: the right account is changed, and removing nobody is not "completed".

use std::path::Path;

use umapi_emulator::{LimitSettings, Operation};

use crate::stage::Stage;

const ANN: &str = "ann@example.com";

/// An organization in which an address has a Federated ID and an Adobe ID.
fn twins() -> Stage {
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command/cases/twin-seed.yaml");
    Stage::with(|builder| builder.seed_file(seed).limits(LimitSettings::off()))
}

/// Types of the accounts in the organization with the address of the twins.
fn types(stage: &Stage) -> Vec<String> {
    let listed = stage.umapi(["users", "list", "-f", "json"]).done().json();
    let twins = listed.as_array().unwrap().iter().filter(|user| user["email"] == ANN);
    let mut types: Vec<String> = twins.map(|user| user["type"].as_str().unwrap().to_owned()).collect();
    types.sort_unstable();
    types
}

fn sent(stage: &Stage) -> usize {
    stage.emulator.journal().count(Operation::ExecuteActions)
}

#[test]
fn removing_a_mistyped_user_is_not_found() {
    let stage = Stage::new();
    for options in [&["--yes"][..], &["--dry-run"], &["--yes", "--delete-account"]] {
        let arguments = [&["users", "remove", "jnae@example.com", "-f", "json"], options].concat();
        let removed = stage.umapi(arguments).with_code(6).saying("0 completed, 1 not found; 0 requests");
        let outcome = &removed.json()[0];
        assert_eq!((&outcome["outcome"], &outcome["number"]), (&"not-found".into(), &1.into()), "{options:?}");
        assert!(outcome["message"].as_str().unwrap().contains("`jnae@example.com` is not in the organization"));
    }
    assert_eq!(sent(&stage), 0);
}

#[test]
fn other_users_are_removed_beside_a_mistyped_one() {
    let stage = Stage::new();
    let arguments = ["users", "remove", "zoe@example.com", "jane@example.com", "--yes", "-f", "csv"];
    let removed = stage.umapi(arguments).with_code(6).saying("1 completed, 1 not found; 1 request");
    let outcomes: Vec<[String; 3]> =
        removed.csv().iter().map(|record| [record[0].clone(), record[2].clone(), record[3].clone()]).collect();
    assert_eq!(outcomes, [["1", "zoe@example.com", "not-found"], ["2", "jane@example.com", "completed"]]);
    stage.umapi(["users", "get", "jane@example.com"]).with_code(1);
}

#[test]
fn user_named_by_username_is_really_removed() {
    let stage = Stage::new();
    stage.umapi(["users", "get", "lee", "--domain", "usernames.example"]).done();
    stage.umapi(["users", "remove", "lee", "--yes"]).done();
    stage.umapi(["users", "get", "lee", "--domain", "usernames.example"]).with_code(1);
    stage.umapi(["users", "remove", "lee", "--domain", "usernames.example", "--yes"]).with_code(6);
}

#[test]
fn address_of_two_accounts_is_refused_without_a_type() {
    let stage = twins();
    for arguments in [&["users", "remove", ANN, "--yes"][..], &["users", "update", ANN, "--lastname", "Kim"]] {
        stage
            .umapi(arguments)
            .with_code(2)
            .saying("cannot tell which account of ann@example.com to change")
            .saying("`ann@example.com` is the name of 2 accounts")
            .saying("--adobe-id");
    }
    assert_eq!(sent(&stage), 0);
}

#[test]
fn chosen_account_is_removed() {
    for (option, left) in [
        (&["--adobe-id"][..], "federatedID"),
        (&["--type", "adobe"], "federatedID"),
        (&["--type", "federated"], "adobeID"),
    ] {
        let stage = twins();
        stage.umapi([&["users", "remove", ANN, "--yes"], option].concat()).done();
        assert_eq!(types(&stage), [left], "{option:?}");
        let again = stage.umapi([&["users", "remove", ANN, "--yes"], option].concat()).with_code(6);
        assert!(again.out.contains("not-found"), "{}", again.out);
        assert_eq!(types(&stage), [left], "{option:?}");
    }
    twins().umapi(["users", "remove", ANN, "--adobe-id", "--type", "federated"]).with_code(2);
}

#[test]
fn chosen_account_is_updated() {
    let stage = twins();
    let update = ["users", "update", ANN, "--lastname", "Kim"];
    stage.umapi([&update[..], &["--type", "federated"]].concat()).done();
    let lastname = |option: &[&str]| {
        let get = [&["users", "get", ANN, "-f", "json"], option].concat();
        stage.umapi(get).done().json()["lastname"].as_str().unwrap().to_owned()
    };
    assert_eq!([lastname(&[]), lastname(&["--adobe-id"])], ["Kim", "Lee"]);
    // Nobody but its owner can change an Adobe ID.
    stage.umapi([&update[..], &["--adobe-id"]].concat()).with_code(1);
    assert_eq!(lastname(&["--adobe-id"]), "Lee");
    stage.umapi(["users", "update", "zoe@example.com", "--lastname", "Kim"]).with_code(1);
}
