//! What products call things: filters and names of attributes.

use crate::settings::LdapPreset;

/// What a product calls things.
#[derive(Debug)]
pub(super) struct Names {
    /// Which entries are people.
    pub(super) people: &'static str,
    /// Which entries are groups.
    pub(super) groups: &'static str,
    /// The attribute that stays when everything else of a person changes.
    pub(super) id: &'static str,
    /// The object classes of people, for entries that are looked up singly.
    pub(super) person_classes: &'static [&'static str],
}

/// The attributes with members of a group, by their distinguished names.
pub(super) const MEMBERS: [&str; 2] = ["member", "uniqueMember"];

/// The attribute with members of a group, by their `uid`.
pub(super) const MEMBER_UIDS: &str = "memberUid";

/// The object classes of groups.
pub(super) const GROUP_CLASSES: [&str; 6] =
    ["group", "groupofnames", "groupofuniquenames", "groupofmembers", "posixgroup", "ipausergroup"];

/// The filter of groups that are no product's own.
const COMMON_GROUPS: &str =
    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)(objectClass=posixGroup))";

impl LdapPreset {
    pub(super) fn names(self) -> Names {
        match self {
            Self::Ad => Names {
                people: "(&(objectCategory=person)(objectClass=user))",
                groups: "(objectCategory=group)",
                id: "objectGUID",
                person_classes: &["user", "inetorgperson"],
            },
            Self::OpenLdap => Names {
                people: "(|(objectClass=inetOrgPerson)(objectClass=organizationalPerson)(objectClass=person))",
                groups: COMMON_GROUPS,
                id: "entryUUID",
                person_classes: &["inetorgperson", "organizationalperson", "person"],
            },
            Self::Ds389 => Names {
                people: "(|(objectClass=inetOrgPerson)(objectClass=person))",
                groups: COMMON_GROUPS,
                id: "nsUniqueId",
                person_classes: &["inetorgperson", "organizationalperson", "person"],
            },
            Self::FreeIpa => Names {
                people: "(&(objectClass=person)(objectClass=posixAccount))",
                groups: "(|(objectClass=ipaUserGroup)(objectClass=groupOfNames))",
                id: "ipaUniqueID",
                person_classes: &["person"],
            },
        }
    }

    /// Finds the product from the attributes of the server's root entry.
    pub(super) fn detect(root: &dyn Fn(&str) -> Vec<String>) -> Option<Self> {
        /// Active Directory says what it is by this capability.
        const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
        let vendor = root("vendorName").join(" ") + &root("vendorVersion").join(" ");
        if root("supportedCapabilities").iter().any(|capability| capability == ACTIVE_DIRECTORY) {
            Some(Self::Ad)
        } else if !root("ipatopologypluginversion").is_empty() || !root("ipaDomainLevel").is_empty() {
            Some(Self::FreeIpa)
        } else if vendor.contains("389") {
            Some(Self::Ds389)
        } else if root("objectClass").iter().any(|class| class.eq_ignore_ascii_case("OpenLDAProotDSE")) {
            Some(Self::OpenLdap)
        } else {
            None
        }
    }
}

/// The text of a binary identity: a GUID as Active Directory shows it, else hexadecimal.
pub(super) fn identity(bytes: &[u8]) -> String {
    let hex = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match bytes {
        _ if bytes.len() == 16 => {
            let reversed = |part: &[u8]| part.iter().rev().copied().collect::<Vec<_>>();
            let (first, second, third) = (reversed(&bytes[..4]), reversed(&bytes[4..6]), reversed(&bytes[6..8]));
            format!("{}-{}-{}-{}-{}", hex(&first), hex(&second), hex(&third), hex(&bytes[8..10]), hex(&bytes[10..]))
        }
        _ => hex(bytes),
    }
}

/// The last part of a Windows security identifier: the number of a group or account in its domain.
pub(super) fn relative_id(sid: &[u8]) -> Option<u32> {
    let last: [u8; 4] = sid.get(sid.len().checked_sub(4)?..)?.try_into().ok()?;
    (sid.len() >= 12).then(|| u32::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_identities_have_the_text_that_people_know() {
        let guid = [0x04, 0x03, 0x02, 0x01, 0x06, 0x05, 0x08, 0x07, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(identity(&guid), "01020304-0506-0708-090a-0b0c0d0e0f10");
        assert_eq!(identity(&[1, 255]), "01ff");
        let sid = [1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x01, 0x02, 0, 0];
        assert_eq!((relative_id(&sid), relative_id(&[1, 2])), (Some(513), None));
    }

    #[test]
    fn products_are_found_by_their_root_entries() {
        let root = |pairs: &'static [(&str, &str)]| {
            move |name: &str| -> Vec<String> {
                pairs.iter().filter(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()).collect()
            }
        };
        let detect = |pairs| LdapPreset::detect(&root(pairs));
        assert_eq!(detect(&[("supportedCapabilities", "1.2.840.113556.1.4.800")]), Some(LdapPreset::Ad));
        assert_eq!(detect(&[("objectClass", "top"), ("objectClass", "OpenLDAProotDSE")]), Some(LdapPreset::OpenLdap));
        assert_eq!(detect(&[("vendorVersion", "389-Directory/2.4")]), Some(LdapPreset::Ds389));
        assert_eq!(
            detect(&[("vendorVersion", "389-Directory/2.4"), ("ipaDomainLevel", "1")]),
            Some(LdapPreset::FreeIpa)
        );
        assert_eq!(detect(&[("objectClass", "top")]), None);
    }
}
