//! A list, page by page.

use std::{
    fmt,
    future::ready,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_util::FutureExt as _;

use super::{Changes, Page, PageItem, Query, query::Fetching};
use crate::{error::Error, observer::PageRead};

/// A list, page by page; made by [`Pager::by_page`](crate::Pager::by_page).
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// let mut pages = client.users().list().by_page();
/// while let Some(page) = pages.try_next().await? {
///     println!("page {} of {:?}: {} users", page.index, page.page_count, page.items.len());
/// }
/// # Ok(())
/// # }
/// ```
///
/// * While a page is worked on, the next one is fetched, if there is a turn for it now. Never more than that one is kept.
/// * The list ends with the page that says it is the last, never with an empty one; or when the server, asked for a page,
///   gives an earlier one again. A hundred empty pages in a row count as that.
/// * After an error it can be asked again, and tries the same page once more.
pub struct Pages<T> {
    query: Query<T>,
    next: u32,
    is_over: bool,
    ongoing: Option<Ongoing<T>>,
    total: Option<u64>,
    changes: Changes,
    /// Something to know the last page by.
    last_print: Option<(usize, u64, u64)>,
    /// How many pages in a row were empty.
    empty: u32,
    /// By how much the server's own count is behind ours, seen on the first page.
    slack: u32,
}

/// Empty pages in a row after which a list is over. Users who left may empty a page, or some.
const EMPTY_PAGES: u32 = 100;

/// A fetch on its way. It is polled when it begins, so that the request goes out, now and then while the page before is read,
/// and when the page is needed. No task carries it on: a page that one thread parses and another one drops costs a third more.
struct Ongoing<T> {
    page: Fetching<T>,
    is_ahead: bool,
    /// Whether the page is at hand, and only not wanted yet.
    is_here: bool,
}

impl<T> Ongoing<T> {
    fn new(page: Fetching<T>, is_ahead: bool) -> Self {
        Self { page, is_ahead, is_here: false }
    }
}

impl<T: PageItem> Pages<T> {
    pub(super) fn new(query: Query<T>) -> Self {
        Self {
            query,
            next: 0,
            is_over: false,
            ongoing: None,
            total: None,
            changes: Changes::default(),
            last_print: None,
            empty: 0,
            slack: 0,
        }
    }

    /// The next page, or why there is none now. Nothing at the end of the list.
    pub async fn next(&mut self) -> Option<Result<Page<T>, Error>> {
        std::future::poll_fn(|context| self.poll_with_look_ahead(context)).await
    }

    /// The next page. Nothing at the end of the list.
    ///
    /// # Errors
    ///
    /// Why there is none now. Asked again, it tries the same page once more.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.next().await.transpose()
    }

    /// How many items there are in all, as the last page said.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// What gives away that the list changed while it was read.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.changes
    }

    pub(super) fn changes_mut(&mut self) -> &mut Changes {
        &mut self.changes
    }

    pub(super) fn fingerprint(&self) -> u64 {
        self.query.fingerprint
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn next_index(&self) -> u32 {
        self.next
    }

    /// Goes on with this page.
    pub(super) fn skip_to(&mut self, page: u32, total: Option<u64>) {
        self.next = page;
        self.total = total;
    }

    pub(super) fn end(&mut self) {
        self.is_over = true;
        self.ongoing = None;
    }

    /// Begins to fetch the next page before it is needed, or helps it on.
    pub(super) fn look_ahead(&mut self) {
        if self.is_over {
            return;
        }
        let (query, next) = (&self.query, self.next);
        let ongoing = self.ongoing.get_or_insert_with(|| Ongoing::new(query.fetch(next, true), true));
        if !ongoing.is_here
            && let Some(result) = ongoing.page.as_mut().now_or_never()
        {
            ongoing.page = Box::pin(ready(result));
            ongoing.is_here = true;
        }
    }

    fn poll_with_look_ahead(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Page<T>, Error>>> {
        let page = ready!(self.poll_page(context));
        if matches!(page, Some(Ok(_))) {
            self.look_ahead();
        }
        Poll::Ready(page)
    }

    pub(super) fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Page<T>, Error>>> {
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            let (query, next) = (&self.query, self.next);
            let ongoing = self.ongoing.get_or_insert_with(|| Ongoing::new(query.fetch(next, false), false));
            let result = ready!(ongoing.page.as_mut().poll(context));
            let was_ahead = ongoing.is_ahead;
            self.ongoing = None;
            match result {
                Ok(page) => return Poll::Ready(self.take(page).map(Ok)),
                // There was no turn for it at that moment; now it is needed.
                Err(error) if was_ahead && error.requests() == 0 => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// Looks at a page that came. Nothing if it is one that came before.
    fn take(&mut self, mut page: Page<T>) -> Option<Page<T>> {
        page.index = self.next;
        if self.comes_again(&page) {
            tracing::warn!(page = page.index, "an earlier page came again: the list is over");
            self.changes.page_came_again = true;
            self.end();
            return None;
        }
        self.changes.total_moved |= self.total.is_some() && page.total.is_some() && self.total != page.total;
        self.total = page.total.or(self.total);
        self.last_print = print(&page.items);
        self.next = self.next.saturating_add(1);
        self.is_over = page.is_last;
        let (operation, index, items) = (self.query.operation.id(), page.index, page.items.len());
        tracing::debug!(operation, index, items, total = page.total, "page read");
        self.query.client.0.observer.page(&PageRead { operation, index, items, total: page.total });
        Some(page)
    }

    /// Past its end the server gives the last page again, and says so in a header, or only by its content.
    fn comes_again(&mut self, page: &Page<T>) -> bool {
        let asked = page.index.saturating_add(self.query.first_page);
        if page.index == 0 {
            self.slack = page.current.map_or(0, |current| asked.saturating_sub(current));
            return false;
        }
        let is_behind = page.current.is_some_and(|current| current.saturating_add(self.slack) < asked);
        let print = print(&page.items);
        self.empty = if print.is_none() { self.empty + 1 } else { 0 };
        is_behind || self.empty > EMPTY_PAGES || (print.is_some() && print == self.last_print)
    }
}

/// Something to know a page by; nothing for an empty one.
fn print<T: PageItem>(items: &[T]) -> Option<(usize, u64, u64)> {
    Some((items.len(), items.first()?.key(), items.last()?.key()))
}

impl<T: PageItem> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_with_look_ahead(context)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &self.query.operation.id())
            .field("next", &self.next)
            .field("is_over", &self.is_over)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
