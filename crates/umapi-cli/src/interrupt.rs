//! Ctrl-C and signals during a change.

use std::io::Write;

use tokio::task::JoinHandle;
use umapi::StopHandle;

use crate::{context::Context, failure::Exit, output::ProgressLine};

/// A listener for Ctrl-C and SIGTERM: the first signal stops the change gracefully, the second one ends the process.
pub(crate) struct Interrupt {
    listener: JoinHandle<()>,
}

impl Interrupt {
    /// Starts listening.
    pub(crate) fn stops(stop: StopHandle, context: &Context, progress: &ProgressLine) -> Self {
        let (progress, terminal, is_quiet) = (progress.clone(), context.terminal, context.global.quiet);
        let announce = move || {
            if !is_quiet {
                let text = "stopping after the request in progress; press Ctrl-C again to end immediately";
                // A note that cannot be written is not a failure.
                progress.around(|| drop(writeln!(terminal.stderr(), "{text}")));
            }
        };
        let listener = tokio::spawn(async move {
            signal().await;
            stop.stop();
            announce();
            signal().await;
            std::process::exit(Exit::Interrupted as i32);
        });
        Self { listener }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
