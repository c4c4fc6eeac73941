//! The manual clock, frozen and advancing by itself.

use std::{sync::Mutex, thread};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn at(seconds: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(seconds))
}

#[test]
fn wall_time_is_set_independently_of_monotonic_time() {
    let start = SystemTime::UNIX_EPOCH + HOUR;
    let manual = ManualClock::starting_at(start);
    let clock = manual.clock();
    manual.advance(SECOND);
    assert_eq!((clock.wall(), clock.now()), (start + SECOND, at(1)));

    manual.set_wall(SystemTime::UNIX_EPOCH);
    assert_eq!((clock.wall(), clock.now()), (SystemTime::UNIX_EPOCH, at(1)));
    manual.advance(SECOND);
    assert_eq!((clock.wall(), clock.now()), (SystemTime::UNIX_EPOCH + SECOND, at(2)));
}

#[test]
fn monotonic_time_never_goes_back() {
    let manual = ManualClock::new();
    manual.advance_to(at(10));
    manual.advance_to(at(5));
    assert_eq!(manual.clock().now(), at(10));
    manual.advance(Duration::MAX);
    let end = manual.clock().wall();
    manual.advance(Duration::MAX);
    assert_eq!(manual.clock().wall(), end);
}

#[tokio::test]
async fn sleepers_wake_in_the_order_of_their_deadlines() {
    let manual = ManualClock::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for seconds in [3, 1, 2, 1] {
        let (clock, order) = (manual.clock(), order.clone());
        tasks.push(tokio::spawn(async move {
            clock.sleep(Duration::from_secs(seconds)).await;
            order.lock().unwrap().push(seconds);
        }));
    }
    manual.until_sleepers(4).await;
    assert_eq!(manual.next_deadline(), Some(at(1)));
    manual.advance(HOUR);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [1, 1, 2, 3]);
}

#[tokio::test]
async fn only_due_sleepers_wake() {
    let manual = ManualClock::new();
    let clock = manual.clock();
    let long = tokio::spawn({
        let clock = clock.clone();
        async move { clock.sleep(2 * SECOND).await }
    });
    let short = tokio::spawn(async move { clock.sleep(SECOND).await });
    manual.until_sleepers(2).await;
    manual.advance(SECOND);
    short.await.unwrap();
    assert_eq!(manual.sleepers(), 1);
    assert!(!long.is_finished());
    manual.advance(SECOND);
    long.await.unwrap();
    assert_eq!(manual.sleepers(), 0);
}

#[tokio::test]
async fn a_dropped_sleeper_leaves_the_queue() {
    let manual = ManualClock::new();
    let clock = manual.clock();
    let task = tokio::spawn(async move { clock.sleep(HOUR).await });
    manual.until_sleepers(1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!((manual.sleepers(), manual.next_deadline()), (0, None));
}

#[tokio::test]
async fn a_moment_in_the_past_needs_no_wait() {
    let manual = ManualClock::new();
    manual.advance(HOUR);
    manual.clock().sleep_until(at(1)).await;
    manual.clock().sleep(Duration::ZERO).await;
}

#[tokio::test]
async fn a_frozen_clock_does_not_move() {
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    manual.freeze();
    let clock = manual.clock();
    let task = tokio::spawn(async move { clock.sleep(SECOND).await });
    manual.until_sleepers(1).await;
    Clock::real().sleep(Duration::from_millis(20)).await;
    assert!(!task.is_finished());
    assert_eq!(manual.clock().now(), Instant::ORIGIN);

    // Current sleepers are noticed when the clock starts to advance.
    manual.set_auto_advance(Some(Duration::from_millis(1)));
    task.await.unwrap();
    assert_eq!(manual.clock().now(), at(1));
}

#[tokio::test]
async fn auto_advance_jumps_from_deadline_to_deadline() {
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for interval in [2, 3] {
        let (clock, seen) = (manual.clock(), seen.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..3 {
                clock.sleep(Duration::from_secs(interval)).await;
                seen.lock().unwrap().push(clock.now().since_origin().as_secs());
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), [2, 3, 4, 6, 6, 9]);
}

#[tokio::test]
async fn real_sockets_work_with_virtual_waiting() {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(5));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let clock = manual.clock();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut byte = [0];
        while socket.read_exact(&mut byte).await.is_ok() {
            clock.sleep(10 * SECOND).await;
            socket.write_all(&byte).await.unwrap();
        }
    });
    let clock = manual.clock();
    let mut socket = TcpStream::connect(address).await.unwrap();
    for round in 0..20 {
        let asked = clock.now();
        socket.write_all(&[round]).await.unwrap();
        let answer = clock.timeout(11 * SECOND, socket.read_u8()).await;
        assert_eq!(answer.expect("the answer arrives in time").unwrap(), round);
        assert_eq!(clock.now() - asked, 10 * SECOND);
        clock.sleep(HOUR).await;
    }
    assert_eq!(clock.now().since_origin(), 20 * (HOUR + 10 * SECOND));
}

#[tokio::test]
async fn a_guard_stops_the_clock() {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(1));
    let clock = manual.clock();
    let (guard, other) = (clock.advance_guard(), clock.advance_guard());
    let task = tokio::spawn(async move { clock.sleep(SECOND).await });
    manual.until_sleepers(1).await;
    drop(other);
    Clock::real().sleep(Duration::from_millis(30)).await;
    assert!(!task.is_finished());
    drop(guard);
    task.await.unwrap();
}

#[tokio::test]
async fn activity_restarts_the_grace_period() {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(200));
    let clock = manual.clock();
    let task = tokio::spawn(async move { clock.sleep(SECOND).await });
    let real = Clock::real();
    let start = real.now();
    while real.now() - start < Duration::from_millis(500) {
        manual.touch();
        real.sleep(Duration::from_millis(10)).await;
    }
    assert!(!task.is_finished());
    task.await.unwrap();
}

#[test]
fn sleepers_outlive_the_runtime_of_the_advancing_task() {
    let manual = ManualClock::new().auto_advance(Duration::from_millis(30));
    let first = Builder::new_current_thread().enable_time().build().unwrap();
    let clock = manual.clock();
    first.block_on(async {
        tokio::spawn(async move { clock.sleep(SECOND).await });
        manual.until_sleepers(1).await;
    });
    let clock = manual.clock();
    let other = thread::spawn(move || {
        let second = Builder::new_current_thread().enable_time().build().unwrap();
        second.block_on(clock.sleep(HOUR));
    });
    Builder::new_current_thread().build().unwrap().block_on(manual.until_sleepers(2));
    drop(first);
    other.join().unwrap();
    assert_eq!(manual.clock().now().since_origin(), HOUR);
}

#[test]
fn debug_shows_the_time_and_the_sleepers() {
    let manual = ManualClock::new();
    manual.advance(SECOND);
    let shown = format!("{:?}", manual.clock());
    assert!(shown.contains("now: Instant(1s)") && shown.contains("sleepers: 0"), "{shown}");
}
