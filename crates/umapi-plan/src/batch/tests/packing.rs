//! Batches need the fewest requests.

use proptest::prelude::*;
use umapi_model::limits;

use super::*;
use crate::account::Account;
use crate::batch::Estimate;

#[test]
fn ten_commands_go_in_one_request() {
    let requests = run(&mut scheduler((0..25).map(|i| Command::user(user(i)).add_to(["x"]))));
    assert_eq!(requests.iter().map(|request| request.commands.len()).collect::<Vec<_>>(), [10, 10, 5]);
}

#[test]
fn a_hundred_names_go_in_one_command() {
    let requests = run(&mut scheduler([Command::group("Design").add_users(users(250))]));
    assert_eq!(roots(&requests), [["Design"]; 3]);
}

#[test]
fn adjacent_commands_on_one_user_are_joined() {
    let add = |group: &str| Command::user("A@b.c").add_to([group]);
    let requests = run(&mut scheduler([
        Command::create_user(NewUser::federated("a@b.c", "A", "B", "US")),
        add("x"),
        Command::user("d@e.f").remove_all(),
        add("y"),
        Command::user("a@b.c").remove_from(["z"]),
    ]));
    assert_eq!(roots(&requests), [["a@b.c", "d@e.f"]]);
}

#[test]
fn commands_that_could_not_be_one_are_not_joined() {
    let create = || Command::create_user(NewUser::adobe_id("a@b.c"));
    for commands in [
        commands![Command::user("a@b.c").remove_from_org(), create()],
        commands![create(), create()],
        commands![create(), Command::user(Account::adobe_id("a@b.c")).add_to(["x"])],
        commands![Command::group("g").delete(), Command::create_group(NewGroup::new("g"))],
        commands![
            Command::group("g").update(umapi_model::UserGroupUpdate::default().with_name("h")),
            Command::group("g").add_users(["a@b.c"]),
        ],
        commands![Command::group("g").add_users(users(60)), Command::group("g").remove_users(users(50))],
        // A repetition of these would change something a second time.
        commands![create(), Command::user("a@b.c").remove_from_org()],
        commands![Command::user("a@b.c").add_to(["x"]), Command::user("a@b.c").remove_from(["X"])],
    ] {
        assert_eq!(run(&mut scheduler(commands)).len(), 2);
    }
}

#[test]
fn a_long_command_fills_the_rest_of_the_previous_one() {
    let short = Command::group("g").remove_users(users(45).map(|user| format!("former.{user}")));
    let long = Command::group("g").add_users(users(150));
    assert_eq!(run(&mut scheduler([short, long])).len(), 2);
}

#[test]
fn a_request_id_is_sent_unless_commands_are_joined() {
    let named = |id: &str| Command::user("a@b.c").add_to(["x"]).request_id(id);
    let sent = |requests: &[PackedRequest]| serde_json::to_string(&requests[0].commands).unwrap();
    assert!(sent(&run(&mut scheduler([named("r1")]))).contains(r#""requestID":"r1""#));
    assert!(!sent(&run(&mut scheduler([named("r1"), named("r2")]))).contains("requestID"));
}

#[test]
fn a_request_with_room_waits_for_what_could_fill_it() {
    // Fifteen chains of two: the second units fill up the second request.
    let chain =
        |i: usize| [Command::create_user(NewUser::adobe_id(user(i))), Command::create_user(NewUser::adobe_id(user(i)))];
    let mut scheduler = scheduler((0..15).flat_map(chain));
    let first = scheduler.next_request(false).unwrap();
    assert!(scheduler.next_request(false).is_none());
    scheduler.finish_request(first.id, success(&first));
    assert_eq!(1 + run(&mut scheduler).len(), 3);
}

#[test]
fn an_open_stream_sends_only_full_requests_unless_flushed() {
    let mut scheduler = Scheduler::<Command>::new(Settings::default());
    for i in 0..12 {
        scheduler.push(Command::user(user(i)).remove_all().into()).unwrap();
    }
    let full = scheduler.next_request(false).unwrap();
    assert!(full.commands.len() == 10 && scheduler.next_request(false).is_none());
    assert_eq!(scheduler.next_request(true).unwrap().commands.len(), 2);
    assert!(!scheduler.is_finished());
}

#[test]
fn places_are_kept_for_the_end_of_a_long_chain() {
    // One chain of ten and ninety others: ten requests, if the chain is in each of them.
    let chain = (0..10).map(|_| Command::create_user(NewUser::adobe_id("chain@b.c")));
    let others = (0..90).map(|i| Command::user(user(i)).remove_all());
    let mut scheduler = scheduler(others.chain(chain));
    let first = scheduler.next_request(false).unwrap();
    assert!(first.commands.iter().any(|command| crate::command::root_of(command) == "chain@b.c"));
    assert!(scheduler.next_request(false).is_none(), "it would take nine others, and leave the chain alone at the end");
    scheduler.finish_request(first.id, success(&first));
    assert_eq!(1 + run(&mut scheduler).len(), 10);
}

#[test]
fn requests_keep_to_a_million_bytes() {
    let large = |i: usize| Command::create_group(NewGroup::new(format!("g{i}")).description("\u{1}".repeat(50_000)));
    let requests = run(&mut scheduler((0..7).map(large)));
    assert_eq!(requests.iter().map(|request| request.commands.len()).collect::<Vec<_>>(), [3, 3, 1]);
    assert!(requests.iter().all(|request| body(request).len() <= limits::REQUEST_BYTES));
    let error = Scheduler::new(Settings::default())
        .push(Command::create_group(NewGroup::new("g").description("x".repeat(1_000_000))))
        .unwrap_err();
    assert_eq!((error.code().as_str(), error.step()), ("error.command.malformed", Some(0)));
}

#[test]
fn a_request_may_have_a_million_bytes_and_no_more() {
    let fill = |bytes: usize| {
        let command = Command::create_group(NewGroup::new("g").description(""));
        let empty = serde_json::to_vec(&commands![command]).unwrap().len();
        Command::create_group(NewGroup::new("g").description("x".repeat(bytes - empty)))
    };
    let requests = run(&mut scheduler([fill(limits::REQUEST_BYTES)]));
    assert_eq!(body(&requests[0]).len(), limits::REQUEST_BYTES);
    assert!(Scheduler::new(Settings::default()).push(fill(limits::REQUEST_BYTES + 1)).is_err());
}

#[test]
fn an_estimate_counts_what_would_be_sent() {
    let commands = || (0..25).map(|i| Command::user(user(i)).add_to((0..30).map(|g| format!("g{g}"))));
    let estimate = Estimate::of(commands()).unwrap();
    assert_eq!((estimate.commands(), estimate.wire_commands(), estimate.requests()), (25, 25, 3));
    assert_eq!(estimate.lower_bound(), 3);
    assert_eq!(estimate.duration_at(1).as_secs(), 120);
}

/// Commands that cannot be joined, in chains on one root each.
fn chains(lengths: &[usize]) -> Vec<Command> {
    let chain = |(i, length): (usize, &usize)| (0..*length).map(move |_| Command::from(NewUser::adobe_id(user(i))));
    lengths.iter().enumerate().flat_map(chain).collect()
}

proptest! {
    #[test]
    fn chains_need_no_more_requests_than_the_bound(lengths in prop::collection::vec(1..12_usize, 1..60), seed in any::<u64>()) {
        let total: usize = lengths.iter().sum();
        // The bound for chains: for every length, all units with at least so many others after them come first.
        let bound = (0..12_usize)
            .map(|after| after + lengths.iter().map(|length| length.saturating_sub(after)).sum::<usize>().div_ceil(10))
            .zip(0..12)
            .filter(|(_, after)| lengths.iter().any(|length| length > after))
            .map(|(bound, _)| bound)
            .max()
            .unwrap();
        prop_assert!(bound >= total.div_ceil(10));
        let mut scheduler = scheduler(chains(&lengths));
        let (mut requests, mut in_flight, mut random) = (0, Vec::new(), fastrand::Rng::with_seed(seed));
        loop {
            if (in_flight.is_empty() || random.bool()) && let Some(request) = scheduler.next_request(false) {
                requests += 1;
                in_flight.push(request);
            } else if in_flight.is_empty() {
                break;
            } else {
                let request = in_flight.swap_remove(random.usize(0..in_flight.len()));
                scheduler.finish_request(request.id, success(&request));
            }
        }
        prop_assert!(scheduler.is_finished());
        prop_assert_eq!(requests, bound);
    }

    #[test]
    fn groups_and_their_users_need_no_more_requests_than_the_bound(sizes in prop::collection::vec(0..25_usize, 1..25)) {
        let mut commands = Vec::new();
        for (i, size) in sizes.iter().enumerate() {
            commands.push(Command::from(NewGroup::new(format!("g{i}"))));
            commands.extend((0..*size).map(|u| Command::user(format!("u{u}@{i}.com")).add_to([format!("G{i}")]).into()));
        }
        let estimate = Estimate::of(commands).unwrap();
        prop_assert_eq!(estimate.requests(), estimate.lower_bound());
    }
}
