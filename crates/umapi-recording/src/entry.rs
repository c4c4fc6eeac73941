//! The format of a recording: a header, and one entry of HAR 1.2 a line.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::{Outcome, facts::Facts, time::parse_rfc3339};

/// The version of the format. A reader refuses newer ones.
pub(crate) const VERSION: u32 = 1;

/// The first line of a recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    #[serde(rename = "_umapi")]
    pub(crate) umapi: HeaderFields,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeaderFields {
    /// The version of the format.
    pub(crate) recording: u32,
    /// The program that wrote it.
    #[serde(default)]
    pub(crate) creator: String,
    /// What processes need that write it together, beside their key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) joint: Option<Joint>,
}

/// What a recording says that several processes write. Without the key, it says nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Joint {
    /// A random number.
    pub(crate) salt: String,
    /// Whether a key is the right one.
    pub(crate) check: String,
    /// The hour in which it begins, encrypted.
    pub(crate) begins: String,
}

/// One request and what became of it, without names and secrets: an entry of HAR 1.2 with additions under `_umapi`.
///
/// What was sent and what came back:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("recording.jsonl");
/// # let recorder = umapi_recording::Recorder::create(&path)?;
/// # let url = "https://usermanagement.adobe.io/v2/usermanagement/users/1A@AdobeOrg/0?directOnly=true";
/// # let exchange = umapi_recording::Exchange::new("GET", url);
/// # let headers = vec![("Retry-After".to_owned(), "30".to_owned())];
/// # recorder.record(&exchange.with_response(429, headers, "{}"));
/// # recorder.finish()?;
/// use umapi_recording::{Additions, Content, Entry, HarRequest, HarResponse, Omitted, Recording};
///
/// /// What a request of the service was, and how long it asked to wait.
/// fn describe(entry: &Entry) -> String {
///     let HarRequest { method, url, .. } = &entry.request;
///     let HarResponse { status, content: Content { size, .. }, .. } = &entry.response;
///     let Additions { operation, omitted, .. } = &entry.umapi;
///     if *omitted == Some(Omitted::WebPage) {
///         return format!("{method} {url}: a web page of {size} bytes, e.g. of a proxy");
///     }
///     let wait = entry.response_headers("Retry-After").next();
///     format!("{operation:?}: {status}, wait {wait:?}")
/// }
///
/// let recording = Recording::open(&path)?;
/// for entry in recording.entries() {
///     let entry = entry?;
///     assert!(entry.has_response() && entry.started().is_some());
///     assert_eq!((entry.parameter("page"), entry.query("directOnly")), (Some("0"), Some("true")));
///     assert_eq!((entry.request_body(), entry.request_headers("Pragma").next()), (None, None));
///     println!("{}", describe(&entry));
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Entry {
    /// When the request was sent, in RFC 3339. A recording begins on 1 January 2000; minutes and seconds are the real ones.
    pub started_date_time: String,
    /// From sending the request to its end, in milliseconds.
    pub time: f64,
    /// The request.
    pub request: HarRequest,
    /// The response. Its status is 0 if there was none.
    pub response: HarResponse,
    /// Always empty; HAR requires it.
    #[serde(default)]
    pub cache: Empty,
    /// How long each part took, in milliseconds.
    #[serde(default)]
    pub timings: Timings,
    /// What HAR has no fields for.
    #[serde(rename = "_umapi", default)]
    pub umapi: Additions,
}

/// An object without fields.
///
/// ```
/// use umapi_recording::{Empty, Entry};
///
/// /// HAR has a list of cookies. A recording has none.
/// fn has_cookies(entry: &Entry) -> bool {
///     let cookies: [&[Empty]; 2] = [&entry.request.cookies, &entry.response.cookies];
///     cookies.iter().any(|cookies| !cookies.is_empty())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Empty {}

/// The times of HAR. Only the whole is known.
///
/// ```
/// use umapi_recording::{Entry, Timings};
///
/// /// The whole time, as tools for HAR compute it.
/// fn whole(entry: &Entry) -> f64 {
///     let Timings { send, wait, receive, .. } = entry.timings;
///     send + wait + receive
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timings {
    /// Not measured: 0.
    pub send: f64,
    /// The whole time.
    pub wait: f64,
    /// Not measured: 0.
    pub receive: f64,
}

/// A name and its value.
///
/// ```
/// use umapi_recording::{Entry, Pair};
///
/// /// The parameters of a login, whose body is a form.
/// fn form(entry: &Entry) -> Vec<&str> {
///     let data = entry.request.post_data.iter();
///     data.flat_map(|data| &data.params).map(|Pair { name, .. }| name.as_str()).collect()
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Pair {
    pub(crate) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// A request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HarRequest {
    /// The method, in capitals.
    pub method: String,
    /// The URL. Its host is always that of production.
    pub url: String,
    /// Not known: empty.
    #[serde(default)]
    pub http_version: String,
    /// Always empty; HAR requires it.
    #[serde(default)]
    pub cookies: Vec<Empty>,
    /// The headers that matter.
    #[serde(default)]
    pub headers: Vec<Pair>,
    /// The parameters of the query, decoded.
    #[serde(default)]
    pub query_string: Vec<Pair>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_data: Option<PostData>,
    /// Not known: -1.
    #[serde(default = "unknown")]
    pub headers_size: i64,
    /// The size of the real body, in bytes.
    #[serde(default = "unknown")]
    pub body_size: i64,
}

/// The body of a request.
///
/// ```
/// use umapi_recording::PostData;
///
/// fn is_form(data: &PostData) -> bool {
///     data.mime_type.starts_with("application/x-www-form-urlencoded")
/// }
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PostData {
    /// The media type.
    pub mime_type: String,
    /// The body, if it is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The fields, if it is a form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Pair>,
}

/// A response.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HarResponse {
    /// The HTTP status. 0 if there was no response.
    pub status: u16,
    /// Not known: empty.
    #[serde(default)]
    pub status_text: String,
    /// Not known: empty.
    #[serde(default)]
    pub http_version: String,
    /// Always empty; HAR requires it.
    #[serde(default)]
    pub cookies: Vec<Empty>,
    /// The headers. Those that the recorder does not know have an empty value.
    #[serde(default)]
    pub headers: Vec<Pair>,
    /// The body.
    #[serde(default)]
    pub content: Content,
    /// Always empty: no redirect is followed.
    #[serde(rename = "redirectURL", default)]
    pub redirect_url: String,
    /// Not known: -1.
    #[serde(default = "unknown")]
    pub headers_size: i64,
    /// The size of the real body, in bytes.
    #[serde(default = "unknown")]
    pub body_size: i64,
}

/// The body of a response.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Content {
    /// The size of the real body, in bytes, as far as it arrived.
    pub size: u64,
    /// The media type.
    #[serde(default)]
    pub mime_type: String,
    /// The body, if it is JSON. `None` if it was left out, or there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What HAR has no fields for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Additions {
    /// The `operationId`. `None` for a path that is not described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The parameters of the path, decoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Pair>,
    /// How the exchange ended.
    #[serde(default)]
    pub outcome: Outcome,
    /// Why the body of the response was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted: Option<Omitted>,
    /// Why the body of the request was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted_request: Option<Omitted>,
    /// What the real values say and pseudonyms cannot: the order of a list.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
}

/// Why a body is not in the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Omitted {
    /// A web page, e.g. of a proxy.
    WebPage,
    /// Text or bytes that are not JSON, or JSON that was cut off.
    NotJson,
    /// Larger than what a recording holds.
    TooLarge,
}

fn unknown() -> i64 {
    -1
}

impl Entry {
    /// The values of a header of the response, in order.
    pub fn response_headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        values(&self.response.headers, name)
    }

    /// The values of a header of the request, in order.
    pub fn request_headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        values(&self.request.headers, name)
    }

    /// A parameter of the path, decoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.umapi.parameters.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
    }

    /// A parameter of the query, decoded.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.request.query_string.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
    }

    /// The body of the request, if it is JSON.
    pub fn request_body(&self) -> Option<&str> {
        self.request.post_data.as_ref()?.text.as_deref()
    }

    /// When the request was sent, on the clock of the recording.
    pub fn started(&self) -> Option<SystemTime> {
        parse_rfc3339(&self.started_date_time)
    }

    /// Whether a whole response arrived.
    pub fn has_response(&self) -> bool {
        self.umapi.outcome == Outcome::Response && self.response.status != 0
    }
}

fn values<'a>(headers: &'a [Pair], name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
    headers.iter().filter(move |pair| pair.name.eq_ignore_ascii_case(name)).map(|pair| pair.value.as_str())
}
