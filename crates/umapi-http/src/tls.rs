//! TLS: which certificates are trusted, and what an untrusted one says about itself.

use std::{error::Error, fmt, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use x509_parser::x509::X509Name;

use crate::InvalidSetting;

/// The longest name that is quoted from a certificate, in characters.
const MAX_NAME: usize = 100;

/// Creates the TLS settings: the roots of the machine and these PEM certificates are trusted.
///
/// # Errors
///
/// If one of them cannot be used, or the machine has none.
pub(crate) fn config(pem: &[Vec<u8>]) -> Result<ClientConfig, InvalidSetting> {
    let roots = pem.iter().map(|pem| parse_roots(pem)).collect::<Result<Vec<_>, _>>()?.concat();
    #[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
    check_system_roots(std::env::var_os("SSL_CERT_FILE"))?;
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let verifier = Arc::new(ExplainingVerifier(verifier(roots, provider.clone())?));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidSetting::new(format!("TLS cannot be set up: {error}")))?;
    let mut config = config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    // The HTTP library is built without HTTP/2.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
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

/// A certificate that was not accepted, and why. Nothing in it is proven: an attacker writes what he likes into a certificate.
#[derive(Clone, Debug)]
pub(crate) struct UntrustedCertificate {
    problem: CertificateError,
    issuer: Option<Issuer>,
}

/// Who issued a certificate, by its own account.
#[derive(Clone, Debug)]
enum Issuer {
    Itself(String),
    Other {
        name: String,
        /// The issuer of the last certificate that the server sent, if it is another one.
        top: Option<String>,
    },
}

impl UntrustedCertificate {
    /// Takes the reason from a verifier that does not show the certificate.
    pub(crate) fn new(problem: CertificateError) -> Self {
        match problem {
            CertificateError::Other(OtherError(inner)) if inner.is::<Self>() => inner
                .downcast_ref::<Self>()
                .cloned()
                .unwrap_or(Self { problem: CertificateError::BadEncoding, issuer: None }),
            problem => Self { problem, issuer: None },
        }
    }

    fn of_chain(problem: CertificateError, end_entity: &[u8], intermediates: &[CertificateDer<'_>]) -> Self {
        let issuer = x509_parser::parse_x509_certificate(end_entity).ok().map(|(_, certificate)| {
            let name = describe(certificate.issuer());
            if certificate.issuer() == certificate.subject() {
                return Issuer::Itself(name);
            }
            let last = intermediates.last().and_then(|last| x509_parser::parse_x509_certificate(last).ok());
            let top = last.map(|(_, last)| describe(last.issuer())).filter(|top| *top != name);
            Issuer::Other { name, top }
        });
        Self { problem, issuer }
    }

    /// Whether the clock of this machine may be the cause.
    pub(crate) fn is_about_time(&self) -> bool {
        matches!(
            self.problem,
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    }

    /// Whether trusting the issuer would help.
    pub(crate) fn is_unknown_issuer(&self) -> bool {
        matches!(self.problem, CertificateError::UnknownIssuer)
    }
}

/// What is wrong with the certificate, after "the certificate of …".
impl fmt::Display for UntrustedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.problem, &self.issuer) {
            (CertificateError::UnknownIssuer, None) => {
                f.write_str("was issued by an authority that this machine does not trust")
            }
            (CertificateError::UnknownIssuer, Some(Issuer::Itself(name))) => {
                write!(f, "was issued by itself ({name}), and this machine does not trust it")
            }
            (CertificateError::UnknownIssuer, Some(Issuer::Other { name, top })) => {
                write!(f, "was issued by {name}")?;
                if let Some(top) = top {
                    write!(f, " under {top}")?;
                }
                f.write_str(", which this machine does not trust")
            }
            (CertificateError::Expired | CertificateError::ExpiredContext { .. }, _) => {
                f.write_str("has expired, or the clock of this machine is ahead")
            }
            (CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }, _) => {
                f.write_str("is not valid yet, or the clock of this machine is behind")
            }
            (CertificateError::NotValidForName, _) => f.write_str("is for another name"),
            (CertificateError::NotValidForNameContext { presented, .. }, _) => {
                let names: Vec<_> = presented.iter().take(5).map(|name| printable(&plain_name(name))).collect();
                write!(
                    f,
                    "is for another name: {}",
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                )
            }
            (problem, _) => write!(f, "cannot be trusted ({problem})"),
        }
    }
}

impl Error for UntrustedCertificate {}

/// A name of a certificate without the library's notation, e.g. `DnsName("um.example")`.
fn plain_name(name: &str) -> String {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inside.trim_matches('"').to_owned()
}

/// The common name in quotes and the organization, if there are any, or the whole name.
fn describe(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|part| part.as_str().ok());
    let organization = name.iter_organization().find_map(|part| part.as_str().ok());
    match (common, organization) {
        (Some(common), Some(organization)) if common != organization => {
            format!("\"{}\" of {}", printable(common), printable(organization))
        }
        (Some(one), _) | (None, Some(one)) => format!("\"{}\"", printable(one)),
        (None, None) => format!("\"{}\"", printable(&name.to_string())),
    }
}

/// A text from a certificate, without what could deceive on a terminal.
fn printable(text: &str) -> String {
    let is_deceptive = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_deceptive(c) { '?' } else { c }).take(MAX_NAME).collect()
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
