//! A server that returns the given responses, whatever the request is.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use bolero::TypeGenerator;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::LocalSet,
};
use umapi_time::{Clock, ManualClock};

use crate::payload::{Material, Payload};

/// Real time after which a call is considered to hang.
const PATIENCE: Duration = Duration::from_secs(20);
/// Real time without activity after which the clock advances. Everything runs on one thread.
pub(crate) const GRACE: Duration = Duration::from_millis(1);

/// A response to one request.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum Response {
    /// A complete response.
    Whole { status: Status, headers: Headers, body: Payload },
    /// A response that is cut off after some bytes.
    CutOff { status: Status, headers: Headers, body: Payload, at: u16 },
    /// Arbitrary bytes after the status line.
    AfterStatus { status: Status, rest: Payload },
    /// Arbitrary bytes.
    Bytes(Payload),
}

#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum Status {
    Good,
    Usual(u8),
    Any(#[generator(100..=999_u16)] u16),
}

/// Headers that the client interprets.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct Headers(#[generator(bolero::produce::<Vec<Header>>().with().len(0..=4_usize))] Vec<Header>);

#[derive(Clone, Debug, TypeGenerator)]
struct Header {
    name: u8,
    value: HeaderValue,
}

#[derive(Clone, Debug, TypeGenerator)]
enum HeaderValue {
    Usual(u8),
    Number(u64),
    Negative(i8),
    Small(#[generator(0..4_u8)] u8),
    Bytes(#[generator(bolero::produce::<Vec<u8>>().with().len(0..=24_usize))] Vec<u8>),
}

const STATUSES: [u16; 14] = [200, 201, 204, 301, 400, 401, 403, 404, 409, 413, 429, 500, 502, 503];
const NAMES: [&str; 12] = [
    "retry-after",
    "date",
    "x-request-id",
    "x-total-count",
    "x-page-count",
    "x-current-page",
    "x-page-size",
    "content-type",
    "www-authenticate",
    "content-encoding",
    "transfer-encoding",
    "location",
];
const VALUES: [&str; 16] = [
    "0",
    "1",
    "3600",
    "18446744073709551615",
    "99999999999999999999",
    "Thu, 01 Jan 2026 00:00:10 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "text/html",
    "application/json",
    "chunked",
    "gzip",
    r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#,
    "deflate, br",
    "http://127.0.0.1:1/",
    "error_description=\"",
];

impl Response {
    fn bytes(&self, material: Material) -> Vec<u8> {
        match self {
            Self::Whole { status, headers, body } => whole(status, headers, &body.bytes(material)),
            Self::CutOff { status, headers, body, at } => {
                let mut bytes = whole(status, headers, &body.bytes(material));
                bytes.truncate(usize::from(*at) % (bytes.len() + 1));
                bytes
            }
            Self::AfterStatus { status, rest } => {
                [format!("HTTP/1.1 {} X\r\n", status.number()).as_bytes(), &rest.bytes(material)].concat()
            }
            Self::Bytes(payload) => payload.bytes(material),
        }
    }
}

impl Status {
    fn number(&self) -> u16 {
        match self {
            Self::Good => 200,
            Self::Usual(number) => STATUSES[usize::from(*number) % STATUSES.len()],
            Self::Any(number) => *number,
        }
    }
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        let value = match &self.value {
            HeaderValue::Usual(number) => VALUES[usize::from(*number) % VALUES.len()].into(),
            HeaderValue::Number(number) => number.to_string().into_bytes(),
            HeaderValue::Negative(number) => number.to_string().into_bytes(),
            HeaderValue::Small(number) => number.to_string().into_bytes(),
            // A line break would end the header.
            HeaderValue::Bytes(bytes) => bytes.iter().copied().filter(|byte| !b"\r\n\0".contains(byte)).collect(),
        };
        let name = NAMES[usize::from(self.name) % NAMES.len()];
        [name.as_bytes(), b": ", &value, b"\r\n"].concat()
    }
}

fn whole(status: &Status, headers: &Headers, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", status.number()).into_bytes();
    headers.0.iter().for_each(|header| bytes.extend(header.bytes()));
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    bytes.extend(body);
    bytes
}

/// The server, and the thread that it shares with the client.
pub(crate) struct Peer {
    runtime: Runtime,
    tasks: LocalSet,
    pub(crate) url: String,
    script: Rc<Script>,
}

/// The remaining responses, and the number of requests.
#[derive(Default)]
struct Script {
    responses: RefCell<VecDeque<Vec<u8>>>,
    requests: Cell<usize>,
}

impl Peer {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (tasks, script) = (LocalSet::new(), Rc::new(Script::default()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answering = script.clone();
        tasks.spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(respond(stream, answering.clone()));
            }
        });
        Self { runtime, tasks, url, script }
    }

    /// Runs `call` while the server returns these responses in this order, and closes the connection after them. The
    /// clock jumps over all waits. A call that does not end fails the test. Returns the result and the number of
    /// requests.
    pub(crate) fn run<F: Future>(
        &self,
        responses: &[Response],
        material: Material,
        what: impl FnOnce(Clock) -> F,
    ) -> (F::Output, usize) {
        *self.script.responses.borrow_mut() = responses.iter().map(|response| response.bytes(material)).collect();
        self.script.requests.set(0);
        let clock = ManualClock::new().auto_advance(GRACE).clock();
        let real = Clock::real();
        let ended = self.tasks.block_on(&self.runtime, real.timeout(PATIENCE, what(clock)));
        (ended.expect("the call ends"), self.script.requests.get())
    }
}

/// Reads a request, sends a response, and closes the connection.
async fn respond(mut stream: TcpStream, script: Rc<Script>) {
    if !is_whole_request(&mut stream).await {
        return;
    }
    script.requests.set(script.requests.get() + 1);
    let response = script.responses.borrow_mut().pop_front();
    if let Some(bytes) = response {
        // The client may have closed the connection.
        let _ = stream.write_all(&bytes).await;
    }
}

async fn is_whole_request(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    loop {
        match stream.read_buf(&mut bytes).await {
            Ok(read) if read > 0 => {}
            _ => return false,
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if body.len() >= length.map_or(0, |(_, length)| length.parse().expect("a length")) {
            return true;
        }
    }
}
