//! Repairs values that do not have the documented types.
//!
//! The service documents some numbers as strings, and sends others in either form. A value in another form is converted: a
//! number or a boolean in a string, or text as a number. A value that cannot be converted is set aside: it is kept in the
//! `extra` fields of its item, under the name of its field and a question mark (`memberCount?`). No item is dropped here.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

/// The fields that identify a user. Without them an item would be another one, so they are converted but not set aside.
const IDENTITY: [&str; 3] = ["id", "email", "username"];

/// The maximum number of repairs of one response. A repair applies to all items of a list.
const MAX_REPAIRS: usize = 64;

/// Reads a value after repairing it. Returns `None` if that is not possible without dropping an item.
pub(super) fn read<T: DeserializeOwned>(mut value: Value) -> Option<T> {
    for _ in 0..MAX_REPAIRS {
        let place = match parse(&value) {
            Ok(read) => return Some(read),
            // Without its list, an item would look as if it had an empty one.
            Err(problem) if problem.expects_list => return None,
            Err(problem) => Place::of(&problem.path)?,
        };
        value = repair::<T>(&value, &place)?;
    }
    None
}

/// A value that does not have the documented type.
struct Problem {
    path: Path,
    expects_list: bool,
}

fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value.clone()).map_err(|error| Problem {
        expects_list: error.inner().to_string().ends_with("expected a sequence"),
        path: error.path().clone(),
    })
}

/// Repairs the value at a place: the first conversion after which reading comes further, or else sets it aside.
fn repair<T: DeserializeOwned>(body: &Value, place: &Place) -> Option<Value> {
    for convert in CONVERSIONS {
        let mut repaired = body.clone();
        if place.convert(&mut repaired, convert) && is_progress::<T>(&repaired, place) {
            return Some(repaired);
        }
    }
    let mut repaired = body.clone();
    place.set_aside(&mut repaired).then_some(repaired)
}

fn is_progress<T: DeserializeOwned>(body: &Value, place: &Place) -> bool {
    match parse::<T>(body) {
        Ok(_) => true,
        Err(problem) => Place::of(&problem.path).is_none_or(|next| next != *place),
    }
}

type Conversion = fn(&Value) -> Option<Value>;

const CONVERSIONS: [Conversion; 3] = [to_number, to_boolean, to_text];

fn to_number(value: &Value) -> Option<Value> {
    let text = value.as_str()?.trim();
    text.parse::<u64>().map(Value::from).ok().or_else(|| text.parse::<i64>().map(Value::from).ok())
}

fn to_boolean(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        Value::Number(number) => match number.as_u64()? {
            0 => Some(Value::Bool(false)),
            1 => Some(Value::Bool(true)),
            _ => None,
        },
        _ => None,
    }
}

fn to_text(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) => Some(Value::String(number.to_string())),
        Value::Bool(boolean) => Some(Value::String(boolean.to_string())),
        _ => None,
    }
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

    /// Converts the value, and the values of the same field in all other items. Returns whether the value was converted.
    fn convert(&self, body: &mut Value, convert: Conversion) -> bool {
        let Some(converted) = self.find(body).and_then(|value| convert(value)) else { return false };
        if let Some(value) = self.find(body) {
            *value = converted;
        }
        for sibling in self.siblings(body) {
            if let Some(value) = sibling.find(body)
                && let Some(converted) = convert(value)
            {
                *value = converted;
            }
        }
        true
    }

    /// Moves the value to another field of the same object, and the values of the same type in all other items. Returns
    /// whether that is possible without losing an item.
    fn set_aside(&self, body: &mut Value) -> bool {
        let Some(kind) = self.find(body).map(|value| std::mem::discriminant(value)) else { return false };
        let siblings = self.siblings(body);
        if !self.set_one_aside(body) {
            return false;
        }
        for sibling in siblings {
            if sibling.find(body).is_some_and(|value| std::mem::discriminant(value) == kind) {
                sibling.set_one_aside(body);
            }
        }
        true
    }

    fn set_one_aside(&self, body: &mut Value) -> bool {
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

    fn find<'a>(&self, body: &'a mut Value) -> Option<&'a mut Value> {
        find(body, &self.steps)
    }

    /// The same field in the other items of the list.
    fn siblings(&self, body: &mut Value) -> Vec<Self> {
        let Some(at) = self.steps.iter().position(|step| matches!(step, Step::Index(_))) else { return Vec::new() };
        let (list, field) = (&self.steps[..at], &self.steps[at + 1..]);
        if field.is_empty() || field.iter().any(|step| matches!(step, Step::Index(_))) {
            return Vec::new();
        }
        let items = find(body, list).and_then(|list| list.as_array().map(Vec::len)).unwrap_or_default();
        let place = |index| Self { steps: [list, &[Step::Index(index)], field].concat() };
        (0..items).map(place).filter(|sibling| sibling != self).collect()
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
    use umapi_model::{ActionResponse, Group, GroupPage, GroupType, LegacyUser, User, UserPage};

    use super::*;

    fn groups(groups: Value) -> Option<Vec<Group>> {
        let body = json!({ "lastPage": true, "result": "success", "groups": groups });
        read::<GroupPage>(body).map(|page| page.groups)
    }

    fn users(users: Value) -> Option<Vec<User>> {
        let body = json!({ "lastPage": true, "result": "success", "users": users });
        read::<UserPage>(body).map(|page| page.users)
    }

    #[test]
    fn values_in_another_form_are_converted() {
        let odd = json!({
            "groupId": "2", "groupName": 7, "memberCount": " 7 ", "isReadOnly": "False", "type": "USER_GROUP",
            "adminGroupName": true,
        });
        let plain = json!({ "groupId": 3, "groupName": "Design", "memberCount": 4, "isReadOnly": true });
        let groups = groups(json!([plain, odd, odd])).unwrap();
        assert_eq!(groups[0], serde_json::from_value(plain).unwrap());
        for group in &groups[1..] {
            assert_eq!((group.group_id, group.group_name.as_str(), group.member_count), (Some(2), "7", Some(7)));
            assert_eq!((group.is_read_only, group.admin_group_name.as_deref()), (Some(false), Some("true")));
            assert_eq!(group.type_, Some(GroupType::UserGroup));
            assert!(group.extra.is_empty(), "{:?}", group.extra);
        }
    }

    #[test]
    fn a_value_that_cannot_be_converted_is_kept_with_its_item() {
        let odd = json!([
            { "groupName": "a", "memberCount": "many", "isReadOnly": {} },
            { "groupName": "b", "groupId": -1, "memberCount": "few", "type": [] },
            { "groupName": "c", "memberCount": 3 },
        ]);
        let groups = groups(odd).unwrap();
        assert_eq!(groups.iter().map(|group| group.group_name.as_str()).collect::<String>(), "abc");
        assert_eq!(groups.iter().map(|group| group.member_count).collect::<Vec<_>>(), [None, None, Some(3)]);
        assert_eq!((&groups[0].extra["memberCount?"], &groups[0].extra["isReadOnly?"]), (&json!("many"), &json!({})));
        assert_eq!((&groups[1].extra["groupId?"], &groups[1].extra["type?"]), (&json!(-1), &json!([])));
        assert!(groups[2].extra.is_empty());
    }

    #[test]
    fn numbers_and_odd_elements_in_lists_of_names_are_read() {
        let users =
            users(json!([{ "id": 7, "email": "ann@example.com", "groups": ["Design", 2026, null, {}] }])).unwrap();
        assert_eq!((users[0].id.as_deref(), json!(users[0].groups)), (Some("7"), json!(["Design", "2026"])));
        assert_eq!(users[0].extra["groups?"], json!([null, {}]));
    }

    #[test]
    fn no_item_is_ever_dropped() {
        assert_eq!(groups(json!([{ "groupName": "a" }, null])), None);
        assert_eq!(groups(json!([{ "groupName": "a" }, { "groupName": null }])), None);
        assert_eq!(users(json!([{ "email": "a@b.c" }, 7])), None);
        assert_eq!(users(json!([{ "email": ["a@b.c"] }])), None);
        // Its groups are not known, which is not the same as none.
        assert_eq!(users(json!([{ "email": "a@b.c", "groups": 7 }])), None);
    }

    #[test]
    fn a_page_without_its_required_fields_stays_an_error() {
        for body in [
            json!({ "lastPage": true, "result": "success" }),
            json!({ "lastPage": "perhaps", "result": "success", "users": [] }),
            json!({ "result": "success", "users": [] }),
            json!({ "lastPage": true, "result": "success", "users": {} }),
            json!({ "lastPage": true, "result": [], "users": [] }),
            json!([]),
        ] {
            assert!(read::<UserPage>(body.clone()).is_none(), "{body}");
        }
        let text = json!({ "lastPage": "true", "result": "success", "users": [] });
        assert!(read::<UserPage>(text).unwrap().last_page);
    }

    #[test]
    fn arrays_and_action_responses_are_read_in_the_same_way() {
        let body = json!([{ "email": 7 }, { "email": "a@b.c", "country": [] }]);
        let users = read::<Vec<LegacyUser>>(body).unwrap();
        assert_eq!(users[0].email.as_deref(), Some("7"));
        let body = json!({ "result": "success", "completed": "1", "notCompleted": 0, "completedInTestMode": "0" });
        assert_eq!(read::<ActionResponse>(body).unwrap().completed, 1);
    }

    #[test]
    fn the_work_is_bounded() {
        let odd = json!({ "groupName": "a", "memberCount": "many", "groupId": "x", "isReadOnly": "y" });
        assert_eq!(groups(Value::Array(vec![odd; 2000])).unwrap().len(), 2000);
    }
}
