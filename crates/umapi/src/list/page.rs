//! One page of a list.

/// One page of a list, with what its headers say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items. There may be none before the end of the list.
    pub items: Vec<T>,
    /// Which page it is, counted from 0.
    pub index: u32,
    /// Whether it is the last one.
    pub is_last: bool,
    /// How many items there are in all (`X-Total-Count`). It may exceed what is returned, since technical accounts are
    /// counted and left out.
    pub total: Option<u64>,
    /// How many pages there are (`X-Page-Count`).
    pub page_count: Option<u32>,
    /// How many items a page holds (`X-Page-Size`), which is the server's to choose.
    pub page_size: Option<u32>,
    /// The request that brought it.
    pub request_id: Option<String>,
    /// Which page the server says it is, in its own count.
    pub(crate) current: Option<u32>,
}
