//! Benchmark of a cached token.

use std::{hint::black_box, time::Duration};

use anyhow::Result;
use umapi::auth::{AccessToken, CachedSource, TokenFuture, TokenSource};
use umapi_time::Clock;

use crate::{
    Run,
    report::{Table, spread},
};

/// Issues tokens that are valid for one day.
struct Daily(Clock);

impl TokenSource for Daily {
    fn token(&self) -> TokenFuture<'_> {
        let expires = self.0.now() + Duration::from_secs(86_400);
        Box::pin(async move { Ok(AccessToken::new("benchmark-token", Some(expires))) })
    }

    fn invalidate(&self, _: &AccessToken) {}
}

pub(crate) async fn measure(run: &Run) -> Result<Table> {
    let calls: u32 = if run.quick { 1_000 } else { 2_000_000 };
    let how = format!("`token().await` of a cached source, {calls} calls per task, on the real clock; five rounds.");
    let mut table = Table::new("A cached token", how, &["tasks", "nanoseconds per call"]);
    for tasks in [1, 2, 8] {
        let mut rounds = Vec::new();
        for _ in 0..5 {
            rounds.push(round(tasks, calls).await?);
        }
        table.row([tasks.to_string(), spread(&rounds, 0)]);
    }
    Ok(table)
}

/// Nanoseconds of wall time per call, over the calls of all tasks.
async fn round(tasks: u32, calls: u32) -> Result<f64> {
    let clock = Clock::real();
    let tokens = CachedSource::new(Daily(clock.clone()), clock.clone());
    tokens.token().await?;
    let begun = clock.now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let tokens = tokens.clone();
        running.spawn(async move {
            for _ in 0..calls {
                black_box(tokens.token().await)?;
            }
            Ok::<_, umapi::auth::Error>(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok((clock.now() - begun).as_secs_f64() * 1e9 / f64::from(tasks * calls))
}
