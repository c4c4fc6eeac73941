//! A load of equal requests over several connections. Each connection sends its next request after the previous
//! response.

use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use umapi_time::{Clock, Instant};

/// The request.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) address: String,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// The result of a load.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) requests: usize,
    pub(crate) per_second: f64,
    /// Length of the last response body in bytes.
    pub(crate) body_bytes: usize,
}

/// Sends requests for the given time over the given number of connections. An error response ends the load, because it
/// would measure something else.
pub(crate) async fn run(shot: &Shot, connections: usize, time: Duration) -> anyhow::Result<Load> {
    let clock = Clock::real();
    let start = clock.now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(fire(shot.clone(), clock.clone(), start + time));
    }
    let (mut requests, mut body_bytes) = (0, 0);
    while let Some(ended) = tasks.join_next().await {
        let (count, bytes) = ended??;
        requests += count;
        body_bytes = bytes;
    }
    let per_second = requests as f64 / (clock.now() - start).as_secs_f64();
    Ok(Load { requests, per_second, body_bytes })
}

/// Server and load share the machine, so the load is as light as possible: the bytes of the request are built once,
/// and only the status and the end of a response are parsed. Returns the number of responses and the length of the
/// last body.
async fn fire(shot: Shot, clock: Clock, end: Instant) -> anyhow::Result<(usize, usize)> {
    let mut stream = TcpStream::connect(&shot.address).await?;
    stream.set_nodelay(true)?;
    let request = shot.to_bytes();
    let mut response = Vec::new();
    let (mut count, mut bytes) = (0, 0);
    while clock.now() < end {
        stream.write_all(&request).await?;
        response.clear();
        bytes = loop {
            let read = stream.read_buf(&mut response).await?;
            ensure!(read > 0, "{} {}: the connection was closed", shot.method, shot.path);
            if let Some(bytes) = body_of_whole(&response)? {
                break bytes;
            }
        };
        count += 1;
        let is_success = response.starts_with(b"HTTP/1.1 2");
        ensure!(is_success, "{} {}: {}", shot.method, shot.path, String::from_utf8_lossy(&response));
    }
    Ok((count, bytes))
}

impl Shot {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", self.method, self.path, self.address);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }
}

/// The length of the body, once the response is complete.
pub(crate) fn body_of_whole(response: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(end) = response.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (std::str::from_utf8(&response[..end])?, &response[end + 4..]);
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    match header("content-length") {
        Some(length) => {
            let length: usize = length.parse().context("the length is a number")?;
            Ok((body.len() >= length).then_some(length))
        }
        None => Ok(body.ends_with(b"0\r\n\r\n").then_some(body.len())),
    }
}
