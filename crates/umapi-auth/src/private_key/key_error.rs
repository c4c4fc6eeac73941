//! The error of a text that is not a usable private key.

use super::MIN_BITS;

/// The error of a text that is not a usable private key. It never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text contains no PEM block.
    #[error(
        "the private key is not PEM; it must begin with a line like `-----BEGIN PRIVATE KEY-----` (convert other formats with \
         `openssl pkey`)"
    )]
    NotPem,
    /// The block is truncated or damaged.
    #[error("the private key is truncated or damaged; copy the whole file again, from BEGIN to END")]
    Truncated,
    /// The key is encrypted, and no passphrase was given.
    #[error("the private key is encrypted; its passphrase is required")]
    PassphraseMissing,
    /// The passphrase does not decrypt the key.
    #[error("the passphrase of the private key is wrong")]
    WrongPassphrase,
    /// The key is PKCS#8 with the outdated encryption PBES1, which is not supported.
    #[error(
        "the private key has the outdated encryption PBES1; convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD \
         -out NEW` (add `-provider legacy -provider default` if openssl cannot read it)"
    )]
    OldEncryption,
    /// The encryption of the key is not supported, or checking the passphrase would take minutes or too much memory.
    #[error(
        "the encryption of the private key is not supported; convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD \
         -out NEW`"
    )]
    UnknownEncryption,
    /// The text is a public key.
    #[error("this is a public key; use the private key that belongs to it")]
    PublicKey,
    /// The text is a certificate.
    #[error("this is a certificate, which is uploaded where the login is set up; use its private key")]
    Certificate,
    /// The text is a certificate request.
    #[error("this is a certificate request; use the private key that belongs to it")]
    CertificateRequest,
    /// The key has the format of OpenSSH.
    #[error("this is an OpenSSH key; convert a copy of it with `ssh-keygen -p -m PKCS8 -f COPY`")]
    OpenSsh,
    /// The key is not an RSA key.
    #[error("this is not a plain RSA key; the login only accepts signatures of RSA keys")]
    NotRsa,
    /// The key is too short to be safe, and the login rejects it.
    #[error("the private key has {bits} bits; create one with {MIN_BITS} bits or more, and upload its certificate")]
    TooShort {
        /// The length of the key, in bits.
        bits: usize,
    },
}
