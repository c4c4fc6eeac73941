//! Each class of operations has its own retry budget.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use umapi::StandardRetry;

use crate::server::{Reply, Server, commands, runtime};

#[test]
fn a_failing_list_leaves_changes_their_retries() {
    let has_failed = AtomicBool::new(false);
    let service = Server::answering(move |_, request| match request.path.contains("/action/") {
        true if !has_failed.swap(true, Ordering::SeqCst) => Reply::of(500, &[], ""),
        true => Reply::done(request),
        false => Reply::of(500, &[], ""),
    });
    let quick = StandardRetry::default().first_wait(Duration::from_millis(1)).longest_wait(Duration::from_millis(2));
    let client = service.builder().retry(quick).build().unwrap();
    runtime().block_on(async {
        for _ in 0..50 {
            let error = client.groups().list().try_next().await.unwrap_err();
            assert_eq!(error.status(), Some(500));
        }
        let asked = service.requests().len();
        assert!(asked < 100, "the list stops retrying: {asked} requests");
        let report = client.execute(commands(1)).await.unwrap();
        assert_eq!((report.completed().count(), report.requests()), (1, 2));
    });
}
