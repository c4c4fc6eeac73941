//! Reads a recording. Only the places of its entries are kept in memory.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::entry::{Entry, Header, VERSION};

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 96 << 20;

/// What some editors write before the first line of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A recording. It is checked when it is opened; its entries are read from the file when they are needed.
///
/// A file that somebody sent is read to its end, or the error names the line:
///
/// ```
/// use umapi_recording::{Recording, RecordingError};
///
/// let header = "{\"_umapi\":{\"recording\":1}}\n";
/// let killed = Recording::from_text(format!("{header}{{\"startedDateTime\":\"2000-01-"))?;
/// assert!(killed.is_cut_off() && killed.line(0).is_none());
/// let damaged = Recording::from_text(format!("{header}no entry\n")).unwrap_err();
/// assert_eq!(damaged.line(), Some(2));
/// # Ok::<(), RecordingError>(())
/// ```
pub struct Recording {
    path: Option<PathBuf>,
    source: Mutex<Box<dyn Source>>,
    lines: Vec<Line>,
    is_cut_off: bool,
}

trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

#[derive(Clone, Copy)]
struct Line {
    number: usize,
    start: u64,
    length: usize,
}

impl Recording {
    /// Opens and checks a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not a recording, is of a newer version, or a line is not valid. An incomplete last line is not an
    /// error: see [`is_cut_off`](Self::is_cut_off).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let error = |why: String| RecordingError { path: Some(path.to_owned()), line: None, why };
        let file = File::open(path).map_err(|cause| error(cause.to_string()))?;
        if file.metadata().is_ok_and(|file| file.is_dir()) {
            return Err(error("it is a folder; name one of the files in it".to_owned()));
        }
        Self::read(Box::new(file), Some(path.to_owned()))
    }

    /// Reads a recording from a text.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_text(text: impl Into<Vec<u8>>) -> Result<Self, RecordingError> {
        Self::read(Box::new(Cursor::new(text.into())), None)
    }

    fn read(mut source: Box<dyn Source>, path: Option<PathBuf>) -> Result<Self, RecordingError> {
        let error = |line: Option<usize>, why: String| RecordingError { path: path.clone(), line, why };
        let mut lines = Vec::new();
        let mut is_cut_off = false;
        let mut has_header = false;
        let mut reader = BufReader::new(&mut source);
        let (mut start, mut buffer) = (0, Vec::new());
        for number in 1.. {
            buffer.clear();
            let limit = MAX_LINE as u64 + 1;
            let length = reader
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut buffer)
                .map_err(|cause| error(Some(number), cause.to_string()))?;
            if length == 0 {
                break;
            }
            if length > MAX_LINE {
                return Err(error(Some(number), format!("the line is longer than {MAX_LINE} bytes")));
            }
            let is_whole = buffer.last() == Some(&b'\n');
            let text = buffer.trim_ascii();
            // Editors of Windows add the mark.
            let text = if number == 1 { text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text) } else { text };
            if !has_header && !text.is_empty() {
                check_header(text).map_err(|why| error(Some(number), why))?;
                has_header = true;
            } else if !text.is_empty() {
                match serde_json::from_slice::<Entry>(text) {
                    Ok(_) => lines.push(Line { number, start, length }),
                    Err(_) if !is_whole => is_cut_off = true,
                    Err(cause) => {
                        return Err(error(
                            Some(number),
                            format!("it is not an entry of a recording: {}", in_line(&cause)),
                        ));
                    }
                }
            }
            start += length as u64;
        }
        if !has_header {
            return Err(error(None, "it is empty; make a recording with \"umapi --record FILE\"".to_owned()));
        }
        drop(reader);
        Ok(Self { path, source: Mutex::new(source), lines, is_cut_off })
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether its last line is incomplete, because the program that wrote it was killed. That entry is left out.
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// The line of an entry in the file, counted from 1.
    pub fn line(&self, index: usize) -> Option<usize> {
        Some(self.lines.get(index)?.number)
    }

    /// Reads an entry, counted from 0.
    ///
    /// # Errors
    ///
    /// If there is no such entry, or the file was changed since it was opened.
    pub fn entry(&self, index: usize) -> Result<Entry, RecordingError> {
        let error = |line: Option<usize>, why: String| RecordingError { path: self.path.clone(), line, why };
        let line = self.lines.get(index).ok_or_else(|| error(None, format!("it has no entry {index}")))?;
        let mut buffer = vec![0; line.length];
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let read = source.seek(SeekFrom::Start(line.start)).and_then(|_| source.read_exact(&mut buffer));
        drop(source);
        read.map_err(|cause: io::Error| error(Some(line.number), cause.to_string()))?;
        serde_json::from_slice(&buffer)
            .map_err(|cause| error(Some(line.number), format!("the file was changed: {}", in_line(&cause))))
    }

    /// All entries, each read when it is taken.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry, RecordingError>> + '_ {
        (0..self.len()).map(|index| self.entry(index))
    }

    /// The organization of the first entry that has one.
    pub fn organization(&self) -> Option<String> {
        self.entries().flatten().find_map(|entry| entry.parameter("orgId").map(str::to_owned))
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("path", &self.path).field("entries", &self.len()).finish_non_exhaustive()
    }
}

/// The text of an error in one line of the file, with the column. serde counts lines, too, and would call each the first.
fn in_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.strip_suffix(&format!(" at line {} column {}", error.line(), error.column())) {
        Some(text) => format!("{text} (column {})", error.column()),
        None => text,
    }
}

fn check_header(line: &[u8]) -> Result<(), String> {
    let header: Header = serde_json::from_slice(line).map_err(|_| {
        if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
            return "it is UTF-16; save it as UTF-8".to_owned();
        }
        if serde_json::from_slice::<Entry>(line).is_ok() {
            return "the line before the first entry is missing, which has the version; copy it from the original file"
                .to_owned();
        }
        let is_har = line.starts_with(b"{\"log\"") || line == b"{";
        let what = if is_har { "a HAR file of another program" } else { "not a recording" };
        format!("it is {what}; make a recording with \"umapi --record FILE\"")
    })?;
    match header.umapi.recording {
        VERSION => Ok(()),
        newer if newer > VERSION => Err(format!(
            "it is of the version {newer}, and this program reads {VERSION}; use a newer version of this program"
        )),
        other => Err(format!("there is no version {other} of recordings")),
    }
}

/// The error of a recording that cannot be read.
#[derive(Clone, Debug)]
pub struct RecordingError {
    path: Option<PathBuf>,
    line: Option<usize>,
    why: String,
}

impl RecordingError {
    /// The line of the file, counted from 1, if the error is about one.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read the recording")?;
        if let Some(path) = &self.path {
            write!(f, " {}", path.display())?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for RecordingError {}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "{\"_umapi\":{\"recording\":1,\"creator\":\"test\"}}\n";
    const ENTRY: &str = "{\"startedDateTime\":\"2000-01-01T00:00:00.000Z\",\"time\":1,\"request\":{\"method\":\"GET\",\"url\":\"\"},\
        \"response\":{\"status\":200},\"_umapi\":{\"operation\":\"listUsers\",\"parameters\":[{\"name\":\"orgId\",\"value\":\"1A@AdobeOrg\"}]}}\n";

    fn why(text: &str) -> String {
        Recording::from_text(text).unwrap_err().to_string()
    }

    #[test]
    fn a_truncated_recording_is_read_up_to_its_last_whole_line() {
        let recording = Recording::from_text(format!("{HEADER}{ENTRY}{}", &ENTRY[..40])).unwrap();
        assert_eq!((recording.len(), recording.is_cut_off()), (1, true));
        assert_eq!(recording.organization().as_deref(), Some("1A@AdobeOrg"));
        assert_eq!(recording.line(0), Some(2));
        // A last line without a line break is whole if it can be read.
        let recording = Recording::from_text(format!("{HEADER}{}", ENTRY.trim_end())).unwrap();
        assert_eq!((recording.len(), recording.is_cut_off()), (1, false));
    }

    #[test]
    fn an_edited_recording_names_the_line() {
        let text = why(&format!("{HEADER}{ENTRY}\n{}\n{ENTRY}", "{\"time\":"));
        assert!(text.contains("line 4"), "{text}");
        // Blank lines, line breaks and the mark of Windows are harmless.
        let text = format!("\u{feff}\n{HEADER}\r\n\n{ENTRY}").replace('\n', "\r\n");
        let recording = Recording::from_text(text).unwrap();
        assert_eq!(recording.entries().collect::<Result<Vec<_>, _>>().unwrap().len(), 1);
        let recording = Recording::from_text(format!("\u{feff}{HEADER}{ENTRY}")).unwrap();
        assert!(recording.entry(0).is_ok());
    }

    #[test]
    fn a_mistake_has_one_line_number_and_a_column() {
        let text = why(&format!("{HEADER}{}", ENTRY.replace("200", "99999")));
        assert!(text.contains("line 2: ") && text.contains("(column ") && !text.contains("line 1"), "{text}");
    }

    #[test]
    fn what_is_not_a_recording_is_named() {
        assert!(why("").contains("empty"));
        assert!(why("hello\n").contains("line 1: it is not a recording"));
        assert!(why("{\"log\":{}}\n").contains("HAR file"));
        assert!(why(ENTRY).contains("line before the first entry is missing"));
        let utf_16 = HEADER.encode_utf16().flat_map(u16::to_le_bytes);
        let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf_16).collect();
        assert!(Recording::from_text(utf_16).unwrap_err().to_string().contains("UTF-16"));
        assert!(why("{\"_umapi\":{\"recording\":2}}\n").contains("version 2"));
        assert!(why("{\"_umapi\":{\"recording\":0}}\n").contains("no version 0"));
        assert!(Recording::open("/nonexistent/file").unwrap_err().to_string().contains("/nonexistent/file"));
        assert!(Recording::open("/").unwrap_err().to_string().contains("folder"));
    }
}
