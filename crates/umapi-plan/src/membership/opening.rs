//! New roots that save more commands than they cost.
//!
//! A hundred and one users in the same two groups are two commands for each group, and three in all if one user is a root
//! too: both groups then have a hundred left. So roots that are a few names over a full command are looked for, and roots on
//! their other side that relieve most of them at once, the greediest first, as long as this saves something.

use std::collections::{BTreeMap, BinaryHeap};

use super::bipartite::{GROUPS, USERS};
use super::builder::Sides;
use super::sides::Assignment;

/// The names over a full command up to which a root is looked at. A root on the other side takes one name of it at most.
const LARGEST_EXCESS: u32 = 5;
/// Links that a new root takes at most, so that one command carries them, whatever their actions.
const LINKS_PER_ROOT: usize = 90;

impl Assignment<'_> {
    /// Opens roots on the side that is not `full`, as long as that saves commands. Whether it did.
    pub(super) fn open(&mut self, full: usize) -> bool {
        let mut over = self.slightly_full(full);
        let mut heap: BinaryHeap<(usize, u32)> =
            self.openers(full, &over).into_iter().map(|(node, n)| (n, node)).collect();
        let (mut moved, mut saved, mut opened, mut best) = (Vec::new(), 0, 0, (0, 0));
        while let Some((promised, opener)) = heap.pop() {
            let links = self.relief(1 - full, opener, &over);
            if links.len() < promised {
                // Others were quicker: it is worth less by now.
                if !links.is_empty() {
                    heap.push((links.len(), opener));
                }
                continue;
            }
            for link in &links {
                let (node, action) = (self.end(*link, full), self.action(*link));
                if let Some(excess) = over.get_mut(&node) {
                    excess[action as usize] -= 1;
                    saved += usize::from(*excess == [0, 0]);
                }
            }
            moved.extend(links);
            opened += 1;
            if saved > opened && saved - opened > best.0 {
                best = (saved - opened, moved.len());
            }
            // No further root can save more than what is left.
            if over.values().filter(|excess| **excess != [0, 0]).count() + saved <= opened + best.0 {
                break;
            }
        }
        moved.truncate(best.1);
        self.try_flips(&moved)
    }

    /// Roots that are a few names over a full command, and how many of each action.
    fn slightly_full(&self, side: usize) -> BTreeMap<u32, [u32; 2]> {
        let excess = |node| {
            let excess = self.savable(side, node)?;
            (excess.iter().sum::<u32>() <= LARGEST_EXCESS).then_some((node, excess))
        };
        (0..self.size(side) as u32).filter_map(excess).collect()
    }

    /// Roots of the other side, and how many of these each could relieve. Also those that relieve only one, which saves
    /// nothing by itself: it may be the last of several.
    fn openers(&self, full: usize, over: &BTreeMap<u32, [u32; 2]>) -> BTreeMap<u32, usize> {
        let mut openers = BTreeMap::new();
        for node in over.keys() {
            for link in self.links_of(full, *node).filter(|link| self.is_movable(*link, full)) {
                *openers.entry(self.end(link, 1 - full)).or_insert(0) += 1;
            }
        }
        openers
    }

    /// The links by which a root relieves others.
    fn relief(&self, side: usize, node: u32, over: &BTreeMap<u32, [u32; 2]>) -> Vec<usize> {
        let relieves = |link: &usize| {
            self.is_movable(*link, 1 - side)
                && over.get(&self.end(*link, 1 - side)).is_some_and(|excess| excess[self.action(*link) as usize] > 0)
        };
        self.links_of(side, node).filter(relieves).take(LINKS_PER_ROOT).collect()
    }

    /// Whether the link is set from this side and could be from the other.
    fn is_movable(&self, link: usize, side: usize) -> bool {
        debug_assert!(side == USERS || side == GROUPS);
        self.side_of(link) == side && self.sides(link) == Sides::Either
    }
}
