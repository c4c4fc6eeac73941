//! The endpoints of the User Management API, over the store and the engine.

mod actions;
mod call;
mod groups;
mod legacy_users;
mod paging;
mod products;
mod refusals;
mod shapes;
mod user_groups;
mod users;

use umapi_model::operations as op;

use crate::contract::{Endpoint, PathParameters};
use crate::engine::Rejection;
use crate::http::{Answer, Request};
use crate::store::StoreError;
use crate::world::World;
use call::Call;
use refusals::Shape;

pub(crate) use refusals::{bad_organization, unknown_path, wrong_method};

/// Answers a request for an operation.
///
/// The order is that of the gateway and the service behind it: the token and the API key, then the limits, then what the
/// request says.
pub(crate) fn answer(world: &World, endpoint: &Endpoint, path: &PathParameters, request: &Request) -> Answer {
    let org_id = path.iter().find(|(name, _)| name == "orgId").map_or("", |(_, value)| value);
    let caller = match world.login.authenticate(world, request, org_id) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    if let Err(answer) = world.limits.admit(world, &caller.client_id, endpoint.operation) {
        return *answer;
    }
    let shape = Shape::of(endpoint.operation);
    if let Err(refusal) = allow(world, endpoint, path, request) {
        return refusals::refuse(shape, 400, &refusal);
    }
    let call = Call { world, org: &caller.org, path, request };
    run(endpoint.operation.id, &call).unwrap_or_else(|error| Answer::fault(&error.to_string()))
}

/// Whether the description allows a request. The body of an action request is for the engine to judge: it knows which
/// code belongs to which mistake.
fn allow(world: &World, endpoint: &Endpoint, path: &PathParameters, request: &Request) -> Result<(), Rejection> {
    if !world.settings.strict {
        return Ok(());
    }
    endpoint.check_parameters(path, request)?;
    endpoint.check_content_type(request)?;
    if endpoint.operation.id == op::EXECUTE_ACTIONS.id { Ok(()) } else { endpoint.check_body(request) }
}

fn run(operation: &str, call: &Call<'_>) -> Result<Answer, StoreError> {
    match operation {
        "executeActions" => Ok(actions::execute(call)),
        "listUsers" => users::list(call),
        "listUsersInGroup" => users::list_in_group(call),
        "getUser" => users::get(call),
        "listGroups" => groups::list(call),
        "listLegacyUsers" => legacy_users::list(call),
        "getLegacyUser" => legacy_users::get(call),
        "listUserGroups" => user_groups::list(call),
        "createUserGroup" => Ok(user_groups::create(call)),
        "getUserGroup" => user_groups::get(call),
        "updateUserGroup" => Ok(user_groups::update(call)),
        "updateUserGroupRights" => Ok(user_groups::update_rights(call)),
        "deleteUserGroup" => Ok(user_groups::delete(call)),
        "listUserGroupUsers" => user_groups::list_users(call),
        "listUserGroupAdmins" => user_groups::list_admins(call),
        "listProducts" => products::list(call),
        "getProduct" => products::get(call),
        "updateProductRights" | "updateProductAdmins" => Ok(products::update_admins(call)),
        "listConfigurations" => products::list_configurations(call),
        "getConfiguration" => products::get_configuration(call),
        "updateConfigurationRights" => Ok(products::update_configuration(call)),
        "listConfigurationUsers" => products::list_users(call),
        "listConfigurationAdmins" => products::list_admins(call),
        other => Ok(Answer::fault(&format!("operation {other} is described and not built"))),
    }
}
