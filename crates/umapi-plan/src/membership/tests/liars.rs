//! Memberships against a service that loses requests, rejects whole commands, contradicts itself, and says of a repeated
//! request that there is nothing to do: nothing is said to be done that is not.

use std::collections::BTreeSet;

use proptest::prelude::*;
use umapi_model::{ActionError, ActionResponse, ActionResult, Command, ErrorCode, User};

use super::service::{Pair, lists, name, number, pairs_of, start};
use crate::batch::Outcome;
use crate::job::{CallFailure, Finding, Job, Lookup, PackedRequest, RequestResult, Response};
use crate::membership::{MembershipAction, MembershipOutcome};

/// The memberships of an organization, and whose outcome nobody can know.
struct Service {
    members: BTreeSet<Pair>,
    doubtful: BTreeSet<Pair>,
    random: fastrand::Rng,
}

/// Every eleventh user makes the service reject the whole command, without a step.
fn is_poison(user: &str) -> bool {
    number(user) % 11 == 10
}

impl Service {
    fn serve(&mut self, request: &PackedRequest) -> RequestResult {
        match self.random.u32(0..8) {
            0 => {
                self.apply_perhaps(request);
                self.doubtful.extend(pairs_of(request));
                RequestResult::Unknown(CallFailure::new("lost"))
            }
            1 => {
                self.apply_perhaps(request);
                self.doubtful.extend(pairs_of(request));
                let count = request.commands.len() as u32;
                let body = ActionResponse::new(ActionResult::Success).with_completed(count).with_not_completed(1);
                response(body, false)
            }
            2 => {
                self.apply_perhaps(request);
                response(self.apply(request), true)
            }
            _ => response(self.apply(request), false),
        }
    }

    fn apply_perhaps(&mut self, request: &PackedRequest) {
        if self.random.bool() {
            self.apply(request);
        }
    }

    fn apply(&mut self, request: &PackedRequest) -> ActionResponse {
        let (mut errors, mut failed) = (Vec::new(), 0);
        for (index, command) in (0..).zip(&request.commands) {
            let before = errors.len();
            self.apply_command(index, command, &mut errors);
            failed += u32::from(errors.len() > before);
        }
        let count = request.commands.len() as u32;
        let result = match failed {
            0 => ActionResult::Success,
            _ if failed == count => ActionResult::Error,
            _ => ActionResult::Partial,
        };
        let body = ActionResponse::new(result).with_completed(count - failed).with_not_completed(failed);
        body.with_errors(errors)
    }

    fn apply_command(&mut self, index: u32, command: &Command, errors: &mut Vec<ActionError>) {
        let (root, is_group, lists) = lists(command);
        let names = || lists.iter().flat_map(|(_, names)| names);
        if is_poison_command(&root, is_group, names()) {
            errors.push(ActionError::new(index, ErrorCode::CommandIllegalEntry));
            return;
        }
        for (step, (action, names)) in (0..).zip(&lists) {
            let pair =
                |name: &String| if is_group { (name.clone(), root.clone()) } else { (root.clone(), name.clone()) };
            let is_add = *action == MembershipAction::Add;
            let is_so = names.iter().all(|name| self.members.contains(&pair(name)) == is_add);
            if is_group && is_so {
                let code = if is_add { ErrorCode::UserAlreadyExists } else { ErrorCode::UsergroupUserListInvalid };
                errors.push(ActionError::new(index, code).with_step(step));
                continue;
            }
            for pair in names.iter().map(pair) {
                if is_add {
                    self.members.insert(pair)
                } else {
                    self.members.remove(&pair)
                };
            }
        }
    }

    /// What a look-up finds, unless it fails: then nobody can tell what became of the membership.
    fn find(&mut self, lookup: &Lookup) -> Finding {
        let Lookup::User(account) = lookup else { panic!("{lookup:?}") };
        let of_user = |pair: &&Pair| pair.0 == account.name();
        if self.random.u32(0..4) == 0 {
            self.doubtful.extend((0..20).map(|group| (account.name().to_owned(), format!("g{group}"))));
            return Finding::Failed(CallFailure::new("no answer"));
        }
        let mut user = User::default().with_email(account.name());
        user.groups = Some(self.members.iter().filter(of_user).map(|(_, group)| group.clone()).collect());
        Finding::User(Some(Box::new(user)))
    }
}

fn is_poison_command<'a>(root: &str, is_group: bool, mut names: impl Iterator<Item = &'a String>) -> bool {
    if is_group { names.any(|name| is_poison(name)) } else { is_poison(root) }
}

fn response(body: ActionResponse, repeated_after_unknown: bool) -> RequestResult {
    RequestResult::Response(Response { body, request_id: None, attempts: 1, repeated_after_unknown })
}

proptest! {
    #[test]
    fn nothing_is_said_to_be_done_that_is_not(
        changes in prop::collection::btree_map((0..40_usize, 0..8_usize), (any::<bool>(), any::<bool>()), 1..120),
        seed in any::<u64>(),
    ) {
        let given: Vec<_> = changes.iter().map(|((user, group), (add, _))| (*user, *group, *add)).collect();
        let pair = |(user, group): &(usize, usize)| (name(*user), format!("g{group}"));
        let before: BTreeSet<Pair> =
            changes.iter().filter(|(_, (_, is_member))| *is_member).map(|(key, _)| pair(key)).collect();
        let random = fastrand::Rng::with_seed(seed);
        let mut service = Service { members: before.clone(), doubtful: BTreeSet::new(), random };
        let mut work = start(&given);
        loop {
            if let Some(request) = work.next_request(true) {
                let exchange = service.serve(&request);
                work.finish_request(request.id, exchange);
            } else if let Some(verification) = work.next_verification() {
                let findings: Vec<_> = verification.lookups.iter().map(|lookup| service.find(lookup)).collect();
                work.finish_verification(verification.id, &findings);
            } else {
                break;
            }
        }
        prop_assert!(work.is_finished());
        let mut outcomes = work.take_outcomes();
        outcomes.sort_by_key(MembershipOutcome::number);
        prop_assert_eq!(outcomes.len(), given.len());
        for (outcome, (key, (add, _))) in outcomes.iter().zip(&changes) {
            let pair = pair(key);
            let (is_so, was_so) = (service.members.contains(&pair) == *add, before.contains(&pair) == *add);
            match outcome.outcome() {
                Outcome::Completed => prop_assert!(is_so && (was_so || !outcome.was_so_already()), "{outcome}"),
                Outcome::Rejected { .. } => prop_assert!(!is_so || (is_poison(&pair.0) && was_so), "{outcome}"),
                Outcome::Unknown { .. } => prop_assert!(service.doubtful.contains(&pair), "{outcome}"),
                Outcome::NotSent { .. } => prop_assert!(false, "{outcome}"),
            }
        }
    }
}
