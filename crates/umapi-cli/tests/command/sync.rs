//! `umapi sync`.

use std::fmt::Write as _;

use umapi_emulator::{FaultResponse, FaultRule, LimitSettings, Operation};

use crate::stage::{Ended, Stage, ended, text};

pub(crate) const PEOPLE: &str = "id,email,givenName,sn,country,groups\n\
    1,ann@example.com,Ann,Lee,de,Artists\n\
    2,bob@example.com,Bob,Bo,US,\"Artists,ACL-X\"\n";

pub(crate) const CONFIG: &str = r#"
[[org]]
profile = "main"

[[directory]]
kind = "file"
name = "hr"
path = "people.csv"

[people]
email = "{email}"
country = "{country|upper|or:US}"
update = ["firstname"]

[[map]]
from = "Artists"
to = ["Design"]

[[map]]
from = '/ACL-(.+)/'
to = "ACL $1"
create = true

[leavers]
remove = "30d"

[guard]
leavers = "off"
removals_per_group = "off"
directory_shrinks = "off"
"#;

/// A stage with a directory, its rules, and a profile for the organization.
fn stage() -> Stage {
    stage_with(LimitSettings::off())
}

pub(crate) fn stage_with(limits: LimitSettings) -> Stage {
    let stage = Stage::with(|builder| builder.limits(limits));
    stage.file("people.csv", PEOPLE);
    stage.file("umapi-sync.toml", CONFIG);
    stage.file("config.toml", stage.main_profile());
    stage
}

pub(crate) fn sync(stage: &Stage, arguments: &[&str]) -> Ended {
    stage.umapi(["sync"].iter().chain(arguments).copied())
}

fn members(stage: &Stage, group: &str) -> Vec<String> {
    let listed = stage.umapi(["groups", "members", group, "-f", "csv", "--refresh"]).done();
    let mut names: Vec<String> =
        listed.lines().iter().skip(1).map(|line| line.split(',').nth(1).unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_directory_becomes_the_groups_of_adobe() {
    let stage = stage();
    let plan = sync(&stage, &["plan", "-f", "csv"]).done();
    assert!(plan.out.contains("create-user,ann@example.com"), "{}", plan.out);
    assert!(plan.out.contains("in the group Artists of hr (rule in line 15)"), "{}", plan.out);
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
    sync(&stage, &["apply"]).with_code(2).saying("no terminal to ask");
    let done = sync(&stage, &["apply", "--auto", "-f", "json"]).done();
    assert!(done.json().as_array().unwrap().iter().all(|change| change["outcome"] == "completed"), "{}", done.out);
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X", "Design"]);
    assert!(!members(&stage, "Design").iter().any(|name| name.ends_with("enterprise.example")));
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
    sync(&stage, &["status"]).done();
}

#[test]
fn a_cut_list_removes_nobody_and_says_so() {
    let stage = stage();
    sync(&stage, &["apply", "--auto"]).done();
    let before = members(&stage, "Design");
    // The group is gone; a line is broken; the file is empty; the file is gone.
    let renamed = PEOPLE.replace("Artists", "Artists2");
    let broken = format!("{}3,cat", PEOPLE.replace("\"Artists,ACL-X\"", "ACL-X"));
    for (content, why) in [
        (renamed.as_str(), "there is no such group in the directory"),
        (broken.as_str(), "a part of it could not be understood"),
        ("\n", "reading was interrupted"),
    ] {
        stage.file("people.csv", content);
        let ended = sync(&stage, &["apply", "--auto"]);
        assert_ne!(ended.code, Some(0), "{content}");
        assert!(ended.err.contains(why), "{why}\n{}", ended.err);
        assert_eq!(members(&stage, "Design"), before, "{content}");
    }
    std::fs::remove_file(stage.path("people.csv")).unwrap();
    sync(&stage, &["apply", "--auto"]).with_code(2).saying("there is no such file");
    stage.file("people.csv", PEOPLE);
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
}

#[test]
fn a_guard_stops_until_it_is_allowed() {
    let stage = stage();
    let guarded = CONFIG.replace("removals_per_group = \"off\"", "removals_per_group = 0");
    stage.file("umapi-sync.toml", &guarded);
    for _ in 0..2 {
        let stopped = sync(&stage, &["apply", "--auto"]).with_code(1);
        assert!(stopped.err.contains("Design would lose"), "{}", stopped.err);
        assert!(stopped.err.contains("umapi sync allow"), "{}", stopped.err);
        assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
    }
    sync(&stage, &["status"]).with_code(1);
    sync(&stage, &["allow", "--yes"]).done();
    sync(&stage, &["apply", "--auto"]).done();
    let left = members(&stage, "Design");
    assert!(!left.contains(&"bob@enterprise.example".to_owned()), "{left:?}");
    assert!(left.contains(&"jdoe@example.com".to_owned()), "an administrator stays: {left:?}");
}

#[test]
fn what_is_allowed_is_used_up_by_the_run_that_makes_it() {
    let stage = stage();
    sync(&stage, &["apply", "--auto"]).done();
    let guarded = CONFIG.replace("removals_per_group = \"off\"", "removals_per_group = 0");
    stage.file("umapi-sync.toml", &guarded);
    stage.file("people.csv", PEOPLE.replace("\"Artists,ACL-X\"", "ACL-X"));
    sync(&stage, &["apply", "--auto"]).with_code(1);
    sync(&stage, &["allow", "--yes"]).done();
    // A run about one person asks no guard, so it uses nothing up.
    sync(&stage, &["apply", "--auto", "--only", "ann@example.com"]).done();
    let plan = stage.path("plan.json");
    sync(&stage, &["plan", "--out", text(&plan)]).done();
    sync(&stage, &["apply", text(&plan), "--auto"]).done();
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X"]);
    // The plan made it, and as much again is not allowed.
    stage.file("people.csv", PEOPLE.replace("de,Artists\n", "de,\n"));
    sync(&stage, &["apply", "--auto"]).with_code(1).saying("Design would lose 1");
}

#[test]
fn a_saved_plan_is_made_exactly_or_refused() {
    let stage = stage();
    let plan = stage.path("plan.json");
    sync(&stage, &["plan", "--out", text(&plan)]).done();
    // A part of the plan was done by somebody else: the rest is still right.
    stage
        .umapi([
            "users",
            "create",
            "--type",
            "federated",
            "ann@example.com",
            "--firstname",
            "Ann",
            "--lastname",
            "Lee",
            "--country",
            "DE",
        ])
        .done();
    stage.emulator.journal().clear();
    sync(&stage, &["apply", text(&plan), "--auto"]).done().saying("1 change of the plan is made already");
    let lists =
        stage.emulator.journal().count(Operation::ListUsers) + stage.emulator.journal().count(Operation::ListGroups);
    assert_eq!(lists, 0, "only the users of the plan are looked up");
    // The group is created again, which changes nothing: no single call tells whether it exists.
    sync(&stage, &["apply", text(&plan), "--auto"]).done().saying("6 changes of the plan are made already");
    // A user of the plan is renamed meanwhile.
    stage.file("people.csv", PEOPLE.replace("Ann", "Anna"));
    sync(&stage, &["plan", "--out", text(&plan)]).done();
    stage.umapi(["users", "update", "ann@example.com", "--firstname", "Other"]).done();
    sync(&stage, &["apply", text(&plan), "--auto"]).with_code(2).saying("the first name is Other now");
    stage.file("umapi-sync.toml", format!("{CONFIG}\n# changed\n"));
    sync(&stage, &["apply", text(&plan), "--auto"]).with_code(2).saying("the configuration has changed");
}

#[test]
fn one_failing_person_does_not_end_the_run() {
    let stage = stage();
    stage.file(
        "people.csv",
        format!("{PEOPLE}3,cat@unclaimed.example,Cat,C,US,Artists\n4,dan@example.com,Dan,D,US,Artists\n"),
    );
    let ended = sync(&stage, &["apply", "--auto", "-f", "json"]).with_code(1);
    let outcomes = ended.json();
    let of = |user: &str| -> Vec<String> {
        let all = outcomes.as_array().unwrap().iter().filter(|change| change["user"] == user);
        all.map(|change| change["outcome"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("dan@example.com"), ["completed", "completed"]);
    assert!(of("cat@unclaimed.example").iter().all(|outcome| outcome != "completed"), "{outcomes:#}");
    assert!(members(&stage, "Design").contains(&"dan@example.com".to_owned()));
}

#[test]
fn only_one_person_can_be_changed() {
    let stage = stage();
    sync(&stage, &["apply", "--auto", "--only", "ANN@example.com"]).done();
    assert_eq!(stage.groups_of("ann@example.com"), ["Design"]);
    stage.umapi(["users", "get", "bob@example.com"]).with_code(1).saying("does not exist");
}

#[test]
fn a_person_is_explained() {
    let stage = stage();
    let explained = sync(&stage, &["explain", "bob@example.com"]).done();
    for part in ["people.csv, line 3", "Design of main: from Artists (line 15)", "add to ACL X in main"] {
        assert!(explained.out.contains(part), "{part}\n{}", explained.out);
    }
    sync(&stage, &["explain", "noone@example.com"]).with_code(6);
}

#[test]
fn who_is_there_for_no_reason_can_stay() {
    let stage = stage();
    let listed = sync(&stage, &["adopt", "-f", "csv"]).done();
    assert!(listed.out.contains("bob@enterprise.example"), "{}", listed.out);
    sync(&stage, &["adopt", "bob@enterprise.example"]).done();
    sync(&stage, &["apply", "--auto"]).done();
    assert!(members(&stage, "Design").contains(&"bob@enterprise.example".to_owned()));
}

#[test]
fn mistakes_of_the_configuration_are_told_at_once() {
    let stage = stage();
    stage.file(
        "umapi-sync.toml",
        CONFIG.replace("to = [\"Design\"]", "to = [\"x::Design\"]").replace("\"30d\"", "\"soon\""),
    );
    let ended = sync(&stage, &["plan"]).with_code(2);
    for part in ["line 17, column 6: there is no organization called `x`", "line 25, column 10: `soon` is not a time"] {
        assert!(ended.err.contains(part), "{part}\n{}", ended.err);
    }
    std::fs::remove_file(stage.path("umapi-sync.toml")).unwrap();
    sync(&stage, &["plan"]).with_code(2).saying("umapi sync init");
}

#[test]
fn a_written_configuration_can_be_used() {
    let stage = stage();
    std::fs::remove_file(stage.path("umapi-sync.toml")).unwrap();
    let init = ["init", "--kind", "file", "--source", "people.csv", "--map", "Artists=Design"];
    let written = sync(&stage, &init).done();
    assert!(written.err.contains("2 people") || written.err.contains("2 can be users"), "{}", written.err);
    sync(&stage, &init).with_code(2).saying("exists already");
    sync(&stage, &["check", "-f", "csv"]).done();
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.groups_of("ann@example.com"), ["Design"]);
}

#[test]
fn a_file_is_written_for_ldap_and_for_a_program() {
    let stage = stage();
    let init = |arguments: &[&str]| {
        let _ = std::fs::remove_file(stage.path("umapi-sync.toml"));
        let ended = sync(&stage, &[&["init", "--profile", "main"], arguments].concat());
        (ended, std::fs::read_to_string(stage.path("umapi-sync.toml")).unwrap_or_default())
    };
    stage.file("password", "planted");
    let of_ldap = ["--source", "ldap://127.0.0.1:1", "--base", "DC=example,DC=com", "--user", "CN=sync,DC=example"];
    let group = "CN=Artists,OU=Groups,DC=example,DC=com";
    let map = format!("{group} = Design");
    let (ended, written) = init(&[&of_ldap[..], &["--password-file", "password", "--map", &map]].concat());
    // The directory does not answer: the file is there, and the error says what to do next.
    ended.with_code(1).saying("the file is written; correct it").saying("127.0.0.1:1");
    let expected = ["password = { file = \"password\" }", &format!("from = \"{group}\""), "to = [\"Design\"]"];
    assert!(expected.iter().all(|part| written.contains(part)) && !written.contains("planted"), "{written}");

    let people = stage.file(
        "people.ndjson",
        "{\"id\":\"1\",\"email\":\"ann@example.com\",\"groups\":[\"Artists\"]}\n{\"complete\":true}\n",
    );
    let program = format!("cat {}", text(&people));
    let (ended, _) = init(&["--kind", "exec", "--source", &program, "--map", "Artists=Design"]);
    ended.done().saying("wrote umapi-sync.toml").saying("exec: 1 person, all read, 1 group");

    for (arguments, said) in [
        (&["--kind", "ldap"][..], "--source is missing, and there is no terminal"),
        (&["--source", "ldap://127.0.0.1:1", "--base", "DC=x", "--password-file", "password"], "add --user"),
        (&["--kind", "file", "--source", "people.csv", "--map", "a", "--map", "=b", "--map", "c=d"], "`a`"),
        (&["--kind", "file", "--source", "people.csv", "--map", "a", "--map", "=b", "--map", "c=d"], "`=b`"),
    ] {
        let (ended, written) = init(arguments);
        ended.with_code(2).saying(said);
        assert_eq!(written, "", "{arguments:?}");
    }
}

#[test]
fn a_rehearsal_leaves_nothing_behind() {
    let stage = stage();
    let plan = stage.umapi(["--emulator", "sync", "plan", "-f", "csv"]).done();
    assert!(plan.out.contains("ann@example.com"), "{}", plan.out);
    stage.umapi(["--emulator", "sync", "apply", "--auto"]).done();
    assert!(!stage.path("umapi-sync.state").exists());
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
}

#[test]
fn a_thousand_moves_between_groups_take_few_requests() {
    let stage = stage();
    let people = |group: &str| {
        let mut csv = String::from("id,email,givenName,sn,groups\n");
        for number in 0..1000 {
            let _ = writeln!(csv, "{number},p{number}@example.com,P,P{number},{group}");
        }
        // Both groups of the directory exist all the time.
        csv + "a,a@example.com,A,A,ACL-A\nb,b@example.com,B,B,ACL-B\n"
    };
    stage.file(
        "umapi-sync.toml",
        CONFIG
            .replace("[guard]", "[guard]\ncreations = \"off\"")
            .replace("from = \"Artists\"", "from = \"ACL-B\"")
            .replace("to = [\"Design\"]", "to = []"),
    );
    stage.file("people.csv", people("ACL-A"));
    sync(&stage, &["apply", "--auto", "--problems-only"]).done();
    stage.file("people.csv", people("ACL-B"));
    stage.emulator.journal().clear();
    sync(&stage, &["apply", "--auto", "--problems-only"]).done();
    let requests = stage.emulator.journal().count(Operation::ExecuteActions);
    assert!(requests <= 4, "{requests} requests");
    assert_eq!((members(&stage, "ACL A").len(), members(&stage, "ACL B").len()), (1, 1001));
}

#[test]
fn a_refused_request_is_made_good_by_the_next_run() {
    let stage = stage();
    let rule = FaultRule::on(Operation::ExecuteActions, FaultResponse::status(400));
    stage.emulator.faults().add(rule).unwrap();
    let failed = sync(&stage, &["apply", "--auto"]);
    assert_ne!(failed.code, Some(0));
    stage.emulator.faults().clear();
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X", "Design"]);
    let again = sync(&stage, &["apply", "--auto"]).done();
    again.saying("nothing to change");
}

#[test]
fn a_morning_of_syncs_reads_each_list_once() {
    let stage = stage_with(LimitSettings::reported());
    let run = |arguments: &[&str]| ended(stage.cached_command().args(arguments).args(["--max-wait", "20s"]));
    run(&["sync", "check"]);
    run(&["sync", "plan", "-f", "csv"]).done().saying("users as of ");
    run(&["sync", "apply", "--auto"]).done();
    // What the sync made is in the lists.
    run(&["sync", "apply", "--auto"]).done().saying("nothing to change");
    assert!(run(&["users", "list", "-f", "csv"]).done().out.contains("ann@example.com"));
    let listed = run(&["groups", "list", "-f", "csv"]).done();
    assert!(listed.out.contains("ACL X"), "{}", listed.out);
    let journal = stage.emulator.journal();
    for operation in [Operation::ListUsers, Operation::ListGroups] {
        let asked = journal.of(operation);
        assert_eq!(asked.iter().filter(|exchange| exchange.path.trim_end_matches('/').ends_with("/0")).count(), 1);
    }
    assert!(journal.all().iter().all(|exchange| exchange.exceeded_limit.is_none()));
}

#[test]
fn a_person_who_is_left_out_is_explained() {
    let stage = stage();
    stage.file("umapi-sync.toml", CONFIG.replace("[people]", "[people]\nskip = 'attr.sn == \"Bo\"'"));
    let explained = sync(&stage, &["explain", "BOB@example.com"]).done();
    assert!(explained.out.contains("left out; what they have stays"), "{}", explained.out);
}

#[test]
fn the_schema_of_the_configuration_is_printed() {
    let stage = stage();
    let schema = sync(&stage, &["schema"]).done().json();
    assert_eq!(schema["title"], "SyncConfig");
    assert!(schema["properties"]["guard"].is_object(), "{schema:#}");
}

/// The files of user-sync, in the form of its examples, with a hook over a CSV file.
fn user_sync(stage: &Stage) {
    let main = "adobe_users:\n  exclude_identity_types: [adobeID]\n  connectors:\n    umapi: connector-umapi.yml\n\
        directory_users:\n  user_identity_type: federatedID\n  default_country_code: US\n  connectors:\n    csv: connector-csv.yml\n  groups:\n    - directory_group: Artists\n      adobe_groups:\n        - Design\n\
        limits:\n  max_adobe_only_users: 200\ninvocation_defaults:\n  connector: [csv, people.csv]\n  process_groups: Yes\n  users: mapped\n";
    stage.file("user-sync-config.yml", main);
    stage.file("connector-csv.yml", "first_name_column_name: givenName\nlast_name_column_name: sn\n");
    stage.file("connector-umapi.yml", "enterprise:\n  org_id: o\n  client_id: i\n  client_secret: hush-hush\n");
    std::fs::remove_file(stage.path("umapi-sync.toml")).unwrap();
}

#[test]
fn files_of_user_sync_become_a_configuration_that_works() {
    let stage = stage();
    user_sync(&stage);
    let imported = sync(&stage, &["import", "-f", "csv"]).done();
    assert!(imported.err.contains("umapi config import connector-umapi.yml --name main"), "{}", imported.err);
    let text = std::fs::read_to_string(stage.path("umapi-sync.toml")).unwrap();
    assert!(!text.contains("hush-hush") && text.contains("country = \"{country|upper|or:US}\""), "{text}");
    sync(&stage, &["import"]).with_code(2).saying("exists already");
    let removals = text.replace("[guard]", "[guard]\nremovals_per_group = \"off\"");
    stage.file("umapi-sync.toml", removals);
    sync(&stage, &["apply", "--auto"]).done();
    assert_eq!(stage.groups_of("ann@example.com"), ["Design"]);
}

#[test]
fn a_hook_of_user_sync_still_decides() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let stage = stage();
    user_sync(&stage);
    let main = std::fs::read_to_string(stage.path("user-sync-config.yml")).unwrap();
    stage.file("user-sync-config.yml", main.replace("  default_country", "  extension: hook.yml\n  default_country"));
    stage.file(
        "hook.yml",
        "extended_adobe_groups: [Extra]\nafter_mapping_hook: |\n  print('a message')\n  if source_attributes['sn'] == 'Lee':\n    target_groups.add('Extra')\n    target_groups.discard('Design')\n    target_attributes['firstname'] = 'Änn'\n",
    );
    sync(&stage, &["import"]).done();
    let plan = sync(&stage, &["plan", "-f", "csv"]);
    assert!(plan.out.contains("add,bob@example.com,federatedID,Design"), "{}{}", plan.out, plan.err);
    assert!(!plan.out.contains("add,ann@example.com,federatedID,Design"), "{}", plan.out);
    assert!(plan.err.contains("Extra"), "the group does not exist yet: {}", plan.err);
}

#[test]
fn a_broad_pattern_finds_nothing_that_a_hook_gives() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let stage = stage();
    user_sync(&stage);
    let main = std::fs::read_to_string(stage.path("user-sync-config.yml")).unwrap();
    let more = "  extension: hook.yml\n  group_sync_options:\n    auto_create: Yes\n  additional_groups:\n    - source: '(.+)'\n      target: 'All \\1'\n  default_country";
    stage.file("user-sync-config.yml", main.replace("  default_country", more));
    stage.file("hook.yml", "after_mapping_hook: |\n  target_groups.discard('Sales')\n");
    // A name of the file that poses as one of the hook gives nothing.
    stage.file("people.csv", PEOPLE.replace("ACL-X", "adobe:Sales"));
    sync(&stage, &["import"]).done();
    let plan = sync(&stage, &["plan", "-f", "csv"]);
    let groups: Vec<String> =
        plan.csv().into_iter().filter(|row| row[2] == "add").map(|row| format!("{} {}", row[3], row[5])).collect();
    assert_eq!(
        groups,
        [
            "ann@example.com All Artists",
            "bob@example.com All Artists",
            "ann@example.com Design",
            "bob@example.com Design"
        ],
        "{}{}",
        plan.out,
        plan.err
    );
}

#[test]
fn settings_without_a_counterpart_are_listed() {
    let stage = stage();
    user_sync(&stage);
    let main = std::fs::read_to_string(stage.path("user-sync-config.yml")).unwrap();
    stage.file("user-sync-config.yml", format!("\u{feff}{}  color: blue\n", main).replace('\n', "\r\n"));
    let imported = sync(&stage, &["import", "-f", "csv"]).with_code(1);
    assert!(imported.out.contains("invocation_defaults.color,missing"), "{}", imported.out);
    std::fs::remove_file(stage.path("umapi-sync.toml")).unwrap();
    std::fs::remove_file(stage.path("connector-csv.yml")).unwrap();
    sync(&stage, &["import"]).with_code(2).saying("connector-csv.yml");
    assert!(!stage.path("umapi-sync.toml").exists());
}

#[test]
fn a_log_of_user_sync_stands_beside_the_plan() {
    let stage = stage();
    let head = "2026-01-31 02:00:00 12 INFO";
    let log = format!(
        "{head} main - ========== Start Run (User Sync version: 2.10.0) (TEST MODE) ==========\r\n\
        {head} processor - Queuing new user with user key: federatedID,ann@example.com,,ann@example.com\r\n\
        {head} processor - Removing Adobe-only user: federatedID,jdoe@example.com,,jdoe@example.com\r\n\
        {head} processor - ----- Action Summary (TEST MODE) -----\r\n"
    );
    stage.file("us.log", &log);
    let compared = sync(&stage, &["compare", "us.log", "-f", "csv"]).with_code(1);
    for part in [
        "ann@example.com,create-user,,both",
        "jdoe@example.com,leave,,only user-sync",
        "bob@example.com,create-user,,only umapi",
    ] {
        assert!(compared.out.contains(part), "{part}\n{}{}", compared.out, compared.err);
    }
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
    stage.file("us.log", log.split(" processor - -----").next().unwrap());
    let cut = sync(&stage, &["compare", "us.log", "-f", "csv"]).with_code(1).saying("ends before the summary");
    assert!(!cut.out.contains("only umapi"), "{}", cut.out);
    stage.file("us.log", "2026-01-31 02:00:00 12 WARNING main - x\n");
    sync(&stage, &["compare", "us.log"]).with_code(2).saying("file_log_level");
    stage.file("us.log", "Hello\n");
    sync(&stage, &["compare", "us.log"]).with_code(2).saying("not a log of user-sync");
}

#[test]
fn a_report_tells_what_was_done_and_what_stopped_a_run() {
    let stage = stage();
    stage.file("people.csv", PEOPLE.replace("Ann,Lee", "<b>Ann</b>,Lee"));
    let (page, data) = (stage.path("report.html"), stage.path("report.json"));
    sync(&stage, &["apply", "--auto", "--report", text(&page), "--report", text(&data)]).done();
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("ann@example.com") && html.contains("Design") && !html.contains("<b>Ann"), "{html}");
    assert!(!html.contains("http://") && !html.contains("https://"), "the page asks nobody for anything");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&data).unwrap()).unwrap();
    assert!(report.to_string().contains("ann@example.com"), "{report:#}");
    // The next run is stopped, and its report says so.
    stage.file("people.csv", PEOPLE.replace("\"Artists,ACL-X\"", "ACL-X"));
    stage.file("umapi-sync.toml", CONFIG.replace("removals_per_group = \"off\"", "removals_per_group = 0"));
    sync(&stage, &["apply", "--auto", "--report", text(&page)]).with_code(1);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("Design would lose 1 of"), "{html}");
    sync(&stage, &["plan", "--report", "report.doc"]).with_code(2);
    assert!(!stage.path("report.doc").exists());
}

#[test]
fn a_report_that_cannot_be_written_is_told_after_the_run() {
    let stage = stage();
    let ended = sync(&stage, &["apply", "--auto", "--report", "no-such-folder/report.json"]).with_code(1);
    assert!(ended.err.contains("no-such-folder/report.json"), "{}", ended.err);
    assert_eq!(stage.groups_of("ann@example.com"), ["Design"]);
}

#[test]
fn a_password_is_kept_in_a_private_file() {
    let stage = stage();
    let ended = stage.umapi_with(["sync", "secret", "--to-file", "ldap.secret"], "p4ss word\n").done();
    assert!(!ended.err.contains("p4ss") && !ended.out.contains("p4ss"));
    assert_eq!(std::fs::read_to_string(stage.path("ldap.secret")).unwrap().trim_end(), "p4ss word");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(stage.path("ldap.secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
