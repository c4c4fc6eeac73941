//! A line on stderr that says how far the work is.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::context::Context;

/// A line on stderr that says how far the work is. Without a terminal, when it is to be quiet, and beside logs, it shows
/// nothing.
#[derive(Clone)]
pub(crate) struct Bar {
    bar: ProgressBar,
    /// What an earlier call had done already.
    earlier: Arc<AtomicU64>,
}

const KNOWN_LENGTH: &str = "{prefix} [{bar:24}] {human_pos} of {human_len}{msg}";
const UNKNOWN_LENGTH: &str = "{spinner} {prefix} {human_pos}{msg}";

impl Bar {
    pub(crate) fn new(context: &Context, what: impl Into<String>) -> Self {
        let is_shown = context.terminal.is_stderr && !context.global.quiet && context.global.verbose == 0;
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar =
            ProgressBar::with_draw_target(None, target).with_prefix(what.into()).with_style(style(UNKNOWN_LENGTH));
        if is_shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, earlier: Arc::default() }
    }

    /// Sets how much there is to do, once it is known.
    pub(crate) fn set_length(&self, length: u64) {
        if self.bar.length() != Some(length) {
            self.bar.set_length(length);
            self.bar.set_style(style(KNOWN_LENGTH));
        }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.bar.length()
    }

    pub(crate) fn position(&self) -> u64 {
        self.bar.position()
    }

    /// Begins at what an earlier call had done already.
    pub(crate) fn begin_at(&self, earlier: u64) {
        self.earlier.store(earlier, Ordering::Relaxed);
        self.bar.set_position(earlier);
    }

    /// Sets how much this call has done, of how much if that is known.
    pub(crate) fn set_done(&self, done: u64, total: Option<u64>) {
        let earlier = self.earlier.load(Ordering::Relaxed);
        if let Some(total) = total {
            self.set_length(earlier + total);
        }
        self.bar.set_position(earlier + done);
    }

    pub(crate) fn set_position(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// What follows the numbers.
    pub(crate) fn set_message(&self, message: String) {
        self.bar.set_message(message);
    }

    /// Writes to a stream without leaving a torn line on the terminal.
    pub(crate) fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Shows the line again, after it was taken away for a question.
    pub(crate) fn begin_again(&self) {
        self.bar.reset();
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A stream that is written without leaving a torn line on the terminal.
pub(crate) struct Beside<W> {
    pub(crate) bar: Bar,
    pub(crate) out: W,
}

impl<W: Write> Write for Beside<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bar.around(|| self.out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bar.around(|| self.out.flush())
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}
