//! Times for people, in the time zone of the machine.

use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};

/// `14:32:10`.
pub(crate) fn clock(time: SystemTime) -> String {
    format(time, TimeZone::system(), "%H:%M:%S")
}

/// `2026-03-01T14:32:10Z`, for programs.
pub(crate) fn utc(time: SystemTime) -> String {
    format(time, TimeZone::UTC, "%Y-%m-%dT%H:%M:%SZ")
}

/// The time that the header of an HTTP answer says: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn of_http(date: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(date).ok()
}

fn format(time: SystemTime, zone: TimeZone, form: &str) -> String {
    match Timestamp::try_from(time) {
        Ok(time) => time.to_zoned_datetime(zone).strftime(form).to_string(),
        // Beyond the year 9999.
        Err(_) => "never".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_has_the_form_that_is_promised() {
        assert_eq!(utc(SystemTime::UNIX_EPOCH + Duration::from_secs(86_399)), "1970-01-01T23:59:59Z");
        let http = of_http("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(utc(http), "1994-11-06T08:49:37Z");
        assert_eq!(clock(SystemTime::UNIX_EPOCH).len(), 8);
    }
}
