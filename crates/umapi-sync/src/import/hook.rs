//! The hook of user-sync, and the program that runs it.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    connectors::Connector,
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
    pub(super) fn program(&self, rules: &[(String, Vec<String>)], connector: Option<&Connector>) -> String {
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
