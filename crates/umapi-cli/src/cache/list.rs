//! Reading a list from the cache, and from the service what is not in it.

use std::{
    collections::{HashSet, VecDeque},
    fs::{File, TryLockError},
    time::{Duration, SystemTime},
};

use futures_util::Stream;
use serde::{Serialize, de::DeserializeOwned};
use umapi::{
    Error, PageItem, Pager, WaitReason,
    model::{Group, User, UserStatus},
    plan::account::FoldedName,
};

use super::{
    CLOCK_STEP, Cache, CachedList, Unusable,
    database::{ALL_GROUPS, Database, MAX_CHANGED_USERS, StoredItem, StoredList, UNCERTAIN},
    is_after,
};
use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    output::time,
};

/// How many items are taken from the file at once.
const CHUNK: u32 = 1_000;

/// How often a process looks whether another one has finished reading a list.
const LOCK_POLL: Duration = Duration::from_millis(500);

/// An item of a list that is kept.
pub(crate) trait CachedItem: PageItem + Serialize + DeserializeOwned {
    /// Returns how it is stored. `None` if it has no name.
    fn stored(&self) -> Option<StoredItem>;

    /// Whether it belongs to a domain.
    fn is_of_domain(&self, domain: &FoldedName) -> bool;

    /// Drops what this command has changed since the item was read.
    fn without_changed_details(self, changed: &HashSet<String>) -> Self;
}

/// A list that comes from the cache, from the service, or from both.
pub(crate) struct ListReader<T> {
    source: Source<T>,
    /// Only the items of this domain are returned.
    domain: Option<FoldedName>,
    what_failed: String,
}

enum Source<T> {
    Service(Box<Pager<T>>),
    Cache(Box<CacheReader<T>>),
}

struct CacheReader<T> {
    cache: Cache,
    database: Database,
    list: CachedList,
    stored: StoredList,
    /// The place of the last item that was taken from the file.
    place: i64,
    items: VecDeque<T>,
    /// The rest of the list. `None` if the file has all of it.
    rest: Option<Pager<T>>,
    /// How many entries could not be read before the rest, by an earlier call.
    unreadable_before: u64,
    /// The lock of the process that reads the list.
    lock: Option<File>,
    /// The groups that this command changed since.
    changed: HashSet<String>,
    uncertain: Vec<String>,
    /// Whether an earlier call began the list.
    is_older: bool,
    /// Why the list cannot be kept any more.
    trouble: Option<String>,
    context: ReaderContext,
}

/// What a reader takes from the context of the call.
#[derive(Clone)]
struct ReaderContext {
    clock: umapi::time::Clock,
}

/// Which age of a list is accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// The list must have begun at this time or later.
    not_before: SystemTime,
    /// Whether a list may be a little from the future, because the clock was set back since.
    tolerates_step: bool,
}

impl Freshness {
    fn of(context: &Context, max_age: Duration) -> Self {
        let oldest = context.clock.wall().checked_sub(max_age).unwrap_or(SystemTime::UNIX_EPOCH);
        let not_before = if context.global.refresh { context.began_at } else { oldest.min(context.began_at) };
        Self { not_before, tolerates_step: !context.global.refresh && max_age >= CLOCK_STEP }
    }

    /// A list from the future was written with a wrong clock, so its age is not known.
    fn accepts(self, begun: SystemTime, now: SystemTime) -> bool {
        self.not_before <= begun && (begun <= now || (self.tolerates_step && !is_after(begun, now)))
    }
}

impl Connection {
    /// Opens the list of all groups.
    pub(crate) async fn groups(&self, context: &Context, what_failed: &str) -> Result<ListReader<Group>> {
        let pager = self.client.groups().list();
        self.open_list(context, CachedList::Groups, pager, what_failed, Notices::Shown).await
    }

    /// Opens the list of all groups for their kinds only: a group that was made again as one of another kind is rejected by the
    /// service, so the age of the list does not matter.
    pub(crate) async fn group_kinds(&self, context: &Context, what_failed: &str) -> Result<ListReader<Group>> {
        let pager = self.client.groups().list();
        self.open_list(context, CachedList::Groups, pager, what_failed, Notices::Hidden).await
    }

    /// Opens the list of all users or of a domain, with their direct memberships or with all.
    ///
    /// The users of a domain are taken from the list of all users: whether the service counts their first page as one of all
    /// users is not known.
    pub(crate) async fn users(
        &self,
        context: &Context,
        domain: Option<&str>,
        direct_only: bool,
        what_failed: &str,
    ) -> Result<ListReader<User>> {
        let list = if direct_only { CachedList::Users } else { CachedList::UsersWithAllMemberships };
        let pager = self.client.users().direct_only(direct_only).list();
        match domain {
            Some(domain) if self.cache.is_none() || context.global.max_age().is_none() => {
                let pager = self.client.users().domain(domain).direct_only(direct_only).list();
                Ok(ListReader::of_service(pager, what_failed))
            }
            domain => {
                let mut users = self.open_list(context, list, pager, what_failed, Notices::Shown).await?;
                users.domain = domain.map(FoldedName::domain);
                Ok(users)
            }
        }
    }

    async fn open_list<T: CachedItem>(
        &self,
        context: &Context,
        list: CachedList,
        pager: Pager<T>,
        what_failed: &str,
        notices: Notices,
    ) -> Result<ListReader<T>> {
        let source = match (&self.cache, context.global.max_age()) {
            (Some(cache), Some(max_age)) => {
                match self.open_cached(context, cache, list, Freshness::of(context, max_age)).await {
                    Ok(mut reader) => {
                        if notices == Notices::Shown && reader.is_older {
                            reader.announce(context);
                        }
                        reader.continue_with(pager)?;
                        Source::Cache(Box::new(reader))
                    }
                    Err(Stop::Failure(failure)) => return Err(failure),
                    Err(Stop::Unusable(why)) => {
                        context.warn(&format!("the {} are not kept for other commands: {why}", list.items()));
                        Source::Service(Box::new(pager.dedup()))
                    }
                }
            }
            _ => Source::Service(Box::new(pager.dedup())),
        };
        Ok(ListReader { source, domain: None, what_failed: what_failed.to_owned() })
    }

    /// Finds a list that is new enough, or begins it anew.
    async fn open_cached<T: CachedItem>(
        &self,
        context: &Context,
        cache: &Cache,
        list: CachedList,
        freshness: Freshness,
    ) -> Result<CacheReader<T>, Stop> {
        let of_database = |error| Stop::Unusable(cache.of_database(error));
        let database = cache.open()?;
        let mut lock = None;
        let stored = loop {
            let usable = database
                .list(list)
                .map_err(of_database)?
                .filter(|stored| freshness.accepts(stored.begun, context.clock.wall()));
            match usable {
                Some(stored) if stored.is_complete => break Some(stored),
                stored if lock.is_some() => break stored.filter(|stored| !stored.token.is_empty()),
                // Another process may read it now.
                _ => lock = Some(self.lock(context, cache, list).await?),
            }
        };
        let lock = lock.flatten();
        let mut reader = CacheReader {
            cache: cache.clone(),
            list,
            stored: StoredList {
                id: 0,
                begun: context.clock.wall(),
                token: String::new(),
                is_complete: false,
                has_moved: false,
                unreadable: 0,
            },
            place: 0,
            items: VecDeque::new(),
            rest: None,
            unreadable_before: 0,
            lock,
            changed: HashSet::new(),
            uncertain: Vec::new(),
            is_older: false,
            trouble: None,
            context: ReaderContext { clock: context.clock.clone() },
            database,
        };
        if let Some(stored) = stored {
            reader.is_older = stored.begun < context.began_at || context.clock.wall() < stored.begun;
            reader.stored = stored;
            if self.update(&mut reader).await? {
                return Ok(reader);
            }
            if reader.lock.is_none() {
                reader.lock = self.lock(context, cache, list).await?;
            }
        }
        self.wait_for_first_page(context, list).await?;
        reader.stored = reader.database.begin(list, context.clock.wall()).map_err(of_database)?;
        (reader.changed, reader.uncertain, reader.is_older) = Default::default();
        Ok(reader)
    }

    /// Brings a list up to date with what this command has changed. Returns `false` if it cannot be used any more.
    async fn update<T: CachedItem>(&self, reader: &mut CacheReader<T>) -> Result<bool, Stop> {
        let of_database = |cache: &Cache, error| Stop::Unusable(cache.of_database(error));
        let changed = reader.database.changed(reader.stored.id).map_err(|error| of_database(&reader.cache, error))?;
        match reader.list {
            CachedList::Groups => {
                for (name, detail) in changed {
                    if detail == UNCERTAIN {
                        reader.uncertain.push(name);
                    } else {
                        reader.changed.insert(name);
                    }
                }
                Ok(true)
            }
            CachedList::UsersWithAllMemberships if !changed.is_empty() => Ok(false),
            CachedList::Users | CachedList::UsersWithAllMemberships if changed.len() > MAX_CHANGED_USERS => Ok(false),
            CachedList::Users | CachedList::UsersWithAllMemberships => {
                for (name, domain) in changed {
                    let found = self.look_up_changed(&name, &domain).await.map_err(|error| {
                        Stop::Failure(Failure::of_service("cannot look up the users changed meanwhile", &error))
                    })?;
                    let known = [(name.clone(), domain.clone())];
                    let key = FoldedName::user(&name);
                    let is_same = |json: &str| {
                        let domain_of = |user: &User| user.domain.as_deref().map(FoldedName::domain);
                        serde_json::from_str::<User>(json).is_ok_and(|user| {
                            domain.is_empty() || domain_of(&user).is_none_or(|own| own == FoldedName::domain(&domain))
                        })
                    };
                    let mut revise = || {
                        let old = reader.database.items_named(reader.stored.id, key.as_str())?;
                        let old: Vec<i64> =
                            old.into_iter().filter(|(_, json)| is_same(json)).map(|(place, _)| place).collect();
                        let new: Vec<StoredItem> = found.iter().filter_map(CachedItem::stored).collect();
                        reader.database.revise(reader.stored.id, &old, &new, &known)
                    };
                    revise().map_err(|error| of_database(&reader.cache, error))?;
                }
                Ok(true)
            }
        }
    }

    /// Looks up a user who was changed: the accounts of an address, or the one of a username. A list has active users only.
    async fn look_up_changed(&self, name: &str, domain: &str) -> Result<Vec<User>, Error> {
        let users = self.client.users();
        let found = if domain.is_empty() || name.contains('@') {
            let first = users.get(name).await?;
            let twin = if first.is_some() { users.get_adobe_id(name).await? } else { None };
            let is_other = |twin: &User| first.as_ref().is_none_or(|first| first != twin);
            let twin = twin.filter(is_other);
            first.into_iter().chain(twin).collect()
        } else {
            users.get_by_username(name, domain).await?.into_iter().collect::<Vec<_>>()
        };
        let is_listed = |user: &User| user.status.as_ref().is_none_or(|status| *status == UserStatus::Active);
        Ok(found.into_iter().filter(is_listed).collect())
    }

    /// Waits until no other process reads a list. `None` if the folder has no locks.
    async fn lock(&self, context: &Context, cache: &Cache, list: CachedList) -> Result<Option<File>, Stop> {
        let path = cache.lock_path(list);
        let Ok(file) = File::options().create(true).append(true).open(&path) else { return Ok(None) };
        crate::private_file::close_to_others(&path);
        let begun = context.clock.now();
        let mut is_said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(_)) => return Ok(None),
                Err(TryLockError::WouldBlock) => {}
            }
            let items = list.items();
            if context.global.max_wait.is_some_and(|longest| context.clock.now() - begun >= longest) {
                return Err(Stop::Failure(
                    Failure::new(Exit::RateLimited, format!("another umapi process is reading the {items}"))
                        .remedy("try again later, or allow a longer wait with --max-wait"),
                ));
            }
            if !is_said {
                context.note(&format!("waiting for another umapi process that is reading the {items}"));
                is_said = true;
            }
            context.clock.sleep(LOCK_POLL).await;
        }
    }

    /// Waits until the service allows this client to read the first page of a list, as far as the cache knows.
    pub(crate) async fn wait_for_first_page(&self, context: &Context, list: CachedList) -> Result<()> {
        let Some(cache) = self.cache.as_ref().filter(|_| !context.global.no_rate_limit) else { return Ok(()) };
        let now = context.clock.wall();
        let Some(allowed) = cache.first_page_allowed_at(list, now) else { return Ok(()) };
        let (wait, items) = (allowed.duration_since(now).unwrap_or_default(), list.items());
        let at = time::short_local(allowed, now);
        let why = format!(
            "this client read the first page of all {items} {}; the service allows that once in two hours, and otherwise rejects all calls for up to an hour",
            time::ago(now.duration_since(allowed - list.first_page_period()).unwrap_or_default()),
        );
        if context.global.max_wait.is_some_and(|longest| wait > longest) {
            return Err(Failure::new(Exit::RateLimited, format!("cannot read the {items} again before {at}"))
                .why(why)
                .remedy("use the cached list, allow a longer wait with --max-wait, or try it with --no-rate-limit"));
        }
        let text = format!("waiting until {at}: {why}; --no-rate-limit does not wait");
        self.progress.announce_wait(WaitReason::FirstPage, wait, &text);
        context.clock.sleep(wait).await;
        Ok(())
    }
}

/// Whether the age of a list is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notices {
    Shown,
    Hidden,
}

/// Why a list does not come from the cache.
enum Stop {
    /// The cache cannot be used; the service can.
    Unusable(Unusable),
    Failure(Failure),
}

impl From<Unusable> for Stop {
    fn from(unusable: Unusable) -> Self {
        Self::Unusable(unusable)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl<T: CachedItem> CacheReader<T> {
    /// Sets where the items come from that are not in the file.
    fn continue_with(&mut self, pager: Pager<T>) -> Result<()> {
        if self.stored.is_complete {
            return Ok(());
        }
        self.unreadable_before = self.stored.unreadable;
        self.rest = Some(if self.stored.token.is_empty() {
            pager
        } else {
            let resumed = self.stored.token.parse().and_then(|token| pager.resume(&token));
            resumed.map_err(|error| self.unreadable(&error.to_string()))?
        });
        Ok(())
    }

    fn unreadable(&self, why: &str) -> Failure {
        Failure::failed(format!("cannot read the cached {} in {}", self.list.items(), self.cache.path().display()))
            .why(why)
            .remedy("remove the cache with \"umapi cache clear\"")
    }

    /// Says how old the list is.
    fn announce(&self, context: &Context) {
        let now = context.clock.wall();
        let (items, begun) = (self.list.items(), self.stored.begun);
        let age = now.duration_since(begun).unwrap_or_default();
        let rest = if self.stored.is_complete { "add --refresh to read them again" } else { "the rest is read now" };
        context.note(&format!("{items} as of {}, {}; {rest}", time::short_local(begun, now), time::ago(age)));
        if !self.uncertain.is_empty() {
            let groups = shortened(&self.uncertain);
            context.warn(&format!("umapi may have created, renamed or deleted groups since then: {groups}"));
        }
    }

    async fn try_next(&mut self, what_failed: &str) -> Result<Option<T>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Ok(Some(item));
            }
            if self.trouble.is_none() && self.take_from_file()? {
                continue;
            }
            if self.rest.is_none() {
                self.lock = None;
                return Ok(None);
            }
            self.read_page().await.map_err(|error| Failure::of_service(what_failed, &error))?;
        }
    }

    /// Takes the next items from the file. Returns `false` if there is none.
    fn take_from_file(&mut self) -> Result<bool> {
        let rows = self
            .database
            .items_after(self.stored.id, self.place, CHUNK)
            .map_err(|error| self.unreadable(&error.to_string()))?;
        for (place, json) in rows {
            let item: T = serde_json::from_str(&json).map_err(|error| self.unreadable(&error.to_string()))?;
            self.place = place;
            self.items.push_back(item.without_changed_details(&self.changed));
        }
        Ok(!self.items.is_empty())
    }

    /// Reads a page from the service and keeps it.
    async fn read_page(&mut self) -> Result<(), Error> {
        let Some(pager) = &mut self.rest else { return Ok(()) };
        let is_first = self.stored.token.is_empty();
        let mut page = Vec::new();
        let is_last = loop {
            match pager.try_next().await? {
                None => break true,
                Some(item) => page.push(item),
            }
            // The rest of the page is in memory.
            if pager.size_hint().0 == 0 {
                break false;
            }
        };
        let changes = pager.changes();
        self.stored.has_moved |= changes.has_moved();
        self.stored.unreadable = self.unreadable_before + changes.unreadable_items;
        self.stored.token = pager.resume_token().to_string();
        self.stored.is_complete = is_last;
        if is_last {
            self.rest = None;
        }
        if self.trouble.is_none() {
            let keep = |reader: &mut Self| -> Result<bool, Unusable> {
                if is_first {
                    // The page that is counted, even if the list is dropped later.
                    reader.cache.record_first_page(reader.list, reader.context.clock.wall())?;
                }
                let items: Vec<StoredItem> = page.iter().filter_map(CachedItem::stored).collect();
                let is_kept = reader.database.add_page(&reader.stored, &items);
                is_kept.map_err(|error| reader.cache.of_database(error))
            };
            match keep(self) {
                // The page is taken from the file, which knows which items came before.
                Ok(true) => return Ok(()),
                Ok(false) => self.trouble = Some("another umapi process changed or removed them meanwhile".to_owned()),
                Err(why) => {
                    self.trouble = Some(why.to_string());
                    // Half a page must not be taken for a whole one. If this fails too, the token is that of the last page.
                    let _ = self.database.drop_list(self.list);
                }
            }
        }
        self.items.extend(page);
        Ok(())
    }
}

impl<T: CachedItem> ListReader<T> {
    fn of_service(pager: Pager<T>, what_failed: &str) -> Self {
        Self { source: Source::Service(Box::new(pager.dedup())), domain: None, what_failed: what_failed.to_owned() }
    }

    /// Returns the next item, or `None` at the end of the list.
    pub(crate) async fn try_next(&mut self) -> Result<Option<T>> {
        loop {
            let item = self.next_of_any_domain().await?;
            match (&item, &self.domain) {
                (Some(item), Some(domain)) if !item.is_of_domain(domain) => {}
                _ => return Ok(item),
            }
        }
    }

    async fn next_of_any_domain(&mut self) -> Result<Option<T>> {
        match &mut self.source {
            Source::Service(pager) => {
                pager.try_next().await.map_err(|error| Failure::of_service(self.what_failed.as_str(), &error))
            }
            Source::Cache(reader) => reader.try_next(&self.what_failed).await,
        }
    }

    /// Returns all remaining items.
    pub(crate) async fn collect(&mut self) -> Result<Vec<T>> {
        let mut items = Vec::new();
        while let Some(item) = self.try_next().await? {
            items.push(item);
        }
        Ok(items)
    }

    /// Whether the list was begun by an earlier call.
    pub(crate) fn is_from_cache(&self) -> bool {
        matches!(&self.source, Source::Cache(reader) if reader.is_older)
    }

    /// When the list was begun, if it is kept.
    pub(crate) fn begun(&self) -> Option<SystemTime> {
        match &self.source {
            Source::Service(_) => None,
            Source::Cache(reader) => Some(reader.stored.begun),
        }
    }

    /// The number of items that could not be read.
    pub(crate) fn unreadable(&self) -> u64 {
        match &self.source {
            Source::Service(pager) => pager.changes().unreadable_items,
            Source::Cache(reader) => reader.stored.unreadable,
        }
    }

    /// Whether the list changed while it was read.
    pub(crate) fn has_moved(&self) -> bool {
        match &self.source {
            Source::Service(pager) => pager.changes().has_moved(),
            Source::Cache(reader) => reader.stored.has_moved,
        }
    }

    /// Whether an entry that the list does not have may exist: the list is older, moved, or was not readable in part.
    pub(crate) fn may_lack_entries(&self) -> bool {
        self.is_from_cache() || self.has_moved() || self.unreadable() > 0
    }

    /// Why the list is not kept, if it should be.
    pub(crate) fn trouble(&self) -> Option<&str> {
        match &self.source {
            Source::Service(_) => None,
            Source::Cache(reader) => reader.trouble.as_deref(),
        }
    }
}

impl CachedItem for Group {
    fn stored(&self) -> Option<StoredItem> {
        let name = FoldedName::new(&self.group_name).to_string();
        let key = self.group_id.map_or_else(|| name.clone(), |id| id.to_string());
        Some(StoredItem { key, name, other_name: String::new(), json: serde_json::to_string(self).ok()? })
    }

    fn is_of_domain(&self, _: &FoldedName) -> bool {
        false
    }

    fn without_changed_details(mut self, changed: &HashSet<String>) -> Self {
        let is_changed = || changed.contains(FoldedName::new(&self.group_name).as_str());
        if changed.contains(ALL_GROUPS) || (!changed.is_empty() && is_changed()) {
            self.member_count = None;
        }
        self
    }
}

impl CachedItem for User {
    fn stored(&self) -> Option<StoredItem> {
        let json = serde_json::to_string(self).ok()?;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (email, username) = (text(&self.email), text(&self.username));
        let kind = self.type_.as_ref().map_or("", |kind| kind.as_str());
        let key = match self.id.as_deref() {
            Some(id) if !id.is_empty() => id.to_owned(),
            // Users without names are not the same user.
            _ if email.is_empty() && username.is_empty() => json.clone(),
            _ => format!("{kind}\n{email}\n{username}\n{}", text(&self.domain)),
        };
        let folded = |name: &str| FoldedName::user(name).to_string();
        Some(StoredItem { key, name: folded(&email), other_name: folded(&username), json })
    }

    fn is_of_domain(&self, domain: &FoldedName) -> bool {
        let of_address = || self.email.as_deref()?.rsplit_once('@').map(|(_, domain)| domain);
        let own = self.domain.as_deref().filter(|domain| !domain.is_empty()).or_else(of_address);
        own.is_some_and(|own| FoldedName::domain(own) == *domain)
    }

    fn without_changed_details(self, _: &HashSet<String>) -> Self {
        self
    }
}

/// The first names of a list, and how many more there are.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
