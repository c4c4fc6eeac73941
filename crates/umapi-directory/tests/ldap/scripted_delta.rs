//! Servers that tell changes, as real ones do seldom, and as broken ones do: nobody is lost, and the next run is right again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use umapi_directory::{Directory as _, GroupSelector, LdapDirectory, LdapSettings, MirroredDirectory, Person, Query};
use umapi_time::ManualClock;

use crate::{
    Read,
    scripted::{Answer, FAULTS, Fault, PEOPLE, Search, group, of, person, serve},
};

/// What a domain controller holds.
#[derive(Clone)]
struct World {
    /// The numbers of the people, all of them members of the group.
    people: Vec<usize>,
    /// What changed since the first cookie: identities, and whether they are deleted.
    changed: Vec<(String, bool)>,
    version: u8,
    controller: &'static str,
    /// How many answers tell the changes.
    answers: usize,
}

type Shared = Arc<Mutex<World>>;

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn entry_of(world: &World, name: &str) -> Option<Answer> {
    if name.contains(&hex("everyone")) || name.to_lowercase().starts_with("cn=everyone") {
        return Some(everyone(world));
    }
    let is_it =
        |number: &&usize| name.contains(&hex(&format!("id-{number}"))) || name.starts_with(&format!("cn=p{number},"));
    world.people.iter().find(is_it).map(|&number| person(number))
}

fn everyone(world: &World) -> Answer {
    let Answer::Entry(name, mut fields) = group("member", world.people.iter().copied()) else { unreachable!() };
    fields.push(("objectGUID".to_owned(), vec![b"everyone".to_vec()]));
    Answer::Entry(name, fields)
}

fn done() -> Answer {
    Answer::Done(0, Vec::new())
}

fn words(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

/// What a correct domain controller answers.
fn answer(world: &World, search: &Search) -> Vec<Answer> {
    let base = search.base.as_str();
    if base.is_empty() {
        let capability = words(&["1.2.840.113556.1.4.800"]);
        let (domain, controller, schema) =
            (words(&["dc=example,dc=com"]), words(&[world.controller]), words(&["cn=schema"]));
        let fields = [
            ("supportedCapabilities", &*capability),
            ("defaultNamingContext", &*domain),
            ("dsServiceName", &*controller),
            ("schemaNamingContext", &*schema),
        ];
        return vec![Answer::entry("", &fields), done()];
    }
    if base == "cn=schema" {
        let (name, flags) = (words(&["mail"]), words(&["16"]));
        return vec![
            Answer::entry("cn=mail,cn=schema", &[("lDAPDisplayName", &name), ("systemFlags", &flags)]),
            done(),
        ];
    }
    if base.starts_with("CN=Deleted Objects") {
        return vec![Answer::entry("cn=x,cn=Deleted Objects,dc=example,dc=com", &[]), done()];
    }
    if let Some(cookie) = &search.changes_since {
        return changes(world, cookie);
    }
    if base.starts_with("<GUID=") || base.starts_with("cn=p") || base.starts_with("cn=Everyone") {
        return match entry_of(world, base) {
            Some(entry) => vec![entry, done()],
            None => vec![Answer::Done(32, Vec::new())],
        };
    }
    if search.attributes.iter().any(|attribute| attribute == "cn") {
        return vec![everyone(world), done()];
    }
    world.people.iter().map(|&number| person(number)).chain([done()]).collect()
}

/// A cookie says which changes are known, and how many answers told more of them.
fn changes(world: &World, cookie: &[u8]) -> Vec<Answer> {
    let &[version, count] = cookie else { return vec![Answer::Changes(0, false, vec![world.version, 0])] };
    if version == world.version {
        return vec![Answer::Changes(0, false, cookie.to_vec())];
    }
    let next = count + 1;
    let has_more = usize::from(next) < world.answers;
    let mut told: Vec<Answer> = Vec::new();
    for (id, is_deleted) in &world.changed {
        let (guid, deleted, name) = (words(&[id]), words(&["TRUE"]), words(&["x"]));
        let fields: &[(&str, &[String])] = match is_deleted {
            true => &[("objectGUID", &guid), ("isDeleted", &deleted), ("name", &name)],
            false => &[("objectGUID", &guid), ("instanceType", &name)],
        };
        told.push(Answer::entry("cn=x,dc=example,dc=com", fields));
    }
    let cookie = if has_more { vec![version, next] } else { vec![world.version, 0] };
    told.push(Answer::Changes(0, has_more, cookie));
    told
}

struct Mirror {
    world: Shared,
    /// The search that is answered in another way, and how.
    fault: Arc<Mutex<Option<(usize, Fault)>>>,
    searches: Arc<AtomicUsize>,
    url: String,
    folder: tempfile::TempDir,
    clock: ManualClock,
}

impl Mirror {
    async fn new() -> Self {
        let people: Vec<usize> = (0..PEOPLE).collect();
        let world = World { people, changed: Vec::new(), version: 1, controller: "cn=dc1", answers: 1 };
        let world = Arc::new(Mutex::new(world));
        let fault: Arc<Mutex<Option<(usize, Fault)>>> = Arc::default();
        let searches = Arc::new(AtomicUsize::new(0));
        let (shared, faults, count) = (Arc::clone(&world), Arc::clone(&fault), Arc::clone(&searches));
        let url = serve(move |_, search| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let answers = answer(&shared.lock().unwrap(), search);
            match *faults.lock().unwrap() {
                Some((at, fault)) if at == number => fault(answers),
                _ => answers,
            }
        })
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        Self { world, fault, searches, url, folder, clock: ManualClock::new() }
    }

    async fn read(&self) -> Result<Read, umapi_directory::DirectoryError> {
        self.searches.store(0, Ordering::SeqCst);
        let settings = LdapSettings { timeout: Some(2), ..of(&self.url) };
        let directory = LdapDirectory::new(settings, Some("secret".into()), std::env::temp_dir());
        let path = self.folder.path().join("mirror");
        let max_age = Some(Duration::from_secs(1_000_000));
        let directory = MirroredDirectory::new(Arc::new(directory), path, max_age, self.clock.clock());
        let groups = vec![GroupSelector::Named("Everyone".to_owned())];
        let query = Query { groups, attributes: vec!["mail".to_owned()], everyone: true };
        let mut people = BTreeMap::new();
        let mut take = |person: Person| assert!(people.insert(person.id.clone(), person).is_none());
        let reading = directory.read(&query, &mut take).await?;
        Ok(Read { people, reading })
    }

    /// A joiner and a leaver, and the group of both.
    fn change(&self) {
        let mut world = self.world.lock().unwrap();
        world.people.remove(0);
        world.people.push(PEOPLE);
        world.version += 1;
        world.changed =
            vec![("id-0".to_owned(), true), (format!("id-{PEOPLE}"), false), ("everyone".to_owned(), false)];
    }

    /// The people, and the members of the group.
    fn truth(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.world.lock().unwrap().people.iter().map(|number| format!("cn=p{number}")).collect();
        names.sort();
        names
    }
}

impl Read {
    fn names(&self) -> Vec<String> {
        let name = |person: &Person| person.place.split(',').next().unwrap_or_default().to_owned();
        let mut names: Vec<String> = self.people.values().map(name).collect();
        names.sort();
        names
    }

    fn assert_is(&self, truth: &[String], what: &str) {
        assert!(self.reading.people.complete().is_ok(), "{what}: {:?}", self.reading);
        assert!(self.reading.groups["Everyone"].members.complete().is_ok(), "{what}: {:?}", self.reading);
        assert_eq!((self.names(), self.members("Everyone")), (truth.to_vec(), truth.to_vec()), "{what}");
    }

    fn was_delta(&self) -> bool {
        !self.reading.notices.iter().any(|notice| notice.contains("everything is read"))
    }
}

#[tokio::test]
async fn a_joiner_and_a_leaver_are_a_delta() {
    for answers in [1, 3] {
        let mirror = Mirror::new().await;
        mirror.read().await.unwrap().assert_is(&mirror.truth(), "at first");
        let unchanged = mirror.read().await.unwrap();
        assert!(unchanged.was_delta(), "{:?}", unchanged.reading.notices);
        mirror.change();
        mirror.world.lock().unwrap().answers = answers;
        let read = mirror.read().await.unwrap();
        assert!(read.was_delta(), "{:?}", read.reading.notices);
        read.assert_is(&mirror.truth(), "after the change");
    }
}

/// The searches of a delta with a joiner and a leaver. One more than there are is asked for in the test.
const MOST_SEARCHES: usize = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_in_a_delta_loses_nobody_and_is_mended() {
    let mut runs = Vec::new();
    let turns = Arc::new(tokio::sync::Semaphore::new(24));
    for number in 0..MOST_SEARCHES {
        for &(name, fault) in FAULTS {
            let turns = Arc::clone(&turns);
            runs.push(tokio::spawn(async move {
                let _turn = turns.acquire().await;
                let what = format!("{name} at search {number}");
                let mirror = Mirror::new().await;
                mirror.read().await.unwrap().assert_is(&mirror.truth(), &what);
                mirror.change();
                *mirror.fault.lock().unwrap() = Some((number, fault));
                let read = mirror.read().await;
                let is_hit = mirror.searches.load(Ordering::SeqCst) > number;
                if let Ok(read) = &read {
                    let truth = mirror.truth();
                    let group = &read.reading.groups["Everyone"].members;
                    if read.reading.people.complete().is_ok() {
                        assert!(truth.iter().all(|name| read.names().contains(name)), "{what}: {:?}", read.names());
                    }
                    if group.complete().is_ok() {
                        let members = read.members("Everyone");
                        assert!(truth.iter().all(|name| members.contains(name)), "{what}: {members:?}");
                    }
                } else if let Err(error) = &read {
                    // A server that cannot be used at all: nothing is known, and the mirror stays.
                    assert!(number < 1, "{what}: {error}");
                }
                *mirror.fault.lock().unwrap() = None;
                mirror.read().await.unwrap().assert_is(&mirror.truth(), &format!("after {what}"));
                is_hit
            }));
        }
    }
    let mut hits = 0;
    for run in runs {
        hits += usize::from(run.await.expect("nothing panics"));
    }
    assert!(hits >= FAULTS.len() * 6, "{hits} faults were met");
}

#[tokio::test]
async fn a_mirror_is_of_one_domain_controller() {
    let mirror = Mirror::new().await;
    mirror.read().await.unwrap();
    mirror.change();
    mirror.world.lock().unwrap().controller = "cn=dc2";
    let read = mirror.read().await.unwrap();
    assert!(read.reading.notices.iter().any(|notice| notice.contains("another server answered")));
    read.assert_is(&mirror.truth(), "by another controller");
    assert!(mirror.read().await.unwrap().was_delta());
}

#[tokio::test]
async fn a_cookie_that_is_refused_makes_everything_be_read() {
    let refusals: [(&str, Fault); 4] = [
        ("result code 53", |_| vec![Answer::Changes(53, false, vec![9])]),
        ("result code 12", |_| vec![Answer::Done(12, Vec::new())]),
        ("no cookie", |_| vec![Answer::Done(0, Vec::new())]),
        ("same cookie", |_| vec![Answer::Changes(0, true, vec![1, 0])]),
    ];
    for (why, refusal) in refusals {
        let mirror = Mirror::new().await;
        mirror.read().await.unwrap();
        mirror.change();
        // A search of the root entry comes first.
        *mirror.fault.lock().unwrap() = Some((1, refusal));
        let read = mirror.read().await.unwrap();
        assert!(read.reading.notices.iter().any(|notice| notice.contains(why)), "{why}: {:?}", read.reading.notices);
        read.assert_is(&mirror.truth(), why);
    }
}

#[tokio::test]
async fn what_is_hidden_after_it_changed_is_not_gone() {
    let mirror = Mirror::new().await;
    mirror.read().await.unwrap();
    {
        let mut world = mirror.world.lock().unwrap();
        world.people.remove(0);
        world.version += 1;
        // It changed, is not deleted, and cannot be seen.
        world.changed = vec![("id-0".to_owned(), false)];
    }
    let read = mirror.read().await.unwrap();
    assert!(read.reading.notices.iter().any(|notice| notice.contains("cannot be seen any more")));
}

#[tokio::test]
async fn an_entry_in_place_of_another_is_no_change() {
    let mirror = Mirror::new().await;
    mirror.read().await.unwrap();
    {
        let mut world = mirror.world.lock().unwrap();
        world.changed = vec![("id-1".to_owned(), false)];
        world.version += 1;
    }
    *mirror.fault.lock().unwrap() = Some((2, |_| vec![person(2), done()]));
    let read = mirror.read().await.unwrap();
    assert!(read.reading.notices.iter().any(|notice| notice.contains("another entry")), "{:?}", read.reading.notices);
    read.assert_is(&mirror.truth(), "another entry");
}

#[tokio::test]
async fn a_mirror_that_two_servers_filled_is_not_kept() {
    let mirror = Mirror::new().await;
    let other = Mirror::new().await;
    // The first one is lost while its people are read.
    *mirror.fault.lock().unwrap() = Some((5, |_| vec![Answer::Close]));
    let settings = LdapSettings { url: vec![mirror.url.clone(), other.url.clone()], ..of("") };
    let directory = LdapDirectory::new(settings, Some("secret".into()), std::env::temp_dir());
    let path = mirror.folder.path().join("mirror");
    let directory = MirroredDirectory::new(Arc::new(directory), &path, Some(Duration::MAX), mirror.clock.clock());
    let groups = vec![GroupSelector::Named("Everyone".to_owned())];
    let query = Query { groups, attributes: vec!["mail".to_owned()], everyone: true };
    let reading = directory.read(&query, &mut |_| {}).await.expect("it is read");
    assert!(reading.people.complete().is_ok(), "{reading:?}");
    assert!(reading.notices.iter().any(|notice| notice.contains("another server went on")), "{:?}", reading.notices);
    assert!(!path.exists());
}
