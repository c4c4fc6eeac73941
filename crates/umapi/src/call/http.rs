//! The HTTP client, where the caller gives none.

use std::time::Duration;

use umapi_auth::Proxy;

use crate::{address::Address, error::Error};

/// Connections are not used again after so much idleness. Gateways close theirs after a minute, and a request that meets the
/// closing has an unknown outcome.
const IDLE: Duration = Duration::from_secs(30);

/// How requests are sent.
#[derive(Clone, Debug)]
pub(crate) struct HttpSettings {
    pub(crate) connect_timeout: Duration,
    pub(crate) user_agent: String,
    pub(crate) root_certificates: Vec<Vec<u8>>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) is_direct: bool,
}

impl HttpSettings {
    /// A client for this server and no other.
    pub(crate) fn connect_to(&self, address: &Address) -> Result<reqwest::Client, Error> {
        let http = reqwest::Client::builder()
            // A redirect would carry the token to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .https_only(address.is_https())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE)
            .user_agent(&self.user_agent);
        let http = self.root_certificates.iter().try_fold(http, |http, pem| {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(Error::invalid(
                    "a root certificate is not PEM: it must begin with `-----BEGIN CERTIFICATE-----`",
                ));
            }
            Ok(http.tls_certs_merge(certificates))
        })?;
        let http = match &self.proxy {
            Some(_) if !address.is_https() => {
                return Err(Error::invalid(
                    "a proxy would carry the access token as plain HTTP: give the service an address with https, or no proxy",
                ));
            }
            Some(proxy) => http.proxy(self.through(proxy)?),
            // Plain HTTP stays on this machine, so a proxy of the environment must not see it either.
            None if self.is_direct || !address.is_https() => http.no_proxy(),
            None => http,
        };
        http.build().map_err(|_| {
            Error::invalid(
                "the HTTP client cannot be set up: check the product name, the root certificates and the proxy",
            )
        })
    }

    fn through(&self, proxy: &Proxy) -> Result<reqwest::Proxy, Error> {
        let through = reqwest::Proxy::all(proxy.address()).map_err(|_| Error::invalid("the proxy cannot be used"))?;
        Ok(match proxy.login() {
            Some((user, password)) => through.basic_auth(user, password.reveal()),
            None => through,
        })
    }
}
