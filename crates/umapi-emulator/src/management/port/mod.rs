//! The HTTP API on the management port: the description decides what is let through, and [`Manage`] does it.

mod call;
mod handlers;
mod observe;
mod views;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::StatusCode;
use http::header::{ALLOW, HeaderValue, ORIGIN};
use serde_json::json;

use super::{Manage, ManageError};
use crate::contract::{Api, Endpoint, PathParameters, Route, Violation};
use crate::http::{Answer, Request};
use crate::world::World;
use call::Call;

/// Answers a request on the management port.
///
/// It asks for no login, since it is reached from this machine alone; but so is every page that somebody looks at on this
/// machine. Browsers say where a page comes from, and programs do not.
pub(crate) fn answer(world: &Arc<World>, request: &Request) -> Answer {
    if request.headers.contains_key(ORIGIN) {
        let message = "The management API is for programs: a request of a web page, with an Origin, is refused";
        return problem(StatusCode::FORBIDDEN, "emulator.origin.refused", message);
    }
    match world.contract.route(&[Api::Management], &request.method, &request.path, false) {
        Route::Found { endpoint, path, .. } => {
            let run = || run(world, endpoint, &path, request).unwrap_or_else(|error| error.answer());
            let answer = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Answer::fault("it panicked"));
            check(world, endpoint, request, answer)
        }
        Route::BadOrganization => problem(
            StatusCode::BAD_REQUEST,
            "error.organization.invalid_id",
            "An organization id is a hexadecimal number and then @AdobeOrg",
        ),
        Route::WrongMethod(methods) => {
            let allowed = methods.join(", ");
            let message = format!("The path {} has no method {}, but {allowed}", request.path, request.method);
            let answer = problem(StatusCode::METHOD_NOT_ALLOWED, "emulator.method.unknown", &message);
            match HeaderValue::from_str(&allowed) {
                Ok(allowed) => answer.with_header(ALLOW, allowed),
                Err(_) => answer,
            }
        }
        Route::Unknown => {
            let message = format!("The management API has no path {}", request.path);
            problem(StatusCode::NOT_FOUND, "emulator.path.unknown", &message)
        }
    }
}

fn run(
    world: &Arc<World>,
    endpoint: &Endpoint,
    path: &PathParameters,
    request: &Request,
) -> Result<Answer, ManageError> {
    if let Some((name, _)) = request.query_pairs().find(|(name, _)| !endpoint.has_query(name)) {
        return Err(ManageError::invalid(format!("{} has no parameter {name}", endpoint.operation.id)));
    }
    endpoint.check_parameters(path, request)?;
    let call = Call { manage: Manage::new(Arc::clone(world)), world, endpoint, path, request };
    handlers::run(&call)
}

/// Holds an answer against the description: one that it does not allow becomes a 500 with the reason.
fn check(world: &World, endpoint: &Endpoint, request: &Request, answer: Answer) -> Answer {
    let reason = if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
        String::from_utf8_lossy(&answer.body).into_owned()
    } else {
        match endpoint.check_answer(&answer) {
            Ok(()) => return answer,
            Err(reason) => reason,
        }
    };
    let operation = endpoint.operation.id.to_owned();
    world.contract.violations.record(Violation { operation, request_id: request.id.clone(), reason: reason.clone() });
    problem(StatusCode::INTERNAL_SERVER_ERROR, "emulator.failed", &reason)
}

fn problem(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message}))
}
