//! Commands in, requests out, and back.

use std::collections::{HashMap, VecDeque};

use umapi_model::{ErrorCode, limits};

use super::graph::Graph;
use super::outcome::{NotSent, StepError};
use super::record::{Record, Verdict};
use super::ring::Ring;
use super::settings::Settings;
use super::unit::{COMMAND_BYTES, Part, Unit};
use crate::command::{Command, InvalidCommand, Violation};
use crate::command::{json_size, take_steps};
use crate::job::{CallFailure, Job, JobProgress, PackedRequest, RequestId, RequestResult, Submission};

/// How many ready units are looked at when the next one is too large for what is left of a request.
const TRIES_TO_FILL: usize = 64;

/// Turns commands into requests, and answers into outcomes. See the [module](super) for the order it keeps.
#[derive(Debug)]
pub struct Scheduler<S: Submission = Command> {
    pub(super) settings: Settings,
    pub(super) graph: Graph,
    pub(super) records: Ring<Record<S::Key>>,
    /// Parts of requests that were refused as a whole, to be sent on their own.
    pub(super) again: VecDeque<Attempt>,
    pub(super) in_flight: HashMap<RequestId, Attempt>,
    next_id: u64,
    is_closed: bool,
    pub(super) aborted: Option<CallFailure>,
    pub(super) ended: Vec<S::Outcome>,
    ended_count: usize,
}

/// What one request carries.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) slices: Vec<Slice>,
    /// The rest of the unit, when it was cut in two: it must follow.
    pub(super) then: Option<Box<Attempt>>,
}

/// A command of which one step alone does not fit into a request.
struct TooLarge<K> {
    key: K,
    head: umapi_model::Command,
    steps: usize,
    invalid: InvalidCommand,
}

/// Some parts of a unit.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub(super) unit: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl<S: Submission> Scheduler<S> {
    /// A scheduler without commands.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            graph: Graph::new(),
            records: Ring::new(),
            again: VecDeque::new(),
            in_flight: HashMap::new(),
            next_id: 0,
            is_closed: false,
            aborted: None,
            ended: Vec::new(),
            ended_count: 0,
        }
    }

    /// Takes a command, whatever it is, and gives it the next number, counted from 0. One that breaks a rule ends as
    /// rejected, and nothing of it is sent.
    pub fn offer(&mut self, item: S) -> usize {
        let (key, command) = item.into_parts();
        if let Err(invalid) = command.check() {
            return self.push_refused(key, command, &invalid);
        }
        self.place(key, command).unwrap_or_else(|large| {
            let TooLarge { key, head, steps, invalid } = *large;
            self.refuse(key, head, steps, &invalid)
        })
    }

    /// Takes a command, and gives it the next number, counted from 0.
    ///
    /// # Errors
    /// If it breaks a rule. It then has no number.
    pub fn push(&mut self, item: S) -> Result<usize, InvalidCommand> {
        let (key, command) = item.into_parts();
        let number = self.records.next_key();
        command.check().map_err(|invalid| invalid.with_number(number))?;
        self.place(key, command).map_err(|large| large.invalid.with_number(number))
    }

    /// Takes a command that keeps all rules but perhaps one: that it must fit into a request.
    fn place(&mut self, key: S::Key, command: Command) -> Result<usize, Box<TooLarge<S::Key>>> {
        let number = self.records.next_key();
        let (mut head, is_repeated) = command.into_parts();
        let steps = take_steps(&mut head);
        let step_count = steps.len();
        let parts: Vec<Part> = (0..)
            .zip(steps)
            .flat_map(|(index, step)| step.split(limits::NAMES_PER_LIST).into_iter().map(move |part| (index, part)))
            .map(|(index, (step, names))| Part::new(step, number, index, names))
            .collect();
        let head_bytes = json_size(&head);
        if let Some(large) = parts.iter().find(|part| head_bytes + part.bytes > COMMAND_BYTES) {
            let invalid = too_large(&head, large);
            return Err(Box::new(TooLarge { key, head, steps: step_count, invalid }));
        }
        let mut record = Record::new(key, head.clone(), step_count, parts.len());
        record.is_repeated = is_repeated;
        if let Some(why) = &self.aborted {
            for part in &parts {
                record.settle(part, Verdict::NotSent(NotSent::Failed(why.clone())));
            }
            self.records.insert(record);
            self.conclude(number);
            return Ok(number);
        }
        record.units = self.schedule(&head, parts);
        self.records.insert(record);
        Ok(number)
    }

    fn schedule(&mut self, head: &umapi_model::Command, parts: Vec<Part>) -> Vec<usize> {
        let mut parts = parts.into_iter();
        let mut units = Vec::from_iter(self.graph.extend_tail(head, &mut parts));
        while parts.len() > 0 {
            units.push(self.graph.append(head, &mut parts));
        }
        units
    }

    /// Takes a command that breaks a rule: it ends as rejected, and nothing of it is sent.
    pub(crate) fn push_refused(&mut self, key: S::Key, command: Command, invalid: &InvalidCommand) -> usize {
        let (mut head, _) = command.into_parts();
        let steps = take_steps(&mut head).len();
        self.refuse(key, head, steps, invalid)
    }

    fn refuse(&mut self, key: S::Key, head: umapi_model::Command, steps: usize, invalid: &InvalidCommand) -> usize {
        let mut record = Record::new(key, head, steps, steps.max(1));
        let error = StepError {
            step: invalid.step(),
            names: None,
            code: invalid.code().clone(),
            message: Some(format!("{}: {}; {}", invalid.field(), invalid.rule(), invalid.remedy())),
        };
        let number = self.records.next_key();
        record.refuse(steps, error);
        self.records.insert(record);
        self.conclude(number);
        number
    }

    /// No more commands will come.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether no more commands should be pushed until some have ended.
    pub fn is_full(&self) -> bool {
        self.records.span() >= self.settings.window || self.graph.bytes() >= self.settings.window_bytes
    }

    /// Gives out the outcome of a command of which all is known.
    pub(super) fn conclude(&mut self, number: usize) {
        if self.records.get(number).is_some_and(Record::has_ended)
            && let Some(record) = self.records.remove(number)
        {
            let (key, outcome) = record.conclude(number);
            self.ended.push(S::outcome(key, outcome));
            self.ended_count += 1;
        }
    }

    /// The next request of units that are ready: the highest first, as many as fit.
    fn pack(&mut self, flush: bool) -> Option<Vec<usize>> {
        let (mut chosen, mut bytes, mut misfits) = (Vec::new(), 0, 0);
        for (key, unit) in self.graph.ready() {
            let size = unit.bytes + usize::from(!chosen.is_empty());
            if bytes + size > COMMAND_BYTES {
                misfits += 1;
                if misfits == TRIES_TO_FILL {
                    break;
                }
                continue;
            }
            bytes += size;
            chosen.push(key);
            if chosen.len() == limits::COMMANDS_PER_REQUEST {
                break;
            }
        }
        let is_full = chosen.len() == limits::COMMANDS_PER_REQUEST || misfits > 0;
        let may_be_sent = if chosen.is_empty() {
            false
        } else if is_full {
            self.in_flight.is_empty() || misfits > 0 || self.is_progress(&chosen)
        } else {
            let more_may_come = !self.is_closed && !self.is_full() && !flush;
            let more_gets_ready = !self.in_flight.is_empty() && self.graph.blocked() > 0;
            !more_may_come && !more_gets_ready
        };
        may_be_sent.then_some(chosen)
    }

    /// Whether it does no harm to send these before what is in flight is answered. It does, if the places are wanted for
    /// the end of a long chain whose next unit is not ready yet.
    fn is_progress(&mut self, chosen: &[usize]) -> bool {
        let before = self.graph.levels().lower_bound(limits::COMMANDS_PER_REQUEST);
        self.graph.lower_bound_without(chosen, limits::COMMANDS_PER_REQUEST) < before
    }

    fn hand_out(&mut self, attempt: Attempt) -> PackedRequest {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let (mut commands, mut numbers) = (Vec::new(), Vec::new());
        for slice in &attempt.slices {
            let Some(unit) = self.graph.unit(slice.unit) else { continue };
            commands.push(unit.command(slice.from..slice.to));
            numbers.extend(unit.parts[slice.from..slice.to].iter().map(|part| part.owner as u64));
        }
        numbers.sort_unstable();
        numbers.dedup();
        self.in_flight.insert(id, attempt);
        PackedRequest { id, commands, numbers }
    }
}

impl<S: Submission> Job for Scheduler<S> {
    type Outcome = S::Outcome;
    type Key = S::Key;

    fn next_request(&mut self, flush: bool) -> Option<PackedRequest> {
        if self.aborted.is_some() {
            return None;
        }
        if let Some(attempt) = self.again.pop_front() {
            return Some(self.hand_out(attempt));
        }
        let units = self.pack(flush)?;
        let slices = units
            .into_iter()
            .map(|unit| {
                self.graph.send(unit);
                Slice { unit, from: 0, to: self.graph.unit(unit).map_or(0, |unit| unit.parts.len()) }
            })
            .collect();
        Some(self.hand_out(Attempt { slices, then: None }))
    }

    fn finish_request(&mut self, id: RequestId, exchange: RequestResult) {
        self.take_in(id, exchange);
    }

    fn abort(&mut self, why: CallFailure) {
        if self.aborted.is_some() {
            return;
        }
        self.aborted = Some(why.clone());
        for attempt in std::mem::take(&mut self.again) {
            self.leave(attempt, &why);
        }
        let unsent = |graph: &Graph, key| graph.unit(key).is_some_and(Unit::is_unsent);
        for key in self.graph.keys() {
            if unsent(&self.graph, key)
                && let Some(unit) = self.graph.remove(key)
            {
                for part in &unit.parts {
                    self.settle_part(part, Verdict::NotSent(NotSent::Failed(why.clone())));
                }
            }
        }
    }

    fn take_outcomes(&mut self) -> Vec<S::Outcome> {
        std::mem::take(&mut self.ended)
    }

    fn key(&self, number: u64) -> Option<&S::Key> {
        Some(&self.records.get(usize::try_from(number).ok()?)?.key)
    }

    fn is_finished(&self) -> bool {
        (self.is_closed || self.aborted.is_some()) && self.graph.is_empty() && self.in_flight.is_empty()
    }

    fn progress(&self) -> JobProgress {
        JobProgress {
            given: self.records.next_key(),
            ended: self.ended_count,
            in_flight: self.in_flight.len(),
            requests_left: self.graph.lower_bound() + self.again.len(),
        }
    }
}

fn too_large(head: &umapi_model::Command, part: &Part) -> InvalidCommand {
    let (rule, remedy) = (
        format!("a request may have {} bytes, and this step alone has {}", limits::REQUEST_BYTES, part.bytes),
        "shorten its texts",
    );
    Violation::new(ErrorCode::CommandMalformed, "do", rule, remedy).in_step(
        crate::command::root_of(head),
        part.index as usize,
        part.step.name(),
    )
}
