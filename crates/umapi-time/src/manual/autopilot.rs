//! The task that advances a clock by itself. It lives only while there are sleepers.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::Shared;

/// How often the task yields to the other tasks of the runtime before the clock counts as idle.
const QUIET_ROUNDS: usize = 32;

/// Starts the task, if the clock advances by itself and has no task yet.
pub(super) fn ensure(shared: &Arc<Shared>) {
    let Ok(runtime) = Handle::try_current() else { return };
    {
        let mut timeline = shared.timeline();
        if timeline.has_autopilot || timeline.grace().is_none() {
            return;
        }
        timeline.has_autopilot = true;
    }
    let running = Running(shared.clone());
    runtime.spawn(async move { run(&running.0).await });
}

/// Jumps from deadline to deadline until there is no sleeper or the clock is frozen.
async fn run(shared: &Shared) {
    loop {
        // Subscribed before the check, so that no change in between is missed.
        let changed = shared.changed.notified();
        let (seen, grace, is_guarded) = {
            let timeline = shared.timeline();
            let Some(grace) = timeline.grace() else { return };
            if timeline.sleepers() == 0 {
                return;
            }
            (timeline.activity(), grace, timeline.is_guarded())
        };
        if is_guarded {
            changed.await;
            continue;
        }
        let_others_run(grace).await;
        shared.update(|timeline| {
            let quiet = timeline.activity() == seen && !timeline.is_guarded() && timeline.grace().is_some();
            if let Some(deadline) = timeline.next_deadline().filter(|_| quiet) {
                timeline.advance_to(deadline);
            }
        });
    }
}

async fn let_others_run(grace: Duration) {
    if !grace.is_zero() {
        #[expect(clippy::disallowed_methods, reason = "the grace period is real time")]
        tokio::time::sleep(grace).await;
    }
    // Tasks that were woken by sockets in the meantime run first.
    for _ in 0..QUIET_ROUNDS {
        tokio::task::yield_now().await;
    }
}

/// Owned by the task. If its runtime ends, the sleepers of other runtimes are polled again, and one of them starts a new task.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        let asleep = {
            let mut timeline = self.0.timeline();
            timeline.has_autopilot = false;
            timeline.wakers()
        };
        for waker in asleep {
            waker.wake();
        }
    }
}
