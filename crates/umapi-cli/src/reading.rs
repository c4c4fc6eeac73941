//! The readers of input files, without a file: for the tests of this workspace only.

use std::path::{Path, PathBuf};

use umapi::Command;

use crate::{
    config::ConfigFile,
    failure::Failure,
    input::{BadEntry, CommandReader, InputFormat, ReadOptions, memberships_of},
};

/// The text of an error.
pub type ErrorText = String;

/// A command of a file, or what is wrong with it.
#[derive(Debug)]
pub struct Entry {
    /// The line that it begins on, counted from 1.
    pub line: u64,
    /// The command; or the rule that it breaks, and its text in the file.
    pub command: Result<Command, (ErrorText, String)>,
}

/// Reads the commands of a file with this extension, and the header of CSV.
///
/// # Errors
///
/// If the extension does not stand for a format.
pub fn commands(extension: &str, input: &[u8]) -> Result<(Vec<Entry>, Option<String>), ErrorText> {
    let format = InputFormat::of_file_name(Path::new(&format!("file.{extension}"))).map_err(text_of)?;
    let mut reader = CommandReader::new(format, ReadOptions::default(), input);
    let entries = reader.by_ref().map(|next| match next {
        Ok(Ok(read)) => Ok(Entry { line: read.line, command: Ok(read.command) }),
        Ok(Err(BadEntry { diagnostic, text, .. })) => {
            Ok(Entry { line: diagnostic.location.line.unwrap_or(1), command: Err((diagnostic.rule, text)) })
        }
        Err(error) => Err(error.to_string()),
    });
    let entries = entries.collect::<Result<_, _>>()?;
    Ok((entries, reader.header().map(str::to_owned)))
}

/// Reads the groups and users of a membership file, each with its complete list.
///
/// # Errors
///
/// The mistakes in the file, and their places.
pub fn memberships(is_table: bool, text: &str) -> Result<Vec<(String, Vec<String>)>, ErrorText> {
    let desired = memberships_of(is_table, text.as_bytes()).map_err(|mistakes| {
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        mistakes.join("\n")
    })?;
    let groups = desired.groups.into_values().map(|list| {
        let members = list.members.into_values().map(|member| member.name.to_string());
        (list.group.name, members.collect())
    });
    let users = desired
        .users
        .into_values()
        .map(|list| (list.user.name.to_string(), list.groups.into_values().map(|group| group.name).collect()));
    Ok(groups.chain(users).collect())
}

/// Reads the profiles of a configuration.
///
/// # Errors
///
/// The mistake in the configuration, and its place.
pub fn profiles(text: &str) -> Result<Vec<String>, ErrorText> {
    let file = ConfigFile::parse(PathBuf::from("config.toml"), text).map_err(text_of)?;
    Ok(file.profiles().keys().cloned().collect())
}

fn text_of(failure: Failure) -> ErrorText {
    failure.to_string()
}
