//! Faults that concern the connection.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use umapi_emulator::{Emulator, FaultEffect, FaultResponse, FaultRule, LimitSettings, Operation};
use umapi_time::ManualClock;

use crate::rig::{ORG, Rig};

fn add_to_design() -> Value {
    json!([{"user": "nobody@example.com", "do": [{"add": {"group": ["Design"]}}]}])
}

async fn send(rig: &Rig) -> Result<reqwest::Response, reqwest::Error> {
    rig.request(Method::POST, &format!("/action/{ORG}")).json(&add_to_design()).send().await
}

/// The bytes of the response to a plain request for a page of users, and how the connection ended.
async fn raw(emulator: &Emulator) -> (Vec<u8>, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(emulator.addresses().http.unwrap()).await.unwrap();
    let request = format!(
        "GET /v2/usermanagement/users/{ORG}/0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         X-Api-Key: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        emulator.credentials().client_id,
        emulator.access_token().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    (bytes, end)
}

async fn plain() -> Emulator {
    Emulator::builder().limits(LimitSettings::off()).start().await.unwrap()
}

#[tokio::test]
async fn a_connection_is_reset_before_or_after_the_request_is_applied() {
    let rig = Rig::new().await;
    rig.emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::reset_before_applying()).times(1))
        .unwrap();
    assert!(send(&rig).await.is_err());
    assert!(rig.groups_of("nobody@example.com").await.is_empty());
    rig.emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::reset_after_applying()).times(1))
        .unwrap();
    assert!(send(&rig).await.is_err());
    assert_eq!(rig.groups_of("nobody@example.com").await, ["Design"]);
    let exchanges = rig.emulator.journal().of(Operation::ExecuteActions);
    assert!(exchanges.iter().all(|exchange| exchange.status.is_none()));
    assert_eq!(exchanges.iter().map(|exchange| exchange.effects.is_some()).collect::<Vec<_>>(), [false, true]);
    assert_eq!(send(&rig).await.unwrap().status().as_u16(), 200, "the rules are used up");
}

#[tokio::test]
async fn a_reset_is_not_a_normal_end() {
    let emulator = plain().await;
    emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultEffect::reset_after_applying())).unwrap();
    let (bytes, end) = raw(&emulator).await;
    assert!(bytes.is_empty());
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_body_is_cut_off_below_its_announced_length() {
    let emulator = plain().await;
    for bytes in [0, 10] {
        let rule = emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultEffect::cut_off(bytes))).unwrap();
        let (answer, _) = raw(&emulator).await;
        rule.remove();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.len(), bytes, "{answer}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert!(length.parse::<usize>().unwrap() > 1000, "{head}");
    }
}

#[tokio::test]
async fn a_response_drips_on_the_clock_of_the_emulator() {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(5));
    let emulator = Emulator::builder().clock(manual.clone()).limits(LimitSettings::off()).start().await.unwrap();
    emulator
        .faults()
        .add(FaultRule::on(Operation::ListUsers, FaultEffect::slow_response(100, Duration::from_secs(60))))
        .unwrap();
    let start = manual.clock().now();
    let (answer, end) = raw(&emulator).await;
    end.unwrap();
    let body = answer.len() - answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() - 4;
    let pauses = body.div_ceil(100) - 1;
    let passed = manual.clock().now() - start;
    assert_eq!(passed, Duration::from_secs(60) * u32::try_from(pauses).unwrap());
}

#[tokio::test]
async fn a_delay_passes_on_the_shared_clock() {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(5));
    let rig = Rig::of(Emulator::builder().clock(manual.clone())).await;
    rig.emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::delay(Duration::from_secs(600))).times(1))
        .unwrap();
    let start = manual.clock().now();
    send(&rig).await.unwrap();
    assert_eq!(manual.clock().now() - start, Duration::from_secs(600));
    assert_eq!(rig.emulator.journal().last().unwrap().took, Duration::from_secs(600));
    // A client that gives up during a delay gets no response, and nothing is applied.
    rig.emulator
        .faults()
        .add(FaultRule::on(Operation::ListUsers, FaultEffect::delay(Duration::from_secs(600))))
        .unwrap();
    let path = format!("/users/{ORG}/0");
    let given_up = manual.clock().timeout(Duration::from_secs(60), rig.request(Method::GET, &path).send()).await;
    assert!(given_up.is_err());
}

#[tokio::test]
async fn responses_are_replaced_and_altered() {
    let rig = Rig::new().await;
    let path = format!("/users/{ORG}/0");
    let faults = rig.emulator.faults();
    faults.add(FaultRule::on(Operation::ListUsers, FaultResponse::html(502)).times(1)).unwrap();
    let html = rig.get(&path).await.expect(502);
    assert!(html.text.contains("<html>") && html.header("content-type").starts_with("text/html"));
    faults.add(FaultRule::on(Operation::ListUsers, FaultEffect::invalid_json()).times(1)).unwrap();
    let spoiled = rig.get(&path).await.expect(200);
    assert!(serde_json::from_str::<Value>(&spoiled.text).is_err());
    faults.add(FaultRule::on(Operation::ListUsers, FaultEffect::expired_token()).times(1)).unwrap();
    rig.get(&path).await.expect(401);
    rig.emulator.assert_clean();
}

#[tokio::test]
async fn a_body_without_end_grows_until_the_client_leaves() {
    let emulator = plain().await;
    let endless = FaultResponse::text(200, r#"{"lastPage":true,"users":["#).endless(r#"{"email":"a@b.c"},"#);
    emulator.faults().add(FaultRule::on(Operation::ListUsers, endless)).unwrap();
    let request = reqwest::Client::new().get(format!("{}/users/{ORG}/0", emulator.um_url()));
    let request = request.bearer_auth(emulator.access_token().unwrap());
    let mut response = request.header("X-Api-Key", &emulator.credentials().client_id).send().await.unwrap();
    assert_eq!(response.headers().get("content-length"), None);
    let mut length = 0;
    let mut start = Vec::new();
    while length < 10 << 20 {
        let chunk = response.chunk().await.unwrap().unwrap();
        length += chunk.len();
        start.extend(chunk.iter().take(100 - start.len().min(100)));
    }
    assert!(start.starts_with(br#"{"lastPage":true,"users":[{"email":"a@b.c"},{"email""#));
}

#[tokio::test]
async fn a_patch_contradicts_what_was_done() {
    let rig = Rig::new().await;
    let patch = FaultEffect::patched_response(serde_json::json!({"completed": 0}));
    rig.emulator.faults().add(FaultRule::on(Operation::ExecuteActions, patch)).unwrap();
    let response = rig.act(&add_to_design()).await;
    assert_eq!((&response["result"], &response["completed"]), (&"success".into(), &0.into()));
    assert!(!rig.emulator.ledger().since(0).unwrap().is_empty());
}
