//! Packages for Debian and its relatives, built by cargo-deb.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{Dist, Process, archive, copy, empty, files, license, name, only_file, program};
use crate::workspace::CARGO_DEB;

/// Builds both packages. `package.metadata.deb` in the manifests of the crates lists their files.
pub(super) fn build(dist: &Dist) -> Result<()> {
    let path = CARGO_DEB.install()?;
    for of in dist.programs() {
        copy(&[license::file(dist)], &archive::shared_files(dist, of))?;
        let package =
            dist.cargo("cargo")?.variable("PATH", &path).arguments(["deb", "--no-build", "--no-strip", "--quiet"]);
        package.argument("--output").argument(&dist.packages).arguments(program::selection(dist, of)).run()?;
    }
    Ok(())
}

/// Installs both packages into an empty root folder with dpkg, uses what they installed, and removes them.
pub(super) fn try_it(dist: &Dist) -> Result<()> {
    let root = dist.work.join("debian-root");
    empty(&root)?;
    for folder in ["tmp", "var/lib/dpkg/info", "var/lib/dpkg/updates"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::write(root.join("var/lib/dpkg/status"), "")?;
    let packages =
        [only_file(&dist.packages, "umapi_", ".deb")?, only_file(&dist.packages, "umapi-emulator_", ".deb")?];
    dpkg(&root).argument("--install").arguments(&packages).run()?;
    let problems = dpkg(&root).argument("--verify").output()?;
    if !problems.is_empty() {
        bail!("dpkg --verify reports\n{problems}");
    }
    program::converse(dist, |name| Process::in_root(&root, &format!("/usr/bin/{name}")).variable("HOME", "/tmp"))?;
    check_pages(&root)?;
    check_completions(&root)?;
    for path in ["umapi/examples/umapi-sync.timer", "umapi/copyright", "umapi-emulator/copyright"] {
        if !root.join("usr/share/doc").join(path).exists() {
            bail!("/usr/share/doc/{path} is missing");
        }
    }
    dpkg(&root).arguments(["--purge", "umapi", "umapi-emulator"]).run()?;
    let rest = all_files(&root.join("usr"))?;
    if !rest.is_empty() {
        bail!("the removed packages left {rest:?}");
    }
    Ok(())
}

fn dpkg(root: &Path) -> Process {
    let mut option = std::ffi::OsString::from("--root=");
    option.push(root);
    // Packages of this machine have no part in it: neither its hooks nor its log.
    Process::as_root("dpkg").argument(option).argument("--log=/dev/null")
}

/// The manual pages are found by their names and rendered without a warning.
fn check_pages(root: &Path) -> Result<()> {
    let pages = files(&root.join("usr/share/man/man1"))?;
    for page in &pages {
        let [text, warnings] = Process::new("man")
            .variable("MANWIDTH", "80")
            .variable("LC_ALL", "C.UTF-8")
            .arguments(["--warnings", "--no-justification", "--local-file"])
            .argument(page)
            .both_outputs()?;
        if !warnings.is_empty() || !text.contains("SYNOPSIS") {
            bail!("the manual page {} is rendered as\n{text}\nwith these warnings:\n{warnings}", name(page));
        }
    }
    for expected in ["umapi.1.gz", "umapi-users-list.1.gz", "umapi-emulator.1.gz", "umapi-emulator.1umapi.gz"] {
        if !pages.iter().any(|page| name(page) == expected) {
            bail!("the manual page {expected} is missing");
        }
    }
    println!("man: {} pages", pages.len());
    Ok(())
}

/// Bash completes commands with the installed scripts.
fn check_completions(root: &Path) -> Result<()> {
    let folder = root.join("usr/share/bash-completion/completions");
    for (program, word, expected) in [("umapi", "emul", "emulator"), ("umapi-emulator", "--exit", "--exit-on-eof")] {
        let script = format!(
            "source {}; COMP_WORDS=({program} {word}); COMP_CWORD=1; COMP_LINE='{program} {word}'; \
             $(complete -p {program} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {program} {word} {program}; echo \"${{COMPREPLY[*]}}\"",
            folder.join(program).display()
        );
        let printed = Process::new("bash").arguments(["--norc", "-c", &script]).output()?;
        if printed.trim() != expected {
            bail!("bash completes {word} of {program} as {printed:?} instead of {expected:?}");
        }
    }
    for script in ["zsh/vendor-completions/_umapi", "fish/vendor_completions.d/umapi.fish"] {
        let file = root.join("usr/share").join(script);
        let text = fs::read_to_string(&file).with_context(|| format!("/usr/share/{script} is missing"))?;
        if !text.contains("members") {
            bail!("/usr/share/{script} does not know the commands");
        }
    }
    Ok(())
}

/// All files below a folder, which may be missing.
fn all_files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for file in files(folder)? {
        if file.is_dir() {
            found.extend(all_files(&file)?);
        } else {
            found.push(file);
        }
    }
    Ok(found)
}
