//! What a list can hold.

use umapi_model::{Configuration, Group, LegacyUser, Product, User, UserGroup};

/// What a list can hold: one of the types of the service that come in pages.
pub trait PageItem: Keyed + Send + Unpin + 'static {}

impl<T: Keyed + Send + Unpin + 'static> PageItem for T {}

/// Tells one item of a list from another, by a number that stays the same from run to run.
pub trait Keyed {
    #[doc(hidden)]
    fn key(&self) -> u64;
}

/// FNV-1a: short, and the same in every version, which a resume token needs.
#[derive(Clone, Copy)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text, and where it ends.
    pub(crate) fn and(self, text: &str) -> Self {
        let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(add(text.as_bytes().iter().fold(self.0, add), &0xff))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

fn key_of(parts: &[&str]) -> u64 {
    parts.iter().fold(Fingerprint::new(), |print, part| print.and(part)).number()
}

impl Keyed for User {
    fn key(&self) -> u64 {
        match (&self.id, &self.email) {
            (Some(id), _) => key_of(&[id]),
            (None, Some(email)) => key_of(&[email]),
            (None, None) => {
                key_of(&[self.username.as_deref().unwrap_or_default(), self.domain.as_deref().unwrap_or_default()])
            }
        }
    }
}

impl Keyed for LegacyUser {
    fn key(&self) -> u64 {
        match (&self.id, &self.email) {
            (Some(id), _) => key_of(&[id]),
            (None, Some(email)) => key_of(&[email]),
            (None, None) => {
                key_of(&[self.username.as_deref().unwrap_or_default(), self.domain.as_deref().unwrap_or_default()])
            }
        }
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
    fn a_key_is_the_same_in_every_version() {
        assert_eq!(User::default().with_id("A@AdobeID").with_email("x").key(), 0xeb50_e3e3_1bf0_e30f);
        assert_ne!(key_of(&["ab", "c"]), key_of(&["a", "bc"]));
        assert_eq!(User::default().with_email("a@b.c").key(), LegacyUser::default().with_email("a@b.c").key());
    }
}
