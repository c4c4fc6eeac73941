//! What the operations of both APIs have in common: names, limits, and one type for either.

use std::{fmt, time::Duration};

use crate::{Operation, ThrottleClass, ims::LoginOperation};

/// A rate limit of the service: how many calls it allows in a period. The service may change it; it answers 429 when the
/// limit is exceeded.
///
/// ```
/// use umapi_model::{CountedCalls, Evidence, Operation};
///
/// let [every_call, first_page] = Operation::ListUsers.throttles() else { unreachable!() };
/// assert_eq!((every_call.client, every_call.period.as_secs()), (25, 60));
/// assert_eq!((first_page.client, first_page.period.as_secs()), (1, 2 * 60 * 60));
/// assert_eq!((first_page.counts, first_page.source), (CountedCalls::FirstPage, Evidence::Reports));
/// assert!(first_page.block.is_some_and(|block| block.duration.as_secs() > 30 * 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttle {
    /// The name of the limit in the description, e.g. `users` or `users-first-page`. It identifies the limit.
    pub name: &'static str,
    /// The class of operations that the limit belongs to.
    pub class: ThrottleClass,
    /// The calls that count.
    pub counts: CountedCalls,
    /// The period in which the calls are counted.
    pub period: Duration,
    /// Calls of one client in a period.
    pub client: u32,
    /// Calls of all clients of the application together in a period. `None` if there is no such limit.
    pub application: Option<u32>,
    /// How a client that exceeds the limit is blocked. `None` if it can call again when the period is over.
    pub block: Option<ThrottleBlock>,
    /// How the limit is known.
    pub source: Evidence,
}

/// The calls that a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CountedCalls {
    /// Every call of the operations of the class.
    Every,
    /// Only calls for the first page (page 0) of the one list that has the limit.
    FirstPage,
}

/// How a client that exceeds a limit is blocked: every call is refused, of whatever class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThrottleBlock {
    /// How long the block lasts, about.
    pub duration: Duration,
    /// The shortest block that was reported.
    pub shortest: Duration,
    /// The longest block that was reported.
    pub longest: Duration,
    /// The value of the header `Pragma` that marks a call whose retry is not refused.
    pub retry_hint: &'static str,
    /// How long after a counted call a second one counts as its retry.
    pub retry_within: Duration,
}

/// How a limit is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// The documentation of the service states it.
    Documentation,
    /// Users of the service reported it; details are guesses.
    Reports,
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

    /// The rate limits of the operation, that of every call first. Empty if none is known.
    pub const fn throttles(self) -> &'static [Throttle] {
        match self {
            Self::UserManagement(operation) => operation.throttles(),
            Self::Login(operation) => operation.throttles(),
        }
    }

    /// The limit that counts every call. `None` if none is known.
    pub fn throttle(self) -> Option<&'static Throttle> {
        every_call(self.throttles())
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

/// The limit that counts every call.
pub(crate) fn every_call(throttles: &'static [Throttle]) -> Option<&'static Throttle> {
    throttles.iter().find(|throttle| throttle.counts == CountedCalls::Every)
}

/// Implements display, parsing and serde by `operationId`, and what follows from the limits.
macro_rules! implement_operation {
    ($name:ident) => {
        impl $name {
            /// The limit that counts every call. `None` if none is known.
            pub fn throttle(self) -> Option<&'static crate::Throttle> {
                crate::operation::every_call(self.throttles())
            }
        }

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

    #[test]
    fn the_class_of_an_operation_is_that_of_all_its_limits() {
        for operation in Operation::ALL {
            let every_call = operation.throttle().unwrap();
            assert!(operation.throttles().iter().all(|throttle| throttle.class == every_call.class));
        }
        assert_eq!(AnyOperation::from(LoginOperation::ExchangeJwt).throttle(), None);
    }

    #[test]
    fn only_the_lists_of_all_users_and_groups_count_first_pages() {
        let counts = |operation: &Operation| {
            operation.throttles().iter().any(|throttle| throttle.counts == CountedCalls::FirstPage)
        };
        let counted: Vec<_> = Operation::ALL.into_iter().filter(counts).collect();
        assert_eq!(counted, [Operation::ListUsers, Operation::ListGroups]);
        let names: std::collections::BTreeSet<_> = Throttle::ALL.iter().map(|throttle| throttle.name).collect();
        assert_eq!(names.len(), Throttle::ALL.len());
    }
}
