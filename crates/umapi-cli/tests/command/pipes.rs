//! Readers that close the pipe, and full disks: they never end a change, and never hide how it ended.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, pipe},
    process::{Child, Command, Stdio},
};

use crate::stage::{Stage, text};

fn creations(count: u32) -> String {
    let line = |number: u32| {
        let create = format!(r#"{{"email":"new{number}@example.com","firstname":"N","lastname":"P","country":"US"}}"#);
        format!("{{\"user\":\"new{number}@example.com\",\"do\":[{{\"createFederatedID\":{create}}}]}}\n")
    };
    (0..count).map(line).collect()
}

/// The exit code of a finished call, and what it wrote to stderr.
struct Finished {
    code: Option<i32>,
    err: String,
}

fn finish(mut child: Child) -> Finished {
    let mut err = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut err).unwrap();
    }
    Finished { code: child.wait().unwrap().code(), err }
}

/// Runs a command whose reader closes the pipe after some lines.
fn read_lines(command: &mut Command, lines: usize) -> Finished {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..lines {
        reader.read_line(&mut String::new()).unwrap();
    }
    drop(reader);
    finish(child)
}

fn created(stage: &Stage) -> usize {
    stage.umapi(["users", "list", "-f", "csv"]).done().csv().len() - 9
}

#[test]
fn run_continues_when_the_reader_closes_the_pipe() {
    for (format, lines) in [("ndjson", 1), ("table", 1), ("csv", 0), ("json", 0)] {
        let stage = Stage::new();
        let file = stage.file("300.ndjson", creations(300));
        let ran = read_lines(stage.command().args(["run", text(&file), "-f", format]), lines);
        assert_eq!(ran.code, Some(0), "{format}: {}", ran.err);
        assert!(ran.err.contains("300 completed; 30 requests"), "{format}: {}", ran.err);
        assert_eq!(created(&stage), 300, "{format}");
    }
}

#[test]
fn closed_pipe_does_not_hide_rejections() {
    let stage = Stage::new();
    let added = read_lines(stage.command().args(["members", "add", "NoSuchGroup", "jane@example.com"]), 0);
    assert_eq!(added.code, Some(1), "{}", added.err);
    assert!(added.err.contains("0 completed, 1 rejected"), "{}", added.err);
    let body = stage.file("body.json", r#"{"no":"array"}"#);
    let sent = read_lines(stage.command().args(["api", "POST", "/action/{org}", "--input", text(&body)]), 0);
    assert_eq!(sent.code, Some(1), "{}", sent.err);
    assert!(sent.err.contains("error.command.malformed"), "{}", sent.err);
    let got = read_lines(stage.command().args(["users", "get", "jane@example.com", "zoe@example.com"]), 0);
    assert_eq!(got.code, Some(1), "{}", got.err);
}

#[test]
fn membership_changes_continue_when_the_pipe_is_closed() {
    let stage = Stage::new();
    let file = stage.file("teams.yaml", "groups:\n  Sales: [jane@example.com, ann@mail.example]\n");
    let applied = read_lines(stage.command().args(["apply", text(&file), "--yes", "--max-removals", "100"]), 0);
    assert_eq!(applied.code, Some(0), "{}", applied.err);
    assert!(stage.groups_of("jane@example.com").contains(&"Sales".to_owned()));
}

#[test]
fn journal_is_complete_after_a_closed_pipe() {
    let stage = Stage::new();
    let (file, journal) = (stage.file("60.ndjson", creations(60)), stage.path("journal"));
    let arguments = ["run", text(&file), "--journal", text(&journal), "-f", "ndjson"];
    assert_eq!(read_lines(stage.command().args(arguments), 1).code, Some(0));
    let again = stage.umapi(arguments).done().saying("60 completed; 0 requests");
    assert_eq!(again.lines().len(), 60);
}

#[test]
fn log_on_a_closed_stderr_does_not_end_a_change() {
    let stage = Stage::new();
    let file = stage.file("60.ndjson", creations(60));
    let (reader, writer) = pipe().unwrap();
    let mut command = stage.command();
    command.args(["run", text(&file), "-vv"]).stdin(Stdio::null());
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let child = command.spawn().unwrap();
    // The command holds copies of the writer.
    drop(command);
    drop(reader);
    assert_eq!(finish(child).code, Some(0));
    assert_eq!(created(&stage), 60);
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_reported_after_the_change() {
    let stage = Stage::new();
    let file = stage.file("60.ndjson", creations(60));
    let full = |arguments: &[&str]| {
        let mut command = stage.command();
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::piped());
        finish(command.stdout(File::create("/dev/full").unwrap()).spawn().unwrap())
    };
    let ran = full(&["run", text(&file), "-f", "ndjson"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("60 completed; 6 requests"), "{}", ran.err);
    assert!(ran.err.contains("warning: outcomes are missing from the output") && ran.err.contains("No space left"));
    assert_eq!(created(&stage), 60);
    let listed = full(&["users", "list"]);
    assert_eq!(listed.code, Some(1), "{}", listed.err);
    assert!(listed.err.contains("cannot write the result"), "{}", listed.err);
}

#[test]
fn list_ends_quietly_when_the_reader_closes_the_pipe() {
    let stage = Stage::new();
    for arguments in
        [&["users", "list"][..], &["groups", "list", "-f", "json"], &["export"], &["formats"], &["emulator", "schema"]]
    {
        let listed = read_lines(stage.command().args(arguments), 0);
        assert_eq!((listed.code, listed.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
