//! The settings that an emulator keeps from its start.

use crate::engine::RequestSizes;

/// The settings that an emulator keeps from its start.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether requests that do not match the description are rejected.
    pub(crate) strict: bool,
    /// Whether responses of the services are checked against the description.
    pub(crate) check_responses: bool,
    /// The number of entries on a page.
    pub(crate) pages: PageSizes,
    /// The largest action request.
    pub(crate) request_sizes: RequestSizes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strict: true,
            check_responses: true,
            pages: PageSizes::default(),
            request_sizes: RequestSizes::default(),
        }
    }
}

/// The number of entries on a page, by list. The service chooses it; clients must not assume it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageSizes {
    /// Users of an organization or a group: 2,000.
    pub users: u64,
    /// Users of the deprecated endpoints: 400.
    pub legacy_users: u64,
    /// Groups of every type: 2,000.
    pub groups: u64,
    /// User groups, products and profiles of the deprecated endpoints: 400.
    pub legacy_lists: u64,
}

impl Default for PageSizes {
    fn default() -> Self {
        Self { users: 2000, legacy_users: 400, groups: 2000, legacy_lists: 400 }
    }
}
