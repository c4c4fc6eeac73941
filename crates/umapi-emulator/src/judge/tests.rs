//! Tests of the comparison with recordings of honest and of odd services.

use std::time::Duration;

use umapi_recording::{Exchange as Observed, Recorder};

use super::*;

const BASE: &str = "https://um.example/v2/usermanagement";
const USERS: &str = r#"{"lastPage":true,"result":"success","users":[
    {"id":"1@AdobeID","email":"ann@corp.com","username":"ann@corp.com","domain":"corp.com","firstname":"Ann","lastname":"Lee","country":"US","status":"active","type":"federatedID","groups":["Design"]},
    {"id":"2@AdobeID","email":"bob@corp.com","username":"bob@corp.com","domain":"corp.com","firstname":"Bob","lastname":"Ray","country":"US","status":"active","type":"federatedID"}]}"#;
const GROUPS: &str = r#"{"lastPage":true,"result":"success","groups":[
    {"groupId":7,"groupName":"Design","type":"USER_GROUP","memberCount":1},
    {"groupId":9,"groupName":"Default Photoshop","type":"PRODUCT_PROFILE","productName":"Photoshop","licenseQuota":"UNLIMITED","memberCount":0}]}"#;

/// A recording that grows.
struct Service {
    recorder: Recorder,
    folder: tempfile::TempDir,
    seconds: u64,
}

impl Service {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { recorder: Recorder::create(folder.path().join("r.jsonl")).unwrap(), folder, seconds: 0 }
    }

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        request: &str,
        status: u16,
        headers: &[(&str, &str)],
        response: &str,
    ) -> &mut Self {
        self.seconds += 1;
        let started = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + self.seconds);
        let sent = Self::headers(&[
            ("x-request-id", "7f3c1d0a-1"),
            ("content-type", "application/json"),
            ("x-api-key", "key"),
        ]);
        let mut received = Self::headers(&[("x-request-id", "7f3c1d0a-1"), ("content-type", "application/json")]);
        received.extend(Self::headers(headers));
        self.recorder.record(
            &Observed::new(method, format!("{BASE}{path}"))
                .with_request(sent, request)
                .with_time(started, Duration::from_millis(5))
                .with_response(status, received, response),
        );
        self
    }

    fn get(&mut self, path: &str, body: &str) -> &mut Self {
        self.exchange("GET", path, "", 200, &[], body)
    }

    fn act(&mut self, commands: &str, body: &str) -> &mut Self {
        self.exchange("POST", "/action/1A@AdobeOrg", commands, 200, &[], body)
    }

    fn compare(&self) -> Comparison {
        compare(&Recording::open(self.folder.path().join("r.jsonl")).unwrap()).unwrap()
    }
}

fn result(comparison: &Comparison, claim: Claim) -> (u64, u64) {
    let found = comparison.claims.iter().find(|result| result.claim == claim.text());
    found.map_or((0, 0), |result| (result.agreed, result.contradicted))
}

fn contradictions(comparison: &Comparison) -> Vec<String> {
    let all = comparison.claims.iter().flat_map(|claim| &claim.contradictions);
    all.map(|one| format!("{}: {}", one.line, one.text)).collect()
}

#[test]
fn a_service_that_keeps_the_rules_agrees() {
    let mut service = Service::new();
    let paging = [("x-total-count", "3"), ("x-page-count", "1"), ("x-current-page", "0"), ("x-page-size", "3")];
    service
        .exchange("GET", "/users/1A@AdobeOrg/0", "", 200, &paging, USERS)
        .get("/groups/1A@AdobeOrg/0/", GROUPS)
        .act(
            r#"[{"user":"ann@corp.com","do":[{"add":{"group":["Default Photoshop"]}}]},{"user":"nobody@corp.com","requestID":"r","do":[{"add":{"group":["Design"]}},{"remove":{"group":["Design"]}}]}]"#,
            r#"{"completed":1,"notCompleted":1,"completedInTestMode":0,"result":"partial","errors":[
                {"index":1,"step":0,"message":"User Id does not exist: nobody@corp.com","errorCode":"error.user.nonexistent","requestID":"r","user":"nobody@corp.com"},
                {"index":1,"step":1,"message":"User Id does not exist: nobody@corp.com","errorCode":"error.user.nonexistent","requestID":"r","user":"nobody@corp.com"}]}"#,
        )
        .exchange("GET", "/organizations/1A@AdobeOrg/users/nobody@corp.com", "", 404, &[], r#"{"result":"error.user.not_found","message":"User not found nobody@corp.com"}"#);
    let comparison = service.compare();
    assert_eq!(contradictions(&comparison), Vec::<String>::new(), "{comparison}");
    for claim in [
        Claim::Description,
        Claim::RequestIdEchoed,
        Claim::PageSize,
        Claim::TotalCount,
        Claim::OrderOfLists,
        Claim::Quota,
        Claim::CountsOfCommands,
        Claim::LaterSteps,
        Claim::FinalSlash,
        Claim::Messages,
        Claim::Behavior,
        Claim::ListedUsersAreActive,
    ] {
        assert!(result(&comparison, claim).0 > 0, "{claim:?}\n{comparison}");
    }
    assert!(comparison.news.is_empty(), "{comparison}");
    let shown = comparison.to_string();
    assert!(
        shown.contains("U2: `X-Page-Size` is the number of entries") && shown.contains("Contradictions:\n  none"),
        "{shown}"
    );
}

#[test]
fn each_lie_of_a_service_is_named_with_its_line() {
    let mut service = Service::new();
    let paging = [("x-total-count", "1"), ("x-page-count", "1"), ("x-current-page", "0"), ("x-page-size", "2")];
    let unordered = r#"{"lastPage":false,"result":"success","users":[{"email":"bob@corp.com","status":"disabled"},{"email":"ann@corp.com","seats":7000}]}"#;
    service
        .exchange("GET", "/users/1A@AdobeOrg/0", "", 200, &paging, unordered)
        .act(
            r#"[{"user":"ann@corp.com","do":[{"add":{"group":["Design"]}}]},{"user":"bob@corp.com","do":[{"add":{"group":["Design"]}}]}]"#,
            r#"{"completed":2,"notCompleted":1,"completedInTestMode":1,"result":"partial","errors":[{"errorCode":"error.user.not_found","message":"No such person","index":0}]}"#,
        )
        .exchange("GET", "/groups/1A@AdobeOrg/0", "", 429, &[], r#"{"error_code":"429050","message":"Too many requests"}"#)
        .exchange("GET", "/groups/1A@AdobeOrg/0", "", 403, &[("x-request-id-2", "x")], r#"{"error_code":"403999","message":"No"}"#)
        .exchange("GET", "/groups/1A@AdobeOrg/0", "", 200, &[], r#"{"lastPage":"yes","result":"success"}"#)
        .exchange("GET", "/planted/1A@AdobeOrg", "", 404, &[], r#"{"error_code":"404001","message":"No"}"#)
        .exchange("POST", "/action/1A@AdobeOrg", "[]", 200, &[], r#"{"result":"success","completed":0,"notCompleted":0,"completedInTestMode":0}"#);
    let comparison = service.compare();
    for claim in [
        Claim::TotalCount,
        Claim::PageSize,
        Claim::LastPage,
        Claim::OrderOfLists,
        Claim::ListedUsersAreActive,
        Claim::CountsOfCommands,
        Claim::TestModeChangesNothing,
        Claim::Messages,
        Claim::FieldsOfErrors,
        Claim::RetryAfter,
        Claim::MinuteLimit,
        Claim::Refusals,
        Claim::Description,
        Claim::UnknownPath,
        Claim::Strictness,
    ] {
        assert!(result(&comparison, claim).1 > 0, "{claim:?}\n{comparison}");
    }
    let lines: Vec<usize> =
        comparison.claims.iter().flat_map(|claim| &claim.contradictions).map(|one| one.line).collect();
    assert!(lines.iter().all(|line| (2..=8).contains(line)), "{lines:?}");
    let news: Vec<&str> = comparison.news.iter().map(|item| item.text.as_str()).collect();
    assert!(news.contains(&"the field `seats`") && news.contains(&"the code `403999`"), "{news:?}");
    assert!(comparison.has_contradictions());
}

#[test]
fn another_result_than_the_emulator_gives_is_a_contradiction() {
    let mut service = Service::new();
    service
        .get("/users/1A@AdobeOrg/0", USERS)
        .get("/groups/1A@AdobeOrg/0", GROUPS)
        .act(
            r#"[{"user":"ann@corp.com","do":[{"add":{"group":["No such group"]}}]}]"#,
            r#"{"completed":1,"notCompleted":0,"completedInTestMode":0,"result":"success"}"#,
        )
        .exchange(
            "GET",
            "/organizations/1A@AdobeOrg/users/bob@corp.com",
            "",
            404,
            &[],
            r#"{"result":"error.user.not_found","message":"User not found bob@corp.com"}"#,
        );
    let comparison = service.compare();
    assert_eq!(result(&comparison, Claim::Behavior), (0, 2), "{comparison}");
    let text = contradictions(&comparison).join("\n");
    assert!(
        text.contains("4: executeActions: only the service reports nothing, only the emulator error.group.not_found"),
        "{text}"
    );
    assert!(text.contains("5: getUser: status 404 (error.user.not_found), and 200"), "{text}");
}

#[test]
fn without_complete_lists_no_results_are_compared() {
    let mut service = Service::new();
    service.get("/groups/1A@AdobeOrg/0", GROUPS).act(
        r#"[{"user":"ann@corp.com","do":[{"add":{"group":["Design"]}}]}]"#,
        r#"{"completed":1,"notCompleted":0,"completedInTestMode":0,"result":"success"}"#,
    );
    let comparison = service.compare();
    assert_eq!(result(&comparison, Claim::Behavior), (0, 0));
    assert!(comparison.notes.iter().any(|note| note.contains("no complete lists")), "{comparison}");
}

#[test]
fn limits_are_counted_over_all_exchanges() {
    let mut service = Service::new();
    let success = r#"{"completed":1,"notCompleted":0,"completedInTestMode":0,"result":"success"}"#;
    let command = r#"[{"user":"ann@corp.com","do":[{"removeFromOrg":{}}]}]"#;
    for _ in 0..10 {
        service.act(command, success);
    }
    let too_many = r#"{"error_code":"429050","message":"Too many requests"}"#;
    service.exchange("POST", "/action/1A@AdobeOrg", command, 429, &[("retry-after", "38")], too_many);
    let comparison = service.compare();
    assert_eq!(result(&comparison, Claim::MinuteLimit), (2, 0), "{comparison}");
    service.act(command, success);
    assert_eq!(result(&service.compare(), Claim::MinuteLimit).1, 1, "an eleventh call in the minute");
}

#[test]
fn first_pages_are_read_once_in_two_hours() {
    let mut service = Service::new();
    let too_many = r#"{"error_code":"429050","message":"Too many requests"}"#;
    service
        .get("/groups/1A@AdobeOrg/0", GROUPS)
        .exchange("GET", "/groups/1A@AdobeOrg/0", "", 429, &[("retry-after", "2400")], too_many)
        .exchange("GET", "/users/1A@AdobeOrg/0", "", 429, &[("retry-after", "2399")], too_many);
    let comparison = service.compare();
    assert_eq!(
        (result(&comparison, Claim::FirstPages), result(&comparison, Claim::Block)),
        ((1, 0), (1, 0)),
        "{comparison}"
    );
    service.get("/users/1A@AdobeOrg/0", USERS);
    assert_eq!(result(&service.compare(), Claim::Block), (1, 1));

    let mut lenient = Service::new();
    lenient.get("/groups/1A@AdobeOrg/0", GROUPS).get("/groups/1A@AdobeOrg/0", GROUPS);
    assert_eq!(result(&lenient.compare(), Claim::FirstPages), (0, 1));
}

#[test]
fn numbers_of_any_size_are_compared() {
    // The recorder replaces larger numbers; a person who edits a recording does not.
    const SEEN: &str = "7654321";
    let paging = [("x-total-count", SEEN), ("x-page-count", SEEN), ("x-current-page", SEEN), ("x-page-size", SEEN)];
    let counts = format!(
        r#"{{"completed":{SEEN},"notCompleted":{SEEN},"completedInTestMode":1,"result":"partial","errors":[{{"index":{SEEN},"step":{SEEN},"errorCode":"error.user.nonexistent"}}]}}"#
    );
    let too_many = r#"{"error_code":"429050","message":"Too many requests"}"#;
    let mut service = Service::new();
    service
        .get("/users/1A@AdobeOrg/0", USERS)
        .get("/groups/1A@AdobeOrg/0", GROUPS)
        .exchange("GET", &format!("/users/1A@AdobeOrg/{SEEN}"), "", 200, &paging, USERS)
        .act(r#"[{"user":"ann@corp.com","do":[{"add":{"group":["Design"]}}]}]"#, &counts)
        .exchange("GET", "/groups/1A@AdobeOrg/0", "", 429, &[("retry-after", SEEN)], too_many)
        .exchange("GET", "/users/1A@AdobeOrg/0", "", 429, &[("retry-after", SEEN)], too_many);
    let text = std::fs::read_to_string(service.folder.path().join("r.jsonl")).unwrap();
    assert!(text.matches(SEEN).count() >= 10, "{text}");
    let text = text.replace(SEEN, &u64::MAX.to_string());
    let comparison = compare(&Recording::from_text(text).unwrap()).unwrap();
    assert_eq!(result(&comparison, Claim::CountsOfCommands).1, 1, "{comparison}");
    assert_eq!(result(&comparison, Claim::Block), (1, 0), "{comparison}");
}

#[test]
fn a_list_of_groups_says_nothing_about_the_count_of_users() {
    let paging = [("x-total-count", "2"), ("x-page-count", "1"), ("x-current-page", "0"), ("x-page-size", "2")];
    let mut service = Service::new();
    service.exchange("GET", "/groups/1A@AdobeOrg/0", "", 200, &paging, GROUPS);
    assert_eq!(result(&service.compare(), Claim::TotalCount), (0, 0));
}

#[test]
fn what_a_recording_says_cannot_control_a_terminal() {
    let recording = "{\"_umapi\":{\"recording\":1}}\n\
        {\"startedDateTime\":\"2000-01-01T00:00:00.000Z\",\"time\":1,\"request\":{\"method\":\"GET\",\"url\":\"\"},\
        \"response\":{\"status\":200,\"headers\":[{\"name\":\"\\u001b[2Jx\\ny\\u202e\",\"value\":\"\"}]}}\n";
    let comparison = compare(&Recording::from_text(recording).unwrap()).unwrap();
    let shown = comparison.to_string();
    assert!(shown.contains("the header `\\u{1b}[2Jx\\u{a}y\\u{202e}` (1 time)"), "{shown}");
    assert!(shown.starts_with("1 exchange\n") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn an_empty_recording_proves_nothing_and_says_so() {
    let comparison = compare(&Recording::from_text("{\"_umapi\":{\"recording\":1}}\n").unwrap()).unwrap();
    assert!(comparison.to_string().contains("no exchanges: nothing was compared"), "{comparison}");
}
