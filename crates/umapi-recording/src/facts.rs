//! What the real values of a list say and pseudonyms cannot: its order.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::json::Node;

/// What the real values say and pseudonyms cannot.
///
/// ```
/// use umapi_recording::{Entry, Facts, ListOrder};
///
/// /// Whether a page of groups shows that they are not sorted by name.
/// fn is_unsorted(entry: &Entry) -> bool {
///     let Facts { group_names, .. } = &entry.umapi.facts;
///     *group_names == Some(ListOrder::Unordered)
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Facts {
    /// The order of the users by address, in the order of the Unicode collation: punctuation, digits, letters, ignoring case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emails: Option<ListOrder>,
    /// The order of the users by address, by code point, ignoring case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emails_by_code_point: Option<ListOrder>,
    /// The order of the groups by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_ids: Option<ListOrder>,
    /// The order of the groups by name, by code point, ignoring case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_names: Option<ListOrder>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ListOrder {
    /// Each entry is after the one before it.
    Ascending,
    /// No entry is before the one before it, and some are equal.
    AscendingWithEqual,
    /// In no order.
    Unordered,
}

impl Facts {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The facts of a response.
    pub(crate) fn of(body: &Node) -> Self {
        let mut facts = Self::default();
        let lists = ["users", "groups"].map(|name| body.get(name).and_then(Node::list));
        let [users, groups] = match body {
            Node::List(items) if items.first().is_some_and(|item| item.get("groupId").is_some()) => {
                [None, Some(items.as_slice())]
            }
            Node::List(items) => [Some(items.as_slice()), None],
            _ => lists,
        };
        if let Some(emails) = users.and_then(|users| texts(users, "email")) {
            facts.emails = order(&emails, |a, b| collation_key(a).cmp(collation_key(b)));
            facts.emails_by_code_point = order(&emails, |a, b| a.cmp(b));
        }
        if let Some(groups) = groups {
            let id = |group: &Node| match group.get("groupId") {
                Some(Node::Number(number)) => number.as_u64(),
                _ => None,
            };
            let ids: Option<Vec<u64>> = groups.iter().map(id).collect();
            facts.group_ids = ids.and_then(|ids| order(&ids, u64::cmp));
            let names = texts(groups, "groupName").or_else(|| texts(groups, "name"));
            facts.group_names = names.and_then(|names| order(&names, |a, b| a.cmp(b)));
        }
        facts
    }
}

/// The texts of a field, in small letters. `None` if an item has none.
fn texts(items: &[Node], field: &str) -> Option<Vec<String>> {
    items.iter().map(|item| Some(item.get(field)?.text()?.to_lowercase())).collect()
}

/// The order of a list. `None` if it has fewer than two entries.
fn order<T>(items: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Option<ListOrder> {
    if items.len() < 2 {
        return None;
    }
    let mut found = ListOrder::Ascending;
    for pair in items.windows(2) {
        match compare(&pair[0], &pair[1]) {
            Ordering::Less => {}
            Ordering::Equal => found = ListOrder::AscendingWithEqual,
            Ordering::Greater => return Some(ListOrder::Unordered),
        }
    }
    Some(found)
}

/// Punctuation in the order of the Unicode collation, then digits, then letters, then everything else.
fn collation_key(text: &str) -> impl Iterator<Item = u8> + '_ {
    const PUNCTUATION: &[u8] = b"_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
    text.bytes().map(|byte| {
        let place = PUNCTUATION.iter().position(|known| *known == byte);
        place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or(byte)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(json: &str) -> Facts {
        Facts::of(&Node::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn the_two_orders_of_addresses_are_told_apart() {
        let facts = facts(r#"{"users":[{"email":"a_b@c.d"},{"email":"A-b@c.d"},{"email":"a1@c.d"}]}"#);
        assert_eq!(facts.emails, Some(ListOrder::Ascending));
        assert_eq!(facts.emails_by_code_point, Some(ListOrder::Unordered));
    }

    #[test]
    fn groups_have_an_order_by_id_and_by_name() {
        let list = facts(r#"{"groups":[{"groupId":7,"groupName":"b"},{"groupId":9,"groupName":"a"}]}"#);
        assert_eq!((list.group_ids, list.group_names), (Some(ListOrder::Ascending), Some(ListOrder::Unordered)));
        let legacy = facts(r#"[{"groupId":7,"name":"a"},{"groupId":7,"name":"b"}]"#);
        assert_eq!(legacy.group_ids, Some(ListOrder::AscendingWithEqual));
    }

    #[test]
    fn a_list_that_is_not_understood_has_no_facts() {
        for json in
            ["{}", "[]", "[1,2]", r#"{"users":[{"email":1},{"email":"a"}]}"#, r#"{"users":[{"email":"a"}]}"#, "null"]
        {
            assert!(facts(json).is_empty(), "{json}");
        }
    }
}
