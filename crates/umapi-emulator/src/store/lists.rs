//! Paged lists, and the rank index that finds the N-th entry of a list without scanning it.
//!
//! Every paged list of users is ordered by row id. For each list and each block of 4,096 ids the table `list_block`
//! counts the entries; it changes in the same transaction as the entries. To find offset N, the counts are summed up to
//! the block that contains it (a million users are 245 blocks), and entries are skipped only inside that block. So a
//! page costs the same wherever it is in the list.

use std::collections::HashMap;

use rusqlite::{Connection, params};

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
}

impl PageSlice {
    pub(super) fn find(request: PageRequest, listed: u64) -> Self {
        let size = request.size.max(1);
        let pages = listed.div_ceil(size).max(1);
        let number = request.page.min(pages - 1);
        Self { number, pages, offset: number * size, size, past_end: request.page >= pages }
    }

    pub(super) fn page<T>(self, items: Vec<T>, total: u64) -> Page<T> {
        Page { items, number: self.number, pages: self.pages, total, past_end: self.past_end }
    }
}

/// Ids in a block, as a power of two.
const BLOCK_BITS: u32 = 12;

/// A list that is counted by block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// The listed users of an organization.
    Organization(OrgId),
    /// The technical accounts of an organization, which are counted but not listed.
    OrganizationTechnical(OrgId),
    /// The listed users with a domain, by the domain's row id.
    Domain(i64),
    /// The technical accounts with a domain.
    DomainTechnical(i64),
    /// The members of a group with one membership class.
    Members(GroupId, MemberClass),
}

impl List {
    /// Keys of member lists are positive, the others negative, so no table of names is needed.
    fn key(self) -> i64 {
        match self {
            Self::Organization(org) => -(org * 4),
            Self::OrganizationTechnical(org) => -(org * 4 + 1),
            Self::Domain(domain) => -(domain * 4 + 2),
            Self::DomainTechnical(domain) => -(domain * 4 + 3),
            Self::Members(group, class) => (group << MemberClass::BITS) | class.number(),
        }
    }
}

/// Changes to the counts that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    changes: HashMap<(i64, i64), i64>,
}

impl Pending {
    pub(super) fn add(&mut self, list: List, user: UserId, change: i64) {
        *self.changes.entry((list.key(), user >> BLOCK_BITS)).or_default() += change;
    }

    pub(super) fn clear(&mut self) {
        self.changes.clear();
    }

    pub(super) fn flush(&mut self, sql: &Connection) -> Result<(), StoreError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let mut add = sql.prepare_cached(
            "INSERT INTO list_block (list, block, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (list, block) DO UPDATE SET n = n + excluded.n",
        )?;
        let mut tidy = sql.prepare_cached("DELETE FROM list_block WHERE list = ?1 AND block = ?2 AND n = 0")?;
        for ((list, block), change) in self.changes.drain() {
            if change != 0 {
                add.execute(params![list, block, change])?;
            }
            if change < 0 {
                tidy.execute(params![list, block])?;
            }
        }
        Ok(())
    }

    /// Deletes the counts of a deleted group. Pending changes must have been flushed.
    pub(super) fn drop_group(sql: &Connection, group: GroupId) -> Result<(), StoreError> {
        let first = group << MemberClass::BITS;
        sql.prepare_cached("DELETE FROM list_block WHERE list BETWEEN ?1 AND ?2")?
            .execute(params![first, first + (1 << MemberClass::BITS) - 1])?;
        Ok(())
    }
}

/// The position of an offset: the first id of its block, and how many entries of the block precede it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) first: UserId,
    pub(super) skip: u64,
}

impl Reader<'_> {
    /// Returns how many entries several lists have together.
    pub(super) fn list_len(&self, lists: &[List]) -> Result<u64, StoreError> {
        let mut sum = self.sql.prepare_cached("SELECT COALESCE(SUM(n), 0) FROM list_block WHERE list = ?1")?;
        lists.iter().try_fold(0, |total, list| {
            let n: i64 = sum.query_row([list.key()], |row| row.get(0))?;
            Ok(total + n.unsigned_abs())
        })
    }

    /// Returns the position of an offset in the union of several lists; past the end, the end.
    pub(super) fn locate(&self, lists: &[List], offset: u64) -> Result<Position, StoreError> {
        let mut blocks = Vec::new();
        let mut query = self.sql.prepare_cached("SELECT block, n FROM list_block WHERE list = ?1 ORDER BY block")?;
        for list in lists {
            let mut rows = query.query([list.key()])?;
            while let Some(row) = rows.next()? {
                blocks.push((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
            }
        }
        if lists.len() > 1 {
            blocks.sort_unstable();
        }
        let mut skip = offset;
        let mut i = 0;
        while let Some(&(block, _)) = blocks.get(i) {
            // The union's count of a block is the sum over its lists.
            let same = blocks[i..].iter().take_while(|(other, _)| *other == block);
            let (lists_here, here) = same.fold((0, 0), |(count, sum), (_, n)| (count + 1, sum + n));
            if skip < here {
                return Ok(Position { first: block << BLOCK_BITS, skip });
            }
            skip -= here;
            i += lists_here;
        }
        Ok(Position { first: UserId::MAX, skip: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_page_past_the_end_is_the_last_one() {
        let place = PageSlice::find(PageRequest { page: 9, size: 10 }, 25);
        assert_eq!((place.number, place.pages, place.offset, place.past_end), (2, 3, 20, true));
    }

    #[test]
    fn an_empty_list_has_one_page() {
        let place = PageSlice::find(PageRequest { page: 0, size: 10 }, 0);
        assert_eq!((place.pages, place.past_end), (1, false));
        assert!(place.page(Vec::<u8>::new(), 0).is_last());
    }

    fn filled(entries: &[(List, UserId)]) -> Store {
        let store = Store::in_memory().unwrap();
        let connection = store.lock();
        let mut pending = Pending::default();
        for (list, user) in entries {
            pending.add(*list, *user, 1);
        }
        pending.flush(&connection).unwrap();
        drop(connection);
        store
    }

    #[test]
    fn an_offset_is_found_across_blocks_and_lists() {
        let (a, b) = (List::Organization(1), List::Domain(1));
        // a: 1, 5000, 5001; b: 2, 9000. The union by id: 1, 2, 5000, 5001, 9000.
        let store = filled(&[(a, 1), (a, 5000), (a, 5001), (b, 2), (b, 9000)]);
        let locate = |lists: &[List], offset| store.read(|r| r.locate(lists, offset)).unwrap();
        assert_eq!(locate(&[a], 1), Position { first: 4096, skip: 0 });
        assert_eq!(locate(&[a, b], 1), Position { first: 0, skip: 1 });
        assert_eq!(locate(&[a, b], 3), Position { first: 4096, skip: 1 });
        assert_eq!(locate(&[a, b], 4), Position { first: 8192, skip: 0 });
        assert_eq!(locate(&[a, b], 5).first, UserId::MAX);
        assert_eq!(store.read(|r| r.list_len(&[a, b])).unwrap(), 5);
    }

    #[test]
    fn every_list_has_its_own_key() {
        let lists = [
            List::Organization(1),
            List::OrganizationTechnical(1),
            List::Domain(1),
            List::DomainTechnical(1),
            List::Organization(2),
            List::Members(1, MemberClass::DIRECT),
            List::Members(1, MemberClass::DIRECT.through_groups_only(true)),
        ];
        let keys: std::collections::HashSet<_> = lists.iter().map(|list| list.key()).collect();
        assert_eq!(keys.len(), lists.len());
    }
}
