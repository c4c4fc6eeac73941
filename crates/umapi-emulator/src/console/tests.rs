//! Tests of the console without a browser: security first, then every page.

use std::{
    future::poll_fn,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, header::CONTENT_TYPE};
use umapi_model::Operation;

use super::*;
use crate::{
    contract::Api,
    engine::{self, ActionOptions},
    faults::{FaultResponse, FaultRule},
    journal::HttpExchange,
    login::LoginSettings,
    testing::{app, app_with, request},
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// An emulator, and its management port.
struct Fixture {
    app: Arc<AppState>,
}

struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Fixture {
    fn new() -> Self {
        Self { app: app().0 }
    }

    fn seeded(yaml: &str) -> Self {
        Self { app: app_with(yaml, LoginSettings::default()).0 }
    }

    fn send(&self, request: Request) -> Page {
        let route = self.app.contract.route(&[Api::Management], &request.method, &request.path, false);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (response, _) = runtime.block_on(self.app.handle_management(request, route));
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        Page { status: response.status.as_u16(), headers: response.headers, text }
    }

    fn get(&self, target: &str) -> String {
        let page = self.send(request(Method::GET, target, &[], ""));
        assert_eq!(page.status, 200, "{target}: {}", page.text);
        page.text
    }

    fn form(&self, target: &str, fields: &str) -> Page {
        let body = format!("token={}&{fields}", self.app.console.token);
        self.send(request(Method::POST, target, &[FORM, ("origin", "http://localhost:8443")], body))
    }

    /// Submits a form that succeeds, and shows the page that it leads to.
    fn submit(&self, target: &str, fields: &str) -> String {
        let page = self.form(target, fields);
        assert_eq!(page.status, 303, "{target}: {}", page.text);
        self.get(page.headers[LOCATION].to_str().unwrap())
    }

    fn act(&self, id: &str, body: &str) {
        let options = ActionOptions::new(id, self.app.clock.millis());
        engine::apply(&self.app.store, "AA@AdobeOrg", body.as_bytes(), &options).unwrap();
    }
}

const PAGES: [&str; 9] = [
    "/",
    "/console/limits",
    "/console/faults",
    "/console/time",
    "/console/state",
    "/console/users",
    "/console/groups",
    "/console/directories",
    "/console/integrations",
];

#[test]
fn another_host_gets_no_page_and_no_file() {
    let fixture = Fixture::new();
    for target in PAGES.into_iter().chain(["/console/style.css", "/console/live/limits", "/health"]) {
        for host in ["evil.example", "evil.example:8443", "localhost.evil.example", ""] {
            let mut request = request(Method::GET, target, &[], "");
            request.headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            assert_eq!(fixture.send(request).status, 403, "{target} of {host:?}");
        }
        let mut request = request(Method::GET, target, &[], "");
        request.headers.remove(HOST);
        assert_eq!(fixture.send(request).status, 403, "{target} of no host");
    }
}

#[test]
fn other_sites_can_only_link_to_a_page() {
    let fixture = Fixture::new();
    let get =
        |headers: &[(&str, &str)]| fixture.send(request(Method::GET, "/console/integrations", headers, "")).status;
    assert_eq!(get(&[]), 200);
    assert_eq!(get(&[("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8443")]), 200);
    let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert_eq!(get(&link), 200);
    for headers in [
        &[("origin", "http://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://localhost:9999")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")],
        &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(get(headers), 403, "{headers:?}");
    }
    // A form of another site that leads its reader here is a navigation too.
    let post = [link.as_slice(), &[FORM]].concat();
    let body = format!("token={}", fixture.app.console.token);
    assert_eq!(fixture.send(request(Method::POST, "/console/faults/clear", &post, body)).status, 403);
}

#[test]
fn a_form_needs_the_token_of_this_emulator() {
    let fixture = Fixture::new();
    let fault = fixture.app.faults.add(FaultRule::on(Operation::ListUsers, FaultResponse::status(500))).unwrap();
    let other = Fixture::new().app.console.token.clone();
    for body in [String::new(), "token=".into(), format!("token={other}"), "token=%00".into()] {
        let sent = fixture.send(request(Method::POST, "/console/faults/clear", &[FORM], body));
        assert_eq!((sent.status, fixture.app.faults.list().len()), (403, 1));
    }
    let body = format!("token={}", fixture.app.console.token);
    let plain = [("content-type", "text/plain")];
    assert_eq!(fixture.send(request(Method::POST, "/console/faults/clear", &plain, body.clone())).status, 403);
    // A token in the address would be in histories and logs.
    let target = format!("/console/faults/clear?{body}");
    assert_eq!(fixture.send(request(Method::POST, &target, &[FORM], "")).status, 403);
    assert_eq!(fixture.form("/console/faults/clear", "").status, 303);
    assert!(fixture.app.faults.get(fault.id()).is_none());
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert_eq!(fixture.send(request(method, "/console/faults", &[], "")).status, 405);
    }
}

#[test]
fn every_response_has_the_headers_that_protect_it() {
    let fixture = Fixture::new();
    for target in PAGES.into_iter().chain(["/console/script.js", "/console/none", "/console/requests/9"]) {
        let page = fixture.send(request(Method::GET, target, &[], ""));
        let header = |name: &str| page.headers.get(name).map_or("", |value| value.to_str().unwrap());
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(part) && !policy.contains("unsafe"), "{target}: {policy}");
        }
        assert_eq!((header("x-frame-options"), header("x-content-type-options")), ("DENY", "nosniff"), "{target}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{target}");
        assert_eq!((header("referrer-policy"), header("cache-control")), ("same-origin", "no-store"), "{target}");
        if target != "/console/script.js" {
            for inline in [" style=", "<style", " onclick=", "javascript:", "<script>"] {
                assert!(!page.text.contains(inline), "{target}: {inline}");
            }
        }
    }
    let api = fixture.send(request(Method::GET, "/health", &[], ""));
    assert_eq!((api.status, &api.headers["x-content-type-options"]), (200, &HeaderValue::from_static("nosniff")));
}

#[test]
fn names_are_escaped_wherever_they_appear() {
    let evil = r#"<script>alert(1)</script>"#;
    let yaml = format!(
        "organizations:
  - id: AA@AdobeOrg
    name: '{evil}'
    directories: [{{ name: '{evil}', type: federated, domains: [a.com] }}]
    products: [{{ name: '{evil}', profiles: [{{ name: 'Profile {evil}', description: '{evil}', quota: 1 }}] }}]
    userGroups: [{{ name: 'Group {evil}', description: '{evil}', profiles: ['Profile {evil}'] }}]
    users:
      - {{ type: federatedID, email: ann@a.com, firstname: '{evil}', lastname: '\"><img src=x onerror=1>', groups: ['Group {evil}'] }}
      - {{ type: federatedID, email: bob@a.com, groups: ['Profile {evil}'] }}
    integrations: [{{ clientId: 'key{evil}', name: '{evil}', secrets: ['{evil}'], scopes: ['{evil}'] }}]
"
    );
    let fixture = Fixture::seeded(&yaml);
    fixture.act("<script>id", &format!(r#"[{{"user":"ann@a.com","do":[{{"update":{{"firstname":"{evil}2"}}}}]}}]"#));
    let sent = request(Method::POST, &format!("/v2/{evil}?{evil}"), &[("x-api-key", evil), ("<b>", evil)][..1], evil);
    let mut exchange = HttpExchange::of(&sent, SystemTime::UNIX_EPOCH);
    exchange.request_id = evil.to_owned();
    exchange.response = Some(evil.to_owned());
    fixture.app.journal.record(exchange);
    fixture.manage().create_snapshot(evil).unwrap();
    let step = crate::StepFault::on_every_step(evil).message(evil).for_user(evil);
    fixture.app.faults.add(FaultRule::on_step(step)).unwrap();
    let mut targets: Vec<String> = PAGES.map(str::to_owned).into();
    targets.extend(
        ["/console/requests/1", "/console/groups?kind=groups", "/console/users?search=%3Cscript%3E"].map(str::to_owned),
    );
    targets.extend(["/?client=%3Cscript%3E&user=%22%3E%3Cscript%3E&done=%3Cscript%3E"].map(str::to_owned));
    let (users, groups) = fixture
        .app
        .store
        .read(|r| {
            let org = r.organization("AA@AdobeOrg")?.unwrap().id;
            let users = r.browse_users(org, "", crate::store::BrowseFrom::Start, 9)?;
            let profile = r.groups_of_kind(org, crate::store::GroupKind::Profile)?;
            let groups = r.groups_of_kind(org, crate::store::GroupKind::UserGroup)?;
            Ok::<_, StoreError>((users, [profile, groups].concat()))
        })
        .unwrap();
    targets.extend(users.iter().map(|user| format!("/console/users/{}", user.id)));
    targets.extend(groups.iter().map(|group| format!("/console/groups/{}", group.id)));
    for target in &targets {
        let page = fixture.get(target);
        assert!(!page.contains("<script>") && !page.contains("<img"), "{target}: {page}");
    }
    let revealed = fixture.form("/console/integrations/reveal", "client=key%3Cscript%3Ealert(1)%3C/script%3E");
    assert!(revealed.status == 200 && revealed.text.contains("&lt;script&gt;") && !revealed.text.contains("<script>"));
    assert!(fixture.get("/").contains("&lt;script&gt;"));
}

impl Fixture {
    fn manage(&self) -> Manage {
        Manage::new(Arc::clone(&self.app))
    }
}

#[test]
fn secrets_are_in_no_page_until_they_are_asked_for() {
    let fixture = Fixture::new();
    let hidden = fixture.get("/console/integrations");
    assert!(hidden.contains("2 secrets") && !hidden.contains("old-secret"), "{hidden}");
    assert_eq!(fixture.send(request(Method::GET, "/console/integrations/reveal?client=key", &[], "")).status, 200);
    assert!(!fixture.get("/console/integrations/reveal?client=key").contains("old-secret"));
    let shown = fixture.form("/console/integrations/reveal?org=AA%40AdobeOrg", "client=key").text;
    assert!(shown.contains("old-secret") && !shown.contains("other-secret"), "only of the one that was asked for");
    assert_eq!(fixture.form("/console/integrations/reveal", "client=none").status, 404);
}

#[test]
fn a_request_is_told_step_by_step() {
    let fixture = Fixture::new();
    let body = r#"[{"user":"bob@a.com","do":[{"add":{"group":["Design"]}},{"add":{"group":["None"]}}]}]"#;
    let position = fixture.app.store.read(|r| r.ledger_end()).unwrap();
    let options = ActionOptions::new("request-1", 5);
    let response = engine::apply(&fixture.app.store, "AA@AdobeOrg", body.as_bytes(), &options).unwrap();
    let sent = request(Method::POST, "/v2/usermanagement/action/AA@AdobeOrg", &[("x-api-key", "key")], body);
    let mut exchange = HttpExchange::of(&sent, SystemTime::UNIX_EPOCH);
    exchange.operation = Some(Operation::ExecuteActions.into());
    exchange.stage = Some(crate::journal::Stage::Service);
    exchange.effects = Some((position, position + 1));
    exchange.respond(&Response::json(StatusCode::OK, &response), Duration::from_millis(2));
    fixture.app.journal.record(exchange);
    let page = fixture.get("/console/requests/1");
    for part in [
        "bob@a.com was added to design",
        "error.group.not_found",
        "A call was left",
        "umapi api POST",
        "curl --request",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(fixture.send(request(Method::GET, "/console/requests/2", &[], "")).status, 404);
    assert_eq!(fixture.send(request(Method::GET, "/console/requests/x", &[], "")).status, 404);
    assert!(!fixture.submit("/console/requests/clear", "").contains("/console/requests/1"));
}

#[test]
fn users_and_groups_are_shown_with_what_they_have() {
    let fixture = Fixture::new();
    let list = fixture.get("/console/users");
    let found = fixture.get("/console/users?search=ann");
    let id = found.split("/console/users/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    assert!(list.contains("ann@a.com") && list.contains("bob@a.com") && list.contains("technical"));
    fixture.act("one", r#"[{"user":"ann@a.com","do":[{"remove":{"group":["Design"]}}]}]"#);
    let ann = fixture.get(&format!("/console/users/{id}"));
    assert!(ann.contains("no product profile") && ann.contains("was removed from design"), "{ann}");
    let bob = fixture.get("/console/users?search=BOB");
    assert!(bob.contains("bob@a.com") && !bob.contains("ann@a.com"));
    let profiles = fixture.get("/console/groups");
    assert!(profiles.contains("1 of 1 used") && profiles.contains("Photoshop"), "{profiles}");
    fixture.act("two", r#"[{"user":"ann@a.com","do":[{"add":{"group":["Design"]}}]}]"#);
    let id = profiles.split("/console/groups/").nth(1).and_then(|rest| rest.split('?').next()).unwrap();
    let profile = fixture.get(&format!("/console/groups/{id}"));
    assert!(profile.contains("1 member waits, longest first") && profile.contains("Design"), "{profile}");
    for target in ["/console/users/999", "/console/users/x", "/console/groups/1", "/console/users?org=CC%40AdobeOrg"] {
        assert_eq!(fixture.send(request(Method::GET, target, &[], "")).status, 404, "{target}");
    }
}

#[test]
fn limits_faults_and_time_are_changed_by_forms() {
    let fixture = Fixture::new();
    assert!(fixture.submit("/console/limits/preset", "preset=reported").contains("value=\"reported\" checked"));
    let wrong = fixture.form("/console/limits/set", "settings=%7B%22clases%22:1%7D");
    assert!(wrong.status == 400 && wrong.text.contains("clases"), "{}", wrong.text);
    let faults = fixture.submit(
        "/console/faults/add",
        "operation=listUsers&outcome=answer&status=503&retryAfter=7&from=2&every=1&times=3",
    );
    assert!(faults.contains("listUsers · answer 503 · from call 2 · at most 3 times"), "{faults}");
    let wrong = fixture.form("/console/faults/add", "operation=listUsers&outcome=answer&status=99");
    assert!(wrong.status == 400 && wrong.text.contains("must be from 200") && wrong.text.contains("value=\"99\""));
    assert!(fixture.submit("/console/faults/switch", "id=1&enabled=false").contains("Switch on"));
    assert_eq!(fixture.form("/console/faults/remove", "id=9").status, 404);
    assert!(fixture.submit("/console/faults/remove", "id=1").contains("No rules."));
    let before = fixture.app.clock.wall();
    fixture.submit("/console/time/advance", "seconds=3600");
    assert_eq!(fixture.app.clock.wall().duration_since(before).unwrap(), Duration::from_secs(3600));
    for seconds in ["-1", "x", "inf", "1e300"] {
        assert_eq!(fixture.form("/console/time/advance", &format!("seconds={seconds}")).status, 400, "{seconds}");
    }
    fixture.submit("/console/time/set", "time=2027-01-01T00:00:00Z");
    assert!(fixture.get("/console/time").contains("2027-01-01 00:00:00 UTC"));
    assert_eq!(fixture.form("/console/time/resume", "").status, 409, "a manual clock");
    assert_eq!(fixture.form("/console/time/revoke", "client=none").status, 404);
    fixture.submit("/console/time/revoke", "client=key");
}

#[test]
fn the_state_is_saved_restored_exported_and_loaded() {
    let fixture = Fixture::new();
    assert!(fixture.submit("/console/state/save", "name=one").contains("<td class=\"break\">one</td>"));
    assert_eq!(fixture.form("/console/state/save", "name=").status, 400);
    fixture.act("one", r#"[{"user":"ann@a.com","do":[{"removeFromOrg":{}}]}]"#);
    let export = fixture.form("/console/state/export", "");
    assert_eq!(&export.headers[CONTENT_DISPOSITION], "attachment; filename=\"seed.json\"");
    assert!(export.text.contains("bob@a.com"));
    fixture.submit("/console/state/restore", "name=one");
    assert!(fixture.get("/console/users").contains("ann@a.com"));
    fixture.submit("/console/state/delete", "name=one");
    assert_eq!(fixture.form("/console/state/restore", "name=one").status, 404);
    assert_eq!(fixture.form("/console/state/reset", "").status, 400, "not confirmed");
    fixture.submit("/console/state/reset", "sure=yes");
    let taken = fixture.form("/console/state/load", "text=organizations:+[%7Bid:+AA@AdobeOrg%7D]");
    assert!(taken.status == 409 || taken.status == 400, "{}", taken.text);
    fixture.submit("/console/state/load", "text=organizations:+[%7Bid:+CC@AdobeOrg%7D]");
    assert!(fixture.get("/console/users?org=CC%40AdobeOrg").contains("0 users"));
    let file = format!(
        "--B\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n{}\r\n--B\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"a.yaml\"\r\n\r\norganizations: [{{id: DD@AdobeOrg}}]\r\n--B--\r\n",
        fixture.app.console.token
    );
    let multipart = [("content-type", "multipart/form-data; boundary=B")];
    assert_eq!(fixture.send(request(Method::POST, "/console/state/load", &multipart, file)).status, 303);
    assert_eq!(fixture.manage().organizations().unwrap().len(), 4);
}

#[test]
fn an_unknown_page_is_not_found() {
    let fixture = Fixture::new();
    for target in ["/console/none", "/console/users/1/x", "/console/../health", "/console/live/none"] {
        let page = fixture.send(request(Method::GET, target, &[], ""));
        assert_eq!(
            (page.status, page.headers[CONTENT_TYPE].to_str().unwrap()),
            (404, "text/html; charset=utf-8"),
            "{target}"
        );
    }
    for target in ["/?status=x", "/?operation=none", "/?before=x", "/console/groups?kind=none"] {
        assert_eq!(fixture.send(request(Method::GET, target, &[], "")).status, 400, "{target}");
    }
    assert_eq!(fixture.form("/console/faults/none", "").status, 404);
}

#[tokio::test]
async fn live_pages_are_bounded_and_free_their_places() {
    let fixture = Fixture::new();
    let open = || match handle(&fixture.app, &request(Method::GET, "/console/live/limits", &[], "")) {
        (response, Some(page)) => {
            assert_eq!(response.headers[CONTENT_TYPE], "text/event-stream");
            Some(page)
        }
        (response, None) => {
            assert_eq!(response.status.as_u16(), 503);
            None
        }
    };
    let mut pages: Vec<_> = (0..LIVE_PAGES).map(|_| open().unwrap()).collect();
    assert!(open().is_none());
    pages.pop();
    let mut page = open().unwrap();
    let first = poll_fn(|context| page.poll_piece(context)).await;
    assert_eq!(&first[..], b"retry: 2000\n\n");
    let second = poll_fn(|context| page.poll_piece(context)).await;
    assert!(second.starts_with(b"event: replace\ndata: <div id=\"usage\">"), "{second:?}");
}
