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
//! Everything here is generated from the description in `spec/`, which is also inside ([`description`]):
//!
//! * requests and responses, as structs and enums. A struct has a `new` that takes what is required (in the order of the
//!   description) and a `with_…` for the rest;
//! * enums of the service, which are open: a value that the description does not list is kept in `Other`, and so are
//!   fields that it does not list, in `extra`;
//! * the catalogue of codes ([`ErrorCode`], [`ims::LoginErrorCode`]), with what each means and what to do about it;
//! * [`Operation`] and [`limits`]: what may be sent, and how often.

#[allow(clippy::all)]
mod generated;

mod code_entry;
mod integer_or_string;
mod open_enum;
mod operation;
mod secret;

pub use code_entry::CodeEntry;
pub use generated::*;
pub use integer_or_string::IntegerOrString;
pub use operation::{AnyOperation, Throttle, UnknownName};
pub use secret::Secret;

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
