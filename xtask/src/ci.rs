//! `cargo xtask ci`: everything that must pass.

use std::process::ExitCode;

use anyhow::Result;

use crate::checks::{self, Check};

fn checks() -> Vec<Check> {
    vec![
        Check::cargo("format", ["fmt", "--all", "--check"]),
        Check::cargo("generated code is up to date", ["xtask", "codegen", "--check"]),
        Check::cargo("description lint", ["xtask", "spec", "lint"]),
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
        Check::script("benchmarks and soak, small", "tests/bench/smoke.sh", "bash"),
        Check::script("emulator: schemathesis", "tests/python/schemathesis.sh", "python3"),
    ]
}

pub(crate) fn run() -> Result<ExitCode> {
    checks::run_all(&checks())
}
