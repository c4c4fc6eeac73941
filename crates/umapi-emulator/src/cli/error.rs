use std::io;

use crate::emulator::StartError;
use crate::seed::SeedError;

/// Why the command ended with a failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The emulator did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The seed is none.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// A number for the generator, and nothing to generate.
    #[error(
        "--seed is a number, which is for the generator: say with --users how many users to make up, or name a file"
    )]
    NumberAlone,
    /// The seed file has no organization to make users up for.
    #[error("the seed has no organization to make users up for: give it one under `organizations`")]
    NothingToGenerateFor,
    /// A folder or a stream cannot be used.
    #[error("{0}")]
    Io(#[from] io::Error),
}
