//! Limits on the cost of decrypting a key. The key itself sets how often and in how much memory the passphrase is hashed; a
//! damaged key may require hours, or more memory than the machine has.

use pkcs8::pkcs5::{
    EncryptionScheme,
    pbes2::{Kdf, ScryptParams},
};

/// Iterations of PBKDF2, which take some seconds: what RFC 8018 recommends for the most critical keys.
const ROUNDS: u32 = 10_000_000;
/// Bytes of memory for scrypt, eight times the limit of openssl.
const MEMORY: u64 = 256 << 20;
/// Passes over that memory.
const PASSES: u16 = 16;

/// Whether a passphrase can be tried within seconds.
pub(super) fn is_acceptable(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(parameters) = scheme else { return true };
    match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= ROUNDS,
        Kdf::Scrypt(ScryptParams { cost_parameter, block_size, parallelization, .. }) => {
            let memory = cost_parameter.saturating_mul(128 * u64::from(*block_size));
            memory <= MEMORY && *parallelization <= PASSES
        }
        _ => true,
    }
}
