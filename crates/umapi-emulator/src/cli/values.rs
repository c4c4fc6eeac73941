//! Parsers of option values.

use std::{convert::Infallible, fs, path::PathBuf, str::FromStr, time::SystemTime};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::limits::LimitSettings;

/// A seed file, or the seed of the random generator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SeedValue {
    File(PathBuf),
    Number(u64),
}

impl FromStr for SeedValue {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Number))
    }
}

/// `documented`, `severe`, `off`, or a file in YAML or JSON.
pub(super) fn limits(text: &str) -> Result<LimitSettings, String> {
    match text {
        "documented" => return Ok(LimitSettings::documented()),
        "severe" => return Ok(LimitSettings::severe()),
        "off" => return Ok(LimitSettings::off()),
        _ => {}
    }
    let expected = "use documented, severe, off or a file";
    let file = fs::read_to_string(text).map_err(|error| format!("{expected}: {error}"))?;
    serde_saphyr::from_str(&file).map_err(|error| error.to_string())
}

/// A time such as `2026-01-01T00:00:00Z`.
pub(super) fn time(text: &str) -> Result<SystemTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map(SystemTime::from)
        .map_err(|error| format!("use a time like 2026-01-01T00:00:00Z: {error}"))
}

/// The number of entries on a page: at least one.
pub(super) fn page_size() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=1_000_000)
}

#[cfg(test)]
mod tests {
    use umapi_model::ThrottleClass;

    use super::*;

    #[test]
    fn a_seed_of_digits_is_a_number() {
        assert_eq!("42".parse(), Ok(SeedValue::Number(42)));
        assert_eq!("42.yaml".parse(), Ok(SeedValue::File("42.yaml".into())));
    }

    #[test]
    fn limits_are_a_word_or_a_file() {
        assert_eq!(limits("off"), Ok(LimitSettings::off()));
        assert!(limits("of").unwrap_err().contains("documented"));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "{classes: {action: {client: 1, application: 2}}, retryAfter: date}").unwrap();
        let own = limits(file.path().to_str().unwrap()).unwrap();
        assert_eq!(
            own,
            LimitSettings::off().with_class(ThrottleClass::Action, 1, 2).with_retry_after(crate::RetryAfter::Date)
        );
        fs::write(file.path(), "{clases: {}}").unwrap();
        assert!(limits(file.path().to_str().unwrap()).unwrap_err().contains("clases"));
    }

    #[test]
    fn a_time_needs_a_zone() {
        assert!(time("2026-01-01T00:00:00Z").is_ok());
        assert!(time("2026-01-01").unwrap_err().contains("2026-01-01T00:00:00Z"));
    }
}
