//! Benchmark of the number of requests per job, which determines the duration of a job: ten requests per minute.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use umapi::{Command, NewGroup, NewUser};

use crate::{
    Run,
    chart::{Chart, grouped},
    emulator::Emulator,
    peers,
    report::Table,
};

/// A user and the groups to add the user to.
struct Wanted {
    user: String,
    is_new: bool,
    groups: Vec<String>,
}

/// A job: its name, and the desired memberships and users of an organization.
struct Job {
    title: &'static str,
    /// The name in a chart.
    short: &'static str,
    wanted: fn(&[String], &[String]) -> Vec<Wanted>,
    /// The minimum number of requests, by the memberships and by the users to create.
    lower_bound: fn(&[Wanted]) -> usize,
}

const JOBS: [Job; 3] = [
    Job {
        title: "existing users into one group",
        short: "into one group",
        wanted: |users, groups| existing(users, |_| vec![groups[0].clone()]),
        lower_bound: by_memberships,
    },
    Job {
        title: "existing users spread over 20 groups, 3 memberships each",
        short: "into 3 of 20 groups",
        wanted: |users, groups| existing(users, |number| three(groups, number)),
        lower_bound: by_memberships,
    },
    Job {
        title: "new users with 3 memberships each",
        short: "new, into 3 groups",
        wanted: |users, groups| {
            let new = |number| Wanted {
                user: format!("new{number}@bench.example"),
                is_new: true,
                groups: three(groups, number),
            };
            (0..users.len()).map(new).collect()
        },
        lower_bound: |wanted| wanted.len().div_ceil(10),
    },
];

fn existing(users: &[String], groups: impl Fn(usize) -> Vec<String>) -> Vec<Wanted> {
    let wanted =
        |(number, user): (usize, &String)| Wanted { user: user.clone(), is_new: false, groups: groups(number) };
    users.iter().enumerate().map(wanted).collect()
}

fn three(groups: &[String], number: usize) -> Vec<String> {
    [0, 7, 13].iter().map(|step| groups[(number + step) % groups.len()].clone()).collect()
}

/// A request has 10 commands of 10 steps of 10 names.
fn by_memberships(wanted: &[Wanted]) -> usize {
    wanted.iter().map(|one| one.groups.len()).sum::<usize>().div_ceil(1_000)
}

pub(crate) async fn measure(run: &Run) -> Result<Table> {
    let users = if run.quick { 200 } else { 10_000 };
    let how = format!(
        "{users} users. Number of sent requests. Each job and client uses an emulator of its own without rate limits. \
         umapi-client (Python) sends one action per user, like user-sync, and one action per group where that is \
         possible. The documented limit is ten requests per minute."
    );
    let columns = [
        "job",
        "client",
        "umapi-client per user",
        "umapi-client per group",
        "lower bound",
        "minutes: client",
        "minutes: per user",
    ];
    let mut table = Table::new("Requests per job", how, &columns);
    let title = format!("Requests for {} users", grouped(users));
    let mut chart = Chart::new("requests", title);
    for job in &JOBS {
        let (client, lower) = with_client(run, job, users).await?;
        let per_user = with_python(run, job, users, "user").await?;
        let per_group = if job.title.starts_with("new") { None } else { with_python(run, job, users, "group").await? };
        chart = chart.own(format!("{}: umapi", job.short), client as f64);
        if let Some(per_user) = per_user {
            chart = chart.other(format!("{}: one action per user", job.short), per_user as f64);
        }
        let shown = |requests: Option<usize>| requests.map_or_else(|| "–".to_owned(), |requests| requests.to_string());
        let minutes = |requests: Option<usize>| shown(requests.map(|requests| requests.div_ceil(10)));
        table.row([
            job.title.to_owned(),
            client.to_string(),
            shown(per_user),
            shown(per_group),
            lower.to_string(),
            minutes(Some(client)),
            minutes(per_user),
        ]);
    }
    table.chart(chart);
    Ok(table)
}

/// An organization with enough users for the job, and 20 new groups without members.
async fn organization(run: &Run, users: usize) -> Result<(Emulator, Vec<String>, Vec<String>)> {
    // Some additional users, because some generated users have addresses that cannot be listed.
    let emulator = Emulator::start(&run.emulator, users + users / 5 + 50, 10)?;
    let client = emulator.address.client()?;
    let groups: Vec<String> = (1..=20).map(|number| format!("Bench {number}")).collect();
    let report = client.execute(groups.iter().map(|group| Command::create_group(NewGroup::new(group)))).await?;
    ensure!(report.rejected().next().is_none(), "the groups can be created");
    let mut list = client.users().list();
    let mut by_address = BTreeMap::new();
    while let Some(user) = list.try_next().await? {
        let Some(email) = user.email else { continue };
        // If two accounts share an address, a command refers to one of them. Such users are omitted.
        *by_address.entry(email).or_insert(0) += 1;
    }
    let emails: Vec<String> =
        by_address.into_iter().filter(|(_, accounts)| *accounts == 1).map(|(email, _)| email).take(users).collect();
    ensure!(emails.len() == users, "the organization has {users} users with unique addresses");
    Ok((emulator, emails, groups))
}

async fn with_client(run: &Run, job: &Job, users: usize) -> Result<(usize, usize)> {
    let (emulator, users, groups) = organization(run, users).await?;
    let wanted = (job.wanted)(&users, &groups);
    let lower = (job.lower_bound)(&wanted);
    let client = emulator.address.client()?;
    let requests = if wanted.iter().any(|one| one.is_new) {
        let commands = wanted.iter().map(|one| {
            Command::create_user(NewUser::adobe_id(&one.user).names("First", "Last")).add_to(one.groups.iter())
        });
        let report = client.execute(commands).await?;
        ensure!(report.completed().count() == wanted.len(), "every membership is completed: {report}");
        report.requests()
    } else {
        let mut memberships = client.memberships();
        for one in &wanted {
            for group in &one.groups {
                memberships = memberships.add(one.user.as_str(), group.as_str());
            }
        }
        let report = memberships.plan().await?.await?;
        ensure!(report.completed().count() == wanted.iter().map(|one| one.groups.len()).sum::<usize>(), "{report}");
        report.requests()
    };
    Ok((usize::try_from(requests)?, lower))
}

async fn with_python(run: &Run, job: &Job, users: usize, per: &str) -> Result<Option<usize>> {
    let Some(python) = &run.peers.python else { return Ok(None) };
    let (emulator, users, groups) = organization(run, users).await?;
    let mut input = Vec::new();
    for one in (job.wanted)(&users, &groups) {
        serde_json::to_writer(&mut input, &json!({"user": one.user, "create": one.is_new, "groups": one.groups}))?;
        input.push(b'\n');
    }
    let mut command = peers::python(python, "send_memberships.py", &emulator, &["--per", per]);
    let figures = peers::with_input(&mut command, &run.folder, &input).context(job.title)?;
    ensure!(figures.completed > 0, "umapi-client completed nothing");
    Ok(Some(figures.requests))
}
