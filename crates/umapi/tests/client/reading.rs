//! Lists of a slow service, and the limits that count in hours, on a clock that jumps.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use umapi::{
    ClientBuilder, Error, GroupDirectory, InMemoryRateLimits, Observer, Permit, PermitId, RateLimitFuture,
    RateLimitScope, RateLimitSet, RateLimitStore, RateLimits, SyncHints, ThrottlePolicy, Wait, WaitReason,
    auth::FixedToken,
    model::{Group, GroupType, Operation, ThrottleClass, User},
    time::ManualClock,
};

use crate::service::{Reply, Seen, Service};

const SECOND: Duration = Duration::from_secs(1);
/// How long the service takes for a page.
const PAGE: Duration = Duration::from_secs(4);
/// Users on a page.
const SIZE: u32 = 3;

/// The page that a request asks for.
fn index_of(request: &Seen) -> u32 {
    request.path.split('/').nth(3).unwrap().parse().unwrap()
}

/// A page of `pages`, which claims that there are `claimed`.
fn page(index: u32, pages: u32, claimed: u32) -> Reply {
    let index = index.min(pages - 1);
    let user = |number: u32| format!(r#"{{"id":"{number}","email":"u{number}@example.com"}}"#);
    let users: Vec<String> = (index * SIZE..(index + 1) * SIZE).map(user).collect();
    let (total, current) = ((pages * SIZE).to_string(), index.to_string());
    let headers = [
        ("x-total-count", total.as_str()),
        ("x-page-count", &claimed.to_string()),
        ("x-current-page", &current),
        ("x-page-size", "3"),
    ];
    let body = format!(r#"{{"lastPage":{},"result":"success","users":[{}]}}"#, index + 1 == pages, users.join(","));
    Reply::of(200, &headers, &body)
}

/// A service that takes four seconds for each of so many pages.
async fn slow(pages: u32) -> Service {
    Service::responding(move |request| page(index_of(request), pages, pages).after(PAGE)).await
}

fn with_credentials(service: &Service, count: usize) -> ClientBuilder {
    (1..=count).fold(service.bare_client(), |builder, number| {
        builder.token_source(format!("key-{number}"), FixedToken::new(format!("token-{number}")))
    })
}

/// Reads all users and checks that each comes once, in order.
async fn read_all(builder: ClientBuilder, pages: u32) {
    let mut users = builder.build().unwrap().users().list();
    let mut number = 0;
    while let Some(user) = users.try_next().await.unwrap() {
        assert_eq!(user.id, Some(number.to_string()));
        number += 1;
    }
    assert_eq!(number, pages * SIZE);
    assert!(!users.changes().any(), "{:?}", users.changes());
}

#[tokio::test]
async fn slow_pages_are_read_at_the_speed_of_the_limit() {
    let service = slow(200).await;
    read_all(service.builder(), 200).await;
    assert_eq!(service.requests().len(), 200, "every page is read once");
    // 25 pages a minute: the last ones can be sent after seven minutes.
    let limit = 7 * 60 + PAGE.as_secs();
    assert!(service.seconds() <= limit * 11 / 10, "{} s, the limit allows {limit} s", service.seconds());
}

#[tokio::test]
async fn several_credentials_share_the_pages_of_a_list() {
    let service = slow(200).await;
    read_all(with_credentials(&service, 4), 200).await;
    let share =
        |key: &str| service.requests().iter().filter(|request| request.header("x-api-key") == Some(key)).count();
    assert!(["key-1", "key-2", "key-3", "key-4"].iter().all(|key| (40..=60).contains(&share(key))), "spread evenly");
    let limit = (7 * 60 + PAGE.as_secs()) / 4;
    assert!(service.seconds() <= limit * 11 / 10, "{} s, a quarter of the limit is {limit} s", service.seconds());
}

#[tokio::test]
async fn pages_in_flight_are_bounded() {
    let started: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (manual, seen) = (ManualClock::new().auto_advance(Duration::from_millis(5)), started.clone());
    let clock = manual.clock();
    let service = Service::on(manual, move |request| {
        seen.lock().unwrap().push(clock.now().since_origin().as_secs());
        page(index_of(request), 20, 20).after(PAGE)
    })
    .await;
    read_all(service.builder().rate_limits(RateLimits::unlimited()).pages_in_flight(3), 20).await;
    let started = started.lock().unwrap().clone();
    let together = |at: &u64| started.iter().filter(|other| (*at..at + PAGE.as_secs()).contains(*other)).count();
    assert_eq!(started.iter().map(together).max(), Some(3), "{started:?}");
}

#[tokio::test]
async fn page_counts_that_lie_lose_no_page() {
    type Claim = fn(u32) -> u32;
    let claims: [(&str, Claim); 5] = [
        ("too few", |_| 2),
        ("none", |_| 0),
        ("too many", |_| 1_000),
        ("growing", |index| index + 2),
        ("changing", |index| if index % 2 == 0 { 3 } else { 40 }),
    ];
    for (name, claim) in claims {
        let service = Service::responding(move |request| {
            let index = index_of(request).min(29);
            page(index, 30, claim(index)).after(PAGE)
        })
        .await;
        read_all(service.builder(), 30).await;
        let requests = service.requests().len();
        assert!((30..=39).contains(&requests), "{name}: {requests} requests");
    }
}

#[tokio::test]
async fn a_list_that_shrinks_while_pages_are_in_flight_ends() {
    let has_shrunk = AtomicBool::new(false);
    let service = Service::responding(move |request| {
        let index = index_of(request);
        if index >= 5 {
            has_shrunk.store(true, Ordering::SeqCst);
        }
        let pages = if has_shrunk.load(Ordering::SeqCst) { 5 } else { 40 };
        page(index, pages, pages).after(PAGE)
    })
    .await;
    let mut users = service.client().users().list();
    let mut count = 0;
    while users.try_next().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 5 * SIZE);
    assert!(service.requests().len() <= 5 + 10, "{} requests", service.requests().len());
}

#[tokio::test]
async fn one_page_that_fails_for_a_while_delays_only_itself() {
    for failure in [Reply::of(504, &[], ""), Reply::of(503, &[], ""), Reply::Silence, Reply::HangUp] {
        let (name, failures) = (format!("{failure:?}"), AtomicU32::new(0));
        let service = Service::responding(move |request| match index_of(request) {
            7 if failures.fetch_add(1, Ordering::SeqCst) < 2 => failure.clone(),
            index => page(index, 20, 20).after(PAGE),
        })
        .await;
        read_all(service.builder(), 20).await;
        let of_page = |index| service.requests().iter().filter(|request| index_of(request) == index).count();
        let requests: Vec<usize> = (0..20).map(of_page).collect();
        assert!(
            (0..20).all(|index| requests[index as usize] == if index == 7 { 3 } else { 1 }),
            "{name}: {requests:?}"
        );
    }
}

#[tokio::test]
async fn a_page_that_fails_for_good_is_an_error_in_its_place() {
    let service = Service::responding(|request| match index_of(request) {
        7 => Reply::of(504, &[], ""),
        index => page(index, 20, 20).after(PAGE),
    })
    .await;
    let mut users = service.client().users().list();
    let mut count = 0;
    let error = loop {
        match users.try_next().await {
            Ok(user) => count += u32::from(user.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!((count, error.status(), error.requests()), (7 * SIZE, Some(504), 3));
    let token = users.resume_token().to_string();
    assert!(token.contains("-7-0-"), "it continues with page 7: {token}");
}

#[tokio::test]
async fn a_blocked_credential_leaves_its_pages_to_the_others() {
    let service = Service::responding(|request| match request.header("x-api-key") {
        Some("key-2") => Reply::of(429, &[("retry-after", "2400")], ""),
        _ => page(index_of(request), 40, 40).after(PAGE),
    })
    .await;
    read_all(with_credentials(&service, 2), 40).await;
    let refused = service.requests().iter().filter(|request| request.header("x-api-key") == Some("key-2")).count();
    assert!((1..=5).contains(&refused), "{refused} requests with the blocked credential");
    assert!(service.seconds() < 120, "{} s", service.seconds());
}

#[tokio::test]
async fn a_long_429_blocks_every_class_of_the_credential() {
    let service = Service::responding(|request| match request.path.contains("/organizations/") {
        true => Reply::of(429, &[("retry-after", "2400")], ""),
        false => Reply::json(r#"{"lastPage":true,"result":"success","groups":[]}"#),
    })
    .await;
    let client = service.builder().throttle_policy(ThrottlePolicy::FailAtOnce).build().unwrap();
    assert!(client.users().get("ann@example.com").await.unwrap_err().is_throttled());
    let error = client.groups().list().try_next().await.unwrap_err();
    assert!(error.is_throttled(), "{error}");
    assert!(error.retry_after().is_some_and(|wait| wait.as_secs() == 2400), "{:?}", error.retry_after());
    assert_eq!(service.requests().len(), 1, "nothing is sent into a block");
}

#[tokio::test]
async fn a_short_429_pauses_one_class() {
    let service = Service::responding(|request| match request.path.contains("/organizations/") {
        true => Reply::of(429, &[("retry-after", "60")], ""),
        false => Reply::json(r#"{"lastPage":true,"result":"success","groups":[]}"#),
    })
    .await;
    let client = service.builder().throttle_policy(ThrottlePolicy::FailAtOnce).build().unwrap();
    assert!(client.users().get("ann@example.com").await.unwrap_err().is_throttled());
    assert!(client.groups().list().try_next().await.unwrap().is_none());
}

/// Records the waits.
#[derive(Clone, Default)]
struct Seeing(Arc<Mutex<Vec<(WaitReason, u64)>>>);

impl Observer for Seeing {
    fn wait_begins(&self, wait: &Wait<'_>) {
        self.0.lock().unwrap().push((wait.reason, wait.duration.as_secs()));
    }
}

#[tokio::test]
async fn all_users_are_listed_once_in_two_hours() {
    let service = slow(1).await;
    let seeing = Seeing::default();
    let client = service.builder().observer(seeing.clone()).build().unwrap();
    let impatient = service.builder().throttle_policy(ThrottlePolicy::FailAtOnce);
    let store = Arc::new(InMemoryRateLimits::new(service.clock()));
    let impatient = impatient.rate_limit_store(store).build().unwrap();
    let again = RateLimitScope::FirstPage(Operation::ListUsers);
    for client in [&client, &impatient] {
        assert_eq!(client.time_for(again, 1).await.unwrap(), Duration::ZERO);
        client.users().list().try_collect().await.unwrap();
    }
    let error = impatient.users().list().try_next().await.unwrap_err();
    assert!(error.is_throttled() && error.requests() == 0, "{error}");
    let wait = error.retry_after().unwrap().as_secs();
    assert!((7_190..=7_201).contains(&wait), "{wait} s");
    assert_eq!(error.until(), service.clock().wall().checked_add(error.retry_after().unwrap()));
    assert!(impatient.time_for(again, 2).await.unwrap() > SECOND * 14_000);
    // Other lists and single users are not limited.
    impatient.users().in_group("Design").list().try_next().await.unwrap();
    client.users().list().try_collect().await.unwrap();
    assert!((7_201..7_220).contains(&service.seconds()), "{} s", service.seconds());
    assert_eq!(seeing.0.lock().unwrap().iter().filter(|(reason, _)| *reason == WaitReason::FirstPage).count(), 1);
}

#[tokio::test]
async fn the_retry_of_a_first_page_is_announced_and_not_limited() {
    let failures = AtomicU32::new(0);
    let service = Service::responding(move |request| match failures.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::of(503, &[], ""),
        1 => Reply::HangUp,
        _ => page(index_of(request), 3, 3),
    })
    .await;
    read_all(service.builder(), 3).await;
    assert!(service.seconds() < 60, "{} s", service.seconds());
    let requests = service.requests();
    let hints: Vec<Option<&str>> = requests.iter().map(|request| request.header("pragma")).collect();
    let start = Some("umapi-sync-start");
    assert_eq!(hints, [start, start, start, None, Some("umapi-sync-end")]);
}

#[tokio::test]
async fn hints_are_sent_with_lists_of_the_whole_organization_only() {
    for (hints, expected) in [
        (SyncHints::Never, [None, None, None, None]),
        (SyncHints::Lists, [None, None, Some("umapi-sync-start"), Some("umapi-sync-end")]),
        // The last request of a job is that of a batch.
        (SyncHints::Jobs, [Some("umapi-sync-start"), None, Some("umapi-sync-start"), None]),
    ] {
        let service = Service::responding(|request| page(index_of(request), 2, 2)).await;
        let client = service.builder().sync_hints(hints).build().unwrap();
        client.users().in_group("Design").list().try_collect().await.unwrap();
        client.users().list().try_collect().await.unwrap();
        let requests = service.requests();
        let seen: Vec<Option<&str>> = requests.iter().map(|request| request.header("pragma")).collect();
        assert_eq!(seen, expected, "{hints:?}");
    }
}

#[tokio::test]
async fn a_lookup_waits_behind_one_page_of_a_list() {
    let service = Service::responding(|request| match request.path.contains("/organizations/") {
        true => Reply::json(r#"{"result":"success","user":{"email":"ann@example.com"}}"#),
        false => page(index_of(request), 80, 80).after(PAGE),
    })
    .await;
    let client = service.client();
    let list = tokio::spawn({
        let client = client.clone();
        async move { client.users().list().try_collect().await.map(|users: Vec<User>| users.len()) }
    });
    service.clock().sleep(SECOND * 50).await;
    client.users().get("ann@example.com").await.unwrap().unwrap();
    // The first call of the minute makes room for a page, and the second one for the lookup.
    assert!((61..=70).contains(&service.seconds()), "{} s", service.seconds());
    assert_eq!(list.await.unwrap().unwrap(), 80 * SIZE as usize);
}

#[tokio::test]
async fn after_a_504_the_other_calls_of_the_class_wait_too() {
    let service = Service::responding(|request| match request.path.contains("/Large") {
        true => Reply::of(504, &[], ""),
        false => Reply::json(r#"{"result":"success","user":{"email":"ann@example.com"}}"#),
    })
    .await;
    let client = service.client();
    let group = tokio::spawn({
        let client = client.clone();
        async move { client.users().in_group("Large").list().try_next().await.unwrap_err() }
    });
    service.clock().sleep(SECOND).await;
    client.users().get("ann@example.com").await.unwrap().unwrap();
    assert!(service.seconds() >= 30, "{} s", service.seconds());
    let error: Error = group.await.unwrap();
    assert!(error.is_group_too_large() && error.to_string().contains("list all users"), "{error}");
    // It is over for the others, too.
    let before = service.seconds();
    client.users().get("ann@example.com").await.unwrap().unwrap();
    assert_eq!(service.seconds(), before);
}

#[tokio::test]
async fn memberships_of_few_users_are_planned_without_a_list() {
    let service = Service::responding(|_| Reply::json(r#"{"result":"success","completed":1,"notCompleted":0}"#)).await;
    let mut memberships = service.client().memberships();
    for group in 0..30 {
        memberships = memberships.add("ann@example.com", format!("Group {group}"));
    }
    let report = memberships.plan().await.unwrap().await.unwrap();
    assert_eq!(report.completed().count(), 30);
    assert_eq!(service.requests().len(), 1, "only the action request");
}

#[tokio::test]
async fn more_requests_are_better_than_a_wait_of_hours_for_a_list() {
    let service = Service::responding(|request| match request.path.contains("/groups/") {
        true => {
            Reply::json(r#"{"lastPage":true,"result":"success","groups":[{"groupName":"Design","type":"USER_GROUP"}]}"#)
        }
        false => panic!("{}", request.path),
    })
    .await;
    let client = service.client();
    let many =
        |count| (0..count).fold(client.memberships(), |all, user| all.add(format!("u{user}@example.com"), "Design"));
    assert_eq!(many(500).plan().await.unwrap().plan().requests(), 1, "the groups are read");
    let plan = many(500).plan().await.unwrap();
    assert_eq!((plan.plan().requests(), plan.plan().from_groups()), (50, 0), "five minutes instead of two hours");
    assert_eq!((service.requests().len(), service.seconds()), (1, 0));
}

#[tokio::test]
async fn no_list_is_read_where_none_may_be() {
    let service = Service::responding(|request| {
        assert!(request.path.contains("/action/"), "{}", request.path);
        Reply::json(r#"{"result":"success","completed":10,"notCompleted":0}"#)
    })
    .await;
    let client = service.client();
    let many = (0..500).fold(client.memberships(), |all, user| all.add(format!("u{user}@example.com"), "Design"));
    let plan = many.without_reading_groups().plan().await.unwrap();
    assert_eq!((plan.plan().requests(), plan.plan().from_groups()), (50, 0), "from the users");
    assert_eq!(plan.await.unwrap().completed().count(), 500);
}

#[tokio::test]
async fn a_directory_spares_the_list_of_groups() {
    let service = Service::responding(|request| {
        assert!(request.path.contains("/action/"), "{}", request.path);
        let count = request.body.matches("usergroup").count();
        Reply::json(&format!(r#"{{"result":"success","completed":{count},"notCompleted":0}}"#))
    })
    .await;
    let client = service.client();
    let groups = [Group::new("Design").with_type(GroupType::UserGroup)];
    let directory = GroupDirectory::new("1F@AdobeOrg", groups.clone(), service.clock().wall());
    let many = |client: &umapi::Client| {
        (0..500).fold(client.memberships(), |all, user| all.add(format!("u{user}@example.com"), "design"))
    };
    let plan = many(&client).with_directory(&directory).unwrap().plan().await.unwrap();
    assert_eq!(plan.plan().requests(), 1, "from the group");
    assert_eq!(plan.await.unwrap().completed().count(), 500);
    let other = GroupDirectory::new("2E@AdobeOrg", groups, service.clock().wall());
    let error = many(&client).with_directory(&other).unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("2E@AdobeOrg"), "{error}");
}

#[tokio::test]
async fn a_directory_is_read_once_and_knows_when() {
    let service = Service::responding(|_| {
        Reply::json(
            r#"{"lastPage":true,"result":"success","groups":[{"groupId":1,"groupName":"Design","type":"USER_GROUP"}]}"#,
        )
    })
    .await;
    let begun = service.clock().wall();
    let directory = service.client().groups().directory().await.unwrap();
    assert_eq!((directory.organization(), directory.read_at(), directory.groups().len()), ("1F@AdobeOrg", begun, 1));
    assert!(directory.get("DESIGN").is_some() && directory.get("Sales").is_none());
}

/// A store whose database is gone.
struct Gone(&'static str);

impl Gone {
    fn answer<T: Send + 'static>(&self, method: &str, answer: T) -> RateLimitFuture<'static, T> {
        let is_gone = self.0 == method;
        Box::pin(std::future::ready(if is_gone { Err("the database is gone".into()) } else { Ok(answer) }))
    }
}

impl RateLimitStore for Gone {
    fn acquire<'a>(&'a self, _: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
        self.answer("acquire", Permit::Granted(PermitId(1)))
    }

    fn mark_sent<'a>(&'a self, _: &'a RateLimitSet, _: PermitId) -> RateLimitFuture<'a, ()> {
        self.answer("mark_sent", ())
    }

    fn release<'a>(&'a self, _: &'a RateLimitSet, _: PermitId) -> RateLimitFuture<'a, ()> {
        self.answer("release", ())
    }

    fn forecast<'a>(&'a self, _: &'a RateLimitSet, _: usize) -> RateLimitFuture<'a, Duration> {
        self.answer("forecast", Duration::ZERO)
    }

    fn pause<'a>(&'a self, _: &'a RateLimitSet, _: Duration) -> RateLimitFuture<'a, ()> {
        self.answer("pause", ())
    }
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_and_not_a_wait() {
    let service = Service::responding(|request| page(index_of(request), 1, 1)).await;
    let client = |method| service.builder().rate_limit_store(Gone(method)).build().unwrap();
    let error = client("acquire").users().list().try_next().await.unwrap_err();
    assert!(error.is_rate_limit_store() && format!("{error:#}").contains("the database is gone"), "{error:#}");
    assert_eq!((service.requests().len(), service.seconds()), (0, 0));
    let error = client("forecast").time_for(ThrottleClass::Users, 1).await.unwrap_err();
    assert!(error.is_rate_limit_store(), "{error}");
    for harmless in ["mark_sent", "release", "pause"] {
        client(harmless).users().list().try_next().await.unwrap();
    }
}

/// A store can be tested without a client.
#[tokio::test]
async fn a_store_can_be_tested_by_itself() {
    let store = InMemoryRateLimits::new(ManualClock::new().clock());
    let limits = RateLimits::documented();
    let set = |scope| RateLimitSet::new("key", scope, limits.of(scope).iter().copied());
    let set = set(RateLimitScope::FirstPage(Operation::ListGroups));
    assert!(matches!(store.acquire(&set).await, Ok(Permit::Granted(_))));
    assert!(matches!(store.acquire(&set).await, Ok(Permit::After(wait)) if wait.as_secs() >= 7_200));
}
