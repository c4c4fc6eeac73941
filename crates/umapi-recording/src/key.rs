//! The key of a recording that several processes write.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::{
    entry::Joint,
    pseudonym::Pseudonyms,
    recorder::RecorderError,
    time::{Shift, hours},
};

/// The number of hexadecimal digits of a key.
const DIGITS: usize = 32;

/// A random key has at least this many different digits.
const DIFFERENT_DIGITS: usize = 6;

/// Purposes of the hash, apart from those of pseudonyms.
const CHECK: u64 = u64::MAX;
const BEGINS: u64 = u64::MAX - 1;

/// The key that several processes share to write one recording: 32 random hexadecimal digits. Hand it on in memory, e.g. in an
/// environment variable, and forget it with the last process: who has it can find the values of a recording by trying.
///
/// ```
/// use umapi_recording::RecordingKey;
///
/// # fn main() -> Result<(), umapi_recording::RecorderError> {
/// let key = RecordingKey::parse("7f3c1d0a-5b6c-4d7e-8f90-a1b2c3d4e5f6")?; // what uuidgen writes
/// assert_eq!(format!("{key:?}"), "RecordingKey");
/// assert!(RecordingKey::parse("secret").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RecordingKey([u8; DIGITS / 2]);

impl RecordingKey {
    /// Reads a key. Hyphens and letter case do not matter, so that a random UUID (version 4) is one.
    ///
    /// # Errors
    ///
    /// If it does not have 32 hexadecimal digits, or is not random. The error does not show it.
    pub fn parse(text: &str) -> Result<Self, RecorderError> {
        let digits: Vec<u8> = text
            .trim()
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .filter(|digits: &Vec<u8>| digits.len() == DIGITS)
            .ok_or_else(|| RecorderError::of_key("it does not have 32 hexadecimal digits"))?;
        let mut different = digits.clone();
        different.sort_unstable();
        different.dedup();
        if different.len() < DIFFERENT_DIGITS {
            return Err(RecorderError::of_key("it is not random"));
        }
        let mut key = [0; DIGITS / 2];
        for (byte, pair) in key.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(key))
    }

    pub(crate) fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::of_key(self.0)
    }

    /// What the first line of a recording says that begins now.
    pub(crate) fn begin(&self, now: SystemTime) -> Result<Joint, getrandom::Error> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        let salt = format!("{:032x}", u128::from_be_bytes(salt));
        let begins = u128::from(hours(now)) ^ self.pseudonyms().hash(&salt, BEGINS);
        Ok(Joint { check: self.check(&salt), begins: format!("{begins:032x}"), salt })
    }

    /// The time by which a recording is shifted that was begun with this key. `None` if it was begun with another one.
    pub(crate) fn shift_of(&self, joint: &Joint) -> Option<Shift> {
        let begins = u128::from_str_radix(&joint.begins, 16).ok().filter(|_| self.check(&joint.salt) == joint.check)?;
        let hours = u64::try_from(begins ^ self.pseudonyms().hash(&joint.salt, BEGINS)).ok()?;
        let begins = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(hours.checked_mul(3600)?))?;
        Some(Shift::of(begins))
    }

    /// Shows who has the key that it is the right one, and nobody else anything.
    fn check(&self, salt: &str) -> String {
        format!("{:032x}", self.pseudonyms().hash(salt, CHECK))
    }
}

impl fmt::Debug for RecordingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordingKey")
    }
}
