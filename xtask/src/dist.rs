//! `cargo xtask dist`: packages with the commands for people without a Rust toolchain.
//!
//! Builds each command once, for this machine's platform, and everything else from these two programs: wheels for PyPI, packages
//! for npm and Debian, and an archive. Installs each of them into an empty environment and uses it there.

mod archive;
mod debian;
mod license;
mod npm;
mod platform;
mod process;
mod program;
mod python;
mod sbom;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use umapi_time::Clock;

use self::{platform::Platform, process::Process, program::Program};
use crate::workspace;

/// What all kinds of packages need to know.
struct Dist {
    top: PathBuf,
    /// The finished packages, and nothing else.
    packages: PathBuf,
    /// Everything that is made on the way: tools, staging folders, environments.
    work: PathBuf,
    version: String,
    platform: Platform,
    umapi: Program,
    emulator: Program,
}

/// Builds, installs and tries all packages.
pub(crate) fn run() -> Result<()> {
    let clock = Clock::real();
    let top = workspace::top();
    let platform = Platform::of_this_machine()?;
    platform.check_requirements()?;
    let (packages, work) = (top.join("target/dist/packages"), top.join("target/dist/work"));
    empty(&packages)?;
    fs::create_dir_all(&work)?;
    let dist = Dist {
        version: version()?,
        umapi: Program::new(&top, &platform, "umapi-cli", "umapi"),
        emulator: Program::new(&top, &platform, "umapi-emulator", "umapi-emulator"),
        top,
        packages,
        work,
        platform,
    };
    type Step = (&'static str, fn(&Dist) -> Result<()>);
    let mut steps: Vec<Step> = vec![
        ("programs", program::build),
        ("licenses of dependencies", license::collect),
        ("wheels for PyPI, lists of components", python::build),
        ("archive", archive::build),
        ("packages for npm", npm::build),
    ];
    if dist.platform.has_debian_packages() {
        steps.push(("packages for Debian", debian::build));
    }
    steps.push(("installed: wheels", python::try_it));
    steps.push(("installed: archive", archive::try_it));
    steps.push(("installed: packages of npm", npm::try_it));
    if dist.platform.has_debian_packages() {
        steps.push(("installed: packages of Debian", debian::try_it));
    }
    for (name, step) in steps {
        println!("=== {name} ===");
        let start = clock.now();
        step(&dist).with_context(|| format!("{name}: failed"))?;
        println!("({:.1} s)", (clock.now() - start).as_secs_f64());
    }
    write_sums(&dist.packages, &format!("SHA256SUMS.{}", dist.platform.target))?;
    println!("=== {} ===", dist.packages.display());
    for file in files(&dist.packages)? {
        println!("{:>8.1} MB  {}", megabytes(&file)?, name(&file));
    }
    Ok(())
}

/// The version of all crates of the workspace.
fn version() -> Result<String> {
    let published = workspace::PublishedCrate::all()?;
    let emulator = published.iter().find(|published| published.name == "umapi-emulator");
    let version = emulator.and_then(|emulator| emulator.manifest["version"].as_str());
    Ok(version.context("umapi-emulator has no version")?.to_owned())
}

/// Writes the checksums of all packages, and lets the usual tool verify them.
///
/// The packages of several platforms are published together: the name of each file that depends on the platform says so.
fn write_sums(packages: &Path, file_name: &str) -> Result<()> {
    let mut sums = String::new();
    for file in files(packages)? {
        let digest = Sha256::digest(fs::read(&file)?);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        sums += &format!("{hex}  {}\n", name(&file));
    }
    fs::write(packages.join(file_name), sums)?;
    Process::new("sha256sum").arguments(["--check", "--quiet", file_name]).folder(packages).run()
}

/// The files of a folder by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}

/// The only file of a folder whose name begins and ends like this.
fn only_file(folder: &Path, prefix: &str, suffix: &str) -> Result<PathBuf> {
    let mut found = files(folder)?;
    found.retain(|file| name(file).starts_with(prefix) && name(file).ends_with(suffix));
    match found.as_slice() {
        [file] => Ok(file.clone()),
        _ => bail!("{} has {} files like {prefix}…{suffix} instead of one", folder.display(), found.len()),
    }
}

/// The name of a file without its folder.
fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn megabytes(file: &Path) -> Result<f64> {
    let bytes = fs::metadata(file)?.len();
    Ok(u32::try_from(bytes / 1000).map_or(f64::INFINITY, f64::from) / 1000.0)
}

/// Makes an empty folder, whatever was there before.
fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Copies files, not links to them, into a folder. Leaves out folders, e.g. caches of Python.
fn copy(files: &[PathBuf], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for file in files.iter().filter(|file| !file.is_dir()) {
        fs::copy(file, folder.join(name(file))).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_file_is_found_or_its_absence_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(only_file(path, "umapi-", ".whl").unwrap_err().to_string().contains("0 files like umapi-….whl"));
        fs::write(path.join("umapi-1.whl"), "").unwrap();
        fs::write(path.join("umapi_emulator-1.whl"), "").unwrap();
        assert_eq!(name(&only_file(path, "umapi-", ".whl").unwrap()), "umapi-1.whl");
        assert!(only_file(path, "umapi", ".whl").unwrap_err().to_string().contains("2 files"));
    }

    #[test]
    fn sums_are_those_of_the_usual_tool() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "abc").unwrap();
        write_sums(folder.path(), "SHA256SUMS").unwrap();
        let sums = fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
        assert_eq!(sums, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n");
    }
}
