//! The test stage: an emulator, and the command as a process with access to it.

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use umapi_emulator::{Builder, Emulator, LimitSettings};

/// An emulator, a folder, and the command with the environment for both.
pub(crate) struct Stage {
    // Fields are dropped in this order, and the emulator needs its runtime.
    pub(crate) emulator: Emulator,
    folder: TempDir,
    _runtime: Runtime,
}

/// The result of a call.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Stage {
    /// A stage with the default organization and without rate limits.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder.limits(LimitSettings::off()))
    }

    pub(crate) fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let emulator = runtime.block_on(set(Emulator::builder()).start()).unwrap();
        Self { emulator, folder: tempfile::tempdir().unwrap(), _runtime: runtime }
    }

    /// Returns a path in the folder of the stage.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file to the folder of the stage.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Returns the command with a login in environment variables and without rate limiting.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.cached_command();
        command.arg("--no-rate-limit");
        command
    }

    /// Returns the command with a login in environment variables. Lists come from the cache.
    pub(crate) fn cached_command(&self) -> Command {
        let credentials = self.emulator.credentials();
        let mut command = self.bare_command();
        command
            .env("UMAPI_ORG_ID", self.emulator.org_id())
            .env("UMAPI_CLIENT_ID", &credentials.client_id)
            .env("UMAPI_CLIENT_SECRET", &credentials.client_secret)
            .env("UMAPI_IMS_URL", self.emulator.ims_url())
            .env("UMAPI_URL", self.emulator.um_url());
        command
    }

    /// Returns the command without a login.
    pub(crate) fn bare_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_umapi"));
        command
            .env_clear()
            .env("UMAPI_CONFIG", self.path("config.toml"))
            .env("UMAPI_CACHE_DIR", self.path("cache"))
            .env("TZ", "UTC")
            // Set when coverage is measured. Without it, what the command ran would not count.
            .envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
            .current_dir(self.folder.path());
        command
    }

    /// A profile of the configuration: a login with a secret that is in a file.
    pub(crate) fn profile(&self, name: &str, organization: &str, client: &str, secret: &str) -> String {
        let (server, login) = (self.emulator.um_url(), self.emulator.ims_url());
        format!(
            "[profiles.{name}]\norganization = \"{organization}\"\nclient_id = \"{client}\"\n\
             client_secret = {{ file = \"{secret}\" }}\nserver = \"{server}\"\nlogin_server = \"{login}\"\n"
        )
    }

    /// The profile `main` of the configuration, with the login of the stage. Its secret is written to a file.
    pub(crate) fn main_profile(&self) -> String {
        let credentials = self.emulator.credentials();
        self.file("main-secret", &credentials.client_secret);
        self.profile("main", self.emulator.org_id(), &credentials.client_id, "main-secret")
    }

    /// Runs the command with a login and an empty stdin.
    pub(crate) fn umapi<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        ended(self.command().args(arguments))
    }

    /// Runs the command with a login and this text on stdin.
    pub(crate) fn umapi_with<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &str) -> Ended {
        ended_with(self.command().args(arguments), input)
    }

    /// Returns the groups of a user in the service.
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
    // A thread, because input that does not fit into the pipe waits until the command reads it.
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

    /// Asserts that the call succeeded.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.with_code(0)
    }

    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Asserts that stderr contains this text.
    #[track_caller]
    pub(crate) fn saying(self, part: &str) -> Self {
        assert!(self.err.contains(part), "`{part}` is not in: {}", self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// Returns the lines of stdout.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }

    /// Returns the CSV records of stdout without the header.
    pub(crate) fn csv(&self) -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_reader(self.out.as_bytes());
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }
}

/// Waits for another process, which has no manual clock.
#[expect(clippy::disallowed_methods, reason = "another process runs in real time")]
pub(crate) fn wait(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

/// Returns a path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
