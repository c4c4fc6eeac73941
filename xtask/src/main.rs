//! The tasks of this workspace. `cargo xtask --help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task prints its progress")]

mod api;
mod bench;
mod checks;
mod codegen;
mod compat;
mod dependencies;
mod dist;
mod examples;
mod generated;
mod package;
mod spec;
mod words;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::spec::SpecDir;

/// The tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Generate the models, endpoints, mocks, catalogs, limits and bundles from the descriptions in `spec/`.
    Codegen {
        /// Only print the differences; fail if there are any.
        #[arg(long)]
        check: bool,
    },
    /// Check, bundle and compare the descriptions.
    #[command(subcommand)]
    Spec(SpecTask),
    /// Run all checks: format, lints, generated code, descriptions, tests, documentation, other languages.
    Ci,
    /// Run the benchmarks of this project and its peers. Writes `target/bench/report.md` and `report.json`.
    Bench {
        /// Arguments of the benchmark program: `--only NAME`, `--quick`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run ten minutes of mixed load on the emulator and check its memory, its connections and its shutdown.
    Soak {
        /// Arguments of the soak test: `--minutes N`, `--connections N`, `--quick`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check the licenses, layers, duplicate versions, sources and known vulnerabilities of all dependencies, with
    /// `cargo-deny`.
    Deps {
        /// A clone of the advisory database, in place of the network.
        #[arg(long, value_name = "FOLDER")]
        advisories: Option<std::path::PathBuf>,
    },
    /// Check the public APIs: types of other crates, examples of all items, and changes since the last release that break callers.
    Api {
        /// Only check that each public item stands in an example.
        #[arg(long)]
        examples: bool,
    },
    /// Package each published crate from a clean clone, and build it from its package.
    Package {
        /// Only check the manifests and the lists of files.
        #[arg(long)]
        list: bool,
    },
    /// Build, install and try packages for PyPI, npm and Debian and an archive, for this machine's platform, in `target/dist`.
    Dist,
    /// Check every set of features, the oldest supported Rust and the lowest versions of dependencies.
    Compat,
    /// Check the first lines of files, the spelling, refused phrases, and the links of documents.
    Words,
}

#[derive(Subcommand)]
enum SpecTask {
    /// Check the descriptions against the rules that the code and the documentation rely on.
    Lint,
    /// Write each description as one self-contained JSON file into `spec/dist/`.
    Bundle {
        /// Only print the differences; fail if there are any.
        #[arg(long)]
        check: bool,
    },
    /// Print the changes since a git revision. Exits with 1 if a change breaks callers.
    Diff {
        /// A commit, tag or branch.
        revision: String,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let spec = SpecDir::new(workspace::top().join("spec"));
    match task {
        Task::Codegen { check } => {
            // The generators rely on the rules, and their own errors name no place in the description.
            lint(&spec)?;
            eprintln!("Generating {}", codegen::FOLDERS.join(", "));
            write_or_check(check, &codegen::FOLDERS, &codegen::generate(&spec)?, "cargo xtask codegen")?;
        }
        Task::Spec(SpecTask::Lint) => lint(&spec)?,
        Task::Spec(SpecTask::Bundle { check }) => {
            write_or_check(check, &["spec/dist"], &spec::bundle_all(&spec)?, "cargo xtask spec bundle")?;
        }
        Task::Spec(SpecTask::Diff { revision }) => {
            let (changes, breaks) = spec::diff(&spec, &revision)?;
            if changes.is_empty() {
                println!("No changes since {revision}.");
            } else {
                print!("{changes}");
                println!("{}", if breaks { "Something breaks callers." } else { "Nothing breaks callers." });
            }
            return Ok(ExitCode::from(u8::from(breaks)));
        }
        Task::Ci => return checks::run(),
        Task::Bench { arguments } => bench::run(&arguments)?,
        Task::Soak { arguments } => bench::soak(&arguments)?,
        Task::Deps { advisories } => dependencies::check(advisories.as_deref())?,
        Task::Package { list: true } => package::check_lists()?,
        Task::Package { list: false } => package::run()?,
        Task::Api { examples: true } => examples::check()?,
        Task::Api { examples: false } => return api::run(),
        Task::Dist => dist::run()?,
        Task::Compat => return compat::run(),
        Task::Words => words::check()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_or_check(check: bool, folders: &[&str], files: &[generated::GeneratedFile], command: &str) -> Result<()> {
    let top = workspace::top();
    if check {
        generated::check(&top, folders, files, command)?;
        eprintln!("{} generated files are up to date", files.len());
        return Ok(());
    }
    let changed = generated::write(&top, folders, files)?;
    for path in &changed {
        eprintln!("  {path}");
    }
    eprintln!("{} of {} generated files changed", changed.len(), files.len());
    Ok(())
}

fn lint(spec: &SpecDir) -> Result<()> {
    eprintln!("Checking the descriptions in {}", spec.path().display());
    let count = spec::lint_all(spec)?;
    eprintln!("{count} descriptions follow the rules");
    Ok(())
}
