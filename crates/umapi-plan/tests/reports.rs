//! Outcomes and reports as the tests of other programs build them, and their JSON.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests panic on the unexpected")]

use std::ops::Range;

use proptest::prelude::*;
use serde_json::{Value, json};
use umapi_plan::{
    Account, CallFailure, Command, CommandOutcome, Counts, Disagreement, Estimate, GroupKind, GroupRef,
    MembershipAction, MembershipChange, MembershipOutcome, MembershipReport, Memberships, NewUser, NotSent, Notice,
    Outcome, Report, StepError, StepState, StepWarning, UnknownReason, model::ErrorCode,
};

fn code() -> impl Strategy<Value = ErrorCode> {
    prop_oneof![
        prop::sample::select(vec![ErrorCode::GroupNotFound, ErrorCode::UserNonexistent, ErrorCode::InternalAdd]),
        "[a-z.]{1,20}".prop_map(|code| ErrorCode::from(code.as_str())),
    ]
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::of(".{0,20}")
}

prop_compose! {
    fn failure()(
        message in ".{0,30}",
        (requests, status) in (0..9_u32, prop::option::of(200..599_u16)),
        (code, service_message, id) in (prop::option::of(code()), text(), text()),
        (retryable, applied, stopped) in any::<(bool, bool, bool)>(),
    ) -> CallFailure {
        let failure = CallFailure::new(message)
            .with_requests(requests, id.as_deref())
            .with_status(status)
            .with_service_error(code, service_message.as_deref());
        let failure = if retryable { failure.retryable() } else { failure };
        let failure = if applied { failure.perhaps_applied() } else { failure };
        if stopped { failure.stopped() } else { failure }
    }
}

fn not_sent() -> impl Strategy<Value = NotSent> {
    prop_oneof![Just(NotSent::HeldBack), failure().prop_map(NotSent::Failed)]
}

fn disagreement() -> impl Strategy<Value = Disagreement> {
    prop_oneof![
        (".{0,9}", text()).prop_map(|(result, message)| Disagreement::Result { result, message }),
        any::<(u8, u32, u32)>().prop_map(|(sent, completed, not_completed)| Disagreement::Counts {
            sent: sent.into(),
            result: "success".to_owned(),
            completed,
            not_completed,
            completed_in_test_mode: 0,
        }),
        any::<(u8, u8)>()
            .prop_map(|(counted, named)| Disagreement::Failures { counted: counted.into(), named: named.into() }),
        (any::<u32>(), text(), text(), any::<u8>(), code()).prop_map(|(index, step, root, sent, code)| {
            Disagreement::Place { index, step, root, sent: sent.into(), code }
        }),
        (".{0,9}", text(), code()).prop_map(|(named, sent, code)| Disagreement::Name { named, sent, code }),
    ]
}

fn unknown() -> impl Strategy<Value = UnknownReason> {
    prop_oneof![
        failure().prop_map(UnknownReason::NoResponse),
        disagreement().prop_map(UnknownReason::from),
        code().prop_map(UnknownReason::LostRequest),
    ]
}

fn error() -> impl Strategy<Value = StepError> {
    (code(), text()).prop_map(|(code, message)| {
        let error = StepError::new(code);
        message.into_iter().fold(error, StepError::with_message)
    })
}

/// How one step ends.
#[derive(Clone, Debug)]
enum Step {
    Done,
    Rejected(StepError),
    NotSent(NotSent),
    Unknown(UnknownReason),
    DoneByLostRequest(ErrorCode),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Done),
        1 => error().prop_map(Step::Rejected),
        1 => not_sent().prop_map(Step::NotSent),
        1 => unknown().prop_map(Step::Unknown),
        1 => code().prop_map(Step::DoneByLostRequest),
    ]
}

/// A command whose steps end in any way.
fn outcome() -> impl Strategy<Value = CommandOutcome> {
    let ids = prop::collection::vec(".{0,9}", 0..3);
    (prop::collection::vec((step(), 0..15_usize), 0..5), prop::option::of((code(), text())), any::<(bool, bool)>(), ids)
        .prop_map(|(steps, warning, (is_group, is_repeated), ids)| {
            let command: Command = if is_group {
                let names = |count: usize| (0..count).map(|i| format!("u{i}@example.com"));
                let group = Command::group("Design");
                steps.iter().fold(group, |group, (_, names_of)| group.add_users(names(*names_of))).into()
            } else {
                let names = |count: usize| (0..count).map(|i| format!("g{i}"));
                let user = Command::user("ann@example.com");
                steps.iter().fold(user, |user, (_, names_of)| user.remove_from(names(*names_of))).into()
            };
            let mut builder = CommandOutcome::of(if is_repeated { command.repeated() } else { command });
            for (index, (step, _)) in steps.into_iter().enumerate() {
                builder = match step {
                    Step::Done => builder,
                    Step::Rejected(error) => builder.reject(index, error),
                    Step::NotSent(why) => builder.leave_unsent(index, why),
                    Step::Unknown(why) => builder.leave_unknown(index, why),
                    Step::DoneByLostRequest(code) => builder.done_by_lost_request(index, code),
                };
            }
            if let Some((code, message)) = warning {
                builder = builder.warn(message.into_iter().fold(StepWarning::new(code), StepWarning::with_message));
            }
            builder.build().unwrap().with_requests(ids.len() as u32, ids)
        })
}

prop_compose! {
    fn change()(
        name in "[a-z]{1,5}(@example\\.com)?",
        domain in prop::option::of("[a-z]{1,5}\\.example"),
        group in "[_A-Za-z ]{1,9}",
        kind in 0..4_u8,
        is_adobe_id: bool,
        is_removal: bool,
    ) -> MembershipChange {
        MembershipChange {
            user: match domain {
                Some(domain) => Account::username(name, domain),
                None if is_adobe_id => Account::adobe_id(name),
                None => Account::email(name),
            },
            group: match kind {
                0 => GroupRef::user_group(group),
                1 => GroupRef::profile(group),
                2 => GroupRef::administrative(group),
                _ => GroupRef::from(group),
            },
            action: if is_removal { MembershipAction::Remove } else { MembershipAction::Add },
        }
    }
}

fn membership() -> impl Strategy<Value = MembershipOutcome> {
    let outcome = prop_oneof![
        change().prop_map(MembershipOutcome::completed),
        change().prop_map(MembershipOutcome::so_already),
        (change(), error()).prop_map(|(change, error)| MembershipOutcome::rejected(change, error)),
        (change(), not_sent()).prop_map(|(change, why)| MembershipOutcome::not_sent(change, why)),
        (change(), unknown()).prop_map(|(change, why)| MembershipOutcome::unknown(change, why)),
    ];
    (outcome, 0..3_u32, text()).prop_map(|(outcome, requests, id)| outcome.with_requests(requests, id.as_deref()))
}

/// Writes and reads a value, and checks that a second time changes nothing either.
fn round_trip<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let json = serde_json::to_string(value).unwrap();
    let read: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    read
}

proptest! {
    #[test]
    fn reports_survive_a_round_trip(
        outcomes in prop::collection::vec(outcome(), 0..6),
        requests: u32,
        test_mode: bool,
        aborted in prop::option::of(failure()),
    ) {
        let report = Report::new(outcomes).with_requests(requests).with_test_mode(test_mode);
        let report = aborted.into_iter().fold(report, Report::with_aborted);
        let read = round_trip(&report);
        prop_assert_eq!(&read, &report);
        prop_assert_eq!(read.to_string(), report.to_string());
        let steps = |report: &Report| report.outcomes().iter().map(CommandOutcome::steps).collect::<Vec<_>>();
        prop_assert_eq!(steps(&read), steps(&report));
        prop_assert_eq!(read.into_unsent(), report.into_unsent());
    }

    #[test]
    fn keys_survive_a_round_trip(outcomes in prop::collection::vec((".{0,5}", outcome()), 0..4)) {
        let report = Report::new(outcomes);
        prop_assert_eq!(round_trip(&report), report);
    }

    #[test]
    fn membership_reports_survive_a_round_trip(outcomes in prop::collection::vec(membership(), 0..6)) {
        let report = MembershipReport::new(outcomes);
        let read = round_trip(&report);
        prop_assert_eq!(read.to_string(), report.to_string());
        prop_assert_eq!(read, report);
    }

    #[test]
    fn plans_survive_a_round_trip(changes in prop::collection::vec(change(), 0..20)) {
        let memberships: Memberships = changes.into_iter().collect();
        prop_assert_eq!(&round_trip(&memberships), &memberships);
        if let Ok(plan) = memberships.plan() {
            prop_assert_eq!(&round_trip(&plan), &plan);
        }
    }

    #[test]
    fn damaged_json_is_refused_or_says_the_truth(
        outcome in outcome(),
        field in prop::sample::select(vec!["outcome", "why", "errors", "steps", "step_count", "unsent", "root", "number"]),
        value in prop_oneof![
            Just(json!(null)), Just(json!("completed")), Just(json!("rejected")), Just(json!("unknown")),
            Just(json!(0)), Just(json!([])), Just(json!({})), Just(json!([{ "code": "x" }])),
        ],
    ) {
        let mut json = serde_json::to_value(&outcome).unwrap();
        json[field] = value;
        if let Ok(read) = serde_json::from_value::<CommandOutcome>(json) {
            assert_consistent(&read);
        }
    }
}

/// What holds for every outcome.
fn assert_consistent(outcome: &CommandOutcome) {
    let states: Vec<StepState> = outcome.steps().iter().flat_map(|step| &step.parts).map(|part| part.state).collect();
    let most = states.iter().max().copied();
    match outcome.outcome() {
        Outcome::Completed => assert!(most.is_none_or(|most| most == StepState::Done) && outcome.unsent().is_none()),
        Outcome::Rejected { errors } => {
            assert!(!errors.is_empty() && most.is_none_or(|most| most == StepState::Rejected));
        }
        Outcome::NotSent { .. } => assert!(most.is_none_or(|most| most == StepState::NotSent)),
        Outcome::Unknown { .. } => assert!(most.is_none_or(|most| most == StepState::Unknown)),
        other => panic!("{other:?}"),
    }
    if outcome.is_completed() || outcome.is_not_sent() {
        assert!(outcome.errors().is_empty());
    }
    assert!(outcome.errors().iter().all(|error| error.step.is_none_or(|step| step < outcome.steps().len())));
}

fn rejected() -> Value {
    let command = Command::user("ann@example.com").add_to(["Nix"]).remove_from(["Sales"]);
    let outcome = CommandOutcome::of(command).reject(0, StepError::new(ErrorCode::GroupNotFound)).build().unwrap();
    serde_json::to_value(outcome).unwrap()
}

/// The message about an outcome with some fields changed.
fn refusal(changes: &[(&str, Value)]) -> String {
    let mut json = rejected();
    for (field, value) in changes {
        json[field] = value.clone();
    }
    serde_json::from_value::<CommandOutcome>(json).expect_err("a contradiction").to_string()
}

#[test]
fn outcomes_that_contradict_themselves_are_refused() {
    assert!(serde_json::from_value::<CommandOutcome>(rejected()).is_ok());
    let held_back = json!({ "reason": "held_back" });
    let lost = json!({ "reason": "lost_request", "code": "x" });
    let names = |start: usize, end: usize| json!([{ "code": "x", "names": Range { start, end } }]);
    for (changes, part) in [
        (vec![("outcome", json!("completed"))], "neither rejected nor unknown"),
        (vec![("errors", json!([]))], "rejected without an error"),
        (vec![("outcome", json!("unknown")), ("errors", json!([]))], "does not say why"),
        (vec![("outcome", json!("not_sent")), ("errors", json!([]))], "does not say why"),
        (vec![("why", held_back.clone())], "only an outcome without an answer"),
        (vec![("outcome", json!("not_sent")), ("errors", json!([])), ("why", lost)], "reason of what is unknown"),
        (vec![("outcome", json!("unknown")), ("why", held_back.clone())], "reason of what was not sent"),
        (vec![("outcome", json!("not_sent")), ("errors", json!([])), ("why", held_back)], "make up another outcome"),
        (vec![("errors", json!([{ "code": "x", "step": 2 }]))], "step 3 is rejected, and the command has 2 steps"),
        (vec![("warnings", json!([{ "code": "x", "step": 9 }]))], "step 10 is warned about"),
        (
            vec![("notices", json!([{ "notice": "done_by_lost_request", "step": 9, "code": "x" }]))],
            "step 10 is noticed",
        ),
        (vec![("errors", names(3, 2))], "ends before it begins"),
        (vec![("step_count", json!(3))], "every step once"),
        (vec![("steps", json!([{ "step": 0, "parts": [] }, { "step": 1, "parts": [] }]))], "step 1 has no parts"),
        (vec![("unsent", json!({ "user": "bob@example.com", "do": [] }))], "\"bob@example.com\""),
        (vec![("outcome", json!("perhaps"))], "unknown variant `perhaps`"),
    ] {
        let message = refusal(&changes);
        assert!(message.contains(part), "{changes:?}: {message}");
    }
}

#[test]
fn a_completed_command_has_nothing_unsent() {
    let mut json = serde_json::to_value(CommandOutcome::completed(Command::user("a@b.c").remove_from_org())).unwrap();
    json["unsent"] = json!({ "user": "a@b.c", "do": [{ "removeFromOrg": {} }] });
    let error = serde_json::from_value::<CommandOutcome>(json).unwrap_err();
    assert!(error.to_string().contains("completed, and something of it was not sent"), "{error}");
}

#[test]
fn reports_that_contradict_themselves_are_refused() {
    let outcome = |number: usize| json!({ "number": number, "root": "a@b.c", "outcome": "completed", "step_count": 1 });
    let read = |outcomes: &[usize], counts: Value| {
        let outcomes: Vec<Value> = outcomes.iter().map(|number| outcome(*number)).collect();
        serde_json::from_value::<Report>(json!({ "outcomes": outcomes, "counts": counts }))
            .map_err(|error| error.to_string())
    };
    // The order does not matter.
    let report = read(&[1, 0], json!({ "completed": 2 })).unwrap();
    assert_eq!(report.outcomes().iter().map(CommandOutcome::number).collect::<Vec<_>>(), [0, 1]);
    assert!(read(&[0, 1], json!(null)).is_ok());
    assert!(read(&[0, 0], json!(null)).unwrap_err().contains("two outcomes have the number 0"));
    assert!(read(&[0, 2], json!(null)).unwrap_err().contains("no outcome has the number 1"));
    assert!(read(&[1], json!(null)).unwrap_err().contains("no outcome has the number 0"));
    assert!(read(&[0, usize::MAX], json!(null)).unwrap_err().contains("no outcome has the number 1"));
    assert!(read(&[0], json!({ "completed": 2 })).unwrap_err().contains("it counts 2 completed"));
}

#[test]
fn memberships_that_contradict_themselves_are_refused() {
    let change = MembershipChange { user: "a@b.c".into(), group: "g".into(), action: MembershipAction::Add };
    let mut json = serde_json::to_value(MembershipOutcome::so_already(change)).unwrap();
    assert!(serde_json::from_value::<MembershipOutcome>(json.clone()).is_ok());
    json["outcome"] = json!("rejected");
    json["errors"] = json!([{ "code": "x" }]);
    let error = serde_json::from_value::<MembershipOutcome>(json.clone()).unwrap_err();
    assert!(error.to_string().contains("was so already, and is not completed"), "{error}");
    json["outcome"] = json!("completed");
    assert!(serde_json::from_value::<MembershipOutcome>(json).unwrap_err().to_string().contains("is not rejected"));
}

#[test]
fn fields_of_a_newer_version_are_skipped() {
    let mut json = rejected();
    json["since"] = json!("tomorrow");
    assert_eq!(serde_json::from_value::<CommandOutcome>(json).unwrap().errors().len(), 1);
}

#[test]
fn estimates_are_checked_when_they_are_read() {
    let estimate = Estimate::of([Command::user("a@b.c").add_to(["x"])]).unwrap();
    assert_eq!(round_trip(&estimate), estimate);
    let impossible = json!({ "commands": 1, "wire_commands": 1, "requests": 2, "lower_bound": 1 });
    assert!(serde_json::from_value::<Estimate>(impossible).is_err());
}

#[test]
fn a_plan_that_cannot_be_made_is_not_read() {
    let change = |action: &str| json!({ "user": { "name": "a@b.c" }, "group": { "name": "g" }, "action": action });
    let json = json!({ "changes": [change("add"), change("remove")] });
    let error = serde_json::from_value::<umapi_plan::MembershipPlan>(json).unwrap_err();
    assert!(error.to_string().contains("membership 2, a@b.c out of g"), "{error}");
    assert_eq!(serde_json::from_value::<GroupRef>(json!({ "name": "g" })).unwrap().kind(), GroupKind::Unknown);
}

/// A report numbers its outcomes, so two of one number cannot be built.
#[test]
fn a_report_numbers_its_outcomes() {
    let outcome = |user: &str| CommandOutcome::completed(Command::user(user).remove_from_org()).with_number(7);
    let report = Report::new([outcome("a@b.c"), outcome("d@e.f")]);
    assert_eq!(report.outcomes().iter().map(CommandOutcome::number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(report.counts(), Counts::new().with_completed(2));
    assert_eq!(report.summary(), "2 commands in 0 requests: 2 completed, 0 rejected, 0 not sent, 0 unknown");
    assert_eq!(
        Report::new([outcome("a@b.c")]).with_requests(1).to_string(),
        "1 command in 1 request: 1 completed, 0 rejected, 0 not sent, 0 unknown"
    );
}

#[test]
fn messages_count_from_one_and_name_things() {
    let new = NewUser::federated("ann@example.com", "Ann", "Kim", "US");
    let command: Command = Command::create_user(new).add_to(["Photoshop", "Nix"]).into();
    let warning = StepWarning::new(ErrorCode::WarningCommandDeprecated).with_step(1);
    let outcome = CommandOutcome::of(&command)
        .reject(1, StepError::new(ErrorCode::GroupNotFound).with_message("Group Nix was not found."))
        .done_by_lost_request(0, ErrorCode::UserAlreadyInOrg)
        .warn(warning)
        .build()
        .unwrap()
        .with_number(4);
    let text = outcome.to_string();
    let start = "command 5, ann@example.com: rejected: adding to the groups \"Photoshop\" and \"Nix\" (step 2 of 2): \
                 Group Nix was not found. ";
    assert!(text.starts_with(start) && text.ends_with(" (error.group.not_found)"), "{text}");
    let [notice] = outcome.notices() else { panic!("{outcome:?}") };
    assert!(notice.to_string().starts_with("creating the Federated ID (step 1 of 2): done by"), "{notice}");
    assert!(matches!(notice, Notice::DoneByLostRequest { step: 0, .. }), "programs count from 0");
    assert!(outcome.warnings()[0].to_string().starts_with("adding to the groups"), "{:?}", outcome.warnings());
    assert_eq!(outcome.errors()[0].step, Some(1));
}

#[test]
fn contradictions_of_the_service_are_told_in_words() {
    let code = ErrorCode::GroupNotFound;
    let place = |index, step: Option<&str>, root: Option<&str>| {
        let (step, root) = (step.map(str::to_owned), root.map(str::to_owned));
        Disagreement::Place { index, step, root, sent: 2, code: code.clone() }.to_string()
    };
    for (text, end) in [
        (place(9, None, None), "is about command 10 of a request of 2"),
        (place(u32::MAX, None, None), "is about command 4294967296 of a request of 2"),
        (
            place(0, Some("7"), Some("a@b.c")),
            "is about step 8 of the command for \"a@b.c\", of which 2 steps were sent",
        ),
        (
            place(0, Some("-1"), Some("a@b.c")),
            "is about a step \"-1\" of the command for \"a@b.c\", of which 2 steps were sent",
        ),
    ] {
        assert!(text.ends_with(end), "{text}");
    }
}
