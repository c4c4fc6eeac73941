use crate::clock::EmulatorClock;
use crate::contract::Contract;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::limits::Limits;
use crate::login::Login;
use crate::settings::Settings;
use crate::store::Store;

/// Everything that the connections of one emulator share.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: EmulatorClock,
    pub(crate) contract: Contract,
    pub(crate) login: Login,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) settings: Settings,
}
