//! What changed in a domain of Active Directory since a mirror was brought up to date.
//!
//! The server only tells which entries changed. Each of them is then read as it is now, in the same way as everything is
//! read, so that a delta knows as much about an entry as a read of everything. What is read may be newer than the changes:
//! then the next delta tells it again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ldap3::{Scope, SearchEntry};

use super::{
    Dn, GROUP_CLASSES, GUID, LdapDirectory, Read, Search,
    connection::ChangesEnd,
    feed::{Domain, Position},
    identity_of, is_of_class, person_entry,
    resolve::{ANY, unseen},
    value_of, values_of,
};
use crate::{
    changes::{Change, Changed, Cursor, Entry, EntryKey, EntryKind, GroupEntry, Known, PersonEntry, Since},
    directory::{DirectoryError, GroupSelector, Query},
    extent::{Gap, GapCause},
    settings::LdapPreset,
};

/// More changes than this are read as a whole: each of them is read on its own.
const MAX_CHANGES: usize = 2_000;

/// The largest number of groups that a delta reads below the groups that changed.
const MAX_GROUPS: usize = 10_000;

/// What the server told about a changed entry.
#[derive(Default)]
struct Told {
    is_deleted: bool,
    /// Its name or its place changed.
    has_name: bool,
    /// It is new: everything of it changed.
    is_new: bool,
}

/// What an entry is.
enum Seen {
    Person(EntryKey, PersonEntry),
    Group { is_listed: bool },
    Container,
    Other,
}

/// A delta that is being read.
struct Delta<'d, 'r> {
    read: Read<'r>,
    known: &'d dyn Known,
    domain: String,
    /// The entries that changed or are gone: what the mirror knows about their names is old.
    touched: HashSet<EntryKey>,
    /// The names of people and groups that were read.
    places: HashMap<Dn, EntryKey>,
    people: Vec<(EntryKey, PersonEntry)>,
    gone: Vec<EntryKey>,
    others: Vec<EntryKey>,
    groups: BTreeMap<EntryKey, GroupEntry>,
    group_keys: HashSet<EntryKey>,
    /// Groups whose members are to be read.
    open: Vec<(EntryKey, SearchEntry, bool)>,
}

/// Why a delta is of no use.
enum Stop {
    Anew(String),
    Failed(Gap),
}

impl From<Gap> for Stop {
    fn from(gap: Gap) -> Self {
        Self::Failed(gap)
    }
}

impl LdapDirectory {
    pub(super) async fn read_delta(
        &self,
        query: &Query,
        since: &Cursor,
        known: &dyn Known,
        take: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Since, DirectoryError> {
        let Some((position, cookie)) = Position::read(since) else {
            return Ok(Since::Anew("the cookie is damaged".to_owned()));
        };
        let (mut connection, preset) = self.connect().await?;
        let root = connection.root().await?;
        let domain = match Domain::of(&root, [&self.settings.base, self.group_base()]) {
            Ok(domain) => domain,
            Err(why) => return Ok(Since::Anew(why)),
        };
        if domain.controller != position.controller || domain.domain != position.domain || preset != LdapPreset::Ad {
            let why = format!("another server answered, {}", connection.server);
            return Ok(Since::Anew(why));
        }
        let mut nobody = |_, _| {};
        let mut read = self.begin((connection, preset), query, &mut nobody);
        read.may_reconnect = false;
        let mut delta = Delta {
            read,
            known,
            domain: domain.domain,
            touched: HashSet::new(),
            places: HashMap::new(),
            people: Vec::new(),
            gone: Vec::new(),
            others: Vec::new(),
            groups: BTreeMap::new(),
            group_keys: HashSet::new(),
            open: Vec::new(),
        };
        let cursor = match delta.run(position, cookie).await {
            Ok(cursor) => cursor,
            Err(Stop::Anew(why)) => return Ok(Since::Anew(why)),
            Err(Stop::Failed(gap)) => return Ok(Since::Failed(gap)),
        };
        let (cursor, notices) = cursor;
        let Delta { people, gone, others, groups, .. } = delta;
        gone.into_iter().map(Change::Gone).for_each(&mut *take);
        others.into_iter().map(|key| Change::Put(key, Entry::Other)).for_each(&mut *take);
        people.into_iter().map(|(key, person)| Change::Put(key, Entry::Person(person))).for_each(&mut *take);
        groups.into_iter().map(|(key, group)| Change::Put(key, Entry::Group(group))).for_each(&mut *take);
        Ok(Since::Changed(Changed { cursor, people: Vec::new(), group_list: Vec::new(), notices }))
    }
}

impl Delta<'_, '_> {
    async fn run(&mut self, mut position: Position, cookie: Vec<u8>) -> Result<(Cursor, Vec<String>), Stop> {
        let (told, cookie) = self.told(cookie).await?;
        self.touched = told.keys().cloned().collect();
        let mut parents: BTreeSet<EntryKey> = BTreeSet::new();
        for (key, told) in &told {
            self.read_changed(key, told, &mut parents).await?;
        }
        // Somebody who came back from the deleted entries is in their groups again, which did not change.
        parents.retain(|key| !self.touched.contains(key));
        for key in parents {
            match self.fetch(&by_guid(&key), &[]).await? {
                Some(entry) => match self.classify(entry.clone()).await? {
                    Seen::Group { is_listed } => self.open(key, entry, is_listed),
                    _ => return Err(Stop::Anew("a group became something else".to_owned())),
                },
                None => return Err(hidden(&key)),
            }
        }
        self.read_groups().await?;
        let mut notices = Vec::new();
        position.sees_deleted |= told.values().any(|told| told.is_deleted);
        if !position.sees_deleted {
            position.sees_deleted =
                self.read.connection.sees_deleted(&format!("CN=Deleted Objects,{}", self.domain)).await;
        }
        if !position.sees_deleted {
            notices.push(
                "people who are deleted may be noticed days later: let the user of the sync read CN=Deleted Objects, or lower \
                 `whole_after_days`"
                    .to_owned(),
            );
        }
        let cursor = position.at(&cookie).ok_or_else(|| Stop::Anew("the cookie cannot be kept".to_owned()))?;
        Ok((cursor, notices))
    }

    /// Asks which entries changed.
    async fn told(&mut self, cookie: Vec<u8>) -> Result<(BTreeMap<EntryKey, Told>, Vec<u8>), Stop> {
        let (filter, attributes) = self.read.watched();
        let what = "the changes";
        let base = self.domain.clone();
        let search = Search { what, base: &base, scope: Scope::Subtree, filter: &filter, attributes: &attributes };
        let mut told: BTreeMap<EntryKey, Told> = BTreeMap::new();
        let mut nameless = 0;
        let mut take = |entry: SearchEntry| {
            let Some(key) = identity_of(&entry, GUID) else {
                nameless += 1;
                return;
            };
            let told = told.entry(EntryKey::new(key)).or_default();
            told.is_deleted |= value_of(&entry, "isDeleted").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            told.has_name |= value_of(&entry, "name").is_some();
            told.is_new |= !values_of(&entry, "objectClass").is_empty();
        };
        let cookie = match self.read.connection.changes(search, cookie, &mut take).await {
            ChangesEnd::Whole { cookie } => cookie,
            ChangesEnd::Refused(why) => return Err(Stop::Anew(format!("the changes are not told: {why}"))),
            ChangesEnd::Lost(gap) => return Err(gap.into()),
        };
        if nameless > 0 {
            return Err(Stop::Anew(format!("{nameless} changes do not say of what")));
        }
        if told.len() > MAX_CHANGES {
            return Err(Stop::Anew(format!("{} entries changed", told.len())));
        }
        Ok((told, cookie))
    }

    /// Reads an entry that changed, as it is now.
    async fn read_changed(
        &mut self,
        key: &EntryKey,
        told: &Told,
        parents: &mut BTreeSet<EntryKey>,
    ) -> Result<(), Stop> {
        let kind = self.known.kind(key);
        if told.is_deleted {
            if kind.is_some() {
                self.gone.push(key.clone());
            }
            return Ok(());
        }
        let more: &[&str] = if kind.is_none() { &["memberOf"] } else { &[] };
        let Some(entry) = self.fetch(&by_guid(key), more).await? else { return Err(hidden(key)) };
        if identity_of(&entry, GUID).as_deref() != Some(key.as_str()) {
            return Err(Stop::Anew("the server sent another entry than it was asked for".to_owned()));
        }
        let memberships: Vec<String> = values_of(&entry, "memberOf").to_vec();
        let mut is_new_to_groups = false;
        match self.classify(entry.clone()).await? {
            Seen::Person(found, person) => {
                debug_assert_eq!(&found, key);
                is_new_to_groups = kind.is_none();
                if person.is_listed || kind.is_some() {
                    self.keep_person(key.clone(), person);
                }
            }
            Seen::Group { is_listed } => {
                is_new_to_groups = kind.is_none();
                if kind == Some(EntryKind::Group) || self.is_wanted(&entry, is_listed) {
                    self.open(key.clone(), entry, is_listed);
                } else if kind.is_some() {
                    return Err(Stop::Anew("a person became a group".to_owned()));
                }
            }
            Seen::Container if told.has_name && !told.is_new => {
                // Everything in it has another name now, and is told of none of it.
                return Err(Stop::Anew(format!("{} was renamed or moved", entry.dn)));
            }
            Seen::Container | Seen::Other => {
                if kind.is_some() {
                    self.others.push(key.clone());
                }
            }
        }
        if is_new_to_groups {
            for group in memberships {
                let keys = self.known.at(&Dn::new(&group).to_string());
                parents.extend(keys.into_iter().filter(|key| self.known.kind(key) == Some(EntryKind::Group)));
            }
        }
        Ok(())
    }

    async fn fetch(&mut self, name: &str, more: &[&str]) -> Result<Option<SearchEntry>, Stop> {
        Ok(self.read.fetch(name, "the changes", ANY, more).await?)
    }

    fn keep_person(&mut self, key: EntryKey, person: PersonEntry) {
        self.places.insert(Dn::new(&person.person.place), key.clone());
        self.people.push((key, person));
    }

    fn open(&mut self, key: EntryKey, entry: SearchEntry, is_listed: bool) {
        self.places.insert(Dn::new(&entry.dn), key.clone());
        self.group_keys.insert(key.clone());
        self.open.push((key, entry, is_listed));
    }

    /// Whether a group is one of the query.
    fn is_wanted(&self, entry: &SearchEntry, is_listed: bool) -> bool {
        let name = value_of(entry, &self.read.group_attributes[0]).unwrap_or(&entry.dn).trim().to_lowercase();
        let dn = Dn::new(&entry.dn);
        self.read.query.groups.iter().any(|group| match group {
            GroupSelector::All => is_listed,
            GroupSelector::Named(wanted) => (is_listed && wanted.to_lowercase() == name) || Dn::new(wanted) == dn,
        })
    }

    /// Says what an entry is, as reading everything would.
    async fn classify(&mut self, entry: SearchEntry) -> Result<Seen, Stop> {
        let dn = Dn::new(&entry.dn);
        let directory = self.read.directory;
        let names = self.read.preset.names();
        if values_of(&entry, "objectClass").is_empty() {
            return Err(Stop::Anew(format!("{} does not show what it is", entry.dn)));
        }
        let is_group = is_of_class(&entry, &GROUP_CLASSES);
        let is_person = is_of_class(&entry, names.person_classes) && !is_of_class(&entry, &["computer"]);
        if is_group {
            let is_listed = dn.is_within(&Dn::new(directory.group_base()))
                && self.passes(&entry.dn, &directory.group_filter(&names)).await?;
            return Ok(Seen::Group { is_listed });
        }
        if !is_person {
            let is_container = [
                "organizationalunit",
                "container",
                "builtindomain",
                "domaindns",
                "organization",
                "locality",
                "country",
            ];
            return Ok(if is_of_class(&entry, &is_container) { Seen::Container } else { Seen::Other });
        }
        let is_listed =
            dn.is_within(&self.read.base) && self.passes(&entry.dn, &directory.people_filter(&names)).await?;
        let (key, person) = person_entry(entry, &self.read.id, self.read.preset, is_listed).map_err(Stop::Anew)?;
        if is_listed && person.labels.is_empty() {
            return Err(Stop::Anew(format!("{} does not show its primaryGroupID", person.person.place)));
        }
        Ok(Seen::Person(key, person))
    }

    /// Whether an entry passes a filter, by the word of the server.
    async fn passes(&mut self, dn: &str, filter: &str) -> Result<bool, Stop> {
        let attributes = [GUID.to_owned()];
        let what = "the changes";
        let mut count = 0;
        let search = Search { what, base: dn, scope: Scope::Base, filter, attributes: &attributes };
        match self.read.connection.search(search, &mut |_| count += 1).await {
            super::End::Cut { gap, .. } => Err(Stop::Failed(gap)),
            super::End::Whole | super::End::NoSuchEntry => Ok(count > 0),
        }
    }

    /// Reads the members of the groups that changed, and the groups below them that the mirror does not know.
    async fn read_groups(&mut self) -> Result<(), Stop> {
        let mut count = 0;
        while let Some((key, entry, is_listed)) = self.open.pop() {
            if self.groups.contains_key(&key) {
                continue;
            }
            count += 1;
            if count > MAX_GROUPS {
                return Err(Stop::Anew(format!("more than {MAX_GROUPS} groups changed")));
            }
            let dn = self.read.keep_group(entry).await;
            let Some(group) = self.read.found.groups.get(&dn).cloned() else { continue };
            if !group.uids.is_empty() {
                return Err(Stop::Anew(format!("{} names members by uid", group.place)));
            }
            if let Some(gap) = group.gaps.iter().find(|gap| !gap.cause.is_lasting()) {
                return Err(Stop::Failed(gap.clone()));
            }
            let mut entry = GroupEntry {
                name: group.name,
                place: group.place,
                is_listed,
                members: Vec::new(),
                labels: group.labels,
                gaps: group.gaps,
            };
            for member in &group.members {
                match self.member(member).await {
                    Ok(Some(member)) => entry.members.push(member),
                    Ok(None) => {}
                    Err(Stop::Failed(gap)) if gap.cause == GapCause::Refused => {
                        let what = format!("group {}", entry.name);
                        entry.gaps.push(Gap { what, ..gap });
                    }
                    Err(stop) => return Err(stop),
                }
            }
            self.groups.insert(key, entry);
        }
        Ok(())
    }

    /// The key of a member. `None`: it counts for nothing.
    async fn member(&mut self, name: &str) -> Result<Option<EntryKey>, Stop> {
        let dn = Dn::new(name);
        let is_nested = self.read.directory.settings.nested.unwrap_or(true);
        if let Some(key) = self.places.get(&dn) {
            return Ok((is_nested || !self.group_keys.contains(key)).then(|| key.clone()));
        }
        let mut keys = self.known.at(&dn.to_string());
        keys.retain(|key| !self.touched.contains(key));
        match keys.as_slice() {
            [key] => {
                let is_group = self.known.kind(key) == Some(EntryKind::Group);
                return Ok((is_nested || !is_group).then(|| key.clone()));
            }
            [] => {}
            _ => return Err(Stop::Anew(format!("the mirror knows several entries called {name}"))),
        }
        let Some(entry) = self.fetch(name, &[]).await? else {
            return match self.read.directory.missing_may_be_hidden(self.read.preset) {
                true => Err(Stop::Failed(unseen(name, "the changes"))),
                false => Ok(None),
            };
        };
        let Some(key) = identity_of(&entry, GUID).map(EntryKey::new) else {
            let detail = format!("member {name} does not show its objectGUID");
            return Err(Stop::Failed(Gap::new("the changes", GapCause::Refused).detail(detail)));
        };
        match self.classify(entry.clone()).await? {
            Seen::Person(key, person) => {
                self.keep_person(key.clone(), person);
                Ok(Some(key))
            }
            Seen::Group { is_listed } => {
                self.open(key.clone(), entry, is_listed);
                Ok(is_nested.then_some(key))
            }
            Seen::Container | Seen::Other => Ok(None),
        }
    }
}

fn by_guid(key: &EntryKey) -> String {
    format!("<GUID={key}>")
}

fn hidden(key: &EntryKey) -> Stop {
    Stop::Anew(format!("the entry {key} changed and cannot be seen any more"))
}
