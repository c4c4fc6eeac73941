//! Generated files: writes them, or checks that the committed files are up to date.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, bail};
use similar::TextDiff;

/// A file to write. Its path is relative to the top folder of the project.
pub(crate) struct GeneratedFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl GeneratedFile {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// Writes the files and removes other files in `folders`. Unchanged files keep their modification time.
pub(crate) fn write(top: &Path, folders: &[&str], files: &[GeneratedFile]) -> Result<()> {
    for stale in stale_files(top, folders, files)? {
        std::fs::remove_file(top.join(&stale)).with_context(|| format!("cannot remove {stale}"))?;
    }
    for file in files {
        let path = top.join(&file.path);
        if std::fs::read_to_string(&path).is_ok_and(|committed| committed == file.text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, &file.text).with_context(|| format!("cannot write {}", file.path))?;
    }
    Ok(())
}

/// Compares without writing. The error contains a unified diff and the command that updates the files.
pub(crate) fn check(top: &Path, folders: &[&str], files: &[GeneratedFile], command: &str) -> Result<()> {
    let mut diff = String::new();
    for file in files {
        let committed = std::fs::read_to_string(top.join(&file.path)).unwrap_or_default();
        if committed != file.text {
            diff += &unified_diff(&file.path, &committed, &file.text);
        }
    }
    for stale in stale_files(top, folders, files)? {
        let committed = std::fs::read_to_string(top.join(&stale)).unwrap_or_default();
        diff += &unified_diff(&stale, &committed, "");
    }
    if !diff.is_empty() {
        bail!("{diff}\nThe generated files are not up to date. Update them with: {command}");
    }
    Ok(())
}

fn unified_diff(path: &str, committed: &str, generated: &str) -> String {
    TextDiff::from_lines(committed, generated)
        .unified_diff()
        .header(&format!("{path} (committed)"), &format!("{path} (generated)"))
        .to_string()
}

/// Files in the generated folders that are not in `files`.
fn stale_files(top: &Path, folders: &[&str], files: &[GeneratedFile]) -> Result<BTreeSet<String>> {
    let written: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut stale = BTreeSet::new();
    for folder in folders {
        collect_files(top, folder, &mut stale)?;
    }
    stale.retain(|path| !written.contains(path.as_str()));
    Ok(stale)
}

fn collect_files(top: &Path, folder: &str, found: &mut BTreeSet<String>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(top.join(folder)) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect_files(top, &path, found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_files() -> Vec<GeneratedFile> {
        vec![GeneratedFile::new("out/a.rs", "one\ntwo\n"), GeneratedFile::new("out/sub/b.rs", "three\n")]
    }

    #[test]
    fn written_files_pass_the_check() {
        let top = tempfile::tempdir().unwrap();
        write(top.path(), &["out"], &two_files()).unwrap();
        check(top.path(), &["out"], &two_files(), "update").unwrap();
    }

    #[test]
    fn differences_are_reported_and_nothing_is_written() {
        let top = tempfile::tempdir().unwrap();
        write(top.path(), &["out"], &two_files()).unwrap();
        std::fs::write(top.path().join("out/a.rs"), "one\n2\n").unwrap();
        std::fs::remove_file(top.path().join("out/sub/b.rs")).unwrap();
        std::fs::write(top.path().join("out/old.rs"), "old\n").unwrap();
        let error = check(top.path(), &["out"], &two_files(), "cargo update-it").unwrap_err().to_string();
        for part in ["-2\n+two", "+three", "-old", "cargo update-it"] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
        assert_eq!(std::fs::read_to_string(top.path().join("out/a.rs")).unwrap(), "one\n2\n");
        assert!(top.path().join("out/old.rs").exists());
        write(top.path(), &["out"], &two_files()).unwrap();
        assert!(!top.path().join("out/old.rs").exists());
    }
}
