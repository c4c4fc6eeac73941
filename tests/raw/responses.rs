//! Responses with headers, without bodies, and in formats that the description does not list.

use umapi_raw::{
    Client, Error, Ims, UserManagement,
    mock::{ImsMockExt, UserManagementMockExt},
    model::{Command, ErrorBody, Group, GroupPage, Secret, UserCommand, UserMemberships, UserStep, ims},
};

use crate::recorder::{Recorder, response};

const ORGANIZATION: &str = "12345@AdobeOrg";

#[tokio::test]
async fn headers_are_reachable() {
    let headers = "content-type: application/json\r\nX-Total-Count: 81\r\nX-Request-Id: r1\r\nX-Request-Id: r1\r\n";
    let server =
        Recorder::start(vec![response("200 OK", headers, r#"{"lastPage":true,"result":"success","users":[]}"#)]).await;
    let client = Client::<UserManagement>::new(&server.url, reqwest::Client::new());
    let page = client.list_users(ORGANIZATION, 0, Some(false), Some("example.com"), Some("mine")).await.unwrap();
    assert_eq!(page.headers()["x-total-count"], "81");
    assert_eq!(page.headers()["x-request-id"], "r1");
    let request = server.received()[0].to_lowercase();
    assert!(
        request.starts_with("get /users/12345@adobeorg/0?directonly=false&domain=example.com http/1.1"),
        "{request}"
    );
    assert!(request.contains("x-request-id: mine"), "{request}");
    assert!(!request.contains("api-version"), "{request}");
}

#[tokio::test]
async fn empty_and_foreign_errors_keep_status_and_headers() {
    let failures = [
        ("401 Unauthorized", "www-authenticate: Bearer realm=\"JIL\"\r\n", ""),
        ("403 Forbidden", "", ""),
        ("429 Too Many Requests", "retry-after: 3600\r\n", r#"{"error_code":"429050","message":"Too many requests"}"#),
        ("502 Bad Gateway", "content-type: text/html\r\n", "<html>Bad Gateway</html>"),
    ];
    let responses = failures.iter().map(|(status, headers, body)| response(status, headers, body)).collect();
    let server = Recorder::start(responses).await;
    let client = Client::<UserManagement>::new(&server.url, reqwest::Client::new());
    for (status, _, body) in failures {
        let Err(Error::UnexpectedResponse(response)) = client.list_groups(ORGANIZATION, 0, None).await else {
            panic!("{status} is an error with its response")
        };
        assert!(status.starts_with(response.status().as_str()));
        if status.starts_with("429") {
            assert_eq!(response.headers()["retry-after"], "3600");
        }
        let text = response.text().await.unwrap();
        assert_eq!(text, body);
        assert_eq!(serde_json::from_str::<ErrorBody>(&text).is_ok(), status.starts_with("429"));
    }
}

#[tokio::test]
async fn typed_mocks_match_the_sent_requests() {
    let server = umapi_raw::mock::httpmock::MockServer::start_async().await;
    let client = Client::<UserManagement>::new(&server.base_url(), reqwest::Client::new());
    let commands = vec![Command::from(UserCommand::new(
        "jdoe@example.com",
        [UserStep::Add(UserMemberships::default().with_group(["Design"]))],
    ))];
    let action = server.execute_actions(|when, then| {
        when.org_id(ORGANIZATION).test_only(true).body(&commands);
        then.ok(&serde_json::from_str(r#"{"result":"success","completedInTestMode":1}"#).unwrap());
    });
    let response = client.execute_actions(ORGANIZATION, Some(true), None, &commands).await.unwrap();
    assert_eq!(response.completed_in_test_mode, 1);
    action.assert();

    let groups = server.list_groups(|when, then| {
        when.org_id(ORGANIZATION).page(3);
        then.ok(&GroupPage::new(true, "success").with_groups([Group::new("R&D / 50 %")]));
    });
    let page = client.list_groups(ORGANIZATION, 3, None).await.unwrap();
    assert_eq!(page.groups[0].group_name, "R&D / 50 %");
    assert!(client.list_groups(ORGANIZATION, 4, None).await.is_err(), "another page is another request");
    groups.assert();
}

#[tokio::test]
async fn a_login_is_sent_as_a_form() {
    let server = umapi_raw::mock::httpmock::MockServer::start_async().await;
    let client = Client::<Ims>::new(&server.base_url(), reqwest::Client::new());
    let request = ims::TokenRequest::new(
        ims::GrantType::ClientCredentials,
        "id",
        Secret::from("planted&hidden"),
        "openid,AdobeID,user_management_sdk",
    );
    let login = server.request_token(|when, then| {
        when.body(&request);
        then.ok(&ims::TokenResponse::new(Secret::from("ey…"), 86_399));
    });
    let token = client.request_token(&request).await.unwrap();
    assert_eq!((token.access_token.reveal(), token.expires_in), ("ey…", 86_399));
    assert!(!format!("{token:?} {request:?}").contains("hidden"), "a secret is printed");
    login.assert();
}
