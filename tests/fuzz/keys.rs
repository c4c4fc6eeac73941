//! Fuzz target: private keys, PEM of every kind, intact and damaged.

use bolero::TypeGenerator;
use umapi::auth::{PrivateKey, Secret};

use crate::{
    fixed_seeds::target,
    payload::{Material, Payload},
};

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../crates/umapi-auth/tests/keys/", $name, ".pem"))
    };
}

pub(crate) const PLAIN: &str = key!("pkcs8");
/// The passphrase of the encrypted keys.
const PASSPHRASE: &str = "correct horse";
/// Longest part of a line of the plain key that may appear in an error.
const PART: usize = 24;

const KEYS: Material = Material {
    examples: &[
        PLAIN,
        key!("pkcs1"),
        key!("pkcs8-aes-256-cbc"),
        key!("pkcs8-des3"),
        key!("pkcs8-hmacWithSHA512"),
        key!("pbes1-sha1-3des"),
        key!("traditional-aes128"),
        key!("traditional-aes256"),
        key!("traditional-des3"),
        key!("user-sync"),
        key!("elliptic"),
        key!("public"),
        key!("certificate"),
        key!("request"),
        key!("pss"),
        key!("short"),
    ],
    words: &[
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "-----END ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN ",
        "-----END ",
        "-----",
        "OPENSSH PRIVATE KEY",
        "Proc-Type: 4,ENCRYPTED",
        "DEK-Info: AES-256-CBC,",
        "DEK-Info: DES-EDE3-CBC,",
        "0011223344556677",
        "00112233445566778899AABBCCDDEEFF",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "MAA=",
        "AAAA",
        "=",
        "\\n",
        "\\r",
        "\r\n",
        "\n\n",
        ":",
        "é",
    ],
};

#[derive(Clone, Debug, TypeGenerator)]
struct Given {
    text: Payload,
    has_passphrase: bool,
}

#[test]
fn a_key_is_read_or_rejected_without_being_shown() {
    let passphrase = Secret::from(PASSPHRASE);
    target!(600).with_type::<Given>().for_each(|given| {
        let text = given.text.text(KEYS);
        let read = PrivateKey::from_pem(&text, given.has_passphrase.then_some(&passphrase));
        let shown = match read {
            Ok(key) => {
                assert!(key.bits() >= 2048);
                format!("{key:?}")
            }
            Err(error) => format!("{error} {error:?}"),
        };
        let lines = text.lines().filter(|line| line.len() > PART && !line.contains("PRIVATE KEY"));
        assert!(!shown.contains(PASSPHRASE), "{shown}");
        lines.for_each(|line| assert!(!shown.contains(line), "{line} in {shown}"));
    });
}
