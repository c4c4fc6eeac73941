//! Help topics, completions, manual pages, and the emulator.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::stage::{Stage, ended, text};

#[test]
fn topics_are_shown_by_help_and_by_name() {
    let stage = Stage::new();
    for topic in ["exit-codes", "formats", "command-files", "membership-file", "configuration"] {
        let called = ended(stage.bare_command().arg(topic)).done();
        let helped = ended(stage.bare_command().args(["help", topic])).done();
        assert!(helped.out.contains(called.out.lines().nth(3).unwrap().trim()), "{topic}: {}", helped.out);
    }
    assert!(ended(stage.bare_command().arg("exit-codes")).out.contains("130  Stopped by Ctrl-C"));
    ended(&mut stage.bare_command()).with_code(2);
    ended(stage.bare_command().arg("--version")).done();
    ended(stage.bare_command().arg("levitate")).with_code(2);
}

#[test]
fn completions_and_manual_pages_are_written() {
    let stage = Stage::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = ended(stage.bare_command().args(["completions", shell])).done();
        assert!(script.out.contains("members"), "{shell}");
    }
    assert!(ended(stage.bare_command().arg("man")).done().out.starts_with(".ie"));
    let folder = stage.path("man");
    ended(stage.bare_command().args(["man", "--out-dir", text(&folder)])).done();
    for page in ["umapi.1", "umapi-users-list.1", "umapi-exit-codes.1", "umapi-apply.1"] {
        assert!(folder.join(page).is_file(), "{page}");
    }
}

#[cfg(unix)]
#[test]
fn emulator_runs_until_sigterm() {
    let stage = Stage::new();
    let mut child = stage
        .bare_command()
        .args(["emulator", "--users", "20", "--limits", "off"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut command = stage.bare_command();
    command
        .env("UMAPI_ORG_ID", ready["organization"].as_str().unwrap())
        .env("UMAPI_CLIENT_ID", ready["credentials"]["clientId"].as_str().unwrap())
        .env("UMAPI_CLIENT_SECRET", ready["credentials"]["clientSecret"].as_str().unwrap())
        .env("UMAPI_IMS_URL", ready["imsUrl"].as_str().unwrap())
        .env("UMAPI_URL", ready["umUrl"].as_str().unwrap());
    let users = ended(command.args(["users", "list", "-f", "csv"])).done();
    assert!(users.csv().len() >= 15, "{}", users.out);
    crate::journal::signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    ended(stage.bare_command().args(["emulator", "--users", "many"])).with_code(2);
}
