//! What changed in a domain of Active Directory, by Samba: a mirror with its deltas shows what a read of everything shows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use umapi_directory::{
    Directory as _, GroupSelector, LdapDirectory, LdapSettings, MirroredDirectory, Person, PersonId, Query,
};
use umapi_time::ManualClock;

use crate::{
    Read,
    samba::{PASSWORD, Samba},
    server::settings,
};

const ADDRESS: &str = "127.0.0.79";
const ENTRIES: &str = include_str!("active-directory.ldif");
const CIRCLE: &str = include_str!("active-directory-circle.ldif");

/// The password of `sync@samba.test`, who has no special right: `Passw0rd!`.
const PLAIN_USER: &str = "
dn: CN=Sync,CN=Users,DC=samba,DC=test
objectClass: user
sAMAccountName: sync
userAccountControl: 512
unicodePwd:: IgBQAGEAcwBzAHcAMAByAGQAIQAiAA==
";

const GROUPS: [&str; 9] = [
    "Artists",
    "Nested",
    "Circle A",
    "Circle B",
    "Empty",
    "Domain Users",
    "Twice",
    "Later",
    "CN=Nested,OU=Staff,DC=samba,DC=test",
];

struct Mirror<'s> {
    samba: &'s Samba,
    settings: LdapSettings,
    query: Query,
    folder: tempfile::TempDir,
    clock: ManualClock,
}

fn query(groups: &[&str], attributes: &[&str]) -> Query {
    let groups = groups.iter().map(|&group| match group {
        "*" => GroupSelector::All,
        name => GroupSelector::Named(name.to_owned()),
    });
    Query {
        groups: groups.collect(),
        attributes: attributes.iter().map(|&name| name.to_owned()).collect(),
        everyone: true,
    }
}

impl<'s> Mirror<'s> {
    fn new(samba: &'s Samba, user: &str, query: Query) -> Self {
        let settings = LdapSettings {
            base: "OU=Staff,DC=samba,DC=test".to_owned(),
            group_base: Some("DC=samba,DC=test".to_owned()),
            user: Some(format!("{user}@samba.test")),
            root_certificates: Some(samba.root_certificates()),
            ..settings(&samba.url())
        };
        let folder = tempfile::tempdir().expect("a folder");
        Self { samba, settings, query, folder, clock: ManualClock::new() }
    }

    fn directory(&self) -> LdapDirectory {
        LdapDirectory::new(self.settings.clone(), Some(PASSWORD.into()), std::env::temp_dir())
    }

    async fn read(&self) -> Read {
        let path = self.folder.path().join("mirror");
        let max_age = Some(Duration::from_secs(1_000_000));
        let directory = MirroredDirectory::new(Arc::new(self.directory()), path, max_age, self.clock.clock());
        let mut people = BTreeMap::new();
        let mut take = |person: Person| assert!(people.insert(person.id.clone(), person).is_none());
        let reading = directory.read(&self.query, &mut take).await.expect("it is read");
        Read { people, reading }
    }

    /// Changes the domain, and compares the mirror with a read of everything. Returns the mirror, and the notices.
    async fn step(&self, ldif: &str) -> (Read, Vec<String>) {
        if !ldif.is_empty() {
            self.samba.change(ldif);
        }
        let mirrored = self.read().await;
        let mut people: BTreeMap<PersonId, Person> = BTreeMap::new();
        let mut take = |person: Person| {
            people.insert(person.id.clone(), person);
        };
        let whole = self.directory().read(&self.query, &mut take).await.expect("it is read");
        assert!(whole.people.complete().is_ok() && mirrored.reading.people.complete().is_ok(), "{ldif}");
        assert_eq!(whole.group_list, mirrored.reading.group_list, "{ldif}");
        let shown = |people: &BTreeMap<PersonId, Person>| {
            // The mirror need not keep the same other attributes.
            let attributes = |person: &Person| {
                self.query.attributes.iter().map(|name| person.attributes.all(name).to_vec()).collect::<Vec<_>>()
            };
            let shown = people
                .values()
                .map(|person| (person.id.clone(), person.place.clone(), person.is_enabled, attributes(person)));
            shown.collect::<Vec<_>>()
        };
        assert_eq!(shown(&mirrored.people), shown(&people), "{ldif}");
        let whole = Read { people, reading: whole };
        let names: Vec<&String> = whole.reading.groups.keys().collect();
        assert_eq!(names, mirrored.reading.groups.keys().collect::<Vec<_>>(), "{ldif}");
        for group in names {
            let (one, other) = (&whole.reading.groups[group].members, &mirrored.reading.groups[group].members);
            assert_eq!(one.gaps(), other.gaps(), "{ldif}: {group}");
            assert_eq!(whole.members(group), mirrored.members(group), "{ldif}: {group}");
        }
        let notices = mirrored.reading.notices.clone();
        (mirrored, notices)
    }
}

/// One test, since a domain controller needs seconds to start.
#[tokio::test]
async fn deltas_of_a_domain_show_what_a_read_of_everything_shows() {
    let Some(samba) = Samba::start(ADDRESS, &format!("{ENTRIES}\n{PLAIN_USER}"), CIRCLE) else { return };
    let attributes = ["mail", "givenName", "sn", "c"];
    let named = Mirror::new(&samba, "administrator", query(&GROUPS, &attributes));
    let all = Mirror::new(&samba, "administrator", query(&["*", "CN=Twice,OU=Staff,DC=samba,DC=test"], &attributes));
    for mirror in [&named, &all] {
        mirror.step("").await;
    }
    for (what, ldif) in STEPS {
        for (number, mirror) in [&named, &all].into_iter().enumerate() {
            let ldif = if number == 0 { ldif } else { "" };
            let (_, notices) = mirror.step(ldif).await;
            let is_whole = notices.iter().any(|notice| notice.contains("everything is read:"));
            assert_eq!(is_whole, what.contains("whole"), "{what}: {notices:?}");
        }
    }
    a_plain_user_is_told_what_it_cannot_see(&samba).await;
    what_cannot_be_told_is_read_each_time(&samba).await;
}

/// Changes, one after the other. Those called "whole" make everything be read.
const STEPS: &[(&str, &str)] = &[
    ("nothing", ""),
    (
        "a joiner in a group",
        "dn: CN=Eve,OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: user\nsAMAccountName: eve\nuserAccountControl: 544\nmail: eve@example.com\n\n\
         dn: CN=Artists,OU=Staff,DC=samba,DC=test\nchangetype: modify\nadd: member\nmember: CN=Eve,OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "an attribute",
        "dn: CN=Ann,OU=Staff,DC=samba,DC=test\nchangetype: modify\nreplace: mail\nmail: ann.lee@example.com\n-\ndelete: c\n",
    ),
    (
        "a member removed",
        "dn: CN=Artists,OU=Staff,DC=samba,DC=test\nchangetype: modify\ndelete: member\nmember: CN=Ann,OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "disabled, and enabled",
        "dn: CN=Ann,OU=Staff,DC=samba,DC=test\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 546\n\n\
         dn: CN=Bob,OU=Staff,DC=samba,DC=test\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 544\n",
    ),
    (
        "a person renamed, who stays a member",
        "dn: CN=Bob,OU=Staff,DC=samba,DC=test\nchangetype: modrdn\nnewrdn: CN=Robert\ndeleteoldrdn: 1\n",
    ),
    (
        "moved out of the base, and still a member",
        "dn: CN=Eve,OU=Staff,DC=samba,DC=test\nchangetype: modrdn\nnewrdn: CN=Eve\ndeleteoldrdn: 1\nnewsuperior: CN=Users,DC=samba,DC=test\n",
    ),
    (
        "moved out of the base, and in no group",
        "dn: CN=Ann,OU=Staff,DC=samba,DC=test\nchangetype: modrdn\nnewrdn: CN=Ann\ndeleteoldrdn: 1\nnewsuperior: CN=Users,DC=samba,DC=test\n",
    ),
    (
        "moved back",
        "dn: CN=Ann,CN=Users,DC=samba,DC=test\nchangetype: modrdn\nnewrdn: CN=Ann\ndeleteoldrdn: 1\nnewsuperior: OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "a new group below a new group below a known one",
        "dn: CN=Deep,CN=Users,DC=samba,DC=test\nchangetype: add\nobjectClass: group\nsAMAccountName: Deep\nmember: CN=Ann,OU=Staff,DC=samba,DC=test\n\n\
         dn: CN=Middle,OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: group\nsAMAccountName: Middle\nmember: CN=Deep,CN=Users,DC=samba,DC=test\nmember: CN=Partner,OU=Staff,DC=samba,DC=test\n\n\
         dn: CN=Empty,OU=Staff,DC=samba,DC=test\nchangetype: modify\nadd: member\nmember: CN=Middle,OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "a circle",
        "dn: CN=Deep,CN=Users,DC=samba,DC=test\nchangetype: modify\nadd: member\nmember: CN=Empty,OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "a group that the query names",
        "dn: CN=Later,OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: group\nsAMAccountName: Later\nmember: CN=Ann,OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "a group renamed to a name that there is",
        "dn: CN=Circle A,OU=Staff,DC=samba,DC=test\nchangetype: modrdn\nnewrdn: CN=Later\ndeleteoldrdn: 1\nnewsuperior: CN=Users,DC=samba,DC=test\n",
    ),
    ("a group deleted", "dn: CN=Later,OU=Staff,DC=samba,DC=test\nchangetype: delete\n"),
    (
        "another primary group",
        "dn: CN=Domain Guests,CN=Users,DC=samba,DC=test\nchangetype: modify\nadd: member\nmember: CN=Dan,CN=Users,DC=samba,DC=test\n\n\
         dn: CN=Dan,CN=Users,DC=samba,DC=test\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: 514\n",
    ),
    ("a person deleted, whose groups do not change", "dn: CN=Robert,OU=Staff,DC=samba,DC=test\nchangetype: delete\n"),
    (
        "a name taken over",
        "dn: CN=Lee\\, Cät,OU=Staff,DC=samba,DC=test\nchangetype: delete\n\n\
         dn: CN=Ann,OU=Staff,DC=samba,DC=test\nchangetype: modrdn\nnewrdn: CN=Lee\\, Cät\ndeleteoldrdn: 1\n\n\
         dn: CN=Ann,OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: user\nsAMAccountName: ann2\nuserAccountControl: 544\n\n\
         dn: CN=Artists,OU=Staff,DC=samba,DC=test\nchangetype: modify\nadd: member\nmember: CN=Ann,OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "a contact that becomes a member",
        "dn: CN=Nested,OU=Staff,DC=samba,DC=test\nchangetype: modify\nadd: member\nmember: CN=Partner,OU=Staff,DC=samba,DC=test\n",
    ),
    (
        "a new unit, and a person in it",
        "dn: OU=Sales,OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: organizationalUnit\n\n\
         dn: CN=Fay,OU=Sales,OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: user\nsAMAccountName: fay\nuserAccountControl: 544\n",
    ),
    (
        "a unit moved out of the base (whole)",
        "dn: OU=Sales,OU=Staff,DC=samba,DC=test\nchangetype: modrdn\nnewrdn: OU=Sales\ndeleteoldrdn: 1\nnewsuperior: DC=samba,DC=test\n",
    ),
    ("nothing again", ""),
];

async fn a_plain_user_is_told_what_it_cannot_see(samba: &Samba) {
    let mirror = Mirror::new(samba, "sync", query(&["Artists"], &["mail"]));
    mirror.step("").await;
    let (_, notices) = mirror
        .step("dn: CN=Gus,OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: user\nsAMAccountName: gus\nuserAccountControl: 544\n")
        .await;
    assert!(notices.iter().any(|notice| notice.contains("CN=Deleted Objects")), "{notices:?}");
    samba.change("dn: CN=Gus,OU=Staff,DC=samba,DC=test\nchangetype: delete\n");
    let stale = mirror.read().await;
    assert!(stale.people.values().any(|person| person.place.starts_with("CN=Gus")), "its deletion is not told");
    std::fs::remove_file(mirror.folder.path().join("mirror")).expect("a file");
    mirror.step("").await;
}

async fn what_cannot_be_told_is_read_each_time(samba: &Samba) {
    let filter = |filter: &str| {
        let mirror = Mirror::new(samba, "administrator", query(&["Artists"], &["mail"]));
        let settings = LdapSettings { people_filter: Some(filter.to_owned()), ..mirror.settings.clone() };
        Mirror { settings, ..mirror }
    };
    let attribute = |name| Mirror::new(samba, "administrator", query(&["Artists"], &["mail", name]));
    for (mirror, why) in [
        (
            filter("(&(objectClass=user)(memberOf=CN=Artists,OU=Staff,DC=samba,DC=test))"),
            "memberOf is set by other entries",
        ),
        (filter("(memberOf:1.2.840.113556.1.4.1941:=CN=Artists,OU=Staff,DC=samba,DC=test)"), "looks at other entries"),
        (attribute("manager"), "manager holds the name of another entry"),
        (attribute("canonicalName"), "canonicalName is computed"),
        (attribute("lastLogon"), "lastLogon is kept by each server"),
    ] {
        for _ in 0..2 {
            let (_, notices) = mirror.step("").await;
            assert!(notices.iter().any(|notice| notice.contains(why)), "{why}: {notices:?}");
        }
    }
    let bits = filter("(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))");
    bits.step("").await;
    // Disabled people drop out of this list.
    let disable = "dn: CN=Ann,OU=Staff,DC=samba,DC=test\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 546\n";
    let (_, notices) = bits.step(disable).await;
    assert!(notices.is_empty(), "{notices:?}");
}
