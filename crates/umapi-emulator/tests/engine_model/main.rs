//! A property test of the action engine against a plain model of an organization: random requests go to both, and after
//! each of them both have returned the same and hold the same users, groups, memberships, licenses, counts and pages.
//!
//! `MODEL_REQUESTS` sets how many requests are sent (default 1,500).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failed assumption fails the test")]
#![allow(clippy::print_stdout, reason = "a long run prints a summary")]

mod actions;
mod model;
mod steps;
mod view;

use std::cell::Cell;

use actions::{Action, Command, actions};
use model::Model;
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};
use umapi_emulator::{
    engine::{self, ActionOptions, provision},
    seed::{self, Seed},
    store::{Store, StoreError, UserStatus},
};
use view::View;

const ORG: &str = "AA@AdobeOrg";
/// Actions on one organization, before a new one starts.
const ACTIONS: usize = 50;

const SEED: &str = "
organizations:
  - id: AA@AdobeOrg
    directories:
      - { name: Staff, type: federated, domains: [staff.example] }
      - { name: Contractors, type: enterprise, domains: [contractors.example] }
    products:
      - { name: X, id: X, profiles: [{ name: One, quota: 1 }, { name: Two, quota: 2 }] }
      - { name: Y, id: Y, profiles: [{ name: Any }, { name: None, quota: 0 }] }
    userGroups: [{ name: Design, profiles: [Any] }, { name: Art }, { name: Crowd }, { name: Shared, readOnly: true }]
    users:
      - { type: federatedID, email: f0@staff.example, groups: [Shared, Design, One] }
      - { type: enterpriseID, email: e0@contractors.example, groups: [Shared, _org_admin] }
";

#[test]
fn the_engine_behaves_like_the_model() {
    let requests: usize = std::env::var("MODEL_REQUESTS").map_or(1500, |number| number.parse().unwrap());
    let made = Cell::new(0);
    let config = ProptestConfig {
        // A few of the actions are not requests.
        cases: u32::try_from(requests * 5 / 4 / ACTIONS + 1).unwrap(),
        rng_seed: RngSeed::Fixed(42),
        failure_persistence: None,
        max_shrink_iters: 5000,
        ..ProptestConfig::default()
    };
    let seed = Seed::from_yaml(SEED).unwrap();
    TestRunner::new(config)
        .run(&proptest::collection::vec(actions(), ACTIONS), |actions| {
            let store = Store::in_memory().unwrap();
            seed::load(&store, &seed).unwrap();
            let mut model = Model::seeded();
            prop_assert_eq!(model.view(), View::of(&store), "the seed");
            for action in actions {
                made.set(made.get() + usize::from(matches!(action, Action::Request { .. })));
                act(&store, &mut model, &action)?;
                prop_assert_eq!(model.view(), View::of(&store), "after {:?}", action);
            }
            Ok(())
        })
        .unwrap();
    assert!(made.get() >= requests, "{} requests", made.get());
    println!("{} requests", made.get());
}

fn act(store: &Store, model: &mut Model, action: &Action) -> Result<(), TestCaseError> {
    match action {
        Action::Request { commands, test_only } => {
            let body = serde_json::to_vec(&commands.iter().map(Command::json).collect::<Vec<_>>()).unwrap();
            let options = ActionOptions::new("request", 0).test_only(*test_only);
            let answer = engine::apply(store, ORG, &body, &options).unwrap();
            let errors: Vec<_> =
                answer.errors.into_iter().map(|error| (error.index, error.step, error.error_code)).collect();
            let expected = model.request(commands, *test_only);
            prop_assert_eq!(&expected.errors, &errors, "the errors of {:?}", action);
            let counts = (answer.completed, answer.not_completed, answer.completed_in_test_mode);
            prop_assert_eq!(expected.counts(*test_only), counts, "the counts of {:?}", action);
        }
        Action::Quota { profile, quota } => {
            model.set_quota(profile, *quota);
            store
                .write(None, |tx| {
                    let org = tx.rows().organization(ORG)?.unwrap();
                    let group = tx.rows().group_by_name(org.id, profile)?.unwrap();
                    provision::quota(tx, group.id, quota.map(i64::from)).unwrap();
                    Ok::<_, StoreError>(())
                })
                .unwrap();
        }
        Action::Status { email, active } => {
            model.set_active(email, *active);
            let status = if *active { UserStatus::Active } else { UserStatus::Disabled };
            store
                .write(None, |tx| {
                    let org = tx.rows().organization(ORG)?.unwrap();
                    for adobe in [false, true] {
                        if let Some(user) = tx.rows().user_by_email(org.id, email, adobe)? {
                            tx.set_status(user.account, status)?;
                        }
                    }
                    Ok::<_, StoreError>(())
                })
                .unwrap();
        }
    }
    Ok(())
}
