//! A server that is killed, paused, emptied, or forgets its scripts, in the middle of a run: no command is lost or done twice.

use std::{num::NonZeroU32, time::Duration};

use umapi::{Counts, Error, time::Clock};
use umapi_emulator::{Emulator, FaultEffect, FaultRule, LimitSettings, Operation};
use umapi_redis::{FailurePolicy, Redis};

use crate::{
    server::Server,
    stage::{Access, create},
};

const COMMANDS: usize = 120;

/// What happened to a run.
struct Ran {
    counts: Counts,
    /// Why commands were not sent.
    why: String,
}

/// Runs commands, and does something to the server after the third request.
async fn run(policy: FailurePolicy, failure: impl AsyncFnOnce(&mut Server)) -> Option<Ran> {
    let mut server = Server::start()?;
    let emulator = Emulator::builder().limits(LimitSettings::off()).start().await.unwrap();
    let slow = FaultEffect::delay(Duration::from_millis(100));
    emulator.faults().add(FaultRule::on(Operation::ExecuteActions, slow)).unwrap();
    let access = Access::to(&emulator, server.url(), 2000, 100);
    let redis = Redis::builder(server.url()).on_failure(policy).build().unwrap();
    let client = access.client(&redis, 6);
    let run =
        tokio::spawn(
            async move { client.execute((0..COMMANDS).map(|number| create(&format!("user-{number}")))).await },
        );
    while emulator.journal().count(Operation::ExecuteActions) < 3 {
        Clock::real().sleep(Duration::from_millis(5)).await;
    }
    failure(&mut server).await;
    let report = run.await.unwrap().unwrap_or_else(|unfinished| unfinished.into_report());
    let counts = report.counts();
    assert_eq!((counts.total(), counts.rejected, counts.unknown), (COMMANDS, 0, 0), "{counts}");
    // What is reported is what the service did, once.
    let ledger = emulator.ledger();
    assert!(ledger.repeated().unwrap().is_empty());
    let created = (0..COMMANDS)
        .filter(|number| !ledger.changes_of_user(&format!("user-{number}@example.com")).unwrap().is_empty());
    assert_eq!(created.count(), counts.completed);
    let why = report.aborted().and_then(Error::of).map(|error| format!("{error:#}")).unwrap_or_default();
    Some(Ran { counts, why })
}

async fn pause(milliseconds: u64) {
    Clock::real().sleep(Duration::from_millis(milliseconds)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_ends_a_run_with_a_clear_error() {
    let ran = run(FailurePolicy::Fail, async |server: &mut Server| server.kill()).await;
    let Some(ran) = ran else { return };
    assert!(ran.counts.completed >= 20 && ran.counts.not_sent > 0, "{}", ran.counts);
    assert!(ran.why.contains("redis://127.0.0.1:") && ran.why.contains("check that it runs"), "{}", ran.why);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_with_its_share_if_the_server_is_killed() {
    let processes = NonZeroU32::new(2).unwrap();
    let ran = run(FailurePolicy::OwnShare { processes }, async |server: &mut Server| server.kill()).await;
    let Some(ran) = ran else { return };
    assert_eq!(ran.counts.completed, COMMANDS, "{}", ran.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_survives_a_short_pause_of_the_server() {
    let ran = run(FailurePolicy::Fail, async |server: &mut Server| {
        server.signal("STOP");
        pause(2000).await;
        server.signal("CONT");
    });
    let Some(ran) = ran.await else { return };
    assert_eq!(ran.counts.completed, COMMANDS, "{}", ran.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_an_error_after_five_seconds() {
    let started = Clock::real();
    let before = started.now();
    let ran = run(FailurePolicy::Fail, async |server: &mut Server| server.signal("STOP"));
    let Some(ran) = ran.await else { return };
    assert!(ran.counts.not_sent > 0 && ran.why.contains("no answer within 5s"), "{} {}", ran.counts, ran.why);
    assert!(started.now() - before < Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_survives_a_server_that_starts_again_empty() {
    let ran = run(FailurePolicy::OwnShare { processes: NonZeroU32::MIN }, async |server: &mut Server| {
        server.kill();
        server.restart();
    });
    let Some(ran) = ran.await else { return };
    assert_eq!(ran.counts.completed, COMMANDS, "{}", ran.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_survives_a_server_that_forgets_scripts_data_and_connections() {
    let ran = run(FailurePolicy::Fail, async |server: &mut Server| {
        server.run::<()>(&["SCRIPT", "FLUSH"]);
        pause(300).await;
        server.run::<i64>(&["CLIENT", "KILL", "TYPE", "normal"]);
        pause(300).await;
        server.run::<()>(&["FLUSHALL"]);
    });
    let Some(ran) = ran.await else { return };
    assert_eq!(ran.counts.completed, COMMANDS, "{}", ran.counts);
}
