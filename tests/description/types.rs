//! Maps the name of a schema to its Rust type.

use schemars::{JsonSchema, schema_for};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The results of reading a value as the type of its schema.
pub(crate) struct Checked {
    /// The value after reading it into the type and writing it back.
    pub(crate) written_back: Value,
    /// The JSON Schema of the type, as `schemars` generates it.
    pub(crate) json_schema: Value,
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
pub(crate) fn check_as(schema: &str, value: &Value) -> Result<Checked, serde_json::Error> {
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
