//! The options of one call, list or run.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use umapi_http::RetryPolicy;
use umapi_model::Operation;
use umapi_time::{Clock, Instant};

use super::{ApiCall, Effect};
use crate::{
    error::{Error, Kind},
    rate::ThrottlePolicy,
};

/// The longest request id. Requests after the first one get a suffix of up to eleven characters.
const MAX_REQUEST_ID: usize = 128;

/// The longest product.
const MAX_PRODUCT: usize = 128;

/// Options of one call, one list, or the requests of one run. What is not set is as the [builder](crate::ClientBuilder) of
/// the client says.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use umapi::{CallOptions, Command, RunOptions, StandardRetry, ThrottlePolicy};
///
/// // A web server that answers within two seconds, or not at all.
/// let options = CallOptions::new()
///     .deadline(Duration::from_secs(2))
///     .throttle_policy(ThrottlePolicy::FailAtOnce)
///     .retry(StandardRetry::NEVER)
///     .request_id("signup-7f3c1d0a")
///     .product("signup/2.1");
/// let user = client.users().get("jdoe@example.com").with_options(options.clone()).await?;
///
/// // The same for a list, for a run, and for any other call.
/// let members = client.users().in_group("Design").list().with_options(options.clone());
/// let members = members.try_collect().await?;
/// let leave = Command::user("jdoe@example.com").remove_from_org();
/// client.execute([leave]).with_options(RunOptions::new().calls(options.clone())).await?;
/// let groups = client.request("GET", "/groups/{orgId}/0").send().with_options(options).await?;
/// # Ok(())
/// # }
/// ```
///
/// Options cannot make a call break a rule of the service: rate limits are counted, and what must not be applied twice is not
/// repeated.
#[derive(Clone, Default)]
#[must_use = "options do nothing before they are given to a call"]
pub struct CallOptions {
    deadline: Option<Duration>,
    retry: Option<Arc<dyn RetryPolicy>>,
    throttle_policy: Option<ThrottlePolicy>,
    request_id: Option<Arc<str>>,
    product: Option<Arc<str>>,
    /// Why no call may be made.
    #[cfg(feature = "blocking")]
    refusal: Option<Error>,
}

impl CallOptions {
    /// Creates options that change nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the longest time of a call, with all its waits and attempts, counted from when it is first polled. A wait that
    /// would outlast it is not started. It replaces the [timeout of the client](crate::ClientBuilder::call_timeout).
    ///
    /// * A list has this time for each of its pages, but a call that reads a list to return one thing, such as
    ///   [`Groups::get`](crate::Groups::get), has it for all of them.
    /// * A run has it for each of its requests. A request that runs out of it counts as failed, and the run goes on; the
    ///   [deadline of the run](crate::RunOptions::deadline) ends the run. Whichever comes first ends the request.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Sets which failures are retried, and when. See [`RetryPolicy`].
    pub fn retry(mut self, policy: impl RetryPolicy) -> Self {
        self.retry = Some(Arc::new(policy));
        self
    }

    /// Sets what the call does when it would have to wait for a rate limit.
    pub fn throttle_policy(mut self, policy: ThrottlePolicy) -> Self {
        self.throttle_policy = Some(policy);
        self
    }

    /// Sets the `X-Request-Id`, e.g. the id of a trace, instead of a random one. Support cases with Adobe and the errors of this
    /// crate name it.
    ///
    /// The first request has it as it is. Each further one of the same call, list or run has a suffix, because an id identifies
    /// one request: `signup-7f3c1d0a-2`, `signup-7f3c1d0a-3` and so on. Further ones are further attempts, the pages of a list,
    /// and the requests of a run.
    ///
    /// It has 1 to 128 visible ASCII characters. A call with another one fails before anything is sent.
    pub fn request_id(mut self, id: impl AsRef<str>) -> Self {
        self.request_id = Some(id.as_ref().into());
        self
    }

    /// Sets the program that makes the call, as `name/version`. In `User-Agent` it comes before the
    /// [product of the client](crate::HttpOptions::product). A login, which many calls share, does not have it.
    ///
    /// The name and the version consist of ASCII letters, digits and ``!#$%&'*+-.^_`|~``. A call with another product fails
    /// before anything is sent.
    pub fn product(mut self, product: impl AsRef<str>) -> Self {
        self.product = Some(product.as_ref().into());
        self
    }

    /// Lets every call fail with this error, before anything is sent.
    #[cfg(feature = "blocking")]
    pub(crate) fn refused(mut self, error: Error) -> Self {
        self.refusal = Some(error);
        self
    }

    /// Checks what can be wrong.
    pub(crate) fn check(&self) -> Result<(), Error> {
        #[cfg(feature = "blocking")]
        if let Some(error) = &self.refusal {
            return Err(error.clone());
        }
        if let Some(id) = &self.request_id
            && (id.is_empty() || id.len() > MAX_REQUEST_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(Error::invalid(format!(
                "the request id {} cannot be sent; use 1 to {MAX_REQUEST_ID} visible ASCII characters without spaces",
                shown(id)
            )));
        }
        if let Some(product) = &self.product
            && !is_product(product)
        {
            return Err(Error::invalid(format!(
                "the product {} cannot be sent; use a name and a version such as `signup/2.1`, without spaces",
                shown(product)
            )));
        }
        Ok(())
    }

    pub(crate) fn own_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    pub(super) fn own_retry(&self) -> Option<&dyn RetryPolicy> {
        self.retry.as_deref()
    }

    pub(super) fn own_throttle_policy(&self) -> Option<ThrottlePolicy> {
        self.throttle_policy
    }

    pub(super) fn own_product(&self) -> Option<&Arc<str>> {
        self.product.as_ref()
    }
}

/// A text for an error, shortened.
fn shown(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{:?} of {} characters", format!("{}…", &text[..end]), text.chars().count()),
        None => format!("{text:?}"),
    }
}

/// Whether a text is a product of a `User-Agent`: a token, and perhaps a version, which is a token too.
fn is_product(text: &str) -> bool {
    let is_token = |text: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(is_allowed)
    };
    text.len() <= MAX_PRODUCT
        && match text.split_once('/') {
            Some((name, version)) => is_token(name) && is_token(version),
            None => is_token(text),
        }
}

impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("deadline", &self.deadline)
            .field("retry", &self.retry.as_ref().map(|_| "…"))
            .field("throttle_policy", &self.throttle_policy)
            .field("request_id", &self.request_id)
            .field("product", &self.product)
            .finish()
    }
}

/// What the requests of one call, list or run have in common. Clones share the numbers of the requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) options: CallOptions,
    /// The deadline of all requests together.
    until: Option<Instant>,
    /// The number of requests with an id so far.
    requests: Arc<AtomicU32>,
}

impl Scope {
    /// The scope of a list or a run, whose requests have a deadline each.
    pub(crate) fn of_each(options: CallOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Lets the deadline of the options, if there is one, count from now, for all requests together.
    pub(super) fn begin(mut self, clock: &Clock) -> Self {
        self.until = self.options.deadline.map(|time| clock.now() + time);
        self
    }

    /// A call that changes nothing.
    pub(crate) fn read(&self, operation: Operation) -> ApiCall<'_> {
        self.change(operation, Effect::Read)
    }

    /// A call that changes something.
    pub(crate) fn change(&self, operation: Operation, effect: Effect) -> ApiCall<'_> {
        ApiCall::new(operation, effect, self)
    }

    /// The deadline of a request that begins now; `None` if the options do not set it.
    pub(crate) fn deadline(&self, clock: &Clock) -> Option<Instant> {
        self.until.or_else(|| self.options.deadline.map(|time| clock.now() + time))
    }

    /// The id of the next request; `None` if the options do not set it.
    pub(super) fn next_request_id(&self) -> Option<String> {
        let id = self.options.request_id.as_ref()?;
        Some(match self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1) {
            1 => id.to_string(),
            number => format!("{id}-{number}"),
        })
    }

    /// Ends something that consists of several calls at the deadline, whatever it waits for.
    pub(crate) async fn within<T>(
        &self,
        clock: &Clock,
        all: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match self.until {
            // The calls have the same deadline and say more, so they come first.
            Some(until) => clock
                .timeout(until - clock.now(), all)
                .await
                .unwrap_or_else(|_| Err(Error::new(Kind::Deadline { has_passed: true }))),
            None => all.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_that_no_header_can_hold_is_refused() {
        let check = |id: &str| CallOptions::new().request_id(id).check();
        for id in ["a", "7f3c1d0a-users-0", "trace=1;span=2", &"x".repeat(MAX_REQUEST_ID)] {
            check(id).unwrap();
        }
        for id in ["", " ", "a b", "line\nbreak", "a\r\nAuthorization: x", "ü", "\0", "\u{7f}", &"x".repeat(129)] {
            let error = check(id).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains("request id"), "{error}");
            assert!(error.to_string().len() < 200 && !error.to_string().contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_product_is_a_token_with_a_version() {
        let check = |product: &str| CallOptions::new().product(product).check();
        for product in ["signup", "signup/2.1", "my_app/1.0-beta+7"] {
            check(product).unwrap();
        }
        for product in ["", "/", "a/", "/1", "a/b/c", "a b", "a (b)", "a\r\nX-Api-Key: b", "ä", &"x".repeat(129)] {
            let error = check(product).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains("product"), "{error}");
        }
    }

    #[test]
    fn each_request_of_a_scope_has_an_id_of_its_own() {
        let scope = Scope::of_each(CallOptions::new().request_id("r"));
        let other = scope.clone();
        let ids = [scope.next_request_id(), other.next_request_id(), scope.next_request_id()];
        assert_eq!(ids.map(Option::unwrap_or_default), ["r", "r-2", "r-3"]);
        assert_eq!(Scope::default().next_request_id(), None);
    }

    #[test]
    fn a_begun_scope_has_one_deadline_for_all_its_requests() {
        let clock = umapi_time::ManualClock::new();
        let each = Scope::of_each(CallOptions::new().deadline(Duration::from_secs(5)));
        let whole = each.clone().begin(&clock.clock());
        clock.advance(Duration::from_secs(3));
        let left = |scope: &Scope| scope.deadline(&clock.clock()).map(|until| until - clock.clock().now());
        assert_eq!((left(&each), left(&whole)), (Some(Duration::from_secs(5)), Some(Duration::from_secs(2))));
        assert_eq!(left(&Scope::default()), None);
    }
}
