//! The names of the keys in Redis.

use aws_lc_rs::digest;
use umapi::RateLimitScope;

/// The first part of every key, with the version of what is kept.
const PREFIX: &str = "umapi:1";

/// The keys of one API key of one organization. All of them have the same hash tag, so that they are on one node of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    tag: String,
}

impl Keys {
    pub(crate) fn new(organization: &str, api_key: &str) -> Self {
        let text = format!("{}\n{api_key}", organization.to_ascii_lowercase());
        Self { tag: hex(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16]) }
    }

    /// What tells these keys from those of other API keys.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    pub(crate) fn rate(&self, scope: RateLimitScope) -> String {
        let name = match scope {
            RateLimitScope::Class(class) => format!("class:{}", class.as_str()),
            RateLimitScope::FirstPage(operation) => format!("first-page:{}", operation.id()),
            // A scope of a later version has its own name.
            other => format!("other:{other:?}"),
        };
        format!("{PREFIX}:{{{}}}:{name}", self.tag)
    }

    /// The token that is sealed with this key.
    pub(crate) fn token(&self, key_id: &str) -> String {
        format!("{PREFIX}:{{{}}}:token:{key_id}", self.tag)
    }

    /// The lock of a login.
    pub(crate) fn login(&self, key_id: &str) -> String {
        format!("{PREFIX}:{{{}}}:login:{key_id}", self.tag)
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use umapi::model::{Operation, ThrottleClass};

    use super::*;

    #[test]
    fn keys_name_no_organization_and_share_a_hash_tag() {
        let keys = Keys::new("1F@AdobeOrg", "api-key");
        let names = [
            keys.rate(ThrottleClass::Action.into()),
            keys.rate(RateLimitScope::FirstPage(Operation::ListUsers)),
            keys.token("00ff"),
            keys.login("00ff"),
        ];
        for (index, name) in names.iter().enumerate() {
            assert!(name.starts_with(&format!("umapi:1:{{{}}}:", keys.tag())), "{name}");
            assert!(!name.contains("AdobeOrg") && !name.contains("api-key"), "{name}");
            assert!(!names[..index].contains(name), "{name} is given twice");
        }
        assert_eq!(keys.tag(), Keys::new("1f@adobeorg", "api-key").tag());
        assert_ne!(keys.tag(), Keys::new("1F@AdobeOrg", "API-KEY").tag());
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
