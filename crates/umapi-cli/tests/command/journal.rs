//! `umapi run --journal`: a run that is killed and repeated.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use umapi_emulator::{FaultEffect, FaultRule, Operation};

use crate::stage::{Stage, ended, text, wait};

/// How many times a run is killed. `UMAPI_KILLS` asks for more.
const KILLS: u32 = 5;

/// Sends a signal to a process of this test.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Creates, which must not be repeated blindly, with memberships that span several steps.
fn commands(count: u32) -> String {
    let line = |number: u32| {
        let email = format!("new{number}@example.com");
        let groups = match number % 7 {
            0 => r#""Design","Sales","Photoshop","All Apps","R&D / Labs (100 %)""#,
            _ => r#""Design","Sales""#,
        };
        format!(
            "{{\"user\":\"{email}\",\"do\":[{{\"createFederatedID\":{{\"email\":\"{email}\",\"firstname\":\"N\",\"lastname\":\"P\",\
             \"country\":\"US\"}}}},{{\"add\":{{\"group\":[{groups}]}}}}]}}\n"
        )
    };
    (0..count).map(line).collect()
}

fn begin(stage: &Stage, file: &Path, journal: &Path) -> Child {
    let mut command = stage.command();
    command.args(["run", text(file), "--journal", text(journal), "-f", "ndjson"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs to the end, and checks that every command was applied once.
fn finish(stage: &Stage, file: &Path, journal: &Path, count: u32) {
    let ran = stage.umapi(["run", text(file), "--journal", text(journal), "-f", "ndjson"]).done();
    let mut numbers: Vec<u64> = ran
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["number"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=u64::from(count)).collect::<Vec<_>>(), "every command has one outcome");
    let ledger = stage.emulator.ledger();
    assert_eq!(ledger.repeated().unwrap(), []);
    for number in 0..count {
        let email = format!("new{number}@example.com");
        let groups: &[&str] = if number % 7 == 0 {
            &["Design", "Sales", "Photoshop", "All Apps", "R&D / Labs (100 %)"]
        } else {
            &["Design", "Sales"]
        };
        for group in groups {
            assert_eq!(ledger.changes_of_membership(&email, group).unwrap().len(), 1, "{email} in {group}");
        }
    }
}

#[cfg(unix)]
#[test]
fn killed_run_repeats_and_skips_nothing() {
    let kills = std::env::var("UMAPI_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let count = 40 * kills;
    let stage = Stage::new();
    // Slow enough for a kill to hit requests in flight, before and after they are applied.
    stage
        .emulator
        .faults()
        .add(FaultRule::on(
            Operation::ExecuteActions,
            FaultEffect::slow_response(20, Duration::from_millis(1)).delayed(Duration::from_millis(3)),
        ))
        .unwrap();
    let (file, journal) = (stage.file("a.ndjson", commands(count)), stage.path("a.journal"));
    let mut random = fastrand::Rng::with_seed(7);
    let mut interrupted = 0;
    for _ in 0..kills {
        let mut child = begin(&stage, &file, &journal);
        let position = || stage.emulator.ledger().position().unwrap();
        let enough = position() + random.i64(0..80);
        while position() < enough && child.try_wait().unwrap().is_none() {
            wait(1);
        }
        wait(random.u64(0..20));
        interrupted += u32::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(interrupted > kills / 2, "{interrupted} of {kills} kills met a run at work");
    finish(&stage, &file, &journal, count);
}

/// The files of a journal with their content, the rollback file included.
#[cfg(unix)]
fn files_of(journal: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let rollback_file = PathBuf::from(format!("{}-journal", journal.display()));
    [journal.to_owned(), rollback_file]
        .into_iter()
        .filter_map(|path| std::fs::read(&path).ok().map(|content| (path, content)))
        .collect()
}

/// Damages one of the files: cuts it off, flips a bit, clears a sector, or deletes the rollback file.
#[cfg(unix)]
fn damage(files: &[(PathBuf, Vec<u8>)], random: &mut fastrand::Rng) {
    let (path, content) = random.choice(files).unwrap();
    let mut content = content.clone();
    match random.u8(0..4) {
        0 if files.len() > 1 => return std::fs::remove_file(&files[1].0).unwrap(),
        _ if content.is_empty() => {}
        0 | 1 => content.truncate(random.usize(0..content.len())),
        2 => {
            let at = random.usize(0..content.len());
            content[at] ^= 1 << random.u8(0..8);
        }
        _ => {
            let at = random.usize(0..content.len()) / 512 * 512;
            let end = content.len().min(at + 512);
            content[at..end].fill(0);
        }
    }
    std::fs::write(path, content).unwrap();
}

#[cfg(unix)]
#[test]
fn damaged_journal_is_refused_or_continues_correctly() {
    let count = 500;
    let stage = Stage::new();
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::delay(Duration::from_millis(2))))
        .unwrap();
    let (file, journal) = (stage.file("a.ndjson", commands(count)), stage.path("a.journal"));
    let mut random = fastrand::Rng::with_seed(11);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..50 {
        let mut child = begin(&stage, &file, &journal);
        let position = || stage.emulator.ledger().position().unwrap();
        let enough = position() + random.i64(0..40);
        while position() < enough && child.try_wait().unwrap().is_none() {
            wait(1);
        }
        let _ = child.kill();
        child.wait().unwrap();
        let files = files_of(&journal);
        if files.is_empty() {
            continue;
        }
        damage(&files, &mut random);
        // A journal of a finished run sends nothing; one that is refused says so, and stays as it is.
        let mut command = stage.command();
        command.args(["run", text(&file), "--journal", text(&journal), "--dry-run"]);
        let tried = ended(&mut command).with_code(2);
        match tried.err.contains("another mode") {
            true => accepted += 1,
            false => {
                tried.saying("cannot use the journal");
                refused += 1;
                let _ = std::fs::remove_file(format!("{}-journal", journal.display()));
                for (path, content) in files {
                    std::fs::write(path, content).unwrap();
                }
            }
        }
    }
    assert!(refused > 10 && accepted > 5, "{refused} refused, {accepted} accepted");
    finish(&stage, &file, &journal, count);
}

#[cfg(unix)]
#[test]
fn run_whose_journal_cannot_grow_stops_and_can_continue() {
    let stage = Stage::new();
    let (file, journal) = (stage.file("a.ndjson", commands(120)), stage.path("a.journal"));
    // No file may grow beyond 27 KiB: the input does not reach that, the journal does.
    let umapi = stage.command();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 54; exec \"$0\" \"$@\""]).arg(umapi.get_program());
    command.args(umapi.get_args()).args(["run", text(&file), "--journal", text(&journal), "-f", "ndjson"]);
    command.env_clear().envs(umapi.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let stopped = ended(&mut command).with_code(1).saying("journal");
    assert_eq!(stopped.lines().len(), 120, "every command has an outcome: {}", stopped.err);
    assert!(stopped.out.contains("\"completed\""), "{}", stopped.out);
    finish(&stage, &file, &journal, 120);
}

#[test]
fn response_lost_in_a_kill_is_recovered() {
    let stage = Stage::new();
    let (file, journal) = (stage.file("a.ndjson", commands(10)), stage.path("a.journal"));
    // The request is applied, and the process is killed before its response comes.
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::slow_response(1, Duration::from_secs(1))).times(1))
        .unwrap();
    let mut child = begin(&stage, &file, &journal);
    while stage.emulator.ledger().position().unwrap() == 0 {
        wait(5);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    finish(&stage, &file, &journal, 10);
}

#[test]
fn user_who_existed_before_a_lost_response_is_not_completed() {
    let stage = Stage::new();
    let create = |email: &str, lastname: &str| {
        format!(
            "{{\"user\":\"{email}\",\"do\":[{{\"createFederatedID\":{{\"email\":\"{email}\",\"firstname\":\"N\",\
             \"lastname\":\"{lastname}\",\"country\":\"US\"}}}}]}}\n"
        )
    };
    let content = [create("jane@example.com", "Other"), create("new@example.com", "P")].concat();
    let (file, journal) = (stage.file("a.ndjson", content), stage.path("a.journal"));
    let slowly = FaultEffect::slow_response(1, Duration::from_secs(1));
    stage.emulator.faults().add(FaultRule::on(Operation::ExecuteActions, slowly).times(1)).unwrap();
    let mut child = begin(&stage, &file, &journal);
    while stage.emulator.ledger().position().unwrap() == 0 {
        wait(5);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = stage.umapi(["run", text(&file), "--journal", text(&journal), "-f", "json"]).with_code(1).json();
    let outcome = |number: u64| {
        let outcomes = ran.as_array().unwrap();
        outcomes.iter().find(|outcome| outcome["number"] == number).unwrap()["outcome"].clone()
    };
    assert_eq!((outcome(1), outcome(2)), ("rejected".into(), "completed".into()), "{ran}");
}

#[test]
fn finished_run_sends_nothing_more() {
    let stage = Stage::new();
    let (file, journal) = (stage.file("a.ndjson", commands(12)), stage.path("a.journal"));
    finish(&stage, &file, &journal, 12);
    let sent = stage.emulator.journal().count(Operation::ExecuteActions);
    let again = stage.umapi(["run", text(&file), "--journal", text(&journal), "-f", "csv"]).done();
    assert_eq!(again.csv().len(), 12);
    again.saying("12 completed; 0 requests; 12 of them were recorded by an earlier run");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), sent);
}

#[test]
fn journal_belongs_to_one_run() {
    let stage = Stage::new();
    let (file, journal) = (stage.file("a.ndjson", commands(2)), stage.path("a.journal"));
    stage.umapi(["run", text(&file), "--journal", text(&journal)]).done();
    let other = stage.file("b.ndjson", commands(3));
    stage.umapi(["run", text(&other), "--journal", text(&journal)]).with_code(2).saying("another content");
    stage.umapi(["run", text(&file), "--journal", text(&journal), "--dry-run"]).with_code(2).saying("another mode");
    stage.umapi(["run", text(&file), "--journal", text(&file)]).with_code(2).saying("not a umapi journal");
}

#[cfg(unix)]
#[test]
fn run_stopped_by_a_signal_can_continue() {
    let stage = Stage::new();
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::delay(Duration::from_millis(20))))
        .unwrap();
    let (file, journal) = (stage.file("a.ndjson", commands(300)), stage.path("a.journal"));
    let child = begin(&stage, &file, &journal);
    while stage.emulator.ledger().position().unwrap() == 0 {
        wait(5);
    }
    signal(child.id(), "INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(stage.emulator.journal().count(Operation::ExecuteActions) < 30);
    finish(&stage, &file, &journal, 300);
}
