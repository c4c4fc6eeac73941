//! The URL of the login server.

use std::fmt;

use umapi_http::{Server, ServerUrl};

use crate::Error;

/// The URL of a login server. Secrets are sent to it, so it is HTTPS, or plain HTTP on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(ServerUrl);

impl Endpoint {
    /// The URL of Adobe's login server in production.
    pub const PRODUCTION: &'static str = "https://ims-na1.adobelogin.com";

    /// Parses a URL: scheme and host, optionally with a port and a base path.
    ///
    /// # Errors
    ///
    /// If the text is not a URL, has a user, a query or a fragment, or is plain HTTP to another machine.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self(ServerUrl::parse(text, Server { name: "login server", example: Self::PRODUCTION })?))
    }

    /// The server of a token URL.
    pub(crate) fn of(url: ServerUrl) -> Self {
        Self(url)
    }

    pub(crate) fn url(&self) -> &ServerUrl {
        &self.0
    }

    /// The server as the claims of a JWT name it: with `https`, even if an emulator uses plain HTTP.
    #[cfg(feature = "jwt")]
    pub(crate) fn claim(&self, path: &str) -> String {
        format!("https://{}{path}", self.0.authority())
    }
}

impl Default for Endpoint {
    #[expect(clippy::expect_used, reason = "the URL is a literal")]
    fn default() -> Self {
        Self::parse(Self::PRODUCTION).expect("a valid URL")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
    fn secrets_are_sent_over_tls_or_stay_on_this_machine() {
        for good in ["https://ims.example", "http://127.0.0.1:8080", "http://[::1]:80/", "http://localhost:1"] {
            Endpoint::parse(good).unwrap();
        }
        for bad in
            ["http://ims.example", "http://127.0.0.1.example", "ftp://ims.example", "ims.example", "https://a:b@c"]
        {
            let error = Endpoint::parse(bad).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(Endpoint::PRODUCTION), "{error}");
        }
        assert_eq!(Endpoint::parse("https://ims.example/").unwrap().url().join("/ims"), "https://ims.example/ims");
    }
}
