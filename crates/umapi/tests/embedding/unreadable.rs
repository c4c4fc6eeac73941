//! Responses with parts that cannot be read.

use std::time::Duration;

use umapi::{StandardRetry, UnreadableItems};

use crate::server::{Reply, Request, Server, commands, runtime};

fn quick() -> StandardRetry {
    StandardRetry::default().first_wait(Duration::from_millis(1)).longest_wait(Duration::from_millis(2))
}

#[test]
fn null_in_the_answer_to_a_change_is_absent() {
    for body in [
        r#"{"result":"success","completed":1,"notCompleted":0,"errors":null}"#,
        r#"{"result":"success","completed":1,"notCompleted":0,"warnings":null,"errors":[]}"#,
        r#"{"result":"success","completed":1,"notCompleted":null,"completedInTestMode":null,"extra":null}"#,
    ] {
        let service = Server::answering(move |_, _| Reply::json(body));
        let client = service.builder().retry(quick()).build().unwrap();
        let report = runtime().block_on(async { client.execute(commands(1)).await.unwrap() });
        assert_eq!((report.completed().count(), report.requests()), (1, 1), "{body}");
    }
}

#[test]
fn an_error_without_a_code_is_still_a_refusal() {
    let body = r#"{"result":"partial","completed":1,"notCompleted":1,
        "errors":[{"index":1,"step":0,"message":"No such group","errorCode":null}]}"#;
    for body in [body.to_owned(), body.replace(r#","errorCode":null"#, "")] {
        let service = Server::answering(move |_, _| Reply::json(&body));
        let client = service.builder().retry(quick()).build().unwrap();
        let report = runtime().block_on(async { client.execute(commands(2)).await.unwrap() });
        assert_eq!(service.requests().len(), 1, "a complete response is not requested again");
        assert_eq!((report.completed().count(), report.rejected().count()), (1, 1), "{report}");
        let refused = report.rejected().next().unwrap().to_string();
        assert!(refused.contains("No such group"), "{refused}");
    }
}

/// A page of three users. The second one is given.
fn page(odd: &[u8]) -> Vec<u8> {
    let mut body = br#"{"lastPage":true,"result":"success","users":[{"id":"a","email":"ann@example.com"},"#.to_vec();
    body.extend_from_slice(odd);
    body.extend_from_slice(br#",{"id":"c","email":"cid@example.com"}]}"#);
    body
}

fn serving(odd: &'static [u8]) -> Server {
    Server::answering(move |_, _: &Request| Reply::json(page(odd)))
}

#[test]
fn an_odd_value_beside_what_matters_keeps_its_user() {
    let odd: [&[u8]; 6] = [
        br#"{"id":"b","email":"bob@example.com","nick":"\ud83d"}"#,
        br#"{"id":"b","email":"bob@example.com","score":1e999}"#,
        b"{\"id\":\"b\",\"email\":\"bob@example.com\",\"nick\":\"J\xfcrgen\"}",
        br#"{"id":"b","email":"bob@example.com","nick":"x","nick":"y"}"#,
        br#"{"id":"b","email":"bob@example.com","email":"bob@example.com"}"#,
        br#"{"id":"b","email":"bob@example.com","groups":["Design",null]}"#,
    ];
    for odd in odd {
        let service = serving(odd);
        let client = service.builder().retry(quick()).build().unwrap();
        let users = runtime().block_on(async { client.users().list().try_collect().await.unwrap() });
        let names: Vec<_> = users.iter().filter_map(|user| user.id.as_deref()).collect();
        assert_eq!(names, ["a", "b", "c"], "{}", String::from_utf8_lossy(odd));
        assert_eq!(service.requests().len(), 1);
    }
}

#[test]
fn an_unreadable_item_is_reported_and_passed_over() {
    let odd: [&[u8]; 3] =
        [br#"{"id":"b","email":["bob@example.com"]}"#, br#"{"id":"b","email":{"of":"bob"},"groups":7}"#, b"7"];
    for odd in odd {
        let service = serving(odd);
        let client = service.builder().retry(quick()).build().unwrap();
        runtime().block_on(async {
            let mut users = client.users().list();
            let mut names = Vec::new();
            while let Some(user) = users.try_next().await.unwrap() {
                names.push(user.id.unwrap());
            }
            assert_eq!(names, ["a", "c"]);
            assert!(users.changes().any(), "the list is not complete: {:?}", users.changes());
        });
        assert_eq!(service.requests().len(), 1, "a complete response is not requested again");
    }
}

#[test]
fn an_unreadable_item_is_an_error_where_it_shall_be() {
    let service = serving(b"7");
    let client = service.builder().retry(quick()).unreadable_items(UnreadableItems::Fail).build().unwrap();
    let error = runtime().block_on(async { client.users().list().try_collect().await.unwrap_err() });
    assert!(error.is_unreadable(), "{error}");
    assert_eq!(service.requests().len(), 1);
}
