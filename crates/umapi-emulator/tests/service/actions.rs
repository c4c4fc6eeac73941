//! Action requests.

use serde_json::{Value, json};
use umapi_emulator::Operation;

use crate::rig::{ORG, Rig};

fn create(email: &str) -> Value {
    json!({"createFederatedID": {"email": email, "firstname": "New", "lastname": "User", "country": "US"}})
}

#[tokio::test]
async fn commands_are_applied_and_errors_name_their_step() {
    let rig = Rig::new().await;
    let answer = rig
        .act(&json!([
            {"user": "new@example.com", "requestID": "one", "do": [create("new@example.com"), {"add": {"group": ["Design"]}}]},
            {"user": "new@example.com", "requestID": "two", "do": [{"add": {"group": ["Nowhere"]}}]},
        ]))
        .await;
    let expected = json!({
        "result": "partial", "completed": 1, "notCompleted": 1, "completedInTestMode": 0,
        "errors": [{
            "index": 1, "step": 0, "message": "Group Nowhere was not found", "errorCode": "error.group.not_found",
            "requestID": "two", "user": "new@example.com",
        }],
    });
    assert_eq!(answer, expected);
    assert_eq!(rig.groups_of("new@example.com").await, ["Design"]);
}

#[tokio::test]
async fn an_account_that_comes_back_keeps_its_spelling() {
    let rig = Rig::new().await;
    let run = async |steps: Value| rig.act(&json!([{"user": "new@example.com", "do": steps}])).await;
    let email = async || {
        let found = rig.get(&format!("/organizations/{ORG}/users/new@example.com")).await.expect(200).json();
        found["user"]["email"].as_str().unwrap().to_owned()
    };
    run(json!([create("New@Example.com")])).await;
    assert_eq!(email().await, "New@Example.com");
    run(json!([{"removeFromOrg": {}}])).await;
    run(json!([create("new@example.com")])).await;
    assert_eq!(email().await, "New@Example.com", "the account was in the directory all the time");
    run(json!([{"removeFromOrg": {"deleteAccount": true}}])).await;
    run(json!([create("new@example.com")])).await;
    assert_eq!(email().await, "new@example.com");
}

#[tokio::test]
async fn a_federated_username_may_be_another_address() {
    let rig = Rig::new().await;
    let answer = rig.act(&json!([{"user": "login@federated.example", "do": [create("mail@example.com")]}])).await;
    assert_eq!(answer["completed"], 1, "{answer}");
    let found = rig.get(&format!("/organizations/{ORG}/users/mail@example.com")).await.expect(200).json();
    assert_eq!(
        (&found["user"]["email"], &found["user"]["username"]),
        (&json!("mail@example.com"), &json!("login@federated.example"))
    );
}

#[tokio::test]
async fn roles_without_members_are_not_listed_nor_created() {
    let rig = Rig::new().await;
    let listed = async || {
        let groups = rig.get(&format!("/groups/{ORG}/0")).await.expect(200).json();
        let names = groups["groups"].as_array().unwrap().iter().map(|group| group["groupName"].as_str().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!listed().await.contains(&"_deployment_admin".to_owned()));
    let created = rig.act(&json!([{"usergroup": "_deployment_admin", "do": [{"createUserGroup": {}}]}])).await;
    assert_eq!(created["completed"], 0, "{created}");
    let add = json!([{"user": "jane@example.com", "do": [{"add": {"group": ["_deployment_admin"]}}]}]);
    assert_eq!(rig.act(&add).await["completed"], 1);
    assert!(listed().await.contains(&"_deployment_admin".to_owned()));
}

#[tokio::test]
async fn test_mode_changes_nothing() {
    let rig = Rig::new().await;
    let commands = json!([{"user": "new@example.com", "do": [create("new@example.com")]}]);
    let answer = rig.post(&format!("/action/{ORG}?testOnly=true"), &commands).await.expect(200).json();
    let expected = json!({"result": "success", "completed": 0, "notCompleted": 0, "completedInTestMode": 1});
    assert_eq!(answer, expected);
    rig.get(&format!("/organizations/{ORG}/users/new@example.com")).await.expect(404);
}

#[tokio::test]
async fn a_body_other_than_an_array_is_malformed() {
    let rig = Rig::new().await;
    let eleven = Value::Array(vec![json!({"user": "a@example.com", "do": []}); 11]);
    for body in [json!({}), json!([]), eleven] {
        let rejected = rig.post(&format!("/action/{ORG}"), &body).await.expect(400).json();
        assert_eq!(rejected["result"], "error.command.malformed");
    }
    let large = json!([{"user": "x".repeat(2 << 20), "do": []}]);
    rig.post(&format!("/action/{ORG}"), &large).await.expect(400);
}

#[tokio::test]
async fn the_journal_has_the_request_and_the_ledger_its_effects() {
    let rig = Rig::new().await;
    let body = json!([{"user": "new@example.com", "do": [create("new@example.com")]}]);
    let request = rig.request(reqwest::Method::POST, &format!("/action/{ORG}")).json(&body);
    let request = request.header("X-Request-Id", "mine").header("Pragma", "umapi-sync-start");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "mine");
    let exchange = rig.emulator.journal().last_of(Operation::ExecuteActions).unwrap();
    assert_eq!((exchange.request_id.as_str(), exchange.status), ("mine", Some(200)));
    assert_eq!(exchange.organization.as_deref(), Some(ORG));
    assert_eq!(exchange.headers["pragma"], "umapi-sync-start");
    assert!(!format!("{exchange:?}").contains("eyJ"), "no token");
    let changes = rig.emulator.ledger().changes_of_request("mine").unwrap();
    let (after, up_to) = exchange.effects.unwrap();
    assert_eq!(u64::try_from(up_to - after).unwrap(), changes.len() as u64);
    assert_eq!(rig.emulator.ledger().changes_of_user("new@example.com").unwrap().len(), changes.len());
}
