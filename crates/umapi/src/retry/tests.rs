//! One test per row of the table, and one for each thing that ends it.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const EVERY_WORK: [Work; 3] = [Work::Question, Work::Repeatable, Work::Once];

fn situation(work: Work, fate: Fate) -> Situation {
    Situation {
        work,
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

fn answered(status: u16) -> Fate {
    Fate::Answered { status, retry_after: None, is_refusal: false }
}

fn after(work: Work, fate: Fate) -> Decision {
    decide(&RetryPolicy::default(), &situation(work, fate))
}

fn again(seconds: u64, cost: u32, is_repetition: bool) -> Decision {
    Decision::Again { after: SECOND * u32::try_from(seconds).unwrap(), cost, is_repetition }
}

#[test]
fn row_1_what_was_not_sent_is_sent_again_whatever_it_is() {
    for work in EVERY_WORK {
        assert_eq!(after(work, Fate::NotSent), again(1, Budget::QUICK, false));
    }
}

#[test]
fn row_2_the_first_401_asks_for_a_fresh_token() {
    for work in EVERY_WORK {
        assert_eq!(after(work, answered(401)), Decision::FreshToken);
    }
}

#[test]
fn row_3_the_second_401_stands() {
    for work in EVERY_WORK {
        let second = Situation { had_fresh_token: true, ..situation(work, answered(401)) };
        assert_eq!(decide(&RetryPolicy::default(), &second), Decision::Stop);
    }
}

#[test]
fn row_4_a_429_holds_back_the_class_for_exactly_as_long_as_it_says() {
    let hour = Fate::Answered { status: 429, retry_after: Some(SECOND * 3600), is_refusal: true };
    for work in EVERY_WORK {
        assert_eq!(after(work, hour), Decision::HoldBack(SECOND * 3600));
        assert_eq!(after(work, answered(429)), Decision::HoldBack(UNSAID));
        // It is no fault: neither attempts nor the budget end it.
        let late = Situation { failures: 50, budget: 0, ..situation(work, hour) };
        assert_eq!(decide(&RetryPolicy::default(), &late), Decision::HoldBack(SECOND * 3600));
    }
}

#[test]
fn row_4_a_429_that_says_now_again_and_again_is_kept_at_a_distance() {
    let now = Fate::Answered { status: 429, retry_after: Some(Duration::ZERO), is_refusal: true };
    let nth = |throttled| Situation { throttled, ..situation(Work::Question, now) };
    assert_eq!(decide(&RetryPolicy::default(), &nth(1)), Decision::HoldBack(Duration::ZERO));
    assert_eq!(decide(&RetryPolicy::default(), &nth(4)), Decision::HoldBack(SECOND * 8));
}

#[test]
fn row_5_a_503_that_speaks_for_itself_has_done_nothing() {
    let said = |retry_after| Fate::Answered { status: 503, retry_after, is_refusal: true };
    for work in EVERY_WORK {
        assert_eq!(after(work, said(Some(SECOND * 7))), again(7, Budget::QUICK, false));
        assert_eq!(after(work, said(None)), again(1, Budget::QUICK, false));
    }
}

#[test]
fn row_6_what_will_not_pass_stands() {
    for status in [301, 400, 403, 404, 409] {
        for work in EVERY_WORK {
            assert_eq!(after(work, answered(status)), Decision::Stop, "{status}");
        }
    }
}

#[test]
fn row_7_a_504_is_left_alone_for_long_and_asked_again_twice() {
    let nth = |work, count| {
        let situation = Situation { failures: count, slow_failures: count, ..situation(work, answered(504)) };
        decide(&RetryPolicy::default(), &situation)
    };
    assert_eq!(nth(Work::Question, 1), again(30, Budget::SLOW, false));
    assert_eq!(nth(Work::Repeatable, 2), again(60, Budget::SLOW, true));
    assert_eq!(nth(Work::Question, 3), Decision::Stop);
    assert_eq!(nth(Work::Once, 1), Decision::Stop);
    assert_eq!(after(Work::Once, answered(408)), Decision::Stop);
}

#[test]
fn row_8_other_faults_of_the_server_are_repeated_where_that_may_be() {
    for status in [500, 502, 503] {
        assert_eq!(after(Work::Question, answered(status)), again(1, Budget::QUICK, false));
        assert_eq!(after(Work::Repeatable, answered(status)), again(1, Budget::QUICK, true));
        assert_eq!(after(Work::Once, answered(status)), Decision::Stop);
    }
}

#[test]
fn row_9_what_was_lost_is_repeated_where_that_may_be() {
    assert_eq!(after(Work::Question, Fate::Lost), again(1, Budget::QUICK, false));
    assert_eq!(after(Work::Repeatable, Fate::Lost), again(1, Budget::QUICK, true));
    assert_eq!(after(Work::Once, Fate::Lost), Decision::Stop);
}

#[test]
fn attempts_end_it() {
    let policy = RetryPolicy::default().attempts(3);
    let nth = |failures| decide(&policy, &Situation { failures, ..situation(Work::Question, Fate::Lost) });
    assert_eq!(nth(2), again(2, Budget::QUICK, false));
    assert_eq!(nth(3), Decision::Stop);
    assert_eq!(decide(&RetryPolicy::NEVER, &situation(Work::Question, Fate::NotSent)), Decision::Stop);
}

#[test]
fn an_empty_budget_ends_it() {
    let poor = Situation { budget: Budget::QUICK - 1, ..situation(Work::Question, Fate::Lost) };
    assert_eq!(decide(&RetryPolicy::default(), &poor), Decision::Stop);
}

#[test]
fn nobody_sleeps_into_the_deadline() {
    let left = |left, fate| Situation { left: Some(left), ..situation(Work::Question, fate) };
    let policy = RetryPolicy::default();
    assert_eq!(decide(&policy, &left(SECOND, Fate::Lost)), Decision::Stop);
    assert_eq!(decide(&policy, &left(SECOND * 2, Fate::Lost)), again(1, Budget::QUICK, false));
    assert_eq!(decide(&policy, &left(SECOND * 59, answered(429))), Decision::Stop);
    assert_eq!(decide(&policy, &left(SECOND, answered(401))), Decision::FreshToken);
}

#[test]
fn waits_double_up_to_the_longest_and_scatter_over_their_upper_half() {
    let policy = RetryPolicy::default().longest_wait(SECOND * 5);
    let waits = [1, 2, 3, 4, 40].map(|failures| policy.backoff(failures, 1.0).as_secs());
    assert_eq!(waits, [1, 2, 4, 5, 5]);
    assert_eq!(policy.backoff(2, 0.0), SECOND);
}
