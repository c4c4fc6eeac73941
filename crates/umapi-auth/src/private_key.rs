//! The private key of a login.

mod cost;
mod key_error;
mod pem_encryption;

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use pem::Pem;
use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef,
    der::{Decode, Reader, SliceReader, asn1::OctetStringRef},
    pkcs5,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub use self::key_error::KeyError;
use crate::Secret;

/// The minimum length of a key, in bits.
const MIN_BITS: usize = 2048;

/// The current encryption scheme of PKCS#8.
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

/// An RSA private key of 2048 bits or more.
///
/// ```
/// use umapi_auth::{KeyError, PrivateKey};
///
/// let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
/// assert_eq!(PrivateKey::from_pem(certificate, None).unwrap_err(), KeyError::Certificate);
/// ```
#[derive(Clone)]
pub struct PrivateKey {
    key: EncodingKey,
    bits: usize,
}

impl PrivateKey {
    /// Reads a key from PEM: PKCS#1 or PKCS#8, plain or encrypted. The passphrase is only used for an encrypted key.
    ///
    /// Line breaks may be written as `\n`, for variables and JSON. Of several PEM blocks, the private key is used.
    ///
    /// # Errors
    ///
    /// [`KeyError`] says what the text is instead. It never quotes the text.
    pub fn from_pem(text: &str, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let block = private_key_block(text)?;
        let contents = match block.headers().get("DEK-Info") {
            Some(dek_info) => {
                let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
                let plain = pem_encryption::decrypt(dek_info, block.contents(), passphrase)?;
                return Self::from_block(block.tag(), &plain, None).map_err(after_decryption);
            }
            None => Zeroizing::new(block.contents().to_vec()),
        };
        Self::from_block(block.tag(), &contents, passphrase)
    }

    fn from_block(tag: &str, contents: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        match tag {
            "RSA PRIVATE KEY" => Self::from_pkcs1(contents),
            "PRIVATE KEY" => Self::from_pkcs8(contents),
            "ENCRYPTED PRIVATE KEY" => Self::from_encrypted_pkcs8(contents, passphrase),
            "OPENSSH PRIVATE KEY" => Err(KeyError::OpenSsh),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(KeyError::PublicKey),
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => Err(KeyError::Certificate),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Err(KeyError::CertificateRequest),
            _ => Err(KeyError::NotRsa),
        }
    }

    fn from_encrypted_pkcs8(der: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        if encryption_of(der)? != PBES2 {
            return Err(KeyError::OldEncryption);
        }
        let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::UnknownEncryption)?;
        if !cost::is_acceptable(&info.encryption_algorithm) {
            return Err(KeyError::UnknownEncryption);
        }
        let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
        let plain = info.decrypt(passphrase.reveal()).map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::UnsupportedAlgorithm { .. }) => KeyError::UnknownEncryption,
            _ => KeyError::WrongPassphrase,
        })?;
        Self::from_pkcs8(plain.as_bytes()).map_err(after_decryption)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Truncated)?;
        if info.algorithm.oid != pkcs1::ALGORITHM_OID {
            return Err(KeyError::NotRsa);
        }
        Self::from_pkcs1(info.private_key.as_bytes())
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let key = pkcs1::RsaPrivateKeyRef::from_der(der).map_err(|_| KeyError::Truncated)?;
        let modulus = key.modulus.as_bytes();
        let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        let bits = modulus.len() * 8 - unused;
        if bits < MIN_BITS {
            return Err(KeyError::TooShort { bits });
        }
        Ok(Self { key: EncodingKey::from_rsa_der(der), bits })
    }

    /// The length of the key, in bits.
    pub fn bits(&self) -> usize {
        self.bits
    }

    pub(crate) fn encoding_key(&self) -> &EncodingKey {
        &self.key
    }
}

/// The SHA-256 of the first certificate in a PEM text, in Base64url: its thumbprint (`x5t#S256`). `None` without a certificate.
pub fn certificate_thumbprint(text: &str) -> Option<String> {
    let blocks = pem::parse_many(with_line_breaks(text).as_bytes()).ok()?;
    let certificate = blocks.iter().find(|block| block.tag() == "CERTIFICATE")?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.contents())))
}

/// The PEM block with the private key, or else the first block, which shows what the text is instead.
fn private_key_block(text: &str) -> Result<Pem, KeyError> {
    let text = with_line_breaks(text);
    if !text.contains("-----BEGIN ") {
        return Err(KeyError::NotPem);
    }
    let blocks = pem::parse_many(text.as_bytes()).map_err(|_| KeyError::Truncated)?;
    let is_key = |block: &Pem| block.tag().ends_with("PRIVATE KEY");
    let chosen = blocks.iter().position(is_key).unwrap_or_default();
    blocks.into_iter().nth(chosen).ok_or(KeyError::Truncated)
}

/// The text with line breaks as PEM requires them: `\n` is replaced, and no line is empty except the one after the headers.
fn with_line_breaks(text: &str) -> Zeroizing<String> {
    // PEM contains no other backslash.
    let text = Zeroizing::new(text.replace("\\r", "\r").replace("\\n", "\n").replace('\r', "\n"));
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 2));
    let mut after_header = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_header = line.contains(':');
        if after_header && !is_header {
            lines.push('\n');
        }
        lines.push_str(line);
        lines.push('\n');
        after_header = is_header;
    }
    lines
}

/// The encryption scheme of a block of encrypted PKCS#8.
fn encryption_of(der: &[u8]) -> Result<ObjectIdentifier, KeyError> {
    let read = || {
        SliceReader::new(der)?.sequence(|block| {
            let algorithm = AlgorithmIdentifierRef::decode(block)?;
            <&OctetStringRef>::decode(block)?;
            Ok::<_, pkcs8::der::Error>(algorithm.oid)
        })
    };
    read().map_err(|_| KeyError::Truncated)
}

/// One in some hundred wrong passphrases decrypts to something that is not a key.
fn after_decryption(error: KeyError) -> KeyError {
    if error == KeyError::Truncated { KeyError::WrongPassphrase } else { error }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({} bits)", self.bits)
    }
}

#[cfg(test)]
mod tests;
