//! Why a request has no response, in the words of a user: the host, the proxy, the certificate.

use std::{error::Error, fmt, io};

use reqwest::dns::{Name, Resolve, Resolving};

use crate::{
    HttpClient, ServerUrl,
    tls::{TlsProblem, UntrustedCertificate},
};

/// Why a request has no response.
///
/// The text is the cause alone: `no connection to um.example: connection refused`. [`remedy`](Self::remedy) says what to do.
#[derive(Clone, Debug)]
pub struct NetworkError {
    problem: Problem,
    /// The host and the port of the server.
    server: String,
    /// The proxy that was used, with the variable that names it.
    proxy: Option<String>,
    /// Whether the proxy has a login.
    has_proxy_login: bool,
    is_connect: bool,
    is_timeout: bool,
}

#[derive(Clone, Debug)]
enum Problem {
    /// A name cannot be resolved.
    UnknownHost { host: String, why: String },
    /// The certificate of the server, or of the proxy, is not trusted.
    Certificate { certificate: UntrustedCertificate, is_of_proxy: bool },
    /// The server, or the proxy, does not respond with TLS.
    NotTls { is_of_proxy: bool },
    /// The proxy wants a login, or another one.
    ProxyLogin,
    /// The proxy does not open a tunnel.
    ProxyRefused,
    /// There is no connection to the proxy.
    ProxyUnreachable { why: String },
    /// There is no connection to the server.
    Unreachable { why: String },
    /// The server did not answer.
    Silent,
    /// A connection broke.
    Broken { why: String },
}

impl NetworkError {
    /// Explains an error of the HTTP library. The client says which proxy was used.
    pub fn new(error: &reqwest::Error, server: &ServerUrl, http: &HttpClient) -> Self {
        let proxy = http.proxy_for(server);
        Self {
            problem: Problem::of(error, proxy.is_some()),
            server: server.authority(),
            has_proxy_login: proxy.is_some_and(|proxy| proxy.proxy.login().is_some()),
            proxy: proxy.map(ToString::to_string),
            is_connect: error.is_connect(),
            is_timeout: error.is_timeout(),
        }
    }

    /// Whether there was no connection, so that nothing was sent.
    pub fn is_connect(&self) -> bool {
        self.is_connect
    }

    /// Whether it took too long.
    pub fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    /// Whether a certificate is not trusted. Another attempt would fail in the same way.
    pub fn is_untrusted_certificate(&self) -> bool {
        matches!(self.problem, Problem::Certificate { .. })
    }

    /// Whether a certificate is not trusted because its issuer is unknown, e.g. that of a proxy that inspects TLS.
    pub fn is_unknown_issuer(&self) -> bool {
        matches!(&self.problem, Problem::Certificate { certificate, .. } if certificate.is_unknown_issuer())
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match (&self.problem, &self.proxy) {
            (Problem::Certificate { certificate, .. }, _) if certificate.is_about_time() => {
                "check the date and the time of this machine"
            }
            (Problem::Certificate { certificate, .. }, _) if certificate.is_unknown_issuer() => {
                "if this network inspects TLS, add the certificate of that authority (PEM) to the root certificates; \
                 otherwise check the address"
            }
            (Problem::Certificate { .. }, _) => "check the address and the proxy",
            (Problem::NotTls { .. }, _) => "check the address, the port and the proxy",
            (Problem::ProxyLogin, _) if self.has_proxy_login => "correct the user and the password of the proxy",
            (Problem::ProxyLogin, _) => "set the user and the password of the proxy",
            (Problem::ProxyRefused | Problem::ProxyUnreachable { .. }, _) => {
                "check the address of the proxy, and ask its administrator whether it allows this server"
            }
            (Problem::UnknownHost { .. } | Problem::Unreachable { .. }, None) => {
                "check the address and the network; if this network needs a proxy, set it"
            }
            (Problem::UnknownHost { .. } | Problem::Unreachable { .. }, Some(_)) => {
                "check the address, the network and the proxy"
            }
            (Problem::Silent, _) => "try again later, or allow more time",
            (Problem::Broken { .. }, _) => "try again; if it fails again, check the network and the proxy",
        }
    }

    /// The server, and the proxy on the way.
    fn server_and_proxy(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("{} through the proxy {proxy}", self.server),
            None => self.server.clone(),
        }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = self.proxy.as_deref().unwrap_or_default();
        let side = |is_of_proxy: bool| if is_of_proxy { format!("the proxy {proxy}") } else { self.server_and_proxy() };
        match &self.problem {
            Problem::UnknownHost { host, why } => write!(f, "the host {host} was not found ({why})"),
            Problem::Certificate { certificate, is_of_proxy } => {
                write!(f, "the certificate of {} {certificate}", side(*is_of_proxy))
            }
            Problem::NotTls { is_of_proxy } => write!(f, "{} does not respond with TLS", side(*is_of_proxy)),
            Problem::ProxyLogin if self.has_proxy_login => write!(f, "the proxy {proxy} rejects its user or password"),
            Problem::ProxyLogin => write!(f, "the proxy {proxy} requires a user and a password"),
            Problem::ProxyRefused => write!(f, "the proxy {proxy} does not connect to {}", self.server),
            Problem::ProxyUnreachable { why } => write!(f, "no connection to the proxy {proxy}: {why}"),
            Problem::Unreachable { why } => write!(f, "no connection to {}: {why}", self.server_and_proxy()),
            Problem::Silent => write!(f, "{} did not answer in time", self.server_and_proxy()),
            Problem::Broken { why } => write!(f, "the connection to {} broke: {why}", self.server_and_proxy()),
        }
    }
}

impl Error for NetworkError {}

impl Problem {
    fn of(error: &reqwest::Error, has_proxy: bool) -> Self {
        let is_of_proxy = has_proxy
            && causes(error).any(|cause| tunnel_error(cause) == Some("failed to create underlying connection"));
        for cause in causes(error) {
            if let Some(UnknownHost { host, error }) = cause.downcast_ref() {
                return Self::UnknownHost { host: host.clone(), why: describe_io(error) };
            }
            match TlsProblem::of(cause) {
                Some(TlsProblem::Certificate(certificate)) => return Self::Certificate { certificate, is_of_proxy },
                Some(TlsProblem::NotTls) => return Self::NotTls { is_of_proxy },
                None => {}
            }
            match tunnel_error(cause).filter(|_| has_proxy) {
                Some("proxy authorization required") => return Self::ProxyLogin,
                Some("unsuccessful" | "proxy response headers too long") => return Self::ProxyRefused,
                Some("unexpected end of file") => {
                    return Self::ProxyUnreachable { why: "it closes the connection".to_owned() };
                }
                _ => {}
            }
        }
        let why = why(error);
        match error.is_connect() {
            true if is_of_proxy => Self::ProxyUnreachable { why },
            true => Self::Unreachable { why },
            false if error.is_timeout() => Self::Silent,
            false => Self::Broken { why },
        }
    }
}

/// The error of a tunnel through a proxy. The HTTP library does not export its type.
fn tunnel_error(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let text = error.to_string();
    let kinds = [
        "proxy authorization required",
        "proxy response headers too long",
        "unexpected end of file",
        "unsuccessful",
        "failed to create underlying connection",
    ];
    let kind = text.strip_prefix("tunnel error: ")?;
    kinds.into_iter().find(|known| *known == kind)
}

/// The innermost cause in a few words.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let Some(last) = causes(error).last() else { return "unknown cause".to_owned() };
    last.downcast_ref::<io::Error>().map_or_else(|| last.to_string(), describe_io)
}

/// Says in a few words why a connection that is not HTTP failed: `connection refused`, `its certificate has expired, …`.
#[must_use]
pub fn describe_connection_error(error: &io::Error) -> String {
    for cause in causes(error) {
        match TlsProblem::of(cause) {
            Some(TlsProblem::Certificate(certificate)) => return format!("its certificate {certificate}"),
            Some(TlsProblem::NotTls) => return "it does not respond with TLS".to_owned(),
            None => {}
        }
    }
    describe_io(error)
}

/// An I/O error without the number of the system.
fn describe_io(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// An error and all its causes. An I/O error passes over the error that it contains, so it is asked for it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'_ (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

/// Whether a request failed because the certificate of the server is not trusted. Another attempt would fail in the same way.
pub fn is_untrusted_certificate(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| matches!(TlsProblem::of(cause), Some(TlsProblem::Certificate(_))))
}

/// Resolves names as the machine does. Its error knows the name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await.map(Iterator::collect::<Vec<_>>);
            match found {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as _),
                Err(error) => Err(Box::new(UnknownHost { host, error }) as _),
            }
        })
    }
}

/// The error of a name that cannot be resolved.
#[derive(Debug)]
struct UnknownHost {
    host: String,
    error: io::Error,
}

impl fmt::Display for UnknownHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host {} was not found", self.host)
    }
}

impl Error for UnknownHost {}
