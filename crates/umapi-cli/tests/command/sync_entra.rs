//! `umapi sync` with Entra ID as its directory.

use serde_json::json;
use umapi_emulator::{LimitSettings, Operation, store::ChangeKind};

use self::fake::{
    Fake, Fault,
    entra::{CLIENT, Entra, SECRET, TENANT, user_id},
    key_and_certificate,
};
use crate::{
    stage::{Stage, ended},
    sync::{stage_with, sync},
};

#[path = "../../../umapi-directory/tests/cloud/fake.rs"]
pub(crate) mod fake;

const PEOPLE: usize = 12;

const RULES: &str = r#"
[people]
email = "{mail,userPrincipalName}"
username = "{userPrincipalName}"
country = "{usageLocation|upper|or:US}"
skip = 'attr.userType == "Guest"'

[[map]]
from = "Adobe Design"
to = ["Design"]

[leavers]
remove = "now"

[guard]
leavers = "off"
removals_per_group = "off"
directory_shrinks = "off"
"#;

fn company() -> Fake<Entra> {
    let entra = Entra::new();
    entra.put_users(PEOPLE);
    let members: Vec<_> = (0..PEOPLE).map(|number| ("user", user_id(number))).collect();
    entra.put_group(1, "Adobe Design", &members);
    Fake::start(entra)
}

fn configure(stage: &Stage, fake: &Fake<Entra>, login: &str) {
    let directory = format!(
        "[[org]]\nprofile = \"main\"\n\n[[directory]]\nkind = \"entra\"\ntenant = \"{TENANT}\"\nclient_id = \"{CLIENT}\"\n\
         {login}\ndelta = true\nlogin_url = \"{url}\"\ngraph_url = \"{url}\"\n",
        url = fake.url
    );
    stage.file("umapi-sync.toml", directory + RULES);
}

fn with_secret(fake: &Fake<Entra>) -> Stage {
    let stage = stage_with(LimitSettings::off());
    stage.file("entra-secret", SECRET);
    configure(&stage, fake, "client_secret = { file = \"entra-secret\" }");
    stage
}

#[test]
fn a_joiner_and_a_leaver_in_a_delta_reach_adobe_in_one_run() {
    let fake = company();
    let stage = with_secret(&fake);
    let apply = |stage: &Stage| ended(stage.cached_command().args(["sync", "apply", "--auto"]));
    apply(&stage).done();
    assert_eq!(stage.groups_of("user3@example.com"), ["Design"]);
    apply(&stage).done().saying("nothing to change");

    fake.service.put_user(50, &json!({}));
    fake.service.add_member(1, "user", user_id(50));
    fake.service.delete_user(3);
    fake.clear();
    let lists = |stage: &Stage| {
        [Operation::ListUsers, Operation::ListGroups].map(|operation| stage.emulator.journal().count(operation))
    };
    let before = lists(&stage);
    let since = stage.emulator.ledger().position().unwrap();
    apply(&stage).done();
    assert_eq!(lists(&stage), before, "no first page of Adobe is read");
    assert_eq!(fake.log().len(), 2, "no first page of the directory is read: {:?}", fake.log());
    assert_eq!(stage.groups_of("user50@example.com"), ["Design"]);
    let changes = stage.emulator.ledger().since(since).unwrap();
    let left = changes.iter().filter(|change| change.kind == ChangeKind::UserLeft).count();
    assert_eq!(left, 1, "{changes:?}");
    apply(&stage).done().saying("nothing to change");
}

#[test]
fn a_certificate_logs_in_and_check_tells_what_is_there() {
    let fake = company();
    let stage = with_secret(&fake);
    let (key, certificate) = key_and_certificate();
    stage.file("sync.pem", format!("{key}{certificate}"));
    configure(&stage, &fake, "private_key = { file = \"sync.pem\" }");
    sync(&stage, &["check"]).done().saying("entra: 12 people, all read");
    fake.service.deny("User.Read.All");
    fake.service.deny("GroupMember.Read.All");
    let refused = sync(&stage, &["check", "--refresh"]).with_code(2);
    refused.saying("grant User.Read.All and GroupMember.Read.All to the application");
}

#[test]
fn a_fault_at_any_page_removes_nobody() {
    let fake = company();
    let stage = with_secret(&fake);
    sync(&stage, &["apply", "--auto"]).done();
    fake.service.page_size(5);
    for (number, fault) in [
        // After the two cursors: the group, its members, everyone.
        (2, Fault::Status(404, Vec::new(), String::new())),
        (3, Fault::Cut),
        (4, Fault::Body("{}".to_owned())),
        (5, Fault::NextIsSame),
        (6, Fault::Status(403, Vec::new(), String::new())),
        (7, Fault::NextAt("http://127.0.0.1:9/v1.0/users".to_owned())),
        (8, Fault::Status(400, Vec::new(), String::new())),
    ] {
        fake.clear();
        fake.fail(number, fault.clone());
        let since = stage.emulator.ledger().position().unwrap();
        // Everything is read, page by page.
        let ended = sync(&stage, &["apply", "--auto", "--refresh"]);
        let applied = stage.emulator.ledger().since(since).unwrap();
        let losses = |kind: &ChangeKind| matches!(kind, ChangeKind::MemberRemoved | ChangeKind::UserLeft);
        let lost = applied.iter().filter(|change| losses(&change.kind)).count();
        assert!(!fake.faulted().is_empty(), "{fault:?}");
        assert_eq!(lost, 0, "{fault:?}: {}", ended.err);
        assert!(!matches!(ended.code, None | Some(0 | 101)), "{fault:?}: {:?} {}", ended.code, ended.err);
    }
}

#[test]
fn init_writes_a_file_that_check_accepts() {
    let fake = company();
    let stage = with_secret(&fake);
    std::fs::remove_file(stage.path("umapi-sync.toml")).unwrap();
    let arguments = [
        "sync",
        "init",
        "--profile",
        "main",
        "--kind",
        "entra",
        "--source",
        TENANT,
        "--user",
        CLIENT,
        "--password-file",
        "entra-secret",
        "--map",
        "Adobe Design=Design",
    ];
    // The tenant is not reached: it is Microsoft's.
    let mut command = stage.command();
    let begun = ended(command.env("HTTPS_PROXY", "http://127.0.0.1:9").args(arguments));
    assert!(begun.err.contains("wrote umapi-sync.toml"), "{}", begun.err);
    let written = std::fs::read_to_string(stage.path("umapi-sync.toml")).unwrap();
    let ours = format!("kind = \"entra\"\nlogin_url = \"{url}\"\ngraph_url = \"{url}\"", url = fake.url);
    stage.file("umapi-sync.toml", written.replace("kind = \"entra\"", &ours));
    sync(&stage, &["check"]).done().saying("entra: 12 people, all read");
}

#[test]
fn mistakes_in_the_settings_are_named_with_their_line() {
    let fake = company();
    let stage = with_secret(&fake);
    for (login, said) in [
        ("", "neither `client_secret` nor `private_key`"),
        ("client_secret = \"planted\"", "a secret does not belong into a configuration"),
        ("client_secret = { env = \"A\" }\nprivate_key = { env = \"B\" }", "both `client_secret` and `private_key`"),
        ("client_secret = { env = \"A\" }\ncertificate = \"x.pem\"", "belong to a `private_key`"),
        ("client_secret = { env = \"A\" }\ncloud = \"moon\"", "moon"),
    ] {
        configure(&stage, &fake, login);
        let refused = sync(&stage, &["check"]).with_code(2);
        assert!(refused.err.contains(said) && !refused.err.contains("planted"), "{said}: {}", refused.err);
    }
}
