//! A scripted server on its own threads, which responds while the client's runtime is blocked.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use umapi::{
    Client, ClientBuilder, Command, RateLimits,
    auth::{Credentials, Endpoint, FixedToken, OAuthServerToServer},
};

/// The response with one user.
pub(crate) const ANN: &str = r#"{"result":"success","user":{"id":"1@AdobeID","email":"ann@example.com"}}"#;

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The requested page.
    pub(crate) fn page(&self) -> usize {
        let path = self.path.split('?').next().unwrap();
        path.split('/').find_map(|part| part.parse().ok()).unwrap()
    }

    /// The number of commands.
    pub(crate) fn commands(&self) -> usize {
        serde_json::from_str::<serde_json::Value>(&self.body).unwrap().as_array().unwrap().len()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Sends these bytes after a while.
    After(Duration, Vec<u8>),
    /// Sends the first bytes, and then one byte at a time for ever.
    Drip(Vec<u8>),
    /// Sends nothing.
    Silence,
}

impl Reply {
    pub(crate) fn of(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        Self::Bytes(bytes)
    }

    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        Self::of(200, &[("content-type", "application/json")], body)
    }

    /// Delays the response.
    pub(crate) fn after(self, time: Duration) -> Self {
        match self {
            Self::Bytes(bytes) => Self::After(time, bytes),
            other => other,
        }
    }

    /// A response whose body never ends.
    pub(crate) fn dripping(status: u16) -> Self {
        Self::Drip(format!("HTTP/1.1 {status} X\r\ncontent-length: 1000000\r\n\r\n{{").into_bytes())
    }

    /// Reports every command as completed.
    pub(crate) fn done(request: &Request) -> Self {
        Self::json(format!(r#"{{"result":"success","completed":{},"notCompleted":0}}"#, request.commands()))
    }

    /// A page of users.
    pub(crate) fn users(names: &[String], is_last: bool, headers: &[(&str, &str)]) -> Self {
        Self::padded_users(names, is_last, headers, 0)
    }

    /// A page of users with this many extra bytes each.
    pub(crate) fn padded_users(names: &[String], is_last: bool, headers: &[(&str, &str)], padding: usize) -> Self {
        let padding = "x".repeat(padding);
        let user = |name: &String| format!(r#"{{"id":"{name}","email":"{name}@example.com","padding":"{padding}"}}"#);
        let users: Vec<String> = names.iter().map(user).collect();
        Self::of(200, headers, format!(r#"{{"lastPage":{is_last},"result":"success","users":[{}]}}"#, users.join(",")))
    }

    /// The response to a successful login.
    pub(crate) fn token(text: &str) -> Self {
        Self::json(format!(r#"{{"access_token":"{text}","token_type":"bearer","expires_in":86399}}"#))
    }
}

type Handler = dyn Fn(usize, &Request) -> Reply + Send + Sync;

/// A running server. Its threads end with their connections.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Responds with a function. It gets the number of earlier requests.
    pub(crate) fn answering(handler: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (handler, requests): (Arc<Handler>, _) = (Arc::new(handler), seen.clone());
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (handler, seen) = (handler.clone(), requests.clone());
                thread::spawn(move || serve(stream, &*handler, &seen));
            }
        });
        Self { url, seen }
    }

    /// Completes every command, and finds every user.
    pub(crate) fn healthy() -> Self {
        Self::answering(|_, request| match request.path.contains("/action/") {
            true => Reply::done(request),
            false => Reply::json(ANN),
        })
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// A client without a credential and without limits.
    pub(crate) fn bare_client(&self) -> ClientBuilder {
        Client::builder("1F@AdobeOrg").base_url(&self.url).rate_limits(RateLimits::unlimited())
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        self.bare_client().token_source("key-1", FixedToken::new("token-1"))
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// Credentials that log in here.
    pub(crate) fn credentials(&self) -> Credentials {
        let client = OAuthServerToServer::new("key-1", "secret").unwrap();
        Credentials::from(client).with_endpoint(Endpoint::parse(&self.url).unwrap())
    }
}

fn serve(mut stream: TcpStream, handler: &Handler, seen: &Mutex<Vec<Request>>) -> Option<()> {
    loop {
        let request = read(&mut stream)?;
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        match handler(number, &request) {
            Reply::Bytes(bytes) => stream.write_all(&bytes).ok()?,
            Reply::After(time, bytes) => {
                thread::sleep(time);
                stream.write_all(&bytes).ok()?;
            }
            Reply::Drip(bytes) => {
                stream.write_all(&bytes).ok()?;
                loop {
                    thread::sleep(Duration::from_millis(20));
                    stream.write_all(b" ").ok()?;
                }
            }
            Reply::Silence => {
                let _ = stream.read(&mut [0; 1]);
                return None;
            }
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let path = head.lines().next()?.split(' ').nth(1)?.to_owned();
        let mut request = Request { path, head: head.to_owned(), body: body.to_owned() };
        if request.header("transfer-encoding").is_some() {
            // The login sends its form as a stream.
            if !body.ends_with("0\r\n\r\n") {
                continue;
            }
            request.body = body.lines().nth(1)?.to_owned();
            return Some(request);
        }
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        if request.body.len() >= length {
            return Some(request);
        }
    }
}

/// Commands that add one user each to a group.
pub(crate) fn commands(count: usize) -> Vec<Command> {
    (0..count).map(|number| Command::user(format!("u{number}@example.com")).add_to(["Design"]).into()).collect()
}

/// A single-threaded runtime, which runs only in `block_on`.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a job on a new thread and runtime. Fails after ten seconds.
pub(crate) fn elsewhere<T: Send + 'static>(job: impl Future<Output = T> + Send + 'static) -> Result<T, &'static str> {
    let (give, take) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let _ = give.send(runtime().block_on(job));
    });
    take.recv_timeout(Duration::from_secs(10)).map_err(|error| match error {
        std::sync::mpsc::RecvTimeoutError::Timeout => "still waiting after ten seconds",
        std::sync::mpsc::RecvTimeoutError::Disconnected => "panicked",
    })
}
