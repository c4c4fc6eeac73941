//! Lists of a service that does not always behave well.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::service::{Reply, Seen, Service};
use futures_core::Stream;
use umapi::{
    Observer, PageRead, Pager, RateLimits, ResumeToken, StandardRetry,
    model::{GroupType, User},
    time::Clock,
};

/// The page that a request asks for: the number in its path.
fn page_of(request: &Seen) -> usize {
    let path = request.path.split('?').next().unwrap();
    path.split('/').find_map(|part| part.parse().ok()).unwrap()
}

fn page(users: &[&str], is_last: bool, headers: &[(&str, &str)]) -> Reply {
    let users: Vec<String> =
        users.iter().map(|name| format!(r#"{{"id":"{name}","email":"{name}@example.com"}}"#)).collect();
    Reply::of(200, headers, &format!(r#"{{"lastPage":{is_last},"result":"success","users":[{}]}}"#, users.join(",")))
}

/// Starts a service with these pages.
async fn serving(pages: &'static [&'static [&'static str]]) -> Service {
    Service::responding(move |request| {
        let index = page_of(request).min(pages.len() - 1);
        let total = pages.iter().map(|page| page.len()).sum::<usize>().to_string();
        let (current, count) = (index.to_string(), pages.len().to_string());
        let headers =
            [("x-total-count", total.as_str()), ("x-current-page", current.as_str()), ("x-page-count", count.as_str())];
        page(pages[index], index + 1 == pages.len(), &headers)
    })
    .await
}

async fn names(mut users: Pager<User>) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(user) = users.try_next().await.unwrap() {
        names.push(user.id.unwrap());
    }
    assert!(users.try_next().await.unwrap().is_none(), "the end is final");
    names
}

const THREE: &[&[&str]] = &[&["a", "b", "c"], &["d", "e", "f"], &["g"]];

#[tokio::test]
async fn items_are_in_order_and_every_page_is_read_once() {
    let service = serving(THREE).await;
    assert_eq!(names(service.client().users().list()).await, ["a", "b", "c", "d", "e", "f", "g"]);
    let paths: Vec<String> = service.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, [0, 1, 2].map(|page| format!("/users/1F@AdobeOrg/{page}")));
}

#[tokio::test]
async fn empty_pages_without_an_end_are_an_error() {
    let service =
        Service::responding(|request| page(if page_of(request) == 0 { &["a"] } else { &[] }, false, &[])).await;
    let mut users = service.client().users().list();
    assert!(users.try_next().await.unwrap().is_some());
    let error = users.try_next().await.unwrap_err();
    assert!(error.is_endless() && error.to_string().contains("101 pages in a row are empty"), "{error}");
    assert!(service.requests().len() < 200, "{} requests", service.requests().len());
}

#[tokio::test]
async fn filters_are_sent() {
    let service = serving(&[&["a"]]).await;
    let client = service.client();
    names(client.users().domain("example.com").direct_only(false).list()).await;
    names(client.users().in_group("a/b c").status(umapi::model::LicenseStatus::Active).exclude_groups(true).list())
        .await;
    let paths: Vec<String> = service.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths[0], "/users/1F@AdobeOrg/0?directOnly=false&domain=example.com");
    assert_eq!(paths[1], "/users/1F@AdobeOrg/0/a%2Fb%20c?excludeGroups=true&status=active");
}

#[tokio::test]
async fn an_empty_page_is_not_the_end() {
    let service = serving(&[&[], &["a"], &[], &[], &["b"], &[]]).await;
    assert_eq!(names(service.client().users().list()).await, ["a", "b"]);
}

#[tokio::test]
async fn a_repeated_last_page_is_the_end() {
    // The server never marks the last page, and returns it again past the end: with a header, and without one.
    for has_header in [true, false] {
        let service = Service::responding(move |request| {
            let index = page_of(request).min(1);
            let current = index.to_string();
            let headers = [("x-total-count", "4"), ("x-current-page", current.as_str())];
            page([&["a", "b"], &["c", "d"]][index], false, &headers[..1 + usize::from(has_header)])
        })
        .await;
        let mut users = service.client().users().list();
        let mut count = 0;
        while users.try_next().await.unwrap().is_some() {
            count += 1;
        }
        assert_eq!((count, service.requests().len()), (4, 3), "with a header: {has_header}");
        assert!(users.changes().page_came_again);
    }
}

#[tokio::test]
async fn a_cache_that_repeats_a_page_fails_the_list() {
    for headers in [&[("x-total-count", "4000")][..], &[("x-total-count", "4000"), ("x-current-page", "0")], &[]] {
        let service = Service::responding(move |_| page(&["a", "b"], false, headers)).await;
        let client = service.client();
        for list in [client.users().list(), client.users().in_group("Design").list()] {
            let error = list.try_collect().await.unwrap_err();
            let text = error.to_string();
            assert!(error.is_endless() && text.contains("page 2 repeats page 1 and is not the last one"), "{error}");
            assert_eq!(text.contains("after 2 of 4000 items"), !headers.is_empty(), "{error}");
        }
    }
}

#[tokio::test]
async fn a_resumed_list_fails_if_a_cache_repeats_a_page() {
    let service = serving(THREE).await;
    let mut users = service.client().users().list();
    for _ in 0..4 {
        users.try_next().await.unwrap();
    }
    let token = users.resume_token();
    for (total, is_whole) in [("6", true), ("4000", false)] {
        let headers = move || [("x-total-count", total), ("x-page-size", "3")];
        let cache = Service::responding(move |_| page(&["d", "e", "f"], false, &headers())).await;
        let rest = cache.client().users().list().resume(&token).unwrap().try_collect().await;
        assert_eq!(rest.as_ref().map_or(0, Vec::len), if is_whole { 2 } else { 0 }, "{total}: {rest:?}");
    }
}

#[tokio::test]
async fn an_array_that_a_cache_repeats_is_not_its_end() {
    let headers: [(&[(&str, &str)], bool); 5] = [
        (&[], true),
        (&[("x-page-count", "1")], true),
        (&[("x-page-count", "2")], false),
        (&[("x-page-count", "40"), ("x-total-count", "4000")], false),
        (&[("x-total-count", "4000")], false),
    ];
    for (headers, is_whole) in headers {
        let service = Service::responding(|_| Reply::of(200, headers, r#"[{"email":"a@b.c"}]"#)).await;
        let users = service.client().legacy().users().list().try_collect().await;
        assert_eq!(users.is_ok(), is_whole, "{headers:?}: {users:?}");
    }
}

#[tokio::test]
async fn a_list_continues_after_an_error() {
    let asked = AtomicU32::new(0);
    let service = Service::responding(move |request| match page_of(request) {
        // The first failure is one of a page that nobody needs yet.
        1 if asked.fetch_add(1, Ordering::Relaxed) < 3 => Reply::of(500, &[], ""),
        index => page(THREE[index], index == 2, &[]),
    })
    .await;
    let client = service.builder().retry(StandardRetry::NEVER).build().unwrap();
    let mut users = client.users().list();
    let mut read = String::new();
    let mut errors = 0;
    while let Some(user) = users.next().await {
        match user {
            Ok(user) => read.push_str(&user.id.unwrap()),
            Err(error) => {
                assert_eq!((read.as_str(), error.status()), ("abc", Some(500)));
                errors += 1;
            }
        }
    }
    assert_eq!((read.as_str(), errors), ("abcdefg", 2));
}

#[tokio::test]
async fn a_resume_token_continues_with_the_next_item() {
    let service = serving(&[&["a", "b", "c"], &[], &["d", "e"]]).await;
    for taken in 0..=5 {
        let mut users = service.client().users().list();
        let mut read = String::new();
        for _ in 0..taken {
            read.push_str(&users.try_next().await.unwrap().unwrap().id.unwrap());
        }
        let token: ResumeToken = users.resume_token().to_string().parse().unwrap();
        let rest = service.client().users().list().resume(&token).unwrap();
        assert_eq!(rest.resume_token(), token, "the position is the same before anything is read");
        read.push_str(&names(rest).await.concat());
        assert_eq!(read, "abcde", "after {taken}");
    }
}

#[tokio::test]
async fn the_size_of_the_last_page_does_not_move_a_resume_token() {
    let service = Service::responding(|request| {
        let index = page_of(request).min(THREE.len() - 1);
        let size = THREE[index].len().to_string();
        page(THREE[index], index + 1 == THREE.len(), &[("x-total-count", "7"), ("x-page-size", &size)])
    })
    .await;
    for taken in 0..=7 {
        let mut users = service.client().users().list();
        let mut read = String::new();
        for _ in 0..taken {
            read.push_str(&users.try_next().await.unwrap().unwrap().id.unwrap());
        }
        let rest = service.client().users().list().resume(&users.resume_token()).unwrap();
        read.push_str(&names(rest).await.concat());
        assert_eq!(read, "abcdefg", "after {taken}");
    }
}

#[tokio::test]
async fn a_resume_token_of_another_list_is_rejected() {
    let service = serving(THREE).await;
    let client = service.client();
    let token = client.users().domain("example.com").list().resume_token();
    assert!(client.users().domain("example.com").list().resume(&token).is_ok());
    for other in
        [client.users().list(), client.users().domain("example.org").list(), client.users().in_group("g").list()]
    {
        let error = other.resume(&token).unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("another list"), "{error}");
    }
}

#[tokio::test]
async fn a_resume_token_whose_item_moved_loses_nothing() {
    let moved = Arc::new(Mutex::new(false));
    let now = moved.clone();
    let service = Service::responding(move |_| match *now.lock().unwrap() {
        false => page(&["a", "b", "c"], true, &[]),
        true => page(&["b", "c", "d"], true, &[]),
    })
    .await;
    let client = service.client();
    let mut users = client.users().list();
    users.try_next().await.unwrap();
    let after_a = users.resume_token();
    users.try_next().await.unwrap();
    let after_b = users.resume_token();
    *moved.lock().unwrap() = true;
    for (token, rest) in [(after_b, "cd"), (after_a, "bcd")] {
        let mut users = client.users().list().resume(&token).unwrap();
        let mut read = String::new();
        while let Some(user) = users.try_next().await.unwrap() {
            read.push_str(&user.id.unwrap());
        }
        assert_eq!(read, rest);
        assert!(users.changes().resumed_elsewhere);
    }
}

#[tokio::test]
async fn a_changed_list_is_reported_and_can_be_deduplicated() {
    let service = Service::responding(|request| match page_of(request) {
        0 => page(&["a", "b", "c"], false, &[("x-total-count", "5")]),
        _ => page(&["c", "d"], true, &[("x-total-count", "6")]),
    })
    .await;
    let mut users = service.client().users().list();
    let mut count = 0;
    while users.try_next().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 5);
    assert!(users.changes().total_moved && users.changes().repeated_items == 1 && users.changes().any());
    assert_eq!(names(service.client().users().list().dedup()).await, ["a", "b", "c", "d"]);
}

#[derive(Clone, Default)]
struct PagesSeen(Arc<Mutex<Vec<(u32, usize)>>>);

impl Observer for PagesSeen {
    fn page(&self, page: &PageRead<'_>) {
        self.0.lock().unwrap().push((page.index, page.items));
    }
}

#[tokio::test]
async fn pages_have_the_values_of_their_headers() {
    let service = serving(THREE).await;
    let seen = PagesSeen::default();
    let client = service.builder().observer(seen.clone()).build().unwrap();
    let mut pages = client.users().list().by_page();
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!((first.index, first.items.len(), first.is_last), (0, 3, false));
    assert_eq!((first.total, first.page_count, pages.total()), (Some(7), Some(3), Some(7)));
    let mut indexes = Vec::new();
    while let Some(page) = pages.try_next().await.unwrap() {
        indexes.push((page.index, page.is_last));
    }
    assert_eq!(indexes, [(1, false), (2, true)]);
    assert_eq!(*seen.0.lock().unwrap(), [(0, 3), (1, 3), (2, 1)]);
}

#[tokio::test]
async fn a_stream_knows_the_rest_of_the_last_page() {
    let service = serving(THREE).await;
    let mut users = service.client().users().list();
    assert_eq!(users.size_hint(), (0, None));
    let mut count = 0;
    while let Some(user) = std::future::poll_fn(|context| Pin::new(&mut users).poll_next(context)).await {
        user.unwrap();
        count += 1;
        match count {
            2 => assert_eq!(users.size_hint(), (1, None)),
            6 => assert_eq!(users.size_hint(), (0, None)),
            7 => assert_eq!(users.size_hint(), (0, Some(0))),
            _ => {}
        }
    }
    assert_eq!(count, 7);
}

#[tokio::test]
async fn the_next_page_is_fetched_ahead_after_half_of_one() {
    let service = serving(THREE).await;
    let mut users = service.client().users().list();
    users.try_next().await.unwrap();
    settle().await;
    assert_eq!(service.requests().len(), 1, "the first item needs one request");
    users.try_next().await.unwrap();
    settle().await;
    assert_eq!(service.requests().len(), 2, "half of the page is read");

    // With the calls of the minute used up, nothing waits for a page that is not needed yet.
    let limits = RateLimits::documented().without_first_pages();
    let client = service.builder().rate_limits(limits).build().unwrap();
    for _ in 0..24 {
        client.users().list().try_next().await.unwrap();
    }
    service.manual.freeze();
    let mut users = client.users().list();
    for _ in 0..3 {
        users.try_next().await.unwrap();
    }
    settle().await;
    assert_eq!(service.manual.sleepers(), 0);
}

/// Runs everything that is ready.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
        // The runtime checks sockets when it parks.
        Clock::real().sleep(Duration::from_micros(50)).await;
    }
}

#[tokio::test]
async fn groups_end_past_the_last_page_and_are_filtered() {
    let service = Service::responding(|request| match page_of(request) {
        0 => Reply::json(
            r#"{"lastPage":false,"result":"success","groups":[
                {"groupId":1,"groupName":"Design","type":"USER_GROUP"},
                {"groupId":2,"groupName":"Photoshop","type":"PRODUCT_PROFILE"}]}"#,
        ),
        _ => Reply::json(r#"{"lastPage":true,"result":"Not found"}"#),
    })
    .await;
    let client = service.client();
    assert_eq!(client.groups().list().try_collect().await.unwrap().len(), 2);
    let profiles = client.groups().of_type(GroupType::ProductProfile).list().try_collect().await.unwrap();
    assert_eq!(profiles.iter().map(|group| group.group_name.as_str()).collect::<Vec<_>>(), ["Photoshop"]);
    assert_eq!(client.groups().get("dESIGN").await.unwrap().unwrap().group_id, Some(1));
    assert_eq!(client.groups().get("Sales").await.unwrap(), None);
}

#[tokio::test]
async fn an_array_ends_by_its_headers() {
    let service = Service::responding(|request| {
        let page: u32 = request.path.split("page=").nth(1).unwrap().parse().unwrap();
        let first = page * 2;
        let body = format!(r#"[{{"groupId":{first},"name":"x"}},{{"groupId":{},"name":"y"}}]"#, first + 1);
        // The pages of this list are counted from 1.
        Reply::of(200, &[("x-page-count", "3"), ("x-current-page", &page.to_string())], &body)
    })
    .await;
    let groups = service.client().legacy().user_groups().list().try_collect().await.unwrap();
    assert_eq!(groups.iter().map(|group| group.group_id).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn an_array_without_headers_ends_with_an_empty_page() {
    let service = Service::responding(|request| match request.path.ends_with("page=1") {
        true => Reply::json("[]"),
        false => Reply::json(r#"[{"email":"a@b.c"}]"#),
    })
    .await;
    let users = service.client().legacy().users().list().try_collect().await.unwrap();
    assert_eq!((users.len(), service.requests().len()), (1, 2));
}

#[tokio::test]
async fn pages_that_repeat_in_turn_are_an_error_that_says_so() {
    for has_header in [true, false] {
        let service = Service::responding(move |request| {
            let index = page_of(request) % 2;
            let current = index.to_string();
            let headers: &[(&str, &str)] = if has_header { &[("x-current-page", &current)] } else { &[] };
            page([&["a", "b"], &["c", "d"]][index], false, headers)
        })
        .await;
        let mut users = service.client().users().list();
        let mut count = 0;
        let error = loop {
            match users.try_next().await {
                Ok(user) => assert!(user.is_some() && count < 4, "with a header: {has_header}"),
                Err(error) => break error,
            }
            count += 1;
        };
        assert!(error.is_endless() && error.to_string().contains("page 3 repeats page 1"), "{error}");
        assert!(service.requests().len() <= 4, "{} requests", service.requests().len());
    }
}

#[tokio::test]
async fn a_list_that_became_shorter_ends_with_its_last_page() {
    // Page 3 no longer exists when it is requested, and the service returns the last page, which is page 1 now.
    let service = Service::responding(|request| match page_of(request) {
        index @ 0..=2 => {
            page(&[["a", "b"], ["c", "d"], ["e", "f"]][index], false, &[("x-current-page", &index.to_string())])
        }
        _ => page(&["c", "d"], true, &[("x-current-page", "1")]),
    })
    .await;
    let mut users = service.client().users().list();
    let mut count = 0;
    while users.try_next().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!((count, users.changes().page_came_again), (6, true));
}

#[tokio::test]
async fn pages_without_groups_of_the_type_do_not_end_the_list() {
    let service = Service::responding(|request| {
        let index = page_of(request);
        let kind = if index == 150 { "SYSADMIN_GROUP" } else { "PRODUCT_PROFILE" };
        let is_last = index == 150;
        Reply::json(&format!(
            r#"{{"lastPage":{is_last},"result":"success","groups":[{{"groupId":{index},"groupName":"g{index}","type":"{kind}"}}]}}"#
        ))
    })
    .await;
    let client = service.builder().rate_limits(RateLimits::unlimited()).build().unwrap();
    let groups = client.groups().of_type(GroupType::SysadminGroup).list().try_collect().await.unwrap();
    assert_eq!(groups.len(), 1);
}

#[tokio::test]
async fn odd_values_do_not_end_a_list() {
    let body = r#"{"lastPage":"true","result":"success","groups":[
        {"groupId":"2","groupName":"Design","type":"USER_GROUP","memberCount":"7","isReadOnly":"false"},
        {"groupId":3,"groupName":2026},
        {"groupId":4,"groupName":"Sales","type":"PRODUCT_PROFILE","memberCount":"many","licenseQuota":9}]}"#;
    let service = Service::scripted([Reply::json(body)]).await;
    let groups = service.client().groups().list().try_collect().await.unwrap();
    assert_eq!(service.requests().len(), 1, "one request, no retry");
    assert_eq!(groups.iter().map(|group| group.group_id).collect::<Vec<_>>(), [Some(2), Some(3), Some(4)]);
    assert_eq!((groups[0].member_count, groups[0].is_read_only), (Some(7), Some(false)));
    assert_eq!((groups[1].group_name.as_str(), &groups[1].type_), ("2026", &None));
    assert_eq!((groups[2].member_count, groups[2].extra["memberCount?"].as_str()), (None, Some("many")));
}
