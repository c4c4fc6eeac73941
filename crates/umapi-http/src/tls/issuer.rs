//! Who issued a certificate, read from its DER. Whatever cannot be read is left out.

use std::iter;

use der::{Decode as _, SliceReader, Tag, Tagged as _, asn1::AnyRef};

use super::certificate::{Issuer, printable};

/// `id-at-commonName` and `id-at-organizationName` in DER.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// The issuer of the first certificate, and of the last one that the server sent.
pub(super) fn of_chain(certificate: &[u8], last: Option<&[u8]>) -> Option<Issuer> {
    let names = Names::of(certificate)?;
    let name = names.issuer.describe()?;
    if names.issuer == names.subject {
        return Some(Issuer::Itself(name));
    }
    let top = last.and_then(Names::of).and_then(|last| last.issuer.describe()).filter(|top| *top != name);
    Some(Issuer::Other { name, top })
}

/// The names in a certificate.
struct Names<'a> {
    issuer: Name<'a>,
    subject: Name<'a>,
}

/// A name: a sequence of sets of attributes.
#[derive(PartialEq)]
struct Name<'a>(&'a [u8]);

impl<'a> Names<'a> {
    fn of(certificate: &'a [u8]) -> Option<Self> {
        let signed = values(AnyRef::from_der(certificate).ok()?.value()).next()?;
        // The version comes first, with a tag of its own. It is optional.
        let mut fields = values(signed.value()).skip_while(|field| field.tag().is_context_specific());
        let (_serial_number, _algorithm) = (fields.next()?, fields.next()?);
        let issuer = Name(fields.next()?.value());
        let _validity = fields.next()?;
        Some(Self { issuer, subject: Name(fields.next()?.value()) })
    }
}

impl Name<'_> {
    /// The common name in quotes and the organization, if there are any, or all that the name has. `None` if it has nothing.
    fn describe(&self) -> Option<String> {
        let attributes: Vec<(&[u8], String)> = values(self.0)
            .flat_map(|set| values(set.value()))
            .filter_map(|attribute| {
                let mut parts = values(attribute.value());
                Some((parts.next()?.value(), text_of(parts.next()?)?))
            })
            .collect();
        let find = |kind: &[u8]| attributes.iter().find(|(of, _)| *of == kind).map(|(_, text)| printable(text));
        match (find(COMMON_NAME), find(ORGANIZATION)) {
            (Some(common), Some(organization)) if common != organization => {
                Some(format!("\"{common}\" of {organization}"))
            }
            (Some(one), _) | (None, Some(one)) => Some(format!("\"{one}\"")),
            (None, None) if attributes.is_empty() => None,
            (None, None) => {
                let all: Vec<&str> = attributes.iter().map(|(_, text)| text.as_str()).collect();
                Some(format!("\"{}\"", printable(&all.join(", "))))
            }
        }
    }
}

/// The values that follow one another, up to the end or to one that is damaged.
fn values(content: &[u8]) -> impl Iterator<Item = AnyRef<'_>> {
    let mut reader = SliceReader::new(content).ok();
    iter::from_fn(move || AnyRef::decode(reader.as_mut()?).ok())
}

/// The text of an attribute in the encodings that certificates use.
fn text_of(value: AnyRef<'_>) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            Some(String::from_utf16_lossy(&units))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    /// A certificate that issued itself, with this name.
    fn certificate(name: &[(DnType, DnValue)]) -> Vec<u8> {
        let mut params = CertificateParams::new(["um.example".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in name {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn shown(name: &[(DnType, DnValue)]) -> Option<String> {
        match of_chain(&certificate(name), None)? {
            Issuer::Itself(name) => Some(name),
            Issuer::Other { .. } => panic!("not its own issuer"),
        }
    }

    #[test]
    fn a_name_is_read_in_every_encoding() {
        let bmp = DnValue::BmpString("Prüfung".try_into().unwrap());
        let teletex = DnValue::TeletexString("Inspect".try_into().unwrap());
        let printable = DnValue::PrintableString("Corp".try_into().unwrap());
        assert_eq!(shown(&[(DnType::CommonName, bmp)]).as_deref(), Some("\"Prüfung\""));
        assert_eq!(shown(&[(DnType::CommonName, teletex)]).as_deref(), Some("\"Inspect\""));
        assert_eq!(shown(&[(DnType::OrganizationName, printable)]).as_deref(), Some("\"Corp\""));
        let both = [(DnType::OrganizationName, "Corp".into()), (DnType::CommonName, "Inspect".into())];
        assert_eq!(shown(&both).as_deref(), Some("\"Inspect\" of Corp"));
    }

    #[test]
    fn a_name_without_the_usual_parts_is_shown_whole() {
        let other = [(DnType::CountryName, "CH".into()), (DnType::OrganizationalUnitName, "Proxy".into())];
        assert_eq!(shown(&other).as_deref(), Some("\"CH, Proxy\""));
        assert_eq!(shown(&[]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Wherever a certificate is cut or changed, reading it ends, and what is shown is short.
        #[test]
        fn a_damaged_certificate_is_read_as_far_as_it_goes(at in 0_usize..400, byte: u8, is_cut: bool) {
            static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| certificate(&[(DnType::CommonName, "Inspect".into())]));
            let mut der = WHOLE.clone();
            let at = at % der.len();
            if is_cut { der.truncate(at) } else { der[at] = byte }
            if let Some(Issuer::Itself(name) | Issuer::Other { name, .. }) = of_chain(&der, Some(&der)) {
                prop_assert!(name.chars().count() <= 210, "{}", name);
            }
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
            let _ = of_chain(&bytes, Some(&bytes));
        }
    }
}
