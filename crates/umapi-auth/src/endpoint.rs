//! The address of the login.

use std::fmt;

use reqwest::Url;

use crate::Error;

/// The address of a login server. HTTPS, or plain HTTP on this machine alone, since secrets are sent to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The address of the service in production.
    pub const PRODUCTION: &'static str = "https://ims-na1.adobelogin.com";

    /// Reads an address: scheme and host, with a port if need be, and a path that those of the login follow.
    ///
    /// # Errors
    ///
    /// For what is no address, has a user, a query or a fragment, or would send secrets over plain HTTP to another machine.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid =
            |why: &str| Error::invalid(format!("the address of the login {why}: give one like {}", Self::PRODUCTION));
        let url =
            Url::parse(text.trim_end_matches('/')).map_err(|error| invalid(&format!("cannot be read ({error})")))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("must hold no user, password, query or fragment"));
        }
        let is_loopback = match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => return Err(invalid("names no host")),
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback => Ok(Self(url)),
            "http" => Err(invalid("is plain HTTP to another machine, which would show the secrets to the network")),
            other => Err(invalid(&format!("has the scheme `{other}`"))),
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The server as claims of a JWT name it: with `https`, whatever this machine speaks to an emulator.
    pub(crate) fn claim(&self, path: &str) -> String {
        let host = self.0.host_str().unwrap_or_default();
        let port = self.0.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("https://{host}{port}{path}")
    }

    /// The address with a path below it.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }
}

impl Default for Endpoint {
    #[expect(clippy::expect_used, reason = "a literal of ours")]
    fn default() -> Self {
        Self::parse(Self::PRODUCTION).expect("the address of the service")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_on_this_machine() {
        for good in ["https://ims.example", "http://127.0.0.1:8080", "http://[::1]:80/", "http://localhost:1"] {
            Endpoint::parse(good).unwrap();
        }
        for bad in
            ["http://ims.example", "http://127.0.0.1.example", "ftp://ims.example", "ims.example", "https://a:b@c"]
        {
            let error = Endpoint::parse(bad).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(Endpoint::PRODUCTION), "{error}");
        }
        assert_eq!(Endpoint::parse("https://ims.example/").unwrap().join("/ims"), "https://ims.example/ims");
    }
}
