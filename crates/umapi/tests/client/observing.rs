//! The notifications of an observer.

use std::sync::{Arc, Mutex};

use umapi::{Command, Observer, PageRead, Progress, RequestFinished, RequestStarted, Retry, RunOptions, Wait};

use crate::service::{Reply, Seen, Service};

const ANN: &str = r#"{"lastPage":true,"result":"success","users":[{"email":"ann@example.com"}]}"#;

/// Records all notifications as text.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn write(&self, entry: String) {
        self.0.lock().unwrap().push(entry);
    }

    fn entries(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Recorder {
    fn request_started(&self, request: &RequestStarted<'_>) {
        assert_eq!((request.request_id.len(), request.api_key), (32, "key-1"));
        self.write(format!("started {} {} {:?}", request.operation, request.attempt, request.commands));
    }

    fn request_finished(&self, request: &RequestFinished<'_>) {
        self.write(format!("finished {} {} {:?}", request.operation, request.attempt, request.status));
    }

    fn wait_begins(&self, wait: &Wait<'_>) {
        self.write(format!("waiting {} seconds: {}", wait.duration.as_secs(), wait.reason));
    }

    fn retry(&self, retry: &Retry<'_>) {
        self.write(format!("again after {:?}", retry.error.status()));
    }

    fn page(&self, page: &PageRead<'_>) {
        self.write(format!("page {} with {} of {:?}", page.index, page.items, page.total));
    }

    fn progress(&self, progress: &Progress) {
        self.write(format!("{} of {:?} done", progress.done, progress.total));
    }
}

fn throttled(seconds: &str) -> Reply {
    Reply::of(429, &[("retry-after", seconds)], "")
}

#[tokio::test]
async fn an_observer_is_notified_in_order() {
    let service = Service::scripted([throttled("60"), Reply::json(ANN)]).await;
    let recorder = Arc::new(Recorder::default());
    let client = service.builder().observer(recorder.clone()).build().unwrap();
    client.users().list().try_next().await.unwrap();
    let expected = [
        "started listUsers 1 []",
        "finished listUsers 1 Some(429)",
        "again after Some(429)",
        "waiting 60 seconds: the service asked for it",
        "started listUsers 2 []",
        "finished listUsers 2 Some(200)",
        "page 0 with 1 of None",
    ];
    assert_eq!(recorder.entries(), expected);
}

#[tokio::test]
async fn an_observer_knows_the_commands_of_each_attempt() {
    let respond = |request: &Seen| {
        let count = request.body.matches("\"user\"").count();
        Reply::json(&format!(r#"{{"result":"success","completed":{count},"notCompleted":0}}"#))
    };
    let mut is_first = true;
    let service = Service::responding(move |request| match std::mem::take(&mut is_first) {
        true => Reply::HangUp,
        false => respond(request),
    })
    .await;
    let recorder = Arc::new(Recorder::default());
    let client = service.builder().observer(recorder.clone()).build().unwrap();
    let commands = (0..12).map(|number| Command::user(format!("u{number}@example.com")).add_to(["Design"]));
    client.execute(commands).with_options(RunOptions::new().in_flight(1)).await.unwrap();
    let started: Vec<String> = recorder.entries().into_iter().filter(|entry| entry.starts_with("started")).collect();
    let first: Vec<u64> = (0..10).collect();
    let expected = [
        format!("started executeActions 1 {first:?}"),
        format!("started executeActions 2 {first:?}"),
        "started executeActions 1 [10, 11]".to_owned(),
    ];
    assert_eq!(started, expected);
}
