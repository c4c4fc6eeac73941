//! The items of lists.

use umapi_model::{Configuration, Group, LegacyUser, Product, User, UserGroup, UserType};

/// An item of a list: one of the types that the service returns in pages.
pub trait PageItem: Keyed + Send + Sync + Unpin + 'static {}

impl<T: Keyed + Send + Sync + Unpin + 'static> PageItem for T {}

/// Identifies an item of a list by a number that is the same in every run. An item without a name has no key.
pub trait Keyed {
    #[doc(hidden)]
    fn key(&self) -> Option<u64>;
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

/// The key of names that are not all empty.
fn key_of_names(names: &[Option<&str>], kind: &str) -> Option<u64> {
    let names = names.iter().map(|name| name.unwrap_or_default());
    if names.clone().all(str::is_empty) {
        return None;
    }
    Some(names.fold(Fingerprint::new(), Fingerprint::and).and(kind).number())
}

/// The key of a user: the id, or the account type with the email address, or with the username and its domain. Accounts of
/// two types may have the same address.
fn key_of_user(user: [Option<&str>; 4], user_type: Option<&UserType>) -> Option<u64> {
    let [id, email, username, domain] = user;
    let user_type = user_type.map(UserType::as_str).unwrap_or_default();
    let by_username = || key_of_names(&[username, domain], user_type);
    key_of_names(&[id], "").or_else(|| key_of_names(&[email], user_type)).or_else(by_username)
}

impl Keyed for User {
    fn key(&self) -> Option<u64> {
        let names = [&self.id, &self.email, &self.username, &self.domain].map(Option::as_deref);
        key_of_user(names, self.type_.as_ref())
    }
}

impl Keyed for LegacyUser {
    fn key(&self) -> Option<u64> {
        let names = [&self.id, &self.email, &self.username, &self.domain].map(Option::as_deref);
        key_of_user(names, self.user_type.as_ref())
    }
}

impl Keyed for Group {
    fn key(&self) -> Option<u64> {
        self.group_id.or_else(|| key_of_names(&[Some(&self.group_name)], ""))
    }
}

impl Keyed for UserGroup {
    fn key(&self) -> Option<u64> {
        Some(self.group_id)
    }
}

impl Keyed for Product {
    fn key(&self) -> Option<u64> {
        key_of_names(&[Some(&self.id)], "")
    }
}

impl Keyed for Configuration {
    fn key(&self) -> Option<u64> {
        key_of_names(&[Some(&self.id)], "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(parts: &[&str]) -> u64 {
        parts.iter().fold(Fingerprint::new(), |print, part| print.and(part)).number()
    }

    #[test]
    fn keys_are_the_same_in_every_version() {
        assert_eq!(key_of(&["A@AdobeID"]), 0xf053_cbc8_2c1a_798b);
        assert_eq!(User::default().with_id("A@AdobeID").with_email("x").key(), Some(key_of(&["A@AdobeID", ""])));
        assert_ne!(key_of(&["ab", "c"]), key_of(&["a", "bc"]));
        assert_eq!(User::default().with_email("a@b.c").key(), LegacyUser::default().with_email("a@b.c").key());
    }

    #[test]
    fn the_type_of_an_account_is_part_of_its_key() {
        let user = |user_type| User::default().with_email("a@b.c").with_type(user_type).key();
        assert_ne!(user(UserType::FederatedId), user(UserType::AdobeId));
    }

    #[test]
    fn a_user_without_names_has_no_key() {
        assert_eq!(User::default().with_id("").with_firstname("Ann").key(), None);
    }
}
