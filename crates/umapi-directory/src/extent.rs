//! How much of a list was read: all of it, a part, or nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A list that was read to its end. It proves that whatever is not in it does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complete<T>(T);

/// A list of which a part is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial<T> {
    found: T,
    /// Never empty.
    gaps: Vec<Gap>,
}

/// How much of a list was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Extent<T> {
    /// All of it.
    Complete(Complete<T>),
    /// A part of it, and why not all.
    Partial(Partial<T>),
    /// Nothing, and why.
    Missing(Vec<Gap>),
}

/// Why a list, or a part of it, could not be read.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// What could not be read, for example `group Design`.
    pub what: String,
    /// Why.
    pub cause: GapCause,
    /// What the directory said, or which of its entries are concerned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Why a list could not be read to its end.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapCause {
    /// The server cut it at a size limit.
    SizeLimit,
    /// The server or this program cut it at a time limit.
    TimeLimit,
    /// The service limits the number of requests.
    Throttled,
    /// The connection was lost, or the program that prints the list ended early.
    Interrupted,
    /// The directory refused it.
    Refused,
    /// The directory referred to another server, which was not asked.
    Referral,
    /// There is no such group.
    NotFound,
    /// Several groups have this name.
    Ambiguous,
    /// It is empty, and it was not before.
    Emptied,
    /// It is much shorter than before.
    Shrunk,
    /// It changed while it was read, so people may have moved to a page that was read before.
    Moved,
    /// A part of it could not be understood.
    Unreadable,
    /// The directory could not be reached at all.
    Unreachable,
    /// A person in it cannot be identified.
    Unidentified,
}

impl<T> Complete<T> {
    /// States that a list is whole.
    ///
    /// Only a reader that saw the end of the list can say so: the last page, the result code of the search, the end of the file.
    pub fn proven(list: T) -> Self {
        Self(list)
    }

    /// The list.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The list.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Another form of the same list.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Complete<U> {
        Complete(form(self.0))
    }
}

impl<T> Partial<T> {
    /// What was read.
    pub fn found(&self) -> &T {
        &self.found
    }

    /// Why it is not all.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }
}

impl<T> Extent<T> {
    /// A list of which nothing was read.
    pub fn missing(gap: Gap) -> Self {
        Self::Missing(vec![gap])
    }

    /// A list that is whole unless there are gaps.
    pub fn with_gaps(found: T, gaps: Vec<Gap>) -> Self {
        if gaps.is_empty() { Self::Complete(Complete(found)) } else { Self::Partial(Partial { found, gaps }) }
    }

    /// The whole list, or why it is not whole.
    ///
    /// # Errors
    /// The gaps of a list that is not whole.
    pub fn complete(&self) -> Result<&Complete<T>, &[Gap]> {
        match self {
            Self::Complete(list) => Ok(list),
            Self::Partial(partial) => Err(&partial.gaps),
            Self::Missing(gaps) => Err(gaps),
        }
    }

    /// What was read of the list, whole or not.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Complete(list) => Some(&list.0),
            Self::Partial(partial) => Some(&partial.found),
            Self::Missing(_) => None,
        }
    }

    /// Why the list is not whole; empty if it is.
    pub fn gaps(&self) -> &[Gap] {
        self.complete().err().unwrap_or_default()
    }

    /// The same list with one more reason to believe that it is not whole.
    pub fn weaken(self, gap: Gap) -> Self {
        match self {
            Self::Complete(Complete(found)) => Self::Partial(Partial { found, gaps: vec![gap] }),
            Self::Partial(mut partial) => {
                partial.gaps.push(gap);
                Self::Partial(partial)
            }
            Self::Missing(mut gaps) => {
                gaps.push(gap);
                Self::Missing(gaps)
            }
        }
    }

    /// The same list, borrowed.
    pub fn as_ref(&self) -> Extent<&T> {
        match self {
            Self::Complete(list) => Extent::Complete(Complete(&list.0)),
            Self::Partial(Partial { found, gaps }) => Extent::Partial(Partial { found, gaps: gaps.clone() }),
            Self::Missing(gaps) => Extent::Missing(gaps.clone()),
        }
    }

    /// Another form of the same list.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Extent<U> {
        match self {
            Self::Complete(list) => Extent::Complete(list.map(form)),
            Self::Partial(Partial { found, gaps }) => Extent::Partial(Partial { found: form(found), gaps }),
            Self::Missing(gaps) => Extent::Missing(gaps),
        }
    }
}

impl<T: Default + Extend<I> + IntoIterator<Item = I>, I> Extent<T> {
    /// Both lists as one. It is whole only if both are.
    pub fn join(self, other: Self) -> Self {
        let mut gaps = self.gaps().to_vec();
        gaps.extend_from_slice(other.gaps());
        match (self.into_found(), other.into_found()) {
            (None, None) => Self::Missing(gaps),
            (one, other) => {
                let mut found = one.unwrap_or_default();
                found.extend(other.into_iter().flatten());
                Self::with_gaps(found, gaps)
            }
        }
    }

    fn into_found(self) -> Option<T> {
        match self {
            Self::Complete(list) => Some(list.0),
            Self::Partial(partial) => Some(partial.found),
            Self::Missing(_) => None,
        }
    }
}

impl<T> From<Complete<T>> for Extent<T> {
    fn from(list: Complete<T>) -> Self {
        Self::Complete(list)
    }
}

impl Gap {
    /// A gap without further detail.
    pub fn new(what: impl Into<String>, cause: GapCause) -> Self {
        Self { what: what.into(), cause, detail: String::new() }
    }

    /// Sets what the directory said, or which entries are concerned.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl fmt::Display for GapCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SizeLimit => "the server cut the list at its size limit",
            Self::TimeLimit => "the list was cut at a time limit",
            Self::Throttled => "the directory limits the number of requests",
            Self::Interrupted => "reading was interrupted",
            Self::Refused => "the directory refused to show it",
            Self::Referral => "the directory refers to another server, which was not asked",
            Self::NotFound => "there is no such group in the directory",
            Self::Ambiguous => "several groups of the directory have this name",
            Self::Emptied => "it is empty, and it was not before",
            Self::Shrunk => "it is much shorter than before",
            Self::Moved => "it changed while it was read, so people may be missing",
            Self::Unreadable => "a part of it could not be understood",
            Self::Unreachable => "the directory could not be reached",
            Self::Unidentified => "a person in it cannot be identified",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(names: &[&'static str]) -> Extent<Vec<&'static str>> {
        Complete::proven(names.to_vec()).into()
    }

    #[test]
    fn joined_lists_are_whole_only_if_both_are() {
        let both = whole(&["ann"]).join(whole(&["bob"]));
        assert_eq!(both.complete().unwrap().get(), &["ann", "bob"]);

        let missing = Extent::missing(Gap::new("group B", GapCause::NotFound));
        let half = whole(&["ann"]).join(missing.clone());
        assert_eq!(half.found().unwrap(), &["ann"]);
        assert_eq!(half.complete().unwrap_err()[0].cause, GapCause::NotFound);

        let none = missing.clone().join(missing);
        assert!(none.found().is_none() && none.gaps().len() == 2);
    }

    #[test]
    fn a_weakened_list_keeps_what_it_holds_and_all_reasons() {
        let weak = whole(&["ann"])
            .weaken(Gap::new("people", GapCause::TimeLimit))
            .weaken(Gap::new("people", GapCause::Referral).detail("ldap://b.example"));
        assert_eq!(weak.found().unwrap(), &["ann"]);
        assert_eq!(
            weak.gaps()[1].to_string(),
            "people: the directory refers to another server, which was not asked (ldap://b.example)"
        );
        assert!(weak.map(|names| names.len()).complete().is_err());
    }
}
