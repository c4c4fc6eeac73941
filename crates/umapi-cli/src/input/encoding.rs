//! The encoding of an input file: UTF-8, or the one that `--encoding` names.

use std::{
    io::{self, Read},
    str::FromStr,
};

use encoding_rs::{Decoder, DecoderResult, Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};

use super::{Diagnostic, SourceLocation};

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextEncoding(&'static Encoding);

impl Default for TextEncoding {
    fn default() -> Self {
        Self(UTF_8)
    }
}

impl FromStr for TextEncoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let encoding = Encoding::for_label(text.as_bytes()).filter(|encoding| *encoding != REPLACEMENT);
        encoding
            .map(Self)
            .ok_or_else(|| format!("unknown encoding `{text}`: use e.g. utf-8, utf-16, windows-1252 or shift_jis"))
    }
}

impl TextEncoding {
    /// Copies text to UTF-8. Text that is expected to be UTF-8 already is copied as it is, and checked by its reader.
    pub(super) fn copy_to_utf8(
        self,
        input: &mut impl Read,
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Result<(), Diagnostic>> {
        let mut transcoder = (self.0 != UTF_8).then(|| Transcoder::new(self.0));
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match input.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            match &mut transcoder {
                None => write(bytes)?,
                Some(transcoder) => match transcoder.decode(bytes, read == 0) {
                    Ok(text) => write(text.as_bytes())?,
                    Err(diagnostic) => return Ok(Err(diagnostic)),
                },
            }
            if read == 0 {
                return Ok(Ok(()));
            }
        }
    }

    /// The whole content as UTF-8.
    pub(crate) fn to_utf8(self, bytes: Vec<u8>) -> Result<Vec<u8>, Diagnostic> {
        if self.0 == UTF_8 {
            return Ok(bytes);
        }
        Transcoder::new(self.0).decode(&bytes, true).map(String::into_bytes)
    }
}

/// A decoder that knows how far it came.
struct Transcoder {
    encoding: &'static Encoding,
    decoder: Decoder,
    line: u64,
    /// Counted from 1: of the next character.
    column: u64,
}

impl Transcoder {
    /// A byte order mark at the beginning of the text tells the encoding better than any option.
    fn new(encoding: &'static Encoding) -> Self {
        Self { encoding, decoder: encoding.new_decoder(), line: 1, column: 1 }
    }

    fn decode(&mut self, mut bytes: &[u8], is_last: bool) -> Result<String, Diagnostic> {
        let mut text = String::new();
        loop {
            let needed = self.decoder.max_utf8_buffer_length_without_replacement(bytes.len());
            text.reserve(needed.unwrap_or(bytes.len()).max(16));
            let (result, read) = self.decoder.decode_to_string_without_replacement(bytes, &mut text, is_last);
            bytes = bytes.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.advance(&text);
                    let rule = format!("this is not {}", self.encoding.name());
                    let location = SourceLocation::character(self.line, self.column);
                    return Err(Diagnostic::new(location, rule)
                        .remedy("name the encoding of the file with --encoding, or save the file as UTF-8"));
                }
            }
        }
        self.advance(&text);
        Ok(text)
    }

    fn advance(&mut self, text: &str) {
        self.line += text.matches('\n').count() as u64;
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count() as u64 + 1,
            None => self.column + text.chars().count() as u64,
        };
    }
}

/// What is wrong with text that is not UTF-8: what it seems to be, and how to read it. `line` holds the bytes of the line up
/// to and behind the first wrong one.
pub(super) fn not_utf8(line: &[u8], wrong: usize) -> (String, &'static str) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    let before = line.get(..wrong).unwrap_or_default();
    let begin = wrong - before.iter().rev().take_while(|byte| is_word(byte)).count().min(20);
    let end = wrong + line.get(wrong..).unwrap_or_default().iter().take_while(|byte| is_word(byte)).count().min(20);
    let (word, _) = WINDOWS_1252.decode_without_bom_handling(line.get(begin..end).unwrap_or_default());
    match word.chars().any(char::is_control) {
        true => ("this is not UTF-8".to_owned(), "save the file as UTF-8, or name its encoding with --encoding"),
        false => (
            format!("this is not UTF-8; read as Windows-1252 it is `{word}`"),
            "save the file as UTF-8; if the word is right, add --encoding windows-1252",
        ),
    }
}

/// What a file is that begins as a workbook of a spreadsheet does.
pub(super) fn workbook(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'P', b'K', 3, 4, ..] => Some("this is a workbook (.xlsx or .ods) or another ZIP archive, not text"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("this is a workbook of an old spreadsheet (.xls), not text"),
        _ => None,
    }
}

/// Whether a text seems to be UTF-16: by its byte order mark, or by the zeros between its letters.
pub(super) fn seems_utf16(bytes: &[u8]) -> bool {
    let first = bytes.get(..64.min(bytes.len())).unwrap_or_default();
    let zeros = |odd: usize| first.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let has_bom = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    has_bom || (first.len() >= 4 && zeros(0).max(zeros(1)) * 4 >= first.len())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn transcoded(encoding: &str, input: impl Read) -> Result<String, String> {
        let (mut input, mut out) = (input, Vec::new());
        let encoding: TextEncoding = encoding.parse().unwrap();
        match encoding.copy_to_utf8(&mut input, |bytes| out.write_all(bytes)).unwrap() {
            Ok(()) => Ok(String::from_utf8(out).unwrap()),
            Err(diagnostic) => Err(diagnostic.to_string()),
        }
    }

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    fn utf16(text: &str) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn encodings_are_read() {
        let text = "user;lastname\nann@b.c;Müller – 佐藤 🎨\n";
        let western = "user;lastname\nann@b.c;Müller – €\n";
        let (bytes, _, _) = WINDOWS_1252.encode(western);
        for (name, bytes, expected) in [
            ("utf-16", utf16(text), text),
            ("UTF-16LE", utf16(text), text),
            ("windows-1252", bytes.clone().into_owned(), western),
            ("cp1252", bytes.into_owned(), western),
            // A byte order mark is right, whatever the option says.
            ("windows-1252", utf16(text), text),
            ("windows-1252", format!("\u{feff}{text}").into_bytes(), text),
        ] {
            assert_eq!(transcoded(name, bytes.as_slice()).unwrap(), expected, "{name}");
            assert_eq!(transcoded(name, Slow(&bytes)).unwrap(), expected, "{name}");
        }
        assert!("utf-7".parse::<TextEncoding>().unwrap_err().contains("windows-1252"));
    }

    #[test]
    fn malformed_text_has_a_place() {
        let mut bytes = utf16("user\nann");
        bytes.extend([0x00, 0xdc, b'x', 0]);
        let error = transcoded("utf-16", bytes.as_slice()).unwrap_err();
        assert!(error.starts_with("line 2, column 4: this is not UTF-16LE; name the encoding"), "{error}");
        assert!(transcoded("shift_jis", b"a\n\xff".as_slice()).unwrap_err().starts_with("line 2, column 1"));
    }

    #[test]
    fn utf16_is_recognized_without_a_mark() {
        assert!(seems_utf16(b"\xff\xfe") && seems_utf16(b"u\0s\0e\0r\0") && seems_utf16(b"\0u\0s\0e\0r"));
        assert!(!seems_utf16(b"user,add\n") && !seems_utf16(b"") && !seems_utf16("Größe".as_bytes()));
    }

    #[test]
    fn western_word_is_shown() {
        let (rule, remedy) = not_utf8(b"bob,M\xfcller,x", 5);
        assert_eq!(rule, "this is not UTF-8; read as Windows-1252 it is `Müller`");
        assert!(remedy.contains("--encoding windows-1252"));
        assert_eq!(not_utf8(b"\x81\xff", 0).0, "this is not UTF-8");
    }
}
