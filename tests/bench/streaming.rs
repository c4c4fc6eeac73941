//! Benchmark of reading all users of a large organization: the client, a bare loop with the same types, and PyPI's
//! `umapi-client`.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use umapi::{model::UserPage, raw::reqwest};
use umapi_time::Clock;

use crate::{
    Run,
    chart::{Chart, grouped},
    emulator::{Address, Emulator},
    machine::Usage,
    peers::{self, Figures},
    report::{Table, median, spread},
};

/// The readers: this project's client, and those it is compared with.
const CLIENT: &str = "client";
const BARE_LOOP: &str = "bare loop";
const KEEPS_NOTHING: &str = "keeps nothing";
const PYTHON: &str = "umapi-client (Python)";

/// The client in its usual form.
pub(crate) async fn with_client(address: &Address) -> Result<()> {
    let client = address.client()?;
    let clock = Clock::real();
    let begun = clock.now();
    let mut list = client.users().list();
    let mut users = 0;
    while let Some(user) = list.try_next().await? {
        users += usize::from(user.email.is_some());
    }
    print_figures(users, (clock.now() - begun).as_secs_f64());
    Ok(())
}

/// The minimum with the same result: a request, its bytes, `serde_json`, page after page.
pub(crate) async fn with_bare_loop(address: &Address) -> Result<()> {
    each_page(address, |body| {
        let page: UserPage = serde_json::from_slice(body)?;
        let users = page.users.iter().filter(|user| user.email.is_some()).count();
        Ok((users, page.last_page))
    })
    .await
}

/// The minimum for any reader: receives the bytes and walks over their JSON, counts the users and keeps nothing.
pub(crate) async fn and_forget(address: &Address) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Walked {
        last_page: bool,
        users: Vec<IgnoredAny>,
    }
    each_page(address, |body| {
        let page: Walked = serde_json::from_slice(body)?;
        Ok((page.users.len(), page.last_page))
    })
    .await
}

/// Requests page after page. `read` returns the number of users on a page, and whether it is the last one.
async fn each_page(address: &Address, read: impl Fn(&[u8]) -> Result<(usize, bool)>) -> Result<()> {
    let http = reqwest::Client::new();
    let token = address.token().await?;
    let clock = Clock::real();
    let begun = clock.now();
    let mut users = 0;
    for page in 0.. {
        let url = format!("{}/users/{}/{page}", address.um_url, address.organization);
        let request = http.get(url).bearer_auth(&token).header("x-api-key", &address.client_id);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        let (found, is_last) = read(&body)?;
        users += found;
        if is_last {
            break;
        }
    }
    print_figures(users, (clock.now() - begun).as_secs_f64());
    Ok(())
}

fn print_figures(users: usize, seconds: f64) {
    let used = Usage::now();
    println!(
        "{}",
        json!({"users": users, "seconds": seconds, "cpu_seconds": used.cpu_seconds, "peak_mib": used.peak_mib})
    );
}

pub(crate) fn measure(run: &Run) -> Result<Table> {
    let sizes: &[usize] = if run.quick { &[1_000, 5_000] } else { &[100_000, 1_000_000] };
    let how = "All users, in pages of 2,000, from one emulator without rate limits. Three processes per row, in turn. \
               \"Keeps nothing\" receives the pages and walks over their JSON. CPU and memory are those of the reading \
               process only, including its start."
        .to_owned();
    let columns = ["users", "reader", "CPU seconds", "wall seconds", "peak MiB", "CPU ÷ bare loop", "wall ÷ client"];
    let mut table = Table::new("Reading all users", how, &columns);
    for &size in sizes {
        rows_of_size(run, size, sizes.last() == Some(&size), &mut table)?;
    }
    Ok(table)
}

/// The largest size also gets a chart.
fn rows_of_size(run: &Run, size: usize, is_last: bool, table: &mut Table) -> Result<()> {
    let emulator = Emulator::start(&run.emulator, size, 200)?;
    let own = std::env::current_exe().context("the path of this program")?;
    let readers = [CLIENT, BARE_LOOP, KEEPS_NOTHING].into_iter().chain(run.peers.python.is_some().then_some(PYTHON));
    let mut readers: Vec<(&str, Vec<Figures>)> = readers.map(|reader| (reader, Vec::new())).collect();
    for _ in 0..3 {
        for (reader, figures) in &mut readers {
            let mut command = match (*reader, &run.peers.python) {
                (CLIENT, _) => subcommand(&own, "stream-client", &emulator.address),
                (BARE_LOOP, _) => subcommand(&own, "stream-bare", &emulator.address),
                (KEEPS_NOTHING, _) => subcommand(&own, "stream-and-forget", &emulator.address),
                (_, Some(python)) => peers::python(python, "stream_users.py", &emulator, &[]),
                (_, None) => continue,
            };
            figures.push(Figures::of(&mut command)?);
        }
    }
    let column = |figures: &[Figures], of: fn(&Figures) -> f64| figures.iter().map(of).collect::<Vec<_>>();
    let bare_cpu = median(&column(&readers[1].1, |figures| figures.cpu_seconds));
    let client_wall = median(&column(&readers[0].1, |figures| figures.seconds));
    let read: Vec<usize> = readers.iter().map(|(_, figures)| figures[0].users).collect();
    ensure!(read.iter().all(|&users| users == read[0] && users > 0), "all read the same users: {read:?}");
    for (reader, figures) in &readers {
        let (cpu, wall) = (column(figures, |f| f.cpu_seconds), column(figures, |f| f.seconds));
        table.row([
            figures[0].users.to_string(),
            (*reader).to_owned(),
            spread(&cpu, 2),
            spread(&wall, 2),
            spread(&column(figures, |f| f.peak_mib), 0),
            format!("{:.2}", median(&cpu) / bare_cpu),
            format!("{:.2}", median(&wall) / client_wall),
        ]);
    }
    if is_last {
        let chart = |name, what: &str, of: fn(&Figures) -> f64| {
            let chart = Chart::new(name, format!("Reading {} users: {what}", grouped(read[0])));
            readers.iter().fold(chart, |chart, (reader, figures)| {
                let value = median(&column(figures, of));
                if *reader == CLIENT { chart.own("umapi", value) } else { chart.other(*reader, value) }
            })
        };
        table.chart(chart("reading-cpu", "seconds of CPU", |f| f.cpu_seconds));
        table.chart(chart("reading-memory", "peak memory in MiB", |f| f.peak_mib));
    }
    Ok(())
}

/// This program as a measured process.
pub(crate) fn subcommand(own: &std::path::Path, name: &str, address: &Address) -> Command {
    let mut command = Command::new(own);
    command.arg(name).args(address.arguments());
    command
}
