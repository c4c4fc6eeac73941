//! The description, compiled: which requests there are, which are allowed, and what their answers look like.
//!
//! It is compiled once in a process and shared by all its emulators.

mod document;
mod endpoint;
mod parameter;
mod template;
mod violations;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use http::Method;
use umapi_model::{Operation, description, ims, operations};

use crate::generated;

use document::Document;
pub(crate) use endpoint::Endpoint;
pub(crate) use parameter::parse_boolean;
pub(crate) use template::PathParameters;
use template::{Fit, Segments, segments};
pub use violations::Violation;
pub(crate) use violations::Violations;

/// The compiled description, and the answers of one emulator that broke it.
pub(crate) struct Contract {
    endpoints: &'static Endpoints,
    pub(crate) violations: Violations,
}

/// The descriptions of the two services, compiled.
struct Endpoints {
    user_management: Vec<Endpoint>,
    login: Vec<Endpoint>,
}

/// Which of the three APIs an endpoint belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// The User Management API.
    UserManagement,
    /// The login.
    Login,
    /// The management of the emulator.
    Management,
}

/// Where a request leads.
pub(crate) enum Route {
    /// To an operation.
    Found {
        /// The API that it is of.
        api: Api,
        /// The operation.
        endpoint: &'static Endpoint,
        /// The parameters of the path, decoded.
        path: PathParameters,
    },
    /// To an operation, but for an organization id that is none.
    BadOrganization,
    /// To a path that has only other methods.
    WrongMethod(Vec<&'static str>),
    /// Nowhere.
    Unknown,
}

impl Contract {
    /// Compiles the description, or takes it as it was compiled before.
    pub(crate) fn new() -> Result<Self, String> {
        static COMPILED: OnceLock<Result<Endpoints, String>> = OnceLock::new();
        let endpoints = COMPILED.get_or_init(Endpoints::compile).as_ref().map_err(Clone::clone)?;
        Ok(Self { endpoints, violations: Violations::default() })
    }

    /// Finds the operation that a request asks for, among those of the APIs that a port has.
    ///
    /// A group name whose `/` was not encoded is taken as it was meant where `lenient` says so: Adobe's own client sends
    /// it like that.
    pub(crate) fn route(&self, services: &[Api], method: &Method, path: &str, lenient: bool) -> Route {
        let mut best = Route::Unknown;
        for &api in services {
            let (endpoints, path) = match api {
                Api::UserManagement => (self.endpoints.user_management.as_slice(), path),
                // Public clients end the path of the exchange with a slash.
                Api::Login => (self.endpoints.login.as_slice(), path.strip_suffix('/').unwrap_or(path)),
                Api::Management => (management(), path),
            };
            match route(api, endpoints, method, path, lenient) {
                Route::Unknown => {}
                found @ Route::Found { .. } => return found,
                near => best = near,
            }
        }
        best
    }
}

/// The endpoints of the management API, compiled when the first of them is asked for: an emulator is ready sooner so.
fn management() -> &'static [Endpoint] {
    static COMPILED: OnceLock<Vec<Endpoint>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        compile(generated::DESCRIPTION, &generated::operations::ALL).unwrap_or_else(|reason| {
            tracing::error!(reason, "the description of the management API cannot be compiled");
            Vec::new()
        })
    })
}

fn route(api: Api, endpoints: &'static [Endpoint], method: &Method, path: &str, lenient: bool) -> Route {
    let raw: Segments<'_> = segments(path).map(Cow::Borrowed).collect();
    let (mut methods, mut bad_organization) = (Vec::new(), false);
    for endpoint in endpoints {
        let template = &endpoint.template;
        let joined = if lenient { template.join_group_name(&raw) } else { None };
        let parts = joined.as_ref().unwrap_or(&raw);
        match template.fit(parts) {
            None => {}
            Some(Fit::Full) if endpoint.method == *method => {
                return Route::Found { api, endpoint, path: template.parameters(parts) };
            }
            Some(Fit::Full) => methods.push(endpoint.operation.method),
            Some(Fit::BadOrganization) => bad_organization |= endpoint.method == *method,
        }
    }
    match (methods.is_empty(), bad_organization) {
        (false, _) => Route::WrongMethod(methods),
        (true, true) => Route::BadOrganization,
        (true, false) => Route::Unknown,
    }
}

impl Endpoints {
    fn compile() -> Result<Self, String> {
        Ok(Self {
            user_management: compile(description::UMAPI, &operations::ALL)?,
            login: compile(description::IMS, &ims::operations::ALL)?,
        })
    }
}

fn compile(description: &str, operations: &[&'static Operation]) -> Result<Vec<Endpoint>, String> {
    let document = Arc::new(Document::new(description)?);
    let mut endpoints = Vec::new();
    for (path, item) in document.paths() {
        for operation in operations.iter().filter(|operation| operation.path == path) {
            endpoints.push(Endpoint::compile(&document, path, item, operation)?);
        }
    }
    if endpoints.len() != operations.len() {
        return Err(format!("{} of {} operations are described", endpoints.len(), operations.len()));
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests;
