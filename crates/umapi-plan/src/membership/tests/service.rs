//! Any memberships against a service with wrong users, missing groups and lost responses: each outcome matches what the
//! service did.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use umapi_model::{
    ActionError, ActionResponse, ActionResult, Command, ErrorCode, UserGroupRemoval, UserGroupStep, UserRemoval,
    UserStep, limits,
};

use crate::batch::{Outcome, Report};
use crate::job::{CallFailure, Job, PackedRequest, RequestResult, Response};
use crate::membership::job::MembershipJob;
use crate::membership::{GroupRef, MembershipAction, MembershipChange, MembershipOutcome, Memberships};

pub(super) type Pair = (String, String);

/// What is wrong at the service.
#[derive(Clone, Debug)]
struct Wrong {
    users: BTreeSet<usize>,
    groups: BTreeSet<usize>,
    /// Names that make the service reject their whole request.
    poison: BTreeSet<usize>,
    /// Whether messages name the wrong name.
    names_culprit: bool,
}

pub(super) fn name(i: usize) -> String {
    format!("u{i}@example.com")
}

fn group(i: usize) -> GroupRef {
    if i % 4 == 3 { GroupRef::profile(format!("g{i}")) } else { GroupRef::user_group(format!("g{i}")) }
}

pub(super) fn number(name: &str) -> usize {
    name[1..].split('@').next().unwrap().parse().unwrap()
}

impl Wrong {
    fn is_good(&self, (user, group): &Pair) -> bool {
        !self.users.contains(&number(user)) && !self.groups.contains(&number(group)) && !self.is_poison(user)
    }

    fn is_poison(&self, user: &str) -> bool {
        self.poison.contains(&number(user))
    }

    fn user_error(&self, name: &str) -> Box<ActionError> {
        let message = if self.names_culprit { format!("User Id does not exist: {name}") } else { "no".to_owned() };
        Box::new(ActionError::new(0, ErrorCode::UserNonexistent).with_message(message))
    }

    fn group_error(&self, name: &str, code: ErrorCode) -> Box<ActionError> {
        let message = if self.names_culprit { format!("Group {name} was not found") } else { "no".to_owned() };
        Box::new(ActionError::new(0, code).with_message(message))
    }

    /// Applies one step: returns all of its pairs, or the error of the first wrong name.
    fn step(&self, root: &str, is_group: bool, names: &[String]) -> Result<Vec<Pair>, Box<ActionError>> {
        let is_wrong_user = |name: &str| self.users.contains(&number(name));
        let is_wrong_group = |name: &str| self.groups.contains(&number(name));
        if is_group {
            if is_wrong_group(root) {
                return Err(self.group_error(root, ErrorCode::UsergroupNotFound));
            }
            if names.iter().all(|name| is_wrong_user(name)) {
                let error = ActionError::new(0, ErrorCode::UserNotFound);
                return Err(Box::new(error.with_message("No valid users were found in the request")));
            }
            match names.iter().find(|name| is_wrong_user(name)) {
                Some(name) => Err(self.user_error(name)),
                None => Ok(names.iter().map(|name| (name.clone(), root.to_owned())).collect()),
            }
        } else {
            if is_wrong_user(root) {
                return Err(self.user_error(root));
            }
            match names.iter().find(|name| is_wrong_group(name)) {
                Some(name) => Err(self.group_error(name, ErrorCode::GroupNotFound)),
                None => Ok(names.iter().map(|name| (root.to_owned(), name.clone())).collect()),
            }
        }
    }
}

/// The lists of a command, with their actions.
pub(super) fn lists(command: &Command) -> (String, bool, Vec<(MembershipAction, Vec<String>)>) {
    match command {
        Command::User(command) => {
            let list = |step: &UserStep| match step {
                UserStep::Add(lists) => (MembershipAction::Add, lists.group.clone()),
                UserStep::Remove(UserRemoval::These(lists)) => (MembershipAction::Remove, lists.group.clone()),
                other => panic!("{other:?}"),
            };
            (command.user.clone(), false, command.do_.iter().map(list).collect())
        }
        Command::Group(command) => {
            let list = |step: &UserGroupStep| match step {
                UserGroupStep::Add(lists) => (MembershipAction::Add, lists.user.clone()),
                UserGroupStep::Remove(UserGroupRemoval::These(lists)) => (MembershipAction::Remove, lists.user.clone()),
                other => panic!("{other:?}"),
            };
            (command.usergroup.clone(), true, command.do_.iter().map(list).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn assert_within_limits(request: &PackedRequest) {
    assert!((1..=limits::COMMANDS_PER_REQUEST).contains(&request.commands.len()));
    assert!(serde_json::to_vec(&request.commands).unwrap().len() <= limits::REQUEST_BYTES);
    for command in &request.commands {
        crate::command::Command::try_from(command.clone()).expect("sent commands keep the rules");
        let (_, is_group, lists) = lists(command);
        assert!((1..=limits::STEPS_PER_COMMAND).contains(&lists.len()));
        for (_, names) in lists {
            assert!((1..=limits::NAMES_PER_LIST).contains(&names.len()));
            assert!(is_group || names.iter().all(|name| name.starts_with('g')));
        }
    }
}

/// What the service did.
#[derive(Default)]
struct Done {
    applied: BTreeMap<(Pair, MembershipAction), usize>,
    lost: BTreeSet<Pair>,
    kept: BTreeSet<Pair>,
}

fn serve(request: &PackedRequest, wrong: &Wrong, done: &mut Done) -> RequestResult {
    let text = |name: &String| wrong.is_poison(name);
    let is_poisoned = request.commands.iter().any(|command| {
        let (root, is_group, lists) = lists(command);
        if is_group { lists.iter().any(|(_, names)| names.iter().any(text)) } else { wrong.is_poison(&root) }
    });
    if is_poisoned {
        let code = Some(ErrorCode::CommandMalformed);
        return RequestResult::Refused(CallFailure::new("400").with_service_error(code, None));
    }
    let (mut errors, mut failed) = (Vec::new(), 0);
    for (index, command) in request.commands.iter().enumerate() {
        let (root, is_group, lists) = lists(command);
        let before = errors.len();
        for (step, (action, names)) in lists.iter().enumerate() {
            match wrong.step(&root, is_group, names) {
                Ok(pairs) => {
                    for pair in pairs {
                        *done.applied.entry((pair, *action)).or_insert(0) += 1;
                    }
                }
                Err(mut error) => {
                    error.index = index as u32;
                    errors.push(error.with_step(step as i64));
                }
            }
        }
        failed += usize::from(errors.len() > before);
    }
    let result = match failed {
        0 => ActionResult::Success,
        _ if failed == request.commands.len() => ActionResult::Error,
        _ => ActionResult::Partial,
    };
    let response = ActionResponse::new(result)
        .with_not_completed(failed as u32)
        .with_completed((request.commands.len() - failed) as u32)
        .with_errors(errors);
    RequestResult::Response(Response {
        body: response,
        request_id: Some("r".into()),
        attempts: 1,
        repeated_after_unknown: false,
    })
}

pub(super) fn pairs_of(request: &PackedRequest) -> Vec<Pair> {
    let of = |command: &Command| {
        let (root, is_group, lists) = lists(command);
        let pair = move |name: String| if is_group { (name, root.clone()) } else { (root.clone(), name) };
        lists.into_iter().flat_map(|(_, names)| names).map(pair).collect::<Vec<_>>()
    };
    request.commands.iter().flat_map(of).collect()
}

fn any_memberships() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
    let pairs = (1..80_usize, 1..14_usize)
        .prop_flat_map(|(users, groups)| prop::collection::btree_map((0..users, 0..groups), any::<bool>(), 1..300));
    pairs.prop_map(|pairs| pairs.into_iter().map(|((user, group), add)| (user, group, add)).collect())
}

fn any_wrong() -> impl Strategy<Value = Wrong> {
    let few = |below: usize, count: usize| prop::collection::btree_set(0..below, 0..count);
    (few(80, 12), few(14, 4), few(80, 3), any::<bool>()).prop_map(|(users, groups, poison, names_culprit)| Wrong {
        users,
        groups,
        poison,
        names_culprit,
    })
}

pub(super) fn start(given: &[(usize, usize, bool)]) -> MembershipJob {
    let change = |(u, g, add): &(usize, usize, bool)| MembershipChange {
        user: name(*u).into(),
        group: group(*g),
        action: if *add { MembershipAction::Add } else { MembershipAction::Remove },
    };
    given.iter().map(change).collect::<Memberships>().plan().unwrap().into_job(false)
}

proptest! {
    #[test]
    fn every_outcome_matches_what_the_service_did(
        given in any_memberships(), wrong in any_wrong(), losses in 2..30_u32, seed in any::<u64>(),
    ) {
        let mut work = start(&given);
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut done, mut in_flight) = (Done::default(), Vec::new());
        loop {
            if (in_flight.is_empty() || random.bool()) && let Some(request) = work.next_request(false) {
                assert_within_limits(&request);
                in_flight.push(request);
            } else if in_flight.is_empty() {
                break;
            } else {
                let request = in_flight.swap_remove(random.usize(0..in_flight.len()));
                let exchange = match random.u32(0..losses) {
                    0 => {
                        done.lost.extend(pairs_of(&request));
                        RequestResult::Unknown(CallFailure::new("lost"))
                    }
                    1 => {
                        done.kept.extend(pairs_of(&request));
                        RequestResult::NotSent(CallFailure::new("kept"))
                    }
                    _ => serve(&request, &wrong, &mut done),
                };
                work.finish_request(request.id, exchange);
            }
        }
        prop_assert!(work.is_finished());
        let mut outcomes = work.take_outcomes();
        outcomes.sort_by_key(MembershipOutcome::number);
        prop_assert_eq!(outcomes.len(), given.len());
        for (outcome, (number, (user, to, add))) in outcomes.iter().zip(given.iter().enumerate()) {
            let json = serde_json::to_string(outcome).unwrap();
            prop_assert_eq!(&serde_json::from_str::<MembershipOutcome>(&json).unwrap(), outcome);
            let pair = (name(*user), group(*to).name().to_owned());
            let action = if *add { MembershipAction::Add } else { MembershipAction::Remove };
            prop_assert_eq!((outcome.number(), outcome.change().user.name(), outcome.change().action), (number, &*pair.0, action));
            let applied = done.applied.get(&(pair.clone(), action)).copied().unwrap_or(0);
            match outcome.outcome() {
                Outcome::Completed => prop_assert!(applied == 1 && wrong.is_good(&pair)),
                Outcome::Rejected { errors } => prop_assert!(applied == 0 && !wrong.is_good(&pair) && errors.len() == 1, "{:?}", outcome),
                Outcome::NotSent { .. } => prop_assert!(applied == 0 && done.kept.contains(&pair)),
                Outcome::Unknown { .. } => prop_assert!(applied == 0 && done.lost.contains(&pair)),
            }
        }
    }

    #[test]
    fn the_plan_predicts_the_number_of_requests(given in any_memberships()) {
        let mut work = start(&given);
        let wrong = Wrong { users: BTreeSet::new(), groups: BTreeSet::new(), poison: BTreeSet::new(), names_culprit: true };
        let changes: Memberships = given.iter().map(|(u, g, _)| MembershipChange {
            user: name(*u).into(), group: group(*g), action: MembershipAction::Add,
        }).collect();
        let planned = changes.plan().unwrap().requests();
        let mixed = work.progress().requests_left;
        let (mut done, mut requests) = (Done::default(), 0);
        while let Some(request) = work.next_request(false) {
            requests += 1;
            work.finish_request(request.id, serve(&request, &wrong, &mut done));
        }
        prop_assert_eq!(requests, mixed);
        prop_assert!(given.iter().any(|(_, _, add)| !add) || requests == planned);
    }
}

fn report(work: &mut MembershipJob) -> Report<MembershipOutcome> {
    let mut outcomes = work.take_outcomes();
    outcomes.sort_by_key(MembershipOutcome::number);
    Report::new(outcomes)
}

#[test]
fn one_wrong_user_costs_one_more_request() {
    let mut work = start(&(0..1000).map(|u| (u, 0, true)).collect::<Vec<_>>());
    let wrong =
        Wrong { users: BTreeSet::from([17]), groups: BTreeSet::new(), poison: BTreeSet::new(), names_culprit: true };
    let (mut done, mut requests) = (Done::default(), 0);
    while let Some(request) = work.next_request(false) {
        requests += 1;
        work.finish_request(request.id, serve(&request, &wrong, &mut done));
    }
    assert_eq!((requests, done.applied.len()), (2, 999));
    let report = report(&mut work).with_requests(requests);
    let rejected: Vec<_> = report.rejected().map(ToString::to_string).collect();
    assert!(
        rejected[0].starts_with("membership 18, u17@example.com into g0: rejected: User Id does not exist"),
        "{rejected:?}"
    );
    assert_eq!(report.to_string(), "1000 memberships in 2 requests: 999 completed, 1 rejected, 0 not sent, 0 unknown");
}

#[test]
fn an_abort_hands_back_the_rest() {
    let mut work = start(&(0..1500).map(|u| (u, 0, true)).collect::<Vec<_>>());
    let request = work.next_request(false).unwrap();
    work.abort(CallFailure::new("stop"));
    assert!(work.next_request(false).is_none() && !work.is_finished());
    let wrong =
        Wrong { users: BTreeSet::from([3]), groups: BTreeSet::new(), poison: BTreeSet::new(), names_culprit: true };
    work.finish_request(request.id, serve(&request, &wrong, &mut Done::default()));
    assert!(work.is_finished());
    let report = report(&mut work);
    let counts = report.counts();
    assert_eq!((counts.completed, counts.rejected, counts.not_sent), (990, 1, 509));
    assert_eq!(report.into_unsent().len(), 509);
}
