//! Ten thousand commands against a service that breaks a fifth of all exchanges, in every possible way.
//!
//! The same commands without faults determine the expected result. With faults, the final state must be the same,
//! every command must have one true outcome, and the ledger must show nothing done twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use umapi::{Client, ClientBuilder, Command, NewGroup, NewUser, Report, StandardRetry, UserUpdate};
use umapi_emulator::{
    Emulator, FaultEffect, FaultResponse, FaultRule, LimitSettings, Operation,
    store::{MemberQuery, PageRequest, StoreError, UserQuery},
};
use umapi_time::ManualClock;

const COMMANDS: usize = 10_000;
/// The share of all exchanges for each way to break one.
const SHARE: f64 = 0.2 / 9.0;

#[test]
fn ten_thousand_commands_survive_faults_first_ten_seeds() {
    run(0..10);
}

#[test]
fn ten_thousand_commands_survive_faults_second_ten_seeds() {
    run(10..20);
}

fn run(seeds: std::ops::Range<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let expected = undisturbed().await;
        for seed in seeds {
            disturbed(seed, &expected).await;
        }
    });
}

/// The final users and groups, and all changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Each change of a user, group or membership, with the number of times that it happened.
    pub(crate) changes: BTreeMap<(String, Option<String>, Option<String>), u32>,
    /// Name and groups by address.
    pub(crate) users: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Addresses of the members by group name.
    pub(crate) groups: BTreeMap<String, BTreeSet<String>>,
}

async fn undisturbed() -> State {
    let (manual, emulator) = emulator(LimitSettings::off()).await;
    let report = client(&manual, &emulator).execute(commands()).await.expect("nothing fails");
    assert_eq!(report.completed().count(), COMMANDS, "every command can be completed: {report}");
    state(&emulator)
}

async fn disturbed(seed: u64, expected: &State) {
    let (manual, emulator) = emulator(LimitSettings::documented()).await;
    for (number, rule) in faults().into_iter().enumerate() {
        emulator.faults().add(rule.with_probability(SHARE, seed * 100 + number as u64)).unwrap();
    }
    let report = client(&manual, &emulator).execute(commands()).await.unwrap_or_else(|unfinished| {
        panic!("seed {seed}: given up: {unfinished}");
    });
    each_has_one_true_outcome(seed, &report);
    let state = state(&emulator);
    assert!(state.users == expected.users, "seed {seed}: the users differ from the expected ones");
    assert!(state.groups == expected.groups, "seed {seed}: the groups differ from the expected ones");
    let differing: Vec<_> =
        state.changes.iter().filter(|(change, times)| expected.changes.get(change) != Some(times)).take(5).collect();
    assert!(state.changes == expected.changes, "seed {seed}: more or less was changed than expected: {differing:#?}");
    let broken: u64 = emulator.faults().list().iter().map(|rule| rule.fired).sum();
    assert!(broken > 100, "seed {seed}: only {broken} exchanges failed");
}

fn each_has_one_true_outcome(seed: u64, report: &Report) {
    let numbers: Vec<usize> = report.outcomes().iter().map(|outcome| outcome.number()).collect();
    assert_eq!(numbers, (0..COMMANDS).collect::<Vec<_>>(), "seed {seed}: one outcome for each command");
    // The state shows that the service applied everything, so any other outcome is wrong.
    let wrong: Vec<String> =
        report.outcomes().iter().filter(|outcome| !outcome.is_completed()).map(ToString::to_string).take(5).collect();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
}

/// Every way in which the emulator can break an exchange.
pub(crate) fn faults() -> [FaultRule; 9] {
    [
        FaultEffect::reset_before_applying(),
        FaultEffect::reset_after_applying(),
        FaultEffect::cut_off(20),
        FaultEffect::invalid_json(),
        FaultResponse::throttled(3600).into(),
        FaultResponse::status(503).into(),
        FaultResponse::html(502).after_applying().into(),
        FaultEffect::delay(Duration::from_secs(600)),
        FaultEffect::expired_token(),
    ]
    .map(|effect| FaultRule::on(Operation::ExecuteActions, effect))
}

/// One clock for client and emulator. Everything runs in one thread, so the clock moves only when nothing else can
/// run.
async fn emulator(limits: LimitSettings) -> (ManualClock, Emulator) {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(1));
    let emulator = Emulator::builder()
        .clock(manual.clone())
        .limits(limits)
        .check_responses(false)
        .ledger_entries(1_000_000)
        .without_management()
        .start()
        .await
        .unwrap();
    (manual, emulator)
}

pub(crate) fn client(manual: &ManualClock, emulator: &Emulator) -> Client {
    // With a fifth of all exchanges failing, one request in three thousand fails five times in a row.
    client_with(manual, emulator, |builder| builder.retry(StandardRetry::default().attempts(20)))
}

pub(crate) fn client_with(
    manual: &ManualClock,
    emulator: &Emulator,
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    settings(emulator.client_builder().unwrap().clock(manual.clock())).build().unwrap()
}

/// Users are created (in three ways), updated, added to groups, removed from groups, and removed. Groups are created,
/// filled and deleted.
fn commands() -> Vec<Command> {
    let user = |number: usize| format!("u{number}@federated.example");
    let group = |number: usize| format!("Team {}", number % 50);
    let mut commands: Vec<Command> = (0..50).map(|number| NewGroup::new(group(number)).into()).collect();
    let creating = |number: usize| {
        let create = NewUser::federated(user(number), "First", format!("Last {number}"), "US");
        Command::create_user(match number % 3 {
            0 => create.ignore_if_exists(),
            1 => create.update_if_exists(),
            _ => create,
        })
    };
    commands.extend((0..6_000).map(|number| creating(number).add_to([group(number), group(number * 7 + 1)]).into()));
    commands.extend((0..2_000).map(|number| {
        let update = UserUpdate::default().with_firstname("Second");
        Command::user(user(number * 2)).update(update).remove_from([group(number * 2)]).into()
    }));
    commands.extend(
        (0..1_000).map(|number| Command::group(group(number)).add_users([user(number + 1), user(number + 2)]).into()),
    );
    commands.extend((0..900).map(|number| Command::user(user(number * 6 + 1)).remove_from_org()));
    commands.extend((0..40).map(|number| NewGroup::new(format!("Short-lived {number}")).into()));
    commands.extend((0..10).map(|number| Command::group(format!("Short-lived {number}")).delete()));
    assert_eq!(commands.len(), COMMANDS);
    commands
}

pub(crate) fn state(emulator: &Emulator) -> State {
    const ALL: PageRequest = PageRequest { page: 0, size: 1_000_000 };
    let read = emulator.store().read(|reader| {
        let mut state = State::default();
        let organization = reader.organization(emulator.org_id())?.expect("the organization exists");
        for user in
            reader.users(organization.id, &UserQuery::default(), ALL)?.expect("the organization has users").items
        {
            let groups = user.groups.iter().map(ToString::to_string).collect();
            state.users.insert(user.email, (format!("{:?} {:?}", user.firstname, user.lastname), groups));
        }
        for group in reader.groups(organization.id, ALL)?.items {
            let row = reader.group_by_name(organization.id, &group.name)?.expect("a listed group exists");
            let members = reader.members(&row, &MemberQuery::default(), ALL)?.items;
            state.groups.insert(group.name, members.into_iter().map(|user| user.email).collect());
        }
        Ok::<_, StoreError>(state)
    });
    let mut state = read.unwrap();
    for entry in emulator.ledger().since(0).unwrap() {
        *state.changes.entry((format!("{:?}", entry.kind), entry.user, entry.group)).or_default() += 1;
    }
    state
}
