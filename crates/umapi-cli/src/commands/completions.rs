//! `umapi completions`: write a completion script.

use clap::Args;
use clap_complete::Shell;

use crate::{
    commands::Cli,
    context::Context,
    failure::{Exit, Result},
};

/// Write a completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi completions bash > ~/.local/share/bash-completion/completions/umapi
  umapi completions zsh > ~/.zfunc/_umapi
  umapi completions fish > ~/.config/fish/completions/umapi.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::surface(), "umapi", &mut script);
        context.write(&script)?;
        Ok(Exit::Success)
    }
}
