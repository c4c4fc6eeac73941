//! Signals, and long runs without a terminal: what they say, and how they end.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use umapi_emulator::{FaultEffect, FaultResponse, FaultRule, Operation};

use crate::{
    journal::signal,
    stage::{Stage, ended, text, wait},
};

/// The command with signals as an administrator's shell passes them on: the tests may run under `nohup`.
fn with_default_signals(command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal=HUP,INT,TERM").arg(command.get_program()).args(command.get_args());
    env.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    env.env("PATH", std::env::var_os("PATH").unwrap());
    if let Some(folder) = command.get_current_dir() {
        env.current_dir(folder);
    }
    env.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    env
}

struct Finished {
    code: Option<i32>,
    out: String,
    err: String,
}

fn finish(child: Child) -> Finished {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn creations(count: u32) -> String {
    let line = |number: u32| format!("new{number}@example.com,federated,N,P,US\n");
    format!("user,create,firstname,lastname,country\n{}", (0..count).map(line).collect::<String>())
}

fn slow(stage: &Stage, operation: Operation, milliseconds: u64) {
    let delay = FaultEffect::delay(Duration::from_millis(milliseconds));
    stage.emulator.faults().add(FaultRule::on(operation, delay)).unwrap();
}

fn created(stage: &Stage) -> usize {
    stage.umapi(["users", "list", "-f", "csv"]).done().csv().len() - 9
}

#[test]
fn every_signal_ends_a_run_with_its_summary() {
    for name in ["HUP", "TERM", "INT"] {
        let stage = Stage::new();
        slow(&stage, Operation::ExecuteActions, 100);
        let file = stage.file("a.csv", creations(500));
        let mut command = stage.command();
        command.args(["run", text(&file), "-f", "ndjson"]);
        let child = with_default_signals(&command).spawn().unwrap();
        while stage.emulator.journal().count(Operation::ExecuteActions) < 3 {
            wait(5);
        }
        signal(child.id(), name);
        // A dropped session sends more than one.
        signal(child.id(), "HUP");
        let ended = finish(child);
        assert_eq!(ended.code, Some(130), "{name}: {}", ended.err);
        assert!(ended.err.contains("not sent; ") && ended.err.contains(" completed"), "{name}: {}", ended.err);
        let completed = ended.out.lines().filter(|line| line.contains("\"completed\"")).count();
        assert_eq!((ended.out.lines().count(), completed), (500, created(&stage)), "{name}");
    }
}

#[test]
fn signal_while_a_read_waits_gives_130() {
    for name in ["HUP", "TERM", "INT"] {
        let stage = Stage::new();
        stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::throttled(3000))).unwrap();
        let output = stage.path("users.csv");
        let mut command = stage.command();
        command.args(["export", "--output", text(&output)]);
        let child = with_default_signals(&command).spawn().unwrap();
        while stage.emulator.journal().count(Operation::ListUsers) == 0 {
            wait(5);
        }
        signal(child.id(), name);
        let ended = finish(child);
        assert_eq!(ended.code, Some(130), "{name}: {}", ended.err);
        assert!(ended.err.contains("error: interrupted by "), "{name}: {}", ended.err);
        // Neither a half export nor a temporary file stays.
        let left: Vec<_> = std::fs::read_dir(output.parent().unwrap()).unwrap().collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}

#[test]
fn signal_while_input_is_awaited_gives_130() {
    let stage = Stage::new();
    let mut command = stage.command();
    command.args(["run", "-", "--input-format", "csv"]);
    let mut child = with_default_signals(&command).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(creations(1).as_bytes()).unwrap();
    wait(500);
    signal(child.id(), "TERM");
    let code = child.wait().unwrap().code();
    drop(stdin);
    assert_eq!(code, Some(130));
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
}

#[test]
fn run_under_nohup_survives_a_hang_up() {
    let stage = Stage::new();
    slow(&stage, Operation::ExecuteActions, 50);
    let file = stage.file("a.csv", creations(60));
    let mut command = stage.command();
    command.args(["run", text(&file), "-f", "ndjson"]);
    let mut nohup = Command::new("nohup");
    nohup.arg(command.get_program()).args(command.get_args());
    nohup.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    nohup.env("PATH", std::env::var_os("PATH").unwrap());
    let child = nohup.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while stage.emulator.journal().count(Operation::ExecuteActions) == 0 {
        wait(5);
    }
    signal(child.id(), "HUP");
    let ended = finish(child);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(created(&stage), 60);
}

#[test]
fn long_wait_is_said_without_a_terminal() {
    let stage = Stage::new();
    let throttled = FaultRule::on(Operation::ListUsers, FaultResponse::throttled(3240));
    stage.emulator.faults().add(throttled).unwrap();
    let mut command = stage.command();
    command.args(["users", "list"]);
    let mut child = with_default_signals(&command).spawn().unwrap();
    let (mut said, mut byte) = (Vec::new(), [0]);
    let mut stderr = child.stderr.take().unwrap();
    while !said.ends_with(b"\n") && stderr.read(&mut byte).unwrap() == 1 {
        said.extend(byte);
    }
    signal(child.id(), "TERM");
    child.wait().unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("users: 0, 1 request; waiting 54 min until "), "{said}");
    assert!(said.ends_with(": the service asks to wait\n"), "{said}");
}

#[test]
fn json_messages_end_with_a_summary() {
    let stage = Stage::new();
    let json = |arguments: &[&str], code: i32| -> Vec<Value> {
        let ended = ended(stage.command().args(["--log-format", "json"]).args(arguments)).with_code(code);
        ended.err.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", ended.err))).collect()
    };
    let file = stage.file("a.csv", creations(15));
    let lines = json(&["run", text(&file), "-v"], 0);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["event"], &summary["exit_code"]), (&"summary".into(), &0.into()), "{lines:?}");
    assert_eq!((&summary["completed"], &summary["rejected"]), (&15.into(), &0.into()), "{summary}");
    assert!(summary["requests"].as_u64().unwrap() >= 2, "{summary}");
    assert!(lines.iter().any(|line| line["target"] == "umapi::call"), "logs are JSON too: {lines:?}");
    let lines = json(&["run", text(&file)], 1);
    assert_eq!(lines.last().unwrap()["rejected"], 15);
    let lines = json(&["users", "get", "zoe@example.com"], 1);
    let [error, summary] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&error["event"], &error["level"]), (&"error".into(), &"ERROR".into()));
    assert!(error["help"].as_str().unwrap().contains("users list"), "{error}");
    assert_eq!((&summary["event"], &summary["exit_code"]), (&"summary".into(), &1.into()));
    // Mistakes in the arguments, too.
    assert_eq!(json(&["users", "lsit"], 2)[0]["exit_code"], 2);
    // Success is silent with --quiet.
    assert!(json(&["users", "list", "--quiet"], 0).is_empty());
}
