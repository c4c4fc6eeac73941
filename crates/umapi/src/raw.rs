//! The door to the layer below: the generated methods, and the HTTP library they stand on.
//!
//! Nothing of it is paced, retried or accounted for, but for [`Client::request`](crate::Client::request), which sends any
//! request as this crate sends its own. Types of `reqwest` show up in this module and in
//! [`ClientBuilder::http_client`](crate::ClientBuilder::http_client), and nowhere else.

mod request;

pub use request::{Request, Response};
pub use reqwest;
pub use umapi_raw::*;
