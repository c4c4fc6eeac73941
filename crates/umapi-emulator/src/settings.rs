use std::time::Duration;

use crate::engine;

/// What an emulator was started with and keeps.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether a request that the description does not allow is refused.
    pub(crate) strict: bool,
    /// Whether answers are held against the description.
    pub(crate) check_answers: bool,
    /// How many entries a page has.
    pub(crate) pages: PageSizes,
    /// How much an action request may hold.
    pub(crate) action_limits: engine::RequestSizes,
    /// How long an access token lives.
    pub(crate) token_life: Duration,
    /// Hosts, besides the one a client calls, that count as this IMS in a JWT's `aud` and metascopes.
    pub(crate) ims_hosts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strict: true,
            check_answers: true,
            pages: PageSizes::default(),
            action_limits: engine::RequestSizes::default(),
            token_life: Duration::from_secs(24 * 60 * 60),
            ims_hosts: vec!["ims-na1.adobelogin.com".to_owned()],
        }
    }
}

/// How many entries a page has, by list. The service chooses, and clients never assume it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageSizes {
    /// Users, of an organization or a group: 2,000.
    pub users: u64,
    /// Users of the deprecated endpoints: 400.
    pub legacy_users: u64,
    /// Groups of every kind: 2,000.
    pub groups: u64,
    /// User groups, products and profiles of the deprecated endpoints: 400.
    pub legacy_lists: u64,
}

impl Default for PageSizes {
    fn default() -> Self {
        Self { users: 2000, legacy_users: 400, groups: 2000, legacy_lists: 400 }
    }
}
