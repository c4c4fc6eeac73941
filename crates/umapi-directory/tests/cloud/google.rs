//! Google Workspace, read as a whole.

use serde_json::{Value, json};
use umapi_directory::{DirectoryError, GapCause, GoogleDirectory, GoogleSettings, PersonId};
use umapi_http::Secret;
use umapi_time::Clock;

use super::{
    Read,
    fake::{
        Fake, Fault,
        google::{CUSTOMER, Google, SUBJECT, user_id as user},
    },
    http, jumping, query, try_read,
};

fn settings(url: &str, more: &Value) -> GoogleSettings {
    let mut settings = json!({ "key": { "file": "key.json" }, "subject": SUBJECT, "url": url, "page_size": 2 });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(settings).unwrap()
}

fn directory_of(fake: &Fake<Google>, more: &Value, clock: Clock) -> Result<GoogleDirectory, DirectoryError> {
    let key = Secret::from(Google::key(&fake.url).to_string());
    GoogleDirectory::new(settings(&fake.url, more), &key, http(), clock)
}

fn directory(fake: &Fake<Google>) -> GoogleDirectory {
    directory_of(fake, &json!({}), jumping().clock()).unwrap()
}

fn names(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| format!("p{number}@example.com")).collect()
}

fn company() -> Fake<Google> {
    Fake::start(Google::company(jumping().clock().wall()))
}

#[tokio::test]
async fn people_and_nested_groups_are_read_whole_page_by_page() {
    for page_size in [1, 2, 500] {
        for groups in [&["Design@Example.com", "Film", "g4"][..], &["*"]] {
            let fake = company();
            let directory = directory_of(&fake, &json!({ "page_size": page_size }), jumping().clock()).unwrap();
            let read = try_read(&directory, &query(groups, &["givenName", "countryCode"])).await.unwrap();
            assert_eq!(read.reading.people.complete().unwrap().get(), &10);
            let [design, film, nobody] = match groups {
                ["*"] => ["design@example.com", "film@example.com", "nobody@example.com"],
                _ => ["Design@Example.com", "Film", "g4"],
            };
            assert_eq!(read.members(design), names(&[0, 1, 2]), "circles are no problem");
            assert_eq!(read.members(film), names(&[3, 4, 5, 6, 7]));
            assert_eq!(read.members(nobody).len(), 0);
            assert!(read.reading.group_list.complete().is_ok() && read.reading.notices.is_empty());
            assert_eq!(fake.service.state().logins, 1);
            let person = &read.people[&PersonId::new(user(3))];
            assert_eq!(person.attributes.first("givenName"), Some("Pat3"));
            assert_eq!(person.attributes.iter().count(), 2, "nothing else is kept");
        }
    }
}

#[tokio::test]
async fn members_of_groups_in_a_group_can_be_left_out() {
    let fake = company();
    let directory = directory_of(&fake, &json!({ "nested": false }), jumping().clock()).unwrap();
    let read = try_read(&directory, &query(&["Design"], &[])).await.unwrap();
    assert_eq!(read.members("Design"), names(&[0, 1]));
}

#[tokio::test]
async fn own_schemas_are_asked_for_by_name() {
    let fake = company();
    let read = try_read(&directory(&fake), &query(&[], &["Adobe.login", "employeeId", "orgUnitPath"])).await.unwrap();
    let person = &read.people[&PersonId::new(user(3))];
    assert_eq!(person.attributes.first("Adobe.login"), Some("L3"));
    assert_eq!((person.attributes.first("employeeId"), person.attributes.first("orgUnitPath")), (None, Some("/")));
    assert!(fake.log()[0].contains("customFieldMask=Adobe"), "{:?}", fake.log());
}

#[tokio::test]
async fn suspended_and_archived_people_are_not_in_use() {
    let fake = company();
    for (number, field) in [(0, "suspended"), (1, "archived")] {
        fake.service.state().set(&user(number), field, json!(true));
    }
    let read = try_read(&directory(&fake), &query(&["Design"], &[])).await.unwrap();
    let is_enabled = |number: usize| read.people[&PersonId::new(user(number))].is_enabled;
    assert_eq!([0, 1, 2].map(is_enabled), [false, false, true]);
    assert_eq!(read.members("Design"), names(&[0, 1, 2]));
}

#[tokio::test]
async fn members_from_elsewhere_do_not_count_and_everybody_does() {
    let fake = company();
    {
        let mut state = fake.service.state();
        state.add_member("g3", json!({ "email": "guest@gmail.com", "type": "EXTERNAL" }));
        state.add_member("g3", json!({ "id": "9", "email": "guest@other.example", "type": "USER" }));
        state.add_member("g4", json!({ "id": CUSTOMER, "type": "CUSTOMER" }));
    }
    let read = try_read(&directory(&fake), &query(&["Film", "Nobody"], &[])).await.unwrap();
    assert_eq!(read.members("Film"), names(&[3, 4, 5, 6, 7]));
    assert_eq!(read.members("Nobody").len(), 10);
    assert_eq!(read.reading.notices, ["2 members of groups are not of this account"]);
}

#[tokio::test]
async fn a_member_of_the_own_domain_whom_the_list_lacks_is_a_gap() {
    let fake = company();
    fake.service.state().add_member("g3", json!({ "id": "9", "email": "ghost@example.com", "type": "USER" }));
    fake.service.state().add_member("g4", json!({ "id": "9", "type": "SOMETHING" }));
    let read = try_read(&directory(&fake), &query(&["Film", "Nobody", "Design"], &[])).await.unwrap();
    assert!(!read.gaps("Film").is_empty());
    assert_eq!(read.causes("Nobody"), [GapCause::Unreadable]);
    assert_eq!(read.members("Design").len(), 3);
}

#[tokio::test]
async fn nobody_sees_who_is_in_a_group_of_another_organization() {
    let fake = company();
    {
        let mut state = fake.service.state();
        state.foreign.insert("g9".to_owned());
        state.add_member("g3", json!({ "id": "g9", "email": "team@other.example", "type": "GROUP" }));
        state.add_member("g4", json!({ "id": "g77", "email": "deleted@example.com", "type": "GROUP" }));
    }
    let read = try_read(&directory(&fake), &query(&["Film", "Nobody"], &[])).await.unwrap();
    assert_eq!(read.causes("Film"), [GapCause::Refused]);
    assert!(read.gaps("Film")[0].detail.contains("ignore_external_groups"), "{:?}", read.gaps("Film"));
    assert_eq!(read.members("Nobody").len(), 0, "a group that was deleted meanwhile has nobody");

    let directory = directory_of(&fake, &json!({ "ignore_external_groups": true }), jumping().clock()).unwrap();
    let read = try_read(&directory, &query(&["Film"], &[])).await.unwrap();
    assert_eq!(read.members("Film").len(), 5);
}

#[tokio::test]
async fn two_groups_of_a_name_are_ambiguous() {
    let fake = company();
    fake.service.state().add_group("g9", "film2@example.com", "film", &[&user(9)]);
    let read = try_read(&directory(&fake), &query(&["Film", "film2@example.com", "Gone"], &[])).await.unwrap();
    assert_eq!((read.causes("Film"), read.causes("Gone")), (vec![GapCause::Ambiguous], vec![GapCause::NotFound]));
    assert_eq!(read.members("film2@example.com"), names(&[9]));
}

#[tokio::test]
async fn organizational_units_are_groups_if_they_are_asked_for() {
    let fake = company();
    let wanted = ["ou:/sales", "ou:/Empty", "ou:/Gone", "ou:/", "Film"];
    let with_units = json!({ "organizational_units": true });
    let directory_with_units = directory_of(&fake, &with_units, jumping().clock()).unwrap();
    let read = try_read(&directory_with_units, &query(&wanted, &[])).await.unwrap();
    assert_eq!(read.members("ou:/sales"), names(&[0, 1]));
    assert_eq!((read.members("ou:/Empty").len(), read.members("ou:/").len()), (0, 10));
    assert_eq!(read.causes("ou:/Gone"), [GapCause::NotFound]);
    assert_eq!(read.members("Film").len(), 5);

    let read = try_read(&directory(&fake), &query(&wanted, &[])).await.unwrap();
    assert!(read.gaps("ou:/Empty")[0].detail.contains("organizational_units = true"));
    assert!(read.reading.people.complete().is_ok() && read.members("Film").len() == 5);

    fake.service.state().scopes.truncate(2);
    let directory = directory_of(&fake, &with_units, jumping().clock()).unwrap();
    let error = try_read(&directory, &query(&wanted, &[])).await.err().unwrap();
    assert!(error.reason.contains("orgunit.readonly") && error.reason.contains("Domain Wide Delegation"), "{error}");
}

#[tokio::test]
async fn missing_rights_are_named_with_the_page_of_the_console() {
    let fake = company();
    fake.service.state().is_administrator = false;
    let error = try_read(&directory(&fake), &query(&["Film"], &[])).await.err().unwrap();
    assert!(!error.is_temporary && error.reason.contains("Not Authorized"), "{error}");
    assert!(error.remedy.as_ref().unwrap().contains("give admin@example.com a role"), "{error:?}");

    for (scope, part) in [(0, "admin.directory.user.readonly"), (1, "admin.directory.group.readonly")] {
        let fake = company();
        fake.service.state().scopes.remove(scope);
        let error = try_read(&directory(&fake), &query(&["Film"], &[])).await.err().unwrap();
        assert!(!error.is_temporary && error.reason.contains(part), "{error}");
        assert!(error.reason.contains("Manage Domain Wide Delegation"), "{error}");
    }
    // The rights are taken from a token that was valid.
    let fake = company();
    fake.fail(
        0,
        Fault::Status(
            403,
            Vec::new(),
            json!({ "error": { "message": "No", "errors": [{ "reason": "insufficientPermissions" }] } }).to_string(),
        ),
    );
    let error = try_read(&directory(&fake), &query(&["Film"], &[])).await.err().unwrap();
    let remedy = error.remedy.unwrap();
    assert!(remedy.contains("admin.directory.user.readonly") && remedy.contains("Domain Wide Delegation"), "{remedy}");
}

#[tokio::test]
async fn a_refused_login_names_what_to_correct_and_no_secret() {
    let fake = company();
    let subject = json!({ "subject": "ann@example.com" });
    let directory_of_ann = directory_of(&fake, &subject, jumping().clock()).unwrap();
    let error = try_read(&directory_of_ann, &query(&[], &[])).await.err().unwrap();
    assert!(!error.is_temporary && error.reason.contains("check `subject`"), "{error}");

    fake.service.state().public_key = None;
    let error = try_read(&directory(&fake), &query(&[], &[])).await.err().unwrap();
    assert!(error.reason.contains("create a new key"), "{error}");
    assert!(!format!("{error:?}").contains("BEGIN"), "{error:?}");

    let wrong =
        GoogleDirectory::new(settings(&fake.url, &json!({})), &Secret::from("planted"), http(), jumping().clock());
    let error = wrong.unwrap_err();
    assert!(error.reason.contains("`key`: ") && !format!("{error:?}").contains("planted"), "{error:?}");
}

#[tokio::test]
async fn limits_of_both_kinds_wait_and_then_succeed() {
    let limit = |reason: &str| json!({ "error": { "message": "Slow", "errors": [{ "reason": reason }] } }).to_string();
    for (status, body) in
        [(403, limit("rateLimitExceeded")), (403, limit("quotaExceeded")), (429, String::new()), (503, String::new())]
    {
        let fake = company();
        for number in 0..6 {
            fake.fail(number, Fault::Times(2, status, Vec::new(), body.clone()));
        }
        let read = try_read(&directory(&fake), &query(&["Film", "Design"], &[])).await.unwrap();
        assert!(read.reading.people.complete().is_ok(), "{status} {body}");
        assert_eq!((read.members("Film").len(), read.members("Design").len()), (5, 3), "{status} {body}");
    }
    // A limit for a day ends the read at once.
    let fake = company();
    fake.fail(2, Fault::Status(403, Vec::new(), limit("dailyLimitExceeded")));
    let read = try_read(&directory(&fake), &query(&["Film"], &[])).await.unwrap();
    assert_eq!(read.reading.people.gaps()[0].cause, GapCause::Throttled);
}

/// Every fault that leaves a hole.
fn faults() -> Vec<Fault> {
    let error =
        |reason: &str| json!({ "error": { "message": "planted", "errors": [{ "reason": reason }] } }).to_string();
    let status = |status: u16, reason: &str| Fault::Status(status, Vec::new(), error(reason));
    let body = |text: &str| Fault::Body(text.to_owned());
    vec![
        Fault::Cut,
        status(500, "backendError"),
        status(403, "forbidden"),
        status(403, "insufficientPermissions"),
        status(403, "quotaExceeded"),
        status(401, "authError"),
        status(404, "notFound"),
        status(400, "invalid"),
        status(410, "updatedMinTooLongAgo"),
        status(302, ""),
        Fault::Status(429, vec![("retry-after".to_owned(), "9999".to_owned())], String::new()),
        Fault::Status(503, Vec::new(), "<html>".to_owned()),
        body(""),
        body("{}"),
        body("[]"),
        body("null"),
        body("<html>login</html>"),
        body(r#"{"kind":"admin#directory#users","users":[{"id":"#),
        body(r#"{"kind":"admin#directory#chromeosdevices"}"#),
        body(r#"{"kind":"admin#directory#users","users":[{}]}"#),
        body(r#"{"kind":"admin#directory#groups","groups":[{}]}"#),
        body(r#"{"kind":"admin#directory#members","members":[{}]}"#),
        body(r#"{"kind":"admin#directory#users","users":null}"#),
        body(r#"{"kind":"admin#directory#users","nextPageToken":7}"#),
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
                let context = format!("{fault:?} at {number}: {target}");
                // The first page has no token, so it comes twice at most, which does no harm.
                if matches!(fault, Fault::NextIsSame) && !target.contains("pageToken") {
                    assert_eq!(read.reading.people.complete().unwrap().get(), &10, "{context}");
                    continue;
                }
                check(&read, &target, &context);
            }
        }
    }
}

fn check(read: &Read, target: &str, context: &str) {
    let is_of_people = target.contains("/v1/users");
    assert_eq!(read.reading.people.complete().is_err(), is_of_people, "{context}");
    for (name, size) in [
        ("design@example.com", 3),
        ("interns@example.com", 3),
        ("film@example.com", 5),
        ("Film", 5),
        ("nobody@example.com", 0),
    ] {
        let Some(group) = read.reading.groups.get(name) else { continue };
        // A group that is whole in spite of the fault is right.
        assert!(group.members.complete().is_err() || group.members.found().unwrap().len() == size, "{context}: {name}");
    }
    if target.contains("/v1/groups?") {
        assert!(read.reading.group_list.complete().is_err(), "{context}");
    } else if !is_of_people {
        let holes = read.reading.groups.values().filter(|group| group.members.complete().is_err()).count();
        assert!(holes > 0, "{context}");
    }
}
