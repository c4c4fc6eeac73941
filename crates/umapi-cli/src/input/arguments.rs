//! Arguments that say how to read an input file.

use std::str::FromStr;

use clap::Args;

use super::TextEncoding;

/// How to read a file of text.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct TextArgs {
    /// Encoding of the file, e.g. utf-16 or windows-1252. [default: utf-8]
    #[arg(long, value_name = "ENCODING")]
    encoding: Option<TextEncoding>,
}

/// How to read a file that can be a table.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct TableArgs {
    #[command(flatten)]
    pub(crate) text: TextArgs,

    /// Separator of the fields of CSV: a character, or `tab`. [default: as in the header]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<Delimiter>,
}

impl TextArgs {
    pub(crate) fn encoding(self) -> TextEncoding {
        self.encoding.unwrap_or_default()
    }
}

impl TableArgs {
    pub(crate) fn encoding(self) -> TextEncoding {
        self.text.encoding()
    }

    pub(crate) fn delimiter(self) -> Option<char> {
        self.delimiter.map(|Delimiter(character)| character)
    }
}

/// A character between the fields of CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delimiter(char);

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut characters = text.chars();
        match (text, characters.next(), characters.next()) {
            ("tab" | "\\t", ..) => Ok(Self('\t')),
            ("comma", ..) => Ok(Self(',')),
            ("semicolon", ..) => Ok(Self(';')),
            (_, Some(character), None) if is_delimiter(character) => Ok(Self(character)),
            _ => Err(format!("`{text}` cannot separate fields: use a single character such as `;` or `|`, or tab")),
        }
    }
}

/// Letters, digits and characters with a meaning of their own cannot separate fields.
fn is_delimiter(character: char) -> bool {
    character == '\t'
        || (character.is_ascii_punctuation() && !matches!(character, '"' | '\\' | '@' | '.' | '_' | '-' | '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_characters_or_named() {
        for (text, expected) in [(";", ';'), ("|", '|'), ("tab", '\t'), ("\\t", '\t'), ("\t", '\t'), ("comma", ',')] {
            assert_eq!(text.parse(), Ok(Delimiter(expected)));
        }
        for bad in ["", "a", "\"", "@", ";;", " "] {
            assert!(bad.parse::<Delimiter>().is_err(), "{bad}");
        }
    }
}
