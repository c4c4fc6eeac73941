//! Programs of other projects that are measured for comparison.

use std::{
    fs::File,
    io::Write,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use umapi_time::Clock;

use crate::emulator::Emulator;

/// Where the peers are installed. The tables omit missing peers.
#[derive(Args, Clone, Debug)]
pub(crate) struct Peers {
    /// A Python with PyPI's `umapi-client`.
    #[arg(long)]
    pub(crate) python: Option<PathBuf>,
    /// The program of npm's `@stoplight/prism-cli`.
    #[arg(long)]
    pub(crate) prism: Option<PathBuf>,
}

/// The figures that a measured process prints at its end. Each process prints a part of them.
#[derive(Debug, Deserialize)]
pub(crate) struct Figures {
    #[serde(default)]
    pub(crate) users: usize,
    #[serde(default)]
    pub(crate) requests: usize,
    #[serde(default)]
    pub(crate) completed: usize,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
}

impl Figures {
    /// Runs a process to its end and reads the last line of its output.
    pub(crate) fn of(command: &mut Command) -> Result<Self> {
        let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {command:?}"))?;
        ensure!(output.status.success(), "{:?} failed", command.get_program());
        let text = String::from_utf8(output.stdout)?;
        serde_json::from_str(text.lines().last().unwrap_or_default()).context("a measured process prints its figures")
    }
}

/// Runs a program of `tests/bench/peers` against an emulator, with PyPI's `umapi-client`.
pub(crate) fn python(python: &Path, script: &str, emulator: &Emulator, arguments: &[&str]) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peers");
    let address = &emulator.address;
    let mut command = Command::new(python);
    command.arg(scripts.join(script)).args(arguments).env("REQUESTS_CA_BUNDLE", &emulator.ca_path).args([
        "--endpoint",
        &address.um_url,
        "--ims-host",
        &emulator.login_host,
        "--organization",
        &address.organization,
        "--client-id",
        &address.client_id,
        "--client-secret",
        &address.client_secret,
    ]);
    command
}

/// Runs `command` with `input` on its standard input.
pub(crate) fn with_input(command: &mut Command, folder: &Path, input: &[u8]) -> Result<Figures> {
    let path = folder.join("input.jsonl");
    File::create(&path)?.write_all(input)?;
    Figures::of(command.stdin(File::open(&path)?))
}

/// A Prism server with the same description. Dropping it ends the process.
pub(crate) struct Prism {
    process: Child,
    pub(crate) address: String,
    pub(crate) started_in: Duration,
}

impl Prism {
    pub(crate) async fn start(program: &Path) -> Result<Self> {
        let description = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/dist/umapi.json");
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let clock = Clock::real();
        let begun = clock.now();
        let process = Command::new(program)
            .args(["mock", "--host", "127.0.0.1", "--port", &port.to_string(), "--verboseLevel", "silent"])
            .arg(description)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start prism")?;
        let address = format!("127.0.0.1:{port}");
        let mut prism = Self { process, address, started_in: Duration::ZERO };
        while TcpStream::connect(&prism.address).is_err() {
            ensure!(clock.now() - begun < Duration::from_secs(60), "prism does not listen after one minute");
            clock.sleep(Duration::from_millis(10)).await;
        }
        prism.started_in = clock.now() - begun;
        Ok(prism)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
