use http::{HeaderName, HeaderValue};

use crate::http::Answer;
use crate::store::Page;

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
const PAGE_COUNT: HeaderName = HeaderName::from_static("x-page-count");
const CURRENT_PAGE: HeaderName = HeaderName::from_static("x-current-page");
const PAGE_SIZE: HeaderName = HeaderName::from_static("x-page-size");

/// What the headers of a paged answer say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paging {
    total: u64,
    pages: u64,
    current: u64,
    size: u64,
}

impl Paging {
    /// A list that counts its pages from 0.
    pub(super) fn of<T>(page: &Page<T>) -> Self {
        Self { total: page.total, pages: page.pages, current: page.number, size: page.items.len() as u64 }
    }

    /// A list that counts its pages from 1.
    pub(super) fn counted_from_one(self) -> Self {
        Self { current: self.current + 1, ..self }
    }

    /// Writes the headers. `X-Page-Size` is the number of entries on this page, as recordings of the service show.
    pub(super) fn on(self, answer: Answer) -> Answer {
        [(TOTAL_COUNT, self.total), (PAGE_COUNT, self.pages), (CURRENT_PAGE, self.current), (PAGE_SIZE, self.size)]
            .into_iter()
            .fold(answer, |answer, (name, number)| answer.with_header(name, HeaderValue::from(number)))
    }
}
