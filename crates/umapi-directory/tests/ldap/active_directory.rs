//! Active Directory, by Samba.

use umapi_directory::{GapCause, LdapSettings, Person};

use crate::{
    Read,
    samba::{PASSWORD, Samba},
    server::settings,
    try_read_with,
};

const ADDRESS: &str = "127.0.0.77";
const ENTRIES: &str = include_str!("active-directory.ldif");
const CIRCLE: &str = include_str!("active-directory-circle.ldif");

fn of(server: &Samba, url: &str) -> LdapSettings {
    LdapSettings {
        base: "DC=samba,DC=test".to_owned(),
        user: Some("administrator@samba.test".to_owned()),
        root_certificates: Some(server.root_certificates()),
        ..settings(url)
    }
}

async fn read(settings: LdapSettings, groups: &[&str]) -> Read {
    try_read_with(PASSWORD, settings, groups).await.expect("the domain controller can be used")
}

impl Read {
    fn person(&self, place: &str) -> &Person {
        self.people.values().find(|person| person.place.starts_with(place)).expect("the person is there")
    }
}

/// One test, since the domain controller needs seconds to start and there can be one at a time.
#[tokio::test]
async fn a_domain_controller_is_read_whole() {
    let Some(server) = Samba::start(ADDRESS, ENTRIES, CIRCLE) else { return };
    let ldaps = of(&server, &format!("ldaps://{ADDRESS}"));
    people_and_groups(&ldaps).await;
    pages_give_the_same(&ldaps).await;
    logins(&server, &ldaps).await;
}

async fn people_and_groups(settings: &LdapSettings) {
    let everything = read(settings.clone(), &["*"]).await;
    let names = ["Artists", "Nested", "Circle A", "Circle B", "Empty", "Domain Users", "Twice", "Gone"];
    let named = read(settings.clone(), &[&names[..], &["CN=Nested,OU=Staff,DC=samba,DC=test"]].concat()).await;
    // The references of a search of the whole domain lead to partitions without people.
    assert!(everything.reading.people.complete().is_ok(), "{:?}", everything.reading.people);
    assert!(everything.reading.group_list.complete().is_ok(), "{:?}", everything.reading.group_list);
    for read in [&everything, &named] {
        for (group, members) in [
            ("Artists", vec!["cn=ann", "cn=bob", "cn=lee\\, cät"]),
            ("Nested", vec!["cn=ann", "cn=bob", "cn=dan", "cn=lee\\, cät"]),
            ("Circle A", vec!["cn=ann", "cn=dan"]),
            ("Circle B", vec!["cn=ann", "cn=dan"]),
            ("Empty", vec![]),
        ] {
            let reading = &read.reading.groups[group].members;
            assert!(reading.complete().is_ok(), "{group}: {reading:?}");
            assert_eq!(whole_names(read, group), members, "{group}");
        }
        assert_eq!(read.cause("Twice"), GapCause::Ambiguous);
        // Nobody is named in this group: it is the primary group of everybody.
        let users = whole_names(read, "Domain Users");
        for name in ["cn=ann", "cn=bob", "cn=dan", "cn=administrator"] {
            assert!(users.iter().any(|user| user == name), "{name}: {users:?}");
        }
        assert!(!users.iter().any(|user| user.contains("pc1") || user.contains("partner")), "{users:?}");
    }
    assert_eq!(whole_names(&named, "CN=Nested,OU=Staff,DC=samba,DC=test").len(), 4);
    assert_eq!(named.cause("Gone"), GapCause::NotFound);
    let (ann, bob) = (everything.person("CN=Ann"), everything.person("CN=Bob"));
    assert!(ann.is_enabled && !bob.is_enabled);
    let id = ann.id.as_str();
    assert!(id.len() == 36 && id.as_bytes()[14] == b'4', "an objectGUID as Windows shows it: {id}");
    assert_eq!(ann.attributes.all("mail"), ["ann@example.com"]);
    assert!(!everything.people.values().any(|person| person.place.starts_with("CN=PC1")));
}

/// The members of a group by the first parts of their names, in which a comma may be escaped.
fn whole_names(read: &Read, group: &str) -> Vec<String> {
    let found = read.reading.groups[group].members.found().cloned().unwrap_or_default();
    let place = |id| read.people[id].place.to_lowercase();
    let name = |place: String| {
        let end = place.find(",ou=").into_iter().chain(place.find(",cn=")).min().unwrap_or(place.len());
        place[..end].to_owned()
    };
    let mut names: Vec<String> = found.iter().map(|id| name(place(id))).collect();
    names.sort();
    names
}

async fn pages_give_the_same(settings: &LdapSettings) {
    let all = read(settings.clone(), &["*"]).await;
    for page_size in [1, 3] {
        let pages = read(LdapSettings { page_size: Some(page_size), ..settings.clone() }, &["*"]).await;
        assert!(pages.reading.people.complete().is_ok(), "{:?}", pages.reading.people);
        assert_eq!((pages.people.len(), &pages.reading.groups.len()), (all.people.len(), &all.reading.groups.len()));
    }
}

async fn logins(server: &Samba, ldaps: &LdapSettings) {
    let plain = of(server, &format!("ldap://{ADDRESS}"));
    let start_tls = LdapSettings { start_tls: Some(true), ..plain.clone() };
    assert_eq!(whole_names(&read(start_tls, &["Artists"]).await, "Artists").len(), 3);
    let error = |password: &'static str, settings: LdapSettings| async move {
        try_read_with(password, settings, &[]).await.err().expect("it is refused")
    };
    let refused = error(PASSWORD, plain).await;
    assert!(refused.to_string().contains("encrypted connection"), "{refused}");
    let wrong = error("wrong", ldaps.clone()).await;
    assert!(wrong.to_string().contains("user or password is wrong"), "{wrong}");
    let unknown = error(PASSWORD, LdapSettings { root_certificates: None, ..ldaps.clone() }).await;
    assert!(unknown.to_string().contains("certificate is not trusted"), "{unknown}");
    assert!(!refused.is_temporary && !wrong.is_temporary && !unknown.is_temporary);
    let nowhere = error(PASSWORD, LdapSettings { base: "DC=no,DC=where".to_owned(), ..ldaps.clone() }).await;
    assert!(nowhere.to_string().contains("DC=no,DC=where"), "{nowhere}");
}
