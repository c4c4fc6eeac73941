//! People, as a directory describes them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The identity of a person in one directory, which stays when name, address and department change: `objectGUID`,
/// `entryUUID`, the id of a cloud directory. A file without ids uses what it has, such as the address.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(from = "String", into = "String")]
pub struct PersonId(Arc<str>);

/// A person of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The identity.
    pub id: PersonId,
    /// Where the directory shows the person: a distinguished name, a line of a file.
    pub place: String,
    /// Whether the account is in use. Disabled accounts stay in a directory after their owners left.
    pub is_enabled: bool,
    /// What the directory knows about the person.
    pub attributes: Attributes,
}

/// Attributes of a person. Their names are compared without regard to case; each has one or several values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<Arc<str>, Vec<String>>);

impl PersonId {
    /// An identity from its text.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PersonId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Attributes {
    /// Adds a value to an attribute. Blank values do not count: outer blanks are cut off.
    pub fn push(&mut self, name: &str, value: impl AsRef<str>) {
        let value = value.as_ref().trim();
        if !value.is_empty() {
            self.0.entry(folded(name)).or_default().push(value.to_owned());
        }
    }

    /// The first value of an attribute.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// All values of an attribute.
    pub fn all(&self, name: &str) -> &[String] {
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.0.get(&*folded(name)).map_or(&[], Vec::as_slice);
        }
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names, in small letters, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (&**name, values.as_slice()))
    }
}

fn folded(name: &str) -> Arc<str> {
    name.to_ascii_lowercase().into()
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut attributes = Self::default();
        pairs.into_iter().for_each(|(name, value)| attributes.push(name.as_ref(), value));
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_ignore_case_and_blank_values() {
        let ann = Attributes::from_iter([("mail", " ann@b.c "), ("Mail", "ann@d.e"), ("sn", "  ")]);
        assert_eq!(ann.first("MAIL"), Some("ann@b.c"));
        assert_eq!(ann.all("mail"), ["ann@b.c", "ann@d.e"]);
        assert_eq!((ann.first("sn"), ann.all("c").len()), (None, 0));
    }
}
