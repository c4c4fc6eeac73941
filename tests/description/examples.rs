//! Reads every example of the descriptions into its Rust type and writes it back unchanged.

use schemars::{JsonSchema, schema_for};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use umapi_model::description;

/// An example of a description: its location, its schema and its value.
struct Example {
    pointer: String,
    schema: String,
    value: Value,
}

fn examples() -> Vec<Example> {
    let mut found = Vec::new();
    for text in [description::UMAPI, description::IMS] {
        let root: Value = serde_json::from_str(text).unwrap();
        collect(&root, String::new(), &mut found);
    }
    found
}

fn collect(value: &Value, pointer: String, found: &mut Vec<Example>) {
    let Some(fields) = value.as_object() else { return };
    if let (Some(reference), Some(examples)) = (value.pointer("/schema/$ref"), value["examples"].as_object()) {
        let schema = reference.as_str().unwrap().rsplit('/').next().unwrap();
        for (name, example) in examples {
            found.push(Example {
                pointer: format!("{pointer}/examples/{name}"),
                schema: schema.to_owned(),
                value: example["value"].clone(),
            });
        }
    }
    for (key, child) in fields {
        collect(child, format!("{pointer}/{key}"), found);
    }
}

/// The results of reading a value as the type of its schema.
struct Checked {
    /// The value after reading it into the type and writing it back.
    written_back: Value,
    /// The JSON Schema of the type, as `schemars` generates it.
    json_schema: Value,
}

fn check<T: Serialize + DeserializeOwned + JsonSchema>(value: &Value) -> Result<Checked, serde_json::Error> {
    let read: T = serde_json::from_value(value.clone())?;
    Ok(Checked { written_back: serde_json::to_value(&read)?, json_schema: schema_for!(T).to_value() })
}

macro_rules! dispatch {
    ($schema:expr, $value:expr; $($name:literal => $type:ty,)*) => {
        match $schema {
            $($name => check::<$type>($value),)*
            other => panic!("the schema `{other}` has examples but is missing in this table: add it"),
        }
    };
}

/// Reads and writes `value` as the type of `schema`.
fn check_as(schema: &str, value: &Value) -> Result<Checked, serde_json::Error> {
    use umapi_model::*;
    dispatch!(schema, value;
        "ActionRequest" => Vec<Command>,
        "ActionResponse" => ActionResponse,
        "Configuration" => Configuration,
        "ConfigurationRightsRequest" => ConfigurationRightsRequest,
        "ErrorBody" => ErrorBody,
        "GroupPage" => GroupPage,
        "GroupUserPage" => GroupUserPage,
        "JwtExchangeRequest" => ims::JwtExchangeRequest,
        "JwtTokenResponse" => ims::JwtTokenResponse,
        "LegacyUser" => LegacyUser,
        "LegacyUserList" => Vec<LegacyUser>,
        "LoginError" => ims::LoginError,
        "NewUserGroup" => NewUserGroup,
        "Product" => Product,
        "ProductAdminsRequest" => ProductAdminsRequest,
        "ProductConfigurations" => ProductConfigurations,
        "ProductList" => Vec<Product>,
        "TokenRequest" => ims::TokenRequest,
        "TokenResponse" => ims::TokenResponse,
        "UserGroup" => UserGroup,
        "UserGroupChange" => UserGroupChange,
        "UserGroupList" => Vec<UserGroup>,
        "UserGroupRightsRequest" => UserGroupRightsRequest,
        "UserPage" => UserPage,
        "UserResponse" => UserResponse,
    )
}

#[test]
fn every_example_round_trips_through_its_type() {
    let examples = examples();
    assert!(examples.len() > 50, "only {} examples were found", examples.len());
    for Example { pointer, schema, value } in examples {
        let checked = check_as(&schema, &value).unwrap_or_else(|error| panic!("{pointer} as {schema}: {error}"));
        // `null` and absent have the same meaning, and are written as absent.
        assert_eq!(without_nulls(checked.written_back), without_nulls(value), "{pointer} as {schema}");
    }
}

#[test]
fn every_example_matches_the_json_schema_of_its_type() {
    for Example { pointer, schema, value } in examples() {
        let json_schema = check_as(&schema, &value).unwrap().json_schema;
        let validator = jsonschema::validator_for(&json_schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{pointer} as {schema}: {errors:?}");
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, field)| !field.is_null());
            Value::Object(kept.map(|(key, field)| (key, without_nulls(field))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
