//! The crates of this workspace that are published.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A crate, by what its manifest says.
pub(crate) struct PublishedCrate {
    pub(crate) name: String,
    /// Without `default`, which is a list of the others.
    pub(crate) features: Vec<String>,
    pub(crate) rust_version: String,
    /// Keys that a registry shows or demands, and that are missing or too long.
    pub(crate) faults: Vec<String>,
}

impl PublishedCrate {
    /// All of them, in alphabetical order.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let arguments = ["metadata", "--no-deps", "--format-version", "1"];
        let output = Command::new("cargo").args(arguments).current_dir(crate::top()).output()?;
        if !output.status.success() {
            bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
        let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
        let mut crates: Vec<Self> = packages.iter().filter(|package| package["publish"].is_null()).map(read).collect();
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(crates)
    }
}

fn read(package: &Value) -> PublishedCrate {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let features = package["features"].as_object().into_iter().flat_map(|features| features.keys());
    PublishedCrate {
        name: text("name"),
        features: features.filter(|feature| *feature != "default").cloned().collect(),
        rust_version: text("rust_version"),
        faults: faults(package),
    }
}

fn faults(package: &Value) -> Vec<String> {
    let mut faults: Vec<String> = ["description", "documentation", "license", "readme", "rust_version"]
        .iter()
        .filter(|key| package[**key].as_str().is_none_or(str::is_empty))
        .map(|key| format!("no {key}"))
        .collect();
    for key in ["keywords", "categories"] {
        let count = package[key].as_array().map_or(0, Vec::len);
        if !(1..=5).contains(&count) {
            faults.push(format!("{count} {key} instead of one to five"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complete() -> Value {
        json!({
            "name": "umapi-x", "description": "x", "documentation": "x", "license": "MIT", "readme": "README.md",
            "rust_version": "1.90", "keywords": ["a", "b"], "categories": ["c"],
            "features": {"default": ["one"], "one": [], "two": []},
        })
    }

    #[test]
    fn the_default_is_no_feature_of_its_own() {
        let read = read(&complete());
        assert_eq!(read.features, ["one", "two"]);
        assert!(read.faults.is_empty(), "{:?}", read.faults);
    }

    #[test]
    fn what_a_registry_would_miss_or_refuse_is_named() {
        let mut package = complete();
        package["description"] = Value::Null;
        package["readme"] = json!("");
        package["keywords"] = json!(["a", "b", "c", "d", "e", "f"]);
        assert_eq!(faults(&package), ["no description", "no readme", "6 keywords instead of one to five"]);
    }
}
