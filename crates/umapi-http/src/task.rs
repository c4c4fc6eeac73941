//! Work in a task of its own, so that its timers run only while it makes progress.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{runtime::Handle, task::JoinHandle};

/// The error of a task that was ended before it was done: its runtime was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskEnded;

/// Runs work in a task of its own on the current runtime, if there is one.
///
/// A caller's future may not be polled for a long time: in a `select!`, in a buffered stream, behind a slow reader. What has
/// a time limit must go on meanwhile. The task ends with the future. A panic of the work is one of the caller.
///
/// # Errors
///
/// If the runtime is dropped.
pub async fn in_own_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, TaskEnded> {
    let Ok(runtime) = Handle::try_current() else { return Ok(work.await) };
    match AbortOnDrop::new(runtime.spawn(work)).await {
        Some(Ok(output)) => Ok(output),
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        None => Err(TaskEnded),
    }
}

/// A task that ends with this future. `None` if its runtime was dropped, `Err` if it panicked.
#[derive(Debug)]
pub struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> AbortOnDrop<T> {
    /// Ends the task when this is dropped.
    pub fn new(task: JoinHandle<T>) -> Self {
        Self(task)
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Option<std::thread::Result<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|joined| match joined {
            Ok(output) => Some(Ok(output)),
            Err(error) => error.try_into_panic().ok().map(Err),
        })
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn work_goes_on_without_its_caller_and_ends_with_it() {
        let (give, take) = std::sync::mpsc::channel();
        runtime().block_on(async {
            let mut work = Box::pin(in_own_task(async move {
                give.send("begun").unwrap();
                std::future::pending::<()>().await;
                drop(give);
            }));
            assert!(futures_util::poll!(work.as_mut()).is_pending());
            tokio::task::yield_now().await;
            assert_eq!(take.try_recv(), Ok("begun"));
            drop(work);
            tokio::task::yield_now().await;
            assert_eq!(take.recv_timeout(Duration::from_secs(5)), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
        });
    }

    #[test]
    fn work_of_a_dropped_runtime_is_ended() {
        let first = runtime();
        let mut work = Box::pin(in_own_task(std::future::pending::<()>()));
        first.block_on(async { assert!(futures_util::poll!(work.as_mut()).is_pending()) });
        drop(first);
        assert_eq!(runtime().block_on(work), Err(TaskEnded));
    }
}
