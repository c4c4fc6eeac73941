//! The state of a manual clock, and its sleepers.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use super::{Shared, autopilot};
use crate::Instant;

/// The state of a manual clock: the time, and the sleepers.
pub(super) struct Timeline {
    now: Instant,
    /// The value that the wall clock was set to, and when.
    wall: SystemTime,
    wall_set: Instant,
    /// The sleepers by deadline, and then in order of arrival.
    waiting: BTreeMap<QueueKey, Waker>,
    next_number: u64,
    /// The grace period; `None` while frozen.
    grace: Option<Duration>,
    /// Counts all activity.
    activity: u64,
    guards: usize,
    /// Whether a task advances the clock already.
    pub(super) has_autopilot: bool,
}

/// The position of a sleeper in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QueueKey {
    deadline: Instant,
    number: u64,
}

impl Timeline {
    pub(super) fn starting_at(wall: SystemTime) -> Self {
        Self {
            now: Instant::ORIGIN,
            wall,
            wall_set: Instant::ORIGIN,
            waiting: BTreeMap::new(),
            next_number: 0,
            grace: None,
            activity: 0,
            guards: 0,
            has_autopilot: false,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn wall(&self) -> SystemTime {
        // If the time is too late for the system, the wall clock stays at the last value that was set.
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

    /// Adds a sleeper to the queue, after those with the same deadline.
    pub(super) fn add(&mut self, deadline: Instant, waker: Waker) -> QueueKey {
        self.touch();
        let key = QueueKey { deadline, number: self.next_number };
        self.next_number += 1;
        self.waiting.insert(key, waker);
        key
    }

    /// Stores the new waker of a sleeper that was polled again.
    pub(super) fn update_waker(&mut self, key: QueueKey, waker: &Waker) {
        if let Some(known) = self.waiting.get_mut(&key) {
            known.clone_from(waker);
        }
    }

    pub(super) fn remove(&mut self, key: QueueKey) {
        self.touch();
        self.waiting.remove(&key);
    }

    /// Removes the sleepers that are due, earliest deadline first.
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
        self.waiting.first_key_value().map(|(key, _)| key.deadline)
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

    pub(super) fn add_guard(&mut self) {
        self.touch();
        self.guards += 1;
    }

    pub(super) fn remove_guard(&mut self) {
        self.touch();
        self.guards -= 1;
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.guards > 0
    }
}

/// A sleep on a manual clock. It joins the queue when first polled and leaves it when dropped.
pub(super) struct Sleeper {
    shared: Arc<Shared>,
    deadline: Instant,
    key: Option<QueueKey>,
}

impl Sleeper {
    pub(super) fn new(shared: Arc<Shared>, deadline: Instant) -> Self {
        Self { shared, deadline, key: None }
    }
}

impl Future for Sleeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (deadline, key) = (self.deadline, self.key);
        let key = self.shared.update(|timeline| match key {
            _ if timeline.now() >= deadline => None,
            Some(key) => {
                timeline.update_waker(key, context.waker());
                Some(key)
            }
            None => Some(timeline.add(deadline, context.waker().clone())),
        });
        self.key = key;
        if key.is_none() {
            return Poll::Ready(());
        }
        autopilot::ensure(&self.shared);
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.shared.update(|timeline| timeline.remove(key));
        }
    }
}
