//! Outcomes of commands in special cases.

use std::collections::BTreeSet;

use umapi_model::{ActionError, ActionWarning, ErrorCode, User, UserType};

use super::*;
use crate::{
    account::Account,
    batch::{CommandOutcome, NotSent, Notice, Outcome, Report, StepState},
    command::{StepDescription, UserCommand, root_of},
    job::{CallFailure, Finding, Lookup},
};

fn rejected(errors: impl IntoIterator<Item = ActionError>) -> ActionResponse {
    let errors: Vec<ActionError> = errors.into_iter().collect();
    let commands = errors.iter().map(|error| error.index).collect::<BTreeSet<_>>().len() as u32;
    ActionResponse::new(ActionResult::Error).with_not_completed(commands).with_errors(errors)
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

fn only_request(scheduler: &mut Scheduler) -> PackedRequest {
    let request = scheduler.next_request(false).unwrap();
    assert!(scheduler.next_request(false).is_none());
    request
}

#[test]
fn errors_of_joined_commands_go_to_their_own_command() {
    let mut scheduler = scheduler([
        Command::user("a@b.c").add_to(["x"]).remove_from(["y"]),
        Command::user("a@b.c").add_to(["z"]).remove_from(["w"]),
    ]);
    let request = only_request(&mut scheduler);
    let warning = ActionWarning::new(0, ErrorCode::WarningCommandDeprecated).with_step(1);
    let response = rejected([error(3, ErrorCode::GroupNotFound)]).with_warnings([warning]);
    scheduler.finish_request(request.id, answer(response));
    let outcomes = outcomes(&mut scheduler);
    assert!(outcomes[0].is_completed());
    assert_eq!(outcomes[0].warnings()[0].step, Some(1));
    assert_eq!(outcomes[1].errors()[0].step, Some(1));
    let states: Vec<_> = outcomes[1].steps().iter().map(|step| step.state()).collect();
    assert_eq!(states, [StepState::Done, StepState::Rejected]);
    let text = outcomes[1].to_string();
    for part in [
        "command 2",
        "a@b.c",
        "(step 2 of 2)",
        "\"w\"",
        "error.group.not_found",
        ErrorCode::GroupNotFound.remedy().unwrap().trim_end_matches('.'),
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn a_failed_part_holds_back_the_later_parts_of_its_command() {
    let mut scheduler =
        scheduler([Command::group("g").add_users(users(150)), Command::group("g").remove_users(["x@y.z"])]);
    let request = only_request(&mut scheduler);
    scheduler.finish_request(request.id, answer(rejected([error(2, ErrorCode::UserNonexistent)])));
    let rest = scheduler.next_request(false).unwrap();
    assert_eq!(serde_json::to_value(&rest.commands).unwrap()[0]["do"].as_array().unwrap().len(), 1);
    scheduler.finish_request(rest.id, success(&rest));
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
    let request = only_request(&mut scheduler);
    scheduler.finish_request(request.id, answer(rejected([error(2, ErrorCode::UserUserListInvalid)])));
    let request = only_request(&mut scheduler);
    let tried = ActionResponse::new(ActionResult::Success).with_completed_in_test_mode(1);
    scheduler.finish_request(request.id, answer(tried));
    assert!(outcomes(&mut scheduler)[0].is_rejected());
}

/// Sends a create, loses the response, and has the repetition rejected with "already in the organization".
fn create_after_lost_request(mut command: UserCommand, repeated_after_unknown: bool) -> Scheduler {
    if !repeated_after_unknown {
        command = command.repeated();
    }
    let mut scheduler = scheduler([command]);
    let request = only_request(&mut scheduler);
    let body = rejected([error(0, ErrorCode::UserAlreadyInOrg)]);
    let response = Response { body, request_id: None, attempts: 2, repeated_after_unknown };
    scheduler.finish_request(request.id, RequestResult::Response(response));
    scheduler
}

fn ann() -> UserCommand {
    Command::create_user(NewUser::federated("ann@b.c", "Ann", "Kim", "US"))
}

fn found(first_name: &str) -> Finding {
    let user = User::default().with_email("ann@b.c").with_type(UserType::FederatedId).with_firstname(first_name);
    Finding::User(Some(Box::new(user.with_lastname("Kim").with_country("US"))))
}

#[test]
fn an_error_after_a_lost_request_is_verified() {
    let code = ErrorCode::UserAlreadyInOrg;
    for repeated_after_unknown in [true, false] {
        for (finding, expected) in [
            (found("Ann"), "completed"),
            (found("Anna"), "rejected"),
            (Finding::User(None), "unknown"),
            (Finding::Failed(CallFailure::new("no network")), "unknown"),
        ] {
            let mut scheduler = create_after_lost_request(ann(), repeated_after_unknown);
            assert!(!scheduler.is_finished() && scheduler.take_outcomes().is_empty());
            let verification = scheduler.next_verification().unwrap();
            assert_eq!(verification.lookups, [Lookup::User(Account::email("ann@b.c"))]);
            scheduler.finish_verification(verification.id, &[finding]);
            assert!(scheduler.is_finished() && scheduler.graph.is_forgotten());
            let outcome = &outcomes(&mut scheduler)[0];
            assert!(outcome.outcome().to_string().starts_with(expected), "{outcome}");
            assert_eq!(outcome.requests(), 2);
            let description = Some(Box::new(StepDescription::new("creating the Federated ID", 1)));
            let notice = Notice::DoneByLostRequest { step: 0, description, code: code.clone() };
            assert_eq!(outcome.notices().contains(&notice), expected == "completed");
        }
    }
}

#[test]
fn a_verified_rejection_holds_back_the_rest_of_its_command() {
    let mut scheduler = create_after_lost_request(ann().add_to((0..150).map(|i| format!("g{i}"))), true);
    assert!(scheduler.next_request(true).is_none(), "the rest waits for the verification");
    let verification = scheduler.next_verification().unwrap();
    scheduler.finish_verification(verification.id, &[found("Anna")]);
    assert!(scheduler.is_finished());
    let outcome = &outcomes(&mut scheduler)[0];
    assert!(outcome.is_rejected() && outcome.unsent().is_some(), "{outcome}");
}

#[test]
fn an_abort_leaves_unverified_commands_unknown() {
    let mut scheduler = create_after_lost_request(ann(), true);
    scheduler.abort(CallFailure::new("stop"));
    assert!(scheduler.next_verification().is_none() && scheduler.is_finished());
    assert!(outcomes(&mut scheduler)[0].is_unknown());
}

#[test]
fn in_test_mode_a_lost_request_did_nothing() {
    let mut scheduler = Scheduler::<Command>::new(Settings::unbounded(true));
    scheduler.push(ann().into()).unwrap();
    scheduler.close();
    let request = only_request(&mut scheduler);
    let body = rejected([error(0, ErrorCode::UserAlreadyInOrg)]);
    let response = Response { body, request_id: None, attempts: 2, repeated_after_unknown: true };
    scheduler.finish_request(request.id, RequestResult::Response(response));
    assert!(outcomes(&mut scheduler)[0].is_rejected());
}

#[test]
fn only_commands_of_an_earlier_process_are_verified() {
    let create = |number| Command::create_user(NewUser::adobe_id(user(number)));
    let mut scheduler = scheduler([create(0).repeated(), create(1)]);
    let request = only_request(&mut scheduler);
    let mut second = error(0, ErrorCode::UserAlreadyInOrg);
    second.index = 1;
    scheduler.finish_request(request.id, answer(rejected([error(0, ErrorCode::UserAlreadyInOrg), second])));
    let verification = scheduler.next_verification().unwrap();
    assert!(scheduler.next_verification().is_none());
    let adobe = User::default().with_email(user(0)).with_type(UserType::AdobeId);
    scheduler.finish_verification(verification.id, &[Finding::User(Some(Box::new(adobe)))]);
    let outcomes = outcomes(&mut scheduler);
    assert!(outcomes[0].is_completed() && outcomes[1].is_rejected());
    let [notice] = outcomes[0].notices() else { panic!("{outcomes:?}") };
    assert_eq!(
        notice.to_string(),
        "adding the Adobe ID: done by a request whose response was lost; its repetition was rejected, and what was asked \
         for is there (error.user.already_in_org)"
    );
}

#[test]
fn one_bad_command_does_not_harm_the_others() {
    let mut scheduler = scheduler((0..10).map(|i| Command::user(user(i)).remove_all()));
    let mut requests = 0;
    while let Some(request) = scheduler.next_request(false) {
        requests += 1;
        let is_broken = request.commands.iter().any(|command| root_of(command) == user(3));
        scheduler.finish_request(
            request.id,
            if is_broken { RequestResult::Refused(malformed()) } else { success(&request) },
        );
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
fn joined_commands_are_split_to_find_the_bad_one() {
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
        scheduler.finish_request(
            request.id,
            if is_broken { RequestResult::Refused(malformed()) } else { success(&request) },
        );
    }
    assert!(scheduler.is_finished() && scheduler.graph.is_forgotten());
    let rejected: Vec<_> = outcomes(&mut scheduler).iter().map(CommandOutcome::is_rejected).collect();
    assert_eq!(rejected, [false, true, false, false]);
    let place = |what: &str| sent.iter().position(|json| json.contains(what)).unwrap();
    assert!(place("\"x\"") < place("\"y\"") && place("\"y\"") <= place("removeFromOrg"), "{sent:?}");
}

#[test]
fn unsent_commands_are_handed_back() {
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
    let late = scheduler.push(("late", Command::user("late@b.c").remove_all().repeated().into())).unwrap();
    scheduler.finish_request(request.id, success(&request));
    assert!(scheduler.is_finished());
    let mut outcomes = scheduler.take_outcomes();
    outcomes.sort_by_key(|(_, outcome)| outcome.number());
    let report = Report::new(outcomes).with_requests(1).with_aborted(CallFailure::new("stop"));
    assert!(
        report
            .to_string()
            .contains("4 commands in 1 request: 2 completed, 0 rejected, 2 not sent, 0 unknown; stopped early")
    );
    assert!(
        report.not_sent().all(|(_, outcome)| matches!(outcome.outcome(), Outcome::NotSent { why: NotSent::Failed(_) }))
    );
    assert_eq!(report.not_sent().map(|(_, outcome)| outcome.number()).collect::<Vec<_>>(), [0, late]);
    let unsent = report.into_unsent();
    assert_eq!(unsent[0], ("long", Command::group("g").add_users((100..120).map(user)).into()));
    assert_eq!(unsent[1], ("late", Command::user("late@b.c").remove_all().repeated().into()), "it stays marked");
}

#[test]
fn an_invalid_command_has_an_outcome_too() {
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
