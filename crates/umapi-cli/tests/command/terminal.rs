//! Behavior on a terminal: tables, progress, confirmation, Ctrl-C.

use std::{process::Command, time::Duration};

use rexpect::session::{PtySession, spawn_command};
use serde_json::json;
use umapi_emulator::{FaultEffect, FaultResponse, FaultRule, Operation};

use crate::stage::{Stage, text};

const PATIENCE: Option<u64> = Some(30_000);

fn on_terminal(mut command: Command, arguments: &[&str]) -> PtySession {
    command.env("TERM", "xterm").args(arguments);
    spawn_command(command, PATIENCE).unwrap()
}

fn creations(count: u32) -> String {
    let line = |number: u32| format!("new{number}@example.com,federated,N,P,US\n");
    format!("user,create,firstname,lastname,country\n{}", (0..count).map(line).collect::<String>())
}

#[test]
fn table_has_columns_and_colors_on_a_terminal() {
    let stage = Stage::new();
    let mut session = on_terminal(stage.command(), &["groups", "list", "--type", "user-group"]);
    let shown = session.exp_eof().unwrap();
    assert!(shown.contains("\u{1b}[1mNAME ") && shown.contains("\r\nDesign "), "{shown:?}");
    let mut command = stage.command();
    command.env("NO_COLOR", "1");
    let shown = on_terminal(command, &["groups", "list", "--quiet"]).exp_eof().unwrap();
    assert!(!shown.contains('\u{1b}') && shown.contains("NAME "), "{shown:?}");
}

#[test]
fn text_of_the_service_cannot_control_the_terminal() {
    let stage = Stage::new();
    let hostile = json!({"result": "success", "lastPage": true, "users": [
        {"email": "a\u{202e}b@example.com", "firstname": "\u{1b}]0;owned\u{7}\u{9b}2J", "lastname": "Z\u{200b}W"}
    ]});
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::json(200, hostile))).unwrap();
    for (format, shown_as) in
        [("table", "a<U+202E>b@"), ("csv", "a<U+202E>b@"), ("json", "a\\u202eb@"), ("ndjson", "a\\u202eb@")]
    {
        let mut command = stage.command();
        command.env("NO_COLOR", "1");
        let shown = on_terminal(command, &["users", "list", "--quiet", "-f", format]).exp_eof().unwrap();
        assert!(shown.contains(shown_as), "{format}: {shown:?}");
        for raw in ['\u{202e}', '\u{1b}', '\u{7}', '\u{9b}', '\u{200b}'] {
            assert!(!shown.contains(raw), "{format}: {shown:?}");
        }
    }
    let shown = on_terminal(stage.command(), &["api", "GET", "/users/{org}/0"]).exp_eof().unwrap();
    assert!(shown.contains("a<U+202E>b@") && !shown.contains('\u{9b}'), "{shown:?}");
    // Programs get the text as it is.
    let piped = stage.umapi(["users", "list", "-f", "csv"]).done();
    assert!(piped.out.contains("a\u{202e}b@") && piped.out.contains('\u{9b}'));
}

#[test]
fn progress_shows_counts_and_the_end_of_a_wait() {
    let stage = Stage::new();
    stage.emulator.faults().add(FaultRule::on(Operation::ExecuteActions, FaultResponse::throttled(2)).nth(3)).unwrap();
    let file = stage.file("a.csv", creations(60));
    let mut session = on_terminal(stage.command(), &["run", text(&file), "--problems-only"]);
    session.exp_regex(r"commands \[=*>? *\] \d+ of 60, \d+ requests?").unwrap();
    session.exp_regex(r"the service asks to wait, continues at \d\d:\d\d:\d\d").unwrap();
    session.exp_string("60 completed; 7 requests").unwrap();
    session.exp_eof().unwrap();
}

#[test]
fn quiet_hides_progress_and_notes() {
    let stage = Stage::new();
    let file = stage.file("a.csv", creations(5));
    let shown = on_terminal(stage.command(), &["run", text(&file), "--quiet", "-f", "ndjson"]).exp_eof().unwrap();
    assert!(!shown.contains("of 5") && !shown.contains("5 completed") && shown.contains("\"completed\""), "{shown}");
}

#[test]
fn removal_is_confirmed_on_the_terminal() {
    let stage = Stage::new();
    for (answer, is_there) in [("n", true), ("y", false)] {
        let mut session = on_terminal(stage.command(), &["users", "remove", "jane@example.com"]);
        session.exp_string("Remove jane@example.com (federatedID of example.com)? [y/N]").unwrap();
        session.send_line(answer).unwrap();
        session.exp_eof().unwrap();
        assert_eq!(stage.umapi(["users", "get", "jane@example.com"]).code == Some(0), is_there);
    }
}

#[test]
fn question_about_several_users_names_them() {
    let stage = Stage::new();
    let users = ["jane@example.com", "ann@mail.example"];
    let mut session = on_terminal(stage.command(), &[&["users", "remove"][..], &users].concat());
    session.exp_string("  jane@example.com (federatedID of example.com)").unwrap();
    session.exp_string("  ann@mail.example (adobeID").unwrap();
    session.exp_string("Remove 2 users? [y/N]").unwrap();
    session.send_line("n").unwrap();
    session.exp_string("cancelled").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
}

#[test]
fn account_is_chosen_on_the_terminal() {
    let seed = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command/cases/twin-seed.yaml");
    let stage = Stage::with(|builder| builder.seed_file(seed).limits(umapi_emulator::LimitSettings::off()));
    let mut session = on_terminal(stage.command(), &["users", "remove", "ann@example.com"]);
    session.exp_string("ann@example.com is the name of several accounts. Which one?").unwrap();
    session.exp_string("adobeID").unwrap();
    // The second one: down, enter.
    session.send("\u{1b}[B\r").unwrap();
    session.flush().unwrap();
    session.exp_string("Remove ann@example.com (adobeID").unwrap();
    session.send_line("y").unwrap();
    session.exp_eof().unwrap();
    let left = stage.umapi(["users", "get", "ann@example.com", "-f", "json"]).done().json();
    assert_eq!(left["type"], "federatedID");
}

#[test]
fn secret_is_hidden_while_it_is_entered() {
    let stage = Stage::new();
    stage.umapi(["config", "add", "main", "--client-id", "abc"]).done();
    let mut session = on_terminal(stage.bare_command(), &["config", "set-secret", "main", "--to-file", "main.secret"]);
    session.exp_string("client secret").unwrap();
    session.send_line("s8e-typed").unwrap();
    let shown = session.exp_eof().unwrap();
    assert!(!shown.contains("s8e-typed"), "{shown}");
    assert_eq!(std::fs::read_to_string(stage.path("main.secret")).unwrap(), "s8e-typed");
}

#[test]
fn ctrl_c_finishes_the_request_and_reports_outcomes() {
    let stage = Stage::new();
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::delay(Duration::from_millis(50))))
        .unwrap();
    let (file, outcomes) = (stage.file("a.csv", creations(500)), stage.path("outcomes.ndjson"));
    let shell = format!("exec '{}' \"$@\" > '{}'", env!("CARGO_BIN_EXE_umapi"), text(&outcomes));
    let called = stage.command();
    let mut command = Command::new("sh");
    command
        .args(["-c", &shell, "umapi"])
        .args(called.get_args())
        .envs(called.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut session = on_terminal(command, &["run", text(&file), "-f", "ndjson"]);
    session.exp_regex(r"[1-9]\d* of 500").unwrap();
    session.send_control('c').unwrap();
    session.exp_string("stopping after the request in progress").unwrap();
    session.exp_regex(r"\d+ completed, \d+ not sent; \d+ requests").unwrap();
    session.exp_eof().unwrap();
    assert!(format!("{:?}", session.process().wait().unwrap()).contains("130"));
    let written = std::fs::read_to_string(&outcomes).unwrap();
    let completed = written.lines().filter(|line| line.contains("\"completed\"")).count();
    // Exactly the reported commands were carried out.
    let created = stage.umapi(["users", "list", "-f", "csv"]).done().csv().len() - 9;
    assert_eq!(completed, created);
    assert!(completed > 0 && completed < 500);
}
