//! Times, durations, sizes and changes in words.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::form::link;
use crate::store::{ChangeKind, LedgerEntry};

/// A time of day with milliseconds, and the whole date for those who ask.
pub(super) fn clock_time(at: SystemTime) -> Markup {
    let at = OffsetDateTime::from(at);
    let short = at.format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default();
    let millis = at.format(format_description!(".[subsecond digits:3]")).unwrap_or_default();
    let whole = at.format(&Rfc3339).unwrap_or_default();
    html! { time datetime=(whole) title=(whole) { (short) span { (millis) } } }
}

/// A date and time to the second.
pub(super) fn date_time(at: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    OffsetDateTime::from(at).format(format).unwrap_or_default()
}

/// Milliseconds since 1970 as a date and time.
pub(super) fn date_time_of_millis(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    at.map(|at| date_time(at.into())).unwrap_or_default()
}

/// A duration in its two largest units, rounded up to seconds.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let ((large, of_large), (small, of_small)) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => ((seconds / 60, "min"), (seconds % 60, "s")),
        3600..86_400 => ((seconds / 3600, "h"), (seconds % 3600 / 60, "min")),
        _ => ((seconds / 86_400, "d"), (seconds % 86_400 / 3600, "h")),
    };
    if small == 0 { format!("{large} {of_large}") } else { format!("{large} {of_large} {small} {of_small}") }
}

/// A time that a call took.
pub(super) fn took(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ 0..10_000 => format!("{:.1} ms", micros as f64 / 1000.0),
        micros @ 10_000..10_000_000 => format!("{} ms", micros / 1000),
        micros => format!("{:.1} s", micros as f64 / 1_000_000.0),
    }
}

/// A number of bytes.
pub(super) fn bytes(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// A number with separators, and its noun.
pub(super) fn count(number: impl TryInto<u64>, one: &str, many: &str) -> String {
    let number = number.try_into().unwrap_or_default();
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// A number with separators.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A change of the ledger as a sentence without a subject.
pub(super) fn change(entry: &LedgerEntry) -> String {
    let user = entry.user.as_deref().unwrap_or("a user");
    let group = entry.group.as_deref().unwrap_or("a group");
    let detail = entry.detail.as_deref().unwrap_or_default();
    match entry.kind {
        ChangeKind::UserCreated => format!("{user} was created ({detail})"),
        ChangeKind::UserUpdated => format!("{user} was updated: {detail}"),
        ChangeKind::UserJoined => format!("{user} became a user of the organization"),
        ChangeKind::UserLeft => format!("{user} left the organization"),
        ChangeKind::UserDeleted => format!("the account {user} was deleted"),
        ChangeKind::StatusChanged => format!("{user} is now {detail}"),
        ChangeKind::PasswordReset => format!("a password reset was started for {user}"),
        ChangeKind::MemberAdded => format!("{user} was added to {group}"),
        ChangeKind::MemberRemoved => format!("{user} was removed from {group}"),
        ChangeKind::ProfileAttached => format!("the profile {detail} was assigned to {group}"),
        ChangeKind::ProfileDetached => format!("the profile {detail} was unassigned from {group}"),
        ChangeKind::GroupCreated => format!("the group {group} was created"),
        ChangeKind::GroupUpdated => format!("the group {group} was changed: {detail}"),
        ChangeKind::GroupDeleted => format!("the group {group} was deleted"),
    }
}

/// A table of changes, newest first.
pub(super) fn changes(entries: &[LedgerEntry], most: usize) -> Markup {
    html! {
        @if entries.is_empty() {
            p.quiet { "No changes are in the ledger. The content of a seed is not recorded." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Changes" {
                table {
                    thead { tr { th { "Time" } th { "Change" } th { "Request" } } }
                    tbody {
                        @for entry in entries {
                            tr {
                                td.nowrap { (date_time_of_millis(entry.cause.at)) }
                                td { (change(entry)) }
                                td { a href=(link("/", &[("id", &entry.cause.request)])) { (entry.cause.request) } }
                            }
                        }
                    }
                }
            }
            @if entries.len() >= most { p.quiet { "Only the newest " (most) " changes are shown." } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((count(1, "user", "users"), count(2000, "user", "users")), ("1 user".into(), "2,000 users".into()));
        assert_eq!((bytes(12), bytes(2048), bytes(3 << 20)), ("12 B".into(), "2.0 KB".into(), "3.0 MB".into()));
        let seconds = [0, 59, 61, 3660, 86_400, 90_000].map(Duration::from_secs).map(duration);
        assert_eq!(seconds, ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d", "1 d 1 h"]);
        assert_eq!(duration(Duration::from_millis(1)), "1 s");
        assert_eq!(took(Duration::from_micros(1234)), "1.2 ms");
        assert_eq!(date_time_of_millis(86_400_000), "1970-01-02 00:00:00 UTC");
    }
}
