//! One of many connections: it sends requests, reads responses, pauses, and reconnects after a fault closed the
//! connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use http::Method;
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use umapi_time::{Clock, Instant};

use super::requests::Requests;
use crate::load::{Shot, body_of_whole};

/// Bytes that a slow reader reads at once, and the pause after each read.
const SIP: usize = 64 << 10;
const SIP_REST: Duration = Duration::from_millis(100);
/// Pages that a slow reader requests at once. With fewer pages, the buffers of the kernel would hold all responses.
const AT_ONCE: usize = 12;

/// The kind of requests of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Users,
    Pages,
    Groups,
    Actions,
    Logins,
    SlowReader,
}

/// The kinds of forty connections, in this order.
const KINDS: [(Kind, usize); 6] = [
    (Kind::Users, 20),
    (Kind::Pages, 6),
    (Kind::Groups, 3),
    (Kind::Actions, 6),
    (Kind::Logins, 3),
    (Kind::SlowReader, 2),
];

/// The pause of the connections, and whether they must end.
#[derive(Clone)]
pub(super) struct Pace {
    rest: Duration,
    is_over: Arc<AtomicBool>,
}

impl Pace {
    pub(super) fn resting(rest: Duration) -> Self {
        Self { rest, is_over: Arc::default() }
    }

    /// Requests all connections to end.
    pub(super) fn end(&self) {
        self.is_over.store(true, Relaxed);
    }
}

/// Numbers of responses by kind.
#[derive(Debug, Default)]
pub(super) struct Counts {
    good: AtomicUsize,
    refused: AtomicUsize,
    broken: AtomicUsize,
    /// Error responses that no fault rule explains.
    wrong: AtomicUsize,
}

impl Counts {
    pub(super) fn responses(&self) -> usize {
        self.good.load(Relaxed) + self.refused.load(Relaxed)
    }

    pub(super) fn to_text(&self) -> String {
        let [good, refused, broken, wrong] =
            [&self.good, &self.refused, &self.broken, &self.wrong].map(|count| count.load(Relaxed));
        format!(
            "{good} good responses, {refused} rejections and {broken} broken exchanges by fault rules, {wrong} wrong responses"
        )
    }

    /// Checks that there were responses of every kind, and no wrong one.
    pub(super) fn check(&self) -> Result<()> {
        let [good, refused, broken] = [&self.good, &self.refused, &self.broken].map(|count| count.load(Relaxed));
        ensure!(good > 0 && refused > 0 && broken > 0, "there was no load: {}", self.to_text());
        ensure!(self.wrong.load(Relaxed) == 0, "the emulator failed on a request: {}", self.to_text());
        Ok(())
    }
}

/// A connection, as seen by the monitor.
pub(super) struct Connection {
    number: usize,
    kind: Kind,
    clock: Clock,
    /// When the last data was received, in milliseconds of the clock.
    heard: AtomicU64,
}

impl Connection {
    pub(super) fn new(number: usize, clock: Clock) -> Self {
        let mut kinds = KINDS.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count));
        let kind = kinds.nth(number * 7 % 40).unwrap_or(Kind::Users);
        let connection = Self { number, kind, clock, heard: AtomicU64::new(0) };
        connection.hear();
        connection
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Users => "users",
            Kind::Pages => "pages",
            Kind::Groups => "groups",
            Kind::Actions => "actions",
            Kind::Logins => "logins",
            Kind::SlowReader => "slow reader",
        }
    }

    /// The time without data.
    pub(super) fn idle(&self, now: Instant) -> Duration {
        now - Instant::from_origin(Duration::from_millis(self.heard.load(Relaxed)))
    }

    fn hear(&self) {
        let now = self.clock.now().since_origin().as_millis();
        self.heard.store(now.try_into().unwrap_or(u64::MAX), Relaxed);
    }

    /// Sends requests until the end.
    pub(super) async fn run(&self, requests: &Requests, counts: &Counts, pace: &Pace) -> Result<()> {
        let (mut stream, mut token) = (None, None::<String>);
        let mut number = self.number;
        while !pace.is_over.load(Relaxed) {
            let shot = match &token {
                None => requests.login(),
                Some(token) => self.shot(requests, token, number)?,
            };
            let is_login = shot.path.contains("/ims/");
            match self.exchange(&mut stream, &shot).await {
                Ok(response) => {
                    let status = status(&response)?;
                    match status {
                        200 if is_login => token = token_of(&response),
                        401 => token = None,
                        _ => {}
                    }
                    let count = match status {
                        200 => &counts.good,
                        401 | 429 | 502 | 503 => &counts.refused,
                        _ => &counts.wrong,
                    };
                    count.fetch_add(1, Relaxed);
                }
                Err(_) => {
                    stream = None;
                    counts.broken.fetch_add(1, Relaxed);
                }
            }
            number = number.wrapping_add(1);
            self.clock.sleep(pace.rest).await;
            self.hear();
        }
        Ok(())
    }

    fn shot(&self, requests: &Requests, token: &str, number: usize) -> Result<Shot> {
        Ok(match self.kind {
            Kind::Users => requests.user(token, number),
            Kind::Pages | Kind::SlowReader => requests.page(token, number),
            Kind::Groups => requests.groups(token),
            Kind::Actions => requests.action(token, number)?,
            Kind::Logins => requests.login(),
        })
    }

    /// Sends a request over the existing connection or a new one, and reads the whole response.
    async fn exchange(&self, open: &mut Option<TcpStream>, shot: &Shot) -> Result<Vec<u8>> {
        let is_slow = self.kind == Kind::SlowReader && shot.method == Method::GET;
        let stream = match open {
            Some(stream) => stream,
            None => open.insert(connect(shot, self.kind == Kind::SlowReader).await?),
        };
        let requests = if is_slow { AT_ONCE } else { 1 };
        stream.write_all(&shot.to_bytes().repeat(requests)).await?;
        let (mut received, mut response) = (Vec::new(), Vec::new());
        for _ in 0..requests {
            while body_of_whole(&received)?.is_none() {
                let most = if is_slow { SIP } else { 1 << 20 };
                let read = stream.take(most as u64).read_buf(&mut received).await?;
                ensure!(read > 0, "the connection was closed");
                self.hear();
                if is_slow {
                    self.clock.sleep(SIP_REST).await;
                }
            }
            response = first_of(&mut received)?;
        }
        Ok(response)
    }
}

/// Removes the first response, which is complete.
fn first_of(received: &mut Vec<u8>) -> Result<Vec<u8>> {
    let body = body_of_whole(received)?.context("a complete response")?;
    let rest = received.split_off(head_of(received).context("a head")? + body);
    Ok(std::mem::replace(received, rest))
}

/// The length of the head, including the empty line.
fn head_of(response: &[u8]) -> Option<usize> {
    Some(response.windows(4).position(|four| four == b"\r\n\r\n")? + 4)
}

/// Opens a connection. A slow reader has small buffers, so that the server notices it.
async fn connect(shot: &Shot, is_slow: bool) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if is_slow {
        socket.set_recv_buffer_size(u32::try_from(SIP)?)?;
    }
    let stream = socket.connect(shot.address.parse()?).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request over a connection of its own.
pub(super) async fn once(shot: &Shot) -> Result<Vec<u8>> {
    Connection::new(0, Clock::real()).exchange(&mut None, shot).await
}

/// Opens connections that request more pages than the kernel buffers, and do not read them.
pub(super) async fn held_open(requests: &Requests, count: usize) -> Result<Vec<TcpStream>> {
    let mut open = Vec::new();
    for number in 0..count {
        let token = loop {
            // A fault rule may break it.
            if let Ok(response) = once(&requests.login()).await
                && let Some(token) = token_of(&response)
            {
                break token;
            }
        };
        let shot = requests.page(&token, number);
        let mut stream = connect(&shot, true).await?;
        stream.write_all(&shot.to_bytes().repeat(AT_ONCE)).await?;
        open.push(stream);
    }
    Ok(open)
}

fn status(response: &[u8]) -> Result<u16> {
    let digits = response.get(9..12).context("a status line")?;
    Ok(std::str::from_utf8(digits)?.parse()?)
}

/// `None` if a fault rule broke the response.
fn token_of(response: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
    }
    serde_json::from_slice::<Granted>(&response[head_of(response)?..]).ok().map(|granted| granted.access_token)
}
