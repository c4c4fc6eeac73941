//! Tests of batches: order, packing, outcomes.

/// An array of commands of either kind.
macro_rules! commands {
    ($($command:expr),+ $(,)?) => { [$(Command::from($command)),+] };
}

mod accounting;
mod order;
mod packing;
mod service;

use umapi_model::{ActionResponse, ActionResult};

use super::{Scheduler, Settings};
use crate::command::{Command, NewGroup, NewUser};
use crate::job::{Job, PackedRequest, RequestResult, Response};

fn scheduler(commands: impl IntoIterator<Item = impl Into<Command>>) -> Scheduler {
    let mut scheduler = Scheduler::new(Settings::unbounded(false));
    for command in commands {
        scheduler.push(command.into()).unwrap();
    }
    scheduler.close();
    scheduler
}

fn success() -> RequestResult {
    answer(ActionResponse::new(ActionResult::Success))
}

fn answer(response: ActionResponse) -> RequestResult {
    RequestResult::Response(Response {
        body: response,
        request_id: Some("r".to_owned()),
        attempts: 1,
        repeated_after_unknown: false,
    })
}

/// Sends everything, one request after the other, each with success.
fn run(scheduler: &mut Scheduler) -> Vec<PackedRequest> {
    let mut requests = Vec::new();
    while let Some(request) = scheduler.next_request(false) {
        scheduler.finish_request(request.id, success());
        requests.push(request);
    }
    assert!(scheduler.is_finished(), "nothing can be sent, and not all is done");
    assert!(scheduler.graph.is_forgotten(), "something of what is done is still there");
    requests
}

/// The roots of each request.
fn roots(requests: &[PackedRequest]) -> Vec<Vec<&str>> {
    let root = |command| crate::command::root_of(command);
    requests
        .iter()
        .map(|request| {
            let mut roots: Vec<_> = request.commands.iter().map(root).collect();
            roots.sort_unstable();
            roots
        })
        .collect()
}

fn user(i: usize) -> String {
    format!("u{i}@example.com")
}

fn users(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(user)
}

/// The body as it is sent.
fn body(request: &PackedRequest) -> Vec<u8> {
    serde_json::to_vec(&request.commands).unwrap()
}
