//! An HTTP server for fakes of directories in the cloud, with faults. `examples/fake_directories.rs` runs the same fakes as a process
//! for the SDKs of the vendors.
//!
//! A fake implements [`Service`]. It runs in threads of its own, so any test can use it.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of the fakes")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[path = "fake/entra.rs"]
pub mod entra;
#[path = "fake/google.rs"]
pub mod google;
#[path = "fake/okta.rs"]
pub mod okta;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock},
    thread,
};

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without the query, decoded.
    pub path: String,
    /// As it came.
    pub target: String,
    pub query: BTreeMap<String, String>,
    /// By their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Close the connection after this many bytes of the body.
    pub cut_at: Option<usize>,
}

/// What answers.
pub trait Service: Send + Sync + 'static {
    /// The address is known only when the server runs.
    fn begin(&self, url: &str);

    fn answer(&self, request: &Request) -> Response;

    /// Whether faults apply to the request: not to logins.
    fn is_counted(&self, request: &Request) -> bool;

    /// Replaces the link to the next page, or adds one.
    fn link(&self, response: &mut Response, next: &str);
}

/// Something that goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection breaks in the middle of the body, every time.
    Cut,
    /// This status, every time, with these headers and this body.
    Status(u16, Vec<(String, String)>, String),
    /// This status so many times, then the answer.
    Times(u32, u16, Vec<(String, String)>, String),
    /// Success, with this body.
    Body(String),
    /// The next page is at this address.
    NextAt(String),
    /// The next page is this page.
    NextIsSame,
    /// The token is not accepted, once.
    TokenExpired,
}

/// A running server.
pub struct Fake<S> {
    pub url: String,
    pub service: Arc<S>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The requests that count, in their order.
    log: Mutex<Vec<String>>,
    /// By the number of the request that they begin with, from 0. Retries of a request have its number.
    faults: Mutex<BTreeMap<usize, Fault>>,
    numbers: Mutex<BTreeMap<String, usize>>,
    /// The targets of the requests that went wrong.
    faulted: Mutex<Vec<String>>,
}

impl Request {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The fields of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let body = match length {
            Some(length) => {
                let mut body = vec![0; length];
                reader.read_exact(&mut body).ok()?;
                body
            }
            None if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") => chunks(reader)?,
            None => Vec::new(),
        };
        let url = url::Url::parse("http://fake").and_then(|base| base.join(&target)).ok()?;
        let path = percent(url.path());
        let query = url.query_pairs().into_owned().collect();
        Some(Self { method, path, target, query, headers, body })
    }
}

fn chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

/// A path with its escapes resolved.
fn percent(path: &str) -> String {
    // A form would take `+` for a blank.
    let pair = format!("p={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, path)| path.into_owned()).unwrap_or_default()
}

impl Response {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes(), cut_at: None }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut text = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body[..self.cut_at.unwrap_or(self.body.len()).min(self.body.len())]);
        stream.write_all(&bytes)
    }
}

impl<S: Service> Fake<S> {
    /// Starts a server on a free port of this machine.
    pub fn start(service: S) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (service, shared) = (Arc::new(service), Arc::new(Shared::default()));
        service.begin(&url);
        let (answering, counting) = (Arc::clone(&service), Arc::clone(&shared));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (service, shared) = (Arc::clone(&answering), Arc::clone(&counting));
                thread::spawn(move || serve(stream, &*service, &shared));
            }
        });
        Self { url, service, shared }
    }

    /// The requests so far, those of logins excepted: method and target.
    pub fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    /// The targets of the requests that went wrong.
    pub fn faulted(&self) -> Vec<String> {
        self.shared.faulted.lock().unwrap().clone()
    }

    /// Forgets the requests so far, and the faults.
    pub fn clear(&self) {
        self.shared.log.lock().unwrap().clear();
        self.shared.faults.lock().unwrap().clear();
        self.shared.numbers.lock().unwrap().clear();
        self.shared.faulted.lock().unwrap().clear();
    }

    /// Lets the request of this number go wrong, from 0; retries have the same number.
    pub fn fail(&self, number: usize, fault: Fault) {
        self.shared.faults.lock().unwrap().insert(number, fault);
    }
}

fn serve<S: Service>(mut stream: TcpStream, service: &S, shared: &Shared) {
    let Ok(clone) = stream.try_clone() else { return };
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(clone);
    while let Some(request) = Request::read(&mut reader) {
        let response = if request.path == "/fake/requests" {
            // For measurements: the number of requests since the last time.
            let requests = std::mem::take(&mut *shared.log.lock().unwrap()).len();
            Response::json(200, &serde_json::json!(requests))
        } else if service.is_counted(&request) {
            faulty(service, shared, &request)
        } else {
            service.answer(&request)
        };
        let is_over = response.write(&mut stream).is_err() || response.cut_at.is_some();
        if is_over {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

/// The answer, unless a fault applies to the request.
fn faulty<S: Service>(service: &S, shared: &Shared, request: &Request) -> Response {
    shared.log.lock().unwrap().push(format!("{} {}", request.method, request.target));
    let number = {
        let mut numbers = shared.numbers.lock().unwrap();
        let next = numbers.len();
        *numbers.entry(request.target.clone()).or_insert(next)
    };
    let mut faults = shared.faults.lock().unwrap();
    let Some(fault) = faults.get_mut(&number) else {
        drop(faults);
        return service.answer(request);
    };
    shared.faulted.lock().unwrap().push(request.target.clone());
    let failed = |status: u16, headers: &[(String, String)], body: &str| Response {
        status,
        headers: headers.to_vec(),
        body: body.as_bytes().to_vec(),
        cut_at: None,
    };
    match fault {
        Fault::Cut => {
            let response = service.answer(request);
            let half = response.body.len() / 2;
            Response { cut_at: Some(half), ..response }
        }
        Fault::Status(status, headers, body) => failed(*status, headers, body),
        Fault::Times(0, ..) => service.answer(request),
        Fault::Times(times, status, headers, body) => {
            *times -= 1;
            failed(*status, headers, body)
        }
        Fault::Body(body) => failed(200, &[("content-type".to_owned(), "application/json".to_owned())], body),
        Fault::NextAt(next) => {
            let mut response = service.answer(request);
            service.link(&mut response, next);
            response
        }
        Fault::NextIsSame => {
            let mut response = service.answer(request);
            let host = request.header("host").unwrap_or_default();
            service.link(&mut response, &format!("http://{host}{}", request.target));
            response
        }
        Fault::TokenExpired => {
            faults.remove(&number);
            drop(faults);
            failed(401, &[], "{}")
        }
    }
}

/// A private key and its certificate as PEM, made once.
pub fn key_and_certificate() -> (&'static str, &'static str) {
    static MADE: OnceLock<(String, String)> = OnceLock::new();
    let (key, certificate) = MADE.get_or_init(|| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["umapi-sync".to_owned()]).expect("parameters");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        (key.serialize_pem(), certificate.pem())
    });
    (key, certificate)
}

/// The public key of the [private one](key_and_certificate) as PEM.
pub fn public_key() -> &'static str {
    static MADE: OnceLock<String> = OnceLock::new();
    MADE.get_or_init(|| rcgen::KeyPair::from_pem(key_and_certificate().0).expect("a key").public_key_pem())
}
