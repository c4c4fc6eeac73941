//! The bounds of a whole call: its deadline and its stop, around everything that it waits for.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};

use umapi_time::{Clock, Instant, Sleep};

use crate::{
    error::{Error, Kind},
    run::StopHandle,
};

/// After a stop, a request under way has this long for its answer.
const LAST_ANSWER: Duration = Duration::from_secs(30);

/// Runs a call until it ends, its deadline passes or it is stopped. A request that is under way when it is stopped gets
/// time for its answer; everything else ends at once.
pub(crate) async fn within<T>(
    clock: &Clock,
    deadline: Option<Instant>,
    stop: Option<&StopHandle>,
    is_under_way: &AtomicBool,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut call = pin!(call);
    let mut deadline = deadline.map(|moment| clock.sleep_until(moment));
    let mut stopped = stop.map(|stop| Box::pin(stop.stopped()));
    let mut is_stopped = false;
    let mut last_answer: Option<Sleep> = None;
    poll_fn(move |context| {
        // An outcome that is there counts, however late it is looked at.
        if let Poll::Ready(outcome) = call.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if let Some(deadline) = &mut deadline
            && Pin::new(deadline).poll(context).is_ready()
        {
            return Poll::Ready(Err(Error::new(Kind::Deadline)));
        }
        if let Some(stopped) = &mut stopped
            && !is_stopped
        {
            is_stopped = stopped.as_mut().poll(context).is_ready();
        }
        if !is_stopped {
            return Poll::Pending;
        }
        if !is_under_way.load(Ordering::SeqCst) {
            return Poll::Ready(Err(Error::new(Kind::Stopped)));
        }
        let last_answer = last_answer.get_or_insert_with(|| clock.sleep(LAST_ANSWER));
        Pin::new(last_answer).poll(context).map(|()| Err(Error::new(Kind::Stopped)))
    })
    .await
}
