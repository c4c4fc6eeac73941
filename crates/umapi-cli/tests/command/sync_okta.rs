//! `umapi sync` with Okta as its directory.

use serde_json::json;
use umapi::time::Clock;
use umapi_emulator::{LimitSettings, Operation, store::ChangeKind};

use crate::{
    stage::{Stage, ended},
    sync::{stage_with, sync},
    sync_entra::fake::{
        Fake, Fault, key_and_certificate,
        okta::{CLIENT, Okta, TOKEN, user_id},
        public_key,
    },
};

const RULES: &str = r#"
[people]
email = "{email}"
username = "{login}"
country = "{countryCode|upper|or:US}"

[[map]]
from = "Design"
to = ["Design"]

[leavers]
remove = "now"

[guard]
leavers = "off"
removals_per_group = "off"
directory_shrinks = "off"
"#;

fn company() -> Fake<Okta> {
    Fake::start(Okta::company(Clock::real().wall()))
}

fn configure(stage: &Stage, url: &str, login: &str) {
    let directory = format!(
        "[[org]]\nprofile = \"main\"\n\n[[directory]]\nkind = \"okta\"\nurl = \"{url}\"\n{login}\ndelta = true\n"
    );
    stage.file("umapi-sync.toml", directory + RULES);
}

fn with_token(fake: &Fake<Okta>) -> Stage {
    let stage = stage_with(LimitSettings::off());
    stage.file("okta-token", TOKEN);
    configure(&stage, &fake.url, "token = { file = \"okta-token\" }");
    stage
}

#[test]
fn a_joiner_and_a_leaver_in_a_delta_reach_adobe_in_one_run() {
    let fake = company();
    let stage = with_token(&fake);
    let apply = |stage: &Stage| ended(stage.cached_command().args(["sync", "apply", "--auto"]));
    apply(&stage).done();
    assert_eq!(stage.groups_of("p1@example.com"), ["Design"]);
    apply(&stage).done().saying("nothing to change");

    {
        let mut state = fake.service.state();
        state.advance(std::time::Duration::from_secs(600));
        let joiner = state.add_user(50);
        state.change_members("00g1", |members| members.push(joiner));
        state.change_user(&user_id(1), |user| user.status = "DEPROVISIONED");
    }
    fake.clear();
    let lists = |stage: &Stage| {
        [Operation::ListUsers, Operation::ListGroups].map(|operation| stage.emulator.journal().count(operation))
    };
    let before = lists(&stage);
    let since = stage.emulator.ledger().position().unwrap();
    apply(&stage).done();
    assert_eq!(lists(&stage), before, "no first page of Adobe is read");
    let log = fake.log();
    assert!(log.iter().all(|line| line.contains("filter=") || line.contains("/00g1/users")), "{log:?}");
    assert_eq!(stage.groups_of("p50@example.com"), ["Design"]);
    let changes = stage.emulator.ledger().since(since).unwrap();
    let left = changes.iter().filter(|change| change.kind == ChangeKind::UserLeft).count();
    assert_eq!(left, 1, "{changes:?}");
    apply(&stage).done().saying("nothing to change");
}

#[test]
fn an_application_logs_in_and_check_names_what_it_was_not_granted() {
    let fake = company();
    fake.service.state().public_key = Some(public_key().to_owned());
    let stage = with_token(&fake);
    stage.file("okta.pem", key_and_certificate().0);
    configure(&stage, &fake.url, &format!("client_id = \"{CLIENT}\"\nprivate_key = {{ file = \"okta.pem\" }}"));
    sync(&stage, &["check"]).done().saying("okta: 10 people, all read");
    for scope in ["okta.groups.read", "okta.users.read"] {
        fake.service.state().scopes = ["okta.users.read", "okta.groups.read"].map(str::to_owned).to_vec();
        fake.service.state().scopes.retain(|granted| granted != scope);
        let refused = sync(&stage, &["check", "--refresh"]).with_code(2);
        refused.saying(&format!("grant {scope} to the application"));
    }
}

#[test]
fn a_fault_at_any_page_removes_nobody() {
    let fake = company();
    let stage = with_token(&fake);
    sync(&stage, &["apply", "--auto"]).done();
    for (number, fault) in [
        (0, Fault::Status(404, Vec::new(), String::new())),
        (1, Fault::Body("[]".to_owned())),
        (2, Fault::Cut),
        (3, Fault::Body("{}".to_owned())),
        (4, Fault::NextAt("http://127.0.0.1:9/api/v1/users".to_owned())),
        (5, Fault::NextIsSame),
        (6, Fault::Status(403, Vec::new(), String::new())),
        (7, Fault::Status(401, Vec::new(), String::new())),
    ] {
        fake.clear();
        fake.fail(number, fault.clone());
        let since = stage.emulator.ledger().position().unwrap();
        // Everything is read, page by page.
        let ended = sync(&stage, &["apply", "--auto", "--refresh"]);
        let applied = stage.emulator.ledger().since(since).unwrap();
        let is_loss = |kind: &ChangeKind| matches!(kind, ChangeKind::MemberRemoved | ChangeKind::UserLeft);
        assert!(!applied.iter().any(|change| is_loss(&change.kind)), "{fault:?}: {applied:?} {}", ended.err);
        assert!(!matches!(ended.code, None | Some(0 | 101)), "{fault:?}: {:?} {}", ended.code, ended.err);
    }
    fake.clear();
    fake.service.state().change_user(&user_id(1), |user| user.status = "DEPROVISIONED");
    let since = stage.emulator.ledger().position().unwrap();
    sync(&stage, &["apply", "--auto", "--refresh"]).done();
    let applied = stage.emulator.ledger().since(since).unwrap();
    assert!(applied.iter().any(|change| change.kind == ChangeKind::UserLeft), "{applied:?}");
}

#[test]
fn init_writes_a_file_that_check_accepts() {
    let fake = company();
    let stage = with_token(&fake);
    for login in [&["--password-file", "okta-token"][..], &["--user", CLIENT, "--password-file", "okta.pem"]] {
        std::fs::remove_file(stage.path("umapi-sync.toml")).unwrap();
        stage.file("okta.pem", key_and_certificate().0);
        fake.service.state().public_key = Some(public_key().to_owned());
        let mut command = stage.command();
        command.args(["sync", "init", "--profile", "main", "--kind", "okta", "--source", &fake.url]);
        let begun = ended(command.args(login).args(["--map", "Design=Design"])).done();
        begun.saying("okta: 10 people, all read, 1 group").saying("10 people can be users");
        sync(&stage, &["check"]).done().saying("okta: 10 people, all read");
    }
}

#[test]
fn mistakes_in_the_settings_are_named_with_their_line() {
    let fake = company();
    let stage = with_token(&fake);
    let token = "token = { env = \"A\" }";
    for (url, login, said) in [
        ("https://x.okta.com", "", "neither `token` nor `client_id`"),
        ("https://x.okta.com", "token = \"planted\"", "a secret does not belong into a configuration"),
        ("https://x.okta.com", "token = { env = \"A\" }\nclient_id = \"b\"", "both `token` and"),
        ("https://x.okta.com", "client_id = \"b\"", "`client_id` without `private_key`"),
        ("https://x.okta.com", "private_key = { env = \"A\" }", "`private_key` without `client_id`"),
        ("https://x-admin.okta.com", token, "use https://x.okta.com"),
        ("x.okta.com", token, "`x.okta.com` is not an address"),
        ("https://a:planted@x.okta.com", token, "an address holds no password"),
        ("https://x.okta.com", "token = { env = \"A\" }\nenabled = [\"GONE\"]", "GONE"),
        ("https://x.okta.com", "token = { env = \"A\" }\nenabled = []", "`enabled` is empty"),
        ("https://x.okta.com", "token = { env = \"A\" }\npage_size = 500", "between 1 and 200"),
    ] {
        configure(&stage, url, login);
        let refused = sync(&stage, &["check"]).with_code(2);
        assert!(refused.err.contains(said) && !refused.err.contains("planted"), "{said}: {}", refused.err);
    }
}

#[test]
fn conditions_see_the_status_and_the_profile() {
    let fake = company();
    let stage = with_token(&fake);
    fake.service.state().change_user(&user_id(2), |user| drop(user.profile.insert("team".to_owned(), json!("x"))));
    configure(&stage, &fake.url, "token = { file = \"okta-token\" }");
    let text = std::fs::read_to_string(stage.path("umapi-sync.toml")).unwrap();
    let skip = "[people]\nskip = 'attr.team == \"x\" || attr.status == \"LOCKED_OUT\"'";
    stage.file("umapi-sync.toml", text.replace("[people]", skip));
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.groups_of("p1@example.com"), ["Design"]);
    let skipped = sync(&stage, &["explain", "p2@example.com"]).done();
    assert!(skipped.out.contains("left out; what they have stays"), "{}", skipped.out);
}
