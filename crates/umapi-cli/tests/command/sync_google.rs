//! `umapi sync` with Google Workspace as its directory.

use serde_json::json;
use umapi::time::Clock;
use umapi_emulator::{LimitSettings, store::ChangeKind};

use crate::{
    stage::{Stage, ended},
    sync::{stage_with, sync},
    sync_entra::fake::{
        Fake, Fault,
        google::{Google, SUBJECT, user_id},
    },
};

const RULES: &str = r#"
[people]
email = "{primaryEmail}"
country = "{countryCode|upper|or:US}"

[[map]]
from = "film@example.com"
to = ["Design"]

[leavers]
remove = "now"

[guard]
leavers = "off"
removals_per_group = "off"
directory_shrinks = "off"
"#;

fn company() -> Fake<Google> {
    Fake::start(Google::company(Clock::real().wall()))
}

fn configure(stage: &Stage, fake: &Fake<Google>, more: &str) {
    let directory = format!(
        "[[org]]\nprofile = \"main\"\n\n[[directory]]\nkind = \"google\"\nkey = {{ file = \"google-key.json\" }}\n\
         subject = \"{SUBJECT}\"\nurl = \"{}\"\n{more}\n",
        fake.url
    );
    stage.file("umapi-sync.toml", directory + RULES);
}

fn stage(fake: &Fake<Google>) -> Stage {
    let stage = stage_with(LimitSettings::off());
    stage.file("google-key.json", Google::key(&fake.url).to_string());
    configure(&stage, fake, "");
    stage
}

#[test]
fn people_come_with_their_names_and_suspended_ones_leave() {
    let fake = company();
    let stage = stage(&fake);
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.groups_of("p3@example.com"), ["Design"]);
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
    fake.service.state().set(&user_id(3), "suspended", json!(true));
    let since = stage.emulator.ledger().position().unwrap();
    sync(&stage, &["apply", "--auto"]).done();
    let changes = stage.emulator.ledger().since(since).unwrap();
    assert_eq!(changes.iter().filter(|change| change.kind == ChangeKind::UserLeft).count(), 1, "{changes:?}");
}

#[test]
fn organizational_units_can_be_groups() {
    let fake = company();
    let stage = stage(&fake);
    configure(&stage, &fake, "organizational_units = true");
    let text = std::fs::read_to_string(stage.path("umapi-sync.toml")).unwrap();
    stage.file("umapi-sync.toml", text.replace("film@example.com", "ou:/Sales"));
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.groups_of("p1@example.com"), ["Design"]);
    // Nobody else is in it.
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
}

#[test]
fn a_fault_at_any_page_removes_nobody() {
    let fake = company();
    let stage = stage(&fake);
    sync(&stage, &["apply", "--auto"]).done();
    for (number, fault) in [
        (0, Fault::Status(404, Vec::new(), String::new())),
        (1, Fault::Body("{}".to_owned())),
        (2, Fault::Cut),
        (3, Fault::Body("[]".to_owned())),
        (4, Fault::NextIsSame),
        (5, Fault::Status(403, Vec::new(), String::new())),
        (6, Fault::Status(401, Vec::new(), String::new())),
        (7, Fault::Body(r#"{"kind":"admin#directory#users"}"#.to_owned())),
    ] {
        fake.clear();
        fake.fail(number, fault.clone());
        let since = stage.emulator.ledger().position().unwrap();
        let ended = sync(&stage, &["apply", "--auto"]);
        let applied = stage.emulator.ledger().since(since).unwrap();
        let is_loss = |kind: &ChangeKind| matches!(kind, ChangeKind::MemberRemoved | ChangeKind::UserLeft);
        assert!(!applied.iter().any(|change| is_loss(&change.kind)), "{fault:?}: {applied:?} {}", ended.err);
        assert!(!matches!(ended.code, None | Some(101)), "{fault:?}: {:?} {}", ended.code, ended.err);
    }
}

#[test]
fn init_writes_a_file_that_check_accepts() {
    let fake = company();
    let stage = stage(&fake);
    std::fs::remove_file(stage.path("umapi-sync.toml")).unwrap();
    let mut command = stage.command();
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").args(["sync", "init", "--profile", "main", "--kind", "google"]);
    let begun = ended(command.args(["--source", "google-key.json", "--user", SUBJECT, "--map", "Film=Design"]));
    assert!(begun.err.contains("wrote umapi-sync.toml"), "{}", begun.err);
    let written = std::fs::read_to_string(stage.path("umapi-sync.toml")).unwrap();
    let here = format!("kind = \"google\"\nurl = \"{}\"", fake.url);
    stage.file("umapi-sync.toml", written.replace("kind = \"google\"", &here));
    sync(&stage, &["check"]).done().saying("google: 10 people, all read");

    fake.service.state().scopes.truncate(1);
    let refused = sync(&stage, &["check", "--refresh"]).with_code(2);
    refused.saying("admin.directory.group.readonly").saying("Manage Domain Wide Delegation");
}

#[test]
fn mistakes_in_the_settings_are_named_with_their_line() {
    let fake = company();
    let stage = stage(&fake);
    let file = std::fs::read_to_string(stage.path("umapi-sync.toml")).unwrap();
    for (from, to, said) in [
        ("key = { file = \"google-key.json\" }", "key = \"planted\"", "a secret does not belong into a configuration"),
        (SUBJECT, "admin", "`admin` is not the address of an administrator"),
        ("subject = ", "page_size = 0\nsubject = ", "between 1 and 500"),
        ("subject = ", "delta = true\nsubject = ", "delta"),
        ("google-key.json", "gone.json", "gone.json"),
    ] {
        stage.file("umapi-sync.toml", file.replace(from, to));
        let refused = sync(&stage, &["check"]).with_code(2);
        assert!(refused.err.contains(said) && !refused.err.contains("planted"), "{said}: {}", refused.err);
    }
    stage.file("umapi-sync.toml", file);
    stage.file("google-key.json", "{ \"type\": \"authorized_user\", \"private_key\": \"planted\" }");
    let refused = sync(&stage, &["check"]).with_code(2);
    assert!(refused.err.contains("a service account is needed") && !refused.err.contains("planted"), "{}", refused.err);
}
