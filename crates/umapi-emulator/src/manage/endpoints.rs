//! The HTTP endpoints of the management API: the description decides what is accepted, and [`Manage`] does it.

use std::sync::Arc;

use http::{
    StatusCode,
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{Manage, ManageError};
use crate::{
    app::AppState,
    contract::{Endpoint, NoRoute, PathParameters},
    generated::management::ManagementCall as Call,
    http::{Request, Response},
    seed::{Presence, Seed, UserStatus, UserType},
};

/// Handles a request for an operation.
pub(crate) fn handle(
    app: &Arc<AppState>,
    endpoint: &Endpoint,
    path: &PathParameters,
    request: &Request,
    call: impl FnOnce() -> Call,
) -> Response {
    let check = || {
        if let Some((name, _)) = request.query_pairs().find(|(name, _)| !endpoint.has_query(name)) {
            return Err(ManageError::invalid(format!("{} has no parameter {name}", endpoint.target.id())));
        }
        Ok(endpoint.check_parameters(path, request)?)
    };
    let context = Context { manage: Manage::new(Arc::clone(app)), app, endpoint, request };
    check().and_then(|()| context.run(call())).unwrap_or_else(|error| error.response())
}

/// The response to a request of a web page.
pub(crate) fn forbidden_origin() -> Response {
    let message =
        "The management API is for programs: requests of web pages, which have an Origin header, are rejected";
    error(StatusCode::FORBIDDEN, "emulator.origin.refused", message)
}

/// The response to a request for a host that is not this machine.
pub(crate) fn forbidden_host(host: &str) -> Response {
    let message = format!(
        "The management API does not serve the host {host:?}: a web page could have made the name up. Use localhost or an IP \
         address, or allow the name with --server-name"
    );
    error(StatusCode::FORBIDDEN, "emulator.host.refused", &message)
}

/// The error of a request without an operation.
pub(crate) fn no_route(reason: &NoRoute, request: &Request) -> Response {
    match reason {
        NoRoute::BadOrganization => error(
            StatusCode::BAD_REQUEST,
            "error.organization.invalid_id",
            "An organization id is a hexadecimal number followed by @AdobeOrg",
        ),
        NoRoute::WrongMethod(methods) => {
            let allowed = methods.join(", ");
            let message =
                format!("The path {} does not support {}; it supports {allowed}", request.path, request.method);
            let response = error(StatusCode::METHOD_NOT_ALLOWED, "emulator.method.unknown", &message);
            match HeaderValue::from_str(&allowed) {
                Ok(allowed) => response.with_header(ALLOW, allowed),
                Err(_) => response,
            }
        }
        NoRoute::UnknownPath => {
            let message = format!("The management API has no path {}", request.path);
            error(StatusCode::NOT_FOUND, "emulator.path.unknown", &message)
        }
    }
}

/// The response if the emulator itself failed.
pub(crate) fn failure(reason: &str) -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, "emulator.failed", reason)
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    Response::json(status, &json!({"code": code, "message": message}))
}

/// A request with valid parameters.
pub(super) struct Context<'a> {
    pub(super) manage: Manage,
    pub(super) app: &'a AppState,
    endpoint: &'a Endpoint,
    request: &'a Request,
}

#[derive(Deserialize)]
struct Synced {
    synced: bool,
}

#[derive(Deserialize)]
struct DomainClaim {
    #[serde(default)]
    enforced: bool,
}

#[derive(Deserialize)]
struct Quota {
    /// Required, but may be `null`.
    #[serde(deserialize_with = "required")]
    quota: Option<u32>,
}

fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(deserializer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadOnly {
    read_only: bool,
}

#[derive(Deserialize)]
struct UserChange {
    status: Option<UserStatus>,
    presence: Option<Presence>,
}

#[derive(Deserialize)]
struct Key {
    pem: String,
}

#[derive(Deserialize)]
struct SnapshotName {
    name: String,
}

impl Context<'_> {
    fn run(&self, call: Call) -> Result<Response, ManageError> {
        let manage = &self.manage;
        match call {
            Call::GetHealth => self.get_health(),
            Call::Reset => done(manage.reset()),
            Call::LoadSeed => done(manage.load(&self.seed()?)),
            Call::ListViolations => self.list_violations(),

            Call::ListOrganizations => ok(&json!({"organizations": manage.organizations()?})),
            Call::CreateOrganization => created(&manage.create_organization(&self.body()?)?),
            Call::GetOrganization { org_id } => ok(&manage.organization(&org_id)?),
            Call::UpdateOrganization { org_id } => ok(&manage.update_organization(&org_id, &self.body()?)?),

            Call::ListDirectories { org_id } => ok(&json!({"directories": manage.directories(&org_id)?})),
            Call::CreateDirectory { org_id } => created(&manage.create_directory(&org_id, &self.body()?)?),
            Call::GetDirectory { org_id, directory } => ok(&manage.directory(&org_id, &directory)?),
            Call::UpdateDirectory { org_id, directory } => {
                ok(&manage.set_synced(&org_id, &directory, self.body::<Synced>()?.synced)?)
            }
            Call::ClaimDomain { org_id, directory, domain } => {
                let enforced = self.body::<DomainClaim>()?.enforced;
                ok(&manage.claim_domain(&org_id, &directory, &domain, enforced)?)
            }
            Call::ReleaseDomain { org_id, directory, domain } => {
                done(manage.release_domain(&org_id, &directory, &domain))
            }
            Call::TrustOrganization { org_id, directory, trustee } => ok(&manage.trust(&org_id, &directory, &trustee)?),
            Call::DistrustOrganization { org_id, directory, trustee } => {
                done(manage.distrust(&org_id, &directory, &trustee))
            }

            Call::ListProducts { org_id } => ok(&json!({"products": manage.products(&org_id)?})),
            Call::CreateProduct { org_id } => created(&manage.create_product(&org_id, &self.body()?)?),
            Call::GetProduct { org_id, product } => ok(&manage.product(&org_id, &product)?),
            Call::UpdateProduct { org_id, product } => {
                ok(&manage.set_product_quota(&org_id, &product, self.body::<Quota>()?.quota)?)
            }
            Call::CreateProfile { org_id, product } => {
                created(&manage.create_profile(&org_id, &product, &self.body()?)?)
            }
            Call::GetProfile { org_id, profile } => ok(&manage.profile(&org_id, &profile)?),
            Call::UpdateProfile { org_id, profile } => {
                ok(&manage.set_profile_quota(&org_id, &profile, self.body::<Quota>()?.quota)?)
            }

            Call::ListUserGroups { org_id } => ok(&json!({"userGroups": manage.user_groups(&org_id)?})),
            Call::CreateUserGroup { org_id } => created(&manage.create_user_group(&org_id, &self.body()?)?),
            Call::GetUserGroup { org_id, user_group } => ok(&manage.user_group(&org_id, &user_group)?),
            Call::UpdateUserGroup { org_id, user_group } => {
                ok(&manage.set_read_only(&org_id, &user_group, self.body::<ReadOnly>()?.read_only)?)
            }

            Call::CreateUser { org_id } => created(&manage.create_user(&org_id, &self.body()?)?),
            Call::GetUser { org_id, user, type_ } => ok(&manage.user(&org_id, &user, user_type(type_))?),
            Call::UpdateUser { org_id, user, type_ } => {
                let UserChange { status, presence } = self.body()?;
                ok(&manage.update_user(&org_id, &user, user_type(type_), status, presence)?)
            }

            Call::ListIntegrations { org_id } => ok(&json!({"integrations": manage.integrations(&org_id)?})),
            Call::CreateIntegration { org_id } => created(&manage.create_integration(&org_id, &self.body()?)?),
            Call::GetIntegration { client_id } => ok(&manage.integration(&client_id)?),
            Call::UpdateIntegration { client_id } => ok(&manage.update_integration(&client_id, &self.body()?)?),
            Call::CreateSecret { client_id } => created(&json!({"secret": manage.create_secret(&client_id)?})),
            Call::AddKey { client_id } => ok(&manage.add_key(&client_id, &self.body::<Key>()?.pem)?),
            Call::IssueToken { client_id } => created(&json!({"accessToken": manage.issue_token(&client_id)?})),
            Call::RevokeTokens { client_id } => done(manage.revoke_tokens(&client_id)),

            Call::GetClock => self.show_clock(),
            Call::SetClock => self.set_clock(&self.body()?),
            Call::FreezeClock => self.freeze_clock(),
            Call::ResumeClock => self.resume_clock(),
            Call::AdvanceClock => self.advance_clock(&self.body()?),

            Call::ListFaults => self.list_faults(),
            Call::CreateFault => self.create_fault(self.body()?),
            Call::ClearFaults => self.clear_faults(),
            Call::GetFault { fault_id } => self.get_fault(fault_id),
            Call::UpdateFault { fault_id } => self.update_fault(fault_id, &self.body()?),
            Call::DeleteFault { fault_id } => self.delete_fault(fault_id),

            Call::GetLimits => self.show_limits(),
            Call::SetLimits => self.set_limits(self.body()?),
            Call::ClearUsage => self.clear_usage(),

            Call::ListExchanges { operation, request_id, after, limit } => {
                self.list_exchanges(operation.as_deref(), request_id.as_deref(), after, limit)
            }
            Call::ClearJournal => self.clear_journal(),
            Call::ListChanges { organization, user, group, request_id, after, limit } => {
                self.list_changes(&organization, &user, &group, &request_id, after, limit)
            }
            Call::ListRepetitions { organization } => self.list_repetitions(&organization),

            Call::ListSnapshots => ok(&json!({"snapshots": manage.snapshots()})),
            Call::CreateSnapshot => created(&manage.create_snapshot(&self.body::<SnapshotName>()?.name)?),
            Call::DeleteSnapshot { snapshot } => done(manage.delete_snapshot(&snapshot)),
            Call::RestoreSnapshot { snapshot } => done(manage.restore_snapshot(&snapshot)),
        }
    }

    /// Reads the body. Errors of the Rust type come first, because they name the field; the description checks the rest.
    fn body<T: DeserializeOwned>(&self) -> Result<T, ManageError> {
        self.endpoint.check_content_type(self.request)?;
        let invalid = |error: serde_json::Error| ManageError::invalid(format!("The body is invalid: {error}"));
        let body = serde_json::from_slice(&self.request.body).map_err(invalid)?;
        self.endpoint.check_body(self.request)?;
        Ok(body)
    }

    /// Reads a seed, in JSON or YAML.
    fn seed(&self) -> Result<Seed, ManageError> {
        let content_type = self.request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !matches!(media_type, "application/yaml" | "application/x-yaml" | "text/yaml") {
            return self.body();
        }
        let text = std::str::from_utf8(&self.request.body);
        let text = text.map_err(|error| ManageError::invalid(format!("The body is not UTF-8 text: {error}")))?;
        Ok(Seed::from_yaml(text)?)
    }
}

fn user_type(name: Option<String>) -> Option<UserType> {
    name.and_then(|name| serde_json::from_value(name.into()).ok())
}

pub(super) fn ok(value: &impl Serialize) -> Result<Response, ManageError> {
    Ok(Response::json(StatusCode::OK, value))
}

pub(super) fn created(value: &impl Serialize) -> Result<Response, ManageError> {
    Ok(Response::json(StatusCode::CREATED, value))
}

pub(super) fn done(result: Result<(), ManageError>) -> Result<Response, ManageError> {
    result.map(|()| Response::empty(StatusCode::NO_CONTENT))
}
