//! Pseudonyms: the same for the same value, of the same kind, and nothing that leads back to the value.
//!
//! A pseudonym is made of letters that a keyed hash (SipHash-2-4 with 128 bits of output) gives for the value. The key is random,
//! is made for one recording, and is never written. Processes that write one recording get it from outside. Pseudonyms are
//! not stored in a table, so a recorder needs no memory for what it has seen.
//!
//! What may matter to the service survives: letter case, punctuation, blanks and invisible characters, the script and the
//! normalization of other letters, digits, and a length above 32 characters. No three characters of a value follow each other in
//! its pseudonym, other than by chance and in the label, which says what the pseudonym stands for and is the same for all values.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher24};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Letters that form no words.
const LETTERS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";

/// The length of a usual pseudonym: 51 bits of the hash.
const CORE: usize = 12;

/// The length of the part for one label of a domain. An address has at most 60 characters.
const LABEL: usize = 7;

/// A value longer than this keeps its length, in characters.
const LONG: usize = 32;

/// The longest pseudonym, in characters.
const MAX_LENGTH: usize = 1000;

/// How many characters other than letters and digits are carried over.
const MAX_CARRIED: usize = 6;

/// The names of groups that are the same in all organizations.
const KNOWN_GROUPS: &[&str] =
    &["_org_admin", "_support_admin", "_deployment_admin", "_compartment_admin", "_compartment_viewer"];

/// What administrative groups begin with; the rest is the name of another group or product.
const GROUP_PREFIXES: &[&str] = &["_admin_", "_product_admin_", "_developer_"];

/// What ids end with.
const ID_SUFFIXES: &[&str] = &["@AdobeOrg", "@AdobeID", "@techacct.adobe.com"];

/// Country codes that stand for others.
const COUNTRIES: &[&str] =
    &["AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IT", "JP", "NL", "NO", "PL", "SE", "US"];

/// A word that says what a pseudonym stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    User,
    Name,
    Group,
    Text,
    Word,
    Request,
    Key,
}

impl Label {
    fn text(self) -> &'static str {
        match self {
            Self::User => "user-",
            Self::Name => "name-",
            Self::Group => "group-",
            Self::Text => "text-",
            Self::Word => "word-",
            Self::Request => "request-",
            Self::Key => "key-",
        }
    }
}

/// Makes the pseudonyms of one recording.
pub(crate) struct Pseudonyms {
    key: [u8; 16],
}

impl Pseudonyms {
    /// Takes a new random key.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(Self { key })
    }

    /// Takes the key of a recording that several processes write.
    pub(crate) fn of_key(key: [u8; 16]) -> Self {
        Self { key }
    }

    #[cfg(test)]
    pub(crate) fn with_key(key: u8) -> Self {
        Self { key: [key; 16] }
    }

    /// A pseudonym for a name: of a person, a group, or anything else.
    pub(crate) fn name(&self, label: Label, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        if value.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.digits(value);
        }
        self.build(label.text(), CORE, value, true)
    }

    /// A pseudonym for an address, or for a username without `@`.
    pub(crate) fn user(&self, value: &str) -> String {
        match value.rsplit_once('@') {
            Some((local, domain)) => format!("{}@{}", self.name(Label::User, local), self.domain(domain)),
            None => self.name(Label::User, value),
        }
    }

    /// A pseudonym for a domain: with as many labels, below `example`. A parent domain has the end of the pseudonym of its child.
    pub(crate) fn domain(&self, value: &str) -> String {
        if value.eq_ignore_ascii_case("AdobeID") {
            return value.to_owned();
        }
        let inner = value.trim_matches(is_carried_outside);
        let (before, after) = outside(value, inner);
        let labels: Vec<&str> = inner.split('.').collect();
        let mut shown = Vec::new();
        for (index, label) in labels.iter().enumerate() {
            let is_last = index + 1 == labels.len() && index > 0;
            let of_case = |text: &str| if is_all_upper(inner) { text.to_uppercase() } else { text.to_owned() };
            shown.push(match *label {
                "" => String::new(),
                _ if is_last => of_case("example"),
                label => {
                    // The label within its domain, with the carried characters of the label alone.
                    let scope = labels[index + 1..].join(".").to_lowercase();
                    self.build_in("d", LABEL, label, false, &scope)
                }
            });
        }
        format!("{before}{}{after}", shown.join("."))
    }

    /// A pseudonym for the name of a group. Names that are the same in all organizations are kept.
    pub(crate) fn group(&self, value: &str) -> String {
        if KNOWN_GROUPS.iter().any(|known| value.eq_ignore_ascii_case(known)) {
            return value.to_owned();
        }
        for prefix in GROUP_PREFIXES {
            if let Some(start) = value.get(..prefix.len())
                && start.eq_ignore_ascii_case(prefix)
            {
                return format!("{start}{}", self.name(Label::Group, &value[prefix.len()..]));
            }
        }
        // A name that begins with an underscore is a special one.
        match value.strip_prefix('_') {
            Some(rest) => format!("_{}", self.name(Label::Group, rest)),
            None => self.name(Label::Group, value),
        }
    }

    /// A pseudonym for a country: another country. The code for "undefined", and what is not a code, stay recognizable.
    pub(crate) fn country(&self, value: &str) -> String {
        let is_code = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
        if value.eq_ignore_ascii_case("UD") {
            return value.to_owned();
        }
        if !is_code {
            return self.name(Label::Text, value);
        }
        let index = self.hash(&value.to_uppercase(), 0) % COUNTRIES.len() as u128;
        let other = COUNTRIES[index as usize];
        if value.bytes().all(|byte| byte.is_ascii_lowercase()) { other.to_lowercase() } else { other.to_owned() }
    }

    /// A pseudonym for an id of a machine: of the same shape, character by character.
    pub(crate) fn id(&self, value: &str) -> String {
        for suffix in ID_SUFFIXES {
            if let Some(start) = value.len().checked_sub(suffix.len())
                && let Some(end) = value.get(start..)
                && end.eq_ignore_ascii_case(suffix)
            {
                return format!("{}{end}", self.shape(&value[..start]));
            }
        }
        self.shape(value)
    }

    /// A pseudonym for a number: with as many digits.
    pub(crate) fn digits(&self, value: &str) -> String {
        self.shape(value)
    }

    /// Replaces each letter by a letter and each digit by a digit, in the same case; hexadecimal digits stay hexadecimal.
    fn shape(&self, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        let folded = value.to_ascii_lowercase();
        let is_hexadecimal = value.chars().all(|c| !c.is_ascii_alphabetic() || c.is_ascii_hexdigit());
        for round in 0.. {
            let mut stream = Stream::new(self, &folded, 1000 + round);
            let mut run = Run::default();
            let mut shown = String::with_capacity(value.len());
            for (index, c) in value.chars().take(MAX_LENGTH).enumerate() {
                let replaced = match c {
                    '0'..='9' => {
                        run.end(char::from(b'0' + if index == 0 { 1 + stream.below(9) } else { stream.below(10) }))
                    }
                    'a'..='z' if is_hexadecimal => run.end(char::from(b"abcdef"[usize::from(stream.below(6))])),
                    'A'..='Z' if is_hexadecimal => run.end(char::from(b"ABCDEF"[usize::from(stream.below(6))])),
                    'a'..='z' => run.end(stream.letter()),
                    'A'..='Z' => run.end(stream.letter().to_ascii_uppercase()),
                    _ => run.take(c),
                };
                shown.extend(replaced);
            }
            // A short value may meet itself, or a part of itself.
            if round == 50 || !shares_three(&folded, &shown.to_ascii_lowercase()) {
                return shown;
            }
        }
        String::new()
    }

    /// `is_long` says whether a long value keeps its length.
    fn build(&self, label: &str, length: usize, value: &str, is_long: bool) -> String {
        self.build_in(label, length, value, is_long, "")
    }

    fn build_in(&self, label: &str, length: usize, value: &str, is_long: bool, scope: &str) -> String {
        let inner = value.trim_matches(is_carried_outside);
        let (before, after) = outside(value, inner);
        let folded = fold(inner);
        let key = if scope.is_empty() { folded } else { format!("{folded}\u{0}.{scope}") };
        let mut stream = Stream::new(self, &key, 0);
        let core: String = (0..length).map(|_| stream.letter()).collect();
        let mut shown = self.in_case_of(inner, &format!("{label}{core}"));
        for one in carried(inner) {
            // A letter between two of them, so that no three of the value follow each other.
            shown.push_str(&one);
            shown.push(stream.letter());
        }
        let wanted = inner.chars().count().min(MAX_LENGTH);
        if is_long && wanted > LONG {
            let mut now = shown.chars().count();
            while now < wanted {
                shown.push(stream.letter());
                now += 1;
            }
        }
        format!("{before}{shown}{after}")
    }

    /// Gives a pseudonym the letter case of a value: small, capital, with an initial, or mixed, which is kept apart from every
    /// other mixed spelling.
    fn in_case_of(&self, value: &str, pseudonym: &str) -> String {
        let has_lower = value.chars().any(char::is_lowercase);
        let has_upper = value.chars().any(char::is_uppercase);
        let mut letters = value.chars().filter(|c| c.is_alphabetic());
        let starts_upper = letters.next().is_some_and(char::is_uppercase);
        match (has_lower, has_upper) {
            (_, false) => pseudonym.to_owned(),
            (false, true) => pseudonym.to_ascii_uppercase(),
            (true, true) if starts_upper && !letters.any(char::is_uppercase) => {
                let mut shown = pseudonym.to_owned();
                if let Some(first) = shown.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                shown
            }
            (true, true) => {
                let bits = self.hash(&value.nfc().collect::<String>(), 2) | 2;
                let upper = |index: usize| bits >> (index % 128) & 1 == 1;
                let letters = pseudonym.chars().enumerate();
                letters.map(|(index, c)| if upper(index) { c.to_ascii_uppercase() } else { c }).collect()
            }
        }
    }

    pub(crate) fn hash(&self, value: &str, purpose: u64) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(purpose);
        hasher.write(value.as_bytes());
        hasher.finish128().as_u128()
    }
}

/// Letters and digits that follow from a value and the key.
struct Stream<'a> {
    pseudonyms: &'a Pseudonyms,
    value: &'a str,
    purpose: u64,
    round: u64,
    left: u128,
    /// How often `left` can still be divided by 20.
    uses: u32,
}

impl<'a> Stream<'a> {
    fn new(pseudonyms: &'a Pseudonyms, value: &'a str, purpose: u64) -> Self {
        Self { pseudonyms, value, purpose, round: 0, left: 0, uses: 0 }
    }

    fn below(&mut self, limit: u8) -> u8 {
        if self.uses == 0 {
            self.left = self.pseudonyms.hash(self.value, self.purpose.wrapping_add(self.round << 32));
            self.round += 1;
            // 24 divisions by 20 use up 104 of 128 bits, which keeps every value equally likely.
            self.uses = 24;
        }
        self.uses -= 1;
        let limit = u128::from(limit);
        let value = self.left % limit;
        self.left /= limit;
        value as u8
    }

    fn letter(&mut self) -> char {
        char::from(LETTERS[usize::from(self.below(20))])
    }
}

/// Text that two spellings of a name have in common: without letter case, normalization, blanks and invisible characters.
fn fold(value: &str) -> String {
    let visible = value.chars().filter(|c| !is_invisible(*c) && !c.is_whitespace());
    visible.collect::<String>().to_lowercase().nfc().collect()
}

/// Whether two texts have three characters in a row in common, or are short and equal.
fn shares_three(value: &str, shown: &str) -> bool {
    let has_content = |piece: &str| piece.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if value.len() < 3 {
        return value == shown && has_content(value) && value.len() > 1;
    }
    let windows = value.char_indices().filter_map(|(start, _)| {
        let end = value[start..].char_indices().nth(2).map(|(at, c)| start + at + c.len_utf8())?;
        value.get(start..end)
    });
    windows.filter(|piece| has_content(piece)).any(|piece| shown.contains(piece))
}

/// Blanks and invisible characters around a value, at most two on each side.
fn outside<'v>(value: &'v str, inner: &str) -> (String, String) {
    let start = inner.as_ptr() as usize - value.as_ptr() as usize;
    let (before, after): (&'v str, &'v str) = (&value[..start], &value[start + inner.len()..]);
    (before.chars().take(2).collect(), after.chars().take(2).collect())
}

fn is_carried_outside(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Control characters, marks of writing direction, joiners, and other characters without a shape.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
}

fn is_all_upper(value: &str) -> bool {
    value.chars().any(char::is_uppercase) && !value.chars().any(char::is_lowercase)
}

/// A run of one character other than a letter or a digit.
#[derive(Default)]
struct Run {
    of: Option<char>,
    length: usize,
}

impl Run {
    /// A letter or a digit ends the run.
    fn end(&mut self, c: char) -> Option<char> {
        *self = Self::default();
        Some(c)
    }

    /// A character of an id: punctuation stays, anything else becomes an underscore, and no three of them follow each other.
    fn take(&mut self, c: char) -> Option<char> {
        let kept = if matches!(c, '-' | '.' | ':' | '_' | '@' | '+' | '/') { c } else { '_' };
        self.length = if self.of == Some(kept) { self.length + 1 } else { 1 };
        self.of = Some(kept);
        (self.length <= 2).then_some(kept)
    }
}

/// What a pseudonym takes over from a value: each kind of character once, a doubled blank twice, in the order of the value.
fn carried(value: &str) -> Vec<String> {
    let is_composed = is_nfc(value);
    let mut found: Vec<String> = Vec::new();
    let mut previous = None;
    for c in value.chars() {
        let carried = match c {
            '0'..='9' => Some("7".to_owned()),
            'a'..='z' | 'A'..='Z' => None,
            // Letters that change their length or their identity with their case or normalization.
            'ß' | 'ẞ' | 'ı' | 'İ' | 'ſ' | 'ς' | '\u{212a}' | '\u{212b}' => Some(c.to_string()),
            _ if c.is_whitespace() || is_invisible(c) || c.is_ascii_punctuation() => Some(c.to_string()),
            _ => Some(script(c, is_composed).to_owned()),
        };
        if let Some(carried) = carried
            && found.len() < MAX_CARRIED
        {
            let times = found.iter().filter(|one| **one == carried).count();
            let is_doubled = c.is_whitespace() && previous == Some(c) && times == 1;
            if times == 0 || is_doubled {
                found.push(carried);
            }
        }
        previous = Some(c);
    }
    found
}

/// A letter that stands for all letters of a script.
fn script(c: char, is_composed: bool) -> &'static str {
    match c {
        '\u{300}'..='\u{36f}' if !is_composed => "e\u{301}",
        '\u{300}'..='\u{36f}' => "q\u{307}",
        '\u{80}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' if c.is_alphabetic() => "é",
        '\u{370}'..='\u{3ff}' => "ω",
        '\u{400}'..='\u{52f}' => "ж",
        '\u{590}'..='\u{5ff}' => "א",
        '\u{600}'..='\u{77f}' => "ع",
        '\u{900}'..='\u{97f}' => "अ",
        '\u{e00}'..='\u{e7f}' => "ก",
        '\u{3040}'..='\u{30ff}' => "あ",
        '\u{ac00}'..='\u{d7af}' => "가",
        '\u{3400}'..='\u{9fff}' => "字",
        '\u{1f000}'..='\u{1faff}' => "😀",
        '\u{10000}'..='\u{10ffff}' => "𠀀",
        _ if c.is_alphabetic() => "ʘ",
        _ => "§",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::with_key(7)
    }

    #[test]
    fn equal_values_are_equal_and_others_are_not() {
        let p = pseudonyms();
        assert_eq!(p.user("jdoe@corp.com"), p.user("jdoe@corp.com"));
        assert_ne!(p.user("jdoe@corp.com"), p.user("jdoe@corp.org"));
        assert_ne!(p.user("jdoe@corp.com"), Pseudonyms::with_key(8).user("jdoe@corp.com"));
        let (address, domain) = (p.user("jdoe@corp.com"), p.domain("corp.com"));
        assert!(address.ends_with(&format!("@{domain}")) && domain.ends_with(".example"), "{address} {domain}");
        assert!(p.domain("eu.corp.com").ends_with(&domain));
        assert_eq!(p.group("_admin_Design"), format!("_admin_{}", p.group("Design")));
        assert_eq!(p.group("_org_admin"), "_org_admin");
    }

    #[test]
    fn letter_case_is_kept() {
        let p = pseudonyms();
        let [small, capital, initial, mixed, other] =
            ["design", "DESIGN", "Design", "dEsiGn", "deSign"].map(|name| p.group(name));
        assert_eq!(small, small.to_lowercase());
        assert_eq!(capital, small.to_uppercase());
        assert!(initial.starts_with('G') && initial.to_lowercase() == small, "{initial}");
        assert!(mixed != other && mixed.to_lowercase() == small && other.to_lowercase() == small, "{mixed} {other}");
        assert!(p.user("JDOE@CORP.COM").ends_with(".EXAMPLE"));
        assert_eq!(p.user("JDOE@CORP.COM").to_lowercase(), p.user("jdoe@corp.com"));
    }

    #[test]
    fn odd_characters_are_kept_and_stay_apart() {
        let p = pseudonyms();
        assert!(p.group("R&D / 50 %").contains('&') && p.group("R&D / 50 %").contains('%'));
        assert!(p.name(Label::Name, "Zoë").contains('é'));
        assert!(p.name(Label::Name, "Zoe\u{308}").contains("e\u{301}"));
        assert!(p.user("ann\u{200b}@corp.com").contains('\u{200b}'));
        assert!(p.user("ann@corp.com\u{feff}").ends_with('\u{feff}'));
        assert!(p.name(Label::Name, " Ann").starts_with(" N"));
        assert!(p.group("a  b").matches(' ').count() == 2 && p.group("a b").matches(' ').count() == 1);
        assert!(p.name(Label::Name, "Straße").contains('ß'));
        assert!(p.group("设计").contains('字'));
        assert_eq!(p.group(&"x".repeat(256)).chars().count(), 256);
        assert_eq!(p.name(Label::Name, ""), "");
    }

    #[test]
    fn ids_keep_their_shape() {
        let p = pseudonyms();
        let id = p.id("A1B2C3D4E5F6@AdobeOrg");
        assert!(id.ends_with("@AdobeOrg") && id[..12].bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let number = p.digits("40000001");
        assert!(number.len() == 8 && number.parse::<u64>().is_ok() && !number.starts_with('0'), "{number}");
        let uuid = p.id("7f3c1d0a-5b6c-4d7e-8f90-a1b2c3d4e5f6");
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(p.country("UD"), "UD");
        assert_eq!(p.country("de").len(), 2);
    }

    /// A label is the same for all values, so what it shares with one of them says nothing.
    fn without_label(shown: &str) -> String {
        [Label::Name, Label::Group, Label::User]
            .iter()
            .fold(shown.to_owned(), |text, label| text.replacen(label.text(), "|", 1))
    }

    #[test]
    fn a_label_after_blanks_is_no_part_of_the_value() {
        let shown = pseudonyms().user("\u{200b}\u{200b}u");
        assert!(without_label(&shown).starts_with("\u{200b}\u{200b}|"), "{shown:?}");
    }

    proptest! {
        #[test]
        fn no_three_characters_of_a_value_survive(value in "[aeiou0-9!?#' \u{200b}é-]{3,40}") {
            let p = pseudonyms();
            let windows: Vec<String> = value.chars().collect::<Vec<_>>().windows(3)
                .map(|window| window.iter().collect::<String>()).collect();
            for shown in [p.name(Label::Name, &value), p.group(&value), p.user(&value), p.domain(&value)] {
                let shown = without_label(&shown);
                for window in &windows {
                    let is_blank = window.chars().all(is_carried_outside);
                    prop_assert!(is_blank || !shown.contains(window.as_str()), "{value:?} {shown:?} {window:?}");
                }
            }
        }

        #[test]
        fn a_pseudonym_never_panics_and_is_bounded(value in ".{0,80}") {
            let p = pseudonyms();
            for shown in [p.name(Label::Text, &value), p.user(&value), p.domain(&value), p.group(&value), p.id(&value),
                p.country(&value)] {
                prop_assert!(shown.chars().count() <= 12 * value.chars().count() + 60);
            }
        }
    }
}
