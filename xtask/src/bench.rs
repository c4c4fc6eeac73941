//! `cargo xtask bench`: what the project claims, measured beside its peers, in one run.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The peers, in the versions that the figures speak of.
const UMAPI_CLIENT: &str = "umapi-client==3.0.1";
const PRISM: &str = "@stoplight/prism-cli@5.14.2";

/// Builds in release, installs the peers into `target/`, and leaves the rest to the benchmark program.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let top = crate::top();
    let folder = top.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    build(&top)?;
    let python = install_python_peer(&folder)?;
    let prism = install_prism(&folder)?;
    let mut bench = Command::new(release_program(&top, "umapi-bench"));
    bench.arg("all").arg("--folder").arg(&folder);
    bench.arg("--emulator").arg(release_program(&top, "umapi-emulator"));
    for (flag, program) in [("--python", python), ("--prism", prism)] {
        if let Some(program) = program {
            bench.arg(flag).arg(program);
        }
    }
    start(bench.args(arguments), &top)
}

/// The same program, for minutes of mixed load on the emulator.
pub(crate) fn soak(arguments: &[String]) -> Result<()> {
    let top = crate::top();
    build(&top)?;
    let mut soak = Command::new(release_program(&top, "umapi-bench"));
    start(soak.arg("soak").arg("--emulator").arg(release_program(&top, "umapi-emulator")).args(arguments), &top)
}

fn build(top: &Path) -> Result<()> {
    call(top, "cargo", &["build", "--release", "-p", "umapi-emulator", "-p", "umapi-tests", "--bins"])
}

fn start(program: &mut Command, top: &Path) -> Result<()> {
    let status = program.current_dir(top).status().context("cannot start the benchmark program")?;
    if !status.success() {
        bail!("the benchmark program failed");
    }
    Ok(())
}

fn release_program(top: &Path, name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top.join("target"), PathBuf::from);
    target.join("release").join(name)
}

fn install_python_peer(folder: &Path) -> Result<Option<PathBuf>> {
    if !crate::checks::is_installed("python3") {
        println!("python3 is not installed: no figures of {UMAPI_CLIENT}");
        return Ok(None);
    }
    let python = folder.join("python/bin/python");
    if !python.exists() {
        call(folder, "python3", &["-m", "venv", "python"])?;
    }
    call(folder, "python/bin/pip", &["install", "--quiet", "--disable-pip-version-check", UMAPI_CLIENT])?;
    Ok(Some(python))
}

fn install_prism(folder: &Path) -> Result<Option<PathBuf>> {
    if !crate::checks::is_installed("npm") {
        println!("npm is not installed: no figures of {PRISM}");
        return Ok(None);
    }
    let prism = folder.join("prism/node_modules/.bin/prism");
    if !prism.exists() {
        std::fs::create_dir_all(folder.join("prism"))?;
        call(folder, "npm", &["install", "--silent", "--no-audit", "--no-fund", "--prefix", "prism", PRISM])?;
    }
    Ok(Some(prism))
}

fn call(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    // A program that is named by a path is one below the folder.
    let path = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
    let status = Command::new(&path).args(arguments).current_dir(folder).status();
    if !status.with_context(|| format!("cannot start {program}"))?.success() {
        bail!("{program} {} failed", arguments.join(" "));
    }
    Ok(())
}
