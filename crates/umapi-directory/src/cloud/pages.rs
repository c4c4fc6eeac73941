//! Lists of a service in the cloud, page by page, up to their proven end.

use std::collections::HashSet;

use url::Url;

use super::{CloudClient, CloudResponse, Failure};

/// The largest number of pages of a list. A list that is longer does not end.
const MAX_PAGES: usize = 200_000;

/// The largest number of empty pages in a row. Services filter pages; one that sends nothing else does not end.
const MAX_EMPTY_PAGES: usize = 1000;

/// What follows a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another page, at this address.
    Page(String),
    /// Nothing: the service says that this was the last page.
    End,
}

impl CloudClient {
    /// Reads all pages of a list, from the address `first` on. `take` keeps what is in a page, and returns the number of its
    /// items and what follows it.
    ///
    /// # Errors
    /// Whatever keeps a page from being read: then the list is not whole.
    pub(crate) async fn each_page(
        &self,
        first: &str,
        take: &mut (dyn FnMut(CloudResponse) -> Result<(usize, Next), Failure> + Send),
    ) -> Result<(), Failure> {
        let mut url = self.same_server(first)?;
        let mut seen = HashSet::new();
        let mut empty_pages = 0;
        loop {
            if !seen.insert(url.as_str().to_owned()) {
                return Err(Failure::unreadable(format!("{} links to the same page again and again", self.name())));
            }
            if seen.len() > MAX_PAGES || empty_pages > MAX_EMPTY_PAGES {
                return Err(Failure::unreadable(format!("{} sends pages without end", self.name())));
            }
            let (items, next) = take(self.get(&url).await?)?;
            empty_pages = if items == 0 { empty_pages + 1 } else { 0 };
            match next {
                Next::End => return Ok(()),
                Next::Page(link) => url = self.same_server(&link)?,
            }
        }
    }

    /// The address of a page. The token is only sent to the server that it is for.
    ///
    /// # Errors
    /// An address that leads elsewhere.
    pub(crate) fn same_server(&self, link: &str) -> Result<Url, Failure> {
        let name = self.name();
        let url = Url::parse(link)
            .map_err(|_| Failure::unreadable(format!("{name} links to a next page that is not an address")))?;
        if url.origin() != self.origin() || !url.username().is_empty() || url.password().is_some() {
            let host = url.host_str().unwrap_or_default();
            return Err(Failure::unreadable(format!("{name} links to another server, which was not asked ({host})")));
        }
        Ok(url)
    }
}
