//! Real servers for tests: Redis and Valkey, on a free port, with data that ends with them.
#![allow(dead_code, reason = "the tests of the crate and those beside it use different parts")]
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

/// The programs that can be started: Redis first, then Valkey. Says which one is missing.
pub(crate) fn engines() -> Vec<PathBuf> {
    let valkey = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/valkey/valkey-server");
    let candidates = [
        ("Redis", vec![PathBuf::from("redis-server")], "apt-get install redis-server"),
        ("Valkey", vec![PathBuf::from("valkey-server"), valkey], ".ci/run installs it"),
    ];
    let mut found = Vec::new();
    for (name, programs, remedy) in candidates {
        let runs = |program: &PathBuf| {
            Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
        };
        match programs.into_iter().find(runs) {
            Some(program) => found.push(program),
            None => println!("skipped: {name} is not installed ({remedy})"),
        }
    }
    found
}

/// A server. It ends when it is dropped.
pub(crate) struct Server {
    program: PathBuf,
    folder: TempDir,
    options: Vec<String>,
    pub(crate) port: u16,
    process: Child,
}

impl Server {
    /// Starts the first engine that is installed, with further options.
    pub(crate) fn start() -> Option<Self> {
        engines().first().map(|program| Self::of(program, |_| Vec::new()))
    }

    /// Starts an engine with the options that belong to a folder.
    pub(crate) fn of(program: &Path, options: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path());
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = spawn(program, folder.path(), port, &options);
            // Otherwise another process took the port.
            if answers(&mut process, port) {
                return Self { program: program.to_owned(), folder, options, port, process };
            }
        }
        panic!("{} does not start", program.display());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command, e.g. `["SCRIPT", "FLUSH"]`.
    #[track_caller]
    pub(crate) fn run<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().unwrap();
        let mut sent = redis::cmd(command[0]);
        sent.arg(&command[1..]);
        sent.query(&mut connection).unwrap()
    }

    /// The names of all keys.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.run(&["KEYS", "umapi:*"])
    }

    /// Kills the server. Its data is lost.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, empty, on the same port.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(&self.program, self.folder.path(), self.port, &self.options);
        assert!(answers(&mut self.process, self.port), "it does not start again");
    }

    /// Sends it a signal, e.g. `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        signal_process(self.process.id(), signal);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a server answers on a port. `false` if it ended.
fn answers(process: &mut Child, port: u16) -> bool {
    for _ in 0..500 {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        let answer = redis::Client::open(format!("redis://127.0.0.1:{port}")).and_then(|client| {
            let mut connection = client.get_connection_with_timeout(Duration::from_millis(500))?;
            redis::cmd("PING").query::<redis::Value>(&mut connection)
        });
        match answer {
            Ok(_) => return true,
            // It answers, and wants a login.
            Err(error) if !error.is_io_error() => return true,
            Err(_) => wait(20),
        }
    }
    panic!("it does not answer");
}

fn spawn(program: &Path, folder: &Path, port: u16, options: &[String]) -> Child {
    Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

pub(crate) fn signal_process(process: u32, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[expect(clippy::disallowed_methods, reason = "the servers are real")]
pub(crate) fn wait(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}
