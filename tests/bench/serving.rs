//! Benchmark of the emulator's response times, at two sizes, compared with Prism and the same description.

use std::time::Duration;

use anyhow::{Context, Result};
use http::Method;
use serde_json::json;
use umapi::Client;

use crate::{
    Run,
    chart::Chart,
    emulator::Emulator,
    load::{self, Shot},
    machine::Usage,
    peers::Prism,
    report::{Table, median, spread},
};

/// Concurrent connections.
const CONNECTIONS: usize = 8;
const ROUNDS: usize = 3;

/// A server and its requests.
struct Target {
    name: String,
    is_own: bool,
    started_in: Duration,
    pid: u32,
    shots: Vec<(&'static str, Shot)>,
    /// Results by request and round.
    rates: Vec<Vec<Rate>>,
}

/// The result of a request in a round.
struct Rate {
    per_second: f64,
    /// CPU time of the server's process per request.
    cpu_us: f64,
    body_bytes: f64,
}

pub(crate) async fn measure(run: &Run) -> Result<Vec<Table>> {
    let sizes: &[usize] = if run.quick { &[100, 5_000] } else { &[1_000, 1_000_000] };
    let time = Duration::from_millis(if run.quick { 100 } else { 4_000 });
    let mut emulators = Vec::new();
    let mut targets = Vec::new();
    for &users in sizes {
        let emulator = Emulator::start(&run.emulator, users, 200)?;
        targets.push(target_of(&emulator, users).await?);
        emulators.push(emulator);
    }
    let prism = match &run.peers.prism {
        Some(program) => Some(Prism::start(program).await?),
        None => None,
    };
    targets.extend(prism.as_ref().map(|prism| target_of_prism(prism, &targets[0])));
    for _ in 0..ROUNDS {
        for target in &mut targets {
            for ((_, shot), rates) in target.shots.iter().zip(&mut target.rates) {
                // Every server is slower in the first seconds after an idle period.
                load::run(shot, CONNECTIONS, time / 2).await?;
                let before = Usage::of(target.pid).cpu_seconds;
                let load = load::run(shot, CONNECTIONS, time).await?;
                let cpu_us = (Usage::of(target.pid).cpu_seconds - before) * 1e6 / load.requests as f64;
                rates.push(Rate { per_second: load.per_second, cpu_us, body_bytes: load.body_bytes as f64 });
            }
        }
    }
    Ok(vec![rates(&targets), costs(&targets), processes(&targets)])
}

fn column(rates: &[Rate], of: fn(&Rate) -> f64) -> Vec<f64> {
    rates.iter().map(of).collect()
}

fn rates(targets: &[Target]) -> Table {
    let how = format!(
        "Requests per second over {CONNECTIONS} connections, without TLS. Server and load share the machine. Median of \
         {ROUNDS} rounds (minimum to maximum), all servers in turn, each warmed up for half of a round before. An \
         action has 10 commands, each of which adds a user to a group and removes the user again. Prism returns the examples of the description, whose pages have few users."
    );
    let mut columns = vec!["request"];
    columns.extend(targets.iter().map(|target| target.name.as_str()));
    columns.push("small ÷ Prism");
    let mut table = Table::new("Serving", how, &columns);
    for (number, (name, _)) in targets[0].shots.iter().enumerate() {
        let rates: Vec<_> =
            targets.iter().map(|target| column(&target.rates[number], |rate| rate.per_second)).collect();
        let prism =
            rates.get(2).map_or_else(|| "–".to_owned(), |prism| format!("{:.1}", median(&rates[0]) / median(prism)));
        table.row([(*name).to_owned()].into_iter().chain(rates.iter().map(|rates| spread(rates, 0))).chain([prism]));
    }
    let chart = Chart::new("serving", "A single user: requests per second, over 8 connections");
    table.chart(targets.iter().fold(chart, |chart, target| {
        let rate = median(&column(&target.rates[0], |rate| rate.per_second));
        if target.is_own { chart.own(&target.name, rate) } else { chart.other(&target.name, rate) }
    }));
    table
}

fn costs(targets: &[Target]) -> Table {
    let how = "CPU of the server's process in microseconds per request, under the same load. A page of the small organization \
               has fewer users, so the ratios of pages are per byte of the response.";
    let mut columns = vec!["request"];
    columns.extend(targets.iter().map(|target| target.name.as_str()));
    columns.extend(["large ÷ small", "Prism ÷ small"]);
    let mut table = Table::new("Cost of serving", how, &columns);
    for (number, (name, _)) in targets[0].shots.iter().enumerate() {
        let of = |target: &Target| {
            let rates = &target.rates[number];
            (median(&column(rates, |rate| rate.cpu_us)), median(&column(rates, |rate| rate.body_bytes)))
        };
        let costs: Vec<(f64, f64)> = targets.iter().map(of).collect();
        let ((small, small_bytes), (large, large_bytes)) = (costs[0], costs[1]);
        let by_size = if name.contains("page") { small_bytes / large_bytes } else { 1.0 };
        let prism = costs.get(2).map_or_else(|| "–".to_owned(), |(prism, _)| format!("{:.1}", prism / small));
        let shown = targets.iter().map(|target| spread(&column(&target.rates[number], |rate| rate.cpu_us), 0));
        let ratio = format!("{:.2}", large / small * by_size);
        table.row([(*name).to_owned()].into_iter().chain(shown).chain([ratio, prism]));
    }
    table
}

fn processes(targets: &[Target]) -> Table {
    let how = "Time from starting the process to its ready line, including seeding; peak memory after the load.";
    let mut table = Table::new("Starting, and memory", how, &["server", "seconds to ready", "peak MiB"]);
    for target in targets {
        let peak = Usage::of(target.pid).peak_mib;
        table.row([target.name.clone(), format!("{:.3}", target.started_in.as_secs_f64()), format!("{peak:.0}")]);
    }
    table
}

async fn target_of(emulator: &Emulator, users: usize) -> Result<Target> {
    let address = &emulator.address;
    let token = address.token().await?;
    let url = url::Url::parse(&address.um_url)?;
    let host = format!("{}:{}", url.host_str().context("a host")?, url.port().context("a port")?);
    let headers = vec![
        ("authorization".to_owned(), format!("Bearer {token}")),
        ("x-api-key".to_owned(), address.client_id.clone()),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let shot = |method: Method, path: String, body: Vec<u8>| Shot {
        address: host.clone(),
        method,
        path: format!("{}{path}", url.path()),
        headers: headers.clone(),
        body: body.into(),
    };
    let Sample { emails, group, last } = sample(&address.client()?).await?;
    let organization = &address.organization;
    let page = |number: usize| shot(Method::GET, format!("/users/{organization}/{number}"), Vec::new());
    let commands: Vec<_> = emails
        .iter()
        .take(10)
        .map(|user| json!({"user": user, "do": [{"add": {"group": [&group]}}, {"remove": {"group": [&group]}}]}))
        .collect();
    let shots = vec![
        ("a single user", shot(Method::GET, format!("/organizations/{organization}/users/{}", emails[0]), Vec::new())),
        ("the first page of users", page(0)),
        ("the page in the middle", page(last / 2)),
        ("the page before the last", page(last.saturating_sub(1))),
        (
            "an action of 10 commands",
            shot(Method::POST, format!("/action/{organization}"), serde_json::to_vec(&commands)?),
        ),
    ];
    let rates = shots.iter().map(|_| Vec::new()).collect();
    let name = format!("emulator, {users} users");
    Ok(Target { name, is_own: true, started_in: emulator.started_in, pid: emulator.pid(), shots, rates })
}

/// The same requests for Prism, which returns the examples of the description. Its pages have few users.
fn target_of_prism(prism: &Prism, like: &Target) -> Target {
    let of_prism = |shot: &Shot| Shot {
        address: prism.address.clone(),
        path: shot.path.trim_start_matches("/v2/usermanagement").to_owned(),
        ..shot.clone()
    };
    let shots: Vec<_> = like.shots.iter().map(|(name, shot)| (*name, of_prism(shot))).collect();
    let rates = shots.iter().map(|_| Vec::new()).collect();
    Target {
        name: "Prism (Node)".to_owned(),
        is_own: false,
        started_in: prism.started_in,
        pid: prism.pid(),
        shots,
        rates,
    }
}

/// The organization of the requests.
struct Sample {
    emails: Vec<String>,
    group: String,
    /// The index of the last page of users.
    last: usize,
}

async fn sample(client: &Client) -> Result<Sample> {
    let mut pages = client.users().list().by_page();
    let first = pages.try_next().await?.context("the first page of users is readable")?;
    let last = first.page_count.map_or(0, |count| usize::try_from(count).unwrap_or(0).saturating_sub(1));
    let emails = first.items.into_iter().filter_map(|user| user.email).filter(|email| email.is_ascii()).take(10);
    client.execute([umapi::Command::from(umapi::NewGroup::new("Bench"))]).await?;
    Ok(Sample { emails: emails.collect(), group: "Bench".to_owned(), last })
}
