//! Random identifiers and secrets, from the operating system.
//!
//! The state of an emulator is reproducible from its seed. What it hands out as a secret must not be.

use std::fmt::Write as _;

/// The operating system has no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system has no random bytes")]
pub(crate) struct NoRandomness;

/// Random bytes as hexadecimal text of twice their number of characters.
pub(crate) fn hex(bytes: usize) -> Result<String, NoRandomness> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|_| NoRandomness)?;
    let mut text = String::with_capacity(2 * bytes);
    for byte in random {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn identifiers_are_hexadecimal_and_unique() {
        let many: HashSet<String> = (0..1000).map(|_| hex(16).unwrap()).collect();
        assert_eq!(many.len(), 1000);
        assert!(many.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}
