//! Names of groups in rules: of the directory, with patterns; and of Adobe, with an organization.

use std::fmt;

use regex::Regex;
use umapi_plan::account::FoldedName;

/// The groups of a directory that a rule is about.
#[derive(Clone, Debug)]
pub enum GroupPattern {
    /// The group of this name.
    Named(String),
    /// All groups whose whole name matches.
    Matching(Regex),
}

/// A group of Adobe in a rule. `$1` and `${name}` stand for parts of the name that a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPattern {
    /// The organization; `None` is the primary one.
    pub org: Option<String>,
    /// The name of the group.
    pub group: String,
}

impl GroupPattern {
    /// Reads the name of a group, or a pattern between slashes.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pattern = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|_| text.len() > 2);
        match pattern {
            None if text.trim().is_empty() => Err("the name of a group is empty".to_owned()),
            None => Ok(Self::Named(text.trim().to_owned())),
            Some(pattern) => match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(regex) => Ok(Self::Matching(regex)),
                Err(regex::Error::Syntax(reason)) => {
                    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                    Err(format!("`{text}` is not a regular expression: {reason}"))
                }
                Err(_) => Err(format!("`{text}` is too large a regular expression")),
            },
        }
    }

    /// The groups that a target means for this group of the directory. `None` if the rule is not about the group.
    pub fn expand(&self, group: &str, to: &TargetPattern) -> Option<String> {
        match self {
            Self::Named(name) => (FoldedName::new(name) == FoldedName::new(group)).then(|| to.group.clone()),
            Self::Matching(regex) => {
                let captures = regex.captures(group)?;
                let mut name = String::new();
                captures.expand(&to.group, &mut name);
                Some(name)
            }
        }
    }

    /// Whether the rule is about this group of the directory.
    pub fn matches(&self, group: &str) -> bool {
        match self {
            Self::Named(name) => FoldedName::new(name) == FoldedName::new(group),
            Self::Matching(regex) => regex.is_match(group),
        }
    }
}

impl TargetPattern {
    /// Reads `group` or `organization::group`.
    pub fn parse(text: &str) -> Self {
        match text.split_once("::") {
            Some((org, group)) => Self { org: Some(org.trim().to_owned()), group: group.trim().to_owned() },
            None => Self { org: None, group: text.trim().to_owned() },
        }
    }

    /// A pattern that every group this target can name matches: where parts of a name are filled in, anything stands.
    pub fn family(&self, from: &GroupPattern) -> TargetFamily {
        match from {
            GroupPattern::Named(_) => TargetFamily::One(FoldedName::new(&self.group)),
            GroupPattern::Matching(_) => {
                let mut pattern = String::from("(?i)^");
                let mut rest = self.group.as_str();
                while let Some(at) = rest.find('$') {
                    pattern.push_str(&regex::escape(&rest[..at]));
                    let after = &rest[at + 1..];
                    if let Some(literal) = after.strip_prefix('$') {
                        pattern.push_str("\\$");
                        rest = literal;
                        continue;
                    }
                    pattern.push_str(".*");
                    rest = match after.strip_prefix('{') {
                        Some(named) => named.split_once('}').map_or("", |(_, rest)| rest),
                        None => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
                    };
                }
                pattern.push_str(&regex::escape(rest));
                pattern.push('$');
                Regex::new(&pattern).map_or(TargetFamily::One(FoldedName::new(&self.group)), TargetFamily::Many)
            }
        }
    }
}

/// The groups of Adobe that a target can name.
#[derive(Clone, Debug)]
pub enum TargetFamily {
    /// One group.
    One(FoldedName),
    /// All groups whose names match.
    Many(Regex),
}

impl TargetFamily {
    /// Whether a group of Adobe is one of them.
    pub fn contains(&self, group: &str) -> bool {
        match self {
            Self::One(name) => *name == FoldedName::new(group),
            Self::Many(pattern) => pattern.is_match(group),
        }
    }
}

impl fmt::Display for GroupPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Matching(regex) => {
                let pattern = regex.as_str().trim_start_matches("^(?:").trim_end_matches(")$");
                write!(f, "/{pattern}/")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_and_fill_targets() {
        let from = GroupPattern::parse("/ACL-(.+)/").unwrap();
        let to = TargetPattern::parse("emea::ACL $1");
        assert_eq!(from.expand("ACL-Design", &to).as_deref(), Some("ACL Design"));
        assert_eq!(from.expand("X-ACL-Design", &to), None);
        assert!(to.family(&from).contains("acl design") && !to.family(&from).contains("Design"));
        assert_eq!(from.to_string(), "/ACL-(.+)/");
    }

    #[test]
    fn names_are_compared_as_the_service_does() {
        let from = GroupPattern::parse("Design").unwrap();
        assert!(from.matches("DESIGN") && !from.matches("Designers"));
        assert!(GroupPattern::parse("/(/").unwrap_err().contains("unclosed group"));
        assert!(GroupPattern::parse("  ").is_err());
    }
}
