//! The data file of a store: whether it belongs to the emulator, and whether another process uses it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::StoreError;

/// The `application_id` of data files: `umem`.
pub(super) const APPLICATION_ID: i32 = 0x756d_656d;

/// The first bytes of every SQLite file.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// The size of the header of an SQLite file.
const HEADER_BYTES: usize = 100;
/// The position of the `application_id` in the header.
const APPLICATION_ID_OFFSET: usize = 68;

/// Whether a data file has state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileState {
    /// It does not exist, or is empty.
    New,
    /// It is a data file of the emulator.
    Existing,
}

/// Reads the header of a file without changing it. A file that does not exist is created, for its owner alone: it will hold
/// secrets.
///
/// # Errors
/// If the file is not a data file of the emulator, is a link that leads nowhere, or cannot be read.
pub(super) fn inspect(path: &Path) -> Result<FileState, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path).map_err(|error| StoreError::File { path: path.to_owned(), error })?;
            return Ok(FileState::New);
        }
        Err(error) => return Err(StoreError::File { path: path.to_owned(), error }),
    };
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let read = file.take(HEADER_BYTES as u64).read_to_end(&mut header);
    read.map_err(|error| StoreError::File { path: path.to_owned(), error })?;
    let foreign = |reason| Err(StoreError::Foreign { path: path.to_owned(), reason });
    if header.is_empty() {
        return Ok(FileState::New);
    }
    if header.len() < HEADER_BYTES || !header.starts_with(MAGIC) {
        return foreign("it is not an SQLite file");
    }
    let id = header[APPLICATION_ID_OFFSET..].first_chunk().map_or(0, |bytes| i32::from_be_bytes(*bytes));
    if id == APPLICATION_ID { Ok(FileState::Existing) } else { foreign("it is the SQLite file of another program") }
}

/// Creates an empty file that only its owner can read. It does not write through a link.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The lock of a data file, held as long as the store is open.
///
/// It is a file beside the data file, because SQLite's own lock does not tell which process holds it.
#[derive(Debug)]
pub(super) struct DataFileLock {
    path: PathBuf,
    _file: File,
}

impl DataFileLock {
    /// Locks a data file.
    ///
    /// # Errors
    /// If another process has locked it, with the id of the process.
    pub(super) fn acquire(data: &Path) -> Result<Self, StoreError> {
        let mut path = data.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let failed = |error| StoreError::File { path: path.clone(), error };
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(StoreError::InUse { path: data.to_owned(), process: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file, path })
    }
}

impl Drop for DataFileLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[cfg(unix)]
    #[test]
    fn a_new_data_file_is_private_and_no_link_is_followed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(Store::open(&path).unwrap());
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
        }
        let (link, target) = (folder.path().join("link.db"), folder.path().join("nowhere.db"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(Store::open(&link), Err(StoreError::File { .. })));
        assert!(!target.exists());
    }

    #[test]
    fn foreign_files_are_rejected_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("other.db");
        let other = rusqlite::Connection::open(&database).unwrap();
        other.execute_batch("CREATE TABLE a (b); PRAGMA user_version = 2").unwrap();
        drop(other);
        let text = folder.path().join("notes.txt");
        fs::write(&text, "not a database").unwrap();
        for path in [database, text] {
            let before = fs::read(&path).unwrap();
            let error = Store::open(&path).unwrap_err();
            assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            assert_eq!(fs::read(&path).unwrap(), before);
        }
        let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, ["notes.txt", "other.db"]);
    }

    #[test]
    fn a_second_store_is_told_who_uses_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = Store::open(&path).unwrap();
        let error = Store::open(&path).unwrap_err();
        let process = std::process::id();
        assert!(matches!(error, StoreError::InUse { process: Some(found), .. } if found == process), "{error:?}");
        assert!(error.to_string().contains(&format!("process {process}")), "{error}");
        drop(store);
        Store::open(&path).unwrap();
    }

    #[test]
    fn an_empty_file_becomes_a_data_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        drop(Store::open(file.path()).unwrap());
        assert_eq!(inspect(file.path()).unwrap(), FileState::Existing);
    }
}
