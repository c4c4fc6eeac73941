//! What a list is a list of, and how a page of it is fetched.

use std::{future::Future, pin::Pin, sync::Arc};

use umapi_model::Operation;

use super::{Page, item::Fingerprint};
use crate::{
    call::ApiCall,
    call::{Response, ResponseHead},
    client::Client,
    error::Error,
};

/// A fetch on its way.
pub(crate) type Fetching<T> = Pin<Box<dyn Future<Output = Result<Page<T>, Error>> + Send>>;

type Fetch<T> = dyn Fn(Client, ApiCall<'static>, u32) -> Fetching<T> + Send + Sync;

/// What a list is a list of. Cheap to clone.
pub(crate) struct Query<T> {
    pub(super) client: Client,
    pub(super) operation: Operation,
    pub(super) fingerprint: u64,
    /// The number of the first page: 0, or 1 on some of the deprecated endpoints.
    pub(super) first_page: u32,
    fetch: Arc<Fetch<T>>,
}

impl<T> Query<T> {
    /// A query of an operation with parameters, which tell it from other queries of the same operation. `fetch` gets the
    /// number of a page.
    pub(crate) fn new<F, Fut>(client: Client, operation: Operation, parameters: &[&str], fetch: F) -> Self
    where
        F: Fn(Client, ApiCall<'static>, u32) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Page<T>, Error>> + Send + 'static,
    {
        let print = Fingerprint::new().and(operation.id()).and(client.organization());
        let fingerprint = parameters.iter().fold(print, |print, parameter| print.and(parameter)).number();
        let fetch = move |client, call, page| -> Fetching<T> { Box::pin(fetch(client, call, page)) };
        Self { client, operation, fingerprint, first_page: 0, fetch: Arc::new(fetch) }
    }

    /// The same with pages that the server counts from 1.
    pub(crate) fn counted_from_one(mut self) -> Self {
        self.first_page = 1;
        self
    }

    /// Fetches a page, counted from 0 here. A fetch ahead of need goes without, where there is no turn for it now.
    pub(super) fn fetch(&self, index: u32, is_ahead: bool) -> Fetching<T> {
        let call = ApiCall { is_ahead, ..ApiCall::question(self.operation) };
        (self.fetch)(self.client.clone(), call, index.saturating_add(self.first_page))
    }
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        let Self { client, operation, fingerprint, first_page, fetch } = self;
        Self {
            client: client.clone(),
            operation: *operation,
            fingerprint: *fingerprint,
            first_page: *first_page,
            fetch: fetch.clone(),
        }
    }
}

impl<T> Page<T> {
    /// A page whose body says whether it is the last one.
    pub(crate) fn of(items: Vec<T>, is_last: bool, head: ResponseHead) -> Self {
        let paging = head.paging;
        Self {
            items,
            // Set by whoever asked for it.
            index: 0,
            is_last,
            total: paging.total,
            page_count: paging.pages,
            page_size: paging.size,
            request_id: head.request_id,
            current: paging.current,
        }
    }
}

/// A page that is a bare array: the headers alone say where the list ends. Without them it ends with an empty page, or
/// with one that comes again.
pub(crate) fn array_page<T>(answer: Response<Vec<T>>, page: u32, first_page: u32) -> Page<T> {
    let index = page.saturating_sub(first_page);
    let is_last = match answer.head.paging.pages {
        Some(pages) => index.saturating_add(1) >= pages,
        None => answer.value.is_empty(),
    };
    Page::of(answer.value, is_last, answer.head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Paging;

    #[test]
    fn an_array_is_the_last_page_by_its_headers_or_by_being_empty() {
        let is_last = |items: &[u8], pages, page, first_page| {
            let head = ResponseHead { paging: Paging { pages, ..Paging::default() }, ..ResponseHead::default() };
            let answer = Response { value: items.to_vec(), head, requests: 1, is_repetition: false };
            array_page(answer, page, first_page).is_last
        };
        assert!(!is_last(&[1], Some(3), 1, 0) && is_last(&[1], Some(3), 2, 0));
        assert!(!is_last(&[1], Some(3), 2, 1) && is_last(&[1], Some(3), 3, 1));
        assert!(!is_last(&[1], None, 0, 0) && is_last(&[], None, 0, 0));
        // A resume token may name any page.
        assert!(is_last(&[1], Some(3), u32::MAX, 0));
    }
}
