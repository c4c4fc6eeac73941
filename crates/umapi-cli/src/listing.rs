//! Lists of the service, written as their pages come.

use umapi::{PageItem, Pager};

use crate::{
    connection::Connection,
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    output::Record,
    progress::{Bar, Watch},
};

/// A connection, and the line on stderr that says how far the work is.
pub(crate) struct Work {
    pub(crate) connection: Connection,
    pub(crate) bar: Bar,
}

impl Work {
    pub(crate) async fn begin(context: &Context, what: &str) -> Result<Self> {
        let bar = Bar::new(context, what);
        let watch = Watch::new(bar.clone(), context).counting_items();
        Ok(Self { connection: Connection::open(context, watch).await?, bar })
    }

    /// The same for work whose lists are only looked at on the way.
    pub(crate) async fn begin_change(context: &Context, what: &str) -> Result<Self> {
        let bar = Bar::new(context, what);
        let watch = Watch::new(bar.clone(), context);
        Ok(Self { connection: Connection::open(context, watch).await?, bar })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.bar.finish();
    }
}

/// Writes a list as its pages come: of each item what `pick` makes of it.
pub(crate) async fn write_pages<T: PageItem, R: Record>(
    context: &Context,
    work: &Work,
    mut pager: Pager<T>,
    limit: Option<u64>,
    what_failed: &str,
    mut pick: impl FnMut(T) -> Option<R>,
) -> Result<Exit> {
    let mut listing = context.listing_beside(&work.bar);
    let mut written = 0;
    while limit.is_none_or(|limit| written < limit) {
        let next = match pager.try_next().await {
            Ok(Some(item)) => item,
            Ok(None) => break,
            Err(error) => {
                // What came so far is not lost.
                listing.finish()?;
                return Err(Failure::of_service(what_failed, &error));
            }
        };
        if let Some(record) = pick(next) {
            listing.push(&record)?;
            written += 1;
        }
    }
    listing.finish()?;
    Ok(Exit::Done)
}
