//! Path segments: any text encoded for a path, or refused where no encoding helps.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use progenitor_client::Error;

/// All but the unreserved characters of RFC 3986 and `@`, which organization ids and addresses are full of.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// The text as one segment of a path.
///
/// An empty segment, `.` and `..` would make the path another one, and stay special when encoded: they are refused.
#[expect(clippy::result_large_err, reason = "it is the error type of the generated methods")]
pub(crate) fn segment(parameter: &str, value: &str) -> Result<String, Error<()>> {
    if matches!(value, "" | "." | "..") {
        return Err(Error::InvalidRequest(format!(
            "`{parameter}` is {value:?}, which cannot stand in a path: give a name that is neither empty nor `.` nor `..`"
        )));
    }
    Ok(encode(value))
}

pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

/// A regular expression that matches the encoded text and nothing else.
#[cfg(feature = "mock")]
pub(crate) fn pattern(value: &str) -> String {
    regex::escape(&encode(value))
}

/// A pattern of a generated mock, compiled.
#[cfg(feature = "mock")]
#[expect(clippy::expect_used, reason = "made of literals of generated code and of escaped text")]
pub(crate) fn regex(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern of a generated mock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_make_another_path_is_refused_by_name() {
        for value in ["", ".", ".."] {
            let error = segment("group_name", value).unwrap_err();
            assert!(matches!(&error, Error::InvalidRequest(text) if text.contains("`group_name`")), "{error:?}");
        }
    }

    #[test]
    fn everything_special_is_encoded() {
        assert_eq!(segment("p", "a b/c\\d?e#f%g+h&i").unwrap(), "a%20b%2Fc%5Cd%3Fe%23f%25g%2Bh%26i");
        assert_eq!(segment("p", "12345@AdobeOrg").unwrap(), "12345@AdobeOrg");
        assert_eq!(segment("p", "…").unwrap(), "%E2%80%A6");
        assert_eq!(segment("p", "...").unwrap(), "...");
    }
}
