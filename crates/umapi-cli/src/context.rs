//! The context of a call: its options, its clock, and the streams it writes to.

use std::{
    io::{self, BufWriter, Write},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use serde::Serialize;
use umapi::{
    Error, Recorder, RecordingKey,
    auth::Secret,
    time::{Clock, Instant},
};

use crate::{
    failure::{Exit, Failure, Result, exit_of},
    interrupt::Interrupts,
    options::{Format, GlobalArgs},
    output::{
        EscapeStyle, EscapingWriter, Event, Listing, Messages, ProgressKind, ProgressLine, ProgressObserver,
        ProgressSafe, Record, Terminal, escape, write_single,
    },
    summary::{Summary, SummaryFields},
};

/// The variable with the key of a recording that several calls write.
const RECORD_KEY: &str = "UMAPI_RECORD_KEY";

/// The context of a call: its options, its clock, and the streams it writes to.
pub(crate) struct Context {
    pub(crate) global: GlobalArgs,
    pub(crate) clock: Clock,
    /// When the call began, to compare with the times of lists.
    pub(crate) began_at: SystemTime,
    pub(crate) terminal: Terminal,
    pub(crate) messages: Messages,
    pub(crate) interrupts: Interrupts,
    started: Instant,
    /// The number of requests sent.
    requests: Arc<AtomicU64>,
    /// The outcomes of the changes of this call.
    summary: Mutex<Option<Summary>>,
    /// How much a sync did.
    sync: OnceLock<umapi_sync::report::Counts>,
    /// Why outcomes could not be written.
    lost_outcomes: Arc<OnceLock<io::Error>>,
    /// The recording of `--record`, which all connections of the call share.
    recorder: OnceLock<Recorder>,
}

/// How the call ended, for programs: the last line of `--log-format json`.
#[derive(Serialize)]
struct CallSummary {
    exit_code: u8,
    requests: u64,
    seconds: u64,
    #[serde(flatten)]
    changes: Option<SummaryFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<umapi_sync::report::Counts>,
}

/// A list of results on stdout.
pub(crate) type ResultListing<T> = Listing<T, Box<dyn Write + Send>>;

impl Context {
    pub(crate) fn new(global: GlobalArgs, clock: Clock) -> Self {
        let terminal = Terminal::new(global.color);
        let messages = Messages::new(terminal, global.log_format, global.quiet, clock.clone());
        Self {
            global,
            terminal,
            interrupts: Interrupts::new(messages.clone()),
            messages,
            began_at: clock.wall(),
            started: clock.now(),
            clock,
            requests: Arc::default(),
            summary: Mutex::default(),
            sync: OnceLock::new(),
            lost_outcomes: Arc::default(),
            recorder: OnceLock::new(),
        }
    }

    /// Returns the recording of `--record`. On the first call, it creates the file, or joins it with the key of the environment.
    pub(crate) fn recorder(&self) -> Result<Option<Recorder>> {
        let Some(path) = &self.global.record else { return Ok(None) };
        if path.as_os_str() == "-" {
            return Err(Failure::usage(
                "--record cannot write to the standard output, which has the result of the command",
            )
            .remedy("name a file, e.g. --record recording.jsonl"));
        }
        if let Some(recorder) = self.recorder.get() {
            return Ok(Some(recorder.clone()));
        }
        // The key is never an option: other users of the machine can see those.
        let key = std::env::var_os(RECORD_KEY);
        let recorder = match key {
            Some(key) => RecordingKey::parse(&key.to_string_lossy())
                .map_err(|error| Failure::usage(format!("{RECORD_KEY}: {error}")))
                .and_then(|key| {
                    let joined = Recorder::join(path, &key, self.clock.wall());
                    joined.map_err(|error| Failure::usage(error.to_string()))
                })?,
            None => Recorder::create(path).map_err(|error| Failure::usage(error.to_string()))?,
        };
        Ok(Some(self.recorder.get_or_init(|| recorder).clone()))
    }

    /// Says where the recording is, or why it is incomplete. The changes of the call are not affected.
    fn conclude_recording(&self) {
        let Some(recorder) = self.recorder.get() else { return };
        let path = recorder.path().map(|path| path.display().to_string()).unwrap_or_default();
        match recorder.finish() {
            Ok(0) => self.note(&format!(
                "nothing is recorded in {path}: no request was sent; add --refresh to read lists again"
            )),
            Ok(1) => self.note(&format!("recorded 1 exchange in {path}; look through it before you hand it on")),
            Ok(count) => {
                self.note(&format!("recorded {count} exchanges in {path}; look through it before you hand it on"))
            }
            Err(error) => self.warn(&format!("{error}; everything else was done")),
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.global.format
    }

    /// Starts the progress: a line on a terminal, and messages elsewhere or beside logs. `--quiet` hides it.
    pub(crate) fn progress(&self, what: &str) -> ProgressLine {
        let is_line = self.terminal.can_rewrite_lines() && self.global.verbose == 0 && !self.messages.is_json();
        let kind = match (self.global.quiet, is_line) {
            (true, _) => ProgressKind::Hidden,
            (false, true) => ProgressKind::Line,
            (false, false) => ProgressKind::Messages,
        };
        ProgressLine::new(what, &self.messages, kind)
    }

    /// Returns the observer that updates the progress.
    pub(crate) fn observer(&self, progress: &ProgressLine) -> ProgressObserver {
        ProgressObserver::new(progress.clone(), !self.global.no_rate_limit, self.requests.clone())
    }

    /// Starts a list of results on stdout.
    pub(crate) fn listing<T: Record>(&self) -> ResultListing<T> {
        Listing::new(self.format(), self.table_width(), Box::new(BufWriter::new(self.stdout())))
    }

    /// Starts a list of results on stdout, beside a progress line.
    pub(crate) fn listing_beside<T: Record>(&self, progress: &ProgressLine) -> ResultListing<T> {
        let out = ProgressSafe { progress: progress.clone(), out: self.stdout() };
        Listing::new(self.format(), self.table_width(), Box::new(BufWriter::new(out)))
    }

    /// Starts the list of the outcomes of a change on stdout.
    ///
    /// Writing to it never fails: a reader that went away or a full disk must not end a change midway.
    pub(crate) fn outcomes<T: Record>(&self, progress: &ProgressLine) -> ResultListing<T> {
        let out = ProgressSafe { progress: progress.clone(), out: self.stdout() };
        let out = Lossy { out: BufWriter::new(out), lost: self.lost_outcomes.clone() };
        Listing::new(self.format(), self.table_width(), Box::new(out))
    }

    /// Writes one result to stdout.
    pub(crate) fn write_single<T: Record>(&self, record: &T) -> Result<()> {
        write_single(self.format(), self.table_width(), record, &mut BufWriter::new(self.stdout()))?;
        Ok(())
    }

    /// Tables may have colors, which are dropped where stdout does not support them. Other formats are written as they are,
    /// but escaped on a terminal.
    fn stdout(&self) -> Box<dyn Write + Send> {
        self.stdout_for(self.format())
    }

    /// Returns stdout for results in this format.
    pub(crate) fn stdout_for(&self, format: Format) -> Box<dyn Write + Send> {
        match format {
            Format::Table => Box::new(self.terminal.stdout()),
            _ if !self.terminal.is_stdout => Box::new(io::stdout()),
            Format::Csv | Format::Html => Box::new(EscapingWriter::new(io::stdout(), EscapeStyle::Text)),
            Format::Json | Format::Ndjson => Box::new(EscapingWriter::new(io::stdout(), EscapeStyle::Json)),
        }
    }

    /// Writes bytes to stdout as they are, but escaped on a terminal.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        if self.terminal.is_stdout {
            EscapingWriter::new(&mut out, EscapeStyle::Text).write_all(bytes)?;
        } else {
            out.write_all(bytes)?;
        }
        out.flush()?;
        Ok(())
    }

    /// Writes a note to stderr, unless `--quiet` is given.
    pub(crate) fn note(&self, text: &str) {
        self.messages.note(&self.global.completed(text));
    }

    /// Writes a warning to stderr, even with `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        self.messages.warn(&self.global.completed(text));
    }

    /// Keeps the outcomes of changes for the last line, and tells them. A call can make several changes, one after the other.
    pub(crate) fn summarize(&self, summary: &Summary) {
        self.note(&summary.describe());
        let mut kept = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *kept {
            Some(kept) => kept.add(summary),
            None => *kept = Some(summary.clone()),
        }
    }

    /// Returns the exit code of changes, or the failure that stopped them early. `way_on` says how to continue a stopped run.
    pub(crate) fn conclude_changes(&self, summary: &Summary, ended_by: Option<&Error>, way_on: &str) -> Result<Exit> {
        match ended_by {
            None => Ok(summary.exit()),
            Some(error) if error.is_stopped() => {
                self.note(way_on);
                Ok(Exit::Interrupted)
            }
            Some(error) => {
                let failure = Failure::of_service("stopped early", error);
                Err(failure.with_exit(summary.exit().most_severe(exit_of(error))))
            }
        }
    }

    /// Keeps how much a sync did for the last line.
    pub(crate) fn count_sync(&self, counts: umapi_sync::report::Counts) {
        let _ = self.sync.set(counts);
    }

    /// Asks for confirmation on the terminal, unless `--yes` gives it.
    pub(crate) fn confirm(&self, question: &str, is_confirmed: bool) -> Result<()> {
        if is_confirmed {
            return Ok(());
        }
        if !self.terminal.is_interactive() {
            return Err(Failure::usage("this change needs confirmation, and there is no terminal to ask on")
                .remedy("confirm with --yes, or check the change with --dry-run"));
        }
        match dialoguer::Confirm::new().with_prompt(escape(question)).default(false).interact() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::usage("cancelled")),
            Err(error) => Err(unanswered(error).remedy("confirm with --yes")),
        }
    }

    /// Asks for text on the terminal, with a suggestion.
    pub(crate) fn ask(&self, question: &str, suggestion: &str) -> Result<String> {
        let question = dialoguer::Input::<String>::new().with_prompt(escape(question)).default(suggestion.to_owned());
        question.interact_text().map_err(unanswered)
    }

    /// Asks for a secret on the terminal, without showing it.
    pub(crate) fn ask_secret(&self, question: &str) -> Result<Secret> {
        let question = dialoguer::Password::new().with_prompt(escape(question)).allow_empty_password(true);
        question.interact().map(Secret::from).map_err(unanswered)
    }

    /// Asks the user to choose one of several items on the terminal.
    pub(crate) fn choose(&self, question: &str, items: &[String]) -> Result<usize> {
        let items: Vec<String> = items.iter().map(|item| escape(item)).collect();
        let chosen = dialoguer::Select::new().with_prompt(escape(question)).items(&items).default(0).interact_opt();
        match chosen {
            Ok(Some(position)) => Ok(position),
            Ok(None) => Err(Failure::usage("cancelled")),
            Err(error) => Err(unanswered(error)),
        }
    }

    /// Returns the exit code of the call, after a warning if outcomes could not be written, and after the summary for programs.
    ///
    /// A reader that closed the pipe did so on purpose: then the outcomes alone decide.
    pub(crate) fn conclude(&self, exit: Exit) -> Exit {
        let exit = match self.lost_outcomes.get() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.warn(&format!("outcomes are missing from the output, which could not be written: {error}"));
                exit.most_severe(Exit::Failed)
            }
            _ => exit,
        };
        self.conclude_recording();
        self.write_summary(exit);
        exit
    }

    /// Writes the last line for programs.
    pub(crate) fn write_summary(&self, exit: Exit) {
        if !self.messages.is_json() || self.messages.is_quiet() {
            return;
        }
        let summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = match &summary {
            Some(summary) => format!("{}: {}", exit.describe(), summary.describe()),
            None => exit.describe().to_owned(),
        };
        let fields = CallSummary {
            exit_code: exit as u8,
            requests: self.requests.load(Ordering::Relaxed),
            seconds: (self.clock.now() - self.started).as_secs(),
            changes: summary.as_ref().map(Summary::fields),
            sync: self.sync.get().cloned(),
        };
        self.messages.say(exit.level(), Event::Summary, &text, &fields);
    }

    fn table_width(&self) -> Option<usize> {
        self.terminal.is_stdout.then_some(self.terminal.width)
    }
}

/// The failure of a question without an answer. Ctrl-C is an answer.
fn unanswered(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(error) = error;
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::new(Exit::Interrupted, "interrupted; nothing was changed"),
        _ => Failure::usage("cannot ask on the terminal").why(error),
    }
}

/// A writer that discards everything after the first failed write, and keeps the error.
struct Lossy<W> {
    out: W,
    lost: Arc<OnceLock<io::Error>>,
}

impl<W: Write> Lossy<W> {
    fn attempt(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.lost.get().is_none()
            && let Err(error) = write(&mut self.out)
        {
            // Only the first error is kept.
            let _ = self.lost.set(error);
        }
    }
}

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(|out| out.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(Write::flush);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts a number of bytes, then is full.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lossy_writer_keeps_the_first_error() {
        let mut out = Lossy { out: Full(4), lost: Arc::default() };
        out.write_all(b"1234").unwrap();
        assert!(out.lost.get().is_none());
        out.write_all(b"5").unwrap();
        out.write_all(b"6").unwrap();
        out.flush().unwrap();
        assert_eq!(out.lost.get().unwrap().kind(), io::ErrorKind::StorageFull);
    }
}
