//! Recorded responses in place of the emulator's own.

use serde_json::json;
use umapi_emulator::{
    Emulator,
    recording::{Exchange, Outcome, Recorder, Recording, Replay},
};

use crate::rig::Rig;

const BASE: &str = "https://um.example/v2/usermanagement";

/// A recording of these exchanges.
fn recording(exchanges: &[Exchange]) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let recorder = Recorder::create(&path).unwrap();
    exchanges.iter().for_each(|exchange| recorder.record(exchange));
    recorder.finish().unwrap();
    Recording::from_text(std::fs::read(path).unwrap()).unwrap()
}

fn json_type() -> Vec<(String, String)> {
    vec![("content-type".to_owned(), "application/json".to_owned()), ("x-total-count".to_owned(), "81".to_owned())]
}

/// The path and the query of a recorded request, below the base URL.
fn target(recording: &Recording, index: usize) -> String {
    let url = recording.entry(index).unwrap().request.url;
    url.split_once("/v2/usermanagement").unwrap().1.to_owned()
}

#[tokio::test]
async fn recorded_responses_are_sent_in_order() {
    let get = |status: u16, body: &str| {
        Exchange::new("GET", format!("{BASE}/organizations/1A2B@AdobeOrg/users/jdoe@corp.com")).with_response(
            status,
            json_type(),
            body,
        )
    };
    let missing = json!({"result": "error.user.not_found", "message": "User not found jdoe@corp.com"});
    let found = json!({"result": "success", "user": {"email": "jdoe@corp.com", "status": "active"}});
    let recording = recording(&[get(404, &missing.to_string()), get(200, &found.to_string())]);
    let path = target(&recording, 0);
    let organization = recording.organization().unwrap();
    let rig = Rig::of(Emulator::builder().replay(Replay::new(recording).unwrap())).await;
    assert_eq!(rig.emulator.org_id(), organization, "a client logs in for the recorded organization");
    rig.get(&path).await.expect(404);
    let reply = rig.get(&path).await.expect(200);
    assert_eq!(reply.header("x-total-count"), "81");
    assert_eq!(reply.json()["user"]["status"], "active");
    let reply = rig.get(&path).await.expect(400);
    assert_eq!(reply.json()["result"], "emulator.replay.no_match");
    assert!(reply.json()["message"].as_str().unwrap().contains("recorded 2 times"), "{}", reply.text);
    let reply = rig.get(&path.replace("user-", "other-")).await.expect(400);
    assert!(reply.text.contains("line 2") && reply.text.contains("userString"), "{}", reply.text);
}

#[tokio::test]
async fn broken_exchanges_break_the_connection() {
    let exchange =
        |page: u32, outcome| Exchange::new("GET", format!("{BASE}/groups/1A@AdobeOrg/{page}")).with_outcome(outcome);
    let cut_off =
        exchange(1, Outcome::CutOff).with_response(200, json_type(), r#"{"lastPage":true,"groups":[{"groupN"#);
    let recording = recording(&[exchange(0, Outcome::TimedOut), cut_off]);
    let paths = [target(&recording, 0), target(&recording, 1)];
    let rig = Rig::of(Emulator::builder().replay(Replay::new(recording).unwrap())).await;
    assert!(rig.request(reqwest::Method::GET, &paths[0]).send().await.is_err());
    let response = rig.request(reqwest::Method::GET, &paths[1]).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err(), "the body ends early");
}
