//! Taking in how a request ended.

use std::sync::Arc;

use super::outcome::{NotSent, StepError, StepWarning, UnknownReason};
use super::reading::{Reading, doubt, read};
use super::record::Verdict;
use super::scheduler::{Attempt, Scheduler, Slice};
use super::second_try::{Meaning, meaning};
use super::unit::Part;
use crate::job::{CallFailure, RequestId, RequestResult, Response, Submission};

impl<S: Submission> Scheduler<S> {
    pub(super) fn take_in(&mut self, id: RequestId, exchange: RequestResult) {
        let Some(attempt) = self.in_flight.remove(&id) else { return };
        match exchange {
            RequestResult::Response(answer) => self.take_answer(attempt, &answer),
            RequestResult::Refused(error) => {
                self.took_part(&attempt, error.requests().max(1), error.request_id());
                self.take_refusal(attempt, &error);
            }
            RequestResult::NotSent(error) => {
                self.took_part(&attempt, error.requests(), error.request_id());
                self.leave(attempt, &error);
            }
            RequestResult::Unknown(error) => {
                self.took_part(&attempt, error.requests().max(1), error.request_id());
                let then = attempt.then;
                self.settle_all(&attempt.slices, &Verdict::Unknown(UnknownReason::NoResponse(error)));
                self.follow_up(then);
            }
        }
    }

    fn take_answer(&mut self, attempt: Attempt, answer: &Response) {
        self.took_part(&attempt, answer.attempts, answer.request_id.as_deref());
        let commands: Vec<_> = attempt
            .slices
            .iter()
            .filter_map(|slice| Some(self.graph.unit(slice.unit)?.command(slice.from..slice.to)))
            .collect();
        let readings = read(&answer.body, &commands);
        for (slice, reading) in attempt.slices.iter().zip(&readings) {
            let parts = self.parts(slice);
            for (step, warning) in &reading.warnings {
                let warned = step.and_then(|step| parts.get(step)).or(parts.first());
                if let Some(record) = warned.and_then(|part| self.records.get_mut(part.owner)) {
                    record.warn(StepWarning {
                        step: step.and_then(|step| parts.get(step)).map(|part| part.index as usize),
                        code: warning.warning_code.clone(),
                        message: warning.message.clone(),
                    });
                }
            }
            let is_repeated = |part: &Part| {
                answer.repeated_after_unknown || self.records.get(part.owner).is_some_and(|record| record.is_repeated)
            };
            let verdicts = verdicts(&parts, reading, is_repeated);
            self.settle_parts(slice, &parts, verdicts);
        }
        self.follow_up(attempt.then);
    }

    /// The request was refused as a whole, so nothing of it was applied. One command must be the cause: halves of it are
    /// sent, halves of the half that is refused, and so on, until it stands alone.
    fn take_refusal(&mut self, mut attempt: Attempt, error: &CallFailure) {
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
        let refused = StepError {
            step: None,
            names: None,
            code: error.code().cloned().unwrap_or(umapi_model::ErrorCode::CommandMalformed),
            message: error.service_message().map(str::to_owned).or_else(|| Some(error.to_string())),
        };
        let verdicts = vec![Verdict::Refused(vec![refused]); parts.len()];
        self.settle_parts(&slice, &parts, verdicts);
        self.follow_up(attempt.then);
    }

    /// Gives an attempt up that was surely not applied.
    pub(super) fn leave(&mut self, attempt: Attempt, why: &CallFailure) {
        self.settle_all(&attempt.slices, &Verdict::NotSent(NotSent::Failed(why.clone())));
        self.follow_up(attempt.then);
    }

    /// The rest of a unit that was cut in two.
    fn follow_up(&mut self, then: Option<Box<Attempt>>) {
        let Some(then) = then else { return };
        match self.aborted.clone() {
            Some(why) => self.leave(*then, &why),
            None => self.again.push_back(*then),
        }
    }

    fn took_part(&mut self, attempt: &Attempt, attempts: u32, request_id: Option<&str>) {
        let request_id: Option<Arc<str>> = request_id.map(Into::into);
        for slice in &attempt.slices {
            let mut last = None;
            for part in self.parts(slice) {
                if last != Some(part.owner)
                    && let Some(record) = self.records.get_mut(part.owner)
                {
                    record.took_part(attempts, request_id.as_ref());
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
            let verdicts = vec![verdict.clone(); parts.len()];
            self.settle_parts(slice, &parts, verdicts);
        }
    }

    fn settle_parts(&mut self, slice: &Slice, parts: &[Part], verdicts: Vec<Verdict>) {
        let mut failed = Vec::new();
        for (part, verdict) in parts.iter().zip(verdicts) {
            if !matches!(verdict, Verdict::Done | Verdict::DoneByLostRequest(_)) && failed.last() != Some(&part.owner) {
                failed.push(part.owner);
            }
            self.settle_part(part, verdict);
        }
        if !self.settings.test_mode {
            failed.into_iter().for_each(|owner| self.hold_back(owner));
        }
        self.graph.settle(slice.unit, parts.len());
    }

    pub(super) fn settle_part(&mut self, part: &Part, verdict: Verdict) {
        if let Some(record) = self.records.get_mut(part.owner) {
            record.settle(part, verdict);
        }
        self.conclude(part.owner);
    }

    /// What is left of the command is not sent.
    fn hold_back(&mut self, owner: usize) {
        let Some(record) = self.records.get_mut(owner) else { return };
        for unit in std::mem::take(&mut record.units) {
            for part in self.graph.strip(unit, owner) {
                self.settle_part(&part, Verdict::NotSent(NotSent::HeldBack));
            }
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

/// What an answer says of each part of a command.
fn verdicts(parts: &[Part], reading: &Reading<'_>, is_repeated: impl Fn(&Part) -> bool) -> Vec<Verdict> {
    let verdict = |(step, part): (usize, &Part)| {
        if reading.is_doubtful {
            return Verdict::Unknown(doubt());
        }
        if !reading.whole.is_empty() {
            return Verdict::Refused(reading.whole.iter().map(|error| step_error(None, error)).collect());
        }
        let errors: Vec<_> = reading.steps.iter().filter(|(at, _)| *at == step).map(|(_, error)| *error).collect();
        let Some(first) = errors.first() else { return Verdict::Done };
        if is_repeated(part) {
            match meaning(parts.iter().map(|part| &part.step), &part.step, &first.error_code) {
                Meaning::DoneByFirst => return Verdict::DoneByLostRequest(first.error_code.clone()),
                Meaning::Unknown => return Verdict::Unknown(UnknownReason::LostRequest(first.error_code.clone())),
                Meaning::Refused => {}
            }
        }
        Verdict::Refused(errors.into_iter().map(|error| step_error(Some(part), error)).collect())
    };
    parts.iter().enumerate().map(verdict).collect()
}

fn step_error(part: Option<&Part>, error: &umapi_model::ActionError) -> StepError {
    StepError {
        step: part.map(|part| part.index as usize),
        names: part.and_then(|part| part.names.clone()).map(|names| names.start as usize..names.end as usize),
        code: error.error_code.clone(),
        message: error.message.clone(),
    }
}

/// Where a unit of several commands can be cut between two of them: the border that is nearest to the middle.
fn border_near_middle(parts: &[Part]) -> Option<usize> {
    let is_border = |at: &usize| parts[*at - 1].owner != parts[*at].owner;
    (1..parts.len()).filter(is_border).min_by_key(|at| at.abs_diff(parts.len() / 2))
}
