//! What action requests do and return when they succeed, according to the documentation and recordings.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failed assumption fails the test")]

use serde_json::{Value, json};
use umapi_emulator::{
    engine::{self, ActionFailure, ActionOptions, ActionResponse},
    seed::{self, Seed},
    store::{Store, User, UserRow},
};
use umapi_model::limits;

const ORG: &str = "AA@AdobeOrg";
const TRUSTED: &str = "BB@AdobeOrg";

const SEED: &str = "
organizations:
  - id: AA@AdobeOrg
    directories:
      - { name: Staff, type: federated, domains: [example.com, office.example], trustedBy: [BB@AdobeOrg] }
      - { name: Contractors, type: enterprise, domains: [contractors.example] }
      - { name: School, type: federated, login: username, domains: [claimed.example] }
    products: [{ name: Creative Cloud, profiles: [{ name: Photoshop }, { name: Illustrator }, { name: Trial }] }]
    userGroups: [{ name: Design }, { name: Layout }, { name: Interns 2019 }]
    users:
      - { type: federatedID, email: jdoe@example.com, firstname: John, lastname: Doe, groups: [_admin_Layout] }
      - { type: federatedID, email: ann@example.com }
      - { type: adobeID, email: ann@example.com, groups: [_org_admin] }
      - { type: federatedID, email: eve@example.com, groups: [Design, Trial] }
      - { type: enterpriseID, email: Bob@contractors.example, firstname: Bob, groups: [Trial] }
  - id: BB@AdobeOrg
    userGroups: [{ name: Guests }]
";

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    seed::load(&store, &Seed::from_yaml(SEED).unwrap()).unwrap();
    store
}

fn send(store: &Store, org: &str, body: &Value, test_only: bool) -> ActionResponse {
    let options = ActionOptions::new("request", 0).test_only(test_only);
    engine::apply(store, org, body.to_string().as_bytes(), &options).unwrap()
}

fn act(store: &Store, body: &Value) -> ActionResponse {
    send(store, ORG, body, false)
}

/// Sends a request that must succeed.
fn done(store: &Store, body: &Value) -> ActionResponse {
    let response = act(store, body);
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    response
}

fn codes(response: &ActionResponse) -> Vec<(u32, u32, &str)> {
    response.errors.iter().map(|error| (error.index, error.step, error.error_code.as_str())).collect()
}

fn user(store: &Store, org: &str, name: &str, domain: Option<&str>) -> Option<User> {
    store.read(|r| r.user(r.organization(org)?.unwrap().id, name, domain, true)).unwrap()
}

fn groups(store: &Store, name: &str) -> Vec<String> {
    user(store, ORG, name, None).unwrap().groups.iter().map(|name| (**name).to_owned()).collect()
}

fn row(store: &Store, email: &str) -> Option<UserRow> {
    store.read(|r| r.user_by_email(r.organization(ORG)?.unwrap().id, email, false)).unwrap()
}

#[test]
fn a_response_has_the_form_of_the_service() {
    let body = json!([
        {"user": "jdoe@example.com", "requestID": "Two2", "do": [{"add": {"product": ["Photoshop"]}}]},
        {"user": "test@example.com", "requestID": "Four4", "do": [{"add": {"group": ["Design"]}}, {"update": {"country": "US"}}]},
        {"usergroup": "Nothing", "do": [{"deleteUserGroup": {}}]},
    ]);
    let text = serde_json::to_string(&act(&store(), &body)).unwrap();
    let expected = concat!(
        r#"{"result":"partial","completed":1,"notCompleted":2,"completedInTestMode":0,"errors":["#,
        r#"{"index":1,"step":0,"message":"User Id does not exist: test@example.com","errorCode":"error.user.nonexistent","requestID":"Four4","user":"test@example.com"},"#,
        r#"{"index":1,"step":1,"message":"The country of a user cannot be updated","errorCode":"error.update.country.no_update","requestID":"Four4","user":"test@example.com"},"#,
        r#"{"index":2,"step":0,"message":"UserGroup not found","errorCode":"error.usergroup.not_found","user":"Nothing"}],"#,
        r#""warnings":[{"index":0,"step":0,"message":"'product' command is deprecated. Please use productConfiguration.","warningCode":"warning.command.deprecated","requestID":"Two2","user":"jdoe@example.com"}]}"#,
    );
    assert_eq!(text, expected);
}

#[test]
fn the_example_requests_are_accepted() {
    for (name, text) in [
        ("create and assign", include_str!("../../../spec/examples/action-create-and-assign.json")),
        ("deprecated forms", include_str!("../../../spec/examples/action-deprecated-forms.json")),
        ("every group step", include_str!("../../../spec/examples/action-every-group-step.json")),
        ("every user step", include_str!("../../../spec/examples/action-every-user-step.json")),
        ("username login", include_str!("../../../spec/examples/action-username-login.json")),
    ] {
        let response = act(&store(), &serde_json::from_str(text).unwrap());
        for error in response.errors {
            let about_json = ["error.command.", "error.option", "error.country"];
            assert!(!about_json.iter().any(|area| error.error_code.starts_with(area)), "{name}: {error:?}");
        }
    }
}

#[test]
fn deprecated_steps_and_keys_work_with_a_warning() {
    let store = store();
    let response = done(
        &store,
        &json!([
            {"user": "jdoe@example.com", "do": [
                {"add": {"product": ["Photoshop"], "productConfiguration": ["Illustrator"], "usergroup": ["Design"]}},
                {"addRoles": {"admin": ["Design", "Photoshop", "support"], "productAdmin": ["Creative Cloud"]}},
                {"removeRoles": {"admin": ["Layout"]}},
            ]},
            {"user": "Bob@contractors.example", "do": [{"resetPassword": {}}]},
            {"user": "eve@example.com", "do": [{"removeFromDomain": {"removedDomain": "example.com"}}]},
            {"usergroup": "Layout", "do": [{"add": {"product": ["Trial"], "users": ["jdoe@example.com"]}}]},
        ]),
    );
    let warnings: Vec<_> = response.warnings.iter().map(|w| (w.index, w.step, w.message.as_str())).collect();
    assert_eq!(
        warnings,
        [
            (0, 0, "'product' command is deprecated. Please use productConfiguration."),
            (0, 0, "'productConfiguration' command is deprecated. Please use group."),
            (0, 0, "'usergroup' command is deprecated. Please use group."),
            (0, 1, "'addRoles' command is deprecated. Please use add."),
            (0, 2, "'removeRoles' command is deprecated. Please use remove."),
            (1, 0, "'resetPassword' command is deprecated."),
            (2, 0, "'removeFromDomain' command is deprecated. Please use removeFromOrg."),
            (3, 0, "'product' command is deprecated. Please use productConfiguration."),
            (3, 0, "'users' command is deprecated. Please use user."),
        ]
    );
    let roles = ["_admin_Photoshop", "_admin_Design", "_support_admin", "_product_admin_Creative Cloud"];
    let mut expected = vec!["Photoshop", "Illustrator", "Design", "Layout"];
    expected.extend(roles);
    let mut found = groups(&store, "jdoe@example.com");
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(row(&store, "eve@example.com").is_none(), "the account is gone from the domain");
}

#[test]
fn older_keys_find_groups_of_every_kind() {
    let store = store();
    let all = json!(["Photoshop", "Design", "_admin_Layout"]);
    for key in ["product", "productConfiguration", "usergroup", "group"] {
        let command = |step: &str| json!([{"user": "jdoe@example.com", "do": [{step: {key: all}}]}]);
        done(&store, &command("add"));
        assert_eq!(groups(&store, "jdoe@example.com"), ["Photoshop", "Design", "_admin_Layout"], "{key}");
        done(&store, &command("remove"));
        assert!(groups(&store, "jdoe@example.com").is_empty(), "{key}");
    }
}

#[test]
fn messages_are_those_of_the_service() {
    let store = store();
    let create = json!({"createFederatedID": {
        "email": "x@unclaimed.example", "firstname": "A", "lastname": "B", "country": "US"}});
    for (command, message) in [
        (json!({"user": "x@unclaimed.example", "do": [create]}), "Domain for email is not claimed"),
        (json!({"usergroup": "Nowhere", "do": [{"remove": "all"}]}), "UserGroup not found"),
        (
            json!({"user": "x@mail.example", "useAdobeID": true, "do": [{"remove": "all"}]}),
            "Adobe Id does not exist: x@mail.example",
        ),
        (json!({"user": "x@mail.example", "do": [{"remove": "all"}]}), "User Id does not exist: x@mail.example"),
        (
            json!({"user": "eve@example.com", "do": [{"removeFromDomain": {"domain": "unclaimed.example"}}]}),
            "Changes to users are only allowed in claimed domains.",
        ),
    ] {
        assert_eq!(act(&store, &json!([command])).errors[0].message, message);
    }
    let failure = engine::apply(&store, ORG, b"[", &ActionOptions::new("request", 0)).unwrap_err();
    assert_eq!(failure.rejection().unwrap().message, "Expected a valid JSON payload");
}

#[test]
fn undocumented_shapes_are_accepted_only_in_loose_mode() {
    let create = json!({"email": "new@example.com", "firstname": "N", "lastname": "W", "country": "US", "option": ""});
    let adobe = json!({"email": "x@mail.example", "firstname": "", "country": ""});
    for (command, strict) in [
        (
            json!({"user": "ann@example.com", "useAdobeID": "true", "do": [{"remove": {"group": ["Design"]}}]}),
            "error.command.boolean_expected",
        ),
        (
            json!({"user": "eve@example.com", "do": [{"removeFromOrg": {"deleteAccount": "false"}}]}),
            "error.command.boolean_expected",
        ),
        (
            json!({"user": "eve@example.com", "do": [{"add": {"group": ["Layout"]}, "remove": {"group": ["Design"]}}]}),
            "error.command.illegal_entry",
        ),
        (json!({"user": "eve@example.com", "do": [{"add": {"group": []}}]}), "error.group.invalid_list"),
        (
            json!({"usergroup": "Design", "do": [{"remove": {"productConfiguration": []}}]}),
            "error.usergroup.command.missing.arguments",
        ),
        (json!({"user": "new@example.com", "do": [{"createFederatedID": create}]}), "error.option.illegal"),
        (json!({"user": "x@mail.example", "do": [{"addAdobeID": adobe}]}), "error.country.invalid"),
        (
            json!({"user": "eve@example.com", "do": [{"update": {"firstname": "E", "lastname": ""}}]}),
            "error.user.lastname_missing",
        ),
        (
            json!({"user": "eve@example.com", "domain": "", "do": [{"remove": "all"}]}),
            "error.command.domain.must_be_used_with_nonemail_username",
        ),
    ] {
        let run = |loose| {
            let options = ActionOptions::new("request", 0).loose(loose);
            engine::apply(&store(), ORG, json!([command]).to_string().as_bytes(), &options).unwrap()
        };
        assert_eq!(codes(&run(false)), [(0, 0, strict)], "{command}");
        assert_eq!(codes(&run(true)), [], "{command}");
    }
    let store = store();
    let two =
        json!([{"user": "eve@example.com", "do": [{"add": {"group": ["Layout"]}, "remove": {"group": ["Design"]}}]}]);
    engine::apply(&store, ORG, two.to_string().as_bytes(), &ActionOptions::new("request", 0).loose(true)).unwrap();
    assert_eq!(groups(&store, "eve@example.com"), ["Trial", "Layout"], "both steps ran");
}

#[test]
fn options_decide_how_a_create_handles_an_existing_user() {
    let store = store();
    let create = |option: Value| {
        let mut fields = json!({"email": "JDOE@example.com", "firstname": "Jack", "lastname": "Dee", "country": "GB"});
        fields["option"] = option;
        json!([{"user": "jdoe@EXAMPLE.com", "do": [{"createFederatedID": fields}, {"add": {"group": ["Design"]}}]}])
    };
    let names = || {
        let user = user(&store, ORG, "jdoe@example.com", None).unwrap();
        (user.firstname.unwrap(), user.lastname.unwrap(), user.country)
    };
    done(&store, &create(json!("ignoreIfAlreadyExists")));
    assert_eq!(names(), ("John".into(), "Doe".into(), None));
    done(&store, &create(json!("updateIfAlreadyExists")));
    assert_eq!(names(), ("Jack".into(), "Dee".into(), None), "only the two names change");
    assert!(groups(&store, "jdoe@example.com").contains(&"Design".to_owned()));
    let mut without = create(json!(null));
    without[0]["do"][0]["createFederatedID"].as_object_mut().unwrap().remove("option");
    assert_eq!(codes(&act(&store, &without)), [(0, 0, "error.user.already_in_org")], "the add after it is done");
}

#[test]
fn a_username_and_domain_identify_a_user_in_every_step() {
    let store = store();
    let command = |steps: Value| json!([{"user": "JDoe", "domain": "claimed.example", "do": steps}]);
    done(
        &store,
        &command(json!([
            {"createFederatedID": {"email": "jd@mail.example", "firstname": "J", "lastname": "D", "country": "US"}},
            {"add": {"group": ["Design"]}},
        ])),
    );
    let found = user(&store, ORG, "jdoe", Some("claimed.example")).unwrap();
    assert_eq!((found.username.as_str(), found.domain.as_str()), ("JDoe", "claimed.example"));
    done(
        &store,
        &command(
            json!([{"update": {"email": "jd2@mail.example", "lastname": "Dee"}}, {"remove": {"group": ["design"]}}]),
        ),
    );
    let found = user(&store, ORG, "jd2@mail.example", None).unwrap();
    assert_eq!((found.username.as_str(), found.lastname.as_deref(), found.groups.len()), ("JDoe", Some("Dee"), 0));
    done(&store, &command(json!([{"removeFromOrg": {"deleteAccount": true}}])));
    assert!(user(&store, ORG, "jd2@mail.example", None).is_none());
    // A recording shows that no address names a user there, and that deleting one fails.
    let nobody = json!([{"user": "jd@claimed.example", "do": [{"removeFromOrg": {"deleteAccount": true}}]}]);
    assert_eq!(codes(&act(&store, &nobody)), [(0, 0, "error.user.nonexistent")]);
    done(&store, &json!([{"user": "jd@claimed.example", "do": [{"removeFromOrg": {}}]}]));
}

#[test]
fn an_address_means_the_own_account_unless_use_adobe_id_is_set() {
    let store = store();
    let add = |extra: Value| {
        let mut command = json!({"user": "ann@example.com", "do": [{"add": {"group": ["Design"]}}]});
        command.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!([command])
    };
    let in_design =
        |domain| user(&store, ORG, "ann@example.com", domain).unwrap().groups.iter().any(|name| **name == *"Design");
    done(&store, &add(json!({"useAdobeID": true})));
    assert_eq!((in_design(None), in_design(Some("AdobeID"))), (false, true));
    done(&store, &add(json!({})));
    assert!(in_design(None));
    // `domain` beside an address is ignored for Adobe IDs and Enterprise IDs, and rejected for Federated IDs.
    done(&store, &add(json!({"useAdobeID": true, "domain": "example.com"})));
    done(
        &store,
        &json!([{"user": "bob@contractors.example", "domain": "contractors.example", "do": [{"update": {"lastname": "B"}}]}]),
    );
    let code = "error.command.domain.must_be_used_with_nonemail_username";
    assert_eq!(codes(&act(&store, &add(json!({"domain": "example.com"})))), [(0, 0, code)]);
    // An account that left does not hide the Adobe ID.
    done(&store, &json!([{"user": "ann@example.com", "do": [{"removeFromOrg": {}}]}]));
    done(&store, &json!([{"user": "ann@example.com", "do": [{"remove": {"group": ["Design"]}}]}]));
    assert!(!in_design(Some("AdobeID")));
}

#[test]
fn two_accounts_with_one_address_are_told_apart() {
    const TWINS: &str = "ABCDEF0123456789ABCDEF01@AdobeOrg";
    let store = Store::in_memory().unwrap();
    seed::load(&store, &Seed::from_yaml(include_str!("seeds/twins.yaml")).unwrap()).unwrap();
    let send = |body: &Value| send(&store, TWINS, body, false);
    let own = |steps: Value| send(&json!([{"user": "ann@example.com", "do": steps}]));
    let adobe = |steps: Value| send(&json!([{"user": "ann@example.com", "useAdobeID": true, "do": steps}]));
    let groups = |domain| {
        let user = user(&store, TWINS, "ann@example.com", domain)?;
        Some(user.groups.iter().map(|name| (**name).to_owned()).collect::<Vec<_>>())
    };
    let both = || (groups(None).unwrap(), groups(Some("AdobeID")).unwrap());
    let names = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();

    assert_eq!(own(json!([{"add": {"group": ["Illustrator"]}}])).completed, 1);
    assert_eq!(both(), (names(&["Illustrator", "Design"]), names(&["Photoshop"])));
    assert_eq!(adobe(json!([{"add": {"group": ["Design"]}}, {"remove": {"group": ["Photoshop"]}}])).completed, 1);
    assert_eq!(both(), (names(&["Illustrator", "Design"]), names(&["Design"])));
    // Without the Adobe ID's mark a removal is about the other account, which is not in the group.
    assert_eq!(adobe(json!([{"add": {"group": ["Photoshop"]}}])).completed, 1);
    assert_eq!(own(json!([{"remove": {"group": ["Photoshop"]}}])).completed, 1);
    assert_eq!(both(), (names(&["Illustrator", "Design"]), names(&["Photoshop", "Design"])));
    // A list of users has no mark: it means the organization's own account.
    let from_group = json!([{"usergroup": "Design", "do": [{"remove": {"user": ["ann@example.com"]}}]}]);
    assert_eq!(send(&from_group).completed, 1);
    assert_eq!(both(), (names(&["Illustrator"]), names(&["Photoshop", "Design"])));
    assert_eq!(codes(&send(&from_group)), [(0, 0, "error.usergroup.user_list.invalid")]);

    assert_eq!(own(json!([{"update": {"lastname": "Ray"}}])).completed, 1);
    assert_eq!(codes(&adobe(json!([{"update": {"lastname": "Ray"}}]))), [(0, 0, "error.update.adobeid.no")]);
    let lastname = |domain| user(&store, TWINS, "ann@example.com", domain).unwrap().lastname.unwrap();
    assert_eq!((lastname(None), lastname(Some("AdobeID"))), ("Ray".to_owned(), "Lee".to_owned()));

    assert_eq!(own(json!([{"remove": "all"}])).completed, 1);
    assert_eq!(both(), (names(&[]), names(&["Photoshop", "Design"])));
    assert_eq!(adobe(json!([{"removeFromOrg": {"deleteAccount": true}}])).completed, 1);
    assert_eq!((groups(None).is_some(), groups(Some("AdobeID"))), (true, None));
    let code = "error.user.nonexistent_or_has_conflicting_parameters";
    assert_eq!(codes(&adobe(json!([{"add": {"group": ["Design"]}}]))), [(0, 0, code)]);
    assert_eq!(adobe(json!([{"removeFromOrg": {}}])).completed, 1, "removing a missing user succeeds");
    assert!(groups(None).is_some(), "and removes nobody else");
    assert_eq!(adobe(json!([{"addAdobeID": {"email": "ann@example.com"}}])).completed, 1);
    assert_eq!(own(json!([{"removeFromOrg": {"deleteAccount": true}}])).completed, 1);
    assert_eq!(groups(Some("AdobeID")), Some(Vec::new()), "only the own account is deleted");
}

#[test]
fn a_create_beside_an_adobe_id_can_silently_do_nothing() {
    let create =
        json!({"createFederatedID": {"email": "a@example.com", "firstname": "A", "lastname": "B", "country": "US"}});
    for shared in [true, false] {
        let store = store();
        store.write(None, |tx| tx.set_shared_addresses(tx.rows().organization(ORG)?.unwrap().id, shared)).unwrap();
        done(&store, &json!([{"user": "a@example.com", "do": [{"addAdobeID": {"email": "a@example.com"}}]}]));
        done(&store, &json!([{"user": "a@example.com", "do": [create, {"add": {"group": ["Design"]}}]}]));
        assert_eq!(row(&store, "a@example.com").is_some(), shared);
        let adobe = user(&store, ORG, "a@example.com", Some("AdobeID")).unwrap();
        assert_eq!(adobe.groups.is_empty(), shared, "the step after it finds the Adobe ID");
    }
}

#[test]
fn a_removal_of_a_missing_user_removes_nobody() {
    let store = store();
    let before = store.snapshot().unwrap();
    for root in [
        json!({"user": "jdo@example.com"}),
        json!({"user": "jdoe@mail.example"}),
        json!({"user": "jdoe", "domain": "example.com"}),
        json!({"user": "jdoe", "domain": "claimed.example"}),
        json!({"user": "jdoe@example.com", "useAdobeID": true}),
    ] {
        for fields in [json!({}), json!({"deleteAccount": false}), json!({"deleteAccount": true})] {
            let mut command = root.clone();
            command["do"] = json!([{"removeFromOrg": fields}]);
            done(&store, &json!([command]));
        }
        let mut command = root.clone();
        command["do"] = json!([{"remove": {"group": ["Design"]}}]);
        let response = act(&store, &json!([command]));
        assert!(codes(&response)[0].2.starts_with("error.user.nonexistent"), "{:?}", response.errors);
    }
    assert_eq!(store.snapshot().unwrap().as_bytes(), before.as_bytes(), "nothing changed");
}

#[test]
fn hidden_characters_are_rejected_in_every_name() {
    let store = store();
    let before = store.snapshot().unwrap();
    let create = |field: &str, value: &str| {
        let mut fields = json!({"email": "new@example.com", "firstname": "N", "lastname": "W", "country": "US"});
        fields[field] = value.into();
        json!({"user": "new@example.com", "do": [{"createFederatedID": fields}]})
    };
    let on_user = |steps: Value| json!({"user": "jdoe@example.com", "do": [steps]});
    let on_group = |steps: Value| json!({"usergroup": "Design", "do": [steps]});
    for (command, code) in [
        (json!({"user": "jdoe\u{200B}@example.com", "do": [{"removeFromOrg": {}}]}), "error.user.email.invalid"),
        (
            json!({"user": "jdoe\u{FEFF}", "domain": "claimed.example", "do": [{"removeFromOrg": {}}]}),
            "error.user.name.invalid",
        ),
        (create("email", "new\u{200B}@example.com"), "error.user.email.invalid"),
        (create("firstname", "N\u{202E}"), "error.user.name.invalid"),
        (create("lastname", "W\u{85}"), "error.user.name.invalid"),
        (on_user(json!({"update": {"email": "j\u{200E}@example.com"}})), "error.user.email.invalid"),
        (on_user(json!({"update": {"username": "j\u{2060}"}})), "error.user.name.invalid"),
        (on_user(json!({"update": {"firstname": "\u{7}"}})), "error.user.name.invalid"),
        (on_user(json!({"add": {"group": ["Design\u{200B}"]}})), "error.group.invalid_name"),
        (on_user(json!({"remove": {"productConfiguration": ["Trial\u{FEFF}"]}})), "error.group.invalid_name"),
        (on_user(json!({"addRoles": {"admin": ["Design\u{200B}"]}})), "error.group.invalid_name"),
        (json!({"usergroup": "New\u{200B}", "do": [{"createUserGroup": {}}]}), "error.group.invalid_name"),
        (on_group(json!({"updateUserGroup": {"name": "De\u{AD}sign"}})), "error.group.invalid_name"),
        (on_group(json!({"add": {"user": ["jdoe\u{200B}@example.com"]}})), "error.user.user_list.invalid"),
        (on_group(json!({"add": {"productConfiguration": ["Trial\u{200B}"]}})), "error.group.invalid_name"),
    ] {
        let response = act(&store, &json!([command]));
        assert_eq!(codes(&response), [(0, 0, code)], "{command}");
        let message = &response.errors[0].message;
        assert!(message.contains("<U+"), "the character is shown: {message}");
    }
    for lastname in [" ", "\u{A0}"] {
        assert_eq!(
            codes(&act(&store, &json!([create("lastname", lastname)]))),
            [(0, 0, "error.user.lastname_missing")]
        );
    }
    assert_eq!(store.snapshot().unwrap().as_bytes(), before.as_bytes(), "nothing changed");
}

#[test]
fn the_username_follows_a_new_address_and_case_stays() {
    let store = store();
    let update = |fields: Value| json!([{"user": "jdoe@example.com", "do": [{"update": fields}]}]);
    done(&store, &update(json!({"email": "JDOE@EXAMPLE.COM"})));
    assert_eq!(user(&store, ORG, "jdoe@example.com", None).unwrap().email, "jdoe@example.com");
    done(&store, &update(json!({"username": "j.doe@office.example"})));
    let found = user(&store, ORG, "jdoe@example.com", None).unwrap();
    assert_eq!((found.email.as_str(), found.username.as_str()), ("jdoe@example.com", "j.doe@office.example"));
    let id = found.id;
    done(&store, &update(json!({"email": "john@office.example"})));
    let found = user(&store, ORG, "john@office.example", None).unwrap();
    assert_eq!((found.username.as_str(), found.domain.as_str()), ("john@office.example", "office.example"));
    assert_eq!(found.id, id, "the same account");
}

#[test]
fn an_explicit_field_wins_over_a_default() {
    let store = store();
    let update = |user: &str, fields: Value| json!([{"user": user, "do": [{"update": fields}]}]);
    let identity = |email| user(&store, ORG, email, None).map(|user| (user.email, user.username)).unwrap();
    let fields = json!({"email": "john@office.example", "username": "jdoe@example.com"});
    done(&store, &update("jdoe@example.com", fields));
    let kept = ("john@office.example".to_owned(), "jdoe@example.com".to_owned());
    assert_eq!(identity("john@office.example"), kept, "the present username is kept");
    // The username is still taken: no other user may get it, by a name of its own or by its address.
    let code = "error.user.name_in_use";
    for fields in [json!({"username": "jdoe@example.com"}), json!({"email": "JDOE@example.com"})] {
        assert_eq!(codes(&act(&store, &update("eve@example.com", fields))), [(0, 0, code)]);
    }
    done(
        &store,
        &update(
            "Bob@contractors.example",
            json!({"email": "b@contractors.example", "username": "Bob@contractors.example"}),
        ),
    );
    let kept = ("b@contractors.example".to_owned(), "Bob@contractors.example".to_owned());
    assert_eq!(identity("b@contractors.example"), kept, "an Enterprise ID too");

    let remove = |fields: Value| json!([{"user": "eve@example.com", "do": [{"removeFromOrg": fields}]}]);
    done(&store, &remove(json!({"removedDomain": "example.com", "deleteAccount": false})));
    assert!(row(&store, "eve@example.com").is_some(), "the account is kept");
    done(&store, &remove(json!({"removedDomain": "example.com"})));
    assert!(row(&store, "eve@example.com").is_none(), "the older field deletes it by default");
}

#[test]
fn a_trusted_organization_adds_accounts_it_does_not_own() {
    let store = store();
    let act = |steps: Value| send(&store, TRUSTED, &json!([{"user": "jdoe@example.com", "do": steps}]), false);
    let create =
        json!({"createFederatedID": {"email": "jdoe@example.com", "firstname": "X", "lastname": "Y", "country": "US"}});
    assert_eq!(act(json!([create, {"add": {"group": ["Guests"]}}])).completed, 1);
    let id = |org| user(&store, org, "jdoe@example.com", None).map(|user| user.id);
    assert_eq!(id(TRUSTED), id(ORG), "one account");
    assert_eq!(codes(&act(json!([{"update": {"lastname": "Z"}}]))), [(0, 0, "error.user.not_in_org")]);
    assert_eq!(
        codes(&act(json!([{"removeFromOrg": {"deleteAccount": true}}]))),
        [(0, 0, "error.api.user.not.parent.org")]
    );
    // A change by the owner is visible in both organizations.
    done(&store, &json!([{"user": "jdoe@example.com", "do": [{"update": {"lastname": "New"}}]}]));
    assert_eq!(user(&store, TRUSTED, "jdoe@example.com", None).unwrap().lastname.as_deref(), Some("New"));
    assert_eq!(act(json!([{"removeFromOrg": {}}])).completed, 1);
    assert_eq!((id(TRUSTED), id(ORG).is_some()), (None, true));
    // An account deleted by the owner is gone everywhere.
    assert_eq!(act(json!([create])).completed, 1);
    done(&store, &json!([{"user": "jdoe@example.com", "do": [{"removeFromOrg": {"deleteAccount": true}}]}]));
    assert_eq!((id(TRUSTED), id(ORG)), (None, None));
}

#[test]
fn a_removed_user_keeps_its_account_unless_deleted() {
    let store = store();
    let create =
        json!({"createFederatedID": {"email": "eve@example.com", "firstname": "E", "lastname": "V", "country": "US"}});
    let there = |steps: Value| done(&store, &json!([{"user": "eve@example.com", "do": steps}]));
    let id = || user(&store, ORG, "eve@example.com", None).map(|user| user.id);
    let before = id();
    there(json!([{"removeFromOrg": {"deleteAccount": false}}]));
    assert_eq!(id(), None);
    there(json!([create]));
    assert_eq!((id(), groups(&store, "eve@example.com")), (before.clone(), Vec::new()), "memberships do not come back");
    there(json!([{"removeFromOrg": {"deleteAccount": true}}]));
    there(json!([create]));
    assert_ne!(id(), before);
    // Removing a user that does not exist succeeds.
    done(&store, &json!([{"user": "nobody@example.com", "do": [{"removeFromOrg": {"deleteAccount": true}}]}]));
}

#[test]
fn test_mode_checks_everything_and_changes_nothing() {
    let store = store();
    let before = store.snapshot().unwrap();
    let create =
        json!({"createFederatedID": {"email": "new@example.com", "firstname": "N", "lastname": "W", "country": "US"}});
    let body = json!([
        {"user": "new@example.com", "do": [create, {"add": {"group": ["Design", "Fresh"]}}]},
        {"user": "new@example.com", "do": [create, {"update": {"lastname": "X"}}]},
        {"usergroup": "Fresh", "do": [{"createUserGroup": {}}, {"add": {"user": ["new@example.com"]}}]},
        {"user": "new@example.com", "do": [{"add": {"group": ["fresh"]}}, {"removeFromOrg": {"deleteAccount": true}}]},
        {"user": "new@example.com", "do": [{"add": {"group": ["Nothing"]}}]},
        {"usergroup": "Layout", "do": [{"deleteUserGroup": {}}, {"add": {"productConfiguration": ["Nothing"]}}]},
        {"user": "bob@contractors.example", "do": [{"createFederatedID": {
            "email": "bob@contractors.example", "firstname": "B", "lastname": "B", "country": "US"}}]},
    ]);
    let response = send(&store, ORG, &body, true);
    assert_eq!(
        codes(&response),
        [(0, 1, "error.group.not_found"), (4, 0, "error.group.not_found"), (6, 0, "error.user.type_mismatch")],
        "the group counts as existing from its command on"
    );
    assert_eq!((response.completed, response.not_completed, response.completed_in_test_mode), (0, 3, 4));
    assert_eq!(store.snapshot().unwrap().as_bytes(), before.as_bytes(), "nothing changed");
}

#[test]
fn a_failed_step_changes_nothing_and_others_are_done() {
    let store = store();
    let response = act(
        &store,
        &json!([{"user": "jdoe@example.com", "do": [
            {"add": {"group": ["Design"]}},
            {"add": {"group": ["Photoshop", "Nothing"]}},
            {"add": {"group": ["Trial"]}},
        ]}]),
    );
    assert_eq!(codes(&response), [(0, 1, "error.group.not_found")]);
    assert_eq!((response.completed, response.not_completed), (0, 1));
    assert_eq!(groups(&store, "jdoe@example.com"), ["Trial", "Design", "_admin_Layout"]);
}

#[test]
fn a_request_is_limited_in_size() {
    let store = store();
    let step = json!({"remove": {"group": vec!["Design"; limits::NAMES_PER_LIST]}});
    let command = json!({"user": "jdoe@example.com", "do": vec![step; limits::STEPS_PER_COMMAND]});
    let full = json!(vec![command.clone(); limits::COMMANDS_PER_REQUEST]);
    done(&store, &full);
    let malformed = |body: &[u8]| {
        let failure = engine::apply(&store, ORG, body, &ActionOptions::new("request", 0)).unwrap_err();
        assert!(matches!(&failure, ActionFailure::Malformed(_)), "{failure}");
        failure.rejection().unwrap().message.clone()
    };
    let more = json!(vec![command; limits::COMMANDS_PER_REQUEST + 1]);
    assert!(malformed(more.to_string().as_bytes()).contains("1 to 10"));
    let mut long = full.to_string().into_bytes();
    long.resize(limits::REQUEST_BYTES, b' ');
    engine::apply(&store, ORG, &long, &ActionOptions::new("request", 0)).unwrap();
    long.push(b' ');
    assert!(malformed(&long).contains("1000000 bytes"));
    let of = |field: &str, length: usize| {
        let mut fields = json!({"email": "x@mail.example", "option": "ignoreIfAlreadyExists"});
        fields[field] = "x".repeat(length).into();
        act(&store, &json!([{"user": "x@mail.example", "do": [{"addAdobeID": fields}]}])).completed
    };
    assert_eq!((of("firstname", limits::FIRST_NAME_LENGTH), of("firstname", limits::FIRST_NAME_LENGTH + 1)), (1, 0));
    assert_eq!((of("lastname", limits::LAST_NAME_LENGTH), of("lastname", limits::LAST_NAME_LENGTH + 1)), (1, 0));
}

#[test]
fn an_unknown_or_migrating_organization_is_not_changed() {
    let store = store();
    let failure = |org| engine::apply(&store, org, b"[", &ActionOptions::new("request", 0)).unwrap_err();
    assert!(matches!(failure("CC@AdobeOrg"), ActionFailure::UnknownOrganization(_)));
    store
        .write(None, |tx| {
            let org = tx.rows().organization(ORG)?.unwrap().id;
            tx.set_migrating(org, true)
        })
        .unwrap();
    assert!(matches!(failure(ORG), ActionFailure::Migrating(_)));
}
