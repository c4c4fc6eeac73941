//! Lists of the components in each program (SBOM, CycloneDX), which maturin makes while it builds a wheel.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Dist, Process, name, program::Program, python::Environment};

/// The script that validates a list. It prints nothing if the list is valid.
const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1], encoding='utf-8').read()
error = JsonStrictValidator(SchemaVersion.from_version(sys.argv[2])).validate_str(text)
print(error or '', end='')
";

/// The list of a program among the packages.
pub(super) fn file(dist: &Dist, program: &Program) -> PathBuf {
    dist.packages.join(format!("{}-{}-{}.cdx.json", program.name, dist.version, dist.platform.target))
}

/// Takes everything out of a list of maturin that is not in the program, and the paths of this machine. Checks the result, writes
/// it among the packages and returns it.
pub(super) fn finish(dist: &Dist, tools: &Environment, text: &str, program: &Program) -> Result<String> {
    let linked = linked(dist, program)?;
    let text = text.replace(&format!("file://{}", dist.top.display()), "file:///umapi");
    let mut sbom: Value = serde_json::from_str(&text)?;
    keep(&mut sbom, &linked)?;
    let listed = components(&sbom);
    let missing: Vec<_> = linked.difference(&listed).cloned().collect();
    if !missing.is_empty() {
        bail!("the list of components of {} lacks {}", program.name, missing.join(", "));
    }
    let text = serde_json::to_string_pretty(&sbom)? + "\n";
    if text.contains(&dist.top.display().to_string()) {
        bail!("the list of components of {} contains the path {}", program.name, dist.top.display());
    }
    let target = file(dist, program);
    fs::write(&target, &text)?;
    let version = text_of(&sbom["specVersion"]);
    let error = tools.process("python").arguments(["-c", VALIDATE]).argument(&target).argument(version).output()?;
    if !error.is_empty() {
        bail!("the list of components of {} is invalid: {error}", program.name);
    }
    println!("{}: CycloneDX {version}, valid, {} components", name(&target), listed.len());
    Ok(text)
}

/// Keeps the components that are linked into the program. The others belong to other platforms, or only build it.
fn keep(sbom: &mut Value, linked: &BTreeSet<String>) -> Result<()> {
    let components = sbom["components"].as_array_mut().context("the list has no components")?;
    components.retain(|component| linked.contains(&title(component)));
    let mut known: BTreeSet<String> = components.iter().map(|one| text_of(&one["bom-ref"]).to_owned()).collect();
    known.insert(text_of(&sbom["metadata"]["component"]["bom-ref"]).to_owned());
    let dependencies = sbom["dependencies"].as_array_mut().context("the list has no dependencies")?;
    dependencies.retain(|one| known.contains(text_of(&one["ref"])));
    for on in dependencies.iter_mut().filter_map(|one| one.get_mut("dependsOn")?.as_array_mut()) {
        on.retain(|reference| known.contains(text_of(reference)));
    }
    // What remains is about one target.
    if let Some(metadata) = sbom["metadata"].as_object_mut() {
        metadata.remove("properties");
    }
    Ok(())
}

/// The components of a list as `name version`.
fn components(sbom: &Value) -> BTreeSet<String> {
    let listed = sbom["components"].as_array().into_iter().flatten();
    listed.map(title).collect()
}

fn title(component: &Value) -> String {
    format!("{} {}", text_of(&component["name"]), text_of(&component["version"]))
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// All crates that are linked into a program as `name version`, as cargo knows them.
pub(super) fn linked(dist: &Dist, program: &Program) -> Result<BTreeSet<String>> {
    let tree = Process::new("cargo")
        .arguments(["tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"])
        .arguments(["--target", &dist.platform.target, "--manifest-path"])
        .argument(program.folder.join("Cargo.toml"))
        .folder(&dist.top)
        .output()?;
    let names = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
    });
    // The program itself is what the list is about.
    let itself = format!("{} {}", program.package, dist.version);
    Ok(names.filter(|name| *name != itself).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_linked_stays_in_the_list() {
        let mut sbom = json!({
            "metadata": {"component": {"bom-ref": "program"}, "properties": [{"name": "all_targets", "value": "true"}]},
            "components": [
                {"bom-ref": "a", "name": "a", "version": "1.0.0"},
                {"bom-ref": "b", "name": "b", "version": "2.0.0"},
            ],
            "dependencies": [
                {"ref": "program", "dependsOn": ["a", "b"]},
                {"ref": "a"},
                {"ref": "b", "dependsOn": ["a"]},
            ],
        });
        keep(&mut sbom, &BTreeSet::from(["a 1.0.0".to_owned()])).unwrap();
        let expected = json!({
            "metadata": {"component": {"bom-ref": "program"}},
            "components": [{"bom-ref": "a", "name": "a", "version": "1.0.0"}],
            "dependencies": [{"ref": "program", "dependsOn": ["a"]}, {"ref": "a"}],
        });
        assert_eq!(sbom, expected);
        assert_eq!(components(&sbom).into_iter().collect::<Vec<_>>(), ["a 1.0.0"]);
    }
}
