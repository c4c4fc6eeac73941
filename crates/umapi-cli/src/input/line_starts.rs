//! On which line a record of CSV begins.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

/// Passes bytes on, and remembers where lines begin that are not empty. The CSV reader skips empty lines without counting
/// them to the record that follows.
pub(crate) struct LineStarts<R> {
    input: R,
    byte: u64,
    line: u64,
    at_start: bool,
    starts: Starts,
}

/// The starts of lines that were passed on and not asked for yet.
#[derive(Clone, Default)]
pub(crate) struct Starts(Arc<Mutex<VecDeque<(u64, u64)>>>);

impl<R> LineStarts<R> {
    pub(crate) fn new(input: R) -> (Self, Starts) {
        let starts = Starts::default();
        (Self { input, byte: 0, line: 1, at_start: true, starts: starts.clone() }, starts)
    }
}

impl<R: Read> Read for LineStarts<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let mut starts = self.starts.0.lock().unwrap_or_else(PoisonError::into_inner);
        for &byte in &buffer[..read] {
            if self.at_start && byte != b'\n' && byte != b'\r' {
                starts.push_back((self.byte, self.line));
                self.at_start = false;
            }
            if byte == b'\n' {
                self.line += 1;
                self.at_start = true;
            }
            self.byte += 1;
        }
        Ok(read)
    }
}

impl Starts {
    /// The first line that is not empty at or after a byte. Bytes asked for must not go back.
    pub(crate) fn line_at(&self, byte: u64) -> u64 {
        let mut starts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while starts.front().is_some_and(|(start, _)| *start < byte) {
            starts.pop_front();
        }
        starts.front().map_or(0, |(_, line)| *line)
    }
}
