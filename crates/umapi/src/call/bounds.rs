//! The bounds of a whole call: its deadline and its stop apply to everything that it waits for.

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

/// How long a request in flight may still take after a stop.
const LAST_RESPONSE: Duration = Duration::from_secs(30);

/// Runs a call until it ends, its deadline passes or it is stopped. A request that is in flight at the stop gets time for its
/// response; everything else ends immediately.
pub(crate) async fn within<T>(
    clock: &Clock,
    deadline: Option<Instant>,
    stop: Option<&StopHandle>,
    is_in_flight: &AtomicBool,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut call = pin!(call);
    let mut deadline = deadline.map(|moment| clock.sleep_until(moment));
    let mut stopped = stop.map(|stop| Box::pin(stop.stopped()));
    let mut is_stopped = false;
    let mut last_response: Option<Sleep> = None;
    poll_fn(move |context| {
        // A result that is ready counts, even if it is polled late.
        if let Poll::Ready(outcome) = call.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if let Some(deadline) = &mut deadline
            && Pin::new(deadline).poll(context).is_ready()
        {
            return Poll::Ready(Err(Error::new(Kind::Deadline { has_passed: true })));
        }
        if let Some(stopped) = &mut stopped
            && !is_stopped
        {
            is_stopped = stopped.as_mut().poll(context).is_ready();
        }
        if !is_stopped {
            return Poll::Pending;
        }
        if !is_in_flight.load(Ordering::SeqCst) {
            return Poll::Ready(Err(Error::new(Kind::Stopped)));
        }
        let last_response = last_response.get_or_insert_with(|| clock.sleep(LAST_RESPONSE));
        Pin::new(last_response).poll(context).map(|()| Err(Error::new(Kind::Stopped)))
    })
    .await
}
