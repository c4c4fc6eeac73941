//! An emulator, and the command as a process beside it.

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use umapi_emulator::{Builder, Emulator, LimitSettings};

/// An emulator of its own, a folder of its own, and the command with the environment that leads to both.
pub(crate) struct Stage {
    // Dropped in this order: the emulator needs its runtime.
    pub(crate) emulator: Emulator,
    folder: TempDir,
    _runtime: Runtime,
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Stage {
    /// With the default organization, and no limits.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder.limits(LimitSettings::off()))
    }

    pub(crate) fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let emulator = runtime.block_on(set(Emulator::builder()).start()).unwrap();
        Self { emulator, folder: tempfile::tempdir().unwrap(), _runtime: runtime }
    }

    /// A path in the folder of the stage.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder of the stage.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command, with a login by environment variables and no pace.
    pub(crate) fn command(&self) -> Command {
        let credentials = self.emulator.credentials();
        let mut command = self.bare_command();
        command
            .env("UMAPI_ORG_ID", self.emulator.org_id())
            .env("UMAPI_CLIENT_ID", &credentials.client_id)
            .env("UMAPI_CLIENT_SECRET", &credentials.client_secret)
            .env("UMAPI_IMS_URL", self.emulator.ims_url())
            .env("UMAPI_URL", self.emulator.um_url())
            .arg("--no-rate-limit");
        command
    }

    /// The command, with no login at all.
    pub(crate) fn bare_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_umapi"));
        command
            .env_clear()
            .env("UMAPI_CONFIG", self.path("config.toml"))
            .env("TZ", "UTC")
            .current_dir(self.folder.path());
        command
    }

    /// Calls the command with a login, and nothing on stdin.
    pub(crate) fn umapi<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        ended(self.command().args(arguments))
    }

    /// The same with something on stdin.
    pub(crate) fn umapi_with<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &str) -> Ended {
        ended_with(self.command().args(arguments), input)
    }

    /// The groups of a user, as the service knows them.
    pub(crate) fn groups_of(&self, user: &str) -> Vec<String> {
        let shown: serde_json::Value = self.umapi(["users", "get", user, "-f", "json"]).done().json();
        let mut groups: Vec<String> =
            shown["groups"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect();
        groups.sort_unstable();
        groups
    }
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    ended_with(command, "")
}

pub(crate) fn ended_with(command: &mut Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // What does not fit into the pipe waits until the command reads it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ended::of(output)
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Ends as all was done.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.with_code(0)
    }

    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Says this on stderr.
    #[track_caller]
    pub(crate) fn saying(self, part: &str) -> Self {
        assert!(self.err.contains(part), "`{part}` is not in: {}", self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The lines of stdout.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }

    /// The records of CSV, without the header.
    pub(crate) fn csv(&self) -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_reader(self.out.as_bytes());
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }
}

/// Lets another process work for a while, which has no clock of ours.
#[expect(clippy::disallowed_methods, reason = "real time is what another process runs in")]
pub(crate) fn wait(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

/// Text of a path.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
