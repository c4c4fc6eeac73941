//! One exchange as it was seen on the wire, with all its names. It lives in memory only.

use std::time::{Duration, SystemTime};

/// One request and what became of it, as it was seen on the wire. [`Recorder::record`](crate::Recorder::record) takes names and
/// secrets out of it.
///
/// A client of another kind hands on what it saw, also where no response came:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use umapi_recording::{Exchange, Outcome, Recorder};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "https://usermanagement.adobe.io/v2/usermanagement/action/1A@AdobeOrg";
/// let body = r#"[{"user":"ann@example.com","do":[{"add":{"group":["Design"]}}]}]"#;
/// let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
/// let lost = Exchange::new("POST", url)
///     .with_request(headers, body)
///     .with_time(SystemTime::now(), Duration::from_secs(30))
///     .with_outcome(Outcome::TimedOut);
/// let recorder = Recorder::to_writer(std::io::sink())?;
/// recorder.record(&lost);
/// assert_eq!(recorder.finish()?, 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Exchange {
    /// The method, in capitals.
    pub method: String,
    /// The URL, encoded.
    pub url: String,
    /// The headers of the request.
    pub request_headers: Vec<(String, String)>,
    /// The body of the request.
    pub request_body: Vec<u8>,
    /// When the request was sent.
    pub started: Option<SystemTime>,
    /// From sending the request to its end.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The response, as far as it arrived.
    pub response: Option<Response>,
}

/// A response, as far as it arrived.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it arrived.
    pub body: Vec<u8>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// A whole response arrived.
    #[default]
    Response,
    /// The connection broke in the body of the response.
    CutOff,
    /// The response was larger than what the client reads.
    TooLarge,
    /// The time of the attempt was over.
    TimedOut,
    /// There was no connection.
    NotConnected,
    /// The certificate of the server is not trusted.
    UntrustedCertificate,
    /// The connection broke before a response.
    Broken,
    /// The caller stopped waiting.
    Abandoned,
}

impl Exchange {
    /// A request to which there is no response yet.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), ..Self::default() }
    }

    /// Sets the headers and the body of the request.
    #[must_use]
    pub fn with_request(mut self, headers: Vec<(String, String)>, body: impl Into<Vec<u8>>) -> Self {
        self.request_headers = headers;
        self.request_body = body.into();
        self
    }

    /// Sets when the request was sent, and how long the exchange took.
    #[must_use]
    pub fn with_time(mut self, started: SystemTime, took: Duration) -> Self {
        self.started = Some(started);
        self.took = took;
        self
    }

    /// Sets how the exchange ended.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Sets the response, as far as it arrived.
    #[must_use]
    pub fn with_response(mut self, status: u16, headers: Vec<(String, String)>, body: impl Into<Vec<u8>>) -> Self {
        self.response = Some(Response { status, headers, body: body.into() });
        self
    }
}
