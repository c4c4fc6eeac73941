//! From which side each membership is set.
//!
//! Every membership must be set from its user or from its group: the roots that are used are a vertex cover of the
//! bipartite graph of users and groups. A root carries a hundred names a command (fewer if some are added and some
//! removed), so the cost of a root is the number of commands that its names need, and the sum is to be the least.
//!
//! 1. What can only be set from one side is put there.
//! 2. The weight of a root is what it costs to carry all the rest of its memberships too. A **vertex cover of least
//!    weight** is found exactly, by a greatest flow. Where all weights are 0 or 1 and no root has room by step 1 this is
//!    the best there is. All groups, or all users, are covers too: it is never worse than either.
//! 3. Memberships with both ends in the cover can go to either; **rerouting** uses this: for a command that is only there for
//!    a few names, these are moved to roots with room, along chains of such moves if need be. Every command that can be
//!    saved in this way is saved, within a budget of steps.
//! 4. **Opening** ([`opening`](super::opening)): roots that are not in the cover at all are taken in, where one of them
//!    relieves several that are just over a full command.
//!
//! No polynomial way is known to us to be sure of the best for large roots, so [`bounds`](super::bounds) says how far it
//! may be.

use std::collections::HashSet;

use super::bipartite::{Bipartite, Cover, GROUPS, USERS};
use super::builder::{Link, Sides};
use super::change::MembershipAction;
use super::load::Load;

/// Edges looked at for one rerouting, and for all of them.
const STEPS_PER_MOVE: usize = 20_000;
const STEPS_IN_ALL: usize = 40_000_000;

/// The side of each link, and what each root carries by it.
pub(super) struct Assignment<'g> {
    graph: &'g Bipartite,
    links: &'g [Link],
    /// By link: [`USERS`] or [`GROUPS`].
    side: Vec<usize>,
    /// By side and node.
    loads: [Vec<Load>; 2],
    /// What nodes must carry, by side and node.
    fixed: [Vec<Load>; 2],
}

/// The side that each link is set from.
pub(super) fn choose(graph: &Bipartite, links: &[Link]) -> Vec<usize> {
    let fixed = fixed_loads(graph, links);
    let weights = weights(graph, links, &fixed);
    // What only has one side is no matter of choice.
    let free: Vec<u32> = (0..).zip(links).filter(|(_, link)| link.sides == Sides::Either).map(|(i, _)| i).collect();
    let ends = free.iter().map(|link| graph.ends[*link as usize]).collect();
    let choices = Bipartite::new([graph.size(USERS), graph.size(GROUPS)], ends);
    let (cover, _) = choices.least_cover([&weights[USERS], &weights[GROUPS]]);
    let mut assignment = Assignment::new(graph, links, fixed, &cover);
    assignment.improve();
    assignment.side
}

/// What each root must carry because it can be carried nowhere else.
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

/// What it costs each root to carry all that it can.
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
                // Counted as fixed.
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

    fn improve(&mut self) {
        let mut budget = STEPS_IN_ALL;
        loop {
            self.reroute(&mut budget);
            let opened = [USERS, GROUPS].map(|side| budget > 0 && self.open(side));
            if !opened.contains(&true) {
                return;
            }
        }
    }

    /// Saves commands that are there for a few names only, the fewest first, as long as one can be saved.
    fn reroute(&mut self, budget: &mut usize) {
        loop {
            let mut candidates: Vec<(u32, usize, u32)> = Vec::new();
            for side in [USERS, GROUPS] {
                for node in 0..self.graph.size(side) as u32 {
                    let excess = self.savable(side, node);
                    candidates.extend(excess.map(|excess| (excess.iter().sum(), side, node)));
                }
            }
            candidates.sort_unstable();
            let mut saved = 0;
            for (_, side, node) in candidates {
                if *budget == 0 {
                    return;
                }
                saved += usize::from(self.save_command(side, node, budget));
            }
            if saved == 0 {
                return;
            }
        }
    }

    /// The names of each action that must go for the root to need a command less; nothing if it needs all it has.
    pub(super) fn savable(&self, side: usize, node: u32) -> Option<[u32; 2]> {
        let load = self.loads[side][node as usize];
        (load.commands() > self.fixed[side][node as usize].commands()).then(|| load.excess())
    }

    /// Moves links to their other sides, if that saves commands.
    pub(super) fn try_flips(&mut self, links: &[usize]) -> bool {
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

    pub(super) fn size(&self, side: usize) -> usize {
        self.graph.size(side)
    }

    pub(super) fn links_of(&self, side: usize, node: u32) -> impl Iterator<Item = usize> {
        self.graph.edges_of(side, node).iter().map(|link| *link as usize)
    }

    pub(super) fn end(&self, link: usize, side: usize) -> u32 {
        self.graph.ends[link][side]
    }

    pub(super) fn action(&self, link: usize) -> MembershipAction {
        self.links[link].action
    }

    pub(super) fn sides(&self, link: usize) -> Sides {
        self.links[link].sides
    }

    pub(super) fn side_of(&self, link: usize) -> usize {
        self.side[link]
    }

    /// Moves what is too much for one command less to roots with room, if all of it can be moved.
    fn save_command(&mut self, side: usize, node: u32, budget: &mut usize) -> bool {
        let mut flipped = Vec::new();
        let excess = self.loads[side][node as usize].excess();
        for action in [MembershipAction::Add, MembershipAction::Remove] {
            for _ in 0..excess[action as usize] {
                let Some(way) = self.way_to_room(side, node, action, budget) else {
                    flipped.into_iter().rev().for_each(|link| self.flip(link));
                    return false;
                };
                way.iter().for_each(|link| self.flip(*link));
                flipped.extend(way);
            }
        }
        true
    }

    /// Links that, each moved to its other side, take one name from this root to one that has room, at no cost anywhere.
    fn way_to_room(&self, side: usize, node: u32, action: MembershipAction, budget: &mut usize) -> Option<Vec<usize>> {
        // In the order in which they were reached: side, node, the link it was reached by, and from where.
        let mut reached = vec![(side, node, usize::MAX, usize::MAX)];
        let mut seen = HashSet::from([(side, node)]);
        let mut steps = STEPS_PER_MOVE;
        let mut at = 0;
        while let Some(&(side, node, _, _)) = reached.get(at) {
            for link in self.graph.edges_of(side, node).iter().map(|link| *link as usize) {
                if steps == 0 || *budget == 0 {
                    return None;
                }
                (steps, *budget) = (steps - 1, *budget - 1);
                let Link { action: of_link, sides, .. } = self.links[link];
                if self.side[link] != side || of_link != action || sides != Sides::Either {
                    continue;
                }
                let other = self.graph.ends[link][1 - side];
                if !seen.insert((1 - side, other)) {
                    continue;
                }
                reached.push((1 - side, other, link, at));
                if self.loads[1 - side][other as usize].has_room(action) {
                    return Some(way_back(&reached));
                }
            }
            at += 1;
        }
        None
    }
}

fn way_back(reached: &[(usize, u32, usize, usize)]) -> Vec<usize> {
    let mut way = Vec::new();
    let mut at = reached.len() - 1;
    while at != 0 {
        let (_, _, link, from) = reached[at];
        way.push(link);
        at = from;
    }
    way
}
