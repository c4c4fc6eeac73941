#![doc = include_str!("../README.md")]

mod options;
mod panics;
mod redact;
mod response;
mod retry;
mod secret;
mod secret_text;
mod server_url;
mod task;

pub use options::{HttpClient, HttpOptions, InvalidSetting, Proxy};
pub use panics::{catch_panic, describe_panic, log_panic};
pub use redact::redact;
pub use response::{
    MAX_RETRY_AFTER, ReadError, ResponseHead, first_header, innermost, is_untrusted_certificate, parse_retry_after,
    read_body, root_cause,
};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use server_url::{Server, ServerUrl};
pub use task::{AbortOnDrop, TaskEnded, in_own_task};
