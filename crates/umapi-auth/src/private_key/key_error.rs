//! Why a text is no usable private key.

use super::SHORTEST;

/// Why a text is no usable private key. It never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no PEM block in it.
    #[error(
        "the private key is not PEM: it must begin with a line like `-----BEGIN PRIVATE KEY-----`; `openssl pkey` converts \
         other files"
    )]
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
    /// It is PKCS#8, encrypted in the old way (PBES1), which is not read here.
    #[error(
        "the private key is encrypted in the old way of PKCS#8 (PBES1): convert it with `openssl pkcs8 -topk8 -v2 \
         aes-256-cbc -in OLD -out NEW`, and with `-provider legacy -provider default` if openssl cannot read it"
    )]
    OldEncryption,
    /// It is encrypted with a cipher that is not read here, or so that trying the passphrase would take minutes or the whole
    /// memory.
    #[error(
        "the private key is encrypted in an unusual way: convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in \
         OLD -out NEW`"
    )]
    UnknownEncryption,
    /// It is the public half.
    #[error("this is a public key: give the private key that was made together with it")]
    PublicKey,
    /// It is a certificate.
    #[error("this is a certificate, which belongs into the Adobe Developer Console: give its private key")]
    Certificate,
    /// It is a request for a certificate.
    #[error("this is a certificate request: give the private key that was made together with it")]
    CertificateRequest,
    /// It is in the format of OpenSSH.
    #[error("this is a key of OpenSSH: convert a copy of it with `ssh-keygen -p -m PKCS8 -f COPY`")]
    OpenSsh,
    /// It is a key of another kind.
    #[error("this is no plain RSA key: the login takes signatures of RSA keys only")]
    NotRsa,
    /// It is too short to be safe, and the login refuses it.
    #[error("the private key has {bits} bits: make one of {SHORTEST} bits or more, and upload its certificate")]
    TooShort {
        /// Its length, in bits.
        bits: usize,
    },
}
