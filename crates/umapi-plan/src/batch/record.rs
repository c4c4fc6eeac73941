//! A command without an outcome: what is known about each of its parts.

use std::{ops::Range, sync::Arc};

use umapi_model as model;

use super::{
    outcome::{
        CommandOutcome, More, NotSent, Notice, Outcome, StepError, StepOutcome, StepPart, StepState, StepWarning,
        UnknownReason,
    },
    unit::Part,
};
use crate::command::{Command, Step, StepDescription, root_of, with_steps};

/// A command of the caller that has no outcome yet.
#[derive(Debug)]
pub(super) struct Record<K> {
    pub(super) key: K,
    /// The command without its steps.
    head: Arc<model::Command>,
    step_count: u32,
    /// Whether an earlier process may have sent it.
    pub(super) is_repeated: bool,
    /// The number of parts of which nothing is known yet.
    open: usize,
    /// The units with its parts.
    pub(super) units: Vec<usize>,
    requests: u32,
    request_ids: Vec<Arc<str>>,
    known: Vec<(u32, Option<Range<u32>>, StepState)>,
    errors: Vec<StepError>,
    warnings: Vec<StepWarning>,
    notices: Vec<Notice>,
    unsent: Vec<(u32, Option<Range<u32>>, Arc<Step>)>,
    not_sent: Option<NotSent>,
    unknown: Option<UnknownReason>,
}

/// What is known about a part.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Done,
    DoneByLostRequest(model::ErrorCode),
    Rejected(Vec<StepError>),
    NotSent(NotSent),
    Unknown(UnknownReason),
}

impl Verdict {
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done | Self::DoneByLostRequest(_))
    }
}

impl<K> Record<K> {
    pub(super) fn new(key: K, head: Arc<model::Command>, step_count: usize, parts: usize) -> Self {
        Self {
            key,
            head,
            step_count: step_count as u32,
            is_repeated: false,
            open: parts,
            units: Vec::new(),
            requests: 0,
            request_ids: Vec::new(),
            known: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            notices: Vec::new(),
            unsent: Vec::new(),
            not_sent: None,
            unknown: None,
        }
    }

    /// Whether all parts are known.
    pub(super) fn has_ended(&self) -> bool {
        self.open == 0
    }

    /// Notes that a part was in a request that was sent this many times.
    pub(super) fn count_requests(&mut self, attempts: u32, request_id: Option<&Arc<str>>) {
        self.requests += attempts;
        self.request_ids.extend(request_id.cloned());
    }

    pub(super) fn warn(&mut self, warning: StepWarning) {
        self.warnings.push(warning);
    }

    pub(super) fn settle(&mut self, part: &Part, verdict: Verdict) {
        let state = match verdict {
            Verdict::Done => StepState::Done,
            Verdict::DoneByLostRequest(code) => {
                let description = StepDescription::of_step(&part.step, self.step_count as usize);
                let (step, description) = (part.index as usize, Some(Box::new(description)));
                self.notices.push(Notice::DoneByLostRequest { step, description, code });
                StepState::Done
            }
            Verdict::Rejected(errors) => {
                for error in errors {
                    // An error of the whole command is listed once, not once for each part.
                    if error.step.is_some() || !self.errors.contains(&error) {
                        self.errors.push(error);
                    }
                }
                StepState::Rejected
            }
            Verdict::NotSent(why) => {
                self.not_sent.get_or_insert(why);
                self.unsent.push((part.index, part.names.clone(), part.step.clone()));
                StepState::NotSent
            }
            Verdict::Unknown(why) => {
                self.unknown.get_or_insert(why);
                StepState::Unknown
            }
        };
        self.known.push((part.index, part.names.clone(), state));
        self.open -= 1;
    }

    /// Notes that the command breaks a rule, so nothing of it is sent.
    pub(super) fn reject(&mut self, steps: usize, error: StepError) {
        let state = |step| match error.step {
            Some(wrong) if wrong != step => StepState::NotSent,
            _ => StepState::Rejected,
        };
        self.known = (0..steps).map(|step| (step as u32, None, state(step))).collect();
        self.errors.push(error);
        self.open = 0;
    }

    /// Returns the outcome, once all parts are known.
    pub(super) fn conclude(mut self, number: usize) -> (K, CommandOutcome) {
        self.errors.sort_by_key(|error| (error.step, error.names.as_ref().map(|names| names.start)));
        let steps = self.step_count as usize;
        let errors = self.errors.iter_mut().filter_map(|error| error.description.as_mut());
        let warnings = self.warnings.iter_mut().filter_map(|warning| warning.description.as_mut());
        errors.chain(warnings).for_each(|description| description.steps = steps);
        let unsent = self.unsent_command();
        let steps = self.breakdown();
        let (outcome, errors) = match (self.unknown, self.errors, self.not_sent) {
            (Some(why), errors, _) => (Outcome::Unknown { why }, errors),
            (None, errors, _) if !errors.is_empty() => (Outcome::Rejected { errors }, Vec::new()),
            (None, _, Some(why)) => (Outcome::NotSent { why }, Vec::new()),
            (None, _, None) => (Outcome::Completed, Vec::new()),
        };
        let more = More { steps, errors, warnings: self.warnings, notices: self.notices, unsent };
        let outcome = CommandOutcome {
            number,
            root: root_of(&self.head).into(),
            outcome,
            step_count: self.step_count,
            requests: self.requests,
            request_ids: self.request_ids,
            more: more.into_some(),
        };
        (self.key, outcome)
    }

    /// The state of each part, if they differ.
    fn breakdown(&mut self) -> Vec<StepOutcome> {
        let first = self.known.first().map(|(_, _, state)| *state);
        if self.known.iter().all(|(_, _, state)| Some(*state) == first) {
            return Vec::new();
        }
        self.known.sort_by_key(|(step, names, _)| (*step, names.as_ref().map(|names| names.start)));
        let mut steps: Vec<StepOutcome> = Vec::new();
        for (step, names, state) in self.known.drain(..) {
            let part = StepPart::new(names.map(|names| names.start as usize..names.end as usize), state);
            match steps.last_mut() {
                Some(last) if last.step == step as usize => last.parts.push(part),
                _ => steps.push(StepOutcome::new(step as usize, [part])),
            }
        }
        steps
    }

    /// What was not sent, as one command.
    fn unsent_command(&mut self) -> Option<Command> {
        if self.unsent.is_empty() {
            return None;
        }
        self.unsent.sort_by_key(|(step, names, _)| (*step, names.as_ref().map(|names| names.start)));
        let mut steps: Vec<(u32, Step)> = Vec::new();
        for (index, _, step) in self.unsent.drain(..) {
            let step = Arc::unwrap_or_clone(step);
            match steps.last_mut() {
                Some((last, whole)) if *last == index => whole.join(step),
                _ => steps.push((index, step)),
            }
        }
        let steps = steps.into_iter().map(|(_, step)| step);
        let command = Command::from_raw(with_steps(model::Command::clone(&self.head), steps))?;
        // An earlier process may have sent it all the same.
        Some(if self.is_repeated { command.repeated() } else { command })
    }
}

impl More {
    pub(super) fn into_some(self) -> Option<Box<Self>> {
        let Self { steps, errors, warnings, notices, unsent } = &self;
        let is_empty =
            steps.is_empty() && errors.is_empty() && warnings.is_empty() && notices.is_empty() && unsent.is_none();
        (!is_empty).then(|| Box::new(self))
    }
}
