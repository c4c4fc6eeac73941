//! The job of a batch: commands in, requests out, responses in, outcomes out.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
};

use umapi_model::{self as model, ActionError, ErrorCode, limits};

use super::{
    graph::Graph,
    lost_request::{Expectation, Meaning, Verified, meaning},
    outcome::{NotSent, StepError, StepWarning, UnknownReason},
    record::{Record, Verdict},
    response::{Reading, read},
    unit::{COMMAND_BYTES, Part, Unit},
    window::Window,
};
use crate::{
    command::{Command, InvalidCommand, Step, StepDescription, Violation, json_size, root_of, take_steps},
    job::{
        CallFailure, Finding, Job, JobProgress, PackedRequest, RequestId, RequestResult, Response, Submission,
        Verification, VerificationId,
    },
};

/// The number of ready units that are tried when the next one is too large for the rest of a request.
const TRIES_TO_FILL: usize = 64;

/// Settings of a [`Scheduler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The service validates everything and changes nothing. Then a failed part of a command holds nothing back: the other
    /// parts can be tried all the same.
    pub test_mode: bool,
    /// The most commands from the oldest without an outcome to the newest.
    pub window: usize,
    /// The most bytes of JSON of commands that are not sent or not answered.
    pub window_bytes: usize,
}

impl Settings {
    /// Settings for a batch that is in memory anyway.
    ///
    /// ```
    /// use umapi_plan::{Command, batch::{Scheduler, Settings}};
    ///
    /// let mut scheduler = Scheduler::<Command>::new(Settings::unbounded(true));
    /// assert_eq!(scheduler.offer(Command::user("ann@example.com").remove_from_org()), 0);
    /// assert!(!scheduler.is_full());
    /// ```
    pub fn unbounded(test_mode: bool) -> Self {
        Self { test_mode, window: usize::MAX, window_bytes: usize::MAX }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { test_mode: false, window: 4096, window_bytes: 32 << 20 }
    }
}

/// Turns commands into requests, and responses into outcomes. See the [module](super) for the order that it keeps.
///
/// It holds as many commands as its settings allow, so that a stream of any length needs bounded memory:
///
/// ```
/// use umapi_plan::{Command, batch::{Scheduler, Settings}, job::Job};
///
/// let user = |row| Command::user(format!("user{row}@example.com"));
/// let mut rows = (0..).map(|row| user(row).add_to(["Everyone"]));
/// let mut scheduler = Scheduler::new(Settings { window: 100, ..Settings::default() });
/// while !scheduler.is_full() {
///     scheduler.offer(rows.next().unwrap());
/// }
/// // Now requests are sent until there is room again; after the last row it is closed.
/// assert_eq!(scheduler.next_request(false).unwrap().commands.len(), 10);
/// scheduler.close();
/// ```
///
/// A batch that is in memory anyway has [`Settings::unbounded`].
#[derive(Debug)]
pub struct Scheduler<S: Submission = Command> {
    pub(super) settings: Settings,
    pub(super) graph: Graph,
    /// The commands without an outcome, by number.
    records: Window<Record<S::Key>>,
    /// Parts of requests that were rejected as a whole, to be sent again on their own.
    again: VecDeque<Attempt>,
    in_flight: HashMap<RequestId, Attempt>,
    next_id: u64,
    /// Parts to verify, which are not handed out yet.
    unverified: VecDeque<Doubt>,
    verifying: HashMap<VerificationId, Doubt>,
    is_closed: bool,
    aborted: Option<CallFailure>,
    ended: Vec<S::Outcome>,
    ended_count: usize,
}

/// The content of one request.
#[derive(Debug)]
struct Attempt {
    slices: Vec<Slice>,
    /// The rest of the unit, if it was cut in two: it must follow.
    then: Option<Box<Attempt>>,
}

/// Some parts of a unit.
#[derive(Clone, Debug)]
struct Slice {
    unit: usize,
    from: usize,
    to: usize,
}

/// A part whose error after a lost request must be verified.
#[derive(Debug)]
struct Doubt {
    unit: usize,
    part: Part,
    expectation: Expectation,
    errors: Vec<StepError>,
    code: ErrorCode,
}

/// A command with a step that does not fit into a request.
struct TooLarge<K> {
    key: K,
    head: model::Command,
    steps: usize,
    invalid: InvalidCommand,
}

impl<S: Submission> Scheduler<S> {
    /// A scheduler without commands.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            graph: Graph::new(),
            records: Window::new(),
            again: VecDeque::new(),
            in_flight: HashMap::new(),
            next_id: 0,
            unverified: VecDeque::new(),
            verifying: HashMap::new(),
            is_closed: false,
            aborted: None,
            ended: Vec::new(),
            ended_count: 0,
        }
    }

    /// Takes any command, and gives it the next number, counted from 0. A command that breaks a rule ends as rejected, and
    /// nothing of it is sent.
    pub fn offer(&mut self, item: S) -> usize {
        let (key, command) = item.into_parts();
        if let Err(invalid) = command.check() {
            let (mut head, _) = command.into_parts();
            let steps = take_steps(&mut head).len();
            return self.reject(key, head, steps, &invalid);
        }
        self.place(key, command).unwrap_or_else(|large| {
            let TooLarge { key, head, steps, invalid } = *large;
            self.reject(key, head, steps, &invalid)
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

    /// Takes a command that breaks no rule, except perhaps that each step must fit into a request.
    fn place(&mut self, key: S::Key, command: Command) -> Result<usize, Box<TooLarge<S::Key>>> {
        let number = self.records.next_key();
        let (mut head, is_repeated) = command.into_parts();
        let steps = take_steps(&mut head);
        let step_count = steps.len();
        let mut parts = Vec::with_capacity(step_count);
        for (index, step) in (0..).zip(steps) {
            let split = step.split(limits::NAMES_PER_LIST).into_iter();
            parts.extend(split.map(|(step, names)| Part::new(step, number, index, names)));
        }
        let head_bytes = json_size(&head);
        if let Some(large) = parts.iter().find(|part| head_bytes + part.bytes > COMMAND_BYTES) {
            let invalid = too_large(&head, large, step_count);
            return Err(Box::new(TooLarge { key, head, steps: step_count, invalid }));
        }
        let head = Arc::new(head);
        let mut record = Record::new(key, head.clone(), step_count, parts.len());
        record.is_repeated = is_repeated;
        if let Some(why) = &self.aborted {
            for part in &parts {
                record.settle(part, Verdict::NotSent(NotSent::Failed(why.clone())));
            }
            self.records.push(record);
            self.conclude(number);
            return Ok(number);
        }
        record.units = self.schedule(&head, head_bytes, parts);
        Ok(self.records.push(record))
    }

    fn schedule(&mut self, head: &Arc<model::Command>, bytes: usize, parts: Vec<Part>) -> Vec<usize> {
        let (head, mut parts) = (self.graph.head(head, bytes), parts.into_iter());
        let mut units = Vec::from_iter(self.graph.extend_tail(&head, &mut parts));
        while parts.len() > 0 {
            units.push(self.graph.append(&head, &mut parts));
        }
        units
    }

    /// Ends a command that breaks a rule as rejected.
    fn reject(&mut self, key: S::Key, head: model::Command, steps: usize, invalid: &InvalidCommand) -> usize {
        let mut record = Record::new(key, Arc::new(head), steps, steps.max(1));
        record.reject(steps, StepError::of_rule(invalid));
        let number = self.records.push(record);
        self.conclude(number);
        number
    }

    /// Notes that no more commands come.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether no more commands should be pushed until some have an outcome.
    pub fn is_full(&self) -> bool {
        self.window_in_use() >= self.settings.window || self.graph.bytes() >= self.settings.window_bytes
    }

    /// The number of commands from the oldest without an outcome to the newest.
    pub(super) fn window_in_use(&self) -> usize {
        self.records.span()
    }

    /// Hands out the outcome of a command, if it is known.
    fn conclude(&mut self, number: usize) {
        if self.records.get(number).is_some_and(Record::has_ended)
            && let Some(record) = self.records.remove(number)
        {
            let (key, outcome) = record.conclude(number);
            self.ended.push(S::outcome(key, outcome));
            self.ended_count += 1;
        }
    }

    /// Packs the next request from units that are ready: those with the longest chains first, as many as fit.
    fn pack(&mut self, flush: bool) -> Option<Vec<usize>> {
        let (mut bytes, mut misfits) = (0, 0);
        let mut chosen = Vec::with_capacity(limits::COMMANDS_PER_REQUEST);
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
        let is_idle = self.in_flight.is_empty() && self.unverified.is_empty() && self.verifying.is_empty();
        let is_full = chosen.len() == limits::COMMANDS_PER_REQUEST || misfits > 0;
        let may_be_sent = if chosen.is_empty() {
            false
        } else if is_full {
            is_idle || misfits > 0 || self.is_progress(&chosen)
        } else {
            let more_may_come = !self.is_closed && !self.is_full() && !flush;
            let more_gets_ready = !is_idle && self.graph.blocked() > 0;
            !more_may_come && !more_gets_ready
        };
        may_be_sent.then_some(chosen)
    }

    /// Whether sending these before the requests in flight are answered costs no request. It does if the places are needed
    /// for the end of a long chain whose next unit is not ready yet.
    fn is_progress(&mut self, chosen: &[usize]) -> bool {
        let before = self.graph.levels().lower_bound(limits::COMMANDS_PER_REQUEST);
        self.graph.lower_bound_without(chosen, limits::COMMANDS_PER_REQUEST) < before
    }

    fn hand_out(&mut self, attempt: Attempt) -> PackedRequest {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let units = attempt.slices.len();
        let (mut commands, mut numbers) = (Vec::with_capacity(units), Vec::with_capacity(units));
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

    fn take_response(&mut self, attempt: Attempt, response: &Response) {
        self.count_requests(&attempt, response.attempts, response.request_id.as_deref());
        let sent = attempt.slices.iter().filter_map(|slice| self.graph.unit(slice.unit)?.sent(slice.from..slice.to));
        self.ended.reserve(attempt.slices.len());
        let readings = read(&response.body, &sent.collect::<Vec<_>>(), self.settings.test_mode);
        for (slice, reading) in attempt.slices.iter().zip(&readings) {
            let parts = self.parts(slice);
            for (step, warning) in &reading.warnings {
                let warned = step.and_then(|step| parts.get(step)).or(parts.first());
                if let Some(record) = warned.and_then(|part| self.records.get_mut(part.owner)) {
                    let part = step.and_then(|step| parts.get(step));
                    record.warn(StepWarning {
                        step: part.map(|part| part.index as usize),
                        description: part.map(describe),
                        code: warning.warning_code.clone(),
                        message: warning.message.clone(),
                    });
                }
            }
            // In test mode the lost request did nothing.
            let is_repeated = |part: &Part| {
                !self.settings.test_mode
                    && (response.repeated_after_unknown
                        || self.records.get(part.owner).is_some_and(|record| record.is_repeated))
            };
            let Some(unit) = self.graph.unit(slice.unit) else { continue };
            let verdicts = verdicts(&unit.head, &parts, reading, is_repeated);
            self.settle_parts(slice.unit, parts.into_iter().zip(verdicts));
        }
        self.follow_up(attempt.then);
    }

    /// Takes the rejection of a whole request: nothing of it was applied, and one command must be the cause. Halves of it
    /// are sent, halves of the half that is rejected, and so on, until that command is alone.
    fn take_rejection(&mut self, mut attempt: Attempt, error: &CallFailure) {
        if self.aborted.is_some() {
            return self.leave(attempt, error);
        }
        if attempt.slices.len() > 1 {
            let half = attempt.slices.split_off(attempt.slices.len() / 2);
            self.again.push_back(attempt);
            self.again.push_back(Attempt { slices: half, then: None });
            return;
        }
        let Some(slice) = attempt.slices.pop() else { return };
        let parts = self.parts(&slice);
        if let Some(middle) = border_near_middle(&parts) {
            let (first, second) = slice.cut(middle);
            let then = Attempt { slices: vec![second], then: attempt.then };
            self.again.push_back(Attempt { slices: vec![first], then: Some(Box::new(then)) });
            return;
        }
        let rejected = StepError::of_request(error);
        let verdict = PartVerdict::Known(Verdict::Rejected(vec![rejected]));
        self.settle_parts(slice.unit, parts.into_iter().map(|part| (part, verdict.clone())));
        self.follow_up(attempt.then);
    }

    /// Gives up an attempt that was certainly not applied.
    fn leave(&mut self, attempt: Attempt, why: &CallFailure) {
        self.settle_all(&attempt.slices, &Verdict::NotSent(NotSent::Failed(why.clone())));
        self.follow_up(attempt.then);
    }

    /// Sends the rest of a unit that was cut in two.
    fn follow_up(&mut self, then: Option<Box<Attempt>>) {
        let Some(then) = then else { return };
        match self.aborted.clone() {
            Some(why) => self.leave(*then, &why),
            None => self.again.push_back(*then),
        }
    }

    fn count_requests(&mut self, attempt: &Attempt, attempts: u32, request_id: Option<&str>) {
        let request_id: Option<Arc<str>> = request_id.map(Into::into);
        for slice in &attempt.slices {
            let Some(unit) = self.graph.unit(slice.unit) else { continue };
            let mut last = None;
            for part in &unit.parts[slice.from..slice.to] {
                if last != Some(part.owner)
                    && let Some(record) = self.records.get_mut(part.owner)
                {
                    record.count_requests(attempts, request_id.as_ref());
                    last = Some(part.owner);
                }
            }
        }
    }

    fn parts(&self, slice: &Slice) -> Vec<Part> {
        self.graph.unit(slice.unit).map(|unit| unit.parts[slice.from..slice.to].to_vec()).unwrap_or_default()
    }

    fn settle_all(&mut self, slices: &[Slice], verdict: &Verdict) {
        for slice in slices {
            let parts = self.parts(slice);
            self.settle_parts(slice.unit, parts.into_iter().map(|part| (part, PartVerdict::Known(verdict.clone()))));
        }
    }

    fn settle_parts(&mut self, unit: usize, parts: impl Iterator<Item = (Part, PartVerdict)>) {
        let (mut failed, mut settled) = (Vec::new(), 0);
        for (part, verdict) in parts {
            match verdict {
                PartVerdict::Known(verdict) => {
                    if !verdict.is_done() && failed.last() != Some(&part.owner) {
                        failed.push(part.owner);
                    }
                    self.settle_part(&part, verdict);
                    settled += 1;
                }
                PartVerdict::Verify { expectation, errors, code } if self.aborted.is_none() => {
                    self.unverified.push_back(Doubt { unit, part, expectation, errors, code });
                }
                PartVerdict::Verify { code, .. } => {
                    self.settle_part(&part, Verdict::Unknown(UnknownReason::LostRequest(code)));
                    settled += 1;
                }
            }
        }
        if !self.settings.test_mode {
            failed.into_iter().for_each(|owner| self.hold_back(owner));
        }
        self.graph.settle(unit, settled);
    }

    fn settle_part(&mut self, part: &Part, verdict: Verdict) {
        if let Some(record) = self.records.get_mut(part.owner) {
            record.settle(part, verdict);
        }
        self.conclude(part.owner);
    }

    fn settle_doubt(&mut self, doubt: Doubt, verdict: Verdict) {
        let Doubt { unit, part, .. } = doubt;
        self.settle_parts(unit, std::iter::once((part, PartVerdict::Known(verdict))));
    }

    /// Does not send the rest of a command.
    fn hold_back(&mut self, owner: usize) {
        let Some(record) = self.records.get_mut(owner) else { return };
        for unit in mem::take(&mut record.units) {
            for part in self.graph.strip(unit, owner) {
                self.settle_part(&part, Verdict::NotSent(NotSent::HeldBack));
            }
        }
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

    fn finish_request(&mut self, id: RequestId, result: RequestResult) {
        let Some(attempt) = self.in_flight.remove(&id) else { return };
        match result {
            RequestResult::Response(response) => self.take_response(attempt, &response),
            RequestResult::Refused(error) => {
                self.count_requests(&attempt, error.requests().max(1), error.request_id());
                self.take_rejection(attempt, &error);
            }
            RequestResult::NotSent(error) => {
                self.count_requests(&attempt, error.requests(), error.request_id());
                self.leave(attempt, &error);
            }
            RequestResult::Unknown(error) => {
                self.count_requests(&attempt, error.requests().max(1), error.request_id());
                let then = attempt.then;
                self.settle_all(&attempt.slices, &Verdict::Unknown(UnknownReason::NoResponse(error)));
                self.follow_up(then);
            }
        }
    }

    fn next_verification(&mut self) -> Option<Verification> {
        let doubt = self.unverified.pop_front()?;
        let id = VerificationId(self.next_id);
        self.next_id += 1;
        let lookups = doubt.expectation.lookups();
        self.verifying.insert(id, doubt);
        Some(Verification { id, lookups })
    }

    fn finish_verification(&mut self, id: VerificationId, findings: &[Finding]) {
        let Some(mut doubt) = self.verifying.remove(&id) else { return };
        let verdict = match doubt.expectation.verify(findings) {
            Verified::Done => Verdict::DoneByLostRequest(doubt.code.clone()),
            Verified::NotDone => Verdict::Rejected(mem::take(&mut doubt.errors)),
            Verified::CannotTell => Verdict::Unknown(UnknownReason::LostRequest(doubt.code.clone())),
        };
        self.settle_doubt(doubt, verdict);
    }

    fn abort(&mut self, why: CallFailure) {
        if self.aborted.is_some() {
            return;
        }
        self.aborted = Some(why.clone());
        for attempt in mem::take(&mut self.again) {
            self.leave(attempt, &why);
        }
        for doubt in mem::take(&mut self.unverified) {
            let reason = UnknownReason::LostRequest(doubt.code.clone());
            self.settle_doubt(doubt, Verdict::Unknown(reason));
        }
        let is_unsent = |graph: &Graph, key| graph.unit(key).is_some_and(Unit::is_unsent);
        for key in self.graph.keys() {
            if is_unsent(&self.graph, key)
                && let Some(unit) = self.graph.remove(key)
            {
                for part in &unit.parts {
                    self.settle_part(part, Verdict::NotSent(NotSent::Failed(why.clone())));
                }
            }
        }
    }

    fn take_outcomes(&mut self) -> Vec<S::Outcome> {
        mem::take(&mut self.ended)
    }

    fn key(&self, number: u64) -> Option<&S::Key> {
        Some(&self.records.get(usize::try_from(number).ok()?)?.key)
    }

    fn is_finished(&self) -> bool {
        (self.is_closed || self.aborted.is_some())
            && self.graph.is_empty()
            && self.in_flight.is_empty()
            && self.verifying.is_empty()
            && self.unverified.is_empty()
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

impl Slice {
    fn cut(&self, middle: usize) -> (Self, Self) {
        let first = Self { to: self.from + middle, ..self.clone() };
        let second = Self { from: self.from + middle, ..self.clone() };
        (first, second)
    }
}

/// What a response says about one part.
#[derive(Clone)]
enum PartVerdict {
    Known(Verdict),
    /// Something must be read first.
    Verify {
        expectation: Expectation,
        errors: Vec<StepError>,
        code: ErrorCode,
    },
}

/// What a response says about each part of a command.
fn verdicts(
    head: &model::Command,
    parts: &[Part],
    reading: &Reading<'_>,
    is_repeated: impl Fn(&Part) -> bool,
) -> Vec<PartVerdict> {
    let verdict = |(step, part): (usize, &Part)| {
        if let Some(disagreement) = &reading.disagreement {
            let why = UnknownReason::Contradiction(Box::new(disagreement.clone()));
            return PartVerdict::Known(Verdict::Unknown(why));
        }
        if !reading.whole.is_empty() {
            let errors = reading.whole.iter().map(|error| step_error(None, error)).collect();
            return PartVerdict::Known(Verdict::Rejected(errors));
        }
        let errors: Vec<_> = reading.steps.iter().filter(|(at, _)| *at == step).map(|(_, error)| *error).collect();
        let Some(first) = errors.first() else { return PartVerdict::Known(Verdict::Done) };
        let code = first.error_code.clone();
        let errors: Vec<StepError> = errors.into_iter().map(|error| step_error(Some(part), error)).collect();
        if !is_repeated(part) {
            return PartVerdict::Known(Verdict::Rejected(errors));
        }
        match meaning(head, parts.iter().map(|part| &*part.step), &part.step, &code) {
            Meaning::Verify(expectation) => PartVerdict::Verify { expectation, errors, code },
            Meaning::Unknown => PartVerdict::Known(Verdict::Unknown(UnknownReason::LostRequest(code))),
            Meaning::Rejected => PartVerdict::Known(Verdict::Rejected(errors)),
        }
    };
    parts.iter().enumerate().map(verdict).collect()
}

fn step_error(part: Option<&Part>, error: &ActionError) -> StepError {
    StepError {
        step: part.map(|part| part.index as usize),
        names: part.and_then(|part| part.names.clone()).map(|names| names.start as usize..names.end as usize),
        description: part.map(describe),
        code: error.error_code.clone(),
        message: error.message.clone(),
        remedy: None,
    }
}

/// The description of a part. Its [record](Record) adds the number of steps.
fn describe(part: &Part) -> Box<StepDescription> {
    Box::new(StepDescription::of_step(&part.step, 0))
}

/// The border between two commands of a unit that is nearest to its middle.
fn border_near_middle(parts: &[Part]) -> Option<usize> {
    let is_border = |at: &usize| parts[*at - 1].owner != parts[*at].owner;
    (1..parts.len()).filter(is_border).min_by_key(|at| at.abs_diff(parts.len() / 2))
}

fn too_large(head: &model::Command, part: &Part, steps: usize) -> InvalidCommand {
    let (rule, remedy) = (
        format!("a request may have {} bytes, and this step alone has {}", limits::REQUEST_BYTES, part.bytes),
        "shorten its texts",
    );
    Violation::new(ErrorCode::CommandMalformed, "do", rule, remedy)
        .in_step(root_of(head), part.index as usize, part.step.name())
        .describe(steps, |_| Some(Step::clone(&part.step)))
}
