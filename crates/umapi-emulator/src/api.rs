//! The User Management API: admission, and one handler per operation.

mod actions;
mod dto;
mod errors;
mod groups;
mod legacy;
mod users;

use http::{HeaderName, HeaderValue, StatusCode, header::PRAGMA};
use serde_json::json;
use umapi_model::Operation;

pub(crate) use self::errors::no_route;
use self::errors::{ErrorShape, reject};
use crate::{
    app::AppState,
    contract::{Endpoint, PathParameters},
    engine::Rejection,
    generated::user_management::UserManagementCall as Call,
    http::{Request, Response},
    journal::Stage,
    limits::CountedCall,
    store::{Organization, Page, StoreError},
};

/// An authenticated request.
#[derive(Clone, Copy)]
struct Context<'a> {
    app: &'a AppState,
    org: &'a Organization,
    request: &'a Request,
}

/// Handles a request for an operation.
///
/// The order follows the gateway and the service behind it: the token and the API key, then the rate limits, then the
/// request itself.
pub(crate) fn handle(
    app: &AppState,
    endpoint: &Endpoint,
    operation: Operation,
    path: &PathParameters,
    request: &Request,
    call: impl FnOnce() -> Call,
) -> Response {
    let org_id = path.iter().find(|(name, _)| name == "orgId").map_or("", |(_, value)| value);
    let caller = match app.login.authenticate(request, org_id) {
        Ok(caller) => caller,
        Err(response) => return response.decided_by(Stage::Login),
    };
    let pragma = pragma(request);
    let counted = CountedCall {
        client_id: &caller.client_id,
        operation,
        is_first_page: is_first_page(path, app.settings.strict),
        pragma: &pragma,
    };
    if let Err(response) = app.limits.admit(&counted, &app.clock.clock()) {
        return *response;
    }
    if app.settings.strict
        && let Err(rejection) = check(endpoint, operation, path, request)
    {
        return reject(ErrorShape::of(operation), 400, &rejection).decided_by(Stage::Description);
    }
    let context = Context { app, org: &caller.org, request };
    context.run(call()).unwrap_or_else(|error| Response::failure(&error.to_string()))
}

/// `GET /status` at the root of the host: whether the service is up. It needs no login, and no limit counts it.
pub(crate) fn status() -> Response {
    let body = json!({"build": "umapi-emulator", "version": env!("CARGO_PKG_VERSION"), "state": "LIVE"});
    Response::json(StatusCode::OK, &body)
}

/// The values of all headers `Pragma`, in one list.
fn pragma(request: &Request) -> String {
    let values = request.headers.get_all(PRAGMA).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}

/// Whether a request asks for page 0 of a list. Without strict mode, a page that is not a number means page 0.
fn is_first_page(path: &PathParameters, strict: bool) -> bool {
    let page = path.iter().find(|(name, _)| name == "page").map(|(_, value)| value.parse::<u64>());
    page.is_some_and(|page| page.map_or(!strict, |page| page == 0))
}

/// Checks a request against the description. The engine checks the body of an action request itself: it knows which error
/// code belongs to which mistake.
fn check(endpoint: &Endpoint, operation: Operation, path: &PathParameters, request: &Request) -> Result<(), Rejection> {
    endpoint.check_parameters(path, request)?;
    endpoint.check_content_type(request)?;
    if operation == Operation::ExecuteActions { Ok(()) } else { endpoint.check_body(request) }
}

impl Context<'_> {
    fn run(self, call: Call) -> Result<Response, StoreError> {
        match call {
            Call::ExecuteActions { test_only } => Ok(self.execute_actions(test_only)),
            Call::ListUsers { page, domain, direct_only } => self.list_users(page, domain.as_deref(), direct_only),
            Call::ListUsersInGroup { page, group_name, direct_only, status, exclude_groups } => {
                self.list_users_in_group(page, &group_name, direct_only, status.as_deref(), exclude_groups)
            }
            Call::GetUser { user_string, domain } => self.get_user(&user_string, domain.as_deref()),
            Call::ListGroups { page } => self.list_groups(page),
            Call::ListLegacyUsers { page, direct_only, domain } => {
                self.list_legacy_users(page, direct_only, domain.as_deref())
            }
            Call::GetLegacyUser { email } => self.get_legacy_user(&email),
            Call::ListUserGroups { page } => self.list_user_groups(page),
            Call::CreateUserGroup => Ok(self.create_user_group()),
            Call::GetUserGroup { group_id } => self.get_user_group(group_id),
            Call::UpdateUserGroup { group_id } => Ok(self.update_user_group(group_id)),
            Call::UpdateUserGroupRights { group_id } => Ok(self.update_user_group_rights(group_id)),
            Call::DeleteUserGroup { group_id } => Ok(self.delete_user_group(group_id)),
            Call::ListUserGroupUsers { group_id, page } => self.list_user_group_users(group_id, page),
            Call::ListUserGroupAdmins { group_id, page } => self.list_user_group_admins(group_id, page),
            Call::ListProducts { page } => self.list_products(page),
            Call::GetProduct { product_id } => self.get_product(&product_id),
            Call::UpdateProductRights { product_id } | Call::UpdateProductAdmins { product_id } => {
                Ok(self.update_product_admins(&product_id))
            }
            Call::ListConfigurations { product_id, page } => self.list_configurations(&product_id, page),
            Call::GetConfiguration { product_id, config_id } => self.get_configuration(&product_id, &config_id),
            Call::UpdateConfigurationRights { product_id, config_id } => {
                Ok(self.update_configuration(&product_id, &config_id))
            }
            Call::ListConfigurationUsers { product_id, config_id, page } => {
                self.list_configuration_users(&product_id, &config_id, page)
            }
            Call::ListConfigurationAdmins { product_id, config_id, page } => {
                self.list_configuration_admins(&product_id, &config_id, page)
            }
        }
    }
}

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
const PAGE_COUNT: HeaderName = HeaderName::from_static("x-page-count");
const CURRENT_PAGE: HeaderName = HeaderName::from_static("x-current-page");
const PAGE_SIZE: HeaderName = HeaderName::from_static("x-page-size");

/// Adds the headers of a paged response, with the number of its page. `X-Page-Size` is the number of entries on this page, as
/// recordings of the service show.
fn with_paging<T>(response: Response, page: &Page<T>, number: u64) -> Response {
    // Recordings show that the size of a single page includes the accounts that are counted but not listed.
    let is_whole = page.pages == 1 && !(page.past_end && page.items.is_empty());
    let size = if is_whole { page.total } else { page.items.len() as u64 };
    [(TOTAL_COUNT, page.total), (PAGE_COUNT, page.pages), (CURRENT_PAGE, number), (PAGE_SIZE, size)]
        .into_iter()
        .fold(response, |response, (name, number)| response.with_header(name, HeaderValue::from(number)))
}
