//! The service's rules: which requests are valid, what they change, and which error code an invalid one gets.
//!
//! * [`apply`] runs an action request, `POST /action/{orgId}`: it parses and validates the request, and runs every step
//!   of every command in one transaction, each step in its own savepoint, so that a failed step changes nothing. When
//!   it returns `Ok`, everything that the response reports is committed.
//! * [`legacy`] contains the writes of the deprecated endpoints (`user-groups`, `products`, `configurations`).
//! * [`provision`] does what the Admin Console does and the service has no endpoint for: directories, products,
//!   profiles, quotas, states of accounts. Seeds and the management API use it.
//! * [`Rejection`] is a broken rule: the service's error code, and a message that names the field and the rule.
//!
//! ```
//! use umapi_emulator::engine::{self, ActionOptions, provision};
//! use umapi_emulator::store::Store;
//!
//! let store = Store::in_memory()?;
//! store.write(None, |tx| provision::organization(tx, "1234ABCD@AdobeOrg", "Example"))?;
//! let body = br#"[{"user":"ann@example.com","do":[{"addAdobeID":{"email":"ann@example.com"}}]}]"#;
//! let options = ActionOptions::new("request-1", 0);
//! let response = engine::apply(&store, "1234ABCD@AdobeOrg", body, &options)?;
//! assert_eq!((response.completed, response.errors.len()), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod add_remove;
mod command;
mod create;
pub mod legacy;
mod lookup;
mod loose;
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
