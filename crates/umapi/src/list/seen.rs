//! Which items came lately, in bounded memory.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
};

/// Remembers the keys of at least the last `span` items, and of at most twice as many.
///
/// A list that changes moves items across the border of neighbouring pages, so an item that comes twice comes twice within
/// a few pages.
pub(super) struct Seen {
    span: usize,
    younger: HashSet<u64, BuildHasherDefault<Itself>>,
    older: HashSet<u64, BuildHasherDefault<Itself>>,
}

impl Seen {
    pub(super) fn lately(span: usize) -> Self {
        Self { span, younger: HashSet::default(), older: HashSet::default() }
    }

    /// Remembers a key, and says whether it is new.
    pub(super) fn insert(&mut self, key: u64) -> bool {
        if self.younger.len() == self.span {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(key) && !self.older.contains(&key)
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only numbers are hashed here; anything else still gets a hash that is right.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        // Ids that count up would otherwise share their upper bits.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_lately_is_known_and_memory_is_bounded() {
        for lately in [1, 50, 99] {
            let mut seen = Seen::lately(100);
            for key in 0..10_000 {
                assert!(seen.insert(key), "{key} is new");
                assert!(!seen.insert(key));
                assert!(seen.younger.len() + seen.older.len() <= 200);
            }
            assert!(!seen.insert(9_999 - lately), "it came {lately} before the last");
            assert!(seen.insert(9_000), "what is long past is forgotten");
        }
    }
}
