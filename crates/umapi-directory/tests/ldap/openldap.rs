//! OpenLDAP.

use umapi_directory::{GapCause, LdapSettings};

use crate::{
    proxy, read,
    server::{self, Slapd, settings},
    try_read,
};

/// People and groups with everything that is odd in real directories.
const ODD: &str = include_str!("odd.ldif");

#[tokio::test]
async fn odd_entries_lose_nobody_and_invent_nobody() {
    let Some(server) = Slapd::start(ODD, "") else { return };
    let read = read(settings(&server.url), &["*", "Missing"]).await;
    assert!(read.reading.people.complete().is_ok() && read.reading.group_list.complete().is_ok());
    for (group, members) in [
        ("Artists", vec!["cn=ann", "cn=bob", "cn=lee\\2c cat"]),
        ("Nested", vec!["cn=ann", "cn=bob", "cn=dan", "cn=lee\\2c cat"]),
        ("Circle A", vec!["cn=dan", "cn=ann"]),
        ("Unique", vec!["cn=bob"]),
        ("Posix", vec!["cn=ann", "cn=bob"]),
        ("Mixed", vec!["cn=ann"]),
    ] {
        let mut members = members;
        members.sort_unstable();
        assert_eq!(read.members(group), members, "{group}");
        assert!(read.reading.groups[group].members.complete().is_ok(), "{group}: {:?}", read.reading.groups[group]);
    }
    assert_eq!(read.cause("Twice"), GapCause::Ambiguous);
    assert_eq!(read.cause("Missing"), GapCause::NotFound);
    assert_eq!(read.reading.groups["Empty"].members.complete().unwrap().get().len(), 0);
    let ann = read.people.values().find(|person| person.place.starts_with("cn=ann")).unwrap();
    assert_eq!(ann.attributes.all("mail"), ["ann@example.com", "ann.lee@example.com"]);
    assert_eq!(ann.id.as_str().len(), 36, "an entryUUID");
    assert!(
        read.reading.notices.iter().any(|notice| notice.contains("do not exist any more")),
        "{:?}",
        read.reading.notices
    );
}

// user-sync #446: of two groups of one name, one was taken. Here each can be named by its DN.
#[tokio::test]
async fn groups_by_name_are_the_same_as_all_groups() {
    let Some(server) = Slapd::start(ODD, "") else { return };
    let by_name =
        read(settings(&server.url), &["artists", "Nested", "Twice", "cn=unique,ou=groups,dc=example,dc=com"]).await;
    assert_eq!(by_name.members("artists").len(), 3);
    assert_eq!(by_name.members("Nested").len(), 4);
    assert_eq!(by_name.members("cn=unique,ou=groups,dc=example,dc=com"), ["cn=bob"]);
    assert_eq!(by_name.cause("Twice"), GapCause::Ambiguous);
    let flat = LdapSettings { nested: Some(false), ..settings(&server.url) };
    assert_eq!(read(flat, &["Nested"]).await.members("Nested"), ["cn=dan"]);
}

#[tokio::test]
async fn a_size_limit_is_seen_with_and_without_pages() {
    let ldif = server::people(30);
    for limit in ["sizelimit 10", "sizelimit size.soft=10 size.hard=10 size.pr=5 size.prtotal=10"] {
        let Some(server) = Slapd::start(&ldif, limit) else { return };
        for page_size in [None, Some(5), Some(1000)] {
            let settings = LdapSettings { page_size, ..settings(&server.url) };
            let read = read(settings, &["Everyone"]).await;
            let gaps = read.reading.people.gaps();
            assert!(!gaps.is_empty(), "{limit} {page_size:?}: {} people", read.people.len());
            // People who are missing in the list are found through the group, one by one.
            let group = &read.reading.groups["Everyone"].members;
            assert!(group.complete().is_err() || read.members("Everyone").len() == 30, "{limit} {page_size:?}");
            assert!(limit.contains("pr=5") || group.complete().is_ok(), "{limit} {page_size:?}");
        }
    }
}

#[tokio::test]
async fn pages_of_every_size_give_everybody() {
    let ldif = server::people(25);
    let Some(server) = Slapd::start(&ldif, "") else { return };
    for page_size in [1, 7, 25, 26] {
        let read = read(LdapSettings { page_size: Some(page_size), ..settings(&server.url) }, &["*"]).await;
        assert_eq!((read.people.len(), read.members("Everyone").len()), (25, 25), "{page_size}");
        assert!(read.reading.people.complete().is_ok());
    }
}

#[tokio::test]
async fn what_a_login_may_not_see_is_no_proof() {
    let access = "access to dn.subtree=\"ou=groups,dc=example,dc=com\" by dn.exact=\"cn=admin,dc=example,dc=com\" read by * none\naccess to * by * read";
    let Some(server) = Slapd::start(ODD, access) else { return };
    let anonymous = LdapSettings { user: None, ..settings(&server.url) };
    let read = read(anonymous, &["Artists"]).await;
    assert_eq!(read.cause("Artists"), GapCause::NotFound);
}

#[tokio::test]
async fn a_server_that_stalls_anywhere_is_left_in_time() {
    let Some(server) = Slapd::start(&server::people(40), "") else { return };
    for bytes in [500, 3_000, 5_000, 8_000] {
        let proxy = proxy::stall_after(&server, bytes).await;
        let settings = LdapSettings { timeout: Some(1), page_size: Some(8), ..settings(&proxy) };
        let Ok(read) = try_read(settings, &["Everyone"]).await else { continue };
        let group = &read.reading.groups["Everyone"].members;
        let is_whole = read.reading.people.complete().is_ok() && group.complete().is_ok();
        assert!(!is_whole || read.members("Everyone").len() == 40, "stalled after {bytes} bytes");
    }
}

#[tokio::test]
async fn a_wrong_setting_is_an_error_with_a_way_out() {
    let Some(server) = Slapd::start(ODD, "") else { return };
    let base = || settings(&server.url);
    let wrong = |settings| async move { try_read(settings, &[]).await.err().expect("it is wrong").to_string() };
    assert!(
        wrong(LdapSettings { base: "dc=nowhere".to_owned(), ..base() })
            .await
            .contains("there is no entry `dc=nowhere`")
    );
    assert!(
        wrong(LdapSettings { user: Some("cn=nobody,dc=example,dc=com".to_owned()), ..base() })
            .await
            .contains("user or password is wrong")
    );
    assert!(
        wrong(LdapSettings { url: vec!["ldap://127.0.0.1:1".to_owned()], ..base() })
            .await
            .contains("cannot be reached")
    );
    assert!(wrong(LdapSettings { url: vec!["ldap//x".to_owned()], ..base() }).await.contains("not an address"));
    assert!(wrong(LdapSettings { start_tls: Some(true), ..base() }).await.contains("StartTLS"));
    let filter = LdapSettings { people_filter: Some("(oops".to_owned()), ..base() };
    let read = read(filter, &[]).await;
    assert_eq!(read.reading.people.gaps()[0].detail, "the filter is not valid");
}

#[tokio::test]
async fn ldapi_logs_in_as_the_user_of_the_process() {
    let Some(server) = Slapd::start(ODD, "") else { return };
    let login = Some(umapi_directory::LdapLogin::External);
    let settings = LdapSettings { url: vec![server.socket_url()], user: None, login, ..settings(&server.url) };
    assert_eq!(read(settings, &["Artists"]).await.members("Artists").len(), 3);
}

#[tokio::test]
async fn tls_needs_the_certificate_of_the_authority() {
    let Some((server, ca)) = Slapd::start_with_tls(ODD) else { return };
    for (url, start_tls) in [(server.url.clone(), Some(true)), (server.tls_url(), None)] {
        let known = LdapSettings {
            url: vec![url.clone()],
            start_tls,
            root_certificates: Some(ca.clone()),
            ..settings(&server.url)
        };
        assert_eq!(read(known.clone(), &["Artists"]).await.members("Artists").len(), 3);
        let unknown = LdapSettings { root_certificates: None, ..known };
        let error = try_read(unknown, &[]).await.err().expect("nobody knows the authority");
        assert!(error.to_string().contains("certificate is not trusted"), "{error}");
        assert!(error.remedy.unwrap().contains("root_certificates"));
    }
}

#[tokio::test]
async fn a_connection_lost_anywhere_never_makes_a_list_whole() {
    let ldif = server::people(40);
    let Some(server) = Slapd::start(&ldif, "") else { return };
    let whole = read(LdapSettings { page_size: Some(8), ..settings(&server.url) }, &["Everyone", "*"]).await;
    assert_eq!(whole.members("Everyone").len(), 40);
    let mut cut = 0;
    for bytes in (200..12_000).step_by(350) {
        let proxy = proxy::cut_after(&server, bytes).await;
        let settings = LdapSettings { url: vec![proxy], page_size: Some(8), ..settings(&server.url) };
        let Ok(read) = try_read(settings, &["Everyone"]).await else {
            cut += 1;
            continue;
        };
        let is_all = read.people.len() == 40 && read.members("Everyone").len() == 40;
        let group = &read.reading.groups["Everyone"].members;
        let says_all = read.reading.people.complete().is_ok() && group.complete().is_ok();
        assert!(is_all || !says_all, "cut after {bytes} bytes: {} people", read.people.len());
        cut += usize::from(!says_all);
    }
    assert!(cut > 10, "the connection was cut in {cut} reads");
}

#[tokio::test]
async fn another_server_goes_on_where_one_was_lost() {
    let ldif = server::people(40);
    let Some(server) = Slapd::start(&ldif, "") else { return };
    for bytes in [0, 300, 3_000, 6_000] {
        let proxy = proxy::cut_after(&server, bytes).await;
        let url = vec!["ldap://127.0.0.1:1".to_owned(), proxy, server.url.clone()];
        let read = read(LdapSettings { url, page_size: Some(8), ..settings(&server.url) }, &["Everyone"]).await;
        assert_eq!((read.people.len(), read.members("Everyone").len()), (40, 40), "cut after {bytes}");
        assert!(read.reading.people.complete().is_ok(), "{:?}", read.reading.people);
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_in_time() {
    let Some(server) = Slapd::start(ODD, "") else { return };
    let silent = proxy::silent().await;
    for (url, start_tls) in [(silent.clone(), Some(true)), (silent.replace("ldap", "ldaps"), None)] {
        let settings = LdapSettings { start_tls, timeout: Some(1), ..settings(&url) };
        let error = try_read(settings, &[]).await.err().expect("no handshake ends");
        assert!(error.is_temporary && error.to_string().contains("did not answer in time"), "{error}");
    }
    let url = vec![silent, server.url.clone()];
    let read = read(LdapSettings { url, timeout: Some(1), ..settings(&server.url) }, &["Artists"]).await;
    assert_eq!(read.members("Artists").len(), 3);
}

/// By hand: `cargo test --release -p umapi-directory --test ldap -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "shows the time of 100,000 people"]
async fn a_hundred_thousand_people_are_read() {
    const COUNT: usize = 100_000;
    let Some(server) = Slapd::start(&server::people(COUNT), "") else { return };
    let clock = umapi_time::Clock::real();
    let start = clock.now();
    let read = read(settings(&server.url), &["Everyone"]).await;
    println!("{COUNT} people and a group of all of them in {:?}", clock.now() - start);
    assert_eq!((read.people.len(), read.members("Everyone").len()), (COUNT, COUNT));
}
