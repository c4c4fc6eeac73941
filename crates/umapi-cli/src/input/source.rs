//! The content of an input file: read once, so that what is sent is what was checked.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{Diagnostic, TextEncoding};
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
    /// Reads the file in this encoding; `-` is stdin.
    pub(crate) fn open(path: &Path, encoding: TextEncoding) -> Result<Self> {
        let name = source_name(path);
        let copied = match is_stdin(path) {
            true => copy(&mut io::stdin().lock(), encoding),
            false => File::open(path).and_then(|mut file| copy(&mut file, encoding)),
        };
        let copied = copied.map_err(|error| cannot_read(path, &error))?;
        let (content, fingerprint) = copied.map_err(|diagnostic| cannot_decode(path, diagnostic))?;
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

/// Reads a file of text, or stdin for `-`, as a whole, and makes UTF-8 of it.
pub(crate) fn read_text(path: &Path, encoding: TextEncoding) -> Result<Vec<u8>> {
    encoding.to_utf8(read_whole(path)?).map_err(|diagnostic| cannot_decode(path, diagnostic))
}

fn cannot_decode(path: &Path, diagnostic: Diagnostic) -> Failure {
    diagnostic.into_failure(source_name(path), "the text cannot be read")
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

/// Copies the input to a temporary file as UTF-8, and hashes it on the way.
fn copy(input: &mut impl Read, encoding: TextEncoding) -> io::Result<Result<(File, String), Diagnostic>> {
    let (mut file, mut hash) = (tempfile::tempfile()?, Sha256::new());
    let copied = encoding.copy_to_utf8(input, |bytes| {
        hash.update(bytes);
        file.write_all(bytes)
    })?;
    file.flush()?;
    Ok(copied.map(|()| (file, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_stays_when_the_file_changes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "one\ntwo\n").unwrap();
        let source = Source::open(file.path(), TextEncoding::default()).unwrap();
        let fingerprint = source.fingerprint().to_owned();
        std::fs::write(file.path(), "one\n").unwrap();
        for _ in 0..2 {
            let mut text = String::new();
            source.read().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "one\ntwo\n");
        }
        assert_eq!(fingerprint.len(), 64);
        assert_ne!(fingerprint, Source::open(file.path(), TextEncoding::default()).unwrap().fingerprint());
    }
}
