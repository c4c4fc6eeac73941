//! Times as text: in UTC for programs, in the local time zone for people.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, tz::TimeZone};
use umapi::time::{Clock, Instant};

use super::record::counted;

/// The text for a time after the year 9999.
const NEVER: &str = "never";

/// Formats a time in the local time zone: `14:32:10`.
pub(crate) fn local(time: SystemTime) -> String {
    format(time, TimeZone::system(), "%H:%M:%S")
}

/// Formats a time in the local time zone: `14:32:10`, with the date if it is on another day than `now`.
pub(crate) fn local_near(time: SystemTime, now: SystemTime) -> String {
    if is_same_day(time, now) { local(time) } else { format(time, TimeZone::system(), "%Y-%m-%d %H:%M:%S") }
}

/// Formats a time near `now` in the local time zone: `09:12`, with the date if it is on another day.
pub(crate) fn short_local(time: SystemTime, now: SystemTime) -> String {
    format(time, TimeZone::system(), if is_same_day(time, now) { "%H:%M" } else { "%Y-%m-%d %H:%M" })
}

fn is_same_day(one: SystemTime, other: SystemTime) -> bool {
    let day = |time| format(time, TimeZone::system(), "%Y-%m-%d");
    day(one) == day(other)
}

/// Describes how long ago something was: `14 minutes ago`.
pub(crate) fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "less than a minute ago".to_owned(),
        (0, minutes) => format!("{} ago", counted(minutes, "minute")),
        (hours @ 1..=9, minutes @ 1..) => format!("{} {} ago", counted(hours, "hour"), counted(minutes, "minute")),
        (hours, _) => format!("{} ago", counted(hours, "hour")),
    }
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
    fn ages_are_in_minutes_and_hours() {
        for (seconds, expected) in [
            (59, "less than a minute ago"),
            (61, "1 minute ago"),
            (14 * 60, "14 minutes ago"),
            (3_600, "1 hour ago"),
            (2 * 3_600 + 300, "2 hours 5 minutes ago"),
            (30 * 3_600 + 300, "30 hours ago"),
        ] {
            assert_eq!(ago(Duration::from_secs(seconds)), expected);
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        assert_eq!(short_local(now, now).len(), 5);
        assert_eq!(short_local(now - Duration::from_secs(100_000), now).len(), 16);
        assert_eq!(local_near(now, now).len(), 8);
        assert_eq!(local_near(now + Duration::from_secs(86_400), now).len(), 19);
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
