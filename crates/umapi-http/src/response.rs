//! Reading a response: its head, `Retry-After`, and a body up to a size limit.

use std::{
    error::Error,
    fmt,
    time::{Duration, SystemTime},
};

use reqwest::{Response, Version, header::HeaderMap};

/// The longest `Retry-After` that is honored. Waits above 40 minutes are known; a longer one than this is a broken header,
/// such as a date in the year 9999.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The status and the common headers of a response.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// The request id (`X-Request-Id`, or `X-Debug-Id` of the login).
    pub request_id: Option<String>,
    /// The server's clock (`Date`).
    pub date: Option<SystemTime>,
    /// How long the server asks to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// Whether the body is a web page, which no API sends.
    pub is_html: bool,
    /// The version of HTTP that the connection speaks, e.g. `1.1` or `2`.
    pub protocol_version: Option<&'static str>,
}

impl ResponseHead {
    /// Reads the head of a response that arrived at `now`.
    pub fn of(response: &Response, now: SystemTime) -> Self {
        let headers = response.headers();
        let header = |name: &str| first_header(headers, name);
        let date = header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        Self {
            status: response.status().as_u16(),
            request_id: header("x-request-id").or_else(|| header("x-debug-id")).map(str::to_owned),
            date,
            retry_after: header("retry-after").and_then(|value| parse_retry_after(value, date.unwrap_or(now))),
            is_html: header("content-type").is_some_and(|kind| kind.starts_with("text/html")),
            protocol_version: protocol_version(response.version()),
        }
    }
}

/// The version of HTTP as the conventions of OpenTelemetry write it.
fn protocol_version(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

/// The text of a header. If a header is repeated, the first value wins.
pub fn first_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Parses `Retry-After`: seconds, or a date relative to the server's own clock. A date in the past means no wait; the result
/// is at most [`MAX_RETRY_AFTER`].
pub fn parse_retry_after(value: &str, server_now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    // Two headers that were joined on the way: the first value wins.
    let value = value
        .split_once(',')
        .filter(|(first, _)| first.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(value, |(first, _)| first);
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(server_now).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The most bytes that are reserved because a server says that so many follow.
const MAX_RESERVED: u64 = 1 << 20;

/// Reads the rest of a response into `body`, up to `limit` bytes in all.
///
/// # Errors
///
/// If the connection breaks or the body is larger than the limit. `body` then holds what was read before.
pub async fn read_body(response: &mut Response, limit: usize, body: &mut Vec<u8>) -> Result<(), ReadError> {
    let expected = response.content_length().unwrap_or_default().min(MAX_RESERVED);
    body.reserve(usize::try_from(expected).unwrap_or_default().min(limit.saturating_sub(body.len())));
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Connection)? {
        let room = limit.saturating_sub(body.len());
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Err(ReadError::TooLarge { limit });
        }
    }
    Ok(())
}

/// The error of a body that could not be read whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The connection broke.
    Connection(reqwest::Error),
    /// The body is larger than the limit.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(_) => f.write_str("the connection broke"),
            Self::TooLarge { limit } => write!(f, "the response is larger than {limit} bytes"),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connection(error) => Some(error),
            Self::TooLarge { .. } => None,
        }
    }
}

/// The innermost cause of an error, e.g. a refused connection or an unknown certificate.
pub fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

/// The text of the [innermost](innermost()) cause of an error of the HTTP library, without the URL, which may contain names.
pub fn root_cause(error: reqwest::Error) -> String {
    innermost(&error.without_url()).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::{HttpOptions, Server, ServerUrl};

    #[test]
    fn retry_after_is_read_in_both_formats_and_bounded() {
        let now = httpdate::parse_http_date("Thu, 01 Jan 2026 00:00:00 GMT").unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 2580 ", Some(2580)),
            ("120, 60", Some(120)),
            ("120,soon", Some(120)),
            ("Thu, 01 Jan 2026 01:00:00 GMT", Some(3600)),
            ("Wed, 31 Dec 2025 23:00:00 GMT", Some(0)),
            ("86401", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("soon", None),
            ("", None),
            ("-5", None),
            ("1.5", None),
        ] {
            assert_eq!(parse_retry_after(value, now).map(|time| time.as_secs()), seconds, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_retry_after_is_longer_than_the_bound(value in "[0-9]{0,30}|.{0,40}") {
            prop_assert!(parse_retry_after(&value, SystemTime::UNIX_EPOCH).is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        }
    }

    /// The response of a server that sends these bytes and closes the connection.
    async fn response(bytes: &'static [u8]) -> Response {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            stream.write_all(bytes).await.unwrap();
        });
        let server = ServerUrl::parse(&url, Server { name: "server", example: "https://um.example" }).unwrap();
        let http = HttpOptions::new().without_proxy().build().unwrap().for_server(&server).unwrap();
        http.get(url).send().await.unwrap()
    }

    async fn read(bytes: &'static [u8], limit: usize) -> (Result<(), String>, Vec<u8>) {
        let mut body = Vec::new();
        let result = read_body(&mut response(bytes).await, limit, &mut body).await;
        (result.map_err(|error| error.to_string()), body)
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(read(WHOLE, 5).await, (Ok(()), b"hello".to_vec()));
        assert_eq!(read(WHOLE, 4).await, (Err("the response is larger than 4 bytes".to_owned()), b"hell".to_vec()));
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
        assert_eq!(read(cut, 100).await, (Err("the connection broke".to_owned()), b"hello".to_vec()));
    }

    #[tokio::test]
    async fn the_first_of_repeated_headers_wins() {
        let head =
            "HTTP/1.1 503 X\r\nx-request-id: one\r\nx-request-id: two\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
        let head = ResponseHead::of(&response(head.as_bytes()).await, SystemTime::UNIX_EPOCH);
        assert_eq!((head.status, head.request_id.as_deref()), (503, Some("one")));
        assert_eq!(head.retry_after, Some(Duration::from_secs(7)));
    }
}
