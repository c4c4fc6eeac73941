//! The address of the service.

use std::fmt;

use reqwest::Url;

use crate::error::Error;

/// The address of the service: HTTPS, or plain HTTP on this machine alone, since access tokens are sent to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| {
            let example = umapi_raw::UserManagement::PRODUCTION;
            Error::invalid(format!("the address of the service {why}: give one like {example}"))
        };
        let url =
            Url::parse(text.trim_end_matches('/')).map_err(|error| invalid(&format!("cannot be read ({error})")))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("must hold no user, password, query or fragment"));
        }
        let Some(host) = url.host_str() else { return Err(invalid("names no host")) };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback => Ok(Self(url)),
            "http" => {
                Err(invalid("is plain HTTP to another machine, which would show the access token to the network"))
            }
            other => Err(invalid(&format!("has the scheme `{other}`"))),
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_stay_on_this_machine() {
        for good in
            ["https://um.example/v2/usermanagement", "http://127.0.0.1:8080", "http://[::1]:80/", "http://localhost:1"]
        {
            Address::parse(good).unwrap();
        }
        for bad in ["http://um.example", "http://127.0.0.1.example", "ftp://um.example", "um.example", "https://a:b@c"]
        {
            let error = Address::parse(bad).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains("usermanagement.adobe.io"), "{error}");
        }
        assert_eq!(Address::parse("https://um.example/v2/").unwrap().as_str(), "https://um.example/v2");
    }
}
