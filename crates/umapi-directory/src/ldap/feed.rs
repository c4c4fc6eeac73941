//! A domain of Active Directory as a directory that tells what changed: what a mirror begins with.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ldap3::{Scope, SearchEntry};
use serde::{Deserialize, Serialize};

use super::{
    Dn, FoundGroup, GUID, LdapDirectory, MEMBER_UIDS, MEMBERS, Read, Search, connection::ChangesEnd, schema, value_of,
};
use crate::{
    changes::{ChangeFeed, Cursor, Entry, EntryKey, GroupEntry, Known, PersonEntry, SinceFuture, Whole, WholeFuture},
    directory::{DirectoryError, Query},
    extent::{Gap, GapCause},
    settings::LdapPreset,
};

/// The classes of entries under which people and groups can be.
pub(super) const CONTAINERS: &str = "(objectClass=organizationalUnit)(objectClass=container)(objectClass=builtinDomain)\
     (objectClass=domainDNS)(objectClass=organization)(objectClass=locality)(objectClass=country)";

/// What no entry passes.
const NOTHING: &str = "(objectGUID=\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00)";

/// Where the changes of a domain were read up to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Position {
    /// The domain controller. Another one may lag behind it.
    pub(super) controller: String,
    /// The partition.
    pub(super) domain: String,
    /// In Base64.
    pub(super) cookie: String,
    /// Whether the user is known to see deleted entries.
    pub(super) sees_deleted: bool,
}

impl Position {
    pub(super) fn read(cursor: &Cursor) -> Option<(Self, Vec<u8>)> {
        let position: Self = serde_json::from_str(cursor.reveal()).ok()?;
        let cookie = STANDARD.decode(&position.cookie).ok()?;
        Some((position, cookie))
    }

    pub(super) fn at(mut self, cookie: &[u8]) -> Option<Cursor> {
        self.cookie = STANDARD.encode(cookie);
        serde_json::to_string(&self).ok().map(Cursor::new)
    }
}

/// What the root entry of a domain controller tells.
pub(super) struct Domain {
    pub(super) controller: String,
    pub(super) domain: String,
    schema: String,
}

impl Domain {
    pub(super) fn of(root: &SearchEntry, bases: [&str; 2]) -> Result<Self, String> {
        let value = |name: &str| value_of(root, name).map(str::to_owned);
        let missing = || "the server does not show its root entry".to_owned();
        let domain = value("defaultNamingContext").ok_or_else(missing)?;
        let top = Dn::new(&domain);
        if !bases.iter().all(|base| Dn::new(base).is_within(&top)) {
            return Err(format!("`base` is not within the domain {domain}"));
        }
        let controller = value("dsServiceName").ok_or_else(missing)?;
        Ok(Self { controller, domain, schema: value("schemaNamingContext").ok_or_else(missing)? })
    }
}

impl Read<'_> {
    /// The attributes and entries whose changes matter.
    pub(super) fn watched(&self) -> (String, Vec<String>) {
        let settings = &self.directory.settings;
        let mut attributes = self.person_attributes.clone();
        attributes.extend(self.group_attributes.iter().cloned());
        let filters = [settings.people_filter.as_deref(), settings.group_filter.as_deref()];
        attributes.extend(filters.into_iter().flatten().flat_map(schema::attributes_of));
        attributes.extend(["name", "isDeleted"].map(str::to_owned));
        attributes.extend(MEMBERS.iter().chain([&MEMBER_UIDS]).map(|&name| name.to_owned()));
        let mut seen = HashSet::new();
        attributes.retain(|name| seen.insert(name.to_ascii_lowercase()));
        // Deleted entries keep their class, and nothing else that filters test.
        let filter = format!("(|(&(objectClass=user)(!(objectClass=computer)))(objectClass=group){CONTAINERS})");
        (filter, attributes)
    }

    /// The place in the changes of the domain where everything that is read from now on is known.
    async fn position(&mut self) -> Result<Cursor, String> {
        let root = self.connection.root().await.map_err(|error| error.to_string())?;
        let directory = self.directory;
        let Domain { controller, domain, schema } =
            Domain::of(&root, [&directory.settings.base, directory.group_base()])?;
        match self.untold(&schema).await {
            Ok(None) => {}
            Ok(Some(why)) => return Err(why),
            Err(gap) => return Err(gap.to_string()),
        }
        let attributes = [GUID.to_owned()];
        let what = "the changes";
        let search = Search { what, base: &domain, scope: Scope::Subtree, filter: NOTHING, attributes: &attributes };
        let cookie = match self.connection.changes(search, Vec::new(), &mut |_| {}).await {
            ChangesEnd::Whole { cookie } => cookie,
            ChangesEnd::Refused(why) => return Err(why),
            ChangesEnd::Lost(gap) => return Err(gap.to_string()),
        };
        let sees_deleted = self.connection.sees_deleted(&format!("CN=Deleted Objects,{domain}")).await;
        let position = Position { controller, domain, cookie: String::new(), sees_deleted };
        position.at(&cookie).ok_or_else(|| "the cookie cannot be kept".to_owned())
    }

    /// The key of a member, which was read before. `None`: it counts for nothing.
    async fn member_key(&mut self, member: &str, what: &str) -> Result<Option<(EntryKey, Option<Dn>)>, Gap> {
        let dn = self.looked_up(member, what).await?;
        if let Some(key) = self.found.keys.as_ref().and_then(|keys| keys.get(&dn)) {
            return Ok(Some((key.clone(), None)));
        }
        let Some(group) = self.found.groups.get(&dn) else { return Ok(None) };
        let is_nested = self.directory.settings.nested.unwrap_or(true);
        let key = group.key.clone().ok_or_else(|| {
            Gap::new(what, GapCause::Refused).detail(format!("the group {} does not show its objectGUID", group.place))
        })?;
        Ok(is_nested.then_some((key, Some(dn))))
    }

    /// A group for a mirror, and the groups in it.
    pub(super) async fn group_entry(&mut self, group: FoundGroup) -> (GroupEntry, Vec<Dn>) {
        let what = format!("group {}", group.name);
        let mut entry = GroupEntry {
            name: group.name,
            place: group.place,
            is_listed: group.is_listed,
            members: Vec::new(),
            labels: group.labels,
            gaps: group.gaps,
        };
        entry.gaps.extend(self.hidden_primary_groups(&what));
        let mut groups = Vec::new();
        for member in &group.members {
            match self.member_key(member, &what).await {
                Ok(Some((key, group))) => {
                    entry.members.push(key);
                    groups.extend(group);
                }
                Ok(None) => {}
                Err(gap) => entry.gaps.push(gap),
            }
        }
        (entry, groups)
    }
}

impl LdapDirectory {
    async fn read_for_mirror(
        &self,
        query: &Query,
        take: &mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> Result<Whole, DirectoryError> {
        let connected = self.connect().await?;
        let mut take_person = |key: EntryKey, person: PersonEntry| take(key, Entry::Person(person));
        let mut read = self.begin(connected, query, &mut take_person);
        read.found.keys = Some(HashMap::new());
        let mut whole = Whole::default();
        let began_at = read.connection.index;
        let position = match read.preset {
            LdapPreset::Ad => read.position().await,
            _ => Err("this server cannot".to_owned()),
        };
        let people = read.people().await?;
        whole.people = people.gaps().to_vec();
        let (wanted, list) = read.wanted_groups().await?;
        whole.group_list = list.gaps().to_vec();
        for (name, dn) in wanted {
            if let Err(gap) = dn
                && !matches!(gap.cause, GapCause::NotFound | GapCause::Ambiguous)
            {
                whole.unread.insert(name, gap);
            }
        }
        let mut open: Vec<Dn> = read.found.groups.keys().cloned().collect();
        let mut seen: HashSet<Dn> = open.iter().cloned().collect();
        let mut groups: BTreeMap<EntryKey, GroupEntry> = BTreeMap::new();
        let mut has_uids = false;
        while let Some(dn) = open.pop() {
            let Some(group) = read.found.groups.get(&dn).cloned() else { continue };
            has_uids |= !group.uids.is_empty();
            let key = group.key.clone().unwrap_or_else(|| EntryKey::new(&group.place));
            let (entry, nested) = read.group_entry(group).await;
            groups.insert(key, entry);
            open.extend(nested.into_iter().filter(|dn| seen.insert(dn.clone())));
        }
        whole.notices = read.found.notices();
        let position = match position {
            _ if has_uids => Err("groups name members by uid".to_owned()),
            // The other server may lag behind the one that gave the cookie.
            _ if read.connection.index != began_at => Err("another server went on reading".to_owned()),
            position => position,
        };
        match position {
            Ok(cursor) => whole.cursor = Some(cursor),
            Err(why) => whole.notices.push(format!("`delta` has no effect, everything is read each time: {why}")),
        }
        groups.into_iter().for_each(|(key, group)| take(key, Entry::Group(group)));
        Ok(whole)
    }
}

impl ChangeFeed for LdapDirectory {
    fn basis(&self, query: &Query) -> String {
        let settings = serde_json::to_string(&self.settings).unwrap_or_default();
        format!("{settings} {query:?}")
    }

    fn folded(&self, name: &str) -> String {
        Dn::new(name).to_string()
    }

    fn read_whole<'a>(
        &'a self,
        query: &'a Query,
        take: &'a mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> WholeFuture<'a> {
        Box::pin(self.read_for_mirror(query, take))
    }

    fn read_changes<'a>(
        &'a self,
        query: &'a Query,
        since: &'a Cursor,
        known: &'a dyn Known,
        take: &'a mut (dyn FnMut(crate::changes::Change) + Send),
    ) -> SinceFuture<'a> {
        Box::pin(self.read_delta(query, since, known, take))
    }
}
