//! The tasks of this workspace. `cargo xtask --help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task tells its user what it does")]

mod bench;
mod checks;
mod ci;
mod clone;
mod codegen;
mod compat;
mod deps;
mod generated;
mod package;
mod published;
mod spec;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

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
    /// Generate models, endpoints, mocks, catalogues, limits and bundles from the descriptions in `spec/`.
    Codegen {
        /// Write nothing: print what would change, and fail if anything would.
        #[arg(long)]
        check: bool,
    },
    /// Check, bundle and compare the descriptions.
    #[command(subcommand)]
    Spec(SpecTask),
    /// Everything that must pass: format, lints, generated code, description, tests, documentation, other languages.
    Ci,
    /// The benchmarks, side by side with the peers. Writes `target/bench/report.md` and `report.json`.
    Bench {
        /// What the benchmark program takes: `--only NAME`, `--quick`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Ten minutes of mixed load on the emulator, with faults and slow readers: memory, stuck connections, a clean end.
    Soak {
        /// What the program takes: `--minutes N`, `--connections N`, `--quick`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Licences, bans, duplicate versions and sources of all dependencies. Installs `cargo-deny` at first use.
    Deps,
    /// Package each published crate from a clean clone, and build it from its package.
    Package {
        /// Build nothing: check the manifests and the lists of files.
        #[arg(long)]
        list: bool,
    },
    /// What else the crates promise to build with: every set of features, the oldest Rust, the lowest versions.
    Compat,
}

#[derive(Subcommand)]
enum SpecTask {
    /// Check the descriptions against the rules that code and documentation rely on.
    Lint,
    /// Write each description as one self-contained JSON file under `spec/dist/`.
    Bundle {
        /// Write nothing: print what would change, and fail if anything would.
        #[arg(long)]
        check: bool,
    },
    /// Say what changed since a git revision. Exits with 1 if something breaks callers.
    Diff {
        /// A commit, tag or branch.
        revision: String,
    },
}

/// The top of the project.
pub(crate) fn top() -> PathBuf {
    // `cargo run` says where it runs; what was compiled in may be another clone that shared the target folder.
    let manifest_folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&manifest_folder).parent().map(Path::to_path_buf).unwrap_or_default()
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
    let spec = SpecDir::new(top().join("spec"));
    match task {
        Task::Codegen { check } => {
            write_or_check(check, &codegen::FOLDERS, &codegen::generate(&spec)?, "cargo xtask codegen")?;
        }
        Task::Spec(SpecTask::Lint) => spec::lint_all(&spec)?,
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
        Task::Ci => return ci::run(),
        Task::Bench { arguments } => bench::run(&arguments)?,
        Task::Soak { arguments } => bench::soak(&arguments)?,
        Task::Deps => deps::run()?,
        Task::Package { list: true } => package::check_lists()?,
        Task::Package { list: false } => package::run()?,
        Task::Compat => return compat::run(),
    }
    Ok(ExitCode::SUCCESS)
}

fn write_or_check(check: bool, folders: &[&str], files: &[generated::GeneratedFile], mending: &str) -> Result<()> {
    if check { generated::check(&top(), folders, files, mending) } else { generated::write(&top(), folders, files) }
}
