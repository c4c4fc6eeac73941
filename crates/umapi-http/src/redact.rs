//! Removing secrets from what a server sent back.
//!
//! A search for a secret tries, at every place of a text, all spellings of every byte at once: as it is, in the other case, and
//! escaped for a URL, a form, JSON, HTML or quoted-printable, also twice. Where a server folds long lines, it may continue on
//! the next line. Spellings that change all bytes, Base64 and hexadecimal, are searched for as secrets of their own.

use std::ops::Range;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use memchr::memmem;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

/// Replaces a secret.
const REDACTED: &str = "[redacted]";

/// The longest text that is kept, in characters.
const MAX_LENGTH: usize = 4096;

/// A shorter word that begins like a JWT is an ordinary word.
const MIN_TOKEN_LENGTH: usize = 20;

/// A shorter secret may be part of ordinary words, so it is only redacted as a whole word. Adobe's have 32 characters or more.
const MIN_LENGTH_ANYWHERE: usize = 8;

/// The length of the longest usual escape, in bytes.
const MAX_ESCAPE: usize = 7;

/// How often a text may have been escaped.
const MAX_ESCAPES: u8 = 3;

/// The steps that a search may take for each byte of a text, and in all. Only a text made to be ambiguous takes more; it is
/// redacted as a whole.
const MAX_STEPS: (usize, usize) = (16, 100_000);

/// The steps that an escape counts as.
const STEPS_OF_ESCAPE: usize = 16;

/// A longer success response is only searched for what contains the secret as it is, or escaped.
const MAX_FULL_SEARCH: usize = 16 * 1024;

/// The piece of a secret that is searched for first in long texts.
const MAX_PIECE: usize = 24;

/// Replaces the secrets in a text, in every spelling that an echo may have, and everything that looks like a JWT. The result
/// has at most 4,096 characters.
///
/// ```
/// let body = "client_secret=s8e-EXAMPLE is wrong";
/// assert_eq!(umapi_http::redact(body, &["s8e-EXAMPLE"]), "client_secret=[redacted] is wrong");
/// ```
pub fn redact(text: impl AsRef<[u8]>, secrets: &[&str]) -> String {
    let text = text.as_ref();
    let redacted = replace(text, &Search::new(secrets).find(text, true));
    String::from_utf8_lossy(redacted.as_deref().unwrap_or(text)).chars().take(MAX_LENGTH).collect()
}

/// Replaces the secrets in the body of a success response, which is kept whole. Returns `None` if it contains none. Secrets that
/// are too short to be told from ordinary words are left alone.
///
/// A body of more than 16 KiB, such as a page of users, is searched for the secrets as they are, or escaped.
pub fn redact_success(body: &[u8], secrets: &[&str]) -> Option<Vec<u8>> {
    // No spelling is shorter than the secret.
    let fits = |secret: &&str| (MIN_LENGTH_ANYWHERE..=body.len()).contains(&secret.len());
    let secrets: Vec<_> = secrets.iter().copied().filter(fits).collect();
    if secrets.is_empty() {
        return None;
    }
    if body.len() > MAX_FULL_SEARCH && !secrets.iter().any(|secret| may_contain(body, secret)) {
        return None;
    }
    replace(body, &Search::new(&secrets).find(body, false))
}

/// Replaces the secrets in the headers of a response.
pub fn redact_headers(headers: &mut HeaderMap, secrets: &[&str]) {
    let shortest = secrets.iter().map(|secret| secret.len()).min().unwrap_or(usize::MAX);
    for value in headers.values_mut() {
        // Most headers are shorter than any secret.
        if value.len() < shortest && memmem::find(value.as_bytes(), b"eyJ").is_none() {
            continue;
        }
        let redacted = redact(value.as_bytes(), secrets);
        if redacted.as_bytes() != value.as_bytes() {
            *value = HeaderValue::try_from(redacted).unwrap_or(HeaderValue::from_static(REDACTED));
        }
    }
}

/// Whether a text may contain a secret as it is, or escaped. No escape changes letters and digits.
fn may_contain(text: &[u8], secret: &str) -> bool {
    let pieces = secret.split(|c: char| !c.is_ascii_alphanumeric());
    let piece = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
    memmem::find(text, &piece.as_bytes()[..piece.len().min(MAX_PIECE)]).is_some()
}

fn replace(text: &[u8], found: &[Range<usize>]) -> Option<Vec<u8>> {
    if found.is_empty() {
        return None;
    }
    let mut kept = Vec::with_capacity(text.len());
    let mut rest = 0;
    for range in found {
        // What continues another one needs no mark of its own.
        if range.start > rest || rest == 0 {
            kept.extend_from_slice(&text[rest..range.start.max(rest)]);
            kept.extend_from_slice(REDACTED.as_bytes());
        }
        rest = rest.max(range.end);
    }
    kept.extend_from_slice(&text[rest..]);
    Some(kept)
}

/// What is searched for.
struct Search {
    needles: Vec<Needle>,
    /// The bytes that a spelling of a needle may begin with.
    starts: [bool; 256],
}

struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    kind: NeedleKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NeedleKind {
    Text,
    /// Shorter than a secret should be.
    Word,
    /// The part of a Base64 text that depends on nothing but the secret.
    Base64,
}

impl Search {
    fn new(secrets: &[&str]) -> Self {
        let mut search = Self { needles: Vec::new(), starts: [false; 256] };
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            let is_short = secret.len() < MIN_LENGTH_ANYWHERE;
            search.add(secret.as_bytes().to_vec(), if is_short { NeedleKind::Word } else { NeedleKind::Text });
            search.add_encoded(secret.as_bytes());
            // The client id and secret of a Basic login are form-encoded first.
            let form: Zeroizing<String> =
                Zeroizing::new(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
            let percent = Zeroizing::new(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
            for encoded in [form, percent] {
                if encoded.as_str() != *secret {
                    search.add_encoded(encoded.as_bytes());
                }
            }
        }
        search
    }

    /// Adds the Base64 text, wherever in a longer text the secret begins, and the hexadecimal digits.
    fn add_encoded(&mut self, secret: &[u8]) {
        for shift in 0..3 {
            let mut shifted = Zeroizing::new(vec![0; shift]);
            shifted.extend_from_slice(secret);
            let encoded = Zeroizing::new(BASE64_STANDARD.encode(&*shifted));
            // The digits that depend on the bytes before it and after it.
            let first = (shift * 8).div_ceil(6);
            let last = shifted.len() * 8 / 6;
            if last >= first + MIN_LENGTH_ANYWHERE {
                self.add(encoded.as_bytes()[first..last].to_vec(), NeedleKind::Base64);
            }
        }
        if secret.len() * 2 >= MIN_LENGTH_ANYWHERE {
            let digits = secret.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16).map(|digit| digit as u8));
            self.add(digits.collect(), NeedleKind::Text);
        }
    }

    fn add(&mut self, bytes: Vec<u8>, kind: NeedleKind) {
        let needle = Needle { bytes: Zeroizing::new(bytes), kind };
        if self.needles.iter().any(|other| other.bytes == needle.bytes) {
            return;
        }
        for byte in 0..=u8::MAX {
            let is_start =
                is_introducer(byte) || needle.bytes.first().is_some_and(|first| needle.is_same(*first, byte));
            self.starts[usize::from(byte)] |= is_start;
        }
        self.needles.push(needle);
    }

    /// Finds the secrets, and everything that looks like a JWT if asked. The ranges are in order; they may overlap.
    fn find(&self, text: &[u8], with_tokens: bool) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        let mut steps = MAX_STEPS.1 + text.len() * MAX_STEPS.0;
        while at < text.len() {
            let is_start = self.starts[usize::from(text[at])];
            let secret = if is_start { self.find_at(text, at, &mut steps) } else { None };
            if steps == 0 {
                return std::iter::once(0..text.len()).collect();
            }
            let token = if with_tokens { token_at(text, at) } else { None };
            let longest = secret.into_iter().chain(token).max_by_key(|range| range.end);
            at = match longest {
                Some(range) => {
                    let end = range.end;
                    found.push(range);
                    end.max(at + 1)
                }
                None => at + 1,
            };
        }
        found
    }

    fn find_at(&self, text: &[u8], at: usize, steps: &mut usize) -> Option<Range<usize>> {
        let found = self.needles.iter().filter_map(|needle| needle.find_at(text, at, steps));
        found.max_by_key(|range| range.end)
    }
}

impl Needle {
    /// The whole range to replace if a spelling of the needle begins here.
    fn find_at(&self, text: &[u8], start: usize, steps: &mut usize) -> Option<Range<usize>> {
        let end = self.end(text, start, steps)?;
        match self.kind {
            NeedleKind::Text => Some(start..end),
            NeedleKind::Word => {
                let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| is_of_word(*byte));
                let before = start.checked_sub(1).and_then(|before| text.get(before));
                (!is_word(before) && !is_word(text.get(end))).then_some(start..end)
            }
            NeedleKind::Base64 => {
                let before = text[..start].iter().rev().take_while(|byte| is_base64(**byte)).count();
                let after = text[end..].iter().take_while(|byte| is_base64(**byte)).count();
                Some(start - before..end + after)
            }
        }
    }

    /// The end of a spelling that begins here. A text that breaks off in the middle of the secret ends one too.
    fn end(&self, text: &[u8], start: usize, steps: &mut usize) -> Option<usize> {
        // What is left to try: how many bytes of the needle are found, the place in the text, and whether a line has ended.
        let mut open = vec![(0, start, false)];
        let mut is_cut = false;
        while let Some((mut done, mut at, mut is_new_line)) = open.pop() {
            loop {
                if done == self.bytes.len() {
                    return Some(at);
                }
                let Some(&byte) = text.get(at) else {
                    if done >= MIN_LENGTH_ANYWHERE {
                        return Some(at);
                    }
                    break;
                };
                *steps = steps.saturating_sub(if is_introducer(byte) { STEPS_OF_ESCAPE } else { 1 });
                if *steps == 0 {
                    return None;
                }
                if is_introducer(byte) {
                    // The escape itself may be cut.
                    if done >= MIN_LENGTH_ANYWHERE && text.len() - at < MAX_ESCAPE {
                        is_cut = true;
                    }
                    for (unit, next) in units(text, at, MAX_ESCAPES) {
                        if done > 0 && (unit.is_line_break() || (is_new_line && unit.is_blank())) {
                            open.push((done, next, true));
                        }
                        if let Some(length) = self.matches(done, &unit) {
                            open.push((done + length, next, false));
                        }
                    }
                    // The soft line break of quoted-printable.
                    if byte == b'=' && done > 0 && text.get(at + 1).is_some_and(|next| matches!(next, b'\r' | b'\n')) {
                        open.push((done, at + 1, true));
                    }
                }
                if done > 0 && (matches!(byte, b'\r' | b'\n') || (is_new_line && matches!(byte, b' ' | b'\t'))) {
                    open.push((done, at + 1, true));
                }
                if !self.is_same(self.bytes[done], byte) {
                    break;
                }
                (done, at, is_new_line) = (done + 1, at + 1, false);
            }
        }
        is_cut.then_some(text.len())
    }

    /// How many bytes of the needle a unit of the text is.
    fn matches(&self, done: usize, unit: &Unit) -> Option<usize> {
        let mut buffer = [0; 4];
        let bytes = match unit {
            Unit::Byte(byte) => &[*byte][..],
            Unit::Char(c) => c.encode_utf8(&mut buffer).as_bytes(),
        };
        let rest = self.bytes.get(done..done + bytes.len())?;
        rest.iter().zip(bytes).all(|(ours, theirs)| self.is_same(*ours, *theirs)).then_some(bytes.len())
    }

    /// Whether a byte of the needle may be written so, apart from escapes.
    fn is_same(&self, ours: u8, theirs: u8) -> bool {
        ours.eq_ignore_ascii_case(&theirs)
            || match self.kind {
                // The alphabet of URLs.
                NeedleKind::Base64 => matches!((ours, theirs), (b'+', b'-') | (b'/', b'_')),
                // Forms write a blank as a plus.
                NeedleKind::Text | NeedleKind::Word => (ours, theirs) == (b' ', b'+'),
            }
    }
}

/// What an escape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Byte(u8),
    Char(char),
}

impl Unit {
    fn is(self, byte: u8) -> bool {
        self == Self::Byte(byte) || self == Self::Char(char::from(byte)) && byte.is_ascii()
    }

    fn is_line_break(self) -> bool {
        self.is(b'\n') || self.is(b'\r')
    }

    fn is_blank(self) -> bool {
        self.is(b' ') || self.is(b'\t')
    }
}

/// Whether a byte begins an escape.
fn is_introducer(byte: u8) -> bool {
    matches!(byte, b'%' | b'=' | b'\\' | b'&')
}

/// Everything that the escapes at a place may stand for, with the place after each, without the byte itself. `depth` is how
/// often the text may have been escaped.
fn units(text: &[u8], at: usize, depth: u8) -> Vec<(Unit, usize)> {
    let mut found = Vec::new();
    if depth == 0 || !text.get(at).is_some_and(|byte| is_introducer(*byte)) {
        return found;
    }
    for (introducer, next) in read(text, at, depth - 1) {
        if introducer.is(b'%') || introducer.is(b'=') {
            let code = number(text, next, 2, 16, depth - 1);
            found.extend(code.and_then(|(code, next)| Some((Unit::Byte(u8::try_from(code).ok()?), next))));
        } else if introducer.is(b'\\') {
            backslash(text, next, depth - 1, &mut found);
        } else if introducer.is(b'&') {
            entity(text, next, depth - 1, &mut found);
        }
    }
    found
}

/// The byte at a place, and everything that its escapes may stand for.
fn read(text: &[u8], at: usize, depth: u8) -> Vec<(Unit, usize)> {
    let mut found = units(text, at, depth);
    found.extend(text.get(at).map(|byte| (Unit::Byte(*byte), at + 1)));
    found
}

/// What follows a backslash in JSON and its relatives.
fn backslash(text: &[u8], at: usize, depth: u8, found: &mut Vec<(Unit, usize)>) {
    for (kind, next) in read(text, at, depth) {
        let Unit::Byte(byte) = kind else { continue };
        match byte {
            b'n' => found.push((Unit::Byte(b'\n'), next)),
            b'r' => found.push((Unit::Byte(b'\r'), next)),
            b't' => found.push((Unit::Byte(b'\t'), next)),
            b'u' | b'U' => found.extend(code_unit(text, next, depth)),
            b'x' | b'X' => {
                let code = number(text, next, 2, 16, depth);
                found.extend(code.and_then(|(code, next)| Some((Unit::Char(char::from_u32(code)?), next))));
            }
            byte if !byte.is_ascii_alphanumeric() => found.push((Unit::Byte(byte), next)),
            _ => {}
        }
    }
}

/// The four digits after `\u`, and those of a second one if both are one character.
fn code_unit(text: &[u8], at: usize, depth: u8) -> Option<(Unit, usize)> {
    let (first, next) = number(text, at, 4, 16, depth)?;
    if let Some(c) = char::from_u32(first) {
        return Some((Unit::Char(c), next));
    }
    let (_, next) = read(text, next, depth).into_iter().find(|(unit, _)| unit.is(b'\\'))?;
    let (_, next) = alphanumeric(text, next, depth).filter(|(letter, _)| letter.eq_ignore_ascii_case(&b'u'))?;
    let (second, next) = number(text, next, 4, 16, depth)?;
    let both = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let c = char::decode_utf16(both).next()?.ok()?;
    Some((Unit::Char(c), next))
}

/// What follows an ampersand in HTML and XML.
fn entity(text: &[u8], at: usize, depth: u8, found: &mut Vec<(Unit, usize)>) {
    const NAMES: [(&[u8], char); 12] = [
        (b"amp", '&'),
        (b"lt", '<'),
        (b"gt", '>'),
        (b"quot", '"'),
        (b"apos", '\''),
        (b"sol", '/'),
        (b"plus", '+'),
        (b"equals", '='),
        (b"percnt", '%'),
        (b"num", '#'),
        (b"colon", ':'),
        (b"commat", '@'),
    ];
    let mut add = |unit: char, next: usize| {
        let closed = read(text, next, depth).into_iter().find(|(end, _)| end.is(b';'));
        found.push((Unit::Char(unit), closed.map_or(next, |(_, next)| next)));
    };
    for (name, unit) in NAMES {
        let letters = name.iter().try_fold(at, |at, letter| {
            alphanumeric(text, at, depth).filter(|(read, _)| read.eq_ignore_ascii_case(letter)).map(|(_, next)| next)
        });
        if let Some(next) = letters {
            add(unit, next);
        }
    }
    for (_, next) in read(text, at, depth).into_iter().filter(|(unit, _)| unit.is(b'#')) {
        let (digits, radix) = match alphanumeric(text, next, depth) {
            Some((b'x' | b'X', next)) => (next, 16),
            _ => (next, 10),
        };
        // The longest number that is there.
        let longest = (1..=7).rev().find_map(|length| number(text, digits, length, radix, depth));
        if let Some((code, next)) = longest
            && let Some(unit) = char::from_u32(code)
        {
            add(unit, next);
        }
    }
}

/// A number of so many digits.
fn number(text: &[u8], at: usize, digits: usize, radix: u32, depth: u8) -> Option<(u32, usize)> {
    (0..digits).try_fold((0_u32, at), |(number, at), _| {
        let (digit, next) = alphanumeric(text, at, depth)?;
        Some((number.checked_mul(radix)?.checked_add(char::from(digit).to_digit(radix)?)?, next))
    })
}

/// The letter or digit at a place, which may be escaped, though hardly any server does so.
fn alphanumeric(text: &[u8], at: usize, depth: u8) -> Option<(u8, usize)> {
    let byte = *text.get(at)?;
    if byte.is_ascii_alphanumeric() {
        return Some((byte, at + 1));
    }
    let ascii = |unit| match unit {
        Unit::Byte(byte) => Some(byte),
        Unit::Char(c) => u8::try_from(c).ok(),
    };
    let found = units(text, at, depth).into_iter().filter_map(|(unit, next)| Some((ascii(unit)?, next)));
    found.into_iter().find(|(byte, _)| byte.is_ascii_alphanumeric())
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// A JWT that begins here. All begin with `{"` in Base64, and their first part is long.
fn token_at(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..).filter(|rest| rest.starts_with(b"eyJ"))?;
    let is_of_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_token = rest.iter().take_while(is_of_part).count() >= MIN_TOKEN_LENGTH;
    is_token.then(|| at..at + rest.iter().take_while(|byte| is_of_part(byte) || **byte == b'.').count())
}

#[cfg(test)]
mod tests;
