//! The cost of a cached token: time and allocations, which must not grow with the number of callers.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use divan::{AllocProfiler, Bencher};
use umapi_auth::{AccessToken, CachedSource, Clock, TokenFuture, TokenSource};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// A source of tokens that are valid for a day.
struct Daily(Clock);

impl TokenSource for Daily {
    fn token(&self) -> TokenFuture<'_> {
        let expires = self.0.now() + Duration::from_secs(86_400);
        Box::pin(async move { Ok(AccessToken::new("a token of the source", Some(expires))) })
    }

    fn invalidate(&self, _rejected: &AccessToken) {}
}

fn tokens() -> CachedSource {
    let clock = Clock::real();
    let tokens = CachedSource::new(Daily(clock.clone()), clock);
    drop(ready(tokens.token()));
    tokens
}

/// The output of a future that is ready immediately.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the token is cached"),
    }
}

#[divan::bench(threads = [1, 2, 8], sample_count = 80, sample_size = 100_000)]
fn cached_token(bencher: Bencher<'_, '_>) {
    let tokens = tokens();
    bencher.bench(|| black_box(ready(tokens.token())).is_ok());
}

#[divan::bench]
fn cached_token_through_the_trait(bencher: Bencher<'_, '_>) {
    let tokens: Box<dyn TokenSource> = Box::new(tokens());
    bencher.bench(|| black_box(ready(tokens.token())).is_ok());
}
