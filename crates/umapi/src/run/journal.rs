//! A journal: what is about to be sent is recorded before it is.

use std::{
    error, fmt,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, atomic::AtomicBool},
};

use umapi_http::{catch_panic, describe_panic};
use umapi_plan::job::{Job, PackedRequest};
use umapi_time::{Clock, Instant};

use super::StopHandle;
use crate::{
    call,
    error::{Error, Kind},
};

/// A write-ahead journal: the client asks it before it sends commands.
///
/// A process that is killed does not know which of its commands were applied. One that keeps a journal does: commands
/// that were begun and have no recorded outcome may have been, and are marked with
/// [`Command::repeated`](crate::Command::repeated) in the next run.
///
/// ```
/// use std::sync::Mutex;
///
/// use umapi::{Journal, JournalEntry, JournalFuture};
///
/// /// Keeps the lines of a file whose commands were begun.
/// struct Lines(Mutex<Vec<u64>>);
///
/// impl Journal<u64> for Lines {
///     fn begin(&self, commands: &[JournalEntry<'_, u64>]) -> JournalFuture {
///         let lines = commands.iter().map(|command| *command.key);
///         let result = match self.0.lock() {
///             Ok(mut begun) => Ok(begun.extend(lines)),
///             Err(error) => Err(error.to_string().into()),
///         };
///         Box::pin(std::future::ready(result))
///     }
/// }
/// ```
///
/// `K` is the type of the keys of the commands; `()` for commands without keys.
pub trait Journal<K>: Send + Sync + 'static {
    /// Records that these commands are about to be sent. They are sent once the future has completed without an error.
    /// Attempts after the first one of a request are not recorded again.
    ///
    /// An error ends the run: nothing more is sent, and what was not sent is reported as not sent.
    fn begin(&self, commands: &[JournalEntry<'_, K>]) -> JournalFuture;
}

/// A command that is about to be sent.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct JournalEntry<'a, K> {
    /// Its number in the run, counted from 0.
    pub number: usize,
    /// The caller's key.
    pub key: &'a K,
}

/// The error of a journal that cannot be written.
///
/// ```
/// use umapi::JournalError;
///
/// let full: JournalError = std::io::Error::from(std::io::ErrorKind::StorageFull).into();
/// let text = JournalError::from("the journal is closed");
/// ```
pub type JournalError = Box<dyn error::Error + Send + Sync>;

/// What [`Journal::begin`] returns.
pub type JournalFuture = Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>;

/// The journal of a run, if it has one.
pub(super) struct OptionalJournal<K>(Option<Arc<dyn Journal<K>>>);

impl<K: 'static> OptionalJournal<K> {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn some(journal: impl Journal<K>) -> Self {
        Self(Some(Arc::new(journal)))
    }

    /// Asks the journal about a request. `None` if there is no journal.
    pub(super) fn begin(&self, job: &impl Job<Key = K>, request: &PackedRequest) -> Option<JournalFuture> {
        let key = |number: &u64| Some((*number as usize, job.key(*number)?));
        self.begin_with(|| request.numbers.iter().filter_map(key).collect())
    }

    /// Asks the journal about commands by their numbers and keys. `None` if there is no journal.
    pub(super) fn begin_with<'a>(&self, commands: impl FnOnce() -> Vec<(usize, &'a K)>) -> Option<JournalFuture> {
        let journal = self.0.as_ref()?;
        let entries: Vec<JournalEntry<'_, K>> =
            commands().into_iter().map(|(number, key)| JournalEntry { number, key }).collect();
        match std::panic::catch_unwind(AssertUnwindSafe(|| journal.begin(&entries))) {
            Ok(future) => Some(future),
            Err(panic) => {
                let error = describe_panic("journal", &*panic);
                Some(Box::pin(std::future::ready(Err(error.into()))))
            }
        }
    }
}

/// Waits until the journal has recorded a request, unless the run ends first.
pub(super) async fn record(
    journal: JournalFuture,
    clock: &Clock,
    deadline: Option<Instant>,
    stop: &StopHandle,
) -> Result<(), Error> {
    let recorded = async {
        let recorded = catch_panic("journal", journal).await;
        recorded.unwrap_or_else(|panic| Err(panic.into())).map_err(|error| Error::new(Kind::Journal(error.to_string())))
    };
    call::within(clock, deadline, Some(stop), &AtomicBool::new(false), recorded).await
}

impl<K> fmt::Debug for OptionalJournal<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptionalJournal").field(&self.0.is_some()).finish()
    }
}
