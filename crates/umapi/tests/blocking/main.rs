//! The blocking client against the emulator: every kind of call, many threads, and where it may not wait.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic on the unexpected")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use umapi::{
    CallOptions, Command, CommandOutcome, Error, Journal, JournalEntry, JournalFuture, NewUser, Observer, RateLimits,
    RequestFinished, RequestStarted, RunOptions, StandardRetry, StepError, StopHandle, ThrottlePolicy,
    auth::FixedToken,
    blocking::Client,
    model::{ErrorCode, GroupType, LicenseStatus, ThrottleClass, User},
    stub::{CommandBatch, Stub, UserLookup},
};
use umapi_emulator::{Emulator, FaultResponse, FaultRule, LimitSettings, Operation, PageSizes, seed::Seed};

/// An emulated organization of so many users without limits, and a builder of a client for it.
fn organization(users: u32) -> (Emulator, umapi::ClientBuilder) {
    let seed = format!(
        "organizations: [{{ id: 12345@AdobeOrg, generate: {{ users: {users}, groups: 20, profiles: 5, seed: 42 }} }}]"
    );
    let mut pages = PageSizes::default();
    pages.users = 200;
    let builder =
        Emulator::builder().seed(Seed::from_yaml(&seed).unwrap()).limits(LimitSettings::off()).page_sizes(pages);
    let emulator = builder.without_management().start_blocking().unwrap();
    let client = emulator.client_builder().unwrap().rate_limits(RateLimits::unlimited());
    (emulator, client)
}

fn create(number: u32) -> Command {
    let email = format!("new-{number}@12345.example.com");
    Command::create_user(NewUser::federated(email, "New", "Person", "US")).into()
}

/// Two runtimes, one of each kind.
fn runtimes() -> [tokio::runtime::Runtime; 2] {
    [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()]
        .map(|mut builder| builder.enable_all().build().unwrap())
}

#[test]
fn users_and_groups_are_read() {
    let (_emulator, builder) = organization(250);
    let client = builder.build_blocking().unwrap();
    let mut users = client.users().list();
    let all: Vec<_> = users.by_ref().collect::<Result<_, _>>().unwrap();
    // The same as the async client reads.
    let [runtime, _] = runtimes();
    let (expected, total) = runtime.block_on(async {
        let mut users = client.as_async().users().list();
        let mut all = Vec::new();
        while let Some(user) = users.try_next().await.unwrap() {
            all.push(user);
        }
        (all, users.total())
    });
    assert!(all == expected && all.len() > 200, "{} and {}", all.len(), expected.len());
    assert_eq!((users.total(), users.changes().any()), (total, false));
    let email = all[0].email.clone().unwrap();
    assert_eq!(client.users().get(&email).wait().unwrap().unwrap().email.unwrap(), email);
    assert!(client.users().get("nobody@example.com").wait().unwrap().is_none());

    let groups = client.groups().directory().wait().unwrap();
    let profiles = client.groups().of_type(GroupType::ProductProfile).list().count();
    assert!(groups.groups().len() > 25 && profiles == 5, "{} groups", groups.groups().len());
    let name = &groups.groups()[0].group_name;
    assert_eq!(&client.groups().get(name).wait().unwrap().unwrap().group_name, name);
    let members = client.users().in_group(name).status(LicenseStatus::Active).exclude_groups(true).direct_only(true);
    assert!(members.list().all(|user| user.is_ok()));
}

#[test]
fn a_list_is_resumed_and_read_by_page() {
    let (_emulator, builder) = organization(900);
    let client = builder.build_blocking().unwrap();
    let mut users = client.users().list().dedup();
    let first: Vec<_> = users.by_ref().take(150).map(Result::unwrap).collect();
    let token = users.resume_token();
    drop(users);
    let rest = client.users().list().resume(&token).unwrap().map(Result::unwrap);
    let all: Vec<_> = client.users().list().map(Result::unwrap).collect();
    assert!(first.into_iter().chain(rest).collect::<Vec<_>>() == all && all.len() > 800);
    let pages = client.users().list().by_page().map(|page| page.unwrap().items.len()).collect::<Vec<_>>();
    assert!(pages.len() > 1 && pages.iter().sum::<usize>() == all.len(), "{pages:?}");
    assert!(client.groups().list().resume(&token).unwrap_err().is_invalid_input());
}

#[test]
fn an_iterator_ends_after_an_error_and_try_next_continues() {
    let (emulator, builder) = organization(250);
    let client = builder.retry(StandardRetry::NEVER).build_blocking().unwrap();
    emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::status(503))).unwrap();
    let mut users = client.users().list();
    // A caller that ignores errors does not loop forever.
    assert_eq!(users.by_ref().filter_map(Result::ok).count(), 0);
    assert!(users.next().is_none());
    assert!(users.try_next().is_err());
    emulator.faults().clear();
    assert!(users.try_next().unwrap().is_some());
}

#[test]
fn commands_have_outcomes_and_a_journal() {
    #[derive(Clone, Default)]
    struct Noted(Arc<AtomicU32>);

    impl Journal<()> for Noted {
        fn begin(&self, commands: &[JournalEntry<'_, ()>]) -> JournalFuture {
            self.0.fetch_add(u32::try_from(commands.len()).unwrap(), Ordering::SeqCst);
            Box::pin(async { Ok(()) })
        }
    }

    let (_emulator, builder) = organization(1);
    let client = builder.build_blocking().unwrap();
    let noted = Noted::default();
    let report = client.execute((0..25).map(create)).with_journal(noted.clone()).wait().unwrap();
    assert_eq!((report.counts().completed, noted.0.load(Ordering::SeqCst)), (25, 25));
    let again = client.execute([create(0)]).wait().unwrap();
    assert_eq!(again.rejected().count(), 1);
    let dry = client.execute([create(99)]).with_options(RunOptions::new().test_only()).wait().unwrap();
    assert_eq!(dry.counts().completed, 1);
    assert!(client.users().get("new-99@12345.example.com").wait().unwrap().is_none());
}

#[test]
fn a_stream_takes_its_commands_on_the_thread_of_its_caller() {
    let (_emulator, builder) = organization(1);
    let client = builder.build_blocking().unwrap();
    // Neither `Send` nor `'static`: it borrows a list, and counts in a cell.
    let (numbers, taken) = ((0..300).collect::<Vec<u32>>(), std::cell::Cell::new(0));
    let commands = numbers.iter().map(|number| {
        taken.set(taken.get() + 1);
        create(*number)
    });
    let mut outcomes = client.execute_stream(commands);
    let completed = outcomes.by_ref().filter(|outcome| outcome.is_completed()).count();
    assert_eq!((completed, taken.get()), (300, 300));
    assert!(outcomes.error().is_none() && outcomes.requests() == 30 && outcomes.next().is_none());
}

#[test]
fn memberships_are_planned_and_sent() {
    let (_emulator, builder) = organization(30);
    let client = builder.build_blocking().unwrap();
    let groups = client.groups().directory().wait().unwrap();
    let group = groups.groups().iter().find(|group| group.type_ == Some(GroupType::UserGroup)).unwrap();
    let users: Vec<_> = client.users().list().map(|user| user.unwrap().email.unwrap()).take(12).collect();
    let mut changes = client.memberships().with_directory(&groups).unwrap();
    for user in &users {
        changes = changes.add(user, group.group_name.as_str());
    }
    let plan = changes.plan().wait().unwrap();
    assert_eq!(plan.plan().memberships(), 12);
    assert_eq!(plan.wait().unwrap().rejected().count(), 0);
    let members = client.users().in_group(&group.group_name).list().map(|user| user.unwrap().email.unwrap());
    let members: Vec<_> = members.collect();
    assert!(users.iter().all(|user| members.contains(user)));
}

#[test]
fn raw_and_deprecated_endpoints_and_limits_are_there() {
    let (_emulator, builder) = organization(3);
    let client = builder.rate_limits(RateLimits::documented()).build_blocking().unwrap();
    let response = client.request("GET", "/users/{orgId}/0").query("directOnly", "true").send().wait().unwrap();
    assert_eq!(response.status, 200);
    assert!(client.legacy().users().list().all(|user| user.is_ok()));
    assert_eq!(client.legacy().user_groups().list().count(), 20);
    assert!(client.legacy().user_groups().get(4_000_000).wait().unwrap().is_none());
    assert_eq!(client.time_for(ThrottleClass::Action, 1).unwrap(), Duration::ZERO);
    assert!(client.time_for(ThrottleClass::Action, 11).unwrap() > Duration::ZERO);
    let at_once = CallOptions::new().throttle_policy(ThrottlePolicy::FailAtOnce).request_id("planned");
    assert!(client.users().get("nobody@example.com").with_options(at_once).wait().unwrap().is_none());
    let (seen, wrong) = (client.users().list(), CallOptions::new().request_id("two words"));
    assert!(seen.with_options(wrong).next().unwrap().unwrap_err().is_invalid_input());
}

#[test]
fn a_stub_answers_in_place_of_the_service() {
    struct OnlyAnn;

    impl Stub for OnlyAnn {
        async fn get_user(&self, user: UserLookup) -> Result<Option<User>, Error> {
            Ok((user.name() == "ann@example.com").then(|| User::default().with_email("ann@example.com")))
        }

        async fn execute(&self, batch: CommandBatch) -> Result<Vec<CommandOutcome>, Error> {
            let reject = |command| CommandOutcome::rejected(command, StepError::new(ErrorCode::UserNotFound));
            Ok(batch.commands.into_iter().map(reject).collect())
        }
    }

    let client = Client::from_stub(OnlyAnn).unwrap();
    assert!(client.users().get("ann@example.com").wait().unwrap().is_some());
    assert!(client.users().get("bob@example.com").wait().unwrap().is_none());
    assert_eq!(client.execute((0..3).map(create)).wait().unwrap().rejected().count(), 3);
    let mut outcomes = client.execute_stream((0..3).map(create));
    assert_eq!(outcomes.by_ref().filter(|outcome| outcome.is_rejected()).count(), 3);
    assert_eq!(outcomes.result().unwrap().rejected, 3);
    let error = client.groups().list().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("list_groups"), "{error}");
    let [runtime, _] = runtimes();
    let unfinished = runtime.block_on(async { client.execute((0..3).map(create)).wait().unwrap_err() });
    assert_eq!(unfinished.report().not_sent().count(), 3);
}

#[test]
fn many_threads_share_one_client() {
    let (_emulator, builder) = organization(50);
    let client = builder.build_blocking().unwrap();
    let groups = client.groups().list().count();
    let totals: Vec<usize> = thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|thread| {
                let client = client.clone();
                scope.spawn(move || {
                    let report = client.execute((0..10).map(|number| create(thread * 10 + number))).wait().unwrap();
                    report.counts().completed + client.groups().list().count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(totals, vec![10 + groups; 16]);
}

#[test]
fn another_thread_stops_a_run() {
    struct Stopper(StopHandle);

    impl Observer for Stopper {
        fn request_finished(&self, _: &RequestFinished<'_>) {
            let stop = self.0.clone();
            thread::spawn(move || stop.stop()).join().unwrap();
        }
    }

    let (_emulator, builder) = organization(1);
    let stop = StopHandle::new();
    let client = builder.observer(Stopper(stop.clone())).build_blocking().unwrap();
    let options = RunOptions::new().in_flight(1).stop(&stop);
    let unfinished = client.execute((0..100).map(create)).with_options(options).wait().unwrap_err();
    assert!(unfinished.error().is_stopped());
    let counts = unfinished.report().counts();
    assert_eq!(counts.completed + unfinished.report().not_sent().count(), 100);
    assert!(counts.completed > 0, "{counts:?}");
}

#[test]
fn inside_of_an_async_runtime_nothing_is_sent() {
    #[derive(Clone, Default)]
    struct Counter(Arc<AtomicU32>);

    impl Observer for Counter {
        fn request_started(&self, _: &RequestStarted<'_>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    let (_emulator, builder) = organization(1);
    let requests = Counter::default();
    let client = builder.observer(requests.clone()).build_blocking().unwrap();
    let is_refused = |error: &Error| error.is_invalid_input() && error.to_string().contains("async runtime");
    let plan = client.memberships().add("ann@example.com", "Design").without_reading_groups().plan().wait().unwrap();
    let mut plan = Some(plan);
    for runtime in runtimes() {
        runtime.block_on(async {
            assert!(is_refused(&client.users().get("ann@example.com").wait().unwrap_err()));
            let mut users = client.users().list();
            assert!(is_refused(&users.next().unwrap().unwrap_err()));
            assert!(users.next().is_none());
            assert!(is_refused(&client.time_for(ThrottleClass::Action, 1).unwrap_err()));
            let unfinished = client.execute((0..3).map(create)).wait().unwrap_err();
            assert!(is_refused(unfinished.error()), "{}", unfinished.error());
            assert_eq!(unfinished.report().not_sent().count(), 3);
            let mut outcomes = client.execute_stream((0..3).map(create));
            let not_sent = outcomes.by_ref().filter(|outcome| outcome.is_not_sent()).count();
            assert!(is_refused(outcomes.error().unwrap()) && not_sent <= 3);
            if let Some(plan) = plan.take() {
                assert!(is_refused(plan.wait().unwrap_err().error()));
            }
        });
    }
    assert_eq!(requests.0.load(Ordering::SeqCst), 0);
    // Where a runtime expects blocking code, it works.
    let [runtime, _] = runtimes();
    let clone = client.clone();
    let found = runtime.block_on(async move {
        tokio::task::spawn_blocking(move || clone.users().get("nobody@example.com").wait()).await.unwrap()
    });
    assert!(found.unwrap().is_none());
}

#[test]
fn a_client_may_be_made_and_dropped_anywhere() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let client =
                Client::builder("1F@AdobeOrg").token_source("key", FixedToken::new("t")).build_blocking().unwrap();
            drop(client);
        });
    }
}

#[test]
fn a_callback_that_panics_or_waits_hangs_nothing() {
    /// Panics, or calls the client from its own thread.
    #[derive(Clone, Default)]
    struct Careless(Arc<Mutex<Waited>>);

    #[derive(Default)]
    struct Waited {
        client: Option<Client>,
        results: Vec<Result<bool, String>>,
    }

    impl Observer for Careless {
        fn request_started(&self, _: &RequestStarted<'_>) {
            let client = self.0.lock().unwrap().client.clone();
            if let Some(client) = client {
                let inner = client.users().get("nobody@example.com").wait();
                let inner = inner.map(|user| user.is_some()).map_err(|error| error.to_string());
                self.0.lock().unwrap().results.push(inner);
            }
            panic!("planted");
        }
    }

    let (_emulator, builder) = organization(1);
    let careless = Careless::default();
    let client = builder.observer(careless.clone()).build_blocking().unwrap();
    assert_eq!(client.execute((0..20).map(create)).wait().unwrap().counts().completed, 20);
    assert!(client.users().list().count() >= 20);
    careless.0.lock().unwrap().client = Some(client.clone());
    assert_eq!(client.execute((20..40).map(create)).wait().unwrap().counts().completed, 20);
    let waited = std::mem::take(&mut *careless.0.lock().unwrap());
    let is_refused = |inner: &Result<bool, String>| inner.as_ref().is_err_and(|why| why.contains("async"));
    assert!(!waited.results.is_empty() && waited.results.iter().all(is_refused));
    drop((waited, client));
}
