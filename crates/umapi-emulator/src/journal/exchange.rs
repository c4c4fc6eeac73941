use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::redaction;
use crate::faults::Fault;
use crate::http::{Answer, Request};

/// A request and what became of it. Secrets are cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// Its place among all that were recorded, counted from 1.
    pub seq: u64,
    /// When it came, by the emulator's clock.
    pub at: SystemTime,
    /// How long it took, by the emulator's clock.
    pub took: Duration,
    /// Its `X-Request-Id`, or the one that was made up for it.
    pub request_id: String,
    /// The `operationId` that it asked for, if there is one.
    pub operation: Option<&'static str>,
    /// The organization of its path.
    pub organization: Option<String>,
    /// The client that it named.
    pub client: Option<String>,
    /// The method.
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// The query.
    pub query: Option<String>,
    /// The headers, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
    /// The status of the answer; none if the connection was reset before it.
    pub status: Option<u16>,
    /// The body of an answer that is an error.
    pub answer: Option<String>,
    /// The numbers of the fault rules that hit it.
    pub faults: Vec<u64>,
    /// Where in the ledger its effects lie: after the first number, up to the second. Those of other requests that were
    /// under way may lie there too, under ids of their own.
    pub effects: Option<(i64, i64)>,
}

impl Exchange {
    /// A request that came at a time, and is not answered yet.
    pub(crate) fn of(request: &Request, at: SystemTime) -> Self {
        Self {
            seq: 0,
            at,
            took: Duration::ZERO,
            request_id: request.id.clone(),
            operation: None,
            organization: None,
            client: redaction::client(request),
            method: request.method.as_str().to_owned(),
            path: request.path.clone(),
            query: request.query.as_deref().map(redaction::query),
            headers: redaction::headers(&request.headers),
            body: redaction::body(request),
            status: None,
            answer: None,
            faults: Vec::new(),
            effects: None,
        }
    }

    /// Asking for an operation.
    pub(crate) fn operation(mut self, id: &'static str) -> Self {
        self.operation = Some(id);
        self
    }

    /// Of an organization.
    pub(crate) fn organization(mut self, org_id: impl Into<String>) -> Self {
        self.organization = Some(org_id.into());
        self
    }

    /// Hit by fault rules.
    pub(crate) fn fault(mut self, fault: &Fault) -> Self {
        self.faults.clone_from(&fault.rules);
        self
    }

    /// Answered after some time. Without this, the connection was reset.
    pub(crate) fn answered(mut self, answer: &Answer, took: Duration) -> Self {
        let status = answer.status.as_u16();
        self.took = took;
        self.status = Some(status);
        if redaction::is_shown(&answer.headers, status) {
            self.answer = Some(String::from_utf8_lossy(&answer.body).into_owned());
        }
        self
    }

    /// With effects in the ledger, after an entry and up to another one.
    pub(crate) fn effects(mut self, after: i64, up_to: i64) -> Self {
        self.effects = (up_to > after).then_some((after, up_to));
        self
    }

    /// About how much memory it takes.
    pub(super) fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        512 + headers + self.path.len() + text(&self.query) + text(&self.body) + text(&self.answer)
    }
}
