//! The position in a list, as a text that can be stored.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::error::Error;

/// The format version of the tokens.
const VERSION: u32 = 2;

/// The position in a list. Store it as a text ([`Display`](fmt::Display), [`FromStr`], or serde) and pass it to the same list
/// later to continue with the next item.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let mut users = client.users().list();
/// users.try_next().await?;
/// let stored = users.resume_token().to_string();
///
/// let mut rest = client.users().list().resume(&stored.parse()?)?;
/// rest.try_next().await?;
/// # Ok(())
/// # }
/// ```
///
/// The format may change. It contains no names and no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResumeToken {
    pub(super) query: u64,
    pub(super) position: Position,
}

/// A position in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Position {
    /// After `offset` items of a page.
    Within(Within),
    /// After the last item.
    End,
}

/// A position after an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Within {
    pub(super) page: u32,
    /// How many items of the page were returned.
    pub(super) offset: u32,
    /// The key of the last item that was returned.
    pub(super) last: Option<u64>,
    /// The number of items of the list then.
    pub(super) total: Option<u64>,
    /// The number of items on a page then, on which `page` depends.
    pub(super) page_size: Option<u32>,
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "umapi-{VERSION}-{:016x}", self.query)?;
        match self.position {
            Position::Within(Within { page, offset, last, total, page_size }) => {
                let last = last.map(|last| format!("{last:016x}")).unwrap_or_default();
                let total = total.map(|total| total.to_string()).unwrap_or_default();
                let page_size = page_size.map(|size| size.to_string()).unwrap_or_default();
                write!(f, "-{page}-{offset}-{last}-{total}-{page_size}")
            }
            Position::End => f.write_str("-end"),
        }
    }
}

impl FromStr for ResumeToken {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::invalid("not a resume token; use the whole text that `resume_token` returned");
        let rest = text.trim().strip_prefix("umapi-").ok_or_else(invalid)?;
        let (version, rest) = rest.split_once('-').ok_or_else(invalid)?;
        match version.parse::<u32>() {
            Ok(VERSION) => {}
            Ok(version) if version > VERSION => {
                return Err(Error::invalid(format!(
                    "the resume token has the format {version} of a newer version of this crate; use that version, or start again"
                )));
            }
            _ => return Err(invalid()),
        }
        let mut parts = rest.split('-');
        let query = parts.next().and_then(|part| u64::from_str_radix(part, 16).ok()).ok_or_else(invalid)?;
        let rest: Vec<&str> = parts.collect();
        let position = match rest.as_slice() {
            ["end"] => Position::End,
            [page, offset, last, total, page_size] => Position::Within(Within {
                page: page.parse().map_err(|_| invalid())?,
                offset: offset.parse().map_err(|_| invalid())?,
                last: optional(last, |last| u64::from_str_radix(last, 16).ok()).ok_or_else(invalid)?,
                total: optional(total, |total| total.parse().ok()).ok_or_else(invalid)?,
                page_size: optional(page_size, |size| size.parse().ok()).ok_or_else(invalid)?,
            }),
            _ => return Err(invalid()),
        };
        Ok(Self { query, position })
    }
}

/// A part that may be empty. `None` if it cannot be read.
fn optional<T>(part: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if part.is_empty() { Some(None) } else { read(part).map(Some) }
}

impl Serialize for ResumeToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResumeToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_survives_a_round_trip(
            query: u64,
            page: u32,
            offset: u32,
            last: Option<u64>,
            total: Option<u64>,
            page_size: Option<u32>,
            is_end: bool,
        ) {
            let within = Within { page, offset, last, total, page_size };
            let position = if is_end { Position::End } else { Position::Within(within) };
            let token = ResumeToken { query, position };
            prop_assert_eq!(token.to_string().parse::<ResumeToken>().unwrap(), token);
            let json = serde_json::to_string(&token).unwrap();
            prop_assert_eq!(serde_json::from_str::<ResumeToken>(&json).unwrap(), token);
        }

        #[test]
        fn other_texts_are_rejected_without_a_panic(text in ".{0,40}|umapi-2-[0-9a-f-]{0,60}") {
            if let Ok(token) = text.parse::<ResumeToken>() {
                prop_assert_eq!(token.to_string().parse::<ResumeToken>().unwrap(), token);
            }
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let error = "umapi-3-whatever".parse::<ResumeToken>().unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("newer version"), "{error}");
        assert!("umapi-0-00-end".parse::<ResumeToken>().unwrap_err().to_string().contains("not a resume token"));
    }
}
