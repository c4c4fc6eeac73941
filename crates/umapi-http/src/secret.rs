//! Text that must not be printed.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A client secret, a passphrase, a signed JWT or an access token.
///
/// It cannot be printed, compares in constant time, and is wiped from memory when dropped.
///
/// ```
/// let secret = umapi_http::Secret::from("s8e-EXAMPLE");
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// assert_eq!(secret.reveal(), "s8e-EXAMPLE");
/// ```
///
/// The generated crate `umapi-model` has a `Secret` of its own, because it depends on nothing but serde.
///
/// A secret that is read from a file may have the encoding and the line break of an editor:
///
/// ```
/// use umapi_http::Secret;
///
/// let file = Secret::decode(b"\xef\xbb\xbfs8e-EXAMPLE\r\n")?;
/// let secret = Secret::parse(file.reveal())?;
/// assert!(secret.reveal() == "s8e-EXAMPLE" && !secret.is_blank());
/// assert_eq!(Secret::from(" blank ").to_line().reveal(), "\" blank \"");
/// # Ok::<(), umapi_http::InvalidSetting>(())
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Zeroize for Secret {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl Secret {
    /// Returns the text. Use it to send the secret, for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty or white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}
