//! Memberships on their way: requests out, answers in, and an outcome for each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use umapi_model::{self as model, ActionError, ErrorCode, limits};

use super::bipartite::USERS;
use super::culprit::{Blame, blame, is_about_root};
use super::outcome::MembershipOutcome;
use super::plan::MembershipPlan;
use super::pool::{List, Lists, Pool, Root};
use crate::batch::reading::{Reading, doubt, read};
use crate::batch::{NotSent, Outcome, StepError, UnknownReason};
use crate::command::json_size;
use crate::job::{CallFailure, Job, JobProgress, PackedRequest, RequestId, RequestResult, Response};

/// Sets the memberships of a plan. A list that is refused for one of its names is sent again without it.
///
/// The order does not matter: any two memberships may be set at once, so that what concerns one root may go in one
/// request, and requests in any number may be in flight.
#[derive(Debug)]
pub struct MembershipJob {
    plan: MembershipPlan,
    pool: Pool,
    /// Commands of requests that were refused as a whole: each of these is sent on its own, without others.
    again: VecDeque<Vec<Lists>>,
    in_flight: HashMap<RequestId, Vec<Lists>>,
    next_id: u64,
    aborted: Option<CallFailure>,
    /// By link: how many requests it took part in, and the name of the last.
    sent: Vec<(u32, Option<Arc<str>>)>,
    /// By link: the caller's numbers.
    numbers: Vec<Vec<u32>>,
    ended: Vec<MembershipOutcome>,
    ended_count: usize,
}

impl MembershipJob {
    pub(super) fn new(plan: MembershipPlan) -> Self {
        let mut pool = Pool::default();
        for (link, of) in (0..).zip(&plan.links) {
            pool.add(plan.root(link), of.action, link);
        }
        let mut numbers = vec![Vec::new(); plan.links.len()];
        for (number, link) in (0..).zip(&plan.link_of) {
            numbers[*link as usize].push(number);
        }
        Self {
            sent: vec![(0, None); plan.links.len()],
            plan,
            pool,
            again: VecDeque::new(),
            in_flight: HashMap::new(),
            next_id: 0,
            aborted: None,
            numbers,
            ended: Vec::new(),
            ended_count: 0,
        }
    }

    /// As many waiting commands as a request takes.
    fn pack(&mut self) -> (Vec<Lists>, Vec<model::Command>) {
        let (mut chosen, mut commands, mut bytes) = (Vec::new(), Vec::new(), 2);
        while commands.len() < limits::COMMANDS_PER_REQUEST {
            let Some(mut lists) = self.pool.next() else { break };
            let mut command = lists.command(&self.plan);
            let mut size = json_size(&command) + usize::from(!commands.is_empty());
            // Names of the greatest length fill a request before ten commands do, and a command before ten lists do not.
            while commands.is_empty() && bytes + size > limits::REQUEST_BYTES && lists.lists.len() > 1 {
                lists.lists.pop();
                command = lists.command(&self.plan);
                size = json_size(&command);
            }
            if bytes + size > limits::REQUEST_BYTES && !commands.is_empty() {
                break;
            }
            bytes += size;
            self.pool.take(&lists);
            chosen.push(lists);
            commands.push(command);
        }
        (chosen, commands)
    }

    fn hand_out(&mut self, lists: Vec<Lists>, commands: Vec<model::Command>) -> PackedRequest {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let mut numbers: Vec<u64> =
            links(&lists).flat_map(|link| &self.numbers[link as usize]).map(|number| u64::from(*number)).collect();
        numbers.sort_unstable();
        self.in_flight.insert(id, lists);
        PackedRequest { id, commands, numbers }
    }

    fn took_part(&mut self, lists: &[Lists], attempts: u32, request_id: Option<&str>) {
        let request_id: Option<Arc<str>> = request_id.map(Into::into);
        for link in links(lists) {
            let (requests, last) = &mut self.sent[link as usize];
            *requests += attempts;
            if request_id.is_some() {
                last.clone_from(&request_id);
            }
        }
    }

    fn take_answer(&mut self, sent: Vec<Lists>, answer: &Response) {
        self.took_part(&sent, answer.attempts, answer.request_id.as_deref());
        let commands: Vec<_> = sent.iter().map(|lists| lists.command(&self.plan)).collect();
        let readings = read(&answer.body, &commands);
        for (lists, reading) in sent.into_iter().zip(&readings) {
            self.take_reading(lists, reading);
        }
    }

    fn take_reading(&mut self, lists: Lists, reading: &Reading<'_>) {
        if reading.is_doubtful {
            return self.end_all(&[lists], &Outcome::Unknown { why: doubt() });
        }
        if let Some(error) = reading.whole.first() {
            return self.take_refusal_of_command(lists, error);
        }
        for (step, list) in lists.lists.into_iter().enumerate() {
            match reading.steps.iter().find(|(at, _)| *at == step) {
                Some((_, error)) => self.take_refusal_of_list(lists.root, list, error),
                None => list.links.iter().for_each(|link| self.end(*link, Outcome::Completed, false)),
            }
        }
    }

    fn take_refusal_of_list(&mut self, root: Root, mut list: List, error: &ActionError) {
        let names: Vec<&str> = list.links.iter().map(|link| self.plan.listed_name(*link)).collect();
        match blame(error, root.0, list.action, self.root_name(root), &names) {
            Blame::NothingToDo => list.links.iter().for_each(|link| self.end(*link, Outcome::Completed, true)),
            Blame::All => list.links.iter().for_each(|link| self.end(*link, rejected(error), false)),
            Blame::One(place) => {
                let culprit = list.links.remove(place);
                self.end(culprit, rejected(error), false);
                for link in list.links {
                    self.send_again(root, List { action: list.action, links: vec![link] }, true);
                }
            }
            Blame::Some => {
                let links = list.links.split_off(list.links.len() / 2);
                self.send_again(root, List { action: list.action, links }, false);
                self.send_again(root, list, false);
            }
        }
    }

    /// A command was refused, and its request was not. If it is not for its root, it is for one of its lists.
    fn take_refusal_of_command(&mut self, lists: Lists, error: &ActionError) {
        let names = lists.lists.iter().map(|list| list.links.len()).sum::<usize>();
        if names == 1 || is_about_root(&error.error_code, lists.root.0) {
            return self.end_all(&[lists], &rejected(error));
        }
        self.split(vec![lists]);
    }

    fn send_again(&mut self, root: Root, list: List, is_loose: bool) {
        if let Some(why) = self.aborted.clone() {
            return list.links.iter().for_each(|link| self.end(*link, not_sent(&why), false));
        }
        if is_loose {
            list.links.iter().for_each(|link| self.pool.add(root, list.action, *link));
        } else {
            self.pool.add_whole(root, list);
        }
    }

    /// Sends the halves of what was refused as a whole: of the commands, of the lists of the only one, or of the names of
    /// its only list.
    fn split(&mut self, mut refused: Vec<Lists>) {
        if let Some(why) = self.aborted.clone() {
            return self.end_all(&refused, &not_sent(&why));
        }
        let half = match &mut refused[..] {
            [Lists { root, lists }] => match &mut lists[..] {
                [List { action, links }] => {
                    let links = links.split_off(links.len() / 2);
                    vec![Lists { root: *root, lists: vec![List { action: *action, links }] }]
                }
                _ => vec![Lists { root: *root, lists: lists.split_off(lists.len() / 2) }],
            },
            _ => refused.split_off(refused.len() / 2),
        };
        self.again.push_back(refused);
        self.again.push_back(half);
    }

    fn take_refusal(&mut self, refused: Vec<Lists>, error: &CallFailure) {
        if links(&refused).count() > 1 {
            return self.split(refused);
        }
        let message = error.service_message().map(str::to_owned).or_else(|| Some(error.to_string()));
        let code = error.code().cloned().unwrap_or(ErrorCode::CommandMalformed);
        let error = StepError { step: None, names: None, code, message };
        self.end_all(&refused, &Outcome::Rejected { errors: vec![error] });
    }

    fn end_all(&mut self, lists: &[Lists], outcome: &Outcome) {
        links(lists).for_each(|link| self.end(link, outcome.clone(), false));
    }

    fn end(&mut self, link: u32, outcome: Outcome, was_so_already: bool) {
        let of = self.plan.links[link as usize];
        let (requests, request_id) = self.sent[link as usize].clone();
        for number in std::mem::take(&mut self.numbers[link as usize]) {
            self.ended_count += 1;
            self.ended.push(MembershipOutcome {
                number: number as usize,
                edge: self.plan.memberships.edge(of.user, of.group, of.action),
                outcome: outcome.clone(),
                was_so_already,
                requests,
                request_id: request_id.clone(),
            });
        }
    }

    fn root_name(&self, (side, node): Root) -> &str {
        if side == USERS {
            self.plan.memberships.users[node as usize].name()
        } else {
            self.plan.memberships.groups[node as usize].name()
        }
    }
}

impl Job for MembershipJob {
    type Outcome = MembershipOutcome;
    type Key = ();

    fn next_request(&mut self, _flush: bool) -> Option<PackedRequest> {
        if self.aborted.is_some() {
            return None;
        }
        if let Some(lists) = self.again.pop_front() {
            let commands = lists.iter().map(|lists| lists.command(&self.plan)).collect();
            return Some(self.hand_out(lists, commands));
        }
        // What comes back from those in flight may fill it up.
        let is_enough = self.in_flight.is_empty() || self.pool.commands_reach(limits::COMMANDS_PER_REQUEST);
        if self.pool.is_empty() || !is_enough {
            return None;
        }
        let (lists, commands) = self.pack();
        Some(self.hand_out(lists, commands))
    }

    fn finish_request(&mut self, id: RequestId, exchange: RequestResult) {
        let Some(sent) = self.in_flight.remove(&id) else { return };
        match exchange {
            RequestResult::Response(answer) => self.take_answer(sent, &answer),
            RequestResult::Refused(error) => {
                self.took_part(&sent, error.requests().max(1), error.request_id());
                self.take_refusal(sent, &error);
            }
            RequestResult::NotSent(error) => {
                self.took_part(&sent, error.requests(), error.request_id());
                self.end_all(&sent, &not_sent(&error));
            }
            RequestResult::Unknown(error) => {
                self.took_part(&sent, error.requests().max(1), error.request_id());
                self.end_all(&sent, &Outcome::Unknown { why: UnknownReason::NoResponse(error) });
            }
        }
    }

    fn abort(&mut self, why: CallFailure) {
        if self.aborted.is_some() {
            return;
        }
        for link in self.pool.drain() {
            self.end(link, not_sent(&why), false);
        }
        for lists in std::mem::take(&mut self.again) {
            self.end_all(&lists, &not_sent(&why));
        }
        self.aborted = Some(why);
    }

    fn take_outcomes(&mut self) -> Vec<MembershipOutcome> {
        std::mem::take(&mut self.ended)
    }

    fn key(&self, _number: u64) -> Option<&()> {
        Some(&())
    }

    fn is_finished(&self) -> bool {
        self.pool.is_empty() && self.again.is_empty() && self.in_flight.is_empty()
    }

    fn progress(&self) -> JobProgress {
        JobProgress {
            given: self.plan.link_of.len(),
            ended: self.ended_count,
            in_flight: self.in_flight.len(),
            requests_left: self.pool.commands().div_ceil(limits::COMMANDS_PER_REQUEST) + self.again.len(),
        }
    }
}

fn links(lists: &[Lists]) -> impl Iterator<Item = u32> + '_ {
    lists.iter().flat_map(|lists| &lists.lists).flat_map(|list| list.links.iter().copied())
}

fn not_sent(why: &CallFailure) -> Outcome {
    Outcome::NotSent { why: NotSent::Failed(why.clone()) }
}

fn rejected(error: &ActionError) -> Outcome {
    let code = error.error_code.clone();
    Outcome::Rejected { errors: vec![StepError { step: None, names: None, code, message: error.message.clone() }] }
}
