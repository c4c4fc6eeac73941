//! The URL of a server that secrets are sent to.

use std::fmt;

use url::{Host, ParseError, Url};

use crate::InvalidSetting;

/// A server as error messages name it.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// What the server is, e.g. `login server`.
    pub name: &'static str,
    /// A valid URL of such a server.
    pub example: &'static str,
}

/// The URL of a server: HTTPS, or plain HTTP on a loopback address.
///
/// ```
/// use umapi_http::{Server, ServerUrl};
///
/// const SERVICE: Server = Server { name: "service", example: "https://usermanagement.adobe.io" };
///
/// assert!(ServerUrl::parse("http://127.0.0.1:8080", SERVICE).is_ok());
/// let error = ServerUrl::parse("http://um.example", SERVICE).unwrap_err();
/// assert!(error.to_string().contains("plain HTTP"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// Parses a URL with a host, and optionally a port and a base path.
    ///
    /// # Errors
    ///
    /// If the text is not a URL, has a user, a password, a query or a fragment, or is plain HTTP to another machine.
    pub fn parse(text: &str, server: Server) -> Result<Self, InvalidSetting> {
        let invalid = |why: &str| {
            let Server { name, example } = server;
            InvalidSetting::new(format!("the URL of the {name} {why}; use a URL like {example}"))
        };
        let url = Url::parse(text.trim_end_matches('/')).map_err(|error| invalid(why_not(error)))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("must not contain a user, a password, a query or a fragment"));
        }
        let is_loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(invalid("has no host")),
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback => Ok(Self(url)),
            "http" => Err(invalid("is plain HTTP to another machine, which would expose secrets to the network")),
            other => Err(invalid(&format!("has the unsupported scheme `{other}`"))),
        }
    }

    /// Whether the server is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL with a path appended.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// The host: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port: that of the URL, or the default of its scheme.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// The host, with the port if the URL names one.
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// Why a text is not a URL, in words of the one who wrote it.
fn why_not(error: ParseError) -> &'static str {
    match error {
        ParseError::RelativeUrlWithoutBase => "does not begin with https://",
        ParseError::EmptyHost => "has no host",
        ParseError::InvalidPort => "has a port that is not a number up to 65535",
        ParseError::InvalidIpv4Address | ParseError::InvalidIpv6Address => "has an IP address that is not valid",
        ParseError::IdnaError | ParseError::InvalidDomainCharacter => "has a host name that is not valid",
        _ => "is not valid",
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Server = Server { name: "service", example: "https://um.example/v2" };

    #[test]
    fn https_and_plain_http_on_loopback_are_accepted() {
        for good in [
            "https://um.example/v2/usermanagement",
            "http://127.0.0.1:8080",
            "http://127.255.255.254",
            "http://[::1]:80/",
            "http://localhost:1",
            // The URL standard reads both as 127.0.0.1.
            "http://2130706433/",
            "http://0x7f.1",
        ] {
            ServerUrl::parse(good, SERVICE).unwrap();
        }
        let url = ServerUrl::parse("https://um.example:8443/v2/", SERVICE).unwrap();
        assert_eq!((url.as_str(), url.authority().as_str()), ("https://um.example:8443/v2", "um.example:8443"));
        assert_eq!(url.join("/users"), "https://um.example:8443/v2/users");
        assert_eq!((url.host(), url.port()), ("um.example", 8443));
        let of = |text| ServerUrl::parse(text, SERVICE).unwrap();
        assert_eq!((of("http://[::1]").host(), of("http://[::1]").port()), ("::1", 80));
        assert_eq!(of("https://um.example").port(), 443);
    }

    #[test]
    fn everything_else_is_rejected_with_an_example() {
        for bad in [
            "http://um.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "http://10.0.0.1",
            "http://[::ffff:8.8.8.8]",
            "ftp://um.example",
            "um.example",
            "",
            "https://a:b@c",
            "https://um.example?x",
            "https://um.example#x",
        ] {
            let error = ServerUrl::parse(bad, SERVICE).unwrap_err().to_string();
            assert!(error.contains("the service") && error.contains(SERVICE.example), "{bad}: {error}");
        }
    }

    #[test]
    fn broken_url_is_described_in_plain_words() {
        for (text, expected) in [
            ("um.example/v2", "does not begin with https://"),
            ("", "does not begin with https://"),
            ("https://", "has no host"),
            ("https://um.example:99999", "has a port"),
            ("https://[::1", "has an IP address"),
            ("https://um example/", "has a host name"),
        ] {
            let wrong = ServerUrl::parse(text, SERVICE).unwrap_err().to_string();
            assert!(wrong.contains(expected) && wrong.contains(SERVICE.example), "{text}: {wrong}");
        }
    }
}
