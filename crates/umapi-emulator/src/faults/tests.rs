use std::time::Duration;

use umapi_model::Operation;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn step<'a>(name: &'a str, user: &'a str) -> StepView<'a> {
    StepView { index: 0, step: 0, name, user: Some(user) }
}

#[test]
fn a_rule_hits_its_operation_alone_and_counts() {
    let faults = Faults::default();
    let rule = faults.add(FaultRule::on("listUsers").status(500).times(2)).unwrap();
    assert!(faults.decide(Operation::ListGroups.into()).is_none());
    for expected in [true, true, false] {
        assert_eq!(faults.decide(Operation::ListUsers.into()).is_some(), expected);
    }
    assert_eq!((rule.matched(), rule.fired()), (3, 2));
}

#[test]
fn delays_add_up_and_the_first_outcome_wins() {
    let faults = Faults::default();
    faults.add(FaultRule::on("*").delay(SECOND)).unwrap();
    let first = faults.add(FaultRule::on("*").reset_after().nth(2)).unwrap();
    let second = faults.add(FaultRule::on("*").reset_before().delay(SECOND).times(2)).unwrap();
    let fault = faults.decide(Operation::ListUsers.into()).unwrap();
    assert_eq!((fault.delay, fault.resets_before()), (2 * SECOND, true));
    let fault = faults.decide(Operation::ListUsers.into()).unwrap();
    assert_eq!((fault.delay, fault.resets_after()), (SECOND, true));
    assert_eq!((first.fired(), second.fired()), (1, 1), "the one that came too late keeps its hit");
    let fault = faults.decide(Operation::ListUsers.into()).unwrap();
    assert_eq!(fault.rules, [1, second.id()]);
}

#[test]
fn rules_are_switched_and_removed_at_run_time() {
    let faults = Faults::default();
    let rule = faults.add(FaultRule::on("*").html(502).disabled()).unwrap();
    assert!(faults.decide(Operation::GetUser.into()).is_none());
    rule.enable();
    assert!(faults.decide(Operation::GetUser.into()).is_some());
    rule.disable();
    assert!(faults.decide(Operation::GetUser.into()).is_none());
    assert_eq!(rule.matched(), 1, "a rule that is off does not count");
    rule.remove();
    assert!(faults.list().is_empty());
    assert_ne!(faults.add(FaultRule::on("*").html(502)).unwrap().id(), rule.id());
}

#[test]
fn a_step_fails_with_its_code_for_its_user() {
    let faults = Faults::default();
    let rule = FaultRule::on_step("createFederatedID", "error.internal.create_failed").for_user("Ann@Example.com");
    let rule = faults.add(rule.times(1)).unwrap();
    assert!(faults.decide(Operation::ExecuteActions.into()).is_none(), "the request as such is left alone");
    assert!(faults.fail_step(&step("add", "ann@example.com")).is_none());
    assert!(faults.fail_step(&step("createFederatedID", "bob@example.com")).is_none());
    let refusal = faults.fail_step(&step("createFederatedID", "ann@example.com")).unwrap();
    assert_eq!(refusal.code, "error.internal.create_failed");
    assert_eq!(refusal.message, "Could not create person of type createFederatedID");
    assert!(faults.fail_step(&step("createFederatedID", "ann@example.com")).is_none());
    assert_eq!((rule.matched(), rule.fired()), (2, 1));
}
