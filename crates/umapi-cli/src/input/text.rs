//! Text of input files: its encoding, its lines, and characters that nobody sees.

use umapi::{Account, Command};

use super::{
    diagnostic::{Diagnostic, SourceLocation},
    encoding,
};
use crate::output::{escape_line, is_deceptive};

/// The longest line of a file, in bytes. Protects the memory; far above what people write.
pub(crate) const MAX_LINE: u64 = 64 << 20;

/// Decodes a line, or a whole file from its first line on.
///
/// # Errors
///
/// If it is not UTF-8: where, and which encoding it seems to be, or that it is a workbook.
pub(crate) fn decode(bytes: &[u8], line: u64) -> Result<&str, Diagnostic> {
    if line == 1
        && let Some(rule) = encoding::workbook(bytes)
    {
        let remedy = "in the spreadsheet, save the sheet as \"CSV UTF-8\"";
        return Err(Diagnostic::new(SourceLocation::line(1), rule).remedy(remedy));
    }
    if line == 1 && encoding::seems_utf16(bytes) {
        let rule = "this is UTF-16, not UTF-8";
        let remedy = "add --encoding utf-16, or save the file as UTF-8";
        return Err(Diagnostic::new(SourceLocation::line(1), rule).remedy(remedy));
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let (valid, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, b""));
    let last_line = valid.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line + valid.iter().filter(|byte| **byte == b'\n').count() as u64;
    let column = String::from_utf8_lossy(last_line).chars().count() + 1;
    let whole_line = [last_line, rest.split(|byte| *byte == b'\n').next().unwrap_or_default()].concat();
    let (rule, remedy) = encoding::not_utf8(&whole_line, last_line.len());
    Err(Diagnostic::new(SourceLocation::character(line, column as u64), rule).remedy(remedy))
}

/// What is wrong with a line that was read up to [`MAX_LINE`].
pub(crate) fn overlong_line(bytes: &[u8], line: u64) -> Option<Diagnostic> {
    let is_overlong = bytes.len() as u64 >= MAX_LINE && bytes.last() != Some(&b'\n');
    is_overlong.then(|| {
        let rule = format!("the line is longer than {} MiB", MAX_LINE >> 20);
        Diagnostic::new(SourceLocation::line(line), rule).remedy("split the line")
    })
}

/// A line without its end, `\n` or `\r\n`.
pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A country code in upper case. What is not a code stays as it is written, for the error that quotes it.
pub(super) fn country_code(text: &str) -> String {
    match text.len() {
        2 => text.to_ascii_uppercase(),
        _ => text.to_owned(),
    }
}

/// The text without a byte order mark at its beginning.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Says which control or invisible character a name contains, if it contains one.
pub(crate) fn invisible_character(text: &str) -> Option<String> {
    let character = text.chars().find(|character| is_deceptive(*character))?;
    let code = format!("U+{:04X}", u32::from(character));
    Some(match character.is_control() {
        true => format!("contains the control character {code}"),
        false => format!("contains the invisible character {code}"),
    })
}

/// Checks a name that is given as an argument or in a file.
///
/// # Errors
///
/// The rule that it breaks.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("a name is empty".to_owned());
    }
    match invisible_character(name) {
        Some(problem) => Err(format!("`{}` {problem}", escape_line(name))),
        None => Ok(()),
    }
}

/// A check of a name: the rule that it breaks, and what to do.
pub(crate) type NameCheck = fn(&str) -> Result<(), (String, String)>;

/// Checks a name of anything in a list.
///
/// # Errors
///
/// The rule that it breaks, and what to do.
pub(crate) fn check_listed(name: &str) -> Result<(), (String, String)> {
    check_name(name).map_err(|rule| (rule, "correct the name".to_owned()))
}

/// Checks the name of a user, and that what looks like an address is one.
///
/// # Errors
///
/// The rule that it breaks, and what to do.
pub(crate) fn check_user(name: &str) -> Result<(), (String, String)> {
    check_listed(name)?;
    if !name.contains('@') {
        return Ok(());
    }
    let command = Command::user(Account::email(name)).add_to(["Group"]);
    command.check().map_err(|invalid| (invalid.rule().to_owned(), invalid.remedy().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_named_and_shown() {
        assert_eq!(invisible_character("a\u{200b}").unwrap(), "contains the invisible character U+200B");
        assert_eq!(invisible_character("a\u{85}").unwrap(), "contains the control character U+0085");
        assert_eq!(invisible_character("Zoë 日本 r\u{308}"), None);
        assert!(check_name(" ").is_err() && check_name("\u{feff}a").is_err() && check_name("R&D").is_ok());
    }

    #[test]
    fn a_workbook_is_not_taken_for_an_encoding() {
        let xlsx = b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0b\xee\x9dh^\x01\0\0\x90\x04\0\0";
        let place = decode(xlsx, 1).unwrap_err().to_string();
        assert!(place.contains("workbook") && place.contains("CSV UTF-8"), "{place}");
        assert!(decode(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 1).unwrap_err().to_string().contains(".xls"));
        assert_eq!(decode(b"PK,user", 1).unwrap(), "PK,user");
    }

    #[test]
    fn a_wrong_encoding_is_told_with_its_place() {
        assert_eq!(decode("Größe".as_bytes(), 3).unwrap(), "Größe");
        let place = decode(b"groups:\n  Gr\xf6\xdfe: []\n", 1).unwrap_err().to_string();
        let expected =
            "line 2, column 5: this is not UTF-8; read as Windows-1252 it is `Größe`; save the file as UTF-8";
        assert!(place.starts_with(expected), "{place}");
        assert!(decode(b"\xfe\xff\0a", 1).unwrap_err().to_string().contains("UTF-16"));
    }
}
