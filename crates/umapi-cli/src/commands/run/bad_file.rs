//! The file for commands that cannot be sent, to be corrected and run again.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{
    failure::{Failure, Result},
    input::{CommandReader, InputForm, Source},
};

/// The file for commands that cannot be sent. It has the form of the file that they come from.
pub(super) struct BadFile;

impl BadFile {
    /// The path that was named, or one beside the file: `users.bad.csv` beside `users.csv`.
    pub(super) fn path(named: Option<&Path>, source: &Source, form: InputForm) -> PathBuf {
        match (named, source.path()) {
            (Some(path), _) => path.to_owned(),
            (None, Some(source)) => source.with_extension(format!("bad.{}", form.extension())),
            (None, None) => format!("commands.bad.{}", form.extension()).into(),
        }
    }

    pub(super) fn write(path: &Path, source: &Source, form: InputForm) -> Result<()> {
        let write = || -> io::Result<()> {
            let file = OpenOptions::new().write(true).create_new(true).open(path)?;
            let mut out = BufWriter::new(file);
            let mut reader = CommandReader::new(form, source.read()?);
            let mut count = 0_u64;
            while let Some(next) = reader.next() {
                let Err(bad) = next? else { continue };
                count += 1;
                match form {
                    InputForm::Ndjson => {}
                    InputForm::Json => out.write_all(if count == 1 { b"[\n" } else { b",\n" })?,
                    InputForm::Csv if count == 1 => writeln!(out, "{}", reader.header().unwrap_or_default())?,
                    InputForm::Csv => {}
                }
                match form {
                    InputForm::Json => write!(out, "{}", bad.text)?,
                    _ => writeln!(out, "{}", bad.text)?,
                }
            }
            if form == InputForm::Json {
                out.write_all(b"\n]\n")?;
            }
            out.flush()
        };
        write().map_err(|error| {
            Failure::usage(format!("cannot write the bad commands to {}", path.display()))
                .why(error)
                .remedy("name a file that is not there by --bad-file")
        })
    }
}
