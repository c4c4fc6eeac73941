//! How fast the emulator answers, at two sizes, beside Prism on the same description.

use std::time::Duration;

use anyhow::{Context, Result};
use http::Method;
use serde_json::json;
use umapi::Client;

use crate::{
    Run,
    emulator::Emulator,
    load::{self, Shot},
    peers::Prism,
    report::{Table, median, spread},
    usage::Usage,
};

/// Connections that ask at the same time.
const CONNECTIONS: usize = 8;
const ROUNDS: usize = 3;

/// A server, and what is asked of it.
struct Target {
    name: String,
    started_in: Duration,
    pid: u32,
    shots: Vec<(&'static str, Shot)>,
    /// Requests per second, by shot and round.
    rates: Vec<Vec<f64>>,
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
                rates.push(load::run(shot, CONNECTIONS, time).await?.per_second);
            }
        }
    }
    Ok(vec![rates(&targets), processes(&targets)])
}

fn rates(targets: &[Target]) -> Table {
    let how = format!(
        "Requests per second over {CONNECTIONS} connections, without TLS; server and load share the machine. Median of \
         {ROUNDS} rounds (least to greatest), all servers in turn. An action is 10 commands, each adding a user to a group \
         and taking the user out again."
    );
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let columns: Vec<&str> =
        std::iter::once("request").chain(names).chain(["large ÷ small", "small ÷ Prism"]).collect();
    let mut table = Table::new("Serving", how, &columns);
    for (number, (name, _)) in targets[0].shots.iter().enumerate() {
        let rates: Vec<&Vec<f64>> = targets.iter().map(|target| &target.rates[number]).collect();
        let ratio = |a: usize, b: usize| match (rates.get(a), rates.get(b)) {
            (Some(a), Some(b)) => format!("{:.2}", median(a) / median(b)),
            _ => "–".to_owned(),
        };
        let cells = std::iter::once((*name).to_owned()).chain(rates.iter().map(|rates| spread(rates, 0)));
        table.row(cells.chain([ratio(1, 0), ratio(0, 2)]));
    }
    table
}

fn processes(targets: &[Target]) -> Table {
    let how = "From starting the process to its readiness, seeding included; peak memory after the load.";
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
    let (emails, group) = some_users_and_a_group(&address.client()?).await?;
    let organization = &address.organization;
    let last = (users - 1) / 2_000;
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
    let rates = vec![Vec::new(); shots.len()];
    let name = format!("emulator, {users} users");
    Ok(Target { name, started_in: emulator.started_in, pid: emulator.pid(), shots, rates })
}

/// The same requests to Prism, which answers each from the examples of the description: its pages have a few users.
fn target_of_prism(prism: &Prism, like: &Target) -> Target {
    let of_prism = |shot: &Shot| Shot {
        address: prism.address.clone(),
        path: shot.path.trim_start_matches("/v2/usermanagement").to_owned(),
        ..shot.clone()
    };
    let shots: Vec<_> = like.shots.iter().map(|(name, shot)| (*name, of_prism(shot))).collect();
    let rates = vec![Vec::new(); shots.len()];
    Target { name: "Prism (Node)".to_owned(), started_in: prism.started_in, pid: prism.pid(), shots, rates }
}

async fn some_users_and_a_group(client: &Client) -> Result<(Vec<String>, String)> {
    let page: Vec<_> = {
        let mut list = client.users().list();
        let mut users = Vec::new();
        while let Some(user) = list.try_next().await? {
            users.extend(user.email.filter(|email| email.is_ascii()));
            if users.len() >= 10 {
                break;
            }
        }
        users
    };
    client.execute([umapi::Command::group("Bench").create_user_group()]).await?;
    Ok((page, "Bench".to_owned()))
}
