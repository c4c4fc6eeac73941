//! Tests of mirrors, with a directory that a test changes and breaks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};

use umapi_time::ManualClock;

use super::*;
use crate::{
    changes::{Cursor, GroupEntry, Known, PersonEntry, SinceFuture, WholeFuture},
    directory::{GroupName, GroupSelector},
    person::{Attributes, PersonId},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a directory does wrong in the next read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    /// The list of everything is cut after some entries.
    WholeIsCut(usize),
    /// A group of the list of everything has a gap that passes.
    GroupIsCut,
    /// The search for a group is cut.
    GroupUnread,
    /// It cannot tell the changes since.
    Forgotten,
    /// The changes are cut after some of them.
    ChangesAreCut(usize),
    /// It cannot be reached.
    Unreachable,
}

#[derive(Default)]
struct World {
    entries: BTreeMap<String, Entry>,
    log: Vec<Change>,
    fault: Fault,
    wholes: usize,
    deltas: usize,
    basis: String,
}

/// A directory in memory.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<World>>);

impl Fake {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

fn person(key: &str, labels: &[&str], is_listed: bool) -> Entry {
    let attributes = Attributes::from_iter([("mail", format!("{key}@example.com"))]);
    let person = Person { id: PersonId::new(key), place: format!("cn={key}"), is_enabled: true, attributes };
    Entry::Person(PersonEntry { person, is_listed, labels: labels.iter().map(|&label| label.to_owned()).collect() })
}

fn group(name: &str, members: &[&str], labels: &[&str]) -> Entry {
    Entry::Group(GroupEntry {
        name: name.to_owned(),
        place: format!("cn={name},ou=groups"),
        is_listed: true,
        members: members.iter().map(EntryKey::new).collect(),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        gaps: Vec::new(),
    })
}

impl World {
    fn put(&mut self, key: &str, entry: Entry) {
        self.entries.insert(key.to_owned(), entry.clone());
        self.log.push(Change::Put(EntryKey::new(key), entry));
    }

    fn remove(&mut self, key: &str) {
        self.entries.remove(key);
        for entry in self.entries.values_mut() {
            if let Entry::Group(group) = entry {
                group.members.retain(|member| member.as_str() != key);
            }
        }
        self.log.push(Change::Gone(EntryKey::new(key)));
    }

    fn change_members(&mut self, key: &str, added: &[&str], removed: &[&str]) {
        let keys = |names: &[&str]| names.iter().map(EntryKey::new).collect::<Vec<_>>();
        if let Some(Entry::Group(group)) = self.entries.get_mut(key) {
            group.members.retain(|member| !removed.contains(&member.as_str()));
            for name in keys(added) {
                if !group.members.contains(&name) {
                    group.members.push(name);
                }
            }
        }
        self.log.push(Change::Members { group: EntryKey::new(key), added: keys(added), removed: keys(removed) });
    }

    /// The people in a group, found in the plainest way.
    fn members(&self, key: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([key.to_owned()]);
        loop {
            let before = reached.len();
            for (name, entry) in self.entries.clone() {
                if let (true, Entry::Group(group)) = (reached.contains(&name), entry) {
                    reached.extend(group.members.iter().map(ToString::to_string));
                    reached.extend(self.entries.iter().filter_map(|(name, entry)| match entry {
                        Entry::Person(person) if person.labels.iter().any(|label| group.labels.contains(label)) => {
                            Some(name.clone())
                        }
                        _ => None,
                    }));
                }
            }
            if reached.len() == before {
                break;
            }
        }
        reached.into_iter().filter(|name| matches!(self.entries.get(name), Some(Entry::Person(_)))).collect()
    }

    fn listed(&self) -> BTreeSet<String> {
        let is_listed = |entry: &Entry| matches!(entry, Entry::Person(person) if person.is_listed);
        self.entries.iter().filter(|(_, entry)| is_listed(entry)).map(|(name, _)| name.clone()).collect()
    }
}

fn unreachable_now() -> DirectoryError {
    DirectoryError { what: "fake".to_owned(), reason: "gone".to_owned(), remedy: None, is_temporary: true }
}

impl ChangeFeed for Fake {
    fn basis(&self, query: &Query) -> String {
        format!("{} {query:?}", self.world().basis)
    }

    fn read_whole<'a>(&'a self, _: &'a Query, take: &'a mut (dyn FnMut(EntryKey, Entry) + Send)) -> WholeFuture<'a> {
        Box::pin(async move {
            let mut world = self.world();
            world.wholes += 1;
            let mut whole = Whole { cursor: Some(Cursor::new(world.log.len().to_string())), ..Whole::default() };
            let mut entries = world.entries.clone();
            match world.fault {
                Fault::Unreachable => return Err(unreachable_now()),
                Fault::WholeIsCut(after) => {
                    entries = entries.into_iter().take(after).collect();
                    whole.people.push(Gap::new("all people", GapCause::SizeLimit));
                    whole.group_list.push(Gap::new("all groups", GapCause::SizeLimit));
                }
                Fault::GroupIsCut => {
                    for entry in entries.values_mut() {
                        if let Entry::Group(group) = entry {
                            group.members.pop();
                            group.gaps.push(Gap::new("group", GapCause::TimeLimit));
                        }
                    }
                }
                Fault::GroupUnread => {
                    whole.unread.insert("Artists".to_owned(), Gap::new("group Artists", GapCause::TimeLimit));
                }
                _ => {}
            }
            // Groups come before their members, too.
            entries.into_iter().rev().for_each(|(key, entry)| take(EntryKey::new(key), entry));
            Ok(whole)
        })
    }

    fn read_changes<'a>(
        &'a self,
        _: &'a Query,
        since: &'a Cursor,
        known: &'a dyn Known,
        take: &'a mut (dyn FnMut(Change) + Send),
    ) -> SinceFuture<'a> {
        Box::pin(async move {
            let mut world = self.world();
            world.deltas += 1;
            let from: usize = since.reveal().parse().expect("its own cursor");
            let changes = world.log[from..].to_vec();
            for change in &changes {
                // What a mirror knows is asked, as real directories do.
                if let Change::Put(key, _) = change {
                    let _ = (known.kind(key), known.at(key.as_str()));
                }
            }
            match world.fault {
                Fault::Unreachable => return Err(unreachable_now()),
                Fault::Forgotten => return Ok(Since::Anew("the cookie is too old".to_owned())),
                Fault::ChangesAreCut(after) => {
                    changes.into_iter().take(after).for_each(take);
                    return Ok(Since::Failed(Gap::new("changes", GapCause::Interrupted)));
                }
                _ => {}
            }
            changes.into_iter().for_each(take);
            let cursor = Cursor::new(world.log.len().to_string());
            Ok(Since::Changed(Changed { cursor, people: Vec::new(), group_list: Vec::new(), notices: Vec::new() }))
        })
    }
}

impl Directory for Fake {
    fn read<'a>(&'a self, _: &'a Query, _: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(async { Err(DirectoryError::setting("fake", "it is read without a mirror", "do not")) })
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        Some(self)
    }
}

struct Setup {
    fake: Fake,
    clock: ManualClock,
    folder: tempfile::TempDir,
    query: Query,
}

/// What a run got: the ids of the people, and the reading.
type Got = Result<(BTreeSet<String>, Reading), DirectoryError>;

impl Setup {
    fn new() -> Self {
        let groups = vec![GroupSelector::Named("Artists".to_owned()), GroupSelector::Named("Board".to_owned())];
        let query = Query { groups, attributes: vec!["mail".to_owned()], everyone: true };
        let (fake, clock) = (Fake::default(), ManualClock::new());
        {
            let mut world = fake.world();
            for name in ["ann", "bob", "cat"] {
                world.put(name, person(name, &[], true));
            }
            world.put("g1", group("Artists", &["ann", "g2"], &[]));
            world.put("g2", group("Inner", &["bob", "g1"], &[]));
            world.put("g3", group("Board", &["cat"], &["primary"]));
        }
        Self { fake, clock, folder: tempfile::tempdir().unwrap(), query }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.mirror")
    }

    async fn read_within(&self, max_age: Option<Duration>) -> Got {
        let fake: Arc<dyn Directory> = Arc::new(self.fake.clone());
        let mirrored = MirroredDirectory::new(fake, self.path(), max_age, self.clock.clock());
        let mut people = BTreeSet::new();
        let mut take = |person: Person| assert!(people.insert(person.id.to_string()), "nobody comes twice");
        let reading = mirrored.read(&self.query, &mut take).await?;
        Ok((people, reading))
    }

    async fn read(&self) -> Got {
        self.read_within(Some(7 * DAY)).await
    }

    /// How often everything was read, and how often the changes.
    fn counts(&self) -> (usize, usize) {
        let world = self.fake.world();
        (world.wholes, world.deltas)
    }
}

fn members(reading: &Reading, group: &str) -> BTreeSet<String> {
    let found = reading.groups[group].members.found();
    found.into_iter().flatten().map(ToString::to_string).collect()
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn a_second_read_asks_only_for_what_changed() {
    let setup = Setup::new();
    let (people, reading) = setup.read().await.unwrap();
    assert_eq!((people.len(), setup.counts()), (3, (1, 0)));
    assert_eq!(members(&reading, "Artists"), names(&["ann", "bob"]));
    {
        let mut world = setup.fake.world();
        world.put("dan", person("dan", &["primary"], true));
        world.put("eve", person("eve", &[], false));
        world.change_members("g2", &["cat", "eve"], &["bob"]);
        world.remove("ann");
        world.put("bob", person("bob", &["primary"], true));
    }
    let (people, reading) = setup.read().await.unwrap();
    assert_eq!(setup.counts(), (1, 1));
    assert!(reading.people.complete().is_ok() && reading.group_list.complete().is_ok());
    assert_eq!(people, names(&["bob", "cat", "dan", "eve"]));
    assert_eq!(members(&reading, "Artists"), names(&["cat", "eve"]));
    assert_eq!(members(&reading, "Board"), names(&["bob", "cat", "dan"]));
    assert!(reading.notices.is_empty(), "{:?}", reading.notices);
}

#[tokio::test]
async fn groups_are_found_renamed_and_lost() {
    let setup = Setup::new();
    let _ = setup.read().await.unwrap();
    let rename = |group: &str, name: &str| Change::Renamed {
        group: EntryKey::new(group),
        name: name.to_owned(),
        place: "elsewhere".to_owned(),
    };
    setup.fake.world().log.push(rename("g1", "Painters"));
    let (_, reading) = setup.read().await.unwrap();
    assert_eq!(reading.groups["Artists"].members.gaps()[0].cause, GapCause::NotFound);
    setup.fake.world().log.push(rename("g2", "ARTISTS"));
    let (_, reading) = setup.read().await.unwrap();
    assert_eq!(members(&reading, "Artists"), names(&["ann", "bob"]));
    setup.fake.world().log.push(rename("g3", "artists"));
    let (_, reading) = setup.read().await.unwrap();
    assert_eq!(reading.groups["Artists"].members.gaps()[0].cause, GapCause::Ambiguous);
    setup.fake.world().log.push(Change::Gone(EntryKey::new("g2")));
    let (_, reading) = setup.read().await.unwrap();
    assert_eq!(members(&reading, "Artists"), names(&["cat"]));
    assert_eq!(setup.counts(), (1, 4));
}

#[tokio::test]
async fn what_does_not_fit_makes_everything_be_read() {
    type Step = fn(&mut Setup);
    let steps: [(&str, Step); 8] = [
        ("the cookie is too old", |setup| setup.fake.world().fault = Fault::Forgotten),
        ("a member that is not known: nobody", |setup| {
            setup.fake.world().log.push(Change::Members {
                group: EntryKey::new("g1"),
                added: vec![EntryKey::new("nobody")],
                removed: Vec::new(),
            });
        }),
        ("a group changed that is not known: g9", |setup| setup.fake.world().change_members("g9", &["ann"], &[])),
        ("a group changed that is not known: ann", |setup| setup.fake.world().change_members("ann", &["bob"], &[])),
        ("the configuration changed", |setup| setup.fake.world().basis = "other".to_owned()),
        ("the configuration changed", |setup| setup.query.attributes.push("c".to_owned())),
        ("7 days ago", |setup| setup.clock.advance(7 * DAY)),
        ("damaged", |setup| {
            let bytes = std::fs::read(setup.path()).unwrap();
            std::fs::write(setup.path(), &bytes[..bytes.len() / 2]).unwrap();
        }),
    ];
    for (why, step) in steps {
        let mut setup = Setup::new();
        let _ = setup.read().await.unwrap();
        setup.clock.advance(DAY / 2);
        step(&mut setup);
        let (people, reading) = setup.read().await.unwrap();
        assert_eq!(people, names(&["ann", "bob", "cat"]), "{why}");
        assert_eq!(setup.counts().0, 2, "{why}");
        assert!(reading.notices.iter().any(|notice| notice.contains(why)), "{why}: {:?}", reading.notices);
        setup.fake.world().fault = Fault::None;
        let _ = setup.read().await.unwrap();
        assert_eq!(setup.counts().0, 2, "{why}: the new mirror is used");
    }
}

#[tokio::test]
async fn changes_that_do_not_fit_change_nothing() {
    let setup = Setup::new();
    let _ = setup.read().await.unwrap();
    let origin = Database::open(&setup.path()).unwrap().1;
    {
        let mut world = setup.fake.world();
        world.remove("ann");
        world.change_members("g9", &[], &[]);
        world.fault = Fault::WholeIsCut(2);
    }
    let (_, reading) = setup.read().await.unwrap();
    assert!(reading.people.complete().is_err());
    // A mirror that does not fit is gone, and nothing took its place.
    assert!(!setup.path().exists());
    setup.fake.world().fault = Fault::None;
    let _ = setup.read().await.unwrap();
    let anew = Database::open(&setup.path()).unwrap().1;
    assert!(anew.cursor != origin.cursor && setup.counts() == (3, 1), "{:?}", setup.counts());
}

#[tokio::test]
async fn a_read_that_was_not_whole_leaves_the_mirror() {
    for fault in [Fault::WholeIsCut(0), Fault::WholeIsCut(4), Fault::GroupIsCut, Fault::GroupUnread] {
        let setup = Setup::new();
        let _ = setup.read().await.unwrap();
        let kept = std::fs::read(setup.path()).unwrap();
        setup.fake.world().fault = fault;
        let (_, reading) = setup.read_within(None).await.unwrap();
        let is_whole = reading.people.complete().is_ok() && reading.groups["Artists"].members.complete().is_ok();
        assert!(!is_whole, "{fault:?}");
        assert_eq!(std::fs::read(setup.path()).unwrap(), kept, "{fault:?}");
        let left: Vec<_> = std::fs::read_dir(setup.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left.len(), 2, "the mirror and its lock: {left:?}");
    }
}

#[tokio::test]
async fn gaps_that_last_are_kept_with_their_group() {
    let setup = Setup::new();
    {
        let mut world = setup.fake.world();
        let Some(Entry::Group(group)) = world.entries.get_mut("g2") else { panic!() };
        group.gaps.push(Gap::new("group Inner", GapCause::Refused).detail("member x"));
    }
    for _ in 0..2 {
        let (_, reading) = setup.read().await.unwrap();
        assert_eq!(
            reading.groups["Artists"].members.gaps()[0].to_string().as_str(),
            "group Artists: the directory refused to show it (member x)"
        );
        assert!(reading.groups["Board"].members.complete().is_ok());
    }
    assert_eq!(setup.counts(), (1, 1));
}

#[tokio::test]
async fn an_unreachable_directory_leaves_the_mirror() {
    let setup = Setup::new();
    let _ = setup.read().await.unwrap();
    setup.fake.world().fault = Fault::Unreachable;
    assert!(setup.read().await.err().unwrap().is_temporary);
    setup.fake.world().fault = Fault::None;
    let _ = setup.read().await.unwrap();
    assert_eq!(setup.counts(), (1, 2));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_a_mirror() {
    use std::os::unix::fs::PermissionsExt as _;
    let setup = Setup::new();
    let _ = setup.read().await.unwrap();
    let mode = || std::fs::metadata(setup.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(setup.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let _ = setup.read().await.unwrap();
    assert_eq!(mode(), 0o600);
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_kept() {
    let setup = Setup::new();
    for content in [&b""[..], b"SQLite format 3\0", b"hello"] {
        std::fs::write(setup.path(), content).unwrap();
        let refused = setup.read().await.err().unwrap();
        assert!(refused.reason.contains("not a mirror of umapi") && !refused.is_temporary, "{refused}");
        assert_eq!(std::fs::read(setup.path()).unwrap(), content);
    }
}

#[tokio::test]
async fn an_unfinished_file_is_no_mirror() {
    let setup = Setup::new();
    // A process that was killed leaves this, and a lock that is free.
    let unfinished = Database::create(&beside(&setup.path(), ".new")).unwrap();
    unfinished.put(&EntryKey::new("x"), &Entry::Other, &str::to_lowercase).unwrap();
    drop(unfinished);
    let (people, _) = setup.read().await.unwrap();
    assert_eq!((people.len(), setup.counts()), (3, (1, 0)));
}

/// Every list that says it is whole is what the directory holds, whatever happened before.
#[tokio::test]
async fn whole_lists_are_true_after_any_history() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let setup = Setup::new();
        let people = ["ann", "bob", "cat", "dan", "eve"];
        let groups = ["g1", "g2", "g3", "g4"];
        let group_names: [&str; 3] = ["Artists", "Inner", "Board"];
        for _ in 0..12 {
            for _ in 0..random.usize(0..4) {
                let mut world = setup.fake.world();
                let (someone, other) = (people[random.usize(0..5)], people[random.usize(0..5)]);
                let (one, two) = (groups[random.usize(0..4)], groups[random.usize(0..4)]);
                match random.u8(0..7) {
                    0 => world.put(someone, person(someone, &["primary"][..random.usize(0..2)], random.bool())),
                    1 => world.remove(someone),
                    2 => world.remove(one),
                    3 => {
                        let known: Vec<&str> = [someone, other, two]
                            .into_iter()
                            .filter(|name| world.entries.contains_key(*name))
                            .collect();
                        world.put(
                            one,
                            group(group_names[random.usize(0..3)], &known, &["primary"][..random.usize(0..2)]),
                        );
                    }
                    4 | 5 if matches!(world.entries.get(one), Some(Entry::Group(_))) => {
                        let added = if world.entries.contains_key(someone) { vec![someone] } else { Vec::new() };
                        world.change_members(one, &added, &[other]);
                    }
                    _ => world.put(someone, Entry::Other),
                }
            }
            setup.clock.advance(DAY * random.u32(0..3));
            setup.fake.world().fault = match random.u8(0..12) {
                0 => Fault::WholeIsCut(random.usize(0..9)),
                1 => Fault::GroupIsCut,
                2 => Fault::GroupUnread,
                3 => Fault::Forgotten,
                4 => Fault::ChangesAreCut(random.usize(0..3)),
                5 => Fault::Unreachable,
                _ => Fault::None,
            };
            let Ok((found, reading)) = setup.read().await else { continue };
            let world = setup.fake.world();
            if reading.people.complete().is_ok() {
                assert!(world.listed().is_subset(&found), "seed {seed}: {found:?}");
                let reached: BTreeSet<String> =
                    ["Artists", "Board"].iter().flat_map(|name| members(&reading, name)).collect();
                assert!(found.iter().all(|name| world.listed().contains(name) || reached.contains(name)));
            }
            for name in ["Artists", "Board"] {
                let keys: Vec<&GroupName> = world
                    .entries
                    .iter()
                    .filter(|(_, entry)| matches!(entry, Entry::Group(group) if group.name == name))
                    .map(|(key, _)| key)
                    .collect();
                let reading = &reading.groups[name].members;
                if let Ok(list) = reading.complete() {
                    let [key] = keys[..] else { panic!("seed {seed}: {name} is whole, and there are {keys:?}") };
                    let list: BTreeSet<String> = list.get().iter().map(ToString::to_string).collect();
                    assert_eq!(list, world.members(key), "seed {seed}: {name}");
                } else if world.fault == Fault::None {
                    assert_ne!(keys.len(), 1, "seed {seed}: {name}: {reading:?}");
                }
            }
        }
    }
}
