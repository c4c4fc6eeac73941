//! Comparison of names, and computed ids.

use std::borrow::Cow;

use super::UserKind;

/// Returns the form in which names are compared: the service matches group names and addresses ignoring case.
#[must_use]
pub fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_lowercase())
    }
}

/// Whether a user string is an email address, which names its own domain.
#[must_use]
pub fn is_email_type(user: &str) -> bool {
    user.contains('@')
}

/// Returns the domain of an address, as it is written; empty if there is none.
#[must_use]
pub fn domain_of(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Returns the spelling of a name if it must be stored beside the folded one.
pub(super) fn spelling<'a>(name: &'a str, folded: &str) -> Option<&'a str> {
    (name != folded).then_some(name)
}

/// Returns the id that the service shows for an account: 24 hexadecimal digits, `@`, and the owner.
pub(super) fn external_user_id(account: i64, kind: UserKind, owner: &str) -> String {
    let high = mix(account.cast_unsigned());
    let low = (mix(high) >> 32) as u32;
    match kind {
        UserKind::AdobeId | UserKind::Unknown => format!("{high:016X}{low:08X}@AdobeID"),
        UserKind::EnterpriseId | UserKind::FederatedId => {
            format!("{high:016X}{low:08X}@{}.e", fold(organization_part(owner)))
        }
    }
}

/// Returns the number of an Adobe ID. It is the same in every organization, and after the account is added again.
pub(super) fn adobe_account(folded_email: &str) -> i64 {
    // FNV-1a; bit 62 separates these numbers from those of directory accounts, which count up.
    let hash = folded_email
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ((hash >> 2) | (1 << 62)).cast_signed()
}

/// Returns the id that the service shows for a product whose id is not given.
pub(super) fn external_product_id(org_id: &str, key: &str) -> String {
    let hash = adobe_account(&format!("{org_id} {key}")).cast_unsigned();
    format!("RPC-{:016X}{:04X}", mix(hash), hash as u16)
}

/// Returns the part of an organization id before `@AdobeOrg`.
pub(super) fn organization_part(org_id: &str) -> &str {
    org_id.split_once('@').map_or(org_id, |(part, _)| part)
}

/// SplitMix64's finisher: one-to-one, and consecutive inputs look unrelated.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_covers_every_script() {
        assert_eq!(fold("ÉCOLE Straße ΣΟΦΙΑ"), "école straße σοφια");
        assert!(matches!(fold("plain@example.com"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_adobe_id_has_one_id_in_every_organization() {
        let id = |email: &str, org| external_user_id(adobe_account(email), UserKind::AdobeId, org);
        assert_eq!(id("a@b.c", "1@AdobeOrg"), id("a@b.c", "2@AdobeOrg"));
        assert_ne!(id("a@b.c", "1@AdobeOrg"), id("a@b.d", "1@AdobeOrg"));
    }

    #[test]
    fn a_directory_account_shows_its_owner() {
        let id = external_user_id(7, UserKind::FederatedId, "12AB@AdobeOrg");
        let (digits, owner) = id.split_once('@').unwrap();
        assert_eq!((digits.len(), owner), (24, "12ab.e"));
    }
}
