//! Servers that speak LDAP: OpenLDAP, 389 Directory Server, FreeIPA, Active Directory.

mod connection;
mod dn;
mod preset;
mod resolve;

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
    directory::{Directory, DirectoryError, GroupReading, GroupSelector, Query, ReadFuture, Reading},
    extent::{Extent, Gap, GapCause},
    person::{Attributes, Person, PersonId},
    settings::{LdapPreset, LdapSettings},
};

/// The flag of `userAccountControl` of a disabled account.
const ACCOUNT_DISABLED: u32 = 2;

/// The attributes that are read of people besides those of the query.
const PERSON_ATTRIBUTES: [&str; 6] =
    ["objectClass", "uid", "userAccountControl", "primaryGroupID", "nsAccountLock", "objectCategory"];

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
    take: &'r mut (dyn FnMut(Person) + Send),
    id: String,
    person_attributes: Vec<String>,
    group_attributes: Vec<String>,
    base: Dn,
    found: Found,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    people: HashMap<Dn, PersonId>,
    ids: HashSet<PersonId>,
    by_uid: HashMap<String, Vec<PersonId>>,
    by_primary_group: HashMap<u32, Vec<PersonId>>,
    groups: HashMap<Dn, FoundGroup>,
    /// Entries that are neither people nor groups, and names that lead nowhere.
    others: HashSet<Dn>,
    /// Why these are not all people.
    people_gap: Option<Gap>,
    notices: Vec<String>,
    odd: BTreeMap<&'static str, usize>,
}

/// A group, with its direct members.
#[derive(Clone, Debug, Default)]
struct FoundGroup {
    name: String,
    place: String,
    members: Vec<String>,
    uids: Vec<String>,
    relative_id: Option<u32>,
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

    async fn read_all(&self, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Result<Reading, DirectoryError> {
        let (connection, preset) = self.connect().await?;
        let names = preset.names();
        let id = self.settings.id.clone().unwrap_or_else(|| names.id.to_owned());
        let mut person_attributes: Vec<String> = query.attributes.clone();
        person_attributes.extend(PERSON_ATTRIBUTES.map(str::to_owned));
        person_attributes.push(id.clone());
        let group_name = self.settings.group_name.clone().unwrap_or_else(|| "cn".to_owned());
        let mut group_attributes =
            vec![group_name, MEMBER_UIDS.to_owned(), "objectSid".to_owned(), "objectClass".to_owned()];
        group_attributes.extend(MEMBERS.map(str::to_owned));
        let mut read = Read {
            directory: self,
            connection,
            preset,
            query,
            take,
            id,
            person_attributes,
            group_attributes,
            base: Dn::new(&self.settings.base),
            found: Found::default(),
        };
        let people = read.people(&names).await?;
        read.found.people_gap = people.gaps().first().cloned();
        let (groups, group_list) = read.groups(&names).await?;
        let notices = read.found.notices();
        Ok(Reading { people, groups, group_list, notices })
    }
}

impl Read<'_> {
    /// Reads everybody.
    async fn people(&mut self, names: &Names) -> Result<Extent<usize>, DirectoryError> {
        let filter = self.directory.settings.people_filter.clone().unwrap_or_else(|| names.people.to_owned());
        let base = self.directory.settings.base.clone();
        let attributes = self.person_attributes.clone();
        let what = "all people";
        let mut unreadable = Vec::new();
        let end = loop {
            let Self { connection, found, take, id, preset, .. } = &mut *self;
            let search = Search { what, base: &base, scope: Scope::Subtree, filter: &filter, attributes: &attributes };
            let mut on_entry = |entry: SearchEntry| {
                if let Err(reason) = found.person(entry, id, *preset, take) {
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
            End::Whole => Ok(Extent::with_gaps(self.found.ids.len(), unreadable)),
            End::Cut { gap, .. } => Ok(Extent::with_gaps(self.found.ids.len(), unreadable).weaken(gap)),
        }
    }

    /// Reads the groups of the query, with everything that is in them.
    async fn groups(&mut self, names: &Names) -> Result<(BTreeMap<String, GroupReading>, Extent<()>), DirectoryError> {
        let filter = self.directory.settings.group_filter.clone().unwrap_or_else(|| names.groups.to_owned());
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

    /// Finds a group by its name or its distinguished name.
    async fn named_group(&mut self, name: &str, filter: &str) -> Result<Result<Dn, Gap>, DirectoryError> {
        let what = format!("group {name}");
        if name.contains('=') && name.contains(',') {
            let found = match self.found.groups.contains_key(&Dn::new(name)) {
                true => Ok(Dn::new(name)),
                false => self.look_up(name, &what).await,
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
        let base = self.directory.settings.group_base.clone().unwrap_or_else(|| self.directory.settings.base.clone());
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
                        dns.push(self.keep_group(entry).await);
                    }
                    return Ok((dns, end));
                }
            }
        }
    }

    /// Connects to the next server, after one was lost. Returns whether there was one.
    async fn reconnect(&mut self) -> bool {
        let LdapDirectory { settings, password, folder } = self.directory;
        if self.connection.index + 1 >= settings.url.len() {
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
        take: &mut (dyn FnMut(Person) + Send),
    ) -> Result<(), String> {
        let attribute = |name: &str| value_of(&entry, name);
        let Some(identity) = identity_of(&entry, id) else {
            return Err(format!("{} has no {id}", entry.dn));
        };
        let identity = PersonId::new(identity);
        let dn = Dn::new(&entry.dn);
        if let Some(known) = self.people.get(&dn) {
            return if *known == identity {
                Ok(())
            } else {
                Err(format!("{} was read twice, with two identities", entry.dn))
            };
        }
        for uid in values_of(&entry, "uid") {
            self.by_uid.entry(uid.to_lowercase()).or_default().push(identity.clone());
        }
        if let Some(group) = attribute("primaryGroupID").and_then(|number| number.parse().ok()) {
            self.by_primary_group.entry(group).or_default().push(identity.clone());
        }
        let is_disabled = match preset {
            LdapPreset::Ad => attribute("userAccountControl")
                .and_then(|flags| flags.parse::<u32>().ok())
                .is_some_and(|flags| flags & ACCOUNT_DISABLED != 0),
            _ => attribute("nsAccountLock").is_some_and(|locked| locked.eq_ignore_ascii_case("true")),
        };
        self.people.insert(dn, identity.clone());
        if self.ids.insert(identity.clone()) {
            let values = entry.attrs.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
            let attributes = values.collect::<Attributes>();
            take(Person { id: identity, place: entry.dn, is_enabled: !is_disabled, attributes });
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

fn binary_of<'e>(entry: &'e SearchEntry, name: &str) -> Option<&'e [u8]> {
    let mut found = entry.bin_attrs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next()?.1.first().map(Vec::as_slice)
}

/// The identity of an entry: a text, or a binary value that happens to be no text.
fn identity_of(entry: &SearchEntry, attribute: &str) -> Option<String> {
    if attribute.eq_ignore_ascii_case("objectGUID") {
        // Some identities are valid text by chance.
        let text = value_of(entry, attribute).map(str::as_bytes);
        return binary_of(entry, attribute).or(text).map(identity);
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
}
