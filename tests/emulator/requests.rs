//! The requests of the service's own collection of samples, rewritten for the organization below.

use serde_json::{Value, json};

/// The organization that the requests refer to.
pub(crate) const SEED: &str = r"
organizations:
  - id: 5A3B1C@AdobeOrg
    name: Samples
    directories:
      - { name: Staff, type: federated, domains: [staff.example, annex.example] }
      - { name: Names, type: federated, login: username, domains: [names.example] }
      - { name: Owned, type: enterprise, domains: [owned.example] }
    products:
      - { name: Photoshop, profiles: [{ name: Default Photoshop - 100Gb }] }
      - { name: InDesign, profiles: [{ name: Default InDesign - 100Gb }] }
      - { name: Acrobat, profiles: [{ name: Default Acrobat Pro DC configuration }] }
    userGroups: [{ name: Illustrators }, { name: Contractors, profiles: [Default Acrobat Pro DC configuration] }]
    users:
      - type: federatedID
        email: pat@staff.example
        firstname: Pat
        lastname: Smith
        country: CA
        groups: [Contractors, Default InDesign - 100Gb, _product_admin_Photoshop]
      - { type: federatedID, email: kim@names.example, username: kim, domain: names.example, country: KR }
      - { type: adobeID, email: robin@mail.example, country: US, groups: [Default Acrobat Pro DC configuration] }
";

pub(crate) const ORG: &str = "5A3B1C@AdobeOrg";

/// An action request: its name and its commands.
pub(crate) struct Action {
    pub(crate) name: &'static str,
    pub(crate) commands: Value,
}

/// A federated user to create, or to skip if it exists.
fn federated(email: &str) -> Value {
    json!({"createFederatedID": {
        "email": email, "firstname": "First", "lastname": "Last", "country": "US", "option": "ignoreIfAlreadyExists",
    }})
}

fn pat(id: &str, steps: Value) -> Value {
    json!([{"user": "pat@staff.example", "requestID": id, "do": steps}])
}

/// The action requests, in an order in which each can be applied after the previous ones.
pub(crate) fn actions() -> Vec<Action> {
    let groups = ["Default Photoshop - 100Gb", "_support_admin", "Illustrators"];
    let action = |name, commands| Action { name, commands };
    vec![
        action(
            "a Federated ID whose username is its email",
            json!([{"user": "one@staff.example", "do": [federated("one@staff.example")]}]),
        ),
        action(
            "a Federated ID with a username that is not an email address",
            json!([{"user": "two", "domain": "names.example", "requestID": "r2", "do": [federated("two@names.example")]}]),
        ),
        action(
            "a Federated ID whose username is an address other than its email",
            json!([{"user": "three@staff.example", "requestID": "r3", "do": [federated("3@annex.example")]}]),
        ),
        action(
            "an Adobe ID",
            json!([{"user": "four@mail.example", "requestID": "r4", "do": [{"addAdobeID": {
                "email": "four@mail.example", "country": "US", "firstname": "F", "lastname": "L",
                "option": "ignoreIfAlreadyExists",
            }}]}]),
        ),
        action(
            "an Enterprise ID",
            json!([{"user": "five@owned.example", "requestID": "r5", "do": [{"createEnterpriseID": {
                "email": "five@owned.example", "country": "US", "firstname": "F", "lastname": "L",
                "option": "ignoreIfAlreadyExists",
            }}]}]),
        ),
        action(
            "an update of names and email",
            pat(
                "r6",
                json!([{"update": {"firstname": "Patricia", "lastname": "Smythe", "username": "pat@annex.example"}}]),
            ),
        ),
        action("memberships", pat("r7", json!([{"add": {"group": ["Illustrators", "Default Photoshop - 100Gb"]}}]))),
        action("memberships removed", pat("r8", json!([{"remove": {"group": ["Illustrators", "Contractors"]}}]))),
        action(
            "a user with memberships and another username",
            json!([{"user": "one@staff.example", "requestID": "r12", "do": [
                federated("one@staff.example"), {"add": {"group": groups}},
                {"update": {"username": "uno@staff.example"}},
            ]}]),
        ),
        action(
            "a user whose memberships change",
            pat(
                "r13",
                json!([
                    {"add": {"group": groups}},
                    {"remove": {"group": ["Default InDesign - 100Gb", "_product_admin_Photoshop", "Contractors"]}},
                    {"update": {"lastname": "Smith"}},
                ]),
            ),
        ),
        action(
            "ten users in one request",
            (1..=10)
                .map(|n| {
                    let email = format!("user{n}@staff.example");
                    let add = json!({"add": {"group": ["Default Acrobat Pro DC configuration"]}});
                    json!({"user": email, "requestID": format!("r14_{n}"), "do": [federated(&email), add]})
                })
                .collect(),
        ),
        action("all memberships removed", pat("r9", json!([{"remove": "all"}]))),
        action("a user removed", pat("r10", json!([{"removeFromOrg": {"deleteAccount": false}}]))),
        action(
            "a user removed and the account deleted",
            json!([{"user": "user1@staff.example", "requestID": "r11", "do": [{"removeFromOrg": {"deleteAccount": true}}]}]),
        ),
        action(
            "a user group",
            json!([{"usergroup": "Painters", "requestID": "r15", "do": [{"createUserGroup": {"description": "Paint"}}]}]),
        ),
        action(
            "a user group renamed",
            json!([{"usergroup": "Illustrators", "requestID": "r15b", "do": [
                {"updateUserGroup": {"name": "Drawers", "description": "Draw"}},
            ]}]),
        ),
        action(
            "a user group deleted",
            json!([{"usergroup": "Contractors", "requestID": "r16", "do": [{"deleteUserGroup": {}}]}]),
        ),
    ]
}
