//! The records that results consist of. Their fields and columns are stable: see `umapi help formats`.

use serde::{Deserialize, Serialize};
use umapi::{
    CommandOutcome, Outcome,
    model::{Group, Product, User},
};

use super::{
    explain,
    record::{Cell, Column, Record, column, hidden_column},
};

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

/// A user group, a product profile or an administrative group.
#[derive(Debug, Serialize)]
pub(crate) struct GroupRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    name: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// Text, because the service also sends `UNLIMITED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    license_quota: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_read_only: Option<bool>,
}

impl From<Group> for GroupRecord {
    fn from(group: Group) -> Self {
        Self {
            id: group.group_id,
            name: group.group_name,
            kind: group.type_.map(|kind| kind.as_str().to_owned()),
            member_count: group.member_count,
            product: group.product_name,
            license_quota: group.license_quota.map(|quota| quota.to_string()),
            admin_group: group.admin_group_name,
            user_group: group.user_group_name,
            profile: group.product_profile_name,
            is_read_only: group.is_read_only,
        }
    }
}

impl Record for GroupRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            hidden_column("id", |group: &Self| (&group.id).into()),
            column("name", |group| (&group.name).into()),
            column("type", |group| (&group.kind).into()),
            column("member_count", |group| (&group.member_count).into()),
            column("product", |group| (&group.product).into()),
            column("license_quota", |group| quota_cell(&group.license_quota)),
            hidden_column("admin_group", |group| (&group.admin_group).into()),
            hidden_column("user_group", |group| (&group.user_group).into()),
            hidden_column("profile", |group| (&group.profile).into()),
            hidden_column("is_read_only", |group| {
                group.is_read_only.map_or("", |yes| if yes { "true" } else { "false" }).into()
            }),
        ]
    }
}

/// A quota, as a number where it is one.
fn quota_cell(quota: &Option<String>) -> Cell<'_> {
    let number = quota.as_ref().and_then(|quota| Some((quota, quota.parse::<i64>().ok()?)));
    match number {
        Some((quota, number)) if number.to_string() == *quota => Cell::Number(number),
        _ => quota.into(),
    }
}

/// A product of the organization.
#[derive(Debug, Serialize)]
pub(crate) struct ProductRecord {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_quota: Option<String>,
}

impl From<Product> for ProductRecord {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            code: product.code,
            name: product.name,
            user_count: product.user_count,
            profile_count: product.configuration_count,
            license_quota: product.license_quota.map(|quota| quota.to_string()),
        }
    }
}

impl Record for ProductRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("id", |product: &Self| (&product.id).into()),
            column("code", |product| (&product.code).into()),
            column("name", |product| (&product.name).into()),
            column("user_count", |product| (&product.user_count).into()),
            column("profile_count", |product| (&product.profile_count).into()),
            column("license_quota", |product| quota_cell(&product.license_quota)),
        ]
    }
}

/// How a command ended, as results say it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OutcomeStatus {
    Completed,
    Rejected,
    NotSent,
    Unknown,
    /// A user to be removed does not exist, so nothing was sent.
    NotFound,
}

impl OutcomeStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::NotSent => "not-sent",
            Self::Unknown => "unknown",
            Self::NotFound => "not-found",
        }
    }
}

/// The outcome of a command.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct OutcomeRecord {
    /// The number of the command in the input, from 1.
    pub(crate) number: u64,
    /// The line of the input file on which the command begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// The user or user group that the command changes.
    pub(crate) subject: String,
    pub(crate) outcome: OutcomeStatus,
    /// The service's codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) codes: Vec<String>,
    /// The reason in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The ids of the requests that contained the command, for Adobe's support.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) requests: Vec<String>,
    /// Warnings and notices of the service and the client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

impl OutcomeRecord {
    /// The record of a command that removes a user who does not exist.
    pub(crate) fn not_found(number: u64, line: Option<u64>, subject: String, message: String) -> Self {
        Self {
            number,
            line,
            subject,
            outcome: OutcomeStatus::NotFound,
            codes: Vec::new(),
            message: Some(message),
            requests: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn of(outcome: &CommandOutcome, number: u64, line: Option<u64>) -> Self {
        let (verdict, why) = match outcome.outcome() {
            Outcome::Completed => (OutcomeStatus::Completed, None),
            Outcome::Rejected { .. } => (OutcomeStatus::Rejected, None),
            Outcome::NotSent { why } => (OutcomeStatus::NotSent, Some(explain::not_sent(why))),
            Outcome::Unknown { why } => (OutcomeStatus::Unknown, Some(explain::unknown(why))),
            other => (OutcomeStatus::Unknown, Some(other.to_string())),
        };
        let messages: Vec<String> =
            why.into_iter().chain(outcome.errors().iter().map(explain::step_error_of_command)).collect();
        let warnings = explain::accepted_steps(outcome).into_iter();
        let warnings = warnings.chain(outcome.warnings().iter().map(explain::step_warning));
        Self {
            number,
            line,
            subject: outcome.root().to_owned(),
            outcome: verdict,
            codes: outcome.errors().iter().map(|error| error.code.as_str().to_owned()).collect(),
            message: (!messages.is_empty()).then(|| messages.join("; ")),
            requests: outcome.request_ids().map(str::to_owned).collect(),
            warnings: warnings.chain(outcome.notices().iter().map(explain::notice)).collect(),
        }
    }
}

impl Record for OutcomeRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("number", |record: &Self| (&record.number).into()),
            hidden_column("line", |record| (&record.line).into()),
            column("subject", |record| (&record.subject).into()),
            column("outcome", |record| record.outcome.as_str().into()),
            hidden_column("codes", |record| (&record.codes).into()),
            column("message", |record| (&record.message).into()),
            hidden_column("requests", |record| (&record.requests).into()),
            column("warnings", |record| (&record.warnings).into()),
        ]
    }
}
