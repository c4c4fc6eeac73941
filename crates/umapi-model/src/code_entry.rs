//! An entry of the catalog of codes.

use std::fmt;

/// An entry of the catalog of codes.
///
/// ```
/// use umapi_model::ErrorCode;
///
/// let entry = ErrorCode::GroupNotFound.entry().unwrap();
/// assert_eq!((entry.code, entry.is_warning), ("error.group.not_found", false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeEntry {
    /// The code in JSON.
    pub code: &'static str,
    /// The area of the service, e.g. `user`, `add_remove` or `command`.
    pub area: &'static str,
    /// Whether it is a warning: the step succeeded.
    pub is_warning: bool,
    /// The steps that can cause it, or `command`, `request`, `query` or `gateway`.
    pub raised_by: &'static [&'static str],
    /// The meaning, in a sentence.
    pub meaning: &'static str,
    /// How to resolve it.
    pub remedy: &'static str,
    /// Known messages, with placeholders in braces.
    pub messages: &'static [&'static str],
}

/// A remedy behind the message that it belongs to: a sentence of its own if it is written as one, as the catalog does, and
/// otherwise a part of the message.
///
/// ```
/// use umapi_model::RemedyInText;
///
/// let text = |remedy| format!("no group{}", RemedyInText(remedy));
/// assert_eq!(text(Some("Compare the name.")), "no group. Compare the name");
/// assert_eq!(text(Some("compare the name")), "no group; compare the name");
/// assert_eq!(text(None), "no group");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RemedyInText<'a>(pub Option<&'a str>);

impl fmt::Display for RemedyInText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(remedy) = self.0 else { return Ok(()) };
        let separator = if remedy.starts_with(char::is_uppercase) { "." } else { ";" };
        write!(f, "{separator} {}", remedy.trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use crate::ErrorCode;

    #[test]
    fn listed_codes_have_an_entry_and_others_have_none() {
        assert_eq!(ErrorCode::KNOWN.len(), ErrorCode::CATALOG.len());
        for (code, entry) in ErrorCode::KNOWN.iter().zip(ErrorCode::CATALOG) {
            assert_eq!(code.code(), entry.code);
            assert_eq!(code.entry(), Some(entry));
            assert!(code.meaning().is_some_and(|text| text.ends_with('.')));
            assert!(code.remedy().is_some_and(|text| !text.is_empty()));
        }
        let unlisted = ErrorCode::from("error.from.tomorrow");
        assert_eq!((unlisted.code(), unlisted.meaning(), unlisted.remedy()), ("error.from.tomorrow", None, None));
    }
}
