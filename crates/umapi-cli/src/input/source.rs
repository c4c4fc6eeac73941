//! Where commands come from, read as often as need be.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};

/// A file, or what stdin gave: it is read once to be checked and once to be sent, and must be the same both times.
pub(crate) struct Source {
    name: String,
    path: Option<PathBuf>,
    file: File,
}

impl Source {
    /// Opens the file; `-` is stdin, which is kept in a temporary file that only its owner can read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if is_stdin(path) {
            let file = spool(&mut io::stdin().lock()).map_err(|error| {
                Failure::usage("cannot read stdin").why(error).remedy("give the name of a file in place of `-`")
            })?;
            return Ok(Self { name: "stdin".to_owned(), path: None, file });
        }
        let file = File::open(path).and_then(|mut file| if is_plain(&file) { Ok(file) } else { spool(&mut file) });
        let file = file.map_err(|error| unread(path, &error))?;
        Ok(Self { name: path.display().to_string(), path: Some(path.to_owned()), file })
    }

    /// What to call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The path of the file; nothing for stdin.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Begins to read it from its beginning.
    pub(crate) fn read(&self) -> io::Result<BufReader<File>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(BufReader::with_capacity(1 << 16, file))
    }

    /// A number that another content would not have: SHA-256, as hexadecimal text.
    pub(crate) fn fingerprint(&self) -> io::Result<String> {
        let (mut reader, mut hash, mut buffer) = (self.read()?, Sha256::new(), vec![0; 1 << 16]);
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
                read => hash.update(&buffer[..read]),
            }
        }
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
    read.map_err(|error| unread(path, &error))?;
    Ok(bytes)
}

/// Why a file that was named cannot be read.
pub(crate) fn unread(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}", path.display())).why(error).remedy("check the path; `-` is stdin")
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether it can be read again from its beginning: a pipe such as `<(…)` cannot.
fn is_plain(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

fn spool(input: &mut impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(input, &mut file)?;
    file.flush()?;
    Ok(file)
}
