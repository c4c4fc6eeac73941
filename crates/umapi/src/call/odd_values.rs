//! Sets values aside that cannot be read, so that they do not end a whole list.
//!
//! The types of the model read numbers, text and booleans in each other's form. A value that is still of another type is kept
//! in the `extra` fields of its item, under the name of its field and a question mark (`memberCount?`). No item is dropped
//! here.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

/// The fields that identify a user. Without them an item would be another one, so they are not set aside.
const IDENTITY: [&str; 3] = ["id", "email", "username"];

/// The maximum number of values that are set aside in one item.
const MAX_REPAIRS: usize = 64;

/// Sets odd values aside until the value can be read as a `T`. Returns `None` if that is not possible without losing an item.
pub(super) fn repair<T: DeserializeOwned>(mut value: Value) -> Option<Value> {
    for _ in 0..MAX_REPAIRS {
        let place = match parse::<T>(&value) {
            Ok(()) => return Some(value),
            // Without its list, an item would look as if it had an empty one.
            Err(problem) if problem.expects_list => return None,
            Err(problem) => Place::of(&problem.path)?,
        };
        if !place.set_aside(&mut value) {
            return None;
        }
    }
    None
}

/// A value that does not have the documented type.
struct Problem {
    path: Path,
    expects_list: bool,
}

fn parse<T: DeserializeOwned>(value: &Value) -> Result<(), Problem> {
    let parsed: Result<T, _> = serde_path_to_error::deserialize(value);
    parsed.map(drop).map_err(|error| Problem {
        expects_list: error.inner().to_string().ends_with("expected a sequence"),
        path: error.path().clone(),
    })
}

/// The place of a value that has an unexpected type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

impl Place {
    fn of(path: &Path) -> Option<Self> {
        let steps = path.iter().map(|segment| match segment {
            Segment::Map { key } => Some(Step::Field(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        let steps: Vec<Step> = steps.collect::<Option<_>>()?;
        (!steps.is_empty()).then_some(Self { steps })
    }

    /// Moves the value to another field of the same object. Returns whether that is possible without losing an item.
    fn set_aside(&self, body: &mut Value) -> bool {
        match self.steps.as_slice() {
            [.., Step::Field(name)] if IDENTITY.contains(&name.as_str()) => false,
            [object @ .., Step::Field(name)] => {
                let Some(fields) = find(body, object).and_then(Value::as_object_mut) else { return false };
                let Some(value) = fields.remove(name) else { return false };
                keep(fields, name, value);
                true
            }
            // An element of a list within an item, e.g. the name of a group. The items themselves are not set aside.
            [object @ .., Step::Field(name), Step::Index(index)] if !object.is_empty() => {
                let Some(fields) = find(body, object).and_then(Value::as_object_mut) else { return false };
                let Some(list) = fields.get_mut(name).and_then(Value::as_array_mut) else { return false };
                if *index >= list.len() {
                    return false;
                }
                let value = list.remove(*index);
                keep(fields, name, value);
                true
            }
            _ => false,
        }
    }
}

fn find<'a>(body: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    steps.iter().try_fold(body, |value, step| match step {
        Step::Field(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(index),
    })
}

/// Keeps a value under the name of its field and a question mark. Several values are kept as a list.
fn keep(fields: &mut Map<String, Value>, name: &str, value: Value) {
    let name = format!("{name}?");
    let kept = match fields.remove(&name) {
        None => value,
        Some(Value::Array(mut values)) => {
            values.push(value);
            Value::Array(values)
        }
        Some(other) => Value::Array(vec![other, value]),
    };
    fields.insert(name, kept);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use umapi_model::{Group, User, UserPage};

    use super::*;

    fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
        Some(T::deserialize(repair::<T>(value)?).unwrap())
    }

    #[test]
    fn an_odd_value_is_kept_with_its_item() {
        let odd = json!({ "groupName": "a", "groupId": -1, "memberCount": "many", "isReadOnly": {}, "type": [] });
        let group: Group = read(odd).unwrap();
        assert_eq!((group.group_name.as_str(), group.group_id, group.member_count), ("a", None, None));
        let kept = ["groupId?", "memberCount?", "isReadOnly?", "type?"].map(|name| group.extra[name].clone());
        assert_eq!(kept, [json!(-1), json!("many"), json!({}), json!([])]);
    }

    #[test]
    fn an_odd_element_of_a_list_of_names_is_kept_with_its_item() {
        let user = json!({ "id": 7, "groups": ["Design", {}, 2026, []] });
        let page: UserPage = read(json!({ "lastPage": true, "result": "success", "users": [user] })).unwrap();
        let user = &page.users[0];
        assert_eq!((user.id.as_deref(), json!(user.groups)), (Some("7"), json!(["Design", "2026"])));
        assert_eq!(user.extra["groups?"], json!([{}, []]));
    }

    #[test]
    fn an_item_without_its_identity_or_a_whole_list_is_not_repaired() {
        for odd in [json!({ "email": ["a@b.c"] }), json!({ "id": {} }), json!({ "groups": 7 }), json!(7), json!("ann")]
        {
            assert_eq!(repair::<User>(odd.clone()), None, "{odd}");
        }
        assert_eq!(repair::<Group>(json!({ "groupName": {} })), None);
        assert_eq!(repair::<Vec<User>>(json!([{ "email": "a@b.c" }, 7])), None);
    }
}
