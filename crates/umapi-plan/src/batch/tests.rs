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

/// Completes every command of a request.
fn success(request: &PackedRequest) -> RequestResult {
    answer(ActionResponse::new(ActionResult::Success).with_completed(request.commands.len() as u32))
}

fn answer(body: ActionResponse) -> RequestResult {
    RequestResult::Response(Response {
        body,
        request_id: Some("r".to_owned()),
        attempts: 1,
        repeated_after_unknown: false,
    })
}

/// Sends everything, one request after the other. All succeed.
fn run(scheduler: &mut Scheduler) -> Vec<PackedRequest> {
    let mut requests = Vec::new();
    while let Some(request) = scheduler.next_request(false) {
        scheduler.finish_request(request.id, success(&request));
        requests.push(request);
    }
    assert!(scheduler.is_finished(), "nothing can be sent, and not everything is done");
    assert!(scheduler.graph.is_forgotten(), "something of a finished batch is left");
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

/// The body of a request.
fn body(request: &PackedRequest) -> Vec<u8> {
    serde_json::to_vec(&request.commands).unwrap()
}
