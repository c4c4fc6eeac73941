//! The journal as a list: newest first, filtered, and live.

use std::{borrow::Cow, sync::Arc};

use http::StatusCode;
use maud::{Markup, html};
use percent_encoding::percent_decode_str;
use umapi_model::{AnyOperation, Operation};

use super::{
    Content, Context, Outcome, PageError, Section,
    form::{Fields, link},
    frame,
    live::event,
    words::{self, clock_time, took},
};
use crate::{app::AppState, journal::HttpExchange, store::fold};

/// The requests on a page.
const PAGE: usize = 50;

/// The entries that are looked at for a page. The rest is on the next one, so that no filter takes long.
const MOST_LOOKED_AT: usize = 20_000;

/// The entries that are taken from the journal at a time.
const CHUNK: usize = 500;

/// The longest path and client id that a row shows.
const LONGEST: usize = 160;

/// Which requests are listed.
#[derive(Default)]
struct Filter {
    operation: Option<AnyOperation>,
    status: StatusFilter,
    client: String,
    /// Folded.
    user: String,
    id: String,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum StatusFilter {
    #[default]
    Any,
    Exactly(u16),
    /// From this status to the last one of its hundred.
    Class(u16),
    /// Not 2xx.
    Failed,
    /// The connection was reset before a response.
    Reset,
}

const STATUSES: [(&str, &str); 9] = [
    ("", "any"),
    ("failed", "not 2xx"),
    ("2xx", "2xx"),
    ("4xx", "4xx"),
    ("5xx", "5xx"),
    ("401", "401"),
    ("404", "404"),
    ("429", "429"),
    ("reset", "no response"),
];

impl StatusFilter {
    fn parse(text: &str) -> Result<Self, PageError> {
        Ok(match text {
            "" => Self::Any,
            "failed" => Self::Failed,
            "reset" => Self::Reset,
            text => match (text.strip_suffix("xx").map(str::parse::<u16>), text.parse()) {
                (Some(Ok(class @ 1..=9)), _) => Self::Class(class * 100),
                (None, Ok(status)) => Self::Exactly(status),
                _ => return Err(PageError::invalid(format!("{text:?} is not a status: use e.g. 404, 4xx or failed"))),
            },
        })
    }

    fn matches(self, status: Option<u16>) -> bool {
        match (self, status) {
            (Self::Any, _) | (Self::Reset, None) => true,
            (Self::Exactly(wanted), Some(status)) => status == wanted,
            (Self::Class(first), Some(status)) => (first..first + 100).contains(&status),
            (Self::Failed, status) => status.is_none_or(|status| !(200..300).contains(&status)),
            (Self::Exactly(_) | Self::Class(_), None) | (Self::Reset, Some(_)) => false,
        }
    }
}

impl Filter {
    fn of(fields: &Fields) -> Result<Self, PageError> {
        Ok(Self {
            operation: fields.value("operation", "The operation")?,
            status: StatusFilter::parse(fields.text("status"))?,
            client: fields.text("client").to_owned(),
            user: fold(fields.text("user")).into_owned(),
            id: fields.text("id").to_owned(),
        })
    }

    fn matches(&self, exchange: &HttpExchange) -> bool {
        self.operation.is_none_or(|operation| exchange.operation == Some(operation))
            && self.status.matches(exchange.status)
            && (self.client.is_empty() || exchange.client.as_deref().is_some_and(|id| id.contains(&self.client)))
            && (self.id.is_empty() || exchange.request_id == self.id)
            && (self.user.is_empty() || self.is_about_user(exchange))
    }

    /// Whether the path, the query or the body of a request contains the name of the user, in any case.
    fn is_about_user(&self, exchange: &HttpExchange) -> bool {
        let contains = |text: &str| fold(text).contains(&self.user);
        let decoded = |text: &str| contains(&percent_decode_str(text).decode_utf8_lossy());
        decoded(&exchange.path)
            || exchange.query.as_deref().is_some_and(decoded)
            || exchange.body.as_deref().is_some_and(|body| {
                contains(body)
                    // JSON can write every character as an escape.
                    || body.contains('\\')
                        && serde_json::from_str::<serde_json::Value>(body).is_ok_and(|json| contains(&json.to_string()))
            })
    }
}

/// A page of requests, newest first.
struct Found {
    exchanges: Vec<Arc<HttpExchange>>,
    /// The position before which the next page begins. `None` if there is no older entry.
    next: Option<u64>,
}

fn find(app: &AppState, filter: &Filter, before: Option<u64>) -> Found {
    let mut found = Found { exchanges: Vec::new(), next: before };
    let mut looked_at = 0;
    loop {
        let chunk = app.journal.newest(..found.next.unwrap_or(u64::MAX), CHUNK);
        if chunk.is_empty() {
            found.next = None;
            return found;
        }
        for exchange in chunk {
            found.next = Some(exchange.seq);
            looked_at += 1;
            if filter.matches(&exchange) {
                found.exchanges.push(exchange);
            }
            if found.exchanges.len() >= PAGE || looked_at >= MOST_LOOKED_AT {
                let is_last = app.journal.newest(..found.next.unwrap_or(0), 1).is_empty();
                found.next = found.next.filter(|_| !is_last);
                return found;
            }
        }
    }
}

/// The page of the journal.
pub(super) fn page(context: &Context<'_>) -> Result<Outcome, PageError> {
    let query = &context.query;
    let filter = Filter::of(query)?;
    let before: Option<u64> = query.value("before", "The position")?;
    // First: requests that come meanwhile are sent to the live page.
    let position = context.app.journal.position();
    let found = find(context.app, &filter, before);
    let parameters = ["operation", "status", "client", "user", "id"].map(|name| (name, query.text(name)));
    let with = |path: &str, name: &'static str, value: &str| {
        let mut all = parameters.to_vec();
        all.push((name, value));
        link(path, &all)
    };
    let live = before.is_none().then(|| with("/console/live/requests", "after", &position.to_string()));
    let operations: Vec<_> = AnyOperation::all().map(|operation| (operation.id(), operation.id())).collect();
    let operations = [&[("", "any")][..], &operations].concat();
    let body = html! {
        form.filter method="get" action="/" role="search" {
            (frame::select("operation", "Operation", query.text("operation"), &operations))
            (frame::select("status", "Status", query.text("status"), &STATUSES))
            (frame::input("search", "client", "Client", query.text("client")))
            (frame::input("search", "user", "User", query.text("user")))
            @if !filter.id.is_empty() { (frame::input("search", "id", "Request id", &filter.id)) }
            button { "Filter" }
            a href="/" { "Show all" }
        }
        div.toolbar {
            @if live.is_some() {
                p.live-state role="status" { "Not live" }
                noscript { "Live updates need JavaScript. Reload the page for new requests." }
                button.quiet type="button" data-pause hidden { "Pause" }
            } @else {
                p { a href=(link("/", &parameters)) { "Newest requests" } }
            }
            (frame::button(context, "/console/requests/clear", "Clear the journal", &[]))
        }
        div.scroll tabindex="0" role="region" aria-label="Requests" {
            table.requests data-live=[live.as_deref()] data-most="200" {
                thead { tr {
                    th.time { "Time" } th.status { "Status" } th.what { "Request" } th.client { "Client" } th.took { "Took" }
                    th.notes { "Notes" }
                } }
                tbody #rows { @for exchange in &found.exchanges { (row(exchange)) } }
            }
        }
        @if found.exchanges.is_empty() {
            p.empty {
                @if before.is_some() || found.next.is_some() { "No request of this part of the journal matches." }
                @else if position == 0 { "No requests yet. Send one to the emulator, and it appears here." }
                @else { "No request of the journal matches." }
            }
        }
        @if let Some(next) = found.next { p { a rel="next" href=(with("/", "before", &next.to_string())) { "Older requests" } } }
    };
    Ok(Outcome::Page(Content::new(Section::Requests, "Requests", body)))
}

/// One request in the list.
fn row(exchange: &HttpExchange) -> Markup {
    let path = percent_decode_str(&exchange.path).decode_utf8_lossy().into_owned();
    let path = path.strip_prefix("/v2/usermanagement").unwrap_or(&path);
    html! {
        tr {
            td.time { (clock_time(exchange.at)) }
            td.status { (status(exchange.status)) }
            td.what {
                a href=(format!("/console/requests/{}", exchange.seq)) {
                    (exchange.operation.map_or("unknown path", AnyOperation::id))
                }
                " " span.path { (exchange.method) " " (shortened(path)) }
            }
            td.client title=[exchange.client.as_deref().map(shortened)] { (shortened(exchange.client.as_deref().unwrap_or("none"))) }
            td.took { (took(exchange.took)) }
            td.notes { (notes(exchange)) }
        }
    }
}

/// The status of a response, with a color that says no more than the number.
pub(super) fn status(status: Option<u16>) -> Markup {
    let (class, text) = match status {
        None => ("bad", Cow::Borrowed("reset")),
        Some(status) => {
            let class = match status {
                0..400 => "good",
                400..500 => "warn",
                _ => "bad",
            };
            (class, Cow::Owned(status.to_string()))
        }
    };
    let meaning = status.and_then(|status| StatusCode::from_u16(status).ok()?.canonical_reason());
    html! { span.tag.(class) title=[meaning] { (text) } }
}

fn notes(exchange: &HttpExchange) -> Markup {
    let changes = exchange.effects.map(|(after, up_to)| up_to - after).filter(|_| {
        exchange.operation != Some(Operation::ExecuteActions.into())
            || exchange.status.is_none_or(|status| status < 400)
    });
    html! {
        @for id in &exchange.faults { span.tag { "fault " (id) } " " }
        @if let Some(limit) = exchange.exceeded_limit { span.tag { "limit " (limit.name) } " " }
        @if let Some(changes) = changes { span.quiet { (words::count(changes, "change", "changes")) } }
    }
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// The new requests of a live page.
pub(super) struct LiveRequests {
    filter: Filter,
    /// The last position that was looked at.
    after: u64,
}

impl LiveRequests {
    /// Begins after the last request that the page has: the browser says it when it connects again.
    pub(super) fn open(context: &Context<'_>) -> Result<Self, PageError> {
        let last = context.request.header("last-event-id").and_then(|id| id.parse().ok());
        let after = match last {
            Some(last) => last,
            None => context.query.value("after", "The position")?.unwrap_or_else(|| context.app.journal.position()),
        };
        Ok(Self { filter: Filter::of(&context.query)?, after })
    }

    /// The requests since the last look, at most a page of them. If there are more, the page says how many it lacks.
    pub(super) fn look(&mut self, app: &AppState) -> Option<String> {
        // The position of a journal that begins again is lower.
        self.after = self.after.min(app.journal.position());
        let new = app.journal.newest(self.after + 1.., CHUNK);
        let newest = new.first()?.seq;
        let not_looked_at = (newest - self.after).saturating_sub(new.len() as u64);
        self.after = newest;
        let matching: Vec<_> = new.iter().filter(|exchange| self.filter.matches(exchange)).collect();
        let left_out = not_looked_at + matching.len().saturating_sub(PAGE) as u64;
        if matching.is_empty() && left_out == 0 {
            return None;
        }
        let rows = html! {
            @for exchange in matching.iter().take(PAGE) { (row(exchange)) }
            @if left_out > 0 {
                tr.gap { td colspan="6" { (words::count(left_out, "request is", "requests are")) " not shown: too many at once" } }
            }
        };
        Some(event("rows", Some(newest), &rows.into_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use http::Method;

    use super::*;
    use crate::testing::{app, request};

    fn record(app: &AppState, target: &str, body: &str, status: Option<u16>) {
        let request = request(Method::POST, target, &[("x-api-key", "key")], body.to_owned());
        let mut exchange = HttpExchange::of(&request, SystemTime::UNIX_EPOCH);
        exchange.status = status;
        app.journal.record(exchange);
    }

    fn filter(query: &str) -> Filter {
        Filter::of(&Fields::of_query(&request(Method::GET, &format!("/?{query}"), &[], ""))).unwrap_or_default()
    }

    #[test]
    fn requests_are_filtered_by_status_client_and_user() {
        let (app, _) = app();
        record(&app, "/a/Ann%40x.com", "", Some(200));
        record(&app, "/b", r#"[{"user":"\u0061nn@x.com"}]"#, Some(429));
        record(&app, "/c?user=bob@x.com", "", None);
        let of = |query: &str| find(&app, &filter(query), None).exchanges.iter().map(|e| e.seq).collect::<Vec<_>>();
        assert_eq!(of(""), [3, 2, 1]);
        assert_eq!(of("user=ANN@x.com"), [2, 1]);
        assert_eq!(of("user=bob"), [3]);
        assert_eq!((of("status=4xx"), of("status=429"), of("status=reset")), (vec![2], vec![2], vec![3]));
        assert_eq!(of("status=failed&client=ke"), [3, 2]);
        assert_eq!(of("client=other"), [0; 0]);
        assert!(StatusFilter::parse("4x").is_err() && StatusFilter::parse("+4xx").is_ok());
    }

    #[test]
    fn pages_continue_where_the_last_one_ended() {
        let (app, _) = app();
        for _ in 0..120 {
            record(&app, "/a", "", Some(200));
        }
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let found = find(&app, &Filter::default(), before);
            seen.extend(found.exchanges.iter().map(|exchange| exchange.seq));
            before = found.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=120).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_burst_is_shortened_and_says_so() {
        let (app, _) = app();
        let mut live = LiveRequests { filter: Filter::default(), after: 0 };
        assert!(live.look(&app).is_none());
        for _ in 0..700 {
            record(&app, "/a", "", Some(200));
        }
        let piece = live.look(&app).unwrap();
        assert_eq!(piece.matches("<td class=\"time\">").count(), PAGE);
        assert!(piece.contains("650 requests are not shown") && piece.contains("id: 700\n"), "{piece}");
        assert!(live.look(&app).is_none());
        app.journal.clear();
        record(&app, "/b", "", Some(200));
        assert!(live.look(&app).unwrap().contains("/console/requests/701"));
    }
}
