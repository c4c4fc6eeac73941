//! The command from outside: its ready line, its signals, and its errors.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failed expectation must fail the test")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_umapi-emulator"));
    command.args(arguments);
    command
}

/// A serving command, killed at the end of the test.
struct Serving {
    child: Child,
    ready: Value,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { ready: serde_json::from_str(&line).unwrap(), child }
    }

    fn text(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {}", self.ready))
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// A client that trusts the authority of the ready line.
    fn client(&self) -> reqwest::Client {
        let ca = std::fs::read(self.text("/caPath")).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap()
    }

    async fn token(&self, client: &reqwest::Client) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.text("/credentials/clientId")),
            ("client_secret", self.text("/credentials/clientSecret")),
            ("scope", self.text("/credentials/scopes")),
        ];
        let url = format!("{}/ims/token/v3", self.text("/imsHttpsUrl"));
        let granted: Value = client.post(url).form(&form).send().await.unwrap().json().await.unwrap();
        granted["access_token"].as_str().unwrap().to_owned()
    }

    async fn users(&self) -> Value {
        let client = self.client();
        let url = format!("{}/users/{}/0", self.text("/umHttpsUrl"), self.text("/organization"));
        let request = client.get(url).bearer_auth(self.token(&client).await);
        let request = request.header("X-Api-Key", self.text("/credentials/clientId"));
        request.send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rejected(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(!status.success() && stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

// The connections of the client are served while the test waits for the end.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_ready_line_suffices_and_signals_stop_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let mut serving = Serving::start(&mut command(&[]));
        assert_eq!(serving.users().await["users"].as_array().unwrap().len(), 9);
        let ca = serving.text("/caPath").to_owned();
        assert_eq!(serving.signal(signal), Some(0), "{signal}");
        assert!(!std::path::Path::new(&ca).exists(), "the folder was temporary");
    }
}

// Linux has all of 127/8, so that another loopback address can stand for another machine.
#[cfg(target_os = "linux")]
#[test]
fn only_this_machine_reaches_it_by_default() {
    let is_open_elsewhere = |serving: &Serving, url: &str| {
        let port = serving.text(url).split(':').nth(2).and_then(|rest| rest.split('/').next()).unwrap();
        std::net::TcpStream::connect(("127.0.0.2", port.parse().unwrap())).is_ok()
    };
    let default = Serving::start(&mut command(&[]));
    let open = Serving::start(&mut command(&["--listen", "0.0.0.0"]));
    for url in ["/umUrl", "/umHttpsUrl", "/imsHttpsUrl", "/managementUrl"] {
        assert!(!is_open_elsewhere(&default, url), "{url}");
        assert!(is_open_elsewhere(&open, url), "{url}");
    }
}

#[tokio::test]
async fn options_and_environment_are_used() {
    let mut command = command(&["--users", "30", "--groups", "3", "--profiles", "2", "--seed", "42"]);
    let serving =
        Serving::start(command.env("UMAPI_EMULATOR_PAGE_SIZE", "20").env("UMAPI_EMULATOR_NO_MANAGEMENT", "yes"));
    let page = serving.users().await;
    assert_eq!((page["users"].as_array().unwrap().len(), &page["lastPage"]), (20, &Value::Bool(false)));
    assert!(serving.ready.get("managementUrl").is_none() && serving.ready.get("consoleUrl").is_none());
}

#[tokio::test]
async fn the_console_is_served_also_without_a_browser() {
    let serving = Serving::start(command(&["--open"]).env("PATH", "").env_remove("BROWSER"));
    let console = reqwest::get(serving.text("/consoleUrl")).await.unwrap();
    assert_eq!(console.status(), 200);
    assert!(console.text().await.unwrap().contains("<h1>Requests</h1>"));
}

#[tokio::test]
async fn the_authority_and_the_state_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, data) = (folder.path().join("ca"), folder.path().join("state.db"));
    let arguments = ["--ca-dir", ca.to_str().unwrap(), "--data", data.to_str().unwrap(), "--no-http"];
    let first = Serving::start(&mut command(&arguments));
    let trusted = first.client();
    assert_eq!(first.text("/umUrl"), first.text("/umHttpsUrl"));
    drop(first);
    let second = Serving::start(&mut command(&arguments));
    assert!(!second.token(&trusted).await.is_empty(), "the second uses the same authority");
}

#[test]
fn invalid_values_are_rejected_with_a_message() {
    let error = rejected(&mut command(&["--limits", "some"]));
    assert!(error.contains("--limits") && error.contains("documented"), "{error}");
    let error = rejected(command(&[]).env("UMAPI_EMULATOR_HTTP", "eighty"));
    assert!(error.contains("--http") && error.contains("eighty"), "{error}");
    let error = rejected(command(&[]).env("UMAPI_EMULATOR_LOOSE", "perhaps"));
    assert!(error.contains("--loose"), "{error}");
    let error = rejected(&mut command(&["--seed", "/nowhere/seed.yaml"]));
    assert!(error.contains("/nowhere/seed.yaml"), "{error}");
    let error = rejected(&mut command(&["--seed", "42"]));
    assert!(error.contains("--users"), "{error}");
    let error = rejected(&mut command(&["--time", "noon"]));
    assert!(error.contains("2026-01-01T00:00:00Z"), "{error}");
    let error = rejected(&mut command(&["--groups", "5"]));
    assert!(error.contains("--users"), "{error}");
}

#[test]
fn an_invalid_seed_names_the_location() {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), "organizations: [{id: 1A@AdobeOrg, users: [{type: adobeID, email: none}]}]").unwrap();
    let error = rejected(&mut command(&["--seed", file.path().to_str().unwrap()]));
    assert!(error.contains("/organizations/0/users/0"), "{error}");
}

#[tokio::test]
async fn the_emulator_serves_after_its_readers_have_gone() {
    let mut child = command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let serving = Serving { ready: serde_json::from_str(&line).unwrap(), child };
    assert_eq!(serving.users().await["users"].as_array().unwrap().len(), 9);
}

#[tokio::test]
async fn the_end_of_input_stops_it_if_asked_to() {
    let mut serving = Serving::start(command(&["--exit-on-eof"]).stdin(Stdio::piped()));
    let mut input = serving.child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"input is ignored\n").unwrap();
    assert_eq!(serving.users().await["users"].as_array().unwrap().len(), 9);
    drop(input);
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
    assert!(!std::path::Path::new(serving.text("/caPath")).exists(), "the folder was temporary");
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_while_input_is_open() {
    let mut serving = Serving::start(command(&["--exit-on-eof"]).stdin(Stdio::piped()));
    // Waiting for the process closes its input.
    let input = serving.child.stdin.take();
    assert_eq!(serving.signal("-TERM"), Some(0));
    drop(input);
}

#[tokio::test]
async fn closed_input_is_ignored_by_default() {
    let serving = Serving::start(command(&[]).stdin(Stdio::null()));
    assert_eq!(serving.users().await["users"].as_array().unwrap().len(), 9);
}

#[test]
fn the_manual_page_and_completions_are_printed() {
    for (kind, part) in [("man", ".TH umapi-emulator"), ("bash", "complete -F"), ("zsh", "#compdef umapi-emulator")] {
        let output = command(&["--generate", kind]).env("UMAPI_EMULATOR_LOG", "warn").output().unwrap();
        // Manual pages escape the hyphens of options.
        let text = String::from_utf8(output.stdout).unwrap().replace(r"\-", "-");
        assert!(output.status.success() && text.contains(part) && text.contains("exit-on-eof"), "{kind}: {text}");
    }
}

#[test]
fn a_data_file_in_use_names_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("state.db");
    let arguments = ["--data", data.to_str().unwrap(), "--no-https"];
    let serving = Serving::start(&mut command(&arguments));
    let error = rejected(&mut command(&arguments));
    assert!(error.contains(&format!("process {}", serving.child.id())), "{error}");
    drop(serving);
    std::fs::write(&data, "notes").unwrap();
    assert!(rejected(&mut command(&arguments)).contains("not a data file of the emulator"));
    assert_eq!(std::fs::read(&data).unwrap(), b"notes");
}

#[test]
fn the_schema_of_seeds_is_printed() {
    let output = command(&["schema"]).output().unwrap();
    assert!(output.status.success());
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema.pointer("/properties/organizations").is_some());
}

#[test]
fn schema_ends_quietly_when_the_reader_closes_the_pipe() {
    let mut child = command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
