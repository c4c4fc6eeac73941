//! What every command works with.

use std::io::{self, BufWriter, Write};

use anstyle::AnsiColor;
use umapi::time::Clock;

use crate::{
    cli::{Format, GlobalArgs},
    failure::{Failure, Result},
    output::{Listing, Record, Terminal, harmless, write_single},
    progress::{Bar, Beside},
};

/// What every command works with: the options, the clock, and where results go.
pub(crate) struct Context {
    pub(crate) global: GlobalArgs,
    pub(crate) clock: Clock,
    pub(crate) terminal: Terminal,
}

impl Context {
    pub(crate) fn new(global: GlobalArgs, clock: Clock) -> Self {
        let terminal = Terminal::new(global.color);
        Self { global, clock, terminal }
    }

    pub(crate) fn format(&self) -> Format {
        self.global.format
    }

    /// Begins a list of results on stdout.
    pub(crate) fn listing<T: Record>(&self) -> Listing<T, Box<dyn Write + Send>> {
        Listing::new(self.format(), self.table_width(), Box::new(BufWriter::new(self.stdout())))
    }

    /// The same beside a line that says how far the work is.
    pub(crate) fn listing_beside<T: Record>(&self, bar: &Bar) -> Listing<T, Box<dyn Write + Send>> {
        let out = Beside { bar: bar.clone(), out: self.stdout() };
        Listing::new(self.format(), self.table_width(), Box::new(BufWriter::new(out)))
    }

    /// Writes one result to stdout.
    pub(crate) fn write_single<T: Record>(&self, record: &T) -> Result<()> {
        write_single(self.format(), self.table_width(), record, &mut BufWriter::new(self.stdout()))?;
        Ok(())
    }

    /// Stdout. Tables may have colours, which are cut out where it does not take them; all else goes out as it is.
    fn stdout(&self) -> Box<dyn Write + Send> {
        match self.format() {
            Format::Table => Box::new(self.terminal.stdout()),
            Format::Json | Format::Ndjson | Format::Csv => Box::new(io::stdout()),
        }
    }

    /// Writes bytes to stdout as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }

    /// Says something that helps to go on, on stderr, unless it is to be quiet.
    pub(crate) fn hint(&self, text: &str) {
        if !self.global.quiet {
            // What cannot be shown is no reason to fail.
            let _ = writeln!(self.terminal.stderr(), "{}", harmless(text));
        }
    }

    /// Says something that one should not miss, on stderr, even if it is to be quiet.
    pub(crate) fn warn(&self, text: &str) {
        let style = AnsiColor::Yellow.on_default().bold();
        let _ = writeln!(self.terminal.stderr(), "{style}warning:{style:#} {}", harmless(text));
    }

    /// Asks the person at the terminal, unless it was said that everything is to be done.
    pub(crate) fn ask(&self, question: &str, is_answered: bool) -> Result<()> {
        if is_answered {
            return Ok(());
        }
        let refused = |why: &str| {
            Failure::usage("nothing was done")
                .why(why)
                .remedy("--yes does it without a question, --test-only only tries")
        };
        if !self.terminal.has_person() {
            return Err(refused("there is no terminal to ask whether it is meant"));
        }
        match dialoguer::Confirm::new().with_prompt(harmless(question)).default(false).interact() {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused("the answer was no")),
            Err(error) => Err(refused(&error.to_string())),
        }
    }

    fn table_width(&self) -> Option<usize> {
        self.terminal.is_stdout.then_some(self.terminal.width)
    }
}

/// Writing a result failed. Nobody reading any more is no failure, see `main`.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::reader_gone();
        }
        Self::broken("cannot write the result").why(error)
    }
}
