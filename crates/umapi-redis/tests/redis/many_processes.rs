//! Many processes with one API key, against the documented limits of a service whose clock is fast.

use std::path::Path;

use umapi_emulator::{Emulator, EmulatorClock, LimitSettings, LoginOperation, Operation};

use crate::{
    server::{Server, engines},
    stage::{Access, Fast},
    worker::{Workers, alone},
};

/// How much faster the clock of the service is, and what is added to each period. It covers the different times of calls on
/// their way, on a busy machine.
#[derive(Clone, Copy)]
struct Speed {
    factor: u32,
    margin_ms: u64,
}

/// A minute takes twelve seconds.
const FAST: Speed = Speed { factor: 5, margin_ms: 800 };
const REAL: Speed = Speed { factor: 1, margin_ms: 1000 };
const MINUTES: u64 = 10;

async fn emulator(factor: u32) -> Emulator {
    let clock = EmulatorClock::given(Fast::clock(factor));
    Emulator::builder().clock(clock).limits(LimitSettings::documented()).start().await.unwrap()
}

/// Runs so many processes for ten minutes of the service.
async fn run(program: &Path, processes: usize, speed: Speed) {
    let (server, emulator) = (Server::of(program, |_| Vec::new()), emulator(speed.factor).await);
    let period_ms = 60_000 / u64::from(speed.factor);
    let access = Access::to(&emulator, server.url(), period_ms, speed.margin_ms);
    let workers = Workers::start("requests", processes, &access, MINUTES * period_ms / 1000);
    let served = tokio::task::spawn_blocking(move || {
        workers.begin();
        let results = workers.results();
        results.into_iter().map(|result| result.unwrap().parse().unwrap()).collect::<Vec<usize>>()
    });
    let served = served.await.unwrap();
    let requests = emulator.journal().of(Operation::ExecuteActions);
    let refused = requests.iter().filter(|request| request.status == Some(429)).count();
    let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
    let (all, limit) = (requests.len(), 10 * usize::try_from(MINUTES).unwrap());
    println!("{processes} processes: {all} of {limit} requests, {refused} refused, {least} to {most} each");
    assert_eq!(refused, 0);
    assert!(all * 100 >= limit * 95, "{all} requests");
    // Half of a share, rounded up to whole requests.
    assert!(*least >= (limit / processes).div_ceil(2), "the least served process sent {least}");
    assert_eq!(emulator.journal().count(LoginOperation::RequestToken), 1);
    emulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_and_sixty_processes_use_the_limit_and_share_it() {
    let _alone = alone().await;
    // Each group has its own service and its own server.
    if let [first, .., last] | [first @ last] = engines().as_slice() {
        tokio::join!(run(first, 6, FAST), run(last, 60, FAST));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes ten minutes"]
async fn sixty_processes_share_ten_real_minutes() {
    let _alone = alone().await;
    if let Some(program) = engines().first() {
        run(program, 60, REAL).await;
    }
}
