//! Programs that a step runs. Their output is shown only if they fail.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};

/// Variables of these beginnings would let a package use something of this machine instead of itself.
const FOREIGN: [&str; 5] = ["UMAPI_", "PYTHON", "VIRTUAL_ENV", "NODE_", "CARGO_PKG_"];

/// A program with its arguments.
pub(super) struct Process {
    command: Command,
}

impl Process {
    pub(super) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if FOREIGN.iter().any(|beginning| name.to_string_lossy().starts_with(beginning)) {
                command.env_remove(name);
            }
        }
        Self { command }
    }

    /// A program that must believe to be root. A user namespace lets other users run it.
    pub(super) fn as_root(program: &str) -> Self {
        if is_root() { Self::new(program) } else { Self::new("unshare").arguments(["--map-root-user", program]) }
    }

    /// A program of another root folder, which sees nothing outside of it and gets no variable of this machine.
    pub(super) fn in_root(root: &Path, program: &str) -> Self {
        let mut process = Self::as_root("chroot");
        process.command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        process.argument(root).argument(program)
    }

    pub(super) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(super) fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(super) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(super) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Shows what the program prints while it runs. For long ones.
    pub(super) fn show(mut self) -> Result<()> {
        let status = self.command.status().with_context(|| format!("cannot start {}", self.line()))?;
        if !status.success() {
            bail!("{} ended with {status}", self.line());
        }
        Ok(())
    }

    pub(super) fn run(self) -> Result<()> {
        self.output().map(drop)
    }

    /// What the program prints to standard output.
    pub(super) fn output(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.finish()?.stdout).into_owned())
    }

    /// What the program prints to standard output and standard error.
    pub(super) fn both_outputs(self) -> Result<[String; 2]> {
        let output = self.finish()?;
        Ok([&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    }

    fn finish(mut self) -> Result<Output> {
        let output = self.command.output().with_context(|| format!("cannot start {}", self.line()))?;
        if !output.status.success() {
            let [out, error] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            bail!("{} ended with {}\n{out}{error}", self.line(), output.status);
        }
        Ok(output)
    }

    /// The command, for a program that is used while it runs.
    pub(super) fn into_command(self) -> Command {
        self.command
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words.map(|word: &OsStr| OsString::from(word).to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }
}

/// Whether this process has all rights.
fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_line_and_all_output() {
        let error =
            Process::new("sh").arguments(["-c", "echo out; echo err >&2; exit 3"]).run().unwrap_err().to_string();
        assert!(error.starts_with("sh -c") && error.contains("out\nerr\n") && error.contains('3'), "{error}");
        let error = Process::new("no-such-program").run().unwrap_err().to_string();
        assert_eq!(error, "cannot start no-such-program");
    }

    #[test]
    fn programs_of_another_root_get_no_variables() {
        let process = Process::in_root(Path::new("/nowhere"), "/umapi").variable("HOME", "/");
        let variables: Vec<_> = process.command.get_envs().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(variables, ["HOME", "PATH"]);
    }
}
