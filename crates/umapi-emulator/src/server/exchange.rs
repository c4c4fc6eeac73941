use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{Method, StatusCode, header};
use umapi_time::AdvanceGuard;

use super::delivery::Delivery;
use super::line::Switch;
use super::reading::name_after;
use crate::clock::http_date;
use crate::contract::{Api, Endpoint, PathParameters, Route, Violation};
use crate::faults::Fault;
use crate::http::{Answer, Request};
use crate::journal::Exchange;
use crate::service;
use crate::world::World;

/// The connection was reset: there is no answer.
#[derive(Debug)]
pub(super) struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is reset by a fault rule")
    }
}

impl std::error::Error for Reset {}

/// Answers a request for one of the services, with all that fault rules do to it.
///
/// The clock is held while the emulator works: a client that shares it does not see its deadlines pass because of that. It
/// is not held while a fault rule lets time go by.
pub(super) async fn answer(
    world: &Arc<World>,
    services: &[Api],
    request: &Request,
    switch: &Switch,
) -> Result<http::Response<Delivery>, Reset> {
    let clock = world.clock.clock();
    let mut hold = clock.advance_guard();
    let route = world.contract.route(services, &request.method, &request.path, !world.settings.strict);
    let operation = match &route {
        Route::Found { endpoint, .. } => Some(endpoint.operation.id),
        _ => None,
    };
    let mut record = Record::begin(world, request, &route);
    let Some(fault) = operation.and_then(|id| world.faults.decide(id)) else {
        let answer = finish(world, request, apply(world, &route, request));
        record.end(&answer);
        return Ok(respond(answer, |body| Delivery::at_once(body, hold)));
    };

    record.fault(&fault);
    if !fault.delay.is_zero() {
        drop(hold);
        clock.sleep(fault.delay).await;
        hold = clock.advance_guard();
    }
    if fault.resets_before() {
        switch.reset();
        return Err(Reset);
    }
    if fault.expires_token()
        && let Err(error) = world.login.expire_presented(world, request)
    {
        tracing::error!(%error, "the token of a request could not be ended");
    }
    let answer = fault.instead().unwrap_or_else(|| apply(world, &route, request));
    if fault.resets_after() {
        switch.reset();
        return Err(Reset);
    }
    let answer = finish(world, request, fault.spoil(answer));
    record.end(&answer);
    Ok(respond(answer, |body| manner(&fault, body, world, hold)))
}

fn manner(fault: &Fault, body: bytes::Bytes, world: &World, hold: AdvanceGuard) -> Delivery {
    match (fault.cut_off(), fault.drip) {
        (Some(bytes), _) => Delivery::cut_off(body, bytes),
        (None, Some(drip)) => Delivery::slowly(body, drip.bytes, drip.every(), world.clock.clock()),
        (None, None) => Delivery::at_once(body, hold),
    }
}

/// Does what a request asks for, on the thread that the request came in on: that takes less than a tenth of a millisecond
/// for one user and a few for a page of 2,000, and handing it to another thread costs more than it brings while the store
/// lets in one at a time. A panic in it is a mistake of the emulator, and no reason to end.
fn apply(world: &World, route: &Route, request: &Request) -> Answer {
    match route {
        Route::Found { api, endpoint, path } => {
            let run = || run(world, *api, endpoint, path, request);
            let answer = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Answer::fault("it panicked"));
            check(world, endpoint, request, answer)
        }
        Route::BadOrganization => service::bad_organization(),
        Route::WrongMethod(methods) => service::wrong_method(methods),
        Route::Unknown => service::unknown_path(&request.path),
    }
}

fn run(world: &World, api: Api, endpoint: &Endpoint, path: &PathParameters, request: &Request) -> Answer {
    match api {
        Api::UserManagement => service::answer(world, endpoint, path, request),
        Api::Login => world.login.answer(world, endpoint.operation, request),
        // It has a port of its own, with neither faults nor a journal.
        Api::Management => service::unknown_path(&request.path),
    }
}

/// Holds an answer against the description: one that it does not allow becomes a 500 with the reason.
fn check(world: &World, endpoint: &Endpoint, request: &Request, answer: Answer) -> Answer {
    let failed = answer.status == StatusCode::INTERNAL_SERVER_ERROR;
    let reason = if failed {
        String::from_utf8_lossy(&answer.body).into_owned()
    } else if world.settings.check_answers
        && let Err(reason) = endpoint.check_answer(&answer)
    {
        reason
    } else {
        return answer;
    };
    let answer = if failed { answer } else { Answer::fault(&format!("the answer breaks the description: {reason}")) };
    let operation = endpoint.operation.id.to_owned();
    world.contract.violations.record(Violation { operation, request_id: request.id.clone(), reason });
    answer
}

/// Adds what every answer has.
pub(super) fn finish(world: &World, request: &Request, mut answer: Answer) -> Answer {
    name_after(request, &mut answer);
    // The emulator's date: a client learns from it how far its clock is off.
    if let Some(date) = http_date(world.clock.wall()) {
        answer.headers.entry(header::DATE).or_insert(date);
    }
    answer
}

pub(super) fn respond(answer: Answer, body: impl FnOnce(bytes::Bytes) -> Delivery) -> http::Response<Delivery> {
    let mut response = http::Response::new(body(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// The journal's entry of a request. It is written when it is dropped, so that a request whose connection ended early is
/// in the journal too, without an answer.
struct Record<'a> {
    world: &'a Arc<World>,
    entry: Option<(Exchange, Before)>,
}

/// Where things stood when a request came.
struct Before {
    at: umapi_time::Instant,
    ledger: Option<i64>,
}

impl<'a> Record<'a> {
    fn begin(world: &'a Arc<World>, request: &Request, route: &Route) -> Self {
        if !world.journal.is_kept() {
            return Self { world, entry: None };
        }
        let mut exchange = Exchange::of(request, world.clock.wall());
        if let Route::Found { endpoint, path, .. } = route {
            exchange = exchange.operation(endpoint.operation.id);
            if let Some((_, org)) = path.iter().find(|(name, _)| name == "orgId") {
                exchange = exchange.organization(org.as_str());
            }
        }
        // Reads have no effects.
        let ledger = (request.method != Method::GET).then(|| position(world)).flatten();
        Self { world, entry: Some((exchange, Before { at: world.clock.clock().now(), ledger })) }
    }

    fn fault(&mut self, fault: &Fault) {
        self.entry = self.entry.take().map(|(exchange, before)| (exchange.fault(fault), before));
    }

    fn end(&mut self, answer: &Answer) {
        self.entry = self.entry.take().map(|(exchange, before)| {
            let took = self.world.clock.clock().now() - before.at;
            (exchange.answered(answer, took), before)
        });
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let Some((mut exchange, before)) = self.entry.take() else { return };
        if let Some(after) = before.ledger
            && let Some(up_to) = position(self.world)
        {
            exchange = exchange.effects(after, up_to);
        }
        self.world.journal.record(exchange);
    }
}

fn position(world: &World) -> Option<i64> {
    world.store.read(|reader| reader.ledger_end()).ok()
}
