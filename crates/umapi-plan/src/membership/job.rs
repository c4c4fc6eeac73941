//! The job of a membership plan: requests out, responses in, and an outcome for each change.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
};

use umapi_model::{
    self as model, ActionError, UserCommand, UserGroupCommand, UserGroupMembers, UserGroupRemoval, UserGroupStep,
    UserMemberships, UserRemoval, UserStep, limits,
};

use super::{
    blame::{Blame, blame, is_about_root},
    change::{MembershipAction, MembershipOutcome},
    cover::USERS,
    plan::MembershipPlan,
};
use crate::{
    account::{Account, is_email_type},
    batch::{
        NotSent, Outcome, StepError, UnknownReason,
        lost_request::{Expectation, Verified},
        response::{Reading, read},
    },
    command::json_size,
    job::{
        CallFailure, Finding, Job, JobProgress, PackedRequest, RequestId, RequestResult, Response, Verification,
        VerificationId,
    },
};

/// Sends the memberships of a plan. A list that is rejected because of one name is sent again without it.
///
/// The order does not matter: any two memberships may be set at the same time, so commands on one root may be in one
/// request, and any number of requests may be in flight.
///
/// ```
/// use umapi_plan::{Memberships, job::Job, membership::MembershipJob};
///
/// let plan = Memberships::new().add("ann@example.com", "Design").plan()?;
/// let mut job: MembershipJob = plan.into_job(false);
/// let request = job.next_request(true).unwrap();
/// assert_eq!((request.commands.len(), request.numbers), (1, vec![0]));
/// # Ok::<(), umapi_plan::InvalidMembership>(())
/// ```
///
/// [`Job`] shows how a job is run to its end.
#[derive(Debug)]
pub struct MembershipJob {
    plan: MembershipPlan,
    test_mode: bool,
    pool: Pool,
    /// Parts of requests that were rejected as a whole: each is sent in a request of its own.
    again: VecDeque<Vec<Lists>>,
    in_flight: HashMap<RequestId, Vec<Lists>>,
    /// Lists to verify, which are not handed out yet.
    unverified: VecDeque<Doubt>,
    verifying: HashMap<VerificationId, Doubt>,
    next_id: u64,
    aborted: Option<CallFailure>,
    /// For each link, the number of requests that it was in, and the id of the last one.
    sent: Vec<(u32, Option<Arc<str>>)>,
    /// For each link, the caller's numbers.
    numbers: Vec<Vec<u32>>,
    ended: Vec<MembershipOutcome>,
    ended_count: usize,
}

/// A list whose error after a lost request must be verified.
#[derive(Debug)]
struct Doubt {
    /// Each membership, with what must hold if the lost request set it.
    members: Vec<(u32, Expectation)>,
    error: ActionError,
}

impl MembershipJob {
    pub(super) fn new(plan: MembershipPlan, test_mode: bool) -> Self {
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
            test_mode,
            pool,
            again: VecDeque::new(),
            in_flight: HashMap::new(),
            unverified: VecDeque::new(),
            verifying: HashMap::new(),
            next_id: 0,
            aborted: None,
            numbers,
            ended: Vec::new(),
            ended_count: 0,
        }
    }

    /// Packs as many waiting commands as a request allows.
    fn pack(&mut self) -> (Vec<Lists>, Vec<model::Command>) {
        let (mut chosen, mut commands, mut bytes) = (Vec::new(), Vec::new(), 2);
        while commands.len() < limits::COMMANDS_PER_REQUEST {
            let Some(mut lists) = self.pool.next() else { break };
            let mut command = lists.command(&self.plan);
            let mut size = json_size(&command) + usize::from(!commands.is_empty());
            // Long names can fill a request before ten commands do; a command always has room for at least one list.
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

    fn take_response(&mut self, sent: Vec<Lists>, response: &Response) {
        self.took_part(&sent, response.attempts, response.request_id.as_deref());
        let commands: Vec<_> = sent.iter().map(|lists| lists.command(&self.plan)).collect();
        let readings = read(&response.body, &commands, self.test_mode);
        for (lists, reading) in sent.into_iter().zip(&readings) {
            self.take_reading(lists, reading, response.repeated_after_unknown && !self.test_mode);
        }
    }

    fn take_reading(&mut self, lists: Lists, reading: &Reading<'_>, is_repeated: bool) {
        if let Some(disagreement) = &reading.disagreement {
            let why = UnknownReason::Contradiction(Box::new(disagreement.clone()));
            return self.end_all(&[lists], &Outcome::Unknown { why });
        }
        if let Some(error) = reading.whole.first() {
            return self.take_command_error(lists, error);
        }
        for (step, list) in lists.lists.into_iter().enumerate() {
            match reading.steps.iter().find(|(at, _)| *at == step) {
                Some((_, error)) => self.take_list_error(lists.root, list, error, is_repeated),
                None => list.links.iter().for_each(|link| self.end(*link, Outcome::Completed, false)),
            }
        }
    }

    fn take_list_error(&mut self, root: Root, mut list: List, error: &ActionError, is_repeated: bool) {
        let names: Vec<&str> = list.links.iter().map(|link| self.plan.listed_name(*link)).collect();
        match blame(error, root.0, list.action, self.root_name(root), &names) {
            Blame::NothingToDo if is_repeated => self.doubt(root, list, error),
            Blame::NothingToDo => list.links.iter().for_each(|link| self.end(*link, Outcome::Completed, true)),
            Blame::All => list.links.iter().for_each(|link| self.end(*link, rejected(error), false)),
            Blame::One(place) => {
                let wrong = list.links.remove(place);
                self.end(wrong, rejected(error), false);
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

    /// The memberships are as requested, by the service's word: after a lost request the users are read to verify it.
    fn doubt(&mut self, root: Root, list: List, error: &ActionError) {
        let expectation = |link: &u32| {
            let user = self.plan.user(*link);
            let can_be_read = user.domain().is_some() || is_email_type(user.name());
            can_be_read.then(|| Expectation::Members {
                users: vec![user.clone()],
                group: self.root_name(root).to_owned(),
                expected: list.action == MembershipAction::Add,
            })
        };
        let expectations: Option<Vec<Expectation>> = list.links.iter().map(expectation).collect();
        match expectations.filter(|_| self.aborted.is_none()) {
            Some(expectations) => {
                let members = list.links.into_iter().zip(expectations).collect();
                self.unverified.push_back(Doubt { members, error: error.clone() });
            }
            None => list.links.iter().for_each(|link| self.end(*link, lost(error), false)),
        }
    }

    /// Takes the rejection of one command of a request. If it is not about the root, it is about one of the lists.
    fn take_command_error(&mut self, lists: Lists, error: &ActionError) {
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

    /// Splits what was rejected as a whole and sends both halves: of the commands, of the lists of the only command, or of
    /// the names of its only list.
    fn split(&mut self, mut rejected: Vec<Lists>) {
        if let Some(why) = self.aborted.clone() {
            return self.end_all(&rejected, &not_sent(&why));
        }
        let half = match &mut rejected[..] {
            [Lists { root, lists }] => match &mut lists[..] {
                [List { action, links }] => {
                    let links = links.split_off(links.len() / 2);
                    vec![Lists { root: *root, lists: vec![List { action: *action, links }] }]
                }
                _ => vec![Lists { root: *root, lists: lists.split_off(lists.len() / 2) }],
            },
            _ => rejected.split_off(rejected.len() / 2),
        };
        self.again.push_back(rejected);
        self.again.push_back(half);
    }

    fn take_rejection(&mut self, rejected: Vec<Lists>, error: &CallFailure) {
        if links(&rejected).count() > 1 {
            return self.split(rejected);
        }
        self.end_all(&rejected, &Outcome::Rejected { errors: vec![StepError::of_request(error)] });
    }

    fn end_all(&mut self, lists: &[Lists], outcome: &Outcome) {
        links(lists).for_each(|link| self.end(link, outcome.clone(), false));
    }

    fn end(&mut self, link: u32, outcome: Outcome, was_so_already: bool) {
        let of = self.plan.links[link as usize];
        let (requests, request_id) = self.sent[link as usize].clone();
        for number in mem::take(&mut self.numbers[link as usize]) {
            self.ended_count += 1;
            self.ended.push(MembershipOutcome {
                number: number as usize,
                change: self.plan.memberships.change(of.user, of.group, of.action),
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
        // What comes back from the requests in flight may fill it up.
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
            RequestResult::Response(response) => self.take_response(sent, &response),
            RequestResult::Refused(error) => {
                self.took_part(&sent, error.requests().max(1), error.request_id());
                self.take_rejection(sent, &error);
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

    fn next_verification(&mut self) -> Option<Verification> {
        let doubt = self.unverified.pop_front()?;
        let id = VerificationId(self.next_id);
        self.next_id += 1;
        let lookups = doubt.members.iter().flat_map(|(_, expectation)| expectation.lookups()).collect();
        self.verifying.insert(id, doubt);
        Some(Verification { id, lookups })
    }

    fn finish_verification(&mut self, id: VerificationId, findings: &[Finding]) {
        let Some(Doubt { members, error }) = self.verifying.remove(&id) else { return };
        for (number, (link, expectation)) in members.into_iter().enumerate() {
            let outcome = match expectation.verify(findings.get(number..=number).unwrap_or_default()) {
                Verified::Done => Outcome::Completed,
                Verified::NotDone => rejected(&error),
                Verified::CannotTell => lost(&error),
            };
            self.end(link, outcome, false);
        }
    }

    fn abort(&mut self, why: CallFailure) {
        if self.aborted.is_some() {
            return;
        }
        for Doubt { members, error } in mem::take(&mut self.unverified) {
            members.into_iter().for_each(|(link, _)| self.end(link, lost(&error), false));
        }
        for link in self.pool.drain() {
            self.end(link, not_sent(&why), false);
        }
        for lists in mem::take(&mut self.again) {
            self.end_all(&lists, &not_sent(&why));
        }
        self.aborted = Some(why);
    }

    fn take_outcomes(&mut self) -> Vec<MembershipOutcome> {
        mem::take(&mut self.ended)
    }

    fn key(&self, _number: u64) -> Option<&()> {
        Some(&())
    }

    fn is_finished(&self) -> bool {
        self.pool.is_empty()
            && self.again.is_empty()
            && self.in_flight.is_empty()
            && self.unverified.is_empty()
            && self.verifying.is_empty()
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

fn lost(error: &ActionError) -> Outcome {
    Outcome::Unknown { why: UnknownReason::LostRequest(error.error_code.clone()) }
}

fn rejected(error: &ActionError) -> Outcome {
    let rejected = StepError::new(error.error_code.clone());
    Outcome::Rejected { errors: vec![StepError { message: error.message.clone(), ..rejected }] }
}

/// A user or a group from which memberships are set: its side, and its number on it.
type Root = (usize, u32);

/// At most ten memberships of one root that are applied, or rejected, together.
#[derive(Clone, Debug)]
struct List {
    action: MembershipAction,
    links: Vec<u32>,
}

/// At most ten lists of one root.
#[derive(Clone, Debug)]
struct Lists {
    root: Root,
    lists: Vec<List>,
}

/// The memberships that are not sent, by root.
#[derive(Debug, Default)]
struct Pool {
    /// The roots with waiting memberships.
    queue: VecDeque<Root>,
    waiting: HashMap<Root, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Names that may be in any list, by action.
    loose: [VecDeque<u32>; 2],
    /// Lists to send as they are.
    whole: VecDeque<List>,
}

impl Pool {
    fn add(&mut self, root: Root, action: MembershipAction, link: u32) {
        self.waiting(root).loose[action as usize].push_back(link);
    }

    /// Adds a list to send as it is: it is a part of a rejected one, and may be valid.
    fn add_whole(&mut self, root: Root, list: List) {
        self.waiting(root).whole.push_back(list);
    }

    fn waiting(&mut self, root: Root) -> &mut Waiting {
        let queue = &mut self.queue;
        self.waiting.entry(root).or_insert_with(|| {
            queue.push_back(root);
            Waiting::default()
        })
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the waiting memberships need at least so many commands.
    fn commands_reach(&self, commands: usize) -> bool {
        let mut sum = 0;
        self.queue.iter().filter_map(|root| self.waiting.get(root)).any(|waiting| {
            sum += waiting.lists().div_ceil(limits::STEPS_PER_COMMAND);
            sum >= commands
        })
    }

    /// The number of commands for the waiting memberships.
    fn commands(&self) -> usize {
        self.waiting.values().map(|waiting| waiting.lists().div_ceil(limits::STEPS_PER_COMMAND)).sum()
    }

    /// Returns the next command without taking it.
    fn next(&self) -> Option<Lists> {
        let root = *self.queue.front()?;
        let waiting = self.waiting.get(&root)?;
        let mut lists: Vec<List> = waiting.whole.iter().take(limits::STEPS_PER_COMMAND).cloned().collect();
        for action in [MembershipAction::Add, MembershipAction::Remove] {
            let room = limits::STEPS_PER_COMMAND - lists.len();
            let names: Vec<u32> =
                waiting.loose[action as usize].iter().take(room * limits::NAMES_PER_LIST).copied().collect();
            lists.extend(names.chunks(limits::NAMES_PER_LIST).map(|links| List { action, links: links.to_vec() }));
        }
        Some(Lists { root, lists })
    }

    /// Takes the command that [`next`](Self::next) returned.
    fn take(&mut self, command: &Lists) {
        let Some(waiting) = self.waiting.get_mut(&command.root) else { return };
        for list in &command.lists {
            if waiting.whole.front().is_some_and(|whole| whole.links == list.links) {
                waiting.whole.pop_front();
            } else {
                waiting.loose[list.action as usize].drain(..list.links.len());
            }
        }
        if waiting.lists() == 0 {
            self.waiting.remove(&command.root);
            self.queue.pop_front();
        }
    }

    /// Takes everything that waits.
    fn drain(&mut self) -> Vec<u32> {
        self.queue.clear();
        let all = |waiting: Waiting| {
            let whole = waiting.whole.into_iter().flat_map(|list| list.links);
            whole.chain(waiting.loose.into_iter().flatten()).collect::<Vec<_>>()
        };
        self.waiting.drain().flat_map(|(_, waiting)| all(waiting)).collect()
    }
}

impl Waiting {
    fn lists(&self) -> usize {
        let loose = self.loose.iter().map(|names| names.len().div_ceil(limits::NAMES_PER_LIST)).sum::<usize>();
        self.whole.len() + loose
    }
}

impl Lists {
    /// The command in the service's form.
    fn command(&self, plan: &MembershipPlan) -> model::Command {
        let (side, node) = self.root;
        let names = |list: &List| list.links.iter().map(|link| plan.listed_name(*link).to_owned()).collect::<Vec<_>>();
        if side == USERS {
            let user = &plan.memberships.users[node as usize];
            let steps = self.lists.iter().map(|list| {
                let groups = UserMemberships::default().with_group(names(list));
                match list.action {
                    MembershipAction::Add => UserStep::Add(groups),
                    MembershipAction::Remove => UserStep::Remove(UserRemoval::These(groups)),
                }
            });
            let mut command = UserCommand::new(user.name(), steps);
            command.domain = user.domain().map(str::to_owned);
            command.use_adobe_id = user.is_adobe_id().then_some(true);
            return command.into();
        }
        let steps = self.lists.iter().map(|list| {
            let users = UserGroupMembers::default().with_user(names(list));
            match list.action {
                MembershipAction::Add => UserGroupStep::Add(users),
                MembershipAction::Remove => UserGroupStep::Remove(UserGroupRemoval::These(users)),
            }
        });
        UserGroupCommand::new(plan.memberships.groups[node as usize].name(), steps).into()
    }
}

impl MembershipPlan {
    /// The name of a membership in a list: the name of the other end.
    fn listed_name(&self, link: u32) -> &str {
        let of = &self.links[link as usize];
        if self.side[link as usize] == USERS {
            self.memberships.groups[of.group as usize].name()
        } else {
            self.memberships.users[of.user as usize].name()
        }
    }

    fn user(&self, link: u32) -> &Account {
        &self.memberships.users[self.links[link as usize].user as usize]
    }

    fn root(&self, link: u32) -> Root {
        let (of, side) = (&self.links[link as usize], self.side[link as usize]);
        (side, if side == USERS { of.user } else { of.group })
    }
}
