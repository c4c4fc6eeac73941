//! Finds the items of a list by a key that they hold.

use std::hash::{BuildHasher as _, Hash, RandomState};

use hashbrown::{HashTable, hash_table::Entry};

/// Finds the items of a list by a key that they hold. It keeps their numbers alone, not the keys: four bytes an item.
///
/// Each call gets a function that tells the key of an item, always the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl Index {
    /// An index for this many items.
    pub(crate) fn with_capacity(items: usize) -> Self {
        Self { numbers: HashTable::with_capacity(items), hasher: RandomState::new() }
    }

    /// The item with a key.
    pub(crate) fn find<K: Hash + Eq>(&self, key: &K, key_of: impl Fn(usize) -> Option<K>) -> Option<usize> {
        let is_meant = |number: &u32| key_of(*number as usize).is_some_and(|known| known == *key);
        self.numbers.find(self.hasher.hash_one(key), is_meant).map(|number| *number as usize)
    }

    /// Adds an item of the list. It takes the place of an earlier one with the same key.
    pub(crate) fn insert<K: Hash + Eq>(&mut self, number: usize, key_of: impl Fn(usize) -> Option<K>) {
        let Some(key) = key_of(number) else { return };
        let hash_of = |known: &u32| key_of(*known as usize).map_or(0, |key| self.hasher.hash_one(&key));
        let is_same = |known: &u32| key_of(*known as usize).is_some_and(|known| known == key);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        match self.numbers.entry(self.hasher.hash_one(&key), is_same, hash_of) {
            Entry::Occupied(mut known) => *known.get_mut() = number,
            Entry::Vacant(vacant) => {
                vacant.insert(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_last_item_with_a_key_is_found(keys in proptest::collection::vec(0_u8..50, 0..200)) {
            let mut index = Index::default();
            let key_of = |number: usize| keys.get(number).copied();
            (0..keys.len()).for_each(|number| index.insert(number, key_of));
            let expected: HashMap<u8, usize> = keys.iter().enumerate().map(|(number, key)| (*key, number)).collect();
            for key in 0..50 {
                prop_assert_eq!(index.find(&key, key_of), expected.get(&key).copied());
            }
        }
    }
}
