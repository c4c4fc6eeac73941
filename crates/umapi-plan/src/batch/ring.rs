//! A table whose keys count up, and which forgets the oldest first.

use std::collections::VecDeque;

/// Entries by ever-growing keys. Room is given back as soon as everything older is gone too.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    entries: VecDeque<Option<T>>,
    first: usize,
    live: usize,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> Self {
        Self { entries: VecDeque::new(), first: 0, live: 0 }
    }

    /// The key that the next entry gets.
    pub(crate) fn next_key(&self) -> usize {
        self.first + self.entries.len()
    }

    pub(crate) fn insert(&mut self, entry: T) -> usize {
        let key = self.next_key();
        self.entries.push_back(Some(entry));
        self.live += 1;
        key
    }

    pub(crate) fn get(&self, key: usize) -> Option<&T> {
        self.entries.get(key.checked_sub(self.first)?)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.entries.get_mut(key.checked_sub(self.first)?)?.as_mut()
    }

    pub(crate) fn remove(&mut self, key: usize) -> Option<T> {
        let entry = self.entries.get_mut(key.checked_sub(self.first)?)?.take()?;
        self.live -= 1;
        while self.entries.front().is_some_and(Option::is_none) {
            self.entries.pop_front();
            self.first += 1;
        }
        Some(entry)
    }

    pub(crate) fn contains(&self, key: usize) -> bool {
        self.get(key).is_some()
    }

    /// Entries that are there.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// From the oldest entry that is there to the newest that ever was.
    pub(crate) fn span(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = usize> {
        let first = self.first;
        self.entries.iter().enumerate().filter(|(_, entry)| entry.is_some()).map(move |(i, _)| first + i)
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn keys_stay_and_room_is_given_back_from_the_oldest() {
        let mut ring = Ring::new();
        let keys: Vec<_> = ["a", "b", "c"].into_iter().map(|entry| ring.insert(entry)).collect();
        assert_eq!(ring.remove(keys[1]), Some("b"));
        assert_eq!((ring.len(), ring.span(), ring.get(keys[1]), ring.get(keys[2])), (2, 3, None, Some(&"c")));
        assert_eq!(ring.remove(keys[0]), Some("a"));
        assert_eq!((ring.len(), ring.span(), ring.keys().collect::<Vec<_>>()), (1, 1, vec![keys[2]]));
        assert_eq!(ring.remove(keys[0]), None);
        assert_eq!(ring.insert("d"), 3);
    }
}
