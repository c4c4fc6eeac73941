//! The number of requests of a batch, before anything is sent.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use umapi_model::{ActionResponse, ActionResult, Operation, limits};

use super::{
    form::InvalidOutcome,
    scheduler::{Scheduler, Settings},
};
use crate::{
    command::{Command, InvalidCommand},
    job::{Job, RequestResult, Response},
};

/// The number of requests of a batch, and how long they take.
///
/// ```
/// use umapi_plan::{Command, Estimate};
///
/// let users = (0..1000).map(|i| format!("user{i}@example.com"));
/// let estimate = Estimate::of([Command::group("Design").add_users(users)])?;
/// assert_eq!(estimate.requests(), 10);
/// // Ten requests are allowed per minute.
/// assert_eq!(estimate.duration().as_secs(), 0);
/// let json = r#"{"commands":1,"wire_commands":10,"requests":10,"lower_bound":10}"#;
/// assert_eq!(serde_json::to_string(&estimate)?, json);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "EstimateForm")]
pub struct Estimate {
    commands: usize,
    wire_commands: usize,
    requests: usize,
    lower_bound: usize,
}

/// An estimate that was read, and not checked.
#[derive(Deserialize)]
struct EstimateForm {
    commands: usize,
    wire_commands: usize,
    requests: usize,
    lower_bound: usize,
}

impl TryFrom<EstimateForm> for Estimate {
    type Error = InvalidOutcome;

    fn try_from(form: EstimateForm) -> Result<Self, InvalidOutcome> {
        let EstimateForm { commands, wire_commands, requests, lower_bound } = form;
        if lower_bound > requests || requests > wire_commands || (commands == 0) != (wire_commands == 0) {
            return Err(InvalidOutcome::new("an estimate needs lower_bound <= requests <= wire_commands"));
        }
        Ok(Self { commands, wire_commands, requests, lower_bound })
    }
}

impl Estimate {
    /// Packs the commands as they would be sent, if all of them succeed.
    ///
    /// # Errors
    /// If a command breaks a rule.
    pub fn of(commands: impl IntoIterator<Item = impl Into<Command>>) -> Result<Self, InvalidCommand> {
        let mut scheduler = Scheduler::<Command>::new(Settings::unbounded(false));
        let mut estimate = Self { commands: 0, wire_commands: 0, requests: 0, lower_bound: 0 };
        for command in commands {
            scheduler.push(command.into())?;
            estimate.commands += 1;
        }
        scheduler.close();
        let levels = scheduler.graph.levels();
        estimate.wire_commands = levels.total();
        let by_height = levels.lower_bound(limits::COMMANDS_PER_REQUEST);
        estimate.lower_bound = by_height.max(scheduler.graph.depths().lower_bound(limits::COMMANDS_PER_REQUEST));
        while let Some(request) = scheduler.next_request(false) {
            estimate.requests += 1;
            let body = ActionResponse::new(ActionResult::Success).with_completed(request.commands.len() as u32);
            let response = Response { body, request_id: None, attempts: 1, repeated_after_unknown: false };
            scheduler.finish_request(request.id, RequestResult::Response(response));
            scheduler.take_outcomes();
        }
        Ok(estimate)
    }

    /// The number of commands, as the caller gave them.
    pub fn commands(&self) -> usize {
        self.commands
    }

    /// The number of wire commands, after long commands are split and adjacent ones joined.
    pub fn wire_commands(&self) -> usize {
        self.wire_commands
    }

    /// The number of requests, if nothing fails.
    pub fn requests(&self) -> usize {
        self.requests
    }

    /// A lower bound on the number of requests, for any packing of these commands.
    pub fn lower_bound(&self) -> usize {
        self.lower_bound
    }

    /// How long the last request waits, at the documented rate limit of one client.
    pub fn duration(&self) -> Duration {
        let per_minute = Operation::ExecuteActions.throttle().map_or(u32::MAX, |throttle| throttle.client);
        self.duration_at(per_minute)
    }

    /// How long the last request waits at another rate limit, in requests per minute.
    ///
    /// ```
    /// use umapi_plan::{Command, Estimate};
    ///
    /// let users = (0..1000).map(|i| format!("user{i}@example.com"));
    /// let estimate = Estimate::of([Command::group("Design").add_users(users)])?;
    /// assert_eq!((estimate.commands(), estimate.wire_commands()), (1, 10));
    /// // Half of the limit is left to another program.
    /// assert_eq!(estimate.duration_at(5).as_secs(), 60);
    /// # Ok::<(), umapi_plan::InvalidCommand>(())
    /// ```
    pub fn duration_at(&self, per_minute: u32) -> Duration {
        let full_minutes = self.requests.saturating_sub(1) as u64 / u64::from(per_minute.max(1));
        Duration::from_secs(60 * full_minutes)
    }
}
