//! Damages a text, byte by byte.

use bolero::TypeGenerator;

/// A generated part of a text.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum Piece {
    Word(u8),
    Byte(u8),
    Number(i64),
    Space,
    Line,
    Repeated { word: u8, times: u8 },
}

/// A change at a position, modulo the length of the text.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct Edit {
    place: u16,
    what: What,
}

#[derive(Clone, Debug, TypeGenerator)]
enum What {
    Insert(Piece),
    Delete(u8),
    Flip(u8),
    CutOff,
    /// Repeats a part of the text.
    Copy {
        from: u16,
        length: u8,
    },
}

impl Piece {
    pub(super) fn bytes(&self, words: &[&str]) -> Vec<u8> {
        let word = |number: u8| words[usize::from(number) % words.len()];
        match *self {
            Self::Word(number) => word(number).into(),
            Self::Byte(byte) => vec![byte],
            Self::Number(number) => number.to_string().into_bytes(),
            Self::Space => b" ".to_vec(),
            Self::Line => b"\n".to_vec(),
            Self::Repeated { word: number, times } => word(number).repeat(times.into()).into_bytes(),
        }
    }
}

impl Edit {
    pub(super) fn apply(&self, mut text: Vec<u8>, words: &[&str]) -> Vec<u8> {
        let place = usize::from(self.place) % (text.len() + 1);
        let part = |text: &[u8], from: usize, length: u8| from..(from + usize::from(length)).min(text.len());
        match &self.what {
            What::Insert(piece) => drop(text.splice(place..place, piece.bytes(words))),
            What::Delete(length) => drop(text.drain(part(&text, place, *length))),
            What::Flip(bits) => {
                if let Some(byte) = text.get_mut(place) {
                    *byte ^= bits;
                }
            }
            What::CutOff => text.truncate(place),
            What::Copy { from, length } => {
                let from = usize::from(*from) % (text.len() + 1);
                let copy = text[part(&text, from, *length)].to_vec();
                text.splice(place..place, copy);
            }
        }
        text
    }
}
