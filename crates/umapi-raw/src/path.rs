//! Path segments: encodes any text, and rejects text that cannot be encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use progenitor_client::Error;

/// All characters except the unreserved ones of RFC 3986 and `@`, which all organization ids and email addresses have.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// Encodes a text as one segment of a path.
///
/// An empty segment, `.` and `..` are rejected: they would change the path, even encoded.
#[expect(clippy::result_large_err, reason = "it is the error type of the generated methods")]
pub(crate) fn segment(parameter: &str, value: &str) -> Result<String, Error<()>> {
    if matches!(value, "" | "." | "..") {
        return Err(Error::InvalidRequest(format!(
            "`{parameter}` is {value:?}, which is not possible in a path: use a name other than an empty one, `.` and `..`"
        )));
    }
    Ok(encode(value))
}

pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

/// A regular expression that matches only the encoded text.
#[cfg(feature = "mock")]
pub(crate) fn pattern(value: &str) -> String {
    regex::escape(&encode(value))
}

/// Compiles a pattern of a generated mock.
#[cfg(feature = "mock")]
#[expect(clippy::expect_used, reason = "it consists of literals of generated code and escaped text")]
pub(crate) fn regex(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern of a generated mock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_that_change_the_path_are_rejected() {
        for value in ["", ".", ".."] {
            let error = segment("group_name", value).unwrap_err();
            assert!(matches!(&error, Error::InvalidRequest(text) if text.contains("`group_name`")), "{error:?}");
        }
    }

    #[test]
    fn special_characters_are_encoded() {
        assert_eq!(segment("p", "a b/c\\d?e#f%g+h&i").unwrap(), "a%20b%2Fc%5Cd%3Fe%23f%25g%2Bh%26i");
        assert_eq!(segment("p", "12345@AdobeOrg").unwrap(), "12345@AdobeOrg");
        assert_eq!(segment("p", "…").unwrap(), "%E2%80%A6");
        assert_eq!(segment("p", "...").unwrap(), "...");
    }
}
