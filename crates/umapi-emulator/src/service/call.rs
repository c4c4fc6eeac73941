use crate::contract::{PathParameters, parse_boolean};
use crate::engine::legacy;
use crate::http::Request;
use crate::store::{Organization, PageRequest};
use crate::world::World;

/// A request that was let in: what the endpoints work on.
///
/// Parameters are read leniently: in strict mode they were held against the description before, and else what cannot be
/// understood counts as not given.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    pub(super) org: &'a Organization,
    pub(super) path: &'a PathParameters,
    pub(super) request: &'a Request,
}

impl<'a> Call<'a> {
    /// A parameter of the path.
    pub(super) fn path(&self, name: &str) -> &'a str {
        self.path.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.request.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// A parameter of the query that is true or false.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.query(name).and_then(|text| parse_boolean(&text)).unwrap_or(default)
    }

    /// The page that the path asks for.
    pub(super) fn path_page(&self, size: u64) -> PageRequest {
        PageRequest { page: self.path("page").parse().unwrap_or(0), size }
    }

    /// The page that the query asks for, counted from 0.
    pub(super) fn query_page(&self, size: u64) -> PageRequest {
        PageRequest { page: self.query("page").and_then(|text| text.parse().ok()).unwrap_or(0), size }
    }

    /// What the writes of the deprecated endpoints need to know.
    pub(super) fn legacy(&self) -> legacy::Call<'a> {
        legacy::Call {
            org_id: &self.org.org_id,
            request_id: &self.request.id,
            at: self.world.clock.millis(),
            limits: self.world.settings.action_limits,
        }
    }
}
