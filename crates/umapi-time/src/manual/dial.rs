use std::collections::BTreeMap;
use std::task::Waker;
use std::time::{Duration, SystemTime};

use crate::Instant;

/// The state of a manual clock: what it shows, and who waits for what.
pub(super) struct Dial {
    now: Instant,
    /// What the wall clock was set to, and when.
    wall: SystemTime,
    wall_set: Instant,
    /// The waiting, by deadline and then by who came first.
    waiting: BTreeMap<Ticket, Waker>,
    next_number: u64,
    /// The grace period of the autopilot; none while frozen.
    grace: Option<Duration>,
    /// Counts everything that happens, so that the autopilot sees whether something did.
    activity: u64,
    holds: usize,
    /// Whether a task is at the controls already.
    pub(super) autopilot: bool,
}

/// A sleeper's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    deadline: Instant,
    number: u64,
}

impl Dial {
    pub(super) fn starting_at(wall: SystemTime) -> Self {
        Self {
            now: Instant::ORIGIN,
            wall,
            wall_set: Instant::ORIGIN,
            waiting: BTreeMap::new(),
            next_number: 0,
            grace: None,
            activity: 0,
            holds: 0,
            autopilot: false,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn wall(&self) -> SystemTime {
        // A time that no calendar of the system can hold stays at the last one set.
        self.wall.checked_add(self.now - self.wall_set).unwrap_or(self.wall)
    }

    pub(super) fn set_wall(&mut self, wall: SystemTime) {
        self.touch();
        self.wall = wall;
        self.wall_set = self.now;
    }

    pub(super) fn advance_to(&mut self, moment: Instant) {
        self.touch();
        self.now = self.now.max(moment);
    }

    /// Puts a sleeper in the queue, behind those with the same deadline.
    pub(super) fn enter(&mut self, deadline: Instant, waker: Waker) -> Ticket {
        self.touch();
        let ticket = Ticket { deadline, number: self.next_number };
        self.next_number += 1;
        self.waiting.insert(ticket, waker);
        ticket
    }

    /// Keeps the waker of a sleeper that was polled again.
    pub(super) fn stay(&mut self, ticket: Ticket, waker: &Waker) {
        if let Some(known) = self.waiting.get_mut(&ticket) {
            known.clone_from(waker);
        }
    }

    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.touch();
        self.waiting.remove(&ticket);
    }

    /// Takes out those whose time has come, earliest deadline first.
    pub(super) fn take_due(&mut self) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            if first.key().deadline > self.now {
                break;
            }
            due.push(first.remove());
        }
        due
    }

    pub(super) fn sleepers(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn wakers(&self) -> Vec<Waker> {
        self.waiting.values().cloned().collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(ticket, _)| ticket.deadline)
    }

    pub(super) fn grace(&self) -> Option<Duration> {
        self.grace
    }

    pub(super) fn set_grace(&mut self, grace: Option<Duration>) {
        self.touch();
        self.grace = grace;
    }

    pub(super) fn touch(&mut self) {
        self.activity = self.activity.wrapping_add(1);
    }

    pub(super) fn activity(&self) -> u64 {
        self.activity
    }

    pub(super) fn hold(&mut self) {
        self.touch();
        self.holds += 1;
    }

    pub(super) fn release(&mut self) {
        self.touch();
        self.holds -= 1;
    }

    pub(super) fn is_held(&self) -> bool {
        self.holds > 0
    }
}
