//! The error of the `umapi-emulator` command.

use std::io;

use crate::{emulator::StartError, seed::SeedError};

/// The error of the command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The emulator could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The seed is invalid.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// `--seed` is a number, but there is nothing to generate.
    #[error("--seed is a number, which is for generated users: add --users N, or give a file")]
    NumberAlone,
    /// The seed file has no organization for the generated users.
    #[error("the seed has no organization for the generated users: add one under `organizations`")]
    NothingToGenerateFor,
    /// A folder or a stream is not usable.
    #[error("{0}")]
    Io(#[from] io::Error),
}
