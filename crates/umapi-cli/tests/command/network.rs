//! Proxies, certificates and servers that cannot be reached, or that send secrets back.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use umapi_emulator::LimitSettings;

use crate::stage::{Ended, Stage, ended, ended_with, text};

/// A stage whose emulator speaks TLS, as the service does.
fn with_tls() -> Stage {
    Stage::with(|builder| builder.limits(LimitSettings::off()).https())
}

/// The command with the addresses of TLS. Its certificate is trusted or not.
fn command(stage: &Stage, is_trusted: bool) -> Command {
    let mut command = stage.command();
    command.env("UMAPI_URL", stage.emulator.um_https_url().unwrap());
    command.env("UMAPI_IMS_URL", stage.emulator.ims_https_url().unwrap());
    if is_trusted {
        command.env("UMAPI_ROOT_CERTIFICATES", stage.file("ca.pem", stage.emulator.ca_pem().unwrap()));
    }
    command
}

/// A command that needs no look-up.
const ADD: &str = "{\"user\":\"ann@example.com\",\"do\":[{\"add\":{\"group\":[\"Design\"]}}]}\n";

/// Reads the head of a request, and what came with it.
fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&read).into_owned(), rest));
        }
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&bytes[..count]);
    }
}

/// A proxy on this machine. It keeps the heads of the requests that it gets.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy that answers with this status, unless it is 200, or unless the request has this header.
    fn start(status: u16, unless: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = proxy.heads.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heads = heads.clone();
                thread::spawn(move || tunnel(stream, status, unless, &heads));
            }
        });
        proxy
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn tunnel(mut stream: TcpStream, status: u16, unless: Option<&str>, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    let (head, _) = read_head(&mut stream)?;
    let is_open = status == 200 || unless.is_some_and(|header| head.contains(header));
    heads.lock().unwrap().push(head.clone());
    if !is_open {
        return stream.write_all(format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n").as_bytes());
    }
    let target = head.split_whitespace().nth(1).unwrap_or_default();
    let mut server = TcpStream::connect(target)?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from, mut to) = (server.try_clone()?, stream.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    io::copy(&mut stream, &mut server)?;
    server.shutdown(std::net::Shutdown::Both)
}

#[test]
fn an_unreadable_proxy_variable_exits_with_2() {
    let stage = Stage::new();
    for (name, value) in [
        ("HTTPS_PROXY", "http://dom\\user:planted@127.0.0.1:1"),
        ("https_proxy", "\"http://127.0.0.1:1\""),
        ("ALL_PROXY", "http//127.0.0.1:1"),
        ("all_proxy", "xyz://127.0.0.1:1"),
        ("HTTPS_PROXY", " "),
        ("http_proxy", "http://127.0.0.1 :1"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1"),
    ] {
        let failed = ended(stage.command().env(name, value).args(["users", "list"])).with_code(2).saying(name);
        assert!(!failed.err.contains("planted"), "{}", failed.err);
    }
    assert!(stage.emulator.journal().all().is_empty(), "nothing goes past the proxy");
    // The temporary emulator is reached without a proxy.
    ended(stage.bare_command().env("HTTPS_PROXY", " ").args(["--emulator", "users", "list"])).done();
}

#[test]
fn an_unreadable_log_variable_exits_with_2() {
    let stage = Stage::new();
    ended(stage.command().env("UMAPI_LOG", "umapi=loud").args(["users", "list"])).with_code(2).saying("UMAPI_LOG");
    ended(stage.command().env("UMAPI_LOG", "umapi=info").args(["users", "list"])).done();
}

#[test]
fn a_proxy_of_the_environment_is_used_with_its_login() {
    let stage = with_tls();
    let proxy = Proxy::start(407, Some("proxy-authorization: Basic ZG9tXGFubjpwQHNzJTQx\r\n"));
    let url = format!("http://dom%5Cann:p%40ss%2541@{}", proxy.address);
    ended(command(&stage, true).env("HTTPS_PROXY", &url).args(["auth", "check"])).done();
    assert!(proxy.heads().iter().all(|head| head.starts_with("CONNECT 127.0.0.1:")), "{:?}", proxy.heads());
    let used = proxy.heads().len();
    assert!(used >= 1);
    let direct = |list: &str| {
        ended(command(&stage, true).env("HTTPS_PROXY", &url).env("no_proxy", list).args(["auth", "check"]))
    };
    direct("example.com; 127.0.0.0/8").done();
    assert_eq!(proxy.heads().len(), used);
    let wrong = format!("http://ann:planted@{}", proxy.address);
    let failed = ended(command(&stage, true).env("HTTPS_PROXY", wrong).args(["auth", "check"])).with_code(5);
    let failed =
        failed.saying(&format!("the proxy http://{} (HTTPS_PROXY) rejects its user or password", proxy.address));
    assert!(!failed.err.contains("planted") && !failed.err.contains("was rejected"), "{}", failed.err);
}

#[test]
fn an_error_names_the_proxy_that_was_used() {
    let stage = with_tls();
    let check = |proxy: &str| ended(command(&stage, true).env("all_proxy", proxy).args(["auth", "check"])).with_code(5);
    let asking = Proxy::start(407, None).address;
    check(&asking.to_string()).saying(&format!("the proxy http://{asking} (all_proxy) requires a user and a password"));
    let refusing = Proxy::start(403, None).address;
    check(&format!("http://{refusing}"))
        .saying(&format!("the proxy http://{refusing} (all_proxy) does not connect to 127.0.0.1:"));
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    check(&format!("http://{closed}"))
        .saying(&format!("no connection to the proxy http://{closed} (all_proxy): connection refused"));
    check("http://nowhere.invalid:1").saying("the host nowhere.invalid was not found");
}

#[test]
fn an_untrusted_certificate_names_its_issuer_and_the_way_out() {
    let stage = with_tls();
    for (url, what) in [("UMAPI_IMS_URL", "login"), ("UMAPI_URL", "service")] {
        let mut command = stage.command();
        let https = if what == "login" { stage.emulator.ims_https_url() } else { stage.emulator.um_https_url() };
        let failed = ended(command.env(url, https.unwrap()).args(["users", "list"])).with_code(5);
        for part in ["was issued by \"", "root_certificates", "UMAPI_ROOT_CERTIFICATES", "--root-certificates"] {
            assert!(failed.err.contains(part), "{what}: `{part}` is not in {}", failed.err);
        }
    }
    ended(command(&stage, true).args(["users", "list"])).done();
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_root_certificates_can_use_an_emulator() {
    let stage = with_tls();
    let list = |mut command: Command| ended(command.env("SSL_CERT_FILE", "/nowhere/roots.pem").args(["users", "list"]));
    list(stage.command()).done();
    let mut temporary = stage.bare_command();
    temporary.arg("--emulator");
    list(temporary).done();
    // The error comes before anything is sent.
    list(command(&stage, false)).with_code(2).saying("SSL_CERT_FILE").saying("/nowhere/roots.pem");
    let mut only_login = stage.command();
    only_login.env("UMAPI_IMS_URL", stage.emulator.ims_https_url().unwrap());
    list(only_login).with_code(2).saying("SSL_CERT_FILE");
}

#[test]
fn a_server_that_cannot_be_reached_rejects_nothing() {
    let stage = with_tls();
    let check = |name: &str, url: &str| ended(stage.command().env(name, url).args(["auth", "check"])).with_code(5);
    for (url, part) in [
        ("https://nowhere.invalid", "the host nowhere.invalid was not found"),
        ("http://127.0.0.1:1", "no connection to 127.0.0.1:1: connection refused"),
        (&stage.emulator.ims_url().replace("http", "https"), "does not respond with TLS"),
    ] {
        let failed = check("UMAPI_IMS_URL", url).saying("cannot log in").saying(part);
        assert!(!failed.err.contains("reject"), "{}", failed.err);
    }
    let untrusted = stage.emulator.um_https_url().unwrap();
    let failed = check("UMAPI_URL", &untrusted).saying("the login succeeded, but the service cannot be reached");
    assert!(!failed.err.contains("reject"), "{}", failed.err);
    let file = stage.file("adds.ndjson", ADD);
    let run =
        ended(stage.command().env("UMAPI_URL", untrusted).args(["run", text(&file), "-f", "ndjson"])).with_code(5);
    let run = run.saying("1 not sent; 0 requests");
    assert!(run.out.contains("\"outcome\":\"not-sent\"") && run.out.contains("nothing was sent"), "{}", run.out);
    assert!(!run.err.contains("refuse"), "{}", run.err);
}

/// A service and login that sends the access token back in all it says.
fn echoing(response: String) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok((head, mut body)) = read_head(&mut stream) else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            while body.len() < length.parse().unwrap() {
                let mut bytes = [0; 4096];
                let count = stream.read(&mut bytes).unwrap();
                body.extend_from_slice(&bytes[..count]);
            }
            let response = match head.starts_with("POST /ims") {
                true => format!("200 OK\r\n\r\n{{\"access_token\":\"{TOKEN}\",\"expires_in\":86399}}"),
                false => response.clone(),
            };
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            let length = body.len();
            let whole = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(whole.as_bytes());
        }
    });
    address
}

/// A token that does not look like a JWT, and needs escapes.
const TOKEN: &str = "planted/token+of=the~service.0123456789";

fn run_with(stage: &Stage, address: SocketAddr, name: &str) -> Ended {
    let file = stage.file(&format!("{name}.ndjson"), ADD);
    let mut run = stage.command();
    run.env("UMAPI_URL", format!("http://{address}/v2/usermanagement"))
        .env("UMAPI_IMS_URL", format!("http://{address}"));
    run.args(["run", text(&file), "--journal", text(&stage.path(name)), "--max-wait", "1s", "-f", "ndjson", "-vv"]);
    ended_with(&mut run, "")
}

#[test]
fn an_echoed_token_is_on_no_stream_and_in_no_journal() {
    let stage = Stage::new();
    let percent = "planted%2ftoken%2Bof%3Dthe~service.0123456789";
    let json = "planted\\/token\\u002bof\\u003Dthe~service.0123456789";
    for spelled in [TOKEN, percent, json] {
        let cases: [(&str, &str); 5] = [
            (
                "rejected",
                "400 Bad\r\nx-request-id: {token}\r\n\r\n{\"result\":\"error.x\",\"message\":\"token {token}\"}",
            ),
            ("html", "403 Forbidden\r\n\r\n<p>{token}</p>"),
            ("conflict", "409 Conflict\r\n\r\n{\"error_code\":\"{token}\",\"message\":\"Bearer {token}\"}"),
            (
                "entry",
                "200 OK\r\nx-request-id: {token}\r\n\r\n{\"result\":\"error\",\"completed\":0,\"notCompleted\":1,\"errors\":[{\"index\":0,\
                 \"step\":0,\"errorCode\":\"error.x\",\"message\":\"{token}\",\"user\":\"ann@example.com\",\"debug\":\"{token}\"}]}",
            ),
            ("other", "200 OK\r\n\r\n{\"unexpected\":\"{token}\"}"),
        ];
        for (name, response) in cases {
            let address = echoing(response.replace("{token}", spelled));
            let journal = format!("{name}-{}", address.port());
            let ran = run_with(&stage, address, &journal);
            assert_ne!(ran.code, Some(0), "{name}: {}", ran.out);
            let kept = std::fs::read(stage.path(&journal)).unwrap();
            let kept = String::from_utf8_lossy(&kept);
            for (place, shown) in [("stdout", ran.out.as_str()), ("stderr", &ran.err), ("the journal", &kept)] {
                assert!(!shown.contains("planted"), "{name}, {place}: {shown}");
            }
            let is_shown = !["html", "other"].contains(&name);
            assert_eq!(ran.out.contains("[redacted]"), is_shown, "{name}: {}{}", ran.out, ran.err);
        }
    }
}
