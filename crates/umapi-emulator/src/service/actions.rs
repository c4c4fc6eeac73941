use http::StatusCode;

use super::call::Call;
use super::refusals::{Shape, refuse};
use crate::engine::{self, ActionFailure, ActionOptions};
use crate::http::Answer;

/// `POST /action/{orgId}`.
pub(super) fn execute(call: &Call<'_>) -> Answer {
    let interfere = |step: &engine::StepView<'_>| call.world.faults.interfere(step);
    let options = ActionOptions::new(&call.request.id, call.world.clock.millis())
        .test_only(call.flag("testOnly", false))
        .limits(call.world.settings.action_limits)
        .step_faults(&interfere);
    match engine::apply(&call.world.store, &call.org.org_id, &call.request.body, &options) {
        Ok(response) => Answer::json(StatusCode::OK, &response),
        Err(ActionFailure::Migrating(refusal)) => refuse(Shape::Result, 403, &refusal),
        Err(ActionFailure::Malformed(refusal) | ActionFailure::UnknownOrganization(refusal)) => {
            refuse(Shape::Result, 400, &refusal)
        }
        Err(ActionFailure::Store(error)) => Answer::fault(&error.to_string()),
    }
}
