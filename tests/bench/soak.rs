//! Minutes of mixed load on the emulator, by many connections, with faults and slow readers: whether memory grows, a
//! connection is stuck, or the end is not an end.

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
use crate::{emulator::Emulator, usage::Usage};

/// Time between two looks at the emulator.
const LOOK: Duration = Duration::from_secs(5);
/// A connection on which nothing came for so long is stuck. No fault holds an answer back for longer than two seconds.
const STUCK: Duration = Duration::from_secs(30);
/// In which all connections must end when they are asked to.
const LEAVING: Duration = Duration::from_secs(30);
/// In which the emulator must end with slow readers at their answers: it gives them three seconds.
const STOPPING: Duration = Duration::from_secs(6);
/// What memory may grow by from the second minute to the last.
const GROWTH: f64 = 1.10;

/// How long, and with how many.
#[derive(Args)]
pub(crate) struct Soak {
    /// The emulator's program.
    #[arg(long)]
    emulator: PathBuf,
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Milliseconds that each connection rests after an answer, so that 200 of them leave the machine some air.
    #[arg(long, default_value_t = 50)]
    rest: u64,
    /// Some seconds, to see that everything works: too few to say something of memory.
    #[arg(long)]
    quick: bool,
}

/// What the emulator held, and when.
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
        println!("All connections ended; the emulator ended {:.1} s after SIGTERM.", stopped_in.as_secs_f64());
        counts.check()?;
        self.compare(&looks)
    }

    fn time(&self) -> Duration {
        if self.quick { Duration::from_secs(10) } else { Duration::from_secs(self.minutes * 60) }
    }

    /// Looks at the emulator and at all connections until the time is over.
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
                "{:>4} s  {:>7.1} MiB  {:>9} answers  longest wait {:.1} s  CPU {:.1} s",
                at.as_secs(),
                usage.resident_mib,
                counts.answers(),
                oldest.as_secs_f64(),
                usage.cpu_seconds
            );
            none_is_stuck(all, clock.now())?;
        }
        Ok(looks)
    }

    /// All connections end, since they were asked to.
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

    /// Of the second minute and the last one, each the median of what was seen in it.
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
            _ => println!("Memory: too short a time to say something of it."),
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
    ensure!(stuck.is_empty(), "nothing came for {STUCK:?} on {stuck:?}");
    Ok(())
}

/// Tells the emulator to end while slow readers are at their answers.
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
