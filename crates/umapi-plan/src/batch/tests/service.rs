//! Any commands against a small model of the service that accepts or rejects them: what is sent is compared with what was
//! given, name by name.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use proptest::prelude::*;
use umapi_model::{
    self as model, ActionError, ActionResponse, ActionResult, ErrorCode, UserGroupRemoval, UserGroupStep, UserRemoval,
    UserStep, limits,
};

use super::*;
use crate::account::FoldedName;
use crate::batch::outcome::{CommandOutcome, Outcome, StepPart, StepState};
use crate::command::{Step, take_steps};
use crate::job::CallFailure;

/// One name of a list, or a step without a list: what is done or not.
type Atom = (String, String);

/// The position of an atom in what the caller gave: command, step, position in the step.
type Place = (usize, usize, usize);

/// The content of a request: command by command, step by step.
type Places = Vec<Vec<Vec<Place>>>;

fn atoms(step: &Step) -> Vec<Atom> {
    let listed = |kind: &str, names: &[String]| names.iter().map(|name| (kind.to_owned(), name.clone())).collect();
    match step {
        Step::User(UserStep::Add(lists)) => listed("add", &lists.group),
        Step::User(UserStep::Remove(UserRemoval::These(lists))) => listed("remove", &lists.group),
        Step::Group(UserGroupStep::Add(lists)) => listed("add", &lists.user),
        Step::Group(UserGroupStep::Remove(UserGroupRemoval::These(lists))) => listed("remove", &lists.user),
        other => vec![(other.name().to_owned(), String::new())],
    }
}

fn fold(name: &str) -> String {
    FoldedName::user(name).to_string()
}

fn root_key(command: &model::Command) -> String {
    let kind = if matches!(command, model::Command::User(_)) { 'u' } else { 'g' };
    format!("{kind}{}", fold(crate::command::root_of(command)))
}

/// Commands on a few users and groups, with steps and lists of every length.
pub(super) fn any_commands(count: usize) -> impl Strategy<Value = Vec<Command>> {
    prop::collection::vec(any_command(), 1..count)
}

fn any_command() -> impl Strategy<Value = Command> {
    let lists = prop::collection::vec((any::<bool>(), 1..30_usize, 0..40_usize), 0..14);
    (0..6_usize, any::<bool>(), 0..4_u8, 0..5_u8, lists).prop_map(|(root, is_user, first, last, lists)| {
        let groups = |from: usize, length: usize| (from..from + length).map(|i| format!("g{i}"));
        let members = |from: usize, length: usize| (from..from + length).map(user);
        if is_user {
            let mut command = match first {
                0 => Command::create_user(NewUser::federated(user(root), "A", "B", "US")),
                1 => Command::create_user(NewUser::adobe_id(user(root).to_uppercase()).ignore_if_exists()),
                _ => Command::user(user(root)),
            };
            for (is_add, length, from) in &lists {
                let groups = groups(*from, *length);
                command = if *is_add { command.add_to(groups) } else { command.remove_from(groups) };
            }
            match last {
                0 => command.remove_from_org(),
                1 => command.remove_all().into(),
                _ if Command::from(command.clone()).steps() == 0 => command.remove_all().into(),
                _ => command.into(),
            }
        } else {
            let mut command = match first {
                0 => Command::create_group(NewGroup::new(format!("g{root}"))),
                _ => Command::group(format!("G{root}")),
            };
            for (is_add, length, from) in &lists {
                let members = members(*from, *length);
                command = if *is_add { command.add_users(members) } else { command.remove_users(members) };
            }
            match last {
                0 => command.delete(),
                1 => command.remove_all().into(),
                _ if Command::from(command.clone()).steps() == 0 => command.remove_all().into(),
                _ => command.into(),
            }
        }
    })
}

/// What the service did with an atom, and the numbers of the events of its request and its response.
#[derive(Clone, Debug)]
struct AtomState {
    state: StepState,
    sent: usize,
    answered: usize,
}

/// Everything that was given and sent.
struct Service {
    /// By root, the atoms in the caller's order.
    given: HashMap<String, Vec<(Atom, Place)>>,
    commands: Vec<Command>,
    states_of: BTreeMap<Place, AtomState>,
    /// By root, what is not sent yet.
    unsent: HashMap<String, VecDeque<(Atom, Place)>>,
    /// Commands with something that was not done.
    failed: HashSet<usize>,
    /// Commands that make the service reject their whole request.
    poison: HashSet<usize>,
    clock: usize,
}

impl Service {
    fn new(commands: &[Command]) -> Self {
        let mut given: HashMap<String, Vec<(Atom, Place)>> = HashMap::new();
        for (number, command) in commands.iter().enumerate() {
            let mut raw = command.to_raw();
            let all = given.entry(root_key(&raw)).or_default();
            for (index, step) in take_steps(&mut raw).iter().enumerate() {
                all.extend(atoms(step).into_iter().enumerate().map(|(at, atom)| (atom, (number, index, at))));
            }
        }
        let unsent = given.iter().map(|(root, atoms)| (root.clone(), atoms.clone().into())).collect();
        Self {
            unsent,
            given,
            commands: commands.to_vec(),
            states_of: BTreeMap::new(),
            failed: HashSet::new(),
            poison: HashSet::new(),
            clock: 0,
        }
    }

    /// Checks a request against the limits and the order on each root, and says which atoms each step of it holds.
    fn receive(&mut self, request: &PackedRequest) -> Places {
        assert!((1..=limits::COMMANDS_PER_REQUEST).contains(&request.commands.len()));
        assert!(body(request).len() <= limits::REQUEST_BYTES);
        let mut roots: Vec<_> = request.commands.iter().map(root_key).collect();
        roots.sort_unstable();
        roots.dedup();
        assert_eq!(roots.len(), request.commands.len(), "a root is there twice");
        request.commands.iter().map(|command| self.receive_command(command)).collect()
    }

    fn receive_command(&mut self, command: &model::Command) -> Vec<Vec<Place>> {
        let mut raw = command.clone();
        let steps = take_steps(&mut raw);
        assert!((1..=limits::STEPS_PER_COMMAND).contains(&steps.len()));
        Command::try_from(command.clone()).expect("what is sent keeps the rules");
        let unsent = self.unsent.get_mut(&root_key(command)).expect("a root that was given");
        // The parts after a failed one are held back.
        unsent.retain(|(_, (command, _, _))| !self.failed.contains(command));
        let mut found = Vec::new();
        for step in &steps {
            let atoms = atoms(step);
            assert!((1..=limits::NAMES_PER_LIST).contains(&atoms.len()));
            let places = atoms
                .iter()
                .map(|atom| {
                    let (next, place) = unsent.pop_front().expect("something that is to be sent");
                    assert_eq!(*atom, next, "not the next on its root");
                    place
                })
                .collect::<Vec<_>>();
            let (command, index, _) = places[0];
            assert!(places.iter().all(|place| (place.0, place.1) == (command, index)), "a step of two steps");
            found.push(places);
        }
        found
    }

    fn atom_state(&mut self, places: &[Place], state: StepState, sent: usize) {
        for place in places {
            let before = self.states_of.insert(*place, AtomState { state, sent, answered: self.clock });
            assert!(before.is_none(), "an atom was sent twice: {place:?}");
            if state != StepState::Done {
                self.failed.insert(place.0);
            }
        }
    }

    /// Rejects a whole request, if it has a bad command among others.
    fn give_back(&mut self, request: &PackedRequest, places: &Places) -> bool {
        let numbers: HashSet<usize> = places.iter().flatten().flatten().map(|place| place.0).collect();
        if numbers.len() == 1 || numbers.is_disjoint(&self.poison) {
            return false;
        }
        for (command, places) in request.commands.iter().zip(places) {
            let mut raw = command.clone();
            let atoms: Vec<Atom> = take_steps(&mut raw).iter().flat_map(atoms).collect();
            let unsent = self.unsent.get_mut(&root_key(command)).unwrap();
            let pairs: Vec<_> = atoms.into_iter().zip(places.iter().flatten().copied()).collect();
            pairs.into_iter().rev().for_each(|pair| unsent.push_front(pair));
        }
        true
    }

    /// Checks that every atom was sent once.
    fn assert_all_sent(&self) {
        for (root, atoms) in &self.given {
            assert_eq!(self.unsent[root].len(), 0, "left on {root}");
            assert!(atoms.iter().all(|(_, place)| self.states_of.contains_key(place)));
        }
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
enum Chance {
    Response,
    Unknown,
    NotSent,
}

fn malformed() -> CallFailure {
    let code = Some(ErrorCode::CommandMalformed);
    CallFailure::new("400").with_service_error(code, None)
}

fn lost(why: &str) -> CallFailure {
    CallFailure::new(why)
}

/// Runs everything, with random numbers of requests in flight and responses in random order.
fn play(
    scheduler: &mut Scheduler,
    service: &mut Service,
    mut luck: impl FnMut(u32) -> u32,
    refuse_one_in: u32,
    lose_one_in: u32,
) -> usize {
    let mut in_flight: Vec<(PackedRequest, Places, usize)> = Vec::new();
    let mut requests = 0;
    loop {
        service.clock += 1;
        let next = if in_flight.len() < 4 && (in_flight.is_empty() || luck(3) > 0) {
            scheduler.next_request(luck(2) == 0)
        } else {
            None
        };
        if let Some(request) = next {
            let roots: Vec<_> = request.commands.iter().map(root_key).collect();
            for (other, _, _) in &in_flight {
                assert!(
                    other.commands.iter().all(|command| !roots.contains(&root_key(command))),
                    "a root in flight twice"
                );
            }
            let places = service.receive(&request);
            requests += 1;
            in_flight.push((request, places, service.clock));
            continue;
        }
        if in_flight.is_empty() {
            assert!(scheduler.is_finished(), "nothing to send, nothing in flight, and not finished");
            return requests;
        }
        let (request, places, sent) = in_flight.swap_remove(luck(in_flight.len() as u32) as usize);
        if service.give_back(&request, &places) {
            scheduler.finish_request(request.id, RequestResult::Refused(malformed()));
            continue;
        }
        if service.poison.contains(&places[0][0][0].0) {
            places.iter().flatten().for_each(|places| service.atom_state(places, StepState::Rejected, sent));
            scheduler.finish_request(request.id, RequestResult::Refused(malformed()));
            continue;
        }
        let chance = match luck(lose_one_in) {
            0 => Chance::Unknown,
            1 => Chance::NotSent,
            _ => Chance::Response,
        };
        let exchange = respond(service, &places, sent, chance, || luck(refuse_one_in) == 0);
        scheduler.finish_request(request.id, exchange);
    }
}

fn respond(
    service: &mut Service,
    places: &[Vec<Vec<Place>>],
    sent: usize,
    chance: Chance,
    mut refuses: impl FnMut() -> bool,
) -> RequestResult {
    let all = || places.iter().flatten();
    match chance {
        Chance::Unknown => {
            all().for_each(|places| service.atom_state(places, StepState::Unknown, sent));
            RequestResult::Unknown(lost("no answer"))
        }
        Chance::NotSent => {
            all().for_each(|places| service.atom_state(places, StepState::NotSent, sent));
            RequestResult::NotSent(lost("no connection"))
        }
        Chance::Response => {
            let mut errors = Vec::new();
            let mut failed = 0;
            for (index, command) in places.iter().enumerate() {
                let before = errors.len();
                for (step, places) in command.iter().enumerate() {
                    let is_refused = refuses();
                    service.atom_state(places, if is_refused { StepState::Rejected } else { StepState::Done }, sent);
                    if is_refused {
                        let error = ActionError::new(index as u32, ErrorCode::GroupNotFound);
                        errors.push(error.with_step(step as i64).with_message(format!("{places:?}")));
                    }
                }
                failed += usize::from(errors.len() > before);
            }
            let result = match failed {
                0 => ActionResult::Success,
                _ if failed == places.len() => ActionResult::Error,
                _ => ActionResult::Partial,
            };
            answer(
                ActionResponse::new(result)
                    .with_completed((places.len() - failed) as u32)
                    .with_not_completed(failed as u32)
                    .with_errors(errors),
            )
        }
    }
}

/// Checks that every command has one outcome, which matches what the service did with each name.
fn assert_accounted(scheduler: &mut Scheduler, service: &Service) {
    let mut outcomes = scheduler.take_outcomes();
    outcomes.sort_by_key(|outcome| outcome.number());
    let numbers: Vec<_> = outcomes.iter().map(|outcome| outcome.number()).collect();
    assert_eq!(numbers, (0..service.commands.len()).collect::<Vec<_>>(), "one outcome for each command");
    for outcome in &outcomes {
        let number = outcome.number();
        let mut command = service.commands[number].to_raw();
        let mut expected = BTreeMap::new();
        let mut states = Vec::new();
        for (index, step) in take_steps(&mut command).iter().enumerate() {
            for at in 0..atoms(step).len() {
                let atom_state = service.states_of.get(&(number, index, at));
                let state = atom_state.map_or(StepState::NotSent, |atom_state| atom_state.state);
                expected.insert((index, at), state);
                states.push(state);
            }
        }
        let json = serde_json::to_string(outcome).unwrap();
        let read: CommandOutcome = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(read, *outcome, "what the scheduler makes survives JSON");
        let has = |state| states.contains(&state);
        let fits = match outcome.outcome() {
            Outcome::Completed => states.iter().all(|state| *state == StepState::Done),
            Outcome::Rejected { errors } => !errors.is_empty() && has(StepState::Rejected) && !has(StepState::Unknown),
            Outcome::NotSent { .. } => has(StepState::NotSent) && !has(StepState::Rejected) && !has(StepState::Unknown),
            Outcome::Unknown { .. } => has(StepState::Unknown),
        };
        assert!(fits, "{:?} for {states:?}", outcome.outcome());
        for step in outcome.steps() {
            for StepPart { names, state } in step.parts {
                let range = names.unwrap_or(0..usize::MAX);
                for ((_, at), found) in expected.range((step.step, 0)..(step.step + 1, 0)) {
                    if range.contains(at) {
                        assert_eq!(*found, state, "command {number}, step {}, name {at}", step.step);
                    }
                }
            }
        }
        for error in outcome.errors() {
            let Some(step) = error.step else {
                assert!(service.poison.contains(&number));
                continue;
            };
            let (step, names) = (step, error.names.clone().unwrap_or(0..1));
            assert!(names.clone().all(|at| expected[&(step, at)] == StepState::Rejected));
            assert!(error.message.as_ref().unwrap().contains(&format!("({number}, {step}, {})", names.start)));
        }
        assert_eq!(outcome.unsent().map(rest), expected_rest(&service.commands[number], &expected), "{outcome:?}");
    }
}

fn rest(command: &Command) -> Vec<Atom> {
    take_steps(&mut command.to_raw()).iter().flat_map(atoms).collect()
}

fn expected_rest(command: &Command, states: &BTreeMap<(usize, usize), StepState>) -> Option<Vec<Atom>> {
    let steps = take_steps(&mut command.to_raw());
    let rest: Vec<_> = states
        .iter()
        .filter(|(_, state)| **state == StepState::NotSent)
        .map(|((step, at), _)| atoms(&steps[*step])[*at].clone())
        .collect();
    (!rest.is_empty()).then_some(rest)
}

/// Checks that what creates or changes an entity, and what uses it, were not at the service at the same time, and came in
/// the caller's order; only a create may have come before uses that were given earlier.
fn assert_precedence(service: &Service) {
    use crate::batch::entities::{Access, EntityKind, touched_by};
    let mut touched: HashMap<(EntityKind, String), Vec<(Place, Access)>> = HashMap::new();
    for (number, command) in service.commands.iter().enumerate() {
        let mut head = command.to_raw();
        let steps = take_steps(&mut head);
        for (index, step) in steps.iter().enumerate() {
            let mut at = 0;
            touched_by(&head, step, |kind, name, mode| {
                let key = (kind, fold(name));
                touched.entry(key).or_default().push(((number, index, at), mode));
                at += usize::from(mode == Access::Use);
            });
        }
    }
    for ((kind, name), places) in touched {
        for (i, (first, mode)) in places.iter().enumerate() {
            for (second, later) in &places[i + 1..] {
                if first.0 == second.0 || (*mode == Access::Use && *later == Access::Use) {
                    continue;
                }
                let (Some(one), Some(other)) = (service.states_of.get(first), service.states_of.get(second)) else {
                    continue;
                };
                if one.answered == 0 || other.answered == 0 {
                    continue; // never sent
                }
                let in_order = one.answered < other.sent
                    || (one.sent == other.sent
                        && one.answered == other.answered
                        && is_same_root(service, first.0, second.0));
                let hoisted = *mode == Access::Use && *later == Access::Create && other.answered < one.sent;
                assert!(
                    in_order || hoisted,
                    "{kind:?} {name}: {first:?} {mode:?} and {second:?} {later:?}: {one:?} {other:?}"
                );
            }
        }
    }
}

fn is_same_root(service: &Service, one: usize, other: usize) -> bool {
    root_key(&service.commands[one].to_raw()) == root_key(&service.commands[other].to_raw())
}

fn luck(seed: u64) -> impl FnMut(u32) -> u32 {
    let mut random = fastrand::Rng::with_seed(seed);
    move |below| random.u32(0..below)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn everything_is_sent_once_in_order_within_the_limits(commands in any_commands(40), seed in any::<u64>()) {
        let mut service = Service::new(&commands);
        let mut scheduler = scheduler(commands);
        play(&mut scheduler, &mut service, luck(seed), u32::MAX, u32::MAX);
        service.assert_all_sent();
        assert_precedence(&service);
        assert_accounted(&mut scheduler, &service);
        assert!(scheduler.graph.is_forgotten());
    }

    #[test]
    fn outcomes_match_what_the_service_did(commands in any_commands(40), seed in any::<u64>(), losses in 5..40_u32) {
        let mut service = Service::new(&commands);
        let mut scheduler = scheduler(commands);
        service.poison = (0..service.commands.len()).filter(|number| (number + losses as usize).is_multiple_of(13)).collect();
        play(&mut scheduler, &mut service, luck(seed), 8, losses);
        assert_precedence(&service);
        assert_accounted(&mut scheduler, &service);
        assert!(scheduler.graph.is_forgotten());
    }

    #[test]
    fn a_stream_keeps_to_its_window(commands in any_commands(80), seed in any::<u64>(), window in 1..20_usize) {
        let mut service = Service::new(&commands);
        let mut scheduler = Scheduler::new(Settings { test_mode: false, window, window_bytes: usize::MAX });
        let mut luck = luck(seed);
        let mut rest = commands.into_iter().peekable();
        let mut in_flight = Vec::new();
        while !scheduler.is_finished() {
            service.clock += 1;
            if rest.peek().is_none() {
                scheduler.close();
            } else if !scheduler.is_full() && luck(3) > 0 {
                scheduler.push(rest.next().unwrap()).unwrap();
                assert!(scheduler.window_in_use() <= window);
                continue;
            }
            match scheduler.next_request(luck(2) == 0) {
                Some(request) => {
                    let places = service.receive(&request);
                    in_flight.push((request.id, places, service.clock));
                }
                None if !in_flight.is_empty() => {
                    let (id, places, sent) = in_flight.swap_remove(luck(in_flight.len() as u32) as usize);
                    let exchange = respond(&mut service, &places, sent, Chance::Response, || luck(9) == 0);
                    scheduler.finish_request(id, exchange);
                }
                None => assert!(rest.peek().is_some() && !scheduler.is_full(), "stuck"),
            }
        }
        assert_accounted(&mut scheduler, &service);
    }

    #[test]
    fn after_an_abort_everything_is_accounted_for(commands in any_commands(40), seed in any::<u64>(), after in 0..6_usize) {
        let mut service = Service::new(&commands);
        let mut scheduler = scheduler(commands);
        let mut luck = luck(seed);
        let mut in_flight = Vec::new();
        for _ in 0..after {
            service.clock += 1;
            if let Some(request) = scheduler.next_request(true) {
                let places = service.receive(&request);
                in_flight.push((request.id, places, service.clock));
            }
            if luck(2) == 0 && let Some((id, places, sent)) = in_flight.pop() {
                let exchange = respond(&mut service, &places, sent, Chance::Response, || luck(9) == 0);
                scheduler.finish_request(id, exchange);
            }
        }
        scheduler.abort(lost("the key was withdrawn"));
        for (id, places, sent) in in_flight {
            service.clock += 1;
            let exchange = respond(&mut service, &places, sent, Chance::Response, || luck(9) == 0);
            scheduler.finish_request(id, exchange);
        }
        assert!(scheduler.is_finished());
        assert_accounted(&mut scheduler, &service);
    }
}
