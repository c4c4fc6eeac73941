//! Messages on stderr: notes, warnings, errors, progress and the summary, as text or as JSON lines.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstyle::AnsiColor;
use indicatif::ProgressBar;
use serde::Serialize;
use umapi::time::Clock;

use super::{
    terminal::{Terminal, escape},
    time,
};
use crate::{
    failure::{Exit, Failure},
    options::LogFormat,
};

/// Writes messages to stderr. A message that cannot be written is not a failure.
#[derive(Clone)]
pub(crate) struct Messages(Arc<Inner>);

struct Inner {
    terminal: Terminal,
    format: LogFormat,
    is_quiet: bool,
    clock: Clock,
    /// The progress line, which is hidden while a message is written.
    line: Mutex<Option<ProgressBar>>,
    out: Out,
}

/// Where messages go.
enum Out {
    Stderr,
    #[cfg(test)]
    Memory(Mutex<Vec<u8>>),
}

/// How important a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Warn,
    Error,
}

/// What a message is about: the field `event` of a JSON line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    Note,
    Warning,
    Error,
    /// A wait of more than ten seconds begins.
    Wait,
    /// The state of a long call, once a minute.
    Progress,
    /// The last line: how the call ended.
    Summary,
}

/// A JSON line. Its first fields are those of a log line.
#[derive(Serialize)]
struct JsonLine<'a, F> {
    timestamp: String,
    level: &'static str,
    event: Event,
    message: &'a str,
    #[serde(flatten)]
    fields: &'a F,
}

/// No fields beside those of every message.
#[derive(Serialize)]
struct NoFields {}

/// The fields of an error.
#[derive(Serialize)]
struct ErrorFields<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    causes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    exit_code: u8,
}

impl Messages {
    pub(crate) fn new(terminal: Terminal, format: LogFormat, is_quiet: bool, clock: Clock) -> Self {
        Self(Arc::new(Inner { terminal, format, is_quiet, clock, line: Mutex::default(), out: Out::Stderr }))
    }

    /// Messages that are kept: see [`Self::written`].
    #[cfg(test)]
    pub(crate) fn of_test(format: LogFormat, is_quiet: bool, clock: Clock) -> Self {
        let terminal = Terminal::new(crate::options::ColorWhen::Never);
        let out = Out::Memory(Mutex::default());
        Self(Arc::new(Inner { terminal, format, is_quiet, clock, line: Mutex::default(), out }))
    }

    pub(crate) fn is_json(&self) -> bool {
        self.0.format == LogFormat::Json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.0.is_quiet
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Writes a note, unless `--quiet` is given.
    pub(crate) fn note(&self, text: &str) {
        if !self.0.is_quiet {
            self.say(Level::Info, Event::Note, text, &NoFields {});
        }
    }

    /// Writes a warning, even with `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        self.say(Level::Warn, Event::Warning, text, &NoFields {});
    }

    /// Writes an error with its causes and its remedy.
    pub(crate) fn error(&self, failure: &Failure) {
        if self.is_json() {
            let (causes, help) = (failure.causes(), failure.help());
            let fields = ErrorFields { causes, help, exit_code: failure.exit() as u8 };
            return self.say(Level::Error, Event::Error, failure.what(), &fields);
        }
        let mut text = Vec::new();
        let _ = failure.show(&mut text);
        self.write(&text);
    }

    /// Writes the last line for programs, about a call that changed nothing.
    pub(crate) fn summary(&self, exit: Exit) {
        #[derive(Serialize)]
        struct ExitCode {
            exit_code: u8,
        }

        if self.is_json() && !self.is_quiet() {
            self.say(exit.level(), Event::Summary, exit.describe(), &ExitCode { exit_code: exit as u8 });
        }
    }

    /// Writes a message with fields, which text leaves out.
    pub(crate) fn say<F: Serialize>(&self, level: Level, event: Event, text: &str, fields: &F) {
        let message = escape(text);
        let mut line = Vec::new();
        if self.is_json() {
            let timestamp = time::utc(self.0.clock.wall());
            let json = JsonLine { timestamp, level: level.as_str(), event, message: &message, fields };
            if serde_json::to_writer(&mut line, &json).is_err() {
                line.clear();
            }
        } else if level == Level::Warn {
            let style = AnsiColor::Yellow.on_default().bold();
            line = format!("{style}warning:{style:#} {message}").into_bytes();
        } else {
            line = message.into_bytes();
        }
        line.push(b'\n');
        self.write(&line);
    }

    /// Shows a progress line, which later messages respect.
    pub(super) fn set_line(&self, line: ProgressBar) {
        *self.0.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }

    /// Removes the progress line, and makes the cursor visible, which a question hides.
    pub(crate) fn clear_terminal(&self) {
        if let Some(line) = &*self.0.line.lock().unwrap_or_else(PoisonError::into_inner) {
            line.finish_and_clear();
        }
        if self.0.terminal.is_stderr {
            self.write_raw(b"\x1b[?25h");
        }
    }

    /// Writes a whole message at once, so that messages of several processes are not mixed.
    fn write(&self, bytes: &[u8]) {
        let line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match line {
            Some(line) => line.suspend(|| self.write_raw(bytes)),
            None => self.write_raw(bytes),
        }
    }

    fn write_raw(&self, bytes: &[u8]) {
        match &self.0.out {
            Out::Stderr => {
                let mut out = self.0.terminal.stderr();
                let _: io::Result<()> = out.write_all(bytes).and_then(|()| out.flush());
            }
            #[cfg(test)]
            Out::Memory(written) => written.lock().unwrap().extend_from_slice(bytes),
        }
    }

    /// Returns what was written, without colors.
    #[cfg(test)]
    pub(crate) fn written(&self) -> String {
        let Out::Memory(written) = &self.0.out else { panic!("the messages are not kept") };
        let mut text = anstream::StripStream::new(Vec::new());
        text.write_all(&written.lock().unwrap()).unwrap();
        String::from_utf8(text.into_inner()).unwrap()
    }
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use umapi::time::ManualClock;

    use super::*;

    fn messages(format: LogFormat, is_quiet: bool) -> Messages {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
        Messages::of_test(format, is_quiet, ManualClock::starting_at(start).clock())
    }

    #[test]
    fn text_messages_are_for_people() {
        let messages = messages(LogFormat::Text, false);
        messages.note("a\u{1b}b");
        messages.warn("look");
        messages.error(&Failure::usage("cannot read").why("no such file").remedy("check the path"));
        assert_eq!(
            messages.written(),
            "a<U+001B>b\nwarning: look\nerror: cannot read\n  cause: no such file\n  help:  check the path\n"
        );
    }

    #[test]
    fn json_messages_are_one_object_per_line() {
        let messages = messages(LogFormat::Json, false);
        messages.note("two\nlines");
        messages.error(&Failure::usage("cannot read").why("no such file").remedy("check the path"));
        let written = messages.written();
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"timestamp":"1970-01-01T00:01:00Z","level":"INFO","event":"note","message":"two\nlines"}"#,
                r#"{"timestamp":"1970-01-01T00:01:00Z","level":"ERROR","event":"error","message":"cannot read","causes":["no such file"],"help":"check the path","exit_code":2}"#,
            ]
        );
    }

    #[test]
    fn quiet_hides_notes_only() {
        let messages = messages(LogFormat::Text, true);
        messages.note("a");
        messages.warn("b");
        assert_eq!(messages.written(), "warning: b\n");
    }
}
