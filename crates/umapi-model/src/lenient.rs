//! Lenient reading of responses: one odd value makes neither a response nor a list unreadable.
//!
//! The service does not always keep to its own types. Numbers, text and booleans are read in each other's form, `null` counts as
//! absent, and the items of a list are read one by one: see [`Items`].

use std::{fmt, marker::PhantomData, ops::Deref, str::FromStr};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

/// A type that is read leniently.
pub(crate) trait Lenient: Sized {
    /// Reads the value in any of its forms.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads a field leniently, for `#[serde(deserialize_with)]`.
pub(crate) fn read<'de, T: Lenient, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// Reads a list that may be absent: `null` counts as an empty list.
pub(crate) fn read_or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a scalar that may be absent: `null` counts as the default.
pub(crate) fn read_scalar_or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Lenient + Default,
    D: Deserializer<'de>,
{
    Ok(<Option<T> as Lenient>::read(deserializer)?.unwrap_or_default())
}

/// A scalar, in the form in which it was received.
pub(crate) enum Scalar<'a> {
    Text(&'a str),
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Scalar<'_> {
    /// The value as text, e.g. `7` for the number 7.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }

    /// The value as a whole number: a number without fraction, or the text of one.
    pub(crate) fn to_integer<T: FromStr + TryFrom<u64> + TryFrom<i64>>(&self) -> Option<T> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Bool(_) => None,
            Self::Unsigned(number) => T::try_from(*number).ok(),
            Self::Signed(number) => T::try_from(*number).ok(),
            // Every float without fraction is written as an integer.
            Self::Float(number) if number.fract() == 0.0 => format!("{number}").parse().ok(),
            Self::Float(_) => None,
        }
    }

    fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            Self::Unsigned(0) | Self::Signed(0) => Some(false),
            Self::Unsigned(1) | Self::Signed(1) => Some(true),
            _ => None,
        }
    }
}

/// Reads any scalar, and converts it.
pub(crate) fn read_scalar<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    convert: fn(Scalar<'_>) -> Option<T>,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(ScalarVisitor { expected, convert })
}

struct ScalarVisitor<T> {
    expected: &'static str,
    convert: fn(Scalar<'_>) -> Option<T>,
}

impl<T> ScalarVisitor<T> {
    fn convert<E: Error>(self, scalar: Scalar<'_>) -> Result<T, E> {
        let shown = scalar.to_text();
        (self.convert)(scalar).ok_or_else(|| E::custom(format!("expected {}, got {shown:?}", self.expected)))
    }
}

impl<T> Visitor<'_> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        // Without the text of the error, which most values do not need.
        let Self { expected, convert } = self;
        convert(Scalar::Text(text)).ok_or_else(|| E::custom(format!("expected {expected}, got {text:?}")))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        self.convert(Scalar::Bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.convert(Scalar::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.convert(Scalar::Signed(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.convert(Scalar::Float(number))
    }
}

macro_rules! lenient_integers {
    ($($integer:ty),*) => {
        $(impl Lenient for $integer {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read_scalar(deserializer, "a whole number", |scalar| scalar.to_integer())
            }
        })*
    };
}

lenient_integers!(u32, u64, i32, i64);

impl Lenient for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_scalar(deserializer, "true or false", |scalar| scalar.to_bool())
    }
}

impl Lenient for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_scalar(deserializer, "text", |scalar| Some(scalar.to_text()))
    }
}

/// `null` counts as absent.
impl<T: Lenient> Lenient for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OptionVisitor<T>(PhantomData<T>);

        impl<'de, T: Lenient> Visitor<'de> for OptionVisitor<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }

            fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
                T::read(deserializer).map(Some)
            }
        }

        deserializer.deserialize_option(OptionVisitor(PhantomData))
    }
}

/// `null` counts as an empty list, and is omitted inside it.
impl Lenient for Vec<String> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text(Option<String>);

        impl<'de> Deserialize<'de> for Text {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Lenient::read(deserializer).map(Self)
            }
        }

        let list = Option::<Vec<Text>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(list.into_iter().filter_map(|text| text.0).collect())
    }
}

/// A list of a response. An item that does not match the description does not make the others unreadable.
///
/// It can be used like a slice. [`odd`](Self::odd) has what did not match: an unreadable field is moved to the `extra` of its item,
/// and an item that is unreadable even without it is left out.
///
/// ```
/// use umapi_model::GroupPage;
///
/// let page = r#"{"lastPage": true, "result": "success", "groups": [
///     {"groupId": "2", "groupName": "Design"}, {"groupName": "Sales", "memberCount": []}, {"memberCount": 7}]}"#;
/// let page: GroupPage = serde_json::from_str(page).unwrap();
/// assert_eq!((page.groups.len(), page.groups[0].group_id), (2, Some(2)));
/// assert_eq!(page.groups[1].extra["memberCount"], serde_json::json!([]));
/// let odd: Vec<_> = page.groups.odd().iter().map(|odd| (odd.index(), odd.field(), odd.is_left_out())).collect();
/// assert_eq!(odd, [(1, Some("memberCount"), false), (2, None, true)]);
/// ```
#[derive(Clone, PartialEq)]
pub struct Items<T> {
    items: Vec<T>,
    odd: Vec<OddItem>,
}

/// A part of a list that does not match the description.
#[derive(Clone, PartialEq, Eq)]
pub struct OddItem {
    index: usize,
    field: Option<String>,
    json: String,
    error: String,
    is_left_out: bool,
}

impl OddItem {
    /// The position in the list as it was received, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The unreadable field. `None` if the whole item does not match.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The JSON of the field or of the item, as it was received.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What does not match.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// Whether the item is missing in the list.
    pub fn is_left_out(&self) -> bool {
        self.is_left_out
    }
}

impl fmt::Display for OddItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, field, error, is_left_out, .. } = self;
        write!(f, "item {index}")?;
        if let Some(field) = field {
            write!(f, ", field `{field}`")?;
        }
        write!(f, ": {error}{}", if *is_left_out { "; the item is left out" } else { "" })
    }
}

/// Omits the JSON, which can have personal data.
impl fmt::Debug for OddItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OddItem")
            .field("index", &self.index)
            .field("field", &self.field)
            .field("error", &self.error)
            .field("is_left_out", &self.is_left_out)
            .finish_non_exhaustive()
    }
}

impl<T> Items<T> {
    /// What does not match the description.
    pub fn odd(&self) -> &[OddItem] {
        &self.odd
    }

    /// The readable items.
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }

    /// The readable items, and what does not match the description.
    pub fn into_parts(self) -> (Vec<T>, Vec<OddItem>) {
        (self.items, self.odd)
    }

    /// Whether the list has no readable items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T> Deref for Items<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T> From<Vec<T>> for Items<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, odd: Vec::new() }
    }
}

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> IntoIterator for Items<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Items<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.odd.as_slice() {
            [] => self.items.fmt(f),
            odd => f.debug_struct("Items").field("items", &self.items).field("odd", &odd).finish(),
        }
    }
}

impl<T: Serialize> Serialize for Items<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Items<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Vec::<T>::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<T>::json_schema(generator)
    }
}

/// A response type with fields that the description does not list. It is sealed: other crates cannot name it.
pub trait WithExtra: DeserializeOwned {
    /// The unlisted fields.
    fn extra_mut(&mut self) -> &mut Map<String, Value>;
}

impl<'de, T: WithExtra> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor<T>(PhantomData<T>);

        impl<'de, T: WithExtra> Visitor<'de> for ItemsVisitor<T> {
            type Value = Items<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<T>, A::Error> {
                let mut list = Items::default();
                let mut index = 0;
                while let Some(json) = seq.next_element::<Box<RawValue>>()? {
                    list.read_item(index, json.get());
                    index += 1;
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(ItemsVisitor(PhantomData))
    }
}

impl<T: WithExtra> Items<T> {
    fn read_item(&mut self, index: usize, json: &str) {
        let error = match serde_json::from_str::<T>(json) {
            Ok(item) => return self.items.push(item),
            Err(error) => error.to_string(),
        };
        let item = serde_json::from_str::<Map<String, Value>>(json).ok();
        match item.and_then(|fields| self.read_fields(index, fields, &error)) {
            Some(item) => self.items.push(item),
            None => self.odd.push(OddItem { index, field: None, json: json.to_owned(), error, is_left_out: true }),
        }
    }

    /// Reads an item without its unreadable fields. `None` if it is unreadable without them.
    fn read_fields(&mut self, index: usize, mut fields: Map<String, Value>, first_error: &str) -> Option<T> {
        let mut odd_fields = Map::new();
        let mut odd = Vec::new();
        let mut item: T = loop {
            match serde_path_to_error::deserialize(Value::Object(fields.clone())) {
                Ok(item) => break item,
                Err(error) => {
                    let serde_path_to_error::Segment::Map { key } = error.path().iter().next()? else { return None };
                    let (field, value) = fields.remove_entry(key)?;
                    let (json, error) = (value.to_string(), error.inner().to_string());
                    odd.push(OddItem { index, field: Some(field.clone()), json, error, is_left_out: false });
                    odd_fields.insert(field, value);
                }
            }
        };
        if odd.is_empty() {
            // The item is readable as a map, e.g. because a key was repeated.
            let (json, error) = (Value::Object(fields).to_string(), first_error.to_owned());
            odd.push(OddItem { index, field: None, json, error, is_left_out: false });
        }
        item.extra_mut().extend(odd_fields);
        self.odd.append(&mut odd);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{ActionResponse, Group, GroupPage, GroupType, User, UserPage};

    fn groups(groups: &str) -> GroupPage {
        serde_json::from_str(&format!(r#"{{"lastPage":true,"result":"success","groups":{groups}}}"#)).unwrap()
    }

    #[test]
    fn scalars_are_read_in_each_others_form() {
        let page = groups(
            r#"[{"groupId":"2","groupName":7,"memberCount":7.0,"isReadOnly":"false","type":3,"productName":true}]"#,
        );
        let group = &page.groups[0];
        assert_eq!((group.group_id, group.member_count, group.is_read_only), (Some(2), Some(7), Some(false)));
        assert_eq!((group.group_name.as_str(), group.product_name.as_deref()), ("7", Some("true")));
        assert_eq!(group.type_, Some(GroupType::Other("3".to_owned())));
        assert!(page.groups.odd().is_empty());
    }

    #[test]
    fn null_is_absent_for_fields_lists_and_elements() {
        let text = r#"{"result":"success","completed":"3","notCompleted":null,"errors":null,"warnings":null}"#;
        let response: ActionResponse = serde_json::from_str(text).unwrap();
        assert_eq!((response.completed, response.not_completed, response.errors.len()), (3, 0, 0));
        let user: User = serde_json::from_str(r#"{"email":null,"groups":["a",null,7],"adminRoles":null}"#).unwrap();
        assert_eq!((user.email, user.groups), (None, Some(vec!["a".to_owned(), "7".to_owned()])));
    }

    #[test]
    fn an_error_without_a_code_is_still_an_error() {
        let text = r#"{"result":"error","notCompleted":1,"errors":[{"index":"0"}]}"#;
        let response: ActionResponse = serde_json::from_str(text).unwrap();
        assert_eq!((response.errors[0].index, response.errors[0].error_code.as_str()), (0, ""));
    }

    #[test]
    fn an_unreadable_field_stays_in_extra() {
        let page = groups(r#"[{"groupName":"a","memberCount":[1],"isReadOnly":{}},{"groupName":"b"}]"#);
        assert_eq!(page.groups.len(), 2);
        assert_eq!(page.groups[0].extra["memberCount"], json!([1]));
        let mut fields: Vec<_> = page.groups.odd().iter().map(|odd| (odd.index(), odd.field())).collect();
        fields.sort_unstable();
        assert_eq!(fields, [(0, Some("isReadOnly")), (0, Some("memberCount"))]);
        assert_eq!(serde_json::to_value(&page.groups[0]).unwrap()["isReadOnly"], json!({}));
    }

    #[test]
    fn an_unreadable_item_is_left_out() {
        let text = r#"{"lastPage":true,"result":"success","users":[
            {"email":"a@b.c"}, "text", {"email":"\ud800"}, {"extra":1e999}, null, {"email":"d@b.c"}]}"#;
        let page: UserPage = serde_json::from_str(text).unwrap();
        let emails: Vec<_> = page.users.iter().filter_map(|user| user.email.as_deref()).collect();
        assert_eq!(emails, ["a@b.c", "d@b.c"]);
        let left_out: Vec<_> = page.users.odd().iter().map(|odd| (odd.index(), odd.is_left_out())).collect();
        assert_eq!(left_out, [(1, true), (2, true), (3, true), (4, true)]);
        assert!(page.users.odd()[0].to_string().contains("the item is left out"));
        assert!(!format!("{:?}", page.users.odd()).contains("text\""));
    }

    #[test]
    fn a_repeated_key_keeps_the_last_value() {
        let page = groups(r#"[{"groupName":"a","groupName":"b"}]"#);
        assert_eq!(page.groups[0].group_name, "b");
        assert!(page.groups.odd()[0].error().contains("duplicate"), "{:?}", page.groups.odd());
    }

    #[test]
    fn numbers_out_of_range_are_odd() {
        let page = groups(
            r#"[{"groupName":"a","groupId":-1},{"groupName":"b","groupId":"x"},{"groupName":"c","groupId":1.5}]"#,
        );
        assert_eq!(page.groups.iter().filter_map(|group| group.group_id).count(), 0);
        assert_eq!(page.groups.odd().len(), 3);
        assert!(page.groups.odd()[1].to_string().contains("expected a whole number"), "{}", page.groups.odd()[1]);
    }

    #[test]
    fn a_list_is_written_and_compared_like_its_items() {
        let page = GroupPage::new(true, "success").with_groups([Group::new("a")]);
        let json = serde_json::to_value(&page).unwrap();
        assert_eq!(json["groups"], json!([{"groupName": "a"}]));
        assert_eq!(serde_json::from_value::<GroupPage>(json).unwrap(), page);
    }
}
