//! HTTP options, and the HTTP client that is made of them once and shared.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{Certificate, ClientBuilder, redirect};
use tokio::runtime::{Handle, Id};

use crate::{Secret, ServerUrl};

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

/// A proxy: an `http://` or `https://` URL, and optionally a login.
#[derive(Clone)]
pub struct Proxy {
    url: url::Url,
    login: Option<(String, Secret)>,
}

impl Proxy {
    /// Creates a proxy from its URL. Give a user and a password to [`with_login`](Self::with_login).
    ///
    /// # Errors
    ///
    /// If the text is not such a URL.
    pub fn new(url: &str) -> Result<Self, InvalidSetting> {
        // The text is not quoted: it may contain a password.
        let invalid =
            |why: &str| InvalidSetting::new(format!("the proxy {why}; use a URL like http://proxy.example:8080"));
        let url = url::Url::parse(url).map_err(|_| invalid("is not a valid URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(invalid("is not an HTTP URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("has a user or a password in its URL; set them with `with_login`"));
        }
        Ok(Self { url, login: None })
    }

    /// Logs in to the proxy with a user name and a password.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// The URL of the proxy.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The user name and the password, if there are any.
    pub fn login(&self) -> Option<(&str, &Secret)> {
        self.login.as_ref().map(|(user, password)| (user.as_str(), password))
    }

    fn for_reqwest(&self) -> Result<reqwest::Proxy, InvalidSetting> {
        let proxy =
            reqwest::Proxy::all(self.url.as_str()).map_err(|_| InvalidSetting::new("the proxy cannot be used"))?;
        Ok(match &self.login {
            Some((user, password)) => proxy.basic_auth(user, password.reveal()),
            None => proxy,
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.login.as_ref().map(|(user, _)| user);
        f.debug_struct("Proxy").field("url", &self.url.as_str()).field("user", &user).finish_non_exhaustive()
    }
}

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
    /// # Errors
    ///
    /// If the product name, a certificate or the proxy cannot be used.
    pub fn build(self) -> Result<HttpClient, InvalidSetting> {
        // What cannot be used is found out here. The first runtime that sends takes this client.
        let unused = self.https()?;
        Ok(HttpClient(Arc::new(Clients { given: None, unused: Mutex::new(Some(unused)), ..Clients::new(self) })))
    }

    fn https(&self) -> Result<reqwest::Client, InvalidSetting> {
        let http = self.common()?.https_only(true);
        finish(match &self.proxy {
            ProxyChoice::Environment => http,
            ProxyChoice::Given(proxy) => http.proxy(proxy.for_reqwest()?),
            ProxyChoice::Direct => http.no_proxy(),
        })
    }

    /// A client for plain HTTP on this machine. A proxy would see the secrets, so there is none.
    fn plain(&self) -> Result<reqwest::Client, InvalidSetting> {
        finish(self.common()?.no_proxy())
    }

    fn common(&self) -> Result<ClientBuilder, InvalidSetting> {
        let http = reqwest::Client::builder()
            // A redirect would send the secrets wherever it points.
            .redirect(redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(self.max_idle_connections)
            .user_agent(&self.user_agent);
        self.root_certificates.iter().try_fold(http, |http, pem| {
            let certificates = Certificate::from_pem_bundle(pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(InvalidSetting::new(
                    "a root certificate is not PEM; it must begin with `-----BEGIN CERTIFICATE-----`",
                ));
            }
            Ok(http.tls_certs_merge(certificates))
        })
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::new()
    }
}

fn finish(http: ClientBuilder) -> Result<reqwest::Client, InvalidSetting> {
    http.build().map_err(|_| {
        InvalidSetting::new(
            "the HTTP client cannot be created; check the product name, the root certificates and the proxy",
        )
    })
}

/// An HTTP client for the login and the API. Cheap to clone; clones share their connections.
///
/// It sends HTTPS as its options say, and plain HTTP, which stays on this machine, without a proxy. It follows no redirects.
///
/// Each tokio runtime has connections of its own: a connection is driven by the runtime that opened it, and hangs or breaks
/// when that one idles or is dropped.
#[derive(Clone)]
pub struct HttpClient(Arc<Clients>);

/// The most runtimes whose connections are kept. Those of the runtime that sent least recently go first.
const MAX_RUNTIMES: usize = 32;

struct Clients {
    /// The caller's own, used for HTTPS in every runtime.
    given: Option<reqwest::Client>,
    /// One for HTTPS that was made and not used yet.
    unused: Mutex<Option<reqwest::Client>>,
    /// The clients of each runtime; the one that sent last comes last.
    of_runtimes: Mutex<Vec<OfRuntime>>,
    options: HttpOptions,
}

struct OfRuntime {
    runtime: Option<Id>,
    is_https: bool,
    client: reqwest::Client,
}

impl Clients {
    fn new(options: HttpOptions) -> Self {
        Self { given: None, unused: Mutex::new(None), of_runtimes: Mutex::default(), options }
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
                let client = match unused {
                    Some(client) => client,
                    None if is_https => self.options.https()?,
                    None => self.options.plain()?,
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
    pub fn from_reqwest(client: reqwest::Client) -> Self {
        Self(Arc::new(Clients { given: Some(client), ..Clients::new(HttpOptions::new()) }))
    }

    /// The client to send requests to a server with, on the current runtime. Call it for every request.
    ///
    /// # Errors
    ///
    /// If the server uses plain HTTP and a proxy is set.
    pub fn for_server(&self, url: &ServerUrl) -> Result<reqwest::Client, InvalidSetting> {
        let clients = &*self.0;
        if url.is_https() {
            return match &clients.given {
                Some(client) => Ok(client.clone()),
                None => clients.of_this_runtime(true),
            };
        }
        self.check_server(url)?;
        clients.of_this_runtime(false)
    }

    /// Checks that requests can be sent to a server.
    ///
    /// # Errors
    ///
    /// As [`for_server`](Self::for_server).
    pub fn check_server(&self, url: &ServerUrl) -> Result<(), InvalidSetting> {
        if !url.is_https() && matches!(self.0.options.proxy, ProxyChoice::Given(_)) {
            return Err(InvalidSetting::new(format!(
                "a proxy would see the secrets that are sent to {url} as plain HTTP; use an https URL, or no proxy"
            )));
        }
        Ok(())
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("options", &self.0.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    fn url(text: &str) -> ServerUrl {
        ServerUrl::parse(text, Server { name: "server", example: "https://um.example" }).unwrap()
    }

    #[test]
    fn a_proxy_has_an_http_url_and_a_separate_login() {
        let proxy = Proxy::new("http://proxy.example:8080").unwrap().with_login("ann", "planted");
        let shown = format!("{proxy:?} {:?}", HttpOptions::new().proxy(proxy.clone()));
        assert!(shown.contains("proxy.example") && shown.contains("ann") && !shown.contains("planted"), "{shown}");
        for bad in ["proxy", "socks5://proxy.example", "http://ann:planted@proxy.example"] {
            let error = Proxy::new(bad).unwrap_err().to_string();
            assert!(error.contains("proxy.example:8080") && !error.contains("planted"), "{error}");
        }
    }

    #[test]
    fn plain_http_never_uses_a_proxy() {
        let http = HttpOptions::new().proxy(Proxy::new("http://proxy.example:8080").unwrap()).build().unwrap();
        http.for_server(&url("https://um.example")).unwrap();
        let error = http.for_server(&url("http://127.0.0.1:1")).unwrap_err().to_string();
        assert!(error.contains("plain HTTP"), "{error}");
    }

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
