//! An entry of the catalogue of codes.

/// What the description says of a code.
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
