//! Which command of the file a number of the client means.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where a command stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Counted from 1.
    pub(crate) number: u64,
    /// Counted from 1; nothing if it comes from no file.
    pub(crate) line: Option<u64>,
}

/// The client counts the commands that it is given, from 0. What a journal has already is not given to it, so its numbers are
/// not those of the file. Only commands under way are remembered.
#[derive(Clone, Default)]
pub(crate) struct Tickets(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    issued: u64,
    open: HashMap<u64, Ticket>,
}

impl Tickets {
    /// The next command that the client is given.
    pub(crate) fn issue(&self, ticket: Ticket) {
        let mut state = self.state();
        let number = state.issued;
        state.open.insert(number, ticket);
        state.issued += 1;
    }

    /// The command in the file, under way.
    pub(crate) fn look_up(&self, number: u64) -> Option<Ticket> {
        self.state().open.get(&number).copied()
    }

    /// The command in the file, which has come to its end.
    pub(crate) fn redeem(&self, number: u64) -> Ticket {
        self.state().open.remove(&number).unwrap_or(Ticket { number: number + 1, line: None })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_client_lead_back_to_the_file() {
        let tickets = Tickets::default();
        let second = Ticket { number: 7, line: Some(12) };
        tickets.issue(Ticket { number: 3, line: Some(4) });
        tickets.issue(second);
        assert_eq!(tickets.look_up(1), Some(second));
        assert_eq!(tickets.redeem(1), second);
        assert_eq!(tickets.look_up(1), None);
        assert_eq!(tickets.look_up(0).unwrap().number, 3);
    }
}
