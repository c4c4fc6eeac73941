//! A request of any operation, sent like this crate sends its own.

use umapi_model::Operation;

use crate::{
    call::{ApiCall, Call, Effect, RawClient, RawResult},
    client::Client,
    error::Error,
};

impl Client {
    /// Creates a request of any operation of the service, by method and path. It is sent with a login, rate limits and
    /// retries. Use it for operations without a method in this crate.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// let response = client.request("GET", "/groups/{orgId}/0").send().await?;
    /// println!("{} {}", response.status, String::from_utf8_lossy(&response.body));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `{orgId}` in the path is replaced with the organization of the client. The rest is sent as it is, so it must be
    /// percent-encoded. A change is only sent again if it was certainly not applied.
    pub fn request(&self, method: impl Into<String>, path: impl Into<String>) -> Request {
        let (method, path) = (method.into(), path.into());
        Request { client: self.clone(), method, path, query: Vec::new(), body: None }
    }
}

/// A request of any operation; created by [`Client::request`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    client: Client,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// The success response to any request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status, 200 to 299.
    pub status: u16,
    /// The headers in their order. Values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How many requests were sent for it.
    pub requests: u32,
}

impl Response {
    /// Creates a response, for a [stub](crate::stub::Stub) to return. It may have any status.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), requests: 1 }
    }

    /// Adds a header.
    ///
    /// ```
    /// use umapi::{Client, Error, raw, stub::{AnyRequest, Stub}};
    ///
    /// /// A list of user groups of which this is the only page.
    /// struct NoGroups;
    ///
    /// impl Stub for NoGroups {
    ///     async fn request(&self, _: AnyRequest) -> Result<raw::Response, Error> {
    ///         Ok(raw::Response::new(200, "[]").with_header("X-Page-Count", "1"))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let client = Client::from_stub(NoGroups);
    /// assert!(client.legacy().user_groups().list().try_next().await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Request {
    /// Adds a query parameter.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// let request = client.request("GET", "/users/{orgId}/0").query("domain", "example.com");
    /// println!("{}", request.send().await?.status);
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets the JSON body.
    pub fn body(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.body = Some(json.into());
        self
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// If the description has no such method and path, and for every response but a success; see [`Error`].
    pub fn send(self) -> Call<Response> {
        let client = self.client.clone();
        Call::new(&client, move |client, scope| async move {
            let path = self.path.replace("{orgId}", client.organization());
            let operation = operation_of(&self.method, &path).ok_or_else(|| {
                Error::invalid(format!(
                    "the service has no operation `{} {}`; use a path of its description, which begins with `/`",
                    self.method, self.path
                ))
            })?;
            let effect = if operation.method() == "GET" { Effect::Read } else { Effect::OneTimeChange };
            let (path, query, body) = (path.as_str(), self.query.as_slice(), &self.body);
            let send = |raw: RawClient| async move { whole(raw.send(operation, path, query, body.clone()).await) };
            let is_first_page = operation.path().ends_with("/{page}") && path.trim_end_matches('/').ends_with("/0");
            let call = ApiCall { is_first_page, ..scope.change(operation, effect) };
            let response = client.0.call_raw(call, send).await?;
            Ok(Response { requests: response.requests, ..response.value })
        })
    }
}

/// Moves the headers into the value.
#[expect(clippy::result_large_err, reason = "the error type of the generated methods")]
fn whole(result: RawResult<Vec<u8>>) -> RawResult<Response> {
    let response = result?;
    let (status, headers) = (response.status(), response.headers().clone());
    let shown = headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let value =
        Response { status: status.as_u16(), headers: shown.collect(), body: response.into_inner(), requests: 0 };
    Ok(umapi_raw::ResponseValue::new(value, status, headers))
}

/// The operation with this method and path. If two templates match, the one with fewer parameters wins.
fn operation_of(method: &str, path: &str) -> Option<Operation> {
    let fits = |operation: &Operation| {
        operation.method().eq_ignore_ascii_case(method) && fits_template(operation.path(), path)
    };
    Operation::ALL.into_iter().filter(fits).min_by_key(|operation| operation.path().matches('{').count())
}

fn fits_template(template: &str, path: &str) -> bool {
    let (mut expected, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return true,
            (Some("{orgId}"), Some(part)) if part.ends_with("@AdobeOrg") => {}
            (Some(parameter), Some(part))
                if parameter.starts_with('{') && parameter != "{orgId}" && !part.is_empty() => {}
            (Some(expected), Some(part)) if expected == part => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_identifies_its_operation() {
        let id = |method, path| operation_of(method, path).map(|operation| operation.id());
        assert_eq!(id("get", "/users/1F@AdobeOrg/0"), Some("listUsers"));
        assert_eq!(id("GET", "/1F@AdobeOrg/users/ann@example.com"), Some("getLegacyUser"));
        assert_eq!(id("POST", "/action/1F@AdobeOrg"), Some("executeActions"));
        assert_eq!(id("POST", "/1F@AdobeOrg/products/7/admin"), Some("updateProductAdmins"));
        assert_eq!(id("GET", "/1F@AdobeOrg/products/7/configurations/8/users"), Some("listConfigurationUsers"));
        for (method, path) in [("PATCH", "/users/1F@AdobeOrg/0"), ("GET", "users/1F@AdobeOrg/0"), ("GET", "/nowhere")] {
            assert_eq!(id(method, path), None, "{method} {path}");
        }
    }
}
