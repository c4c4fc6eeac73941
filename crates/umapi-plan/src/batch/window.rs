//! A table whose keys count up, and which forgets the oldest entries first.

use std::collections::VecDeque;

/// Entries by ever-growing keys, from the oldest that is there to the newest that ever was.
///
/// Commands and units are looked up many times in a short life. This costs a subtraction, and no entry is ever moved.
#[derive(Debug)]
pub(super) struct Window<T> {
    entries: VecDeque<Option<T>>,
    /// The key of the first place.
    oldest: usize,
}

impl<T> Window<T> {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), oldest: 0 }
    }

    /// The key of the next entry.
    pub(super) fn next_key(&self) -> usize {
        self.oldest + self.entries.len()
    }

    /// The number of places from the oldest entry to the newest.
    pub(super) fn span(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn contains(&self, key: usize) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn get(&self, key: usize) -> Option<&T> {
        self.entries.get(key.checked_sub(self.oldest)?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.entries.get_mut(key.checked_sub(self.oldest)?)?.as_mut()
    }

    /// The entries with their keys, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        (self.oldest..).zip(&self.entries).filter_map(|(key, entry)| Some((key, entry.as_ref()?)))
    }

    /// Adds an entry. Returns its key.
    pub(super) fn push(&mut self, entry: T) -> usize {
        let key = self.next_key();
        self.entries.push_back(Some(entry));
        key
    }

    pub(super) fn remove(&mut self, key: usize) -> Option<T> {
        let entry = self.entries.get_mut(key.checked_sub(self.oldest)?)?.take()?;
        while self.entries.front().is_some_and(Option::is_none) {
            self.entries.pop_front();
            self.oldest += 1;
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_and_places_are_freed_from_the_oldest() {
        let mut window = Window::new();
        let keys = ["a", "b", "c"].map(|entry| window.push(entry));
        assert_eq!(window.remove(keys[1]), Some("b"));
        assert_eq!((window.span(), window.get(keys[1]), window.get(keys[2])), (3, None, Some(&"c")));
        assert_eq!(window.remove(keys[0]), Some("a"));
        assert_eq!((window.span(), window.iter().collect::<Vec<_>>()), (1, vec![(keys[2], &"c")]));
        assert_eq!((window.remove(keys[0]), window.contains(keys[0]), window.next_key()), (None, false, 3));
        assert_eq!((window.push("d"), window.remove(keys[2]), window.remove(3)), (3, Some("c"), Some("d")));
        assert!(window.is_empty());
        assert_eq!(window.push("e"), 4);
    }
}
