//! One attempt: a request goes out with a token, and what becomes of it is told apart.

mod answer;
mod attempt;
mod head;
mod hook;
mod http;
mod refusal;
mod retry_after;

pub(crate) use answer::Answer;
pub(crate) use attempt::{Failure, attempt};
pub(crate) use head::Head;
#[cfg(test)]
pub(crate) use head::Paging;
pub(crate) use hook::{Outgoing, Pragma};
pub(crate) use http::HttpSettings;

/// The generated methods of the service.
pub(crate) type RawClient = umapi_raw::Client<umapi_raw::UserManagement>;

/// What the generated methods give back.
pub(crate) type RawResult<T> = Result<umapi_raw::ResponseValue<T>, umapi_raw::Error<()>>;
