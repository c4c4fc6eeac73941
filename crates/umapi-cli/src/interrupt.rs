//! Ctrl-C and signals, while something is being changed.

use std::io::Write;

use tokio::task::JoinHandle;
use umapi::StopHandle;

use crate::{context::Context, exit::Exit, progress::Bar};

/// Listens for Ctrl-C and SIGTERM: the first one stops the work gently, the second one ends the process.
pub(crate) struct Interrupt {
    listener: JoinHandle<()>,
}

impl Interrupt {
    /// From here on the first signal stops the work.
    pub(crate) fn stops(stop: StopHandle, context: &Context, bar: &Bar) -> Self {
        let (bar, terminal, is_quiet) = (bar.clone(), context.terminal, context.global.quiet);
        let say = move || {
            if !is_quiet {
                let said = "stopping: the request under way is finished; Ctrl-C again ends at once";
                // What cannot be shown is no reason to fail.
                bar.around(|| drop(writeln!(terminal.stderr(), "{said}")));
            }
        };
        let listener = tokio::spawn(async move {
            signal().await;
            stop.stop();
            say();
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
