//! What a list contains, and how a page of it is fetched.

use std::{future::Future, pin::Pin, sync::Arc};

use umapi_model::{CountedCalls, Operation};

use super::{Page, PageItem, item::Fingerprint};
use crate::{
    call::{ApiCall, Begun, CallOptions, Paging, Pragma, Response, ResponseHead, Scope, SyncHints},
    client::Client,
    error::Error,
    stub::{DynLegacyStub, StubFuture},
};

/// A fetch in flight.
pub(super) type Fetching<T> = Pin<Box<dyn Future<Output = Result<Page<T>, Error>> + Send>>;

type Fetch<T> = dyn Fn(Client, PageCall, u32) -> Fetching<T> + Send + Sync;

/// The call for a page.
pub(crate) struct PageCall {
    operation: Operation,
    pragma: Option<Pragma>,
    is_first_page: bool,
    /// Whether the page is not needed yet. Such a call fails if there is no permit for it now.
    is_ahead: bool,
    begun: Arc<Begun>,
    scope: Scope,
}

impl PageCall {
    /// Waits for the page of a stub.
    pub(crate) async fn ask<T: PageItem>(
        &self,
        client: &Client,
        answer: StubFuture<'_, Page<T>>,
    ) -> Result<Page<T>, Error> {
        client.0.ask(self.as_call(), answer).await.map(Page::of_stub)
    }

    /// Waits for the page of a [`LegacyStub`](crate::stub::LegacyStub), if there is one that has the method.
    pub(crate) async fn ask_legacy<T: PageItem>(
        &self,
        client: &Client,
        ask: impl FnOnce(&dyn DynLegacyStub) -> StubFuture<'_, Page<T>>,
    ) -> Option<Result<Page<T>, Error>> {
        Some(client.0.ask_legacy(self.as_call(), ask).await?.map(Page::of_stub))
    }

    pub(crate) fn as_call(&self) -> ApiCall<'_> {
        let Self { operation, pragma, is_first_page, is_ahead, begun, scope } = self;
        ApiCall {
            pragma: *pragma,
            is_first_page: *is_first_page,
            is_ahead: *is_ahead,
            begun: Some(begun),
            is_in_own_task: true,
            ..scope.read(*operation)
        }
    }
}

/// The operation and the parameters of a list. Cheap to clone.
pub(crate) struct Query<T> {
    pub(super) client: Client,
    pub(super) operation: Operation,
    pub(super) fingerprint: u64,
    /// The number of the first page: 0, or 1 on some of the deprecated endpoints.
    pub(super) first_page: u32,
    scope: Scope,
    fetch: Arc<Fetch<T>>,
}

impl<T> Query<T> {
    /// Creates a query. The parameters distinguish it from other queries of the same operation. `fetch` gets the number of a
    /// page.
    pub(crate) fn new<F, Fut>(client: Client, operation: Operation, parameters: &[&str], fetch: F) -> Self
    where
        F: Fn(Client, PageCall, u32) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Page<T>, Error>> + Send + 'static,
    {
        let fingerprint = Fingerprint::new().and(operation.id()).and(client.organization());
        let fingerprint = parameters.iter().fold(fingerprint, |print, parameter| print.and(parameter)).number();
        let fetch = move |client, call: PageCall, page| -> Fetching<T> {
            match call.scope.options.check() {
                Ok(()) => Box::pin(fetch(client, call, page)),
                Err(error) => Box::pin(async move { Err(error) }),
            }
        };
        let scope = Scope::default();
        Self { client, operation, fingerprint, first_page: 0, scope, fetch: Arc::new(fetch) }
    }

    /// Counts the pages from 1.
    pub(crate) fn counted_from_one(mut self) -> Self {
        self.first_page = 1;
        self
    }

    pub(super) fn set_options(&mut self, options: CallOptions) {
        self.scope = Scope::of_each(options);
    }

    pub(super) fn set_scope(&mut self, scope: &Scope) {
        self.scope.clone_from(scope);
    }

    /// Fetches a page by its index, counted from 0. A fetch ahead of need fails if there is no permit for it now. `is_last`
    /// means that it is the last page as far as is known.
    pub(super) fn fetch(&self, index: u32, is_last: bool, is_ahead: bool, begun: Arc<Begun>) -> Fetching<T> {
        let pragma = match (index, is_last) {
            _ if !self.is_whole_organization() => None,
            (0, _) => Some(Pragma::SyncStart),
            // A job that does more than to read a list does not end with it.
            (_, true) if self.client.0.sync_hints == SyncHints::Lists => Some(Pragma::SyncEnd),
            _ => None,
        };
        let (operation, scope) = (self.operation, self.scope.clone());
        let call = PageCall { operation, pragma, is_first_page: index == 0, is_ahead, begun, scope };
        (self.fetch)(self.client.clone(), call, index.saturating_add(self.first_page))
    }

    /// Whether it is a list of all users or of all groups, which the service takes for the start of a long job.
    fn is_whole_organization(&self) -> bool {
        self.operation.throttles().iter().any(|throttle| throttle.counts == CountedCalls::FirstPage)
    }
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        let Self { client, operation, fingerprint, first_page, scope, fetch } = self;
        Self {
            client: client.clone(),
            operation: *operation,
            fingerprint: *fingerprint,
            first_page: *first_page,
            scope: scope.clone(),
            fetch: fetch.clone(),
        }
    }
}

/// Identifies a page by its length, its first and its last item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PageFingerprint(usize, u64, u64);

impl PageFingerprint {
    /// Returns `None` for an empty page, and for one whose items have no names.
    fn of<T: PageItem>(items: &[T]) -> Option<Self> {
        Some(Self(items.len(), items.first()?.key()?, items.last()?.key()?))
    }
}

impl<T: PageItem> Page<T> {
    /// Creates a page, for a [stub](crate::stub::Stub) to return. Its fields may be changed; the list that gets it counts the pages
    /// itself.
    ///
    /// ```
    /// use umapi::{Page, model::Group};
    ///
    /// let mut page = Page::new([Group::new("Design"), Group::new("Sales")], true);
    /// page.total = Some(2);
    /// ```
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = T>, is_last: bool) -> Self {
        Self::of(items.into_iter().collect(), is_last, ResponseHead::default())
    }

    /// What counts of the page of a stub: the client finds out the rest itself.
    fn of_stub(page: Self) -> Self {
        let mut head = ResponseHead { unreadable: page.unreadable, ..ResponseHead::default() };
        head.paging = Paging { total: page.total, pages: page.page_count, current: None, size: page.page_size };
        head.common.request_id = page.request_id;
        Self::of(page.items, page.is_last, head)
    }

    /// Creates a page whose body says whether it is the last one.
    pub(crate) fn of(items: Vec<T>, is_last: bool, head: ResponseHead) -> Self {
        let paging = head.paging;
        Self {
            fingerprint: PageFingerprint::of(&items),
            sent: items.len() as u64 + head.unreadable.len() as u64,
            says_its_end: true,
            skipped: 0,
            unreadable: head.unreadable,
            items,
            // Set by the list that fetches the page.
            index: 0,
            is_last,
            total: paging.total,
            page_count: paging.pages,
            page_size: paging.size,
            request_id: head.common.request_id,
            current: paging.current,
        }
    }
}

/// Creates a page from a bare array, whose end only the headers show. Without them the list ends with an empty page, or with
/// one that comes again.
pub(crate) fn array_page<T: PageItem>(response: Response<Vec<T>>, page: u32, first_page: u32) -> Page<T> {
    let index = page.saturating_sub(first_page);
    let is_last = match response.head.paging.pages {
        Some(pages) => index.saturating_add(1) >= pages,
        None => response.value.is_empty(),
    };
    Page { says_its_end: false, ..Page::of(response.value, is_last, response.head) }
}

#[cfg(test)]
mod tests {
    use umapi_model::LegacyUser;

    use super::*;

    #[test]
    fn the_last_array_is_known_by_its_headers_or_is_empty() {
        let is_last = |items: usize, pages, page, first_page| {
            let head = ResponseHead { paging: Paging { pages, ..Paging::default() }, ..ResponseHead::default() };
            let response =
                Response { value: vec![LegacyUser::default(); items], head, requests: 1, is_repetition: false };
            array_page(response, page, first_page).is_last
        };
        assert!(!is_last(1, Some(3), 1, 0) && is_last(1, Some(3), 2, 0));
        assert!(!is_last(1, Some(3), 2, 1) && is_last(1, Some(3), 3, 1));
        assert!(!is_last(1, None, 0, 0) && is_last(0, None, 0, 0));
        // A resume token may name any page.
        assert!(is_last(1, Some(3), u32::MAX, 0));
    }
}
