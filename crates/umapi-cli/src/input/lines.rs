//! NDJSON: a command on each line.

use std::io::{self, BufRead, Read};

use super::{
    bad::{BadCommand, Column, Place},
    command,
    reader::Numbered,
};

/// The longest line, in bytes: a protection of the memory, far above what people write.
const LONGEST: u64 = 64 << 20;

/// Reads a command from each line. A bad line does not keep the next one from being read.
pub(super) struct Lines<R> {
    input: R,
    line: u64,
    bytes: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 0, bytes: Vec::new() }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Numbered, BadCommand>>> {
        loop {
            self.bytes.clear();
            let read = self.input.by_ref().take(LONGEST).read_until(b'\n', &mut self.bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read as u64 == LONGEST && self.bytes.last() != Some(&b'\n') {
                return Ok(Some(Err(self.too_long())));
            }
            let bytes = if self.line == 1 {
                self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes)
            } else {
                &self.bytes
            };
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(of_line(bytes, self.line)));
            }
        }
    }

    fn too_long(&self) -> BadCommand {
        BadCommand {
            place: Place { line: self.line, column: Column::Whole },
            rule: format!("the line is longer than {LONGEST} bytes"),
            remedy: Some("write several commands".to_owned()),
            text: String::new(),
            ends_file: true,
        }
    }
}

fn of_line(bytes: &[u8], line: u64) -> Result<Numbered, BadCommand> {
    let bad = |column, rule, remedy| BadCommand {
        place: Place { line, column },
        rule,
        remedy,
        text: String::from_utf8_lossy(bytes).trim_end().to_owned(),
        ends_file: false,
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let column = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).chars().count() + 1;
        bad(Column::Letter(column), "this is not UTF-8".to_owned(), Some("save the file as UTF-8".to_owned()))
    })?;
    let command = command::parse(text.trim_end())
        .map_err(|complaint| bad(Column::Letter(complaint.column), complaint.rule, complaint.remedy))?;
    Ok(Numbered { line, command })
}
