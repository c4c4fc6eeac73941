//! Cached lists: `umapi cache`, `--refresh` and `--max-age`.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use umapi_emulator::{FaultEffect, FaultResponse, FaultRule, LimitSettings, Operation, PageSizes};

use crate::stage::{Ended, Stage, ended, text, wait};

/// A stage whose lists have several pages.
fn stage() -> Stage {
    Stage::with(|builder| {
        let mut sizes = PageSizes::default();
        sizes.users = 4;
        builder.page_sizes(sizes).limits(LimitSettings::off())
    })
}

fn cached<const N: usize>(stage: &Stage, arguments: [&str; N]) -> Ended {
    ended(stage.cached_command().args(arguments))
}

/// How often the first page of a list was asked for.
fn first_pages(stage: &Stage, operation: Operation) -> usize {
    let asked = stage.emulator.journal().of(operation);
    asked.iter().filter(|exchange| exchange.path.trim_end_matches('/').ends_with("/0")).count()
}

fn cache_file(stage: &Stage) -> std::path::PathBuf {
    let is_cache = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "cache");
    let entries = std::fs::read_dir(stage.path("cache")).unwrap();
    entries.map(|entry| entry.unwrap().path()).find(is_cache).unwrap()
}

#[test]
fn groups_are_read_once_and_their_age_is_shown() {
    let stage = stage();
    let first = cached(&stage, ["groups", "list", "-f", "csv"]).done();
    assert!(!first.err.contains("as of"), "{}", first.err);
    let second = cached(&stage, ["groups", "list", "-f", "csv"]).done().saying("groups as of ").saying("--refresh");
    assert_eq!(first.out, second.out);
    cached(&stage, ["groups", "get", "design", "-f", "json"]).done().saying("less than a minute ago");
    cached(&stage, ["profiles", "list"]).done().saying("groups as of ");
    cached(&stage, ["groups", "get", "Nothing"]).with_code(1).saying("add --refresh");
    assert_eq!(first_pages(&stage, Operation::ListGroups), 1);
}

#[test]
fn refresh_waits_until_the_service_allows_it() {
    let stage = stage();
    cached(&stage, ["groups", "list"]).done();
    for arguments in [["--refresh", "--max-wait=1s"], ["--max-age=0s", "--max-wait=1s"]] {
        let refused = ended(stage.cached_command().args(["groups", "list"]).args(arguments)).with_code(4);
        refused.saying("cannot read the groups again before ").saying("once in two hours").saying("--no-rate-limit");
    }
    // A raw request of the page is held back too.
    cached(&stage, ["api", "GET", "/groups/{org}/0", "--max-wait", "1s"]).with_code(4);
    assert_eq!(first_pages(&stage, Operation::ListGroups), 1);
    cached(&stage, ["groups", "list", "--refresh", "--no-rate-limit"]).done();
    assert_eq!(first_pages(&stage, Operation::ListGroups), 2);
    // The users have a limit of their own.
    cached(&stage, ["api", "GET", "/users/{org}/0", "--max-wait", "1s"]).done();
    cached(&stage, ["users", "list", "--max-wait", "1s"]).with_code(4).saying("cannot read the users again");
}

#[test]
fn stopped_read_continues_without_the_first_page() {
    let stage = stage();
    let all = stage.umapi(["users", "list", "-f", "csv"]).done().out;
    stage.emulator.journal().clear();
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ListUsers, FaultResponse::throttled(3000)).from_call(3))
        .unwrap();
    cached(&stage, ["users", "list", "-f", "csv", "--max-wait", "1s"]).with_code(4);
    stage.emulator.faults().clear();
    let rest = cached(&stage, ["users", "list", "-f", "csv"]).done().saying("the rest is read now");
    assert_eq!(rest.out, all);
    assert_eq!(cached(&stage, ["users", "list", "-f", "csv"]).done().out, all);
    // A part of the list is enough for a part of it.
    assert_eq!(cached(&stage, ["users", "list", "-f", "csv", "--limit", "3"]).done().csv().len(), 3);
    assert_eq!(first_pages(&stage, Operation::ListUsers), 1);
}

#[test]
fn killed_read_leaves_a_usable_cache() {
    let stage = stage();
    let all = stage.umapi(["users", "list", "-f", "csv"]).done().out;
    stage.emulator.journal().clear();
    let delay = FaultEffect::delay(Duration::from_secs(30));
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, delay).from_call(2)).unwrap();
    let mut killed = spawn(stage.cached_command().args(["users", "list"]));
    while stage.emulator.journal().count(Operation::ListUsers) < 1 || !stage.path("cache").is_dir() {
        wait(5);
    }
    // The first page is kept before the second one is asked for.
    while !cached(&stage, ["cache", "show", "-f", "csv"]).out.contains(",4,false,") {
        wait(5);
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    stage.emulator.faults().clear();
    assert_eq!(cached(&stage, ["users", "list", "-f", "csv"]).done().out, all);
    assert_eq!(first_pages(&stage, Operation::ListUsers), 1);
}

fn spawn(command: &mut Command) -> std::process::Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn two_processes_read_a_list_once() {
    let stage = stage();
    let delay = FaultEffect::delay(Duration::from_millis(1_500));
    stage.emulator.faults().add(FaultRule::on(Operation::ListGroups, delay).nth(1)).unwrap();
    let first = spawn(stage.cached_command().args(["groups", "list", "-f", "csv"]));
    while !stage.path("cache").is_dir() || std::fs::read_dir(stage.path("cache")).unwrap().count() < 2 {
        wait(5);
    }
    let second = spawn(stage.cached_command().args(["groups", "list", "-f", "csv"]));
    let (first, second) = (first.wait_with_output().unwrap(), second.wait_with_output().unwrap());
    assert!(first.status.success() && second.status.success());
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(first_pages(&stage, Operation::ListGroups), 1);
}

#[test]
fn what_umapi_changes_is_changed_in_the_lists() {
    let stage = stage();
    cached(&stage, ["groups", "list"]).done();
    cached(&stage, ["users", "list"]).done();
    let run = |arguments: &[&str]| ended(stage.cached_command().args(arguments)).done();
    run(&["users", "create", "zoe@mail.example", "--type", "adobe", "--add-to", "Design"]);
    run(&["users", "remove", "nobody@example.com", "--yes"]);
    run(&["members", "add", "photoshop", "jane@example.com"]);
    run(&["members", "remove", "Design", "jdoe@example.com"]);
    run(&["groups", "create", "Spring"]);
    run(&["groups", "update", "Sales", "--name", "Selling"]);
    run(&["groups", "delete", "Design", "--yes"]);
    let shown = |arguments: &[&str]| {
        let mut lines: Vec<Vec<String>> = run(arguments).csv();
        for line in &mut lines {
            let mut groups: Vec<&str> = line.last().unwrap().split(';').collect();
            groups.sort_unstable();
            *line.last_mut().unwrap() = groups.join(";");
        }
        lines.sort_unstable();
        lines
    };
    let (kept, kept_groups) = (shown(&["export"]), run(&["groups", "list", "-f", "json"]).json());
    let true_users = shown(&["export", "--no-rate-limit", "--max-age", "0s"]);
    assert_eq!(kept, true_users);
    let names = |groups: &serde_json::Value| -> Vec<(String, String)> {
        let name = |group: &serde_json::Value| (group["name"].to_string(), group["type"].to_string());
        let mut names: Vec<_> = groups.as_array().unwrap().iter().map(name).collect();
        names.sort_unstable();
        names
    };
    let true_groups = run(&["groups", "list", "-f", "json", "--no-rate-limit", "--max-age", "0s"]).json();
    assert_eq!(names(&kept_groups), names(&true_groups));
    for group in kept_groups.as_array().unwrap() {
        let is_same = |other: &&serde_json::Value| other["name"] == group["name"];
        let true_group = true_groups.as_array().unwrap().iter().find(is_same).unwrap();
        assert!(group.get("member_count").is_none() || group["member_count"] == true_group["member_count"], "{group}");
    }
}

#[test]
fn outdated_lists_of_users_are_dropped() {
    let stage = stage();
    cached(&stage, ["export"]).done();
    let lines: String = (0..101).map(|number| format!("new{number}@example.com,federated,N,P,US\n")).collect();
    let file = stage.file("many.csv", format!("user,create,firstname,lastname,country\n{lines}"));
    cached(&stage, ["run", text(&file), "--no-rate-limit", "--quiet"]).done();
    cached(&stage, ["export", "--max-wait", "1s"]).with_code(4).saying("cannot read the users again before ");
    // A request that is not understood in detail drops everything.
    cached(&stage, ["groups", "list"]).done();
    cached(&stage, ["api", "DELETE", "/{org}/user-groups/1"]);
    assert_eq!(cached(&stage, ["cache", "show", "-f", "csv"]).done().csv(), Vec::<Vec<String>>::new());
}

#[test]
fn dry_runs_change_no_list() {
    let stage = stage();
    cached(&stage, ["users", "list"]).done();
    cached(&stage, ["users", "remove", "nobody@example.com", "--dry-run"]).done();
    cached(&stage, ["members", "add", "Design", "nobody@example.com", "--dry-run"]).done();
    let shown = cached(&stage, ["cache", "show", "-f", "json"]).done().json();
    assert_eq!((&shown[0]["list"], &shown[0]["changed"]), (&"users".into(), &0.into()));
}

#[test]
fn few_members_need_no_list_of_groups() {
    let stage = stage();
    cached(&stage, ["members", "add", "Design", "nobody@example.com", "jane@example.com"]).done();
    assert_eq!(stage.emulator.journal().count(Operation::ListGroups), 0);
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 1);
}

#[test]
fn group_that_a_list_lacks_is_looked_up() {
    let stage = stage();
    cached(&stage, ["groups", "list"]).done();
    // Somebody else creates it.
    ended(stage.command().env("UMAPI_CACHE_DIR", stage.path("other")).args(["groups", "create", "Spring"])).done();
    let file = stage.file("teams.yaml", "groups:\n  Spring: [jane@example.com]\n");
    cached(&stage, ["apply", text(&file), "--yes"]).done().saying("groups as of ");
    assert!(stage.groups_of("jane@example.com").contains(&"Spring".to_owned()));
    let file = stage.file("unknown.yaml", "groups:\n  Autumn: [jane@example.com]\n");
    cached(&stage, ["apply", text(&file), "--yes"]).with_code(2).saying("names groups that do not exist");
}

#[test]
fn unusable_caches_do_not_stop_commands() {
    let stage = stage();
    let groups = cached(&stage, ["groups", "list", "-f", "csv"]).done().out;
    let path = cache_file(&stage);
    let whole = std::fs::read(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&stage.path("cache"))), (0o600, 0o700));
    }
    // Damaged: replaced.
    let mut torn = whole.clone();
    torn.truncate(whole.len() / 2);
    let mut scrambled = whole.clone();
    scrambled[100..].fill(0x5a);
    for damaged in [&[][..], &torn, &scrambled] {
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(cached(&stage, ["groups", "list", "-f", "csv"]).done().out, groups);
        let again = cached(&stage, ["groups", "list", "-f", "csv"]).done();
        assert!(again.err.contains("groups as of"), "{} bytes: {}", damaged.len(), again.err);
    }
    // Foreign or newer: neither used nor changed.
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    for (foreign, part) in [(&b"my notes"[..], "is not a cache of umapi"), (&newer, "of a newer umapi")] {
        std::fs::write(&path, foreign).unwrap();
        assert_eq!(cached(&stage, ["groups", "list", "-f", "csv"]).done().saying(part).out, groups);
        assert_eq!(std::fs::read(&path).unwrap(), foreign);
    }
    cached(&stage, ["cache", "clear"]).done().saying("removed ");
    std::fs::write(&path, b"my notes").unwrap();
    cached(&stage, ["cache", "clear"]).with_code(1).saying("is not a cache of umapi");
    cached(&stage, ["cache", "clear", "--all"]).done().saying("0 caches removed");
    // No folder.
    let mut command = stage.cached_command();
    let listed = ended(command.env("UMAPI_CACHE_DIR", stage.file("file", "")).args(["groups", "list", "-f", "csv"]));
    assert_eq!(listed.done().saying("are not kept for other commands").out, groups);
}

#[test]
fn cache_is_shown_and_cleared() {
    let stage = stage();
    cached(&stage, ["cache", "clear"]).done().saying("nothing to remove");
    cached(&stage, ["groups", "list"]).done();
    cached(&stage, ["export", "--all-memberships"]).done();
    let shown = cached(&stage, ["cache", "show", "-f", "json"]).done().json();
    let lists: Vec<&str> = shown.as_array().unwrap().iter().map(|list| list["list"].as_str().unwrap()).collect();
    assert_eq!(lists, ["groups", "users-all-memberships"]);
    assert_eq!(shown[0]["is_complete"], true);
    cached(&stage, ["cache", "clear"]).done();
    let shown = cached(&stage, ["cache", "show", "-f", "json"]).done().json();
    assert_eq!(shown, serde_json::json!([]));
    let text_of = |path: &std::path::Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    assert!(!text_of(&cache_file(&stage)).contains("jane@example.com"));
    let files = || std::fs::read_dir(stage.path("cache")).unwrap().count();
    let before = files();
    ended(stage.bare_command().args(["--emulator", "cache", "show"])).with_code(2);
    ended(stage.bare_command().args(["--emulator", "groups", "list"])).done();
    assert_eq!(files(), before);
}

#[test]
fn cleared_cache_knows_when_a_list_may_be_read() {
    let stage = stage();
    cached(&stage, ["groups", "list"]).done();
    for clear in [&["cache", "clear"][..], &["cache", "clear", "--all"]] {
        ended(stage.cached_command().args(clear)).done();
        cached(&stage, ["groups", "list", "--max-wait", "1s"])
            .with_code(4)
            .saying("cannot read the groups again before ");
    }
    assert_eq!(first_pages(&stage, Operation::ListGroups), 1);
    cached(&stage, ["cache", "clear"]).done().saying("nothing to remove");
    let database = rusqlite::Connection::open(cache_file(&stage)).unwrap();
    database.execute("UPDATE first_page SET at = at - 7200000", []).unwrap();
    drop(database);
    cached(&stage, ["cache", "clear"]).done();
    assert_eq!(std::fs::read_dir(stage.path("cache")).unwrap().count(), 0);
}

#[test]
fn users_of_a_domain_come_from_the_list_of_all() {
    let stage = stage();
    let expected = stage.umapi(["users", "list", "--domain", "example.com", "-f", "csv"]).done().out;
    stage.emulator.journal().clear();
    for _ in 0..2 {
        assert_eq!(cached(&stage, ["users", "list", "--domain", "EXAMPLE.com", "-f", "csv"]).done().out, expected);
    }
    assert_eq!(first_pages(&stage, Operation::ListUsers), 1);
}

#[test]
fn clock_that_was_set_back_a_little_does_not_matter() {
    let stage = stage();
    cached(&stage, ["groups", "list"]).done();
    let shift = |milliseconds: i64| {
        let database = rusqlite::Connection::open(cache_file(&stage)).unwrap();
        database.execute("UPDATE list SET begun = begun + ?1", [milliseconds]).unwrap();
        database.execute("UPDATE first_page SET at = at + ?1", [milliseconds]).unwrap();
    };
    shift(120_000);
    cached(&stage, ["groups", "list"]).done().saying("groups as of ").saying("less than a minute ago");
    cached(&stage, ["groups", "list", "--refresh", "--max-wait", "1s"]).with_code(4);
    assert_eq!(first_pages(&stage, Operation::ListGroups), 1);
    // The age of a list from another day is not known.
    shift(86_400_000);
    let again = cached(&stage, ["groups", "list", "--max-wait", "1s"]).done();
    assert!(!again.err.contains("as of"), "{}", again.err);
}
