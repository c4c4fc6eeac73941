//! `cargo xtask bench` and `cargo xtask soak`: build and start the benchmark program, with the peers that it measures.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{checks::is_installed, workspace};

/// The peers, in the versions that the figures of the README refer to.
const UMAPI_CLIENT: &str = "umapi-client==3.0.1";
const PRISM: &str = "@stoplight/prism-cli@5.14.2";

/// Builds the release programs, installs the peers into `target/`, and runs the benchmark program.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let top = workspace::top();
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

/// Runs the soak test of the benchmark program.
pub(crate) fn soak(arguments: &[String]) -> Result<()> {
    let top = workspace::top();
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
    if !is_installed("python3") {
        println!("python3 is not installed: {UMAPI_CLIENT} is not measured");
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
    if !is_installed("npm") {
        println!("npm is not installed: {PRISM} is not measured");
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
    // A program given as a path is relative to the folder.
    let path = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
    // Installers are quiet, and take a while.
    println!("{program} {}", arguments.join(" "));
    let status = Command::new(&path).args(arguments).current_dir(folder).status();
    if !status.with_context(|| format!("cannot start {program}"))?.success() {
        bail!("{program} {} failed", arguments.join(" "));
    }
    Ok(())
}
