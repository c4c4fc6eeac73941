use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::call::{Call, created, done, ok};
use super::observe;
use crate::http::Answer;
use crate::management::ManageError;
use crate::seed::{Presence, UserStatus, UserType};

/// Does what a request asks for, by the operation's id.
pub(super) fn run(call: &Call<'_>) -> Result<Answer, ManageError> {
    match call.endpoint.operation.tag {
        "emulator" => emulator(call),
        "organizations" => organizations(call),
        "directories" => directories(call),
        "products" => products(call),
        "user-groups" => user_groups(call),
        "users" => users(call),
        "integrations" => integrations(call),
        "snapshots" => snapshots(call),
        "clock" => observe::clock(call),
        "faults" => observe::faults(call),
        "limits" => observe::limits(call),
        "journal" => observe::journal(call),
        _ => unbuilt(call),
    }
}

pub(super) fn unbuilt(call: &Call<'_>) -> Result<Answer, ManageError> {
    Err(ManageError::failed(format!("operation {} is described and not built", call.endpoint.operation.id)))
}

fn emulator(call: &Call<'_>) -> Result<Answer, ManageError> {
    match call.endpoint.operation.id {
        "getHealth" => observe::health(call),
        "reset" => {
            call.manage.reset()?;
            done()
        }
        "loadSeed" => {
            call.manage.load(&call.seed()?)?;
            done()
        }
        "listViolations" => observe::violations(call),
        _ => unbuilt(call),
    }
}

fn organizations(call: &Call<'_>) -> Result<Answer, ManageError> {
    let manage = &call.manage;
    match call.endpoint.operation.id {
        "listOrganizations" => ok(&json!({"organizations": manage.organizations()?})),
        "createOrganization" => created(&manage.create_organization(&call.body()?)?),
        "getOrganization" => ok(&manage.organization(call.org_id())?),
        "updateOrganization" => ok(&manage.update_organization(call.org_id(), &call.body()?)?),
        _ => unbuilt(call),
    }
}

#[derive(Deserialize)]
struct Synced {
    synced: bool,
}

#[derive(Deserialize)]
struct Claim {
    #[serde(default)]
    enforced: bool,
}

fn directories(call: &Call<'_>) -> Result<Answer, ManageError> {
    let (manage, org_id, directory) = (&call.manage, call.org_id(), call.name("directory"));
    match call.endpoint.operation.id {
        "listDirectories" => ok(&json!({"directories": manage.directories(org_id)?})),
        "createDirectory" => created(&manage.create_directory(org_id, &call.body()?)?),
        "getDirectory" => ok(&manage.directory(org_id, directory)?),
        "updateDirectory" => ok(&manage.set_synced(org_id, directory, call.body::<Synced>()?.synced)?),
        "claimDomain" => {
            let enforced = call.body::<Claim>()?.enforced;
            ok(&manage.claim_domain(org_id, directory, call.name("domain"), enforced)?)
        }
        "releaseDomain" => {
            manage.release_domain(org_id, directory, call.name("domain"))?;
            done()
        }
        "trustOrganization" => ok(&manage.trust(org_id, directory, call.name("trustee"))?),
        "distrustOrganization" => {
            manage.distrust(org_id, directory, call.name("trustee"))?;
            done()
        }
        _ => unbuilt(call),
    }
}

#[derive(Deserialize)]
struct Quota {
    /// It must be there, and may be `null`.
    #[serde(deserialize_with = "stated")]
    quota: Option<u32>,
}

fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(deserializer)
}

fn products(call: &Call<'_>) -> Result<Answer, ManageError> {
    let (manage, org_id, product, profile) = (&call.manage, call.org_id(), call.name("product"), call.name("profile"));
    match call.endpoint.operation.id {
        "listProducts" => ok(&json!({"products": manage.products(org_id)?})),
        "createProduct" => created(&manage.create_product(org_id, &call.body()?)?),
        "getProduct" => ok(&manage.product(org_id, product)?),
        "updateProduct" => ok(&manage.set_product_quota(org_id, product, call.body::<Quota>()?.quota)?),
        "createProfile" => created(&manage.create_profile(org_id, product, &call.body()?)?),
        "getProfile" => ok(&manage.profile(org_id, profile)?),
        "updateProfile" => ok(&manage.set_profile_quota(org_id, profile, call.body::<Quota>()?.quota)?),
        _ => unbuilt(call),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadOnly {
    read_only: bool,
}

fn user_groups(call: &Call<'_>) -> Result<Answer, ManageError> {
    let (manage, org_id, group) = (&call.manage, call.org_id(), call.name("userGroup"));
    match call.endpoint.operation.id {
        "listUserGroups" => ok(&json!({"userGroups": manage.user_groups(org_id)?})),
        "createUserGroup" => created(&manage.create_user_group(org_id, &call.body()?)?),
        "getUserGroup" => ok(&manage.user_group(org_id, group)?),
        "updateUserGroup" => ok(&manage.set_read_only(org_id, group, call.body::<ReadOnly>()?.read_only)?),
        _ => unbuilt(call),
    }
}

#[derive(Deserialize)]
struct UserChange {
    status: Option<UserStatus>,
    presence: Option<Presence>,
}

fn users(call: &Call<'_>) -> Result<Answer, ManageError> {
    let (manage, org_id, user) = (&call.manage, call.org_id(), call.name("user"));
    let user_type = call.query::<String>("type").and_then(|name| serde_json::from_value::<UserType>(name.into()).ok());
    match call.endpoint.operation.id {
        "createUser" => created(&manage.create_user(org_id, &call.body()?)?),
        "getUser" => ok(&manage.user(org_id, user, user_type)?),
        "updateUser" => {
            let change: UserChange = call.body()?;
            ok(&manage.update_user(org_id, user, user_type, change.status, change.presence)?)
        }
        _ => unbuilt(call),
    }
}

#[derive(Deserialize)]
struct Key {
    pem: String,
}

fn integrations(call: &Call<'_>) -> Result<Answer, ManageError> {
    let (manage, client_id) = (&call.manage, call.name("clientId"));
    match call.endpoint.operation.id {
        "listIntegrations" => ok(&json!({"integrations": manage.integrations(call.org_id())?})),
        "createIntegration" => created(&manage.create_integration(call.org_id(), &call.body()?)?),
        "getIntegration" => ok(&manage.integration(client_id)?),
        "updateIntegration" => ok(&manage.update_integration(client_id, &call.body()?)?),
        "createSecret" => created(&json!({"secret": manage.create_secret(client_id)?})),
        "addKey" => ok(&manage.add_key(client_id, &call.body::<Key>()?.pem)?),
        "issueToken" => created(&json!({"accessToken": manage.issue_token(client_id)?})),
        "revokeTokens" => {
            manage.revoke_tokens(client_id)?;
            done()
        }
        _ => unbuilt(call),
    }
}

#[derive(Deserialize)]
struct SnapshotName {
    name: String,
}

fn snapshots(call: &Call<'_>) -> Result<Answer, ManageError> {
    let (manage, name) = (&call.manage, call.name("snapshot"));
    match call.endpoint.operation.id {
        "listSnapshots" => ok(&json!({"snapshots": manage.snapshots()})),
        "createSnapshot" => created(&manage.create_snapshot(&call.body::<SnapshotName>()?.name)?),
        "restoreSnapshot" => {
            manage.restore_snapshot(name)?;
            done()
        }
        "deleteSnapshot" => {
            manage.delete_snapshot(name)?;
            done()
        }
        _ => unbuilt(call),
    }
}
