//! Certificates of servers of tests.

use std::{fs, path::Path};

/// Writes `ca.pem`, and `cert.pem` with `key.pem` for a server at this address.
pub(crate) fn certificates(folder: &Path, address: &str) {
    let path = |name: &str| folder.join(name);
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut ca = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let names = vec![address.to_owned(), "localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).expect("parameters");
    let certificate = certificate.signed_by(&key, &issuer).expect("a certificate");
    fs::write(path("ca.pem"), ca_certificate.pem()).expect("a file");
    fs::write(path("cert.pem"), certificate.pem()).expect("a file");
    fs::write(path("key.pem"), key.serialize_pem()).expect("a file");
}
