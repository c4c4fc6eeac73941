//! Names in one field of CSV.

/// Splits names joined by `;`. A `;` or `\` that belongs to a name is written `\;` or `\\`. White space around a name and
/// empty names are left out.
///
/// # Errors
///
/// If a `\` stands before anything else, or at the end.
pub(crate) fn split_list(text: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ';' => names.push(String::new()),
            '\\' => match letters.next() {
                Some(escaped @ (';' | '\\')) => push(&mut names, escaped),
                _ => return Err("a `\\` stands alone: write `\\\\` for a `\\` that belongs to a name".to_owned()),
            },
            other => push(&mut names, other),
        }
    }
    Ok(names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

fn push(names: &mut [String], letter: char) {
    if let Some(last) = names.last_mut() {
        last.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::join_list;

    #[test]
    fn what_is_joined_can_be_split_again() {
        for names in [vec![], vec!["Design"], vec!["a;b", r"c\d", r"\;", "e f"]] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(split_list(&join_list(&names)).unwrap(), names);
        }
        assert_eq!(split_list(" a ;; b;").unwrap(), ["a", "b"]);
        assert!(split_list(r"a\b").is_err() && split_list("a\\").is_err());
    }
}
