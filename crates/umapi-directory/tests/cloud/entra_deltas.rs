//! Entra ID, with a mirror that is brought up to date by what changed.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::json;
use umapi_directory::{Directory, GapCause, MirroredDirectory, PersonId, Query};

use super::{
    Read,
    entra::{company, directory, faults, names},
    fake::{
        Fake, Fault,
        entra::{Entra, device_id, group_id, user_id},
    },
    jumping, query, try_read,
};

fn mirrored(fake: &Fake<Entra>, folder: &Path) -> MirroredDirectory {
    let source: Arc<dyn Directory> = Arc::new(directory(fake));
    let age = Some(Duration::from_secs(7 * 24 * 60 * 60));
    MirroredDirectory::new(source, folder.join("entra.mirror"), age, jumping().clock())
}

/// Reads through a mirror, which must say the same as a read of everything.
async fn read_both(fake: &Fake<Entra>, folder: &Path, query: &Query) -> (Read, Vec<String>) {
    fake.clear();
    let by_mirror = try_read(&mirrored(fake, folder), query).await.unwrap();
    let log = fake.log();
    let fresh = try_read(&directory(fake), query).await.unwrap();
    assert_eq!(by_mirror.people, fresh.people);
    assert_eq!(by_mirror.reading.groups.len(), fresh.reading.groups.len());
    for (name, group) in &fresh.reading.groups {
        let sorted = |read: &Read| {
            read.reading.groups[name].members.found().map(|members| {
                let mut members: Vec<PersonId> = members.clone();
                members.sort();
                members
            })
        };
        assert_eq!(sorted(&by_mirror), sorted(&fresh), "{name}");
        assert_eq!(by_mirror.causes(name), group.members.gaps().iter().map(|gap| gap.cause).collect::<Vec<_>>());
    }
    (by_mirror, log)
}

fn is_delta(log: &[String]) -> bool {
    log.iter().all(|line| !line.contains("/v1.0/users?") && !line.contains("$deltatoken=latest"))
}

#[tokio::test]
async fn a_delta_tells_joiners_leavers_and_everything_between() {
    for groups in [&["Design", "Film", "New"][..], &["*"]] {
        for (is_minimal, page_size) in [(false, 200), (true, 1)] {
            let (fake, folder) = (company(), tempfile::tempdir().unwrap());
            if is_minimal {
                fake.service.minimal();
            }
            fake.service.page_size(page_size);
            let query = query(groups, &["mail", "sn"]);
            let (_, log) = read_both(&fake, folder.path(), &query).await;
            assert!(!is_delta(&log), "the first read reads everything");
            let (_, log) = read_both(&fake, folder.path(), &query).await;
            assert_eq!(log.len(), 2, "nothing changed: {log:?}");

            let entra = &fake.service;
            entra.put_user(20, &json!({ "surname": "Joiner" }));
            entra.add_member(3, "user", user_id(20));
            entra.delete_user(4);
            entra.put_user(0, &json!({ "surname": "Married" }));
            entra.put_user(1, &json!({ "accountEnabled": false }));
            entra.remove_member(2, user_id(2));
            let (read, log) = read_both(&fake, folder.path(), &query).await;
            assert!(is_delta(&log), "{log:?}");
            assert_eq!(read.members("Film"), names(&[20, 3, 5]));
            assert_eq!(read.members("Design"), names(&[0, 1]));

            // Groups: a new one below another, one that the query asks for, a renamed one, a deleted one.
            entra.put_group(7, "Deep", &[("user", user_id(9)), ("device", device_id(7))]);
            entra.add_member(2, "group", group_id(7));
            entra.put_group(8, "New", &[("user", user_id(8)), ("group", group_id(1))]);
            entra.rename_group(3, "Movies");
            entra.add_member(1, "device", device_id(3));
            entra.delete_group(4);
            let (read, log) = read_both(&fake, folder.path(), &query).await;
            assert!(is_delta(&log), "{log:?}");
            assert_eq!(read.members("New"), names(&[0, 1, 8, 9]));
            match groups {
                ["*"] => {
                    assert!(read.reading.groups.contains_key("Movies") && !read.reading.groups.contains_key("Film"))
                }
                _ => assert_eq!(read.causes("Film"), [GapCause::NotFound], "a renamed group removes nobody"),
            }

            // A second group of the name.
            entra.put_group(9, "Design", &[]);
            let (read, log) = read_both(&fake, folder.path(), &query).await;
            assert!(is_delta(&log), "{log:?}");
            assert_eq!(read.causes("Design"), [GapCause::Ambiguous]);
        }
    }
}

#[tokio::test]
async fn a_forgotten_cursor_makes_everything_be_read_again() {
    let (fake, folder) = (company(), tempfile::tempdir().unwrap());
    let query = query(&["Film"], &["mail"]);
    read_both(&fake, folder.path(), &query).await;
    fake.service.delete_user(3);
    fake.service.forget_cursors();
    let (read, log) = read_both(&fake, folder.path(), &query).await;
    assert!(!is_delta(&log));
    assert_eq!(read.members("Film"), names(&[4, 5]));
    assert!(read.reading.notices[0].contains("ResyncRequired"), "{:?}", read.reading.notices);
}

#[tokio::test]
async fn another_query_reads_everything_again() {
    let (fake, folder) = (company(), tempfile::tempdir().unwrap());
    read_both(&fake, folder.path(), &query(&["Film"], &["mail"])).await;
    for query in [query(&["Film"], &["mail", "department"]), query(&["Film", "Design"], &["mail", "department"])] {
        let (_, log) = read_both(&fake, folder.path(), &query).await;
        assert!(!is_delta(&log));
        let (_, log) = read_both(&fake, folder.path(), &query).await;
        assert!(is_delta(&log));
    }
}

#[tokio::test]
async fn no_fault_in_a_delta_shows_somebody_as_gone() {
    let query = query(&["Film", "Design"], &["mail"]);
    // A delta with several pages, a new group, and a person who is looked up.
    let change = |fake: &Fake<Entra>| {
        fake.service.minimal();
        for number in 0..4 {
            fake.service.put_user(number, &json!({ "mail": format!("new{number}@example.com") }));
        }
        fake.service.put_group(7, "Deep", &[("user", user_id(9)), ("user", user_id(8))]);
        fake.service.add_member(3, "group", group_id(7));
        fake.service.put_user(20, &json!({}));
        fake.service.add_member(3, "user", user_id(20));
        fake.service.page_size(2);
        fake.clear();
    };
    let (fake, folder) = (company(), tempfile::tempdir().unwrap());
    try_read(&mirrored(&fake, folder.path()), &query).await.unwrap();
    change(&fake);
    try_read(&mirrored(&fake, folder.path()), &query).await.unwrap();
    let steps = fake.log().len();
    assert!(steps > 8, "{:?}", fake.log());
    for number in 0..steps {
        for fault in faults() {
            let (fake, folder) = (company(), tempfile::tempdir().unwrap());
            try_read(&mirrored(&fake, folder.path()), &query).await.unwrap();
            change(&fake);
            fake.fail(number, fault.clone());
            let context = format!("{fault:?} at {number}");
            let check = |read: &Read, context: &str| {
                for (group, right) in [("Film", names(&[20, 3, 4, 5, 8, 9])), ("Design", names(&[0, 1, 2]))] {
                    if read.reading.groups[group].members.complete().is_ok() {
                        assert_eq!(read.members(group), right, "{context}");
                    }
                }
                if let Ok(people) = read.reading.people.complete() {
                    assert_eq!(people.get(), &11, "{context}");
                }
            };
            // An error removes nobody, either.
            if let Ok(read) = try_read(&mirrored(&fake, folder.path()), &query).await {
                check(&read, &context);
            }
            // The next run makes up for it.
            fake.clear();
            let read = try_read(&mirrored(&fake, folder.path()), &query).await.unwrap();
            check(&read, &context);
            assert!(
                read.reading.people.complete().is_ok() && read.reading.groups["Film"].members.complete().is_ok(),
                "{context}"
            );
        }
    }
}

#[tokio::test]
async fn a_throttled_delta_waits_and_keeps_its_mirror() {
    let (fake, folder) = (company(), tempfile::tempdir().unwrap());
    let query = query(&["Film"], &["mail"]);
    try_read(&mirrored(&fake, folder.path()), &query).await.unwrap();
    fake.clear();
    fake.service.delete_user(3);
    fake.fail(0, Fault::Times(3, 429, vec![("retry-after".to_owned(), "30".to_owned())], String::new()));
    let read = try_read(&mirrored(&fake, folder.path()), &query).await.unwrap();
    assert_eq!(read.members("Film"), names(&[4, 5]));
    assert!(is_delta(&fake.log()));
}
