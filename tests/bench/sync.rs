//! Benchmark of the plan of `umapi sync`: a directory against an organization of the same size.

mod both_sides;

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use umapi_time::Clock;

use crate::{
    Run,
    machine::Usage,
    peers::Figures,
    report::{Table, median, spread},
};

/// Plans once and prints the cost.
pub(crate) fn plan(people: usize, later: bool) -> Result<()> {
    let clock = Clock::real();
    let begun = clock.now();
    let changes = both_sides::plan(people, later)?;
    let seconds = (clock.now() - begun).as_secs_f64();
    let used = Usage::now();
    println!(
        "{}",
        json!({"users": people, "completed": changes, "seconds": seconds, "cpu_seconds": used.cpu_seconds,
               "peak_mib": used.peak_mib})
    );
    Ok(())
}

pub(crate) fn measure(run: &Run) -> Result<Table> {
    let sizes: &[usize] = if run.quick { &[1_000, 5_000] } else { &[100_000, 1_000_000] };
    let how = "People of a directory, each in two of 20 groups, against as many users of an organization. One in a hundred \
               moved to other groups. Mapping, matching, comparison and guards, without reading over a network; everything \
               is in memory. A later run also knows which user each person was. Three processes per row. user-sync, for \
               100,000 people, needed 6.5 s and 484 MB.";
    let columns = ["people", "run", "changes", "CPU seconds", "wall seconds", "peak MiB"];
    let mut table = Table::new("Planning a sync", how, &columns);
    let own = std::env::current_exe().context("the path of this program")?;
    for &people in sizes {
        for (name, arguments) in [("first", &[][..]), ("later", &["--later"][..])] {
            let mut figures = Vec::new();
            for _ in 0..3 {
                let mut process = Command::new(&own);
                process.args(["plan-sync", "--people", &people.to_string()]).args(arguments);
                figures.push(Figures::of(&mut process)?);
            }
            // A person who moved leaves two groups and joins two.
            let expected = people / 100 * 4;
            ensure!(figures.iter().all(|one| one.completed == expected), "{expected} changes: {figures:?}");
            let column = |of: fn(&Figures) -> f64| figures.iter().map(of).collect::<Vec<_>>();
            table.row([
                people.to_string(),
                name.to_owned(),
                format!("{:.0}", median(&column(|one| one.completed as f64))),
                spread(&column(|one| one.cpu_seconds), 2),
                spread(&column(|one| one.seconds), 2),
                spread(&column(|one| one.peak_mib), 0),
            ]);
        }
    }
    Ok(table)
}
