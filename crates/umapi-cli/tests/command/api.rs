//! `umapi api`.

use umapi_emulator::{FaultEffect, FaultResponse, FaultRule, Operation};

use crate::stage::{Stage, text};

#[test]
fn any_described_request_can_be_sent() {
    let stage = Stage::new();
    let users = stage.umapi(["api", "GET", "/users/{org}/0", "--query", "domain=enterprise.example"]).done().json();
    assert_eq!(users["users"].as_array().unwrap().len(), 2);
    let included = stage.umapi(["api", "get", "/groups/{org}/0", "--include"]).done();
    assert!(
        included.out.starts_with("200\n") && included.out.to_lowercase().contains("\nx-total-count: "),
        "{}",
        included.out
    );
    let body = stage.file("commands.json", r#"[{"user":"jane@example.com","do":[{"add":{"group":["Design"]}}]}]"#);
    let answer =
        stage.umapi(["api", "POST", "/action/{org}", "--query", "testOnly=true", "--input", text(&body)]).done();
    assert_eq!(answer.json()["completedInTestMode"], 1);
}

#[test]
fn web_page_with_success_is_not_a_success() {
    let stage = Stage::new();
    let on = |operation, status| {
        let rule = FaultRule::on(operation, FaultEffect::from(FaultResponse::html(status)));
        stage.emulator.faults().add(rule).unwrap();
    };
    on(Operation::ExecuteActions, 200);
    on(Operation::ListGroups, 200);
    on(Operation::GetUser, 407);
    let sent = stage.umapi_with(["api", "POST", "/action/{org}", "--input", "-"], "[]").with_code(5);
    assert!(sent.out.contains('<') && sent.err.contains("may have been made"), "{} {}", sent.out, sent.err);
    let read = stage.umapi(["api", "GET", "/groups/{org}/0"]).with_code(5).saying("a web page came in place");
    assert!(!read.err.contains("may have been made"), "{}", read.err);
    stage.umapi(["users", "get", "jane@example.com"]).with_code(1).saying("the proxy requires a user name");
}

#[test]
fn rejection_is_written_as_received() {
    let stage = Stage::new();
    let refused = stage.umapi(["api", "GET", "/organizations/{org}/users/zoe@example.com"]).with_code(1);
    assert_eq!(refused.json()["result"], "error.user.not_found");
    stage.umapi(["api", "PATCH", "/users/{org}/0"]).with_code(2).saying("no operation");
    stage.umapi(["api", "GET", "/users/{org}/0", "--query", "domain"]).with_code(2).saying("NAME=VALUE");
    let sent = stage.umapi_with(["api", "POST", "/action/{org}", "--input", "-"], "{}").with_code(1);
    assert_eq!(sent.json()["result"], "error.command.malformed");
}
