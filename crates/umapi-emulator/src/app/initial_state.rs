//! The seed that an emulator starts with, and returns to when it is reset.

use std::sync::{Arc, OnceLock};

use crate::{
    credentials,
    limits::LimitSettings,
    seed::{self, Organization, Seed, SeedError},
    store::{Snapshot, Store},
};

/// The seed of an emulator that was given no other.
const DEFAULT_SEED: &str = include_str!("../default-seed.yaml");

/// The most users of a seed that is kept as a snapshot. A larger one would take its memory twice.
const MAX_SNAPSHOT_USERS: usize = 50_000;

/// The seed that an emulator starts with, and returns to when it is reset.
pub(crate) struct InitialState {
    seed: Seed,
    /// The loaded seed: restoring it takes milliseconds, loading it again takes longer.
    snapshot: Arc<OnceLock<Snapshot>>,
}

impl InitialState {
    /// A seed, with ready-made credentials for its first organization.
    pub(crate) fn of(mut seed: Seed) -> Self {
        credentials::add_ready_made(&mut seed);
        Self { seed, snapshot: Arc::default() }
    }

    /// The organization `12345@AdobeOrg`, with users, groups and profiles of every type. It is loaded once per process.
    pub(crate) fn default_seed() -> Result<Self, SeedError> {
        static SNAPSHOT: OnceLock<Arc<OnceLock<Snapshot>>> = OnceLock::new();
        let snapshot = Arc::clone(SNAPSHOT.get_or_init(Arc::default));
        Ok(Self { snapshot, ..Self::of(Seed::from_yaml(DEFAULT_SEED)?) })
    }

    /// The rate limits of the seed.
    pub(crate) fn limits(&self) -> Option<&LimitSettings> {
        self.seed.limits.as_ref()
    }

    /// Loads the seed into an empty store.
    pub(crate) fn load(&self, store: &Store) -> Result<(), SeedError> {
        if let Some(snapshot) = self.snapshot.get() {
            return Ok(store.restore(snapshot)?);
        }
        seed::load(store, &self.seed)?;
        if self.users() <= MAX_SNAPSHOT_USERS {
            let _ = self.snapshot.set(store.snapshot()?);
        }
        Ok(())
    }

    /// Replaces the state of a store by the seed.
    pub(crate) fn restore(&self, store: &Store) -> Result<(), SeedError> {
        if self.snapshot.get().is_some() {
            return self.load(store);
        }
        // In a second store, so that a failure leaves the first one unchanged.
        let fresh = Store::in_memory()?;
        self.load(&fresh)?;
        let snapshot = fresh.snapshot()?;
        drop(fresh);
        Ok(store.restore(&snapshot)?)
    }

    fn users(&self) -> usize {
        let users = |org: &Organization| org.users.len() + org.generate.map_or(0, |generate| generate.users as usize);
        self.seed.organizations.iter().map(users).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{PageRequest, UserQuery};

    fn users(store: &Store) -> usize {
        let page = PageRequest { page: 0, size: 100 };
        store
            .read(|reader| {
                let org = reader.organization("12345@AdobeOrg")?.map_or(0, |org| org.id);
                Ok::<_, SeedError>(reader.users(org, &UserQuery::default(), page)?.map_or(0, |page| page.items.len()))
            })
            .unwrap()
    }

    #[test]
    fn the_default_seed_loads_and_is_restored() {
        for _ in 0..2 {
            let initial = InitialState::default_seed().unwrap();
            let store = Store::in_memory().unwrap();
            initial.load(&store).unwrap();
            let seeded = users(&store);
            assert!(seeded >= 8);
            store.reset().unwrap();
            assert_eq!(users(&store), 0);
            initial.restore(&store).unwrap();
            assert_eq!(users(&store), seeded);
        }
    }

    #[test]
    fn a_seed_without_snapshot_is_restored_too() {
        let yaml = "organizations: [{id: 12345@AdobeOrg, users: [{type: adobeID, email: a@b.example}]}]";
        let initial = InitialState::of(Seed::from_yaml(yaml).unwrap());
        let store = Store::in_memory().unwrap();
        seed::load(&store, &initial.seed).unwrap();
        store.reset().unwrap();
        assert!(initial.snapshot.get().is_none());
        initial.restore(&store).unwrap();
        assert_eq!(users(&store), 1);
    }
}
