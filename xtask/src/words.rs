//! `cargo xtask words`: rules for text that a program can check - file headers, spelling, refused phrases, the width of
//! examples, paths and links that must exist, and actions that must not move.

use std::path::Path;

use anyhow::{Result, bail};
use regex::Regex;

use crate::workspace;

/// British spellings, with their American ones.
const SPELLINGS: [(&str, &str); 11] = [
    ("licence", "license"),
    ("colour", "color"),
    ("behaviour", "behavior"),
    ("favour", "favor"),
    ("honour", "honor"),
    ("neighbour", "neighbor"),
    ("catalogue", "catalog"),
    ("centre", "center"),
    ("organise", "organize"),
    ("recognise", "recognize"),
    ("serialise", "serialize"),
];

/// Regular expressions of phrases that are hard to read, with what to write instead.
const PHRASES: [(&str, &str); 8] = [
    (r", say, ", "for example"),
    (r"\bwhoever\b", "who exactly"),
    (r"\bthat which\b", "what exactly"),
    (r"\bone's own\b", "whose"),
    (r"\bis believed\b", "is honored, is used"),
    (r"; nothing if\b", "`None` if"),
    (r"\b(?:it|that|which) is no [a-z]", "is not a"),
    (r"\bcomes? to nothing\b", "fails"),
];

/// Extensions of the files whose words are checked.
const TEXTS: [&str; 15] =
    ["cs", "go", "java", "md", "mts", "php", "py", "rs", "sh", "sql", "toml", "ts", "txt", "yaml", "yml"];

/// Checks all tracked files.
pub(crate) fn check() -> Result<()> {
    let top = workspace::top();
    let phrases: Vec<(Regex, &str)> = PHRASES
        .iter()
        .map(|(pattern, instead)| Ok((Regex::new(&format!("(?i){pattern}"))?, *instead)))
        .collect::<Result<_>>()?;
    let (mut problems, mut count) = (Vec::new(), 0);
    let (mut code, mut security) = (String::new(), String::new());
    for path in workspace::tracked_files()? {
        let extension = Path::new(&path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        // This file contains what it refuses. A tracked file that was deleted has no text.
        if !TEXTS.contains(&extension) || path.ends_with("xtask/src/words.rs") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(top.join(&path)) else { continue };
        count += 1;
        problems.extend(word_problems(&path, &text, &phrases));
        if extension == "rs" {
            problems.extend(header_problem(&path, &text));
            code += &text;
        }
        if path.starts_with("crates/") {
            problems.extend(wide_examples(&path, &text));
        }
        if path == "SECURITY.md" {
            security.clone_from(&text);
        }
        if extension == "md" {
            problems.extend(missing_targets(&top, &path, &text)?);
        }
        if path.starts_with(".github/workflows/") {
            problems.extend(movable_actions(&path, &text)?);
        }
    }
    problems.extend(missing_tests(&security, &code)?);
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    println!("{count} files follow the rules");
    Ok(())
}

/// Tests that SECURITY names as proof and that do not exist.
fn missing_tests(security: &str, code: &str) -> Result<Vec<String>> {
    let name = Regex::new("`([a-z0-9]+(?:_[a-z0-9]+){2,})`")?;
    let names = name.captures_iter(security).map(|found| found[1].to_owned());
    let missing = names.filter(|name| !code.contains(&format!("fn {name}(")));
    Ok(missing.map(|name| format!("SECURITY.md: there is no test {name}")).collect())
}

fn word_problems(path: &str, text: &str, phrases: &[(Regex, &str)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let lower = line.to_lowercase();
        for (british, american) in SPELLINGS {
            if lower.contains(british) {
                problems.push(format!("{path}:{number}: write `{american}`, not `{british}`"));
            }
        }
        for (pattern, instead) in phrases {
            if let Some(found) = pattern.find(line) {
                problems.push(format!("{path}:{number}: `{}` is hard to read; write {instead}", found.as_str().trim()));
            }
        }
    }
    problems
}

/// The widest line of an example, in characters. Wider ones scroll sideways on a page of documentation.
const EXAMPLE_WIDTH: usize = 100;

/// Lines of Rust code in documentation that are too wide. Lines that rustdoc hides may have any width.
fn wide_examples(path: &str, text: &str) -> Vec<String> {
    let is_source = path.ends_with(".rs");
    // In a document that is not a part of a crate's documentation, code without a language is not Rust.
    let is_rust_by_default = is_source || path.contains("/src/") || path.ends_with("/README.md");
    let (mut problems, mut block) = (Vec::new(), None);
    for (number, line) in (1..).zip(text.lines()) {
        let line = if is_source {
            let comment = line.trim_start();
            let Some(docs) = comment.strip_prefix("///").or_else(|| comment.strip_prefix("//!")) else {
                block = None;
                continue;
            };
            docs.strip_prefix(' ').unwrap_or(docs)
        } else {
            line
        };
        match (line.trim_start().strip_prefix("```"), block) {
            (Some(_), Some(_)) => block = None,
            (Some(language), None) => {
                let is_rust = |tag: &str| ["rust", "no_run", "should_panic", "ignore", "compile_fail"].contains(&tag);
                let mut tags = language.split([',', ' ']).filter(|tag| !tag.is_empty()).peekable();
                block = Some(if tags.peek().is_none() { is_rust_by_default } else { tags.all(is_rust) });
            }
            (None, Some(true)) if !line.starts_with("# ") && line.chars().count() > EXAMPLE_WIDTH => {
                problems.push(format!("{path}:{number}: a line of an example has at most {EXAMPLE_WIDTH} characters"));
            }
            (None, _) => {}
        }
    }
    problems
}

/// The first line of a source file says what it is: a `//!` line, or an included document.
fn header_problem(path: &str, text: &str) -> Option<String> {
    let is_generated = text.lines().next().is_some_and(|line| line.contains("@generated"));
    let has_header = text.starts_with("//!") || text.starts_with("#![doc = include_str!");
    (!is_generated && !has_header).then(|| format!("{path}:1: begin the file with a `//!` line that says what it is"))
}

/// Relative links, and paths of source files in backticks, that name no file.
fn missing_targets(top: &Path, path: &str, text: &str) -> Result<Vec<String>> {
    let link = Regex::new(r"\]\(([^)\s#]+)[^)]*\)")?;
    let source = Regex::new(r"`((?:[\w.-]+/)+[\w.-]+\.(?:rs|md|toml|yaml|sql|sh|py))`")?;
    let folder = top.join(path).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for target in link.captures_iter(line).map(|found| found[1].to_owned()) {
            if !target.contains("://") && !target.contains("::") && !folder.join(&target).exists() {
                problems.push(format!("{path}:{number}: the link to {target} leads nowhere"));
            }
        }
        for target in source.captures_iter(line).map(|found| found[1].to_owned()) {
            let places = [top.join(&target), top.join("crates").join(&target), folder.join(&target)];
            if path == "ARCHITECTURE.md" && !places.iter().any(|place| place.exists()) {
                problems.push(format!("{path}:{number}: {target} does not exist"));
            }
        }
    }
    Ok(problems)
}

/// Actions of others in a workflow that are named by a tag or a branch, which can be moved to other code.
fn movable_actions(path: &str, text: &str) -> Result<Vec<String>> {
    let used = Regex::new(r"^\s*(?:- )?uses:\s*([^\s#]+)")?;
    let of_commit = Regex::new(r"@[0-9a-f]{40}$")?;
    let named = (1..).zip(text.lines()).filter_map(|(number, line)| Some((number, used.captures(line)?[1].to_owned())));
    let movable = named.filter(|(_, action)| !action.starts_with("./") && !of_commit.is_match(action));
    Ok(movable.map(|(number, action): (u32, _)| format!("{path}:{number}: name the commit of {action}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_words_are_reported_with_line_and_replacement() {
        let phrases = [(Regex::new("(?i)that which").unwrap(), "what exactly")];
        let problems = word_problems("a.md", "good\nA Licence for that which is here\n", &phrases);
        let expected =
            ["a.md:2: write `license`, not `licence`", "a.md:2: `that which` is hard to read; write what exactly"];
        assert_eq!(problems, expected);
    }

    #[test]
    fn lines_of_examples_are_not_too_wide() {
        let wide = "x".repeat(EXAMPLE_WIDTH + 1);
        let fits = "é".repeat(EXAMPLE_WIDTH);
        let source = format!(
            "/// {wide}\n/// ```\n/// {fits}\n/// {wide}\n/// # {wide}\n/// ```\n/// ```text\n/// {wide}\n/// ```\n// {wide}\n"
        );
        let of_line = |path: &str, line| format!("{path}:{line}: a line of an example has at most 100 characters");
        assert_eq!(wide_examples("crates/a/src/b.rs", &source), [of_line("crates/a/src/b.rs", 4)]);
        let readme = format!("{wide}\n```rust,no_run\n{wide}\n```\n```sh\n{wide}\n```\n");
        assert_eq!(wide_examples("crates/a/README.md", &readme), [of_line("crates/a/README.md", 3)]);
        let other = format!("```\n{wide}\n```\n");
        assert!(wide_examples("crates/a/DIFFERENCES.md", &other).is_empty());
    }

    #[test]
    fn tests_named_in_security_must_exist() {
        let problems =
            missing_tests("`keys_are_hidden` `tokens_are_hidden` `tls.rs`", "fn keys_are_hidden() {}").unwrap();
        assert_eq!(problems, ["SECURITY.md: there is no test tokens_are_hidden"]);
    }

    #[test]
    fn actions_of_others_are_named_by_commit() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let text = format!(
            "  - uses: a/b@{commit} # v1\n  - uses: a/b@v1\n    uses: ./.github/x.yml\n    uses: c/d/e@main # x\n"
        );
        assert_eq!(
            movable_actions("ci.yml", &text).unwrap(),
            ["ci.yml:2: name the commit of a/b@v1", "ci.yml:4: name the commit of c/d/e@main"]
        );
    }

    #[test]
    fn code_needs_a_header_unless_it_is_generated() {
        assert!(header_problem("a.rs", "use std::fmt;\n").is_some());
        assert!(header_problem("a.rs", "//! Formats things.\n").is_none());
        assert!(header_problem("a.rs", "// @generated by a tool\n").is_none());
    }

    #[test]
    fn links_and_paths_must_exist() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("crates/one/src")).unwrap();
        std::fs::write(top.path().join("crates/one/src/lib.rs"), "").unwrap();
        let text =
            "`one/src/lib.rs` [there](crates/one) [web](https://example.com)\n`one/src/gone.rs` [gone](gone.md#part)";
        let problems = missing_targets(top.path(), "ARCHITECTURE.md", text).unwrap();
        let expected = [
            "ARCHITECTURE.md:2: the link to gone.md leads nowhere",
            "ARCHITECTURE.md:2: one/src/gone.rs does not exist",
        ];
        assert_eq!(problems, expected);
    }
}
