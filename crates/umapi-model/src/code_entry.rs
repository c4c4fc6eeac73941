//! An entry of the catalogue of codes.

/// What the description says of a code.
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
    /// The code as it stands in JSON.
    pub code: &'static str,
    /// The part of the service that the code belongs to: `user`, `add_remove`, `command`, ….
    pub area: &'static str,
    /// Whether it stands for a warning: the step was done all the same.
    pub is_warning: bool,
    /// The steps that can cause it; `command`, `request`, `query` and `gateway` stand for what is no step.
    pub raised_by: &'static [&'static str],
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Messages that have been seen with it, with placeholders in braces.
    pub messages: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    use crate::ErrorCode;

    #[test]
    fn every_listed_code_leads_to_its_own_entry_and_an_unlisted_one_to_none() {
        assert_eq!(ErrorCode::KNOWN.len(), ErrorCode::CATALOGUE.len());
        for (code, entry) in ErrorCode::KNOWN.iter().zip(ErrorCode::CATALOGUE) {
            assert_eq!(code.code(), entry.code);
            assert_eq!(code.entry(), Some(entry));
            assert!(code.meaning().is_some_and(|text| text.ends_with('.')));
            assert!(code.remedy().is_some_and(|text| !text.is_empty()));
        }
        let unlisted = ErrorCode::from("error.from.tomorrow");
        assert_eq!((unlisted.code(), unlisted.meaning(), unlisted.remedy()), ("error.from.tomorrow", None, None));
    }
}
