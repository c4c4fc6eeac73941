//! The soak test: minutes of mixed load on the emulator over many connections, with faults and slow readers. It checks
//! that memory does not grow, that no connection is stuck, and that the emulator shuts down.

mod connection;
mod faults;
mod requests;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use clap::Args;
use tokio::task::JoinSet;
use umapi_time::{Clock, Instant};

use self::{
    connection::{Connection, Counts, Pace},
    requests::Requests,
};
use crate::{emulator::Emulator, machine::Usage};

/// Time between two samples of the emulator.
const LOOK: Duration = Duration::from_secs(5);
/// A connection without any data for this time is stuck. No fault delays a response for more than two seconds.
const STUCK: Duration = Duration::from_secs(30);
/// Time in which all connections must end after a request to end.
const LEAVING: Duration = Duration::from_secs(30);
/// Time in which the emulator must end while slow readers wait for responses. The emulator gives them three seconds.
const STOPPING: Duration = Duration::from_secs(6);
/// The allowed growth of memory from the second minute to the last one.
const GROWTH: f64 = 1.10;

/// Duration and number of connections.
#[derive(Args)]
pub(crate) struct Soak {
    /// The emulator program.
    #[arg(long)]
    emulator: PathBuf,
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Milliseconds that each connection pauses after a response, so that 200 connections do not saturate the machine.
    #[arg(long, default_value_t = 50)]
    rest: u64,
    /// Run for some seconds, to check that everything works. This is too short for a statement about memory.
    #[arg(long)]
    quick: bool,
}

/// Memory of the emulator, and when it was measured.
struct Look {
    at: Duration,
    resident_mib: f64,
}

impl Soak {
    pub(crate) async fn run(&self) -> Result<()> {
        let clock = Clock::real();
        let mut emulator = Emulator::start(&self.emulator, 5_000, 200)?;
        let requests = Arc::new(Requests::to(&emulator.address).await?);
        faults::set(&emulator).await?;
        let (counts, pace) = (Arc::new(Counts::default()), Pace::resting(Duration::from_millis(self.rest)));
        let mut connections = JoinSet::new();
        let mut all = Vec::new();
        for number in 0..self.connections {
            let connection = Arc::new(Connection::new(number, clock.clone()));
            all.push(connection.clone());
            let (requests, counts, pace) = (requests.clone(), counts.clone(), pace.clone());
            connections.spawn(async move { connection.run(&requests, &counts, &pace).await });
        }
        let looks = self.watch(&clock, &emulator, &all, &counts).await?;
        println!("{}", counts.to_text());
        pace.end();
        self.leave(&clock, &all, &mut connections).await?;
        let stopped_in = stop(&clock, &mut emulator, &requests).await?;
        println!("All connections ended. The emulator ended {:.1} s after SIGTERM.", stopped_in.as_secs_f64());
        counts.check()?;
        self.compare(&looks)
    }

    fn time(&self) -> Duration {
        if self.quick { Duration::from_secs(10) } else { Duration::from_secs(self.minutes * 60) }
    }

    /// Samples the emulator and all connections until the time is over.
    async fn watch(
        &self,
        clock: &Clock,
        emulator: &Emulator,
        all: &[Arc<Connection>],
        counts: &Counts,
    ) -> Result<Vec<Look>> {
        let begun = clock.now();
        let mut looks = Vec::new();
        while clock.now() - begun < self.time() {
            clock.sleep(LOOK).await;
            let (at, usage) = (clock.now() - begun, Usage::of(emulator.pid()));
            looks.push(Look { at, resident_mib: usage.resident_mib });
            let oldest = all.iter().map(|connection| connection.idle(clock.now())).max().unwrap_or_default();
            println!(
                "{:>4} s  {:>7.1} MiB  {:>9} responses  longest wait {:.1} s  CPU {:.1} s",
                at.as_secs(),
                usage.resident_mib,
                counts.responses(),
                oldest.as_secs_f64(),
                usage.cpu_seconds
            );
            none_is_stuck(all, clock.now())?;
        }
        Ok(looks)
    }

    /// Waits until all connections have ended after a request to end.
    async fn leave(&self, clock: &Clock, all: &[Arc<Connection>], tasks: &mut JoinSet<Result<()>>) -> Result<()> {
        let ended = clock.timeout(LEAVING, async {
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        });
        match ended.await {
            Ok(ended) => ended,
            Err(_) => {
                let left = tasks.len();
                none_is_stuck(all, clock.now())?;
                anyhow::bail!("{left} connections did not end within {LEAVING:?}")
            }
        }
    }

    /// Memory in the second minute and in the last one, each the median of its samples.
    fn compare(&self, looks: &[Look]) -> Result<()> {
        let median = |from: u64, to: u64| {
            let range = Duration::from_secs(from)..Duration::from_secs(to);
            let mut seen: Vec<f64> =
                looks.iter().filter(|look| range.contains(&look.at)).map(|look| look.resident_mib).collect();
            seen.sort_by(f64::total_cmp);
            seen.get(seen.len() / 2).copied()
        };
        let end = self.time().as_secs();
        match (median(90, 150), median(end.saturating_sub(30), end + 30)) {
            (Some(early), Some(late)) if end >= 240 => {
                let ratio = late / early;
                println!("Memory: {early:.1} MiB in minute 2, {late:.1} MiB at the end ({ratio:.3}).");
                ensure!(ratio <= GROWTH, "memory grew from {early:.1} to {late:.1} MiB");
            }
            _ => println!("Memory: the test was too short for a statement."),
        }
        Ok(())
    }
}

fn none_is_stuck(all: &[Arc<Connection>], now: Instant) -> Result<()> {
    let stuck: BTreeMap<usize, &str> = all
        .iter()
        .filter(|connection| connection.idle(now) > STUCK)
        .map(|connection| (connection.number(), connection.kind()))
        .collect();
    ensure!(stuck.is_empty(), "no data for {STUCK:?} on {stuck:?}");
    Ok(())
}

/// Sends SIGTERM to the emulator while slow readers wait for responses.
async fn stop(clock: &Clock, emulator: &mut Emulator, requests: &Arc<Requests>) -> Result<Duration> {
    let _readers = connection::held_open(requests, 5).await?;
    let begun = clock.now();
    emulator.terminate()?;
    loop {
        if let Some(status) = emulator.ended()? {
            ensure!(status.success(), "the emulator ended with {status}");
            return Ok(clock.now() - begun);
        }
        ensure!(clock.now() - begun < STOPPING, "the emulator did not end within {STOPPING:?}");
        clock.sleep(Duration::from_millis(20)).await;
    }
}
