//! Secrets in the text that people store: its encoding, and the quotes and blank lines around a secret.

use zeroize::Zeroizing;

use crate::{InvalidSetting, Secret};

/// The byte order mark, which editors and PowerShell write at the beginning of a file.
const MARK: char = '\u{feff}';

/// Quotes around a secret: the first and the last character.
const QUOTES: [(char, char); 5] =
    [('"', '"'), ('\'', '\''), ('\u{201c}', '\u{201d}'), ('\u{201e}', '\u{201c}'), ('\u{2018}', '\u{2019}')];

impl Secret {
    /// Decodes the bytes of a file or of stdin: UTF-8, or UTF-16 with a byte order mark. The mark is not part of the text.
    ///
    /// # Errors
    ///
    /// If the bytes are not text in one of these encodings. The error does not quote them.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidSetting> {
        let not_text = || InvalidSetting::new("the text is neither UTF-8 nor UTF-16; save it as UTF-8");
        let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
            let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
            let units: Zeroizing<Vec<u16>> = Zeroizing::new(units.collect());
            if rest.len().is_multiple_of(2) {
                String::from_utf16(&units).map_err(|_| not_text())
            } else {
                Err(not_text())
            }
        };
        let text = match bytes {
            [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes)?,
            [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes)?,
            bytes => std::str::from_utf8(bytes).map_err(|_| not_text())?.trim_start_matches(MARK).to_owned(),
        };
        Ok(Self::from(text))
    }

    /// Reads a secret of one line from text as people store it, e.g. from [decoded](Self::decode) bytes or a variable.
    ///
    /// A byte order mark, blank lines, blanks and one pair of quotes around the secret are not part of it. A secret that
    /// begins and ends with a blank or a quote is written in quotes: [`to_line`](Self::to_line) does that.
    ///
    /// ```
    /// use umapi_http::Secret;
    ///
    /// assert_eq!(Secret::parse("\u{feff}\n \"s8e-EXAMPLE\"\r\n")?.reveal(), "s8e-EXAMPLE");
    /// assert!(Secret::parse("s8e-EXAMPLE\np8e-EXAMPLE").is_err());
    /// # Ok::<(), umapi_http::InvalidSetting>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the text is blank, has several lines, a quote at one end only, or a character that nobody sees. The error does not
    /// quote the text.
    pub fn parse(text: &str) -> Result<Self, InvalidSetting> {
        let is_blank = |c: char| c == MARK || c.is_whitespace();
        let mut lines =
            text.split(['\n', '\r']).map(|line| line.trim_matches(is_blank)).filter(|line| !line.is_empty());
        let line = lines.next().ok_or_else(|| InvalidSetting::new("the text is empty"))?;
        let others = lines.count();
        if others > 0 {
            return Err(InvalidSetting::new(format!(
                "the text has {} lines that are not blank; leave only the secret in it",
                others + 1
            )));
        }
        let secret = without_quotes(line)?;
        if let Some(hidden) = secret.chars().find(|c| is_hidden(*c)) {
            return Err(InvalidSetting::new(format!(
                "the text contains the invisible character U+{:04X}; copy the secret again",
                u32::from(hidden)
            )));
        }
        Ok(Self::from(secret))
    }

    /// Writes a secret of one line so that [`parse`](Self::parse) returns it: in quotes if it needs them.
    #[must_use]
    pub fn to_line(&self) -> Self {
        let is_plain = Self::parse(self.reveal()).is_ok_and(|parsed| parsed == *self);
        if is_plain { self.clone() } else { Self::from(format!("\"{}\"", self.reveal())) }
    }
}

/// The text without one pair of quotes around it.
fn without_quotes(text: &str) -> Result<&str, InvalidSetting> {
    for (open, close) in QUOTES {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            return if inner.is_empty() { Err(InvalidSetting::new("the text is empty")) } else { Ok(inner) };
        }
    }
    let is_open = QUOTES.iter().any(|(open, close)| text.starts_with(*open) || text.ends_with(*close));
    if is_open {
        return Err(InvalidSetting::new(
            "the text has a quote at one end only; remove it or, if it is part of the secret, write the secret in quotes",
        ));
    }
    Ok(text)
}

/// Whether a character of a secret must have come from an editor or a copy: it cannot be typed and is not shown.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, MARK | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(bytes: &[u8]) -> Result<String, String> {
        let decoded = Secret::decode(bytes).map_err(|error| error.to_string())?;
        Secret::parse(decoded.reveal()).map(|secret| secret.reveal().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_around_a_secret_is_part_of_it() {
        for text in [
            "s8e-é",
            "\u{feff}s8e-é\r\n",
            "\n\n  s8e-é \n",
            "\"s8e-é\"\n",
            "'s8e-é'",
            "\u{201e}s8e-é\u{201c}",
            "\n\u{feff}\"s8e-é\"",
        ] {
            assert_eq!(parsed(text.as_bytes()).as_deref(), Ok("s8e-é"), "{text:?}");
            let little: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
            assert_eq!((parsed(&little).as_deref(), parsed(&big).as_deref()), (Ok("s8e-é"), Ok("s8e-é")), "{text:?}");
        }
        assert_eq!(parsed(b"\" a \"").as_deref(), Ok(" a "));
    }

    #[test]
    fn text_that_may_not_be_the_secret_is_rejected_unquoted() {
        for (bytes, named) in [
            (&b""[..], "empty"),
            (b" \r\n", "empty"),
            (b"\"\"", "empty"),
            (b"planted\nplanted", "2 lines"),
            (b"\"planted", "one end"),
            (b"planted'", "one end"),
            (b"plan\tted", "U+0009"),
            (b"plan\0ted", "U+0000"),
            ("plan\u{200b}ted".as_bytes(), "U+200B"),
            (b"planted\xff", "UTF-8"),
            (b"\xff\xfep\0l", "UTF-8"),
            (b"\xff\xfe\x00\xd8", "UTF-8"),
        ] {
            let error = parsed(bytes).unwrap_err();
            assert!(error.contains(named) && !error.contains("planted"), "{bytes:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_secret_survives_its_line(secret in "[ -~é\u{a0}“”„‘’]{1,12}") {
            let secret = Secret::from(secret);
            let line = secret.to_line();
            prop_assert!(Secret::parse(line.reveal()).unwrap() == secret, "{:?}", line.reveal());
        }
    }
}
