//! DirSync, the control by which Active Directory tells what changed since a cookie.

use ldap3::{
    asn1::{PL, StructureTag, parse_tag},
    controls::{Control, RawControl},
};

/// The control.
const DIRSYNC: &str = "1.2.840.113556.1.4.841";

/// The flag by which no special right is needed: the answer holds what the user may see.
const OBJECT_SECURITY: u8 = 1;

/// The control that asks for this many bytes of changes since a cookie; an empty one for everything.
pub(super) fn request(cookie: &[u8], max_bytes: u32) -> RawControl {
    let parts = [tlv(2, &[OBJECT_SECURITY]), integer(max_bytes), tlv(4, cookie)];
    RawControl { ctype: DIRSYNC.to_owned(), crit: true, val: Some(tlv(0x30, &parts.concat())) }
}

/// What the server says after changes: whether there are more, and the cookie to ask with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) has_more: bool,
    pub(super) cookie: Vec<u8>,
}

/// The response among the controls of a result.
pub(super) fn response(controls: &[Control]) -> Option<Response> {
    let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == DIRSYNC)?;
    let (_, tag) = parse_tag(raw.val.as_deref()?).ok()?;
    let mut parts = match tag.payload {
        PL::C(parts) => parts.into_iter(),
        PL::P(_) => return None,
    };
    let more = primitive(parts.next()?)?;
    let _unused = parts.next()?;
    let cookie = primitive(parts.next()?).filter(|cookie| !cookie.is_empty())?;
    Some(Response { has_more: more.iter().any(|&byte| byte != 0), cookie })
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(value) => Some(value),
        PL::C(_) => None,
    }
}

fn integer(number: u32) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(number.to_be_bytes());
    // The shortest form that stays positive.
    while bytes.len() > 1 && bytes[0] == 0 && bytes[1] < 0x80 {
        bytes.remove(0);
    }
    tlv(2, &bytes)
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..=127) => bytes.push(short),
        _ => {
            bytes.push(0x80 + 8);
            bytes.extend((content.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_what_the_protocol_prescribes() {
        let control = request(b"ab", 1000);
        assert!(control.crit && control.ctype == DIRSYNC);
        assert_eq!(control.val.unwrap(), [0x30, 11, 2, 1, 1, 2, 2, 0x03, 0xe8, 4, 2, b'a', b'b']);
        assert_eq!((integer(0), integer(128)), (vec![2, 1, 0], vec![2, 2, 0, 128]));
        let long = request(&[7; 300], 1).val.unwrap();
        let (_, tag) = parse_tag(&long).unwrap();
        let PL::C(parts) = tag.payload else { panic!() };
        assert_eq!(primitive(parts.into_iter().nth(2).unwrap()).unwrap(), [7; 300]);
    }

    #[test]
    fn a_response_needs_a_cookie() {
        let control = |val: Option<Vec<u8>>| {
            response(&[Control(None, RawControl { ctype: DIRSYNC.to_owned(), crit: false, val })])
        };
        let whole = [0x30, 9, 2, 1, 1, 2, 1, 0, 4, 1, b'x'];
        assert_eq!(control(Some(whole.to_vec())), Some(Response { has_more: true, cookie: b"x".to_vec() }));
        assert_eq!(control(Some(vec![0x30, 8, 2, 1, 0, 2, 1, 0, 4, 0])), None);
        for bad in [None, Some(vec![]), Some(vec![4, 1, 0]), Some(vec![0x30, 3, 2, 1, 0]), Some(vec![0x30, 200])] {
            assert_eq!(control(bad.clone()), None, "{bad:?}");
        }
        assert_eq!(response(&[]), None);
    }
}
