//! The bipartite graph of users and groups, and its vertex covers.

use std::collections::VecDeque;

/// The edges between users and groups.
#[derive(Debug)]
pub(super) struct Bipartite {
    /// The user and the group of each edge.
    pub(super) ends: Vec<[u32; 2]>,
    /// For each side, the edges of each node.
    incident: [Incident; 2],
}

/// The side of the users in [`Bipartite`].
pub(super) const USERS: usize = 0;
/// The side of the groups in [`Bipartite`].
pub(super) const GROUPS: usize = 1;

#[derive(Debug)]
struct Incident {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

/// For each side, which nodes are in a cover.
pub(super) type Cover = [Vec<bool>; 2];

/// Not visited.
const UNSEEN: u32 = u32::MAX;

impl Bipartite {
    pub(super) fn new(sizes: [usize; 2], ends: Vec<[u32; 2]>) -> Self {
        let incident = [USERS, GROUPS].map(|side| Incident::new(sizes[side], ends.iter().map(|ends| ends[side])));
        Self { ends, incident }
    }

    pub(super) fn size(&self, side: usize) -> usize {
        self.incident[side].starts.len() - 1
    }

    pub(super) fn edges_of(&self, side: usize, node: u32) -> &[u32] {
        let Incident { starts, edges } = &self.incident[side];
        &edges[starts[node as usize] as usize..starts[node as usize + 1] as usize]
    }

    /// Returns the connected component of each edge, and the number of components.
    pub(super) fn components(&self) -> (Vec<u32>, usize) {
        let mut component = vec![UNSEEN; self.ends.len()];
        let mut seen = [vec![false; self.size(USERS)], vec![false; self.size(GROUPS)]];
        let mut count = 0;
        let mut stack = Vec::new();
        for user in 0..self.size(USERS) as u32 {
            if seen[USERS][user as usize] || self.edges_of(USERS, user).is_empty() {
                continue;
            }
            seen[USERS][user as usize] = true;
            stack.push((USERS, user));
            while let Some((side, node)) = stack.pop() {
                for edge in self.edges_of(side, node) {
                    component[*edge as usize] = count;
                    let other = self.ends[*edge as usize][1 - side];
                    if !std::mem::replace(&mut seen[1 - side][other as usize], true) {
                        stack.push((1 - side, other));
                    }
                }
            }
            count += 1;
        }
        (component, count as usize)
    }

    /// Returns a cover of least weight, and the flow through each edge. It is found by a maximum flow from users to groups.
    ///
    /// With all weights 1 this is the matching of Hopcroft and Karp with Kőnig's cover of the same size; with other
    /// weights it is Dinic's flow with the minimum cut. Both are exact.
    pub(super) fn least_cover(&self, weights: [&[u32]; 2]) -> (Cover, Vec<u32>) {
        let mut flow = Flow::new(self, weights);
        while flow.layer() {
            for user in 0..self.size(USERS) as u32 {
                while flow.left[USERS][user as usize] > 0 && flow.augment(user) {}
            }
        }
        // The nodes that can still be reached from a user with remaining capacity are on the near side of the cut.
        let reached = |side: usize| flow.levels[side].iter().map(|level| *level != UNSEEN);
        let cover = [reached(USERS).map(|reached| !reached).collect(), reached(GROUPS).collect()];
        (cover, flow.flow)
    }
}

impl Incident {
    fn new(nodes: usize, of_edge: impl Iterator<Item = u32> + Clone) -> Self {
        let mut starts = vec![0_u32; nodes + 1];
        of_edge.clone().for_each(|node| starts[node as usize + 1] += 1);
        for i in 0..nodes {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut edges = vec![0; starts[nodes] as usize];
        for (edge, node) in of_edge.enumerate() {
            edges[next[node as usize] as usize] = edge as u32;
            next[node as usize] += 1;
        }
        Self { starts, edges }
    }
}

struct Flow<'g> {
    graph: &'g Bipartite,
    /// By edge.
    flow: Vec<u32>,
    /// The remaining capacity, by side and node.
    left: [Vec<u32>; 2],
    levels: [Vec<u32>; 2],
    /// The next edge to try, by side and node.
    next: [Vec<u32>; 2],
}

impl<'g> Flow<'g> {
    fn new(graph: &'g Bipartite, weights: [&[u32]; 2]) -> Self {
        Self {
            graph,
            flow: vec![0; graph.ends.len()],
            left: weights.map(<[u32]>::to_vec),
            levels: [USERS, GROUPS].map(|side| vec![UNSEEN; graph.size(side)]),
            next: [USERS, GROUPS].map(|side| vec![0; graph.size(side)]),
        }
    }

    /// Numbers the nodes by their distance from users with remaining capacity. Returns whether a group with remaining
    /// capacity was found.
    fn layer(&mut self) -> bool {
        let mut queue = VecDeque::new();
        for side in [USERS, GROUPS] {
            self.levels[side].fill(UNSEEN);
            self.next[side].fill(0);
        }
        for (user, _) in self.left[USERS].iter().enumerate().filter(|(_, left)| **left > 0) {
            self.levels[USERS][user] = 0;
            queue.push_back((USERS, user as u32));
        }
        let mut found = false;
        while let Some((side, node)) = queue.pop_front() {
            let level = self.levels[side][node as usize] + 1;
            for edge in self.graph.edges_of(side, node) {
                if side == GROUPS && self.flow[*edge as usize] == 0 {
                    continue;
                }
                let other = self.graph.ends[*edge as usize][1 - side];
                let seen = &mut self.levels[1 - side][other as usize];
                if *seen == UNSEEN {
                    *seen = level;
                    found |= side == USERS && self.left[GROUPS][other as usize] > 0;
                    queue.push_back((1 - side, other));
                }
            }
        }
        found
    }

    /// Sends more from this user along a shortest path. Returns whether there was one.
    fn augment(&mut self, start: u32) -> bool {
        let mut path: Vec<u32> = Vec::new();
        let (mut side, mut node) = (USERS, start);
        loop {
            if side == GROUPS && self.left[GROUPS][node as usize] > 0 {
                self.push(start, &path, node);
                return true;
            }
            let step = self.step(side, node);
            if let Some(edge) = step {
                path.push(edge);
                node = self.graph.ends[edge as usize][1 - side];
                side = 1 - side;
                continue;
            }
            // A dead end: go back, and do not visit it again.
            self.levels[side][node as usize] = UNSEEN - 1;
            let Some(edge) = path.pop() else { return false };
            side = 1 - side;
            node = self.graph.ends[edge as usize][side];
            self.next[side][node as usize] += 1;
        }
    }

    /// The next edge that leads to the next level.
    fn step(&mut self, side: usize, node: u32) -> Option<u32> {
        let edges = self.graph.edges_of(side, node);
        let next = &mut self.next[side][node as usize];
        while let Some(edge) = edges.get(*next as usize) {
            let other = self.graph.ends[*edge as usize][1 - side];
            let is_open = side == USERS || self.flow[*edge as usize] > 0;
            if is_open && self.levels[1 - side][other as usize] == self.levels[side][node as usize].wrapping_add(1) {
                return Some(*edge);
            }
            *next += 1;
        }
        None
    }

    fn push(&mut self, start: u32, path: &[u32], end: u32) {
        let back = path.iter().skip(1).step_by(2).map(|edge| self.flow[*edge as usize]);
        let ends = [self.left[USERS][start as usize], self.left[GROUPS][end as usize]];
        let amount = back.chain(ends).min().unwrap_or(0);
        for (i, edge) in path.iter().enumerate() {
            if i % 2 == 0 {
                self.flow[*edge as usize] += amount;
            } else {
                self.flow[*edge as usize] -= amount;
            }
        }
        self.left[USERS][start as usize] -= amount;
        self.left[GROUPS][end as usize] -= amount;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weight(cover: &Cover, weights: &[Vec<u32>; 2]) -> u32 {
        let side = |side: usize| cover[side].iter().zip(&weights[side]).filter(|(is_in, _)| **is_in).map(|(_, w)| w);
        side(USERS).chain(side(GROUPS)).sum()
    }

    proptest! {
        #[test]
        fn no_cover_is_lighter(
            ends in prop::collection::vec((0..6_u32, 0..6_u32), 0..16),
            users in prop::collection::vec(0..4_u32, 6),
            groups in prop::collection::vec(0..4_u32, 6),
        ) {
            let graph = Bipartite::new([6, 6], ends.iter().map(|(user, group)| [*user, *group]).collect());
            let weights = [users, groups];
            let (cover, _) = graph.least_cover([&weights[0], &weights[1]]);
            for (user, group) in &ends {
                prop_assert!(cover[USERS][*user as usize] || cover[GROUPS][*group as usize]);
            }
            // Users outside the cover force their groups into it.
            let best = (0..64_u32)
                .map(|chosen| {
                    let users: Vec<bool> = (0..6).map(|i| chosen & (1 << i) != 0).collect();
                    let mut groups = vec![false; 6];
                    ends.iter().filter(|(user, _)| !users[*user as usize]).for_each(|(_, group)| groups[*group as usize] = true);
                    weight(&[users, groups], &weights)
                })
                .min();
            prop_assert_eq!(Some(weight(&cover_of_edges(&cover, &graph), &weights)), best);
        }
    }

    /// The cover without the nodes that have no edge.
    fn cover_of_edges(cover: &Cover, graph: &Bipartite) -> Cover {
        [USERS, GROUPS].map(|side| {
            let used = |(node, is_in): (usize, &bool)| *is_in && !graph.edges_of(side, node as u32).is_empty();
            cover[side].iter().enumerate().map(used).collect()
        })
    }

    #[test]
    fn components_are_found() {
        let graph = Bipartite::new([4, 3], vec![[0, 0], [1, 1], [2, 0], [3, 2], [3, 1]]);
        let (components, count) = graph.components();
        assert_eq!((components, count), (vec![0, 1, 0, 1, 1], 2));
    }
}
