//! YAML, and JSON in the same shape.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

use super::{Mistake, Name, Place, Root, Wanted};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    groups: Entries<Vec<Spanned<String>>>,
    #[serde(default)]
    users: Entries<Vec<Spanned<String>>>,
}

/// A mapping as a list, in the order of the file, with the places of its keys.
struct Entries<V>(Vec<(Spanned<String>, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Mapping<V> {
            type Value = Entries<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with their lists")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<V>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Mapping(PhantomData))
    }
}

pub(super) fn read(text: &str) -> Result<Wanted, Mistake> {
    let document: Document = serde_saphyr::from_str(text).map_err(|error| Mistake {
        place: error.location().map_or_else(Place::default, place),
        rule: in_plain_words(&error.without_snippet().to_string()),
        remedy: "umapi help membership-file shows the form",
    })?;
    let mut wanted = Wanted::default();
    for (root, entries) in [(Root::Group, document.groups), (Root::User, document.users)] {
        for (key, items) in entries.0 {
            let list = wanted.begin(root, name(key), false)?;
            for item in items {
                list.push(name(item))?;
            }
        }
    }
    Ok(wanted)
}

/// The place is said elsewhere, and not everybody knows what YAML calls a list.
fn in_plain_words(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    match message {
        "expected sequence start" => "a list was expected, as in [ann@example.com]; [] is nobody".to_owned(),
        "expected mapping start" => "names with their lists were expected".to_owned(),
        other => other.to_owned(),
    }
}

fn name(spanned: Spanned<String>) -> Name {
    Name { place: place(spanned.referenced), text: spanned.value }
}

fn place(location: Location) -> Place {
    Place { line: location.line(), column: location.column() }
}
