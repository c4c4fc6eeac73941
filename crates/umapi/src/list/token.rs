//! Where a list was left, as a text that can be kept.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::error::Error;

/// The form of today's tokens.
const VERSION: u32 = 1;

/// Where a list was left. Keep it as a text ([`Display`](fmt::Display), [`FromStr`], or serde), and give it to the same
/// list another day: it goes on with the very next item.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let mut users = client.users().list();
/// users.try_next().await?;
/// let kept = users.resume_token().to_string();
///
/// let mut rest = client.users().list().resume(&kept.parse()?)?;
/// rest.try_next().await?;
/// # Ok(())
/// # }
/// ```
///
/// What is in it is no promise. It holds no names and no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResumeToken {
    pub(super) query: u64,
    pub(super) place: Place,
}

/// A place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Behind so many items of a page, of which the last has this key. The total was this.
    Within { page: u32, offset: u32, behind: u64, total: Option<u64> },
    /// Behind the last item.
    End,
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "umapi-{VERSION}-{:016x}", self.query)?;
        match self.place {
            Place::Within { page, offset, behind, total } => {
                write!(f, "-{page}-{offset}-{behind:016x}")?;
                total.map_or(Ok(()), |total| write!(f, "-{total}"))
            }
            Place::End => f.write_str("-end"),
        }
    }
}

impl FromStr for ResumeToken {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::invalid("this is no resume token: give the text that `resume_token` gave, whole");
        let rest = text.trim().strip_prefix("umapi-").ok_or_else(invalid)?;
        let (version, rest) = rest.split_once('-').ok_or_else(invalid)?;
        match version.parse::<u32>() {
            Ok(VERSION) => {}
            Ok(version) if version > VERSION => {
                return Err(Error::invalid(format!(
                    "the resume token was written by a newer version of this crate (form {version}): use that, or begin anew"
                )));
            }
            _ => return Err(invalid()),
        }
        let mut parts = rest.split('-');
        let query = parts.next().and_then(|part| u64::from_str_radix(part, 16).ok()).ok_or_else(invalid)?;
        let rest: Vec<&str> = parts.collect();
        let place = match rest.as_slice() {
            ["end"] => Place::End,
            [page, offset, behind, total @ ..] if total.len() < 2 => Place::Within {
                page: page.parse().map_err(|_| invalid())?,
                offset: offset.parse().map_err(|_| invalid())?,
                behind: u64::from_str_radix(behind, 16).map_err(|_| invalid())?,
                total: total.first().map(|total| total.parse()).transpose().map_err(|_| invalid())?,
            },
            _ => return Err(invalid()),
        };
        Ok(Self { query, place })
    }
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
        fn a_token_survives_being_kept(query: u64, page: u32, offset: u32, behind: u64, total: Option<u64>, is_end: bool) {
            let place = if is_end { Place::End } else { Place::Within { page, offset, behind, total } };
            let token = ResumeToken { query, place };
            prop_assert_eq!(token.to_string().parse::<ResumeToken>().unwrap(), token);
            let json = serde_json::to_string(&token).unwrap();
            prop_assert_eq!(serde_json::from_str::<ResumeToken>(&json).unwrap(), token);
        }

        #[test]
        fn what_is_no_token_is_refused_without_a_panic(text in ".{0,40}|umapi-1-[0-9a-f-]{0,60}") {
            if let Ok(token) = text.parse::<ResumeToken>() {
                prop_assert_eq!(token.to_string().parse::<ResumeToken>().unwrap(), token);
            }
        }
    }

    #[test]
    fn a_newer_version_is_named() {
        let error = "umapi-2-whatever".parse::<ResumeToken>().unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("newer version"), "{error}");
        assert!("umapi-0-00-end".parse::<ResumeToken>().unwrap_err().to_string().contains("no resume token"));
    }
}
