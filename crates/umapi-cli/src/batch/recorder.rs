//! The observer of a batch: writes the journal before each request, and updates the progress line.

use std::sync::{Arc, OnceLock};

use umapi::{Observer, PageRead, Progress, RequestStarted, Wait};

use super::{Tickets, give_up};
use crate::{journal::Journal, output::ProgressObserver};

/// Records in the journal what is about to be sent, and updates the progress line.
pub(crate) struct Recorder {
    watch: ProgressObserver,
    tickets: Tickets,
    /// Set before anything is sent.
    journal: Arc<OnceLock<Journal>>,
}

impl Recorder {
    pub(crate) fn new(watch: ProgressObserver, tickets: Tickets, journal: Arc<OnceLock<Journal>>) -> Self {
        Self { watch, tickets, journal }
    }
}

impl Observer for Recorder {
    fn request_started(&self, request: &RequestStarted<'_>) {
        if let Some(journal) = self.journal.get()
            && !request.commands.is_empty()
        {
            let tickets = request.commands.iter().filter_map(|number| self.tickets.look_up(*number));
            journal.begin(tickets.map(|ticket| ticket.number)).unwrap_or_else(|error| give_up(&error));
        }
        self.watch.request_started(request);
    }

    fn wait_begins(&self, wait: &Wait<'_>) {
        self.watch.wait_begins(wait);
    }

    fn page(&self, page: &PageRead<'_>) {
        self.watch.page(page);
    }

    fn progress(&self, progress: &Progress) {
        self.watch.progress(progress);
    }
}
