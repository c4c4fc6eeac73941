//! A thousand tasks that share one client. Each gets its own response, and together they respect the rate limits.

use std::{collections::BTreeSet, time::Duration};

use tokio::task::JoinSet;
use umapi::{Client, Command};
use umapi_emulator::{Emulator, LimitSettings, seed::Seed};
use umapi_time::ManualClock;

use crate::faults::client;

const READERS: usize = 700;
const LISTERS: usize = 100;
const WRITERS: usize = 200;
/// Documented calls per minute: user calls and action requests.
const READS: usize = 25;
const ACTIONS: usize = 10;

fn user(number: usize) -> String {
    format!("u{number}@staff.example")
}

/// One user for each reader, in one of ten groups.
fn seed() -> Seed {
    let users: String = (0..READERS)
        .map(|number| {
            format!(
                "      - {{ type: federatedID, email: {}, country: US, groups: [Team {}] }}\n",
                user(number),
                number % 10
            )
        })
        .collect();
    let groups: String = (0..10).map(|number| format!("{{ name: Team {number} }}, ")).collect();
    let seed = format!(
        "organizations:\n  - id: 12345@AdobeOrg\n    directories: [{{ name: Staff, type: federated, domains: [staff.example] }}]\n    \
         userGroups: [{groups}{{ name: Everybody }}]\n    users:\n{users}"
    );
    Seed::from_yaml(&seed).unwrap()
}

async fn read(client: Client, number: usize) {
    let found = client.users().get(&user(number)).await.unwrap().expect("the user exists");
    assert_eq!(found.email, Some(user(number)));
    // A task that writes may have added the user to the other group before.
    let groups: Vec<String> = found.groups.into_iter().flatten().filter(|group| group != "Everybody").collect();
    assert_eq!(groups, [format!("Team {}", number % 10)]);
}

async fn list(client: Client, number: usize) {
    let members = client.users().in_group(format!("Team {}", number % 10)).list().try_collect().await.unwrap();
    let found: BTreeSet<String> = members.into_iter().filter_map(|user| user.email).collect();
    assert_eq!(found, (0..READERS).filter(|user| user % 10 == number % 10).map(user).collect());
}

async fn write(client: Client, number: usize) {
    let report = client.execute([Command::user(user(number)).add_to(["Everybody"])]).await.unwrap();
    assert!(report.is_success(), "{report}");
    assert_eq!(report.outcomes()[0].root(), user(number));
}

#[tokio::test]
async fn a_thousand_tasks_share_one_client_and_its_rate_limits() {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(1));
    let builder = Emulator::builder().seed(seed()).clock(manual.clone()).limits(LimitSettings::documented());
    let emulator = builder.check_responses(false).without_management().start().await.unwrap();
    let client = client(&manual, &emulator);
    let begun = manual.clock().now();
    let mut tasks = JoinSet::new();
    for number in 0..READERS {
        tasks.spawn(read(client.clone(), number));
    }
    for number in 0..LISTERS {
        tasks.spawn(list(client.clone(), number));
    }
    for number in 0..WRITERS {
        tasks.spawn(write(client.clone(), number));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let refused = emulator.journal().select(|exchange| exchange.status == Some(429)).len();
    assert_eq!(refused, 0, "the rate limits were respected");
    // User calls and action requests have separate limits, so the longer of the two durations counts.
    let minutes = (READERS + LISTERS).div_ceil(READS).max(WRITERS.div_ceil(ACTIONS)) as u64;
    let took = manual.clock().now() - begun;
    let expected = Duration::from_secs((minutes - 1) * 60)..Duration::from_secs((minutes + 2) * 60);
    assert!(expected.contains(&took), "{took:?}");
    let added = emulator.ledger().changes_of_group("Everybody").unwrap();
    let added: BTreeSet<_> = added.into_iter().filter_map(|entry| entry.user).collect();
    assert_eq!(added, (0..WRITERS).map(user).collect());
}
