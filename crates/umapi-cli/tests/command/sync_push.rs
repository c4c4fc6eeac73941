//! `umapi sync plan|apply --push`: what changed is sent, and Adobe's side is not read.

use umapi_emulator::{FaultEffect, FaultRule, LimitSettings, Operation};

use crate::{
    stage::{Ended, Stage},
    sync::{CONFIG, PEOPLE, stage_with, sync},
};

fn stage() -> Stage {
    stage_with(LimitSettings::off())
}

/// Runs it, and sees that nothing of Adobe's side was read.
fn push(stage: &Stage, arguments: &[&str]) -> Ended {
    stage.emulator.journal().clear();
    let ended = sync(stage, &[&["apply", "--auto", "--push"], arguments].concat());
    for exchange in stage.emulator.journal().all().iter().filter(|exchange| exchange.organization.is_some()) {
        assert_eq!(exchange.operation, Some(Operation::ExecuteActions.into()), "{} {}", exchange.method, exchange.path);
    }
    ended
}

fn requests(stage: &Stage) -> usize {
    stage.emulator.journal().count(Operation::ExecuteActions)
}

#[test]
fn the_first_push_sends_everything_and_takes_nothing() {
    let stage = stage();
    let plan = sync(&stage, &["plan", "--push", "-f", "csv"]).done();
    assert!(plan.out.contains("create-user,ann@example.com"), "{}", plan.out);
    assert_eq!(requests(&stage), 0);
    push(&stage, &[]).done().saying("everything is sent, and nothing is taken");
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X", "Design"]);
    // Who was there before stays.
    assert_eq!(stage.groups_of("bob@enterprise.example"), ["Design"]);
    push(&stage, &[]).done().saying("nothing to change");
    assert_eq!(requests(&stage), 0);
}

#[test]
fn only_what_changed_is_sent_then() {
    let stage = stage();
    push(&stage, &[]).done();
    stage.file("people.csv", PEOPLE.replace("Ann,Lee", "Anna,Lee").replace("\"Artists,ACL-X\"", "ACL-X"));
    let sent = push(&stage, &["-f", "csv"]).done();
    let actions: Vec<String> = sent.csv().into_iter().map(|row| format!("{} {}", row[2], row[3])).collect();
    assert_eq!(actions, ["update-user ann@example.com", "remove bob@example.com"], "{}", sent.out);
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X"]);
    push(&stage, &[]).done().saying("nothing to change");
}

#[test]
fn a_push_after_a_whole_run_takes_only_what_runs_gave() {
    let stage = stage();
    sync(&stage, &["apply", "--auto"]).done();
    push(&stage, &[]).done().saying("nothing to change");
    // Somebody else gives Jane, who is not a person of the directory, the group; and Ann one that no rule names.
    stage.umapi(["members", "add", "Sales", "ann@example.com"]).done();
    stage.umapi(["members", "add", "Design", "jane@example.com"]).done();
    stage.file("people.csv", PEOPLE.replace("de,Artists\n", "de,ACL-X\n"));
    push(&stage, &[]).done();
    assert_eq!(stage.groups_of("ann@example.com"), ["ACL X", "Sales"]);
    assert!(stage.groups_of("jane@example.com").contains(&"Design".to_owned()));
}

#[test]
fn a_list_that_is_cut_takes_nothing_by_a_push() {
    let stage = stage();
    push(&stage, &[]).done();
    let broken = format!("{}3,cat", PEOPLE.replace("\"Artists,ACL-X\"", "ACL-X"));
    for content in [broken.as_str(), &PEOPLE.replace("Artists", "Artists2"), "id,email,givenName,sn,country,groups\n"] {
        stage.file("people.csv", content);
        let since = stage.emulator.ledger().position().unwrap();
        assert_ne!(push(&stage, &[]).code, Some(0), "{content}");
        let taken = stage.emulator.ledger().since(since).unwrap();
        assert!(taken.iter().all(|change| format!("{:?}", change.kind) != "MemberRemoved"), "{content}: {taken:?}");
    }
    // A push that was cut is not forgotten, either.
    stage.file("people.csv", PEOPLE);
    push(&stage, &[]).done().saying("nothing to change");
}

#[test]
fn leavers_lose_what_was_given_and_stay_in_the_organization() {
    let stage = stage();
    stage.file("umapi-sync.toml", CONFIG.replace("remove = \"30d\"", "remove = \"now\""));
    push(&stage, &[]).done();
    // Another member keeps the group there.
    stage.file(
        "people.csv",
        PEOPLE.replace("2,bob@example.com,Bob,Bo,US,\"Artists,ACL-X\"", "3,cat@example.com,Cat,C,US,ACL-X"),
    );
    push(&stage, &[]).done().saying("1 person who left stay in main");
    assert!(stage.groups_of("bob@example.com").is_empty());
    sync(&stage, &["apply", "--auto"]).done();
    stage.umapi(["users", "get", "bob@example.com"]).with_code(1).saying("does not exist");
}

#[test]
fn what_failed_is_sent_again() {
    let stage = stage();
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::reset_before_applying()))
        .unwrap();
    let command = &["--max-wait", "0s"];
    assert_ne!(push(&stage, command).code, Some(0));
    stage.emulator.faults().clear();
    push(&stage, &[]).done();
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X", "Design"]);
    // A user whom somebody else removed is found out at the next change, and made again.
    stage.umapi(["users", "remove", "ann@example.com", "--yes"]).done();
    stage.file("people.csv", PEOPLE.replace("de,Artists\n", "de,\"Artists,ACL-X\"\n"));
    push(&stage, &[]).with_code(1);
    push(&stage, &[]).done();
    assert_eq!(stage.groups_of("ann@example.com"), ["ACL X", "Design"]);
}

#[test]
fn guards_stop_a_push_too() {
    let stage = stage();
    stage.file("umapi-sync.toml", CONFIG.replace("[guard]", "[guard]\ncreations = 1"));
    push(&stage, &[]).with_code(1).saying("2 users would be created");
    assert_eq!(requests(&stage), 0);
    sync(&stage, &["allow", "--yes"]).done();
    push(&stage, &[]).done();
    stage.file("umapi-sync.toml", CONFIG.replace("removals_per_group = \"off\"", "removals_per_group = 0"));
    stage.file("people.csv", PEOPLE.replace("\"Artists,ACL-X\"", "ACL-X"));
    push(&stage, &[]).with_code(1).saying("Design would lose 1 of 2 members");
    assert_eq!(requests(&stage), 0);
}

#[test]
fn a_dry_push_and_a_rehearsal_remember_nothing() {
    let stage = stage();
    push(&stage, &["--dry-run"]);
    push(&stage, &["--only", "ann@example.com"]).done().saying("everything is sent");
    assert_eq!(stage.groups_of("ann@example.com"), ["Design"]);
    stage.umapi(["--emulator", "sync", "apply", "--auto", "--push"]);
    push(&stage, &["-f", "csv"]).done();
    assert_eq!(stage.groups_of("bob@example.com"), ["ACL X", "Design"]);
    sync(&stage, &["plan", "--push", "--out", "x.json"]).with_code(2);
}

#[test]
fn a_push_needs_few_requests_once_a_run_saw_the_groups() {
    let stage = stage();
    let people = |group: &str| {
        let lines: String = (0..300).map(|n| format!("{n},p{n}@example.com,P,P{n},US,{group}\n")).collect();
        format!(
            "id,email,givenName,sn,country,groups\n{lines}a,a@example.com,A,A,US,Artists\nb,b@example.com,B,B,US,ACL-X\n"
        )
    };
    stage.file("people.csv", people("Artists"));
    sync(&stage, &["apply", "--auto", "--problems-only"]).done();
    stage.file("people.csv", people("ACL-X"));
    push(&stage, &["--problems-only"]).done();
    assert!(requests(&stage) <= 2, "{} requests", requests(&stage));
}
