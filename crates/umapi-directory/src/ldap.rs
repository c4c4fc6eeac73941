//! Servers that speak LDAP: OpenLDAP, 389 Directory Server, FreeIPA, Active Directory.

mod connection;
mod delta;
mod dirsync;
mod dn;
mod feed;
mod preset;
mod resolve;
mod schema;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use ldap3::{Scope, SearchEntry, ldap_escape};
use umapi_http::Secret;

use self::{
    connection::{Connection, End, Search},
    dn::Dn,
    preset::{GROUP_CLASSES, MEMBER_UIDS, MEMBERS, Names, identity, relative_id},
};
use crate::{
    changes::{ChangeFeed, EntryKey, PersonEntry},
    directory::{Directory, DirectoryError, GroupReading, GroupSelector, Query, ReadFuture, Reading},
    extent::{Extent, Gap, GapCause},
    person::{Attributes, Person, PersonId},
    settings::{LdapPreset, LdapSettings, MissingMembers},
};

/// The flag of `userAccountControl` of a disabled account.
const ACCOUNT_DISABLED: u32 = 2;

/// The attributes that are read of people besides those of the query.
const PERSON_ATTRIBUTES: [&str; 7] =
    ["objectClass", "uid", "userAccountControl", "primaryGroupID", "nsAccountLock", "objectCategory", "objectSid"];

/// The attribute under which a mirror keeps the entries of Active Directory.
const GUID: &str = "objectGUID";

/// A server that speaks LDAP, or several with the same content.
#[derive(Clone, Debug)]
pub struct LdapDirectory {
    settings: LdapSettings,
    password: Option<Secret>,
    folder: PathBuf,
}

/// A read in progress.
struct Read<'r> {
    directory: &'r LdapDirectory,
    connection: Connection,
    preset: LdapPreset,
    query: &'r Query,
    take: &'r mut (dyn FnMut(EntryKey, PersonEntry) + Send),
    id: String,
    person_attributes: Vec<String>,
    group_attributes: Vec<String>,
    base: Dn,
    /// Whether another server may go on where one was lost.
    may_reconnect: bool,
    found: Found,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    people: HashMap<Dn, PersonId>,
    ids: HashSet<PersonId>,
    by_uid: HashMap<String, Vec<PersonId>>,
    by_primary_group: HashMap<String, Vec<PersonId>>,
    /// The keys of the people, for a mirror.
    keys: Option<HashMap<Dn, EntryKey>>,
    groups: HashMap<Dn, FoundGroup>,
    /// What became of names that are in no list: the name as the server writes it, or why it could not be read.
    looked_up: HashMap<Dn, Result<Dn, Gap>>,
    /// Entries that are neither people nor groups, and names that lead nowhere.
    others: HashSet<Dn>,
    /// Why these are not all people.
    people_gap: Option<Gap>,
    /// How many people do not show their primary group.
    without_primary_group: usize,
    notices: Vec<String>,
    odd: BTreeMap<&'static str, usize>,
}

/// A group, with its direct members.
#[derive(Clone, Debug, Default)]
struct FoundGroup {
    key: Option<EntryKey>,
    name: String,
    place: String,
    /// Whether a search for groups found it.
    is_listed: bool,
    members: Vec<String>,
    uids: Vec<String>,
    /// What people call it who name it as their primary group.
    labels: Vec<String>,
    gaps: Vec<Gap>,
}

impl LdapDirectory {
    /// The servers of these settings. Relative paths start at `folder`.
    pub fn new(settings: LdapSettings, password: Option<Secret>, folder: impl Into<PathBuf>) -> Self {
        Self { settings, password, folder: folder.into() }
    }

    /// Connects to the first server that answers, and finds its product.
    async fn connect(&self) -> Result<(Connection, LdapPreset), DirectoryError> {
        let mut first = 0;
        loop {
            let mut connection = Connection::open(&self.settings, self.password.as_ref(), &self.folder, first).await?;
            if let Some(preset) = self.settings.preset {
                return Ok((connection, preset));
            }
            first = connection.index + 1;
            match connection.root().await {
                Ok(root) => {
                    let found = LdapPreset::detect(&|name| values_of(&root, name).to_vec());
                    let preset = found.ok_or_else(|| {
                        let reason = "the server does not say which product it is";
                        let remedy = "set preset = \"openldap\", \"ad\", \"389ds\" or \"freeipa\"";
                        DirectoryError::setting(&connection.server, reason, remedy)
                    })?;
                    return Ok((connection, preset));
                }
                Err(error) if error.is_temporary && first < self.settings.url.len() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Begins a read.
    fn begin<'r>(
        &'r self,
        (connection, preset): (Connection, LdapPreset),
        query: &'r Query,
        take: &'r mut (dyn FnMut(EntryKey, PersonEntry) + Send),
    ) -> Read<'r> {
        let id = self.settings.id.clone().unwrap_or_else(|| preset.names().id.to_owned());
        let mut person_attributes: Vec<String> = query.attributes.clone();
        person_attributes.extend(PERSON_ATTRIBUTES.map(str::to_owned));
        let group_name = self.settings.group_name.clone().unwrap_or_else(|| "cn".to_owned());
        let mut group_attributes =
            vec![group_name, MEMBER_UIDS.to_owned(), "objectSid".to_owned(), "objectClass".to_owned()];
        group_attributes.extend(MEMBERS.map(str::to_owned));
        if preset == LdapPreset::Ad {
            person_attributes.push(GUID.to_owned());
            group_attributes.extend([GUID, "objectCategory", "groupType"].map(str::to_owned));
        }
        person_attributes.push(id.clone());
        Read {
            directory: self,
            connection,
            preset,
            query,
            take,
            id,
            person_attributes,
            group_attributes,
            base: Dn::new(&self.settings.base),
            may_reconnect: true,
            found: Found::default(),
        }
    }

    async fn read_all(&self, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Result<Reading, DirectoryError> {
        let connected = self.connect().await?;
        let mut take = |_, entry: PersonEntry| take(entry.person);
        let mut read = self.begin(connected, query, &mut take);
        let people = read.people().await?;
        let (groups, group_list) = read.groups().await?;
        let notices = read.found.notices();
        Ok(Reading { people, groups, group_list, notices })
    }

    /// Whether a member who is not found may be one whom the user may not see.
    fn missing_may_be_hidden(&self, preset: LdapPreset) -> bool {
        match self.settings.missing_members {
            Some(missing) => missing == MissingMembers::Hidden,
            // Active Directory takes the names of deleted members out of their groups.
            None => preset == LdapPreset::Ad,
        }
    }

    /// Where groups are searched.
    fn group_base(&self) -> &str {
        self.settings.group_base.as_ref().unwrap_or(&self.settings.base)
    }

    fn people_filter(&self, names: &Names) -> String {
        self.settings.people_filter.clone().unwrap_or_else(|| names.people.to_owned())
    }

    fn group_filter(&self, names: &Names) -> String {
        self.settings.group_filter.clone().unwrap_or_else(|| names.groups.to_owned())
    }
}

impl Read<'_> {
    /// Reads everybody.
    async fn people(&mut self) -> Result<Extent<usize>, DirectoryError> {
        let filter = self.directory.people_filter(&self.preset.names());
        let base = self.directory.settings.base.clone();
        let attributes = self.person_attributes.clone();
        let what = "all people";
        let mut unreadable = Vec::new();
        let end = loop {
            let Self { connection, found, take, id, preset, .. } = &mut *self;
            let search = Search { what, base: &base, scope: Scope::Subtree, filter: &filter, attributes: &attributes };
            let mut on_entry = |entry: SearchEntry| {
                if let Err(reason) = found.person(entry, id, *preset, true, take) {
                    unreadable.push(Gap::new(what, GapCause::Unreadable).detail(reason));
                }
            };
            match connection.search(search, &mut on_entry).await {
                End::Cut { gap, is_lost: true } if !self.reconnect().await => break End::Cut { gap, is_lost: true },
                // Begun anew on another server: people who were handed on are not handed on twice.
                End::Cut { is_lost: true, .. } => unreadable.clear(),
                end => break end,
            }
        };
        match end {
            End::NoSuchEntry => Err(DirectoryError::setting(
                &self.connection.server,
                format!("there is no entry `{base}`, or this user may not see it"),
                "check `base` and the rights of `user`",
            )),
            End::Whole => Ok(self.all_people(Extent::with_gaps((), unreadable))),
            End::Cut { gap, .. } => Ok(self.all_people(Extent::with_gaps((), unreadable).weaken(gap))),
        }
    }

    fn all_people(&mut self, list: Extent<()>) -> Extent<usize> {
        self.found.people_gap = list.gaps().first().cloned();
        list.map(|()| self.found.ids.len())
    }

    /// Reads the groups of the query, with everything that is in them.
    async fn groups(&mut self) -> Result<(BTreeMap<String, GroupReading>, Extent<()>), DirectoryError> {
        let (wanted, list) = self.wanted_groups().await?;
        let mut groups = BTreeMap::new();
        for (name, dn) in wanted {
            let reading = match dn {
                Ok(dn) => {
                    let place = self.found.groups.get(&dn).map(|group| group.place.clone()).unwrap_or_default();
                    GroupReading { members: self.members(&name, &dn).await, place }
                }
                Err(gap) => GroupReading { members: Extent::missing(gap), place: String::new() },
            };
            groups.insert(name, reading);
        }
        Ok((groups, list))
    }

    /// Finds the groups of the query, and keeps them. The members of the groups in them are not read yet.
    async fn wanted_groups(&mut self) -> Result<(Vec<(String, Result<Dn, Gap>)>, Extent<()>), DirectoryError> {
        let filter = self.directory.group_filter(&self.preset.names());
        let mut wanted: Vec<(String, Result<Dn, Gap>)> = Vec::new();
        let mut list = Extent::with_gaps((), Vec::new());
        if self.query.groups.contains(&GroupSelector::All) {
            let (all, end) = self.find_groups("all groups", &filter).await?;
            if let End::Cut { gap, .. } = end {
                list = list.weaken(gap);
            }
            // Servers compare names without regard to case.
            let mut by_name: BTreeMap<String, (String, Vec<Dn>)> = BTreeMap::new();
            for dn in all {
                if let Some(group) = self.found.groups.get(&dn) {
                    let same = by_name.entry(group.name.to_lowercase());
                    same.or_insert_with(|| (group.name.clone(), Vec::new())).1.push(dn);
                }
            }
            wanted.extend(by_name.into_values().map(|(name, dns)| {
                let dn = self.only_one(&name, dns);
                (name, dn)
            }));
        }
        for group in &self.query.groups {
            let GroupSelector::Named(name) = group else { continue };
            if wanted.iter().any(|(known, _)| known.to_lowercase() == name.to_lowercase()) {
                continue;
            }
            let dn = self.named_group(name, &filter).await?;
            wanted.push((name.clone(), dn));
        }
        Ok((wanted, list))
    }

    /// Finds a group by its name or its distinguished name.
    async fn named_group(&mut self, name: &str, filter: &str) -> Result<Result<Dn, Gap>, DirectoryError> {
        let what = format!("group {name}");
        if name.contains('=') && name.contains(',') {
            let found = match self.found.groups.contains_key(&Dn::new(name)) {
                true => Ok(Dn::new(name)),
                false => self.looked_up(name, &what).await,
            };
            let is_group = |dn: &Dn| self.found.groups.contains_key(dn);
            return Ok(
                found.and_then(|dn| if is_group(&dn) { Ok(dn) } else { Err(Gap::new(what, GapCause::NotFound)) })
            );
        }
        let attribute = &self.group_attributes[0];
        let filter = format!("(&{filter}({attribute}={}))", ldap_escape(name));
        let (found, end) = self.find_groups(&what, &filter).await?;
        Ok(match end {
            End::Cut { gap, .. } => Err(gap),
            End::NoSuchEntry => Err(Gap::new(what, GapCause::NotFound)),
            End::Whole => self.only_one(name, found),
        })
    }

    fn only_one(&self, name: &str, mut dns: Vec<Dn>) -> Result<Dn, Gap> {
        let what = format!("group {name}");
        match (dns.pop(), dns.is_empty()) {
            (Some(dn), true) => Ok(dn),
            (None, _) => Err(Gap::new(what, GapCause::NotFound)),
            (Some(last), false) => {
                dns.push(last);
                let mut places: Vec<&str> =
                    dns.iter().filter_map(|dn| Some(self.found.groups.get(dn)?.place.as_str())).collect();
                places.sort_unstable();
                Err(Gap::new(what, GapCause::Ambiguous).detail(places.join("; ")))
            }
        }
    }

    /// Searches groups and keeps them.
    async fn find_groups(&mut self, what: &str, filter: &str) -> Result<(Vec<Dn>, End), DirectoryError> {
        let base = self.directory.group_base().to_owned();
        let attributes = self.group_attributes.clone();
        loop {
            let mut found = Vec::new();
            let search = Search { what, base: &base, scope: Scope::Subtree, filter, attributes: &attributes };
            let end = self.connection.search(search, &mut |entry| found.push(entry)).await;
            match end {
                End::Cut { is_lost: true, .. } if self.reconnect().await => continue,
                End::NoSuchEntry if self.directory.settings.group_base.is_some() => {
                    let reason = format!("there is no entry `{base}`, or this user may not see it");
                    let server = self.connection.server.clone();
                    return Err(DirectoryError::setting(server, reason, "check `group_base` and the rights of `user`"));
                }
                end => {
                    let mut dns = Vec::with_capacity(found.len());
                    for entry in found {
                        let dn = self.keep_group(entry).await;
                        if let Some(group) = self.found.groups.get_mut(&dn) {
                            group.is_listed = true;
                        }
                        dns.push(dn);
                    }
                    return Ok((dns, end));
                }
            }
        }
    }

    /// Connects to the next server, after one was lost. Returns whether there was one.
    async fn reconnect(&mut self) -> bool {
        let LdapDirectory { settings, password, folder } = self.directory;
        if !self.may_reconnect || self.connection.index + 1 >= settings.url.len() {
            return false;
        }
        match Connection::open(settings, password.as_ref(), folder, self.connection.index + 1).await {
            Ok(connection) => {
                self.found
                    .notices
                    .push(format!("{} was lost; {} answered in its place", self.connection.server, connection.server));
                self.connection = connection;
                true
            }
            Err(_) => {
                // All of them were tried.
                self.connection.index = settings.url.len();
                false
            }
        }
    }
}

impl Found {
    /// Keeps a person, and hands the person on.
    fn person(
        &mut self,
        entry: SearchEntry,
        id: &str,
        preset: LdapPreset,
        is_listed: bool,
        take: &mut (dyn FnMut(EntryKey, PersonEntry) + Send),
    ) -> Result<(), String> {
        let dn = Dn::new(&entry.dn);
        let uids = values_of(&entry, "uid").to_vec();
        let (key, person) = person_entry(entry, id, preset, is_listed)?;
        let identity = person.person.id.clone();
        if let Some(known) = self.people.get(&dn) {
            return if *known == identity {
                Ok(())
            } else {
                Err(format!("{} was read twice, with two identities", person.person.place))
            };
        }
        // Those who are not in the list were found as members of some group: which others they are in depends on the order.
        for uid in uids.into_iter().filter(|_| is_listed) {
            self.by_uid.entry(uid.to_lowercase()).or_default().push(identity.clone());
        }
        if preset == LdapPreset::Ad && is_listed && person.labels.is_empty() {
            self.without_primary_group += 1;
        }
        for label in &person.labels {
            self.by_primary_group.entry(label.clone()).or_default().push(identity.clone());
        }
        if let Some(keys) = &mut self.keys {
            keys.insert(dn.clone(), key.clone());
        }
        self.people.insert(dn, identity.clone());
        if self.ids.insert(identity) {
            take(key, person);
        }
        Ok(())
    }

    /// Counts something odd that does no harm.
    fn odd(&mut self, what: &'static str) {
        *self.odd.entry(what).or_default() += 1;
    }

    fn notices(&self) -> Vec<String> {
        let odd = self.odd.iter().map(|(what, count)| format!("{count} {what}"));
        self.notices.iter().cloned().chain(odd).collect()
    }
}

/// An entry as a person, with the key of a mirror.
fn person_entry(
    entry: SearchEntry,
    id: &str,
    preset: LdapPreset,
    is_listed: bool,
) -> Result<(EntryKey, PersonEntry), String> {
    let attribute = |name: &str| value_of(&entry, name);
    let identity = identity_of(&entry, id).ok_or_else(|| format!("{} has no {id}", entry.dn))?;
    let guid = if preset == LdapPreset::Ad { identity_of(&entry, GUID) } else { None };
    let key = EntryKey::new(guid.as_deref().unwrap_or(&identity));
    let primary = attribute("primaryGroupID").and_then(|number| number.parse().ok()).filter(|_| is_listed);
    let label = primary.map(|number| primary_group(binary_of(&entry, "objectSid"), number));
    let is_disabled = match preset {
        LdapPreset::Ad => attribute("userAccountControl")
            .and_then(|flags| flags.parse::<u32>().ok())
            .is_some_and(|flags| flags & ACCOUNT_DISABLED != 0),
        _ => attribute("nsAccountLock").is_some_and(|locked| locked.eq_ignore_ascii_case("true")),
    };
    let values = entry.attrs.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let attributes = values.collect::<Attributes>();
    let person = Person { id: PersonId::new(identity), place: entry.dn, is_enabled: !is_disabled, attributes };
    Ok((key, PersonEntry { person, is_listed, labels: label.into_iter().collect() }))
}

/// What people call their primary group: the domain of their security identifier, and the number of the group in it. A
/// person who shows no identifier could be of any domain.
fn primary_group(sid: Option<&[u8]>, number: u32) -> String {
    let domain = sid.and_then(|sid| sid.get(..sid.len().checked_sub(4)?)).unwrap_or_default();
    let domain: String = domain.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("primary group {domain}-{number}")
}

/// The values of an attribute, whose name is compared without regard to case.
fn values_of<'e>(entry: &'e SearchEntry, name: &str) -> &'e [String] {
    let found = entry
        .attrs
        .get(name)
        .or_else(|| entry.attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, values)| values));
    found.map(Vec::as_slice).unwrap_or_default()
}

fn value_of<'e>(entry: &'e SearchEntry, name: &str) -> Option<&'e str> {
    values_of(entry, name).first().map(String::as_str)
}

/// A binary value. Some are valid text by chance.
fn binary_of<'e>(entry: &'e SearchEntry, name: &str) -> Option<&'e [u8]> {
    let mut found = entry.bin_attrs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let binary = found.next().and_then(|(_, values)| values.first()).map(Vec::as_slice);
    binary.or_else(|| value_of(entry, name).map(str::as_bytes))
}

/// The identity of an entry: a text, or a binary value that happens to be no text.
fn identity_of(entry: &SearchEntry, attribute: &str) -> Option<String> {
    if attribute.eq_ignore_ascii_case(GUID) {
        return binary_of(entry, attribute).map(identity);
    }
    let text = value_of(entry, attribute).map(str::to_owned);
    text.or_else(|| binary_of(entry, attribute).map(identity)).filter(|id| !id.is_empty())
}

fn is_of_class(entry: &SearchEntry, classes: &[&str]) -> bool {
    values_of(entry, "objectClass").iter().any(|class| classes.contains(&class.to_ascii_lowercase().as_str()))
}

impl Directory for LdapDirectory {
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(self.read_all(query, take))
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        Some(self)
    }
}
