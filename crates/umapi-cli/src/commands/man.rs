//! `umapi man`: write the manual pages.

use std::{io, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::{
    commands::Cli,
    context::Context,
    failure::{Exit, Failure, Result},
};

/// Write the manual page to stdout, or all pages to a folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi man | man -l -
  umapi man --out-dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder for the pages of all commands, created if needed
    #[arg(long, value_name = "FOLDER")]
    out_dir: Option<PathBuf>,
}

impl ManArgs {
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        let Some(folder) = self.out_dir else {
            let mut page = Vec::new();
            Man::new(surface()).render(&mut page).map_err(|error| unwritten(&error))?;
            context.write(&page)?;
            return Ok(Exit::Success);
        };
        let write = || -> io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            clap_mangen::generate_to(surface(), &folder)
        };
        write().map_err(|error| {
            Failure::failed(format!("cannot write the manual pages to {}", folder.display()))
                .why(error)
                .remedy("use a folder that you can write to")
        })?;
        Ok(Exit::Success)
    }
}

/// Returns the command line with the topics, which have pages like commands.
fn surface() -> clap::Command {
    Cli::command().disable_help_subcommand(true).mut_subcommands(|command| command.hide(false))
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::failed("cannot write the manual page").why(error)
}
