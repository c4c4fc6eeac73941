//! A call that is not sent yet.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::options::{CallOptions, Scope};
use crate::{client::Client, error::Error};

type Running<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

type Start<T> = Box<dyn FnOnce(Client, Scope) -> Running<T> + Send>;

/// A call, sent by awaiting it. [Options](CallOptions) may be set before.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// use std::time::Duration;
///
/// use umapi::CallOptions;
///
/// let user = client.users().get("jdoe@example.com").await?;
///
/// let soon = CallOptions::new().deadline(Duration::from_secs(2));
/// let user = client.users().get("jdoe@example.com").with_options(soon).await?;
/// # Ok(())
/// # }
/// ```
///
/// It is a future that borrows nothing: it can be spawned, joined and raced like any other. A call that is dropped before it is
/// done gives its permit back, unless its request was sent.
#[must_use = "nothing is sent before it is awaited"]
pub struct Call<T>(State<T>);

enum State<T> {
    Ready {
        client: Client,
        scope: Scope,
        start: Start<T>,
    },
    Running(Running<T>),
    /// Only while `Ready` becomes `Running`, and after a panic in between.
    Changing,
}

impl<T> Call<T> {
    pub(crate) fn new<F, Fut>(client: &Client, start: F) -> Self
    where
        F: FnOnce(Client, Scope) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let start: Start<T> = Box::new(|client, scope| Box::pin(start(client, scope)));
        Self(State::Ready { client: client.clone(), scope: Scope::default(), start })
    }

    /// Sets the options. They have no effect after the call was first polled.
    pub fn with_options(self, options: CallOptions) -> Self {
        self.in_scope(&Scope::of_each(options))
    }

    /// Makes it a part of a list or a run, with its options.
    pub(crate) fn in_scope(mut self, new: &Scope) -> Self {
        if let State::Ready { scope, .. } = &mut self.0 {
            scope.clone_from(new);
        }
        self
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Ready { .. } = self.0
            && let State::Ready { client, scope, start } = std::mem::replace(&mut self.0, State::Changing)
        {
            scope.options.check()?;
            let scope = scope.begin(&client.0.clock);
            self.0 = State::Running(start(client, scope));
        }
        match &mut self.0 {
            State::Running(running) => running.as_mut().poll(context),
            State::Ready { .. } | State::Changing => Poll::Ready(Err(Error::invalid("the call has ended already"))),
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Call");
        if let State::Ready { scope, .. } = &self.0 {
            shown.field("options", &scope.options);
        }
        shown.finish_non_exhaustive()
    }
}
