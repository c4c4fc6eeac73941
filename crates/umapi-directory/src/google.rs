//! Google Workspace: users, groups with their members, and organizational units.

mod key;
mod user;
mod vendor;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::Value;
use umapi_auth::{Assertion, OAuthClient};
use umapi_http::{HttpClient, Secret, Server, ServerUrl};
use umapi_time::Clock;
use url::form_urlencoded;

use self::{
    key::ServiceAccountKey,
    user::Rules,
    vendor::{GROUPS, Google, ORGANIZATIONAL_UNITS, USERS, login_remedy},
};
use crate::{
    changes::{Entry, EntryKey, GroupEntry, PersonEntry, Whole},
    cloud::{CONCURRENT, CloudClient, CloudResponse, Collector, Failure, FailureKind, Login, Next},
    directory::{Directory, DirectoryError, GroupSelector, Query, ReadFuture, Reading},
    extent::{Gap, GapCause},
    person::Person,
    settings::GoogleSettings,
};

/// The Directory API as messages show it.
const DIRECTORY_API: Server = Server { name: "Directory API", example: "https://admin.googleapis.com" };

/// The account that the administrator belongs to.
const MY_CUSTOMER: &str = "my_customer";

/// The most entries of a page.
const MAX_USERS: u32 = 500;
const MAX_GROUPS: u32 = 200;

/// The names of organizational units begin with it.
const UNIT: &str = "ou:";

/// A Google Workspace account.
#[derive(Debug)]
pub struct GoogleDirectory {
    settings: GoogleSettings,
    client: CloudClient,
}

/// A page of any list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    /// What the list is: a page without it is not one of the service.
    kind: String,
    #[serde(default, alias = "groups", alias = "members", alias = "organizationUnits")]
    users: Vec<Value>,
    next_page_token: Option<String>,
}

/// What a member of a group is.
enum Member {
    Person(EntryKey, Option<String>),
    Group(EntryKey),
    /// Everybody of the account.
    Everybody,
    /// Somebody without an account.
    External,
}

/// The direct members of a group, as they were read.
struct Members {
    members: Vec<Member>,
    end: Result<(), Failure>,
    unreadable: Vec<Gap>,
}

/// The people who were read.
#[derive(Default)]
struct People {
    keys: HashSet<EntryKey>,
    /// The domains of their addresses.
    domains: HashSet<String>,
    /// Who is directly in a unit.
    units: BTreeMap<String, Vec<EntryKey>>,
}

impl GoogleDirectory {
    /// The account of these settings. `key` is the JSON of the service account.
    ///
    /// # Errors
    /// Settings or a key that cannot be used.
    pub fn new(settings: GoogleSettings, key: &Secret, http: HttpClient, clock: Clock) -> Result<Self, DirectoryError> {
        let address = settings.url.as_deref().unwrap_or(DIRECTORY_API.example);
        let wrong = |reason: String, remedy: &str| DirectoryError::setting(address, reason, remedy);
        let url = ServerUrl::parse(address, DIRECTORY_API)
            .map_err(|error| wrong(error.to_string(), "correct `url` in [[directory]], or leave it out"))?;
        let account = ServiceAccountKey::parse(key)
            .map_err(|reason| wrong(format!("`key`: {reason}"), "create a key of the type JSON in Google Cloud"))?;
        let mut scopes = vec![USERS, GROUPS];
        if settings.organizational_units == Some(true) {
            scopes.push(ORGANIZATIONAL_UNITS);
        }
        let assertion = Assertion::rs256(account.private_key)
            .key_id(account.key_id)
            .claim("iss", &account.email)
            .claim("sub", &settings.subject)
            .claim("aud", account.token_url.as_str())
            .claim("scope", &scopes.join(" "));
        let login = OAuthClient::new(account.token_url, http.clone(), clock.clone())
            .field("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .assertion("assertion", assertion)
            .remedy(login_remedy);
        let login = Login::oauth(login, &clock);
        let client = CloudClient::new(Google, url, http, login, clock).timeout(settings.timeout);
        Ok(Self { settings, client })
    }

    fn customer(&self) -> &str {
        self.settings.customer.as_deref().unwrap_or(MY_CUSTOMER)
    }

    /// The address of a list.
    fn list(&self, path: &str, max: u32, parameters: &[(&str, &str)]) -> String {
        let size = self.settings.page_size.unwrap_or(max).clamp(1, max).to_string();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("maxResults", &size).extend_pairs(parameters);
        self.client.address(&format!("/admin/directory/v1/{path}?{}", query.finish()))
    }

    /// Reads a list of a kind, such as `users`.
    async fn each(&self, kind: &str, address: &str, take: &mut (dyn FnMut(Value) + Send)) -> Result<(), Failure> {
        let kind = format!("admin#directory#{kind}");
        let mut page = |response: CloudResponse| -> Result<(usize, Next), Failure> {
            let page: Page = response.json()?;
            if page.kind != kind {
                return Err(Failure::unreadable("a page is not of the list that was asked for"));
            }
            let count = page.users.len();
            page.users.into_iter().for_each(&mut *take);
            let next = match page.next_page_token.filter(|token| !token.is_empty()) {
                Some(token) => {
                    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
                    Next::Page(format!("{address}&pageToken={token}"))
                }
                None => Next::End,
            };
            Ok((count, next))
        };
        self.client.each_page(address, &mut page).await
    }

    /// Reads everybody.
    async fn people(
        &self,
        rules: &Rules,
        gaps: &mut Vec<Gap>,
        take: &mut (dyn FnMut(EntryKey, PersonEntry) + Send),
    ) -> (People, Result<(), Failure>) {
        let mut people = People::default();
        let fields = format!("kind,nextPageToken,users({})", rules.fields());
        let projection = rules.projection();
        let mut parameters = vec![("customer", self.customer()), ("fields", &fields), ("projection", projection.0)];
        if let Some(schemas) = &projection.1 {
            parameters.push(("customFieldMask", schemas));
        }
        let address = self.list("users", MAX_USERS, &parameters);
        let end = self
            .each("users", &address, &mut |user| match rules.user(&user) {
                Ok(user) => {
                    if people.keys.insert(user.key.clone()) {
                        people.domains.extend(domain(&user.entry.person.place));
                        if let Some(unit) = user.unit {
                            people.units.entry(unit).or_default().push(user.key.clone());
                        }
                        take(user.key, user.entry);
                    }
                }
                Err(reason) => gaps.push(Gap::new("all people", GapCause::Unreadable).detail(reason)),
            })
            .await;
        (people, end)
    }

    /// Reads the groups of the account.
    async fn groups(&self, gaps: &mut Vec<Gap>) -> (Vec<(EntryKey, GroupEntry)>, Result<(), Failure>) {
        let mut found: HashMap<EntryKey, GroupEntry> = HashMap::new();
        let fields = "kind,nextPageToken,groups(id,email,name)";
        let address = self.list("groups", MAX_GROUPS, &[("customer", self.customer()), ("fields", fields)]);
        let end = self
            .each("groups", &address, &mut |group| {
                let (Some(id), Some(email)) = (text(&group["id"]), text(&group["email"])) else {
                    gaps.push(Gap::new("all groups", GapCause::Unreadable).detail("a group has no id or no address"));
                    return;
                };
                let place = text(&group["name"]).unwrap_or_default();
                let entry = GroupEntry { name: email, place, is_listed: true, ..GroupEntry::default() };
                found.insert(EntryKey::new(id), entry);
            })
            .await;
        (found.into_iter().collect(), end)
    }

    /// Reads the direct members of a group. The API can list those of groups in it, too, but such a list was known to lack
    /// members (GAM-team/GAM#1210), and nothing shows it.
    async fn members(&self, group: &EntryKey) -> Members {
        let mut found = Members { members: Vec::new(), end: Ok(()), unreadable: Vec::new() };
        let segment: String = form_urlencoded::byte_serialize(group.as_str().as_bytes()).collect();
        let fields = "kind,nextPageToken,members(id,email,type)";
        let address = self.list(&format!("groups/{segment}/members"), MAX_GROUPS, &[("fields", fields)]);
        found.end = self
            .each("members", &address, &mut |member| {
                let key = text(&member["id"]).map(EntryKey::new);
                let email = text(&member["email"]);
                found.members.push(match (member["type"].as_str(), key) {
                    (Some("USER"), Some(key)) => Member::Person(key, email),
                    (Some("GROUP"), Some(key)) => Member::Group(key),
                    (Some("CUSTOMER"), _) => Member::Everybody,
                    (Some("EXTERNAL"), _) => Member::External,
                    _ => {
                        let who = email.as_deref().unwrap_or("somebody");
                        let detail = format!("the member {who} does not show what it is");
                        found.unreadable.push(Gap::new("a group", GapCause::Unreadable).detail(detail));
                        return;
                    }
                });
            })
            .await;
        found
    }

    /// Reads the paths of all organizational units.
    async fn units(&self, gaps: &mut Vec<Gap>) -> (BTreeSet<String>, Result<(), Failure>) {
        // The unit at the top is not in the list.
        let mut units = BTreeSet::from(["/".to_owned()]);
        let path = format!("customer/{}/orgunits", self.customer());
        let fields = "kind,organizationUnits(orgUnitPath)";
        let address = self.client.address(&format!("/admin/directory/v1/{path}?type=all&fields={fields}"));
        let end = self
            .each("orgUnits", &address, &mut |unit| match text(&unit["orgUnitPath"]) {
                Some(path) => {
                    units.insert(path);
                }
                None => {
                    gaps.push(Gap::new("all organizational units", GapCause::Unreadable).detail("a unit has no path"))
                }
            })
            .await;
        (units, end)
    }

    async fn read_entries(
        &self,
        query: &Query,
        take: &mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> Result<Whole, DirectoryError> {
        let mut whole = Whole::default();
        let rules = Rules::of(query);
        let (people, end) =
            self.people(&rules, &mut whole.people, &mut |key, person| take(key, Entry::Person(person))).await;
        if let Err(failure) = end {
            if people.keys.is_empty() {
                return Err(self.error(failure, USERS));
            }
            whole.people.push(self.gap(&failure, "all people", USERS));
        }
        let mut read = GroupRead { directory: self, query, whole, people, external: AtomicUsize::new(0), take };
        let (units, groups): (Vec<_>, Vec<_>) = query.groups.iter().partition(|selector| is_unit(selector));
        if self.settings.organizational_units == Some(true) {
            read.units().await?;
        } else {
            for selector in units {
                if let GroupSelector::Named(name) = selector {
                    let gap = Gap::new(format!("group {name}"), GapCause::NotFound)
                        .detail("set `organizational_units = true` in [[directory]] to use units as groups");
                    read.whole.unread.insert(name.clone(), gap);
                }
            }
        }
        if !groups.is_empty() {
            read.groups().await?;
        }
        let GroupRead { mut whole, external, .. } = read;
        let external = external.into_inner();
        if external > 0 {
            whole.notices.push(format!("{external} members of groups are not of this account"));
        }
        Ok(whole)
    }

    /// A failure of a list that needs a scope.
    fn failure(&self, failure: Failure, scope: &str) -> Failure {
        match failure.kind {
            FailureKind::Denied if failure.remedy.as_deref() == Some(vendor::SCOPE_MISSING) => failure.remedy(format!(
                "authorize the service account for {scope}: Admin console > Security > Access and data control > API \
                     controls > Manage Domain Wide Delegation"
            )),
            FailureKind::Denied if failure.remedy.as_deref() == Some(vendor::ROLE_MISSING) => {
                let subject = &self.settings.subject;
                failure.remedy(format!(
                    "give {subject} a role that may read it: Admin console > Account > Admin roles, privileges of the \
                     Admin API"
                ))
            }
            _ => failure,
        }
    }

    fn error(&self, failure: Failure, scope: &str) -> DirectoryError {
        self.failure(failure, scope).into_error(self.client.server())
    }

    fn gap(&self, failure: &Failure, what: &str, scope: &str) -> Gap {
        self.failure(failure.clone(), scope).gap(what)
    }

    async fn read_all(&self, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Result<Reading, DirectoryError> {
        let mut collector = Collector::new(take);
        let whole = self.read_entries(query, &mut |key, entry| collector.entry(key, entry)).await?;
        Ok(collector.finish(query, whole))
    }
}

/// A read of groups and units, after that of the people.
struct GroupRead<'r> {
    directory: &'r GoogleDirectory,
    query: &'r Query,
    whole: Whole,
    people: People,
    /// The number of members from elsewhere.
    external: AtomicUsize,
    take: &'r mut (dyn FnMut(EntryKey, Entry) + Send),
}

impl GroupRead<'_> {
    /// Makes groups of organizational units, each with the people of the units below it.
    async fn units(&mut self) -> Result<(), DirectoryError> {
        let mut gaps = Vec::new();
        let (units, end) = self.directory.units(&mut gaps).await;
        if let Err(failure) = end {
            if matches!(failure.kind, FailureKind::Denied | FailureKind::Login) {
                return Err(self.directory.error(failure, ORGANIZATIONAL_UNITS));
            }
            gaps.push(self.directory.gap(&failure, "all organizational units", ORGANIZATIONAL_UNITS));
        }
        if let Some(gap) = gaps.first() {
            for selector in self.query.groups.iter().filter(|selector| is_unit(selector)) {
                if let GroupSelector::Named(name) = selector {
                    self.whole.unread.insert(name.clone(), gap.clone());
                }
            }
        }
        self.whole.group_list.append(&mut gaps);
        for unit in units {
            let below = if unit == "/" { unit.clone() } else { format!("{unit}/") };
            let within = self.people.units.iter().filter(|(path, _)| **path == unit || path.starts_with(&below));
            let members: Vec<EntryKey> = within.flat_map(|(_, people)| people.iter().cloned()).collect();
            // Somebody who was not read may be in it.
            let gaps = self.whole.people.clone();
            let name = format!("{UNIT}{unit}");
            let key = EntryKey::new(&name);
            let entry = GroupEntry { name, is_listed: true, members, gaps, ..GroupEntry::default() };
            (self.take)(key, Entry::Group(entry));
        }
        Ok(())
    }

    /// Reads the groups of the query, and those in them.
    async fn groups(&mut self) -> Result<(), DirectoryError> {
        let mut gaps = Vec::new();
        let (groups, end) = self.directory.groups(&mut gaps).await;
        if let Err(failure) = end {
            if groups.is_empty() && matches!(failure.kind, FailureKind::Denied | FailureKind::Login) {
                return Err(self.directory.error(failure, GROUPS));
            }
            gaps.push(self.directory.gap(&failure, "all groups", GROUPS));
        }
        if let Some(gap) = gaps.first() {
            // Another group of the same name may be among those that were not read.
            for selector in self.query.groups.iter().filter(|selector| !is_unit(selector)) {
                if let GroupSelector::Named(name) = selector {
                    self.whole.unread.insert(name.clone(), gap.clone());
                }
            }
        }
        self.whole.group_list.append(&mut gaps);
        let mut known: HashMap<EntryKey, GroupEntry> = groups.into_iter().collect();
        let mut open: Vec<EntryKey> =
            known.iter().filter(|(key, group)| is_wanted(self.query, key, group)).map(|(key, _)| key.clone()).collect();
        open.sort();
        let mut asked: HashSet<EntryKey> = open.iter().cloned().collect();
        let is_nested = self.directory.settings.nested.unwrap_or(true);
        // Groups in the groups, then those in them.
        while !open.is_empty() {
            let directory = self.directory;
            let read = |key: EntryKey| async move {
                let members = directory.members(&key).await;
                (key, members)
            };
            let mut reads = stream::iter(std::mem::take(&mut open)).map(read).buffer_unordered(CONCURRENT);
            let mut next = Vec::new();
            while let Some((key, members)) = reads.next().await {
                let entry = known.remove(&key);
                let entry = self.group(entry, members, is_nested, &mut |below| {
                    if asked.insert(below.clone()) {
                        next.push(below.clone());
                    }
                });
                (self.take)(key, entry);
            }
            drop(reads);
            next.sort();
            open = next;
        }
        Ok(())
    }

    /// A group with its members. `entry` is `None` for one that the account does not list.
    fn group(
        &self,
        entry: Option<GroupEntry>,
        members: Members,
        is_nested: bool,
        below: &mut dyn FnMut(&EntryKey),
    ) -> Entry {
        let is_listed = entry.is_some();
        let mut group = entry.unwrap_or_default();
        let Members { members, end, unreadable } = members;
        group.gaps.extend(unreadable);
        match end {
            Ok(()) => {}
            // It was deleted since the list of groups or of members was read.
            Err(failure) if failure.kind == FailureKind::NotFound && !is_listed => return Entry::Other,
            Err(failure) if failure.kind == FailureKind::Denied && !is_listed => {
                if self.directory.settings.ignore_external_groups == Some(true) {
                    self.external.fetch_add(1, Ordering::Relaxed);
                    return Entry::Other;
                }
                let detail = "a member of it is a group of another organization, and nobody can see who is in that; \
                              remove it from the group, or set `ignore_external_groups = true` in [[directory]]";
                group.gaps.push(Gap::new("a group", GapCause::Refused).detail(detail));
            }
            Err(failure) => group.gaps.push(self.directory.gap(&failure, "a group", GROUPS)),
        }
        for member in members {
            match member {
                Member::Person(key, _) if self.people.keys.contains(&key) => group.members.push(key),
                Member::Person(key, email) => {
                    let domain = email.as_deref().and_then(domain);
                    if domain.is_none_or(|domain| self.people.domains.contains(&domain))
                        || !self.whole.people.is_empty()
                    {
                        // Somebody of this account whom the list of people does not hold.
                        group.members.push(key);
                    } else {
                        self.external.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Member::Group(key) if is_nested => {
                    below(&key);
                    group.members.push(key);
                }
                Member::Group(_) => {}
                Member::Everybody => {
                    group.members.extend(self.people.keys.iter().cloned());
                    group.gaps.extend(self.whole.people.iter().cloned());
                }
                Member::External => {
                    self.external.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        Entry::Group(group)
    }
}

/// Whether a selector names an organizational unit.
fn is_unit(selector: &GroupSelector) -> bool {
    matches!(selector, GroupSelector::Named(name) if name.to_ascii_lowercase().starts_with(UNIT))
}

/// Whether a query asks for a group: by its address, its name, its id, or for all.
fn is_wanted(query: &Query, key: &EntryKey, group: &GroupEntry) -> bool {
    query.groups.iter().any(|selector| match selector {
        GroupSelector::All => true,
        GroupSelector::Named(wanted) => {
            let wanted = wanted.to_lowercase();
            wanted == group.name.to_lowercase() || wanted == group.place.to_lowercase() || wanted == key.as_str()
        }
    })
}

/// A text that is not blank.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The domain of an address, in small letters.
fn domain(address: &str) -> Option<String> {
    address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
}

impl Directory for GoogleDirectory {
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(self.read_all(query, take))
    }
}
