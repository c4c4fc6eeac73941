//! The requests that cause each error code.

use serde_json::{Value, json};
use umapi_emulator::{
    ActionStep, Emulator,
    store::{StoreError, UserKind},
};

pub(crate) const ORG: &str = "AA@AdobeOrg";

/// The state before each request.
pub(crate) const SEED: &str = r"
organizations:
  - id: AA@AdobeOrg
    directories:
      - { name: Staff, type: federated, domains: [staff.example, office.example] }
      - { name: Others, type: federated, domains: [other.example] }
      - { name: Contractors, type: enterprise, domains: [contractors.example] }
      - { name: School, type: federated, login: username, domains: [school.example] }
      - { name: College, type: federated, login: username, domains: [college.example] }
      - { name: Synced, type: federated, synced: true, domains: [synced.example] }
      - { name: Closed, type: federated, domains: [{ name: closed.example, enforced: true }] }
    products:
      - { name: Photoshop, id: PS, profiles: [{ name: Default Photoshop }] }
    userGroups: [{ name: Design }, { name: Shared, readOnly: true }, { name: Crowd }]
    users:
      - { type: federatedID, email: jdoe@staff.example, groups: [Design, Shared, Crowd, _admin_Default Photoshop] }
      - { type: federatedID, email: ann@staff.example, groups: [Crowd, _product_admin_Photoshop] }
      - { type: federatedID, email: kim@staff.example, groups: [Crowd] }
      - { type: federatedID, email: gone@staff.example, presence: directoryOnly }
      - { type: enterpriseID, email: bob@contractors.example }
      - { type: federatedID, email: kid@mail.example, username: kid, domain: school.example }
      - { type: federatedID, email: twin1@mail.example, username: twin, domain: school.example }
      - { type: federatedID, email: twin2@mail.example, username: twin, domain: college.example }
      - { type: adobeID, email: eve@mail.example }
      - { type: adobeID, email: invited@mail.example, presence: invited }
      - { type: unknown, email: odd@mail.example }
  - id: BB@AdobeOrg
    directories:
      - { name: Partner, type: federated, domains: [partner.example], trustedBy: [AA@AdobeOrg] }
      - { name: Private, type: federated, domains: [foreign.example] }
    users: [{ type: federatedID, email: guest@partner.example }]
";

/// A request that causes a code.
pub(crate) enum Request {
    /// Steps of a command on a user.
    User(&'static str, Value),
    /// Steps of a command on a user group.
    Group(&'static str, Value),
    /// A whole command.
    Command(Value),
    /// The body of an action request.
    Body(&'static str),
    /// Another call: method, path below the root of the API, body.
    Call(&'static str, String, Value),
    /// A call with these headers and no others.
    Bare(&'static [(&'static str, &'static str)]),
    /// A command on a user, after a change of the organization.
    After(fn(&Emulator) -> Result<(), StoreError>, &'static str, Value),
    /// More calls than the limit per minute.
    Flood,
}

/// The requests that cause each code.
pub(crate) fn caused() -> Vec<(&'static str, Request)> {
    use Request::{After, Bare, Body, Call, Command, Flood, Group, User};
    let federated = |email: &str| json!({"email": email, "firstname": "A", "lastname": "B", "country": "US"});
    let create = |email: &str| json!([{"createFederatedID": federated(email)}]);
    let jdoe = |steps| User("jdoe@staff.example", steps);
    let add = |groups: Value| json!([{"add": {"group": groups}}]);
    let call = |method, path: &str, body| Call(method, path.to_owned(), body);
    let users = |email: &str| json!([{"add": {"user": [email]}}]);
    let profile = |body| call("POST", "/AA@AdobeOrg/products/PS/configurations/{profile}", body);
    vec![
        ("error.user.not_found", call("GET", "/organizations/AA@AdobeOrg/users/new@staff.example", json!(null))),
        ("error.user.not_found", Group("Design", users("new@staff.example"))),
        (
            "error.user.not_found",
            User("new@staff.example", json!([{"createFederatedID": {}}, {"add": {"group": ["Design"]}}])),
        ),
        ("error.user.not_in_org", User("gone@staff.example", json!([{"update": {"lastname": "C"}}]))),
        ("error.user.nonexistent", User("new@staff.example", add(json!(["Design"])))),
        (
            "error.user.nonexistent_or_has_conflicting_parameters",
            Command(json!({"user": "jdoe@staff.example", "useAdobeID": true, "do": add(json!(["Design"]))})),
        ),
        ("error.user.already_in_org", User("ann@staff.example", create("ann@staff.example"))),
        (
            "error.user.already_invited",
            User("invited@mail.example", json!([{"addAdobeID": {"email": "invited@mail.example"}}])),
        ),
        ("error.user.must_match_email", User("new@staff.example", create("other@other.example"))),
        ("error.user.type_must_not_be_adobeid", User("eve@mail.example", json!([{"resetPassword": {}}]))),
        ("error.user.type_unknown", User("odd@mail.example", json!([{"update": {"lastname": "C"}}]))),
        (
            "error.user.type_not_available",
            After(
                |emulator| {
                    emulator.store().write(None, |tx| {
                        let org = tx.rows().organization(ORG)?.map_or(0, |org| org.id);
                        tx.set_user_kinds(org, [UserKind::FederatedId].into_iter().collect())
                    })
                },
                "new@mail.example",
                json!([{"addAdobeID": {"email": "new@mail.example"}}]),
            ),
        ),
        ("error.user.not_found_or_ambiguous", Group("Design", users("twin"))),
        (
            "error.user.name.invalid",
            Command(json!({"user": "a\"b", "domain": "school.example", "do": create("new@school.example")})),
        ),
        ("error.user.user_list.invalid", Group("Design", users("a\u{7}b@staff.example"))),
        ("error.user.email.invalid", User("new@staff.example", create("new@staff@example"))),
        ("error.user.belongs_to_another_org", User("new@foreign.example", create("new@foreign.example"))),
        ("error.user.type_mismatch", User("new@contractors.example", create("new@contractors.example"))),
        ("error.user.change_domain_update.no", jdoe(json!([{"update": {"email": "jdoe@other.example"}}]))),
        ("error.user.id_missing", User("new@mail.example", json!([{"addAdobeID": {"firstname": "A"}}]))),
        (
            "error.user.firstname_missing",
            User(
                "new@staff.example",
                json!([{"createFederatedID": {"email": "new@staff.example", "lastname": "B", "country": "US"}}]),
            ),
        ),
        (
            "error.user.lastname_missing",
            User(
                "new@staff.example",
                json!([{"createFederatedID": {"email": "new@staff.example", "firstname": "A", "country": "US"}}]),
            ),
        ),
        (
            "error.user.name_in_use",
            Command(json!({"user": "kid", "domain": "school.example", "do": [{"update": {"username": "twin"}}]})),
        ),
        ("error.user.email.name_in_use", jdoe(json!([{"update": {"email": "ann@staff.example"}}]))),
        ("error.user.name.contains.email", User("new@school.example", create("new@school.example"))),
        ("error.user.already_exists", Group("Crowd", users("jdoe@staff.example"))),
        ("error.user.command.missing.arguments", Group("Design", json!([{"updateUserGroup": {}}]))),
        ("error.user.productadmin.group.not_found", jdoe(json!([{"addRoles": {"productAdmin": ["Nothing"]}}]))),
        (
            "error.user.productadmin.add.user.failed",
            call("POST", "/AA@AdobeOrg/products/PS", json!({"addProductAdmin": ["new@staff.example"]})),
        ),
        (
            "error.user.productadmin.remove.admin.failed",
            call("POST", "/AA@AdobeOrg/products/PS/admin", json!([{"removeProductAdmin": ["new@staff.example"]}])),
        ),
        (
            "error.user.domain_enforcement",
            User("new@closed.example", json!([{"addAdobeID": {"email": "new@closed.example"}}])),
        ),
        ("error.command.add_remove.list", jdoe(json!([{"add": "all"}]))),
        (
            "error.command.add_remove.duplicate.user_list",
            Group("Design", json!([{"add": {"user": ["ann@staff.example", "ANN@staff.example"]}}])),
        ),
        (
            "error.command.add_remove.duplicate.product_list",
            Body(
                r#"[{"user":"jdoe@staff.example","do":[{"add":{"product":["Default Photoshop"],"product":["Default Photoshop"]}}]}]"#,
            ),
        ),
        (
            "error.command.add_remove.duplicate.group_list",
            Body(r#"[{"user":"jdoe@staff.example","do":[{"add":{"group":["Design"],"group":["Crowd"]}}]}]"#),
        ),
        (
            "error.command.add_remove.duplicate.usergroup_list",
            jdoe(json!([{"add": {"usergroup": ["Design", "DESIGN"]}}])),
        ),
        (
            "error.command.add_remove.duplicate.productadmin_list",
            jdoe(json!([{"addRoles": {"productAdmin": ["Photoshop", "photoshop"]}}])),
        ),
        ("error.command.add_remove.invalid.usergroup_list", profile(json!({"addUserGroups": ["Nothing"]}))),
        ("error.command.add_remove.key.unknown", jdoe(json!([{"add": {"groups": ["Design"]}}]))),
        ("error.command.add_remove.user_usergroup.missing", Group("Design", json!([{"add": {}}]))),
        ("error.command.add_remove.missing_list", jdoe(json!([{"remove": {}}]))),
        ("error.command.add_remove.list_too_long", jdoe(add(json!(["g"; 11].to_vec())))),
        ("error.command.add_remove.list_too_long", jdoe(json!(vec![json!({"update": {}}); 11]))),
        ("error.command.add_remove.list_not_array", jdoe(add(json!("Design")))),
        ("error.command.add_remove.group_or_product_name_too_long", jdoe(add(json!(["g".repeat(256)])))),
        (
            "error.command.create.object_expected",
            User("new@staff.example", json!([{"createFederatedID": "new@staff.example"}])),
        ),
        ("error.command.create.string_expected", User("new@mail.example", json!([{"addAdobeID": {"email": 1}}]))),
        (
            "error.command.create.more_than_one",
            User(
                "new@mail.example",
                json!([{"addAdobeID": {"email": "new@mail.example"}}, {"addAdobeID": {"email": "new@mail.example"}}]),
            ),
        ),
        (
            "error.command.create.not_first",
            User("new@mail.example", json!([{"update": {}}, {"addAdobeID": {"email": "new@mail.example"}}])),
        ),
        (
            "error.command.create.key.unknown",
            User("new@mail.example", json!([{"addAdobeID": {"email": "new@mail.example", "phone": "1"}}])),
        ),
        ("error.command.product.not_found", call("GET", "/AA@AdobeOrg/products/nothing", json!(null))),
        (
            "error.command.boolean_expected",
            Command(json!({"user": "eve@mail.example", "useAdobeID": "yes", "do": [{"update": {}}]})),
        ),
        ("error.command.boolean_expected", jdoe(json!([{"removeFromOrg": {"deleteAccount": "yes"}}]))),
        ("error.command.update.option.no", jdoe(json!([{"update": {"option": "ignoreIfAlreadyExists"}}]))),
        ("error.command.domain.missing", Command(json!({"user": "kid", "do": [{"update": {}}]}))),
        (
            "error.command.domain.must_be_used_with_nonemail_username",
            Command(json!({"user": "jdoe@staff.example", "domain": "staff.example", "do": [{"update": {}}]})),
        ),
        ("error.command.domain.string_expected", Command(json!({"user": "kid", "domain": 1, "do": [{"update": {}}]}))),
        (
            "error.command.string.too_long",
            User("new@mail.example", json!([{"addAdobeID": {"email": "new@mail.example", "country": "USA"}}])),
        ),
        ("error.command.string.too_long", jdoe(json!([{"update": {"firstname": "a".repeat(251)}}]))),
        (
            "error.command.string_expected",
            Command(json!({"user": "jdoe@staff.example", "requestID": 17, "do": [{"update": {}}]})),
        ),
        ("error.command.removefromorg.not_last", jdoe(json!([{"removeFromOrg": {}}, {"update": {}}]))),
        ("error.command.illegal_entry", jdoe(add(json!(["_org_admin"])))),
        ("error.command.step.unknown", jdoe(json!([{"promote": {}}]))),
        ("error.command.object_not_empty", User("bob@contractors.example", json!([{"resetPassword": {"now": true}}]))),
        ("error.command.malformed", Body("{}")),
        ("error.command.malformed", Body("[]")),
        ("error.command.steps.malformed", Command(json!({"user": "jdoe@staff.example", "do": {"update": {}}}))),
        ("error.command.user.missing", Command(json!({"user": "", "do": [{"update": {}}]}))),
        ("error.command.user_usergroup.missing", Command(json!({"do": [{"update": {}}]}))),
        ("error.usergroup.already_exists", Group("Design", json!([{"createUserGroup": {}}]))),
        ("error.usergroup.not_found", Group("Nothing", users("jdoe@staff.example"))),
        ("error.usergroup.user_list.invalid", Group("Design", json!([{"remove": {"user": ["ann@staff.example"]}}]))),
        ("error.usergroup.command.missing.arguments", Group("Design", json!([{"add": {"user": []}}]))),
        (
            "error.usergroup.exceeds_maximum_member_count",
            Group("Crowd", json!([{"add": {"productConfiguration": ["Default Photoshop"]}}])),
        ),
        (
            "error.usergroup.readonly.update_not_allowed",
            Group("Shared", json!([{"updateUserGroup": {"name": "Ours"}}])),
        ),
        ("error.usergroup.readonly.add_user_not_allowed", User("ann@staff.example", add(json!(["Shared"])))),
        ("error.usergroup.readonly.add_user_not_allowed", Group("Shared", users("ann@staff.example"))),
        ("error.usergroup.readonly.remove_user_not_allowed", jdoe(json!([{"remove": {"group": ["Shared"]}}]))),
        ("error.usergroup.readonly.remove_not_allowed", Group("Shared", json!([{"deleteUserGroup": {}}]))),
        ("DUPLICATE_GROUP_NAME", call("POST", "/AA@AdobeOrg/user-groups", json!({"name": "design"}))),
        ("error.update.no", jdoe(json!([{"update": {"email": "jdoe@nobody.example"}}]))),
        (
            "error.update.domain.mismatch",
            Command(json!({"user": "kid", "domain": "college.example", "do": [{"update": {"lastname": "C"}}]})),
        ),
        (
            "error.update.username.no",
            User("bob@contractors.example", json!([{"update": {"username": "rob@contractors.example"}}])),
        ),
        ("error.update.country.no_update", jdoe(json!([{"update": {"country": "DE"}}]))),
        ("error.update.adobeid.no", User("eve@mail.example", json!([{"update": {"lastname": "C"}}]))),
        ("error.domain.trust.nonexistent", User("new@nobody.example", create("new@nobody.example"))),
        (
            "error.country.invalid",
            User("new@mail.example", json!([{"addAdobeID": {"email": "new@mail.example", "country": "xx"}}])),
        ),
        ("error.organization.invalid_id", call("GET", "/users/AA/0", json!(null))),
        (
            "error.organization.migrating",
            After(
                |emulator| {
                    emulator.store().write(None, |tx| {
                        let org = tx.rows().organization(ORG)?.map_or(0, |org| org.id);
                        tx.set_migrating(org, true)
                    })
                },
                "jdoe@staff.example",
                json!([{"update": {}}]),
            ),
        ),
        ("error.group.not_found", jdoe(add(json!(["Nothing"])))),
        ("error.group.not_found", call("GET", "/users/AA@AdobeOrg/0/Nothing", json!(null))),
        ("error.group.invalid_list", jdoe(add(json!(["Design", null])))),
        ("error.group.invalid_list", jdoe(add(json!([])))),
        ("error.group.invalid_name", Group("Design", json!([{"updateUserGroup": {"name": "_admins"}}]))),
        ("GROUP_NOT_FOUND", call("GET", "/AA@AdobeOrg/user-groups/17", json!(null))),
        (
            "error.option.illegal",
            User("new@mail.example", json!([{"addAdobeID": {"email": "new@mail.example", "option": "maybe"}}])),
        ),
        ("error.api.user.not.parent.org", User("new@partner.example", create("new@partner.example"))),
        (
            "error.api.user.not.parent.org",
            User(
                "guest@partner.example",
                json!([{"createFederatedID": federated("guest@partner.example")}, {"removeFromOrg": {"deleteAccount": true}}]),
            ),
        ),
        (
            "error.productadmin.add.user.failed",
            call("POST", "/AA@AdobeOrg/products/PS", json!({"addProductAdmin": ["ann@staff.example"]})),
        ),
        (
            "error.productadmin.remove.admin.failed",
            call("POST", "/AA@AdobeOrg/products/PS", json!({"removeProductAdmin": ["jdoe@staff.example"]})),
        ),
        ("error.internal.create_failed", User("new@synced.example", create("new@synced.example"))),
        (
            "plc.admin.group.not_found",
            profile(json!({"removeAdminUsers": ["jdoe@staff.example", "jdoe@staff.example"]})),
        ),
        ("plc.admin.already_added", profile(json!({"addAdminUsers": ["jdoe@staff.example"]}))),
        ("plc.add.admin.error", profile(json!({"addAdminUsers": ["new@staff.example"]}))),
        ("plc.remove.admin.error", profile(json!({"removeAdminUsers": ["ann@staff.example"]}))),
        ("PLC_NOT_FOUND", call("GET", "/AA@AdobeOrg/products/PS/configurations/RGRP-17", json!(null))),
        ("401013", Bare(&[("authorization", "Bearer made.up.token"), ("x-api-key", "{key}")])),
        ("403000", Bare(&[("authorization", "Bearer {token}")])),
        ("403003", Bare(&[("authorization", "Bearer {token}"), ("x-api-key", "nobody")])),
        ("429050", Flood),
        ("error.unauthorized", call("GET", "/users/BB@AdobeOrg/0", json!(null))),
        ("warning.command.deprecated", User("bob@contractors.example", json!([{"resetPassword": {}}]))),
    ]
}

/// The codes of failures outside the service, with the step that fails with the code. `None` if the whole call fails.
pub(crate) const OUTSIDE: [(&str, Option<ActionStep>); 17] = [
    ("error.user.type.missing", Some(ActionStep::Update)),
    ("error.user.update_failed", Some(ActionStep::Add)),
    ("error.usergroup.update.failed", Some(ActionStep::Add)),
    ("error.developer.add_user.failed", Some(ActionStep::Add)),
    ("error.developer.remove_user.failed", Some(ActionStep::Remove)),
    ("error.throttled_by_external_service", Some(ActionStep::Add)),
    ("error.internal.update_failed", Some(ActionStep::Update)),
    ("error.internal.removefromorg", Some(ActionStep::RemoveFromOrg)),
    ("error.internal.add", Some(ActionStep::Add)),
    ("error.internal.group.remove", Some(ActionStep::Remove)),
    ("error.group.remove_failed", Some(ActionStep::Remove)),
    ("error.internal.exceptionflys", Some(ActionStep::Add)),
    ("error.internal.everybody_group.not_found", Some(ActionStep::AddAdobeId)),
    // No current call has the name of an organization.
    ("error.organization.invalid_name", None),
    ("error.api.not_available", None),
    // The gateway rejects such a key before the service sees it.
    ("error.apikey.invalid", None),
    // The service returns `PLC_NOT_FOUND` instead.
    ("plc.not_found", None),
];
