//! Distinguished names, in the form in which they are compared.

use std::fmt;

/// A distinguished name in the form in which names are compared: small letters, no blanks around separators, one spelling
/// of each escape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Dn(Box<str>);

impl Dn {
    /// The comparable form of a name.
    pub(super) fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        for part in split(text, |byte| byte == b',' || byte == b';') {
            let mut pairs: Vec<String> = split(part, |byte| byte == b'+').into_iter().map(pair).collect();
            pairs.sort();
            parts.push(pairs.join("+"));
        }
        Self(parts.join(",").into())
    }

    /// Whether the name is below another one, or the same.
    pub(super) fn is_within(&self, base: &Self) -> bool {
        base.0.is_empty() || *self.0 == *base.0 || self.0.strip_suffix(&*base.0).is_some_and(|rest| rest.ends_with(','))
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits a name at separators that are neither escaped nor quoted.
fn split(text: &str, is_separator: impl Fn(u8) -> bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped, mut is_quoted) = (0, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            byte if !is_quoted && is_separator(byte) => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `CN = Ann` as `cn=ann`, with its escapes resolved and those written anew that separators need.
fn pair(text: &str) -> String {
    let (name, value) = text.split_once('=').unwrap_or(("", text));
    let mut plain = String::new();
    // Outer blanks do not count in comparisons, not even escaped ones.
    for character in unescape(value.trim()).trim().to_lowercase().chars() {
        if matches!(character, ',' | ';' | '+' | '=' | '"' | '\\') {
            plain.push('\\');
        }
        plain.push(character);
    }
    format!("{}={plain}", name.trim().to_ascii_lowercase())
}

/// The value without quotes and escapes. `\2C` and `\,` are a comma.
fn unescape(text: &str) -> String {
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        // A sign in front of a digit is not hexadecimal, although the parser of numbers takes it.
        let hex = bytes.get(index + 1..index + 3).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'\\', Some(value)) => {
                plain.push(value);
                index += 3;
            }
            (b'\\', None) => {
                plain.extend(bytes.get(index + 1));
                index += 2;
            }
            _ => {
                plain.push(byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_are_equal() {
        for (one, other) in [
            ("CN=Ann Lee,OU=People,DC=example,DC=com", "cn=ann lee, ou=people , dc=Example,dc=COM"),
            (r"CN=Lee\, Ann,DC=a", r"cn=lee\2c ann,dc=a"),
            (r"CN=Lee\, Ann,DC=a", "cn=\"Lee, Ann\",dc=a"),
            (r"CN=M\C3\BCller,DC=a", "cn=müller,dc=a"),
            ("CN=a+OU=b,DC=c", "ou=b+cn=a,dc=c"),
            (r"CN=a\+1b,DC=c", r"cn=a\2b1b,dc=c"),
            (r"CN=\ a\20,DC=c", "cn=a,dc=c"),
        ] {
            assert_eq!(Dn::new(one), Dn::new(other));
        }
        assert_ne!(Dn::new(r"CN=a\,b,DC=c"), Dn::new("CN=a,b=,DC=c"));
    }

    #[test]
    fn a_name_is_within_its_base() {
        let base = Dn::new("OU=People,DC=a");
        assert!(Dn::new("cn=x,ou=people,dc=a").is_within(&base) && base.is_within(&base));
        assert!(!Dn::new("cn=x,ou=morepeople,dc=a").is_within(&Dn::new("people,dc=a")));
        assert!(!Dn::new("dc=a").is_within(&base));
    }

    proptest! {
        #[test]
        fn the_form_of_a_name_is_stable(pairs in proptest::collection::vec(("[a-zA-Z]{1,5}", ".{0,12}"), 1..4)) {
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", ldap3::dn_escape(value.as_str())));
            let once = Dn::new(&pairs.collect::<Vec<_>>().join(","));
            prop_assert_eq!(Dn::new(&once.to_string()), once);
        }

        #[test]
        fn any_text_has_a_form(text in ".{0,30}") {
            let form = Dn::new(&text);
            prop_assert!(form.is_within(&form));
        }
    }
}
