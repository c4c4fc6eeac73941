//! The background thread that drives a blocking client, and waiting for it.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle, Thread},
};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::error::{Cause, Error, Kind};

/// The thread with the runtime. It ends with the last clone.
#[derive(Clone)]
pub(super) struct Runtime(Arc<Worker>);

struct Worker {
    handle: Handle,
    /// Ends the thread.
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    life: Life,
    /// The process that has the thread.
    process: u32,
}

/// How far the thread is. A clone of it ends with the thread, however that ends.
#[derive(Clone, Default)]
struct Life {
    /// Whether the runtime is being shut down: its timers panic.
    is_ending: Arc<AtomicBool>,
    /// Cancelled after it was shut down: nothing wakes a waiting thread any more.
    over: CancellationToken,
}

/// Notes the end of the thread.
struct Ending(Life);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.is_ending.store(true, Ordering::SeqCst);
        self.0.over.cancel();
    }
}

impl Runtime {
    /// Starts the thread.
    pub(super) fn start() -> Result<Self, Error> {
        let failed = |error| Error::invalid(format!("the thread of the blocking client cannot be started: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, life) = (CancellationToken::new(), Life::default());
        let (stopped, of_thread) = (stop.clone().cancelled_owned(), life.clone());
        let thread = thread::Builder::new().name("umapi".to_owned()).spawn(move || {
            let ending = Ending(of_thread);
            runtime.block_on(stopped);
            ending.0.is_ending.store(true, Ordering::SeqCst);
            // Does not wait for names that are being resolved.
            runtime.shutdown_background();
        });
        let (thread, process) = (Some(thread.map_err(failed)?), std::process::id());
        Ok(Self(Arc::new(Worker { handle, stop, thread, life, process })))
    }

    /// Waits for a future, which runs on this thread; what it spawns runs on the background thread.
    ///
    /// # Errors
    ///
    /// If this thread must not wait, or the background thread has ended. The future was not polled, or is dropped.
    pub(super) fn wait<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        self.check()?;
        self.drive(future)
    }

    /// Checks that this thread may wait.
    ///
    /// # Errors
    ///
    /// In a forked process, inside of an async runtime, and if the background thread has ended.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.0.process != std::process::id() {
            return Err(Error::invalid(
                "the blocking client was created before this process was forked, and its thread stayed behind; create the client \
                 after the fork",
            ));
        }
        if self.0.life.is_ending.load(Ordering::SeqCst) {
            return Err(ended(false));
        }
        if is_in_async_code() {
            return Err(Error::invalid(
                "a blocking client cannot wait inside of an async runtime, whose tasks it would stop; use the async client, or \
                 move the call into `tokio::task::spawn_blocking`",
            ));
        }
        Ok(())
    }

    /// Polls a future to its end.
    pub(super) fn drive<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        let _context = self.0.handle.enter();
        let wakeup = Arc::new(Wakeup { thread: thread::current(), has_come: AtomicBool::new(false) });
        let waker = Waker::from(wakeup.clone());
        let mut context = Context::from_waker(&waker);
        let (mut future, mut over) = (pin!(future), pin!(self.0.life.over.cancelled()));
        loop {
            // Before the poll: what ends in between is seen by it.
            let is_over = over.as_mut().poll(&mut context).is_ready();
            match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))) {
                Ok(Poll::Ready(output)) => return Ok(output),
                Ok(Poll::Pending) if is_over => return Err(ended(true)),
                Ok(Poll::Pending) => wakeup.wait(),
                // The timers of a runtime that ends panic.
                Err(_) if self.0.life.is_ending.load(Ordering::SeqCst) => return Err(ended(true)),
                Err(panic) => resume_unwind(panic),
            }
        }
    }
}

/// The error of a background thread that has ended. The last clone of the client ends it, so nobody should see this.
fn ended(while_waiting: bool) -> Error {
    let error = Error::new(Kind::Network(Cause::new("the thread of the blocking client has ended")));
    error.with(|details| details.may_have_been_applied = while_waiting)
}

/// Whether this thread runs async code of tokio. There may be a runtime although it does not, as in `spawn_blocking`.
fn is_in_async_code() -> bool {
    // Nothing else of tokio tells. It panics, and so says on standard error what is wrong.
    Handle::try_current().is_ok_and(|handle| catch_unwind(|| handle.block_on(std::future::ready(()))).is_err())
}

/// Wakes a thread that waits.
struct Wakeup {
    thread: Thread,
    /// The future that is polled may wait for another one itself, in a callback. That one may take the token of this thread.
    has_come: AtomicBool,
}

impl Wakeup {
    fn wait(&self) {
        while !self.has_come.swap(false, Ordering::SeqCst) {
            thread::park();
        }
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_come.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.cancel();
        let Some(thread) = self.thread.take() else { return };
        // The last clone may be a callback's, which runs on that thread. A forked process has no such thread.
        if thread.thread().id() != thread::current().id() && self.process == std::process::id() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("is_ending", &self.0.life.is_ending).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, pin::Pin, time::Duration};

    use umapi_time::Clock;

    use super::*;

    #[test]
    fn work_of_the_background_thread_is_waited_for() {
        let runtime = Runtime::start().unwrap();
        let slept = async {
            let name = tokio::spawn(async { thread::current().name().map(str::to_owned) }).await.unwrap();
            Clock::real().sleep(Duration::from_millis(1)).await;
            name
        };
        assert_eq!(runtime.wait(slept).unwrap().as_deref(), Some("umapi"));
    }

    #[test]
    fn nothing_is_waited_for_inside_of_an_async_runtime() {
        let runtime = Runtime::start().unwrap();
        for other in [Builder::new_current_thread().build().unwrap(), Builder::new_multi_thread().build().unwrap()] {
            let error = other.block_on(async { runtime.wait(async { panic!("polled") }) }).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains("spawn_blocking"), "{error}");
            let spawned = runtime.clone();
            let error = other.block_on(async { tokio::spawn(async move { spawned.wait(async {}) }).await });
            assert!(error.unwrap().unwrap_err().is_invalid_input());
            // Blocking is fine where the runtime expects it.
            let spawned = runtime.clone();
            let done = other.block_on(async { tokio::task::spawn_blocking(move || spawned.wait(async { 7 })).await });
            assert_eq!(done.unwrap().unwrap(), 7);
        }
    }

    #[test]
    fn a_runtime_may_be_dropped_inside_of_another_one() {
        let runtime = Runtime::start().unwrap();
        Builder::new_current_thread().build().unwrap().block_on(async move { drop(runtime) });
    }

    #[test]
    fn the_last_clone_may_be_dropped_on_the_background_thread() {
        let runtime = Runtime::start().unwrap();
        let (give, taken) = std::sync::mpsc::channel();
        let (handle, clone) = (runtime.0.handle.clone(), runtime.clone());
        let go = CancellationToken::new();
        let gone = go.clone();
        handle.spawn(async move {
            gone.cancelled().await;
            drop(clone);
            let _ = give.send(());
        });
        drop(runtime);
        go.cancel();
        taken.recv_timeout(Duration::from_secs(10)).unwrap();
    }

    #[test]
    fn whoever_waits_when_the_thread_ends_gets_an_error() {
        // Nothing ends the thread while there is a client, but a fault.
        type Begin = fn() -> Pin<Box<dyn Future<Output = ()> + Send>>;
        let futures: [Begin; 3] = [
            || Box::pin(pending()),
            || Box::pin(async { Clock::real().sleep(Duration::from_secs(86_400)).await }),
            || Box::pin(async { assert!(tokio::spawn(pending::<()>()).await.unwrap_err().is_cancelled()) }),
        ];
        for (index, future) in futures.into_iter().enumerate() {
            let runtime = Runtime::start().unwrap();
            let (give, taken) = std::sync::mpsc::channel();
            let waits = {
                let runtime = runtime.clone();
                thread::spawn(move || {
                    runtime.wait(async move {
                        give.send(()).unwrap();
                        future().await;
                    })
                })
            };
            taken.recv().unwrap();
            runtime.0.stop.cancel();
            // A task that was cancelled tells its caller; everything else is an error.
            match waits.join().unwrap() {
                Ok(()) => assert_eq!(index, 2),
                Err(error) => assert!(error.may_have_been_applied() && index < 2, "{error:#}"),
            }
            let error = runtime.wait(pending::<()>()).unwrap_err();
            assert!(error.is_network() && !error.may_have_been_applied(), "{error}");
            assert!(format!("{error:#}").contains("has ended"), "{error:#}");
        }
    }

    #[test]
    fn a_future_may_wait_for_another_one() {
        let runtime = Runtime::start().unwrap();
        let outer = async {
            let (give, take) = tokio::sync::oneshot::channel();
            let mut take = pin!(take);
            std::future::poll_fn(|context| {
                assert!(take.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            // The wakeup of the outer future comes while the inner one waits.
            let inner = runtime.wait(async {
                give.send(7).unwrap();
                tokio::task::spawn(async {}).await.unwrap();
            });
            inner.unwrap();
            take.await.unwrap()
        };
        assert_eq!(runtime.wait(outer).unwrap(), 7);
    }

    #[test]
    fn a_panic_is_the_one_of_the_caller() {
        let runtime = Runtime::start().unwrap();
        let panic = catch_unwind(AssertUnwindSafe(|| runtime.wait(async { panic!("planted") }))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"planted"));
        assert_eq!(runtime.wait(async { 7 }).unwrap(), 7);
    }
}
