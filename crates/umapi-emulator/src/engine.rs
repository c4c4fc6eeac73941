//! The service's rules: what a request may ask for, what it does, and which code it gets if it may not.
//!
//! * [`apply`] runs an action request, `POST /action/{orgId}`: parse, validate, and run every step of every command in
//!   one transaction, each step in a savepoint of its own, so that a step that fails leaves nothing. When it returns
//!   `Ok`, all that the answer reports is committed.
//! * [`legacy`] holds the writes of the deprecated endpoints (`user-groups`, `products`, `configurations`).
//! * [`provision`] does what people do in the Admin Console and the service has no call for: directories, products,
//!   profiles, quotas, account states. Seeds and the management API stand on it.
//! * [`Rejection`] is the answer to whoever breaks a rule: the service's own code, and a message that names the field and
//!   the rule.
//!
//! ```
//! use umapi_emulator::engine::{self, ActionOptions, provision};
//! use umapi_emulator::store::Store;
//!
//! let store = Store::in_memory()?;
//! store.write(None, |tx| provision::organization(tx, "1234ABCD@AdobeOrg", "Example"))?;
//! let body = br#"[{"user":"ann@example.com","do":[{"addAdobeID":{"email":"ann@example.com"}}]}]"#;
//! let answer = engine::apply(&store, "1234ABCD@AdobeOrg", body, &ActionOptions::new("request-1", 0))?;
//! assert_eq!((answer.completed, answer.errors.len()), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod add_remove;
mod command;
mod create;
pub mod legacy;
mod lookup;
mod outcome;
pub mod provision;
mod removal;
mod request;
mod rules;
mod steps;
mod update;
mod user_group;

pub use command::{ActionFailure, ActionOptions, StepFaults, StepView, apply};
pub use outcome::{ActionError, ActionResponse, ActionResult, ActionWarning, EngineError, Rejection};
pub use request::RequestSizes;
