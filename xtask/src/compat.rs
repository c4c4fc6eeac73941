//! `cargo xtask compat`: checks what the crates must build with - every set of features, the oldest supported Rust and
//! the lowest versions of the dependencies.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    checks::{self, Check},
    workspace::{self, CARGO_HACK, PublishedCrate},
};

/// The crates whose features a program chooses with the client.
const OF_THE_CLIENT: [&str; 6] = ["umapi", "umapi-auth", "umapi-http", "umapi-model", "umapi-plan", "umapi-raw"];

/// Features of the client that are checked alone: each TLS, and those that change most of the code.
const ALONE: [&str; 6] = ["rustls-aws-lc", "rustls-ring", "native-tls", "connector-files", "jwt", "recorder"];

/// Checks the client without any feature, and with some features alone: nothing is missing, and nothing unused is left. A part
/// of `cargo xtask ci`; [`run`] checks the rest.
pub(crate) fn small_sets() -> Check {
    let with = |feature: Option<&str>| {
        let mut arguments = vec!["clippy".to_owned(), "--quiet".to_owned(), "--no-default-features".to_owned()];
        arguments.extend(OF_THE_CLIENT.iter().flat_map(|name| ["-p".to_owned(), (*name).to_owned()]));
        arguments.extend(feature.iter().flat_map(|feature| ["--features".to_owned(), format!("umapi/{feature}")]));
        arguments.extend(["--", "-D", "warnings"].map(str::to_owned));
        Check::cargo("the client with few features", arguments)
    };
    ALONE.into_iter().fold(with(None), |before, feature| with(Some(feature)).after(before))
}

/// Runs all checks. Takes minutes, and some gigabytes in `target/compat`.
pub(crate) fn run() -> Result<ExitCode> {
    let path = CARGO_HACK.install()?;
    let published = PublishedCrate::all()?;
    let oldest = published.first().context("no crate is published")?.rust_version.as_str();
    let folder = workspace::top().join("target/compat");
    let clone = workspace::clean_clone(&folder.join("clone"))?;
    let build = folder.join("build").display().to_string();
    let in_clone = |check: Check| check.in_folder(&clone).with_environment("CARGO_TARGET_DIR", &build);

    // Sets of up to two features, and all features: the 2^7 sets of a crate with seven would take hours, and a third feature
    // has never been the one that mattered. Those with a leading `_` are parts of others.
    let sets = "hack check --workspace --ignore-private --feature-powerset --depth 2 --exclude-features default,_cloud,_rustls";
    // Only these crates: another one would turn features on.
    let tests = ["check", "--tests", "--no-default-features"].into_iter();
    let tests = tests.chain(OF_THE_CLIENT.iter().flat_map(|name| ["-p", name]));
    let without_features = "doc --workspace --no-deps --no-default-features";
    let oldest_rust = "hack check --rust-version --workspace --all-targets --all-features --locked";
    // The option is unstable. `RUSTC_BOOTSTRAP` enables it in a stable cargo, for this command only.
    let lower = "update -Z direct-minimal-versions";
    let names = published.iter().flat_map(|published| ["-p", &published.name]);
    let lowest = ["check", "--locked", "--all-features"].into_iter().chain(names);
    checks::run_all(&[
        Check::cargo("sets of features", sets.split(' ')).with_environment("PATH", &path),
        Check::cargo("tests without features", tests),
        Check::cargo("documentation without features", without_features.split(' '))
            .with_environment("RUSTDOCFLAGS", "-D warnings"),
        in_clone(Check::cargo(format!("the oldest Rust, {oldest}"), oldest_rust.split(' ')))
            .with_environment("PATH", &path)
            .needs_toolchain(oldest),
        in_clone(Check::cargo("the lowest versions", lowest)).after(
            in_clone(Check::cargo("select the lowest versions", lower.split(' ')))
                .with_environment("RUSTC_BOOTSTRAP", "1"),
        ),
    ])
}
