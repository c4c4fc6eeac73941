//! Every reported start of a request has a reported end, also when a future is dropped.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use umapi::{Observer, RequestFinished, RequestStarted};

use crate::server::{ANN, Reply, Server, commands, runtime};

/// The attempts that were reported as started, and as finished.
#[derive(Clone, Default)]
struct Pairs(Arc<Mutex<(Vec<u32>, Vec<u32>)>>);

impl Observer for Pairs {
    fn request_started(&self, request: &RequestStarted<'_>) {
        self.0.lock().unwrap().0.push(request.attempt);
    }

    fn request_finished(&self, request: &RequestFinished<'_>) {
        assert_eq!(request.status, None, "nothing was answered");
        self.0.lock().unwrap().1.push(request.attempt);
    }
}

#[test]
fn requests_of_dropped_futures_are_reported_as_finished() {
    let service = Server::answering(|_, _| Reply::json(ANN).after(Duration::from_secs(3)));
    let pairs = Pairs::default();
    let client = service.builder().observer(pairs.clone()).build().unwrap();
    let runtime = runtime();
    runtime.block_on(async {
        let wait = Duration::from_millis(200);
        let _ = tokio::time::timeout(wait, client.users().get("ann@example.com")).await.unwrap_err();
        let _ = tokio::time::timeout(wait, client.users().list().next()).await.unwrap_err();
        let _ = tokio::time::timeout(wait, async { client.execute(commands(3)).await }).await.unwrap_err();
        // The dropped run ends its tasks.
        tokio::time::sleep(wait).await;
    });
    drop(runtime);
    let (started, finished) = pairs.0.lock().unwrap().clone();
    assert_eq!(started.len(), 3);
    assert_eq!(started, finished);
}
