//! What decrypting a key may cost. The block itself says how often a passphrase is hashed and in how much memory: a damaged
//! one asks for hours, or for more memory than there is.

use pkcs8::pkcs5::{
    EncryptionScheme,
    pbes2::{Kdf, ScryptParams},
};

/// Rounds of PBKDF2, some seconds: what RFC 8018 names for the most critical keys.
const ROUNDS: u32 = 10_000_000;
/// Bytes of memory for scrypt, eight times what openssl itself allows.
const MEMORY: u64 = 256 << 20;
/// Passes over that memory.
const PASSES: u16 = 16;

/// Whether a passphrase can be tried in seconds.
pub(super) fn is_bearable(scheme: &EncryptionScheme) -> bool {
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
