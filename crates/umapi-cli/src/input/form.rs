//! The forms of input files.

use std::path::Path;

use clap::ValueEnum;

use crate::failure::{Failure, Result};

/// The form of a file with commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputForm {
    /// One command of the API a line.
    Ndjson,
    /// An array of commands of the API.
    Json,
    /// A command a line, in columns.
    Csv,
}

impl InputForm {
    /// The form that the name of the file tells.
    pub(crate) fn of_name(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::usage(format!("which form has {}?", path.display()))
                .why("its name does not tell")
                .remedy("add --input-format ndjson, json or csv; umapi help command-files describes them")),
        }
    }

    /// What files of the form are called at their ends.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}
