//! The archive for every other way to install: both programs, manual pages, completions and licenses in one folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{Dist, Process, copy, empty, files, license, name, only_file, program, program::Program, sbom};

const README: &str = "\
umapi: the command for Adobe's User Management API
umapi-emulator: the API and its login on this machine, for tests

Copy the programs from bin/ into a folder of your PATH, for example /usr/local/bin. They need nothing else; to call
Adobe, umapi uses the system's root certificates (on most systems, the package ca-certificates).
share/ has the manual pages, completions for shells, the licenses of this project and of the crates in the programs,
and lists of these crates in the format CycloneDX. Copy its folders into /usr/local/share if you like.

Start with: umapi --emulator users list
";

/// Shells, with the folders of Debian and others for completions, and what the name of the file begins and ends with.
const SHELLS: [(&str, &str, &str, &str); 3] = [
    ("bash", "bash-completion/completions", "", ""),
    ("zsh", "zsh/vendor-completions", "_", ""),
    ("fish", "fish/vendor_completions.d", "", ".fish"),
];

fn title(dist: &Dist) -> String {
    format!("umapi-{}-{}", dist.version, dist.platform.target)
}

/// The folder with what packages of systems contain beside a program: `man1` and the folders for completions.
pub(super) fn shared_files(dist: &Dist, of: &Program) -> PathBuf {
    dist.work.join("share").join(of.name)
}

/// Lets the programs write their manual pages and completions.
fn write_shared_files(dist: &Dist) -> Result<()> {
    for of in dist.programs() {
        let share = shared_files(dist, of);
        empty(&share)?;
        let is_umapi = of.name == dist.umapi.name;
        let pages = share.join("man/man1");
        fs::create_dir_all(&pages)?;
        if is_umapi {
            Process::new(&of.file).argument("man").argument("--out-dir").argument(&pages).run()?;
            // The emulator has a page of this name, too. A section of its own lets both be installed.
            let page = fs::read_to_string(pages.join("umapi-emulator.1"))?;
            fs::remove_file(pages.join("umapi-emulator.1"))?;
            let page = page.replacen(".TH umapi-emulator 1", ".TH umapi-emulator 1umapi", 1);
            fs::write(pages.join("umapi-emulator.1umapi"), page)?;
        } else {
            let page = Process::new(&of.file).arguments(["--generate", "man"]).output()?;
            fs::write(pages.join("umapi-emulator.1"), page)?;
        }
        for (shell, folder, before, after) in SHELLS {
            let arguments = if is_umapi { ["completions", shell] } else { ["--generate", shell] };
            let script = Process::new(&of.file).arguments(arguments).output()?;
            fs::create_dir_all(share.join(folder))?;
            fs::write(share.join(folder).join(format!("{before}{}{after}", of.name)), script)?;
        }
    }
    Ok(())
}

pub(super) fn build(dist: &Dist) -> Result<()> {
    write_shared_files(dist)?;
    let staging = dist.work.join("archive");
    empty(&staging)?;
    let folder = staging.join(title(dist));
    let documents = folder.join("share/doc/umapi");
    fs::create_dir_all(&documents)?;
    for of in dist.programs() {
        copy(std::slice::from_ref(&of.file), &folder.join("bin"))?;
        copy_tree(&shared_files(dist, of), &folder.join("share"))?;
        copy(&[sbom::file(dist, of)], &documents)?;
    }
    copy(&["LICENSE-APACHE", "LICENSE-MIT"].map(|license| dist.top.join(license)), &documents)?;
    copy(&[license::file(dist)], &documents)?;
    fs::write(folder.join("README"), README)?;
    let archive = dist.packages.join(format!("{}.tar.gz", title(dist)));
    // The same files result in the same archive.
    let mut tar = Process::new("tar").argument("--create").argument("--file").argument(&archive);
    tar = if dist.platform.is_linux() {
        let time = format!("--mtime=@{}", dist.time_of_commit()?);
        tar.arguments([
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--use-compress-program=gzip -n9",
            &time,
        ])
    } else {
        tar.argument("--gzip")
    };
    tar.argument("--directory").argument(&staging).argument(title(dist)).run()
}

/// Unpacks the archive into an empty root folder, in which there is nothing else, and uses both programs there.
pub(super) fn try_it(dist: &Dist) -> Result<()> {
    let root = dist.work.join("archive-root");
    empty(&root)?;
    let archive = only_file(&dist.packages, "umapi-", ".tar.gz")?;
    Process::new("tar")
        .arguments(["--extract", "--file"])
        .argument(&archive)
        .argument("--directory")
        .argument(&root)
        .run()?;
    let folder = title(dist);
    if !dist.platform.is_linux() {
        let bin = root.join(folder).join("bin");
        return program::converse(dist, |name| Process::new(bin.join(name)).variable("HOME", &root));
    }
    fs::create_dir(root.join("tmp"))?;
    println!("in a root folder with only the archive and /tmp:");
    program::converse(dist, |name| Process::in_root(&root, &format!("/{folder}/bin/{name}")).variable("HOME", "/tmp"))?;
    // `umapi --emulator` wants root certificates, although it calls only itself.
    let certificates = root.join("etc/ssl/certs");
    fs::create_dir_all(&certificates)?;
    fs::copy("/etc/ssl/certs/ca-certificates.crt", certificates.join("ca-certificates.crt"))?;
    let own = Process::in_root(&root, &format!("/{folder}/bin/umapi")).variable("HOME", "/tmp");
    own.arguments(["--emulator", "users", "list"]).run()
}

/// Copies a folder into another one, which may have some of its folders already.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in files(from)? {
        let target = to.join(name(&file));
        if file.is_dir() {
            copy_tree(&file, &target)?;
        } else {
            fs::copy(&file, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_merged() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, both] = ["one", "two", "both"].map(|name| folder.path().join(name));
        for (from, file) in [(&one, "a"), (&two, "b")] {
            fs::create_dir_all(from.join("man")).unwrap();
            fs::write(from.join("man").join(file), file).unwrap();
            copy_tree(from, &both).unwrap();
        }
        assert_eq!(files(&both.join("man")).unwrap().len(), 2);
    }
}
