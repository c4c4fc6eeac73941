use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Outcome {
    /// An answer that the rule gives.
    Answer {
        status: u16,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// A string is sent as it is, everything else as JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        #[serde(default)]
        applied: bool,
    },
    /// A page from a gateway.
    Html {
        status: u16,
        #[serde(default)]
        applied: bool,
    },
    /// The token of the request is over.
    ExpiredToken,
    /// The connection is reset, before the request is applied or after it.
    Reset { applied: bool },
    /// The connection is closed in the middle of the answer's body.
    CutOff { bytes: usize },
    /// The answer's body is no JSON.
    InvalidJson,
    /// A step of an action request fails.
    Step {
        #[serde(default = "every_step")]
        step: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        code: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

fn every_step() -> String {
    "*".to_owned()
}

/// How slowly an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Drip {
    /// Bytes at a time.
    pub(crate) bytes: usize,
    every_milliseconds: u64,
}

impl Drip {
    pub(super) fn new(bytes: usize, every: Duration) -> Self {
        Self { bytes, every_milliseconds: every.as_millis().try_into().unwrap_or(u64::MAX) }
    }

    /// The pause after each of them.
    pub(crate) fn every(self) -> Duration {
        Duration::from_millis(self.every_milliseconds)
    }
}
