//! Writes the configuration, with comments.

use std::fmt::Write as _;

/// A TOML file in the making.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
}

impl Writer {
    /// A comment on lines of its own.
    pub(super) fn remark(&mut self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(self.text, "# {}", printable(line));
        }
    }

    /// The head of a table: `[people]`, `[[map]]`.
    pub(super) fn table(&mut self, head: &str) {
        let _ = writeln!(self.text, "\n{head}");
    }

    /// A setting. The comment says where it comes from if it was changed.
    pub(super) fn set(&mut self, key: &str, value: &str, comment: &str) {
        let _ = match comment {
            "" => writeln!(self.text, "{key} = {value}"),
            comment => writeln!(self.text, "{:<39} # {}", format!("{key} = {value}"), printable(comment)),
        };
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A text as TOML has it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Texts as a list of TOML.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    format!("[{}]", texts.into_iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// A comment may hold no control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
