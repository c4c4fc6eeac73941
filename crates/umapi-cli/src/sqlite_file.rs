//! The headers of SQLite files, read without SQLite, which would alter a file of another program.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// The length of a whole header, in bytes.
const HEADER: u64 = 100;

/// What a file is, by its first bytes.
pub(crate) enum FileKind {
    /// A folder, a device or a pipe.
    Special,
    Empty,
    /// Not an SQLite file.
    Foreign,
    Sqlite(Header),
}

/// The parts of the header by which the command knows its own files.
pub(crate) struct Header {
    pub(crate) application_id: u32,
    /// SQLite calls it `user_version`.
    pub(crate) format_version: u32,
    /// Whether the file was set to use a write-ahead log.
    pub(crate) has_log: bool,
    /// Whether the header is there as a whole.
    pub(crate) is_whole: bool,
}

/// Reads the first bytes of a file.
pub(crate) fn inspect(path: &Path) -> io::Result<FileKind> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(FileKind::Special);
    }
    let mut header = Vec::new();
    file.take(HEADER).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(FileKind::Empty);
    }
    let number = |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    Ok(match (number(68), number(60)) {
        (Some(application_id), Some(format_version)) if header.starts_with(b"SQLite format 3\0") => {
            let has_log = header.get(18..20) != Some(&[1, 1]);
            FileKind::Sqlite(Header {
                application_id,
                format_version,
                has_log,
                is_whole: header.len() as u64 == HEADER,
            })
        }
        _ => FileKind::Foreign,
    })
}

/// The path of a file that SQLite keeps beside another one: its name with an ending such as `-wal`.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(ending);
    name.into()
}
