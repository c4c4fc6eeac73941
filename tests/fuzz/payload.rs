//! Generated input: arbitrary bytes, words of the format in any order, and damaged examples.

mod json;
mod text;

use bolero::TypeGenerator;
use serde_json::Value;

use self::{
    json::Change,
    text::{Edit, Piece},
};

/// The material that the payloads of a target are made of.
#[derive(Clone, Copy)]
pub(crate) struct Material {
    /// Complete valid texts.
    pub(crate) examples: &'static [&'static str],
    /// Words with a meaning in such texts: keys, values, symbols.
    pub(crate) words: &'static [&'static str],
}

/// A way to generate a payload.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum Payload {
    /// Arbitrary bytes.
    Raw(#[generator(bolero::produce::<Vec<u8>>().with().len(0..=256_usize))] Vec<u8>),
    /// A sequence of words and bytes.
    Soup(#[generator(bolero::produce::<Vec<Piece>>().with().len(0..=40_usize))] Vec<Piece>),
    /// An example with some bytes replaced.
    Edited {
        example: u8,
        #[generator(bolero::produce::<Vec<Edit>>().with().len(0..=6_usize))]
        edits: Vec<Edit>,
    },
    /// An example in JSON with some values replaced. Examples in other formats stay unchanged.
    Changed {
        example: u8,
        #[generator(bolero::produce::<Vec<Change>>().with().len(0..=5_usize))]
        changes: Vec<Change>,
    },
    /// An example in JSON with some values and one byte replaced.
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

    /// The payload as text, with invalid Unicode replaced.
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
