//! The traditional encryption of PEM (RFC 1421). `openssl -traditional` and the `encrypt` command of user-sync write it.

use aes::{Aes128, Aes192, Aes256};
use cbc::{
    Decryptor,
    cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit, block_padding::Pkcs7},
};
use des::TdesEde3;
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::KeyError;
use crate::Secret;

/// The bytes of the initialization vector that the key is derived from.
const SALT: usize = 8;

/// Decrypts a block. Its header `DEK-Info` names the cipher and the initialization vector, e.g. `AES-256-CBC,01AB…`.
pub(super) fn decrypt(dek_info: &str, data: &[u8], passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (cipher, vector) = dek_info.split_once(',').ok_or(KeyError::Truncated)?;
    let vector = from_hex(vector.trim()).ok_or(KeyError::Truncated)?;
    match cipher.trim() {
        "AES-128-CBC" => decrypt_with::<Aes128>(16, &vector, data, passphrase),
        "AES-192-CBC" => decrypt_with::<Aes192>(24, &vector, data, passphrase),
        "AES-256-CBC" => decrypt_with::<Aes256>(32, &vector, data, passphrase),
        "DES-EDE3-CBC" => decrypt_with::<TdesEde3>(24, &vector, data, passphrase),
        _ => Err(KeyError::UnknownEncryption),
    }
}

fn decrypt_with<C: BlockCipherDecrypt + KeyInit>(
    key_length: usize,
    vector: &[u8],
    data: &[u8],
    passphrase: &Secret,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let salt = vector.get(..SALT).ok_or(KeyError::Truncated)?;
    let key = derive_key(passphrase, salt, key_length);
    let cipher = Decryptor::<C>::new_from_slices(&key, vector).map_err(|_| KeyError::Truncated)?;
    let mut buffer = Zeroizing::new(data.to_vec());
    let length = cipher.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| KeyError::WrongPassphrase)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Derives the key like `EVP_BytesToKey` of openssl: repeated MD5 of the last hash, the passphrase and the salt.
fn derive_key(passphrase: &Secret, salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    // Reserves the full size up front, because a vector that grows leaves copies behind.
    let mut key = Zeroizing::new(Vec::with_capacity(length + Md5::output_size()));
    let mut last = Zeroizing::new(Vec::new());
    while key.len() < length {
        let hash = Md5::new().chain_update(&*last).chain_update(passphrase.reveal()).chain_update(salt).finalize();
        last = Zeroizing::new(hash.to_vec());
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
