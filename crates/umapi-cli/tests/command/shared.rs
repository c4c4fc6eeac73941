//! `[shared]`: calls of the command that share the limits and the token in Redis.

use std::process::Stdio;

use umapi_emulator::{LimitSettings, LoginOperation, Operation};

use crate::{
    server::Server,
    stage::{Ended, Stage, ended, text},
};

/// Runs the command with the rate limits on.
fn umapi(stage: &Stage, arguments: &[&str]) -> Ended {
    ended(stage.cached_command().args(arguments))
}

fn configure(stage: &Stage, server: &Server, more: &str) {
    stage.file("config.toml", format!("[shared]\nredis = \"{}\"\n{more}", server.url()));
}

fn creations(first: usize, count: usize) -> String {
    let line = |number: usize| format!("new{number}@example.com,federated,N,P,US\n");
    format!("user,create,firstname,lastname,country\n{}", (first..first + count).map(line).collect::<String>())
}

#[test]
fn calls_at_the_same_time_share_a_minute_and_a_login() {
    let Some(server) = Server::start() else { return };
    let stage = Stage::with(|builder| builder.limits(LimitSettings::documented()));
    configure(&stage, &server, "");
    // Three calls with four requests each: ten of these twelve are in the first minute.
    let calls: Vec<_> = (0..3)
        .map(|call| {
            let file = stage.file(&format!("{call}.csv"), creations(call * 40, 40));
            let mut command = stage.cached_command();
            command.args(["run", text(&file), "--max-wait", "20s", "--quiet", "-f", "json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = calls.into_iter().map(|call| call.wait_with_output().unwrap()).collect();
    let records: Vec<serde_json::Value> = outputs
        .iter()
        .flat_map(|output| serde_json::from_slice::<Vec<serde_json::Value>>(&output.stdout).unwrap())
        .collect();
    let count = |outcome: &str| records.iter().filter(|record| record["outcome"] == outcome).count();
    assert_eq!((count("completed"), count("not-sent")), (100, 20));
    let sent = stage.emulator.journal().of(Operation::ExecuteActions);
    assert_eq!((sent.len(), sent.iter().filter(|request| request.status == Some(429)).count()), (10, 0));
    assert_eq!(stage.emulator.journal().count(LoginOperation::RequestToken), 1);
    assert!(outputs.iter().all(|output| matches!(output.status.code(), Some(0 | 4))));
    // A later call uses the token, and waits for the minute.
    umapi(&stage, &["users", "create", "later@example.com", "--type", "adobe", "--max-wait", "1s"])
        .with_code(4)
        .saying("--max-wait");
    assert_eq!(stage.emulator.journal().count(LoginOperation::RequestToken), 1);
}

#[test]
fn list_that_another_machine_has_read_is_not_read_again() {
    let Some(server) = Server::start() else { return };
    let stage = Stage::with(|builder| builder.limits(LimitSettings::reported()));
    configure(&stage, &server, "");
    assert_eq!(umapi(&stage, &["users", "list", "-f", "csv"]).done().csv().len(), 9);
    let mut elsewhere = stage.cached_command();
    elsewhere.env("UMAPI_CACHE_DIR", stage.path("other-cache"));
    ended(elsewhere.args(["users", "list", "--max-wait", "1m"])).with_code(4).saying("try again at");
    assert_eq!(stage.emulator.journal().count(Operation::ListUsers), 1);
}

#[test]
fn redis_that_is_gone_ends_a_call_without_a_request() {
    let Some(mut server) = Server::start() else { return };
    let stage = Stage::new();
    configure(&stage, &server, "");
    server.kill();
    let failed = umapi(&stage, &["users", "create", "a@example.com", "--type", "adobe"]).with_code(5);
    failed.saying("connection refused").saying("check that it runs").saying("umapi help shared-limits");
    assert_eq!(stage.emulator.journal().all().len(), 0);
    // The emulator of the command itself shares nothing.
    ended(stage.bare_command().args(["users", "list", "--emulator"])).done();
}

#[test]
fn password_is_read_from_its_place_and_never_shown() {
    let Some(server) = Server::start() else { return };
    let stage = Stage::new();
    server.run::<()>(&["ACL", "SETUSER", "ops", "on", ">s8e-planted", "~umapi:1:*", "+@all"]);
    configure(&stage, &server, "user = \"ops\"\npassword = { env = \"REDIS_PASSWORD\" }\n");
    let with = |password: &str, arguments: &[&str]| {
        ended(stage.cached_command().env("REDIS_PASSWORD", password).args(arguments))
    };
    let create = |name: &'static str| ["users", "create", name, "--type", "adobe", "-vv"];
    let done = with("s8e-planted", &create("a@example.com")).done();
    let wrong = with("not-planted", &create("b@example.com")).with_code(5).saying("rejects the user or the password");
    assert!(!done.err.contains("planted") && !wrong.err.contains("planted"), "{}\n{}", done.err, wrong.err);
    umapi(&stage, &create("c@example.com")).with_code(2).saying("REDIS_PASSWORD");
    stage.file("config.toml", "[shared]\nredis = \"rediss://ops:s8e-planted@redis.example\"\n[profiles.main]\n");
    let shown = umapi(&stage, &["config", "show", "main"]);
    assert!(shown.out.contains("redis.example") && !shown.out.contains("planted"), "{}", shown.out);
    let refused = umapi(&stage, &create("d@example.com")).with_code(2).saying("contains a password");
    assert!(!refused.err.contains("planted"), "{}", refused.err);
    stage.file("config.toml", "[shared]\nredis = \"redis://redis.example\"\n");
    umapi(&stage, &create("e@example.com")).with_code(2).saying("unencrypted").saying("shared-limits");
}
