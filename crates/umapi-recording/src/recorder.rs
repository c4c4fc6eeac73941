//! Writes a recording, one exchange at a time.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::Serialize;

use crate::{
    entry::{Header, HeaderFields, VERSION},
    exchange::Exchange,
    key::RecordingKey,
    pseudonym::Pseudonyms,
    sanitize::Sanitizer,
    time::Shift,
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
    /// A file that other processes write too.
    Joint(File),
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

    /// Adds to a recording that was begun with this key, by this process or another one, or begins it: in one file, with the same
    /// pseudonyms, and with times that go on. Any number of processes may write at the same time.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use umapi_recording::{Exchange, Recorder, Recording, RecordingKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("recording.jsonl");
    /// let key = RecordingKey::parse("7f3c1d0a-5b6c-4d7e-8f90-a1b2c3d4e5f6")?;
    /// # let now = SystemTime::UNIX_EPOCH;
    /// for page in 0..2 {
    ///     let url =
    ///         format!("https://usermanagement.adobe.io/v2/usermanagement/groups/1A@AdobeOrg/{page}");
    ///     let recorder = Recorder::join(&path, &key, now)?;
    ///     recorder.record(&Exchange::new("GET", url));
    ///     recorder.finish()?;
    /// }
    /// assert_eq!(Recording::open(&path)?.len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// What a process left of a line when it was killed is removed by the next one.
    ///
    /// # Errors
    ///
    /// If the file is not a recording, was begun with another key or without one, or by another version, or cannot be written. It
    /// is unchanged then.
    pub fn join(path: impl AsRef<Path>, key: &RecordingKey, now: SystemTime) -> Result<Self, RecorderError> {
        let path = path.as_ref();
        let error = |why: String| RecorderError { path: Some(path.to_owned()), why };
        let (file, shift) = join(path, key, now).map_err(error)?;
        let sanitizer = Sanitizer::shifted(key.pseudonyms(), shift);
        let state = State { sink: Sink::Joint(file), sanitizer, entries: 0, failure: None };
        Ok(Self(Arc::new(Shared { path: Some(path.to_owned()), state: Mutex::new(state) })))
    }

    fn start(mut sink: Sink, path: Option<PathBuf>) -> Result<Self, RecorderError> {
        let error = |why: String| RecorderError { path: path.clone(), why };
        let pseudonyms =
            Pseudonyms::new().map_err(|cause| error(format!("this machine has no random numbers ({cause})")))?;
        let header = Header { umapi: HeaderFields { recording: VERSION, creator: CREATOR.to_owned(), joint: None } };
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
        let line = line(value)?;
        match self {
            Self::Joint(file) => {
                file.lock()?;
                let written = append(file, &line);
                // The line is whole, or removed: nothing is left to do if this fails.
                let _ = file.unlock();
                written
            }
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
            Self::File(file, _) | Self::Joint(file) => match file.sync_all() {
                // A pipe or a device has nothing to sync.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                result => result,
            },
            Self::Writer(writer) => writer.flush(),
        }
    }
}

/// The program that writes recordings. Its version decides what pseudonyms look like.
const CREATOR: &str = concat!("umapi-recording ", env!("CARGO_PKG_VERSION"));

/// The longest first line, in bytes.
const MAX_HEADER: u64 = 4096;

fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Adds a line at the end of a file that this process has locked.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    let end = end_of_lines(file)?;
    if end == 0 {
        return Err(io::Error::other("somebody emptied the file"));
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(line).inspect_err(|_| _ = file.set_len(end))
}

/// Where the last whole line ends. What comes after it was left by a process that was killed.
fn end_of_lines(file: &mut File) -> io::Result<u64> {
    const BLOCK: u64 = 1 << 16;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = Vec::new();
    while end > 0 {
        // The first look is at the last byte alone: usually it is a line break.
        let start = if block.is_empty() { end - 1 } else { end.saturating_sub(BLOCK) };
        block.resize(usize::try_from(end - start).unwrap_or_default(), 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        if let Some(last) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Opens the file of several processes, and begins it if nobody has.
fn join(path: &Path, key: &RecordingKey, now: SystemTime) -> Result<(File, Shift), String> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err("it is not a file; name one, because several processes add to it".to_owned());
    }
    let mut file = private().read(true).create(true).truncate(false).open(path).map_err(|cause| cause.to_string())?;
    file.lock().map_err(|cause| format!("it cannot be locked against other processes ({cause}); use another disk"))?;
    let joined = begin_or_go_on(&mut file, key, now);
    file.unlock().map_err(|cause| cause.to_string())?;
    joined.map(|shift| (file, shift))
}

fn begin_or_go_on(file: &mut File, key: &RecordingKey, now: SystemTime) -> Result<Shift, String> {
    let mut first = Vec::new();
    let begin = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| BufReader::new(&mut *file).take(MAX_HEADER).read_until(b'\n', &mut first));
    begin.map_err(|cause| cause.to_string())?;
    // A process that was killed when it began the file left the beginning of its first line.
    let is_begun = first.ends_with(b"\n") || !line_begins_like(&first);
    if is_begun {
        let header: Header =
            serde_json::from_slice(&first).map_err(|_| "it exists, and is not a recording".to_owned())?;
        let HeaderFields { recording, creator, joint } = header.umapi;
        if recording != VERSION || creator != CREATOR {
            return Err(format!(
                "it was begun by another version ({creator}), which has other pseudonyms; use that version, or name a new file"
            ));
        }
        let Some(joint) = joint else {
            return Err("it exists and was recorded without a key, so nobody can add to it; name a new file".to_owned());
        };
        return key
            .shift_of(&joint)
            .ok_or_else(|| "it was begun with another key; use that key, or name a new file".to_owned());
    }
    let joint = key.begin(now).map_err(|cause| format!("this machine has no random numbers ({cause})"))?;
    let shift = key.shift_of(&joint).ok_or("the clock of this machine is wrong; correct it")?;
    let header = Header { umapi: HeaderFields { recording: VERSION, creator: CREATOR.to_owned(), joint: Some(joint) } };
    let written = line(&header).and_then(|line| {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&line).inspect_err(|_| _ = file.set_len(0))
    });
    written.map_err(|cause| cause.to_string())?;
    Ok(shift)
}

/// Whether it is empty, or the beginning of a first line.
fn line_begins_like(first: &[u8]) -> bool {
    const BEGINNING: &[u8] = br#"{"_umapi":{"recording":"#;
    let length = first.len().min(BEGINNING.len());
    first[..length] == BEGINNING[..length] && (first.len() as u64) < MAX_HEADER
}

/// Creates a file that only its owner can read. A device or a pipe is written to.
fn create(path: &Path) -> Result<File, RecorderError> {
    let error = |why: String| RecorderError { path: Some(path.to_owned()), why };
    match private().create_new(true).open(path) {
        Ok(file) => Ok(file),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            let is_special = fs::metadata(path).is_ok_and(|file| !file.is_file() && !file.is_dir());
            if !is_special {
                let why = "the file exists already; name a new file, or a folder that exists, because each recording needs a file of its own, unless its processes share a key";
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

/// How the error of a key begins, which is not about the file.
const KEY_UNUSABLE: &str = "the key of the recording cannot be used";

impl RecorderError {
    pub(crate) fn of_key(why: &str) -> Self {
        let remedy = "use 32 random hexadecimal digits, such as a random UUID";
        Self { path: None, why: format!("{KEY_UNUSABLE}: {why}; {remedy}") }
    }
}

impl fmt::Display for RecorderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "cannot write the recording {}: {}", path.display(), self.why),
            None if self.why.starts_with(KEY_UNUSABLE) => f.write_str(&self.why),
            None => write!(f, "cannot write the recording: {}", self.why),
        }
    }
}

impl std::error::Error for RecorderError {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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

    const KEY: &str = "7f3c1d0a5b6c4d7e8f90a1b2c3d4e5f6";

    fn key() -> RecordingKey {
        RecordingKey::parse(KEY).unwrap()
    }

    fn at(hours: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_800 + hours * 3600)
    }

    fn group(name: &str, time: SystemTime) -> Exchange {
        let url = format!("https://h.example/v2/usermanagement/users/1A@AdobeOrg/0/{name}");
        Exchange::new("GET", url).with_time(time, Duration::from_secs(1))
    }

    fn join_at(path: &Path, hours: u64) -> Result<Recorder, RecorderError> {
        Recorder::join(path, &key(), at(hours))
    }

    #[test]
    fn processes_with_one_key_write_one_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("joint.jsonl");
        for hours in [0, 2, 50] {
            let recorder = join_at(&path, hours).unwrap();
            recorder.record(&group("Design", at(hours)));
            assert_eq!(recorder.finish().unwrap(), 1);
        }
        let recording = Recording::open(&path).unwrap();
        let entries: Vec<_> = recording.entries().map(Result::unwrap).collect();
        let names: Vec<_> = entries.iter().map(|entry| entry.parameter("groupName").unwrap()).collect();
        assert!(names.len() == 3 && names.iter().all(|name| *name == names[0] && *name != "Design"), "{names:?}");
        let hours: Vec<_> = entries.iter().map(|entry| &entry.started_date_time[..13]).collect();
        assert_eq!(hours, ["2000-01-01T00", "2000-01-01T02", "2000-01-03T02"], "the times go on");
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(KEY) && !text.contains("2030"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn two_files_with_one_key_do_not_tell_when_they_began() {
        let folder = tempfile::tempdir().unwrap();
        let begins = |name: &str| {
            let path = folder.path().join(name);
            join_at(&path, 0).unwrap();
            let header: Header = serde_json::from_str(fs::read_to_string(path).unwrap().trim()).unwrap();
            header.umapi.joint.unwrap().begins
        };
        assert_ne!(begins("one"), begins("two"));
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("joint.jsonl");
        for left in ["", "{", "{\"_umapi\":{\"recording\":1,\"crea"] {
            fs::write(&path, left).unwrap();
            join_at(&path, 0).unwrap().record(&group("Design", at(0)));
            assert_eq!(Recording::open(&path).unwrap().len(), 1, "{left:?}");
        }
        let open = join_at(&path, 1).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        for left in ["{".to_owned(), "{\"startedDateTime\"".to_owned() + &"x".repeat(200_000)] {
            fs::write(&path, format!("{whole}{left}")).unwrap();
            assert!(Recording::open(&path).unwrap().is_cut_off());
            open.record(&group("Sales", at(1)));
            let recording = Recording::open(&path).unwrap();
            assert_eq!((recording.len(), recording.is_cut_off()), (2, false));
        }
        fs::write(&path, "").unwrap();
        open.record(&group("Sales", at(1)));
        let error = open.finish().unwrap_err().to_string();
        assert!(error.contains("somebody emptied the file") && error.contains("after 2 exchanges"), "{error}");
    }

    #[test]
    fn what_cannot_be_joined_is_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("joint.jsonl");
        let other = RecordingKey::parse("00112233-4455-6677-8899-aabbccddeeff").unwrap();
        Recorder::join(&path, &other, at(0)).unwrap();
        let of_other = fs::read_to_string(&path).unwrap();
        let alone = folder.path().join("alone.jsonl");
        Recorder::create(&alone).unwrap();
        let of_one = fs::read_to_string(&alone).unwrap();
        let newer = of_other.replacen("\"recording\":1", "\"recording\":2", 1);
        let older = of_other.replacen(env!("CARGO_PKG_VERSION"), "0.0.1", 1);
        for (text, part) in [
            (of_other.as_str(), "another key"),
            (&of_one, "without a key"),
            (&newer, "another version"),
            (&older, "umapi-recording 0.0.1"),
            ("dear diary", "not a recording"),
            ("{\"log\":{}}\n", "not a recording"),
            (&"{\"_umapi\":{\"recording\":".repeat(400), "not a recording"),
        ] {
            fs::write(&path, text).unwrap();
            let error = join_at(&path, 0).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("joint.jsonl") && !error.contains(KEY), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let error = join_at(folder.path(), 0).unwrap_err().to_string();
        assert!(error.contains("it is not a file"), "{error}");
        assert!(join_at(&folder.path().join("none/joint.jsonl"), 0).is_err());
        let error = Recorder::create(&path).unwrap_err().to_string();
        assert!(error.contains("exists already"), "{error}");
    }

    #[test]
    fn keys_that_can_be_guessed_are_refused_and_never_shown() {
        for bad in ["", "secret", "0000000000000000000000000000000000", "11112222111122221111222211112222", &KEY[1..]] {
            let error = RecordingKey::parse(bad).unwrap_err().to_string();
            assert!(error.contains("32 random hexadecimal digits"), "{error}");
            assert!(bad.len() < 3 || !error.contains(bad), "{error}");
        }
        assert!(RecordingKey::parse(" 7F3C1D0A-5B6C-4D7E-8F90-A1B2C3D4E5F6\n").is_ok());
    }

    #[test]
    fn many_writers_at_once_lose_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("joint.jsonl");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let recorder = join_at(path, 0).unwrap();
                    for number in 0..25 {
                        recorder.record(&group(&format!("Group {writer} {number}"), at(0)));
                    }
                    assert_eq!(recorder.finish().unwrap(), 25);
                });
            }
        });
        let recording = Recording::open(&path).unwrap();
        assert_eq!((recording.len(), recording.is_cut_off()), (200, false));
    }
}
