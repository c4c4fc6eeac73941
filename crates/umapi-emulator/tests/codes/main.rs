//! Every error code of the description has a request that causes it, or is listed as caused only by failures outside the service.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failed expectation must fail the test")]

mod requests;

use std::collections::BTreeSet;

use requests::{ORG, OUTSIDE, Request, SEED, caused};
use serde_json::{Value, json};
use umapi_emulator::{
    Emulator, FaultResponse, FaultRule, LimitSettings, Operation, StepFault, engine,
    seed::Seed,
    store::{Snapshot, StoreError},
};
use umapi_model::ErrorCode;

#[test]
fn the_lists_match_the_catalog() {
    let catalog: BTreeSet<&str> = ErrorCode::CATALOG.iter().map(|entry| entry.code).collect();
    let caused: BTreeSet<&str> = caused().iter().map(|(code, _)| *code).collect();
    let outside: BTreeSet<&str> = OUTSIDE.iter().map(|(code, _)| *code).collect();
    assert_eq!(caused.intersection(&outside).collect::<Vec<_>>(), Vec::<&&str>::new(), "codes in both lists");
    let listed: BTreeSet<&str> = caused.union(&outside).copied().collect();
    let unlisted: Vec<&&str> = catalog.difference(&listed).collect();
    let undescribed: Vec<&&str> = listed.difference(&catalog).collect();
    assert!(unlisted.is_empty(), "in neither list of crates/umapi-emulator/tests/codes/requests.rs: {unlisted:?}");
    assert!(undescribed.is_empty(), "in a list of requests.rs, but not in the description: {undescribed:?}");
}

#[tokio::test]
async fn each_code_is_caused_by_its_requests() {
    let service = Service::start(LimitSettings::off()).await;
    let mut wrong = Vec::new();
    for (code, request) in caused() {
        let seen = service.send(request).await;
        if !seen.iter().any(|seen| seen == code) {
            wrong.push(format!("{code}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "codes that were not returned: {wrong:#?}");
    service.emulator.assert_clean();
}

#[tokio::test]
async fn a_step_fault_gives_each_code_of_an_outside_failure() {
    let service = Service::start(LimitSettings::off()).await;
    for (code, step) in OUTSIDE {
        let rule = match step {
            Some(step) => FaultRule::on_step(StepFault::on(step, code)),
            None => FaultRule::on(
                Operation::ExecuteActions,
                FaultResponse::json(400, json!({"result": code, "message": code})),
            ),
        };
        service.emulator.faults().add(rule.times(1)).unwrap();
        let steps = json!([
            {"addAdobeID": {"email": "eve@mail.example", "option": "ignoreIfAlreadyExists"}},
            {"update": {}}, {"add": {"group": ["Design"]}}, {"remove": {"group": ["Design"]}}, {"removeFromOrg": {}}
        ]);
        let seen = service.send(Request::User("eve@mail.example", steps)).await;
        assert!(seen.iter().any(|seen| seen == code), "{code}: {seen:?}");
    }
}

/// The emulator and a client of it.
struct Service {
    emulator: Emulator,
    /// The state before each request.
    seeded: Snapshot,
    http: reqwest::Client,
}

impl Service {
    async fn start(limits: LimitSettings) -> Self {
        let mut action_limits = engine::RequestSizes::default();
        action_limits.group_members = 2;
        let emulator = Emulator::builder()
            .seed(Seed::from_yaml(SEED).unwrap())
            .limits(limits)
            .action_limits(action_limits)
            .start()
            .await
            .unwrap();
        let seeded = emulator.snapshot().unwrap();
        Self { emulator, seeded, http: reqwest::Client::new() }
    }

    /// Sends a request and returns the codes of the response.
    async fn send(&self, request: Request) -> Vec<String> {
        self.emulator.restore(&self.seeded).unwrap();
        match request {
            Request::User(user, steps) => self.act(json!([{"user": user, "do": steps}]).to_string()).await,
            Request::Group(group, steps) => self.act(json!([{"usergroup": group, "do": steps}]).to_string()).await,
            Request::Command(command) => self.act(json!([command]).to_string()).await,
            Request::Body(body) => self.act(body.to_owned()).await,
            Request::After(change, user, steps) => {
                change(&self.emulator).unwrap();
                self.act(json!([{"user": user, "do": steps}]).to_string()).await
            }
            Request::Call(method, path, body) => {
                let path = path.replace("{profile}", &self.profile());
                let body = if body.is_null() { String::new() } else { body.to_string() };
                self.call(method, &path, body).await
            }
            Request::Bare(headers) => {
                let mut call = self.http.get(format!("{}/users/{ORG}/0", self.emulator.um_url()));
                let credentials = self.emulator.credentials();
                let token = self.emulator.access_token().unwrap();
                for (name, value) in headers {
                    call =
                        call.header(*name, value.replace("{token}", &token).replace("{key}", &credentials.client_id));
                }
                codes(call.send().await.unwrap().json().await.unwrap())
            }
            Request::Flood => {
                let strict = Box::pin(Self::start(LimitSettings::documented())).await;
                let mut seen = Vec::new();
                for _ in 0..26 {
                    seen = strict.call("GET", "/users/AA@AdobeOrg/0", String::new()).await;
                }
                seen
            }
        }
    }

    async fn act(&self, body: String) -> Vec<String> {
        self.call("POST", &format!("/action/{ORG}"), body).await
    }

    async fn call(&self, method: &str, path: &str, body: String) -> Vec<String> {
        let url = format!("{}{path}", self.emulator.um_url());
        let mut call = self
            .http
            .request(method.parse().unwrap(), url)
            .bearer_auth(self.emulator.access_token().unwrap())
            .header("x-api-key", &self.emulator.credentials().client_id);
        if !body.is_empty() {
            call = call.header("content-type", "application/json").body(body);
        }
        codes(call.send().await.unwrap().json().await.unwrap())
    }

    /// The id of the profile.
    fn profile(&self) -> String {
        let profile = self.emulator.store().read(|r| {
            let org = r.organization(ORG)?.map_or(0, |org| org.id);
            Ok::<_, StoreError>(r.group_by_name(org, "Default Photoshop")?.map_or(0, |group| group.id))
        });
        format!("RGRP-{}", profile.unwrap())
    }
}

/// All codes in a response.
fn codes(answer: Value) -> Vec<String> {
    let entries = [&answer["errors"], &answer["warnings"]].into_iter().filter_map(Value::as_array).flatten();
    entries
        .chain([&answer])
        .flat_map(|entry| ["errorCode", "warningCode", "error_code", "result"].map(|key| entry[key].as_str()))
        .flatten()
        .map(str::to_owned)
        .collect()
}
