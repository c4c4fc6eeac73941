//! The descriptions of the three APIs, compiled: which requests exist, which are allowed, and what their responses look like.
//!
//! A description is compiled once per process and shared by all emulators.

mod document;
mod endpoint;
mod template;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use document::Document;
use http::Method;
use umapi_model::{AnyOperation, Operation, description, ims::LoginOperation};

use crate::{
    generated::{
        self,
        login::{self, LoginCall},
        management::{self, ManagementCall, ManagementOperation},
        user_management::{self, UserManagementCall},
    },
    http::Request,
};
pub(crate) use endpoint::Endpoint;
pub(crate) use template::PathParameters;
use template::{Fit, Segments, segments};

/// The compiled descriptions, and the responses of one emulator that violate them.
pub(crate) struct Contract {
    endpoints: &'static Endpoints,
    pub(crate) violations: Violations,
}

/// The endpoints of the two APIs that every emulator serves.
struct Endpoints {
    user_management: Vec<Endpoint>,
    login: Vec<Endpoint>,
}

/// One of the three APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// The User Management API.
    UserManagement,
    /// The login.
    Login,
    /// The management API of the emulator.
    Management,
}

/// Reads the parameters of a call.
pub(crate) type ReadCall<C> = fn(&Parameters<'_>) -> C;

/// The operation of an endpoint, with the function that reads the parameters of its call.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// An operation of the User Management API.
    UserManagement(Operation, ReadCall<UserManagementCall>),
    /// An operation of the login.
    Login(LoginOperation, ReadCall<LoginCall>),
    /// An operation of the management API.
    Management(ManagementOperation, ReadCall<ManagementCall>),
}

impl Target {
    /// The `operationId`.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::UserManagement(operation, _) => operation.id(),
            Self::Login(operation, _) => operation.id(),
            Self::Management(operation, _) => operation.id(),
        }
    }

    /// The operation, unless it belongs to the management API: only calls of the services get faults and a journal.
    pub(crate) fn service_operation(self) -> Option<AnyOperation> {
        match self {
            Self::UserManagement(operation, _) => Some(operation.into()),
            Self::Login(operation, _) => Some(operation.into()),
            Self::Management(..) => None,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::UserManagement(operation, _) => operation.method(),
            Self::Login(operation, _) => operation.method(),
            Self::Management(operation, _) => operation.method(),
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::UserManagement(operation, _) => operation.path(),
            Self::Login(operation, _) => operation.path(),
            Self::Management(operation, _) => operation.path(),
        }
    }
}

/// The parameters of a request, decoded.
///
/// They are read leniently: strict mode has checked them against the description before. Without strict mode, a value that
/// cannot be read counts as absent.
pub(crate) struct Parameters<'a> {
    path: &'a PathParameters,
    query: Vec<(String, String)>,
}

impl<'a> Parameters<'a> {
    pub(crate) fn new(path: &'a PathParameters, request: &Request) -> Self {
        Self { path, query: request.query_pairs().collect() }
    }

    /// Omits parameters without a value, such as `domain=`.
    pub(crate) fn without_empty(mut self) -> Self {
        self.query.retain(|(_, value)| !value.is_empty());
        self
    }

    /// A parameter of the path.
    pub(crate) fn path<T: ParameterValue + Default>(&self, name: &str) -> T {
        find(self.path, name).and_then(T::parse).unwrap_or_default()
    }

    /// A parameter of the query.
    pub(crate) fn query<T: ParameterValue>(&self, name: &str) -> Option<T> {
        find(&self.query, name).and_then(T::parse)
    }
}

fn find<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// A type of parameters.
pub(crate) trait ParameterValue: Sized {
    /// Reads the text of a parameter.
    fn parse(text: &str) -> Option<Self>;
}

impl ParameterValue for String {
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl ParameterValue for u64 {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl ParameterValue for bool {
    /// Clients also write `True`, which the service accepts.
    fn parse(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("true") => Some(true),
            _ if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// The result of looking up a request.
pub(crate) enum Route {
    /// An operation.
    Found {
        /// Its endpoint.
        endpoint: &'static Endpoint,
        /// The parameters of the path, decoded.
        path: PathParameters,
    },
    /// `GET /status`, which is not part of an API.
    Status,
    /// No operation, and the reason.
    None(NoRoute),
}

/// The reason why a request has no operation.
pub(crate) enum NoRoute {
    /// The organization id of the path is invalid.
    BadOrganization,
    /// The path supports only these methods.
    WrongMethod(Vec<&'static str>),
    /// The path does not exist.
    UnknownPath,
}

impl Contract {
    /// Compiles the descriptions, or reuses those compiled before.
    pub(crate) fn new() -> Result<Self, String> {
        static COMPILED: OnceLock<Result<Endpoints, String>> = OnceLock::new();
        let endpoints = COMPILED.get_or_init(Endpoints::compile).as_ref().map_err(Clone::clone)?;
        Ok(Self { endpoints, violations: Violations::default() })
    }

    /// Finds the operation of a request among the APIs of a port.
    ///
    /// A path may end with a slash, as public clients write it. With `lenient`, a `/` in a group name may be unencoded: Adobe's
    /// own client sends it like that.
    pub(crate) fn route(&self, apis: &[Api], method: &Method, path: &str, lenient: bool) -> Route {
        let mut reason = NoRoute::UnknownPath;
        let without_slash = path.strip_suffix('/').unwrap_or(path);
        if apis.contains(&Api::UserManagement) && *method == Method::GET && without_slash == "/status" {
            return Route::Status;
        }
        for &api in apis {
            let (endpoints, path) = match api {
                Api::UserManagement => {
                    let endpoints = self.endpoints.user_management.as_slice();
                    // A request for the users of a group without a name must not get all users.
                    let lacks_name = endpoints.iter().any(|endpoint| endpoint.template.lacks_group_name(path));
                    (endpoints, if lacks_name { path } else { without_slash })
                }
                Api::Login => (self.endpoints.login.as_slice(), without_slash),
                Api::Management => (management_endpoints(), path),
            };
            match route(endpoints, method, path, lenient) {
                Route::None(NoRoute::UnknownPath) => {}
                Route::None(nearer) => reason = nearer,
                found => return found,
            }
        }
        Route::None(reason)
    }
}

fn route(endpoints: &'static [Endpoint], method: &Method, path: &str, lenient: bool) -> Route {
    let raw: Segments<'_> = segments(path).map(Cow::Borrowed).collect();
    let (mut methods, mut bad_organization) = (Vec::new(), false);
    for endpoint in endpoints {
        let template = &endpoint.template;
        let joined = if lenient { template.join_group_name(&raw) } else { None };
        let parts = joined.as_ref().unwrap_or(&raw);
        match template.fit(parts) {
            None => {}
            Some(Fit::Full) if endpoint.method == *method => {
                return Route::Found { endpoint, path: template.parameters(parts) };
            }
            Some(Fit::Full) => methods.push(endpoint.target.method()),
            Some(Fit::BadOrganization) => bad_organization |= endpoint.method == *method,
        }
    }
    Route::None(match (methods.is_empty(), bad_organization) {
        (false, _) => NoRoute::WrongMethod(methods),
        (true, true) => NoRoute::BadOrganization,
        (true, false) => NoRoute::UnknownPath,
    })
}

impl Endpoints {
    fn compile() -> Result<Self, String> {
        let user_management = user_management::CALLS.map(|(operation, read)| Target::UserManagement(operation, read));
        let login = login::CALLS.map(|(operation, read)| Target::Login(operation, read));
        Ok(Self {
            user_management: compile(description::UMAPI, &user_management)?,
            login: compile(description::IMS, &login)?,
        })
    }
}

/// The endpoints of the management API, compiled on the first request: an emulator starts sooner that way.
fn management_endpoints() -> &'static [Endpoint] {
    static COMPILED: OnceLock<Vec<Endpoint>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let targets = management::CALLS.map(|(operation, read)| Target::Management(operation, read));
        compile(generated::MANAGEMENT, &targets).unwrap_or_else(|reason| {
            tracing::error!(reason, "cannot compile the description of the management API");
            Vec::new()
        })
    })
}

fn compile(description: &str, targets: &[Target]) -> Result<Vec<Endpoint>, String> {
    let document = Arc::new(Document::new(description)?);
    let mut endpoints = Vec::new();
    for (path, item) in document.paths() {
        for target in targets.iter().filter(|target| target.path() == path) {
            endpoints.push(Endpoint::compile(&document, path, item, *target)?);
        }
    }
    if endpoints.len() != targets.len() {
        return Err(format!("{} of {} operations are described", endpoints.len(), targets.len()));
    }
    Ok(endpoints)
}

/// The maximum number of violations kept; one is enough to fail a test.
const KEPT: usize = 100;

/// A response of the emulator that does not match the description: a bug of the emulator, not of its client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The `operationId`, also of an operation of the management API.
    pub operation: String,
    /// The request id.
    pub request_id: String,
    /// What does not match.
    pub reason: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (request {})", self.operation, self.reason, self.request_id)
    }
}

/// The violations of one emulator.
#[derive(Debug, Default)]
pub(crate) struct Violations(Mutex<Vec<Violation>>);

impl Violations {
    pub(crate) fn record(&self, violation: Violation) {
        tracing::error!(%violation, "a response does not match the description");
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < KEPT {
            all.push(violation);
        }
    }

    pub(crate) fn all(&self) -> Vec<Violation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn take(&self) -> Vec<Violation> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Request, Response};

    const BOTH: [Api; 2] = [Api::UserManagement, Api::Login];

    fn contract() -> Contract {
        Contract::new().unwrap()
    }

    fn find(method: Method, path: &str, lenient: bool) -> Result<(&'static Endpoint, PathParameters), String> {
        match contract().route(&BOTH, &method, path, lenient) {
            Route::Found { endpoint, path } => Ok((endpoint, path)),
            Route::None(NoRoute::BadOrganization) => Err("organization".into()),
            Route::None(NoRoute::WrongMethod(methods)) => Err(methods.join(" ")),
            Route::None(NoRoute::UnknownPath) => Err("unknown".into()),
            Route::Status => Err("status".into()),
        }
    }

    fn id(method: Method, path: &str) -> Result<&'static str, String> {
        find(method, path, false).map(|(endpoint, _)| endpoint.target.id())
    }

    fn request(path: &str, query: &str, body: &str) -> Request {
        Request {
            id: "r".into(),
            method: Method::POST,
            path: path.into(),
            query: Some(query.into()),
            headers: http::HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn every_path_finds_its_operation() {
        let um = "/v2/usermanagement";
        for (method, path, expected) in [
            (Method::GET, "/users/1A@AdobeOrg/0", "listUsers"),
            (Method::GET, "/users/1A@AdobeOrg/0/A%2FB", "listUsersInGroup"),
            (Method::GET, "/users/1A@AdobeOrg/0/users", "listUsersInGroup"),
            (Method::GET, "/1A@AdobeOrg/users/0", "getLegacyUser"),
            (Method::GET, "/1A@AdobeOrg/users", "listLegacyUsers"),
            (Method::GET, "/organizations/1A@AdobeOrg/users/a%40b.c", "getUser"),
            (Method::POST, "/action/1A@AdobeOrg", "executeActions"),
            (Method::DELETE, "/1A@AdobeOrg/user-groups/7", "deleteUserGroup"),
            (Method::GET, "/1A@AdobeOrg/products/X/configurations/Y/admins", "listConfigurationAdmins"),
        ] {
            assert_eq!(id(method, &format!("{um}{path}")).unwrap(), expected, "{path}");
        }
        assert_eq!(id(Method::POST, "/ims/exchange/jwt/").unwrap(), "exchangeJwt");
        assert_eq!(id(Method::POST, "/ims/exchange/v1/jwt").unwrap(), "exchangeJwtV1");
        assert_eq!(id(Method::POST, "/ims/token/v3").unwrap(), "requestToken");
    }

    #[test]
    fn a_path_may_end_with_a_slash() {
        let um = "/v2/usermanagement";
        for (method, path, expected) in [
            (Method::GET, "/1A@AdobeOrg/products/", "listProducts"),
            (Method::GET, "/1A@AdobeOrg/users/", "listLegacyUsers"),
            (Method::GET, "/groups/1A@AdobeOrg/0/", "listGroups"),
            (Method::GET, "/users/1A@AdobeOrg/0/Design/", "listUsersInGroup"),
            (Method::POST, "/action/1A@AdobeOrg/", "executeActions"),
        ] {
            assert_eq!(id(method, &format!("{um}{path}")).unwrap(), expected, "{path}");
        }
        for (path, lenient) in [("/users/1A@AdobeOrg/0/", false), ("/users/1A@AdobeOrg/0/", true)] {
            let found = find(Method::GET, &format!("{um}{path}"), lenient).map(|(endpoint, _)| endpoint.target.id());
            assert_eq!(found.unwrap_err(), "unknown", "all users instead of those of a group");
        }
        assert_eq!(id(Method::GET, &format!("{um}/groups/1A@AdobeOrg/0//")).unwrap_err(), "unknown");
        assert_eq!(id(Method::DELETE, &format!("{um}/1A@AdobeOrg/user-groups/")).unwrap_err(), "GET POST");
    }

    #[test]
    fn the_status_belongs_to_the_port_of_the_service() {
        let is_status = |apis: &[Api], method: Method, path: &str| {
            matches!(contract().route(apis, &method, path, false), Route::Status)
        };
        assert!(is_status(&BOTH, Method::GET, "/status") && is_status(&BOTH, Method::GET, "/status/"));
        assert!(!is_status(&BOTH, Method::POST, "/status"));
        assert!(!is_status(&[Api::Login], Method::GET, "/status"));
    }

    #[test]
    fn a_path_without_operation_says_why() {
        assert_eq!(id(Method::GET, "/v2/usermanagement/users/nobody/0").unwrap_err(), "organization");
        assert_eq!(id(Method::PUT, "/v2/usermanagement/1A@AdobeOrg/user-groups").unwrap_err(), "GET POST");
        assert_eq!(id(Method::GET, "/v2/usermanagement/users/1A@AdobeOrg/0/").unwrap_err(), "unknown");
        assert_eq!(id(Method::GET, "/users/1A@AdobeOrg/0").unwrap_err(), "unknown");
        assert_eq!(id(Method::GET, "").unwrap_err(), "unknown");
    }

    #[test]
    fn a_raw_slash_in_a_group_name_needs_lenient_mode() {
        let path = "/v2/usermanagement/users/1A@AdobeOrg/0/A/B";
        assert!(find(Method::GET, path, false).is_err());
        assert_eq!(find(Method::GET, path, true).unwrap().1[2].1, "A/B");
    }

    #[test]
    fn parameters_are_checked_for_type_and_range() {
        let check = |path: &str, query: &str| {
            let (endpoint, parameters) = find(Method::GET, &format!("/v2/usermanagement{path}"), false).unwrap();
            endpoint
                .check_parameters(&parameters, &request(path, query, ""))
                .map_err(|rejection| rejection.code.into_owned())
        };
        let users = "/users/1A@AdobeOrg/0";
        assert_eq!(check(users, "directOnly=True&domain=x.com&unknown=1"), Ok(()));
        assert_eq!(check(users, "directOnly=yes"), Err("error.command.boolean_expected".into()));
        assert_eq!(check(users, "directOnly=true&directOnly=true"), Err("error.command.malformed".into()));
        assert_eq!(check("/users/1A@AdobeOrg/-1", ""), Err("error.command.malformed".into()));
        assert_eq!(check("/users/1A@AdobeOrg/2147483648", ""), Err("error.command.malformed".into()));
        assert_eq!(check("/users/1A@AdobeOrg/0/x", "status=gone"), Err("error.command.malformed".into()));
        assert_eq!(check("/users/1A@AdobeOrg/0/x", "status=inactive"), Ok(()));
        let long = format!("/users/1A@AdobeOrg/0/{}", "x".repeat(256));
        assert_eq!(check(&long, ""), Err("error.group.invalid_name".into()));
    }

    #[test]
    fn bodies_are_checked_against_their_schemas() {
        let (endpoint, _) = find(Method::POST, "/v2/usermanagement/1A@AdobeOrg/user-groups", false).unwrap();
        let check = |body: &str| endpoint.check_body(&request("", "", body)).map_err(|rejection| rejection.message);
        assert_eq!(check(r#"{"name":"Design"}"#), Ok(()));
        assert!(check(r#"{"name":7}"#).unwrap_err().contains("/name"));
        assert!(check("{").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn responses_are_checked_for_status_headers_and_schema() {
        let (endpoint, _) = find(Method::GET, "/v2/usermanagement/users/1A@AdobeOrg/0", false).unwrap();
        let page = json!({"lastPage": true, "result": "success", "users": [{"groups": null}]});
        let mut good = Response::json(http::StatusCode::OK, &page);
        assert!(endpoint.check_response(&good).unwrap_err().contains("X-"));
        for name in ["x-total-count", "x-page-count", "x-current-page", "x-page-size"] {
            good = good.with_header(http::HeaderName::from_static(name), http::HeaderValue::from_static("1"));
        }
        assert_eq!(endpoint.check_response(&good), Ok(()));
        let bad =
            Response { body: json!({"lastPage": "yes", "result": "", "users": []}).to_string().into(), ..good.clone() };
        assert!(endpoint.check_response(&bad).unwrap_err().contains("/lastPage"));
        assert!(endpoint.check_response(&Response::empty(http::StatusCode::IM_A_TEAPOT)).unwrap_err().contains("418"));
        assert_eq!(endpoint.check_response(&Response::empty(http::StatusCode::UNAUTHORIZED)), Ok(()));
        assert!(endpoint.check_response(&Response::empty(http::StatusCode::NOT_FOUND)).is_err());
    }

    #[test]
    fn every_schema_compiles() {
        let endpoints = contract().endpoints;
        let mut count = 0;
        for endpoint in endpoints.user_management.iter().chain(&endpoints.login).chain(management_endpoints()) {
            count += endpoint.compile_all().unwrap_or_else(|reason| panic!("{}: {reason}", endpoint.target.id()));
        }
        assert!(count > 100, "{count} schemas");
    }
}
