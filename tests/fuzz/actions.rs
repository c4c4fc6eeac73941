//! Fuzz target: bodies of action requests sent to the emulator over HTTP.

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use bolero::TypeGenerator;
use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    fixed_seeds::target,
    organization::{ORG, Organization},
    payload::{Material, Payload},
};

const ACTIONS: Material = Material {
    examples: &[
        r#"[{"user":"new@staff.example","requestID":"a1","do":[{"createFederatedID":{"email":"new@staff.example","country":"US","firstname":"John","lastname":"Doe","option":"ignoreIfAlreadyExists"}},{"add":{"group":["Photoshop","Design"]}}]},{"usergroup":"Everybody","do":[{"add":{"user":["ann@staff.example"],"productConfiguration":["All Apps"]}}]}]"#,
        r#"[{"user":"ann@staff.example","do":[{"update":{"firstname":"Anna","lastname":"Li","email":"anna@staff.example"}},{"remove":{"group":["Design"]}},{"add":{"group":["Everybody","_admin_Design"]}}]}]"#,
        r#"[{"user":"bob@contractors.example","do":[{"remove":"all"},{"removeFromOrg":{"deleteAccount":true}}]},{"user":"cat@mail.example","useAdobeID":true,"do":[{"addAdobeID":{"email":"cat@mail.example","option":"updateIfAlreadyExists"}},{"addRoles":{"admin":["Photoshop"]}}]}]"#,
        r#"[{"user":"dan","domain":"school.example","do":[{"add":{"product":["All Apps"]}},{"removeRoles":{"productAdmin":["Photoshop"]}}]},{"user":"eve","domain":"school.example","do":[{"createFederatedID":{"email":"eve@mail.example","username":"eve","country":"FR","firstname":"E","lastname":"V"}}]}]"#,
        r#"[{"usergroup":"New","do":[{"createUserGroup":{"name":"New","description":"x","option":"updateIfAlreadyExists"}},{"add":{"user":["ann@staff.example","bob@contractors.example"]}},{"updateUserGroup":{"name":"Newer"}},{"deleteUserGroup":{}}]},{"usergroup":"Theirs","do":[{"remove":{"users":["ann@staff.example"]}},{"remove":"all"}]}]"#,
        r#"[{"user":"fay@contractors.example","do":[{"createEnterpriseID":{"email":"fay@contractors.example","firstname":"F","lastname":"A"}},{"resetPassword":{}},{"removeFromDomain":{"domain":"contractors.example"}}]}]"#,
    ],
    words: &[
        "user",
        "usergroup",
        "requestID",
        "useAdobeID",
        "domain",
        "do",
        "addAdobeID",
        "createEnterpriseID",
        "createFederatedID",
        "update",
        "add",
        "remove",
        "all",
        "addRoles",
        "removeRoles",
        "removeFromOrg",
        "removeFromDomain",
        "resetPassword",
        "createUserGroup",
        "updateUserGroup",
        "deleteUserGroup",
        "group",
        "product",
        "productConfiguration",
        "users",
        "admin",
        "productAdmin",
        "email",
        "country",
        "firstname",
        "lastname",
        "username",
        "option",
        "ignoreIfAlreadyExists",
        "updateIfAlreadyExists",
        "deleteAccount",
        "removedDomain",
        "name",
        "description",
        "ann@staff.example",
        "ANN@STAFF.EXAMPLE",
        "bob@contractors.example",
        "cat@mail.example",
        "dan",
        "school.example",
        "staff.example",
        "Design",
        "Everybody",
        "Theirs",
        "Photoshop",
        "All Apps",
        "_org_admin",
        "_admin_Design",
        "_product_admin_Photoshop",
        "_developer_Photoshop",
        "US",
        "true",
        "null",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u0000",
        "\\ud800",
    ],
};

#[derive(Clone, Debug, TypeGenerator)]
struct Request {
    body: Payload,
    is_test: bool,
}

/// An emulator, and a connection with an access token.
struct Stage {
    runtime: Runtime,
    organization: Organization,
    http: Client,
    token: String,
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let organization = runtime.block_on(Organization::new());
        let token = organization.emulator.access_token().unwrap();
        Self { runtime, organization, http: Client::builder().no_proxy().build().unwrap(), token }
    }

    /// Returns the status and the JSON of a response, which must have both.
    fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.bearer_auth(&self.token);
        let request = request.header("X-Api-Key", &self.organization.emulator.credentials().client_id);
        self.runtime.block_on(async {
            let response = request.send().await.expect("the emulator responds");
            let status = response.status().as_u16();
            let body = response.bytes().await.expect("the body is complete");
            (status, serde_json::from_slice(&body).expect("in JSON"))
        })
    }

    fn act(&self, body: Vec<u8>, is_test: bool) -> (u16, Value) {
        let url = format!("{}/action/{ORG}?testOnly={is_test}", self.organization.emulator.um_url());
        self.send(self.http.post(url).header(CONTENT_TYPE, "application/json").body(body))
    }

    fn check(&self, request: &Request) {
        let body = request.body.bytes(ACTIONS);
        let organization = &self.organization;
        let ledger = organization.emulator.ledger();
        organization.begin_anew();
        let (before, position) = (organization.memberships(), ledger.position().unwrap());
        let (status, response) = self.act(body.clone(), request.is_test);
        match status {
            200 => is_consistent(&response, &body, request.is_test),
            400 | 413 => {
                assert!(response["result"].as_str().is_some_and(|code| code.starts_with("error.")), "{response}")
            }
            other => panic!("{other}: {response}"),
        }
        let changes = ledger.since(position).unwrap();
        let after = organization.memberships();
        if status != 200 || request.is_test {
            assert_eq!((&changes, &after), (&Vec::new(), &before), "nothing may change");
        } else if let Some(expected) = before.after(&changes) {
            assert_eq!(expected, after.folded(), "the ledger contains all changes: {changes:#?}");
        }
        let (status, page) = self.send(self.http.get(format!("{}/users/{ORG}/0", organization.emulator.um_url())));
        assert_eq!((status, &page["result"]), (200, &Value::from("success")), "the emulator still responds");
        let violations = organization.emulator.take_violations();
        assert!(violations.is_empty(), "responses match the description: {}", violations[0]);
    }
}

/// Checks that the counts of a response match the commands, its errors and its result.
fn is_consistent(response: &Value, body: &[u8], is_test: bool) {
    let commands =
        serde_json::from_slice::<Vec<Value>>(body).expect("only an array of commands is accepted").len() as u64;
    let count = |name: &str| response[name].as_u64().unwrap_or_default();
    let (done, failed, tested) = (count("completed"), count("notCompleted"), count("completedInTestMode"));
    assert_eq!(done + failed + tested, commands, "each command is counted once: {response}");
    assert!(if is_test { done == 0 } else { tested == 0 }, "{response}");
    let expected = match (done + tested, failed) {
        (_, 0) => "success",
        (0, _) => "error",
        _ => "partial",
    };
    assert_eq!(response["result"], expected, "{response}");
    let errors = response["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let failing: BTreeSet<u64> = errors.iter().map(|error| error["index"].as_u64().expect("an index")).collect();
    assert_eq!(failing.len() as u64, failed, "each failed command has an error: {response}");
    assert!(failing.iter().all(|index| *index < commands), "{response}");
}

#[test]
fn the_emulator_answers_every_action_and_stays_consistent() {
    let stage = AssertUnwindSafe(Stage::new());
    target!(1_500).with_type::<Request>().for_each(|request| stage.check(request));
}
