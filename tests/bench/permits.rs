//! Benchmark of the rate limits: the cost of a permit within a process, and of one that processes share in Redis.

use std::{
    net::TcpListener,
    num::NonZeroU32,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use umapi::{InMemoryRateLimits, Permit, RateLimit, RateLimitSet, RateLimitStore, model::ThrottleClass};
use umapi_redis::{Redis, SharedRateLimits};
use umapi_time::Clock;

use crate::{
    Run,
    report::{Table, median, spread},
};

/// The quota of one API key, which is how many calls its state has.
const QUOTA: u32 = 10;

pub(crate) async fn measure(run: &Run) -> Result<Table> {
    let permits = if run.quick { 100 } else { 10_000 };
    let how = format!(
        "{permits} permits, one after the other: each is taken, and reported as sent. The state of every API key has up to \
         {QUOTA} calls. The server of the shared limits is redis-server on this machine, over plain TCP. The median, and in \
         parentheses the least and the greatest of ten parts."
    );
    let mut table =
        Table::new("A permit of the rate limits", how, &["rate limits", "a permit, ms", "permits a second"]);
    let local = InMemoryRateLimits::new(Clock::real());
    row(&mut table, "of one process, in memory", &costs(&local, permits).await?);
    match Server::start().await? {
        Some(server) => {
            let redis = Redis::builder(format!("redis://127.0.0.1:{}", server.port)).build()?;
            row(&mut table, "shared, in Redis", &costs(&SharedRateLimits::new(&redis, "1F@AdobeOrg"), permits).await?);
        }
        None => table.row(["shared, in Redis".to_owned(), "redis-server is not installed".to_owned(), String::new()]),
    }
    Ok(table)
}

fn row(table: &mut Table, name: &str, milliseconds: &[f64]) {
    let rate = 1000.0 / median(milliseconds);
    table.row([name.to_owned(), spread(milliseconds, 3), format!("{rate:.0}")]);
}

/// The milliseconds of a permit, in each of ten parts.
async fn costs(store: &impl RateLimitStore, permits: u32) -> Result<Vec<f64>> {
    let clock = Clock::real();
    let quota = NonZeroU32::new(QUOTA).context("a quota")?;
    let part = permits / 10;
    let mut costs = Vec::new();
    for number in 0..10 {
        let started = clock.now();
        for permit in 0..part {
            let key = format!("key {number}-{}", permit / QUOTA);
            let limits = RateLimitSet::new(key, ThrottleClass::Action, [RateLimit::per_minute(quota)]);
            let taken = store.acquire(&limits).await.map_err(boxed)?;
            let Permit::Granted(id) = taken else { bail!("permit {permit} was not granted") };
            store.mark_sent(&limits, id).await.map_err(boxed)?;
        }
        costs.push((clock.now() - started).as_secs_f64() * 1000.0 / f64::from(part));
    }
    Ok(costs)
}

fn boxed(error: umapi::RateLimitError) -> anyhow::Error {
    anyhow::Error::from_boxed(error)
}

/// A server that ends when it is dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts a server. `None` if it is not installed.
    async fn start() -> Result<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else { return Ok(None) };
        let server = Self { process, port };
        let redis = Redis::builder(format!("redis://127.0.0.1:{port}")).build()?;
        let clock = Clock::real();
        let started = clock.now();
        while let Err(error) = redis.check().await {
            ensure!(clock.now() - started < Duration::from_secs(10), "redis-server does not answer: {error}");
            clock.sleep(Duration::from_millis(20)).await;
        }
        Ok(Some(server))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
