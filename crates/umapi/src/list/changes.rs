//! What gives away that a list changed while it was read.

/// What gives away that a list changed while it was read: users joined or left, and the pages moved under the reader.
/// What was read is then no picture of any one moment: some items may be missing, others may have come twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// The total that the service names was another one on a later page.
    pub total_moved: bool,
    /// Items that had come before. [`Pager::dedup`](crate::Pager::dedup) drops them.
    pub repeated_items: u64,
    /// In place of a page, an earlier one came again: the list has become shorter. It was not handed out twice.
    pub page_came_again: bool,
    /// The item that a resume token stands behind was no longer where it had been.
    pub resumed_elsewhere: bool,
}

impl Changes {
    /// Whether there is anything that gives it away.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}
