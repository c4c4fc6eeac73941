use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::{Manage, ManageError};
use crate::store::Snapshot;

/// The states that are kept under names.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<BTreeMap<String, Snapshot>>);

/// All state at one moment, kept under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SnapshotState {
    /// Its name.
    pub name: String,
    /// How much memory it takes.
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
    /// The snapshots that are kept, by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<SnapshotState> {
        let kept = self.app.snapshots.lock();
        kept.iter().map(|(name, snapshot)| SnapshotState::of(name, snapshot)).collect()
    }

    /// Keeps all state as it is now, under a name. One of the same name is replaced.
    ///
    /// # Errors
    /// If the store fails.
    pub fn create_snapshot(&self, name: &str) -> Result<SnapshotState, ManageError> {
        let snapshot = self.app.store.snapshot()?;
        let state = SnapshotState::of(name, &snapshot);
        self.app.snapshots.lock().insert(name.to_owned(), snapshot);
        Ok(state)
    }

    /// Puts all state back to a snapshot. Access tokens that are out stay good.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn restore_snapshot(&self, name: &str) -> Result<(), ManageError> {
        let snapshot = self.app.snapshots.lock().get(name).cloned();
        Ok(self.app.restore(&snapshot.ok_or_else(|| unknown(name))?)?)
    }

    /// Drops a snapshot.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn delete_snapshot(&self, name: &str) -> Result<(), ManageError> {
        self.app.snapshots.lock().remove(name).map(|_| ()).ok_or_else(|| unknown(name))
    }

    /// Puts all state back to what the emulator was started with, and forgets exchanges, calls that were counted, and fault
    /// rules.
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
