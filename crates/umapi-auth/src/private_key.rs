//! The private key that a service account signs with.

use std::fmt;

use jsonwebtoken::EncodingKey;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, der::Decode};
use zeroize::Zeroizing;

use crate::Secret;

/// Bits of the shortest key that is accepted.
const SHORTEST: usize = 2048;

/// An RSA private key of 2048 bits or more, read from PEM: PKCS#1, PKCS#8 or encrypted PKCS#8.
#[derive(Clone)]
pub struct PrivateKey {
    key: EncodingKey,
    bits: usize,
}

impl PrivateKey {
    /// Reads a key. The passphrase is used for encrypted PKCS#8 alone.
    ///
    /// # Errors
    ///
    /// [`KeyError`] says what the text is instead of a usable key. It never quotes it.
    pub fn from_pem(text: &str, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        if !text.contains("-----BEGIN ") {
            return Err(KeyError::NotPem);
        }
        if text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyError::EncryptedPkcs1);
        }
        let blocks = pem::parse_many(text).map_err(|_| KeyError::Truncated)?;
        // A file may hold the certificate beside the key.
        let is_key = |block: &pem::Pem| block.tag().ends_with("PRIVATE KEY");
        let chosen = blocks.iter().position(is_key).unwrap_or_default();
        let block = blocks.into_iter().nth(chosen).ok_or(KeyError::Truncated)?;
        let tag = block.tag().to_owned();
        let contents = Zeroizing::new(block.into_contents());
        match tag.as_str() {
            "RSA PRIVATE KEY" => Self::from_pkcs1(&contents),
            "PRIVATE KEY" => Self::from_pkcs8(&contents),
            "ENCRYPTED PRIVATE KEY" => Self::from_encrypted_pkcs8(&contents, passphrase),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(KeyError::PublicKey),
            "CERTIFICATE" => Err(KeyError::Certificate),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Err(KeyError::CertificateRequest),
            _ => Err(KeyError::NotRsa),
        }
    }

    fn from_encrypted_pkcs8(der: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Truncated)?;
        let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
        let plain = info.decrypt(passphrase.reveal()).map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(
                pkcs8::pkcs5::Error::NoPbes1CryptSupport | pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. },
            ) => KeyError::UnknownEncryption,
            _ => KeyError::WrongPassphrase,
        })?;
        // One wrong passphrase in some hundreds decrypts to something, which then is no key.
        Self::from_pkcs8(plain.as_bytes()).map_err(|error| match error {
            KeyError::Truncated => KeyError::WrongPassphrase,
            other => other,
        })
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
        if bits < SHORTEST {
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

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({} bits)", self.bits)
    }
}

/// Why a text is no usable private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no PEM block in it.
    #[error("the private key is not PEM: it must begin with a line like `-----BEGIN PRIVATE KEY-----`")]
    NotPem,
    /// The block has no end, or its contents are cut off or damaged.
    #[error("the private key is cut off or damaged: copy the whole file again, from BEGIN to END")]
    Truncated,
    /// It is encrypted, and no passphrase was given.
    #[error("the private key is encrypted: give its passphrase")]
    PassphraseMissing,
    /// The passphrase does not decrypt it.
    #[error("the passphrase does not fit the private key")]
    WrongPassphrase,
    /// It is encrypted in a way that is not read here.
    #[error("the private key is encrypted in an old or unknown way: convert it with `openssl pkcs8 -topk8 -v2 aes256`")]
    UnknownEncryption,
    /// It is encrypted in the old form of PKCS#1.
    #[error("the private key is encrypted in the old form of PKCS#1: convert it with `openssl pkcs8 -topk8`")]
    EncryptedPkcs1,
    /// It is the public half.
    #[error("this is a public key: give the private key that was made together with it")]
    PublicKey,
    /// It is a certificate.
    #[error("this is a certificate, which belongs into the Adobe Developer Console: give its private key")]
    Certificate,
    /// It is a request for a certificate.
    #[error("this is a certificate request: give the private key that was made together with it")]
    CertificateRequest,
    /// It is a key of another kind.
    #[error("this is no RSA key: the login takes signatures of RSA keys only")]
    NotRsa,
    /// It is too short to be safe, and the login refuses it.
    #[error("the private key has {bits} bits: make one of {SHORTEST} bits or more, and upload its certificate")]
    TooShort {
        /// Its length, in bits.
        bits: usize,
    },
}

#[cfg(test)]
mod tests {
    use pkcs8::der::{Encode as _, asn1::UintRef, pem::LineEnding};
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

    use super::*;

    #[test]
    fn every_form_of_a_key_is_read() {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let pkcs8 = pair.serialize_pem();
        assert_eq!(PrivateKey::from_pem(&pkcs8, None).unwrap().bits(), 2048);
        let der = pair.serialize_der();
        let info = PrivateKeyInfoRef::from_der(&der).unwrap();
        let pkcs1 = pem::encode(&pem::Pem::new("RSA PRIVATE KEY", info.private_key.as_bytes()));
        assert_eq!(PrivateKey::from_pem(&pkcs1, None).unwrap().bits(), 2048);

        let encrypted = info.encrypt("correct horse").unwrap().to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap();
        let with = |passphrase: &str| PrivateKey::from_pem(&encrypted, Some(&Secret::from(passphrase)));
        assert!(with("correct horse").is_ok());
        assert_eq!(with("wrong horse").unwrap_err(), KeyError::WrongPassphrase);
        assert_eq!(PrivateKey::from_pem(&encrypted, None).unwrap_err(), KeyError::PassphraseMissing);
    }

    #[test]
    fn a_key_is_found_beside_its_certificate() {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", "not looked at"));
        assert!(PrivateKey::from_pem(&format!("{certificate}{}", pair.serialize_pem()), None).is_ok());
    }

    #[test]
    fn a_short_key_is_refused_with_its_length() {
        let number = |bytes: &'static [u8]| UintRef::new(bytes).unwrap();
        let one = number(&[1]);
        let short = pkcs1::RsaPrivateKeyRef {
            modulus: number(&[0x7f; 128]),
            public_exponent: one,
            private_exponent: one,
            prime1: one,
            prime2: one,
            exponent1: one,
            exponent2: one,
            coefficient: one,
            other_prime_infos: None,
        };
        let text = pem::encode(&pem::Pem::new("RSA PRIVATE KEY", short.to_der().unwrap()));
        assert_eq!(PrivateKey::from_pem(&text, None).unwrap_err(), KeyError::TooShort { bits: 1023 });
    }

    #[test]
    fn what_is_no_key_is_named() {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let text = pair.serialize_pem();
        let refused = |text: &str| PrivateKey::from_pem(text, None).unwrap_err();
        assert_eq!(refused("s8e-EXAMPLE"), KeyError::NotPem);
        assert_eq!(refused(&text[..text.len() / 2]), KeyError::Truncated);
        assert_eq!(refused(&pair.public_key_pem()), KeyError::PublicKey);
        let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", pair.serialize_der()));
        assert_eq!(refused(&certificate), KeyError::Certificate);
        let elliptic = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
        assert_eq!(refused(&elliptic), KeyError::NotRsa);
        let half = pem::encode(&pem::Pem::new("PRIVATE KEY", &pair.serialize_der()[..200]));
        assert_eq!(refused(&half), KeyError::Truncated);
    }
}
