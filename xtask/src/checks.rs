//! `cargo xtask ci`: checks that all run, also after a failure, and a summary of their results and times.

use std::{
    io::{self, Read as _},
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use umapi_time::Clock;

/// Runs everything that must pass before a change is accepted.
pub(crate) fn run() -> Result<ExitCode> {
    let first = [
        Check::cargo("format", ["fmt", "--all", "--check"]),
        Check::xtask("generated code is up to date", ["codegen", "--check"])?,
        Check::xtask("spec lint", ["spec", "lint"])?,
        Check::xtask("words and file headers", ["words"])?,
        Check::xtask("files of the packages", ["package", "--list"])?,
        Check::cargo("clippy", ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
        crate::compat::small_sets(),
        Check::cargo("build", ["test", "--workspace", "--all-targets", "--all-features", "--no-run"]),
    ];
    let tests = [
        Check::cargo("tests", ["test", "--workspace", "--all-targets", "--all-features"]),
        Check::cargo("doctests", ["test", "--workspace", "--doc", "--all-features"]),
        Check::cargo("documentation", ["doc", "--workspace", "--all-features", "--no-deps"])
            .with_environment("RUSTDOCFLAGS", "-D warnings"),
    ];
    let others = [
        Check::script("description: redocly", "tests/languages/redocly.sh", "node"),
        Check::script("description: TypeScript", "tests/languages/typescript.sh", "node"),
        Check::script("description: Python", "tests/languages/python.sh", "python3"),
        Check::script("description: Go", "tests/languages/go.sh", "python3"),
        Check::script("description: Java", "tests/languages/java.sh", "javac"),
        Check::script("description: C#", "tests/languages/csharp.sh", "python3"),
        Check::script("description: PHP", "tests/languages/php.sh", "php"),
        Check::script("description: @hey-api/openapi-ts", "tests/languages/hey_api.sh", "node"),
        Check::script("description: datamodel-code-generator", "tests/languages/datamodel.sh", "python3"),
        Check::script("login: PyJWT", "tests/python/jwt_verify.sh", "python3"),
        Check::script("emulator: umapi-client", "tests/python/umapi_client.sh", "python3"),
        Check::script("emulator: pytest fixture", "tests/python/fixture.sh", "python3"),
        Check::script("emulator: Node helper", "tests/languages/node_helper.sh", "node"),
        Check::script("directories: Entra ID's SDK", "tests/python/entra_sdk.sh", "python3"),
        Check::script("directories: Okta's SDK", "tests/python/okta_sdk.sh", "python3"),
        Check::script("directories: Google's SDK", "tests/languages/google_sdk.sh", "node"),
        Check::script("benchmarks and soak test, quick", "tests/bench/smoke.sh", "bash"),
        Check::script("emulator: schemathesis", "tests/python/schemathesis.sh", "python3"),
    ];
    let clock = Clock::real();
    let start = clock.now();
    let mut results = run_in_turn(&first, &clock, Output::Live)?;
    // The tests wait a lot: for servers, and for time to pass. The other checks use what they leave of the processors.
    let (of_tests, of_others) = thread::scope(|scope| {
        let others = scope.spawn(|| run_in_turn(&others, &clock, Output::AtTheEnd));
        (run_in_turn(&tests, &clock, Output::Live), others.join())
    });
    results.extend(of_tests?);
    results.extend(of_others.map_err(|_| anyhow!("a check ended by a panic"))??);
    Ok(summarize(&results, clock.now() - start))
}

/// A named command that passes or fails.
pub(crate) struct Check {
    name: String,
    program: PathBuf,
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
            program: "cargo".into(),
            arguments,
            folder: crate::workspace::top(),
            environment: Vec::new(),
            requirement: None,
            first: None,
        }
    }

    /// A task of this program. It is not started by cargo, which would compile it again for another set of features.
    pub(crate) fn xtask<A: Into<String>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Result<Self> {
        Ok(Self { program: std::env::current_exe()?, ..Self::cargo(name, arguments) })
    }

    /// A shell script. Skipped if the program `needs` is missing, or if the script exits with 77.
    pub(crate) fn script(name: &str, path: &str, needs: &'static str) -> Self {
        Self { program: "bash".into(), requirement: Some(Requirement::Program(needs)), ..Self::cargo(name, [path]) }
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

    /// Runs the check, and the one before it. Without a pipe, it writes to the output of this program.
    fn run(&self, output: Option<&io::PipeWriter>) -> Result<Outcome> {
        if let Some(first) = &self.first {
            let outcome = first.run(output)?;
            if !matches!(outcome, Outcome::Passed) {
                return Ok(outcome);
            }
        }
        if let Some(requirement) = self.requirement.as_ref().filter(|requirement| !requirement.is_met()) {
            println!("skipped: {}", requirement.problem());
            return Ok(Outcome::Skipped);
        }
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder);
        if let Some(pipe) = output {
            command.stdout(pipe.try_clone()?).stderr(pipe.try_clone()?).stdin(Stdio::null());
        }
        let status = command.status();
        let status = status.with_context(|| format!("{}: cannot start {}", self.name, self.program.display()))?;
        Ok(match status.code() {
            Some(0) => Outcome::Passed,
            Some(SCRIPT_SKIPPED) if self.program.ends_with("bash") => Outcome::Skipped,
            _ => Outcome::Failed,
        })
    }

    /// Runs the check and returns what it wrote.
    fn run_and_collect(&self) -> Result<(Outcome, String)> {
        let (mut reader, writer) = io::pipe()?;
        thread::scope(|scope| {
            let text = scope.spawn(move || {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).map(|_| String::from_utf8_lossy(&bytes).into_owned())
            });
            let outcome = self.run(Some(&writer));
            drop(writer);
            let text = text.join().map_err(|_| anyhow!("the output cannot be read"))??;
            Ok((outcome?, text))
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

/// Where the output of a check goes.
#[derive(Clone, Copy)]
enum Output {
    /// To that of this program, as it comes.
    Live,
    /// To that of this program, in one piece, because other checks run at the same time.
    AtTheEnd,
}

/// A check that was run.
struct Finished<'a> {
    name: &'a str,
    outcome: Outcome,
    took: Duration,
}

/// Runs all checks, one after the other. The exit code is 1 if any of them fails.
pub(crate) fn run_all(checks: &[Check]) -> Result<ExitCode> {
    let clock = Clock::real();
    let start = clock.now();
    let results = run_in_turn(checks, &clock, Output::Live)?;
    Ok(summarize(&results, clock.now() - start))
}

fn run_in_turn<'a>(checks: &'a [Check], clock: &Clock, output: Output) -> Result<Vec<Finished<'a>>> {
    let mut results = Vec::new();
    for check in checks {
        let start = clock.now();
        let outcome = match output {
            Output::Live => {
                println!("\n=== {} ===", check.name);
                check.run(None)?
            }
            Output::AtTheEnd => {
                let (outcome, text) = check.run_and_collect()?;
                println!("\n=== {} ===\n{text}", check.name);
                outcome
            }
        };
        results.push(Finished { name: &check.name, outcome, took: clock.now() - start });
    }
    Ok(results)
}

fn summarize(results: &[Finished<'_>], total: Duration) -> ExitCode {
    println!("\n=== summary ===");
    for Finished { name, outcome, took } in results {
        let word = match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        };
        println!("{word:>7}  {:>6.1} s  {name}", took.as_secs_f64());
    }
    let count = |wanted: fn(&Outcome) -> bool| results.iter().filter(|done| wanted(&done.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped));
    let passed = results.len() - failed - skipped;
    println!("checks: {passed} passed, {failed} failed, {skipped} skipped, in {:.1} s", total.as_secs_f64());
    ExitCode::from(u8::from(failed > 0))
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
        assert!(matches!(good().run(None).unwrap(), Outcome::Passed));
        assert!(matches!(bad().run(None).unwrap(), Outcome::Failed));
        assert!(matches!(missing().run(None).unwrap(), Outcome::Skipped));
        assert!(matches!(good().needs_toolchain("no-such-toolchain").run(None).unwrap(), Outcome::Skipped));
        assert!(matches!(good().after(bad()).run(None).unwrap(), Outcome::Failed));
        assert!(matches!(bad().after(good()).run(None).unwrap(), Outcome::Failed));
        assert!(matches!(good().after(missing()).run(None).unwrap(), Outcome::Skipped));
    }

    #[test]
    fn the_output_of_a_check_is_collected_also_if_it_fails() {
        let (outcome, text) = Check::cargo("good", ["--version"]).run_and_collect().unwrap();
        assert!(matches!(outcome, Outcome::Passed) && text.starts_with("cargo "), "{text}");
        let (outcome, text) = Check::cargo("bad", ["no-such-command"]).run_and_collect().unwrap();
        assert!(matches!(outcome, Outcome::Failed) && text.contains("no-such-command"), "{text}");
    }
}
