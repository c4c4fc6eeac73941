//! Paged lists of users, in the order of their email addresses.
//!
//! The order of a list is a vector of row ids. It is built when a page of the list is first requested, and kept up to date
//! from then on: a transaction notes the users that may have entered, left or moved, and the next request for a page puts
//! only those in position. So a page costs the same wherever it is in the list, and a change costs little at a million users.
//!
//! A read inside a transaction sees changes that are not committed, and builds an order of its own.

use std::{cmp::Ordering, collections::HashMap, sync::PoisonError};

use rusqlite::{Connection, OptionalExtension};

use super::{GroupId, MemberClass, OrgId, Reader, StoreError, UserId};

/// A request for one page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The page, counted from 0.
    pub page: u64,
    /// Entries in a full page; 0 counts as 1.
    pub size: u64,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The number of this page, counted from 0: for users the last page, if a later one was requested.
    pub number: u64,
    /// How many pages there are; an empty list has one empty page.
    pub pages: u64,
    /// How many entries there are in total, including those that are counted but not listed.
    pub total: u64,
    /// Whether a page past the last one was requested.
    pub past_end: bool,
}

impl<T> Page<T> {
    /// Whether this is the last page.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.number + 1 >= self.pages
    }
}

/// SQLite's integers are signed; no list is longer than their maximum.
pub(super) fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The position of a page in a list of `listed` entries; a page past the end becomes the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageSlice {
    pub(super) number: u64,
    pub(super) pages: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) past_end: bool,
    /// How many entries the list has.
    pub(super) listed: u64,
}

impl PageSlice {
    pub(super) fn find(request: PageRequest, listed: u64) -> Self {
        let size = request.size.max(1);
        let pages = listed.div_ceil(size).max(1);
        let number = request.page.min(pages - 1);
        Self { number, pages, offset: number * size, size, past_end: request.page >= pages, listed }
    }

    pub(super) fn page<T>(self, items: Vec<T>, total: u64) -> Page<T> {
        Page { items, number: self.number, pages: self.pages, total, past_end: self.past_end }
    }
}

/// The users that a list is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    Organization(OrgId),
    /// The users with a domain, by the domain's row id.
    Domain(i64),
    Group(GroupId),
}

/// A list of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    /// The listed users of an organization.
    Organization(OrgId),
    /// The listed users with a domain, by the domain's row id.
    Domain(i64),
    /// The members of a group with certain classes.
    Members(GroupId, ClassSet),
}

/// A set of membership classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ClassSet(i64);

impl ClassSet {
    fn contains(self, class: MemberClass) -> bool {
        self.0 & (1 << class.number()) != 0
    }
}

impl FromIterator<MemberClass> for ClassSet {
    fn from_iter<I: IntoIterator<Item = MemberClass>>(classes: I) -> Self {
        Self(classes.into_iter().fold(0, |bits, class| bits | 1 << class.number()))
    }
}

impl List {
    fn scope(self) -> Scope {
        match self {
            Self::Organization(org) => Scope::Organization(org),
            Self::Domain(domain) => Scope::Domain(domain),
            Self::Members(group, _) => Scope::Group(group),
        }
    }

    /// Returns the sort key of a user, if the user is in the list.
    fn key_of(self, sql: &Connection, user: UserId) -> Result<Option<SortKey>, StoreError> {
        let email: Option<String> = match self {
            Self::Organization(org) => sql
                .prepare_cached("SELECT email FROM user WHERE id = ?1 AND org = ?2 AND listed = 1")?
                .query_row([user, org], |row| row.get(0))
                .optional()?,
            Self::Domain(domain) => sql
                .prepare_cached("SELECT email FROM user WHERE id = ?1 AND domain = ?2 AND listed = 1")?
                .query_row([user, domain], |row| row.get(0))
                .optional()?,
            Self::Members(group, classes) => sql
                .prepare_cached(
                    "SELECT u.email, m.class FROM membership m JOIN user u ON u.id = m.usr
                     WHERE m.usr = ?1 AND m.grp = ?2",
                )?
                .query_row([user, group], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?
                .and_then(|(email, class)| classes.contains(class).then_some(email)),
        };
        Ok(email.map(|email| sort_key(&email)))
    }

    /// Reads the whole list and sorts it.
    fn build(self, sql: &Connection) -> Result<Vec<UserId>, StoreError> {
        // Most users of a seed are stored in their order: only the others are moved. That takes no memory for keys.
        let mut order = Order::default();
        let (mut last, mut next) = ((SortKey::new(), 0), (SortKey::new(), 0));
        self.each_user(sql, |user, email| {
            next.0.clear();
            next.0.extend(email.bytes().map(sort_byte));
            next.1 = user;
            if next < last {
                order.moved.push(user);
            } else {
                order.users.push(user);
                std::mem::swap(&mut next, &mut last);
            }
        })?;
        if order.is_worth_keeping() {
            return reorder(sql, self, order);
        }
        let mut sorter = ListSorter::default();
        self.each_user(sql, |user, email| sorter.add(email, user))?;
        Ok(sorter.sorted())
    }

    /// Passes the id and the folded address of each user in the list to `take`.
    fn each_user(self, sql: &Connection, mut take: impl FnMut(UserId, &str)) -> Result<(), StoreError> {
        let mut query = sql.prepare_cached(match self {
            Self::Organization(_) => "SELECT id, email FROM user WHERE org = ?1 AND listed = 1 AND ?2 ORDER BY id",
            Self::Domain(_) => "SELECT id, email FROM user WHERE domain = ?1 AND listed = 1 AND ?2 ORDER BY id",
            Self::Members(..) => {
                "SELECT u.id, u.email FROM membership m JOIN user u ON u.id = m.usr
                 WHERE m.grp = ?1 AND (1 << m.class) & ?2"
            }
        })?;
        let mut rows = query.query(match self {
            Self::Organization(scope) | Self::Domain(scope) => [scope, 1],
            Self::Members(group, classes) => [group, classes.0],
        })?;
        while let Some(row) = rows.next()? {
            take(row.get(0)?, row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
        }
        Ok(())
    }
}

/// The key that lists are sorted by.
type SortKey = Vec<u8>;

/// Returns the key of a folded address: punctuation, then digits, then letters, then everything else by code point. The
/// punctuation is in the order of the Unicode collation, which the recorded lists follow.
fn sort_key(email: &str) -> SortKey {
    email.bytes().map(sort_byte).collect()
}

const fn sort_byte(byte: u8) -> u8 {
    const PUNCTUATION: &[u8] = b"_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
    let mut i = 0;
    while i < PUNCTUATION.len() {
        if PUNCTUATION[i] == byte {
            return i as u8 + 1;
        }
        i += 1;
    }
    // Digits, lower-case letters and the bytes of other characters follow in this order already.
    byte
}

/// Sorts users into the order of a list, without a memory block for each key. `T` identifies a user.
pub(crate) struct ListSorter<T> {
    keys: Vec<u8>,
    entries: Vec<Entry<T>>,
}

struct Entry<T> {
    /// The first bytes of the key, which decide most comparisons.
    prefix: u64,
    start: usize,
    length: u32,
    user: T,
}

impl<T: Ord + Copy> ListSorter<T> {
    /// Adds a user with a folded address.
    pub(crate) fn add(&mut self, email: &str, user: T) {
        let start = self.keys.len();
        self.keys.extend(email.bytes().map(sort_byte));
        let mut prefix = [0; 8];
        for (to, from) in prefix.iter_mut().zip(&self.keys[start..]) {
            *to = *from;
        }
        let length = (self.keys.len() - start) as u32;
        self.entries.push(Entry { prefix: u64::from_be_bytes(prefix), start, length, user });
    }

    /// Returns the users in the order of a list. Users with the same address are sorted by `T`.
    pub(crate) fn sorted(mut self) -> Vec<T> {
        let key = |entry: &Entry<T>| &self.keys[entry.start..entry.start + entry.length as usize];
        self.entries.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| key(a).cmp(key(b))).then_with(|| a.user.cmp(&b.user))
        });
        // Not collected, which would keep the memory of the entries.
        let mut users = Vec::with_capacity(self.entries.len());
        users.extend(self.entries.iter().map(|entry| entry.user));
        users
    }
}

impl<T> Default for ListSorter<T> {
    fn default() -> Self {
        Self { keys: Vec::new(), entries: Vec::new() }
    }
}

/// The users that a transaction may have moved in a list.
#[derive(Debug, Default)]
pub(super) struct Touched {
    users: Vec<(Scope, UserId)>,
    /// There are too many to note each.
    all: bool,
}

/// The most users that are noted: a transaction with more of them, such as a seed, drops all orders.
const MOST_TOUCHED: usize = 10_000;

impl Touched {
    pub(super) fn add(&mut self, scope: Scope, user: UserId) {
        if self.users.len() < MOST_TOUCHED {
            self.users.push((scope, user));
        } else {
            self.all = true;
        }
    }
}

/// The order of a list, and the users that are not in position.
#[derive(Debug, Default)]
struct Order {
    users: Vec<UserId>,
    moved: Vec<UserId>,
    last_use: u64,
}

impl Order {
    /// Whether moving users costs less than building the order again.
    fn is_worth_keeping(&self) -> bool {
        self.moved.len() <= self.users.len() / 16 + 64
    }
}

/// The orders of the lists that were requested last.
#[derive(Debug, Default)]
pub(super) struct Orders {
    orders: HashMap<List, Order>,
    uses: u64,
}

/// The most lists whose order is kept.
const MOST_ORDERS: usize = 64;

impl Orders {
    pub(super) fn clear(&mut self) {
        self.orders.clear();
    }

    /// Notes the users of a committed transaction.
    pub(super) fn touch(&mut self, touched: &Touched) {
        if touched.all {
            return self.clear();
        }
        self.orders.retain(|list, order| {
            let scope = list.scope();
            order.moved.extend(touched.users.iter().filter(|(other, _)| *other == scope).map(|(_, user)| user));
            order.is_worth_keeping()
        });
    }

    /// Returns the users of a list in their order.
    fn current(&mut self, sql: &Connection, list: List) -> Result<&[UserId], StoreError> {
        self.uses += 1;
        // Taken out, so that an order that fails halfway is not used again.
        let order = self.orders.remove(&list);
        let users = match order {
            Some(order) if order.moved.is_empty() => order.users,
            Some(order) => reorder(sql, list, order)?,
            None => list.build(sql)?,
        };
        if self.orders.len() >= MOST_ORDERS {
            let oldest = self.orders.iter().min_by_key(|(_, order)| order.last_use).map(|(list, _)| *list);
            oldest.map(|list| self.orders.remove(&list));
        }
        let order = self.orders.entry(list).or_default();
        *order = Order { users, moved: Vec::new(), last_use: self.uses };
        Ok(&order.users)
    }
}

/// Moves the users that may have moved to their positions.
fn reorder(sql: &Connection, list: List, order: Order) -> Result<Vec<UserId>, StoreError> {
    let Order { mut users, mut moved, .. } = order;
    moved.sort_unstable();
    moved.dedup();
    let (Some(first), Some(last)) = (moved.first().copied(), moved.last().copied()) else { return Ok(users) };
    users.retain(|user| *user < first || *user > last || moved.binary_search(user).is_err());
    let mut placed = Vec::with_capacity(moved.len());
    for user in moved {
        if let Some(key) = list.key_of(sql, user)? {
            placed.push((position_of(sql, &users, &key, user)?, key, user));
        }
    }
    placed.sort_unstable();
    let mut merged = Vec::with_capacity(users.len() + placed.len());
    let mut done = 0;
    for (position, _, user) in placed {
        merged.extend_from_slice(&users[done..position]);
        merged.push(user);
        done = position;
    }
    merged.extend_from_slice(&users[done..]);
    Ok(merged)
}

/// Finds the position of a user by bisection.
fn position_of(sql: &Connection, users: &[UserId], key: &SortKey, user: UserId) -> Result<usize, StoreError> {
    let mut email = sql.prepare_cached("SELECT email FROM user WHERE id = ?1")?;
    let (mut low, mut high) = (0, users.len());
    while low < high {
        let middle = low.midpoint(high);
        let other = email.query_row([users[middle]], |row| row.get::<_, String>(0))?;
        match sort_key(&other).cmp(key).then(users[middle].cmp(&user)) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal | Ordering::Greater => high = middle,
        }
    }
    Ok(low)
}

impl Reader<'_> {
    /// Returns the ids of the users on a page of a list, and the position of the page.
    pub(super) fn list_page(&self, list: List, page: PageRequest) -> Result<(PageSlice, Vec<UserId>), StoreError> {
        match self.orders {
            Some(orders) => {
                let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(slice(orders.current(self.sql, list)?, page))
            }
            None => Ok(slice(&list.build(self.sql)?, page)),
        }
    }
}

fn slice(users: &[UserId], page: PageRequest) -> (PageSlice, Vec<UserId>) {
    let position = PageSlice::find(page, users.len() as u64);
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(users.len());
    let ids = users[index(position.offset)..index(position.offset.saturating_add(position.size))].to_vec();
    (position, ids)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;
    use crate::store::{
        MemberQuery, NewUser, Presence, Store, Tx, UserChange, UserKind, UserQuery, UserStatus,
        testing::{named, organization, user},
    };

    #[test]
    fn a_page_past_the_end_is_the_last_one() {
        let slice = PageSlice::find(PageRequest { page: 9, size: 10 }, 25);
        assert_eq!((slice.number, slice.pages, slice.offset, slice.past_end), (2, 3, 20, true));
    }

    #[test]
    fn an_empty_list_has_one_page() {
        let slice = PageSlice::find(PageRequest { page: 0, size: 10 }, 0);
        assert_eq!((slice.pages, slice.past_end), (1, false));
        assert!(slice.page(Vec::<u8>::new(), 0).is_last());
    }

    #[test]
    fn addresses_sort_punctuation_then_digits_then_letters() {
        let sorted = [
            "a_b@x.com",
            "a-b@x.com",
            "a.b@x.com",
            "a@x.com",
            "a+b@x.com",
            "a1@x.com",
            "ab@x.com",
            "Ac@x.com",
            "á@x.com",
        ];
        let store = Store::in_memory().unwrap();
        let org = store
            .write(None, |tx| {
                let org = organization(tx);
                for email in sorted.iter().rev() {
                    user(tx, org, email);
                }
                Ok::<_, StoreError>(org)
            })
            .unwrap();
        let mut pages = Vec::new();
        for page in 0..5 {
            let page = store.read(|r| r.users(org, &UserQuery::default(), PageRequest { page, size: 2 }));
            pages.extend(page.unwrap().unwrap().items.into_iter().map(|user| user.email));
        }
        assert_eq!(pages, sorted);
    }

    #[test]
    fn a_list_is_sorted_whatever_the_order_of_its_rows() {
        let mut emails: Vec<String> =
            (0..300).map(|n| format!("{}.{n}@x.com", ["b", "a_", "c-", "a"][n % 4])).collect();
        let pages = |emails: &[String]| {
            let store = Store::in_memory().unwrap();
            let read = |tx: &mut Tx<'_>| {
                let org = organization(tx);
                emails.iter().for_each(|email| {
                    user(tx, org, email);
                });
                let all = PageRequest { page: 0, size: 1000 };
                let page = tx.rows().users(org, &UserQuery::default(), all)?.unwrap();
                Ok::<_, StoreError>(page.items.into_iter().map(|user| user.email).collect::<Vec<_>>())
            };
            store.write(None, read).unwrap()
        };
        let mut sorted = emails.clone();
        sorted.sort_by_key(|email| sort_key(email));
        assert_eq!(pages(&emails), sorted, "few rows are in their order");
        assert_eq!(pages(&sorted), sorted, "all are");
        emails.clone_from(&sorted);
        emails.swap(20, 280);
        assert_eq!(pages(&emails), sorted, "most are");
    }

    /// What happens between two pages.
    #[derive(Debug, Clone)]
    enum Event {
        Create(String),
        Rename(usize, String),
        Status(usize, bool),
        Leave(usize),
        Enter(usize),
        Exit(usize),
        Fail(String),
        Read,
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let email = "[ab1._]{1,3}@(x|y)\\.com";
        let event = prop_oneof![
            4 => email.prop_map(Event::Create),
            2 => (0..8_usize, email).prop_map(|(n, email)| Event::Rename(n, email)),
            1 => (0..8_usize, any::<bool>()).prop_map(|(n, active)| Event::Status(n, active)),
            1 => (0..8_usize).prop_map(Event::Leave),
            3 => (0..8_usize).prop_map(Event::Enter),
            1 => (0..8_usize).prop_map(Event::Exit),
            1 => email.prop_map(Event::Fail),
            3 => Just(Event::Read),
        ];
        proptest::collection::vec(event, 1..40)
    }

    fn apply(tx: &mut Tx<'_>, org: OrgId, group: GroupId, event: &Event) -> Result<(), StoreError> {
        let nth = |tx: &Tx<'_>, n: usize| {
            let mut query = tx.sql.prepare_cached("SELECT id FROM user WHERE org = ?1 AND presence = 1 ORDER BY id")?;
            let ids: Vec<UserId> = query.query_map([org], |row| row.get(0))?.collect::<Result<_, _>>()?;
            ids.get(n).map(|id| tx.rows().user_row(*id)).transpose().map(Option::flatten)
        };
        match event {
            Event::Create(email) | Event::Fail(email) => {
                if tx.rows().user_by_email(org, email, false)?.is_none() {
                    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
                    tx.create_user(org, &NewUser::member(UserKind::FederatedId, email, domain))?;
                }
            }
            Event::Rename(n, email) => {
                if let (Some(user), None) = (nth(tx, *n)?, tx.rows().user_by_email(org, email, false)?) {
                    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
                    tx.change_account(
                        user.account,
                        &UserChange { email: Some(email), domain, ..UserChange::default() },
                    )?;
                }
            }
            Event::Status(n, active) => {
                if let Some(user) = nth(tx, *n)? {
                    tx.set_status(user.account, if *active { UserStatus::Active } else { UserStatus::Disabled })?;
                }
            }
            Event::Leave(n) => {
                if let Some(user) = nth(tx, *n)? {
                    assert_eq!(user.presence, Presence::Member);
                    tx.leave(&user)?;
                }
            }
            Event::Enter(n) => {
                if let Some(user) = nth(tx, *n)? {
                    tx.add_member(&user, group)?;
                }
            }
            Event::Exit(n) => {
                if let Some(user) = nth(tx, *n)? {
                    tx.remove_member(&user, group)?;
                }
            }
            Event::Read => {}
        }
        match event {
            Event::Fail(_) => Err(StoreError::Randomness),
            _ => Ok(()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(42),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_kept_order_is_the_one_that_would_be_built(events in events()) {
            let store = Store::in_memory().unwrap();
            let (org, group) = store
                .write(None, |tx| {
                    let org = organization(tx);
                    Ok::<_, StoreError>((org, tx.create_user_group(org, &named("G"))?))
                })
                .unwrap();
            let all = PageRequest { page: 0, size: 1000 };
            let shown = |r: &Reader<'_>| {
                let emails = |users: Vec<crate::store::User>| users.into_iter().map(|user| user.email).collect::<Vec<_>>();
                let row = r.group_row(org, group)?.unwrap();
                let x = UserQuery { domain: Some("x.com"), ..UserQuery::default() };
                Ok::<_, StoreError>([
                    emails(r.users(org, &UserQuery::default(), all)?.unwrap().items),
                    emails(r.users(org, &x, all)?.map(|page| page.items).unwrap_or_default()),
                    emails(r.members(&row, &MemberQuery::default(), all)?.items),
                ])
            };
            for event in events {
                let done = store.write(None, |tx| apply(tx, org, group, &event));
                prop_assert_eq!(done.is_err(), matches!(event, Event::Fail(_)));
                if matches!(event, Event::Read) {
                    let kept = store.read(shown).unwrap();
                    let built = store.dry_run(|tx| shown(&tx.rows())).unwrap();
                    prop_assert_eq!(kept, built);
                }
            }
            let kept = store.read(shown).unwrap();
            prop_assert_eq!(kept, store.dry_run(|tx| shown(&tx.rows())).unwrap());
        }
    }
}
