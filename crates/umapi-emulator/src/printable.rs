//! Texts of others on a terminal.

/// Returns a text in which characters that control a terminal or hide text are escapes, such as `\u{1b}`. Line breaks stay.
///
/// Recordings and seeds may come from anybody, and errors quote them.
///
/// ```
/// assert_eq!(umapi_emulator::printable("Größe\u{1b}[2J\nx"), "Größe\\u{1b}[2J\nx");
/// ```
#[must_use]
pub fn printable(text: &str) -> String {
    escape(text, |character| character != '\n' && is_deceptive(character))
}

/// Returns the same on one line: line breaks are escapes, too.
pub(crate) fn printable_line(text: &str) -> String {
    escape(text, is_deceptive)
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match is_escaped(character) {
            true => escaped.extend(character.escape_unicode()),
            false => escaped.push(character),
        }
    }
    escaped
}

/// Whether a character is a control character, changes the direction of text, or is invisible. The joiners of scripts and emoji
/// (U+200C, U+200D) are not.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_escaped_and_scripts_stay() {
        assert_eq!(printable_line("佐藤\u{200d} é\r\n\u{202e}"), "佐藤\u{200d} é\\u{d}\\u{a}\\u{202e}");
        assert_eq!(printable("a\nb\u{9b}"), "a\nb\\u{9b}");
    }
}
