//! Lists that are read slowly, in `select!`, or resumed after the page size changed.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_core::{FusedStream, Stream};
use futures_util::StreamExt as _;
use umapi::{
    Page, Pager, Pages, StandardRetry, ThrottlePolicy,
    model::{Group, User},
};

use crate::server::{ANN, Reply, Server, runtime};

/// Serves this many users. The page size may change.
fn paged(count: usize, size: impl Fn() -> usize + Send + Sync + 'static) -> Server {
    Server::answering(move |_, request| {
        let size = size();
        let pages = count.div_ceil(size);
        let page = request.page().min(pages - 1);
        let names: Vec<String> =
            (page * size..count.min((page + 1) * size)).map(|number| format!("u{number:03}")).collect();
        let (shown, current) = (size.to_string(), page.to_string());
        let (total, pages_shown) = (count.to_string(), pages.to_string());
        let headers = [
            ("x-page-size", shown.as_str()),
            ("x-current-page", &current),
            ("x-total-count", &total),
            ("x-page-count", &pages_shown),
        ];
        // Large enough that a response does not fit into the socket buffers.
        Reply::padded_users(&names, page + 1 == pages, &headers, 20_000)
    })
}

async fn names(mut users: Pager<User>) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(user) = users.try_next().await.unwrap() {
        names.push(user.id.unwrap());
    }
    names
}

fn all(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("u{number:03}")).collect()
}

/// A client without retries, so that a timeout fails the list.
fn impatient(service: &Server) -> umapi::Client {
    let timeout = Duration::from_millis(400);
    service.builder().attempt_timeout(timeout).retry(StandardRetry::NEVER).build().unwrap()
}

#[test]
fn a_slow_reader_asks_for_every_page_once() {
    let service = paged(80, || 20);
    let client = impatient(&service);
    let read = runtime().block_on(async {
        let mut users = client.users().list();
        let mut names = Vec::new();
        while let Some(user) = users.try_next().await.unwrap() {
            names.push(user.id.unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        names
    });
    assert_eq!(read, all(80));
    assert_eq!(service.requests().len(), 4);
}

#[test]
fn a_reader_that_blocks_its_thread_asks_for_every_page_once() {
    let service = paged(60, || 20);
    let client = impatient(&service);
    let read = runtime().block_on(async {
        let mut users = client.users().list();
        let mut names = Vec::new();
        while let Some(user) = users.try_next().await.unwrap() {
            names.push(user.id.unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
        names
    });
    assert_eq!(read, all(60));
    assert_eq!(service.requests().len(), 3);
}

#[test]
fn a_reader_in_a_select_asks_for_every_page_once() {
    let service = paged(6, || 2);
    let client = impatient(&service);
    let read = runtime().block_on(async {
        let mut users = client.users().list();
        let mut names = Vec::new();
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        loop {
            tokio::select! {
                biased;
                _ = tick.tick(), if names.len() % 2 == 0 && tick.period() < Duration::from_millis(2) => {
                    // Other work that takes longer than an attempt may take.
                    tokio::time::sleep(Duration::from_millis(600)).await;
                    tick = tokio::time::interval(Duration::from_secs(3600));
                    tick.tick().await;
                }
                user = users.try_next() => {
                    let Some(user) = user.unwrap() else { break };
                    names.push(user.id.unwrap());
                    tick = tokio::time::interval(Duration::from_millis(1));
                }
            }
        }
        names
    });
    assert_eq!(read, all(6));
    assert_eq!(service.requests().len(), 3);
}

#[test]
fn a_slow_consumer_of_buffered_calls_loses_no_answer() {
    let service = Server::answering(|_, _| Reply::json(ANN));
    let client = impatient(&service);
    runtime().block_on(async {
        let users = client.users();
        let calls = futures_util::stream::iter(0..8).map(|_| users.get("ann@example.com")).buffered(4);
        let mut calls = Box::pin(calls);
        while let Some(user) = calls.next().await {
            user.unwrap().unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    assert_eq!(service.requests().len(), 8);
}

#[test]
fn a_failed_fetch_ahead_does_not_fail_the_list() {
    // The first request for page 1 is one ahead of need.
    let service = Server::answering(|number, request| match (number, request.page()) {
        (1, 1) => Reply::of(429, &[("retry-after", "1")], ""),
        (_, page) => Reply::users(&[format!("u{:03}", page * 2), format!("u{:03}", page * 2 + 1)], page == 1, &[]),
    });
    let client = service.builder().throttle_policy(ThrottlePolicy::WaitUpTo(Duration::from_secs(5))).build().unwrap();
    assert_eq!(runtime().block_on(names(client.users().list())), all(4));
}

#[test]
fn a_dropped_list_leaves_no_task() {
    let service = Server::answering(|number, _| match number {
        0 => Reply::users(&["a".to_owned(), "b".to_owned()], false, &[]),
        _ => Reply::Silence,
    });
    let runtime = runtime();
    runtime.block_on(async {
        let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let mut users = service.client().users().list();
        users.try_next().await.unwrap();
        users.try_next().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(users);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let after = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert!(after <= before + 2, "{after} tasks, {before} before: connections may stay");
    });
}

#[test]
fn a_changed_page_size_skips_and_repeats_nobody() {
    for (before, after) in [(40, 20), (20, 40), (20, 30), (30, 7), (7, 100), (10, 10)] {
        for taken in [0, 1, 9, 19, 20, 39, 40, 41, 63, 99, 100] {
            let has_changed = std::sync::Arc::new(AtomicUsize::new(before));
            let size = has_changed.clone();
            let service = paged(100, move || size.load(Ordering::SeqCst));
            let client = service.client();
            let read = runtime().block_on(async {
                let mut users = client.users().list();
                let mut read = Vec::new();
                for _ in 0..taken {
                    read.push(users.try_next().await.unwrap().unwrap().id.unwrap());
                }
                let token = users.resume_token().to_string();
                drop(users);
                has_changed.store(after, Ordering::SeqCst);
                let rest = client.users().list().resume(&token.parse().unwrap()).unwrap();
                read.extend(names(rest).await);
                read
            });
            assert_eq!(read, all(100), "pages of {before}, then of {after}, resumed after {taken}");
        }
    }
}

#[test]
fn pages_of_users_without_names_do_not_repeat() {
    let service = Server::answering(|_, request| {
        let is_last = request.page() == 3;
        let user = r#"{"type":"unknown"}"#;
        Reply::json(format!(r#"{{"lastPage":{is_last},"result":"success","users":[{user},{user}]}}"#))
    });
    let client = service.client();
    runtime().block_on(async {
        let mut users = client.users().list();
        let mut count = 0;
        while users.try_next().await.unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 8);
        assert!(!users.changes().any(), "{:?}", users.changes());
    });
}

#[test]
fn two_kinds_of_account_on_one_address_are_two_users() {
    let service = Server::answering(|_, _| {
        Reply::json(
            r#"{"lastPage":true,"result":"success","users":[
                {"email":"ann@example.com","type":"federatedID"},{"email":"ann@example.com","type":"adobeID"}]}"#,
        )
    });
    let client = service.client();
    runtime().block_on(async {
        let mut users = client.users().list().dedup();
        let mut count = 0;
        while users.try_next().await.unwrap().is_some() {
            count += 1;
        }
        assert_eq!((count, users.changes().repeated_items), (2, 0));
    });
}

#[test]
fn lists_are_sync_and_fused() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    fn is_fused<T: FusedStream>(_: &T) {}
    let service = paged(3, || 2);
    let client = service.client();
    let mut users: Pager<User> = client.users().list();
    let groups: Pages<Group> = client.groups().list().by_page();
    is_shared(&users);
    is_shared(&groups);
    is_fused(&users);
    is_fused(&groups);
    runtime().block_on(async {
        assert!(!users.is_terminated());
        while users.next().await.is_some() {}
        assert!(users.is_terminated());
        let mut pages = client.users().list().by_page();
        while let Some(page) = futures_util::StreamExt::next(&mut pages).await {
            let _: Page<User> = page.unwrap();
        }
        assert!(pages.is_terminated());
        assert_eq!(Stream::size_hint(&users), (0, Some(0)));
    });
}
