//! What stands before the body of an answer.

use std::time::{Duration, SystemTime};

use reqwest::{Response, header::HeaderMap};

use umapi_http::parse_retry_after;

/// Status and headers of an answer, as far as they are of use.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) challenge: Option<String>,
    pub(crate) is_html: bool,
    pub(crate) paging: Paging,
}

/// The headers of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) total: Option<u64>,
    pub(crate) pages: Option<u32>,
    pub(crate) current: Option<u32>,
    pub(crate) size: Option<u32>,
}

impl ResponseHead {
    pub(crate) fn of(response: &Response, now: SystemTime) -> Self {
        let headers = response.headers();
        let date = text(headers, "date").and_then(|date| httpdate::parse_http_date(date).ok());
        Self {
            status: response.status().as_u16(),
            request_id: text(headers, "x-request-id").map(str::to_owned),
            retry_after: text(headers, "retry-after").and_then(|value| parse_retry_after(value, date.unwrap_or(now))),
            challenge: text(headers, "www-authenticate").map(str::to_owned),
            is_html: text(headers, "content-type").is_some_and(|kind| kind.starts_with("text/html")),
            paging: Paging {
                total: number(headers, "x-total-count"),
                pages: number(headers, "x-page-count"),
                current: number(headers, "x-current-page"),
                size: number(headers, "x-page-size"),
            },
        }
    }
}

/// Of a header that is sent twice the first counts.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    text(headers, name)?.trim().parse().ok()
}
