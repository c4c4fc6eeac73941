//! Checks all dependencies (`cargo xtask deps`): licenses, layers, sources, and known vulnerabilities.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::workspace::{CARGO_DENY, top};

/// The database of known vulnerabilities, as `deny.toml` names it.
const ADVISORIES: &str = "https://github.com/RustSec/advisory-db";
/// Where `cargo-deny` keeps its copy, as `deny.toml` says.
const COPIES: &str = "target/advisory-dbs";

/// Checks the licenses, layers, duplicate versions and sources of all dependencies, and whether a vulnerability of one is
/// known. Without `advisories`, a clone of the database, it is fetched.
pub(crate) fn check(advisories: Option<&Path>) -> Result<()> {
    let path = CARGO_DENY.install()?;
    let source = advisories.map(source_of).transpose()?;
    let deny = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.arg("deny").args(arguments).env("PATH", &path).current_dir(top());
        if let Some(source) = &source {
            // Git then reads the clone whenever the address is named.
            command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_VALUE_0", ADVISORIES).env("GIT_CONFIG_KEY_0", source);
        }
        command
    };
    println!("Fetching the database of known vulnerabilities");
    let fetched = deny(&["--log-level", "off", "fetch", "db"]).status().context("cannot start cargo")?.success();
    let mut checks = vec!["--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    match (fetched, date_of_copy()) {
        (true, Some(date)) => {
            println!("Known vulnerabilities: database of {date}");
            checks.push("advisories");
        }
        (false, _) if source.is_some() => {
            bail!("the advisory database cannot be read; name the folder of a git clone of it")
        }
        _ => println!(
            "Known vulnerabilities: NOT CHECKED, because {ADVISORIES} cannot be fetched; name a clone of it with --advisories"
        ),
    }
    if !deny(&checks).status().context("cannot start cargo")?.success() {
        bail!("the dependencies violate the rules of deny.toml");
    }
    check_purity()
}

/// The setting of git that puts a clone in the place of the database's address.
fn source_of(clone: &Path) -> Result<String> {
    let folder = clone.canonicalize().with_context(|| format!("cannot read {}", clone.display()))?;
    Ok(format!("url.file://{}.insteadOf", folder.display()))
}

/// The day of the last change in the copy of the database.
fn date_of_copy() -> Option<String> {
    let copies = std::fs::read_dir(top().join(COPIES)).ok()?;
    let copy = copies.flatten().map(|entry| entry.path()).find(|path| path.join(".git").exists())?;
    let output = Command::new("git").args(["log", "-1", "--format=%cs"]).current_dir(copy).output().ok()?;
    let date = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!date.is_empty()).then_some(date)
}

/// The crates that do no I/O and know no time.
const PURE: [&str; 2] = ["umapi-plan", "umapi-sync"];
/// Crates that they must not depend on, not even indirectly.
const IMPURE: [&str; 9] = ["http", "hyper", "ldap3", "mio", "reqwest", "rustls", "tokio", "umapi-http", "umapi-time"];

/// Checks that the pure crates stay so. `cargo-deny` can only ban a crate for all crates but some.
fn check_purity() -> Result<()> {
    for pure in PURE {
        let output = Command::new("cargo")
            .args(["tree", "-p", pure, "--edges", "normal", "--all-features", "--prefix", "none", "--format", "{p}"])
            .current_dir(top())
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
        }
        let tree = String::from_utf8_lossy(&output.stdout);
        let names = tree.lines().map(|line| line.split_whitespace().next().unwrap_or_default());
        if let Some(name) = names.into_iter().find(|name| IMPURE.contains(name)) {
            bail!("{pure} depends on {name}, and must do no I/O and know no time");
        }
    }
    Ok(())
}
