//! Files with a name on each line, for `--from`.

use std::path::Path;

use super::{
    Diagnostic, Diagnostics, SourceLocation, TextArgs,
    source::{read_text, source_name},
    text::{NameCheck, decode, without_bom},
};
use crate::failure::Result;

/// A name, and its line in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedName {
    pub(crate) name: String,
    /// `None` if the name is an argument.
    pub(crate) line: Option<u64>,
}

/// Reads the names of a file, one per line. Empty lines, comments and white space around names are left out.
///
/// A comment is a line that begins with `#`. A name that begins with `#` is written `\#`. All names that break the rule of
/// `check` are told.
pub(crate) fn read_names(path: &Path, text: TextArgs, check: NameCheck) -> Result<Vec<ListedName>> {
    names_of(&read_text(path, text.encoding())?, check).map_err(|mistakes| {
        let mut diagnostics = Diagnostics::of_file(source_name(path));
        let what = match mistakes.len() {
            1 => "a name is not valid".to_owned(),
            count => format!("{count} names are not valid"),
        };
        mistakes.into_iter().for_each(|mistake| diagnostics.push(mistake));
        diagnostics.into_failure(&what)
    })
}

fn names_of(bytes: &[u8], check: NameCheck) -> Result<Vec<ListedName>, Vec<Diagnostic>> {
    let text = decode(without_bom(bytes), 1).map_err(|diagnostic| vec![diagnostic])?;
    let is_table = |line: &str| line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
    if text.lines().next().is_some_and(is_table) {
        let rule = "this is a table of Excel, and a list has one name per line";
        let remedy = "copy the column with the names into a file of its own";
        return Err(vec![Diagnostic::new(SourceLocation::line(1), rule).remedy(remedy)]);
    }
    let (mut names, mut mistakes) = (Vec::new(), Vec::new());
    for (line, name) in (1..).zip(text.lines().map(str::trim)) {
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        let name = if name.starts_with("\\#") { &name[1..] } else { name };
        match check(name) {
            Ok(()) => names.push(ListedName { name: name.to_owned(), line: Some(line) }),
            Err((rule, remedy)) => mistakes.push(Diagnostic::new(SourceLocation::line(line), rule).remedy(remedy)),
        }
    }
    if mistakes.is_empty() { Ok(names) } else { Err(mistakes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{check_listed, check_user};

    #[test]
    fn comments_are_left_out() {
        let names = names_of(
            b"# leavers of May\nann@example.com\n  # bob@example.com\n\\#1 Team\nC# Developers\n",
            check_listed,
        )
        .unwrap();
        let expected = [("ann@example.com", 2), ("#1 Team", 4), ("C# Developers", 5)];
        assert_eq!(names, expected.map(|(name, line)| ListedName { name: name.to_owned(), line: Some(line) }));
    }

    #[test]
    fn a_table_of_excel_is_no_list() {
        let mistakes = names_of("\u{feff}SEP=;\r\nemail;x\r\nann@example.com;1\r\n".as_bytes(), check_listed);
        assert!(mistakes.unwrap_err()[0].to_string().starts_with("line 1: this is a table of Excel"));
    }

    #[test]
    fn all_bad_names_are_told_with_their_lines() {
        let names = names_of("\u{feff}ann@example.com\r\n\n  bob@example.com ".as_bytes(), check_user).unwrap();
        let expected = [("ann@example.com", 1), ("bob@example.com", 3)];
        assert_eq!(names, expected.map(|(name, line)| ListedName { name: name.to_owned(), line: Some(line) }));
        let mistakes =
            names_of("a@b.c\u{200b}\nd@e.f\n\u{202e}g@h.i\nx y@z\nlee\n".as_bytes(), check_user).unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert!(shown[0].starts_with("line 1: `a@b.c<U+200B>` contains the invisible character U+200B"), "{shown:?}");
        assert!(shown[1].starts_with("line 3: "), "{shown:?}");
        assert!(shown[2].starts_with("line 4: an email address has no spaces"), "{shown:?}");
        assert!(
            names_of(b"a\n\xff", check_user).unwrap_err()[0]
                .to_string()
                .starts_with("line 2, column 1: this is not UTF-8")
        );
    }
}
