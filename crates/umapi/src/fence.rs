//! Protects the client from panics of an observer.

use umapi_http::log_panic;

use crate::observer::{Observer, PageRead, Progress, RequestFinished, RequestStarted, Retry, Wait};

/// An observer whose panics are logged and ignored.
pub(crate) struct FencedObserver<O>(pub(crate) O);

impl<O: Observer> Observer for FencedObserver<O> {
    fn request_started(&self, request: &RequestStarted<'_>) {
        log_panic("observer", || self.0.request_started(request));
    }

    fn request_finished(&self, request: &RequestFinished<'_>) {
        log_panic("observer", || self.0.request_finished(request));
    }

    fn wait_begins(&self, wait: &Wait<'_>) {
        log_panic("observer", || self.0.wait_begins(wait));
    }

    fn retry(&self, retry: &Retry<'_>) {
        log_panic("observer", || self.0.retry(retry));
    }

    fn page(&self, page: &PageRead<'_>) {
        log_panic("observer", || self.0.page(page));
    }

    fn progress(&self, progress: &Progress) {
        log_panic("observer", || self.0.progress(progress));
    }
}
