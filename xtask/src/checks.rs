//! `cargo xtask ci`: a list of checks that all run, also after a failure, and a summary of their results.

use std::{
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use umapi_time::Clock;

/// Runs everything that must pass before a change is accepted.
pub(crate) fn run() -> Result<ExitCode> {
    run_all(&[
        Check::cargo("format", ["fmt", "--all", "--check"]),
        Check::cargo("generated code is up to date", ["xtask", "codegen", "--check"]),
        Check::cargo("spec lint", ["xtask", "spec", "lint"]),
        Check::cargo("words and file headers", ["xtask", "words"]),
        Check::cargo("files of the packages", ["xtask", "package", "--list"]),
        Check::cargo("clippy", ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
        Check::cargo("tests", ["test", "--workspace", "--all-targets", "--all-features"]),
        Check::cargo("doctests", ["test", "--workspace", "--doc", "--all-features"]),
        Check::cargo("documentation", ["doc", "--workspace", "--all-features", "--no-deps"])
            .with_environment("RUSTDOCFLAGS", "-D warnings"),
        Check::script("description: redocly", "tests/languages/redocly.sh", "node"),
        Check::script("description: TypeScript", "tests/languages/typescript.sh", "node"),
        Check::script("description: Python", "tests/languages/python.sh", "python3"),
        Check::script("description: Go", "tests/languages/go.sh", "python3"),
        Check::script("login: PyJWT", "tests/python/jwt_verify.sh", "python3"),
        Check::script("emulator: umapi-client", "tests/python/umapi_client.sh", "python3"),
        Check::script("directories: Entra ID's SDK", "tests/python/entra_sdk.sh", "python3"),
        Check::script("directories: Okta's SDK", "tests/python/okta_sdk.sh", "python3"),
        Check::script("directories: Google's SDK", "tests/languages/google_sdk.sh", "node"),
        Check::script("benchmarks and soak test, quick", "tests/bench/smoke.sh", "bash"),
        Check::script("emulator: schemathesis", "tests/python/schemathesis.sh", "python3"),
    ])
}

/// A named command that passes or fails.
pub(crate) struct Check {
    name: String,
    program: &'static str,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    requirement: Option<Requirement>,
    /// A check that must pass first. Both count as one check.
    first: Option<Box<Check>>,
}

/// What a check needs. Without it the check is skipped.
enum Requirement {
    /// A program in `PATH`.
    Program(&'static str),
    /// A Rust toolchain that rustup has or can install.
    Toolchain(String),
}

impl Requirement {
    fn is_met(&self) -> bool {
        match self {
            Self::Program(program) => is_installed(program),
            Self::Toolchain(version) => succeeds("rustup", &["run", "--install", version, "cargo", "--version"]),
        }
    }

    fn problem(&self) -> String {
        match self {
            Self::Program(program) => format!("{program} is not installed"),
            Self::Toolchain(version) => format!("rustup cannot install Rust {version} (no rustup, or no network)"),
        }
    }
}

impl Check {
    /// A cargo command in the top folder of the project.
    pub(crate) fn cargo<A: Into<String>>(name: impl Into<String>, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self {
            name: name.into(),
            program: "cargo",
            arguments,
            folder: crate::workspace::top(),
            environment: Vec::new(),
            requirement: None,
            first: None,
        }
    }

    /// A shell script. Skipped if the program `needs` is missing, or if the script exits with 77.
    pub(crate) fn script(name: &str, path: &str, needs: &'static str) -> Self {
        Self { program: "bash", requirement: Some(Requirement::Program(needs)), ..Self::cargo(name, [path]) }
    }

    /// Skips the check if rustup neither has nor can install this toolchain.
    pub(crate) fn needs_toolchain(mut self, version: &str) -> Self {
        self.requirement = Some(Requirement::Toolchain(version.to_owned()));
        self
    }

    pub(crate) fn with_environment(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs in this folder instead of the top folder of the project.
    pub(crate) fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Runs only after `first` has passed. Both count as one check.
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
        if let Some(requirement) = self.requirement.as_ref().filter(|requirement| !requirement.is_met()) {
            println!("skipped: {}", requirement.problem());
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

/// The result of a check.
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// The exit code of a script that lacks a requirement. The script itself prints which.
const SCRIPT_SKIPPED: i32 = 77;

/// Runs all checks. The exit code is 1 if any of them fails.
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

/// Whether `PROGRAM --version` succeeds.
pub(crate) fn is_installed(program: &str) -> bool {
    succeeds(program, &["--version"])
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_passes_fails_or_is_skipped() {
        let good = || Check::cargo("good", ["--version"]);
        let bad = || Check::cargo("bad", ["no-such-command"]);
        let missing = || Check::script("missing", "none.sh", "no-such-program");
        assert!(matches!(good().run().unwrap(), Outcome::Passed));
        assert!(matches!(bad().run().unwrap(), Outcome::Failed));
        assert!(matches!(missing().run().unwrap(), Outcome::Skipped));
        assert!(matches!(good().needs_toolchain("no-such-toolchain").run().unwrap(), Outcome::Skipped));
        assert!(matches!(good().after(bad()).run().unwrap(), Outcome::Failed));
        assert!(matches!(bad().after(good()).run().unwrap(), Outcome::Failed));
        assert!(matches!(good().after(missing()).run().unwrap(), Outcome::Skipped));
    }
}
