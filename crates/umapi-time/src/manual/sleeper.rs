use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::dial::Ticket;
use super::{Shared, autopilot};
use crate::Instant;

/// One sleep on a manual clock. It joins the queue when first polled and leaves it when dropped.
pub(super) struct Sleeper {
    shared: Arc<Shared>,
    deadline: Instant,
    ticket: Option<Ticket>,
}

impl Sleeper {
    pub(super) fn new(shared: Arc<Shared>, deadline: Instant) -> Self {
        Self { shared, deadline, ticket: None }
    }
}

impl Future for Sleeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (deadline, ticket) = (self.deadline, self.ticket);
        let ticket = self.shared.turn(|dial| match ticket {
            _ if dial.now() >= deadline => None,
            Some(ticket) => {
                dial.stay(ticket, context.waker());
                Some(ticket)
            }
            None => Some(dial.enter(deadline, context.waker().clone())),
        });
        self.ticket = ticket;
        if ticket.is_none() {
            return Poll::Ready(());
        }
        autopilot::ensure(&self.shared);
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.turn(|dial| dial.leave(ticket));
        }
    }
}
