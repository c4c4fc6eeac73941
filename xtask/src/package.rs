//! `cargo xtask package`: each published crate as a registry would get it.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{clone::clean_clone, published::PublishedCrate};

/// What every package holds.
const WANTED: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// The kinds of files that packages are made of.
const KINDS: [&str; 10] = ["json", "lock", "md", "pem", "rs", "sh", "sql", "toml", "txt", "yaml"];
/// What `cargo` adds, and files of other kinds that belong.
const OTHERS: [&str; 4] = [".cargo_vcs_info.json", "Cargo.toml.orig", "LICENSE-APACHE", "LICENSE-MIT"];
/// The largest file that is no accident: the description as JSON.
const LARGEST_FILE_KIB: u64 = 256;

/// Checks manifests and lists of files. Builds nothing.
pub(crate) fn check_lists() -> Result<()> {
    let mut faults = Vec::new();
    for published in PublishedCrate::all()? {
        let files = list(&published.name)?;
        println!("{:>4} files  {}", files.len(), published.name);
        let folder = crate::top().join("crates").join(&published.name);
        let found = published.faults.into_iter().chain(faults_of(&files, &|file| size(&folder.join(file))));
        faults.extend(found.map(|fault| format!("{}: {fault}", published.name)));
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// Packages all crates from a clean clone, builds each from its package, and prints a table.
pub(crate) fn run() -> Result<()> {
    check_lists()?;
    let work = crate::top().join("target/package");
    let clone = clean_clone(&work.join("clone"))?;
    let published = PublishedCrate::all()?;
    let mut command = Command::new("cargo");
    command.args(["package", "--locked"]).current_dir(clone).env("CARGO_TARGET_DIR", work.join("build"));
    for published in &published {
        command.args(["-p", &published.name]);
    }
    if !command.status().context("cannot start cargo")?.success() {
        bail!("not every crate could be packaged and built from its package");
    }
    println!("\n  files  KiB, compressed  package, built from what it holds");
    for published in &published {
        let path = work.join("build/package").join(file_name(&published.name));
        println!("{:>7}  {:>15}  {}", list(&published.name)?.len(), size(&path) / 1024, file_name(&published.name));
    }
    Ok(())
}

fn file_name(name: &str) -> String {
    // One version for the whole workspace, this task included.
    format!("{name}-{}.crate", env!("CARGO_PKG_VERSION"))
}

fn list(name: &str) -> Result<Vec<String>> {
    let arguments = ["package", "--list", "--allow-dirty", "-p", name];
    let output = Command::new("cargo").args(arguments).current_dir(crate::top()).output()?;
    if !output.status.success() {
        bail!("cargo {} failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(|line| line.replace('\\', "/")).collect())
}

fn faults_of(files: &[String], size: &dyn Fn(&str) -> u64) -> Vec<String> {
    let missing = WANTED.iter().filter(|wanted| !files.iter().any(|file| file == *wanted));
    let mut faults: Vec<String> = missing.map(|wanted| format!("{wanted} is missing")).collect();
    for file in files {
        let kind = Path::new(file).extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        if !KINDS.contains(&kind) && !OTHERS.contains(&file.as_str()) {
            faults.push(format!("{file} does not belong"));
        }
        let kib = size(file).div_ceil(1024);
        if kib > LARGEST_FILE_KIB {
            faults.push(format!("{file} has {kib} KiB, more than {LARGEST_FILE_KIB}"));
        }
    }
    faults
}

/// In bytes; 0 for what `cargo` makes as it packs.
fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(more: &[&str]) -> Vec<String> {
        WANTED
            .iter()
            .chain(&[".cargo_vcs_info.json", "Cargo.lock", "src/lib.rs"])
            .chain(more)
            .map(|&f| f.into())
            .collect()
    }

    #[test]
    fn a_plain_package_has_no_faults() {
        assert_eq!(faults_of(&files(&["src/schema.sql"]), &|_| 1), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_what_does_not_belong_and_what_is_big_is_named() {
        let mut files = files(&["state.db", "src/big.json"]);
        files.retain(|file| file != "LICENSE-MIT");
        let faults = faults_of(&files, &|file| if file == "src/big.json" { 300 * 1024 } else { 1 });
        let wanted = ["LICENSE-MIT is missing", "state.db does not belong", "src/big.json has 300 KiB, more than 256"];
        assert_eq!(faults, wanted);
    }
}
