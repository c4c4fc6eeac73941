//! `cargo xtask ci`: every check, one after the other, each named, and a table of them at the end.

use std::{
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use anyhow::Result;
use umapi_time::Clock;

/// A check: a name and the command that is it.
struct Step {
    name: &'static str,
    program: &'static str,
    arguments: Vec<&'static str>,
    environment: Vec<(&'static str, &'static str)>,
    /// A program that the step needs and that need not be there.
    needs: Option<&'static str>,
}

impl Step {
    fn cargo(name: &'static str, arguments: &[&'static str]) -> Self {
        Self { name, program: "cargo", arguments: arguments.to_vec(), environment: Vec::new(), needs: None }
    }

    fn script(name: &'static str, path: &'static str, needs: &'static str) -> Self {
        Self { name, program: "bash", arguments: vec![path], environment: Vec::new(), needs: Some(needs) }
    }

    fn with_environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }
}

/// How a step ended.
enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

fn steps() -> Vec<Step> {
    vec![
        Step::cargo("format", &["fmt", "--all", "--check"]),
        Step::cargo("generated code is up to date", &["xtask", "codegen", "--check"]),
        Step::cargo("description lint", &["xtask", "spec", "lint"]),
        Step::cargo("clippy", &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
        Step::cargo("tests", &["test", "--workspace", "--all-targets", "--all-features"]),
        Step::cargo("doctests", &["test", "--workspace", "--doc", "--all-features"]),
        Step::cargo("documentation", &["doc", "--workspace", "--all-features", "--no-deps"])
            .with_environment("RUSTDOCFLAGS", "-D warnings"),
        Step::script("description: redocly", "tests/languages/redocly.sh", "node"),
        Step::script("description: TypeScript", "tests/languages/typescript.sh", "node"),
        Step::script("description: Python", "tests/languages/python.sh", "python3"),
        Step::script("login: PyJWT", "tests/python/jwt_verify.sh", "python3"),
        Step::script("emulator: umapi-client", "tests/python/umapi_client.sh", "python3"),
        Step::script("emulator: schemathesis", "tests/python/schemathesis.sh", "python3"),
    ]
}

pub(crate) fn run() -> Result<ExitCode> {
    let clock = Clock::real();
    let mut results: Vec<(&str, Outcome, Duration)> = Vec::new();
    for step in steps() {
        println!("\n=== {} ===", step.name);
        let start = clock.now();
        let outcome = run_step(&step)?;
        if let Outcome::Skipped(needs) = outcome {
            println!("skipped: {needs} is not installed");
        }
        results.push((step.name, outcome, clock.now() - start));
    }
    println!("\n=== summary ===");
    for (name, outcome, took) in &results {
        let word = match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Skipped(_) => "skipped",
        };
        println!("{word:>7}  {:>6.1} s  {name}", took.as_secs_f64());
    }
    let count = |wanted: fn(&Outcome) -> bool| results.iter().filter(|(_, outcome, _)| wanted(outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    println!("checks: {} passed, {failed} failed, {skipped} skipped", results.len() - failed - skipped);
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn run_step(step: &Step) -> Result<Outcome> {
    if let Some(needs) = step.needs
        && !is_installed(needs)
    {
        return Ok(Outcome::Skipped(needs));
    }
    let status = Command::new(step.program)
        .args(&step.arguments)
        .envs(step.environment.iter().copied())
        .current_dir(crate::top())
        .status()?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
}

pub(crate) fn is_installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}
