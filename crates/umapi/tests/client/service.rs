//! A scripted service, byte by byte.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use umapi::{
    Client, ClientBuilder,
    auth::{AccessToken, FixedToken, TokenFuture, TokenSource},
    time::{Clock, ManualClock},
};

/// Long enough for every ready task of one thread to run.
const GRACE: Duration = Duration::from_millis(5);

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The reaction to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Sends these bytes and closes the connection.
    LastBytes(Vec<u8>),
    /// Closes the connection.
    HangUp,
    /// Sends nothing and keeps the connection open.
    Silence,
    /// Sends a reply after a time on the clock.
    Later(Duration, Box<Reply>),
    /// Sends the head of a response with this status, and a body without an end.
    Endless(u16),
}

impl Reply {
    /// A complete response.
    pub(crate) fn of(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(body);
        Self::Bytes(text.into_bytes())
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::of(200, &[("content-type", "application/json"), ("x-request-id", "from-the-service")], body)
    }

    /// The reply after a time on the clock.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self::Later(time, Box::new(self))
    }

    /// The response without its last bytes.
    pub(crate) fn truncated(self) -> Self {
        match self {
            Self::Bytes(mut bytes) => {
                bytes.truncate(bytes.len() - 5);
                Self::LastBytes(bytes)
            }
            other => other,
        }
    }
}

type Handler = dyn FnMut(&Seen) -> Reply + Send;

/// A running service. It shares the thread of the test, and its clock skips all waits.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) manual: ManualClock,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Service {
    /// Starts a service that responds with a function.
    pub(crate) async fn responding(handler: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        Self::on(ManualClock::new().auto_advance(GRACE), handler).await
    }

    /// Starts a service on this clock that responds with a function.
    pub(crate) async fn on(manual: ManualClock, handler: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Mutex<Box<Handler>>> = Arc::new(Mutex::new(Box::new(handler)));
        let (requests, clock) = (seen.clone(), manual.clock());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, clock.clone(), handler.clone(), requests.clone()));
            }
        });
        Self { url, manual, seen }
    }

    /// Starts a service that sends these replies in order, and then repeats the last one.
    pub(crate) async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: Vec<Reply> = replies.into_iter().collect();
        replies.reverse();
        Self::responding(move |_| if replies.len() > 1 { replies.pop().unwrap() } else { replies[0].clone() }).await
    }

    pub(crate) fn clock(&self) -> Clock {
        self.manual.clock()
    }

    /// The seconds that have passed on the clock.
    pub(crate) fn seconds(&self) -> u64 {
        self.clock().now().since_origin().as_secs()
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// A client builder without credentials.
    pub(crate) fn bare_client(&self) -> ClientBuilder {
        Client::builder("1F@AdobeOrg").base_url(&self.url).clock(self.clock())
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        self.bare_client().token_source("key-1", FixedToken::new("token-1"))
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

async fn serve(mut stream: TcpStream, clock: Clock, handler: Arc<Mutex<Box<Handler>>>, seen: Arc<Mutex<Vec<Seen>>>) {
    while let Some(request) = read(&mut stream).await {
        let mut reply = (handler.lock().unwrap())(&request);
        seen.lock().unwrap().push(request);
        while let Reply::Later(time, later) = reply {
            clock.sleep(time).await;
            reply = *later;
        }
        match reply {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await.unwrap(),
            Reply::LastBytes(bytes) => return stream.write_all(&bytes).await.unwrap(),
            Reply::HangUp => return,
            Reply::Silence => std::future::pending().await,
            Reply::Later(..) => {}
            Reply::Endless(status) => {
                let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\r\n\"");
                let mut sent = stream.write_all(head.as_bytes()).await;
                while sent.is_ok() {
                    sent = stream.write_all(&[b'x'; 1 << 16]).await;
                }
                return;
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let first = head.lines().next()?;
        let seen = Seen { path: first.split(' ').nth(1)?.to_owned(), head: head.to_owned(), body: body.to_owned() };
        let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
        if seen.body.len() >= length {
            return Some(seen);
        }
    }
}

/// A source that numbers its tokens and records the rejected ones.
#[derive(Clone, Default)]
pub(crate) struct NumberedTokens {
    state: Arc<Mutex<(u32, Vec<String>)>>,
}

impl NumberedTokens {
    pub(crate) fn rejected(&self) -> Vec<String> {
        self.state.lock().unwrap().1.clone()
    }
}

impl TokenSource for NumberedTokens {
    fn token(&self) -> TokenFuture<'_> {
        let number = self.state.lock().unwrap().0;
        Box::pin(async move { Ok(AccessToken::new(format!("token-{number}"), None)) })
    }

    fn invalidate(&self, rejected: &AccessToken) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        state.1.push(rejected.reveal().to_owned());
    }
}
