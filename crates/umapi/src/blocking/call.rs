//! Single calls.

use super::{runtime::Runtime, wrapper::Wrap};
use crate::{CallOptions, Error, raw};

/// A call, sent by [`wait`](Self::wait). [Options](CallOptions) may be set before.
///
/// ```no_run
/// # fn run(client: umapi::blocking::Client) -> Result<(), umapi::Error> {
/// use std::time::Duration;
///
/// use umapi::CallOptions;
///
/// let user = client.users().get("jdoe@example.com").wait()?;
///
/// let soon = CallOptions::new().deadline(Duration::from_secs(2));
/// let user = client.users().get("jdoe@example.com").with_options(soon).wait()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `wait`"]
pub struct Call<T, W = T> {
    call: crate::Call<T>,
    runtime: Runtime,
    /// Makes the result of this module of the one of the async client.
    finish: fn(T, &Runtime) -> W,
}

impl<T, W> Call<T, W> {
    /// Sets the options.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.call = self.call.with_options(options);
        self
    }

    /// Sends the call and waits for its result.
    ///
    /// # Errors
    ///
    /// See [`Error`]. Inside of an async runtime, it fails and sends nothing.
    pub fn wait(self) -> Result<W, Error> {
        let result = self.runtime.wait(self.call)??;
        Ok((self.finish)(result, &self.runtime))
    }
}

impl<T> Wrap for crate::Call<T> {
    type Wrapper = Call<T>;

    fn wrap(self, runtime: &Runtime) -> Call<T> {
        Call { call: self, runtime: runtime.clone(), finish: |result, _| result }
    }
}

/// A call whose result has a blocking type too.
pub(super) fn call_of<T: Wrap>(call: crate::Call<T>, runtime: &Runtime) -> Call<T, T::Wrapper> {
    Call { call, runtime: runtime.clone(), finish: T::wrap }
}

/// A request of any operation; created by [`Client::request`](super::Client::request).
///
/// ```no_run
/// # fn run(client: umapi::blocking::Client) -> Result<(), umapi::Error> {
/// let response = client.request("GET", "/groups/{orgId}/0").send().wait()?;
/// println!("{} {}", response.status, String::from_utf8_lossy(&response.body));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `wait`"]
pub struct Request {
    request: raw::Request,
    runtime: Runtime,
}

impl Request {
    /// Adds a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// Sets the JSON body.
    pub fn body(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.body(json);
        self
    }

    /// Makes it a call.
    ///
    /// # Errors
    ///
    /// See [`Request::send`](raw::Request::send).
    pub fn send(self) -> Call<raw::Response> {
        self.request.send().wrap(&self.runtime)
    }
}

impl Wrap for raw::Request {
    type Wrapper = Request;

    fn wrap(self, runtime: &Runtime) -> Request {
        Request { request: self, runtime: runtime.clone() }
    }
}
