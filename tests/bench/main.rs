//! The benchmark program. `cargo xtask bench` builds it, installs the peers, and runs it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark tells its user what it measured")]
#![allow(clippy::cast_precision_loss, reason = "figures are rounded for people")]

mod chart;
mod commands;
mod directory;
mod emulator;
mod load;
mod login;
mod machine;
mod pace;
mod peers;
mod permits;
mod report;
mod requests;
mod serving;
mod soak;
mod streaming;
mod sync;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{emulator::Address, peers::Peers, report::Report};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all benchmarks, or the named ones, and write the report.
    All(Run),
    /// Run a mixed load on the emulator for some minutes, with faults and slow readers. Fails if memory grows, if a
    /// connection is stuck, or if the emulator does not shut down.
    Soak(soak::Soak),
    /// Read all users with the client and print the cost: one process of a benchmark.
    StreamClient(Address),
    /// Read all users with a bare loop and print the cost: one process of a benchmark.
    StreamBare(Address),
    /// Receive all users, keep nothing, and print the cost: one process of a benchmark.
    StreamAndForget(Address),
    /// Send commands from a stream and print the cost: one process of a benchmark.
    SendCommands {
        #[command(flatten)]
        address: Address,
        #[arg(long)]
        commands: usize,
    },
    /// Plan a sync and print the cost: one process of a benchmark.
    PlanSync {
        #[arg(long)]
        people: usize,
        /// Know from an earlier run which user is which person.
        #[arg(long)]
        later: bool,
    },
    /// Read an LDAP directory and print the cost: one process of a benchmark.
    ReadDirectory { url: String },
}

#[derive(Args)]
pub(crate) struct Run {
    /// The folder of the report.
    #[arg(long)]
    folder: PathBuf,
    /// The emulator program.
    #[arg(long)]
    emulator: PathBuf,
    #[command(flatten)]
    peers: Peers,
    /// Run only these benchmarks.
    #[arg(long, value_enum)]
    only: Vec<Benchmark>,
    /// Use small numbers to check that everything works. The figures have no meaning.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    Login,
    Serving,
    Requests,
    Streaming,
    Pace,
    Permits,
    Commands,
    Directory,
    Sync,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::All(run) => all(&run).await,
        Task::Soak(soak) => soak.run().await,
        Task::StreamClient(address) => streaming::with_client(&address).await,
        Task::StreamBare(address) => streaming::with_bare_loop(&address).await,
        Task::StreamAndForget(address) => streaming::and_forget(&address).await,
        Task::SendCommands { address, commands } => commands::send(&address, commands).await,
        Task::PlanSync { people, later } => sync::plan(people, later),
        Task::ReadDirectory { url } => directory::read(&url).await,
    }
}

async fn all(run: &Run) -> Result<()> {
    std::fs::create_dir_all(&run.folder)?;
    let mut report = Report::new();
    for benchmark in Benchmark::value_variants() {
        if run.only.is_empty() || run.only.contains(benchmark) {
            match benchmark {
                Benchmark::Login => report.add(login::measure(run).await?),
                Benchmark::Serving => serving::measure(run).await?.into_iter().for_each(|table| report.add(table)),
                Benchmark::Requests => report.add(requests::measure(run).await?),
                Benchmark::Streaming => report.add(streaming::measure(run)?),
                // It has a runtime of its own, whose thread the virtual clock shares.
                Benchmark::Pace => report.add(tokio::task::block_in_place(|| pace::measure(run))?),
                Benchmark::Permits => report.add(permits::measure(run).await?),
                Benchmark::Commands => report.add(commands::measure(run)?),
                Benchmark::Directory => directory::measure(run).await?.into_iter().for_each(|table| report.add(table)),
                Benchmark::Sync => report.add(sync::measure(run)?),
            }
        }
    }
    report.write(&run.folder)?;
    println!("{}", report.to_markdown());
    println!("Written to {}", run.folder.join("report.md").display());
    Ok(())
}
