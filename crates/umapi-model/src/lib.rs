//! The data of Adobe's User Management API and of its login.
//!
//! ```
//! use umapi_model::{Command, NewFederatedId, CreateOption, UserCommand, UserMemberships, UserStep};
//!
//! let create = NewFederatedId::new("jdoe@example.com", "John", "Doe", "US")
//!     .with_option(CreateOption::IgnoreIfAlreadyExists);
//! let add = UserMemberships::default().with_group(["Photoshop", "Design"]);
//! let command = Command::from(UserCommand::new(
//!     "jdoe@example.com",
//!     [UserStep::CreateFederatedId(create), UserStep::Add(add)],
//! ));
//! let json = serde_json::to_value([command]).unwrap();
//! assert_eq!(json[0]["do"][1]["add"]["group"][0], "Photoshop");
//! ```
//!
//! The crate is generated from the descriptions in `spec/`, which it also contains ([`description`]):
//!
//! * Requests and responses are structs and enums. A struct has a `new` with the required fields (in the order of the
//!   description) and a `with_…` method for every other field.
//! * Enums of the service are open: `Other` keeps values that the description does not list. `extra` keeps unlisted fields.
//! * [`ErrorCode`] and [`ims::LoginErrorCode`] are the catalog of codes, with the meaning and the remedy of each.
//! * [`Operation`] and [`limits`] say what may be sent, and how often. `check_bounds` of a request checks the lengths and
//!   patterns of its fields; `Command::check` of `umapi-plan` checks every rule that is known.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[allow(clippy::all)]
mod generated;

mod bounds;
mod code_entry;
mod integer_or_string;
mod lenient;
mod open_enum;
mod operation;
mod secret;
mod step;

pub use bounds::{Bound, OutOfBounds};
pub use code_entry::{CodeEntry, RemedyInText};
pub use generated::*;
pub use integer_or_string::IntegerOrString;
pub use operation::{AnyOperation, CountedCalls, Evidence, Throttle, ThrottleBlock, UnknownName};
pub use secret::Secret;
pub use step::{NameKind, StepPosition};

/// The examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
