//! Requests that do not match the description.

use reqwest::Method;
use serde_json::json;
use umapi_emulator::Emulator;

use crate::rig::{ORG, Reply, Rig};

#[tokio::test]
async fn an_invalid_request_gets_the_error_of_the_service() {
    let rig = Rig::new().await;
    for (path, code) in [
        (format!("/users/{ORG}/-1"), "error.command.malformed"),
        (format!("/users/{ORG}/one"), "error.command.malformed"),
        (format!("/users/{ORG}/0?directOnly=perhaps"), "error.command.boolean_expected"),
        (format!("/users/{ORG}/0/Design?status=gone"), "error.command.malformed"),
        (format!("/users/{ORG}/0/{}", "x".repeat(256)), "error.group.invalid_name"),
        ("/users/nobody/0".to_owned(), "error.organization.invalid_id"),
    ] {
        let rejected = rig.get(&path).await.expect(400).json();
        assert_eq!(rejected["result"], code, "{path}: {rejected}");
    }
    let rejected = rig.post(&format!("/{ORG}/user-groups"), &json!({"title": "X"})).await.expect(400).json();
    assert_eq!(rejected["errorCode"], "error.command.malformed");
    assert!(rejected["errorMessage"].as_str().unwrap().contains("name"));
    let untyped = rig.request(Method::POST, &format!("/action/{ORG}")).body("[]").send().await.unwrap();
    assert!(Reply::of(untyped).await.expect(400).text.contains("Content-Type"));
}

#[tokio::test]
async fn loose_mode_accepts_what_is_understandable() {
    let rig = Rig::of(Emulator::builder().loose()).await;
    rig.get(&format!("/users/{ORG}/0?directOnly=perhaps")).await.expect(200);
    rig.get(&format!("/users/{ORG}/0/R%26D%20/%20Labs%20(100%20%25)")).await.expect(200);
    let body = r#"[{"user":"jdoe@example.com","do":[{"add":{"group":["Sales"]}}]}]"#;
    let untyped = rig.request(Method::POST, &format!("/action/{ORG}")).body(body).send().await.unwrap();
    Reply::of(untyped).await.expect(200);
    let rejected = rig.post(&format!("/{ORG}/user-groups"), &json!({"title": "X"})).await.expect(400).json();
    assert!(rejected["errorCode"].as_str().unwrap().starts_with("error."), "the engine has the last word: {rejected}");
}

#[tokio::test]
async fn shapes_of_real_requests_are_taken_strictly_or_loosely() {
    let [strict, loose] = [Rig::new().await, Rig::of(Emulator::builder().loose()).await];
    for (path, strictly, loosely) in [
        // Paths with a slash at the end.
        (format!("/{ORG}/products/"), 200, 200),
        (format!("/{ORG}/users/"), 200, 200),
        (format!("/users/{ORG}/0/Design/"), 200, 200),
        // Without the name of its group, a list of members must not become the list of all users.
        (format!("/users/{ORG}/0/"), 404, 404),
        // A parameter without a value.
        (format!("/{ORG}/users?page="), 400, 200),
        (format!("/{ORG}/user-groups?page=&x"), 400, 200),
        (format!("/users/{ORG}/0?domain="), 400, 200),
        // A slash in the name of a group.
        (format!("/users/{ORG}/0/R%26D%20%2F%20Labs%20(100%20%25)"), 200, 200),
        (format!("/users/{ORG}/0/R%26D%20/%20Labs%20(100%20%25)"), 404, 200),
        (format!("/users/{ORG}/0/R%26D%20/%20Labs%20(100%20%25)/"), 404, 200),
    ] {
        assert_eq!(strict.get(&path).await.status.as_u16(), strictly, "strict: {path}");
        assert_eq!(loose.get(&path).await.status.as_u16(), loosely, "loose: {path}");
    }
}

#[tokio::test]
async fn the_status_of_the_host_needs_no_login() {
    let rig = Rig::new().await;
    let origin = rig.um.strip_suffix("/v2/usermanagement").unwrap();
    let status = Reply::of(rig.http.get(format!("{origin}/status")).send().await.unwrap()).await.expect(200).json();
    assert_eq!(status["state"], "LIVE");
    assert!(status["build"].is_string() && status["version"].is_string(), "{status}");
    assert_eq!(rig.emulator.journal().last().unwrap().path, "/status");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_rejected() {
    let rig = Rig::new().await;
    rig.get("/nothing").await.expect(404);
    let wrong = rig.request(Method::DELETE, &format!("/users/{ORG}/0")).send().await.unwrap();
    let wrong = Reply::of(wrong).await.expect(405);
    assert_eq!(wrong.header("allow"), "GET");
}
