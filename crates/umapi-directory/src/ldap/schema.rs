//! Which attributes of Active Directory change without a trace: a delta would not show their changes.

use ldap3::{Scope, SearchEntry};

use super::{End, Read, Search, value_of};
use crate::extent::Gap;

/// The rules of filters that compare bits. Others may follow links to other entries.
const BIT_RULES: [&str; 2] = ["1.2.840.113556.1.4.803", "1.2.840.113556.1.4.804"];

/// Flags of `systemFlags`: each server has a value of its own, or computes it.
const NOT_REPLICATED: u32 = 1;
const CONSTRUCTED: u32 = 4;

/// Syntaxes of values that hold the name of another entry, and change when that one is renamed.
const NAMES: [&str; 3] = ["2.5.5.1", "2.5.5.7", "2.5.5.14"];

/// Attributes that are watched although the schema speaks against it: those that never change, and the name of an entry,
/// which changes with the entry, or with a container, which makes everything be read.
const TOLD: [&str; 5] = ["distinguishedName", "dn", "objectCategory", "objectGUID", "objectSid"];

impl Read<'_> {
    /// Why the changes of the query's attributes and filters cannot be told. `None`: they can.
    pub(super) async fn untold(&mut self, schema: &str) -> Result<Option<String>, Gap> {
        let settings = &self.directory.settings;
        let filters = [settings.people_filter.as_deref(), settings.group_filter.as_deref()];
        let filters: Vec<&str> = filters.into_iter().flatten().collect();
        if let Some(filter) = filters.iter().find(|filter| has_other_rule(filter)) {
            return Ok(Some(format!("the filter {filter} looks at other entries")));
        }
        let mut names: Vec<String> = self.query.attributes.clone();
        names.extend(filters.iter().flat_map(|filter| attributes_of(filter)));
        names.push(self.id.clone());
        names.extend(settings.group_name.clone());
        names.retain(|name| !TOLD.iter().any(|told| told.eq_ignore_ascii_case(name)));
        names.retain(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        names.sort_unstable();
        names.dedup();
        let tests: String = names.iter().map(|name| format!("(lDAPDisplayName={name})")).collect();
        let filter = format!("(&(objectClass=attributeSchema)(|{tests}))");
        let attributes = ["lDAPDisplayName", "linkID", "systemFlags", "attributeSyntax"].map(str::to_owned);
        let what = "the schema";
        let search = Search { what, base: schema, scope: Scope::Subtree, filter: &filter, attributes: &attributes };
        let mut seen = 0;
        let mut reason = None;
        let mut take = |entry: SearchEntry| {
            seen += 1;
            let number = |name: &str| value_of(&entry, name).and_then(|text| text.parse::<i64>().ok());
            let flags = number("systemFlags").unwrap_or_default();
            let flags = u32::try_from(flags & i64::from(u32::MAX)).unwrap_or_default();
            let is_backlink = number("linkID").is_some_and(|link| link % 2 != 0);
            let is_name = value_of(&entry, "attributeSyntax").is_some_and(|syntax| NAMES.contains(&syntax));
            let why = match () {
                () if is_backlink => "is set by other entries",
                () if is_name => "holds the name of another entry",
                () if flags & CONSTRUCTED != 0 => "is computed",
                () if flags & NOT_REPLICATED != 0 => "is kept by each server for itself",
                () => return,
            };
            let name = value_of(&entry, "lDAPDisplayName").unwrap_or_default();
            reason = Some(format!("the attribute {name} {why}, and no change of it is told"));
        };
        match self.connection.search(search, &mut take).await {
            End::Whole if seen == 0 => Ok(Some("this user cannot see the schema".to_owned())),
            End::Whole => Ok(reason),
            End::NoSuchEntry => Ok(Some("this user cannot see the schema".to_owned())),
            End::Cut { gap, .. } => Err(gap),
        }
    }
}

/// The attributes that a filter tests.
pub(super) fn attributes_of(filter: &str) -> Vec<String> {
    tests_of(filter).into_iter().map(|(name, _)| name).collect()
}

fn has_other_rule(filter: &str) -> bool {
    tests_of(filter).iter().any(|(_, rule)| rule.as_ref().is_some_and(|rule| !BIT_RULES.contains(&rule.as_str())))
}

/// The tests of a filter: attributes, with the rules by which they are compared.
fn tests_of(filter: &str) -> Vec<(String, Option<String>)> {
    let tests = filter.split('(').filter_map(|part| part.split_once('=')).map(|(name, _)| {
        let mut parts = name.trim_end_matches(['~', '<', '>', ':']).split(':');
        let attribute = parts.next().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
        (attribute, parts.rfind(|rule| !rule.is_empty() && *rule != "dn").map(str::to_owned))
    });
    tests.filter(|(name, rule)| !name.is_empty() || rule.is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_their_attributes() {
        let filter =
            "(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))(cn;lang-en=a*)(x>=3)(y~=b))";
        assert_eq!(attributes_of(filter), ["objectClass", "userAccountControl", "cn", "x", "y"]);
        assert!(!has_other_rule(filter));
        for chain in ["(memberOf:1.2.840.113556.1.4.1941:=CN=a,DC=b)", "(:dn:2.4.6:=x)", "(cn:caseExactMatch:=x)"] {
            assert!(has_other_rule(chain), "{chain}");
        }
        assert!(attributes_of("").is_empty());
    }
}
