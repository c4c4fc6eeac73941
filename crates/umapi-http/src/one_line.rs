//! Texts on one line.

/// Returns a text without line breaks and other control characters, which are written as escapes.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{2028}' | '\u{2029}' => line.extend(character.escape_unicode()),
            _ if character.is_control() => line.extend(character.escape_default()),
            _ => line.push(character),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn line_breaks_and_control_characters_are_escaped() {
        assert_eq!(one_line("Größe \"x\""), "Größe \"x\"");
        assert_eq!(one_line("a\r\nb\u{1b}[0m\u{2028}c"), "a\\r\\nb\\u{1b}[0m\\u{2028}c");
    }
}
