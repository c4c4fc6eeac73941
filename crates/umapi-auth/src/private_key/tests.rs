//! Keys of every format, made by openssl, and damaged keys.

use std::{fs, path::Path, time::SystemTime};

use pkcs8::{der::Encode, pkcs5::pbes2::Kdf};
use proptest::prelude::*;

use super::*;
use crate::{Endpoint, ServiceAccount};

/// Reads a key file made by openssl; see `tests/keys/make.sh`.
fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(format!("{name}.pem"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem(text, passphrase.map(Secret::from).as_ref())
}

fn rejected(name: &str, passphrase: Option<&str>) -> KeyError {
    read(&file(name), passphrase).unwrap_err()
}

/// A signature, which identifies the key.
fn signature(key: PrivateKey) -> String {
    let account = ServiceAccount::builder()
        .organization("12345@AdobeOrg")
        .technical_account("1@techacct.adobe.com")
        .client_id("client")
        .client_secret("secret")
        .private_key(key)
        .build()
        .unwrap();
    account.assertion(&Endpoint::default(), SystemTime::UNIX_EPOCH).unwrap().reveal().to_owned()
}

const PLAIN: [&str; 2] = ["pkcs1", "pkcs8"];
const ENCRYPTED: [&str; 12] = [
    "pkcs8-aes-128-cbc",
    "pkcs8-aes-192-cbc",
    "pkcs8-aes-256-cbc",
    "pkcs8-des3",
    "pkcs8-hmacWithSHA1",
    "pkcs8-hmacWithSHA512",
    "pkcs8-scrypt",
    "traditional-aes128",
    "traditional-aes192",
    "traditional-aes256",
    "traditional-des3",
    "user-sync",
];

/// An encrypted key with another cost.
fn with_cost(name: &str, change: impl FnOnce(&mut Kdf)) -> String {
    let block = pem::parse(file(name)).unwrap();
    let mut info = EncryptedPrivateKeyInfoRef::from_der(block.contents()).unwrap();
    let pkcs5::EncryptionScheme::Pbes2(parameters) = &mut info.encryption_algorithm else { panic!("{name}") };
    change(&mut parameters.kdf);
    pem::encode(&Pem::new(block.tag(), info.to_der().unwrap()))
}

#[test]
fn a_key_that_is_too_costly_to_decrypt_is_rejected() {
    let rounds = |rounds| {
        with_cost("pkcs8-aes-256-cbc", |kdf| match kdf {
            Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count = rounds,
            other => panic!("{other:?}"),
        })
    };
    let scrypt = |cost, block, passes| {
        with_cost("pkcs8-scrypt", |kdf| match kdf {
            Kdf::Scrypt(scrypt) => {
                (scrypt.cost_parameter, scrypt.block_size, scrypt.parallelization) = (cost, block, passes);
            }
            other => panic!("{other:?}"),
        })
    };
    for costly in [rounds(100_000_000), scrypt(1 << 60, 8, 1), scrypt(1 << 14, 60_000, 1), scrypt(1 << 14, 8, 60_000)] {
        assert_eq!(read(&costly, Some("correct horse")).unwrap_err(), KeyError::UnknownEncryption);
    }
    assert_eq!(read(&rounds(3), Some("correct horse")).unwrap_err(), KeyError::WrongPassphrase);
}

#[test]
fn every_format_of_one_key_is_read() {
    let expected = signature(read(&file("pkcs8"), None).unwrap());
    for name in PLAIN {
        // An unnecessary passphrase is ignored.
        for passphrase in [None, Some("correct horse")] {
            let key = read(&file(name), passphrase).unwrap();
            assert_eq!((key.bits(), signature(key)), (2048, expected.clone()), "{name}");
        }
    }
    for name in ENCRYPTED {
        let key = read(&file(name), Some("correct horse")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(signature(key), expected, "{name}");
    }
}

#[test]
fn an_encrypted_key_needs_its_passphrase() {
    for name in ENCRYPTED {
        assert_eq!(rejected(name, None), KeyError::PassphraseMissing, "{name}");
        assert_eq!(rejected(name, Some("wrong horse")), KeyError::WrongPassphrase, "{name}");
    }
}

#[test]
fn unsupported_encryption_is_named_with_the_remedy() {
    for (name, expected) in [
        ("pbes1-sha1-3des", KeyError::OldEncryption),
        ("pbes1-md5-des", KeyError::OldEncryption),
        ("pbes1-sha1-rc4", KeyError::OldEncryption),
        ("pkcs8-camellia", KeyError::UnknownEncryption),
        ("traditional-camellia", KeyError::UnknownEncryption),
    ] {
        let error = rejected(name, Some("correct horse"));
        assert_eq!(error, expected, "{name}");
        assert!(error.to_string().contains("openssl pkcs8 -topk8 -v2 aes-256-cbc"), "{error}");
    }
}

#[test]
fn anything_but_an_rsa_private_key_is_named() {
    for (name, expected) in [
        ("public", KeyError::PublicKey),
        ("public-pkcs1", KeyError::PublicKey),
        ("certificate", KeyError::Certificate),
        ("request", KeyError::CertificateRequest),
        ("elliptic", KeyError::NotRsa),
        ("pss", KeyError::NotRsa),
        ("short", KeyError::TooShort { bits: 1024 }),
    ] {
        assert_eq!(rejected(name, None), expected, "{name}");
    }
    assert_eq!(read("s8e-EXAMPLE", None).unwrap_err(), KeyError::NotPem);
    let open_ssh = file("pkcs8").replace("PRIVATE KEY", "OPENSSH PRIVATE KEY");
    assert_eq!(read(&open_ssh, None).unwrap_err(), KeyError::OpenSsh);
}

#[test]
fn a_key_is_found_next_to_its_certificate() {
    assert!(read(&format!("{}{}", file("certificate"), file("pkcs1")), None).is_ok());
    assert!(read(&format!("a comment\n{}\n{}", file("pkcs8"), file("certificate")), None).is_ok());
}

#[test]
fn line_breaks_may_be_escaped() {
    for name in ["pkcs8", "pkcs1", "traditional-aes256", "user-sync"] {
        let text = file(name).replace('\r', "\n");
        for written in ["\\n", "\\r\\n", "\\n\n", "\r\n", "\r"] {
            let text = text.replace('\n', written);
            assert!(read(&text, Some("correct horse")).is_ok(), "{name} with {written:?}");
        }
    }
    // A file or a variable with what an editor, PowerShell, or `--env-file` of Docker add.
    for name in ["pkcs8", "pkcs1", "traditional-aes256"] {
        let text = file(name);
        for around in [format!("\u{feff}{text}"), format!("\n\n\"{text}\""), format!("'{}'", text.replace('\n', "\\n"))]
        {
            assert!(read(&around, Some("correct horse")).is_ok(), "{name}: {around:?}");
        }
    }
    // A variable with spaces instead of line breaks.
    assert!(read(&file("pkcs8").replace('\n', " "), None).is_ok());
}

#[test]
fn a_key_without_contents_is_truncated() {
    let empty = "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----";
    assert_eq!(read(empty, None).unwrap_err(), KeyError::Truncated);
    for dek_info in ["AES-256-CBC", "AES-256-CBC,0123", "AES-256-CBC,no", "DES-EDE3-CBC,é0123456789ABCD"] {
        let header = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: {dek_info}\n\n");
        let text = file("pkcs8").replacen("KEY-----\n", &format!("KEY-----\n{header}"), 1);
        assert_eq!(read(&text, Some("x")).unwrap_err(), KeyError::Truncated, "{dek_info}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever a file is truncated, the error says so.
    #[test]
    fn a_truncated_file_is_recognized(
        name in prop::sample::select(vec!["pkcs1", "pkcs8", "pkcs8-aes-256-cbc", "traditional-aes256"]),
        part in 0.0..0.95,
    ) {
        let text = file(name);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a small length")]
        let length = (text.len() as f64 * part) as usize;
        let error = read(&text[..length], Some("correct horse")).unwrap_err();
        prop_assert!(matches!(error, KeyError::Truncated | KeyError::NotPem), "{error:?} at {length}");
    }

    /// The same holds for a missing line in the middle.
    #[test]
    fn a_file_that_lacks_a_line_is_recognized(
        name in prop::sample::select(vec!["pkcs1", "pkcs8"]),
        line in 1_usize..20,
    ) {
        let text = file(name);
        let text: String = text.lines().enumerate().filter(|(at, _)| *at != line).map(|(_, text)| format!("{text}\n")).collect();
        prop_assert_eq!(read(&text, None).unwrap_err(), KeyError::Truncated);
    }

    #[test]
    fn no_input_causes_a_panic(text in "(-----BEGIN (RSA |ENCRYPTED )?PRIVATE KEY-----)?[ -~\n]{0,200}(-----END PRIVATE KEY-----)?") {
        let _ = read(&text, Some("x"));
    }
}
