//! The task that moves a clock which advances by itself. It lives only while someone sleeps.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::Shared;

/// How often the other tasks of the runtime get their turn before nothing is taken to happen any more.
const QUIET_ROUNDS: usize = 32;

/// Puts the autopilot at the controls, if the clock is to advance by itself and nobody is there yet.
pub(super) fn ensure(shared: &Arc<Shared>) {
    let Ok(runtime) = Handle::try_current() else { return };
    {
        let mut dial = shared.dial();
        if dial.autopilot || dial.grace().is_none() {
            return;
        }
        dial.autopilot = true;
    }
    let seat = Seat(shared.clone());
    runtime.spawn(async move { fly(&seat.0).await });
}

/// Jumps from deadline to deadline until nobody sleeps or the clock is frozen.
async fn fly(shared: &Shared) {
    loop {
        // Listening begins before looking, so that a change in between is not missed.
        let bell = shared.bell.notified();
        let (seen, grace, held) = {
            let dial = shared.dial();
            let Some(grace) = dial.grace() else { return };
            if dial.sleepers() == 0 {
                return;
            }
            (dial.activity(), grace, dial.is_held())
        };
        if held {
            bell.await;
            continue;
        }
        let_others_run(grace).await;
        shared.turn(|dial| {
            let quiet = dial.activity() == seen && !dial.is_held() && dial.grace().is_some();
            if let Some(deadline) = dial.next_deadline().filter(|_| quiet) {
                dial.advance_to(deadline);
            }
        });
    }
}

async fn let_others_run(grace: Duration) {
    if !grace.is_zero() {
        #[expect(clippy::disallowed_methods, reason = "the grace period is one of real time")]
        tokio::time::sleep(grace).await;
    }
    // What the sockets brought in the meantime is queued behind this task: it goes first.
    for _ in 0..QUIET_ROUNDS {
        tokio::task::yield_now().await;
    }
}

/// Held by the task at the controls. If its runtime goes away, those who sleep in other runtimes are asked again, and
/// one of them takes over.
struct Seat(Arc<Shared>);

impl Drop for Seat {
    fn drop(&mut self) {
        let asleep = {
            let mut dial = self.0.dial();
            dial.autopilot = false;
            dial.wakers()
        };
        for waker in asleep {
            waker.wake();
        }
    }
}
