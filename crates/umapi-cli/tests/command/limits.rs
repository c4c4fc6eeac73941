//! Rate limits and faults, and the exit codes for them.

use std::{process::Stdio, time::Duration};

use umapi_emulator::{FaultEffect, FaultResponse, FaultRule, Operation};

use crate::stage::{Stage, text, wait};

#[test]
fn wait_longer_than_allowed_exits_with_4() {
    let stage = Stage::new();
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::throttled(3000))).unwrap();
    stage.umapi(["users", "list", "--max-wait", "5s"]).with_code(4).saying("--max-wait").saying("try again at ");
    stage.umapi(["users", "list", "--max-wait", "soon"]).with_code(2).saying("90s, 10m or 1h30m");
}

#[test]
fn unavailable_service_exits_with_5() {
    let stage = Stage::new();
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::status(503))).unwrap();
    stage.umapi(["users", "list", "--max-wait", "0s"]).with_code(5).saying("cannot list the users");
}

#[test]
fn items_before_a_fault_are_written() {
    let stage = Stage::with(|builder| {
        let mut sizes = umapi_emulator::PageSizes::default();
        sizes.users = 4;
        builder.page_sizes(sizes).limits(umapi_emulator::LimitSettings::off())
    });
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ListUsers, FaultResponse::throttled(3000)).from_call(3))
        .unwrap();
    let listed = stage.umapi(["users", "list", "-f", "json", "--max-wait", "1s"]).with_code(4);
    assert_eq!(listed.json().as_array().unwrap().len(), 8);
}

#[test]
fn list_that_changed_while_it_was_read_is_reported() {
    let stage = Stage::with(|builder| {
        let mut sizes = umapi_emulator::PageSizes::default();
        sizes.users = 4;
        builder.page_sizes(sizes).limits(umapi_emulator::LimitSettings::off())
    });
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ListUsers, FaultEffect::delay(Duration::from_millis(600))).nth(2))
        .unwrap();
    let mut command = stage.command();
    command.args(["users", "list", "-f", "csv", "--quiet"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let listing = command.spawn().unwrap();
    while stage.emulator.journal().count(Operation::ListUsers) == 0 {
        wait(5);
    }
    stage.umapi(["users", "create", "aaa@mail.example", "--type", "adobe"]).done();
    let listed = listing.wait_with_output().unwrap();
    let err = String::from_utf8(listed.stderr).unwrap();
    assert!(err.contains("warning: the list changed while it was read"), "{err}");
    assert_eq!(listed.status.code(), Some(0));
    let unchanged = stage.umapi(["users", "list"]).done();
    assert!(!unchanged.err.contains("changed"), "{}", unchanged.err);
}

#[test]
fn run_stopped_early_reports_every_outcome() {
    let stage = Stage::new();
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultResponse::throttled(3000)).from_call(2))
        .unwrap();
    let lines: String = (0..40).map(|number| format!("new{number}@example.com,federated,N,P,US\n")).collect();
    let file = stage.file("a.csv", format!("user,create,firstname,lastname,country\n{lines}"));
    let ran = stage.umapi(["run", text(&file), "-f", "json", "--max-wait", "1s"]).with_code(4);
    let count =
        |outcome: &str| ran.json().as_array().unwrap().iter().filter(|record| record["outcome"] == outcome).count();
    assert_eq!((count("completed"), count("not-sent")), (10, 30));
}

#[test]
fn logs_contain_no_secrets() {
    let stage = Stage::new();
    let secret = stage.emulator.credentials().client_secret.clone();
    let token = stage.umapi(["auth", "token"]).done().out.trim().to_owned();
    let listed = stage.umapi(["users", "list", "-vv"]).done();
    assert!(listed.err.contains("listUsers"), "{}", listed.err);
    let signature = token.rsplit('.').next().unwrap();
    for hidden in [&secret, &token, signature, "Bearer ey"] {
        assert!(!listed.err.contains(hidden));
    }
}
