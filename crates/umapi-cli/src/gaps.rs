//! Warnings that a list is not a whole picture: it changed while it was read, or could not be read in part.

use umapi::Changes;

use crate::{
    cache::{CachedItem, ListReader},
    context::Context,
};

/// Warns if a list is not a whole picture, or cannot be kept for other commands.
pub(crate) fn warn_about_list<T: CachedItem>(context: &Context, list: &ListReader<T>) {
    warn_about_unreadable(context, list.unreadable());
    warn_about_moves(context, list.has_moved());
    if let Some(why) = list.trouble() {
        context.warn(&format!("the list is not kept for other commands: {why}"));
    }
}

/// Warns if a list changed while it was read, because its pages then overlap or leave something out.
pub(crate) fn warn_about_changes(context: &Context, changes: Changes) {
    warn_about_unreadable(context, changes.unreadable_items);
    warn_about_moves(context, changes.has_moved());
}

/// Warns if lists may lack entries, because they changed while they were read.
pub(crate) fn warn_about_moves(context: &Context, has_moved: bool) {
    if has_moved {
        context.warn("the list changed while it was read, so entries may be missing; run the command again to be sure");
    }
}

/// Warns if entries of lists could not be read.
pub(crate) fn warn_about_unreadable(context: &Context, count: u64) {
    if count > 0 {
        context.warn(&format!("{count} entries of the list cannot be read and are left out; use -v to see which"));
    }
}
