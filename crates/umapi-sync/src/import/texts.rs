//! Texts of user-sync as this tool has them: types of accounts, templates, regular expressions.

use regex::Regex;

use super::connectors::Connector;
use crate::condition::Condition;

/// The type of an account as user-sync spells it.
pub(super) fn identity_type(text: &str) -> Option<&'static str> {
    ["adobeID", "enterpriseID", "federatedID"].into_iter().find(|known| known.eq_ignore_ascii_case(text.trim()))
}

/// A name that a profile may have.
pub(super) fn profile_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

/// The attribute of a template that is nothing else, and the texts around it.
pub(super) fn single_attribute(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = template.split_once('{')?;
    let (attribute, after) = rest.split_once('}')?;
    (!after.contains(['{', '}']) && !attribute.is_empty()).then_some((before, attribute, after))
}

pub(super) fn upper(template: &str) -> String {
    match single_attribute(template) {
        Some(("", attribute, "")) => format!("{{{attribute}|upper}}"),
        _ => template.to_owned(),
    }
}

/// A template with a default for the attribute in it, so that the whole becomes `default`.
pub(super) fn with_default(template: &str, default: &str) -> Option<String> {
    let (before, attribute, after) = single_attribute(template)?;
    let inner = default.strip_prefix(before)?.strip_suffix(after)?;
    Some(format!("{before}{{{attribute}|or:{inner}}}{after}"))
}

/// The condition in CEL for people whose username does not match.
pub(super) fn filter_condition(pattern: &str, connector: &Connector, is_hooked: bool) -> Option<String> {
    let cel = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let value = |template: &Option<String>, field: &str| {
        if is_hooked {
            return Some(format!("attr[\"{field}\"]"));
        }
        match single_attribute(template.as_deref()?)? {
            ("", attribute, "") => Some(format!("attr[\"{}\"]", cel(attribute))),
            _ => None,
        }
    };
    let email = value(&connector.email, "email")?;
    let name = match &connector.username {
        None => email,
        Some(_) => {
            let username = value(&connector.username, "username")?;
            format!("({username} == \"\" ? {email} : {username})")
        }
    };
    Regex::new(pattern).ok()?;
    let condition = format!("!{name}.matches(\"(?i)^(?:{})$\")", cel(pattern));
    Condition::parse(&condition).ok().map(|_| condition)
}

/// A rule with a pattern: user-sync compares the beginning of a name, and keeps what follows.
pub(super) fn pattern_rule(source: &str, target: &str) -> Option<(String, String)> {
    let compiled = Regex::new(source).ok()?;
    let mut to = String::new();
    let mut rest = target;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if c == '$' {
            to.push_str("$$");
        } else if c == '\\' {
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if let Some((name, tail)) = after.strip_prefix("g<").and_then(|named| named.split_once('>')) {
                to.push_str(&format!("${{{name}}}"));
                rest = tail;
                continue;
            } else if digits > 0 {
                to.push_str(&format!("${{{}}}", &after[..digits]));
                rest = &after[digits..];
                continue;
            }
            // `\\` is a backslash.
            to.push('\\');
            rest = after.strip_prefix('\\').unwrap_or(after);
            continue;
        } else {
            to.push(c);
        }
        rest = after;
    }
    let takes_all = [".+)", ".*)", ".+", ".*", "$"].iter().any(|end| source.ends_with(end)) && !source.ends_with("\\$");
    let source = source.strip_suffix('$').filter(|_| takes_all).unwrap_or(source);
    let is_anchored = source.strip_prefix('^').unwrap_or(source);
    if takes_all && !is_anchored.contains('|') {
        return Some((format!("/{is_anchored}/"), to));
    }
    let number = compiled.captures_len();
    Some((format!("/(?:{is_anchored})(.*)/"), format!("{to}${{{number}}}")))
}
