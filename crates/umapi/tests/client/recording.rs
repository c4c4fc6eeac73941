//! Recordings of what a client sends and receives.

use std::time::Duration;

use umapi::{
    Client, Recorder, RetryPolicy, StandardRetry,
    auth::{Credentials, Endpoint, OAuthServerToServer},
    time::ManualClock,
};

use crate::service::{Reply, Service};

const ANN: &str = r#"{"result":"success","user":{"email":"ann@corp.com","firstname":"Ann","status":"active"}}"#;

/// A recorder, and the lines that it writes.
struct Recorded {
    recorder: Recorder,
    folder: tempfile::TempDir,
}

impl Recorded {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { recorder: Recorder::create(folder.path().join("r.jsonl")).unwrap(), folder }
    }

    fn text(&self) -> String {
        self.recorder.finish().unwrap();
        std::fs::read_to_string(self.folder.path().join("r.jsonl")).unwrap()
    }

    /// The entries, without the first line.
    fn entries(&self) -> Vec<serde_json::Value> {
        self.text().lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn once() -> impl RetryPolicy {
    StandardRetry::NEVER
}

#[tokio::test]
async fn every_attempt_is_recorded_without_names() {
    let service = Service::scripted([
        Reply::of(503, &[("retry-after", "1")], "<html>Blocked for ann by proxy.corp.com</html>"),
        Reply::json(ANN),
    ])
    .await;
    let recorded = Recorded::new();
    let client = service.builder().recorder(recorded.recorder.clone()).build().unwrap();
    assert!(client.users().get("ann@corp.com").await.unwrap().is_some());
    let text = recorded.text().to_lowercase();
    for planted in ["ann", "corp", "token-1", "key-1", "1f@adobeorg", "127.0.0.1"] {
        assert!(!text.contains(planted), "{planted} is in {text}");
    }
    let entries = recorded.entries();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["response"]["status"], 503);
    assert_eq!(entries[0]["_umapi"]["omitted"], "web_page");
    assert_eq!(entries[1]["_umapi"]["operation"], "getUser");
    let body = entries[1]["response"]["content"]["text"].as_str().unwrap();
    assert!(body.contains(r#""status":"active""#), "{body}");
}

#[tokio::test]
async fn broken_exchanges_are_recorded_as_what_they_are() {
    for (reply, outcome, status) in [
        (Reply::json(ANN).truncated(), "cut_off", 200),
        (Reply::HangUp, "broken", 0),
        (Reply::Silence, "timed_out", 0),
        (Reply::Endless(200), "too_large", 200),
    ] {
        // The clock passes the time of a silent service, and stands still for a response that takes real time.
        let manual = match &reply {
            Reply::Silence => ManualClock::new().auto_advance(Duration::from_millis(5)),
            _ => ManualClock::new(),
        };
        let service = Service::on(manual, move |_| reply.clone()).await;
        let recorded = Recorded::new();
        let builder = service.builder().retry(once()).attempt_timeout(Duration::from_secs(3600));
        let client = builder.recorder(recorded.recorder.clone()).build().unwrap();
        client.users().get("ann@corp.com").await.unwrap_err();
        let entries = recorded.entries();
        assert_eq!(entries.len(), 1, "{outcome}");
        assert_eq!(
            (&entries[0]["_umapi"]["outcome"], &entries[0]["response"]["status"]),
            (&outcome.into(), &status.into())
        );
    }
}

#[tokio::test]
async fn the_login_is_recorded_without_secrets() {
    let token = r#"{"access_token":"planted-token","token_type":"bearer","expires_in":86399}"#;
    let service = Service::scripted([Reply::json(token), Reply::json(ANN)]).await;
    let recorded = Recorded::new();
    let login = OAuthServerToServer::new("planted-client", "planted-secret").unwrap();
    let credentials = Credentials::from(login).with_endpoint(Endpoint::parse(&service.url).unwrap());
    let builder = Client::builder("1F@AdobeOrg").base_url(&service.url).clock(service.clock()).credentials(credentials);
    let client = builder.recorder(recorded.recorder.clone()).build().unwrap();
    client.users().get("ann@corp.com").await.unwrap();
    let text = recorded.text();
    assert!(!text.contains("planted"), "{text}");
    let entries = recorded.entries();
    assert_eq!(entries[0]["_umapi"]["operation"], "requestToken");
    let fields = entries[0]["request"]["postData"]["params"].as_array().unwrap();
    let secret = fields.iter().find(|field| field["name"] == "client_secret").unwrap();
    assert_eq!(secret["value"], "[secret]");
    assert!(text.contains("86399"));
}

#[tokio::test]
async fn a_full_disk_does_not_stop_the_client() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let service = Service::scripted([Reply::json(ANN)]).await;
    let recorder = Recorder::to_writer(Full(100)).unwrap();
    let client = service.builder().recorder(recorder.clone()).build().unwrap();
    for _ in 0..3 {
        assert!(client.users().get("ann@corp.com").await.unwrap().is_some());
    }
    assert!(recorder.finish().unwrap_err().to_string().contains("ends after 0 exchanges"));
}
