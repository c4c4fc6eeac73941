//! `POST /action/{orgId}`.

use http::StatusCode;

use super::{
    Context,
    errors::{ErrorShape, reject},
};
use crate::{
    engine::{self, ActionFailure, ActionOptions},
    http::Response,
};

impl Context<'_> {
    /// `POST /action/{orgId}`.
    pub(super) fn execute_actions(self, test_only: bool) -> Response {
        let step_faults = |step: &engine::StepView<'_>| self.app.faults.fail_step(step);
        let options = ActionOptions::new(&self.request.id, self.app.clock.millis())
            .test_only(test_only)
            .limits(self.app.settings.request_sizes)
            .loose(!self.app.settings.strict)
            .step_faults(&step_faults);
        match engine::apply(&self.app.store, &self.org.org_id, &self.request.body, &options) {
            Ok(response) => Response::json(StatusCode::OK, &response),
            Err(ActionFailure::Migrating(rejection)) => reject(ErrorShape::Result, 403, &rejection),
            Err(ActionFailure::Malformed(rejection) | ActionFailure::UnknownOrganization(rejection)) => {
                reject(ErrorShape::Result, 400, &rejection)
            }
            Err(ActionFailure::Store(error)) => Response::failure(&error.to_string()),
        }
    }
}
