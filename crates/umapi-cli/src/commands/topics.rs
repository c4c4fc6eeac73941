//! `umapi help TOPIC`: help that is not about one command.

use clap::Subcommand;

use crate::{
    context::Context,
    failure::{Exit, Result},
};

/// The help topics. They are hidden in the list of commands.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Topic {
    /// Exit codes
    #[command(hide = true, long_about = include_str!("../topics/exit-codes.txt"))]
    ExitCodes,
    /// Output formats
    #[command(hide = true, long_about = include_str!("../topics/formats.txt"))]
    Formats,
    /// Input files of `umapi run`
    #[command(hide = true, long_about = include_str!("../topics/command-files.txt"))]
    CommandFiles,
    /// Input files of `umapi apply`
    #[command(hide = true, long_about = include_str!("../topics/membership-file.txt"))]
    MembershipFile,
    /// Configuration, environment variables and secrets
    #[command(hide = true, long_about = include_str!("../topics/configuration.txt"))]
    Configuration,
    /// Jobs of cron and systemd, and logs for programs
    #[command(hide = true, long_about = include_str!("../topics/scheduled-jobs.txt"))]
    ScheduledJobs,
    /// Several machines or jobs with one API key: shared limits in Redis
    #[command(hide = true, long_about = include_str!("../topics/shared-limits.txt"))]
    SharedLimits,
    /// Recordings of the traffic, without names and secrets
    #[command(hide = true, long_about = include_str!("../topics/recording.txt"))]
    Recording,
    /// `umapi sync`: directories, rules, removals, guards
    #[command(hide = true, long_about = include_str!("../topics/sync-guide.txt"))]
    SyncGuide,
}

impl Topic {
    fn text(self) -> &'static str {
        match self {
            Self::ExitCodes => include_str!("../topics/exit-codes.txt"),
            Self::Formats => include_str!("../topics/formats.txt"),
            Self::CommandFiles => include_str!("../topics/command-files.txt"),
            Self::MembershipFile => include_str!("../topics/membership-file.txt"),
            Self::Configuration => include_str!("../topics/configuration.txt"),
            Self::ScheduledJobs => include_str!("../topics/scheduled-jobs.txt"),
            Self::SharedLimits => include_str!("../topics/shared-limits.txt"),
            Self::Recording => include_str!("../topics/recording.txt"),
            Self::SyncGuide => include_str!("../topics/sync-guide.txt"),
        }
    }

    /// Shows the text of the topic.
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        context.write(self.text().as_bytes())?;
        Ok(Exit::Success)
    }
}
