//! What the operations of both APIs have in common: names, limits, and one type for either.

use std::fmt;

use crate::{Operation, ThrottleClass, ims::LoginOperation};

/// The documented limit of an operation. The service may change it; it answers 429 when the limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttle {
    /// The class whose operations share the limit.
    pub class: ThrottleClass,
    /// Calls per minute of one client.
    pub client_per_minute: u32,
    /// Calls per minute of all clients of the application together.
    pub application_per_minute: u32,
}

/// An operation of the User Management API or of the login.
///
/// ```
/// use umapi_model::{AnyOperation, Operation, ims::LoginOperation};
///
/// assert_eq!(AnyOperation::from(Operation::ListUsers).id(), "listUsers");
/// assert_eq!("requestToken".parse(), Ok(AnyOperation::from(LoginOperation::RequestToken)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AnyOperation {
    /// An operation of the User Management API.
    UserManagement(Operation),
    /// An operation of the login.
    Login(LoginOperation),
}

impl AnyOperation {
    /// Every operation of both APIs.
    pub fn all() -> impl Iterator<Item = Self> {
        let login = LoginOperation::ALL.into_iter().map(Self::Login);
        Operation::ALL.into_iter().map(Self::UserManagement).chain(login)
    }

    /// The `operationId`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::UserManagement(operation) => operation.id(),
            Self::Login(operation) => operation.id(),
        }
    }

    /// The HTTP method, in capitals.
    pub const fn method(self) -> &'static str {
        match self {
            Self::UserManagement(operation) => operation.method(),
            Self::Login(operation) => operation.method(),
        }
    }

    /// The path below the server's address, with parameters in braces.
    pub const fn path(self) -> &'static str {
        match self {
            Self::UserManagement(operation) => operation.path(),
            Self::Login(operation) => operation.path(),
        }
    }

    /// The documented limit of calls. `None` if no limit is documented.
    pub const fn throttle(self) -> Option<Throttle> {
        match self {
            Self::UserManagement(operation) => operation.throttle(),
            Self::Login(operation) => operation.throttle(),
        }
    }

    fn every() -> impl Iterator<Item = Self> {
        Self::all()
    }
}

impl From<Operation> for AnyOperation {
    fn from(operation: Operation) -> Self {
        Self::UserManagement(operation)
    }
}

impl From<LoginOperation> for AnyOperation {
    fn from(operation: LoginOperation) -> Self {
        Self::Login(operation)
    }
}

/// The error of parsing a name that the description does not list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    name: String,
    what: &'static str,
    known: String,
}

impl UnknownName {
    pub(crate) fn new(name: &str, what: &'static str, known: impl Iterator<Item = &'static str>) -> Self {
        Self { name: name.to_owned(), what, known: known.collect::<Vec<_>>().join(", ") }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}` (use one of {})", self.what, self.name, self.known)
    }
}

impl std::error::Error for UnknownName {}

/// Implements display, parsing and serde by name for an enum with `every` and the given method for the name.
macro_rules! implement_named {
    ($name:ident, $text:ident, $what:literal) => {
        impl $name {
            fn every() -> impl Iterator<Item = Self> {
                Self::ALL.into_iter()
            }
        }

        crate::operation::implement_name_traits!($name, $text, $what);
    };
}

/// Implements display, parsing and serde by `operationId`.
macro_rules! implement_operation {
    ($name:ident) => {
        crate::operation::implement_named!($name, id, "operation");
    };
}

/// Implements the traits of [`implement_named`] for a type that has its own `every`.
macro_rules! implement_name_traits {
    ($name:ident, $text:ident, $what:literal) => {
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.$text())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = crate::UnknownName;

            fn from_str(name: &str) -> ::std::result::Result<Self, Self::Err> {
                let known = || Self::every().map(Self::$text);
                Self::every()
                    .find(|one| one.$text() == name)
                    .ok_or_else(|| crate::UnknownName::new(name, $what, known()))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.$text())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let name = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err(<D::Error as ::serde::de::Error>::custom)
            }
        }
    };
}

implement_name_traits!(AnyOperation, id, "operation");

pub(crate) use {implement_name_traits, implement_named, implement_operation};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_parsed_by_their_ids() {
        for operation in AnyOperation::all() {
            assert_eq!(operation.id().parse(), Ok(operation));
        }
        assert_eq!("listUsers".parse(), Ok(Operation::ListUsers));
        let error = "listUser".parse::<Operation>().unwrap_err().to_string();
        assert!(error.contains("unknown operation `listUser`") && error.contains("listUsersInGroup"), "{error}");
    }

    #[test]
    fn json_names_an_operation_by_its_id() {
        let json = serde_json::to_string(&AnyOperation::from(LoginOperation::ExchangeJwt)).unwrap();
        assert_eq!(json, r#""exchangeJwt""#);
        assert_eq!(serde_json::from_str::<LoginOperation>(&json).unwrap(), LoginOperation::ExchangeJwt);
        assert!(serde_json::from_str::<Operation>(&json).is_err());
        assert_eq!(serde_json::from_str::<ThrottleClass>(r#""legacy""#).unwrap(), ThrottleClass::Legacy);
    }
}
