//! The other processes: this test program again, with a task in its environment.

use std::{
    future::IntoFuture as _,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use umapi::time::Clock;

use crate::{
    server::wait,
    stage::{Access, create},
};

const TASK: &str = "UMAPI_REDIS_TASK";
const ACCESS: &str = "UMAPI_REDIS_ACCESS";
const NUMBER: &str = "UMAPI_REDIS_NUMBER";
/// The process begins when this file is there.
const BEGIN: &str = "UMAPI_REDIS_BEGIN";
const SECONDS: &str = "UMAPI_REDIS_SECONDS";

/// Lets one test at a time start many processes: they would slow each other down.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}

/// A group of processes that begin at the same time.
pub(crate) struct Workers {
    folder: tempfile::TempDir,
    processes: Vec<Child>,
}

impl Workers {
    pub(crate) fn start(task: &str, count: usize, access: &Access, seconds: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spawn = |number: usize| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "worker::does_its_task", "--nocapture", "--test-threads", "1"])
                .env(TASK, task)
                .env(ACCESS, serde_json::to_string(access).unwrap())
                .env(NUMBER, number.to_string())
                .env(SECONDS, seconds.to_string())
                .env(BEGIN, folder.path().join("begin"))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let processes: Vec<Child> = (0..count).map(spawn).collect();
        Self { folder, processes }
    }

    /// Lets all of them begin, once they have started.
    pub(crate) fn begin(&self) {
        let ready = || std::fs::read_dir(self.folder.path()).unwrap().count();
        for _ in 0..6000 {
            if ready() == self.processes.len() {
                break;
            }
            wait(10);
        }
        assert_eq!(ready(), self.processes.len(), "not every process has started");
        std::fs::write(self.folder.path().join("begin"), "").unwrap();
    }

    /// The id of the first process.
    pub(crate) fn first(&self) -> u32 {
        self.processes[0].id()
    }

    pub(crate) fn count(&self) -> usize {
        self.processes.len()
    }

    /// Waits for all of them. Returns what each printed after `my result:`.
    pub(crate) fn results(self) -> Vec<Option<String>> {
        let outputs = self.processes.into_iter().map(|process| process.wait_with_output().unwrap());
        outputs.map(|output| result_of(&output)).collect()
    }
}

fn result_of(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = text.lines().find_map(|line| Some(line.split_once("my result: ")?.1.to_owned()));
    if result.is_none() && output.status.code().is_some() {
        panic!("no result: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    result
}

/// Does nothing in a run of the tests.
#[test]
fn does_its_task() {
    let Ok(task) = std::env::var(TASK) else { return };
    let variable = |name: &str| std::env::var(name).unwrap();
    let access: Access = serde_json::from_str(&variable(ACCESS)).unwrap();
    let (number, seconds) = (variable(NUMBER), variable(SECONDS).parse().unwrap());
    let begin = std::path::PathBuf::from(variable(BEGIN));
    std::fs::write(begin.with_file_name(&number), "").unwrap();
    while !begin.exists() {
        wait(2);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async {
        match task.as_str() {
            "requests" => requests(&access, &number, Duration::from_secs(seconds)).await.to_string(),
            "token" => match access.tokens(&access.redis()).token().await {
                Ok(token) => format!("token {}", token.reveal().len()),
                Err(error) => format!("error {error}"),
            },
            other => panic!("unknown task {other}"),
        }
    });
    println!("my result: {result}");
}

/// Sends one action request after the other for a time. Returns how many were answered.
async fn requests(access: &Access, number: &str, time: Duration) -> usize {
    let (clock, client) = (Clock::real(), access.client(&access.redis(), 10));
    let end = clock.now() + time;
    for call in 0.. {
        let name = format!("w{number}-{call}");
        let run = clock.timeout(end - clock.now(), client.execute([create(&name)]).into_future()).await;
        match run {
            Ok(report) => assert!(report.unwrap().is_success()),
            Err(_) => return call,
        }
    }
    unreachable!("it ends after its time")
}
