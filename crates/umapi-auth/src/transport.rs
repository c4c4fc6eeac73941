//! The HTTP client that credentials are sent with.

use std::{fmt, time::Duration};

use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, redirect};

use crate::{Endpoint, Error, Secret};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("umapi-auth/", env!("CARGO_PKG_VERSION"));

/// A proxy to send through: `http://` or `https://`, a host and a port.
#[derive(Clone)]
pub struct Proxy {
    url: reqwest::Url,
    login: Option<(String, Secret)>,
}

impl Proxy {
    /// A proxy at an address. A user and a password belong into [`with_login`](Self::with_login).
    ///
    /// # Errors
    ///
    /// For what is no such address.
    pub fn new(url: &str) -> Result<Self, Error> {
        // The text is not quoted: a password may stand in it.
        let invalid = |why: &str| Error::invalid(format!("the proxy {why}: give one like http://proxy.example:8080"));
        let url = reqwest::Url::parse(url).map_err(|_| invalid("is no address"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(invalid("is no HTTP address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("has a user or a password in its address, which belong into `with_login`"));
        }
        Ok(Self { url, login: None })
    }

    /// Logs in to the proxy with a name and a password.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// Its address, for a transport of one's own.
    pub fn address(&self) -> &str {
        self.url.as_str()
    }

    /// Name and password, if it wants them.
    pub fn login(&self) -> Option<(&str, &Secret)> {
        self.login.as_ref().map(|(user, password)| (user.as_str(), password))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.login.as_ref().map(|(user, _)| user);
        f.debug_struct("Proxy").field("url", &self.url.as_str()).field("user", &user).finish_non_exhaustive()
    }
}

/// How requests are sent.
pub(crate) struct Transport {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) user_agent: Option<String>,
    pub(crate) root_certificates: Vec<Vec<u8>>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) is_direct: bool,
    pub(crate) client: Option<Client>,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: None,
            user_agent: None,
            root_certificates: Vec::new(),
            proxy: None,
            is_direct: false,
            client: None,
        }
    }
}

/// A client for one login server.
pub(crate) struct Connection {
    client: Client,
    timeout: Duration,
}

impl Connection {
    pub(crate) fn post(&self, url: &str) -> RequestBuilder {
        self.client.post(url).timeout(self.timeout)
    }
}

impl Transport {
    /// A client for this login server and no other.
    pub(crate) fn connect_to(mut self, endpoint: &Endpoint) -> Result<Connection, Error> {
        let timeout = self.timeout;
        let client = match self.given_client()? {
            // One that is given may have a proxy, which plain HTTP must not go through.
            Some(client) if endpoint.is_https() => client,
            _ => self.new_client(endpoint)?,
        };
        Ok(Connection { client, timeout })
    }

    /// The client that was given, if the other settings leave it as it is.
    fn given_client(&mut self) -> Result<Option<Client>, Error> {
        let Some(client) = self.client.take() else { return Ok(None) };
        for (setting, is_set) in [
            ("connect timeout", self.connect_timeout.is_some()),
            ("user agent", self.user_agent.is_some()),
            ("root certificate", !self.root_certificates.is_empty()),
            ("proxy", self.proxy.is_some() || self.is_direct),
        ] {
            if is_set {
                return Err(Error::invalid(format!(
                    "both a {setting} and an HTTP client were given: set the {setting} on that client"
                )));
            }
        }
        Ok(Some(client))
    }

    fn new_client(self, endpoint: &Endpoint) -> Result<Client, Error> {
        let http = Client::builder()
            // A redirect would carry the credentials to wherever it points.
            .redirect(redirect::Policy::none())
            .https_only(endpoint.is_https())
            .connect_timeout(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
            .user_agent(self.user_agent.as_deref().unwrap_or(USER_AGENT));
        let http = self.root_certificates.iter().try_fold(http, |http, pem| trusting(http, pem))?;
        let http = match self.proxy {
            Some(_) if !endpoint.is_https() => {
                return Err(Error::invalid(
                    "a proxy would carry the secrets as plain HTTP: give the login an address with https, or no proxy",
                ));
            }
            Some(Proxy { url, login }) => {
                let proxy = reqwest::Proxy::all(url).map_err(|_| Error::invalid("the proxy cannot be used"))?;
                http.proxy(match login {
                    Some((user, password)) => proxy.basic_auth(&user, password.reveal()),
                    None => proxy,
                })
            }
            // Plain HTTP stays on this machine, so a proxy of the environment must not see it either.
            None if self.is_direct || !endpoint.is_https() => http.no_proxy(),
            None => http,
        };
        http.build().map_err(|_| {
            Error::invalid(
                "the HTTP client cannot be set up: check the user agent, the root certificates and the proxy",
            )
        })
    }
}

fn trusting(http: ClientBuilder, pem: &[u8]) -> Result<ClientBuilder, Error> {
    let certificates = Certificate::from_pem_bundle(pem).unwrap_or_default();
    if certificates.is_empty() {
        return Err(Error::invalid("a root certificate is not PEM: it must begin with `-----BEGIN CERTIFICATE-----`"));
    }
    Ok(http.tls_certs_merge(certificates))
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("timeout", &self.timeout).field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(transport: Transport, endpoint: &Endpoint) -> String {
        transport.connect_to(endpoint).err().unwrap().to_string()
    }

    #[test]
    fn settings_beside_a_client_that_is_given_are_refused_by_name() {
        let with = |change: fn(&mut Transport)| {
            let mut transport = Transport { client: Some(Client::new()), ..Transport::default() };
            change(&mut transport);
            transport
        };
        assert!(with(|_| {}).connect_to(&Endpoint::default()).is_ok());
        assert!(with(|transport| transport.timeout = Duration::ZERO).connect_to(&Endpoint::default()).is_ok());
        for (transport, named) in [
            (with(|transport| transport.connect_timeout = Some(Duration::ZERO)), "connect timeout"),
            (with(|transport| transport.user_agent = Some("me".to_owned())), "user agent"),
            (with(|transport| transport.root_certificates.push(Vec::new())), "root certificate"),
            (with(|transport| transport.is_direct = true), "proxy"),
        ] {
            let error = refused(transport, &Endpoint::default());
            assert!(error.contains(&format!("set the {named} on that client")), "{error}");
        }
    }

    #[test]
    fn a_proxy_is_http_and_its_password_is_apart() {
        let proxy = Proxy::new("http://proxy.example:8080").unwrap().with_login("ann", "planted");
        let shown = format!("{proxy:?}");
        assert!(shown.contains("proxy.example") && shown.contains("ann") && !shown.contains("planted"), "{shown}");
        for bad in ["proxy", "socks5://proxy.example", "http://ann:planted@proxy.example"] {
            let error = Proxy::new(bad).unwrap_err().to_string();
            assert!(error.contains("proxy.example:8080") && !error.contains("planted"), "{error}");
        }
    }

    #[test]
    fn plain_http_does_not_go_through_a_proxy() {
        let proxy = Some(Proxy::new("http://proxy.example:8080").unwrap());
        let here = Endpoint::parse("http://127.0.0.1:1").unwrap();
        let error = refused(Transport { proxy, ..Transport::default() }, &here);
        assert!(error.contains("plain HTTP"), "{error}");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let transport = Transport { root_certificates: vec![b"planted".to_vec()], ..Transport::default() };
        let error = refused(transport, &Endpoint::default());
        assert!(error.contains("BEGIN CERTIFICATE") && !error.contains("planted"), "{error}");
    }
}
