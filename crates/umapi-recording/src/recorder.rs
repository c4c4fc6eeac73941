//! Writes a recording, one exchange at a time.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

use crate::{
    entry::{Header, HeaderFields, VERSION},
    exchange::Exchange,
    pseudonym::Pseudonyms,
    sanitize::Sanitizer,
};

/// Writes what a client sends and receives to a file, without names and secrets. Cheap to clone; all clones write to one file.
///
/// Each exchange is written when it ends, as one line, so that a crash loses nothing that was written before. If the file
/// cannot be written any more, e.g. because the disk is full, the recording ends there and the client goes on:
/// [`finish`](Self::finish) says so.
///
/// ```
/// use umapi_recording::{Exchange, Recorder, Recording};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("recording.jsonl");
/// let recorder = Recorder::create(&path)?;
/// let service = "https://usermanagement.adobe.io/v2/usermanagement";
/// let url = format!("{service}/organizations/1A@AdobeOrg/users/jdoe@corp.com");
/// let body = r#"{"result":"success","user":{"email":"jdoe@corp.com","status":"active"}}"#;
/// recorder.record(&Exchange::new("GET", url).with_response(200, vec![], body));
/// recorder.finish()?;
///
/// let text = std::fs::read_to_string(&path)?;
/// assert!(text.contains("active") && !text.contains("jdoe") && !text.contains("corp"));
/// assert_eq!(Recording::open(&path)?.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    path: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    sink: Sink,
    sanitizer: Sanitizer,
    entries: u64,
    failure: Option<String>,
}

enum Sink {
    /// A file, with the length up to the end of the last whole line.
    File(File, u64),
    Writer(Box<dyn Write + Send>),
}

impl Recorder {
    /// Creates the file, which only its owner can read. In an existing folder, it creates a file with a free number, such as
    /// `umapi-0001.jsonl`: each recording has its own pseudonyms, so it needs a file of its own.
    ///
    /// # Errors
    ///
    /// If the file exists already, or cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, RecorderError> {
        let path = path.as_ref();
        let (file, path) = if path.is_dir() { create_in(path)? } else { (create(path)?, path.to_owned()) };
        Self::start(Sink::File(file, 0), Some(path))
    }

    /// Writes to anything else, e.g. to memory in a test.
    ///
    /// # Errors
    ///
    /// If the first line cannot be written.
    pub fn to_writer(writer: impl Write + Send + 'static) -> Result<Self, RecorderError> {
        Self::start(Sink::Writer(Box::new(writer)), None)
    }

    fn start(mut sink: Sink, path: Option<PathBuf>) -> Result<Self, RecorderError> {
        let error = |why: String| RecorderError { path: path.clone(), why };
        let pseudonyms =
            Pseudonyms::new().map_err(|cause| error(format!("this machine has no random numbers ({cause})")))?;
        let creator = format!("umapi-recording {}", env!("CARGO_PKG_VERSION"));
        let header = Header { umapi: HeaderFields { recording: VERSION, creator } };
        sink.write(&header).map_err(|cause| error(cause.to_string()))?;
        let sanitizer = Sanitizer::new(pseudonyms);
        let state = State { sink, sanitizer, entries: 0, failure: None };
        Ok(Self(Arc::new(Shared { path, state: Mutex::new(state) })))
    }

    /// Writes an exchange, without its names and secrets. After a failure, it does nothing.
    pub fn record(&self, exchange: &Exchange) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_some() {
            return;
        }
        let entry = state.sanitizer.entry(exchange);
        match state.sink.write(&entry) {
            Ok(()) => state.entries += 1,
            Err(error) => state.failure = Some(error.to_string()),
        }
    }

    /// The file.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The number of exchanges that were written. Call it at the end: it says whether the recording is complete.
    ///
    /// # Errors
    ///
    /// If the file could not be written to its end. What was written before is a valid recording.
    pub fn finish(&self) -> Result<u64, RecorderError> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_none()
            && let Err(error) = state.sink.sync()
        {
            state.failure = Some(error.to_string());
        }
        match &state.failure {
            None => Ok(state.entries),
            Some(why) => Err(RecorderError {
                path: self.0.path.clone(),
                why: format!("{why}; the recording ends after {} exchanges", state.entries),
            }),
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Sink {
    /// Writes a line at once. After a failure, it removes the part that was written, if it can.
    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        match self {
            Self::File(file, end) => match file.write_all(&line) {
                Ok(()) => {
                    *end += line.len() as u64;
                    Ok(())
                }
                Err(error) => {
                    let _ = file.set_len(*end);
                    Err(error)
                }
            },
            Self::Writer(writer) => writer.write_all(&line).and_then(|()| writer.flush()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self {
            Self::File(file, _) => match file.sync_all() {
                // A pipe or a device has nothing to sync.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                result => result,
            },
            Self::Writer(writer) => writer.flush(),
        }
    }
}

/// Creates a file that only its owner can read. A device or a pipe is written to.
fn create(path: &Path) -> Result<File, RecorderError> {
    let error = |why: String| RecorderError { path: Some(path.to_owned()), why };
    match private().create_new(true).open(path) {
        Ok(file) => Ok(file),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            let is_special = fs::metadata(path).is_ok_and(|file| !file.is_file() && !file.is_dir());
            if !is_special {
                let why = "the file exists already; name a new file, or a folder that exists, because each recording needs a file of its own";
                return Err(error(why.to_owned()));
            }
            OpenOptions::new().write(true).open(path).map_err(|cause| error(cause.to_string()))
        }
        Err(cause) => Err(error(cause.to_string())),
    }
}

/// Creates a file with a free number in a folder.
fn create_in(folder: &Path) -> Result<(File, PathBuf), RecorderError> {
    for number in 1..=99_999 {
        let path = folder.join(format!("umapi-{number:04}.jsonl"));
        match private().create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RecorderError { path: Some(path), why: error.to_string() }),
        }
    }
    Err(RecorderError {
        path: Some(folder.to_owned()),
        why: "the folder is full of recordings; name another one".to_owned(),
    })
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The error of a recording that cannot be written.
#[derive(Clone, Debug)]
pub struct RecorderError {
    path: Option<PathBuf>,
    why: String,
}

impl fmt::Display for RecorderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "cannot write the recording {}: {}", path.display(), self.why),
            None => write!(f, "cannot write the recording: {}", self.why),
        }
    }
}

impl std::error::Error for RecorderError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recording;

    fn exchange() -> Exchange {
        Exchange::new("GET", "https://h.example/v2/usermanagement/groups/1A@AdobeOrg/0").with_response(
            200,
            vec![],
            r#"{"lastPage":true,"result":"success","groups":[]}"#,
        )
    }

    #[test]
    fn a_recording_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.jsonl");
        let recorder = Recorder::create(&path).unwrap();
        recorder.record(&exchange());
        assert_eq!(recorder.finish().unwrap(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let error = Recorder::create(&path).unwrap_err().to_string();
        assert!(error.contains("one.jsonl") && error.contains("exists already"), "{error}");
        assert_eq!(Recording::open(&path).unwrap().len(), 1);
    }

    #[test]
    fn a_folder_gets_a_file_for_each_recording() {
        let folder = tempfile::tempdir().unwrap();
        let recorders: Vec<_> = (0..3).map(|_| Recorder::create(folder.path()).unwrap()).collect();
        let names: Vec<_> =
            recorders.iter().map(|recorder| recorder.path().unwrap().file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["umapi-0001.jsonl", "umapi-0002.jsonl", "umapi-0003.jsonl"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported_at_the_start() {
        let error = Recorder::create("/dev/full").unwrap_err().to_string();
        assert!(error.contains("/dev/full") && error.contains("space"), "{error}");
    }

    /// A disk with room for some bytes.
    struct SmallDisk(usize);

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.min(bytes.len()) {
                0 => Err(io::Error::from(io::ErrorKind::StorageFull)),
                room => {
                    self.0 -= room;
                    Ok(room)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_fills_up_ends_the_recording_only() {
        let recorder = Recorder::to_writer(SmallDisk(2000)).unwrap();
        for _ in 0..10 {
            recorder.record(&exchange());
        }
        let error = recorder.finish().unwrap_err().to_string();
        assert!(error.contains("no storage space") && error.contains("ends after 2 exchanges"), "{error}");
    }
}
