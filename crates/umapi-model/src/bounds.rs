//! The bounds that the description states for values: lengths, patterns, numbers.

use std::fmt;

/// A value outside of the bounds that the description states for it.
///
/// ```
/// use umapi_model::NewFederatedId;
///
/// let new = NewFederatedId::new("jdoe@example.com", "John", "Doe", "usa");
/// let error = new.check_bounds().unwrap_err();
/// assert_eq!(error.field(), "country");
/// assert_eq!(error.to_string(), r#"country: it may have 2 characters, not 3: "usa""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    field: &'static str,
    bound: Bound,
    found: String,
}

/// A bound of the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// `minLength`: characters.
    MinLength(u64),
    /// `maxLength`: characters.
    MaxLength(u64),
    /// `pattern`: a regular expression.
    Pattern(&'static str),
    /// `minimum`.
    Minimum(i64),
    /// `maximum`.
    Maximum(i64),
    /// `minItems`: entries of a list.
    MinItems(u64),
    /// `maxItems`: entries of a list.
    MaxItems(u64),
    /// `minProperties`: fields that are present.
    MinProperties(u64),
}

impl OutOfBounds {
    /// The field in JSON.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The bound that is exceeded.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// The rule and the value that breaks it, without the field.
    pub fn rule(&self) -> String {
        let Self { bound, found, .. } = self;
        match bound {
            Bound::MinLength(1) => "it must not be empty".to_owned(),
            Bound::MinLength(least) => format!("it must have at least {least} characters, not {found}"),
            Bound::MaxLength(most) => format!("it may have {most} characters, not {found}"),
            Bound::Pattern(pattern) => format!("it must match {pattern}, not {found}"),
            Bound::Minimum(least) => format!("it must be at least {least}, not {found}"),
            Bound::Maximum(most) => format!("it may be at most {most}, not {found}"),
            Bound::MinItems(least) => format!("the list must have at least {least} entries, not {found}"),
            Bound::MaxItems(most) => format!("the list may have {most} entries, not {found}"),
            Bound::MinProperties(1) => "none of its fields is given".to_owned(),
            Bound::MinProperties(least) => format!("at least {least} of its fields must be given, not {found}"),
        }
    }
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.rule())
    }
}

impl std::error::Error for OutOfBounds {}

/// The bounds of a field, as generated from the description.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) minimum: Option<i64>,
    pub(crate) maximum: Option<i64>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    /// The bounds of each entry of a list.
    pub(crate) items: Option<&'static Bounds>,
}

impl Bounds {
    pub(crate) const NONE: Self = Self {
        min_length: None,
        max_length: None,
        pattern: None,
        minimum: None,
        maximum: None,
        min_items: None,
        max_items: None,
        items: None,
    };
}

/// A regular expression that is a sequence of sets of characters, each repeated.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) text: &'static str,
    pub(crate) parts: &'static [Part],
}

/// A set of characters, repeated from `least` to `most` times.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) ranges: &'static [(char, char)],
    pub(crate) least: u32,
    pub(crate) most: u32,
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        matches(self.parts, text)
    }
}

fn matches(parts: &[Part], text: &str) -> bool {
    let Some((part, others)) = parts.split_first() else { return text.is_empty() };
    let mut rest = text.chars();
    let mut count = 0;
    loop {
        if count >= part.least && matches(others, rest.as_str()) {
            return true;
        }
        let is_in_set = |c: char| part.ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
        if count == part.most || !rest.next().is_some_and(is_in_set) {
            return false;
        }
        count += 1;
    }
}

/// A value that may have bounds.
pub(crate) trait Bounded {
    fn check(&self, field: &'static str, bounds: &Bounds) -> Result<(), OutOfBounds>;
}

impl Bounded for String {
    fn check(&self, field: &'static str, bounds: &Bounds) -> Result<(), OutOfBounds> {
        let out_of = |bound, found| Err(OutOfBounds { field, bound, found });
        if bounds.min_length.is_some() || bounds.max_length.is_some() {
            let length = self.chars().count() as u64;
            if let Some(least) = bounds.min_length.filter(|least| length < *least) {
                return out_of(Bound::MinLength(least), format!("{length}: {}", shortened(self)));
            }
            if let Some(most) = bounds.max_length.filter(|most| length > *most) {
                return out_of(Bound::MaxLength(most), format!("{length}: {}", shortened(self)));
            }
        }
        match &bounds.pattern {
            Some(pattern) if !pattern.matches(self) => out_of(Bound::Pattern(pattern.text), shortened(self)),
            _ => Ok(()),
        }
    }
}

/// The value for an error, which may be very long.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

macro_rules! bounded_numbers {
    ($($number:ty),*) => {$(
        impl Bounded for $number {
            fn check(&self, field: &'static str, bounds: &Bounds) -> Result<(), OutOfBounds> {
                let out_of = |bound| Err(OutOfBounds { field, bound, found: self.to_string() });
                match (bounds.minimum, bounds.maximum) {
                    (Some(least), _) if i128::from(*self) < i128::from(least) => out_of(Bound::Minimum(least)),
                    (_, Some(most)) if i128::from(*self) > i128::from(most) => out_of(Bound::Maximum(most)),
                    _ => Ok(()),
                }
            }
        }
    )*};
}

bounded_numbers!(i32, i64, u32, u64);

impl<T: Bounded> Bounded for Option<T> {
    fn check(&self, field: &'static str, bounds: &Bounds) -> Result<(), OutOfBounds> {
        self.as_ref().map_or(Ok(()), |value| value.check(field, bounds))
    }
}

impl<T: Bounded> Bounded for Vec<T> {
    fn check(&self, field: &'static str, bounds: &Bounds) -> Result<(), OutOfBounds> {
        let count = self.len() as u64;
        let out_of = |bound| Err(OutOfBounds { field, bound, found: count.to_string() });
        if let Some(least) = bounds.min_items.filter(|least| count < *least) {
            return out_of(Bound::MinItems(least));
        }
        if let Some(most) = bounds.max_items.filter(|most| count > *most) {
            return out_of(Bound::MaxItems(most));
        }
        bounds.items.map_or(Ok(()), |bounds| self.iter().try_for_each(|item| item.check(field, bounds)))
    }
}

/// Checks that so many fields of an object are present.
pub(crate) fn check_present(name: &'static str, present: &[bool], least: u64) -> Result<(), OutOfBounds> {
    let count = present.iter().filter(|is_present| **is_present).count() as u64;
    if count < least {
        return Err(OutOfBounds { field: name, bound: Bound::MinProperties(least), found: count.to_string() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: Part = Part { ranges: &[('A', 'Z'), ('a', 'z')], least: 1, most: u32::MAX };
    const AT: Part = Part { ranges: &[('@', '@')], least: 1, most: 1 };

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let parts = &[LETTERS, AT, Part { least: 2, most: 3, ..LETTERS }];
        for (text, expected) in [
            ("ab@de", true),
            ("ab@deF", true),
            ("ab@deFg", false),
            ("ab@d", false),
            ("@de", false),
            ("ab", false),
            ("", false),
            ("ab@de\n", false),
        ] {
            assert_eq!(matches(parts, text), expected, "{text}");
        }
        assert!(matches(&[LETTERS, Part { least: 1, most: 1, ..LETTERS }], "ab"), "the first part gives one back");
    }

    #[test]
    fn each_bound_names_field_value_and_rule() {
        let text = Bounds { min_length: Some(2), max_length: Some(3), ..Bounds::NONE };
        let pattern = Bounds { pattern: Some(Pattern { text: "^@$", parts: &[AT] }), ..Bounds::NONE };
        let number = Bounds { minimum: Some(2), maximum: Some(3), ..Bounds::NONE };
        static ENTRY: Bounds = Bounds { min_length: Some(1), ..Bounds::NONE };
        let list = Bounds { min_items: Some(2), max_items: Some(3), items: Some(&ENTRY), ..Bounds::NONE };
        let list_of = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>();
        let error = |checked: Result<(), OutOfBounds>| checked.unwrap_err().to_string();
        let text_of = |value: &str| value.to_owned();
        for (found, expected) in [
            (error(text_of("é").check("f", &text)), r#"f: it must have at least 2 characters, not 1: "é""#),
            (error(text_of("abcd").check("f", &text)), r#"f: it may have 3 characters, not 4: "abcd""#),
            (error(Some(text_of("x")).check("f", &pattern)), r#"f: it must match ^@$, not "x""#),
            (error(1_u32.check("f", &number)), "f: it must be at least 2, not 1"),
            (error(u64::MAX.check("f", &number)), "f: it may be at most 3, not 18446744073709551615"),
            (error(list_of(&["a"]).check("f", &list)), "f: the list must have at least 2 entries, not 1"),
            (error(list_of(&["a"; 4]).check("f", &list)), "f: the list may have 3 entries, not 4"),
            (error(list_of(&["a", ""]).check("f", &list)), "f: it must not be empty"),
            (error(check_present("object", &[false, false], 1)), "object: none of its fields is given"),
        ] {
            assert_eq!(found, expected);
        }
        assert_eq!(text_of("日本語").check("f", &text), Ok(()), "characters, not bytes");
        assert_eq!(None::<String>.check("f", &text), Ok(()));
        assert_eq!(check_present("object", &[false, true], 1), Ok(()));
    }

    #[test]
    fn a_long_value_is_cut_in_the_error() {
        let bounds = Bounds { max_length: Some(3), ..Bounds::NONE };
        let rule = "é".repeat(5000).check("f", &bounds).unwrap_err().rule();
        assert!(rule.ends_with("é\"…") && rule.chars().count() < 120, "{rule}");
    }
}
