//! Generated files: writes them, or checks that the committed files are up to date.

use std::{collections::BTreeSet, io::Write, path::Path};

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

/// Writes the files and removes other files in `folders`: all of them, or none. Unchanged files keep their modification time.
/// Returns the paths of the changed and removed files.
pub(crate) fn write(top: &Path, folders: &[&str], files: &[GeneratedFile]) -> Result<Vec<String>> {
    check_paths(files)?;
    let stale = stale_files(top, folders, files)?;
    let is_changed = |file: &&GeneratedFile| {
        std::fs::read_to_string(top.join(&file.path)).ok().as_deref() != Some(file.text.as_str())
    };
    let changed: Vec<&GeneratedFile> = files.iter().filter(is_changed).collect();
    // Everything that can fail happens before the first file takes its place.
    let mut staged = Vec::new();
    for file in &changed {
        let path = top.join(&file.path);
        let folder = path.parent().unwrap_or(top);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let mut temporary = tempfile::Builder::new()
            .prefix(".generated-")
            .tempfile_in(folder)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        temporary.write_all(file.text.as_bytes()).with_context(|| format!("cannot write {}", file.path))?;
        staged.push((temporary, path));
    }
    for (temporary, path) in staged {
        make_readable(temporary.path())?;
        temporary.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    for path in &stale {
        std::fs::remove_file(top.join(path)).with_context(|| format!("cannot remove {path}"))?;
    }
    Ok(changed.into_iter().map(|file| file.path.clone()).chain(stale).collect())
}

/// Temporary files are readable for their owner only.
#[cfg(unix)]
fn make_readable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?)
}

#[cfg(not(unix))]
fn make_readable(_: &Path) -> Result<()> {
    Ok(())
}

/// A file without a name, such as `.rs`, is a hidden file that no module could be.
fn check_paths(files: &[GeneratedFile]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for GeneratedFile { path, .. } in files {
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || name.starts_with('.') {
            bail!("nothing was written: a generated file would have no name: {path:?}");
        }
        if !seen.insert(path.to_lowercase()) {
            bail!("nothing was written: two generated files would have the same name: {path}");
        }
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
        let mut changed = write(top.path(), &["out"], &two_files()).unwrap();
        changed.sort();
        assert_eq!(changed, ["out/a.rs", "out/old.rs", "out/sub/b.rs"]);
        assert!(!top.path().join("out/old.rs").exists());
        assert!(write(top.path(), &["out"], &two_files()).unwrap().is_empty());
    }

    /// The paths of all files below a folder.
    fn files_of(top: &Path) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect_files(top, ".", &mut found).unwrap();
        found
    }

    #[test]
    fn a_file_without_a_name_leaves_everything_as_it_was() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("out")).unwrap();
        std::fs::write(top.path().join("out/old.rs"), "old\n").unwrap();
        for bad in ["out/.rs", "out/", "OUT/A.rs"] {
            let mut files = two_files();
            files.push(GeneratedFile::new(bad, "text"));
            let error = write(top.path(), &["out"], &files).unwrap_err().to_string();
            assert!(error.contains("nothing was written") && error.contains(bad), "{error}");
            assert_eq!(files_of(top.path()), BTreeSet::from(["./out/old.rs".to_owned()]), "{bad}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_others_as_they_were() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("out")).unwrap();
        std::fs::write(top.path().join("out/old.rs"), "old\n").unwrap();
        // A file where the folder of `out/sub/b.rs` would be.
        std::fs::write(top.path().join("out/sub"), "in the way\n").unwrap();
        let before = files_of(top.path());
        let error = format!("{:#}", write(top.path(), &["out"], &two_files()).unwrap_err());
        assert!(error.contains("cannot create"), "{error}");
        assert_eq!(files_of(top.path()), before);
    }
}
