//! One test per row of the table, and one for each thing that ends it.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const EVERY_EFFECT: [Effect; 3] = [Effect::Read, Effect::RepeatableChange, Effect::OneTimeChange];

fn situation(effect: Effect, fate: AttemptOutcome) -> RetryContext {
    RetryContext {
        effect,
        fate,
        failures: 1,
        slow_failures: 0,
        throttled: 0,
        had_fresh_token: false,
        budget: 100,
        left: None,
        scatter: 1.0,
    }
}

fn answered(status: u16) -> AttemptOutcome {
    AttemptOutcome::Answered { status, retry_after: None, is_refusal: false }
}

fn after(effect: Effect, fate: AttemptOutcome) -> RetryDecision {
    decide(&RetryPolicy::default(), &situation(effect, fate))
}

fn again(seconds: u64, cost: u32, is_repetition: bool) -> RetryDecision {
    RetryDecision::Again { after: SECOND * u32::try_from(seconds).unwrap(), cost, is_repetition }
}

#[test]
fn row_1_what_was_not_sent_is_sent_again_whatever_it_is() {
    for effect in EVERY_EFFECT {
        assert_eq!(after(effect, AttemptOutcome::NotSent), again(1, Budget::QUICK, false));
    }
}

#[test]
fn row_2_the_first_401_asks_for_a_fresh_token() {
    for effect in EVERY_EFFECT {
        assert_eq!(after(effect, answered(401)), RetryDecision::FreshToken);
    }
}

#[test]
fn row_3_the_second_401_stands() {
    for effect in EVERY_EFFECT {
        let second = RetryContext { had_fresh_token: true, ..situation(effect, answered(401)) };
        assert_eq!(decide(&RetryPolicy::default(), &second), RetryDecision::Stop);
    }
}

#[test]
fn row_4_a_429_holds_back_the_class_for_exactly_as_long_as_it_says() {
    let hour = AttemptOutcome::Answered { status: 429, retry_after: Some(SECOND * 3600), is_refusal: true };
    for effect in EVERY_EFFECT {
        assert_eq!(after(effect, hour), RetryDecision::HoldBack(SECOND * 3600));
        assert_eq!(after(effect, answered(429)), RetryDecision::HoldBack(UNSAID));
        // It is no fault: neither attempts nor the budget end it.
        let late = RetryContext { failures: 50, budget: 0, ..situation(effect, hour) };
        assert_eq!(decide(&RetryPolicy::default(), &late), RetryDecision::HoldBack(SECOND * 3600));
    }
}

#[test]
fn row_4_a_429_that_says_now_again_and_again_is_kept_at_a_distance() {
    let now = AttemptOutcome::Answered { status: 429, retry_after: Some(Duration::ZERO), is_refusal: true };
    let nth = |throttled| RetryContext { throttled, ..situation(Effect::Read, now) };
    assert_eq!(decide(&RetryPolicy::default(), &nth(1)), RetryDecision::HoldBack(Duration::ZERO));
    assert_eq!(decide(&RetryPolicy::default(), &nth(4)), RetryDecision::HoldBack(SECOND * 8));
}

#[test]
fn row_5_a_503_that_speaks_for_itself_has_done_nothing() {
    let said = |retry_after| AttemptOutcome::Answered { status: 503, retry_after, is_refusal: true };
    for effect in EVERY_EFFECT {
        assert_eq!(after(effect, said(Some(SECOND * 7))), again(7, Budget::QUICK, false));
        assert_eq!(after(effect, said(None)), again(1, Budget::QUICK, false));
    }
}

#[test]
fn row_6_what_will_not_pass_stands() {
    for status in [301, 400, 403, 404, 409] {
        for effect in EVERY_EFFECT {
            assert_eq!(after(effect, answered(status)), RetryDecision::Stop, "{status}");
        }
    }
}

#[test]
fn row_7_a_504_is_left_alone_for_long_and_asked_again_twice() {
    let nth = |effect, count| {
        let situation = RetryContext { failures: count, slow_failures: count, ..situation(effect, answered(504)) };
        decide(&RetryPolicy::default(), &situation)
    };
    assert_eq!(nth(Effect::Read, 1), again(30, Budget::SLOW, false));
    assert_eq!(nth(Effect::RepeatableChange, 2), again(60, Budget::SLOW, true));
    assert_eq!(nth(Effect::Read, 3), RetryDecision::Stop);
    assert_eq!(nth(Effect::OneTimeChange, 1), RetryDecision::Stop);
    assert_eq!(after(Effect::OneTimeChange, answered(408)), RetryDecision::Stop);
}

#[test]
fn row_8_other_faults_of_the_server_are_repeated_where_that_may_be() {
    for status in [500, 502, 503] {
        assert_eq!(after(Effect::Read, answered(status)), again(1, Budget::QUICK, false));
        assert_eq!(after(Effect::RepeatableChange, answered(status)), again(1, Budget::QUICK, true));
        assert_eq!(after(Effect::OneTimeChange, answered(status)), RetryDecision::Stop);
    }
}

#[test]
fn row_9_what_was_lost_is_repeated_where_that_may_be() {
    assert_eq!(after(Effect::Read, AttemptOutcome::Lost), again(1, Budget::QUICK, false));
    assert_eq!(after(Effect::RepeatableChange, AttemptOutcome::Lost), again(1, Budget::QUICK, true));
    assert_eq!(after(Effect::OneTimeChange, AttemptOutcome::Lost), RetryDecision::Stop);
}

#[test]
fn attempts_end_it() {
    let policy = RetryPolicy::default().attempts(3);
    let nth = |failures| decide(&policy, &RetryContext { failures, ..situation(Effect::Read, AttemptOutcome::Lost) });
    assert_eq!(nth(2), again(2, Budget::QUICK, false));
    assert_eq!(nth(3), RetryDecision::Stop);
    assert_eq!(decide(&RetryPolicy::NEVER, &situation(Effect::Read, AttemptOutcome::NotSent)), RetryDecision::Stop);
}

#[test]
fn an_empty_budget_ends_it() {
    let poor = RetryContext { budget: Budget::QUICK - 1, ..situation(Effect::Read, AttemptOutcome::Lost) };
    assert_eq!(decide(&RetryPolicy::default(), &poor), RetryDecision::Stop);
}

#[test]
fn nobody_sleeps_into_the_deadline() {
    let left = |left, fate| RetryContext { left: Some(left), ..situation(Effect::Read, fate) };
    let policy = RetryPolicy::default();
    assert_eq!(decide(&policy, &left(SECOND, AttemptOutcome::Lost)), RetryDecision::Stop);
    assert_eq!(decide(&policy, &left(SECOND * 2, AttemptOutcome::Lost)), again(1, Budget::QUICK, false));
    assert_eq!(decide(&policy, &left(SECOND * 59, answered(429))), RetryDecision::Stop);
    assert_eq!(decide(&policy, &left(SECOND, answered(401))), RetryDecision::FreshToken);
}
