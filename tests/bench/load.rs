//! A load of equal requests on a server: some connections, each sending its next request when the last was answered.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use umapi_time::{Clock, Instant};

/// What every request is.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) address: String,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// How the load went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) requests: usize,
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    /// Milliseconds that half of the requests stayed under.
    pub(crate) median_ms: f64,
    /// Milliseconds that 99 of 100 requests stayed under.
    pub(crate) p99_ms: f64,
    /// Bytes of the body of the last answer.
    pub(crate) body_bytes: usize,
}

/// Sends for some time over some connections. An answer that is no success ends it: it would measure something else.
pub(crate) async fn run(shot: &Shot, connections: usize, time: Duration) -> anyhow::Result<Load> {
    let clock = Clock::real();
    let start = clock.now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(fire(shot.clone(), clock.clone(), start + time));
    }
    let mut took = Vec::new();
    let mut body_bytes = 0;
    while let Some(ended) = tasks.join_next().await {
        let (times, bytes) = ended??;
        took.extend(times);
        body_bytes = bytes;
    }
    let seconds = (clock.now() - start).as_secs_f64();
    took.sort_unstable();
    let requests = took.len();
    let rank = |share: usize| took.get(requests * share / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0);
    let per_second = requests as f64 / seconds;
    Ok(Load { requests, seconds, per_second, median_ms: rank(50), p99_ms: rank(99), body_bytes })
}

async fn fire(shot: Shot, clock: Clock, end: Instant) -> anyhow::Result<(Vec<Duration>, usize)> {
    let stream = TcpStream::connect(&shot.address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut times = Vec::new();
    let mut bytes = 0;
    while clock.now() < end {
        let mut request = Request::builder().method(&shot.method).uri(&shot.path).header("host", &shot.address);
        for (name, value) in &shot.headers {
            request = request.header(name, value);
        }
        let begun = clock.now();
        let answer = sender.send_request(request.body(Full::new(shot.body.clone()))?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        times.push(clock.now() - begun);
        bytes = body.len();
        anyhow::ensure!(
            status.is_success(),
            "{} {}: {status} {}",
            shot.method,
            shot.path,
            String::from_utf8_lossy(&body)
        );
    }
    drop(sender);
    connection.abort();
    Ok((times, bytes))
}
