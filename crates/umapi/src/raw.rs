//! The door to the layer below: the generated methods, and the HTTP library they stand on.
//!
//! Nothing here is paced, retried or accounted for. Types of `reqwest` show up in this module and in
//! [`ClientBuilder::http_client`](crate::ClientBuilder::http_client), and nowhere else.

pub use reqwest;
pub use umapi_raw::*;
