//! `cargo xtask package`: each published crate as a registry would get it.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::{self, PublishedCrate};

/// Files that every package must contain.
const REQUIRED: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// The extensions of files that may be in a package.
const EXTENSIONS: [&str; 16] =
    ["css", "js", "json", "lock", "lua", "md", "ndjson", "pem", "py", "rs", "sh", "sql", "svg", "toml", "txt", "yaml"];
/// Files without such an extension that may be in a package, including those that `cargo` adds.
const OTHERS: [&str; 4] = [".cargo_vcs_info.json", "Cargo.toml.orig", "LICENSE-APACHE", "LICENSE-MIT"];
/// The maximum size of a file. The largest one is the description as JSON.
const LARGEST_FILE_KIB: u64 = 256;

/// Checks the manifests and the lists of files. Builds nothing.
pub(crate) fn check_lists() -> Result<()> {
    let mut problems = Vec::new();
    for published in PublishedCrate::all()? {
        let files = list(&published.name)?;
        println!("{:>4} files  {}", files.len(), published.name);
        let folder = workspace::top().join("crates").join(&published.name);
        let size = |file: &str| std::fs::metadata(folder.join(file)).map_or(0, |found| found.len());
        let found = manifest_problems(&published.manifest).into_iter().chain(file_problems(&files, &size));
        problems.extend(found.map(|problem| format!("{}: {problem}", published.name)));
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(())
}

/// Packages all crates from a clean clone and builds each of them from its package, without an upload.
pub(crate) fn run() -> Result<()> {
    check_lists()?;
    let work = workspace::top().join("target/package");
    let status = Command::new("cargo")
        .args(["publish", "--workspace", "--dry-run", "--locked"])
        .current_dir(workspace::clean_clone(&work.join("clone"))?)
        .env("CARGO_TARGET_DIR", work.join("build"))
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("not every crate could be packaged and built from its package");
    }
    Ok(())
}

fn list(name: &str) -> Result<Vec<String>> {
    let arguments = ["package", "--list", "--allow-dirty", "-p", name];
    let output = Command::new("cargo").args(arguments).current_dir(workspace::top()).output()?;
    if !output.status.success() {
        bail!("cargo {} failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(|line| line.replace('\\', "/")).collect())
}

/// Manifest keys that a registry needs or shows and that are missing, or have too many values.
fn manifest_problems(manifest: &Value) -> Vec<String> {
    let mut problems: Vec<String> = ["description", "documentation", "license", "readme", "repository", "rust_version"]
        .iter()
        .filter(|key| manifest[**key].as_str().is_none_or(str::is_empty))
        .map(|key| format!("no {key}"))
        .collect();
    for key in ["keywords", "categories"] {
        let count = manifest[key].as_array().map_or(0, Vec::len);
        if !(1..=5).contains(&count) {
            problems.push(format!("{count} {key} instead of one to five"));
        }
    }
    problems
}

fn file_problems(files: &[String], size: &dyn Fn(&str) -> u64) -> Vec<String> {
    let missing = REQUIRED.iter().filter(|required| !files.iter().any(|file| file == *required));
    let mut problems: Vec<String> = missing.map(|required| format!("{required} is missing")).collect();
    for file in files {
        let extension = Path::new(file).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if !EXTENSIONS.contains(&extension) && !OTHERS.contains(&file.as_str()) {
            problems.push(format!("{file} does not belong in a package"));
        }
        let kib = size(file).div_ceil(1024);
        if kib > LARGEST_FILE_KIB {
            problems.push(format!("{file} has {kib} KiB, more than {LARGEST_FILE_KIB}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_or_excess_manifest_keys_are_reported() {
        let mut manifest = json!({
            "name": "umapi-x", "description": "x", "documentation": "x", "license": "MIT", "readme": "README.md",
            "repository": "x", "rust_version": "1.90", "keywords": ["a", "b"], "categories": ["c"],
        });
        assert_eq!(manifest_problems(&manifest), Vec::<String>::new());
        manifest["description"] = Value::Null;
        manifest["readme"] = json!("");
        manifest["keywords"] = json!(["a", "b", "c", "d", "e", "f"]);
        assert_eq!(manifest_problems(&manifest), ["no description", "no readme", "6 keywords instead of one to five"]);
    }

    fn files(more: &[&str]) -> Vec<String> {
        REQUIRED
            .iter()
            .chain(&[".cargo_vcs_info.json", "Cargo.lock", "src/lib.rs"])
            .chain(more)
            .map(|&f| f.into())
            .collect()
    }

    #[test]
    fn an_ordinary_package_has_no_problems() {
        assert_eq!(file_problems(&files(&["src/schema.sql"]), &|_| 1), Vec::<String>::new());
    }

    #[test]
    fn missing_foreign_and_large_files_are_reported() {
        let mut files = files(&["state.db", "src/big.json"]);
        files.retain(|file| file != "LICENSE-MIT");
        let problems = file_problems(&files, &|file| if file == "src/big.json" { 300 * 1024 } else { 1 });
        let expected = [
            "LICENSE-MIT is missing",
            "state.db does not belong in a package",
            "src/big.json has 300 KiB, more than 256",
        ];
        assert_eq!(problems, expected);
    }
}
