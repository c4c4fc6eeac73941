//! Okta, read as a whole and by what changed.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::json;
use umapi_directory::{GapCause, MirroredDirectory, OktaDirectory, OktaLogin, OktaSettings, PersonId};
use umapi_http::Secret;
use umapi_time::{Clock, ManualClock};

use super::{
    Read,
    fake::{
        Fake, Fault, key_and_certificate,
        okta::{CLIENT, Okta, TOKEN, user_id as user},
        public_key,
    },
    http, jumping, query, try_read,
};

fn settings(url: &str) -> OktaSettings {
    serde_json::from_value(json!({ "url": url, "client_id": CLIENT, "page_size": 2 })).unwrap()
}

fn directory_of(fake: &Fake<Okta>, settings: OktaSettings, clock: Clock) -> OktaDirectory {
    let login = OktaLogin::Token(Secret::from(TOKEN));
    OktaDirectory::new(OktaSettings { url: fake.url.clone(), ..settings }, login, http(), clock).unwrap()
}

fn directory(fake: &Fake<Okta>) -> OktaDirectory {
    directory_of(fake, settings(&fake.url), jumping().clock())
}

fn with_key(fake: &Fake<Okta>) -> OktaDirectory {
    let login = OktaLogin::Key(Secret::from(key_and_certificate().0));
    OktaDirectory::new(settings(&fake.url), login, http(), jumping().clock()).unwrap()
}

fn names(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| format!("p{number}@example.com")).collect()
}

fn company() -> Fake<Okta> {
    Fake::start(Okta::company(jumping().clock().wall()))
}

#[tokio::test]
async fn people_and_groups_are_read_whole_page_by_page() {
    for page_size in [1, 2, 200] {
        for groups in [&["design", "Film", "Nobody", "00g1"][..], &["*"]] {
            let fake = company();
            let settings = OktaSettings { page_size: Some(page_size), ..settings(&fake.url) };
            let directory = directory_of(&fake, settings, jumping().clock());
            let read = try_read(&directory, &query(groups, &["email", "countryCode"])).await.unwrap();
            assert_eq!(read.reading.people.complete().unwrap().get(), &10);
            let design = if groups == ["*"] { "Design" } else { "design" };
            assert_eq!(read.members(design), names(&[0, 1, 2]));
            assert_eq!(read.members("Film"), names(&[3, 4, 5, 6, 7]));
            assert_eq!(read.members("Nobody").len(), 0);
            assert!(read.reading.group_list.complete().is_ok() && read.reading.notices.is_empty());
            let person = &read.people[&PersonId::new(user(3))];
            assert_eq!(person.attributes.first("email"), Some("p3@example.com"));
            assert_eq!(person.attributes.iter().count(), 2, "nothing else is kept");
        }
    }
}

#[tokio::test]
async fn a_key_logs_in_with_a_signed_assertion_once() {
    let fake = company();
    fake.service.state().public_key = Some(public_key().to_owned());
    let read = try_read(&with_key(&fake), &query(&["*"], &[])).await.unwrap();
    assert_eq!(read.members("Design"), names(&[0, 1, 2]));
    assert_eq!(fake.service.state().logins, 1);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    for (scope, groups) in [("okta.users.read", &["Film"][..]), ("okta.groups.read", &["Film"])] {
        let fake = company();
        {
            let mut state = fake.service.state();
            state.public_key = Some(public_key().to_owned());
            state.scopes.retain(|granted| granted != scope);
        }
        let error = try_read(&with_key(&fake), &query(groups, &[])).await.err().unwrap();
        assert!(!error.is_temporary, "{error}");
        assert!(error.remedy.as_ref().unwrap().contains(&format!("grant {scope} to the application")), "{error:?}");
    }
    let fake = company();
    {
        let mut state = fake.service.state();
        state.public_key = Some(public_key().to_owned());
        state.scopes.clear();
    }
    let error = try_read(&with_key(&fake), &query(&["Film"], &[])).await.err().unwrap();
    assert!(!error.is_temporary && error.reason.contains("grant okta.users.read and okta.groups.read"), "{error:?}");
}

#[tokio::test]
async fn a_refused_login_names_what_to_correct_and_no_secret() {
    let fake = company();
    let login = OktaLogin::Token(Secret::from("planted-token"));
    let directory = OktaDirectory::new(settings(&fake.url), login, http(), jumping().clock()).unwrap();
    let error = try_read(&directory, &query(&[], &[])).await.err().unwrap();
    assert!(!error.is_temporary && error.reason.contains("Invalid token provided"), "{error}");
    assert!(!format!("{error:?} {directory:?}").contains("planted"), "{error:?}");

    let error = try_read(&with_key(&fake), &query(&[], &[])).await.err().unwrap();
    assert!(!error.is_temporary && error.reason.contains("check `client_id`"), "{error}");

    for (pem, part) in [("planted", "`private_key`"), (key_and_certificate().1, "certificate")] {
        let error =
            OktaDirectory::new(settings(&fake.url), OktaLogin::Key(Secret::from(pem)), http(), jumping().clock());
        let error = error.unwrap_err();
        assert!(error.reason.contains(part) && !error.reason.contains("planted"), "{error}");
    }
    let wrong = OktaSettings { url: "example.okta.com".to_owned(), ..settings(&fake.url) };
    let error = OktaDirectory::new(wrong, OktaLogin::Token(Secret::from("t")), http(), jumping().clock()).unwrap_err();
    assert!(error.reason.contains("does not begin with https://"), "{error}");
}

#[tokio::test]
async fn two_groups_of_a_name_are_ambiguous_and_found_by_id() {
    let fake = company();
    {
        let mut state = fake.service.state();
        state.add_group("00g9", "FILM", &[&user(9)]);
        state.groups.get_mut("00g9").unwrap().kind = "APP_GROUP";
    }
    let read = try_read(&directory(&fake), &query(&["film", "00g9", "Gone"], &[])).await.unwrap();
    assert_eq!((read.causes("film"), read.causes("Gone")), (vec![GapCause::Ambiguous], vec![GapCause::NotFound]));
    assert!(read.gaps("film")[0].detail.contains("00g9") && read.gaps("film")[0].detail.contains("00g2"));
    assert_eq!(read.members("00g9"), names(&[9]));
}

#[tokio::test]
async fn statuses_decide_who_is_in_use_and_who_left() {
    let fake = company();
    for (number, status) in [(0, "SUSPENDED"), (1, "DEPROVISIONED"), (3, "LOCKED_OUT"), (4, "STAGED")] {
        fake.service.state().change_user(&user(number), |user| user.status = status);
    }
    let read = try_read(&directory(&fake), &query(&["*"], &[])).await.unwrap();
    assert_eq!(read.reading.people.complete().unwrap().get(), &9, "who was deactivated is not in the list");
    let is_enabled = |number: usize| read.people[&PersonId::new(user(number))].is_enabled;
    assert_eq!([0, 3, 4, 5].map(is_enabled), [false, true, false, true]);
    assert_eq!(read.members("Design"), names(&[0, 2]));
}

#[tokio::test]
async fn limits_wait_by_the_clock_of_the_server() {
    let fake = company();
    // This machine is an hour ahead of the server.
    let clock = jumping();
    {
        let mut state = fake.service.state();
        state.now = clock.clock().wall() - Duration::from_secs(3600);
    }
    let now = fake.service.state().now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let date = httpdate::fmt_http_date(fake.service.state().now);
    let headers = vec![("x-rate-limit-reset".to_owned(), (now + 40).to_string()), ("date".to_owned(), date)];
    fake.fail(1, Fault::Times(1, 429, headers, String::new()));
    let begun = clock.clock().now();
    let directory = directory_of(&fake, settings(&fake.url), clock.clock());
    let read = try_read(&directory, &query(&["Design"], &[])).await.unwrap();
    assert_eq!(read.members("Design").len(), 3);
    let waited = (clock.clock().now() - begun).as_secs();
    assert!((40..=45).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_limit_that_is_never_reset_ends_the_read() {
    let fake = company();
    fake.service.state().limit = Some((4, 50));
    let read = try_read(&directory(&fake), &query(&["Design"], &[])).await.unwrap();
    assert_eq!(read.reading.people.gaps()[0].cause, GapCause::Throttled);
    assert!(!read.proves_anything());
    assert!(fake.log().len() < 40, "{}", fake.log().len());
}

/// Every fault that leaves a hole.
fn faults() -> Vec<Fault> {
    let error = |code: &str| json!({ "errorCode": code, "errorSummary": "planted" }).to_string();
    let status = |status: u16, code: &str| Fault::Status(status, Vec::new(), error(code));
    let next = |address: &str| Fault::NextAt(address.to_owned());
    vec![
        Fault::Cut,
        status(500, "E0000009"),
        status(403, "E0000006"),
        status(401, "E0000011"),
        status(404, "E0000007"),
        status(400, "E0000031"),
        status(410, "E0000100"),
        status(302, ""),
        Fault::Status(429, vec![("x-rate-limit-reset".to_owned(), "99999999999".to_owned())], error("E0000047")),
        Fault::Status(503, Vec::new(), "<html>".to_owned()),
        Fault::Body(String::new()),
        Fault::Body("{}".to_owned()),
        Fault::Body("[]".to_owned()),
        Fault::Body("null".to_owned()),
        Fault::Body("<html>login</html>".to_owned()),
        Fault::Body(r#"[{"id":"#.to_owned()),
        Fault::Body(r#"[{}]"#.to_owned()),
        next("http://127.0.0.1:9/api/v1/users?after=1"),
        next("https://other.okta.com/api/v1/users"),
        next("/api/v1/users"),
        next(""),
        Fault::NextIsSame,
    ]
}

#[tokio::test]
async fn no_fault_at_any_page_makes_a_list_whole_that_is_not() {
    for groups in [&["Film"][..], &["*"]] {
        let counted = company();
        try_read(&directory(&counted), &query(groups, &[])).await.unwrap();
        for number in 0..counted.log().len() {
            for fault in faults() {
                let fake = company();
                fake.fail(number, fault.clone());
                // Without any reading, nobody is removed either.
                let Ok(read) = try_read(&directory(&fake), &query(groups, &[])).await else { continue };
                // Groups are read at once, so a number is not always the same page.
                let target = fake.faulted().remove(0);
                check(&read, &target, &format!("{fault:?} at {number}: {target}"));
            }
        }
    }
}

fn check(read: &Read, target: &str, context: &str) {
    let is_of_people = target.contains("/api/v1/users");
    assert_eq!(read.reading.people.complete().is_err(), is_of_people, "{context}");
    let whole = |name: &str| read.reading.groups.get(name).and_then(|group| group.members.complete().ok());
    for (name, size) in [("Design", 3), ("Film", 5), ("Nobody", 0)] {
        // A group that is whole in spite of the fault is right.
        assert!(whole(name).is_none_or(|members| members.get().len() == size), "{context}: {name}");
    }
    if target.contains("/groups?") {
        assert!(read.reading.group_list.complete().is_err(), "{context}");
    } else if !is_of_people {
        let holes = read.reading.groups.values().filter(|group| group.members.complete().is_err()).count();
        assert!(holes > 0, "{context}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_a_few_times_only() {
    let fake = company();
    for number in 0..50 {
        fake.fail(number, Fault::Status(500, Vec::new(), String::new()));
    }
    let error = try_read(&directory(&fake), &query(&["Film"], &[])).await.err().unwrap();
    assert!(error.is_temporary && fake.log().len() < 30, "{error}");
}

/// A directory with a mirror.
struct Mirrored {
    fake: Fake<Okta>,
    clock: ManualClock,
    folder: tempfile::TempDir,
    groups: Vec<&'static str>,
}

impl Mirrored {
    async fn new(groups: &[&'static str]) -> Self {
        let (fake, clock) = (company(), jumping());
        let mirrored = Self { fake, clock, folder: tempfile::tempdir().unwrap(), groups: groups.to_vec() };
        let read = mirrored.read().await;
        assert!(read.reading.people.complete().is_ok());
        mirrored
    }

    async fn read(&self) -> Read {
        self.fake.clear();
        self.fake.service.state().now = self.clock.clock().wall();
        let directory = directory_of(&self.fake, settings(&self.fake.url), self.clock.clock());
        let path: &Path = &self.folder.path().join("okta.mirror");
        let week = Duration::from_secs(7 * 24 * 3600);
        let mirror = MirroredDirectory::new(Arc::new(directory), path, Some(week), self.clock.clock());
        try_read(&mirror, &query(&self.groups, &["email"])).await.unwrap()
    }

    /// Lets time pass, then changes the organization.
    fn later(&self, change: impl FnOnce(&mut super::fake::okta::State)) {
        self.clock.advance(Duration::from_secs(600));
        let mut state = self.fake.service.state();
        state.now = self.clock.clock().wall();
        change(&mut state);
    }
}

#[tokio::test]
async fn a_joiner_and_a_leaver_come_without_reading_everything() {
    for groups in [&["Design", "Film"][..], &["*"]] {
        let mirrored = Mirrored::new(groups).await;
        let whole = mirrored.fake.log().len();
        mirrored.later(|state| {
            let joiner = state.add_user(10);
            state.change_members("00g1", |members| members.push(joiner));
            state.change_user(&user(0), |user| user.status = "DEPROVISIONED");
            state.change_user(&user(1), |user| drop(user.profile.insert("email".to_owned(), json!("new@example.com"))));
        });
        let read = mirrored.read().await;
        assert_eq!(read.reading.people.complete().unwrap().get(), &10);
        assert_eq!(read.members("Design"), names(&[10, 1, 2]));
        assert_eq!(read.people[&PersonId::new(user(1))].attributes.first("email"), Some("new@example.com"));
        let log = mirrored.fake.log();
        assert!(log.iter().all(|line| line.contains("filter=") || line.contains("/00g1/users")), "{log:?}");
        assert!(log.len() < whole, "{log:?}");
        assert!(read.reading.notices.is_empty(), "{:?}", read.reading.notices);
    }
}

#[tokio::test]
async fn changes_of_groups_reach_the_mirror() {
    let mirrored = Mirrored::new(&["Design", "Film"]).await;
    mirrored.later(|state| {
        let now = state.now;
        let design = state.groups.get_mut("00g1").unwrap();
        (design.name, design.updated) = ("Drafts".to_owned(), now);
        state.add_group("00g7", "Design", &[&user(8)]);
        state.add_group("00g8", "film", &[&user(9)]);
    });
    let read = mirrored.read().await;
    assert_eq!(read.members("Design"), names(&[8]), "another group has the name now");
    assert_eq!(read.causes("Film"), [GapCause::Ambiguous]);

    mirrored.later(|state| drop(state.groups.remove("00g8")));
    // What was deleted is not told: the mirror keeps it, and nobody is removed.
    let read = mirrored.read().await;
    assert_eq!(read.causes("Film"), [GapCause::Ambiguous], "{:?} {:?}", read.reading.notices, mirrored.fake.log());
    mirrored.clock.advance(Duration::from_secs(8 * 24 * 3600));
    let read = mirrored.read().await;
    assert_eq!(read.members("Film").len(), 5);
}

#[tokio::test]
async fn a_deleted_user_stays_in_the_mirror_until_the_next_whole_read() {
    let mirrored = Mirrored::new(&["Film"]).await;
    mirrored.later(|state| {
        state.users.remove(&user(3));
        state.change_members("00g2", |members| members.retain(|member| *member != user(3)));
    });
    let read = mirrored.read().await;
    assert_eq!(read.members("Film"), names(&[4, 5, 6, 7]), "the group tells that the user is not in it any more");
    assert_eq!(read.reading.people.found(), Some(&10));
    mirrored.clock.advance(Duration::from_secs(8 * 24 * 3600));
    assert_eq!(mirrored.read().await.reading.people.complete().unwrap().get(), &9);
}

#[tokio::test]
async fn no_fault_in_a_delta_loses_a_change_or_a_member() {
    let change = |state: &mut super::fake::okta::State| {
        for number in 10..13 {
            let joiner = state.add_user(number);
            state.change_members("00g1", |members| members.push(joiner));
        }
        state.change_user(&user(0), |user| user.status = "DEPROVISIONED");
    };
    let counted = Mirrored::new(&["Design", "Film"]).await;
    counted.later(change);
    counted.read().await;
    for number in 0..counted.fake.log().len() {
        for fault in faults() {
            let mirrored = Mirrored::new(&["Design", "Film"]).await;
            mirrored.later(change);
            let context = format!("{fault:?} at {number}");
            let directory = directory_of(&mirrored.fake, settings(&mirrored.fake.url), mirrored.clock.clock());
            let path = mirrored.folder.path().join("okta.mirror");
            mirrored.fake.clear();
            mirrored.fake.fail(number, fault);
            let mirror = MirroredDirectory::new(Arc::new(directory), path, Some(Duration::MAX), mirrored.clock.clock());
            if let Ok(read) = try_read(&mirror, &query(&["Design", "Film"], &["email"])).await {
                for (name, size) in [("Design", 5), ("Film", 5)] {
                    let members = read.reading.groups[name].members.complete();
                    assert!(members.is_err_and(|_| true) || members.unwrap().get().len() == size, "{context}: {name}");
                }
                assert!(
                    read.reading.people.complete().is_ok_and(|people| *people.get() == 12)
                        || read.reading.people.complete().is_err(),
                    "{context}"
                );
            }
            // The next run makes up for it.
            let read = mirrored.read().await;
            assert_eq!(read.members("Design"), names(&[10, 11, 12, 1, 2]), "{context}");
            assert_eq!(read.reading.people.complete().unwrap().get(), &12, "{context}");
        }
    }
}

#[tokio::test]
async fn one_group_that_may_not_be_seen_does_not_end_a_delta() {
    let mirrored = Mirrored::new(&["Design", "Film"]).await;
    mirrored.later(|state| {
        let joiner = state.add_user(10);
        state.change_members("00g1", |members| members.push(joiner.clone()));
        state.change_members("00g2", |members| members.push(joiner));
    });
    let directory = directory_of(&mirrored.fake, settings(&mirrored.fake.url), mirrored.clock.clock());
    mirrored.fake.clear();
    // The changed people, the changed groups, then the members of Design.
    mirrored.fake.fail(2, Fault::Status(403, Vec::new(), String::new()));
    let path = mirrored.folder.path().join("okta.mirror");
    let mirror = MirroredDirectory::new(Arc::new(directory), path, Some(Duration::MAX), mirrored.clock.clock());
    let read = try_read(&mirror, &query(&["Design", "Film"], &["email"])).await.unwrap();
    assert!(mirrored.fake.faulted()[0].contains("/00g1/users"), "{:?}", mirrored.fake.faulted());
    assert_eq!(read.causes("Design"), [GapCause::Refused]);
    assert_eq!(read.members("Film").len(), 6);
    assert!(read.reading.people.complete().is_ok());
}

#[tokio::test]
async fn a_server_without_a_clock_or_with_one_that_goes_back_is_read_whole() {
    let mirrored = Mirrored::new(&["Design"]).await;
    mirrored.later(|state| state.tells_time = false);
    let read = mirrored.read().await;
    assert!(read.reading.people.complete().is_ok());
    assert!(mirrored.fake.log().iter().any(|line| line.contains("/users?") && !line.contains("filter=")));

    let mirrored = Mirrored::new(&["Design"]).await;
    mirrored.fake.clear();
    let directory = directory_of(&mirrored.fake, settings(&mirrored.fake.url), mirrored.clock.clock());
    mirrored.fake.service.state().now -= Duration::from_secs(3600);
    let path = mirrored.folder.path().join("okta.mirror");
    let mirror = MirroredDirectory::new(Arc::new(directory), path, Some(Duration::MAX), mirrored.clock.clock());
    let read = try_read(&mirror, &query(&["Design"], &["email"])).await.unwrap();
    assert!(read.reading.notices.iter().any(|notice| notice.contains("went back")), "{:?}", read.reading.notices);
    assert_eq!(read.members("Design").len(), 3);
}
