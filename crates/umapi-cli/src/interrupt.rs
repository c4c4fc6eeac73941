//! Ctrl-C and signals, while something is being changed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::JoinHandle;
use umapi::StopHandle;

use crate::exit::Exit;

/// Listens for Ctrl-C and SIGTERM: the first one stops the work gently, the second one ends the process.
pub(crate) struct Interrupt {
    is_interrupted: Arc<AtomicBool>,
    listener: JoinHandle<()>,
}

impl Interrupt {
    /// From here on the first signal stops the work, and `say` tells the person at the terminal.
    pub(crate) fn stops(stop: StopHandle, say: impl FnOnce() + Send + 'static) -> Self {
        let is_interrupted = Arc::new(AtomicBool::new(false));
        let flag = is_interrupted.clone();
        let listener = tokio::spawn(async move {
            signal().await;
            flag.store(true, Ordering::SeqCst);
            stop.stop();
            say();
            signal().await;
            std::process::exit(Exit::Interrupted as i32);
        });
        Self { is_interrupted, listener }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::SeqCst)
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
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
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
