//! A list, item by item.

use std::{
    collections::HashSet,
    fmt,
    future::poll_fn,
    hash::{BuildHasherDefault, Hasher},
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures_core::{FusedStream, Stream};

use super::{
    Changes, Page, PageItem, Pages, Query, ResumeToken,
    token::{Position, Within},
};
use crate::{
    call::{CallOptions, Scope},
    error::Error,
};

/// How many items are remembered to count repeated ones: those of some pages.
const COUNTED_SPAN: usize = 8_192;

/// How many items are remembered to drop repeated ones.
const DROPPED_SPAN: usize = 131_072;

/// A list, item by item.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// let mut users = client.users().domain("example.com").list();
/// while let Some(user) = users.try_next().await? {
///     println!("{:?} ({:?} in all)", user.email, users.total());
/// }
/// if users.changes().any() {
///     println!("the list changed while it was read: {:?}", users.changes());
/// }
/// # Ok(())
/// # }
/// ```
///
/// It is a [`Stream`], and also has its own [`next`](Self::next) and [`try_next`](Self::try_next), so that you need not import
/// a trait.
///
/// * **Memory**: the current page and, after half of it is read, the next one, which is fetched ahead if there is a permit for
///   it now. If pages take long to arrive, more of them are in flight: at most
///   [`pages_in_flight`](crate::ClientBuilder::pages_in_flight). See [`Pages`].
/// * **Errors** do not end the list: the next call continues where it was. A loop that ignores errors may therefore never end.
/// * **Cancellation** is safe: the future of [`next`](Self::next) may be dropped at any time.
/// * **Resuming**: get a [`resume_token`](Self::resume_token) at any time, and [`resume`](Self::resume) later.
pub struct Pager<T> {
    pages: Pages<T>,
    items: vec::IntoIter<T>,
    /// The number of items of the current page.
    length: usize,
    seen: RecentKeys,
    drops_repeated: bool,
    /// The key of the last item that was returned.
    last: Option<u64>,
    /// The position to continue at, until the first page has arrived.
    resume: Option<Position>,
}

impl<T: PageItem> Pager<T> {
    pub(crate) fn new(query: Query<T>) -> Self {
        Self {
            pages: Pages::new(query),
            items: Vec::new().into_iter(),
            length: 0,
            seen: RecentKeys::new(COUNTED_SPAN),
            drops_repeated: false,
            last: None,
            resume: None,
        }
    }

    /// Sets the options of its calls. A [deadline](CallOptions::deadline) is that of each page. They have no effect on pages
    /// that were requested before.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// use umapi::{CallOptions, ThrottlePolicy};
    ///
    /// let at_once = CallOptions::new().throttle_policy(ThrottlePolicy::FailAtOnce);
    /// let members = client.users().in_group("Design").list().with_options(at_once).try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.pages.set_options(options);
        self
    }

    /// Makes it a part of another call or of a run, with its options.
    pub(crate) fn in_scope(mut self, scope: &Scope) -> Self {
        self.pages.set_scope(scope);
        self
    }

    /// Returns the next item or an error, or `None` at the end of the list.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.try_next().await.transpose()
    }

    /// Returns the next item, or `None` at the end of the list.
    ///
    /// # Errors
    ///
    /// If a page cannot be read. The next call tries the same page again.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        loop {
            if let Some(item) = self.take() {
                return Ok(Some(item));
            }
            match poll_fn(|context| self.pages.poll_page(context)).await {
                Some(page) => self.start(page?),
                None => return Ok(None),
            }
        }
    }

    /// Returns all remaining items. Large lists need much memory.
    ///
    /// Whether the list [changed](Self::changes) while it was read is not told. Before you conclude from a list that somebody
    /// is *not* in it, read it with [`next`](Self::next) and look at [`Changes::has_moved`].
    ///
    /// # Errors
    ///
    /// The first error; the items that were read before are lost. A loop over [`next`](Self::next) can continue after an error.
    pub async fn try_collect(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(item) = self.try_next().await? {
            all.push(item);
        }
        Ok(all)
    }

    /// Continues page by page, with the next page. The remaining items of the current page are dropped.
    pub fn by_page(self) -> Pages<T> {
        self.pages
    }

    /// Drops repeated items: those that moved to a later page while the list was read.
    ///
    /// It remembers at least the last 131,072 items, in about five megabytes. Items that moved further are returned twice.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// use umapi::{PageItem, Pager};
    ///
    /// async fn count<T: PageItem>(list: Pager<T>) -> Result<usize, umapi::Error> {
    ///     let mut list = list.dedup();
    ///     let mut count = 0;
    ///     while list.try_next().await?.is_some() {
    ///         count += 1;
    ///     }
    ///     Ok(count)
    /// }
    ///
    /// println!("{} users", count(client.users().list()).await?);
    /// println!("{} groups", count(client.groups().list()).await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dedup(mut self) -> Self {
        self.seen = RecentKeys::new(DROPPED_SPAN);
        self.drops_repeated = true;
        self
    }

    /// Continues the same list at the position of a token, with the item after the last one that was returned.
    ///
    /// If the list has changed so that this item is not on its page any more, the page is returned again from its start, and
    /// [`changes`](Self::changes) reports it.
    /// If only the page size of the server has changed, the item is looked for on the page where it is now.
    ///
    /// # Errors
    ///
    /// If the token belongs to another list.
    pub fn resume(mut self, token: &ResumeToken) -> Result<Self, Error> {
        if token.query != self.pages.fingerprint() {
            return Err(Error::invalid(
                "the resume token belongs to another list; use the same organization, filters and group",
            ));
        }
        match token.position {
            Position::End => self.pages.end(),
            Position::Within(position) => self.pages.resume(position),
        }
        self.resume = Some(token.position);
        Ok(self)
    }

    /// Returns the current position: after the last item that was returned.
    #[must_use]
    pub fn resume_token(&self) -> ResumeToken {
        let query = self.pages.fingerprint();
        if let Some(position) = self.resume {
            return ResumeToken { query, position };
        }
        let left = self.items.len();
        let (page, offset) = match left {
            0 => (self.pages.next_index(), 0),
            _ => (self.pages.next_index().saturating_sub(1), self.length - left),
        };
        let position = match (left, self.pages.is_over()) {
            (0, true) => Position::End,
            _ => Position::Within(Within {
                page,
                offset: u32::try_from(offset).unwrap_or(u32::MAX),
                last: self.last,
                total: self.pages.total(),
                page_size: self.pages.page_size(),
            }),
        };
        ResumeToken { query, position }
    }

    /// The number of items according to the service. It counts technical accounts, which the list leaves out.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.pages.total()
    }

    /// The signs that the list changed while it was read.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.pages.changes()
    }

    /// The next item of the current page, if there is one.
    fn take(&mut self) -> Option<T> {
        loop {
            let item = self.items.next()?;
            let key = item.key();
            let left = self.items.len();
            if left <= self.length / 2 {
                self.pages.look_ahead();
            }
            if key.is_some_and(|key| !self.seen.insert(key)) {
                self.pages.changes_mut().repeated_items += 1;
                if self.drops_repeated {
                    continue;
                }
            }
            self.last = key;
            return Some(item);
        }
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if let Some(item) = self.take() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => self.start(page),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn start(&mut self, page: Page<T>) {
        self.resume = None;
        self.length = page.items.len();
        self.items = page.items.into_iter();
        for item in self.items.by_ref().take(page.skipped) {
            self.last = item.key();
            if let Some(key) = self.last {
                self.seen.insert(key);
            }
        }
    }
}

impl<T: PageItem> Stream for Pager<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }

    /// The rest of the current page. The upper bound is known on the last page.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.items.len();
        let least = if self.drops_repeated { 0 } else { left };
        (least, self.pages.is_over().then_some(left))
    }
}

impl<T: PageItem> FusedStream for Pager<T> {
    fn is_terminated(&self) -> bool {
        self.items.len() == 0 && self.pages.is_over()
    }
}

impl<T> fmt::Debug for Pager<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager")
            .field("pages", &self.pages)
            .field("left_of_page", &self.items.len())
            .finish_non_exhaustive()
    }
}

/// Remembers the keys of at least the last `span` items, and of at most twice as many.
///
/// A list that changes moves items across the border of neighboring pages, so a repeated item comes again within a few pages.
struct RecentKeys {
    span: usize,
    newer: KeySet,
    older: KeySet,
}

type KeySet = HashSet<u64, BuildHasherDefault<KeyHasher>>;

impl RecentKeys {
    fn new(span: usize) -> Self {
        Self { span, newer: HashSet::default(), older: HashSet::default() }
    }

    /// Adds a key. Returns whether it is new.
    fn insert(&mut self, key: u64) -> bool {
        if self.newer.len() == self.span {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key) && !self.older.contains(&key)
    }
}

/// The hasher of keys, which are hashes or ids already.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only numbers are hashed here. Other values still get a correct hash.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        // Consecutive ids would otherwise share their upper bits.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_keys_are_known_in_bounded_memory() {
        for distance in [1, 50, 99] {
            let mut seen = RecentKeys::new(100);
            for key in 0..10_000 {
                assert!(seen.insert(key), "{key} is new");
                assert!(!seen.insert(key));
                assert!(seen.newer.len() + seen.older.len() <= 200);
            }
            assert!(!seen.insert(9_999 - distance), "inserted {distance} before the last");
            assert!(seen.insert(9_000), "old keys are forgotten");
        }
    }
}
