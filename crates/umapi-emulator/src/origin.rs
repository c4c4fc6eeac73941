use std::sync::{Arc, OnceLock};

use crate::credentials;
use crate::seed::{self, Organization, Seed, SeedError};
use crate::store::{Snapshot, Store};

/// The organization of an emulator that was told no other.
const DEFAULT_SEED: &str = include_str!("default-seed.yaml");

/// A seed of more users is not kept as a snapshot beside the state: it would take its memory twice.
const KEPT_USERS: usize = 50_000;

/// The seed that an emulator begins with, and begins with anew when it is reset.
pub(crate) struct Origin {
    seed: Seed,
    /// What the seed makes: putting it back takes milliseconds, and making it again takes longer.
    made: Arc<OnceLock<Snapshot>>,
}

impl Origin {
    /// A seed, with credentials that are ready for its first organization.
    pub(crate) fn of(mut seed: Seed) -> Self {
        credentials::make_ready(&mut seed);
        Self { seed, made: Arc::default() }
    }

    /// The organization `12345@AdobeOrg`, with users, groups and profiles of every kind. It is made once in a process.
    pub(crate) fn default_seed() -> Result<Self, SeedError> {
        static MADE: OnceLock<Arc<OnceLock<Snapshot>>> = OnceLock::new();
        let made = Arc::clone(MADE.get_or_init(Arc::default));
        Ok(Self { made, ..Self::of(Seed::from_yaml(DEFAULT_SEED)?) })
    }

    /// Puts the seed into a store that is empty.
    pub(crate) fn load(&self, store: &Store) -> Result<(), SeedError> {
        if let Some(made) = self.made.get() {
            return Ok(store.restore(made)?);
        }
        seed::load(store, &self.seed)?;
        if self.users() <= KEPT_USERS {
            let _ = self.made.set(store.snapshot()?);
        }
        Ok(())
    }

    /// Puts a store back to the seed.
    pub(crate) fn put_back(&self, store: &Store) -> Result<(), SeedError> {
        if self.made.get().is_some() {
            return self.load(store);
        }
        // Beside, so that a failure leaves the store as it was.
        let fresh = Store::in_memory()?;
        self.load(&fresh)?;
        let made = fresh.snapshot()?;
        drop(fresh);
        Ok(store.restore(&made)?)
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
    fn the_default_seed_is_good_and_comes_back() {
        for _ in 0..2 {
            let origin = Origin::default_seed().unwrap();
            let store = Store::in_memory().unwrap();
            origin.load(&store).unwrap();
            let seeded = users(&store);
            assert!(seeded >= 8);
            store.reset().unwrap();
            assert_eq!(users(&store), 0);
            origin.put_back(&store).unwrap();
            assert_eq!(users(&store), seeded);
        }
    }

    #[test]
    fn a_seed_of_which_no_snapshot_is_kept_comes_back_too() {
        let yaml = "organizations: [{id: 12345@AdobeOrg, users: [{type: adobeID, email: a@b.example}]}]";
        let origin = Origin::of(Seed::from_yaml(yaml).unwrap());
        let store = Store::in_memory().unwrap();
        seed::load(&store, &origin.seed).unwrap();
        store.reset().unwrap();
        assert!(origin.made.get().is_none());
        origin.put_back(&store).unwrap();
        assert_eq!(users(&store), 1);
    }
}
