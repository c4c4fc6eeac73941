//! The faults of the soak test: every kind, each in a small share of all exchanges.

use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::{connection, requests::host_and_path};
use crate::{emulator::Emulator, load::Shot};

/// The share of all exchanges for each kind.
const SHARE: f64 = 0.004;

fn rules() -> Vec<Value> {
    let outcome = |outcome: Value| json!({ "outcome": outcome });
    vec![
        outcome(json!({ "type": "answer", "status": 503, "body": "" })),
        outcome(
            json!({ "type": "answer", "status": 429, "headers": { "Retry-After": "1" }, "body": { "error_code": "429050" } }),
        ),
        outcome(json!({ "type": "html", "status": 502, "applied": true })),
        outcome(json!({ "type": "reset", "applied": false })),
        outcome(json!({ "type": "reset", "applied": true })),
        outcome(json!({ "type": "cutOff", "bytes": 20 })),
        outcome(json!({ "type": "invalidJson" })),
        outcome(json!({ "type": "expiredToken" })),
        json!({ "operation": "executeActions", "outcome": { "type": "step", "code": "error.internal.add" } }),
        json!({ "delayMilliseconds": 2000 }),
        json!({ "drip": { "bytes": 65_536, "everyMilliseconds": 100 } }),
    ]
}

/// Sets all rules through the management API.
pub(super) async fn set(emulator: &Emulator) -> Result<()> {
    let (address, path) = host_and_path(&emulator.management_url)?;
    for (number, mut rule) in rules().into_iter().enumerate() {
        rule["when"] = json!({ "probability": SHARE, "seed": number });
        let shot = Shot {
            address: address.clone(),
            method: Method::POST,
            path: format!("{path}/faults"),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: serde_json::to_vec(&rule)?.into(),
        };
        let response = connection::once(&shot).await?;
        ensure!(response.starts_with(b"HTTP/1.1 2"), "{rule}: {}", String::from_utf8_lossy(&response));
    }
    Ok(())
}
