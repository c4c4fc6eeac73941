//! JSON: an array of commands, of any length.

use std::io::{self, BufRead};

use super::{
    bad::{BadCommand, Column, Place},
    command,
    reader::Numbered,
};

/// Reads the elements of an array one by one. A bad command does not keep the next one from being read; an array that is
/// broken does.
pub(super) struct Elements<R> {
    input: R,
    line: u64,
    column: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeArray,
    BeforeFirst,
    BeforeNext,
    AfterElement,
    AfterArray,
}

impl<R: BufRead> Elements<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, column: 1, state: State::BeforeArray }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Numbered, BadCommand>>> {
        loop {
            let Some(byte) = self.peek_after_space()? else {
                let rule = match self.state {
                    State::AfterArray => return Ok(None),
                    State::BeforeArray => "the file is empty: an array of commands was expected",
                    _ => "the array has no end: `]` is missing",
                };
                return Ok(Some(Err(self.broken(rule))));
            };
            self.state = match (self.state, byte) {
                (State::BeforeArray, b'[') => State::BeforeFirst,
                (State::BeforeArray, _) => return Ok(Some(Err(self.broken("an array of commands was expected: `[`")))),
                (State::BeforeFirst | State::AfterElement, b']') => State::AfterArray,
                (State::AfterElement, b',') => State::BeforeNext,
                (State::AfterElement, _) => return Ok(Some(Err(self.broken("`,` or `]` was expected")))),
                (State::BeforeNext, b']') => return Ok(Some(Err(self.broken("a command was expected after `,`")))),
                (State::BeforeFirst | State::BeforeNext, _) => return self.element().map(Some),
                (State::AfterArray, _) => {
                    return Ok(Some(Err(self.broken("nothing may come after the end of the array"))));
                }
            };
            self.take()?;
        }
    }

    fn element(&mut self) -> io::Result<Result<Numbered, BadCommand>> {
        let (line, column) = (self.line, self.column);
        let Some(bytes) = self.value()? else {
            return Ok(Err(self.broken("the array has no end: `]` is missing")));
        };
        self.state = State::AfterElement;
        let text = String::from_utf8_lossy(&bytes);
        let parsed = command::parse(text.trim_end());
        Ok(parsed.map(|command| Numbered { line, command }).map_err(|complaint| BadCommand {
            place: Place {
                line: line + complaint.line as u64 - 1,
                column: Column::Letter(if complaint.line == 1 {
                    column + complaint.column - 1
                } else {
                    complaint.column
                }),
            },
            rule: complaint.rule,
            remedy: complaint.remedy,
            text: text.trim_end().to_owned(),
            ends_file: false,
        }))
    }

    /// The bytes of a value, up to the `,` or `]` that ends it. Nothing if the file ends before.
    fn value(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let (mut depth, mut in_string, mut is_escaped) = (0_u32, false, false);
        while let Some(byte) = self.peek()? {
            if in_string {
                in_string = is_escaped || byte != b'"';
                is_escaped = !is_escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b',' if depth == 0 => return Ok(Some(bytes)),
                    b'}' | b']' if depth == 0 => return Ok(Some(bytes)),
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
            }
            bytes.push(byte);
            self.take()?;
        }
        Ok(None)
    }

    fn peek_after_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.take()?,
                // A byte order mark.
                Some(0xef | 0xbb | 0xbf) if self.state == State::BeforeArray => self.input.consume(1),
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    /// Goes on by one byte, and keeps count of lines and letters.
    fn take(&mut self) -> io::Result<()> {
        match self.peek()? {
            Some(b'\n') => (self.line, self.column) = (self.line + 1, 1),
            // The later bytes of a letter are no letters of their own.
            Some(byte) if byte & 0b1100_0000 != 0b1000_0000 => self.column += 1,
            _ => {}
        }
        self.input.consume(1);
        Ok(())
    }

    fn broken(&mut self, rule: &str) -> BadCommand {
        self.state = State::AfterArray;
        BadCommand {
            place: Place { line: self.line, column: Column::Letter(self.column) },
            rule: rule.to_owned(),
            remedy: None,
            text: String::new(),
            ends_file: true,
        }
    }
}
