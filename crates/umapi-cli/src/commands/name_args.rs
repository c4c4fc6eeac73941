//! Names that are given as arguments and in a file.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use clap::Args;

use super::account_args::AccountArgs;
use crate::{
    accounts::UserQuery,
    failure::{Failure, Result},
    input::{
        Diagnostic, ListedName, NameCheck, SourceLocation, TextArgs, check_listed, check_user, read_names, source_name,
    },
};

/// A user who was named, and the line of the file.
#[derive(Clone, Debug)]
pub(super) struct NamedUser {
    pub(super) query: UserQuery,
    /// `None` if the user is an argument.
    pub(super) line: Option<u64>,
}

/// A file with more names.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct NameFile {
    /// Read names from a file too, one per line; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,

    #[command(flatten)]
    pub(super) text: TextArgs,
}

impl NameFile {
    pub(super) fn path(&self) -> Option<&Path> {
        self.from.as_deref()
    }
}

/// Reads the names of arguments and of a file. All mistakes are told at once.
pub(super) fn names(arguments: &[String], file: &NameFile) -> Result<Vec<ListedName>> {
    checked_names(arguments, file, check_listed)
}

/// Reads the users of arguments and of a file.
pub(super) fn users(arguments: &[String], file: &NameFile, account: &AccountArgs) -> Result<Vec<NamedUser>> {
    let names = checked_names(arguments, file, check_user)?.into_iter();
    Ok(names.map(|ListedName { name, line }| NamedUser { query: account.query(name), line }).collect())
}

fn checked_names(arguments: &[String], file: &NameFile, check: NameCheck) -> Result<Vec<ListedName>> {
    let mistakes: Vec<_> = arguments.iter().filter_map(|name| check(name).err()).collect();
    if !mistakes.is_empty() {
        let what = if mistakes.len() == 1 { "a name is not valid" } else { "names are not valid" };
        let failure = mistakes.into_iter().fold(Failure::usage(what), |failure, (rule, remedy)| {
            failure.why(Diagnostic::new(SourceLocation::default(), rule).remedy(remedy))
        });
        return Err(failure);
    }
    let mut names: Vec<ListedName> =
        arguments.iter().map(|name| ListedName { name: name.clone(), line: None }).collect();
    if let Some(path) = &file.from {
        names.extend(read_names(path, file.text, check)?);
    }
    Ok(names)
}

/// Leaves out users who are named again, in another spelling too.
pub(super) fn without_repetitions(users: Vec<NamedUser>) -> Vec<NamedUser> {
    let mut seen = HashSet::new();
    users.into_iter().filter(|user| seen.insert(user.query.folded())).collect()
}

/// Says where a name is: with file and line, if it is in a file.
pub(super) fn located(from: Option<&Path>, line: Option<u64>, what: impl Into<String>) -> String {
    match (from, line) {
        (Some(path), Some(line)) => {
            format!("{}, {}", source_name(path), Diagnostic::new(SourceLocation::line(line), what))
        }
        _ => what.into(),
    }
}

/// The failure about names of several accounts.
pub(super) fn unclear(names: impl IntoIterator<Item = String>) -> Failure {
    let failure = Failure::usage("the users are not named clearly; nothing was changed");
    names.into_iter().fold(failure, Failure::why).remedy(
        "choose one with --type or --adobe-id; for a username, with --domain; to choose for each user, use \"umapi apply\" \
         with a column `type`",
    )
}
