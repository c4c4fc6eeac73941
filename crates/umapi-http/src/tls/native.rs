//! TLS of the system: OpenSSL on Linux, SChannel on Windows, Secure Transport on macOS. Its errors are texts, and say less
//! than those of rustls.

use super::{
    TlsProblem, UntrustedCertificate,
    certificate::{Reason, printable},
};
#[cfg(not(feature = "_rustls"))]
use crate::InvalidSetting;

/// Reads the certificates to trust in addition to those of the machine.
#[cfg(not(feature = "_rustls"))]
pub(super) fn roots(pem: &[Vec<u8>]) -> Result<Vec<reqwest::Certificate>, InvalidSetting> {
    let mut roots = Vec::new();
    for pem in pem {
        if !pem.windows(BEGIN.len()).any(|part| part == BEGIN.as_bytes()) {
            return Err(InvalidSetting::new(format!("a root certificate is not PEM; it must begin with `{BEGIN}`")));
        }
        let read = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
        if read.is_empty() {
            return Err(InvalidSetting::new("a root certificate is damaged; export it again as PEM"));
        }
        roots.extend(read);
    }
    Ok(roots)
}

#[cfg(not(feature = "_rustls"))]
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// What an error says, by the words of the three libraries.
pub(super) fn problem(text: &str) -> Option<TlsProblem> {
    let words = text.to_lowercase();
    let has_one_of = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let reason = if has_one_of(&["wrong version number", "unknown protocol", "record layer", "packet length"]) {
        return Some(TlsProblem::NotTls);
    } else if has_one_of(&["not yet valid"]) {
        Reason::NotValidYet
    } else if has_one_of(&["expired"]) {
        Reason::Expired
    } else if has_one_of(&["hostname mismatch", "host name", "name mismatch", "ip address mismatch", "cn name"]) {
        Reason::OtherName(None)
    } else if has_one_of(&["self-signed", "self signed", "issuer", "not trusted", "untrusted", "first certificate"]) {
        Reason::UnknownIssuer
    } else if has_one_of(&["certificate"]) {
        Reason::Other(printable(text))
    } else {
        return None;
    };
    Some(TlsProblem::Certificate(UntrustedCertificate { reason, issuer: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_is_understood_by_its_words() {
        let openssl = "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed";
        for (text, part) in [
            (format!("{openssl}:../ssl/statem/statem_clnt.c:1889: (self-signed certificate)"), "does not trust"),
            (format!("{openssl}: (unable to get local issuer certificate)"), "does not trust"),
            (format!("{openssl}: (certificate has expired)"), "has expired"),
            (format!("{openssl}: (certificate is not yet valid)"), "is not valid yet"),
            (format!("{openssl}: (hostname mismatch)"), "is for another name"),
            (format!("{openssl}: (invalid CA certificate)"), "cannot be trusted (error:0A000086"),
            ("A certificate chain was issued by an authority that is not trusted.".to_owned(), "does not trust"),
        ] {
            let Some(TlsProblem::Certificate(certificate)) = problem(&text) else { panic!("{text}") };
            assert!(certificate.to_string().contains(part), "{text}: {certificate}");
        }
        let plain = "error:0A00010B:SSL routines:ssl3_get_record:wrong version number";
        assert!(matches!(problem(plain), Some(TlsProblem::NotTls)));
        assert!(problem("handshake failure").is_none());
    }
}
