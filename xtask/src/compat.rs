//! `cargo xtask compat`: checks what the crates must build with - every set of features, the oldest supported Rust and
//! the lowest versions of the dependencies.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    checks::{self, Check},
    workspace::{self, CARGO_HACK, PublishedCrate},
};

/// Runs all checks. Takes minutes, and some gigabytes in `target/compat`.
pub(crate) fn run() -> Result<ExitCode> {
    let path = CARGO_HACK.install()?;
    let published = PublishedCrate::all()?;
    let oldest = published.first().context("no crate is published")?.rust_version.as_str();
    let folder = workspace::top().join("target/compat");
    let clone = workspace::clean_clone(&folder.join("clone"))?;
    let build = folder.join("build").display().to_string();
    let in_clone = |check: Check| check.in_folder(&clone).with_environment("CARGO_TARGET_DIR", &build);

    let every_set = "hack check --workspace --ignore-private --feature-powerset --exclude-features default";
    let without_features = "doc --workspace --no-deps --no-default-features";
    let oldest_rust = "hack check --rust-version --workspace --all-targets --all-features --locked";
    // The option is unstable. `RUSTC_BOOTSTRAP` enables it in a stable cargo, for this command only.
    let lower = "update -Z direct-minimal-versions";
    let names = published.iter().flat_map(|published| ["-p", &published.name]);
    let lowest = ["check", "--locked", "--all-features"].into_iter().chain(names);
    checks::run_all(&[
        Check::cargo("every set of features", every_set.split(' ')).with_environment("PATH", &path),
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
