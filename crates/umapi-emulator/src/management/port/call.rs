use std::str::FromStr;
use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::{Endpoint, PathParameters};
use crate::http::{Answer, Request};
use crate::management::{Manage, ManageError};
use crate::seed::Seed;
use crate::world::World;

/// A request that was let through, and what answers it.
pub(super) struct Call<'a> {
    pub(super) manage: Manage,
    pub(super) world: &'a Arc<World>,
    pub(super) endpoint: &'a Endpoint,
    pub(super) path: &'a PathParameters,
    pub(super) request: &'a Request,
}

impl Call<'_> {
    /// A parameter of the path.
    pub(super) fn name(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(super) fn org_id(&self) -> &str {
        self.name("orgId")
    }

    /// A parameter of the query; the description has seen to it that it can be read.
    pub(super) fn query<T: FromStr>(&self, name: &str) -> Option<T> {
        let (_, value) = self.request.query_pairs().find(|(key, _)| key == name)?;
        value.parse().ok()
    }

    /// The body. What the types know is told by them, since they name the field; the description knows the rest.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, ManageError> {
        self.endpoint.check_content_type(self.request)?;
        let invalid = |error: serde_json::Error| ManageError::invalid(format!("The body is invalid: {error}"));
        let body = serde_json::from_slice(&self.request.body).map_err(invalid)?;
        self.endpoint.check_body(self.request)?;
        Ok(body)
    }

    /// A seed, in JSON or in YAML.
    pub(super) fn seed(&self) -> Result<Seed, ManageError> {
        let content_type = self.request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !matches!(media_type, "application/yaml" | "application/x-yaml" | "text/yaml") {
            return self.body();
        }
        let text = std::str::from_utf8(&self.request.body);
        let text = text.map_err(|error| ManageError::invalid(format!("The body is no text: {error}")))?;
        Ok(Seed::from_yaml(text)?)
    }
}

pub(super) fn ok(value: &impl Serialize) -> Result<Answer, ManageError> {
    Ok(Answer::json(StatusCode::OK, value))
}

pub(super) fn created(value: &impl Serialize) -> Result<Answer, ManageError> {
    Ok(Answer::json(StatusCode::CREATED, value))
}

pub(super) fn done() -> Result<Answer, ManageError> {
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
