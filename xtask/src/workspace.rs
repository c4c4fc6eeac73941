//! What several tasks need to know of the workspace: its folder, its published crates, a clean clone, and cargo tools.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The top folder of the project.
pub(crate) fn top() -> PathBuf {
    // Set by `cargo run`. The value compiled in may belong to another clone that shares the target folder.
    let manifest_folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&manifest_folder).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The files that git tracks, by their paths from the top folder.
pub(crate) fn tracked_files() -> Result<Vec<String>> {
    Ok(git(&top(), &["ls-files"])?.lines().map(str::to_owned).collect())
}

/// Clones the last commit into `folder`, which is emptied first. Warns about uncommitted changes.
pub(crate) fn clean_clone(folder: &Path) -> Result<PathBuf> {
    let top = top();
    let changes = git(&top, &["status", "--porcelain"])?;
    if !changes.is_empty() {
        println!("Using the last commit without {} uncommitted changes.", changes.lines().count());
    }
    println!("Cloning the last commit into {}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder)?;
    git(folder, &["clone", "--quiet", "--depth", "1", &format!("file://{}", top.display()), "."])?;
    Ok(folder.to_path_buf())
}

/// The last tag of a release, such as `v0.1.0`, before this commit.
pub(crate) fn last_release() -> Result<Option<String>> {
    let tags = git(&top(), &["tag", "--merged", "HEAD^", "--list", "v*", "--sort", "-version:refname"])?;
    Ok(tags.lines().next().map(str::to_owned))
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(folder).output().context("cannot start git")?;
    if !output.status.success() {
        bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The folder that cargo builds into where rustdoc writes JSON. That needs `RUSTC_BOOTSTRAP`, which makes cargo build many
/// crates again: in the usual folder, each build after the other one would.
pub(crate) fn documentation_folder() -> Result<String> {
    let metadata = metadata()?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
    Ok(format!("{target}/api"))
}

/// What `cargo metadata` prints of the workspace.
fn metadata() -> Result<Value> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let output = Command::new("cargo").args(arguments).current_dir(top()).output()?;
    if !output.status.success() {
        bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata printed invalid JSON")
}

/// A crate of the workspace that is published.
pub(crate) struct PublishedCrate {
    pub(crate) name: String,
    pub(crate) rust_version: String,
    /// The manifest of the crate, as `cargo metadata` prints it.
    pub(crate) manifest: Value,
}

impl PublishedCrate {
    /// All published crates in alphabetical order.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let metadata = metadata()?;
        let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
        let published = packages.iter().filter(|package| package["publish"].is_null());
        let mut crates: Vec<Self> = published
            .map(|manifest| Self {
                name: manifest["name"].as_str().unwrap_or_default().to_owned(),
                rust_version: manifest["rust_version"].as_str().unwrap_or_default().to_owned(),
                manifest: manifest.clone(),
            })
            .collect();
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(crates)
    }
}

/// A subcommand of cargo that is installed into `target/tools` on first use.
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
}

/// Checks dependencies against `deny.toml`.
pub(crate) const CARGO_DENY: CargoTool = CargoTool { name: "cargo-deny", version: "^0.20" };
/// Checks which types of other crates are in a public API. Its version fits the JSON that rustdoc writes: a later Rust needs a
/// later version.
pub(crate) const CARGO_CHECK_EXTERNAL_TYPES: CargoTool =
    CargoTool { name: "cargo-check-external-types", version: "^0.5" };
/// Finds changes that break callers.
pub(crate) const CARGO_SEMVER_CHECKS: CargoTool = CargoTool { name: "cargo-semver-checks", version: "^0.51" };
/// Builds packages for Debian.
pub(crate) const CARGO_DEB: CargoTool = CargoTool { name: "cargo-deb", version: "^3.8" };
/// Checks sets of features and the oldest supported Rust.
pub(crate) const CARGO_HACK: CargoTool = CargoTool { name: "cargo-hack", version: "^0.6" };

impl CargoTool {
    /// Installs the tool if it is missing. Returns the value of `PATH` with which cargo finds it.
    pub(crate) fn install(&self) -> Result<String> {
        let tools = top().join("target/tools");
        if !tools.join("bin").join(self.name).with_extension(std::env::consts::EXE_EXTENSION).exists() {
            println!("Installing {} {} into target/tools. This takes some minutes, once.", self.name, self.version);
            let status = Command::new("cargo")
                .args(["install", self.name, "--version", self.version, "--locked", "--root"])
                .arg(&tools)
                .status()
                .context("cannot start cargo")?;
            if !status.success() {
                bail!("cannot install {}", self.name);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(tools.join("bin")).chain(std::env::split_paths(&path));
        let joined = std::env::join_paths(folders).context("PATH contains an invalid folder")?;
        joined.into_string().map_err(|_| anyhow::anyhow!("PATH is not valid UTF-8"))
    }
}
