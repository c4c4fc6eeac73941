//! The licenses of all crates in the two programs: most of them require that their text comes with the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Dist, Process, files, name, sbom};

/// Beginnings of the names of files with license texts.
const BEGINNINGS: [&str; 5] = ["licen", "copying", "copyright", "notice", "unlicense"];
const RULE: &str = "--------------------------------------------------------------------------------";

/// The file with all texts.
pub(super) fn file(dist: &Dist) -> PathBuf {
    dist.work.join("LICENSES-OF-DEPENDENCIES.txt")
}

/// Writes every text once, with the crates that have it.
pub(super) fn collect(dist: &Dist) -> Result<()> {
    let mut linked = sbom::linked(dist, &dist.umapi)?;
    linked.extend(sbom::linked(dist, &dist.emulator)?);
    let metadata = Process::new("cargo").arguments(["metadata", "--locked", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata.folder(&dist.top).output()?)?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut expressions = BTreeMap::new();
    for package in metadata["packages"].as_array().context("cargo metadata lists no packages")? {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let title = format!("{} {}", text("name"), text("version"));
        // The crates of this project have its license.
        if !linked.remove(&title) || package["source"].is_null() {
            continue;
        }
        let folder = Path::new(text("manifest_path")).parent().context("a manifest has no folder")?;
        for found in texts_in(folder)? {
            texts.entry(found).or_default().insert(title.clone());
        }
        expressions.insert(title, text("license").to_owned());
    }
    if !linked.is_empty() {
        bail!("cargo metadata does not list {}", linked.into_iter().collect::<Vec<_>>().join(", "));
    }
    fs::write(file(dist), document(&expressions, &texts))?;
    println!("{} crates, {} different texts", expressions.len(), texts.len());
    Ok(())
}

/// The license texts in the folder of a crate.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let is_license = |file: &PathBuf| {
        let name = name(file).to_lowercase();
        file.is_file() && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    let found = files(folder)?.into_iter().filter(is_license);
    found.map(|file| Ok(String::from_utf8_lossy(&fs::read(&file)?).trim().replace("\r\n", "\n"))).collect()
}

fn document(expressions: &BTreeMap<String, String>, texts: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut document =
        String::from("The programs umapi and umapi-emulator contain these crates, under these licenses:\n\n");
    for (title, expression) in expressions {
        document += &format!("{title}: {expression}\n");
    }
    for (text, titles) in texts {
        let titles = titles.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        document += &format!("\n{RULE}\nOf {titles}:\n\n{text}\n");
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_crates_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("LICENSE-MIT"), "MIT\r\ntext\n").unwrap();
        fs::write(folder.path().join("README.md"), "read").unwrap();
        fs::create_dir(folder.path().join("licenses")).unwrap();
        let found = texts_in(folder.path()).unwrap();
        assert_eq!(found, ["MIT\ntext"]);
        let titles = BTreeSet::from(["a 1.0.0".to_owned(), "b 2.0.0".to_owned()]);
        let expressions = titles.iter().map(|title| (title.clone(), "MIT".to_owned())).collect();
        let document = document(&expressions, &BTreeMap::from([(found[0].clone(), titles)]));
        assert!(document.contains("a 1.0.0: MIT\nb 2.0.0: MIT\n"), "{document}");
        assert!(document.ends_with("Of a 1.0.0, b 2.0.0:\n\nMIT\ntext\n"), "{document}");
    }
}
