//! The items of lists.

use umapi_model::{Configuration, Group, LegacyUser, Product, User, UserGroup};

/// An item of a list: one of the types that the service returns in pages.
pub trait PageItem: Keyed + Send + Unpin + 'static {}

impl<T: Keyed + Send + Unpin + 'static> PageItem for T {}

/// Identifies an item of a list by a number that is the same in every run.
pub trait Keyed {
    #[doc(hidden)]
    fn key(&self) -> u64;
}

/// A fast hash that is the same in every version and on every machine, as resume tokens need it.
#[derive(Clone, Copy)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// An odd number without a pattern: the fraction of the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    pub(crate) fn new() -> Self {
        Self(0)
    }

    /// Adds a text and its length.
    pub(crate) fn and(self, text: &str) -> Self {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let words = words.iter().chain([&last, &(text.len() as u64).to_le_bytes()]).fold(self.0, |hash, word| {
            let mixed = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(Self::FACTOR);
            mixed ^ (mixed >> 32)
        });
        Self(words)
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

fn key_of(parts: &[&str]) -> u64 {
    parts.iter().fold(Fingerprint::new(), |print, part| print.and(part)).number()
}

/// The key of a user: the id, the email address, or the username with its domain.
fn key_of_user(id: Option<&str>, email: Option<&str>, username: Option<&str>, domain: Option<&str>) -> u64 {
    match id.or(email) {
        Some(name) => key_of(&[name]),
        None => key_of(&[username.unwrap_or_default(), domain.unwrap_or_default()]),
    }
}

impl Keyed for User {
    fn key(&self) -> u64 {
        key_of_user(self.id.as_deref(), self.email.as_deref(), self.username.as_deref(), self.domain.as_deref())
    }
}

impl Keyed for LegacyUser {
    fn key(&self) -> u64 {
        key_of_user(self.id.as_deref(), self.email.as_deref(), self.username.as_deref(), self.domain.as_deref())
    }
}

impl Keyed for Group {
    fn key(&self) -> u64 {
        match self.group_id {
            Some(id) => id,
            None => key_of(&[&self.group_name]),
        }
    }
}

impl Keyed for UserGroup {
    fn key(&self) -> u64 {
        self.group_id
    }
}

impl Keyed for Product {
    fn key(&self) -> u64 {
        key_of(&[&self.id])
    }
}

impl Keyed for Configuration {
    fn key(&self) -> u64 {
        key_of(&[&self.id])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_in_every_version() {
        assert_eq!(User::default().with_id("A@AdobeID").with_email("x").key(), 0xf053_cbc8_2c1a_798b);
        assert_ne!(key_of(&["ab", "c"]), key_of(&["a", "bc"]));
        assert_eq!(User::default().with_email("a@b.c").key(), LegacyUser::default().with_email("a@b.c").key());
    }
}
