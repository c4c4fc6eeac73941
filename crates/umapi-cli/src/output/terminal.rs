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

    /// Whether a line of stderr can be rewritten: on a terminal that knows how, unlike that of an editor.
    pub(crate) fn can_rewrite_lines(self) -> bool {
        self.is_stderr && std::env::var_os("TERM").is_none_or(|kind| kind != "dumb")
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
            true => escaped += &code_point(character),
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

/// How to escape characters on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EscapeStyle {
    /// As in [`escape`]; tabs stay.
    Text,
    /// As in JSON strings, so that the output stays valid JSON: `\u200b`.
    Json,
}

/// A writer for a terminal that escapes characters which could control it or hide text.
pub(crate) struct EscapingWriter<W> {
    out: W,
    style: EscapeStyle,
    /// The beginning of a character whose other bytes are not written yet.
    incomplete: Vec<u8>,
}

impl<W> EscapingWriter<W> {
    pub(crate) fn new(out: W, style: EscapeStyle) -> Self {
        Self { out, style, incomplete: Vec::new() }
    }

    fn escape(&self, text: &str, escaped: &mut String) {
        for character in text.chars() {
            if matches!(character, '\n' | '\t') || !is_deceptive(character) {
                escaped.push(character);
            } else if self.style == EscapeStyle::Text {
                *escaped += &code_point(character);
            } else {
                character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| *escaped += &format!("\\u{unit:04x}"));
            }
        }
    }
}

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut input = std::mem::take(&mut self.incomplete);
        input.extend_from_slice(bytes);
        let mut escaped = String::with_capacity(input.len());
        let mut chunks = input.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.escape(chunk.valid(), &mut escaped);
            let invalid = chunk.invalid();
            // Up to three bytes at the end may be the beginning of a character.
            let is_incomplete =
                chunks.peek().is_none() && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            match invalid {
                [] => {}
                _ if is_incomplete => self.incomplete = invalid.to_vec(),
                _ => escaped.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self.out.write_all(escaped.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn code_point(character: char) -> String {
    format!("<U+{:04X}>", u32::from(character))
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
    fn writer_escapes_characters_that_come_in_pieces() {
        let text = "é\u{1b}[2J\t\u{200b}\u{e0041}\n";
        for (style, expected) in [
            (EscapeStyle::Text, "é<U+001B>[2J\t<U+200B><U+E0041>\n"),
            (EscapeStyle::Json, "é\\u001b[2J\t\\u200b\\udb40\\udc41\n"),
        ] {
            for size in 1..=text.len() {
                let mut writer = EscapingWriter::new(Vec::new(), style);
                text.as_bytes().chunks(size).for_each(|piece| writer.write_all(piece).unwrap());
                assert_eq!(String::from_utf8(writer.out).unwrap(), expected);
            }
        }
        let mut writer = EscapingWriter::new(Vec::new(), EscapeStyle::Text);
        writer.write_all(b"a\xffb").unwrap();
        assert_eq!(String::from_utf8(writer.out).unwrap(), "a\u{fffd}b");
    }

    #[test]
    fn invisible_and_bidirectional_characters_are_escaped() {
        assert_eq!(escape("\u{feff}ann\u{200b}@b.c"), "<U+FEFF>ann<U+200B>@b.c");
        assert_eq!(escape("a\u{202e}gpj.exe\u{2066}b"), "a<U+202E>gpj.exe<U+2066>b");
        assert_eq!(escape("佐藤 Müller – 🎨"), "佐藤 Müller – 🎨");
    }
}
