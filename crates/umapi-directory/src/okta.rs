//! Okta: users, groups and their members, and what changed since a time.

mod feed;
mod user;
mod vendor;

use std::{
    collections::{BTreeMap, HashSet},
    time::SystemTime,
};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use umapi_auth::{Assertion, OAuthClient, PrivateKey};
use umapi_http::{HttpClient, Secret, Server, ServerUrl};
use umapi_time::Clock;
use url::form_urlencoded;

use self::{
    user::{Rules, Seen, User},
    vendor::{Okta, login_remedy, next_page},
};
use crate::{
    changes::{ChangeFeed, Entry, EntryKey, GroupEntry, Whole},
    cloud::{CONCURRENT, CloudClient, CloudResponse, Collector, Failure, FailureKind, Login, Next},
    directory::{Directory, DirectoryError, GroupSelector, Query, ReadFuture, Reading},
    extent::{Gap, GapCause},
    person::Person,
    settings::OktaSettings,
};

/// An address as messages show it.
const ORGANIZATION: Server = Server { name: "Okta organization", example: "https://example.okta.com" };

/// What an application must be granted.
const SCOPES: [&str; 2] = ["okta.users.read", "okta.groups.read"];

/// The most entries of a page. Okta recommends this number for each kind of list.
const PAGE_SIZE: u32 = 200;

/// An Okta organization.
#[derive(Debug)]
pub struct OktaDirectory {
    settings: OktaSettings,
    client: CloudClient,
}

/// The secret of a login at Okta.
#[derive(Clone, Debug)]
pub enum OktaLogin {
    /// An API token.
    Token(Secret),
    /// The private key of an application, as PEM.
    Key(Secret),
}

/// A group of a list.
struct FoundGroup {
    key: EntryKey,
    name: String,
    /// Its id, which tells it from others of this name.
    place: String,
}

/// The members of a group, as they were read.
struct Members {
    keys: Vec<EntryKey>,
    /// Those whom the list of all people does not hold.
    new: Vec<User>,
    end: Result<(), Failure>,
    unreadable: Vec<Gap>,
}

impl OktaDirectory {
    /// The organization of these settings.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(
        settings: OktaSettings,
        login: OktaLogin,
        http: HttpClient,
        clock: Clock,
    ) -> Result<Self, DirectoryError> {
        let wrong = |reason: String, remedy: &str| DirectoryError::setting(&settings.url, reason, remedy);
        let url = ServerUrl::parse(&settings.url, ORGANIZATION)
            .map_err(|error| wrong(error.to_string(), "correct `url` in [[directory]]"))?;
        let login = match login {
            OktaLogin::Token(token) => Login::Fixed { scheme: "SSWS", token },
            OktaLogin::Key(pem) => {
                let client = settings.client_id.as_deref().unwrap_or_default();
                if client.is_empty() {
                    return Err(wrong("`client_id` is missing".to_owned(), "name the client id of the application"));
                }
                let key = PrivateKey::from_pem(pem.reveal(), None)
                    .map_err(|error| wrong(format!("`private_key`: {error}"), "copy the key from Okta as PEM"))?;
                let token_url = ServerUrl::parse(&url.join("/oauth2/v1/token"), ORGANIZATION)
                    .map_err(|error| wrong(error.to_string(), "correct `url` in [[directory]]"))?;
                let mut assertion =
                    Assertion::rs256(key).claim("iss", client).claim("sub", client).claim("aud", token_url.as_str());
                if let Some(id) = &settings.key_id {
                    assertion = assertion.key_id(id);
                }
                let client = OAuthClient::new(token_url, http.clone(), clock.clone())
                    .field("grant_type", "client_credentials")
                    .field("scope", &SCOPES.join(" "))
                    .field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .assertion("client_assertion", assertion)
                    .remedy(login_remedy);
                Login::oauth(client, &clock)
            }
        };
        let client = CloudClient::new(Okta, url, http, login, clock).timeout(settings.timeout);
        Ok(Self { settings, client })
    }

    fn page_size(&self) -> u32 {
        self.settings.page_size.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE)
    }

    /// The address of a list.
    fn list(&self, path: &str, filter: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &self.page_size().to_string());
        if let Some(filter) = filter {
            query.append_pair("filter", filter);
        }
        // Okta reads a plus as a blank only in some lists.
        self.client.address(&format!("/api/v1/{path}?{}", query.finish().replace('+', "%20")))
    }

    /// Reads a list. Returns when its first page was sent, by the clock of the server.
    async fn each(
        &self,
        address: &str,
        take: &mut (dyn FnMut(Value) + Send),
    ) -> (Option<SystemTime>, Result<(), Failure>) {
        let mut begun: Option<Option<SystemTime>> = None;
        let mut page = |response: CloudResponse| -> Result<(usize, Next), Failure> {
            begun.get_or_insert(response.head.date);
            let entries: Vec<Value> = response.json()?;
            let count = entries.len();
            let next = next_page(&response.headers)?;
            entries.into_iter().for_each(&mut *take);
            Ok((count, next))
        };
        let end = self.client.each_page(address, &mut page).await;
        (begun.flatten(), end)
    }

    /// Reads the users of a list. Returns when its first page was sent.
    async fn users(
        &self,
        filter: Option<&str>,
        rules: &Rules,
        unreadable: &mut Vec<Gap>,
        take: &mut (dyn FnMut(User) + Send),
    ) -> (Option<SystemTime>, Result<(), Failure>) {
        let mut keep = |entry: Value| match rules.user(&entry) {
            Ok(user) => take(user),
            Err(reason) => unreadable.push(Gap::new("all people", GapCause::Unreadable).detail(reason)),
        };
        self.each(&self.list("users", filter), &mut keep).await
    }

    /// Reads groups.
    async fn groups(&self, filter: Option<&str>) -> (Vec<FoundGroup>, Vec<Gap>, Result<(), Failure>) {
        let mut found: BTreeMap<EntryKey, FoundGroup> = BTreeMap::new();
        let mut gaps = Vec::new();
        let mut keep = |entry: Value| {
            let (Some(id), Some(name)) = (text(&entry["id"]), text(&entry["profile"]["name"])) else {
                gaps.push(Gap::new("all groups", GapCause::Unreadable).detail("a group has no id or no name"));
                return;
            };
            let key = EntryKey::new(&id);
            found.insert(key.clone(), FoundGroup { key, name, place: id });
        };
        let (_, end) = self.each(&self.list("groups", filter), &mut keep).await;
        (found.into_values().collect(), gaps, end)
    }

    /// Reads the members of a group.
    async fn members(&self, group: &EntryKey, rules: &Rules, seen: &Seen) -> Members {
        let mut members = Members { keys: Vec::new(), new: Vec::new(), end: Ok(()), unreadable: Vec::new() };
        let segment = form_urlencoded::byte_serialize(group.as_str().as_bytes()).collect::<String>();
        let mut take = |entry: Value| match rules.user(&entry) {
            Ok(user) if user.left => {}
            Ok(user) => {
                members.keys.push(user.key.clone());
                if !seen.contains(&user.key) {
                    members.new.push(user);
                }
            }
            Err(reason) => members.unreadable.push(Gap::new("a group", GapCause::Unreadable).detail(reason)),
        };
        let (_, end) = self.each(&self.list(&format!("groups/{segment}/users"), None), &mut take).await;
        members.end = end;
        members
    }

    /// Reads everything that a query asks for.
    async fn read_entries(
        &self,
        query: &Query,
        take: &mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> Result<Whole, DirectoryError> {
        let rules = Rules::of(&self.settings, query);
        let mut whole = Whole::default();
        let mut seen = Seen::new();
        let (begun, end) = self
            .users(None, &rules, &mut whole.people, &mut |user| {
                if !user.left && seen.insert(user.key.clone()) {
                    take(user.key, Entry::Person(user.entry));
                }
            })
            .await;
        if let Err(failure) = end {
            if seen.is_empty() {
                return Err(failure.into_error(self.client.server()));
            }
            whole.people.push(failure.gap("all people"));
        }
        whole.cursor = begun.and_then(feed::cursor);
        if whole.cursor.is_none() {
            whole.notices.push("Okta does not tell its time, so it cannot be asked for what changed".to_owned());
        }
        if query.groups.is_empty() {
            return Ok(whole);
        }
        let (groups, gaps, end) = self.groups(None).await;
        whole.group_list = gaps;
        if let Err(failure) = end {
            if groups.is_empty() && matches!(failure.kind, FailureKind::Denied | FailureKind::Login) {
                return Err(failure.into_error(self.client.server()));
            }
            whole.group_list.push(failure.gap("all groups"));
        }
        if let Some(gap) = whole.group_list.first() {
            // Another group of the same name may be among those that were not read.
            for selector in &query.groups {
                if let GroupSelector::Named(name) = selector {
                    whole.unread.insert(name.clone(), gap.clone());
                }
            }
        }
        let read = |group: FoundGroup| async {
            let members = self.members(&group.key, &rules, &seen).await;
            (group, members)
        };
        let wanted = groups.into_iter().filter(|group| is_wanted(query, group));
        let mut reads = stream::iter(wanted).map(read).buffer_unordered(CONCURRENT);
        let mut new: HashSet<EntryKey> = HashSet::new();
        while let Some((group, Members { keys, new: others, end, unreadable })) = reads.next().await {
            for user in others {
                // Added since the list of all people was read.
                if new.insert(user.key.clone()) {
                    take(user.key, Entry::Person(user.entry));
                }
            }
            let FoundGroup { key, name, place } = group;
            let mut gaps = unreadable;
            gaps.extend(end.err().map(|failure| failure.gap("a group")));
            let entry = GroupEntry { name, place, is_listed: true, members: keys, gaps, ..GroupEntry::default() };
            take(key, Entry::Group(entry));
        }
        Ok(whole)
    }

    async fn read_all(&self, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Result<Reading, DirectoryError> {
        let mut collector = Collector::new(take);
        let whole = self.read_entries(query, &mut |key, entry| collector.entry(key, entry)).await?;
        let mut reading = collector.finish(query, whole);
        // It is about mirrors, and there is none.
        reading.notices.clear();
        Ok(reading)
    }
}

/// Whether a query asks for a group: by its name, by its id, or for all.
fn is_wanted(query: &Query, group: &FoundGroup) -> bool {
    let name = group.name.to_lowercase();
    query.groups.iter().any(|selector| match selector {
        GroupSelector::All => true,
        GroupSelector::Named(wanted) => wanted.to_lowercase() == name || wanted == group.key.as_str(),
    })
}

/// A text that is not blank.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl Directory for OktaDirectory {
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(self.read_all(query, take))
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        Some(self)
    }
}
