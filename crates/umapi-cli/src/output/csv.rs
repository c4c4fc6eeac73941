//! Rows of CSV, as programs and spreadsheets read them.

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// For whom CSV is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CsvStyle {
    /// Whether a byte order mark comes first, by which Excel recognizes UTF-8.
    pub(crate) has_bom: bool,
    /// Whether a spreadsheet must not take text for a formula.
    pub(crate) is_safe: bool,
}

impl CsvStyle {
    /// Writes what comes before the header.
    pub(crate) fn begin(self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(if self.has_bom { "\u{feff}".as_bytes() } else { b"" })
    }

    /// Writes a row. A field with blanks at its ends is quoted too, because readers leave them out otherwise.
    pub(crate) fn write_row<T: AsRef<str>>(
        self,
        out: &mut impl Write,
        fields: impl Iterator<Item = T>,
    ) -> io::Result<()> {
        let mut row = String::new();
        let mut count = 0;
        for field in fields {
            let field = if self.is_safe { without_formulas(field.as_ref()) } else { Cow::Borrowed(field.as_ref()) };
            if count > 0 {
                row.push(',');
            }
            count += 1;
            match needs_quotes(&field) {
                true => row += &format!("\"{}\"", field.replace('"', "\"\"")),
                false => row += &field,
            }
        }
        if row.is_empty() && count > 0 {
            // A row with one empty field is not an empty line.
            row.push_str("\"\"");
        }
        writeln!(out, "{row}")
    }
}

fn needs_quotes(field: &str) -> bool {
    field.contains(['"', ',', '\r', '\n']) || field.trim().len() != field.len()
}

/// Puts a `'` before everything that a spreadsheet may take for the beginning of a formula: at the beginning of the field,
/// and behind characters at which a spreadsheet with another separator splits it.
fn without_formulas(field: &str) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut may_begin = true;
    for character in field.chars() {
        if may_begin && is_formula_sign(character) {
            safe.push('\'');
        }
        may_begin =
            matches!(character, ',' | ';' | '\t' | '\r' | '\n' | '"' | '|') || (may_begin && character.is_whitespace());
        safe.push(character);
    }
    if safe.len() == field.len() { Cow::Borrowed(field) } else { Cow::Owned(safe) }
}

/// A character with which a formula begins, in its full-width form too.
fn is_formula_sign(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(style: CsvStyle, fields: &[&str]) -> String {
        let mut out = Vec::new();
        style.write_row(&mut out, fields.iter()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_are_quoted_where_needed() {
        let fields = ["a", "b,c", "say \"no\"", " d ", "", "e\nf", "g;h"];
        assert_eq!(row(CsvStyle::default(), &fields), "a,\"b,c\",\"say \"\"no\"\"\",\" d \",,\"e\nf\",g;h\n");
        assert_eq!(row(CsvStyle::default(), &[""]), "\"\"\n");
    }

    #[test]
    fn formulas_become_texts() {
        let safe = CsvStyle { is_safe: true, ..CsvStyle::default() };
        for (field, expected) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            (" +x", "\" '+x\""),
            ("Design;=cmd", "Design;'=cmd"),
            ("a,=b", "\"a,'=b\""),
            ("\t=x", "'\t'=x"),
            ("＝1", "'＝1"),
            ("a=b-c", "a=b-c"),
            ("ann@b.c", "ann@b.c"),
        ] {
            assert_eq!(row(safe, &[field]), format!("{expected}\n"), "{field}");
        }
        assert_eq!(row(CsvStyle::default(), &["=1+1"]), "=1+1\n");
    }

    proptest! {
        #[test]
        fn rows_are_read_back_as_they_were(fields in proptest::collection::vec("[a ,;\"\r\n\té]{0,6}", 1..4)) {
            let mut out = Vec::new();
            CsvStyle::default().write_row(&mut out, fields.iter()).unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(out.as_slice());
            let read: Vec<Vec<String>> =
                reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(read, vec![fields]);
        }
    }
}
