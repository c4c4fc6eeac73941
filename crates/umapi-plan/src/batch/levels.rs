//! How many unsent units have how long a chain after them, and so how many requests are at least needed.

/// A histogram of heights. The height of a unit is the number of units in the longest chain that begins with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    /// By height, from 1.
    counts: Vec<u32>,
    total: usize,
}

impl Levels {
    pub(crate) fn add(&mut self, height: u32) {
        let index = height as usize - 1;
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
    }

    pub(crate) fn remove(&mut self, height: u32) {
        self.counts[height as usize - 1] -= 1;
        self.total -= 1;
        while self.counts.last() == Some(&0) {
            self.counts.pop();
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// No schedule needs fewer requests of `places` units each. A unit of height `h` has a chain of `h - 1` requests
    /// after it; so the units of at least that height must all be in requests before these.
    pub(crate) fn lower_bound(&self, places: usize) -> usize {
        let mut at_least = 0;
        let bounds = self.counts.iter().enumerate().rev().map(|(after, count)| {
            at_least += *count as usize;
            after + at_least.div_ceil(places)
        });
        bounds.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(heights: &[u32]) -> usize {
        let mut levels = Levels::default();
        heights.iter().for_each(|height| levels.add(*height));
        levels.lower_bound(10)
    }

    #[test]
    fn the_bound_is_the_longer_of_chain_and_crowd() {
        assert_eq!(bound(&[]), 0);
        assert_eq!(bound(&[1; 25]), 3);
        assert_eq!(bound(&[5, 4, 3, 2, 1]), 5);
        // Eleven groups to make, and then one user in each.
        assert_eq!(bound(&[[2; 11], [1; 11]].concat()), 3);
        assert_eq!(bound(&[[2; 20], [1; 20]].concat()), 4);
    }

    #[test]
    fn what_is_taken_out_no_longer_counts() {
        let mut levels = Levels::default();
        [3, 2, 1].into_iter().for_each(|height| levels.add(height));
        levels.remove(3);
        assert_eq!((levels.lower_bound(10), levels.total()), (2, 2));
    }
}
