//! TLS of rustls: its provider and its settings, and the machine's own verifier, whose errors get what a certificate says about
//! itself.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    WantsVerifier,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use super::{TlsProblem, UntrustedCertificate, certificate::Reason, issuer};
use crate::InvalidSetting;

/// Creates the TLS settings: the roots of the machine and these PEM certificates are trusted.
///
/// # Errors
///
/// If one of them cannot be used, or the machine has none.
pub(crate) fn config(pem: &[Vec<u8>]) -> Result<ClientConfig, InvalidSetting> {
    config_trusting(roots(pem)?)
}

/// Reads PEM certificates.
///
/// # Errors
///
/// If one of them cannot be used.
pub(super) fn roots(pem: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, InvalidSetting> {
    Ok(pem.iter().map(|pem| parse_roots(pem)).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Creates the TLS settings: the roots of the machine and these are trusted.
///
/// # Errors
///
/// If the roots of the machine cannot be used, or it has none.
pub(super) fn config_trusting(roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, InvalidSetting> {
    #[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
    check_system_roots(std::env::var_os("SSL_CERT_FILE"))?;
    let provider = provider();
    let verifier = Arc::new(ExplainingVerifier(verifier(roots, provider.clone())?));
    let mut config = builder(provider)?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    // The HTTP library is built without HTTP/2.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Creates TLS settings with which no connection succeeds.
pub(super) fn config_that_trusts_nobody() -> Result<ClientConfig, InvalidSetting> {
    Ok(builder(provider())?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn builder(provider: Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, InvalidSetting> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidSetting::new(format!("TLS cannot be set up: {error}")))
}

/// The cryptography: what the process has installed, or else aws-lc, or else ring.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| {
        #[cfg(feature = "rustls-aws-lc")]
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(not(feature = "rustls-aws-lc"))]
        let provider = rustls::crypto::ring::default_provider();
        Arc::new(provider)
    })
}

fn parse_roots(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidSetting> {
    let roots = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    if roots.is_empty() {
        return Err(InvalidSetting::new(
            "a root certificate is not PEM; it must begin with `-----BEGIN CERTIFICATE-----`",
        ));
    }
    let mut store = RootCertStore::empty();
    if roots.iter().any(|root| store.add(root.clone()).is_err()) {
        return Err(InvalidSetting::new("a root certificate is damaged; export it again as PEM"));
    }
    Ok(roots)
}

/// The machine's own verifier. It takes no further roots on Android.
fn verifier(roots: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Verifier, InvalidSetting> {
    #[cfg(not(target_os = "android"))]
    let verifier = Verifier::new_with_extra_roots(roots, provider);
    #[cfg(target_os = "android")]
    let verifier = if roots.is_empty() {
        Verifier::new(provider)
    } else {
        return Err(InvalidSetting::new("Android takes root certificates from its own settings only"));
    };
    verifier.map_err(|_| {
        InvalidSetting::new(
            "this machine has no root certificates to check servers with; install them (the package is usually called \
             ca-certificates), or set SSL_CERT_FILE",
        )
    })
}

/// Checks the file that replaces the roots of the machine. Without this check, an unreadable one would make every server
/// untrusted, and nobody would know why.
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
fn check_system_roots(file: Option<std::ffi::OsString>) -> Result<(), InvalidSetting> {
    let Some(file) = file else { return Ok(()) };
    let has_certificate = CertificateDer::pem_file_iter(&file).is_ok_and(|mut found| found.any(|root| root.is_ok()));
    if has_certificate {
        return Ok(());
    }
    let file = std::path::Path::new(&file).display().to_string();
    Err(InvalidSetting::new(format!(
        "the variable SSL_CERT_FILE does not name a readable file with PEM certificates ({file:?}); correct it, or unset it"
    )))
}

/// The machine's own verifier, which decides. It is asked first; its error gets what the certificate says about itself.
#[derive(Debug)]
struct ExplainingVerifier(Verifier);

impl ServerCertVerifier for ExplainingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now).map_err(|error| {
            match error {
                rustls::Error::InvalidCertificate(problem) => {
                    let explained = UntrustedCertificate::of_chain(problem, end_entity, intermediates);
                    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(explained))))
                }
                other => other,
            }
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

impl UntrustedCertificate {
    fn of_chain(problem: CertificateError, end_entity: &[u8], intermediates: &[CertificateDer<'_>]) -> Self {
        let last = intermediates.last().map(|last| last.as_ref());
        Self { issuer: issuer::of_chain(end_entity, last), ..Self::from(problem) }
    }
}

/// Takes the reason from a verifier that does not show the certificate.
impl From<CertificateError> for UntrustedCertificate {
    fn from(problem: CertificateError) -> Self {
        let reason = match problem {
            CertificateError::UnknownIssuer => Reason::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Reason::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Reason::NotValidYet,
            CertificateError::NotValidForName => Reason::OtherName(None),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Reason::OtherName(Some(presented.iter().map(|name| plain_name(name)).collect()))
            }
            CertificateError::Other(OtherError(inner)) => match inner.downcast_ref::<Self>() {
                Some(explained) => return explained.clone(),
                None => Reason::Other(inner.to_string()),
            },
            other => Reason::Other(other.to_string()),
        };
        Self { reason, issuer: None }
    }
}

/// What an error of rustls says about the connection.
pub(super) fn problem(error: &rustls::Error) -> Option<TlsProblem> {
    match error {
        rustls::Error::InvalidCertificate(problem) => Some(TlsProblem::Certificate(problem.clone().into())),
        rustls::Error::InvalidMessage(_) => Some(TlsProblem::NotTls),
        _ => None,
    }
}

/// A name of a certificate without the library's notation, e.g. `DnsName("um.example")`.
fn plain_name(name: &str) -> String {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inside.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer as Authority, KeyPair};

    use super::*;

    fn params(name: &str, organization: Option<&str>) -> CertificateParams {
        let mut params = CertificateParams::new(["um.example".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(organization) = organization {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params
    }

    /// The text about a chain of a server, an issuing authority and a root.
    fn shown(names: [&str; 2], problem: CertificateError) -> String {
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut root = params(names[1], None);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let mut issuing = params(names[0], Some("Corp"));
        issuing.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = Authority::new(root, root_key);
        let intermediate = issuing.signed_by(&key, &root).unwrap();
        let server_key = KeyPair::generate().unwrap();
        let server = params("um.example", None).signed_by(&server_key, &Authority::new(issuing, key)).unwrap();
        UntrustedCertificate::of_chain(problem, server.der(), &[intermediate.der().clone()]).to_string()
    }

    #[test]
    fn an_untrusted_certificate_names_its_issuers() {
        let text = shown(["Inspect 3", "Corp Root"], CertificateError::UnknownIssuer);
        assert_eq!(text, "was issued by \"Inspect 3\" of Corp under \"Corp Root\", which this machine does not trust");
    }

    #[test]
    fn a_name_in_a_certificate_cannot_deceive() {
        let text = shown(["a\u{1b}[31m\u{202e}\n", &"b".repeat(300)], CertificateError::UnknownIssuer);
        assert!(text.contains("\"a?[31m??\"") && text.len() < 300, "{text}");
    }

    #[test]
    fn a_certificate_that_is_not_one_has_no_issuer() {
        let text = UntrustedCertificate::of_chain(CertificateError::UnknownIssuer, b"planted", &[]).to_string();
        assert_eq!(text, "was issued by an authority that this machine does not trust");
    }

    #[test]
    fn roots_must_be_certificates() {
        let damaged = "-----BEGIN CERTIFICATE-----\ncGxhbnRlZA==\n-----END CERTIFICATE-----\n";
        for (bad, part) in [("planted", "BEGIN CERTIFICATE"), ("", "BEGIN CERTIFICATE"), (damaged, "damaged")] {
            let error = config(&[bad.as_bytes().to_vec()]).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("planted"), "{error}");
        }
    }

    #[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
    #[test]
    fn an_unusable_ssl_cert_file_is_an_error() {
        check_system_roots(None).unwrap();
        for bad in ["", "/nowhere/roots.pem", "/dev/null", "/"] {
            let error = check_system_roots(Some(bad.into())).unwrap_err().to_string();
            assert!(error.contains("SSL_CERT_FILE"), "{bad}: {error}");
        }
    }
}
