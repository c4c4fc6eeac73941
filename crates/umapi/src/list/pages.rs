//! A list, page by page.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use tokio::runtime::{Handle, Id};
use tracing::Instrument as _;
use umapi_http::{AbortOnDrop, describe_panic};

use super::{PageItem, Query, query::PageFingerprint, read_ahead::ReadAhead, token::Within};
use crate::{
    call::{Begun, CallOptions, Scope, UnreadableItem},
    error::{Cause, Error, Kind},
    observer::PageRead,
};

/// The maximum number of empty pages in a row. Users who left may empty a page, or some.
const MAX_EMPTY_PAGES: u32 = 100;

/// The maximum number of pages of one list.
const MAX_PAGES: u32 = 1_000_000;

/// The maximum number of pages that are searched for the position of a resume token.
const MAX_SEARCHED: u32 = 3;

/// One page of a list, with the values of its headers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items. A page may be empty before the end of the list.
    pub items: Vec<T>,
    /// The index of the page, counted from 0.
    pub index: u32,
    /// Whether it is the last page.
    pub is_last: bool,
    /// The number of items of the whole list (`X-Total-Count`). It may exceed the number of returned items, because it counts
    /// technical accounts, which the list leaves out.
    pub total: Option<u64>,
    /// The number of pages (`X-Page-Count`).
    pub page_count: Option<u32>,
    /// The number of items on a page (`X-Page-Size`), which the server chooses.
    pub page_size: Option<u32>,
    /// The items of the page that cannot be read. They are not among the items.
    pub unreadable: Vec<UnreadableItem>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// The index of the page in the server's own count.
    pub(super) current: Option<u32>,
    /// Identifies the page as the server sent it, without filters.
    pub(super) fingerprint: Option<PageFingerprint>,
    /// How many items the server sent, without filters.
    pub(super) sent: u64,
    /// Whether the body says if it is the last page.
    pub(super) says_its_end: bool,
    /// How many of the items were returned before a resume token was taken.
    pub(super) skipped: usize,
}

/// Signs that the items of a list are not a consistent snapshot: some may be missing, others may appear twice. The list
/// changed while it was read: users joined or left, and the pages shifted. Or some items could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// The total of the service changed on a later page.
    pub total_moved: bool,
    /// The number of items that had been read before. [`Pager::dedup`](crate::Pager::dedup) drops them.
    pub repeated_items: u64,
    /// The service returned an earlier page again, because the list became shorter. Its items were not returned twice.
    pub page_came_again: bool,
    /// The item before the position of a resume token was not in its place any more.
    pub resumed_elsewhere: bool,
    /// The number of items that could not be read and were left out. [`Page::unreadable`] names them.
    pub unreadable_items: u64,
}

impl Changes {
    /// Whether the list changed while it was read, so that it may lack items.
    ///
    /// ```
    /// # let changes = umapi::Changes::default();
    /// if changes.has_moved() {
    ///     eprintln!("users may be missing: read it again before you conclude that somebody left");
    /// }
    /// ```
    #[must_use]
    pub fn has_moved(&self) -> bool {
        let Self { total_moved, repeated_items, page_came_again, resumed_elsewhere, unreadable_items: _ } = *self;
        total_moved || repeated_items > 0 || page_came_again || resumed_elsewhere
    }

    /// Whether there is any sign that the list is not a whole picture: it has moved, or items could not be read.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// A list, page by page; created by [`Pager::by_page`](crate::Pager::by_page).
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
/// * While you work on a page, the next one is fetched if there is a permit for it now. If pages take long to arrive, several
///   are in flight at the same time, as far as the rate limits leave calls: at most
///   [`pages_in_flight`](crate::ClientBuilder::pages_in_flight). They come out in their order.
/// * The list ends with the page that is marked as the last, or when the server returns the last page again.
/// * A list that makes no progress is an error: a page that comes again although items are missing, e.g. from a cache, pages that
///   repeat in turn, or a hundred empty pages in a row.
/// * After an error, the next call tries the same page again.
pub struct Pages<T> {
    query: Query<T>,
    next: u32,
    is_over: bool,
    /// The fetches of the next page and of those after it, in order.
    fetches: VecDeque<Fetch<T>>,
    read_ahead: ReadAhead,
    /// The number of pages according to the last page, unless that page disproves it.
    page_count: Option<u32>,
    /// The position of a resume token, until it is found.
    resume: Option<Resume>,
    /// The number of items on a page, as far as it is known.
    page_size: Option<u32>,
    total: Option<u64>,
    /// The number of items up to here, without filters.
    read: u64,
    changes: Changes,
    /// The pages so far, to recognize one that comes again.
    seen: HashMap<PageFingerprint, u32>,
    /// The number of empty pages in a row.
    empty: u32,
    /// How far the server's count is behind ours, taken from the first page.
    count_offset: u32,
}

/// A fetch of a page, in a task of its own: its time limits must not pass while nobody polls the list. It ends with the list.
struct Fetch<T> {
    index: u32,
    page: AbortOnDrop<Result<Page<T>, Error>>,
    runtime: Id,
    need: Need,
    begun: Arc<Begun>,
}

/// How much a page is needed when its fetch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// The reader waits for it.
    Now,
    /// The reader waits for an earlier page. The fetch waits for a permit.
    Soon,
    /// The reader works on an earlier page. The fetch fails if there is no permit now.
    Later,
}

/// A search for the position of a resume token.
struct Resume {
    position: Within,
    searched: u32,
    /// Whether the position was not found.
    is_lost: bool,
}

/// Where a list continues.
enum Place {
    /// After this many items of the page.
    Here { skipped: usize, is_elsewhere: bool },
    /// On another page.
    OnPage(u32, Resume),
}

impl Resume {
    /// Looks for the position on a page. A token depends on the page size of its time, which the server may change.
    fn place<T: PageItem>(self, page: &Page<T>) -> Place {
        let Within { page: index, offset, last, page_size, .. } = self.position;
        let full_page = || (!page.is_last).then(|| u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        // The last page may state the number of its own items, which says nothing about the others. If the others are smaller
        // now, the items before this page were all before the position.
        let is_usable = |(then, now): &(u32, u32)| *then > 0 && *now > 0 && !(page.is_last && now < then);
        let sizes = page_size.zip(page.page_size.or_else(full_page)).filter(is_usable);
        let here = |skipped, is_elsewhere| Place::Here { skipped, is_elsewhere };
        let find = || page.items.iter().position(|item| last.is_some() && item.key() == last);
        if self.is_lost {
            return here(0, true);
        }
        let Some((then, now)) = sizes.filter(|(then, now)| then != now || self.searched > 0) else {
            let offset = offset as usize;
            let is_in_place = offset == 0 || page.items.get(offset - 1).is_some_and(|item| item.key() == last);
            return if is_in_place { here(offset, false) } else { here(find().map_or(0, |index| index + 1), true) };
        };
        let Some(last_item) = (u64::from(index) * u64::from(then) + u64::from(offset)).checked_sub(1) else {
            return here(0, false);
        };
        let target = u32::try_from(last_item / u64::from(now)).unwrap_or(u32::MAX);
        let searched = self.searched + 1;
        if self.searched == 0 && page.index != target {
            return Place::OnPage(target, Self { searched, ..self });
        }
        match find() {
            Some(index) => here(index + 1, false),
            // The server's pages also count technical accounts, which shift the items a little.
            None if last.is_some() && searched < MAX_SEARCHED && !page.is_last => {
                Place::OnPage(page.index.saturating_add(1), Self { searched, ..self })
            }
            None if page.index == target => here(0, true),
            None => Place::OnPage(target, Self { searched, is_lost: true, ..self }),
        }
    }
}

/// What a page that arrived is.
enum Arrival {
    Next,
    /// The list ended before: the server returned its last page again.
    End,
}

impl<T: PageItem> Pages<T> {
    pub(super) fn new(query: Query<T>) -> Self {
        let read_ahead = ReadAhead::new(query.client.0.pages_in_flight);
        Self {
            query,
            next: 0,
            is_over: false,
            fetches: VecDeque::new(),
            read_ahead,
            page_count: None,
            resume: None,
            page_size: None,
            total: None,
            read: 0,
            changes: Changes::default(),
            seen: HashMap::new(),
            empty: 0,
            count_offset: 0,
        }
    }

    /// Returns the next page or an error, or `None` at the end of the list.
    pub async fn next(&mut self) -> Option<Result<Page<T>, Error>> {
        std::future::poll_fn(|context| self.poll_with_look_ahead(context)).await
    }

    /// Returns the next page, or `None` at the end of the list.
    ///
    /// # Errors
    ///
    /// If the page cannot be read. The next call tries the same page again.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.next().await.transpose()
    }

    /// The number of items of the whole list, according to the last page that was read.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The signs that the list changed while it was read.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.changes
    }

    pub(super) fn set_options(&mut self, options: CallOptions) {
        self.query.set_options(options);
    }

    pub(super) fn set_scope(&mut self, scope: &Scope) {
        self.query.set_scope(scope);
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

    /// Continues at the position of a resume token.
    pub(super) fn resume(&mut self, position: Within) {
        self.next = position.page;
        self.total = position.total;
        self.page_size = position.page_size;
        self.resume = Some(Resume { position, searched: 0, is_lost: false });
    }

    pub(super) fn page_size(&self) -> Option<u32> {
        self.page_size
    }

    pub(super) fn end(&mut self) {
        self.is_over = true;
        self.fetches.clear();
    }

    /// Starts to fetch a page before it is needed: the next one, or one more if pages take long.
    pub(super) fn look_ahead(&mut self) {
        // A stub is asked for a page when it is needed, so that a test knows what it is asked for.
        if self.is_over || self.resume.is_some() || self.query.client.0.stub().is_some() {
            return;
        }
        match self.fetches.back() {
            None => self.fetch(self.next, Need::Later),
            Some(last) if last.begun.at().is_some() && self.has_room_after(last.index) => {
                self.fetch(last.index + 1, Need::Later);
            }
            Some(_) => {}
        }
    }

    /// Starts to fetch more pages while the reader waits for one. Only the last of them waits for a permit: when it gets one,
    /// the reader's task is woken and comes back here. So other calls wait behind one page of a list, not behind all of them.
    fn fetch_more(&mut self, context: &mut Context<'_>) {
        while self.resume.is_none()
            && let Some(last) = self.fetches.back()
        {
            let index = last.index;
            last.begun.wake(context.waker());
            match (last.begun.at(), last.need) {
                (Some(_), _) if self.has_room_after(index) => self.fetch(index + 1, Need::Soon),
                // There was no permit while the reader did not wait.
                (None, Need::Later) if last.begun.has_ended() && self.fetches.len() > 1 => {
                    self.fetches.pop_back();
                    self.fetch(index, Need::Soon);
                }
                _ => return,
            }
        }
    }

    /// Whether another page should be in flight, as far as is known.
    fn has_room_after(&self, index: u32) -> bool {
        self.fetches.len() < self.read_ahead.pages() && self.page_count.is_some_and(|count| index + 1 < count)
    }

    /// Fetches a page. Outside of a runtime, nothing happens.
    fn fetch(&mut self, index: u32, need: Need) {
        let Ok(runtime) = Handle::try_current() else { return };
        let begun = Arc::new(Begun::default());
        let is_last = self.page_count.is_some_and(|count| count == index + 1);
        let fetch = self.query.fetch(index, is_last, need == Need::Later, begun.clone());
        let (noted, clock) = (begun.clone(), self.query.client.0.clock.clone());
        let fetch = async move {
            let result = fetch.await;
            noted.end(clock.now());
            result
        };
        let page = AbortOnDrop::new(runtime.spawn(fetch.in_current_span()));
        let fetch = Fetch { index, page, runtime: runtime.id(), need, begun };
        match index == self.next {
            true => self.fetches.push_front(fetch),
            false => self.fetches.push_back(fetch),
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
        if self.read_ahead.is_processing() {
            self.read_ahead.processed(self.query.client.0.clock.now());
        }
        let mut is_new = false;
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            if self.fetches.front().is_none_or(|first| first.index != self.next) {
                self.fetch(self.next, Need::Now);
                is_new = true;
            }
            let next = self.next;
            let Some(first) = self.fetches.front_mut().filter(|first| first.index == next) else {
                return Poll::Ready(Some(Err(Error::invalid("a list needs a tokio runtime; read it inside one"))));
            };
            let joined = match Pin::new(&mut first.page).poll(context) {
                Poll::Ready(joined) => joined,
                // Fetched on another runtime, which may not run any more.
                Poll::Pending if Handle::try_current().is_ok_and(|runtime| runtime.id() != first.runtime) => None,
                Poll::Pending => {
                    self.fetch_more(context);
                    return Poll::Pending;
                }
            };
            let Some(Fetch { need, begun, .. }) = self.fetches.pop_front() else { continue };
            let result = match joined {
                Some(Ok(result)) => result,
                Some(Err(panic)) => {
                    Err(Error::new(Kind::Network(Cause::new(describe_panic("task of the page", &*panic)))))
                }
                None if is_new => Err(Error::new(Kind::Network(Cause::new("the runtime is being dropped")))),
                None => continue,
            };
            let error = match result {
                Ok(page) => {
                    if let Some(took) = begun.took() {
                        self.read_ahead.arrived(took, begun.requests());
                    }
                    match self.take(page) {
                        Ok(Some(page)) => {
                            self.read_ahead.given(self.query.client.0.clock.now());
                            return Poll::Ready(Some(Ok(page)));
                        }
                        Ok(None) => continue,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
                Err(error) => error,
            };
            if begun.requests() > 0 {
                self.read_ahead.failed();
            }
            // Nobody waited for it, so it counts for nothing. Now the page is needed.
            let counts_for_nothing = match need {
                Need::Now => false,
                Need::Soon => error.requests() == 0,
                Need::Later => error.requests() == 0 || error.is_retryable(),
            };
            if !counts_for_nothing {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Accepts a page that arrived. Returns `None` if the list was over before it, or continues on another page.
    fn take(&mut self, mut page: Page<T>) -> Result<Option<Page<T>>, Error> {
        page.index = self.next;
        match self.resume.take().map(|resume| resume.place(&page)) {
            Some(Place::OnPage(index, resume)) => {
                tracing::debug!(page = index, "the page size changed, looking for the position of the resume token");
                (self.next, self.resume) = (index, Some(resume));
                self.fetches.clear();
                return Ok(None);
            }
            Some(Place::Here { skipped, is_elsewhere }) => {
                page.skipped = skipped;
                let size = page.page_size.or(self.page_size).map_or(page.sent, u64::from);
                self.read = size.saturating_mul(u64::from(page.index));
                self.changes.resumed_elsewhere |= is_elsewhere;
            }
            None => {}
        }
        match self.arrival(&page) {
            Ok(Arrival::Next) => {}
            Ok(Arrival::End) => {
                tracing::warn!(page = page.index, "an earlier page came again, the list is over");
                self.changes.page_came_again = true;
                self.end();
                return Ok(None);
            }
            Err(why) => {
                let error = Error::new(Kind::NoProgress(why));
                return Err(error.with(|details| {
                    details.operation = Some(self.query.operation.id());
                    details.request_id = page.request_id;
                }));
            }
        }
        self.changes.total_moved |= self.total.is_some() && page.total.is_some() && self.total != page.total;
        self.total = page.total.or(self.total);
        let length = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
        self.page_size = page.page_size.or_else(|| self.page_size.max(Some(length)));
        self.changes.unreadable_items += page.unreadable.len() as u64;
        self.read = self.read.saturating_add(page.sent);
        for item in &page.unreadable {
            let (page, index) = (page.index, item.index);
            tracing::warn!(page, index, "an item cannot be read, leaving it out");
        }
        if let Some(fingerprint) = page.fingerprint {
            self.seen.entry(fingerprint).or_insert(page.index);
        }
        let by_size = || u32::try_from(page.total?.div_ceil(u64::from(page.page_size.filter(|size| *size > 0)?))).ok();
        // Every page says how many there are. It may be wrong, and it may change while the list is read.
        self.page_count = page.page_count.or_else(by_size).filter(|count| page.index.saturating_add(1) < *count);
        self.next = self.next.saturating_add(1);
        if page.is_last {
            self.end();
        }
        let (operation, index, items) = (self.query.operation.id(), page.index, page.items.len());
        tracing::debug!(operation, index, items, total = page.total, "page read");
        self.query.client.0.observer.page(&PageRead { operation, index, items, total: page.total });
        Ok(Some(page))
    }

    /// Recognizes a page that came before. The error says what repeats.
    ///
    /// Past its end, the server returns its last page again. A header says so, or only the content. Pages that come again in
    /// another way mean that the list never ends, or that something between caches them.
    fn arrival(&mut self, page: &Page<T>) -> Result<Arrival, String> {
        let asked = page.index.saturating_add(self.query.first_page);
        if page.index == 0 {
            self.count_offset = page.current.map_or(0, |current| asked.saturating_sub(current));
            return Ok(Arrival::Next);
        }
        self.empty = if page.sent == 0 { self.empty + 1 } else { 0 };
        let earlier = page.fingerprint.and_then(|fingerprint| self.seen.get(&fingerprint).copied());
        // The server's count, which is one behind for the last page that comes again.
        let counted =
            page.current.map(|current| current.saturating_add(self.count_offset)).filter(|count| *count < asked);
        let is_last_again =
            earlier.is_some_and(|index| index + 1 == page.index) || counted.is_some_and(|count| count + 1 == asked);
        let is_repeated = earlier.is_some() || counted.is_some();
        // People count from 1.
        let number = u64::from(page.index) + 1;
        if is_repeated {
            let index =
                earlier.or(counted.map(|count| count.saturating_sub(self.query.first_page))).unwrap_or_default();
            if (is_last_again || page.is_last || self.seen.is_empty()) && self.may_end_with(page, index) {
                return Ok(Arrival::End);
            }
            let repeated = u64::from(index) + 1;
            let total = page.total.or(self.total).filter(|total| self.read < *total);
            let missing = total.map_or_else(String::new, |total| format!(", after {} of {total} items", self.read));
            return Err(format!("page {number} repeats page {repeated} and is not the last one{missing}"));
        }
        if self.empty > MAX_EMPTY_PAGES && !page.is_last {
            return Err(format!("{} pages in a row are empty, up to page {number}", self.empty));
        }
        if page.index >= MAX_PAGES && !page.is_last {
            return Err(format!("page {number} is not the last one"));
        }
        Ok(Arrival::Next)
    }

    /// Whether nothing denies that a page that came again, now or before at this index, is the last one. A cache may return
    /// any page again.
    fn may_end_with(&self, page: &Page<T>, index: u32) -> bool {
        let total = page.total.or(self.total);
        let is_complete = total.map(|total| self.read >= total);
        if page.says_its_end {
            return page.is_last || is_complete == Some(true);
        }
        // The headers of an array count the pages. `is_last` trusts the index that was asked for.
        let is_last = page.page_count.map(|count| index.saturating_add(1) >= count);
        is_last == Some(true) || is_complete.or(is_last).unwrap_or(true)
    }
}

impl<T: PageItem> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_with_look_ahead(context)
    }
}

impl<T: PageItem> FusedStream for Pages<T> {
    fn is_terminated(&self) -> bool {
        self.is_over
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
