//! The hook of user-sync, and the program that runs it.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    connectors::Connector,
    rules::PatternRule,
    tree::{Entry, Section},
};

/// Stands before the names of groups of Adobe that the program gives, so that they are no groups of the directory.
pub(super) const PREFIX: &str = "adobe:";

/// What comes before the list of the groups that the hook may give.
const TARGETS: &str = "TARGETS = ";

/// The program, without its data.
const PROGRAM: &str = include_str!("hook.py");

/// The hook of user-sync: code in Python for each person.
pub(super) struct Hook {
    pub(super) entry: Entry,
    code: String,
    groups: Vec<String>,
}

impl Hook {
    pub(super) fn take(section: &mut Section, entry: Entry) -> Option<Self> {
        let code = section.take("after_mapping_hook")?.text()?.to_owned();
        let groups = section.take("extended_adobe_groups").map(|groups| groups.texts()).unwrap_or_default();
        // The program hands over all columns.
        section.take("extended_attributes");
        Some(Self { entry, code, groups })
    }

    /// The program: it reads a CSV file, applies the rules, runs the hook, and prints people.
    pub(super) fn program(
        &self,
        rules: &[(String, Vec<String>)],
        patterns: &[PatternRule],
        connector: Option<&Connector>,
    ) -> String {
        let mut targets: Vec<&String> = rules.iter().flat_map(|(_, to)| to).chain(&self.groups).collect();
        targets.sort();
        targets.dedup();
        let mapping: serde_json::Map<String, serde_json::Value> =
            rules.iter().map(|(from, to)| (from.clone(), json!(to))).collect();
        let columns = connector.map(|connector| json!(connector.columns)).unwrap_or_default();
        let mut text = String::from(
            "#!/usr/bin/env python3\n\"\"\"Runs the hook of user-sync for `umapi sync`. Made by `umapi sync import`.\"\"\"\n\n",
        );
        // Texts of JSON are texts of Python.
        let _ = writeln!(text, "{TARGETS}{}", json!(targets));
        let _ = writeln!(text, "MAPPING = {}", json!(mapping));
        let additional: Vec<_> = patterns.iter().map(|pattern| json!([pattern.source, pattern.target])).collect();
        let _ = writeln!(text, "ADDITIONAL = {}", json!(additional));
        let _ = writeln!(text, "COLUMNS = {columns}");
        let _ = writeln!(
            text,
            "DELIMITER = {}",
            json!(connector.and_then(|connector| connector.delimiter.clone()).unwrap_or_default())
        );
        let encoding =
            connector.and_then(|connector| connector.encoding.clone()).unwrap_or_else(|| "utf-8-sig".to_owned());
        let _ = writeln!(text, "ENCODING = {}", json!(encoding));
        let _ = writeln!(text, "HOOK = {}", json!(self.code));
        text + PROGRAM
    }
}

/// The groups of Adobe that a program gives.
pub(super) fn targets(program: &str) -> Vec<String> {
    let line = program.lines().find_map(|line| line.strip_prefix(TARGETS)).unwrap_or("[]");
    serde_json::from_str(line).unwrap_or_default()
}

/// The rule for what the program makes of a target of user-sync such as `ACL-\\1`: only names that begin as it does.
pub(super) fn handed_on(target: &str, keeps_rest: bool) -> (String, String) {
    let (mut from, mut to) = (format!("/{}", regex::escape(PREFIX)), String::new());
    let (mut rest, mut number) = (target, 0);
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let named = after.strip_prefix("g<").and_then(|named| named.split_once('>'));
        let part = match (c, named) {
            ('\\', Some((_, tail))) => Some(tail),
            ('\\', None) if digits > 0 => Some(&after[digits..]),
            _ => None,
        };
        if let Some(tail) = part {
            number += 1;
            from.push_str("(.*)");
            to.push_str(&format!("${{{number}}}"));
            rest = tail;
            continue;
        }
        // `\\\\` is a backslash.
        rest = if c == '\\' { after.strip_prefix('\\').unwrap_or(after) } else { after };
        from.push_str(&regex::escape(&c.to_string()));
        match c {
            '$' => to.push_str("$$"),
            c => to.push(c),
        }
    }
    if keeps_rest && !from.ends_with("(.*)") {
        from.push_str("(.*)");
        to.push_str(&format!("${{{}}}", number + 1));
    }
    from.push('/');
    (from, to)
}
