use crate::clock::EmulatorClock;
use crate::contract::Contract;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::limits::Limits;
use crate::login::Login;
use crate::management::Snapshots;
use crate::origin::Origin;
use crate::seed::SeedError;
use crate::settings::Settings;
use crate::store::{Snapshot, Store, StoreError};

/// Everything that the connections of one emulator share.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) origin: Origin,
    pub(crate) clock: EmulatorClock,
    pub(crate) contract: Contract,
    pub(crate) login: Login,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) settings: Settings,
    /// The states that the management keeps.
    pub(crate) snapshots: Snapshots,
}

impl World {
    /// Puts the state back to a snapshot. Access tokens that are out stay good.
    pub(crate) fn restore(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.store.restore(snapshot)?;
        self.login.keep(&self.store)
    }

    /// Puts the state back to the seed, and forgets what was counted, recorded and ruled: calls, exchanges, faults. The
    /// clock goes on, and access tokens that are out stay good.
    pub(crate) fn reset(&self) -> Result<(), SeedError> {
        self.origin.put_back(&self.store)?;
        self.login.keep(&self.store)?;
        self.limits.clear();
        self.faults.clear();
        self.journal.clear();
        Ok(())
    }
}
