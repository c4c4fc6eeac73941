//! A lower bound on the number of commands, for any choice of sides.
//!
//! For each connected component the bound is the greatest of these, and the components are added up:
//!
//! * a command carries a hundred names, so there are at least as many commands as hundreds of memberships;
//! * memberships with only one side need their commands there; and each of several memberships that share no root with
//!   each other or with these needs a command of its own (a maximum matching: Kőnig's bound);
//! * prices: a membership that is carried by a root of `d` memberships costs at least one part in `min(d, 100)` of a
//!   command. So each group has, for every number of commands that it might use, a price for the rest on the side of the
//!   users; the least of these prices is the least cost of the group. The same holds with the sides exchanged.

use super::{
    choice::{Load, NAMES_PER_COMMAND, fixed_loads},
    cover::{Bipartite, GROUPS, USERS},
    plan::{Link, Sides},
};

/// Returns a lower bound on the number of commands.
pub(super) fn lower_bound(graph: &Bipartite, links: &[Link]) -> usize {
    let (component, count) = graph.components();
    let fixed = fixed_loads(graph, links);
    let mut names = vec![0_usize; count];
    component.iter().for_each(|component| names[*component as usize] += 1);
    let matching = by_matching(graph, links, &fixed, &component, count);
    let prices = [USERS, GROUPS].map(|side| by_prices(graph, links, &fixed, side, &component, count));
    (0..count)
        .map(|i| {
            let prices = prices.iter().map(|prices| prices[i]).fold(0.0, f64::max);
            // Rounding may lift a sum of fractions above a whole number.
            let prices = (prices - 1e-6).ceil().max(0.0) as usize;
            names[i].div_ceil(NAMES_PER_COMMAND).max(matching[i]).max(prices)
        })
        .sum()
}

fn by_matching(
    graph: &Bipartite,
    links: &[Link],
    fixed: &[Vec<Load>; 2],
    component: &[u32],
    count: usize,
) -> Vec<usize> {
    let mut bounds = vec![0; count];
    for side in [USERS, GROUPS] {
        for node in 0..graph.size(side) as u32 {
            if let Some(edge) = graph.edges_of(side, node).first() {
                bounds[component[*edge as usize] as usize] += fixed[side][node as usize].commands() as usize;
            }
        }
    }
    let is_free = |side: usize, ends: [u32; 2]| fixed[side][ends[side] as usize].total() == 0;
    let apart: Vec<usize> = (0..links.len())
        .filter(|link| links[*link].sides == Sides::Either)
        .filter(|link| is_free(USERS, graph.ends[*link]) && is_free(GROUPS, graph.ends[*link]))
        .collect();
    let sizes = [graph.size(USERS), graph.size(GROUPS)];
    let rest = Bipartite::new(sizes, apart.iter().map(|link| graph.ends[*link]).collect());
    let ones = sizes.map(|size| vec![1; size]);
    let (_, matched) = rest.least_cover([&ones[USERS], &ones[GROUPS]]);
    for (link, _) in apart.iter().zip(matched).filter(|(_, matched)| *matched > 0) {
        bounds[component[*link] as usize] += 1;
    }
    bounds
}

/// The least cost of the nodes of one side, each with the prices of what it leaves to the other side.
fn by_prices(
    graph: &Bipartite,
    links: &[Link],
    fixed: &[Vec<Load>; 2],
    side: usize,
    component: &[u32],
    count: usize,
) -> Vec<f64> {
    let price = |edge: u32| {
        let other = graph.ends[edge as usize][1 - side];
        1.0 / graph.edges_of(1 - side, other).len().min(NAMES_PER_COMMAND) as f64
    };
    let mut bounds = vec![0.0; count];
    for node in 0..graph.size(side) as u32 {
        let edges = graph.edges_of(side, node);
        let Some(first) = edges.first() else { continue };
        let must_go_to_other = if side == USERS { Sides::GroupOnly } else { Sides::UserOnly };
        let mut free: Vec<f64> = Vec::new();
        let mut cost = 0.0;
        for edge in edges {
            match links[*edge as usize].sides {
                Sides::Either => free.push(price(*edge)),
                sides if sides == must_go_to_other => cost += price(*edge),
                _ => {}
            }
        }
        // The cheapest names are left to the other side first.
        free.sort_by(f64::total_cmp);
        let mut left = vec![0.0; free.len() + 1];
        for (i, price) in free.iter().enumerate() {
            left[i + 1] = left[i] + price;
        }
        let here = fixed[side][node as usize].total();
        let least = here.div_ceil(NAMES_PER_COMMAND);
        let most = (here + free.len()).div_ceil(NAMES_PER_COMMAND);
        let choices = (least..=most).map(|commands| {
            let rest = (here + free.len()).saturating_sub(commands * NAMES_PER_COMMAND);
            commands as f64 + left[rest.min(free.len())]
        });
        bounds[component[*first as usize] as usize] += cost + choices.fold(f64::MAX, f64::min);
    }
    bounds
}
