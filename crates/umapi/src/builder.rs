//! Settings of a client.

use std::{fmt, sync::Arc, time::Duration};

use umapi_auth::{Credentials, Proxy, Session, TokenSource};
use umapi_raw::UserManagement;
use umapi_time::Clock;

use crate::{
    address::Address,
    call::{Budget, RetryPolicy},
    call::{CredentialSlot, Engine},
    call::{HttpSettings, RawClient},
    client::Client,
    error::Error,
    observer::{Nobody, Observer},
    rate::{InMemoryRateLimits, RateLimitStore, RateLimiter, RateLimits, ThrottlePolicy},
};

/// How the client calls itself to servers.
const USER_AGENT: &str = concat!("umapi-rust/", env!("CARGO_PKG_VERSION"));

/// Settings of a [`Client`], each with a default that suits the service in production.
///
/// ```
/// use std::time::Duration;
/// use umapi::{Client, ThrottlePolicy, auth::OAuthServerToServer};
///
/// # fn main() -> Result<(), umapi::Error> {
/// let client = Client::builder("12345@AdobeOrg")
///     .credentials(OAuthServerToServer::new("client id", "client secret")?)
///     .product("staff-sync/2.1")
///     .throttle_policy(ThrottlePolicy::WaitUpTo(Duration::from_secs(600)))
///     .build()?;
/// assert_eq!(client.organization(), "12345@AdobeOrg");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is set up before `build`"]
pub struct ClientBuilder {
    organization: String,
    given: Vec<Given>,
    base_url: String,
    clock: Clock,
    rate_limits: RateLimits,
    rate_limit_store: Option<Arc<dyn RateLimitStore>>,
    throttle_policy: ThrottlePolicy,
    retry: RetryPolicy,
    attempt_timeout: Duration,
    call_timeout: Option<Duration>,
    http: HttpSettings,
    own_http: Option<reqwest::Client>,
    observer: Arc<dyn Observer>,
    sync_hints: bool,
}

/// What a credential was given as.
enum Given {
    Credentials(Box<Credentials>),
    Tokens { api_key: String, source: Box<dyn TokenSource> },
}

impl ClientBuilder {
    pub(crate) fn new(organization: String) -> Self {
        Self {
            organization,
            given: Vec::new(),
            base_url: UserManagement::PRODUCTION.to_owned(),
            clock: Clock::real(),
            rate_limits: RateLimits::documented(),
            rate_limit_store: None,
            throttle_policy: ThrottlePolicy::default(),
            retry: RetryPolicy::default(),
            attempt_timeout: Duration::from_secs(120),
            call_timeout: None,
            http: HttpSettings {
                connect_timeout: Duration::from_secs(10),
                user_agent: USER_AGENT.to_owned(),
                root_certificates: Vec::new(),
                proxy: None,
                is_direct: false,
            },
            own_http: None,
            observer: Arc::new(Nobody),
            sync_hints: false,
        }
    }

    /// Logs in with these credentials. Given several times, with other credentials of the same organization, the work is
    /// spread over them, each with its own limits. One that is refused is left out for a while.
    pub fn credentials(mut self, credentials: impl Into<Credentials>) -> Self {
        self.given.push(Given::Credentials(Box::new(credentials.into())));
        self
    }

    /// Takes access tokens from a source of one's own, or from a [`Session`] that is shared with something else. The API
    /// key is the client id that the tokens were issued to. It may be given several times, as
    /// [`credentials`](Self::credentials).
    pub fn token_source(mut self, api_key: impl Into<String>, source: impl TokenSource) -> Self {
        self.given.push(Given::Tokens { api_key: api_key.into(), source: Box::new(source) });
        self
    }

    /// The address of the service. The default is the service in production; plain HTTP must stay on this machine.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The clock to go by. The default is the machine's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How many calls a minute each credential may make. The default is what the service documents.
    pub fn rate_limits(mut self, rate_limits: RateLimits) -> Self {
        self.rate_limits = rate_limits;
        self
    }

    /// Where it is remembered which calls were made. The default is this process's memory.
    pub fn rate_limit_store(mut self, store: impl RateLimitStore) -> Self {
        self.rate_limit_store = Some(Arc::new(store));
        self
    }

    /// What a call does when there is no turn for it now. The default is to [wait](ThrottlePolicy::Wait).
    pub fn throttle_policy(mut self, policy: ThrottlePolicy) -> Self {
        self.throttle_policy = policy;
        self
    }

    /// How often and how far apart a call is tried that fails in a way that may pass.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long one attempt may take, from sending to the end of the answer. The default is two minutes.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long one call may take, with all its waits and attempts: a user, a page. There is no limit by default. No wait is
    /// begun that would end later. Batches have [deadlines](crate::Execute::deadline) of their own.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = Some(timeout);
        self
    }

    /// How long connecting may take, of the time of an attempt. The default is ten seconds of real time.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.http.connect_timeout = timeout;
        self
    }

    /// The program that calls, as `name/version`: it comes first in the `User-Agent`.
    pub fn product(mut self, product: impl AsRef<str>) -> Self {
        self.http.user_agent = format!("{} {USER_AGENT}", product.as_ref());
        self
    }

    /// Trusts these certificates (PEM) beside those of the machine: those of an emulator, or of a proxy that looks inside.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http.root_certificates.push(pem.into());
        self
    }

    /// Sends through this proxy. The default is what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.http.proxy = Some(proxy);
        self
    }

    /// Sends directly, whatever the environment says.
    pub fn without_proxy(mut self) -> Self {
        self.http.proxy = None;
        self.http.is_direct = true;
        self
    }

    /// Sends to the service with this HTTP client, a type of [`raw::reqwest`](crate::raw::reqwest). It should follow no
    /// redirects, and for plain HTTP have no proxy, which would see the access tokens. Product, certificates, proxy and connect timeout are its own; the logins go by those of this builder.
    pub fn http_client(mut self, http: reqwest::Client) -> Self {
        self.own_http = Some(http);
        self
    }

    /// Who is told what the client does.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Whether the first and the last request of a batch carry `Pragma: umapi-sync-start` and `umapi-sync-end`, hints
    /// that Adobe's own client can send around a long piece of work. The default is no.
    pub fn sync_hints(mut self, on: bool) -> Self {
        self.sync_hints = on;
        self
    }

    /// The client. Nothing is sent before it is asked for something.
    ///
    /// # Errors
    ///
    /// For an organization, an address, credentials, certificates or a proxy that cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        check_organization(&self.organization)?;
        let address = Address::parse(&self.base_url)?;
        let http = match self.own_http {
            Some(http) => http,
            None => self.http.connect_to(&address)?,
        };
        let slots = self
            .given
            .into_iter()
            .map(|given| given.into_slot(&self.organization, &self.clock, &self.http))
            .collect::<Result<Vec<_>, _>>()?;
        let api_keys: Vec<Arc<str>> = slots.iter().map(|slot| slot.api_key.clone()).collect();
        check_keys(&api_keys)?;
        let store = self.rate_limit_store.unwrap_or_else(|| Arc::new(InMemoryRateLimits::new(self.clock.clone())));
        let rate_limiter =
            RateLimiter::new(self.clock.clone(), store, self.observer.clone(), &self.rate_limits, &api_keys);
        Ok(Client(Arc::new(Engine {
            organization: self.organization,
            raw: RawClient::new(address.as_str(), http),
            clock: self.clock,
            slots,
            rate_limiter,
            throttle_policy: self.throttle_policy,
            retry: self.retry,
            budget: Budget::new(),
            attempt_timeout: self.attempt_timeout,
            call_timeout: self.call_timeout,
            observer: self.observer,
            sync_hints: self.sync_hints,
        })))
    }
}

impl Given {
    fn into_slot(self, organization: &str, clock: &Clock, http: &HttpSettings) -> Result<CredentialSlot, Error> {
        let credentials = match self {
            Self::Tokens { api_key, source } => return Ok(CredentialSlot { api_key: api_key.into(), tokens: source }),
            Self::Credentials(credentials) => credentials,
        };
        if let Some(named) = credentials.organization().filter(|named| !named.eq_ignore_ascii_case(organization)) {
            return Err(Error::invalid(format!(
                "the credentials of client `{}` belong to the organization {named}, the client is for {organization}: give both the same",
                credentials.client_id()
            )));
        }
        let api_key = Arc::from(credentials.client_id());
        let session = Session::builder(*credentials).clock(clock.clone()).user_agent(&http.user_agent);
        let session = session.connect_timeout(http.connect_timeout);
        let session =
            http.root_certificates.iter().fold(session, |session, pem| session.root_certificates(pem.clone()));
        let session = match &http.proxy {
            Some(proxy) => session.proxy(proxy.clone()),
            None if http.is_direct => session.without_proxy(),
            None => session,
        };
        Ok(CredentialSlot { api_key, tokens: Box::new(session.build()?) })
    }
}

fn check_organization(organization: &str) -> Result<(), Error> {
    let number = organization.strip_suffix("@AdobeOrg");
    if number.is_some_and(|number| !number.is_empty() && number.chars().all(|letter| letter.is_ascii_hexdigit())) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the organization `{organization}` has a wrong form: it is a hexadecimal number and `@AdobeOrg`, as in 12345@AdobeOrg"
    )))
}

fn check_keys(api_keys: &[Arc<str>]) -> Result<(), Error> {
    if api_keys.is_empty() {
        return Err(Error::invalid("there are no credentials: give some with `credentials` or `token_source`"));
    }
    for (index, key) in api_keys.iter().enumerate() {
        if key.trim().is_empty() {
            return Err(Error::invalid("an API key is empty: it is the client id of the Adobe Developer Console"));
        }
        if api_keys[..index].contains(key) {
            return Err(Error::invalid(format!(
                "the client id `{key}` was given twice: the service counts its calls together, so the second adds nothing"
            )));
        }
    }
    Ok(())
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("organization", &self.organization)
            .field("credentials", &self.given.len())
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use umapi_auth::{FixedToken, OAuthServerToServer};

    use super::*;

    fn builder() -> ClientBuilder {
        Client::builder("1F@AdobeOrg")
    }

    fn refused(builder: ClientBuilder) -> String {
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        error.to_string()
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let token = || FixedToken::new("planted");
        assert!(refused(builder()).contains("credentials"));
        assert!(refused(Client::builder("1F").token_source("key", token())).contains("12345@AdobeOrg"));
        assert!(refused(builder().token_source(" ", token())).contains("API key"));
        assert!(refused(builder().token_source("key", token()).token_source("key", token())).contains("twice"));
        assert!(refused(builder().token_source("key", token()).base_url("http://um.example")).contains("plain HTTP"));
        assert!(refused(builder().token_source("key", token()).root_certificates("x")).contains("BEGIN CERTIFICATE"));
        let local = builder().token_source("key", token()).base_url("http://127.0.0.1:1");
        assert!(refused(local.proxy(Proxy::new("http://proxy.example:1").unwrap())).contains("plain HTTP"));
    }

    #[test]
    fn nothing_prints_a_secret() {
        let client = builder().credentials(OAuthServerToServer::new("client-id", "planted").unwrap()).build().unwrap();
        let shown = format!("{client:?}{:?}", builder().token_source("key", FixedToken::new("planted")));
        assert!(shown.contains("client-id") && !shown.contains("planted"), "{shown}");
    }

    #[test]
    fn credentials_of_another_organization_are_refused() {
        let account = Credentials::from_variables(|name| match name {
            "UMAPI_ORG_ID" => Some("2E@AdobeOrg".to_owned()),
            "UMAPI_CLIENT_ID" => Some("id".to_owned()),
            "UMAPI_CLIENT_SECRET" => Some("secret".to_owned()),
            _ => None,
        })
        .unwrap();
        let text = refused(builder().credentials(account));
        assert!(text.contains("2E@AdobeOrg") && text.contains("1F@AdobeOrg"), "{text}");
    }
}
