//! `cargo xtask api`: what callers of the crates see - types of other crates in their public API, examples of all items,
//! and changes since the last release that break them.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    checks::{self, Check},
    workspace::{self, CARGO_CHECK_EXTERNAL_TYPES, CARGO_SEMVER_CHECKS, PublishedCrate},
};

/// Crates whose library is not for others: `umapi-cli` is stable as a command.
const NOT_FOR_OTHERS: [&str; 1] = ["umapi-cli"];

/// Checks the public API of every published library. Compares it with the last tag, if there is one.
pub(crate) fn run() -> Result<ExitCode> {
    let libraries: Vec<PublishedCrate> = PublishedCrate::all()?
        .into_iter()
        .filter(|published| !NOT_FOR_OTHERS.contains(&published.name.as_str()))
        .collect();
    let mut checks = types_of_others(&libraries)?;
    checks.push(Check::xtask("examples of public items", ["api", "--examples"])?);
    match workspace::last_release()? {
        Some(tag) => checks.push(breaking_changes(&libraries, &tag)?),
        None => println!("No tag v* is an ancestor of this commit, so there is no release to compare with."),
    }
    checks::run_all(&checks)
}

/// Each manifest lists the types of other crates that its public API may contain, under
/// `package.metadata.cargo_check_external_types`.
fn types_of_others(libraries: &[PublishedCrate]) -> Result<Vec<Check>> {
    let path = CARGO_CHECK_EXTERNAL_TYPES.install()?;
    let target = workspace::documentation_folder()?;
    let check = |library: &PublishedCrate| {
        let manifest = format!("crates/{}/Cargo.toml", library.name);
        let arguments = ["check-external-types", "--all-features", "--manifest-path", &manifest];
        Check::cargo(format!("types of others: {}", library.name), arguments)
            .with_environment("PATH", &path)
            .with_environment("CARGO_TARGET_DIR", &target)
            // The tool reads the JSON of rustdoc, which is unstable. This enables it in a stable cargo, for this command only.
            .with_environment("RUSTC_BOOTSTRAP", "1")
    };
    Ok(libraries.iter().map(check).collect())
}

fn breaking_changes(libraries: &[PublishedCrate], tag: &str) -> Result<Check> {
    let path = CARGO_SEMVER_CHECKS.install()?;
    let names = libraries.iter().flat_map(|library| ["--package", &library.name]);
    let arguments = ["semver-checks", "--all-features", "--baseline-rev", tag].into_iter().chain(names);
    Ok(Check::cargo(format!("breaking changes since {tag}"), arguments).with_environment("PATH", &path))
}
