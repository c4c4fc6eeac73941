//! Plans need the fewest requests.

use proptest::prelude::*;

use crate::membership::{GroupRef, MembershipAction, MembershipChange, MembershipPlan, Memberships};

fn user(i: usize) -> String {
    format!("u{i}@example.com")
}

fn group(i: usize) -> GroupRef {
    GroupRef::user_group(format!("g{i}"))
}

fn plan(pairs: impl IntoIterator<Item = (usize, usize)>) -> MembershipPlan {
    let change = |(u, g)| MembershipChange { user: user(u).into(), group: group(g), action: MembershipAction::Add };
    pairs.into_iter().map(change).collect::<Memberships>().plan().unwrap()
}

#[track_caller]
fn assert_requests(plan: &MembershipPlan, requests: usize) {
    assert_eq!((plan.requests(), plan.is_optimal()), (requests, true), "{plan}");
}

#[test]
fn a_thousand_memberships_are_one_request() {
    assert_requests(&plan((0..1000).map(|i| (i % 100, i / 100))), 1);
    assert_requests(&plan((0..1000).map(|i| (i / 100, i % 100))), 1);
}

#[test]
fn ten_thousand_users_into_one_group_are_ten_requests() {
    assert_requests(&plan((0..10_000).map(|i| (i, 0))), 10);
}

#[test]
fn ten_thousand_users_in_three_groups_take_thirty_requests() {
    assert_requests(&plan((0..10_000).flat_map(|i| (0..3).map(move |k| (i, (i + 7 * k) % 20)))), 30);
    let mut random = fastrand::Rng::with_seed(7);
    let three = |i| random.choose_multiple(0..20, 3).into_iter().map(move |g| (i, g)).collect::<Vec<_>>();
    let spread = plan((0..10_000).flat_map(three));
    // Each group is a few names over a full command: no choice of roots is better.
    assert_requests(&spread, 31);
}

#[test]
fn a_group_for_each_user_needs_a_command_each() {
    assert_requests(&plan((0..25).map(|i| (i, i))), 3);
}

#[test]
fn profiles_and_administrative_groups_stay_with_the_user() {
    for group in [GroupRef::profile("Photoshop"), GroupRef::administrative("_admin_g"), "Design".into()] {
        let mut all = Memberships::new();
        all.extend((0..20).map(|i| MembershipChange {
            user: user(i).into(),
            group: group.clone(),
            action: MembershipAction::Add,
        }));
        let plan = all.plan().unwrap();
        assert_eq!((plan.requests(), plan.from_groups()), (2, 0));
    }
}

#[test]
fn required_roots_take_what_they_can() {
    // Ten users have a profile each: their groups need no further commands.
    let mut all = Memberships::new();
    for i in 0..10 {
        all = all.add(user(i), GroupRef::profile("Photoshop"));
        for g in 0..9 {
            all = all.remove(user(i), group(g));
        }
    }
    let plan = all.plan().unwrap();
    assert_eq!((plan.commands(), plan.from_groups()), (10, 0));
    assert!(plan.is_optimal());
}

#[test]
fn excess_names_go_where_there_is_room() {
    // 104 users in a group; four of them must be used as roots for a profile.
    let mut all: Memberships = (0..104)
        .map(|i| MembershipChange { user: user(i).into(), group: group(0), action: MembershipAction::Add })
        .collect();
    for i in 50..54 {
        all = all.add(user(i), GroupRef::profile("Photoshop"));
    }
    assert_eq!(all.plan().unwrap().commands(), 5);
}

#[test]
fn opened_roots_save_a_request() {
    // Twenty groups of the same 101 users: two commands for each group are forty commands, four requests. With one user
    // as a root, a hundred users are left for each group.
    assert_requests(&plan((0..101).flat_map(|u| (0..20).map(move |g| (u, g)))), 3);
}

#[test]
fn a_new_root_that_relieves_several_is_opened() {
    assert_eq!(plan((0..101).flat_map(|u| [(u, 0), (u, 1)])).commands(), 3);
    assert_eq!(plan((0..102).flat_map(|u| (0..4).map(move |g| (u, g)))).commands(), 6);
}

#[test]
fn unknown_kinds_can_be_resolved() {
    let mut all =
        Memberships::new().add("a@b.c", "Design").add("a@b.c", GroupRef::profile("Photoshop")).add("d@e.f", "Photo");
    assert_eq!(all.unresolved().collect::<Vec<_>>(), ["Design", "Photo"]);
    all.resolve(|name| (name == "Design").then_some(crate::membership::GroupKind::UserGroup));
    assert_eq!(all.unresolved().collect::<Vec<_>>(), ["Photo"]);
    assert_eq!(all.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Small graphs: no root carries a full command, so the fewest roots are the least vertex cover.
    #[test]
    fn no_choice_of_sides_is_better(
        pairs in prop::collection::btree_set((0..6_usize, 0..6_usize), 1..14),
        forced in prop::collection::btree_set(0..6_usize, 0..3),
    ) {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let of = |(u, g): (usize, usize)| MembershipChange { user: user(u).into(), group: group(g), action: MembershipAction::Add };
        let mut all: Memberships = pairs.iter().copied().map(of).collect();
        for u in &forced {
            all = all.add(user(*u), GroupRef::profile("p"));
        }
        let best = (0..1_u32 << pairs.len())
            .map(|sides| {
                let mut roots: Vec<_> = forced.iter().map(|u| (false, *u)).collect();
                roots.extend(pairs.iter().enumerate().map(|(i, (u, g))| {
                    if sides & (1 << i) == 0 { (false, *u) } else { (true, *g) }
                }));
                roots.sort_unstable();
                roots.dedup();
                roots.len()
            })
            .min();
        let plan = all.plan().unwrap();
        prop_assert_eq!(Some(plan.commands()), best);
        prop_assert_eq!(plan.command_bound(), plan.commands(), "the bound proves it");
    }

    /// Two large groups with many common users.
    #[test]
    fn two_large_groups_get_the_best(only_one in 0..330_usize, only_other in 0..330_usize, both in 0..330_usize) {
        let users = 0..only_one + only_other + both;
        let pairs = users.flat_map(|u| {
            let (one, other) = (u < only_one + both, u >= only_one);
            one.then_some((u, 0)).into_iter().chain(other.then_some((u, 1)))
        });
        let plan = plan(pairs);
        // More than a few users as roots are never better.
        let all = |names: usize, limit: usize| (0..=names.min(limit)).chain((names <= 3).then_some(names));
        let best = all(only_one, 3)
            .flat_map(|a| all(only_other, 3).flat_map(move |b| all(both, 3).map(move |c| (a, b, c))))
            .map(|(a, b, c)| {
                a + b + c + (only_one + both - a - c).div_ceil(100) + (only_other + both - b - c).div_ceil(100)
            })
            .min();
        prop_assert_eq!(Some(plan.commands()), best);
        prop_assert!(plan.command_bound() <= plan.commands());
    }

    /// Large graphs: never worse than one side alone, never better than the bound.
    #[test]
    fn neither_side_alone_is_better(users in 1..400_usize, groups in 1..30_usize, each in 1..12_usize, seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let pairs: std::collections::BTreeSet<(usize, usize)> =
            (0..users * each).map(|_| (random.usize(0..users), random.usize(0..groups))).collect();
        let alone = |key: fn(&(usize, usize)) -> usize| {
            let mut names = std::collections::BTreeMap::new();
            pairs.iter().for_each(|pair| *names.entry(key(pair)).or_insert(0_usize) += 1);
            names.values().map(|names| names.div_ceil(100)).sum::<usize>()
        };
        let (by_user, by_group) = (alone(|pair| pair.0), alone(|pair| pair.1));
        let plan = plan(pairs.iter().copied());
        prop_assert!(plan.commands() <= by_user.min(by_group));
        prop_assert!(plan.command_bound() <= plan.commands());
        prop_assert!(plan.command_bound() >= pairs.len().div_ceil(100));
    }
}
