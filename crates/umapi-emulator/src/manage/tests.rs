//! Tests of the management API.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use umapi_time::ManualClock;

use super::*;
use crate::{
    contract::Api,
    engine::{self, ActionOptions},
    generated::management::CALLS,
    journal::HttpExchange,
    limits::CountedCall,
    testing::{Signer, app, request},
};

const ORG: &str = "/organizations/AA@AdobeOrg";

/// An emulator and its management port. When it is dropped, all responses must have matched the description.
struct Fixture {
    app: Arc<AppState>,
    clock: ManualClock,
}

impl Fixture {
    fn new() -> Self {
        let (app, clock) = app();
        Self { app, clock }
    }

    /// Handles a request as the management port does.
    fn handle(&self, request: crate::http::Request) -> crate::http::Response {
        let route = self.app.contract.route(&[Api::Management], &request.method, &request.path, false);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.app.handle_management(request, route)).0
    }

    fn send(&self, method: Method, target: &str, content_type: &str, body: String) -> (u16, HeaderMap, Value) {
        let request = request(method, target, &[("Content-Type", content_type)], body);
        let response = self.handle(request);
        let body = if response.body.is_empty() { Value::Null } else { serde_json::from_slice(&response.body).unwrap() };
        (response.status.as_u16(), response.headers, body)
    }

    fn call(&self, method: Method, target: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, body) = self.send(method, target, "application/json", body);
        (status, body)
    }

    fn get(&self, target: &str) -> Value {
        let (status, body) = self.call(Method::GET, target, Value::Null);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    /// The status and code of an error.
    fn rejected(&self, method: Method, target: &str, body: Value) -> (u16, String) {
        let (status, body) = self.call(method, target, body);
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    fn post(&self, target: &str, body: Value) -> Value {
        let (status, response) = self.call(Method::POST, target, body);
        assert!((200..300).contains(&status), "{target}: {status} {response}");
        response
    }

    fn patch(&self, target: &str, body: Value) -> Value {
        let (status, response) = self.call(Method::PATCH, target, body);
        assert_eq!(status, 200, "{target}: {response}");
        response
    }

    fn delete(&self, target: &str) {
        assert_eq!(self.call(Method::DELETE, target, Value::Null), (204, Value::Null), "{target}");
    }

    /// Runs one step of the service. Returns the code of its error.
    fn act(&self, request_id: &str, user: &str, step: &Value) -> Option<String> {
        let body = json!([{"user": user, "do": [step]}]).to_string();
        let options = ActionOptions::new(request_id, self.app.clock.millis());
        let response = engine::apply(&self.app.store, "AA@AdobeOrg", body.as_bytes(), &options).unwrap();
        response.errors.first().map(|error| error.error_code.clone())
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.app.contract.violations.all(), []);
        }
    }
}

#[test]
fn every_operation_is_implemented() {
    for (operation, _) in CALLS {
        let fixture = Fixture::new();
        let path = operation.path().replace("{orgId}", "AA@AdobeOrg");
        let path = path.replace(['{', '}'], "");
        let method: Method = operation.method().parse().unwrap();
        let (status, body) = fixture.call(method, &path, Value::Null);
        assert!(status < 500, "{}: {body}", operation.id());
    }
}

#[test]
fn a_web_page_is_rejected() {
    let fixture = Fixture::new();
    let page = [("Origin", "https://somewhere.example"), ("Content-Type", "text/plain")];
    let rejected = fixture.handle(request(Method::POST, "/reset", &page, String::new()));
    assert_eq!(rejected.status, StatusCode::FORBIDDEN);
    assert!(String::from_utf8_lossy(&rejected.body).contains("emulator.origin.refused"));
}

#[test]
fn requests_outside_the_description_are_refused_with_a_reason() {
    let fixture = Fixture::new();
    let rejected = |method, target: &str, body| fixture.rejected(method, target, body);
    assert_eq!(rejected(Method::GET, "/nowhere", Value::Null), (404, "emulator.path.unknown".into()));
    let (status, headers, _) = fixture.send(Method::PUT, "/health", "", String::new());
    assert_eq!((status, &headers["allow"]), (405, &"GET".parse().unwrap()));
    assert_eq!(rejected(Method::GET, "/health?verbose=1", Value::Null), (400, "emulator.request.invalid".into()));
    assert_eq!(rejected(Method::GET, "/journal?limit=0", Value::Null).0, 400);
    assert_eq!(rejected(Method::GET, "/organizations/nobody", Value::Null).1, "error.organization.invalid_id");
    assert_eq!(rejected(Method::PATCH, ORG, json!({"migrated": true})).0, 400);
    assert_eq!(rejected(Method::PATCH, ORG, json!({})).0, 400);
    let (status, _, body) = fixture.send(Method::POST, "/snapshots", "text/plain", r#"{"name":"x"}"#.into());
    assert!(status == 400 && body["message"].as_str().unwrap().contains("Content-Type"), "{body}");
}

#[test]
fn organizations_are_created_and_changed() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get("/health")["organizations"], json!(["AA@AdobeOrg", "BB@AdobeOrg"]));
    let new = json!({"id": "CC@AdobeOrg", "name": "Third", "users": [{"type": "adobeID", "email": "x@y.z"}]});
    assert_eq!(fixture.post("/organizations", new.clone())["name"], "Third");
    assert_eq!(fixture.rejected(Method::POST, "/organizations", new), (409, "emulator.organization.exists".into()));
    let changed = fixture.patch("/organizations/CC@AdobeOrg", json!({"migrating": true, "userTypes": ["adobeID"]}));
    assert_eq!((&changed["migrating"], &changed["userTypes"]), (&json!(true), &json!(["adobeID"])));
    assert_eq!(fixture.get("/organizations/CC@AdobeOrg"), changed);
    assert_eq!(fixture.get("/organizations")["organizations"].as_array().unwrap().len(), 3);
    assert_eq!(fixture.rejected(Method::GET, "/organizations/DD@AdobeOrg", Value::Null).0, 404);
}

#[test]
fn a_seed_is_loaded_completely_or_not_at_all() {
    let fixture = Fixture::new();
    let yaml = "organizations:\n  - id: CC@AdobeOrg\n    generate: { users: 10, groups: 2, profiles: 1 }\n";
    assert_eq!(fixture.send(Method::POST, "/seed", "application/yaml", yaml.into()).0, 204);
    let (status, body) = fixture.call(
        Method::POST,
        "/seed",
        json!({"organizations": [
            {"id": "DD@AdobeOrg"},
            {"id": "EE@AdobeOrg", "users": [{"type": "adobeID", "email": "a@b.c", "groups": ["None"]}]},
        ]}),
    );
    assert_eq!((status, &body["code"]), (400, &json!("error.group.not_found")));
    assert_eq!(body["place"], "/organizations/1/users/0/groups/0");
    assert_eq!(fixture.get("/organizations")["organizations"].as_array().unwrap().len(), 3);
    assert_eq!(fixture.send(Method::POST, "/seed", "application/yaml", "organizations: 7".into()).0, 400);
}

#[test]
fn directories_claim_domains_and_are_trusted() {
    let fixture = Fixture::new();
    let school = json!({"name": "School", "type": "federated", "login": "username", "domains": ["school.com"]});
    let made = fixture.post(&format!("{ORG}/directories"), school.clone());
    assert_eq!((&made["login"], &made["domains"][0]["name"]), (&json!("username"), &json!("school.com")));
    let again = fixture.rejected(Method::POST, &format!("{ORG}/directories"), school);
    assert_eq!(again, (409, "emulator.directory.exists".into()));
    let claimed = json!({"name": "Other", "type": "enterprise", "domains": ["A.com"]});
    let rejected = fixture.rejected(Method::POST, &format!("{ORG}/directories"), claimed);
    assert_eq!(rejected, (409, "emulator.domain.claimed".into()));

    let domain = format!("{ORG}/directories/staff/domains/b.com");
    assert_eq!(fixture.act("r", "x@b.com", &json!({"addAdobeID": {"email": "x@b.com"}})), None);
    let (status, body) = fixture.call(Method::PUT, &domain, json!({"enforced": true}));
    assert_eq!((status, &body["domains"][1]), (200, &json!({"name": "b.com", "enforced": true})));
    let enforced = fixture.act("r", "y@b.com", &json!({"addAdobeID": {"email": "y@b.com"}}));
    assert_eq!(enforced.as_deref(), Some("error.user.domain_enforcement"));
    assert_eq!(fixture.call(Method::PUT, &domain, json!({})).1["domains"][1]["enforced"], false);
    fixture.delete(&domain);
    assert_eq!(fixture.rejected(Method::DELETE, &domain, Value::Null).0, 404);

    let trust = format!("{ORG}/directories/School/trusted-by/BB@AdobeOrg");
    assert_eq!(fixture.call(Method::PUT, &trust, Value::Null).1["trustedBy"], json!(["BB@AdobeOrg"]));
    fixture.delete(&trust);
    assert_eq!(fixture.rejected(Method::DELETE, &trust, Value::Null).0, 404);

    assert_eq!(fixture.patch(&format!("{ORG}/directories/Staff"), json!({"synced": true}))["synced"], true);
    let create = json!({"createFederatedID": {"email": "n@a.com", "firstname": "N", "lastname": "N", "country": "US"}});
    assert_eq!(fixture.act("r", "n@a.com", &create).as_deref(), Some("error.internal.create_failed"));
    assert_eq!(fixture.get(&format!("{ORG}/directories"))["directories"].as_array().unwrap().len(), 2);
}

#[test]
fn quotas_decide_about_licenses() {
    let fixture = Fixture::new();
    let new = json!({"name": "Illustrator", "profiles": [{"name": "Default Illustrator", "quota": 3}]});
    let made = fixture.post(&format!("{ORG}/products"), new.clone());
    assert_eq!((&made["profiles"][0]["quota"], made["quota"].is_null()), (&json!(3), true));
    assert_eq!(fixture.rejected(Method::POST, &format!("{ORG}/products"), new).0, 409);
    let by_id = format!("{ORG}/products/{}", made["id"].as_str().unwrap());
    assert_eq!(fixture.get(&by_id), made);
    assert_eq!(fixture.patch(&by_id, json!({"quota": 50}))["quota"], 50);
    assert_eq!(fixture.rejected(Method::PATCH, &by_id, json!({"quota": -1})).0, 400);
    assert_eq!(fixture.rejected(Method::PATCH, &by_id, json!({})).0, 400);
    let profile = fixture.post(&format!("{by_id}/profiles"), json!({"name": "Students"}));
    assert_eq!((&profile["product"], profile["quota"].is_null()), (&json!("Illustrator"), true));
    let taken = fixture.rejected(Method::POST, &format!("{by_id}/profiles"), json!({"name": "design"}));
    assert_eq!(taken, (409, "error.usergroup.already_exists".into()));

    let photoshop = format!("{ORG}/profiles/default%20photoshop");
    let before = fixture.get(&photoshop);
    assert_eq!((&before["members"], &before["licensed"]), (&json!(2), &json!(1)));
    assert_eq!(fixture.patch(&photoshop, json!({"quota": null}))["licensed"], 2);
    assert_eq!(fixture.patch(&photoshop, json!({"quota": 0}))["licensed"], 0);
    assert_eq!(fixture.get(&format!("{ORG}/products"))["products"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.rejected(Method::GET, &format!("{ORG}/profiles/Design"), Value::Null).0, 404);
}

#[test]
fn user_groups_become_read_only() {
    let fixture = Fixture::new();
    let made = fixture.post(&format!("{ORG}/user-groups"), json!({"name": "Ops", "profiles": ["Default Photoshop"]}));
    assert_eq!((&made["readOnly"], &made["profiles"]), (&json!(false), &json!(["Default Photoshop"])));
    let group = format!("{ORG}/user-groups/design");
    assert_eq!(fixture.get(&group)["members"], 1);
    assert_eq!(fixture.patch(&group, json!({"readOnly": true}))["readOnly"], true);
    let rejected = fixture.act("r", "ann@a.com", &json!({"remove": {"group": ["Design"]}}));
    assert_eq!(rejected.as_deref(), Some("error.usergroup.readonly.remove_user_not_allowed"));
    assert_eq!(fixture.get(&format!("{ORG}/user-groups"))["userGroups"].as_array().unwrap().len(), 3);
    assert_eq!(fixture.rejected(Method::GET, &format!("{ORG}/user-groups/Nobody"), Value::Null).0, 404);
    let missing =
        fixture.rejected(Method::POST, &format!("{ORG}/user-groups"), json!({"name": "X", "profiles": ["None"]}));
    assert_eq!(missing, (400, "error.group.not_found".into()));
}

#[test]
fn accounts_can_have_any_state() {
    let fixture = Fixture::new();
    let users = format!("{ORG}/users");
    let eve = json!({"type": "adobeID", "email": "Eve@a.com", "presence": "invited", "status": "disabled"});
    let made = fixture.post(&users, eve.clone());
    assert_eq!(
        (&made["presence"], &made["status"], &made["groups"]),
        (&json!("invited"), &json!("disabled"), &json!([]))
    );
    assert_eq!(fixture.rejected(Method::POST, &users, eve), (409, "error.user.already_in_org".into()));
    let unclaimed = json!({"type": "federatedID", "email": "x@nowhere.com"});
    assert_eq!(fixture.rejected(Method::POST, &users, unclaimed), (400, "error.domain.trust.nonexistent".into()));

    let ann = format!("{users}/ANN@a.com");
    assert_eq!(fixture.get(&ann)["groups"], json!(["Design"]));
    assert_eq!(fixture.patch(&ann, json!({"status": "locked"}))["status"], "locked");
    let gone = fixture.patch(&ann, json!({"presence": "directoryOnly", "status": "active"}));
    assert_eq!((&gone["presence"], &gone["groups"]), (&json!("directoryOnly"), &json!([])));
    assert_eq!(
        fixture.act("r", "ann@a.com", &json!({"add": {"group": ["Design"]}})).as_deref(),
        Some("error.user.not_in_org")
    );
    assert_eq!(fixture.patch(&ann, json!({"presence": "member"}))["presence"], "member");
    assert_eq!(fixture.act("r", "ann@a.com", &json!({"add": {"group": ["Design"]}})), None);
    assert_eq!(fixture.patch(&ann, json!({"presence": "invited"}))["groups"], json!([]));
    let elsewhere =
        fixture.rejected(Method::PATCH, &format!("{users}/eve@a.com"), json!({"presence": "directoryOnly"}));
    assert_eq!(elsewhere, (409, "emulator.user.elsewhere".into()));

    fixture.post(&users, json!({"type": "adobeID", "email": "bob@a.com"}));
    assert_eq!(fixture.get(&format!("{users}/bob@a.com"))["type"], "federatedID");
    assert_eq!(fixture.get(&format!("{users}/bob@a.com?type=adobeID"))["type"], "adobeID");
    assert_eq!(fixture.rejected(Method::GET, &format!("{users}/bob@a.com?type=enterpriseID"), Value::Null).0, 404);
    assert_eq!(fixture.rejected(Method::GET, &format!("{users}/bob@a.com?type=robot"), Value::Null).0, 400);
}

#[test]
fn integrations_are_created_changed_and_get_tokens() {
    let fixture = Fixture::new();
    let all = format!("{ORG}/integrations");
    let new = json!({"clientId": "fresh", "secrets": ["s1"], "keys": [Signer::get().certificate]});
    let made = fixture.post(&all, new.clone());
    assert_eq!((&made["technicalAccount"], &made["enabled"]), (&json!("fresh@techacct.adobe.com"), &json!(true)));
    assert_eq!(fixture.rejected(Method::POST, &all, new), (409, "emulator.integration.exists".into()));
    let no_key = json!({"clientId": "more", "keys": ["nonsense"]});
    assert_eq!(fixture.rejected(Method::POST, &all, no_key), (400, "emulator.request.invalid".into()));
    let secret = fixture.post("/integrations/fresh/secrets", Value::Null)["secret"].clone();
    let with_key = fixture.post("/integrations/fresh/keys", json!({"pem": Signer::get().public_key}));
    assert_eq!((&with_key["secrets"][1], with_key["keys"].as_array().unwrap().len()), (&secret, 2));
    assert_eq!(fixture.rejected(Method::POST, "/integrations/fresh/keys", json!({"pem": "x"})).0, 400);
    let changed =
        fixture.patch("/integrations/fresh", json!({"secrets": ["s2"], "jtiRequired": true, "name": "Fresh"}));
    assert_eq!((&changed["secrets"], &changed["jtiRequired"]), (&json!(["s2"]), &json!(true)));
    assert_eq!(fixture.get("/integrations/fresh"), changed);
    assert_eq!(fixture.get(&all)["integrations"].as_array().unwrap().last(), Some(&changed));

    let is_valid = |token: &str| {
        let headers = [("X-Api-Key", "fresh"), ("Authorization", &format!("Bearer {token}"))];
        fixture.app.login.authenticate(&request(Method::GET, "/", &headers, ""), "AA@AdobeOrg").is_ok()
    };
    let token = || fixture.post("/integrations/fresh/tokens", Value::Null)["accessToken"].as_str().unwrap().to_owned();
    let first = token();
    assert!(is_valid(&first));
    fixture.delete("/integrations/fresh/tokens");
    assert!(!is_valid(&first) && is_valid(&token()));
    for target in ["/integrations/none", "/integrations/none/tokens", "/integrations/none/secrets"] {
        let method = if target.ends_with("none") { Method::GET } else { Method::POST };
        assert_eq!(fixture.rejected(method, target, Value::Null), (404, "emulator.integration.unknown".into()));
    }
}

#[test]
fn the_clock_is_read_set_and_moved() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get("/clock"), json!({"mode": "manual", "time": "2026-01-01T00:00:00Z"}));
    assert_eq!(fixture.post("/clock/advance", json!({"seconds": 90.5}))["time"], "2026-01-01T00:01:30.5Z");
    assert_eq!(fixture.clock.clock().now().since_origin().as_millis(), 90_500);
    let (status, body) = fixture.call(Method::PUT, "/clock", json!({"time": "2025-12-24T18:00:00+01:00"}));
    assert_eq!((status, &body["time"]), (200, &json!("2025-12-24T17:00:00Z")));
    assert_eq!(fixture.post("/clock/freeze", Value::Null)["mode"], "manual");
    assert_eq!(fixture.rejected(Method::POST, "/clock/resume", Value::Null), (409, "emulator.clock.refused".into()));
    for (target, body) in [
        ("/clock/advance", json!({"seconds": -1})),
        ("/clock/advance", json!({"seconds": 1e300})),
        ("/clock/advance", json!({"seconds": 1e15})),
        ("/clock/advance", json!({})),
    ] {
        assert_eq!(fixture.rejected(Method::POST, target, body).0, 400);
    }
    assert_eq!(fixture.rejected(Method::PUT, "/clock", json!({"time": "tomorrow"})).0, 400);
    assert_eq!(fixture.rejected(Method::PUT, "/clock", json!({"time": "0001-01-01T00:00:00Z"})).0, 400);
}

#[test]
fn faults_are_added_read_and_removed() {
    let fixture = Fixture::new();
    let rule = json!({"operation": "listUsers", "outcome": {"type": "html", "status": 502}, "when": {"times": 1}});
    let made = fixture.post("/faults", rule);
    assert_eq!((&made["id"], &made["rule"]["enabled"]), (&json!(1), &json!(true)));
    assert!(fixture.app.faults.decide(umapi_model::Operation::ListUsers.into()).is_some());
    assert_eq!(fixture.get("/faults/1")["fired"], 1);
    assert_eq!(fixture.patch("/faults/1", json!({"enabled": false}))["rule"]["enabled"], false);
    let unknown = fixture.call(
        Method::POST,
        "/faults",
        json!({"operation": "listAll", "outcome": {"type": "html", "status": 502}}),
    );
    assert!(unknown.0 == 400 && unknown.1["message"].as_str().unwrap().contains("listUsersInGroup"), "{unknown:?}");
    assert_eq!(fixture.rejected(Method::POST, "/faults", json!({"outcome": {"type": "explode"}})).0, 400);
    assert_eq!(fixture.rejected(Method::POST, "/faults", json!({"outcome": {"type": "html", "status": 99}})).0, 400);
    fixture.delete("/faults/1");
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(fixture.rejected(method, "/faults/1", Value::Null), (404, "emulator.fault.unknown".into()));
    }
    fixture.post("/faults", json!({"delayMilliseconds": 5, "drip": {"bytes": 1, "everyMilliseconds": 2}}));
    assert_eq!(fixture.get("/faults")["faults"][0]["id"], 2);
    fixture.delete("/faults");
    assert_eq!(fixture.get("/faults"), json!({"faults": []}));
}

#[test]
fn limits_are_read_and_set() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get("/limits"), json!({"classes": {}, "retryAfter": "seconds"}));
    let strict =
        json!({"classes": {"action": {"client": 1, "application": 2}}, "retryAfter": "date", "penaltySeconds": 3300});
    assert_eq!(fixture.call(Method::PUT, "/limits", strict.clone()), (200, strict.clone()));
    assert_eq!(fixture.get("/limits"), strict);
    let call = || {
        let operation = umapi_model::Operation::ExecuteActions;
        let call = CountedCall { client_id: "key", operation, is_first_page: false, pragma: "" };
        fixture.app.limits.admit(&call, &fixture.clock.clock())
    };
    assert!(call().is_ok() && call().is_err());
    fixture.delete("/limits/usage");
    assert!(call().is_ok());
    let first_pages = json!({"calls": 2, "periodSeconds": 60, "blockSeconds": 0, "retrySeconds": 5});
    let set = json!({"classes": {}, "firstPages": first_pages, "retryAfter": "seconds"});
    assert_eq!(fixture.call(Method::PUT, "/limits", json!({"firstPages": first_pages})), (200, set.clone()));
    assert_eq!(fixture.get("/limits"), set);
    assert_eq!(fixture.rejected(Method::PUT, "/limits", json!({"firstPages": {"periodSeconds": 0}})).0, 400);
    assert_eq!(
        fixture.rejected(Method::PUT, "/limits", json!({"classes": {"all": {"client": 1, "application": 1}}})).0,
        400
    );
}

#[test]
fn the_journal_is_searched_and_cleared() {
    let fixture = Fixture::new();
    use umapi_model::Operation::{GetUser, ListUsers};
    for (id, operation) in [("a", GetUser), ("b", ListUsers), ("a", ListUsers)] {
        let mut request = request(Method::GET, "/x?y=z", &[("X-Api-Key", "key")], "");
        request.id = id.to_owned();
        let response = crate::http::Response::json(StatusCode::NOT_FOUND, &json!({"result": "error.user.not_found"}));
        let mut exchange = HttpExchange::of(&request, fixture.app.clock.wall());
        exchange.operation = Some(operation.into());
        exchange.organization = Some("AA@AdobeOrg".to_owned());
        exchange.respond(&response, std::time::Duration::from_millis(2));
        exchange.effects = Some((3, 5));
        fixture.app.journal.record(exchange);
    }
    let numbers = |target: &str| -> Vec<u64> {
        let body = fixture.get(target);
        assert_eq!(body["position"], 3);
        body["exchanges"].as_array().unwrap().iter().map(|exchange| exchange["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers("/journal"), [1, 2, 3]);
    assert_eq!(numbers("/journal?operation=listUsers"), [2, 3]);
    assert_eq!(numbers("/journal?requestId=a&after=1"), [3]);
    assert_eq!(numbers("/journal?limit=1"), [1]);
    let first = &fixture.get("/journal")["exchanges"][0];
    assert_eq!((&first["effects"], &first["tookMilliseconds"]), (&json!({"after": 3, "upTo": 5}), &json!(2.0)));
    fixture.delete("/journal");
    assert_eq!(numbers("/journal"), [0; 0]);
}

#[test]
fn the_ledger_lists_changes() {
    let fixture = Fixture::new();
    let group = |step: &str| json!({step: {"group": ["Design"]}});
    assert_eq!(fixture.act("one", "bob@a.com", &group("add")), None);
    fixture.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(fixture.act("two", "bob@a.com", &group("remove")), None);
    assert_eq!(fixture.act("three", "bob@a.com", &group("add")), None);
    fixture.patch(&format!("{ORG}/users/ann@a.com"), json!({"status": "locked"}));
    let requests = |target: &str| -> Vec<String> {
        let body = fixture.get(target);
        body["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| change["request"].as_str().unwrap().to_owned())
            .collect()
    };
    // The account is in both organizations.
    assert_eq!(requests("/ledger"), ["one", "two", "three", "management"]);
    assert_eq!(requests("/ledger?after=1&limit=1"), ["two"]);
    assert_eq!(requests("/ledger?organization=AA@AdobeOrg&user=Bob@a.com"), ["one", "two", "three"]);
    assert_eq!(requests("/ledger?organization=AA@AdobeOrg&group=design&requestId=two"), ["two"]);
    assert_eq!(requests("/ledger?organization=AA@AdobeOrg&user=ann@a.com&group=Design"), [""; 0]);
    assert_eq!(requests("/ledger?organization=BB@AdobeOrg"), [""; 0]);
    assert_eq!(requests("/ledger?requestId=three"), ["three"]);
    assert_eq!(fixture.rejected(Method::GET, "/ledger?user=bob@a.com", Value::Null).0, 400);
    assert_eq!(fixture.rejected(Method::GET, "/ledger?organization=CC@AdobeOrg", Value::Null).0, 404);
    let first = &fixture.get("/ledger")["changes"][0];
    let expected = json!({
        "seq": 1, "at": "2026-01-01T00:00:00Z", "request": "one", "command": 0, "step": 0,
        "organization": "AA@AdobeOrg", "kind": "memberAdded", "user": "bob@a.com", "group": "design",
    });
    assert_eq!(first, &expected);
    let repeated = fixture.get("/ledger/repeated?organization=AA@AdobeOrg");
    assert_eq!(repeated["repetitions"].as_array().unwrap().len(), 1);
    assert_eq!(repeated["repetitions"][0]["changes"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.get("/ledger/repeated?organization=BB@AdobeOrg"), json!({"repetitions": []}));
}

#[test]
fn snapshots_and_reset_restore_the_state() {
    let fixture = Fixture::new();
    let token = fixture.app.login.issue(&fixture.app.store.read(|r| r.integration("key")).unwrap().unwrap());
    let is_valid = || {
        let headers = [("X-Api-Key", "key"), ("Authorization", &format!("Bearer {}", token.as_ref().unwrap()))];
        fixture.app.login.authenticate(&request(Method::GET, "/", &headers, ""), "AA@AdobeOrg").is_ok()
    };
    let members = || fixture.get(&format!("{ORG}/user-groups/Design"))["members"].as_u64().unwrap();
    assert_eq!(fixture.act("r", "bob@a.com", &json!({"add": {"group": ["Design"]}})), None);
    assert_eq!(fixture.post("/snapshots", json!({"name": "two"}))["name"], "two");
    assert_eq!(fixture.act("r", "bob@a.com", &json!({"remove": {"group": ["Design"]}})), None);
    assert_eq!(members(), 1);
    fixture.post("/snapshots/two/restore", Value::Null);
    assert_eq!((members(), is_valid()), (2, true));
    fixture.post("/faults", json!({"delayMilliseconds": 5}));
    fixture.post("/reset", Value::Null);
    assert_eq!((members(), is_valid()), (1, true));
    assert_eq!(fixture.get("/faults"), json!({"faults": []}));
    assert_eq!(fixture.get("/ledger")["changes"], json!([]));
    assert_eq!(fixture.get("/snapshots")["snapshots"].as_array().unwrap().len(), 1);
    fixture.delete("/snapshots/two");
    for (method, target) in [(Method::DELETE, "/snapshots/two"), (Method::POST, "/snapshots/two/restore")] {
        assert_eq!(fixture.rejected(method, target, Value::Null), (404, "emulator.snapshot.unknown".into()));
    }
    assert_eq!(fixture.rejected(Method::POST, "/snapshots", json!({"name": ""})).0, 400);
}
