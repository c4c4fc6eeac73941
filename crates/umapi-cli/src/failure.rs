//! Why a call came to nothing, in three parts: what, why, what to do.

mod service;

use std::{fmt, io};

use anstyle::{AnsiColor, Style};

use crate::{exit::Exit, output::harmless};

pub(crate) use service::exit_of;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a call came to nothing, and how it ends.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    why: Vec<String>,
    remedy: Option<String>,
    exit: Exit,
    is_reader_gone: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { what: harmless(&what.into()), why: Vec::new(), remedy: None, exit, is_reader_gone: false }
    }

    /// Nobody reads the result any more: `umapi users list | head`. There is nothing to say, and it is no error.
    pub(crate) fn reader_gone() -> Self {
        Self { is_reader_gone: true, ..Self::new(Exit::Done, "nobody reads the result any more") }
    }

    pub(crate) fn is_reader_gone(&self) -> bool {
        self.is_reader_gone
    }

    /// Something in the arguments, the configuration or a file: nothing was sent.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Something of this machine that did not work.
    pub(crate) fn broken(what: impl Into<String>) -> Self {
        Self::new(Exit::Refused, what)
    }

    /// Adds a reason; several are shown in a row.
    pub(crate) fn why(mut self, reason: impl fmt::Display) -> Self {
        self.why.push(harmless(&reason.to_string()));
        self
    }

    /// Says the way out.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Ends the call in another way.
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes the three parts, in colours where the writer takes them.
    pub(crate) fn show(&self, out: &mut impl io::Write) -> io::Result<()> {
        let error = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        let label = Style::new().bold();
        writeln!(out, "{error}error:{error:#} {}", self.what)?;
        for reason in &self.why {
            writeln!(out, "  {label}why:{label:#} {}", reason.replace('\n', "\n       "))?;
        }
        if let Some(remedy) = &self.remedy {
            writeln!(out, "  {label}do:{label:#}  {}", remedy.replace('\n', "\n       "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for reason in &self.why {
            write!(f, ": {reason}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let failure = Failure::usage("cannot read users.csv").why("no such file").remedy("check the path");
        let mut shown = anstream::StripStream::new(Vec::new());
        failure.show(&mut shown).unwrap();
        let shown = String::from_utf8(shown.into_inner()).unwrap();
        assert_eq!(shown, "error: cannot read users.csv\n  why: no such file\n  do:  check the path\n");
        assert_eq!(failure.exit(), Exit::Usage);
    }
}
