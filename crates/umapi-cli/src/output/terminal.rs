//! The terminal: what the output streams support, and escaping of text for it.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use crate::options::ColorWhen;

/// The two output streams, and what they support.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    color: ColorWhen,
    /// Whether stdout is a terminal.
    pub(crate) is_stdout: bool,
    /// Whether stderr is a terminal.
    pub(crate) is_stderr: bool,
    /// The width of the terminal in columns.
    pub(crate) width: usize,
}

impl Terminal {
    pub(crate) fn new(color: ColorWhen) -> Self {
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        Self { color, is_stdout: io::stdout().is_terminal(), is_stderr: io::stderr().is_terminal(), width }
    }

    /// Returns stdout, which drops colors where they are not supported.
    pub(crate) fn stdout(self) -> impl Write + Send {
        AutoStream::new(io::stdout(), choice(self.color, &io::stdout()))
    }

    /// Returns stderr, which drops colors where they are not supported.
    pub(crate) fn stderr(self) -> impl Write + Send {
        AutoStream::new(io::stderr(), choice(self.color, &io::stderr()))
    }

    /// Whether a person can be asked.
    pub(crate) fn is_interactive(self) -> bool {
        self.is_stderr && io::stdin().is_terminal()
    }
}

/// Replaces characters that could control the terminal or hide text, except line breaks: `<U+001B>`.
///
/// Texts may quote a file or the service.
pub(crate) fn escape(text: &str) -> String {
    escape_where(text, |character| character != '\n' && is_deceptive(character))
}

/// Replaces the same characters and line breaks: the result is one line.
pub(crate) fn escape_line(text: &str) -> String {
    escape_where(text, is_deceptive)
}

fn escape_where(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match is_escaped(character) {
            true => escaped += &format!("<U+{:04X}>", u32::from(character)),
            false => escaped.push(character),
        }
    }
    escaped
}

/// Whether a character controls the terminal (C0, C1), changes the direction of text, or is invisible.
///
/// The two joiners (U+200C, U+200D) are not: some scripts and emoji need them.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

fn choice(color: ColorWhen, stream: &impl anstream::stream::RawStream) -> ColorChoice {
    match color {
        ColorWhen::Auto => AutoStream::choice(stream),
        ColorWhen::Always => ColorChoice::Always,
        ColorWhen::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escape("Größe\u{1b}[2J\nb\r\u{9b}"), "Größe<U+001B>[2J\nb<U+000D><U+009B>");
        assert_eq!(escape_line("a\nb\tc"), "a<U+000A>b<U+0009>c");
    }

    #[test]
    fn invisible_and_bidirectional_characters_are_escaped() {
        assert_eq!(escape("\u{feff}ann\u{200b}@b.c"), "<U+FEFF>ann<U+200B>@b.c");
        assert_eq!(escape("a\u{202e}gpj.exe\u{2066}b"), "a<U+202E>gpj.exe<U+2066>b");
        assert_eq!(escape("佐藤 Müller – 🎨"), "佐藤 Müller – 🎨");
    }
}
