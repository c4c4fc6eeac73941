//! A user.

use serde::Serialize;
use umapi::model::User;

use crate::output::{Column, Record, column, hidden_column};

/// A user of the organization.
#[derive(Debug, Serialize)]
pub(crate) struct UserRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firstname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lastname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
}

impl From<User> for UserRecord {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            username: user.username,
            domain: user.domain,
            firstname: user.firstname,
            lastname: user.lastname,
            country: user.country,
            status: user.status.map(|status| status.as_str().to_owned()),
            kind: user.type_.map(|kind| kind.as_str().to_owned()),
            groups: user.groups,
        }
    }
}

impl Record for UserRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            hidden_column("id", |user: &Self| (&user.id).into()),
            column("email", |user| (&user.email).into()),
            hidden_column("username", |user| (&user.username).into()),
            hidden_column("domain", |user| (&user.domain).into()),
            column("firstname", |user| (&user.firstname).into()),
            column("lastname", |user| (&user.lastname).into()),
            column("country", |user| (&user.country).into()),
            hidden_column("status", |user| (&user.status).into()),
            column("type", |user| (&user.kind).into()),
            column("groups", |user| (&user.groups).into()),
        ]
    }
}
