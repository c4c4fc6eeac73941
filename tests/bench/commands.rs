//! Benchmark of many commands from a stream: the cost of batching and accounting.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use umapi::{Command, NewUser, Outcome};
use umapi_time::Clock;

use crate::{
    Run,
    emulator::{Address, Emulator},
    machine::Usage,
    peers::Figures,
    report::{Table, median, spread},
    streaming::subcommand,
};

/// Sends the given number of commands, each of which creates a user.
pub(crate) async fn send(address: &Address, commands: usize) -> Result<()> {
    let client = address.client()?;
    let stream =
        futures_util::stream::iter((0..commands).map(|number| {
            Command::create_user(NewUser::adobe_id(format!("p{number}@bench.example")).ignore_if_exists())
        }));
    let clock = Clock::real();
    let begun = clock.now();
    let mut outcomes = client.execute_stream(stream);
    let mut completed = 0;
    while let Some(outcome) = outcomes.next().await {
        completed += usize::from(matches!(outcome.outcome(), Outcome::Completed));
    }
    let seconds = (clock.now() - begun).as_secs_f64();
    let used = Usage::now();
    println!(
        "{}",
        json!({"completed": completed, "requests": outcomes.requests(), "seconds": seconds,
               "cpu_seconds": used.cpu_seconds, "peak_mib": used.peak_mib})
    );
    Ok(())
}

pub(crate) fn measure(run: &Run) -> Result<Table> {
    let sizes: &[usize] = if run.quick { &[100, 1_000] } else { &[10_000, 100_000] };
    let how = "Commands from a stream, each of which creates a user, sent in batches over HTTP to an emulator without rate \
               limits. Three processes per row. CPU and memory are those of the sending process only.";
    let columns = ["commands", "requests", "CPU µs per command", "wall seconds", "peak MiB"];
    let mut table = Table::new("Sending commands", how, &columns);
    let own = std::env::current_exe().context("the path of this program")?;
    for &commands in sizes {
        let mut figures = Vec::new();
        for _ in 0..3 {
            let emulator = Emulator::start(&run.emulator, 100, 10)?;
            let mut process = subcommand(&own, "send-commands", &emulator.address);
            figures.push(Figures::of(process.args(["--commands", &commands.to_string()]))?);
        }
        ensure!(figures.iter().all(|one| one.completed == commands), "every command is completed: {figures:?}");
        let column = |of: fn(&Figures) -> f64| figures.iter().map(of).collect::<Vec<_>>();
        let cpu: Vec<f64> = figures.iter().map(|one| one.cpu_seconds * 1e6 / commands as f64).collect();
        table.row([
            commands.to_string(),
            format!("{:.0}", median(&column(|one| one.requests as f64))),
            spread(&cpu, 1),
            spread(&column(|one| one.seconds), 2),
            spread(&column(|one| one.peak_mib), 0),
        ]);
    }
    Ok(table)
}
