/// Which page of a list is asked for. Pages count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The page, counted from 0.
    pub page: u64,
    /// Entries in a full page; 0 is taken as 1.
    pub size: u64,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The page that this is, counted from 0: for users the last one if a later one was asked for.
    pub number: u64,
    /// How many pages there are; an empty list has one, empty page.
    pub pages: u64,
    /// How many entries there are in all, those included that are counted and not listed.
    pub total: u64,
    /// Whether a page behind the last one was asked for.
    pub past_end: bool,
}

impl<T> Page<T> {
    /// Whether no page follows.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.number + 1 >= self.pages
    }
}

/// SQLite's numbers are signed; no list is longer than they reach.
pub(super) fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Where a page lies in a list of `listed` entries; a page behind the end becomes the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) pages: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) past_end: bool,
}

impl Place {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_past_the_end_is_the_last_one() {
        let place = Place::find(PageRequest { page: 9, size: 10 }, 25);
        assert_eq!((place.number, place.pages, place.offset, place.past_end), (2, 3, 20, true));
    }

    #[test]
    fn an_empty_list_has_one_page() {
        let place = Place::find(PageRequest { page: 0, size: 10 }, 0);
        assert_eq!((place.pages, place.past_end), (1, false));
        assert!(place.page(Vec::<u8>::new(), 0).is_last());
    }
}
