//! The choice of the side from which each membership is set.
//!
//! Every membership must be set from its user or from its group: the roots in use are a vertex cover of the bipartite
//! graph of users and groups. A root carries a hundred names per command (fewer if some are added and some removed), so
//! the cost of a root is the number of commands for its names. The sum of the costs is to be minimal.
//!
//! 1. Memberships that can only be set from one side are assigned to it.
//! 2. The weight of a root is the cost of carrying all the rest of its memberships too. A **vertex cover of least weight**
//!    is found exactly, by a maximum flow. Where all weights are 0 or 1 and no root has room from step 1, this is the
//!    optimum. All groups, or all users, are covers too: the result is never worse than either.
//! 3. **Opening**: roots outside the cover are taken in where one of them relieves several roots that are just over a full
//!    command. A hundred and one users in the same two groups are two commands per group, and three in all if one user is
//!    a root too: both groups then have a hundred left. So roots that are a few names over a full command are looked for,
//!    and roots on their other side that relieve most of them at once, greediest first, as long as this saves something.
//!
//! No polynomial algorithm is known to us that guarantees the optimum for large roots; [`bounds`](super::bounds) tells how
//! far the result may be from it.

use std::collections::{BTreeMap, BinaryHeap, HashSet};

use umapi_model::limits::{NAMES_PER_LIST, STEPS_PER_COMMAND};

use super::{
    change::MembershipAction,
    cover::{Bipartite, Cover, GROUPS, USERS},
    plan::{Link, Sides},
};

/// The most names in one command.
pub(super) const NAMES_PER_COMMAND: usize = NAMES_PER_LIST * STEPS_PER_COMMAND;
/// The most names over a full command for a root to be relieved. A root on the other side takes at most one name of it.
const LARGEST_EXCESS: u32 = 5;
/// The most links that a new root takes, so that one command carries them, whatever their actions.
const LINKS_PER_ROOT: usize = 90;

/// The names that one root adds and removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    names: [u32; 2],
}

impl Load {
    pub(super) fn add(&mut self, action: MembershipAction) {
        self.names[action as usize] += 1;
    }

    pub(super) fn take(&mut self, action: MembershipAction) {
        self.names[action as usize] -= 1;
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { names: [self.names[0] + other.names[0], self.names[1] + other.names[1]] }
    }

    pub(super) fn total(self) -> usize {
        (self.names[0] + self.names[1]) as usize
    }

    fn lists(self) -> u32 {
        self.names.iter().map(|names| names.div_ceil(NAMES_PER_LIST as u32)).sum()
    }

    /// The number of commands: ten lists each, and a list adds up to ten names or removes up to ten.
    pub(super) fn commands(self) -> u32 {
        self.lists().div_ceil(STEPS_PER_COMMAND as u32)
    }

    /// Whether one more name needs no further command.
    pub(super) fn has_room(self, action: MembershipAction) -> bool {
        let mut more = self;
        more.add(action);
        more.commands() == self.commands()
    }

    /// The fewest names of each action that must go to save a command.
    pub(super) fn excess(self) -> [u32; 2] {
        let (mut left, mut moved) = (self, [0, 0]);
        while left.commands() == self.commands() && left.total() > 0 {
            // The last list of the action: the shortest one goes first.
            let last = |action: usize| match left.names[action] {
                0 => u32::MAX,
                names => (names - 1) % NAMES_PER_LIST as u32 + 1,
            };
            let action = usize::from(last(1) < last(0));
            moved[action] += last(action);
            left.names[action] -= last(action);
        }
        moved
    }
}

/// The side of each link, and the load of each root.
struct Assignment<'g> {
    graph: &'g Bipartite,
    links: &'g [Link],
    /// [`USERS`] or [`GROUPS`], by link.
    side: Vec<usize>,
    /// By side and node.
    loads: [Vec<Load>; 2],
    /// The loads that have no other side, by side and node.
    fixed: [Vec<Load>; 2],
}

/// Returns the side from which each link is set.
pub(super) fn choose(graph: &Bipartite, links: &[Link]) -> Vec<usize> {
    let fixed = fixed_loads(graph, links);
    let weights = weights(graph, links, &fixed);
    // Links with only one side are not part of the choice.
    let free: Vec<u32> = (0..).zip(links).filter(|(_, link)| link.sides == Sides::Either).map(|(i, _)| i).collect();
    let ends = free.iter().map(|link| graph.ends[*link as usize]).collect();
    let choices = Bipartite::new([graph.size(USERS), graph.size(GROUPS)], ends);
    let (cover, _) = choices.least_cover([&weights[USERS], &weights[GROUPS]]);
    let mut assignment = Assignment::new(graph, links, fixed, &cover);
    while [USERS, GROUPS].map(|side| assignment.open(side)).contains(&true) {}
    assignment.side
}

/// The load of each root that has no other side.
pub(super) fn fixed_loads(graph: &Bipartite, links: &[Link]) -> [Vec<Load>; 2] {
    let mut fixed = [USERS, GROUPS].map(|side| vec![Load::default(); graph.size(side)]);
    for (link, ends) in links.iter().zip(&graph.ends) {
        match link.sides {
            Sides::Either => {}
            Sides::UserOnly => fixed[USERS][ends[USERS] as usize].add(link.action),
            Sides::GroupOnly => fixed[GROUPS][ends[GROUPS] as usize].add(link.action),
        }
    }
    fixed
}

/// The cost for each root of carrying all that it can.
fn weights(graph: &Bipartite, links: &[Link], fixed: &[Vec<Load>; 2]) -> [Vec<u32>; 2] {
    let mut free = [USERS, GROUPS].map(|side| vec![Load::default(); graph.size(side)]);
    for (link, ends) in links.iter().zip(&graph.ends).filter(|(link, _)| link.sides == Sides::Either) {
        for side in [USERS, GROUPS] {
            free[side][ends[side] as usize].add(link.action);
        }
    }
    [USERS, GROUPS].map(|side| {
        let cost = |(fixed, free): (&Load, &Load)| fixed.plus(*free).commands() - fixed.commands();
        fixed[side].iter().zip(&free[side]).map(cost).collect()
    })
}

impl<'g> Assignment<'g> {
    fn new(graph: &'g Bipartite, links: &'g [Link], fixed: [Vec<Load>; 2], cover: &Cover) -> Self {
        let mut all = Self { graph, links, side: vec![USERS; links.len()], loads: fixed.clone(), fixed };
        let mut either = Vec::new();
        for (i, link) in links.iter().enumerate() {
            let ends = graph.ends[i];
            let is_in = |side: usize| cover[side][ends[side] as usize];
            match link.sides {
                // Counted in the fixed loads.
                Sides::UserOnly => all.side[i] = USERS,
                Sides::GroupOnly => all.side[i] = GROUPS,
                Sides::Either => match (is_in(USERS), is_in(GROUPS)) {
                    (true, false) => all.put(i, USERS),
                    (false, true) => all.put(i, GROUPS),
                    _ => either.push(i),
                },
            }
        }
        for i in either {
            let room = |side: usize| all.loads[side][graph.ends[i][side] as usize].has_room(links[i].action);
            all.put(i, if room(USERS) && !room(GROUPS) { USERS } else { GROUPS });
        }
        all
    }

    fn put(&mut self, link: usize, side: usize) {
        self.side[link] = side;
        self.loads[side][self.graph.ends[link][side] as usize].add(self.links[link].action);
    }

    fn flip(&mut self, link: usize) {
        let (from, action) = (self.side[link], self.links[link].action);
        self.loads[from][self.graph.ends[link][from] as usize].take(action);
        self.put(link, 1 - from);
    }

    /// The names of each action that must go for the root to need a command less. `None` if it needs all its commands.
    fn savable(&self, side: usize, node: u32) -> Option<[u32; 2]> {
        let load = self.loads[side][node as usize];
        (load.commands() > self.fixed[side][node as usize].commands()).then(|| load.excess())
    }

    /// Moves links to their other sides if that saves commands. Returns whether it does.
    fn try_flips(&mut self, links: &[usize]) -> bool {
        let cost = |all: &Self| -> usize {
            let both = links.iter().flat_map(|link| [(USERS, all.end(*link, USERS)), (GROUPS, all.end(*link, GROUPS))]);
            let touched: HashSet<(usize, u32)> = both.collect();
            touched.into_iter().map(|(side, node)| all.loads[side][node as usize].commands() as usize).sum()
        };
        let before = cost(self);
        links.iter().for_each(|link| self.flip(*link));
        let is_better = cost(self) < before;
        if !is_better {
            links.iter().for_each(|link| self.flip(*link));
        }
        is_better
    }

    fn size(&self, side: usize) -> usize {
        self.graph.size(side)
    }

    fn links_of(&self, side: usize, node: u32) -> impl Iterator<Item = usize> {
        self.graph.edges_of(side, node).iter().map(|link| *link as usize)
    }

    fn end(&self, link: usize, side: usize) -> u32 {
        self.graph.ends[link][side]
    }

    fn action(&self, link: usize) -> MembershipAction {
        self.links[link].action
    }

    fn sides(&self, link: usize) -> Sides {
        self.links[link].sides
    }

    fn side_of(&self, link: usize) -> usize {
        self.side[link]
    }

    /// Opens roots on the side opposite to `full` as long as that saves commands. Returns whether it did.
    fn open(&mut self, full: usize) -> bool {
        let mut over = self.slightly_full(full);
        let mut heap: BinaryHeap<(usize, u32)> =
            self.openers(full, &over).into_iter().map(|(node, n)| (n, node)).collect();
        let (mut moved, mut saved, mut opened, mut best) = (Vec::new(), 0, 0, (0, 0));
        while let Some((promised, opener)) = heap.pop() {
            let links = self.relief(1 - full, opener, &over);
            if links.len() < promised {
                // Other roots took some of its links: it is worth less now.
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
            // No further root can save more than what remains.
            if over.values().filter(|excess| **excess != [0, 0]).count() + saved <= opened + best.0 {
                break;
            }
        }
        moved.truncate(best.1);
        self.try_flips(&moved)
    }

    /// The roots that are a few names over a full command, with the number of names of each action.
    fn slightly_full(&self, side: usize) -> BTreeMap<u32, [u32; 2]> {
        let excess = |node| {
            let excess = self.savable(side, node)?;
            (excess.iter().sum::<u32>() <= LARGEST_EXCESS).then_some((node, excess))
        };
        (0..self.size(side) as u32).filter_map(excess).collect()
    }

    /// The roots of the other side, with the number of full roots that each could relieve. This includes roots that
    /// relieve only one, which saves nothing by itself: it may be the last of several.
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

    /// Whether the link is set from this side and could be set from the other.
    fn is_movable(&self, link: usize, side: usize) -> bool {
        debug_assert!(side == USERS || side == GROUPS);
        self.side_of(link) == side && self.sides(link) == Sides::Either
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(adds: u32, removes: u32) -> Load {
        Load { names: [adds, removes] }
    }

    #[test]
    fn lists_hold_ten_names_of_one_action_and_commands_ten_lists() {
        for (adds, removes, commands) in
            [(0, 0, 0), (1, 0, 1), (100, 0, 1), (101, 0, 2), (91, 9, 2), (90, 10, 1), (5, 5, 1)]
        {
            assert_eq!(load(adds, removes).commands(), commands, "{adds}, {removes}");
        }
    }

    #[test]
    fn room_and_excess_are_about_lists() {
        assert!(load(95, 0).has_room(MembershipAction::Add) && !load(95, 0).has_room(MembershipAction::Remove));
        assert!(!load(0, 0).has_room(MembershipAction::Add) && !load(100, 0).has_room(MembershipAction::Add));
        for (adds, removes, excess) in
            [(104, 0, [4, 0]), (91, 9, [1, 0]), (98, 2, [0, 2]), (7, 0, [7, 0]), (110, 5, [10, 5])]
        {
            assert_eq!(load(adds, removes).excess(), excess, "{adds}, {removes}");
        }
    }
}
