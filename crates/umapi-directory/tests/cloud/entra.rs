//! Entra ID, read as a whole.

use std::sync::OnceLock;

use serde_json::json;
use umapi_directory::{Directory as _, EntraCredential, EntraDirectory, EntraSettings, GapCause};
use umapi_http::Secret;
use umapi_time::Clock;

use super::{
    fake::{
        Fake, Fault,
        entra::{CLIENT, Entra, SECRET, TENANT, group_id, user_id},
        key_and_certificate,
    },
    http, jumping, query, try_read,
};

pub(super) fn settings(url: &str) -> EntraSettings {
    serde_json::from_value(json!({ "tenant": TENANT, "client_id": CLIENT, "login_url": url, "graph_url": url }))
        .unwrap()
}

pub(super) fn directory_with(url: &str, credential: EntraCredential, clock: Clock) -> EntraDirectory {
    EntraDirectory::new(settings(url), credential, http(), clock).unwrap()
}

pub(super) fn directory(fake: &Fake<Entra>) -> EntraDirectory {
    directory_with(&fake.url, EntraCredential::Secret(Secret::from(SECRET)), jumping().clock())
}

/// Ten people; Design with a group below it and a device, Film, and Nobody without members.
pub(super) fn company() -> Fake<Entra> {
    Fake::start(Entra::company())
}

pub(super) fn names(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| format!("user{number}@example.com")).collect()
}

#[tokio::test]
async fn people_and_nested_groups_are_read_whole_page_by_page() {
    for page_size in [1, 2, 999] {
        for groups in [&["design", "Film", "Nobody"][..], &["*"]] {
            let fake = company();
            fake.service.page_size(page_size);
            let read = try_read(&directory(&fake), &query(groups, &["mail"])).await.unwrap();
            assert_eq!(read.reading.people.complete().unwrap().get(), &10);
            let design = if groups == ["*"] { "Design" } else { "design" };
            assert_eq!(read.members(design), names(&[0, 1, 2]), "circles are no problem, devices do not count");
            assert_eq!(read.members("Film"), names(&[3, 4, 5]));
            assert_eq!(read.members("Nobody").len(), 0);
            assert_eq!(read.reading.groups.contains_key("Interns"), groups == ["*"]);
            assert!(read.reading.group_list.complete().is_ok());
            assert_eq!(fake.service.logins(), 1);
        }
    }
}

#[tokio::test]
async fn a_certificate_logs_in_with_a_signed_assertion() {
    let fake = company();
    let (key, certificate) = key_and_certificate();
    let both = EntraCredential::Key {
        private_key: Secret::from(format!("{key}{certificate}")),
        passphrase: None,
        certificate: None,
    };
    let apart = EntraCredential::Key {
        private_key: Secret::from(key),
        passphrase: None,
        certificate: Some(certificate.to_owned()),
    };
    for credential in [both, apart] {
        let directory = directory_with(&fake.url, credential, jumping().clock());
        let read = try_read(&directory, &query(&["Film"], &[])).await.unwrap();
        assert_eq!(read.members("Film").len(), 3);
    }
    let alone = EntraCredential::Key { private_key: Secret::from(key), passphrase: None, certificate: None };
    let error = EntraDirectory::new(settings(&fake.url), alone, http(), jumping().clock()).unwrap_err();
    assert!(error.reason.contains("no certificate"), "{error}");
}

#[tokio::test]
async fn a_refused_login_names_what_to_correct_and_no_secret() {
    static PLANTED: OnceLock<String> = OnceLock::new();
    let wrong = PLANTED.get_or_init(|| format!("{SECRET}-wrong"));
    let fake = company();
    let directory = directory_with(&fake.url, EntraCredential::Secret(Secret::from(wrong.as_str())), jumping().clock());
    let error = try_read(&directory, &query(&["Film"], &[])).await.err().unwrap();
    assert!(!error.is_temporary && error.reason.contains("AADSTS7000215"), "{error}");
    assert!(error.reason.contains("value of the client secret"), "{error}");
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
}

#[tokio::test]
async fn a_missing_right_is_named() {
    for (right, groups) in [("User.Read.All", "Film"), ("GroupMember.Read.All", "Film"), ("GroupMember.Read.All", "*")]
    {
        let fake = company();
        fake.service.deny(right);
        let error = try_read(&directory(&fake), &query(&[groups], &[])).await.err().unwrap();
        assert!(!error.is_temporary, "{error}");
        assert!(error.remedy.as_ref().unwrap().contains(&format!("grant {right} to")), "{error:?}");
        fake.service.deny(if right.starts_with("User") { "GroupMember.Read.All" } else { "User.Read.All" });
        let error = try_read(&directory(&fake), &query(&[groups], &[])).await.err().unwrap();
        let both = "grant User.Read.All and GroupMember.Read.All to the application";
        assert!(error.remedy.as_ref().unwrap().contains(both), "{error:?}");
    }
}

#[tokio::test]
async fn groups_are_found_by_name_and_by_id_and_two_of_a_name_are_ambiguous() {
    let fake = company();
    fake.service.put_group(5, "FILM", &[("user", user_id(9))]);
    fake.service.put_group(6, "O'Neil & Söhne +1", &[("user", user_id(8))]);
    let film = group_id(3);
    let wanted = ["film", &film, "O'Neil & Söhne +1", "Gone", &group_id(77)];
    let read = try_read(&directory(&fake), &query(&wanted, &[])).await.unwrap();
    assert_eq!(read.causes("film"), [GapCause::Ambiguous]);
    assert_eq!(read.gaps("film")[0].detail, format!("{}; {}", group_id(3), group_id(5)));
    assert_eq!(read.members(&film), names(&[3, 4, 5]));
    assert_eq!(read.members("O'Neil & Söhne +1"), names(&[8]));
    assert_eq!(read.causes("Gone"), [GapCause::NotFound]);
    assert_eq!(read.causes(&group_id(77)), [GapCause::NotFound]);
    let all = try_read(&directory(&fake), &query(&["*"], &[])).await.unwrap();
    assert!(
        all.reading.groups.values().any(|group| group
            .members
            .gaps()
            .iter()
            .any(|gap| gap.cause == GapCause::Ambiguous))
    );
}

#[tokio::test]
async fn guests_and_disabled_accounts_are_told_apart() {
    let fake = company();
    fake.service.put_user(0, &json!({ "userType": "Guest", "mail": null }));
    fake.service.put_user(1, &json!({ "accountEnabled": false, "extension_0123456789abcdef_costCenter": "4711" }));
    let attributes = ["mail", "sn", "c", "extension_0123456789abcdef_costCenter", "employeeNumber", "uid"];
    let read = try_read(&directory(&fake), &query(&[], &attributes)).await.unwrap();
    let person = |number: usize| &read.people[&umapi_directory::PersonId::new(user_id(number))];
    assert_eq!(person(0).attributes.first("userType"), Some("Guest"));
    assert!(person(0).is_enabled && !person(1).is_enabled);
    assert_eq!(person(1).attributes.first("extension_0123456789abcdef_costCenter"), Some("4711"));
    assert_eq!((person(2).attributes.first("sn"), person(2).attributes.first("c")), (Some("Sur2"), Some("US")));
    assert_eq!(read.reading.notices, ["Entra ID has no attribute `uid`"]);
}

#[tokio::test]
async fn an_unknown_extension_is_named() {
    let fake = company();
    let error = try_read(&directory(&fake), &query(&[], &["extension_0_x"])).await.err().unwrap();
    assert!(error.reason.contains("extension_0_x") && error.remedy.as_ref().unwrap().contains("[people]"), "{error:?}");
}

#[tokio::test]
async fn hidden_members_need_a_right_of_their_own() {
    for (groups, film) in [(&["Film"][..], "Film"), (&["*"], "Film")] {
        let fake = company();
        fake.service.hide_group(3);
        let read = try_read(&directory(&fake), &query(groups, &[])).await.unwrap();
        assert_eq!(read.causes(film), [GapCause::Refused], "{groups:?}");
        assert!(read.gaps(film)[0].detail.contains("grant Member.Read.Hidden "), "{:?}", read.gaps(film));
        fake.service.grant("Member.Read.Hidden");
        let read = try_read(&directory(&fake), &query(groups, &[])).await.unwrap();
        assert_eq!(read.members(film).len(), 3);
    }
}

#[tokio::test]
async fn users_without_a_state_make_no_whole_list() {
    let fake = company();
    fake.service.put_user(3, &json!({ "accountEnabled": null }));
    let read = try_read(&directory(&fake), &query(&["Film", "Design"], &[])).await.unwrap();
    assert!(read.reading.people.complete().is_err());
    assert_eq!(read.causes("Film"), [GapCause::Unidentified]);
    assert_eq!(read.members("Design"), names(&[0, 1, 2]));
}

#[tokio::test]
async fn a_member_who_is_deleted_meanwhile_is_no_member() {
    let fake = company();
    // Listed in the group, and gone when people are read.
    fake.service.add_member(3, "user", user_id(500));
    let read = try_read(&directory(&fake), &query(&["Film"], &[])).await.unwrap();
    assert_eq!(read.members("Film"), names(&[3, 4, 5]));
    assert!(fake.log().iter().any(|line| line.contains(&format!("/users/{}", user_id(500)))));
}

#[tokio::test]
async fn throttled_requests_wait_and_then_succeed() {
    let retry_after = vec![("retry-after".to_owned(), "17".to_owned())];
    for status in [429, 503] {
        let fake = company();
        fake.service.page_size(3);
        for number in 0..6 {
            fake.fail(number, Fault::Times(2, status, retry_after.clone(), String::new()));
        }
        let clock = jumping();
        let credential = EntraCredential::Secret(Secret::from(SECRET));
        let begun = clock.clock().now();
        let directory = directory_with(&fake.url, credential, clock.clock());
        let read = try_read(&directory, &query(&["Film", "Design"], &[])).await.unwrap();
        assert_eq!(read.members("Film").len(), 3);
        assert!(read.reading.people.complete().is_ok());
        assert!((clock.clock().now() - begun).as_secs() >= 2 * 17 * 4, "{status}");
    }
}

#[tokio::test]
async fn an_expired_token_is_replaced_in_the_middle_of_a_list() {
    let fake = company();
    fake.service.page_size(2);
    for number in [1, 3, 5, 7] {
        fake.fail(number, Fault::TokenExpired);
    }
    let read = try_read(&directory(&fake), &query(&["Film", "Design"], &[])).await.unwrap();
    assert!(read.reading.people.complete().is_ok());
    assert_eq!(read.members("Design"), names(&[0, 1, 2]));
    // Requests that are in flight together share a new login.
    assert!((2..=5).contains(&fake.service.logins()), "{}", fake.service.logins());
}

/// Every fault that leaves a hole.
pub(super) fn faults() -> Vec<Fault> {
    let error = |code: &str| json!({ "error": { "code": code, "message": "planted" } }).to_string();
    let status = |status: u16, code: &str| Fault::Status(status, Vec::new(), error(code));
    vec![
        Fault::Cut,
        status(500, "InternalServerError"),
        status(403, "Authorization_RequestDenied"),
        status(401, "InvalidAuthenticationToken"),
        status(404, "Request_ResourceNotFound"),
        status(400, "BadRequest"),
        status(302, ""),
        Fault::Status(429, vec![("retry-after".to_owned(), "600".to_owned())], error("TooManyRequests")),
        Fault::Status(503, Vec::new(), "<html>".to_owned()),
        Fault::Body(String::new()),
        Fault::Body("{}".to_owned()),
        Fault::Body("[]".to_owned()),
        Fault::Body("<html>login</html>".to_owned()),
        Fault::Body(r#"{"value":[{"id":"#.to_owned()),
        Fault::Body(r#"{"value":[{}]}"#.to_owned()),
        Fault::Body(r#"{"value":null}"#.to_owned()),
        Fault::NextAt("http://127.0.0.1:9/v1.0/users?$skiptoken=1".to_owned()),
        Fault::NextAt("http://graph.example/v1.0/users".to_owned()),
        Fault::NextAt("/v1.0/users".to_owned()),
        Fault::NextAt(String::new()),
        Fault::NextIsSame,
    ]
}

#[tokio::test]
async fn no_fault_at_any_page_makes_a_list_whole_that_is_not() {
    for groups in [&["Film"][..], &["*"], &["Film", "Interns"]] {
        let counted = company();
        counted.service.page_size(2);
        try_read(&directory(&counted), &query(groups, &[])).await.unwrap();
        for number in 0..counted.log().len() {
            for fault in faults() {
                let fake = company();
                fake.service.page_size(2);
                fake.fail(number, fault.clone());
                let read = match try_read(&directory(&fake), &query(groups, &[])).await {
                    // Nothing was read at all, or the directory cannot be used: nothing is removed either.
                    Err(_) => continue,
                    Ok(read) => read,
                };
                // Which request has this number depends on which group answers first.
                let Some(target) = fake.faulted().into_iter().next() else { continue };
                let is_item = target.contains("/groups/") && !target.contains("/members") && !target.contains("/delta");
                if is_item && matches!(fault, Fault::NextAt(_) | Fault::NextIsSame) {
                    continue;
                }
                let of_people = target.contains("/users");
                let context = format!("{fault:?} at {number}: {target}");
                if of_people {
                    assert!(read.reading.people.complete().is_err(), "{context}");
                    continue;
                }
                // A group that is whole in spite of the fault is right.
                for (name, group) in &read.reading.groups {
                    let right = match name.as_str() {
                        "Film" => 3,
                        "Design" | "Interns" => 3,
                        _ => 0,
                    };
                    if let Ok(members) = group.members.complete() {
                        assert_eq!(members.get().len(), right, "{context}: {name}");
                    }
                }
                let has_hole = groups == ["*"] && read.reading.group_list.complete().is_err()
                    || groups != ["*"] && read.reading.groups.values().any(|group| group.members.complete().is_err());
                assert!(has_hole, "{context}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_no_whole_list_and_asked_a_few_times_only() {
    let fake = company();
    for number in 0..50 {
        fake.fail(number, Fault::Status(500, Vec::new(), String::new()));
    }
    let error = try_read(&directory(&fake), &query(&["Film", "Design"], &[])).await.err().unwrap();
    assert!(error.is_temporary, "{error}");
    assert!(fake.log().len() <= 15, "{}", fake.log().len());
    let gone = directory_with("http://127.0.0.1:9", EntraCredential::Secret(Secret::from(SECRET)), jumping().clock());
    assert!(try_read(&gone, &query(&["Film"], &[])).await.err().unwrap().is_temporary);
}

#[tokio::test]
async fn one_bad_group_does_not_end_the_others() {
    let counted = company();
    try_read(&directory(&counted), &query(&["Design", "Film"], &[])).await.unwrap();
    let bad = counted.log().iter().position(|line| line.contains("/members")).unwrap();
    let fake = company();
    fake.fail(bad, Fault::Status(500, Vec::new(), String::new()));
    let read = try_read(&directory(&fake), &query(&["Design", "Film"], &[])).await.unwrap();
    let whole = read.reading.groups.values().filter(|group| group.members.complete().is_ok()).count();
    assert_eq!(whole, 1);
    assert!(read.reading.people.complete().is_ok() && read.proves_anything());
}

#[tokio::test]
async fn a_name_that_is_not_accepted_does_not_end_the_others() {
    let fake = company();
    fake.fail(0, Fault::Status(400, Vec::new(), json!({ "error": { "code": "BadRequest" } }).to_string()));
    let read = try_read(&directory(&fake), &query(&["Design", "Film"], &[])).await.unwrap();
    assert_eq!(read.causes("Design"), [GapCause::Unreadable]);
    assert_eq!(read.members("Film"), names(&[3, 4, 5]));
}

#[tokio::test]
async fn many_named_groups_are_read_at_once() {
    let fake = company();
    let names: Vec<String> = (0..60).map(|number| format!("Team {number}")).collect();
    for (number, name) in names.iter().enumerate() {
        fake.service.put_group(100 + number, name, &[("user", user_id(number % 10))]);
    }
    fake.service.put_group(100, "Team 0", &[("group", group_id(1))]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let read = try_read(&directory(&fake), &query(&names, &[])).await.unwrap();
    assert_eq!(read.members("Team 0"), self::names(&[0, 1, 2]));
    assert_eq!(read.reading.groups.len(), 60);
    assert!(fake.log().len() < 5, "{:?}", fake.log());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let credential = || EntraCredential::Secret(Secret::from(SECRET));
    let refused = |change: serde_json::Value| {
        let mut all = json!({ "tenant": TENANT, "client_id": CLIENT });
        all.as_object_mut().unwrap().append(&mut change.as_object().unwrap().clone());
        let settings = serde_json::from_value(all).unwrap();
        EntraDirectory::new(settings, credential(), http(), jumping().clock()).unwrap_err().to_string()
    };
    assert!(refused(json!({ "graph_url": "http://graph.example" })).contains("plain HTTP"));
    assert!(refused(json!({ "login_url": "ftp://x" })).contains("ftp"));
    assert!(refused(json!({ "tenant": "a/../b" })).contains("tenant"));
    for cloud in ["global", "us-government", "us-government-dod", "china"] {
        let settings = json!({ "tenant": TENANT, "client_id": CLIENT, "cloud": cloud });
        let settings: EntraSettings = serde_json::from_value(settings).unwrap();
        assert!(EntraDirectory::new(settings, credential(), http(), jumping().clock()).unwrap().changes().is_some());
    }
}
