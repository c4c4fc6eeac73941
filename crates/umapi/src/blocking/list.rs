//! Lists, as iterators.

use std::iter::FusedIterator;

use super::{runtime::Runtime, wrapper::Wrap};
use crate::{CallOptions, Changes, Error, Page, PageItem, Pager, ResumeToken};

/// A list, item by item.
///
/// ```no_run
/// # fn run(client: umapi::blocking::Client) -> Result<(), umapi::Error> {
/// let mut users = client.users().domain("example.com").list();
/// for user in users.by_ref() {
///     println!("{:?}", user?.email);
/// }
/// if users.changes().any() {
///     println!("the list changed while it was read: {:?}", users.changes());
/// }
/// // All at once.
/// let members: Vec<_> = client.users().in_group("Design").list().collect::<Result<_, _>>()?;
/// # Ok(())
/// # }
/// ```
///
/// The iterator ends after an error. [`try_next`](Self::try_next) continues: it tries the same page again. The next pages are
/// fetched ahead on the background thread, as [`Pager`] says.
#[derive(Debug)]
#[must_use = "nothing is read before the first item is taken"]
pub struct List<T> {
    pager: Pager<T>,
    runtime: Runtime,
    has_failed: bool,
}

impl<T: PageItem> List<T> {
    /// Sets the options of its calls; see [`Pager::with_options`].
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.pager = self.pager.with_options(options);
        self
    }

    /// Returns the next item, or `None` at the end of the list.
    ///
    /// # Errors
    ///
    /// If a page cannot be read. The next call tries the same page again.
    pub fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.runtime.wait(self.pager.try_next())?
    }

    /// Continues page by page; see [`Pager::by_page`].
    pub fn by_page(self) -> Pages<T> {
        Pages { pages: self.pager.by_page(), runtime: self.runtime, has_failed: self.has_failed }
    }

    /// Drops repeated items; see [`Pager::dedup`].
    pub fn dedup(mut self) -> Self {
        self.pager = self.pager.dedup();
        self
    }

    /// Continues the same list at the position of a token; see [`Pager::resume`].
    ///
    /// # Errors
    ///
    /// If the token belongs to another list.
    pub fn resume(mut self, token: &ResumeToken) -> Result<Self, Error> {
        self.pager = self.pager.resume(token)?;
        Ok(self)
    }

    /// Returns the current position: after the last item that was returned.
    #[must_use]
    pub fn resume_token(&self) -> ResumeToken {
        self.pager.resume_token()
    }

    /// The number of items according to the service; see [`Pager::total`].
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.pager.total()
    }

    /// The signs that the list changed while it was read.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.pager.changes()
    }
}

impl<T: PageItem> Iterator for List<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.try_next();
        self.has_failed = next.is_err();
        next.transpose()
    }
}

impl<T: PageItem> FusedIterator for List<T> {}

impl<T> Wrap for Pager<T> {
    type Wrapper = List<T>;

    fn wrap(self, runtime: &Runtime) -> List<T> {
        List { pager: self, runtime: runtime.clone(), has_failed: false }
    }
}

/// A list, page by page; created by [`List::by_page`].
///
/// ```no_run
/// # fn run(client: umapi::blocking::Client) -> Result<(), umapi::Error> {
/// for page in client.users().list().by_page() {
///     let page = page?;
///     println!("page {} of {:?}: {} users", page.index, page.page_count, page.items.len());
/// }
/// # Ok(())
/// # }
/// ```
///
/// The iterator ends after an error. [`try_next`](Self::try_next) continues.
#[derive(Debug)]
#[must_use = "nothing is read before the first page is taken"]
pub struct Pages<T> {
    pages: crate::Pages<T>,
    runtime: Runtime,
    has_failed: bool,
}

impl<T: PageItem> Pages<T> {
    /// Returns the next page, or `None` at the end of the list.
    ///
    /// # Errors
    ///
    /// If the page cannot be read. The next call tries the same page again.
    pub fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.runtime.wait(self.pages.try_next())?
    }

    /// The number of items according to the service; see [`Pager::total`].
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.pages.total()
    }

    /// The signs that the list changed while it was read.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.pages.changes()
    }
}

impl<T: PageItem> Iterator for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.try_next();
        self.has_failed = next.is_err();
        next.transpose()
    }
}

impl<T: PageItem> FusedIterator for Pages<T> {}
