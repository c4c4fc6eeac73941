//! `umapi help TOPIC`: what is not about one command.

use clap::Subcommand;

use crate::{
    context::Context,
    failure::{Exit, Result},
};

/// What is promised or documented, and not about one command. Hidden among the commands, shown by `umapi help TOPIC`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Topic {
    /// What the exit codes mean.
    #[command(hide = true, long_about = include_str!("../topics/exit-codes.txt"), verbatim_doc_comment)]
    ExitCodes,
    /// How results are written.
    #[command(hide = true, long_about = include_str!("../topics/formats.txt"))]
    Formats,
    /// The files that `umapi run` reads.
    #[command(hide = true, long_about = include_str!("../topics/command-files.txt"))]
    CommandFiles,
    /// The file that `umapi apply` reads.
    #[command(hide = true, long_about = include_str!("../topics/membership-file.txt"))]
    MembershipFile,
    /// The configuration, the environment variables, and where secrets are kept.
    #[command(hide = true, long_about = include_str!("../topics/configuration.txt"))]
    Configuration,
}

impl Topic {
    fn text(self) -> &'static str {
        match self {
            Self::ExitCodes => include_str!("../topics/exit-codes.txt"),
            Self::Formats => include_str!("../topics/formats.txt"),
            Self::CommandFiles => include_str!("../topics/command-files.txt"),
            Self::MembershipFile => include_str!("../topics/membership-file.txt"),
            Self::Configuration => include_str!("../topics/configuration.txt"),
        }
    }

    /// Named as a command, a topic shows its text.
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        context.write(self.text().as_bytes())?;
        Ok(Exit::Success)
    }
}
