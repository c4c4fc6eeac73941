//! Settings of a client.

use std::{
    env::VarError,
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use umapi_auth::{Credentials, Session, TokenSource};
use umapi_http::{HttpClient, HttpOptions, RetryPolicy, Server, ServerUrl, StandardRetry};
use umapi_raw::UserManagement;
use umapi_time::Clock;

use crate::{
    call::{CredentialSlot, Engine, RetryBudget, SyncHints, UnreadableItems},
    client::{Client, URL, url_from},
    error::Error,
    fence::FencedObserver,
    observer::{Both, Nobody, Observer, OfLogins},
    rate::{InMemoryRateLimits, RateLimitStore, RateLimiter, RateLimits, ThrottlePolicy},
    stub::{Backend, DynStub, Stub},
};

/// The default of [`ClientBuilder::attempt_timeout`].
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(120);

/// The default of [`ClientBuilder::pages_in_flight`].
const PAGES_IN_FLIGHT: usize = 10;

/// The variable with the organization.
const ORGANIZATION: &str = "UMAPI_ORG_ID";

/// What is said if it is not set.
const NO_ORGANIZATION: &str = "UMAPI_ORG_ID is missing; set it to the id of the organization, e.g. 12345@AdobeOrg";

/// The service as error messages name it.
pub(crate) const SERVICE: Server = Server { name: "service", example: UserManagement::PRODUCTION };

/// Settings of a [`Client`], with defaults for production.
///
/// ```
/// use std::time::Duration;
/// use umapi::{Client, HttpOptions, ThrottlePolicy, auth::OAuthServerToServer};
///
/// # fn main() -> Result<(), umapi::Error> {
/// let client = Client::builder("12345@AdobeOrg")
///     .credentials(OAuthServerToServer::new("client id", "client secret")?)
///     .http(HttpOptions::new().product("staff-sync/2.1").build()?)
///     .throttle_policy(ThrottlePolicy::WaitUpTo(Duration::from_secs(600)))
///     .build()?;
/// assert_eq!(client.organization(), "12345@AdobeOrg");
/// # Ok(())
/// # }
/// ```
///
/// A nightly job on a slow network, whose lists are stored elsewhere, and which shall rather fail than leave somebody out:
///
/// ```
/// use std::time::Duration;
/// use umapi::{Client, RateLimits, SyncHints, UnreadableItems, auth::FixedToken};
///
/// # fn main() -> Result<(), umapi::Error> {
/// let client = Client::builder("12345@AdobeOrg")
///     .token_source("client id", FixedToken::new("access token"))
///     .rate_limits(RateLimits::documented().without_first_pages())
///     .attempt_timeout(Duration::from_secs(300))
///     .call_timeout(Duration::from_secs(3600))
///     .pages_in_flight(3)
///     .sync_hints(SyncHints::Jobs)
///     .unreadable_items(UnreadableItems::Fail)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing before `build`"]
pub struct ClientBuilder {
    organization: String,
    credentials: Vec<Credential>,
    base_url: String,
    clock: Clock,
    rate_limits: RateLimits,
    rate_limit_store: Option<Arc<dyn RateLimitStore>>,
    throttle_policy: ThrottlePolicy,
    retry: Arc<dyn RetryPolicy>,
    attempt_timeout: Duration,
    call_timeout: Option<Duration>,
    http: Option<HttpClient>,
    observer: Arc<dyn Observer>,
    sync_hints: SyncHints,
    pages_in_flight: usize,
    unreadable_items: UnreadableItems,
    stub: Option<Arc<dyn DynStub>>,
    #[cfg(feature = "recorder")]
    recorder: Option<umapi_recording::Recorder>,
}

/// A credential as it was given.
enum Credential {
    Login(Box<Credentials>),
    Tokens { api_key: String, source: Box<dyn TokenSource> },
}

impl ClientBuilder {
    pub(crate) fn new(organization: String) -> Self {
        Self {
            organization,
            credentials: Vec::new(),
            base_url: UserManagement::PRODUCTION.to_owned(),
            clock: Clock::real(),
            rate_limits: RateLimits::documented(),
            rate_limit_store: None,
            throttle_policy: ThrottlePolicy::default(),
            retry: Arc::new(StandardRetry::SERVICE),
            attempt_timeout: ATTEMPT_TIMEOUT,
            call_timeout: None,
            http: None,
            observer: Arc::new(Nobody),
            sync_hints: SyncHints::default(),
            pages_in_flight: PAGES_IN_FLIGHT,
            unreadable_items: UnreadableItems::default(),
            stub: None,
            #[cfg(feature = "recorder")]
            recorder: None,
        }
    }

    /// Creates a builder with the organization, the credentials and the URL of environment variables: those of
    /// [`Client::from_env`].
    ///
    /// ```no_run
    /// # #[derive(Debug)]
    /// # struct Audit;
    /// # impl umapi::Observer for Audit {}
    /// # fn run() -> Result<(), umapi::Error> {
    /// let client = umapi::ClientBuilder::from_env()?.observer(Audit).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If variables are missing, all of which the error names, or a value cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        let organization = std::env::var(ORGANIZATION);
        let lacks_organization = match &organization {
            Ok(id) => id.trim().is_empty(),
            Err(error) => *error == VarError::NotPresent,
        };
        let builder = Self::from_credentials(Credentials::from_env(), lacks_organization)?;
        Ok(match url_from(std::env::var(URL))? {
            Some(url) => builder.base_url(url),
            None => builder,
        })
    }

    /// Takes the organization of credentials. `lacks_organization` says whether its variable is not set.
    fn from_credentials(
        credentials: Result<Credentials, umapi_auth::Error>,
        lacks_organization: bool,
    ) -> Result<Self, Error> {
        let credentials = match credentials {
            // It is optional for some credentials, so their error does not name it.
            Err(error) if lacks_organization && !error.to_string().contains(ORGANIZATION) => {
                return Err(Error::invalid(format!("{error}; {NO_ORGANIZATION}")));
            }
            credentials => credentials?,
        };
        match credentials.organization().map(str::to_owned) {
            Some(organization) => Ok(Self::new(organization).credentials(credentials)),
            None => Err(Error::invalid(format!("the environment: {NO_ORGANIZATION}"))),
        }
    }

    /// Logs in with these credentials. Call it several times with different credentials of the same organization to spread
    /// the calls over them, each with its own rate limits. A rejected credential is suspended for a while.
    pub fn credentials(mut self, credentials: impl Into<Credentials>) -> Self {
        self.credentials.push(Credential::Login(Box::new(credentials.into())));
        self
    }

    /// Takes access tokens from a custom source, or from a [`Session`] that is shared with other code. The API key is the
    /// client id that the tokens are issued to. Like [`credentials`](Self::credentials), it can be called several times.
    pub fn token_source(mut self, api_key: impl Into<String>, source: impl TokenSource) -> Self {
        self.credentials.push(Credential::Tokens { api_key: api_key.into(), source: Box::new(source) });
        self
    }

    /// Sets the URL of the service: HTTPS, or plain HTTP on this machine. The default is the service in production.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets the clock. The default is the machine's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the rate limits of each credential. The default is [`RateLimits::documented`].
    pub fn rate_limits(mut self, rate_limits: RateLimits) -> Self {
        self.rate_limits = rate_limits;
        self
    }

    /// Sets the store that remembers which calls were made, e.g. one that several processes share. The default is the memory
    /// of this process.
    pub fn rate_limit_store(mut self, store: impl RateLimitStore) -> Self {
        self.rate_limit_store = Some(Arc::new(store));
        self
    }

    /// Sets what a call does when it would have to wait for a rate limit. The default is to [wait](ThrottlePolicy::Wait).
    pub fn throttle_policy(mut self, policy: ThrottlePolicy) -> Self {
        self.throttle_policy = policy;
        self
    }

    /// Sets how often a failed call is retried, and how long to wait in between. The default is [`StandardRetry::SERVICE`]. See
    /// [`RetryPolicy`].
    pub fn retry(mut self, policy: impl RetryPolicy) -> Self {
        self.retry = Arc::new(policy);
        self
    }

    /// Sets the longest time of one attempt, from sending the request to the end of the response. The default is two minutes.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets the longest time of one call (e.g. reading a user or a page) with all its waits and attempts. By default there is
    /// no limit. A wait that would outlast it is not started. Batches have their own [deadline](crate::RunOptions::deadline).
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = Some(timeout);
        self
    }

    /// Sets the HTTP client for the logins and the service. The default is that of [`HttpOptions::new`].
    pub fn http(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Adds an observer, which is notified of what the client does. Call it several times for several observers, which are
    /// notified in this order.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(Both(self.observer, FencedObserver(observer)));
        self
    }

    /// Sets which requests carry the hints with which Adobe's own client announces a long job. The default is
    /// [`SyncHints::Lists`].
    pub fn sync_hints(mut self, hints: SyncHints) -> Self {
        self.sync_hints = hints;
        self
    }

    /// Sets how many pages of one list may be in flight or waiting to be taken. The default is ten.
    ///
    /// A list starts with one page, and requests further ones at the same time if a page takes long to arrive and is soon
    /// processed, as far as the rate limits leave calls. The memory of a list is that of its pages in flight.
    pub fn pages_in_flight(mut self, most: usize) -> Self {
        self.pages_in_flight = most.max(1);
        self
    }

    /// Sets what a list does with an item that cannot be read. The default is to
    /// [leave it out](UnreadableItems::LeaveOut).
    pub fn unreadable_items(mut self, choice: UnreadableItems) -> Self {
        self.unreadable_items = choice;
        self
    }

    /// Lets a [stub](crate::stub) answer in place of the service, for unit tests. Credentials, the URL, the HTTP client, rate
    /// limits and retries are not used then. See [`Client::from_stub`].
    ///
    /// ```
    /// use umapi::{Client, stub::Stub};
    ///
    /// /// Answers every call with an error.
    /// struct Nothing;
    ///
    /// impl Stub for Nothing {}
    ///
    /// # fn main() -> Result<(), umapi::Error> {
    /// let client = Client::builder("67890@AdobeOrg").stub(Nothing).build()?;
    /// assert_eq!(client.organization(), "67890@AdobeOrg");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stub(mut self, stub: impl Stub) -> Self {
        self.stub = Some(Arc::new(stub));
        self
    }

    /// Writes every request of the client and its logins to a file, with the response, without names and secrets. See
    /// [`Recorder`](crate::Recorder).
    ///
    /// ```
    /// use umapi::{Client, Recorder, auth::FixedToken};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("organization.jsonl");
    /// let recorder = Recorder::create(&path)?;
    /// let client = Client::builder("12345@AdobeOrg")
    ///     .token_source("client id", FixedToken::new("access token"))
    ///     .recorder(recorder.clone())
    ///     .build()?;
    /// // … after the work:
    /// recorder.finish()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "recorder")]
    pub fn recorder(mut self, recorder: umapi_recording::Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Creates the client. Nothing is sent until the first call.
    ///
    /// # Errors
    ///
    /// If the organization, the URL or the credentials are invalid, or if the HTTP client has a proxy and a server uses plain
    /// HTTP.
    pub fn build(mut self) -> Result<Client, Error> {
        umapi_auth::check_organization(&self.organization).map_err(|error| Error::invalid(error.to_string()))?;
        if let Some(stub) = self.stub.clone() {
            return Ok(self.stubbed(stub));
        }
        let url = ServerUrl::parse(&self.base_url, SERVICE)?;
        let http = match self.http.take() {
            Some(http) => http,
            None => HttpOptions::new().build()?,
        };
        http.check_server(&url)?;
        #[cfg(feature = "recorder")]
        let http = match &self.recorder {
            Some(recorder) => crate::recorded(&http, recorder),
            None => http,
        };
        let slots = std::mem::take(&mut self.credentials)
            .into_iter()
            .map(|credential| credential.into_slot(&self.organization, &self.clock, &http, &self.observer))
            .collect::<Result<Vec<_>, _>>()?;
        let api_keys: Vec<Arc<str>> = slots.iter().map(|slot| slot.api_key.clone()).collect();
        check_api_keys(&api_keys)?;
        Ok(self.assemble(Backend::Service { http, url }, slots, &api_keys))
    }

    /// Creates a client of a stub.
    pub(crate) fn stubbed(mut self, stub: Arc<dyn DynStub>) -> Client {
        (self.rate_limits, self.rate_limit_store) = (RateLimits::unlimited(), None);
        self.assemble(Backend::of_stub(stub), Vec::new(), &[Arc::from("stub")])
    }

    fn assemble(self, backend: Backend, slots: Vec<CredentialSlot>, api_keys: &[Arc<str>]) -> Client {
        let store = self.rate_limit_store.unwrap_or_else(|| Arc::new(InMemoryRateLimits::new(self.clock.clone())));
        let rate_limiter =
            RateLimiter::new(self.clock.clone(), store, self.observer.clone(), &self.rate_limits, api_keys);
        Client(Arc::new(Engine {
            organization: self.organization,
            backend,
            clock: self.clock,
            slots,
            rate_limiter,
            throttle_policy: self.throttle_policy,
            retry: self.retry,
            budget: RetryBudget::default(),
            attempt_timeout: self.attempt_timeout,
            call_timeout: self.call_timeout,
            observer: self.observer,
            sync_hints: self.sync_hints,
            is_sync_announced: AtomicBool::new(false),
            pages_in_flight: self.pages_in_flight,
            unreadable_items: self.unreadable_items,
        }))
    }
}

impl Credential {
    fn into_slot(
        self,
        organization: &str,
        clock: &Clock,
        http: &HttpClient,
        observer: &Arc<dyn Observer>,
    ) -> Result<CredentialSlot, Error> {
        let credentials = match self {
            Self::Tokens { api_key, source } => return Ok(CredentialSlot { api_key: api_key.into(), tokens: source }),
            Self::Login(credentials) => credentials,
        };
        if let Some(named) = credentials.organization().filter(|named| !named.eq_ignore_ascii_case(organization)) {
            return Err(Error::invalid(format!(
                "the credentials of client `{}` belong to the organization {named}, but the client is for {organization}; use \
                 credentials of that organization",
                credentials.client_id()
            )));
        }
        let api_key = Arc::from(credentials.client_id());
        let session = Session::builder(*credentials)
            .clock(clock.clone())
            .http(http.clone())
            .observer(OfLogins(observer.clone()))
            // The calls retry the login, so that their limits on waiting apply.
            .retry(StandardRetry::NEVER)
            .build()?;
        Ok(CredentialSlot { api_key, tokens: Box::new(session) })
    }
}

fn check_api_keys(api_keys: &[Arc<str>]) -> Result<(), Error> {
    if api_keys.is_empty() {
        return Err(Error::invalid("the client has no credentials; set them with `credentials` or `token_source`"));
    }
    for (index, key) in api_keys.iter().enumerate() {
        if key.trim().is_empty() {
            return Err(Error::invalid("an API key is empty; use the client id of the Adobe Developer Console"));
        }
        if api_keys[..index].contains(key) {
            return Err(Error::invalid(format!(
                "the client id `{key}` is given twice; remove one, because the service counts the calls of both together"
            )));
        }
    }
    Ok(())
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("organization", &self.organization)
            .field("credentials", &self.credentials.len())
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use umapi_auth::{FixedToken, OAuthServerToServer, Proxy};

    use super::*;

    fn builder() -> ClientBuilder {
        Client::builder("1F@AdobeOrg")
    }

    fn rejected(builder: ClientBuilder) -> String {
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        error.to_string()
    }

    #[test]
    fn an_invalid_setting_is_named() {
        let token = || FixedToken::new("planted");
        assert!(rejected(builder()).contains("credentials"));
        assert!(rejected(Client::builder("1F").token_source("key", token())).contains("12345@AdobeOrg"));
        assert!(rejected(builder().token_source(" ", token())).contains("API key"));
        assert!(rejected(builder().token_source("key", token()).token_source("key", token())).contains("twice"));
        assert!(rejected(builder().token_source("key", token()).base_url("http://um.example")).contains("plain HTTP"));
        let local = builder().token_source("key", token()).base_url("http://127.0.0.1:1");
        let proxy = HttpOptions::new().proxy(Proxy::new("http://proxy.example:1").unwrap()).build().unwrap();
        assert!(rejected(local.http(proxy)).contains("plain HTTP"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let client = builder().credentials(OAuthServerToServer::new("client-id", "planted").unwrap()).build().unwrap();
        let shown = format!("{client:?}{:?}", builder().token_source("key", FixedToken::new("planted")));
        assert!(shown.contains("client-id") && !shown.contains("planted"), "{shown}");
    }

    #[test]
    fn credentials_of_another_organization_are_rejected() {
        let account = Credentials::from_variables(|name| match name {
            "UMAPI_ORG_ID" => Some("2E@AdobeOrg".to_owned()),
            "UMAPI_CLIENT_ID" => Some("id".to_owned()),
            "UMAPI_CLIENT_SECRET" => Some("secret".to_owned()),
            _ => None,
        })
        .unwrap();
        let text = rejected(builder().credentials(account));
        assert!(text.contains("2E@AdobeOrg") && text.contains("1F@AdobeOrg"), "{text}");
    }

    #[test]
    fn all_missing_variables_are_named_at_once() {
        let from = |variables: &[(&str, &str)]| {
            let look_up =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            ClientBuilder::from_credentials(Credentials::from_variables(look_up), look_up(ORGANIZATION).is_none())
        };
        let error = from(&[]).unwrap_err();
        for name in ["UMAPI_ORG_ID", "UMAPI_CLIENT_ID", "UMAPI_CLIENT_SECRET"] {
            assert_eq!(error.to_string().matches(&format!("{name} is missing")).count(), 1, "{error}");
        }
        assert!(error.is_invalid_input());
        let client = [("UMAPI_CLIENT_ID", "id"), ("UMAPI_CLIENT_SECRET", "planted")];
        let error = from(&client).unwrap_err();
        assert!(error.to_string().contains("UMAPI_ORG_ID is missing"), "{error}");
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        let builder = from(&[client[0], client[1], ("UMAPI_ORG_ID", "1F@AdobeOrg")]).unwrap();
        assert_eq!(builder.organization, "1F@AdobeOrg");
    }
}
