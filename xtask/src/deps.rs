//! `cargo xtask deps`: what may be depended on, by `deny.toml`.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// The tool, and the version that `deny.toml` is written for.
const TOOL: &str = "cargo-deny";
const VERSION: &str = "^0.20";

pub(crate) fn run() -> Result<()> {
    let tools = crate::top().join("target/tools");
    let program = tools.join("bin").join(TOOL);
    if !program.exists() {
        println!("Installing {TOOL} {VERSION} into target/tools: this takes minutes, once.");
        let status = Command::new("cargo")
            .args(["install", TOOL, "--version", VERSION, "--locked", "--root"])
            .arg(&tools)
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!("{TOOL} could not be installed");
        }
    }
    let status = Command::new(&program)
        .args(["--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"])
        .current_dir(crate::top())
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !status.success() {
        bail!("dependencies break the rules of deny.toml");
    }
    Ok(())
}
