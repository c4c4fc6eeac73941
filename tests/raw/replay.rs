//! A mock server that answers with a recording.

use umapi_raw::{Client, Error, UserManagement, mock};
use umapi_recording::{Exchange, Outcome, Recorder, Recording, Replay};

const BASE: &str = "https://um.example/v2/usermanagement";

#[tokio::test]
async fn mocks_send_recorded_responses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let recorder = Recorder::create(&path).unwrap();
    let group = r#"{"lastPage":true,"result":"success","groups":[{"groupName":"Design","memberCount":7}]}"#;
    let headers =
        vec![("content-type".to_owned(), "application/json".to_owned()), ("x-total-count".to_owned(), "1".to_owned())];
    let get = |page: u32| Exchange::new("GET", format!("{BASE}/groups/1A@AdobeOrg/{page}"));
    recorder.record(&get(0).with_response(200, headers, group));
    recorder.record(&get(1).with_outcome(Outcome::TimedOut));
    recorder.finish().unwrap();
    let recording = Recording::open(&path).unwrap();
    let organization = recording.organization().unwrap();

    let server = mock::httpmock::MockServer::start_async().await;
    let replay = mock::replay(&server, Replay::new(recording).unwrap());
    let client = Client::<UserManagement>::new(&server.base_url(), reqwest::Client::new());
    let page = client.list_groups(&organization, 0, None).await.unwrap();
    assert_eq!(page.headers()["x-total-count"], "1");
    assert_eq!(page.groups[0].member_count, Some(7));
    assert!(page.groups[0].group_name.starts_with("Group-"), "a pseudonym");
    for (page, status, expected) in [(1, 502, "TimedOut"), (2, 400, "page = `0` (sent: `2`)")] {
        let Err(Error::UnexpectedResponse(response)) = client.list_groups(&organization, page, None).await else {
            panic!("page {page} has no recorded response")
        };
        assert_eq!(response.status(), status);
        let text = response.text().await.unwrap();
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(replay.calls(), 3);
}
