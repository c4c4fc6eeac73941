//! `Retry-After`, in both of its forms.

use std::time::{Duration, SystemTime};

/// How long the server asks to be left alone: delta-seconds, or a date as seen from the server's own.
pub(crate) fn read(value: &str, server_now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // A date that has passed asks for no wait.
    Some(date.duration_since(server_now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_believed_exactly() {
        let now = httpdate::parse_http_date("Thu, 01 Jan 2026 00:00:00 GMT").unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 2580 ", Some(2580)),
            ("Thu, 01 Jan 2026 01:00:00 GMT", Some(3600)),
            ("Wed, 31 Dec 2025 23:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(read(value, now).map(|time| time.as_secs()), seconds, "{value}");
        }
    }
}
