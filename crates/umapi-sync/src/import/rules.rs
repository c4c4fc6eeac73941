//! `[[map]]` and `[protect]` from the rules of user-sync.

use regex::Regex;

use super::{
    Fate, Importer, Invocation,
    connectors::Connector,
    hook::{self, Hook},
    texts::{identity_type, pattern_rule, profile_name},
    tree::{Entry, Section},
    writer::{Writer, list, quoted},
};

/// A rule with a pattern: as it is here, and as user-sync has it.
pub(super) struct PatternRule {
    from: String,
    to: String,
    pub(super) source: String,
    pub(super) target: String,
}

impl PatternRule {
    /// Whether what follows the match stays in the name.
    fn keeps_rest(&self) -> bool {
        self.from.ends_with(")(.*)/")
    }

    fn comment(&self) -> String {
        format!("user-sync: source: {}, target: {}", self.source, self.target)
    }
}

/// Writes a rule.
fn map(out: &mut Writer, from: &str, from_comment: &str, to: &str, to_comment: &str, creates: bool) {
    out.table("[[map]]");
    out.set("from", from, from_comment);
    out.set("to", to, to_comment);
    if creates {
        out.set("create", "true", "user-sync: auto_create");
    }
}

impl Importer<'_> {
    /// Writes the rules. Returns the program that runs the hook.
    pub(super) fn maps(
        &mut self,
        out: &mut Writer,
        directory: &mut Section,
        run: &Invocation,
        hook: Option<Hook>,
        connector: Option<&Connector>,
    ) -> Option<String> {
        let mut options = directory.section("group_sync_options");
        let create = self.switch(&mut options, "auto_create", false);
        self.rest(options);
        let mut rules: Vec<(String, Vec<String>)> = Vec::new();
        if let Some(groups) = directory.take("groups") {
            for (line, mut rule) in groups.sections() {
                let from = rule.take("directory_group");
                let to = rule.take("adobe_groups").map(|entry| entry.texts()).unwrap_or_default();
                self.rest(rule);
                let Some(from) = from.as_ref().and_then(Entry::text) else {
                    let at = groups.at_line(line);
                    self.note(&at, Fate::Missing, "a rule has no directory_group");
                    continue;
                };
                let to = to.into_iter().filter(|group| self.is_usable_target(&groups, line, group)).collect::<Vec<_>>();
                match rules.iter_mut().find(|(known, _)| known == from) {
                    Some((_, known)) => known.extend(to),
                    None => rules.push((from.to_owned(), to)),
                }
            }
        }
        if let Some(filter) = run.users.get(1).filter(|_| run.users.first().is_some_and(|users| users == "group")) {
            for group in filter.split(',').map(str::trim).filter(|group| !group.is_empty()) {
                if !rules.iter().any(|(known, _)| known == group) {
                    rules.push((group.to_owned(), Vec::new()));
                }
            }
        }
        let is_empty = rules.is_empty();
        let patterns = self.patterns(directory);
        let has_patterns = !patterns.is_empty();
        let shim = hook.map(|hook| hook.program(&rules, &patterns, connector));
        if shim.is_some() {
            // The hook has the last word on each person's groups of Adobe, so it hands them on itself.
            for target in hook::targets(shim.as_deref().unwrap_or_default()).iter().filter(|_| run.processes_groups) {
                let from = quoted(&format!("{}{target}", hook::PREFIX));
                map(out, &from, "as the hook gives it", &list([target]), "", create);
            }
            for pattern in patterns.iter().filter(|_| run.processes_groups) {
                // Only names that the program made: a broad pattern would find them, too.
                let (from, to) = hook::handed_on(&pattern.target, pattern.keeps_rest());
                map(out, &quoted(&from), "as the program gives it", &list([&to]), &pattern.comment(), create);
            }
            rules.iter_mut().for_each(|(_, to)| to.clear());
        }
        for (from, to) in &rules {
            // A name between slashes would be a pattern here.
            let (from, from_comment) = match from.starts_with('/') && from.ends_with('/') && from.len() > 2 {
                true => (format!("/{}/", regex::escape(from)), "a name between slashes is a pattern here"),
                false => (from.clone(), ""),
            };
            let (to, to_comment) = match run.processes_groups {
                true => (list(to), String::new()),
                false => ("[]".to_owned(), format!("user-sync: process_groups is off, so {} is not given", list(to))),
            };
            map(out, &quoted(&from), from_comment, &to, &to_comment, create);
        }
        for pattern in patterns.iter().filter(|_| shim.is_none()) {
            let (to, to_comment) = match run.processes_groups {
                true => (list([&pattern.to]), format!("user-sync: target: {}", pattern.target)),
                false => ("[]".to_owned(), format!("user-sync: process_groups is off; target: {}", pattern.target)),
            };
            let from_comment = format!("user-sync: source: {}", pattern.source);
            map(out, &quoted(&pattern.from), &from_comment, &to, &to_comment, create);
        }
        if is_empty && !has_patterns {
            map(out, "\"Adobe_All_Apps\"", "user-sync had no rules: name your groups here", "[]", "", false);
        }
        shim
    }

    pub(super) fn is_usable_target(&mut self, at: &Entry, line: usize, group: &str) -> bool {
        let at = at.at_line(line);
        let name = group.rsplit("::").next().unwrap_or(group).trim();
        if name.starts_with('_') {
            self.note(
                &at,
                Fate::Missing,
                format!("`{group}` is an administrative group, and no rule gives or takes it: use `umapi members add`"),
            );
            return false;
        }
        if let Some((org, _)) = group.split_once("::")
            && !self.logins.iter().any(|login| login.profile == profile_name(org))
        {
            self.note(
                &at,
                Fate::Missing,
                format!("`{group}`: there is no organization `{org}` in adobe_users.connectors.umapi"),
            );
            return false;
        }
        !name.is_empty()
    }

    /// The rules with patterns.
    fn patterns(&mut self, directory: &mut Section) -> Vec<PatternRule> {
        let Some(entry) = directory.take("additional_groups") else { return Vec::new() };
        let mut patterns = Vec::new();
        for (line, mut rule) in entry.sections() {
            let at = entry.at_line(line);
            let (source, target) = (rule.take("source"), rule.take("target"));
            self.rest(rule);
            let texts = source.as_ref().and_then(Entry::text).zip(target.as_ref().and_then(Entry::text));
            let Some((source, target)) = texts else {
                self.note(&at, Fate::Missing, "a rule needs `source` and `target`");
                continue;
            };
            let Some((from, to)) = pattern_rule(source, target) else {
                self.note(
                    &at,
                    Fate::Missing,
                    format!(
                        "`{source}` is a regular expression of Python that is none here; write it anew as from = '/…/'"
                    ),
                );
                continue;
            };
            if !self.is_usable_target(&at, line, &to) {
                continue;
            }
            self.note(
                &at,
                Fate::Changed,
                "several groups of the directory may give members to one group here, and the members also select people; a group of Adobe that the target can name loses its members once no group of the directory gives it any more",
            );
            patterns.push(PatternRule { from, to, source: source.to_owned(), target: target.to_owned() });
        }
        patterns
    }

    pub(super) fn protect(&mut self, out: &mut Writer, adobe: &mut Section) {
        out.table("[protect]");
        if let Some(entry) = adobe.take("exclude_adobe_groups") {
            let groups: Vec<String> = entry.texts().into_iter().filter(|group| !group.starts_with('_')).collect();
            if groups.is_empty() {
                let reason = "it held administrative groups only; administrators are always protected";
                out.remark(&format!("user-sync: exclude_adobe_groups: {reason}."));
                self.note(&entry, Fate::Needless, reason);
            } else {
                out.set("groups", &list(&groups), "user-sync: exclude_adobe_groups");
                self.note(&entry, Fate::Changed, "the memberships in these groups stay; user-sync left their members alone in everything: name them in `users`, too");
            }
        }
        if let Some(entry) = adobe.take("exclude_identity_types") {
            let (types, unknown): (Vec<String>, Vec<String>) =
                entry.texts().into_iter().partition(|name| identity_type(name).is_some());
            for name in unknown {
                self.note(&entry, Fate::Missing, format!("`{name}` is no type of account"));
            }
            let types: Vec<String> = types.iter().filter_map(|name| identity_type(name).map(str::to_owned)).collect();
            if !types.is_empty() {
                out.set("types", &list(&types), "");
            }
        }
        if let Some(entry) = adobe.take("exclude_users") {
            let (users, unusable): (Vec<String>, Vec<String>) =
                entry.texts().into_iter().partition(|pattern| Regex::new(&format!("(?i)^(?:{pattern})$")).is_ok());
            for pattern in unusable {
                self.note(&entry, Fate::Missing, format!("`{pattern}` is a regular expression of Python that is none here; write it anew in `users` of [protect], or these users are changed"));
            }
            if !users.is_empty() {
                out.set("users", &list(&users), "whole addresses or usernames, as before");
            }
        }
    }
}
