//! How names are compared, and how ids are made.

use std::borrow::Cow;

use super::UserKind;

/// The form in which names are compared: the service matches group names and addresses without regard to case.
#[must_use]
pub fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_lowercase())
    }
}

/// Whether a user string is of the email type: it names its domain itself.
#[must_use]
pub fn is_email_type(user: &str) -> bool {
    user.contains('@')
}

/// The domain of an address, as it is spelled; empty if there is none.
#[must_use]
pub fn domain_of(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// The spelling of a name, if it must be kept beside the folded one.
pub(super) fn spelling<'a>(name: &'a str, folded: &str) -> Option<&'a str> {
    (name != folded).then_some(name)
}

/// The id that the service shows for an account: 24 hexadecimal digits, `@`, and who owns it.
pub(super) fn outer_user_id(account: i64, kind: UserKind, owner: &str) -> String {
    let high = mix(account.cast_unsigned());
    let low = (mix(high) >> 32) as u32;
    match kind {
        UserKind::AdobeId | UserKind::Unknown => format!("{high:016X}{low:08X}@AdobeID"),
        UserKind::EnterpriseId | UserKind::FederatedId => {
            format!("{high:016X}{low:08X}@{}.e", fold(organization_part(owner)))
        }
    }
}

/// The number of an Adobe ID: the person's own, so it is the same in every organization and after every return.
pub(super) fn adobe_account(folded_email: &str) -> i64 {
    // FNV-1a; bit 62 keeps these numbers apart from those of directory accounts, which count upwards.
    let hash = folded_email
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ((hash >> 2) | (1 << 62)).cast_signed()
}

/// The id that the service shows for a product, if nobody gives it one.
pub(super) fn outer_product_id(org_id: &str, key: &str) -> String {
    let hash = adobe_account(&format!("{org_id} {key}")).cast_unsigned();
    format!("RPC-{:016X}{:04X}", mix(hash), hash as u16)
}

/// The part of an organization's id before `@AdobeOrg`.
pub(super) fn organization_part(org_id: &str) -> &str {
    org_id.split_once('@').map_or(org_id, |(part, _)| part)
}

/// SplitMix64's finisher: one-to-one, and neighbours look unrelated.
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
    fn folding_knows_every_script() {
        assert_eq!(fold("ÉCOLE Straße ΣΟΦΙΑ"), "école straße σοφια");
        assert!(matches!(fold("plain@example.com"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_adobe_id_is_the_same_person_everywhere() {
        let id = |email: &str, org| outer_user_id(adobe_account(email), UserKind::AdobeId, org);
        assert_eq!(id("a@b.c", "1@AdobeOrg"), id("a@b.c", "2@AdobeOrg"));
        assert_ne!(id("a@b.c", "1@AdobeOrg"), id("a@b.d", "1@AdobeOrg"));
    }

    #[test]
    fn a_directory_account_shows_its_owner() {
        let id = outer_user_id(7, UserKind::FederatedId, "12AB@AdobeOrg");
        let (digits, owner) = id.split_once('@').unwrap();
        assert_eq!((digits.len(), owner), (24, "12ab.e"));
    }
}
