//! A list, item by item.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures_core::Stream;

use super::{Changes, Page, PageItem, Pages, Query, ResumeToken, seen::Seen, token::Place};
use crate::error::Error;

/// How many items are remembered to notice one that comes twice: some pages' worth.
const NOTICED: usize = 8_192;

/// After so many items the fetch of the next page is helped on.
const HELPED_ON: usize = 64;

/// How many are remembered to drop those that come twice.
const DROPPED: usize = 131_072;

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
/// It is a [`Stream`] too, and has [`next`](Self::next) and [`try_next`](Self::try_next) of its own, so that no trait
/// needs to be imported.
///
/// * **Memory**: the page at hand and, when half of it is handed out, the next one, which is fetched ahead of need if there
///   is a turn for it now. See [`Pages`].
/// * **Errors** end nothing: asked again, it goes on where it was. A loop over the stream that passes over errors would
///   therefore ask for ever.
/// * **Cancelling** loses nothing: a future of [`next`](Self::next) may be dropped at any time.
/// * **Resuming**: [`resume_token`](Self::resume_token) at any moment, and [`resume`](Self::resume) another day.
pub struct Pager<T> {
    pages: Pages<T>,
    items: vec::IntoIter<T>,
    /// How many items the page at hand has.
    length: usize,
    seen: Seen,
    drops_repeated: bool,
    /// The key of the last item that was handed out.
    behind: u64,
    /// Where to go on, until the first page has come.
    resume: Option<Place>,
}

impl<T: PageItem> Pager<T> {
    pub(crate) fn new(query: Query<T>) -> Self {
        Self {
            pages: Pages::new(query),
            items: Vec::new().into_iter(),
            length: 0,
            seen: Seen::lately(NOTICED),
            drops_repeated: false,
            behind: 0,
            resume: None,
        }
    }

    /// The next item, or why there is none now. Nothing at the end of the list.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.try_next().await.transpose()
    }

    /// The next item. Nothing at the end of the list.
    ///
    /// # Errors
    ///
    /// Why there is none now. Asked again, it goes on where it was.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        loop {
            if let Some(item) = self.take() {
                return Ok(Some(item));
            }
            match poll_fn(|context| self.pages.poll_page(context)).await {
                Some(page) => self.begin(page?),
                None => return Ok(None),
            }
        }
    }

    /// All items that are left. Mind the memory of large lists.
    ///
    /// # Errors
    ///
    /// The first error; what was read so far is dropped. A loop over [`next`](Self::next) can go on after one.
    pub async fn try_collect(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(item) = self.try_next().await? {
            all.push(item);
        }
        Ok(all)
    }

    /// The same list page by page. It goes on with the next page: what is left of the page at hand is not in it.
    pub fn by_page(self) -> Pages<T> {
        self.pages
    }

    /// Drops items that came before: those that moved to a later page while the list was read.
    ///
    /// It remembers the last 131,072 items at least, in about five megabytes; what moved further than that comes twice.
    #[must_use]
    pub fn dedup(mut self) -> Self {
        self.seen = Seen::lately(DROPPED);
        self.drops_repeated = true;
        self
    }

    /// Goes on where the same list was left: with the item after the last one that was handed out.
    ///
    /// If the list has changed since, so that this item cannot be found on its page, the page is handed out again from its
    /// start, and [`changes`](Self::changes) says so.
    ///
    /// # Errors
    ///
    /// For a token of another list.
    pub fn resume(mut self, token: &ResumeToken) -> Result<Self, Error> {
        if token.query != self.pages.fingerprint() {
            return Err(Error::invalid(
                "the resume token is that of another list: ask for the same organization, filters and group as then",
            ));
        }
        match token.place {
            Place::End => self.pages.end(),
            Place::Within { page, total, .. } => self.pages.skip_to(page, total),
        }
        self.resume = Some(token.place);
        Ok(self)
    }

    /// Where the list is now: behind the item that was handed out last.
    #[must_use]
    pub fn resume_token(&self) -> ResumeToken {
        let query = self.pages.fingerprint();
        if let Some(place) = self.resume {
            return ResumeToken { query, place };
        }
        let (left, total) = (self.items.len(), self.pages.total());
        let place = match (left, self.pages.is_over()) {
            (0, true) => Place::End,
            (0, false) => Place::Within { page: self.pages.next_index(), offset: 0, behind: self.behind, total },
            _ => {
                let offset = u32::try_from(self.length - left).unwrap_or(u32::MAX);
                Place::Within { page: self.pages.next_index().saturating_sub(1), offset, behind: self.behind, total }
            }
        };
        ResumeToken { query, place }
    }

    /// How many items there are in all, as the service says. It counts technical accounts, which it leaves out of the list.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.pages.total()
    }

    /// What gives away that the list changed while it was read.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.pages.changes()
    }

    /// An item of the page at hand, if there is one left.
    fn take(&mut self) -> Option<T> {
        loop {
            let item = self.items.next()?;
            let key = item.key();
            let left = self.items.len();
            if left == self.length / 2 || (left < self.length / 2 && left.is_multiple_of(HELPED_ON)) {
                self.pages.look_ahead();
            }
            if !self.seen.insert(key) {
                self.pages.changes_mut().repeated_items += 1;
                if self.drops_repeated {
                    continue;
                }
            }
            self.behind = key;
            return Some(item);
        }
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if let Some(item) = self.take() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => self.begin(page),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn begin(&mut self, page: Page<T>) {
        let skipped = match self.resume.take() {
            Some(Place::Within { offset, behind, .. }) if offset > 0 => self.find(&page, offset as usize, behind),
            _ => 0,
        };
        self.length = page.items.len();
        self.items = page.items.into_iter();
        for item in self.items.by_ref().take(skipped) {
            self.behind = item.key();
            self.seen.insert(self.behind);
        }
    }

    /// How many items of a page were handed out before: up to the one that the token stands behind.
    fn find(&mut self, page: &Page<T>, offset: usize, behind: u64) -> usize {
        if page.items.get(offset - 1).is_some_and(|item| item.key() == behind) {
            return offset;
        }
        self.pages.changes_mut().resumed_elsewhere = true;
        page.items.iter().position(|item| item.key() == behind).map_or(0, |place| place + 1)
    }
}

impl<T: PageItem> Stream for Pager<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }

    /// What is left of the page at hand; how many more there are is known on the last page.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.items.len();
        let least = if self.drops_repeated { 0 } else { left };
        (least, self.pages.is_over().then_some(left))
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
