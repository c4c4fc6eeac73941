//! Names with special characters in a path.

use percent_encoding::percent_decode_str;
use umapi_raw::{Client, Error, UserManagement};

use crate::recorder::{Recorder, response};

const NAMES: [&str; 14] = [
    "Document Cloud 1",
    "R&D",
    "Design/Layout",
    "C++",
    "50 %",
    "100%25",
    "why?",
    "#1",
    "back\\slash",
    "...",
    "a;b=c,d!$'()*",
    "Größe — Ελλάδα — 東京",
    "👩‍🎨 artists",
    "\"<quoted>\"",
];

#[tokio::test]
async fn the_server_receives_the_exact_name() {
    let page =
        response("200 OK", "content-type: application/json\r\n", r#"{"lastPage":true,"result":"success","users":[]}"#);
    let server = Recorder::start(vec![page]).await;
    let client = Client::<UserManagement>::new(&server.url, reqwest::Client::new());
    for (number, name) in NAMES.iter().enumerate() {
        client.list_users_in_group("12345@AdobeOrg", 7, name, None, None, None, None).await.unwrap();
        let request = server.received()[number].clone();
        let target = request.split(' ').nth(1).unwrap().to_owned();
        let segments: Vec<&str> = target.split('/').collect();
        assert_eq!(segments[..4], ["", "users", "12345@AdobeOrg", "7"], "{target}");
        assert_eq!(segments.len(), 5, "the name became more than one segment: {target}");
        assert!(!segments[4].contains(['?', '#', '&', '+', '\\']), "{target}");
        assert_eq!(percent_decode_str(segments[4]).decode_utf8().unwrap(), *name);
    }
}

#[tokio::test]
async fn names_that_would_reach_another_endpoint_are_not_sent() {
    let server = Recorder::start(vec![response("200 OK", "", "{}")]).await;
    let client = Client::<UserManagement>::new(&server.url, reqwest::Client::new());
    for name in ["", ".", ".."] {
        let error = client.list_users_in_group("12345@AdobeOrg", 0, name, None, None, None, None).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest(text) if text.contains("`group_name`")));
    }
    assert!(server.received().is_empty());
}
