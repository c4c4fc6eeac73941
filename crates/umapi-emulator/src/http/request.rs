use bytes::Bytes;
use http::{HeaderMap, Method};

/// A request, read to its end.
#[derive(Clone)]
pub(crate) struct Request {
    /// The `X-Request-Id` it came with, or one that was made up for it.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// The path as it came, percent-encoded, from the root.
    pub(crate) path: String,
    /// The query as it came, percent-encoded, without the question mark.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// A header that is text. Of several with one name it is the first.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The parameters of the query, decoded.
    pub(crate) fn query_pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes()).into_owned()
    }
}
