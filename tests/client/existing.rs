//! Random faults in an organization in which a part of the users and groups exists before. A retry after a lost request
//! meets "already exists" errors that do not prove anything, so every outcome is compared with the state and the ledger.

use std::{fmt::Write as _, time::Duration};

use umapi::{Client, Command, NewGroup, NewUser, Outcome, Report, UserGroupUpdate, UserUpdate};
use umapi_emulator::{Emulator, LimitSettings, seed::Seed};
use umapi_time::ManualClock;

use crate::faults::{State, client, faults, state};

const USERS: usize = 1_200;
const GROUPS: usize = 100;
const SEEDS: u64 = 20;
/// The share of all exchanges for each way to break one.
const SHARE: f64 = 0.4 / 9.0;

#[test]
fn existing_users_and_groups_get_true_outcomes_despite_faults() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for seed in 0..SEEDS {
            let scenario = Scenario { seed };
            let (expected_outcomes, expected) = scenario.run(false).await;
            let (outcomes, actual) = scenario.run(true).await;
            assert!(actual.users == expected.users, "seed {seed}: the users differ from the expected ones");
            assert!(actual.groups == expected.groups, "seed {seed}: the groups differ from the expected ones");
            assert!(actual.changes == expected.changes, "seed {seed}: more or less was changed than expected");
            let pairs = expected_outcomes.outcomes().iter().zip(outcomes.outcomes()).enumerate();
            let wrong: Vec<String> = pairs
                .filter(|(number, (expected, actual))| {
                    !is_true(expected.outcome(), actual.outcome(), scenario.is_satisfied_before(*number))
                })
                .map(|(number, (expected, actual))| format!("{number}: {actual}, expected {expected}"))
                .collect();
            assert!(wrong.is_empty(), "seed {seed}: {} wrong outcomes: {wrong:#?}", wrong.len());
        }
    });
}

/// Whether an outcome is true, given the outcome without faults.
///
/// A rejected command may be completed if its requested state existed before: after a lost request, nobody can tell which
/// of both it was, and the state is the requested one.
fn is_true(expected: &Outcome, actual: &Outcome, is_satisfied_before: bool) -> bool {
    match (expected, actual) {
        (Outcome::Completed, Outcome::Completed) | (Outcome::Rejected { .. }, Outcome::Rejected { .. }) => true,
        (Outcome::Rejected { .. }, Outcome::Completed) => is_satisfied_before,
        _ => false,
    }
}

/// An organization and its commands, which differ by seed. Each command has a user or group of its own.
#[derive(Clone, Copy)]
struct Scenario {
    seed: u64,
}

impl Scenario {
    async fn run(self, with_faults: bool) -> (Report, State) {
        let manual = ManualClock::new().auto_advance(Duration::from_millis(1));
        let limits = if with_faults { LimitSettings::documented() } else { LimitSettings::off() };
        let emulator = Emulator::builder()
            .seed(Seed::from_yaml(&self.organization()).unwrap())
            .clock(manual.clone())
            .limits(limits)
            .check_responses(false)
            .ledger_entries(1_000_000)
            .without_management()
            .start()
            .await
            .unwrap();
        if with_faults {
            for (number, rule) in faults().into_iter().enumerate() {
                emulator.faults().add(rule.with_probability(SHARE, self.seed * 100 + number as u64)).unwrap();
            }
        }
        let report = self.execute(&client(&manual, &emulator)).await;
        let broken: u64 = emulator.faults().list().iter().map(|rule| rule.fired).sum();
        assert!(!with_faults || broken > 10, "seed {}: only {broken} exchanges failed", self.seed);
        (report, state(&emulator))
    }

    async fn execute(self, client: &Client) -> Report {
        let commands = (0..USERS).map(|number| self.user_command(number));
        let commands = commands.chain((0..GROUPS).map(|number| self.group_command(number)));
        client.execute(commands).await.unwrap_or_else(|unfinished| panic!("seed {}: {unfinished}", self.seed))
    }

    /// A number below `bound` that depends on the seed and on what it is for.
    fn choose(self, number: usize, purpose: usize, bound: usize) -> usize {
        let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (self.seed * 1_000 + purpose as u64 + 1);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ (mixed >> 29)) % bound as u64) as usize
    }

    fn user_exists(self, number: usize) -> bool {
        self.choose(number, 0, 3) > 0
    }

    /// Whether an existing user has the names that its command asks for.
    fn has_same_names(self, number: usize) -> bool {
        self.choose(number, 1, 2) == 0
    }

    fn group_exists(self, number: usize) -> bool {
        self.choose(number, 2, 2) == 0
    }

    fn organization(self) -> String {
        let mut seed = String::from(
            "organizations:\n  - id: 12345@AdobeOrg\n    directories: [{ name: Staff, type: federated, domains: [staff.example] \
             }]\n    userGroups:\n",
        );
        for number in 0..10 {
            let _ = writeln!(seed, "      - {{ name: {} }}", team(number));
        }
        for number in (0..GROUPS).filter(|number| self.group_exists(*number)) {
            let _ = writeln!(seed, "      - {{ name: {} }}", group(number));
        }
        seed.push_str("    integrations: [{ clientId: client, secrets: [secret] }]\n    users:\n");
        for number in (0..USERS).filter(|number| self.user_exists(*number)) {
            let first = if self.has_same_names(number) { "First" } else { "Other" };
            let groups = if self.choose(number, 3, 3) == 0 { team(number) } else { String::new() };
            let _ = writeln!(
                seed,
                "      - {{ type: federatedID, email: {}, firstname: {first}, lastname: Last {number}, country: US, groups: \
                 [{groups}] }}",
                user(number)
            );
        }
        seed
    }

    fn user_command(self, number: usize) -> Command {
        let new = NewUser::federated(user(number), "First", format!("Last {number}"), "US");
        let existing = Command::user(user(number));
        match self.user_kind(number) {
            0 => new.into(),
            1 => new.ignore_if_exists().into(),
            2 => new.update_if_exists().into(),
            3 => Command::create_user(new).add_to([team(number), team(number + 1)]).into(),
            4 => existing.update(UserUpdate::default().with_firstname("Second")).into(),
            5 => existing.add_to([team(number)]).into(),
            6 => existing.remove_from([team(number)]).into(),
            7 => existing.remove_from_org(),
            _ => Command::create_user(new.ignore_if_exists()).add_to([team(number)]).into(),
        }
    }

    fn user_kind(self, number: usize) -> usize {
        self.choose(number, 4, 9)
    }

    fn group_command(self, number: usize) -> Command {
        let (new, existing) = (NewGroup::new(group(number)), Command::group(group(number)));
        match self.group_kind(number) {
            0 => new.into(),
            1 => new.ignore_if_exists().into(),
            2 => existing.update(UserGroupUpdate::default().with_description("Changed")).into(),
            _ => existing.delete(),
        }
    }

    fn group_kind(self, number: usize) -> usize {
        self.choose(number, 5, 4)
    }

    /// Whether the state that a command asks for existed before, although the service rejects the command.
    fn is_satisfied_before(self, command: usize) -> bool {
        match command.checked_sub(USERS) {
            None => {
                self.user_exists(command) && self.has_same_names(command) && matches!(self.user_kind(command), 0 | 3)
            }
            Some(number) if self.group_exists(number) => self.group_kind(number) == 0,
            Some(number) => self.group_kind(number) == 3,
        }
    }
}

fn user(number: usize) -> String {
    format!("user{number}@staff.example")
}

fn team(number: usize) -> String {
    format!("Team {}", number % 10)
}

fn group(number: usize) -> String {
    format!("Group {number}")
}
