//! A day of one administrator under the limit of first pages.

use std::{io::Write, net::TcpStream, time::Duration};

use umapi_emulator::{LimitSettings, Operation, PageSizes};

use crate::stage::{Stage, ended, text};

/// The number of commands of the day, and the time between two of them.
const COMMANDS: usize = 200;
const PAUSE: Duration = Duration::from_secs(3 * 60);

/// Advances the clock of the emulator by its management API.
fn advance_emulator(stage: &Stage, by: Duration) {
    let url = stage.emulator.management_url().unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let body = format!("{{\"seconds\":{}}}", by.as_secs());
    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "POST /clock/advance HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let response = std::io::read_to_string(connection).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

/// Makes the cached lists older: the command goes by the clock of this machine, which nobody advances.
fn age_caches(stage: &Stage, by: Duration) {
    let Ok(entries) = std::fs::read_dir(stage.path("cache")) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "cache") {
            continue;
        }
        let milliseconds = i64::try_from(by.as_millis()).unwrap();
        let database = rusqlite::Connection::open(path).unwrap();
        database.execute("UPDATE list SET begun = begun - ?1", [milliseconds]).unwrap();
        database.execute("UPDATE first_page SET at = at - ?1", [milliseconds]).unwrap();
    }
}

#[test]
fn day_of_200_commands_is_not_refused() {
    let stage = Stage::with(|builder| {
        let mut sizes = PageSizes::default();
        (sizes.users, sizes.groups) = (5, 5);
        builder.page_sizes(sizes).limits(LimitSettings::reported())
    });
    let teams = |design: &str| format!("groups:\n  Design: [{design}]\nusers:\n  nobody@example.com: [Sales]\n");
    let with_jane = stage.file("with-jane.yaml", teams("bob@enterprise.example, jane@example.com"));
    let without_jane = stage.file("without-jane.yaml", teams("bob@enterprise.example"));
    let joiners: String = (0..12).map(|number| format!("joiner{number}@mail.example,adobe,Sales\n")).collect();
    let joiners = stage.file("joiners.csv", format!("user,create,add\n{joiners}"));
    let names: String = (0..12).map(|number| format!("joiner{number}@mail.example\n")).collect();
    let names = stage.file("names.txt", names);
    let (with_jane, without_jane, names) = (text(&with_jane), text(&without_jane), text(&names));
    let mut failed = Vec::new();
    let mut run = |arguments: &[&str]| {
        let ended = ended(stage.cached_command().args(arguments).args(["--max-wait", "5s", "--quiet"]));
        if ended.code != Some(0) {
            failed.push(format!("{arguments:?}: {:?}: {}", ended.code, ended.err));
        }
        advance_emulator(&stage, PAUSE);
        age_caches(&stage, PAUSE);
    };
    run(&["auth", "check"]);
    run(&["run", text(&joiners)]);
    for number in 2..COMMANDS {
        match number % 11 {
            0 => run(&["groups", "list"]),
            1 => run(&["users", "get", "jane@example.com"]),
            2 => run(&["members", "add", "Photoshop", "jane@example.com"]),
            3 => run(&["apply", with_jane, "--yes", "--max-removals", "90%"]),
            4 => run(&["export", "--output", "export.csv"]),
            5 => run(&["groups", "members", "Design"]),
            6 => run(&["apply", without_jane, "--yes", "--max-removals", "90%"]),
            7 => run(&["members", "add", "Design", "--from", names]),
            8 => run(&["users", "list", "--domain", "example.com"]),
            9 => run(&["profiles", "list"]),
            _ => run(&["users", "list"]),
        }
    }
    let journal = stage.emulator.journal().all();
    let refused = journal.iter().filter(|exchange| exchange.exceeded_limit.is_some()).count();
    let first = |operation: Operation| {
        let asked = stage.emulator.journal().of(operation);
        asked.iter().filter(|exchange| exchange.path.ends_with("/0")).count()
    };
    let (users, groups) = (first(Operation::ListUsers), first(Operation::ListGroups));
    eprintln!(
        "{COMMANDS} commands: {} failed, {} requests, {refused} refused, first pages: {users} of users, {groups} of groups",
        failed.len(),
        journal.len()
    );
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(refused, 0);
    // Ten hours have five periods of two hours.
    assert!((1..=6).contains(&users) && (1..=6).contains(&groups), "{users} and {groups}");
}
