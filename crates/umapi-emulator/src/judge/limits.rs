//! Checks of all exchanges together: the rate limits.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use umapi_model::{CountedCalls, Operation, ThrottleClass};

use super::{Claim, Exchange, Tallies};

/// A longer `Retry-After` is not that of a limit of a minute.
const LONG: Duration = Duration::from_secs(300);

/// A block that is longer counts as one of a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// The calls so far, for each client.
#[derive(Default)]
pub(super) struct Limits {
    minutes: HashMap<(String, ThrottleClass), Minute>,
    first_pages: HashMap<(String, Operation), SystemTime>,
    /// Until when a client is blocked.
    blocks: HashMap<String, SystemTime>,
}

struct Minute {
    start: SystemTime,
    accepted: u32,
    rejected: u32,
}

impl Limits {
    /// Counts an exchange, and checks whether it was rightly accepted or rejected.
    pub(super) fn check(&mut self, exchange: Exchange<'_>, tallies: &mut Tallies) {
        let entry = exchange.entry;
        let (Some(operation), Some(at)) = (exchange.operation(), entry.started()) else { return };
        if entry.response.status == 0 {
            return;
        }
        let client = entry.request_headers("x-api-key").next().unwrap_or_default().to_owned();
        let is_refused = entry.response.status == 429;
        let wait = exchange.header("retry-after").and_then(|value| retry_after(value, at));
        if is_refused {
            let text = wait.is_none().then(|| match exchange.header("retry-after") {
                Some(value) => format!("`Retry-After` is `{value}`"),
                None => "there is no `Retry-After`".to_owned(),
            });
            tallies.judge(Claim::RetryAfter, exchange.line, text);
        }
        if is_refused && wait.is_some_and(|wait| wait >= LONG) {
            self.refused_for_long(exchange, &client, operation, at, wait.unwrap_or_default(), tallies);
            return;
        }
        if let Some(until) = self.blocks.get(&client).copied()
            && at < until
            && !is_refused
        {
            let left = until.duration_since(at).unwrap_or_default().as_secs();
            tallies.contradict(
                Claim::Block,
                exchange.line,
                format!("a call was accepted {left} seconds before the end of the block"),
            );
            self.blocks.remove(&client);
        }
        self.first_page(exchange, &client, operation, at, is_refused, tallies);
        self.minute(exchange, client, operation, at, is_refused, tallies);
    }

    fn refused_for_long(
        &mut self,
        exchange: Exchange<'_>,
        client: &str,
        operation: Operation,
        at: SystemTime,
        wait: Duration,
        tallies: &mut Tallies,
    ) {
        if self.blocks.get(client).is_some_and(|until| at < *until) {
            tallies.agree(Claim::Block);
            return;
        }
        let block = first_page_limit(operation).and_then(|throttle| throttle.block);
        if let Some(block) = block.filter(|_| is_first_page(exchange)) {
            let is_usual = wait >= block.shortest && wait <= block.longest;
            let text = format!(
                "blocked for {} seconds, not {} to {}",
                wait.as_secs(),
                block.shortest.as_secs(),
                block.longest.as_secs()
            );
            tallies.judge(Claim::FirstPages, exchange.line, (!is_usual).then_some(text));
        } else {
            let text = format!(
                "{} was refused for {} seconds, and is not the first page of a list",
                operation.id(),
                wait.as_secs()
            );
            tallies.contradict(Claim::FirstPages, exchange.line, text);
        }
        // A server can ask for a wait that no calendar has.
        let until = at.checked_add(wait).or_else(|| at.checked_add(LONGEST)).unwrap_or(at);
        self.blocks.insert(client.to_owned(), until);
    }

    /// Page 0 of all users and of all groups.
    fn first_page(
        &mut self,
        exchange: Exchange<'_>,
        client: &str,
        operation: Operation,
        at: SystemTime,
        is_refused: bool,
        tallies: &mut Tallies,
    ) {
        let Some(throttle) = first_page_limit(operation) else { return };
        if is_refused || exchange.entry.response.status != 200 || !is_first_page(exchange) {
            return;
        }
        let is_announced = exchange.entry.request_headers("pragma").any(|value| value.contains("umapi-sync-start"));
        let key = (client.to_owned(), operation);
        if let Some(before) = self.first_pages.get(&key).copied() {
            let since = at.duration_since(before).unwrap_or_default();
            // After a block the next read succeeds, and a retry of an announced call too.
            let may_be_retry = is_announced || self.blocks.contains_key(client);
            if since < throttle.period && !may_be_retry {
                let text = format!("page 0 of {} was read again after {} seconds", operation.id(), since.as_secs());
                tallies.contradict(Claim::FirstPages, exchange.line, text);
            } else if since >= throttle.period {
                tallies.agree(Claim::FirstPages);
            }
        }
        self.first_pages.insert(key, at);
    }

    /// The limits of every minute.
    fn minute(
        &mut self,
        exchange: Exchange<'_>,
        client: String,
        operation: Operation,
        at: SystemTime,
        is_refused: bool,
        tallies: &mut Tallies,
    ) {
        let Some(throttle) = operation.throttle() else { return };
        let minute =
            self.minutes.entry((client, throttle.class)).or_insert(Minute { start: at, accepted: 0, rejected: 0 });
        if at.duration_since(minute.start).is_ok_and(|since| since >= throttle.period) {
            *minute = Minute { start: at, accepted: 0, rejected: 0 };
        }
        let limit = throttle.client;
        if !is_refused {
            minute.accepted += 1;
            if minute.accepted > limit {
                let text = format!(
                    "call {} of the limit `{}` in a minute was accepted; the limit is {limit}",
                    minute.accepted, throttle.name
                );
                tallies.contradict(Claim::MinuteLimit, exchange.line, text);
            } else if minute.accepted == limit {
                tallies.agree(Claim::MinuteLimit);
            }
            if minute.rejected > 0 {
                tallies.agree(Claim::RejectedCallsDoNotCount);
            }
            return;
        }
        minute.rejected += 1;
        let text = (minute.accepted < limit).then(|| {
            format!(
                "refused after {} calls of the limit `{}` in this minute; the limit is {limit} (unless other programs use the same client)",
                minute.accepted, throttle.name
            )
        });
        tallies.judge(Claim::MinuteLimit, exchange.line, text);
    }
}

fn first_page_limit(operation: Operation) -> Option<&'static umapi_model::Throttle> {
    operation.throttles().iter().find(|throttle| throttle.counts == CountedCalls::FirstPage)
}

fn is_first_page(exchange: Exchange<'_>) -> bool {
    exchange.entry.parameter("page") == Some("0")
}

fn retry_after(value: &str, at: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(at).unwrap_or_default())
}
