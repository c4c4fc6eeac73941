//! How the files of a user are read, without a file: for tests of this workspace, and no interface.

use std::path::{Path, PathBuf};

use umapi::Command;

use crate::{
    config::ConfigFile,
    failure::Failure,
    input::{BadCommand, CommandReader, InputForm},
    wanted::Wanted,
};

/// What is wrong, in words.
pub type Wrong = String;

/// A command of a file, or what is wrong with it.
#[derive(Debug)]
pub struct Entry {
    /// The line that it begins on, counted from 1.
    pub line: u64,
    /// The command, or the rule that it breaks and how it stands in the file.
    pub command: Result<Command, (Wrong, String)>,
}

/// The commands of a file whose name ends like this, and the header of CSV.
///
/// # Errors
///
/// For a name that tells no form.
pub fn commands(extension: &str, input: &[u8]) -> Result<(Vec<Entry>, Option<String>), Wrong> {
    let form = InputForm::of_name(Path::new(&format!("file.{extension}"))).map_err(in_words)?;
    let mut reader = CommandReader::new(form, input);
    let entries = reader.by_ref().map(|next| match next {
        Ok(Ok(read)) => Ok(Entry { line: read.line, command: Ok(read.command) }),
        Ok(Err(BadCommand { place, rule, text, .. })) => Ok(Entry { line: place.line, command: Err((rule, text)) }),
        Err(error) => Err(error.to_string()),
    });
    let entries = entries.collect::<Result<_, _>>()?;
    Ok((entries, reader.header()))
}

/// Groups and users of a membership file, each with its complete list.
///
/// # Errors
///
/// What is wrong in it, and where.
pub fn memberships(is_table: bool, text: &str) -> Result<Vec<(String, Vec<String>)>, Wrong> {
    let wanted = Wanted::of_text(is_table, text).map_err(|mistake| mistake.to_string())?;
    let lists = wanted.groups.into_values().chain(wanted.users.into_values());
    Ok(lists.map(|list| (list.name.text, list.items.into_values().map(|item| item.text).collect())).collect())
}

/// The profiles of a configuration.
///
/// # Errors
///
/// What is wrong in it, and where.
pub fn profiles(text: &str) -> Result<Vec<String>, Wrong> {
    let file = ConfigFile::parse(PathBuf::from("config.toml"), text).map_err(in_words)?;
    Ok(file.profiles().keys().cloned().collect())
}

fn in_words(failure: Failure) -> Wrong {
    failure.to_string()
}
