//! Where results go, and what it can show.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use crate::cli::Colour;

/// The two streams of the call, and what they can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    colour: Colour,
    /// Whether stdout is a terminal.
    pub(crate) is_stdout: bool,
    /// Whether stderr is a terminal.
    pub(crate) is_stderr: bool,
    /// How many letters a line of it holds.
    pub(crate) width: usize,
}

impl Terminal {
    pub(crate) fn new(colour: Colour) -> Self {
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        Self { colour, is_stdout: io::stdout().is_terminal(), is_stderr: io::stderr().is_terminal(), width }
    }

    /// Stdout; colours are cut out where it does not take them.
    pub(crate) fn stdout(self) -> impl Write + Send {
        AutoStream::new(io::stdout(), choice(self.colour, &io::stdout()))
    }

    /// Stderr; colours are cut out where it does not take them.
    pub(crate) fn stderr(self) -> impl Write + Send {
        AutoStream::new(io::stderr(), choice(self.colour, &io::stderr()))
    }

    /// Whether there is somebody to ask.
    pub(crate) fn has_person(self) -> bool {
        self.is_stderr && io::stdin().is_terminal()
    }
}

/// The text without what could drive the terminal: it may quote a file or the service.
pub(crate) fn harmless(text: &str) -> String {
    let is_harmless = |letter: char| letter == '\n' || !letter.is_control();
    text.chars().map(|letter| if is_harmless(letter) { letter } else { '\u{fffd}' }).collect()
}

fn choice(colour: Colour, stream: &impl anstream::stream::RawStream) -> ColorChoice {
    match colour {
        Colour::Auto => AutoStream::choice(stream),
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_drives_the_terminal() {
        assert_eq!(harmless("Größe\u{1b}[2J\nb\r\u{9b}"), "Größe\u{fffd}[2J\nb\u{fffd}\u{fffd}");
    }
}
