//! Damages a JSON document, value by value.

use bolero::TypeGenerator;
use serde_json::{Map, Value, json};

/// A change of one value. The position counts the values in the order of the document, modulo their number.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct Change {
    place: u8,
    what: What,
}

#[derive(Clone, Debug, TypeGenerator)]
enum What {
    Remove,
    Replace(Odd),
    IntoArray,
    Repeat(#[generator(0..=12_u8)] u8),
    Rename(Name),
    Insert(Name, Odd),
}

/// A key.
#[derive(Clone, Debug, TypeGenerator)]
enum Name {
    Word(u8),
    Letters(#[generator(bolero::produce::<Vec<u8>>().with().len(0..=4_usize))] Vec<u8>),
}

/// An unexpected value.
#[derive(Clone, Debug, TypeGenerator)]
enum Odd {
    Null,
    Bool(bool),
    Integer(i64),
    Small(#[generator(-2..=12_i64)] i64),
    Unsigned(u64),
    Fraction(f64),
    Word(u8),
    Letters(#[generator(bolero::produce::<Vec<u8>>().with().len(0..=24_usize))] Vec<u8>),
    Long(u16),
    Array,
    Object,
    Deep(u8),
}

impl Change {
    pub(super) fn apply(&self, document: &mut Value, words: &[&str]) {
        let places = places(document);
        let path = &places[usize::from(self.place) % places.len()];
        match (&self.what, path.split_last()) {
            (What::Remove, Some((last, parent))) => drop(take(at(document, parent), last)),
            (What::Rename(name), Some((Step::Key(key), parent))) => {
                if let Value::Object(map) = at(document, parent)
                    && let Some(value) = map.remove(key)
                {
                    map.insert(name.text(words), value);
                }
            }
            (What::Repeat(times), Some((Step::Index(index), parent))) => {
                if let Value::Array(list) = at(document, parent) {
                    let value = list[*index].clone();
                    list.extend(std::iter::repeat_n(value, (*times).into()));
                }
            }
            (What::Replace(odd), _) => *at(document, path) = odd.value(words),
            (What::IntoArray, _) => {
                let value = at(document, path);
                *value = Value::Array(vec![value.take()]);
            }
            (What::Insert(name, odd), _) => match at(document, path) {
                Value::Object(map) => drop(map.insert(name.text(words), odd.value(words))),
                Value::Array(list) => list.push(odd.value(words)),
                other => *other = odd.value(words),
            },
            (What::Remove | What::Rename(_) | What::Repeat(_), _) => {}
        }
    }
}

impl Name {
    fn text(&self, words: &[&str]) -> String {
        match self {
            Self::Word(number) => words[usize::from(*number) % words.len()].to_owned(),
            Self::Letters(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Odd {
    fn value(&self, words: &[&str]) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => json!(value),
            Self::Integer(number) | Self::Small(number) => json!(number),
            Self::Unsigned(number) => json!(number),
            Self::Fraction(number) => json!(number),
            Self::Word(number) => json!(words[usize::from(*number) % words.len()]),
            Self::Letters(bytes) => json!(String::from_utf8_lossy(bytes)),
            Self::Long(length) => json!("é".repeat((*length).into())),
            Self::Array => json!([]),
            Self::Object => json!({}),
            Self::Deep(levels) => (0..*levels).fold(Value::Null, |value, _| Value::Array(vec![value])),
        }
    }
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

/// The paths of all values of a document, beginning with the document itself.
fn places(document: &Value) -> Vec<Vec<Step>> {
    let mut all = vec![Vec::new()];
    let below = |step: Step, value: &Value| {
        places(value).into_iter().map(move |path| [vec![step.clone()], path].concat()).collect::<Vec<_>>()
    };
    match document {
        Value::Object(map) => all.extend(map.iter().flat_map(|(key, value)| below(Step::Key(key.clone()), value))),
        Value::Array(list) => {
            all.extend(list.iter().enumerate().flat_map(|(index, value)| below(Step::Index(index), value)));
        }
        _ => {}
    }
    all
}

fn at<'a>(document: &'a mut Value, path: &[Step]) -> &'a mut Value {
    path.iter().fold(document, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::Index(index) => &mut value[*index],
    })
}

fn take(parent: &mut Value, step: &Step) -> Option<Value> {
    match (parent, step) {
        (Value::Object(map), Step::Key(key)) => Map::remove(map, key),
        (Value::Array(list), Step::Index(index)) => Some(list.remove(*index)),
        _ => None,
    }
}
