//! What is said of each command in special cases.

use umapi_model::{ActionError, ActionWarning, ErrorCode};

use super::*;
use crate::batch::Report;
use crate::batch::outcome::{CommandOutcome, NotSent, Notice, Outcome, StepState};
use crate::command::root_of;
use crate::job::{CallFailure, RequestId};

fn partial(errors: impl IntoIterator<Item = ActionError>) -> ActionResponse {
    ActionResponse::new(ActionResult::Partial).with_not_completed(1).with_errors(errors)
}

fn error(step: i64, code: ErrorCode) -> ActionError {
    ActionError::new(0, code).with_step(step).with_message("no")
}

fn malformed() -> CallFailure {
    CallFailure::new("400").with_service_error(Some(ErrorCode::CommandMalformed), Some("The request is malformed"))
}

fn outcomes(scheduler: &mut Scheduler) -> Vec<CommandOutcome> {
    let mut outcomes = scheduler.take_outcomes();
    outcomes.sort_by_key(CommandOutcome::number);
    outcomes
}

fn only_request(scheduler: &mut Scheduler) -> RequestId {
    let request = scheduler.next_request(false).unwrap();
    assert!(scheduler.next_request(false).is_none());
    request.id
}

#[test]
fn errors_of_joined_commands_go_back_to_their_own() {
    let mut scheduler = scheduler([
        Command::user("a@b.c").add_to(["x"]).remove_from(["y"]),
        Command::user("a@b.c").add_to(["z"]).remove_from(["w"]),
    ]);
    let id = only_request(&mut scheduler);
    let warning = ActionWarning::new(0, ErrorCode::WarningCommandDeprecated).with_step(1);
    let response = partial([error(3, ErrorCode::GroupNotFound)]).with_warnings([warning]);
    scheduler.finish_request(id, answer(response));
    let outcomes = outcomes(&mut scheduler);
    assert!(outcomes[0].is_completed());
    assert_eq!(outcomes[0].warnings()[0].step, Some(1));
    assert_eq!(outcomes[1].errors()[0].step, Some(1));
    let states: Vec<_> = outcomes[1].steps().iter().map(|step| step.state()).collect();
    assert_eq!(states, [StepState::Done, StepState::Refused]);
    let text = outcomes[1].to_string();
    for part in ["command 1", "a@b.c", "step 1", "error.group.not_found", ErrorCode::GroupNotFound.remedy().unwrap()] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn a_piece_that_fails_holds_back_the_pieces_after_it_and_no_one_elses() {
    let mut scheduler =
        scheduler([Command::group("g").add_users(users(150)), Command::group("g").remove_users(["x@y.z"])]);
    let id = only_request(&mut scheduler);
    scheduler.finish_request(id, answer(partial([error(2, ErrorCode::UserNonexistent)])));
    let rest = scheduler.next_request(false).unwrap();
    assert_eq!(serde_json::to_value(&rest.commands).unwrap()[0]["do"].as_array().unwrap().len(), 1);
    scheduler.finish_request(rest.id, success());
    let outcomes = outcomes(&mut scheduler);
    assert!(outcomes[0].is_rejected() && outcomes[1].is_completed());
    assert_eq!(outcomes[0].errors()[0].names, Some(20..30));
    assert_eq!(outcomes[0].requests(), 1);
    let unsent = outcomes[0].unsent().unwrap();
    assert_eq!(*unsent, Command::group("g").add_users((100..150).map(user)).into());
}

#[test]
fn in_test_mode_nothing_is_held_back() {
    let mut scheduler = Scheduler::<Command>::new(Settings::unbounded(true));
    scheduler.push(Command::group("g").add_users(users(150)).into()).unwrap();
    scheduler.close();
    let id = only_request(&mut scheduler);
    scheduler.finish_request(id, answer(partial([error(2, ErrorCode::UserUserListInvalid)])));
    let id = only_request(&mut scheduler);
    scheduler.finish_request(id, success());
    assert!(outcomes(&mut scheduler)[0].is_rejected());
}

#[test]
fn a_repeated_create_that_exists_already_counts_as_done_and_says_so() {
    for repeated_after_unknown in [true, false] {
        let mut scheduler = scheduler([Command::create_user(NewUser::adobe_id("a@b.c")).add_to(["x"])]);
        let request = scheduler.next_request(false).unwrap();
        let response = partial([error(0, ErrorCode::UserAlreadyInOrg)]);
        let answer = Response { body: response, request_id: None, attempts: 2, repeated_after_unknown };
        scheduler.finish_request(request.id, RequestResult::Response(answer));
        let outcome = &outcomes(&mut scheduler)[0];
        assert_eq!(outcome.is_completed(), repeated_after_unknown);
        assert_eq!(outcome.requests(), 2);
        let notice = Notice::DoneByLostRequest { step: 0, code: ErrorCode::UserAlreadyInOrg };
        assert_eq!(outcome.notices().contains(&notice), repeated_after_unknown);
    }
}

#[test]
fn a_command_of_an_earlier_process_counts_as_done_where_its_neighbor_does_not() {
    let create = |number| Command::create_user(NewUser::adobe_id(user(number)));
    let mut scheduler = scheduler([create(0).repeated(), create(1)]);
    let id = only_request(&mut scheduler);
    let mut neighbor = error(0, ErrorCode::UserAlreadyInOrg);
    neighbor.index = 1;
    scheduler.finish_request(id, answer(partial([error(0, ErrorCode::UserAlreadyInOrg), neighbor])));
    let outcomes = outcomes(&mut scheduler);
    assert!(outcomes[0].is_completed() && outcomes[1].is_rejected());
    assert_eq!(outcomes[0].notices(), [Notice::DoneByLostRequest { step: 0, code: ErrorCode::UserAlreadyInOrg }]);
}

#[test]
fn one_command_that_breaks_a_whole_request_costs_no_other_one() {
    let mut scheduler = scheduler((0..10).map(|i| Command::user(user(i)).remove_all()));
    let mut requests = 0;
    while let Some(request) = scheduler.next_request(false) {
        requests += 1;
        let is_broken = request.commands.iter().any(|command| root_of(command) == user(3));
        scheduler.finish_request(request.id, if is_broken { RequestResult::Refused(malformed()) } else { success() });
    }
    assert!(scheduler.is_finished());
    let outcomes = outcomes(&mut scheduler);
    let rejected: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_rejected()).collect();
    assert_eq!((rejected.len(), rejected[0].number(), outcomes.len()), (1, 3, 10));
    assert_eq!(rejected[0].errors().len(), 1);
    assert_eq!(rejected[0].errors()[0].step, None);
    assert!(outcomes.iter().filter(|outcome| outcome.is_completed()).count() == 9 && requests <= 9, "{requests}");
}

#[test]
fn joined_commands_are_parted_to_find_the_one_that_is_refused() {
    let mut scheduler = scheduler([
        Command::from(Command::user("a@b.c").add_to(["x"])),
        Command::user("a@b.c").add_to(["bad"]).into(),
        Command::user("a@b.c").add_to(["y"]).into(),
        Command::user("a@b.c").remove_from_org(),
    ]);
    let mut sent = Vec::new();
    while let Some(request) = scheduler.next_request(false) {
        let json = serde_json::to_string(&request.commands).unwrap();
        let is_broken = json.contains("bad");
        if !is_broken {
            sent.push(json);
        }
        scheduler.finish_request(request.id, if is_broken { RequestResult::Refused(malformed()) } else { success() });
    }
    assert!(scheduler.is_finished() && scheduler.graph.is_forgotten());
    let rejected: Vec<_> = outcomes(&mut scheduler).iter().map(CommandOutcome::is_rejected).collect();
    assert_eq!(rejected, [false, true, false, false]);
    let place = |what: &str| sent.iter().position(|json| json.contains(what)).unwrap();
    assert!(place("\"x\"") < place("\"y\"") && place("\"y\"") <= place("removeFromOrg"), "{sent:?}");
}

#[test]
fn what_was_not_sent_is_handed_back() {
    let commands: [(&str, Command); 3] = [
        ("long", Command::group("g").add_users(users(120)).into()),
        ("new", NewUser::adobe_id("a@b.c").into()),
        ("short", Command::user("d@e.f").add_to(["g"]).request_id("7").into()),
    ];
    let mut scheduler = Scheduler::new(Settings::default());
    for command in commands.clone() {
        scheduler.push(command).unwrap();
    }
    let request = scheduler.next_request(true).unwrap();
    scheduler.abort(CallFailure::new("stop"));
    assert!(!scheduler.is_finished() && scheduler.next_request(true).is_none());
    let late = scheduler.push(("late", Command::user("late@b.c").remove_all().into())).unwrap();
    scheduler.finish_request(request.id, success());
    assert!(scheduler.is_finished());
    let mut report = Report::new(false);
    scheduler.take_outcomes().into_iter().for_each(|outcome| report.add(outcome));
    let report = report.finish(1, Some(CallFailure::new("stop")));
    assert!(
        report
            .to_string()
            .contains("4 commands in 1 requests: 2 completed, 0 rejected, 2 not sent, 0 unknown; ended early")
    );
    assert!(
        report.not_sent().all(|(_, outcome)| matches!(outcome.outcome(), Outcome::NotSent { why: NotSent::Failed(_) }))
    );
    assert_eq!(report.not_sent().map(|(_, outcome)| outcome.number()).collect::<Vec<_>>(), [0, late]);
    let unsent = report.into_unsent();
    assert_eq!(unsent[0], ("long", Command::group("g").add_users((100..120).map(user)).into()));
    assert_eq!(unsent[1], ("late", Command::user("late@b.c").remove_all().into()));
}

#[test]
fn an_invalid_command_can_be_counted_in() {
    let mut scheduler = Scheduler::new(Settings::default());
    let command: Command =
        serde_json::from_str(r#"{"user":"a@b.c","do":[{"add":{"group":["x"]}},{"addAdobeID":{"email":"a@b.c"}}]}"#)
            .unwrap();
    let invalid = scheduler.push(("bad", command.clone())).unwrap_err();
    assert_eq!((scheduler.offer(("bad", command)), invalid.number()), (0, Some(0)));
    assert_eq!(scheduler.push(("good", Command::user("a@b.c").remove_all().into())).unwrap(), 1);
    let (key, outcome) = scheduler.take_outcomes().remove(0);
    assert_eq!((outcome.errors()[0].step, outcome.requests(), key), (Some(1), 0, "bad"));
    assert_eq!(outcome.errors()[0].code, ErrorCode::CommandCreateNotFirst);
}
