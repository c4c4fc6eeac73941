#![doc = include_str!("../README.md")]

mod options;
mod redact;
mod response;
mod retry;
mod secret;
mod server_url;

pub use options::{HttpClient, HttpOptions, InvalidSetting, Proxy};
pub use redact::redact;
pub use response::{MAX_RETRY_AFTER, ReadError, ResponseHead, first_header, parse_retry_after, read_body, root_cause};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use server_url::{Server, ServerUrl};
