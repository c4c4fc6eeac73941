//! Runs of commands, streams and memberships against a scripted service.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use umapi::{
    Command, Error, Journal, JournalEntry, JournalFuture, NewGroup, NewUser, Notice, Observer, Outcome, Progress,
    RateLimits, Report, RunOptions, StandardRetry, StopHandle, SyncHints, Unfinished, UnknownReason,
};

use crate::service::{NumberedTokens, Reply, Seen, Service};

const MINUTE: Duration = Duration::from_secs(60);

fn commands(count: usize) -> Vec<Command> {
    (0..count).map(|number| Command::user(format!("u{number}@example.com")).add_to(["Design"]).into()).collect()
}

fn size(request: &Seen) -> usize {
    serde_json::from_str::<serde_json::Value>(&request.body).unwrap().as_array().unwrap().len()
}

/// A response that completes all commands.
fn done(request: &Seen) -> Reply {
    let count = size(request);
    let (done, tried) = if request.path.contains("testOnly=true") { (0, count) } else { (count, 0) };
    Reply::json(&format!(r#"{{"result":"success","completed":{done},"notCompleted":0,"completedInTestMode":{tried}}}"#))
}

/// A service that completes all commands, except where the script has another reply to the request of this number.
async fn doing(script: impl Fn(usize, &Seen) -> Option<Reply> + Send + 'static) -> Service {
    let mut number = 0;
    Service::responding(move |request| {
        number += 1;
        script(number - 1, request).unwrap_or_else(|| done(request))
    })
    .await
}

fn completed(report: &Report) -> usize {
    report.completed().count()
}

#[tokio::test]
async fn a_batch_is_packed_rate_limited_and_reported() {
    let service = doing(|_, _| None).await;
    let report = service.client().execute(commands(205)).await.unwrap();
    assert_eq!((completed(&report), report.requests()), (205, 21));
    let numbers: Vec<usize> = report.outcomes().iter().map(|outcome| outcome.number()).collect();
    assert_eq!(numbers, (0..205).collect::<Vec<_>>());
    assert!(service.requests().iter().all(|request| request.path == "/action/1F@AdobeOrg"));
    assert_eq!(service.seconds(), 122, "ten requests a minute");
}

#[tokio::test]
async fn an_empty_batch_sends_nothing() {
    let service = doing(|_, _| None).await;
    let report = service.client().execute([] as [Command; 0]).await.unwrap();
    assert_eq!((report.outcomes().len(), service.requests().len()), (0, 0));
}

#[tokio::test]
async fn an_invalid_command_does_not_harm_the_others() {
    let service = doing(|_, _| None).await;
    let mut commands = commands(3);
    commands[1] = Command::user("").into();
    let report = service.client().execute(commands).await.unwrap();
    assert_eq!((completed(&report), report.rejected().count()), (2, 1));
    assert_eq!(service.requests().iter().map(size).sum::<usize>(), 2);
}

#[tokio::test]
async fn test_mode_is_requested() {
    let service = doing(|_, _| None).await;
    let report = service.client().execute(commands(3)).with_options(RunOptions::new().test_only()).await.unwrap();
    assert!(report.is_test() && completed(&report) == 3);
    assert_eq!(service.requests()[0].path, "/action/1F@AdobeOrg?testOnly=true");
}

#[tokio::test]
async fn an_hour_of_retry_after_holds_back_all_requests() {
    let service = doing(|number, _| (number == 3).then(|| Reply::of(429, &[("retry-after", "3600")], ""))).await;
    let report = service.client().execute(commands(100)).await.unwrap();
    assert_eq!((completed(&report), report.requests()), (100, 11));
    assert!(service.seconds() >= 3600);
}

#[tokio::test]
async fn an_error_after_a_lost_request_is_verified_by_reading() {
    let service = doing(|number, request| match number {
        0 => Some(Reply::HangUp),
        2 => {
            assert_eq!(request.path, "/organizations/1F@AdobeOrg/users/new@example.com");
            Some(Reply::json(
                r#"{"result":"success","user":{"email":"new@example.com","username":"new@example.com",
                    "firstname":"New","lastname":"User","country":"US","type":"federatedID"}}"#,
            ))
        }
        1 => Some(Reply::json(
            r#"{"result":"error","completed":0,"notCompleted":1,"errors":[
                {"index":0,"step":0,"errorCode":"error.user.already_in_org","message":"User is already in this organization"}]}"#,
        )),
        _ => None,
    })
    .await;
    let create = Command::create_user(NewUser::federated("new@example.com", "New", "User", "US"));
    let report = service.client().execute([create]).await.unwrap();
    let [outcome] = report.outcomes() else { panic!("one command has one outcome") };
    assert!(outcome.is_completed(), "{outcome}");
    assert!(matches!(outcome.notices(), [Notice::DoneByLostRequest { step: 0, .. }]));
    assert_eq!(report.requests(), 2);
}

#[tokio::test]
async fn a_verification_does_not_wait_hours_for_the_list_of_groups() {
    let service = doing(|number, request| {
        Some(match number {
            0 => Reply::json(r#"{"lastPage":true,"result":"success","groups":[]}"#),
            1 => Reply::HangUp,
            2 => Reply::json(
                r#"{"result":"error","completed":0,"notCompleted":1,"errors":[
                    {"index":0,"step":0,"errorCode":"error.usergroup.already_exists","message":"UserGroup already exists"}]}"#,
            ),
            _ => {
                assert!(request.path.starts_with("/1F@AdobeOrg/user-groups"), "{}", request.path);
                Reply::of(200, &[("x-page-count", "1")], r#"[{"groupId":7,"name":"Design"}]"#)
            }
        })
    })
    .await;
    let client = service.client();
    assert!(client.groups().get("Design").await.unwrap().is_none());
    let report = client.execute([Command::create_group(NewGroup::new("Design"))]).await.unwrap();
    assert_eq!((completed(&report), service.requests().len()), (1, 4));
    assert!(service.seconds() < 60, "{} s", service.seconds());
}

#[tokio::test]
async fn a_verification_survives_the_rejection_of_a_new_access_token() {
    const UNAUTHORIZED: &str = r#"{"error_code":"401013","message":"Oauth token is not valid"}"#;
    let service = doing(|number, _| {
        Some(match number {
            0 => Reply::HangUp,
            1 => Reply::json(
                r#"{"result":"error","completed":0,"notCompleted":1,"errors":[
                    {"index":0,"step":0,"errorCode":"error.user.already_in_org","message":"User is already in this organization"}]}"#,
            ),
            2 | 3 => Reply::of(401, &[], UNAUTHORIZED),
            _ => Reply::json(
                r#"{"result":"success","user":{"email":"new@example.com","username":"new@example.com",
                    "firstname":"Other","lastname":"User","country":"US","type":"federatedID"}}"#,
            ),
        })
    })
    .await;
    let create = Command::create_user(NewUser::federated("new@example.com", "New", "User", "US"));
    let report = service.client().execute([create]).await.unwrap();
    let [outcome] = report.outcomes() else { panic!("one command has one outcome") };
    assert!(matches!(outcome.outcome(), Outcome::Rejected { .. }), "{outcome}");
    assert_eq!(service.requests().len(), 5);
}

#[tokio::test]
async fn a_fatal_error_leaves_a_full_report_and_unsent_commands() {
    let body = r#"{"error_code":"403003","message":"Api Key is invalid"}"#;
    let service = doing(move |number, _| (number >= 2).then(|| Reply::of(403, &[], body))).await;
    let unfinished =
        service.client().execute(commands(100)).with_options(RunOptions::new().in_flight(1)).await.unwrap_err();
    assert!(unfinished.error().is_forbidden(), "{unfinished}");
    let report = unfinished.into_report();
    assert_eq!((report.outcomes().len(), completed(&report), report.not_sent().count()), (100, 20, 80));
    assert!(report.not_sent().all(|outcome| outcome.to_string().contains("403003")));
    let rest: Vec<Command> = report.into_unsent();
    assert_eq!(rest, commands(100)[20..]);
    assert_eq!(service.requests().len(), 3);
}

#[tokio::test]
async fn one_lost_response_does_not_end_a_batch() {
    let service = doing(|number, _| (number == 1).then_some(Reply::HangUp)).await;
    let client = service.builder().retry(StandardRetry::NEVER).build().unwrap();
    let report = client.execute(commands(50)).with_options(RunOptions::new().in_flight(1)).await.unwrap();
    assert_eq!((completed(&report), report.unknown().count()), (40, 10));
    let outcome = report.unknown().next().unwrap().outcome();
    let Outcome::Unknown { why: UnknownReason::NoResponse(failure) } = outcome else { panic!("{outcome}") };
    assert!(Error::of(failure).unwrap().may_have_been_applied(), "{outcome}");
}

#[tokio::test]
async fn a_service_that_is_out_of_order_ends_a_batch() {
    let service = doing(|_, _| Some(Reply::of(500, &[], ""))).await;
    let client = service.builder().retry(StandardRetry::NEVER).build().unwrap();
    let report =
        client.execute(commands(100)).with_options(RunOptions::new().in_flight(1)).await.unwrap_err().into_report();
    assert_eq!((report.unknown().count(), report.not_sent().count()), (30, 70));
    assert_eq!(service.requests().len(), 3);
}

#[tokio::test]
async fn the_cause_of_a_rejected_request_is_found() {
    let service = doing(|_, request| {
        let body = r#"{"result":"error.command.malformed","message":"malformed"}"#;
        request.body.contains("u7@").then(|| Reply::of(400, &[], body))
    })
    .await;
    let report = service.client().execute(commands(10)).await.unwrap();
    let rejected: Vec<usize> = report.rejected().map(|outcome| outcome.number()).collect();
    assert_eq!((rejected, completed(&report)), (vec![7], 9));
}

#[tokio::test]
async fn a_deadline_sends_what_fits() {
    let service = doing(|_, _| None).await;
    let unfinished = service
        .client()
        .execute(commands(300))
        .with_options(RunOptions::new().deadline(MINUTE + MINUTE / 2))
        .await
        .unwrap_err();
    assert!(unfinished.error().is_timeout(), "{unfinished}");
    let report = unfinished.into_report();
    assert_eq!((completed(&report), report.not_sent().count()), (200, 100));
    assert_eq!(service.seconds(), 61, "nobody slept into the deadline");
}

#[tokio::test]
async fn stopping_a_batch_ends_its_waits_and_reports_everything() {
    let service = doing(|_, _| None).await;
    let stop = StopHandle::new();
    let run = service.client().execute(commands(300)).with_options(RunOptions::new().stop(&stop));
    let running = tokio::spawn(async move { run.await.map_err(Unfinished::into_report) });
    service.clock().sleep(MINUTE / 2).await;
    stop.stop();
    let report = running.await.unwrap().unwrap_err();
    assert_eq!((completed(&report), report.not_sent().count()), (100, 200));
    assert!(Error::of(report.aborted().unwrap()).unwrap().is_stopped());
    assert_eq!(service.seconds(), 30);
}

#[tokio::test]
async fn sync_hints_frame_a_batch() {
    let service = doing(|_, _| None).await;
    let client = service.builder().sync_hints(SyncHints::Jobs).rate_limits(RateLimits::unlimited()).build().unwrap();
    client.execute(commands(40)).with_options(RunOptions::new().in_flight(1)).await.unwrap();
    client.execute(commands(3)).await.unwrap();
    let requests = service.requests();
    let hints: Vec<Option<&str>> = requests.iter().map(|request| request.header("pragma")).collect();
    assert_eq!(hints, [Some("umapi-sync-start"), None, None, Some("umapi-sync-end"), Some("umapi-sync-start")]);
}

#[derive(Clone, Default)]
struct Bar(Arc<Mutex<Vec<Progress>>>);

impl Observer for Bar {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap().push(*progress);
    }
}

#[tokio::test]
async fn progress_has_counts_and_remaining_time() {
    let service = doing(|_, _| None).await;
    let bar = Bar::default();
    let client = service.builder().observer(bar.clone()).build().unwrap();
    client.execute(commands(300)).await.unwrap();
    let seen = bar.0.lock().unwrap().clone();
    assert_eq!(seen.len(), 30);
    let first = seen[0];
    assert_eq!((first.done, first.total, first.requests), (10, Some(300), 1));
    let said = first.remaining.unwrap();
    let honest = Duration::from_secs(service.seconds());
    assert!(said >= honest / 2 && said <= honest * 2, "said {said:?}, took {honest:?}");
    let last = seen[29];
    assert_eq!((last.done, last.requests, last.remaining), (300, 30, Some(Duration::ZERO)));
}

/// A stream of up to so many commands, which counts them.
struct Rows {
    given: Arc<AtomicUsize>,
    most: usize,
}

impl Stream for Rows {
    type Item = Command;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Command>> {
        let number = self.given.load(Ordering::Relaxed);
        if number == self.most {
            return Poll::Ready(None);
        }
        self.given.store(number + 1, Ordering::Relaxed);
        Poll::Ready(Some(Command::user(format!("u{number}@example.com")).add_to(["Design"]).into()))
    }
}

#[tokio::test]
async fn a_stream_is_read_only_as_outcomes_are_taken() {
    let service = doing(|_, _| None).await;
    let client = service.builder().rate_limits(RateLimits::unlimited()).build().unwrap();
    let given = Arc::new(AtomicUsize::new(0));
    let mut outcomes = client.execute_stream(Rows { given: given.clone(), most: usize::MAX });
    let mut most_ahead = 0;
    for taken in 1..=6_000 {
        assert!(outcomes.next().await.unwrap().is_completed());
        most_ahead = most_ahead.max(given.load(Ordering::Relaxed) - taken);
    }
    assert!(most_ahead <= 4_200, "{most_ahead} commands were read ahead");
}

#[tokio::test]
async fn a_stream_has_one_outcome_for_each_command() {
    let service = doing(|number, _| (number == 2).then_some(Reply::HangUp)).await;
    let mut outcomes = service.client().execute_stream(Rows { given: Arc::default(), most: 5_005 });
    let mut numbers = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        assert!(outcome.is_completed(), "{outcome}");
        numbers.push(outcome.number());
    }
    assert!(outcomes.next().await.is_none() && outcomes.error().is_none());
    assert_eq!(outcomes.requests(), 502);
    numbers.sort_unstable();
    assert_eq!(numbers, (0..5_005).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_that_pauses_sends_what_it_has() {
    let service = doing(|_, _| None).await;
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let rows = futures_util::stream::poll_fn(move |context| receive.poll_recv(context));
    let mut outcomes = service.client().execute_stream(rows);
    for number in 0..3 {
        send.send(Command::user(format!("u{number}@example.com")).add_to(["Design"])).unwrap();
        assert_eq!(outcomes.next().await.unwrap().number(), number);
    }
    drop(send);
    assert!(outcomes.next().await.is_none());
    assert_eq!(service.requests().len(), 3);
}

#[tokio::test]
async fn a_stopped_stream_reports_unsent_commands() {
    let service = doing(|_, _| None).await;
    let given = Arc::new(AtomicUsize::new(0));
    let stop = StopHandle::new();
    let rows = Rows { given: given.clone(), most: usize::MAX };
    let mut outcomes = service.client().execute_stream(rows).with_options(RunOptions::new().stop(&stop));
    let (mut completed, mut not_sent) = (0, 0);
    while let Some(outcome) = outcomes.next().await {
        match outcome.is_completed() {
            true => completed += 1,
            false => not_sent += 1,
        }
        if completed == 100 {
            stop.stop();
        }
    }
    assert!(outcomes.error().unwrap().is_stopped());
    assert!((100..=140).contains(&completed), "{completed}");
    assert_eq!(completed + not_sent, given.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_consumer_may_call_the_client_between_outcomes() {
    let service = doing(|_, _| None).await;
    let client = service.client();
    let mut outcomes = client.execute_stream(Rows { given: Arc::default(), most: 200 });
    let mut count = 0;
    while let Some(outcome) = outcomes.next().await {
        assert!(outcome.is_completed());
        if count % 50 == 0 {
            // It queues behind requests of the stream, which is not polled meanwhile.
            assert_eq!(completed(&client.execute(commands(1)).await.unwrap()), 1);
        }
        count += 1;
    }
    assert_eq!(count, 200);
}

/// One command adds a hundred users to a group.
#[tokio::test]
async fn memberships_are_looked_up_planned_and_run() {
    let service = Service::responding(|request| match request.path.starts_with("/groups/") {
        true => Reply::json(
            r#"{"lastPage":true,"result":"success","groups":[
                {"groupId":1,"groupName":"Design","type":"USER_GROUP"},
                {"groupId":2,"groupName":"Photoshop","type":"PRODUCT_PROFILE"}]}"#,
        ),
        false => done(request),
    })
    .await;
    let mut memberships = service.client().memberships();
    for number in 0..1_000 {
        memberships = memberships.add(format!("u{number}@example.com"), "dESIGN");
    }
    let planned = memberships.add("ann@example.com", "Photoshop").plan().await.unwrap();
    assert_eq!(planned.plan().requests(), 2);
    let report = planned.await.unwrap();
    assert_eq!((report.completed().count(), report.requests()), (1_001, 2));
    assert_eq!(service.requests()[0].path, "/groups/1F@AdobeOrg/0");
}

#[tokio::test]
async fn contradictory_memberships_are_rejected_before_sending() {
    let service = doing(|_, _| None).await;
    let group = || umapi::GroupRef::user_group("Design");
    let memberships = service.client().memberships().add("ann@example.com", group()).remove("ann@example.com", group());
    let error = memberships.plan().await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("both added and removed"), "{error}");
    assert_eq!(service.requests().len(), 0);
}

#[tokio::test]
async fn memberships_that_were_not_sent_are_handed_back() {
    let service = doing(|_, _| Some(Reply::of(403, &[], ""))).await;
    let client = service.client();
    let memberships = client.memberships().add("ann@example.com", umapi::GroupRef::user_group("Design"));
    let unfinished = memberships.plan().await.unwrap().await.unwrap_err();
    let rest = unfinished.into_report().into_unsent();
    assert_eq!(rest.len(), 1);
    assert!(client.memberships().with(rest.changes()).plan().await.is_ok());
}

#[tokio::test]
async fn rejected_tokens_end_a_run_only_at_its_beginning() {
    let tokens = || NumberedTokens::default();
    let service = doing(|number, _| (5..8).contains(&number).then(|| Reply::of(401, &[], ""))).await;
    let client = service.bare_client().token_source("key", tokens()).build().unwrap();
    let report = client.execute(commands(100)).with_options(RunOptions::new().in_flight(1)).await.unwrap();
    assert_eq!((completed(&report), report.requests()), (100, 13));

    let service = doing(|_, _| Some(Reply::of(401, &[], ""))).await;
    let client = service.bare_client().token_source("key", tokens()).build().unwrap();
    let unfinished = client.execute(commands(100)).with_options(RunOptions::new().in_flight(1)).await.unwrap_err();
    assert!(unfinished.error().is_unauthorized(), "{unfinished}");
    assert_eq!((unfinished.report().requests(), service.seconds()), (2, 0));
}

#[tokio::test]
async fn a_command_too_large_for_a_request_ends_as_rejected() {
    let service = doing(|_, _| None).await;
    let large = Command::create_group(NewGroup::new("Design").description("x".repeat(1_100_000)));
    let report = service.client().execute([large.into(), commands(1).remove(0)]).await.unwrap();
    assert!(report.outcomes()[0].is_rejected() && report.outcomes()[1].is_completed(), "{report}");
    assert_eq!(report.outcomes()[0].root(), "Design");
}

/// Keeps the keys of begun commands, and fails at the request of this number.
#[derive(Clone, Default)]
struct Keys {
    begun: Arc<Mutex<Vec<Vec<String>>>>,
    fails_at: Option<usize>,
}

impl Journal<String> for Keys {
    fn begin(&self, commands: &[JournalEntry<'_, String>]) -> JournalFuture {
        let mut begun = self.begun.lock().unwrap();
        begun.push(commands.iter().map(|command| command.key.clone()).collect());
        let fails = self.fails_at == Some(begun.len() - 1);
        Box::pin(async move {
            tokio::task::yield_now().await;
            if fails { Err("the disk is full".into()) } else { Ok(()) }
        })
    }
}

#[tokio::test]
async fn keys_come_back_with_the_outcomes() {
    let service = doing(|_, _| None).await;
    let keyed = commands(25).into_iter().enumerate().map(|(number, command)| (format!("row {number}"), command));
    let report = service.client().execute(keyed).await.unwrap();
    for (number, (key, outcome)) in report.outcomes().iter().enumerate() {
        assert_eq!((key, outcome.number()), (&format!("row {number}"), number));
    }
}

#[tokio::test]
async fn the_journal_is_asked_once_before_each_request() {
    let service = doing(|number, _| (number == 1).then_some(Reply::HangUp)).await;
    let journal = Keys::default();
    let keyed = commands(25).into_iter().enumerate().map(|(number, command)| (number.to_string(), command));
    let run = service.client().execute(keyed).with_journal(journal.clone());
    let report = run.with_options(RunOptions::new().in_flight(1)).await.unwrap();
    assert_eq!((report.completed().count(), report.requests()), (25, 4));
    let begun = journal.begun.lock().unwrap();
    assert_eq!(begun.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    assert_eq!(begun[2], ["20", "21", "22", "23", "24"]);
}

#[tokio::test]
async fn a_failing_journal_ends_the_run_with_everything_accounted_for() {
    let service = doing(|_, _| None).await;
    let journal = Keys { fails_at: Some(2), ..Keys::default() };
    let keyed = commands(100).into_iter().enumerate().map(|(number, command)| (number.to_string(), command));
    let run = service.client().execute(keyed).with_journal(journal.clone());
    let unfinished = run.with_options(RunOptions::new().in_flight(1)).await.unwrap_err();
    assert!(unfinished.error().is_journal() && unfinished.error().to_string().contains("disk is full"), "{unfinished}");
    let report = unfinished.into_report();
    assert_eq!((report.completed().count(), report.not_sent().count()), (20, 80));
    assert_eq!((service.requests().len(), report.into_unsent()[0].0.as_str()), (2, "20"));
}

#[tokio::test]
async fn contradictory_responses_complete_nothing() {
    for body in [
        r#"{"result":"error.internal.exceptionflys","message":"boom"}"#,
        r#"{"result":"success","completed":1,"notCompleted":0}"#,
        r#"{"result":"success","completed":0,"notCompleted":0,"completedInTestMode":3}"#,
        r#"{"result":"partial","completed":2,"notCompleted":1,"errors":[
            {"index":1,"step":0,"errorCode":"error.group.not_found","user":"other@example.com"}]}"#,
    ] {
        let service = doing(move |_, _| Some(Reply::json(body))).await;
        let report = match service.client().execute(commands(3)).await {
            Ok(report) => report,
            Err(unfinished) => unfinished.into_report(),
        };
        assert_eq!((completed(&report), report.unknown().count()), (0, 3), "{body}: {report}");
    }
}

/// Ten creates of groups are lost and repeated. The groups are read once for all of them.
#[tokio::test]
async fn created_groups_are_verified_with_one_list() {
    let errors: Vec<String> = (0..10)
        .map(|index| format!(r#"{{"index":{index},"step":0,"errorCode":"error.usergroup.already_exists"}}"#))
        .collect();
    let refusal = format!(r#"{{"result":"error","completed":0,"notCompleted":10,"errors":[{}]}}"#, errors.join(","));
    let groups: Vec<String> = (0..9)
        .map(|number| {
            let kind = if number == 0 { "PRODUCT_PROFILE" } else { "USER_GROUP" };
            format!(r#"{{"groupId":{number},"groupName":"Team {number}","type":"{kind}"}}"#)
        })
        .collect();
    let list = format!(r#"{{"lastPage":true,"result":"success","groups":[{}]}}"#, groups.join(","));
    let service = doing(move |number, request| match number {
        0 => Some(Reply::HangUp),
        1 => Some(Reply::json(&refusal)),
        _ => request.path.starts_with("/groups/").then(|| Reply::json(&list)),
    })
    .await;
    let create = (0..10).map(|number| Command::from(NewGroup::new(format!("Team {number}"))));
    let report = service.client().execute(create).await.unwrap();
    // The first name is that of a profile, and the last group is not in the list.
    assert_eq!((completed(&report), report.rejected().count(), report.unknown().count()), (8, 1, 1), "{report}");
    assert_eq!(service.requests().len(), 3);
}

#[tokio::test]
async fn memberships_after_a_lost_request_are_verified() {
    let service = doing(|number, request| match number {
        0 => Some(Reply::HangUp),
        1 => Some(Reply::json(
            r#"{"result":"error","completed":0,"notCompleted":1,"errors":[
                {"index":0,"step":0,"errorCode":"error.user.already_exists","message":"already"}]}"#,
        )),
        _ => {
            let user = request.path.rsplit('/').next().unwrap();
            let groups = if user.starts_with("ann") { r#","groups":["design"]"# } else { "" };
            Some(Reply::json(&format!(
                r#"{{"result":"success","user":{{"email":"{user}","username":"{user}","type":"federatedID"{groups}}}}}"#
            )))
        }
    })
    .await;
    let group = || umapi::GroupRef::user_group("Design");
    let client = service.client();
    let memberships = client.memberships().add("ann@example.com", group()).add("bob@example.com", group());
    let report = memberships.plan().await.unwrap().await.unwrap();
    assert_eq!((report.completed().count(), report.rejected().count()), (1, 1), "{report}");
}
