//! A clean clone of the project: what a task looks at when files that are not committed must not help.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Clones the last commit into `folder`, which is emptied first. Says so if there are changes that it leaves out.
pub(crate) fn clean_clone(folder: &Path) -> Result<PathBuf> {
    let top = crate::top();
    let changes = git(&top, &["status", "--porcelain"])?;
    if !changes.is_empty() {
        println!("The last commit is looked at, not the {} changed files.", changes.lines().count());
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder)?;
    git(folder, &["clone", "--quiet", "--depth", "1", &format!("file://{}", top.display()), "."])?;
    Ok(folder.to_path_buf())
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(folder).output().context("cannot start git")?;
    if !output.status.success() {
        bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
