//! HTTP options, and the HTTP client that is made of them once and shared.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{ClientBuilder, redirect};
use tokio::runtime::{Handle, Id};

use crate::{Proxy, Secret, ServerUrl, Tap, network_error::Resolver, proxy::ProxyInUse, tls::Tls};

/// How the crates name themselves in `User-Agent`.
const USER_AGENT: &str = concat!("umapi-rust/", env!("CARGO_PKG_VERSION"));

/// Idle connections are closed after this time. Gateways close theirs after a minute, and a request that is sent at that
/// moment has an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The error of a setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting(String);

impl InvalidSetting {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSetting {}

/// Options of an [`HttpClient`], with defaults for production.
///
/// ```
/// use umapi_http::{HttpOptions, Proxy};
///
/// # fn main() -> Result<(), umapi_http::InvalidSetting> {
/// let http = HttpOptions::new().proxy(Proxy::new("http://proxy.example:8080")?).build()?;
/// # Ok(())
/// # }
/// ```
///
/// A network with a proxy that inspects TLS needs its certificate; an emulator needs no proxy:
///
/// ```no_run
/// use umapi_http::{HttpOptions, Proxy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = HttpOptions::new()
///     .proxy(Proxy::new("http://proxy.example:8080")?.with_login("umapi", "password"))
///     .root_certificates(std::fs::read("/etc/ssl/office.pem")?)
///     .max_idle_connections(4)
///     .build()?;
/// let tests = HttpOptions::new().without_proxy().build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `build`"]
pub struct HttpOptions {
    user_agent: String,
    connect_timeout: Duration,
    root_certificates: Vec<Vec<u8>>,
    proxy: ProxyChoice,
    max_idle_connections: usize,
}

/// Which proxy is used for HTTPS.
#[derive(Clone, Debug)]
enum ProxyChoice {
    /// The one that the environment names, if any.
    Environment,
    Given(Proxy),
    Direct,
}

impl HttpOptions {
    /// Creates the default options.
    pub fn new() -> Self {
        Self {
            user_agent: USER_AGENT.to_owned(),
            connect_timeout: Duration::from_secs(10),
            root_certificates: Vec::new(),
            proxy: ProxyChoice::Environment,
            max_idle_connections: usize::MAX,
        }
    }

    /// Sets the program that sends the requests, as `name/version`. It comes first in `User-Agent`.
    pub fn product(mut self, product: impl AsRef<str>) -> Self {
        self.user_agent = format!("{} {USER_AGENT}", product.as_ref());
        self
    }

    /// Sets the longest time to connect, as part of the time of a request. The default is ten seconds of real time.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Trusts these PEM certificates in addition to those of the machine, e.g. those of an emulator or of a proxy that
    /// inspects TLS.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Uses this proxy. The default is the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`).
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = ProxyChoice::Given(proxy);
        self
    }

    /// Uses no proxy, whatever the environment says.
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Direct;
        self
    }

    /// Sets how many idle connections to one server are kept for reuse. The default is all; 0 opens a connection for every
    /// request.
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.max_idle_connections = connections;
        self
    }

    /// Builds the HTTP client. Nothing is sent yet.
    ///
    /// The environment is read here, and only here.
    ///
    /// # Errors
    ///
    /// If the product name, a certificate or the proxy cannot be used, or a variable that names a proxy cannot be read: then
    /// requests would go past the proxy. A machine without root certificates can still send plain HTTP; the error is that of
    /// [`HttpClient::check_server`].
    pub fn build(self) -> Result<HttpClient, InvalidSetting> {
        let proxy = match &self.proxy {
            ProxyChoice::Environment => ProxyInUse::of_environment()?,
            ProxyChoice::Given(proxy) => Some(ProxyInUse::given(proxy.clone())),
            ProxyChoice::Direct => None,
        };
        let made = Made { tls: Tls::new(&self.root_certificates)?, proxy, options: self };
        // What cannot be used is found out here. The first runtime that sends takes this client.
        let unused = match made.tls.check() {
            Ok(()) => Some(made.https()?),
            Err(_) => plain(&made.options).map(|_| None)?,
        };
        let clients = Clients { unused: Mutex::new(unused), ..Clients::new(Source::Made(Box::new(made))) };
        Ok(HttpClient(Arc::new(clients), None))
    }

    /// The TLS settings with these root certificates, for a connection that is not HTTP, e.g. to a database. Connections made
    /// with it name no protocol in ALPN. It needs the feature `rustls-aws-lc` or `rustls-ring`.
    ///
    /// ```no_run
    /// use umapi_http::HttpOptions;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A database behind the same proxy for TLS.
    /// let options = HttpOptions::new().root_certificates(std::fs::read("/etc/ssl/office.pem")?);
    /// let config: rustls::ClientConfig = options.tls_config()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a certificate cannot be used.
    #[cfg(feature = "_rustls")]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "rustls-aws-lc", feature = "rustls-ring"))))]
    pub fn tls_config(&self) -> Result<rustls::ClientConfig, InvalidSetting> {
        let mut config = crate::tls::config(&self.root_certificates)?;
        config.alpn_protocols.clear();
        Ok(config)
    }

    fn common(&self) -> ClientBuilder {
        reqwest::Client::builder()
            // A redirect would send the secrets wherever it points.
            .redirect(redirect::Policy::none())
            .dns_resolver(Resolver)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(self.max_idle_connections)
            .user_agent(&self.user_agent)
    }
}

/// What the clients of an [`HttpClient`] are made of.
struct Made {
    options: HttpOptions,
    tls: Tls,
    proxy: Option<ProxyInUse>,
}

impl Made {
    fn https(&self) -> Result<reqwest::Client, InvalidSetting> {
        let http = self.tls.set_up(self.options.common())?.https_only(true).no_proxy();
        finish(match &self.proxy {
            Some(proxy) => http.proxy(proxy.for_reqwest()?),
            None => http,
        })
    }
}

/// A client for plain HTTP on this machine. A proxy would see the secrets, so there is none.
fn plain(options: &HttpOptions) -> Result<reqwest::Client, InvalidSetting> {
    finish(Tls::unused().set_up(options.common())?.no_proxy())
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::new()
    }
}

fn finish(http: ClientBuilder) -> Result<reqwest::Client, InvalidSetting> {
    http.build().map_err(|_| {
        InvalidSetting::new("the HTTP client cannot be created; check the product name, which is sent as a header")
    })
}

/// An HTTP client for the login and the API. Cheap to clone; clones share their connections.
///
/// It sends HTTPS as its options say, and plain HTTP, which stays on this machine, without a proxy. It follows no redirects.
///
/// Each tokio runtime has connections of its own: a connection is driven by the runtime that opened it, and hangs or breaks
/// when that one idles or is dropped.
///
/// A request of your own takes the same way as those of the login and the API:
///
/// ```no_run
/// use umapi_http::{HttpClient, Server, ServerUrl};
///
/// # async fn run(http: HttpClient) -> Result<(), Box<dyn std::error::Error>> {
/// const VAULT: Server = Server { name: "vault", example: "https://vault.example" };
/// let url = ServerUrl::parse("https://vault.example/v1/umapi", VAULT)?;
/// http.check_server(&url)?; // at the start of the program, long before the first request
/// let response = http.for_server(&url)?.get(url.to_string()).send().await?;
/// println!("{} for {}", response.status(), http.user_agent());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient(Arc<Clients>, Option<Arc<dyn Tap>>);

/// The most runtimes whose connections are kept. Those of the runtime that sent least recently go first.
const MAX_RUNTIMES: usize = 32;

struct Clients {
    source: Source,
    /// One for HTTPS that was made and not used yet.
    unused: Mutex<Option<reqwest::Client>>,
    /// The clients of each runtime; the one that sent last comes last.
    of_runtimes: Mutex<Vec<OfRuntime>>,
}

/// Where clients come from.
enum Source {
    Made(Box<Made>),
    /// The caller's own, used for HTTPS in every runtime.
    Given(reqwest::Client),
}

struct OfRuntime {
    runtime: Option<Id>,
    is_https: bool,
    client: reqwest::Client,
}

impl Clients {
    fn new(source: Source) -> Self {
        Self { source, unused: Mutex::new(None), of_runtimes: Mutex::default() }
    }

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_this_runtime(&self, is_https: bool) -> Result<reqwest::Client, InvalidSetting> {
        let runtime = Handle::try_current().ok().map(|handle| handle.id());
        let mut of_runtimes = Self::lock(&self.of_runtimes);
        let found = of_runtimes.iter().position(|one| one.runtime == runtime && one.is_https == is_https);
        let one = match found {
            Some(index) => of_runtimes.remove(index),
            None => {
                let unused = if is_https { Self::lock(&self.unused).take() } else { None };
                let client = match (unused, &self.source) {
                    (Some(client), _) => client,
                    (None, Source::Given(client)) if is_https => client.clone(),
                    (None, Source::Made(made)) if is_https => made.https()?,
                    (None, Source::Made(made)) => plain(&made.options)?,
                    (None, Source::Given(_)) => plain(&HttpOptions::new())?,
                };
                OfRuntime { runtime, is_https, client }
            }
        };
        let client = one.client.clone();
        of_runtimes.push(one);
        if of_runtimes.len() > MAX_RUNTIMES {
            of_runtimes.remove(0);
        }
        Ok(client)
    }
}

impl HttpClient {
    /// Uses a [`reqwest::Client`] for HTTPS: its own proxy, certificates, timeouts and user agent apply.
    ///
    /// Credentials do not follow a redirect, whatever the client does with redirects. Plain HTTP is not sent with it, because
    /// its proxy would see the secrets. Do not turn on its `connection_verbose`: it logs what is sent. Its connections are
    /// shared by all runtimes, so use it on one runtime only.
    ///
    /// ```
    /// use umapi_http::HttpClient;
    ///
    /// # fn main() -> Result<(), reqwest::Error> {
    /// let own = reqwest::Client::builder().http1_only().build()?;
    /// let http = HttpClient::from_reqwest(own);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_reqwest(client: reqwest::Client) -> Self {
        Self(Arc::new(Clients::new(Source::Given(client))), None)
    }

    /// The same client, with the same connections, whose exchanges a tap is told of. A tap that was set before is replaced.
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
    ///
    /// use umapi_http::{HttpOptions, Tap, TappedExchange};
    ///
    /// /// Counts the bytes that the login and the service send.
    /// #[derive(Clone, Default)]
    /// struct Traffic(Arc<AtomicU64>);
    ///
    /// impl Tap for Traffic {
    ///     fn exchange_ended(&self, exchange: TappedExchange) {
    ///         self.0.fetch_add(exchange.response_body.len() as u64, Ordering::Relaxed);
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), umapi_http::InvalidSetting> {
    /// let traffic = Traffic::default();
    /// let http = HttpOptions::new().build()?.with_tap(traffic.clone());
    /// // … after the work:
    /// println!("{} bytes", traffic.0.load(Ordering::Relaxed));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_tap(&self, tap: impl Tap) -> Self {
        Self(Arc::clone(&self.0), Some(Arc::new(tap)))
    }

    /// The tap.
    pub(crate) fn tap(&self) -> Option<&Arc<dyn Tap>> {
        self.1.as_ref()
    }

    /// The client to send requests to a server with, on the current runtime. Call it for every request.
    ///
    /// # Errors
    ///
    /// If the server uses plain HTTP and a proxy is set; or HTTPS, and no feature for TLS is enabled, or the machine has no root
    /// certificates.
    pub fn for_server(&self, url: &ServerUrl) -> Result<reqwest::Client, InvalidSetting> {
        match &self.0.source {
            Source::Given(client) if url.is_https() => Ok(client.clone()),
            _ => {
                self.check_server(url)?;
                self.0.of_this_runtime(url.is_https())
            }
        }
    }

    /// Checks that requests can be sent to a server.
    ///
    /// # Errors
    ///
    /// As [`for_server`](Self::for_server).
    pub fn check_server(&self, url: &ServerUrl) -> Result<(), InvalidSetting> {
        // The caller's own client may have TLS of its own.
        if let Source::Made(made) = &self.0.source
            && url.is_https()
        {
            made.tls.check()?;
        }
        let has_given_proxy = self.proxy().is_some_and(ProxyInUse::is_given);
        if !url.is_https() && has_given_proxy {
            return Err(InvalidSetting::new(format!(
                "a proxy would see the secrets that are sent to {url} as plain HTTP; use an https URL, or no proxy"
            )));
        }
        Ok(())
    }

    /// The `User-Agent` of its requests. A [client of the caller](Self::from_reqwest) does not tell its own, so this is that of
    /// these crates.
    pub fn user_agent(&self) -> &str {
        match &self.0.source {
            Source::Made(made) => &made.options.user_agent,
            Source::Given(_) => USER_AGENT,
        }
    }

    /// The password of the proxy, if there is one. Errors must not show it.
    ///
    /// ```
    /// use umapi_http::{HttpClient, Secret, redact};
    ///
    /// /// Shows a text of a server, which may repeat what it was sent.
    /// fn show(text: &str, http: &HttpClient) -> String {
    ///     let secrets: Vec<&str> = http.proxy_password().map(Secret::reveal).into_iter().collect();
    ///     redact(text, &secrets)
    /// }
    /// ```
    pub fn proxy_password(&self) -> Option<&Secret> {
        self.proxy().and_then(|used| used.proxy.login()).map(|(_, password)| password)
    }

    /// The proxy that requests to a server go through. `None` if it is not known, as with the caller's own client.
    pub(crate) fn proxy_for(&self, url: &ServerUrl) -> Option<&ProxyInUse> {
        self.proxy().filter(|proxy| url.is_https() && proxy.applies_to(url))
    }

    fn proxy(&self) -> Option<&ProxyInUse> {
        match &self.0.source {
            Source::Made(made) => made.proxy.as_ref(),
            Source::Given(_) => None,
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HttpClient");
        if let Source::Made(made) = &self.0.source {
            shown.field("options", &made.options).field("proxy", &made.proxy);
        }
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    fn url(text: &str) -> ServerUrl {
        ServerUrl::parse(text, Server { name: "server", example: "https://um.example" }).unwrap()
    }

    #[cfg(not(any(feature = "_rustls", feature = "native-tls")))]
    #[test]
    fn without_tls_only_plain_http_is_sent() {
        let http = HttpOptions::new().without_proxy().build().unwrap();
        http.for_server(&url("http://127.0.0.1:1")).unwrap();
        let error = http.for_server(&url("https://um.example")).unwrap_err().to_string();
        assert!(error.contains("`rustls-aws-lc`") && error.contains("`native-tls`"), "{error}");
        let roots = HttpOptions::new().root_certificates("-----BEGIN CERTIFICATE-----").build().unwrap_err();
        assert!(roots.to_string().contains("without TLS"), "{roots}");
        // The caller's own client decides for itself.
        let given = HttpClient::from_reqwest(reqwest::Client::new());
        given.for_server(&url("https://um.example")).unwrap();
    }

    #[cfg(any(feature = "_rustls", feature = "native-tls"))]
    #[test]
    fn plain_http_never_uses_a_proxy() {
        let http = HttpOptions::new().proxy(Proxy::new("http://proxy.example:8080").unwrap()).build().unwrap();
        http.for_server(&url("https://um.example")).unwrap();
        let error = http.for_server(&url("http://127.0.0.1:1")).unwrap_err().to_string();
        assert!(error.contains("plain HTTP"), "{error}");
    }

    #[cfg(any(feature = "_rustls", feature = "native-tls"))]
    #[test]
    fn a_root_certificate_must_be_pem() {
        let error = HttpOptions::new().root_certificates("planted").build().unwrap_err().to_string();
        assert!(error.contains("BEGIN CERTIFICATE") && !error.contains("planted"), "{error}");
    }

    #[test]
    fn an_unusable_product_name_is_an_error() {
        let error = HttpOptions::new().product("line\nbreak").build().unwrap_err().to_string();
        assert!(error.contains("product name"), "{error}");
    }
}
