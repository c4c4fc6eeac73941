//! Which commands set the memberships.

use std::fmt;

use umapi_model::limits;

use super::bipartite::{Bipartite, GROUPS, USERS};
use super::bounds::lower_bound;
use super::builder::{Link, Memberships};
use super::job::MembershipJob;
use super::load::Load;
use super::sides;

/// From which side each membership is set, and how many requests that takes.
#[derive(Debug)]
pub struct MembershipPlan {
    pub(super) memberships: Memberships,
    /// Every membership once.
    pub(super) links: Vec<Link>,
    /// By the caller's number.
    pub(super) link_of: Vec<u32>,
    /// By link: from the user or from the group.
    pub(super) side: Vec<usize>,
    commands: usize,
    lower_bound: usize,
}

impl MembershipPlan {
    pub(super) fn new(memberships: Memberships, links: Vec<Link>, link_of: Vec<u32>) -> Self {
        let sizes = [memberships.users.len(), memberships.groups.len()];
        let graph = Bipartite::new(sizes, links.iter().map(|link| [link.user, link.group]).collect());
        let side = sides::choose(&graph, &links);
        let mut loads = [USERS, GROUPS].map(|side| vec![Load::default(); graph.size(side)]);
        for (link, side) in side.iter().enumerate() {
            loads[*side][graph.ends[link][*side] as usize].add(links[link].action);
        }
        let commands = loads.iter().flatten().map(|load| load.commands() as usize).sum();
        let lower_bound = lower_bound(&graph, &links).min(commands);
        Self { memberships, links, link_of, side, commands, lower_bound }
    }

    /// The memberships, each counted once.
    pub fn memberships(&self) -> usize {
        self.links.len()
    }

    /// How many of them are set from the group.
    pub fn from_groups(&self) -> usize {
        self.side.iter().filter(|side| **side == GROUPS).count()
    }

    /// The commands that are sent if nothing is refused.
    pub fn commands(&self) -> usize {
        self.commands
    }

    /// The requests that are sent if nothing is refused, and if no request is over its limit of bytes.
    pub fn requests(&self) -> usize {
        self.commands.div_ceil(limits::COMMANDS_PER_REQUEST)
    }

    /// A number of requests below which no choice of sides can be.
    pub fn lower_bound(&self) -> usize {
        self.lower_bound.div_ceil(limits::COMMANDS_PER_REQUEST)
    }

    /// Whether it is proven that there is no way with fewer requests.
    pub fn is_optimal(&self) -> bool {
        self.requests() == self.lower_bound()
    }

    #[cfg(test)]
    pub(super) fn command_bound(&self) -> usize {
        self.lower_bound
    }

    /// Turns the plan into a job that sends it.
    pub fn into_job(self) -> MembershipJob {
        MembershipJob::new(self)
    }
}

impl fmt::Display for MembershipPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (memberships, requests, bound) = (self.memberships(), self.requests(), self.lower_bound());
        write!(f, "{memberships} memberships by {} commands in {requests} requests", self.commands)?;
        if self.is_optimal() { f.write_str(", the fewest") } else { write!(f, ", at least {bound} are needed") }
    }
}
