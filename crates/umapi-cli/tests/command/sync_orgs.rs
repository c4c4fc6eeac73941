//! `umapi sync` with several organizations: an owner of accounts, and one that it trusts with them.

use umapi_emulator::{FaultResponse, FaultRule, LimitSettings, Operation, seed::Seed};

use crate::stage::{Ended, Stage, text};

const OWNER: &str = "AA11@AdobeOrg";
const TRUSTEE: &str = "BB22@AdobeOrg";
const OTHER: &str = "CC33@AdobeOrg";

const SEED: &str = "
organizations:
  - id: AA11@AdobeOrg
    directories:
      - { name: Staff, type: federated, domains: [example.com], trustedBy: [BB22@AdobeOrg] }
    products: [{ name: Creative Cloud, profiles: [{ name: Photoshop }] }]
    userGroups: [{ name: Design }]
    integrations: [{ clientId: owner, secrets: [owner-secret] }]
  - id: BB22@AdobeOrg
    products: [{ name: Stock, profiles: [{ name: Stock }] }]
    userGroups: [{ name: Design }]
    integrations: [{ clientId: trustee, secrets: [trustee-secret] }]
  - id: CC33@AdobeOrg
    userGroups: [{ name: Design }]
    integrations: [{ clientId: other, secrets: [other-secret] }]
";

const PEOPLE: &str = "id,email,givenName,sn,groups\n\
    1,ann@example.com,Ann,Lee,\"Artists,Partners\"\n\
    2,bob@example.com,Bob,Bo,\"Artists,Partners\"\n\
    3,cat@example.com,Cat,Co,Artists\n";

const CONFIG: &str = r#"
[[org]]
profile = "owner"

[[org]]
profile = "trustee"
name = "emea"

[[directory]]
kind = "file"
name = "hr"
path = "people.csv"

[people]
email = "{email}"
country = "US"
update = ["firstname", "lastname"]

[[map]]
from = "Artists"
to = ["Design", "Photoshop"]

[[map]]
from = "Partners"
to = "emea::Design"

[leavers]
remove = "now"

[guard]
leavers = "off"
removals_per_group = "off"
directory_shrinks = "off"
"#;

fn stage() -> Stage {
    let stage = Stage::with(|builder| builder.limits(LimitSettings::off()).seed(Seed::from_yaml(SEED).unwrap()));
    stage.file("people.csv", PEOPLE);
    stage.file("umapi-sync.toml", CONFIG);
    for client in ["owner", "trustee", "other"] {
        stage.file(client, format!("{client}-secret"));
    }
    stage.file("config.toml", config_of(&stage, [("owner", "owner", OWNER), ("trustee", "trustee", TRUSTEE)]));
    stage
}

/// Profiles by their names, with the clients and organizations of their logins.
fn config_of<const N: usize>(stage: &Stage, profiles: [(&str, &str, &str); N]) -> String {
    profiles.map(|(name, client, organization)| stage.profile(name, organization, client, client)).concat()
}

fn sync(stage: &Stage, arguments: &[&str]) -> Ended {
    let mut command = stage.bare_command();
    crate::stage::ended(command.args(["--no-rate-limit", "sync"]).args(arguments))
}

/// The groups of a user in an organization. `None` if it does not have the user.
fn groups_of(stage: &Stage, profile: &str, user: &str) -> Option<Vec<String>> {
    let mut command = stage.bare_command();
    let shown = crate::stage::ended(command.args([
        "--no-rate-limit",
        "--profile",
        profile,
        "users",
        "get",
        user,
        "-f",
        "json",
    ]));
    if shown.code != Some(0) {
        assert!(shown.err.contains("does not exist"), "{}", shown.err);
        return None;
    }
    let groups = shown.json()["groups"].as_array().cloned().unwrap_or_default();
    let mut groups: Vec<String> = groups.iter().map(|group| group.as_str().unwrap().to_owned()).collect();
    groups.sort();
    Some(groups)
}

/// The organizations in the order in which they were changed.
fn changed(stage: &Stage) -> Vec<String> {
    let sent = stage.emulator.journal().of(Operation::ExecuteActions);
    let mut orgs: Vec<String> = sent.into_iter().filter_map(|exchange| exchange.organization).collect();
    orgs.dedup();
    orgs
}

#[test]
fn each_organization_gets_its_groups() {
    let stage = stage();
    let done = sync(&stage, &["apply", "--auto", "-f", "json"]).done();
    assert!(done.json().as_array().unwrap().iter().any(|change| change["org"] == "emea"), "{}", done.out);
    assert_eq!(groups_of(&stage, "owner", "ann@example.com").unwrap(), ["Design", "Photoshop"]);
    assert_eq!(groups_of(&stage, "trustee", "ann@example.com").unwrap(), ["Design"]);
    assert_eq!(groups_of(&stage, "trustee", "cat@example.com"), None, "no rule selects cat for it");
    assert_eq!(changed(&stage), [OWNER, TRUSTEE], "an account exists before another organization adds it");
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
    // The names of an account are changed by its owner, once.
    stage.file("people.csv", PEOPLE.replace("Ann,Lee", "Anna,Lee"));
    stage.emulator.journal().clear();
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(changed(&stage), [OWNER]);
    let status = sync(&stage, &["status", "-f", "csv"]).done();
    for part in ["owner: 3 people known", "emea: 2 people known"] {
        assert!(status.out.contains(part), "{part}\n{}", status.out);
    }
}

// user-sync #788: leavers were found in the primary organization only.
#[test]
fn leavers_leave_every_organization() {
    let stage = stage();
    sync(&stage, &["apply", "--auto"]).done();
    stage.file("people.csv", PEOPLE.replace("2,bob@example.com,Bob,Bo,\"Artists,Partners\"\n", ""));
    stage.emulator.journal().clear();
    sync(&stage, &["apply", "--auto"]).done();
    for profile in ["owner", "trustee"] {
        assert_eq!(groups_of(&stage, profile, "bob@example.com"), None, "{profile}");
        assert!(groups_of(&stage, profile, "ann@example.com").is_some(), "{profile}");
    }
    assert_eq!(changed(&stage), [TRUSTEE, OWNER], "what others depend on is removed last");
}

#[test]
fn an_organization_that_fails_does_not_stop_the_other() {
    let stage = stage();
    stage.file("trustee", "wrong");
    let report = stage.path("report.json");
    let failed = sync(&stage, &["apply", "--auto", "--report", text(&report)]).with_code(3);
    assert!(failed.err.contains("nothing is changed in emea"), "{}", failed.err);
    assert_eq!(groups_of(&stage, "owner", "ann@example.com").unwrap(), ["Design", "Photoshop"]);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert!(report["failed"]["emea"].is_string() && report["ending"]["exit_code"] == 3, "{report:#}");
    sync(&stage, &["plan"]).with_code(3);
    sync(&stage, &["check"]).with_code(3);
    // It is made up for.
    stage.file("trustee", "trustee-secret");
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(groups_of(&stage, "trustee", "ann@example.com").unwrap(), ["Design"]);
    // What is remembered of it outlives a run without it: Bob, who leaves meanwhile, is a leaver of it.
    stage.file("trustee", "wrong");
    stage.file("people.csv", PEOPLE.replace("2,bob@example.com,Bob,Bo,\"Artists,Partners\"\n", ""));
    sync(&stage, &["apply", "--auto"]).with_code(3);
    stage.file("trustee", "trustee-secret");
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(groups_of(&stage, "trustee", "bob@example.com"), None);
    // If none can be read, the run fails as a whole, and says why for each.
    stage.file("trustee", "wrong");
    stage.file("owner", "wrong");
    sync(&stage, &["apply", "--auto"]).with_code(3).saying("owner: ");
}

#[test]
fn changes_of_one_organization_can_fail_alone() {
    let stage = stage();
    // The requests of the owner are refused; those of the trustee are not.
    stage.emulator.faults().add(FaultRule::on(Operation::ExecuteActions, FaultResponse::status(403)).times(1)).unwrap();
    let failed = sync(&stage, &["apply", "--auto", "-f", "json"]);
    assert!(!matches!(failed.code, None | Some(0)), "{}", failed.err);
    assert_eq!(changed(&stage), [OWNER, TRUSTEE], "{}{}", failed.out, failed.err);
    stage.emulator.faults().clear();
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(groups_of(&stage, "owner", "bob@example.com").unwrap(), ["Design", "Photoshop"]);
    assert_eq!(groups_of(&stage, "trustee", "bob@example.com").unwrap(), ["Design"]);
}

#[test]
fn a_push_goes_to_each_organization() {
    let stage = stage();
    sync(&stage, &["apply", "--auto", "--push"]).done();
    assert_eq!(groups_of(&stage, "trustee", "ann@example.com").unwrap(), ["Design"]);
    stage.file("people.csv", PEOPLE.replace("Bo,\"Artists,Partners\"", "Bo,Artists"));
    stage.emulator.journal().clear();
    sync(&stage, &["apply", "--auto", "--push"]).done();
    assert_eq!(changed(&stage), [TRUSTEE]);
    let listed = [Operation::ListUsers, Operation::ListGroups].map(|list| stage.emulator.journal().count(list));
    assert_eq!(listed, [0, 0]);
    assert_eq!(groups_of(&stage, "trustee", "bob@example.com").unwrap(), Vec::<String>::new());
    // Another organization under the same name has been given nothing, so nothing is taken there.
    stage.file("people.csv", PEOPLE.replace(",\"Artists,Partners\"", ",Artists"));
    stage.file("config.toml", config_of(&stage, [("owner", "owner", OWNER), ("trustee", "other", OTHER)]));
    let plan = sync(&stage, &["plan", "--push", "-f", "csv"]);
    assert!(!plan.out.contains("remove,"), "{}", plan.out);
}

#[test]
fn one_organization_under_two_names_is_refused() {
    let stage = stage();
    stage.file("config.toml", config_of(&stage, [("owner", "owner", OWNER), ("trustee", "owner", OWNER)]));
    for push in [&[][..], &["--push"]] {
        let refused = sync(&stage, &[&["apply", "--auto"], push].concat()).with_code(2);
        assert!(refused.err.contains("owner and emea are one organization"), "{}", refused.err);
    }
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
}
