//! Snapshots of the whole state, and the reset.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::{Manage, ManageError};
use crate::store::Snapshot;

/// The named snapshots.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<BTreeMap<String, Snapshot>>);

/// A named snapshot of the whole state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SnapshotState {
    /// The name.
    pub name: String,
    /// The size in memory.
    pub bytes: usize,
}

impl Snapshots {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.lock().iter()).finish()
    }
}

impl SnapshotState {
    fn of(name: &str, snapshot: &Snapshot) -> Self {
        Self { name: name.to_owned(), bytes: snapshot.as_bytes().len() }
    }
}

impl Manage {
    /// The snapshots, by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<SnapshotState> {
        let kept = self.app.snapshots.lock();
        kept.iter().map(|(name, snapshot)| SnapshotState::of(name, snapshot)).collect()
    }

    /// Saves the whole state under a name. An existing snapshot of the name is replaced.
    ///
    /// ```
    /// use umapi_emulator::{Emulator, SnapshotState};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manage = Emulator::start().await?.manage();
    /// let SnapshotState { bytes, .. } = manage.create_snapshot("before the migration")?;
    /// println!("{bytes} bytes");
    /// manage.restore_snapshot("before the migration")?;
    /// manage.delete_snapshot("before the migration")?;
    /// assert!(manage.snapshots().is_empty());
    ///
    /// // A state to keep: a seed for another day.
    /// let seed = manage.export()?;
    /// manage.reset()?;
    /// # let _ = seed;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the store fails.
    pub fn create_snapshot(&self, name: &str) -> Result<SnapshotState, ManageError> {
        let snapshot = self.app.store.snapshot()?;
        let state = SnapshotState::of(name, &snapshot);
        self.app.snapshots.lock().insert(name.to_owned(), snapshot);
        Ok(state)
    }

    /// Restores the state of a snapshot. Issued access tokens stay valid.
    ///
    /// # Errors
    /// If the snapshot does not exist.
    pub fn restore_snapshot(&self, name: &str) -> Result<(), ManageError> {
        let snapshot = self.app.snapshots.lock().get(name).cloned();
        Ok(self.app.restore(&snapshot.ok_or_else(|| unknown(name))?)?)
    }

    /// Deletes a snapshot.
    ///
    /// # Errors
    /// If the snapshot does not exist.
    pub fn delete_snapshot(&self, name: &str) -> Result<(), ManageError> {
        self.app.snapshots.lock().remove(name).map(|_| ()).ok_or_else(|| unknown(name))
    }

    /// Restores the initial state, and clears the journal, the counted calls and the fault rules.
    ///
    /// # Errors
    /// If the store fails.
    pub fn reset(&self) -> Result<(), ManageError> {
        Ok(self.app.reset()?)
    }
}

fn unknown(name: &str) -> ManageError {
    ManageError::not_found("emulator.snapshot.unknown", format!("Snapshot {name} was not found"))
}
