//! The generated methods of the layer below, and the HTTP library that they use.
//!
//! Nothing here has rate limits, retries or outcomes, except [`Client::request`](crate::Client::request), which sends any
//! request like this crate sends its own. Types of `reqwest` appear only in this module and in
//! [`HttpClient::from_reqwest`](crate::HttpClient::from_reqwest).

mod request;

pub use request::{Request, Response};
pub use reqwest;
pub use umapi_raw::*;
