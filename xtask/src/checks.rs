//! A list of checks: runs each, whatever the others say, and ends with a table of them.

use std::{
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use umapi_time::Clock;

/// A check: a name and the command that is it.
pub(crate) struct Check {
    name: String,
    program: &'static str,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    /// A program that the check needs and that need not be there.
    needs: Option<&'static str>,
    /// What has to pass before, as a part of this check.
    first: Option<Box<Check>>,
}

impl Check {
    /// A command of cargo, at the top of the project.
    pub(crate) fn cargo<A: Into<String>>(name: impl Into<String>, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self {
            name: name.into(),
            program: "cargo",
            arguments,
            folder: crate::top(),
            environment: Vec::new(),
            needs: None,
            first: None,
        }
    }

    /// A script of the shell, skipped where the program it `needs` is missing, or where it says so itself.
    pub(crate) fn script(name: &str, path: &str, needs: &'static str) -> Self {
        Self { program: "bash", needs: Some(needs), ..Self::cargo(name, [path]) }
    }

    /// A command of cargo, with a toolchain that rustup installs; skipped where there is no rustup.
    pub(crate) fn cargo_of(toolchain: &str, name: impl Into<String>, arguments: &[&str]) -> Self {
        let arguments = ["run", "--install", toolchain, "cargo"].into_iter().chain(arguments.iter().copied());
        Self { program: "rustup", needs: Some("rustup"), ..Self::cargo(name, arguments) }
    }

    pub(crate) fn with_environment(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs in this folder instead of the top of the project.
    pub(crate) fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Runs only after another one that has passed, and counts with it as one.
    pub(crate) fn after(mut self, first: Self) -> Self {
        self.first = Some(Box::new(first));
        self
    }

    fn run(&self) -> Result<Outcome> {
        if let Some(first) = &self.first {
            let outcome = first.run()?;
            if !matches!(outcome, Outcome::Passed) {
                return Ok(outcome);
            }
        }
        if let Some(needs) = self.needs
            && !is_installed(needs)
        {
            println!("skipped: {needs} is not installed");
            return Ok(Outcome::Skipped);
        }
        let status = Command::new(self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .status();
        let status = status.with_context(|| format!("{}: cannot start {}", self.name, self.program))?;
        Ok(match status.code() {
            Some(0) => Outcome::Passed,
            Some(SCRIPT_SKIPPED) if self.program == "bash" => Outcome::Skipped,
            _ => Outcome::Failed,
        })
    }
}

/// How a check ended.
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// What a script ends with when it lacks something that it cannot install, and has said what.
const SCRIPT_SKIPPED: i32 = 77;

/// Runs all of them. The code says whether any failed.
pub(crate) fn run_all(checks: &[Check]) -> Result<ExitCode> {
    let clock = Clock::real();
    let mut results: Vec<(&str, Outcome, Duration)> = Vec::new();
    for check in checks {
        println!("\n=== {} ===", check.name);
        let start = clock.now();
        let outcome = check.run()?;
        results.push((&check.name, outcome, clock.now() - start));
    }
    println!("\n=== summary ===");
    for (name, outcome, took) in &results {
        let word = match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        };
        println!("{word:>7}  {:>6.1} s  {name}", took.as_secs_f64());
    }
    let count = |wanted: fn(&Outcome) -> bool| results.iter().filter(|(_, outcome, _)| wanted(outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped));
    println!("checks: {} passed, {failed} failed, {skipped} skipped", results.len() - failed - skipped);
    Ok(ExitCode::from(u8::from(failed > 0)))
}

pub(crate) fn is_installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_ends_as_its_command_does_or_is_skipped_for_want_of_its_program() {
        let good = || Check::cargo("good", ["--version"]);
        let bad = || Check::cargo("bad", ["no-such-command"]);
        let missing = || Check::script("missing", "none.sh", "no-such-program");
        assert!(matches!(good().run().unwrap(), Outcome::Passed));
        assert!(matches!(bad().run().unwrap(), Outcome::Failed));
        assert!(matches!(missing().run().unwrap(), Outcome::Skipped));
        assert!(matches!(good().after(bad()).run().unwrap(), Outcome::Failed));
        assert!(matches!(bad().after(good()).run().unwrap(), Outcome::Failed));
        assert!(matches!(good().after(missing()).run().unwrap(), Outcome::Skipped));
    }
}
