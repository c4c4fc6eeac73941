//! The speed of the store and the engine: seeding, pages, actions, snapshots.
//!
//! ```sh
//! UMAPI_BENCH_USERS=1000,1000000 cargo bench -p umapi-emulator --bench store
//! ```
//!
//! `UMAPI_BENCH_USERS` lists the sizes to measure (default 1,000 and 100,000). Before divan's table there is one line
//! for each size: the time to seed it, and the memory that it takes. With `UMAPI_BENCH_IN_FILE=1` the state is in files
//! instead of in memory.

#![allow(missing_docs)]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that cannot run panics")]
#![allow(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use divan::Bencher;
use umapi_emulator::{
    engine::{self, ActionOptions},
    seed::{self, Generate, Organization, Seed},
    store::{GroupRow, MemberQuery, OrgId, PageRequest, Store, UserQuery},
};
use umapi_time::Clock;

const ORG: &str = "AB12@AdobeOrg";
/// The service's page size today.
const PAGE: u64 = 2000;

fn main() {
    for users in sizes() {
        seeding(users);
    }
    divan::main();
    // Statics are never dropped, and the files would stay.
    seeded_stores().clear();
}

fn seeded_stores() -> MutexGuard<'static, BTreeMap<u32, Arc<Seeded>>> {
    static SEEDED: Mutex<BTreeMap<u32, Arc<Seeded>>> = Mutex::new(BTreeMap::new());
    SEEDED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sizes() -> Vec<u32> {
    let text = std::env::var("UMAPI_BENCH_USERS").unwrap_or_else(|_| "1000,100000".to_owned());
    text.split(',')
        .map(|size| size.trim().parse().expect("UMAPI_BENCH_USERS must be numbers separated by commas"))
        .collect()
}

/// A position in a list.
#[derive(Debug, Clone, Copy)]
enum Position {
    First,
    Middle,
    Last,
}

#[derive(Debug, Clone, Copy)]
struct At(u32, Position);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} users, {:?}", self.0, self.1)
    }
}

fn positions() -> impl Iterator<Item = At> {
    sizes()
        .into_iter()
        .flat_map(|users| [Position::First, Position::Middle, Position::Last].map(|position| At(users, position)))
}

struct Seeded {
    /// The folder of the file, if there is one.
    _folder: Option<tempfile::TempDir>,
    store: Store,
    org: OrgId,
    /// The largest user group.
    group: GroupRow,
}

impl Seeded {
    fn new(users: u32) -> Self {
        let folder = std::env::var_os("UMAPI_BENCH_IN_FILE").map(|_| tempfile::tempdir().unwrap());
        let store = match &folder {
            Some(folder) => Store::open(&folder.path().join("state.db")).unwrap(),
            None => Store::in_memory().unwrap(),
        };
        let generate = Some(Generate { users, groups: 200, profiles: 40, seed: 42 });
        let org = Organization { id: ORG.to_owned(), generate, ..Organization::default() };
        seed::load(&store, &Seed { organizations: vec![org], ..Default::default() }).unwrap();
        let org = store.read(|r| r.organization(ORG)).unwrap().unwrap().id;
        let group = store.read(|r| r.group_by_name(org, "Marketing - EMEA")).unwrap().unwrap();
        Self { _folder: folder, store, org, group }
    }

    /// Returns the organization of a size, which is seeded once.
    fn of(users: u32) -> Arc<Self> {
        Arc::clone(seeded_stores().entry(users).or_insert_with(|| Arc::new(Self::new(users))))
    }

    fn page(&self, pages: u64, position: Position) -> PageRequest {
        let page = match position {
            Position::First => 0,
            Position::Middle => pages / 2,
            Position::Last => pages - 1,
        };
        // The last page may be short; the one before it costs as much as any full page.
        PageRequest { page: if matches!(position, Position::Last) { page.saturating_sub(1) } else { page }, size: PAGE }
    }

    fn users(&self, page: PageRequest) -> usize {
        self.store.read(|r| r.users(self.org, &UserQuery::default(), page)).unwrap().unwrap().items.len()
    }

    fn pages(&self) -> u64 {
        let one = PageRequest { page: 0, size: PAGE };
        self.store.read(|r| r.users(self.org, &UserQuery::default(), one)).unwrap().unwrap().pages
    }

    /// Returns the addresses of ten users on a page.
    fn ten(&self, position: Position) -> Vec<String> {
        let page = self.page(self.pages(), position);
        let page = self.store.read(|r| r.users(self.org, &UserQuery::default(), page)).unwrap().unwrap();
        page.items.into_iter().filter(|user| user.email == user.username).take(10).map(|user| user.email).collect()
    }

    fn act(&self, body: &str) {
        let response = engine::apply(&self.store, ORG, body.as_bytes(), &ActionOptions::new("bench", 0)).unwrap();
        assert_eq!(response.completed, 10, "{:?}", response.errors);
    }
}

fn seeding(users: u32) {
    let clock = Clock::real();
    let before = resident();
    let start = clock.now();
    let seeded = Seeded::of(users);
    let took = clock.now() - start;
    let (now, peak) = (resident(), status("VmHWM:"));
    println!(
        "seed {users:>9} users: {took:>8.2?}, {:>5} MB in memory (peak {peak} MB in this process), {} pages",
        now.saturating_sub(before),
        seeded.pages()
    );
}

fn resident() -> u64 {
    status("VmRSS:")
}

/// Returns a value of `/proc/self/status` on Linux, in MB; 0 elsewhere.
fn status(line: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = text.lines().find_map(|l| l.strip_prefix(line)?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

#[divan::bench(args = positions())]
fn page_of_2000_users(bencher: Bencher<'_, '_>, at: At) {
    let seeded = Seeded::of(at.0);
    let page = seeded.page(seeded.pages(), at.1);
    // A list shorter than a page is measured per user.
    let count = seeded.users(page);
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(|| seeded.users(page));
}

#[divan::bench(args = positions())]
fn page_of_2000_members(bencher: Bencher<'_, '_>, at: At) {
    let seeded = Seeded::of(at.0);
    let members = |page| seeded.store.read(|r| r.members(&seeded.group, &MemberQuery::default(), page)).unwrap();
    let page = seeded.page(members(PageRequest { page: 0, size: PAGE }).pages, at.1);
    let count = members(page).items.len();
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(|| members(page).items.len());
}

#[divan::bench(args = positions())]
fn one_user(bencher: Bencher<'_, '_>, at: At) {
    let seeded = Seeded::of(at.0);
    let email = seeded.ten(at.1).remove(0);
    bencher.bench(|| seeded.store.read(|r| r.user(seeded.org, &email, None, true)).unwrap().unwrap());
}

/// Ten commands that add a user to a group and remove it again, so that every iteration starts from the same state.
#[divan::bench(args = positions())]
fn action_of_10_commands(bencher: Bencher<'_, '_>, at: At) {
    let seeded = Seeded::of(at.0);
    let commands: Vec<String> = seeded
        .ten(at.1)
        .iter()
        .map(|email| {
            format!(r#"{{"user":"{email}","do":[{{"add":{{"group":["Legal - EMEA","Default Illustrator configuration"]}}}},{{"remove":{{"group":["Legal - EMEA"]}}}}]}}"#)
        })
        .collect();
    let body = format!("[{}]", commands.join(","));
    bencher.bench(|| seeded.act(&body));
}

/// Ten commands that create a user with two memberships, and remove it again.
#[divan::bench(args = positions())]
fn action_of_10_creates(bencher: Bencher<'_, '_>, at: At) {
    let seeded = Seeded::of(at.0);
    let commands: Vec<String> = (0..10)
        .map(|i| {
            format!(r#"{{"user":"new{i}@ab12.example.com","do":[{{"createFederatedID":{{"email":"new{i}@ab12.example.com","firstname":"A","lastname":"B","country":"US"}}}},{{"add":{{"group":["Legal - EMEA","Marketing - EMEA"]}}}},{{"removeFromOrg":{{"deleteAccount":true}}}}]}}"#)
        })
        .collect();
    let body = format!("[{}]", commands.join(","));
    bencher.bench(|| seeded.act(&body));
}

mod at_10_000_users {
    use super::*;

    fn seeded() -> Arc<Seeded> {
        Seeded::of(10_000)
    }

    /// All threads share one connection: this measures how long they wait for each other.
    #[divan::bench(threads = [1, 2, 4])]
    fn page_of_2000_users_concurrently(bencher: Bencher<'_, '_>) {
        let seeded = seeded();
        let page = seeded.page(seeded.pages(), Position::Middle);
        bencher.bench(|| seeded.users(page));
    }

    #[divan::bench]
    fn snapshot(bencher: Bencher<'_, '_>) {
        let seeded = seeded();
        bencher.bench(|| seeded.store.snapshot().unwrap());
    }

    #[divan::bench]
    fn restore(bencher: Bencher<'_, '_>) {
        let seeded = seeded();
        let snapshot = seeded.store.snapshot().unwrap();
        bencher.bench(|| seeded.store.restore(&snapshot).unwrap());
    }

    #[divan::bench]
    fn reset(bencher: Bencher<'_, '_>) {
        let seeded = seeded();
        let snapshot = seeded.store.snapshot().unwrap();
        bencher
            .with_inputs(|| seeded.store.restore(&snapshot).unwrap())
            .bench_values(|()| seeded.store.reset().unwrap());
        seeded.store.restore(&snapshot).unwrap();
    }
}
