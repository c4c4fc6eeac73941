//! Programs that print people.

use std::{process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};
use umapi_time::Clock;

use crate::{
    directory::{Directory, DirectoryError, Query, ReadFuture, Reading},
    extent::GapCause,
    person::Person,
    record::{Collector, Record},
    settings::ExecSettings,
};

/// How long a program may run by default.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The longest line that is read.
const MAX_LINE: usize = 16 << 20;

/// How much of what a program says about its failure is kept.
const MAX_MESSAGE: u64 = 4096;

/// A program that prints people as NDJSON: one object on each line.
///
/// | line | meaning |
/// | --- | --- |
/// | `{"email": "ann@example.com", "groups": ["Artists"]}` | a person; `id`, `enabled` and any other attribute |
/// | `{"group": "Artists"}` | a group that exists, with members or without |
/// | `{"gap": "the server cut the list"}` | a part of the lists is missing |
/// | `{"complete": true}` | the last line: these were all |
///
/// Without the last line, after a failure, and after the time is up, the lists are not whole.
#[derive(Clone, Debug)]
pub struct ExecDirectory {
    settings: ExecSettings,
    clock: Clock,
}

/// How a program ended.
enum End {
    Closed,
    TimedOut,
    Overlong,
}

impl ExecDirectory {
    /// The program of these settings.
    pub fn new(settings: ExecSettings, clock: Clock) -> Self {
        Self { settings, clock }
    }

    fn start(&self) -> Result<Child, DirectoryError> {
        let [program, arguments @ ..] = self.settings.command.as_slice() else {
            return Err(DirectoryError::setting("exec", "`command` is empty", "name the program and its arguments"));
        };
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let reason = match error.kind() {
                    std::io::ErrorKind::NotFound => "there is no such program".to_owned(),
                    std::io::ErrorKind::PermissionDenied => "this user may not run it".to_owned(),
                    kind => kind.to_string(),
                };
                DirectoryError::setting(
                    program,
                    reason,
                    "check `command`: the first entry is the program, and no shell reads it",
                )
            })
    }

    async fn run(&self, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Result<Reading, DirectoryError> {
        let mut child = self.start()?;
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(DirectoryError::setting("exec", "its output cannot be read", "try again"));
        };
        let program = self.settings.command.first().map_or("", String::as_str);
        let mut collector = Collector::new(take, None);
        let mut is_complete = false;
        let timeout = self.settings.timeout.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.into()));
        let mut lines = BufReader::new(stdout);
        let messages = tokio::spawn(async move {
            let mut text = Vec::new();
            let _ = (&mut stderr).take(MAX_MESSAGE).read_to_end(&mut text).await;
            // The rest is read too, or the program waits for a reader.
            let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            String::from_utf8_lossy(&text).trim().to_owned()
        });
        let reading = async {
            let mut line = Vec::new();
            for number in 1_u64.. {
                line.clear();
                let mut limited = (&mut lines).take(MAX_LINE as u64);
                match limited.read_until(b'\n', &mut line).await {
                    Ok(0) | Err(_) => return End::Closed,
                    Ok(length) if length == MAX_LINE => return End::Overlong,
                    Ok(_) => {}
                }
                if !line.iter().all(u8::is_ascii_whitespace) {
                    is_complete = take_line(&line, format!("{program}, line {number}"), &mut collector);
                }
            }
            End::Closed
        };
        let end = self.clock.timeout(timeout, reading).await.unwrap_or(End::TimedOut);
        let status = match end {
            End::Closed => self.clock.timeout(timeout, child.wait()).await.ok().and_then(Result::ok),
            End::TimedOut | End::Overlong => None,
        };
        let _ = child.start_kill();
        match (end, status) {
            (End::TimedOut, _) => {
                collector.gap(GapCause::TimeLimit, format!("{program} ran for {} seconds", timeout.as_secs()));
            }
            (End::Overlong, _) => {
                collector
                    .gap(GapCause::Unreadable, format!("{program} printed a line of more than {} MiB", MAX_LINE >> 20));
            }
            (End::Closed, Some(status)) if status.success() && is_complete => {}
            (End::Closed, Some(status)) if status.success() => {
                collector
                    .gap(GapCause::Interrupted, format!("{program} did not end its list with {{\"complete\": true}}"));
            }
            (End::Closed, _) => {
                let message = messages.await.unwrap_or_default();
                let message = message.lines().last().unwrap_or_default();
                let detail =
                    format!("{program} failed: {}", if message.is_empty() { "it said nothing" } else { message });
                collector.gap(GapCause::Interrupted, detail);
            }
        }
        Ok(collector.finish(query))
    }
}

/// Takes a line. Returns whether it says that the list is complete.
fn take_line(line: &[u8], place: String, collector: &mut Collector<'_>) -> bool {
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            collector.unreadable(&place, format!("it is not JSON (column {})", error.column()));
            return false;
        }
    };
    if let Some((key, value)) =
        value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next())
    {
        match (key.as_str(), value) {
            ("complete", Value::Bool(is_complete)) => return *is_complete,
            ("group", Value::String(name)) => {
                collector.group(name);
                return false;
            }
            ("gap", Value::String(reason)) => {
                collector.gap(GapCause::Interrupted, reason);
                return false;
            }
            _ => {}
        }
    }
    match Record::from_json(&value, "groups") {
        Ok(record) => collector.record(place, record),
        Err(reason) => collector.unreadable(&place, reason),
    }
    false
}

impl Directory for ExecDirectory {
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(self.run(query, take))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn run(script: &str, timeout: Option<u32>) -> Result<(usize, Reading), DirectoryError> {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let directory = ExecDirectory::new(ExecSettings { command, timeout }, Clock::real());
        let query = Query::default();
        let mut count = 0;
        let mut take = |_| count += 1;
        let reading = directory.read(&query, &mut take).await?;
        Ok((count, reading))
    }

    const ANN: &str = r#"echo '{"email":"ann@b.c","groups":["Artists"]}'; "#;

    #[tokio::test]
    async fn only_the_last_line_makes_the_list_whole() {
        let (count, reading) = run(&format!("{ANN} echo '{{\"complete\":true}}'"), None).await.unwrap();
        assert_eq!((count, reading.people.complete().is_ok()), (1, true));
        for (script, part) in [
            (ANN.to_owned(), "did not end its list"),
            (format!("echo '{{\"complete\":true}}'; {ANN}"), "did not end its list"),
            (format!("{ANN} echo '{{\"complete\":true}}'; echo no >&2; exit 3"), "failed: no"),
            (format!("{ANN} echo '{{\"gap\":\"half\"}}'; echo '{{\"complete\":true}}'"), "half"),
            (format!("{ANN} echo oops; echo '{{\"complete\":true}}'"), "it is not JSON"),
            (format!("{ANN} kill -9 $$"), "failed: it said nothing"),
        ] {
            let (count, reading) = run(&script, None).await.unwrap();
            assert_eq!(count, 1, "{script}");
            assert!(reading.people.gaps()[0].detail.contains(part), "{script}: {:?}", reading.people.gaps());
            assert!(reading.groups["Artists"].members.complete().is_err(), "{script}");
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_stopped() {
        let (count, reading) = run(&format!("{ANN} sleep 600"), Some(1)).await.unwrap();
        assert_eq!((count, reading.people.gaps()[0].cause), (1, GapCause::TimeLimit));
    }

    #[tokio::test]
    async fn a_program_that_does_not_exist_is_an_error() {
        let settings = ExecSettings { command: vec!["/no/such/program".to_owned()], timeout: None };
        let directory = ExecDirectory::new(settings, Clock::real());
        let error = directory.read(&Query::default(), &mut |_| {}).await.unwrap_err();
        assert_eq!(error.to_string(), "/no/such/program: there is no such program");
    }
}
