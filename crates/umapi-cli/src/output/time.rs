//! Times as text: in UTC for programs, in the local time zone for people.

use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};
use umapi::time::{Clock, Instant};

/// The text for a time after the year 9999.
const NEVER: &str = "never";

/// Formats a time in the local time zone: `14:32:10`.
pub(crate) fn local(time: SystemTime) -> String {
    format(time, TimeZone::system(), "%H:%M:%S")
}

/// Formats a time in UTC: `2026-03-01T14:32:10Z`.
pub(crate) fn utc(time: SystemTime) -> String {
    format(time, TimeZone::UTC, "%Y-%m-%dT%H:%M:%SZ")
}

/// Formats a moment of a clock in UTC.
pub(crate) fn utc_of(moment: Instant, clock: &Clock) -> String {
    let time = clock.wall().checked_add(moment - clock.now());
    time.map_or_else(|| NEVER.to_owned(), utc)
}

/// Parses the time in an HTTP header: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn of_http(date: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(date).ok()
}

fn format(time: SystemTime, zone: TimeZone, form: &str) -> String {
    match Timestamp::try_from(time) {
        Ok(time) => time.to_zoned_datetime(zone).strftime(form).to_string(),
        Err(_) => NEVER.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use umapi::time::ManualClock;

    use super::*;

    #[test]
    fn times_have_a_fixed_format() {
        assert_eq!(utc(SystemTime::UNIX_EPOCH + Duration::from_secs(86_399)), "1970-01-01T23:59:59Z");
        let http = of_http("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(utc(http), "1994-11-06T08:49:37Z");
        assert_eq!(local(SystemTime::UNIX_EPOCH).len(), 8);
    }

    #[test]
    fn time_beyond_the_calendar_is_never() {
        let manual = ManualClock::starting_at(SystemTime::UNIX_EPOCH);
        manual.advance(Duration::from_secs(60));
        let later = |seconds| utc_of(manual.clock().now() + Duration::from_secs(seconds), &manual.clock());
        assert_eq!([later(0), later(5)], ["1970-01-01T00:01:00Z", "1970-01-01T00:01:05Z"]);
        assert_eq!([later(u64::MAX / 2), later(u64::MAX)], [NEVER, NEVER]);
    }
}
