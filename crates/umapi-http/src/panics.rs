//! Catches panics of callbacks, so that one callback cannot take others down.

use std::{any::Any, panic::AssertUnwindSafe};

use futures_util::FutureExt as _;

/// Runs the future of a callback. A panic becomes a text that names the callback.
///
/// # Errors
///
/// If the callback panics.
pub async fn catch_panic<T>(name: &str, callback: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(callback).catch_unwind().await.map_err(|panic| describe_panic(name, &*panic))
}

/// Runs a callback. A panic is logged.
pub fn log_panic(name: &str, callback: impl FnOnce()) {
    if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(callback)) {
        tracing::error!(error = describe_panic(name, &*panic), "a callback panicked");
    }
}

/// Describes a panic of a callback.
pub fn describe_panic(name: &str, panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(text) => format!("the {name} panicked: {text}"),
        None => format!("the {name} panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_text() {
        assert_eq!(catch_panic("store", async { 7 }).await, Ok(7));
        let number = 7;
        let error = catch_panic("store", async { panic!("out of order {number}") }).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error, "the store panicked: out of order 7");
        log_panic("observer", || panic!("out of order"));
    }
}
