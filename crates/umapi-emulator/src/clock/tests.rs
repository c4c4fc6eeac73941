use tokio::task::JoinHandle;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A clock of its own that goes with a manual one, so that "real" time is the test's.
fn going() -> (ManualClock, EmulatorClock) {
    let base = ManualClock::new();
    let clock = EmulatorClock::own(Dial::real(base.clock()));
    (base, clock)
}

async fn sleeper(clock: &EmulatorClock, duration: Duration) -> JoinHandle<()> {
    let sleep = clock.clock().sleep(duration);
    let task = tokio::spawn(sleep);
    // The only runtime thread gives the task its first turn.
    tokio::task::yield_now().await;
    task
}

async fn is_awake(task: &JoinHandle<()>) -> bool {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    task.is_finished()
}

#[test]
fn it_goes_with_its_base_and_stands_when_frozen() {
    let (base, clock) = going();
    let (start, wall) = (clock.clock().now(), clock.wall());
    base.advance(SECOND);
    assert_eq!((clock.clock().now() - start, clock.wall()), (SECOND, wall + SECOND));
    clock.freeze().unwrap();
    assert_eq!(clock.mode(), ClockMode::Frozen);
    base.advance(SECOND);
    assert_eq!((clock.clock().now() - start, clock.wall()), (SECOND, wall + SECOND));
    clock.advance(SECOND).unwrap();
    assert_eq!((clock.clock().now() - start, clock.wall()), (2 * SECOND, wall + 2 * SECOND));
    clock.resume().unwrap();
    assert_eq!(clock.mode(), ClockMode::Real);
    base.advance(SECOND);
    assert_eq!((clock.clock().now() - start, clock.wall()), (3 * SECOND, wall + 3 * SECOND));
}

#[test]
fn the_wall_is_set_alone_and_follows_the_wall_of_its_base() {
    let (base, clock) = going();
    let (start, wall) = (clock.clock().now(), clock.wall());
    clock.set(wall - 60 * SECOND).unwrap();
    assert_eq!((clock.clock().now(), clock.wall()), (start, wall - 60 * SECOND));
    base.set_wall(wall - 5 * SECOND);
    assert_eq!((clock.clock().now(), clock.wall()), (start, wall - 65 * SECOND));
    assert!(clock.millis() > 0);
}

#[tokio::test]
async fn sleepers_wake_when_it_is_advanced() {
    let (base, clock) = going();
    clock.freeze().unwrap();
    let task = sleeper(&clock, 10 * SECOND).await;
    base.advance(60 * SECOND);
    assert!(!is_awake(&task).await, "time stands");
    clock.advance(9 * SECOND).unwrap();
    assert!(!is_awake(&task).await);
    clock.advance(SECOND).unwrap();
    assert!(is_awake(&task).await);
}

#[tokio::test]
async fn sleepers_follow_from_frozen_to_real_and_back() {
    let (base, clock) = going();
    clock.freeze().unwrap();
    let task = sleeper(&clock, 10 * SECOND).await;
    clock.resume().unwrap();
    assert!(!is_awake(&task).await);
    base.advance(9 * SECOND);
    assert!(!is_awake(&task).await);
    clock.freeze().unwrap();
    assert!(!is_awake(&task).await);
    base.advance(10 * SECOND);
    assert!(!is_awake(&task).await, "the second that is left stands");
    clock.resume().unwrap();
    assert!(!is_awake(&task).await);
    base.advance(SECOND);
    assert!(is_awake(&task).await);
}

#[tokio::test]
async fn a_running_clock_is_advanced_too() {
    let (_base, clock) = going();
    let task = sleeper(&clock, 3600 * SECOND).await;
    clock.advance(3600 * SECOND).unwrap();
    assert!(is_awake(&task).await);
}

#[tokio::test]
async fn real_time_is_the_machines() {
    let clock = EmulatorClock::real();
    let start = clock.clock().now();
    clock.clock().sleep(Duration::from_millis(5)).await;
    assert!(clock.clock().now() - start >= Duration::from_millis(5));
}

#[test]
fn a_given_manual_clock_is_moved_and_another_clock_is_not() {
    let manual = ManualClock::new();
    let clock = EmulatorClock::from(manual.clone());
    clock.advance(SECOND).unwrap();
    assert_eq!(manual.clock().now(), clock.clock().now());
    let date = SystemTime::UNIX_EPOCH + SECOND;
    clock.set(date).unwrap();
    assert_eq!(manual.clock().wall(), date);
    assert_eq!(clock.resume(), Err(ClockError::NotReal));

    let clock = EmulatorClock::given(manual.clock());
    let refused = [clock.freeze(), clock.resume(), clock.advance(SECOND), clock.set(date)];
    assert!(refused.iter().all(|r| matches!(r, Err(ClockError::NotOurs(_)))), "{refused:?}");
}

#[test]
fn it_shows_only_dates_that_http_can_write() {
    let (_, clock) = going();
    let wall = clock.wall();
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(END - 1);
    for refused in [
        clock.advance(Duration::MAX),
        clock.advance(Duration::from_secs(END)),
        clock.set(last + SECOND),
        clock.set(SystemTime::UNIX_EPOCH - SECOND),
    ] {
        assert_eq!(refused, Err(ClockError::OutOfRange));
    }
    assert_eq!(clock.wall(), wall);
    clock.set(last).unwrap();
}

#[test]
fn a_date_that_http_cannot_write_is_none() {
    let at = |seconds| http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(0).unwrap(), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(at(END_OF_HTTP - 1).unwrap(), "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_eq!(at(END_OF_HTTP), None);
    assert_eq!(http_date(SystemTime::UNIX_EPOCH - SECOND), None);
}
