//! `cargo xtask compat`: what the crates promise to build with, beyond what everyday work shows.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    checks::{self, Check},
    clone::clean_clone,
    published::PublishedCrate,
};

/// Runs all of it: minutes, and some gigabytes below `target/compat`.
pub(crate) fn run() -> Result<ExitCode> {
    let published = PublishedCrate::all()?;
    let folder = crate::top().join("target/compat");
    let clone = clean_clone(&folder.join("clone"))?;
    let build = folder.join("build").display().to_string();
    let in_clone = |check: Check| check.in_folder(&clone).with_environment("CARGO_TARGET_DIR", &build);

    let mut checks: Vec<Check> = published.iter().flat_map(check_features).collect();
    checks.push(
        Check::cargo("documentation without features", ["doc", "--workspace", "--no-deps", "--no-default-features"])
            .with_environment("RUSTDOCFLAGS", "-D warnings"),
    );
    let oldest = published.first().context("no crate is published")?.rust_version.as_str();
    let everything = ["check", "--locked", "--workspace", "--all-targets", "--all-features"];
    checks.push(in_clone(Check::cargo_of(oldest, format!("the oldest Rust, {oldest}"), &everything)));
    let names = published.iter().flat_map(|published| ["-p", &published.name]);
    let check = ["check", "--locked", "--all-features"].into_iter().chain(names);
    checks.push(in_clone(Check::cargo("the lowest versions", check)).after(in_clone(lower_all_versions())));
    checks::run_all(&checks)
}

/// Each set of features of one crate, built without the features that others would switch on.
fn check_features(published: &PublishedCrate) -> Vec<Check> {
    let sets = subsets(&published.features).into_iter().map(|features| {
        let with = if features.is_empty() { "no features".to_owned() } else { features.join(", ") };
        let arguments = ["check", "-p", &published.name, "--no-default-features", "--features", &features.join(",")];
        Check::cargo(format!("{} with {with}", published.name), arguments)
    });
    sets.collect()
}

fn subsets(features: &[String]) -> Vec<Vec<&str>> {
    let mut sets = vec![Vec::new()];
    for feature in features {
        let larger: Vec<Vec<&str>> = sets.iter().map(|set| [set.as_slice(), &[feature.as_str()]].concat()).collect();
        sets.extend(larger);
    }
    sets
}

/// Takes the lowest version that each manifest allows of what it names itself, into the lock file of the clone.
fn lower_all_versions() -> Check {
    // The option is unstable, and the variable lets a stable cargo have it. It is set for this step alone.
    Check::cargo("take the lowest versions", ["update", "-Z", "direct-minimal-versions"])
        .with_environment("RUSTC_BOOTSTRAP", "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_features_is_met_once() {
        let features = ["a", "b", "c"].map(String::from);
        let mut sets = subsets(&features);
        sets.sort();
        let all: [&[&str]; 8] = [&[], &["a"], &["a", "b"], &["a", "b", "c"], &["a", "c"], &["b"], &["b", "c"], &["c"]];
        assert_eq!(sets, all);
    }
}
