//! What a stub is asked for.

use umapi_model::{LicenseStatus, Operation};
use umapi_plan::{Command, MembershipChange};

/// The user that is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserLookup {
    /// By email address.
    Email(String),
    /// By username in a domain.
    Username {
        /// The username.
        name: String,
        /// The domain.
        domain: String,
    },
    /// The Adobe ID with this email address.
    AdobeId(String),
}

impl UserLookup {
    /// The email address or the username.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Email(name) | Self::AdobeId(name) | Self::Username { name, .. } => name,
        }
    }

    /// The `domain` of the request.
    pub(crate) fn domain(&self) -> Option<&str> {
        match self {
            Self::Email(_) => None,
            Self::Username { domain, .. } => Some(domain),
            Self::AdobeId(_) => Some("AdobeID"),
        }
    }

    /// What the name is, for error messages.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Email(_) | Self::AdobeId(_) => "email address",
            Self::Username { .. } => "username",
        }
    }
}

/// Which users of the organization are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UsersQuery {
    /// Only the users of this domain.
    pub domain: Option<String>,
    /// Whether `groups` leaves out what a user has through a user group.
    pub direct_only: Option<bool>,
}

/// Which members of a group are listed.
///
/// ```
/// use umapi::{Client, Error, Page, model::User, stub::{ErrorBuilder, MembersQuery, Stub}};
///
/// /// Only the group "Design" has members.
/// struct Designers;
///
/// impl Stub for Designers {
///     async fn list_members(&self, query: MembersQuery, _page: u32) -> Result<Page<User>, Error> {
///         match query.group.as_str() {
///             "Design" => Ok(Page::new([User::default().with_email("ann@example.com")], true)),
///             _ => Err(ErrorBuilder::not_found("error.group.not_found").into()),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let users = Client::from_stub(Designers).users();
/// assert_eq!(users.in_group("Design").list().try_collect().await?.len(), 1);
/// assert!(users.in_group("Nix").list().try_collect().await.unwrap_err().is_not_found());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MembersQuery {
    /// The name of the group.
    pub group: String,
    /// Only the members of a product profile with, or without, a license.
    pub status: Option<LicenseStatus>,
    /// Whether `groups` leaves out what a user has through a user group.
    pub direct_only: Option<bool>,
    /// Whether `groups` is left out.
    pub exclude_groups: Option<bool>,
}

/// Commands to execute.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandBatch {
    /// The commands, in the caller's order. None of them breaks a rule.
    pub commands: Vec<Command>,
    /// Whether it is a dry run.
    pub test_only: bool,
}

impl CommandBatch {
    pub(crate) fn new(commands: Vec<Command>, test_only: bool) -> Self {
        Self { commands, test_only }
    }
}

/// Memberships to change.
///
/// ```
/// use umapi::{
///     Client, Error, MembershipOutcome, Page, StepError,
///     model::{ErrorCode, Group, GroupType},
///     stub::{MembershipBatch, Stub},
/// };
///
/// /// Has one group, and rejects changes of all others.
/// struct OneGroup;
///
/// impl Stub for OneGroup {
///     async fn list_groups(&self, _page: u32) -> Result<Page<Group>, Error> {
///         Ok(Page::new([Group::new("Design").with_type(GroupType::UserGroup)], true))
///     }
///
///     async fn change_memberships(
///         &self,
///         batch: MembershipBatch,
///     ) -> Result<Vec<MembershipOutcome>, Error> {
///         let outcomes = batch.changes.into_iter().map(|change| match change.group.name() {
///             "Design" => MembershipOutcome::completed(change),
///             _ => MembershipOutcome::rejected(change, StepError::new(ErrorCode::GroupNotFound)),
///         });
///         Ok(outcomes.collect())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let client = Client::from_stub(OneGroup);
/// let ann = "ann@example.com";
/// let report = client.memberships().add(ann, "Design").add(ann, "Nix").plan().await?.await?;
/// assert_eq!((report.counts().completed, report.rejected().count()), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MembershipBatch {
    /// The changes, in the caller's order.
    pub changes: Vec<MembershipChange>,
    /// Whether it is a dry run.
    pub test_only: bool,
}

impl MembershipBatch {
    pub(crate) fn new(changes: Vec<MembershipChange>, test_only: bool) -> Self {
        Self { changes, test_only }
    }
}

/// A request that has no method of its own in a [stub](super::Stub).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyRequest {
    /// The operation of the description.
    pub operation: Operation,
    /// The method, e.g. `GET`.
    pub method: String,
    /// The path, percent-encoded, e.g. `/1F@AdobeOrg/user-groups/7`.
    pub path: String,
    /// The query parameters, decoded.
    pub query: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
}

impl AnyRequest {
    pub(crate) fn of(operation: Operation, request: &reqwest::Request) -> Self {
        let url = request.url();
        Self {
            operation,
            method: request.method().to_string(),
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            body: request.body().and_then(reqwest::Body::as_bytes).map(<[u8]>::to_vec),
        }
    }
}
