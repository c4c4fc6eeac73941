//! What is sent: bytes from nowhere, words of the format in any order, and whole examples that were damaged.

mod json;
mod text;

use bolero::TypeGenerator;
use serde_json::Value;

use self::{
    json::Change,
    text::{Edit, Piece},
};

/// What a target's payloads are made of.
#[derive(Clone, Copy)]
pub(crate) struct Material {
    /// Whole texts that are good.
    pub(crate) examples: &'static [&'static str],
    /// What has a meaning in such texts: keys, values, signs.
    pub(crate) words: &'static [&'static str],
}

/// A way to make a payload.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum Payload {
    /// Any bytes.
    Raw(#[generator(bolero::produce::<Vec<u8>>().with().len(0..=256_usize))] Vec<u8>),
    /// Words and bytes, one after the other.
    Soup(#[generator(bolero::produce::<Vec<Piece>>().with().len(0..=40_usize))] Vec<Piece>),
    /// An example with other bytes at some places.
    Edited {
        example: u8,
        #[generator(bolero::produce::<Vec<Edit>>().with().len(0..=6_usize))]
        edits: Vec<Edit>,
    },
    /// An example of JSON with other values at some places. Of other forms, the example.
    Changed {
        example: u8,
        #[generator(bolero::produce::<Vec<Change>>().with().len(0..=5_usize))]
        changes: Vec<Change>,
    },
    /// The same, and other bytes at one place.
    Both { example: u8, change: Change, edit: Edit },
}

impl Payload {
    pub(crate) fn bytes(&self, material: Material) -> Vec<u8> {
        let Material { examples, words } = material;
        let example = |number: &u8| examples[usize::from(*number) % examples.len()];
        match self {
            Self::Raw(bytes) => bytes.clone(),
            Self::Soup(pieces) => pieces.iter().flat_map(|piece| piece.bytes(words)).collect(),
            Self::Edited { example: number, edits } => {
                edits.iter().fold(example(number).as_bytes().to_vec(), |text, edit| edit.apply(text, words))
            }
            Self::Changed { example: number, changes } => changed(example(number), changes, words),
            Self::Both { example: number, change, edit } => {
                edit.apply(changed(example(number), std::slice::from_ref(change), words), words)
            }
        }
    }

    /// The same as text, whatever is not Unicode replaced.
    pub(crate) fn text(&self, material: Material) -> String {
        String::from_utf8_lossy(&self.bytes(material)).into_owned()
    }
}

fn changed(example: &str, changes: &[Change], words: &[&str]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_str::<Value>(example) else { return example.as_bytes().to_vec() };
    for change in changes {
        change.apply(&mut value, words);
    }
    serde_json::to_vec(&value).unwrap()
}
