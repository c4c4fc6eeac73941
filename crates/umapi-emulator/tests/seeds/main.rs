//! Seeds: every field of the format, what it becomes, and the errors of invalid seeds.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failed assumption fails the test")]

use std::collections::BTreeSet;

use serde_json::Value;
use umapi_emulator::{
    seed::{self, Seed},
    store::{
        GroupKind, MemberQuery, MemberStatus, OrgId, PageRequest, Presence, Reader, Store, StoreError, User, UserKind,
        UserQuery, UserStatus,
    },
};

const RICH: &str = include_str!("rich.yaml");
const ALL: PageRequest = PageRequest { page: 0, size: 10_000 };

fn loaded(seed: &str) -> Store {
    let store = Store::in_memory().unwrap();
    seed::load(&store, &Seed::from_yaml(seed).unwrap()).unwrap();
    store
}

/// Returns the rich seed without its generated part.
fn plain() -> String {
    RICH.lines().filter(|line| !line.contains("generate:")).collect::<Vec<_>>().join("\n")
}

fn org(r: &Reader<'_>, id: &str) -> OrgId {
    r.organization(id).unwrap().unwrap().id
}

fn groups(user: &User) -> Vec<&str> {
    user.groups.iter().map(AsRef::as_ref).collect()
}

#[test]
fn every_field_of_a_seed_is_loaded() {
    loaded(&plain())
        .read(|r| {
            let (ours, theirs) = (org(r, "AB12CD@AdobeOrg"), org(r, "EF34@AdobeOrg"));
            let organization = r.organization("ab12cd@adobeorg")?.unwrap();
            assert_eq!((organization.name.as_str(), organization.migrating), ("Société Générale d’Exemple", false));
            assert!(organization.shared_addresses);
            let other = r.organization("EF34@AdobeOrg")?.unwrap();
            assert!(other.migrating && !other.shared_addresses);
            assert_eq!(r.directories(ours)?.len(), 4);
            let claim = r.claim(theirs, "OFFICE.example")?.unwrap();
            assert_eq!((claim.enforced, claim.owned, claim.trusted), (true, false, true));
            assert!(r.claim(ours, "cloud.example")?.unwrap().directory.synced);

            let product = r.product(ours, "RPC-0001")?.unwrap();
            assert_eq!((product.code.as_str(), product.quota, product.user_count), ("CCSV", Some(100), 3));
            let profile = r.group_by_name(ours, "all apps")?.unwrap();
            let with = |status| MemberQuery { status: Some(status), direct_only: false, exclude_groups: true };
            let emails = |status| {
                let page = r.members(&profile, &with(status), ALL).unwrap();
                page.items.into_iter().map(|user| user.email).collect::<Vec<_>>()
            };
            assert_eq!(emails(MemberStatus::Active), ["maria@staff.example", "søren@staff.example"]);
            assert_eq!(emails(MemberStatus::Inactive), ["bob@contractors.example"], "the quota is used up");

            let søren = r.user(ours, "SØREN@staff.example", None, true)?.unwrap();
            let profile = (søren.firstname.as_deref(), søren.country.as_deref(), søren.phone.as_deref());
            assert_eq!(profile, (Some("Søren"), Some("DK"), Some("+45 12 34 56 78")));
            let expected = ["_developer_Acrobat for all", "R&D / Labs (100 %)", "_admin_R&D / Labs (100 %)"];
            assert_eq!(groups(&søren), expected);
            assert_eq!(r.user(theirs, "søren@staff.example", None, true)?.unwrap().id, søren.id, "one account");
            let maria = r.user(ours, "maria@staff.example", None, false)?.unwrap();
            assert_eq!(maria.username, "m.silva@office.example");
            assert_eq!(groups(&maria), ["All Apps", "Acrobat for all", "Αθήνα 東京 Москва"]);
            let admin = r.user(ours, "admin@mail.example", Some("AdobeID"), true)?.unwrap();
            assert_eq!(
                (admin.email.as_str(), groups(&admin)),
                ("Admin@Mail.example", vec!["_org_admin", "_support_admin"])
            );

            let kid = &r.users_by_username(ours, "kid", None)?[0];
            assert_eq!((kid.status, kid.domain.as_str()), (UserStatus::Disabled, "school.example"));
            let presence = |email, adobe| r.user_by_email(ours, email, adobe).unwrap().unwrap().presence;
            assert_eq!(presence("gone@staff.example", false), Presence::DirectoryOnly);
            assert_eq!(presence("friend@mail.example", true), Presence::Invited);
            let users = r.users(ours, &UserQuery::default(), ALL)?.unwrap();
            assert_eq!((users.items.len(), users.total), (4, 7), "three technical accounts are counted");

            let sync = r.integration("sync-client")?.unwrap();
            assert_eq!((sync.secrets.len(), sync.keys.len(), sync.jti_required, sync.enabled), (2, 1, true, true));
            assert!(!r.integration("old-client")?.unwrap().enabled);
            assert!(r.group_by_name(ours, "Partners")?.unwrap().read_only);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn generated_contents_are_reproducible_and_added_to_the_rest() {
    let contents = [RICH, RICH].map(|seed| {
        loaded(seed).read(|r| {
            let ours = org(r, "AB12CD@AdobeOrg");
            assert_eq!(r.groups_of_kind(ours, GroupKind::UserGroup)?.len(), 3 + 4);
            assert_eq!(r.groups_of_kind(ours, GroupKind::Profile)?.len(), 3 + 3);
            Ok::<_, StoreError>((r.users(ours, &UserQuery::default(), ALL)?, r.groups(ours, ALL)?))
        })
    });
    let [one, two] = contents.map(Result::unwrap);
    assert_eq!(one, two);
    assert!(one.0.unwrap().items.len() > 40);
}

#[test]
fn two_accounts_with_one_address_are_loaded_and_listed() {
    loaded(include_str!("twins.yaml"))
        .read(|r| {
            let ours = org(r, "ABCDEF0123456789ABCDEF01@AdobeOrg");
            let users = r.users(ours, &UserQuery::default(), ALL)?.unwrap().items;
            let shown: Vec<_> = users.iter().map(|user| (user.email.as_str(), user.kind, groups(user))).collect();
            let expected = [
                ("ann@example.com", UserKind::FederatedId, vec!["Design"]),
                ("ann@example.com", UserKind::AdobeId, vec!["Photoshop"]),
                ("bob@example.com", UserKind::FederatedId, vec!["Photoshop", "Design"]),
            ];
            assert_eq!(shown, expected);
            assert_ne!(users[0].id, users[1].id);
            let found = |domain| r.user(ours, "ANN@example.com", domain, true).unwrap().unwrap().id;
            assert_eq!((found(None), found(Some("example.com"))), (users[0].id.clone(), users[0].id.clone()));
            assert_eq!(found(Some("AdobeID")), users[1].id);
            for (group, members) in [("Design", [&users[0], &users[2]]), ("Photoshop", [&users[1], &users[2]])] {
                let row = r.group_by_name(ours, group)?.unwrap();
                let page = r.members(&row, &MemberQuery::default(), ALL)?.items;
                assert_eq!(page.iter().collect::<Vec<_>>(), members, "{group}");
                assert_eq!(row.members, 2);
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn every_field_of_an_account_is_used_or_rejected() {
    let seed = |user: &str| {
        format!(
            "organizations:
  - id: AA@AdobeOrg
    directories:
      - {{ name: Staff, type: federated, domains: [staff.example], trustedBy: [BB@AdobeOrg] }}
      - {{ name: School, type: federated, login: username, domains: [school.example] }}
    userGroups: [{{ name: Design }}]
    users: [{user}]
  - id: BB@AdobeOrg"
        )
    };
    let spelled = |user: &str| {
        let user = loaded(&seed(user)).read(|r| {
            Ok::<_, StoreError>(r.users(org(r, "AA@AdobeOrg"), &UserQuery::default(), ALL)?.unwrap().items.remove(0))
        });
        let user = user.unwrap();
        (user.email, user.username, user.domain)
    };
    let text = |email: &str, username: &str, domain: &str| (email.to_owned(), username.to_owned(), domain.to_owned());
    assert_eq!(
        spelled("{ type: adobeID, email: Ann@mail.example, username: ANN@MAIL.EXAMPLE, domain: MAIL.example }"),
        text("Ann@mail.example", "ANN@MAIL.EXAMPLE", "MAIL.example")
    );
    assert_eq!(
        spelled("{ type: federatedID, email: ann@staff.example, username: ANN@STAFF.EXAMPLE, domain: STAFF.EXAMPLE }"),
        text("ann@staff.example", "ANN@STAFF.EXAMPLE", "STAFF.EXAMPLE")
    );
    assert_eq!(
        spelled("{ type: federatedID, email: kid@mail.example, username: Kid, domain: School.example }"),
        text("kid@mail.example", "Kid", "School.example")
    );
    let not_email = "error.command.domain.must_be_used_with_nonemail_username";
    for (user, code) in [
        ("{ type: adobeID, email: ann@mail.example, domain: other.example }", not_email),
        ("{ type: federatedID, email: ann@staff.example, domain: school.example }", not_email),
        ("{ type: adobeID, email: ann@mail.example, username: ann }", "error.user.must_match_email"),
        ("{ type: adobeID, email: ann@mail.example, username: bob@mail.example }", "error.user.must_match_email"),
        ("{ type: adobeID, email: ann@mail.example, presence: directoryOnly }", "emulator.user.elsewhere"),
        (r#"{ type: adobeID, email: "ann\u200B@mail.example" }"#, "error.user.email.invalid"),
        (
            r#"{ type: federatedID, email: a@mail.example, username: "a\uFEFF", domain: school.example }"#,
            "error.user.name.invalid",
        ),
        (r#"{ type: adobeID, email: ann@mail.example, firstname: "A\u202E" }"#, "error.user.name.invalid"),
        (r#"{ type: adobeID, email: ann@mail.example, lastname: "A\u0007" }"#, "error.user.name.invalid"),
        (r#"{ type: adobeID, email: ann@mail.example, groups: ["Design\u200B"] }"#, "error.group.not_found"),
    ] {
        let error = seed::load(&Store::in_memory().unwrap(), &Seed::from_yaml(&seed(user)).unwrap()).unwrap_err();
        assert!(error.to_string().contains(code), "{user}: {error}");
    }
    for (from, to, code) in [
        ("name: Staff", r#"name: "Sta\u200Bff""#, "emulator.directory.invalid"),
        ("name: Design", r#"name: "De\u00ADsign""#, "error.group.invalid_name"),
        ("[staff.example]", r#"["staff\u200B.example"]"#, "emulator.domain.invalid"),
        (
            "id: BB@AdobeOrg",
            r#"id: BB@AdobeOrg
    name: "B\uFEFF""#,
            "error.organization.invalid_name",
        ),
        (
            "id: BB@AdobeOrg",
            r#"id: BB@AdobeOrg
    products: [{ name: "B\uFEFF" }]"#,
            "error.group.invalid_name",
        ),
        (
            "id: BB@AdobeOrg",
            r#"id: BB@AdobeOrg
    integrations: [{ clientId: b, name: "B\uFEFF" }]"#,
            "emulator.integration.invalid",
        ),
    ] {
        let text = seed("{ type: adobeID, email: ann@mail.example }").replace(from, to);
        let error = seed::load(&Store::in_memory().unwrap(), &Seed::from_yaml(&text).unwrap()).unwrap_err();
        assert!(error.to_string().contains(code), "{to}: {error}");
    }
}

#[test]
fn the_schema_describes_the_format() {
    let schema = serde_json::to_value(seed::json_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let rich: Value = serde_saphyr::from_str(RICH).unwrap();
    let errors: Vec<_> = validator.iter_errors(&rich).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    for (from, to) in [
        ("name: Staff", "nam: Staff"),
        ("type: federated\n", "type: federal\n"),
        ("quota: 2", "quota: two"),
        ("clientId: sync-client", "client: sync-client"),
        ("migrating: true", "migrating: 1"),
        ("status: disabled", "status: off"),
        ("blockSeconds: 60", "blockSeconds: soon"),
        ("classes: { action:", "classes: { actions:"),
        ("retryAfter: date", "retryAfter: never"),
    ] {
        assert!(RICH.contains(from), "{from}");
        let wrong = RICH.replacen(from, to, 1);
        let value: Value = serde_saphyr::from_str(&wrong).unwrap();
        assert!(!validator.is_valid(&value), "the schema accepts {to}");
        let error = Seed::from_yaml(&wrong).unwrap_err().to_string();
        assert!(error.contains("line "), "{to}: {error}");
    }

    // The rich seed uses every field, so the first test covers all of them.
    let mut fields = BTreeSet::new();
    collect(&schema, &mut |key, value| {
        if key == "properties" {
            fields.extend(value.as_object().into_iter().flatten().map(|(name, _)| name.clone()));
        }
    });
    collect(&rich, &mut |key, _| {
        fields.remove(key);
    });
    assert_eq!(fields, BTreeSet::new(), "fields that the rich seed does not use");
}

/// Visits every key of every object.
fn collect(value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                visit(key, value);
                collect(value, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, visit)),
        _ => {}
    }
}

#[test]
fn errors_name_the_path_and_the_rule_and_load_nothing() {
    let long = format!("username: {},", "x".repeat(251));
    for (from, to, place, code) in [
        ("id: AB12CD@AdobeOrg", "id: XYZ@AdobeOrg", "/organizations/0/id", "error.organization.invalid_id"),
        ("id: EF34@AdobeOrg", "id: ab12cd@AdobeOrg", "/organizations/1/id", "emulator.organization.exists"),
        (
            "[contractors.example]",
            "[contractors]",
            "/organizations/0/directories/1/domains/0",
            "emulator.domain.invalid",
        ),
        (
            "[contractors.example]",
            "[Staff.example]",
            "/organizations/0/directories/1/domains/0",
            "emulator.domain.claimed",
        ),
        (
            "name: School, type: federated",
            "name: School, type: enterprise",
            "/organizations/0/directories/2",
            "emulator.directory.invalid",
        ),
        ("name: Acrobat,", "name: creative cloud,", "/organizations/0/products/1", "emulator.product.exists"),
        (
            "name: Nobody yet",
            "name: ALL APPS",
            "/organizations/0/products/0/profiles/1",
            "error.usergroup.already_exists",
        ),
        ("name: Partners", "name: _Partners", "/organizations/0/userGroups/2", "error.group.invalid_name"),
        ("acrobat for all]", "Partners]", "/organizations/0/userGroups/1/profiles/1", "error.group.not_found"),
        ("username: kid,", &long, "/organizations/0/users/4", "error.command.string.too_long"),
        ("country: DK", "country: Denmark", "/organizations/0/users/1", "error.command.string.too_long"),
        (
            "type: enterpriseID, email: bob",
            "type: federatedID, email: bob",
            "/organizations/0/users/3",
            "error.user.type_mismatch",
        ),
        (
            "gone@staff.example, presence",
            "Maria@staff.example, presence",
            "/organizations/0/users/5",
            "error.user.already_in_org",
        ),
        (
            "gone@staff.example, presence",
            "m.silva@office.example, presence",
            "/organizations/0/users/5",
            "error.user.already_in_org",
        ),
        (
            "friend@mail.example, presence: invited",
            "friend@office.example",
            "/organizations/0/users/6",
            "error.user.domain_enforcement",
        ),
        (
            "presence: directoryOnly",
            "presence: directoryOnly, groups: [All Apps]",
            "/organizations/0/users/5/groups",
            "error.user.not_in_org",
        ),
        ("BEGIN PUBLIC", "BEGIN PRIVATE", "/organizations/0/integrations/0/keys/0", "emulator.integration.invalid"),
        (
            "clientId: old-client",
            "clientId: sync-client",
            "/organizations/0/integrations/1",
            "emulator.integration.exists",
        ),
        (
            "email: sync@techacct",
            "email: nightly@techacct",
            "/organizations/0/integrations/0",
            "emulator.integration.exists",
        ),
        (
            "[EF34@AdobeOrg]",
            "[EF35@AdobeOrg]",
            "/organizations/0/directories/0/trustedBy/0",
            "error.organization.invalid_id",
        ),
        (
            "  - { type: federatedID, email: søren@staff",
            "  - { type: federatedID, email: new@staff",
            "/organizations/1/users/0",
            "error.api.user.not.parent.org",
        ),
    ] {
        assert!(plain().contains(from), "{from}");
        // Replaces the last occurrence, so that everything before it stays valid.
        let (before, after) = plain().rsplit_once(from).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let mut wrong = format!("{before}{to}{after}");
        if code == "emulator.integration.invalid" {
            wrong = wrong.replace("END PUBLIC", "END PRIVATE");
        }
        let store = Store::in_memory().unwrap();
        let error = seed::load(&store, &Seed::from_yaml(&wrong).unwrap()).unwrap_err().to_string();
        assert!(error.contains(&format!("at {place}:")) && error.contains(code), "{to}: {error}");
        assert!(store.read(|r| r.organizations()).unwrap().is_empty(), "{to} left something behind");
    }
}
