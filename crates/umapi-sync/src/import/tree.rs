//! A YAML file of user-sync as a tree in which every setting knows its line, and which is left over when it was not used.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use super::ImportMistake;

/// A value of a file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Null,
    List(Vec<Spanned<Value>>),
    Mapping(Vec<(Spanned<Value>, Spanned<Value>)>),
}

/// A mapping, whose settings are taken out one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    entries: Vec<Entry>,
}

/// A setting, and its place.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) file: String,
    pub(super) line: usize,
    /// With the names of the mappings around it: `limits.max_adobe_only_users`.
    pub(super) key: String,
    name: String,
    value: Value,
}

impl Section {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is not YAML, or no mapping. The message never holds text of the file: secrets are in it.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ImportMistake> {
        let mistake = |line, rule: &str| ImportMistake { file: file.to_owned(), line, rule: rule.to_owned() };
        let options = serde_saphyr::options! { strict_booleans: true };
        let text = text.trim_start_matches('\u{feff}');
        let value: Spanned<Value> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let line = error.location().map_or(1, |location| usize::try_from(location.line()).unwrap_or(1));
            match error {
                serde_saphyr::Error::DuplicateMappingKey { .. } => mistake(line, "a setting is there twice"),
                _ => mistake(line, "it is not valid YAML; check the indentation and the quotes"),
            }
        })?;
        match value.value {
            Value::Mapping(entries) => Ok(Self::of(file, "", entries)),
            Value::Null => Ok(Self::default()),
            _ => Err(mistake(1, "it holds no settings: `name: value` is expected")),
        }
    }

    fn of(file: &str, path: &str, entries: Vec<(Spanned<Value>, Spanned<Value>)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| {
            let name = match key.value {
                Value::Text(name) => name,
                _ => "?".to_owned(),
            };
            Entry {
                file: file.to_owned(),
                line: usize::try_from(key.referenced.line()).unwrap_or(1),
                key: if path.is_empty() { name.clone() } else { format!("{path}.{name}") },
                name,
                value: value.value,
            }
        });
        Self { entries: entries.collect() }
    }

    /// The settings of another file on top of these, as user-sync joins files: later ones win.
    pub(super) fn join(&mut self, other: Self) {
        for entry in other.entries {
            match self.entries.iter_mut().find(|known| known.name == entry.name) {
                None => self.entries.push(entry),
                Some(known) => match (&mut known.value, entry.value) {
                    (Value::Mapping(inner), Value::Mapping(more)) => {
                        for (key, value) in more {
                            inner.retain(|(known, _)| known.value.text() != key.value.text());
                            inner.push((key, value));
                        }
                    }
                    (value, new) => {
                        (known.file, known.line) = (entry.file, entry.line);
                        *value = new;
                    }
                },
            }
        }
    }

    /// Takes a setting out. One without a value counts as missing.
    pub(super) fn take(&mut self, name: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.remove(at)).filter(|entry| !matches!(entry.value, Value::Null))
    }

    /// Takes a mapping out.
    pub(super) fn section(&mut self, name: &str) -> Self {
        match self.take(name) {
            Some(Entry { file, key, value: Value::Mapping(entries), .. }) => Self::of(&file, &key, entries),
            Some(other) => {
                // Told as a setting that was not used.
                self.entries.push(other);
                Self::default()
            }
            None => Self::default(),
        }
    }

    /// What nobody took.
    pub(super) fn rest(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter().filter(|entry| !matches!(entry.value, Value::Null))
    }
}

impl Entry {
    /// The value as one text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::List(list) if list.len() == 1 => list.first()?.value.text(),
            other => other.text(),
        }
    }

    /// The values of a list, or the only value.
    pub(super) fn texts(&self) -> Vec<String> {
        match &self.value {
            Value::Text(text) => vec![text.clone()],
            Value::List(list) => list.iter().filter_map(|value| value.value.text().map(str::to_owned)).collect(),
            Value::Null | Value::Mapping(_) => Vec::new(),
        }
    }

    /// Whether it is switched on. `None` if it is neither on nor off.
    pub(super) fn is_on(&self) -> Option<bool> {
        match self.text()?.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "y" => Some(true),
            "no" | "false" | "off" | "n" => Some(false),
            _ => None,
        }
    }

    /// The mappings of a list: each with its own line.
    pub(super) fn sections(&self) -> Vec<(usize, Section)> {
        let Value::List(list) = &self.value else { return Vec::new() };
        let mappings = list.iter().filter_map(|item| match &item.value {
            Value::Mapping(entries) => Some((
                usize::try_from(item.referenced.line()).unwrap_or(1),
                Section::of(&self.file, &self.key, entries.clone()),
            )),
            _ => None,
        });
        mappings.collect()
    }

    /// The mapping that it is.
    pub(super) fn mapping(&self) -> Option<Section> {
        match &self.value {
            Value::Mapping(entries) => Some(Section::of(&self.file, &self.key, entries.clone())),
            _ => None,
        }
    }

    /// The same setting, at a line within it.
    pub(super) fn at_line(&self, line: usize) -> Self {
        Self { line, ..self.clone() }
    }

    /// The name of the setting, without those of the mappings around it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Value {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::List(_) | Self::Mapping(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Text(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Text(value.to_string()))
            }

            fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value, E> {
                Ok(Value::Text(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Text(value.to_string()))
            }

            fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
                Ok(Value::Text(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Text(value.to_string()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_none<E: de::Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
                Value::deserialize(deserializer)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Value::Mapping(entries))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
