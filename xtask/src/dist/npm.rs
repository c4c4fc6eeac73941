//! Packages for npm: one with the program for this platform, and one with the command and the helper for tests, which depends on
//! the former, as esbuild and biome do it.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Dist, Process, copy, empty, files, license};

const LICENSES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
/// The compiler that checks the types of the helper.
const TYPESCRIPT: [&str; 2] = ["typescript@7", "@types/node@20"];

pub(super) fn build(dist: &Dist) -> Result<()> {
    let licenses = LICENSES.map(|license| dist.top.join(license));
    let source = dist.emulator.folder.join("npm");
    let staging = dist.work.join("npm");
    empty(&staging)?;

    let platform = staging.join(dist.platform.npm_package());
    copy(&licenses, &platform)?;
    copy(&[license::file(dist), dist.emulator.file.clone()], &platform)?;
    write(&platform.join("package.json"), &platform_manifest(dist))?;
    fs::write(
        platform.join("README.md"),
        format!("The program of the package `umapi-emulator` for {}. Install that one.\n", dist.platform.target),
    )?;

    let main = staging.join("umapi-emulator");
    copy(&licenses, &main)?;
    let manifest = fs::read_to_string(source.join("package.json"))?;
    let manifest = main_manifest(serde_json::from_str(&manifest)?, dist)?;
    write(&main.join("package.json"), &manifest)?;
    for file in files(&source)?.into_iter().filter(|file| file.is_file() && !file.ends_with("package.json")) {
        copy(&[file], &main)?;
    }
    copy(&files(&source.join("bin"))?, &main.join("bin"))?;

    for folder in [platform, main] {
        let pack = Process::new("npm").arguments(["pack", "--silent", "--pack-destination"]).argument(&dist.packages);
        pack.argument(&folder).folder(&staging).run()?;
    }
    Ok(())
}

fn platform_manifest(dist: &Dist) -> Value {
    let (system, cpu) = dist.platform.node;
    json!({
        "name": dist.platform.npm_package(),
        "version": dist.version,
        "description": format!("The program of umapi-emulator for {}", dist.platform.target),
        "license": "MIT OR Apache-2.0",
        "os": [system],
        "cpu": [cpu],
        "preferUnplugged": true,
    })
}

/// The manifest with the version of the workspace, in which this platform must be listed.
fn main_manifest(mut manifest: Value, dist: &Dist) -> Result<Value> {
    manifest["version"] = json!(dist.version);
    let platforms = manifest["optionalDependencies"].as_object_mut().context("package.json has no platforms")?;
    if !platforms.contains_key(&dist.platform.npm_package()) {
        bail!("package.json does not list {}", dist.platform.npm_package());
    }
    for version in platforms.values_mut() {
        *version = json!(dist.version);
    }
    Ok(manifest)
}

fn write(file: &std::path::Path, value: &Value) -> Result<()> {
    Ok(fs::write(file, serde_json::to_string_pretty(value)? + "\n")?)
}

/// Installs both packages into an empty folder. Then runs the example, the tests and the types of the helper as a user would.
pub(super) fn try_it(dist: &Dist) -> Result<()> {
    let folder = dist.work.join("npm-project");
    empty(&folder)?;
    write(
        &folder.join("package.json"),
        &json!({"name": "project", "version": "1.0.0", "private": true, "type": "module"}),
    )?;
    let version = &dist.version;
    let packages = ["umapi-emulator".to_owned(), dist.platform.npm_package()]
        .map(|name| dist.packages.join(format!("{name}-{version}.tgz")));
    let npm = || Process::new("npm").folder(&folder).arguments(["install", "--silent", "--no-audit", "--no-fund"]);
    npm().arguments(&packages).run()?;
    let printed =
        Process::new("npx").arguments(["--no-install", "umapi-emulator", "--version"]).folder(&folder).output()?;
    if printed.trim() != format!("umapi-emulator {version}") {
        bail!("npx umapi-emulator --version prints {printed}");
    }
    copy(&files(&dist.emulator.folder.join("npm/tests"))?, &folder)?;
    let report = Process::new("node").arguments(["--test", "--test-reporter", "tap"]).folder(&folder).output()?;
    let counts = ["# pass ", "# fail ", "# skipped "].map(|count| {
        let line = report.lines().find(|line| line.starts_with(count)).unwrap_or_default();
        line.trim_start_matches("# ").to_owned()
    });
    println!("node --test with the helper: {}", counts.join(", "));
    npm().argument("--no-save").arguments(TYPESCRIPT).run()?;
    Process::new("npx").arguments(["--no-install", "tsc", "--project", "."]).folder(&folder).run()?;
    println!("tsc: the types of the helper are valid");
    Ok(())
}
