//! Behavior on a terminal: tables, progress, confirmation, Ctrl-C.

use std::{process::Command, time::Duration};

use rexpect::session::{PtySession, spawn_command};
use serde_json::json;
use umapi_emulator::{FaultEffect, FaultResponse, FaultRule, Operation};

use crate::stage::{Stage, ended_with, text};

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
    session.exp_regex(r"waiting 2 s, until \d\d:\d\d:\d\d, the service asks to wait").unwrap();
    session.exp_string("waiting 1 s, until ").unwrap();
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
fn typed_secret_is_not_lost_without_a_keyring() {
    let stage = Stage::new();
    stage.umapi(["config", "add", "main", "--client-id", "abc"]).done();
    let without_keyring = || {
        let mut command = stage.bare_command();
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
        command
    };
    let piped = ended_with(without_keyring().args(["config", "set-secret", "main"]), "s8e");
    if piped.code == Some(0) {
        // The kernel of this machine has a keyring.
        stage.umapi(["config", "unset", "main", "client-secret"]).done();
        return;
    }
    piped.with_code(2).saying("\"umapi config set-secret main --to-file main.client-secret\"");
    let mut session = on_terminal(without_keyring(), &["config", "set-secret", "main"]);
    session.exp_string("client secret").unwrap();
    session.send_line("s8e-typed").unwrap();
    session.exp_string("cannot use the system keyring").unwrap();
    session.exp_string("main.client-secret").unwrap();
    session.send_line("").unwrap();
    let shown = session.exp_eof().unwrap();
    assert!(!shown.contains("s8e-typed") && shown.contains("stored in"), "{shown}");
    assert_eq!(std::fs::read_to_string(stage.path("main.client-secret")).unwrap(), "s8e-typed");
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

/// Starts a command on a terminal with this many columns, whose device the test can change.
fn on_narrow_terminal(mut command: Command, columns: u16, arguments: &[&str]) -> PtySession {
    command.arg("--no-rate-limit");
    let program = command.get_program().to_owned();
    let shell = format!("stty cols {columns} rows 24; tty > tty.txt; exec \"$0\" \"$@\"");
    let mut sh = Command::new("sh");
    sh.args(["-c", &shell]).arg(program).args(command.get_args().filter(|argument| *argument != "--no-rate-limit"));
    sh.arg("--no-rate-limit").args(arguments);
    sh.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    sh.env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm");
    sh.current_dir(command.get_current_dir().unwrap());
    spawn_command(sh, PATIENCE).unwrap()
}

/// The rows that a terminal shows after such output: only what the command uses is understood.
fn rows(output: &str, columns: usize) -> Vec<String> {
    let (mut rows, mut row, mut column) = (vec![String::new()], 0, 0);
    let mut characters = output.chars();
    while let Some(character) = characters.next() {
        match character {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                column = 0;
            }
            '\u{1b}' => {
                let sequence: String = characters.by_ref().take_while_inclusive(|c| !c.is_ascii_alphabetic());
                match sequence.as_str() {
                    "[J" | "[0J" | "[K" => {
                        let kept: String = rows[row].chars().take(column).collect();
                        rows[row] = kept;
                        if sequence.ends_with('J') {
                            rows.truncate(row + 1);
                        }
                    }
                    sequence if sequence.ends_with('m') || sequence.ends_with('h') => {}
                    other => panic!("{other:?} in {output:?}"),
                }
            }
            character => {
                if column == columns {
                    row += 1;
                    column = 0;
                }
                rows.resize(rows.len().max(row + 1), String::new());
                let mut cells: Vec<char> = rows[row].chars().collect();
                cells.resize(cells.len().max(column + 1), ' ');
                cells[column] = character;
                rows[row] = cells.into_iter().collect();
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), String::new());
    }
    rows.into_iter().map(|row| row.trim_end().to_owned()).filter(|row| !row.is_empty()).collect()
}

trait TakeWhileInclusive: Iterator<Item = char> {
    /// Takes characters up to the first one that does not match, and that one too.
    fn take_while_inclusive(self, matches: impl Fn(&char) -> bool) -> String
    where
        Self: Sized,
    {
        let mut taken = String::new();
        for character in self {
            taken.push(character);
            if !matches(&character) {
                break;
            }
        }
        taken
    }
}

impl<I: Iterator<Item = char>> TakeWhileInclusive for I {}

#[test]
fn progress_fits_the_terminal_and_leaves_nothing() {
    for columns in [80, 40, 20] {
        let stage = Stage::new();
        let throttled = FaultRule::on(Operation::ExecuteActions, FaultResponse::throttled(2)).nth(3);
        stage.emulator.faults().add(throttled).unwrap();
        let file = stage.file("a.csv", creations(60));
        let mut session = on_narrow_terminal(stage.command(), columns, &["run", text(&file), "--problems-only"]);
        let output = session.exp_eof().unwrap();
        assert!(output.contains("waiting 2 s") || columns == 20, "{output:?}");
        for line in output.split(['\r', '\n']) {
            let shown = anstream::adapter::strip_str(line).to_string();
            let is_progress = shown.contains(" of 60") || shown.contains("waiting");
            assert!(!is_progress || shown.len() < usize::from(columns), "{columns}: {shown:?}");
        }
        let left = rows(&output, usize::from(columns)).concat();
        assert_eq!(left, "60 completed; 7 requests", "{columns}: {output:?}");
    }
}

#[test]
fn progress_follows_a_terminal_that_is_resized() {
    let stage = Stage::new();
    let throttled = FaultRule::on(Operation::ListUsers, FaultResponse::throttled(3)).nth(1);
    stage.emulator.faults().add(throttled).unwrap();
    let mut session = on_narrow_terminal(stage.command(), 100, &["users", "list", "-f", "csv"]);
    session.exp_string("the service asks to wait").unwrap();
    let tty = std::fs::read_to_string(stage.path("tty.txt")).unwrap();
    let resized = Command::new("stty").args(["-F", tty.trim(), "cols", "30"]).status().unwrap();
    assert!(resized.success());
    let output = session.exp_eof().unwrap();
    // From the second redraw on, the line is short.
    let lines: Vec<&str> = output.split("\u{1b}[0J").skip(2).collect();
    let waiting: Vec<&&str> = lines.iter().filter(|line| line.contains("waiting")).collect();
    assert!(!waiting.is_empty(), "{output:?}");
    assert!(waiting.iter().all(|line| line.trim_matches('\r').len() < 30), "{waiting:?}");
}
