//! What state costs: seeding, pages, actions, snapshots.
//!
//! ```sh
//! UMAPI_BENCH_USERS=1000,1000000 cargo bench -p umapi-emulator --bench store
//! ```
//!
//! `UMAPI_BENCH_USERS` are the sizes to measure, 1,000 and 100,000 unless it says otherwise. Before divan's table there is
//! one line for each size: the time to seed it, and the memory it is held in. With `UMAPI_BENCH_IN_FILE=1` the state is in
//! files instead of in memory.

#![allow(missing_docs)]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that cannot run says so")]
#![allow(clippy::print_stdout, reason = "a benchmark tells its user what it measured")]

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
/// What the service gives today.
const PAGE: u64 = 2000;

fn main() {
    for users in sizes() {
        seeding(users);
    }
    divan::main();
    // A static is never dropped, and the files would stay.
    worlds().clear();
}

fn worlds() -> MutexGuard<'static, BTreeMap<u32, Arc<World>>> {
    static WORLDS: Mutex<BTreeMap<u32, Arc<World>>> = Mutex::new(BTreeMap::new());
    WORLDS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sizes() -> Vec<u32> {
    let text = std::env::var("UMAPI_BENCH_USERS").unwrap_or_else(|_| "1000,100000".to_owned());
    text.split(',').map(|size| size.trim().parse().expect("UMAPI_BENCH_USERS must be numbers with commas")).collect()
}

/// Where in a list.
#[derive(Debug, Clone, Copy)]
enum Place {
    First,
    Middle,
    Last,
}

#[derive(Debug, Clone, Copy)]
struct At(u32, Place);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} users, {:?}", self.0, self.1)
    }
}

fn places() -> impl Iterator<Item = At> {
    sizes().into_iter().flat_map(|users| [Place::First, Place::Middle, Place::Last].map(|place| At(users, place)))
}

struct World {
    /// Where the file is, if there is one.
    _folder: Option<tempfile::TempDir>,
    store: Store,
    org: OrgId,
    /// The largest user group.
    group: GroupRow,
}

impl World {
    fn seeded(users: u32) -> Self {
        let folder = std::env::var_os("UMAPI_BENCH_IN_FILE").map(|_| tempfile::tempdir().unwrap());
        let store = match &folder {
            Some(folder) => Store::open(&folder.path().join("state.db")).unwrap(),
            None => Store::in_memory().unwrap(),
        };
        let generate = Some(Generate { users, groups: 200, profiles: 40, seed: 42 });
        let org = Organization { id: ORG.to_owned(), generate, ..Organization::default() };
        seed::load(&store, &Seed { organizations: vec![org] }).unwrap();
        let org = store.read(|r| r.organization(ORG)).unwrap().unwrap().id;
        let group = store.read(|r| r.group_by_name(org, "Marketing - EMEA")).unwrap().unwrap();
        Self { _folder: folder, store, org, group }
    }

    /// The world of a size, made once.
    fn of(users: u32) -> Arc<Self> {
        Arc::clone(worlds().entry(users).or_insert_with(|| Arc::new(Self::seeded(users))))
    }

    fn page(&self, pages: u64, place: Place) -> PageRequest {
        let page = match place {
            Place::First => 0,
            Place::Middle => pages / 2,
            Place::Last => pages - 1,
        };
        // The last page may be short. The one before costs what a full one costs.
        PageRequest { page: if matches!(place, Place::Last) { page.saturating_sub(1) } else { page }, size: PAGE }
    }

    fn users(&self, page: PageRequest) -> usize {
        self.store.read(|r| r.users(self.org, &UserQuery::default(), page)).unwrap().unwrap().items.len()
    }

    fn pages(&self) -> u64 {
        let one = PageRequest { page: 0, size: PAGE };
        self.store.read(|r| r.users(self.org, &UserQuery::default(), one)).unwrap().unwrap().pages
    }

    /// Addresses of ten users around a place in the list.
    fn ten(&self, place: Place) -> Vec<String> {
        let page = self.page(self.pages(), place);
        let page = self.store.read(|r| r.users(self.org, &UserQuery::default(), page)).unwrap().unwrap();
        page.items.into_iter().filter(|user| user.email == user.username).take(10).map(|user| user.email).collect()
    }

    fn act(&self, body: &str) {
        let answer = engine::apply(&self.store, ORG, body.as_bytes(), &ActionOptions::new("bench", 0)).unwrap();
        assert_eq!(answer.completed, 10, "{:?}", answer.errors);
    }
}

fn seeding(users: u32) {
    let clock = Clock::real();
    let before = resident();
    let start = clock.now();
    let world = World::of(users);
    let took = clock.now() - start;
    let (now, peak) = (resident(), status("VmHWM:"));
    println!(
        "seed {users:>9} users: {took:>8.2?}, {:>5} MB in memory ({peak} MB at most in this process), {} pages",
        now.saturating_sub(before),
        world.pages()
    );
}

fn resident() -> u64 {
    status("VmRSS:")
}

/// A line of Linux' account of this process, in MB; 0 elsewhere.
fn status(line: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = text.lines().find_map(|l| l.strip_prefix(line)?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

#[divan::bench(args = places())]
fn page_of_2000_users(bencher: Bencher<'_, '_>, at: At) {
    let world = World::of(at.0);
    let page = world.page(world.pages(), at.1);
    // A list of less than a page is measured by the user.
    let count = world.users(page);
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(|| world.users(page));
}

#[divan::bench(args = places())]
fn page_of_2000_members(bencher: Bencher<'_, '_>, at: At) {
    let world = World::of(at.0);
    let members = |page| world.store.read(|r| r.members(&world.group, &MemberQuery::default(), page)).unwrap();
    let page = world.page(members(PageRequest { page: 0, size: PAGE }).pages, at.1);
    let count = members(page).items.len();
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(|| members(page).items.len());
}

#[divan::bench(args = places())]
fn one_user(bencher: Bencher<'_, '_>, at: At) {
    let world = World::of(at.0);
    let email = world.ten(at.1).remove(0);
    bencher.bench(|| world.store.read(|r| r.user(world.org, &email, None, true)).unwrap().unwrap());
}

/// Ten commands that put a user into a group and take the user out again: the state is the same after each.
#[divan::bench(args = places())]
fn action_of_10_commands(bencher: Bencher<'_, '_>, at: At) {
    let world = World::of(at.0);
    let commands: Vec<String> = world
        .ten(at.1)
        .iter()
        .map(|email| {
            format!(r#"{{"user":"{email}","do":[{{"add":{{"group":["Legal - EMEA","Default Illustrator configuration"]}}}},{{"remove":{{"group":["Legal - EMEA"]}}}}]}}"#)
        })
        .collect();
    let body = format!("[{}]", commands.join(","));
    bencher.bench(|| world.act(&body));
}

/// Ten commands that make a user with two memberships, and remove the user again.
#[divan::bench(args = places())]
fn action_of_10_creates(bencher: Bencher<'_, '_>, at: At) {
    let world = World::of(at.0);
    let commands: Vec<String> = (0..10)
        .map(|i| {
            format!(r#"{{"user":"new{i}@ab12.example.com","do":[{{"createFederatedID":{{"email":"new{i}@ab12.example.com","firstname":"A","lastname":"B","country":"US"}}}},{{"add":{{"group":["Legal - EMEA","Marketing - EMEA"]}}}},{{"removeFromOrg":{{"deleteAccount":true}}}}]}}"#)
        })
        .collect();
    let body = format!("[{}]", commands.join(","));
    bencher.bench(|| world.act(&body));
}

mod at_10_000_users {
    use super::*;

    fn world() -> Arc<World> {
        World::of(10_000)
    }

    /// One connection serves all: what a thread waits for the others.
    #[divan::bench(threads = [1, 2, 4])]
    fn page_of_2000_users_side_by_side(bencher: Bencher<'_, '_>) {
        let world = world();
        let page = world.page(world.pages(), Place::Middle);
        bencher.bench(|| world.users(page));
    }

    #[divan::bench]
    fn snapshot(bencher: Bencher<'_, '_>) {
        let world = world();
        bencher.bench(|| world.store.snapshot().unwrap());
    }

    #[divan::bench]
    fn restore(bencher: Bencher<'_, '_>) {
        let world = world();
        let snapshot = world.store.snapshot().unwrap();
        bencher.bench(|| world.store.restore(&snapshot).unwrap());
    }

    #[divan::bench]
    fn reset(bencher: Bencher<'_, '_>) {
        let world = world();
        let snapshot = world.store.snapshot().unwrap();
        bencher.with_inputs(|| world.store.restore(&snapshot).unwrap()).bench_values(|()| world.store.reset().unwrap());
        world.store.restore(&snapshot).unwrap();
    }
}
