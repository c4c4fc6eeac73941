//! The content of an input file: read once, so that what is sent is what was checked.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};

/// The content of a file or of stdin, kept in a temporary file that has no name and that only this process can read.
///
/// It is read once to be checked and once to be sent. A change of the file in between changes neither.
pub(crate) struct Source {
    name: String,
    path: Option<PathBuf>,
    content: File,
    fingerprint: String,
}

impl Source {
    /// Reads the file; `-` is stdin.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = source_name(path);
        let copied = match is_stdin(path) {
            true => copy(&mut io::stdin().lock()),
            false => File::open(path).and_then(|mut file| copy(&mut file)),
        };
        let (content, fingerprint) = copied.map_err(|error| cannot_read(path, &error))?;
        Ok(Self { name, path: (!is_stdin(path)).then(|| path.to_owned()), content, fingerprint })
    }

    /// The name for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The path of the file; `None` for stdin.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Begins to read the content from its beginning.
    pub(crate) fn read(&self) -> io::Result<BufReader<File>> {
        let mut content = self.content.try_clone()?;
        content.rewind()?;
        Ok(BufReader::with_capacity(1 << 16, content))
    }

    /// The SHA-256 of the content, as hexadecimal text.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Reads a file, or stdin for `-`, as a whole.
pub(crate) fn read_whole(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin().read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| cannot_read(path, &error))?;
    Ok(bytes)
}

/// The failure for a file that cannot be read.
pub(crate) fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}", source_name(path))).why(error).remedy("check the path; `-` is stdin")
}

/// The name of an input for messages: its path, or `stdin`.
pub(crate) fn source_name(path: &Path) -> String {
    if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Copies the input to a temporary file, and hashes it on the way.
fn copy(input: &mut impl Read) -> io::Result<(File, String)> {
    let (mut file, mut hash, mut buffer) = (tempfile::tempfile()?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                file.write_all(&buffer[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.flush()?;
    Ok((file, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_stays_when_the_file_changes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "one\ntwo\n").unwrap();
        let source = Source::open(file.path()).unwrap();
        let fingerprint = source.fingerprint().to_owned();
        std::fs::write(file.path(), "one\n").unwrap();
        for _ in 0..2 {
            let mut text = String::new();
            source.read().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "one\ntwo\n");
        }
        assert_eq!(fingerprint.len(), 64);
        assert_ne!(fingerprint, Source::open(file.path()).unwrap().fingerprint());
    }
}
