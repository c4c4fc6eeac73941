#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error_texts;
mod network_error;
mod one_line;
mod options;
mod panics;
mod proxy;
mod redact;
mod response;
mod retry;
mod secret;
mod secret_text;
mod server_url;
mod tap;
mod task;
mod telemetry;
mod tls;

pub use error_texts::error_texts;
pub use network_error::{NetworkError, describe_connection_error, is_untrusted_certificate};
pub use one_line::one_line;
pub use options::{HttpClient, HttpOptions, InvalidSetting};
pub use panics::{catch_panic, describe_panic, log_panic};
pub use proxy::Proxy;
pub use redact::{redact, redact_headers, redact_success};
pub use response::{
    MAX_RETRY_AFTER, ReadError, ResponseHead, first_header, innermost, parse_retry_after, read_body, root_cause,
};
pub use retry::{AttemptFailure, FailedAttempt, MAX_ATTEMPTS, RetryPolicy, StandardRetry, ask_throttled_wait};
pub use secret::Secret;
pub use server_url::{Server, ServerUrl};
pub use tap::{Tap, TapOutcome, TappedExchange, TappedRequest};
pub use task::{AbortOnDrop, TaskEnded, in_own_task};
pub use telemetry::{RequestSpan, identifier, milliseconds};
