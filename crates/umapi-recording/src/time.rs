//! Times of a recording: shifted by whole hours, so that it begins in the first hour of the year 2000.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 1 January 2000.
const START: Duration = Duration::from_secs(946_684_800);
const HOUR: u64 = 3600;

/// How far the times of a recording are moved back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift(i128);

impl Shift {
    /// The shift of a recording that begins at this time. Minutes and seconds stay, because limits may begin with a minute.
    pub(crate) fn of(first: SystemTime) -> Self {
        let first = seconds(first).div_euclid(i128::from(HOUR)) * i128::from(HOUR);
        Self(first - i128::from(START.as_secs()))
    }

    /// Moves a time. A time before 1970 becomes 1970.
    pub(crate) fn apply(self, time: SystemTime) -> SystemTime {
        let moved = seconds(time) - self.0;
        let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let moved = u64::try_from(moved).unwrap_or(0).min(MAX_SECONDS);
        UNIX_EPOCH + Duration::new(moved, nanos)
    }
}

/// The end of the year 9999.
const MAX_SECONDS: u64 = 253_402_300_799;

/// The whole hours since 1970.
pub(crate) fn hours(time: SystemTime) -> u64 {
    u64::try_from(seconds(time)).unwrap_or(0) / HOUR
}

fn seconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::from(since.as_secs()),
        Err(before) => -i128::from(before.duration().as_secs()),
    }
}

/// A time in RFC 3339, with milliseconds.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, rest) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / HOUR, rest % HOUR / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

/// A time in RFC 3339, as [`rfc3339`] writes it.
pub(crate) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * HOUR + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis))
}

/// The date of a day since 1970 (the algorithm of Howard Hinnant).
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The days since 1970 of a date.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month_index = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_begins_in_the_first_hour_of_2000() {
        let first = httpdate::parse_http_date("Thu, 26 Nov 2026 17:42:05 GMT").unwrap();
        let shift = Shift::of(first);
        assert_eq!(rfc3339(shift.apply(first)), "2000-01-01T00:42:05.000Z");
        let later = first + Duration::from_millis(86_400_250);
        assert_eq!(rfc3339(shift.apply(later)), "2000-01-02T00:42:05.250Z");
        assert_eq!(rfc3339(shift.apply(UNIX_EPOCH)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_time_is_read_as_it_was_written() {
        for seconds in [0_u64, 951_782_400, 946_684_800, 4_107_542_399, MAX_SECONDS] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(parse_rfc3339(&rfc3339(time)), Some(time), "{seconds}");
            assert_eq!(rfc3339(time)[..10], httpdate_day(time));
        }
        for text in
            ["", "2000-01-01", "2000-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "2000-01-01T00:00:00", "x-1-1T1:1:1Z"]
        {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    fn httpdate_day(time: SystemTime) -> String {
        let text = httpdate::fmt_http_date(time);
        let parts: Vec<&str> = text.split(' ').collect();
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = months.iter().position(|month| *month == parts[2]).unwrap() + 1;
        format!("{}-{month:02}-{}", parts[3], parts[1])
    }
}
