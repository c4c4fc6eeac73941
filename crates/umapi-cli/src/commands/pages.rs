//! Lists of the service, written to stdout page by page.

use umapi::{PageItem, Pager};

use crate::{
    cache::{CachedItem, ListReader},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::{warn_about_changes, warn_about_list},
    output::Record,
};

/// Writes a list as its pages arrive: the records that `pick` makes of its items.
pub(super) async fn write_pages<T: PageItem, R: Record>(
    context: &Context,
    connection: &Connection,
    mut pager: Pager<T>,
    what_failed: &str,
    mut pick: impl FnMut(T) -> Option<R>,
) -> Result<Exit> {
    let mut listing = context.listing_beside(&connection.progress);
    loop {
        match pager.try_next().await {
            Ok(Some(item)) => {
                if let Some(record) = pick(item) {
                    listing.push(&record)?;
                }
            }
            Ok(None) => break,
            Err(error) => {
                // The items read so far are part of the output. The failure is more important than a failed write.
                let _ = listing.finish();
                return Err(Failure::of_service(what_failed, &error));
            }
        }
    }
    listing.finish()?;
    connection.progress.finish();
    warn_about_changes(context, pager.changes());
    Ok(Exit::Success)
}

/// Writes a list of all users or all groups as its pages arrive: the records that `pick` makes of its items, up to a limit.
pub(super) async fn write_list<T: CachedItem, R: Record>(
    context: &Context,
    connection: &Connection,
    mut list: ListReader<T>,
    limit: Option<u64>,
    mut pick: impl FnMut(T) -> Option<R>,
) -> Result<Exit> {
    let mut listing = context.listing_beside(&connection.progress);
    let mut written = 0;
    while limit.is_none_or(|limit| written < limit) {
        let next = match list.try_next().await {
            Ok(Some(item)) => item,
            Ok(None) => break,
            Err(failure) => {
                // The items read so far are part of the output. The failure is more important than a failed write.
                let _ = listing.finish();
                return Err(failure);
            }
        };
        if let Some(record) = pick(next) {
            listing.push(&record)?;
            written += 1;
        }
    }
    listing.finish()?;
    connection.progress.finish();
    warn_about_list(context, &list);
    Ok(Exit::Success)
}
