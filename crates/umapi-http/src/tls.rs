//! TLS: who does it, which certificates are trusted, and what is wrong with a certificate or a connection.
//!
//! The features of this crate decide who does it. If several are enabled, rustls comes before the system's own TLS, and for
//! rustls the provider that the process installed before aws-lc, before ring.

#[cfg_attr(not(feature = "_rustls"), allow(dead_code, reason = "only rustls shows the certificate"))]
mod certificate;
#[cfg(feature = "_rustls")]
mod issuer;
#[cfg(feature = "native-tls")]
mod native;
#[cfg(feature = "_rustls")]
mod with_rustls;

use std::error::Error;

use reqwest::ClientBuilder;

pub(crate) use self::certificate::UntrustedCertificate;
#[cfg(feature = "_rustls")]
pub(crate) use self::with_rustls::config;
use crate::InvalidSetting;

/// What to do about a build without TLS.
const WITHOUT_TLS: &str =
    "this program was built without TLS; enable the feature `rustls-aws-lc`, `rustls-ring` or `native-tls`";

/// The TLS settings of an HTTP client.
#[derive(Clone)]
pub(crate) struct Tls {
    /// The settings; or what is wrong with the roots of the machine, which matters only if HTTPS is sent.
    #[cfg(feature = "_rustls")]
    config: Result<rustls::ClientConfig, InvalidSetting>,
    #[cfg(all(feature = "native-tls", not(feature = "_rustls")))]
    roots: Vec<reqwest::Certificate>,
}

impl Tls {
    /// Creates the settings: the roots of the machine and these PEM certificates are trusted. Whether the machine has some is
    /// told by [`check`](Self::check): a container without them can still talk to an emulator.
    ///
    /// # Errors
    ///
    /// If one of these certificates cannot be used.
    pub(crate) fn new(pem: &[Vec<u8>]) -> Result<Self, InvalidSetting> {
        #[cfg(not(any(feature = "_rustls", feature = "native-tls")))]
        if !pem.is_empty() {
            return Err(InvalidSetting::new(format!("root certificates have no effect: {WITHOUT_TLS}")));
        }
        Ok(Self {
            #[cfg(feature = "_rustls")]
            config: with_rustls::config_trusting(with_rustls::roots(pem)?),
            #[cfg(all(feature = "native-tls", not(feature = "_rustls")))]
            roots: native::roots(pem)?,
        })
    }

    /// Creates the settings of a client that sends plain HTTP alone. The HTTP library wants some, and would otherwise choose a
    /// provider by itself.
    pub(crate) fn unused() -> Self {
        Self {
            #[cfg(feature = "_rustls")]
            config: with_rustls::config_that_trusts_nobody(),
            #[cfg(all(feature = "native-tls", not(feature = "_rustls")))]
            roots: Vec::new(),
        }
    }

    /// Applies the settings.
    ///
    /// # Errors
    ///
    /// If the roots of the machine cannot be used.
    pub(crate) fn set_up(&self, http: ClientBuilder) -> Result<ClientBuilder, InvalidSetting> {
        #[cfg(feature = "_rustls")]
        let http = http.tls_backend_preconfigured(self.config.clone()?);
        #[cfg(all(feature = "native-tls", not(feature = "_rustls")))]
        let http = http.tls_backend_native().tls_certs_merge(self.roots.iter().cloned());
        Ok(http)
    }

    /// Checks that HTTPS can be sent.
    ///
    /// # Errors
    ///
    /// If the roots of the machine cannot be used, or this build has no TLS. The error says which features there are.
    pub(crate) fn check(&self) -> Result<(), InvalidSetting> {
        #[cfg(feature = "_rustls")]
        if let Err(error) = &self.config {
            return Err(error.clone());
        }
        if cfg!(any(feature = "_rustls", feature = "native-tls")) {
            return Ok(());
        }
        Err(InvalidSetting::new(format!("https cannot be sent: {WITHOUT_TLS}")))
    }
}

/// What TLS says about a connection that failed.
#[derive(Debug)]
#[cfg_attr(
    not(any(feature = "_rustls", feature = "native-tls")),
    allow(dead_code, reason = "without TLS there are no such errors")
)]
pub(crate) enum TlsProblem {
    /// A certificate is not trusted.
    Certificate(UntrustedCertificate),
    /// The other side does not speak TLS.
    NotTls,
}

impl TlsProblem {
    /// Finds it in one cause of an error.
    #[cfg_attr(
        not(any(feature = "_rustls", feature = "native-tls")),
        allow(unused_variables, reason = "without TLS there are no such errors")
    )]
    pub(crate) fn of(cause: &(dyn Error + 'static)) -> Option<Self> {
        #[cfg(feature = "_rustls")]
        if let Some(error) = cause.downcast_ref() {
            return with_rustls::problem(error);
        }
        #[cfg(feature = "native-tls")]
        if let Some(error) = cause.downcast_ref::<native_tls::Error>() {
            return native::problem(&error.to_string());
        }
        None
    }
}
