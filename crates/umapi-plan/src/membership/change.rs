//! Changes of memberships, and their outcomes.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use umapi_model::{ExhaustiveGroupType, GroupType};

use super::plan::Memberships;
use crate::{
    account::{Account, ShownName},
    batch::{
        BatchOutcome, InvalidOutcome, NotSent, Outcome, OutcomeForm, Report, StepError, UnknownReason,
        report::sealed::Sealed,
    },
    job::is_false,
};

/// What to do with a membership.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipAction {
    /// Add the user to the group.
    Add,
    /// Remove the user from the group.
    Remove,
}

/// A group, as memberships refer to it. A string is a group of unknown kind, or an administrative group if it begins with
/// `_`.
///
/// The kind of a group decides from which side its memberships can be set. It comes from the caller, from a list, or from the name:
///
/// ```
/// use umapi_plan::{GroupKind, GroupRef, model::GroupType};
///
/// assert_eq!(GroupRef::profile("Photoshop").kind(), GroupKind::Profile);
/// assert_eq!(GroupRef::administrative("_admin_Design"), GroupRef::from("_admin_Design"));
/// let listed = GroupRef::of_type("Design", Some(&GroupType::UserGroup));
/// assert_eq!(listed, GroupRef::user_group("Design"));
/// assert_eq!(GroupRef::from("Design").kind(), GroupKind::Unknown);
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "GroupForm", from = "GroupForm")]
pub struct GroupRef {
    pub(super) name: Arc<str>,
    pub(super) kind: GroupKind,
}

/// A group in JSON.
#[derive(Deserialize, Serialize)]
struct GroupForm {
    name: String,
    #[serde(default)]
    kind: GroupKind,
}

impl From<GroupRef> for GroupForm {
    fn from(GroupRef { name, kind }: GroupRef) -> Self {
        Self { name: (*name).to_owned(), kind }
    }
}

impl From<GroupForm> for GroupRef {
    fn from(GroupForm { name, kind }: GroupForm) -> Self {
        Self { name: name.into(), kind }
    }
}

/// The kind of a group, as far as it matters to memberships: memberships of a user group can be set from the group, all
/// others only from each user.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupKind {
    /// Unknown. Its memberships are set from the users.
    #[default]
    Unknown,
    /// A user group.
    UserGroup,
    /// A product profile.
    Profile,
    /// An administrative group.
    Administrative,
}

impl GroupKind {
    /// The kind of a group of this type. Groups of a type that is missing or not known may be anything.
    pub fn of_type(group_type: Option<&GroupType>) -> Self {
        match group_type.map(GroupType::exhaustive) {
            Some(ExhaustiveGroupType::UserGroup) => Self::UserGroup,
            Some(ExhaustiveGroupType::ProductProfile) => Self::Profile,
            Some(
                ExhaustiveGroupType::SysadminGroup
                | ExhaustiveGroupType::DeploymentAdminGroup
                | ExhaustiveGroupType::SupportAdminGroup
                | ExhaustiveGroupType::ProductAdminGroup
                | ExhaustiveGroupType::ProfileAdminGroup
                | ExhaustiveGroupType::UserAdminGroup
                | ExhaustiveGroupType::DeveloperGroup,
            ) => Self::Administrative,
            None | Some(ExhaustiveGroupType::Other(_)) => Self::Unknown,
        }
    }
}

/// A change of one membership.
///
/// ```
/// use umapi_plan::{GroupRef, MembershipAction, MembershipChange};
///
/// let change = MembershipChange {
///     user: "ann@example.com".into(),
///     group: GroupRef::user_group("Design"),
///     action: MembershipAction::Add,
/// };
/// let json = serde_json::json!({
///     "user": { "name": "ann@example.com" },
///     "group": { "name": "Design", "kind": "user_group" },
///     "action": "add",
/// });
/// assert_eq!(serde_json::to_value(&change)?, json);
/// assert_eq!(serde_json::from_value::<MembershipChange>(json)?, change);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
pub struct MembershipChange {
    /// The user.
    pub user: Account,
    /// The group.
    pub group: GroupRef,
    /// Whether the user is added or removed.
    pub action: MembershipAction,
}

impl GroupRef {
    /// A user group.
    pub fn user_group(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().into(), kind: GroupKind::UserGroup }
    }

    /// A product profile.
    pub fn profile(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().into(), kind: GroupKind::Profile }
    }

    /// An administrative group, such as `_admin_Design`.
    pub fn administrative(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().into(), kind: GroupKind::Administrative }
    }

    /// A group of a list, by its type. If that is unknown, the name decides, as in `GroupRef::from(name)`.
    pub fn of_type(name: impl AsRef<str>, group_type: Option<&GroupType>) -> Self {
        match GroupKind::of_type(group_type) {
            GroupKind::Unknown => Self::from(name),
            kind => Self { name: name.as_ref().into(), kind },
        }
    }

    /// The name of the group.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of the group, as far as it is known.
    pub fn kind(&self) -> GroupKind {
        self.kind
    }
}

impl<T: AsRef<str>> From<T> for GroupRef {
    fn from(name: T) -> Self {
        let name = name.as_ref();
        let kind = if name.starts_with('_') { GroupKind::Administrative } else { GroupKind::Unknown };
        Self { name: name.into(), kind }
    }
}

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShownName(&self.name).fmt(f)
    }
}

impl fmt::Display for MembershipChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action {
            MembershipAction::Add => write!(f, "{} into {}", self.user, self.group),
            MembershipAction::Remove => write!(f, "{} out of {}", self.user, self.group),
        }
    }
}

/// The outcome of one change of a membership.
///
/// A client makes it; so can a test. It can be kept as JSON, with the fields of [`Outcome`]:
///
/// ```
/// use umapi_plan::{
///     MembershipAction, MembershipChange, MembershipOutcome, StepError, model::ErrorCode,
/// };
///
/// let change = MembershipChange {
///     user: "ann@example.com".into(),
///     group: "Nix".into(),
///     action: MembershipAction::Add,
/// };
/// let outcome = MembershipOutcome::rejected(change, StepError::new(ErrorCode::GroupNotFound));
/// let json = serde_json::json!({
///     "number": 0,
///     "user": { "name": "ann@example.com" },
///     "group": { "name": "Nix", "kind": "unknown" },
///     "action": "add",
///     "outcome": "rejected",
///     "errors": [{ "code": "error.group.not_found" }],
///     "requests": 0,
/// });
/// assert_eq!(serde_json::to_value(&outcome)?, json);
/// assert_eq!(serde_json::from_value::<MembershipOutcome>(json)?, outcome);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A membership that was as requested before counts as completed, and says so if the service did:
///
/// ```
/// use umapi_plan::{MembershipAction, MembershipChange, MembershipOutcome, MembershipReport};
///
/// let change = MembershipChange {
///     user: "ann@example.com".into(),
///     group: "Design".into(),
///     action: MembershipAction::Add,
/// };
/// let outcome = MembershipOutcome::so_already(change.clone()).with_number(4);
/// assert!(outcome.is_completed() && outcome.was_so_already());
/// assert_eq!(outcome.number(), 4);
///
/// let report = MembershipReport::new([outcome, MembershipOutcome::completed(change)]);
/// assert!(report.is_success());
/// assert_eq!(report.outcomes()[0].number(), 0, "a report numbers its outcomes");
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(into = "MembershipOutcomeForm", try_from = "MembershipOutcomeForm")]
pub struct MembershipOutcome {
    pub(super) number: usize,
    pub(super) change: MembershipChange,
    pub(super) outcome: Outcome,
    pub(super) was_so_already: bool,
    pub(super) requests: u32,
    pub(super) request_id: Option<Arc<str>>,
}

/// The outcomes of all changes of memberships of a run.
pub type MembershipReport = Report<MembershipOutcome>;

/// A [`MembershipOutcome`] in JSON.
#[derive(Deserialize, Serialize)]
struct MembershipOutcomeForm {
    number: usize,
    #[serde(flatten)]
    change: MembershipChange,
    #[serde(flatten)]
    outcome: OutcomeForm,
    #[serde(default, skip_serializing_if = "is_false")]
    was_so_already: bool,
    #[serde(default)]
    requests: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl From<MembershipOutcome> for MembershipOutcomeForm {
    fn from(outcome: MembershipOutcome) -> Self {
        let request_id = outcome.request_id().map(str::to_owned);
        let MembershipOutcome { number, change, outcome, was_so_already, requests, .. } = outcome;
        Self { number, change, outcome: outcome.into(), was_so_already, requests, request_id }
    }
}

impl TryFrom<MembershipOutcomeForm> for MembershipOutcome {
    type Error = InvalidOutcome;

    fn try_from(form: MembershipOutcomeForm) -> Result<Self, InvalidOutcome> {
        let MembershipOutcomeForm { number, change, outcome, was_so_already, requests, request_id } = form;
        let outcome = Outcome::try_from(outcome)?;
        if was_so_already && !matches!(outcome, Outcome::Completed) {
            return Err(InvalidOutcome::new("a membership was so already, and is not completed"));
        }
        Ok(Self { number, change, outcome, was_so_already, requests, request_id: request_id.map(Into::into) })
    }
}

impl MembershipOutcome {
    fn new(change: MembershipChange, outcome: Outcome, was_so_already: bool) -> Self {
        Self { number: 0, change, outcome, was_so_already, requests: 0, request_id: None }
    }

    /// The outcome of a change that was made.
    pub fn completed(change: MembershipChange) -> Self {
        Self::new(change, Outcome::Completed, false)
    }

    /// The outcome of a change of which the service said that nothing had to be changed.
    pub fn so_already(change: MembershipChange) -> Self {
        Self::new(change, Outcome::Completed, true)
    }

    /// The outcome of a change that was rejected.
    pub fn rejected(change: MembershipChange, error: StepError) -> Self {
        Self::new(change, error.into(), false)
    }

    /// The outcome of a change that was not sent, e.g. because of a [`CallFailure`](crate::CallFailure).
    pub fn not_sent(change: MembershipChange, why: impl Into<NotSent>) -> Self {
        Self::new(change, why.into().into(), false)
    }

    /// The outcome of a change that was sent, of which nobody knows what became.
    pub fn unknown(change: MembershipChange, why: impl Into<UnknownReason>) -> Self {
        Self::new(change, why.into().into(), false)
    }

    /// Sets the number of the change. A [report](Report) numbers its outcomes itself.
    #[must_use]
    pub fn with_number(mut self, number: usize) -> Self {
        self.number = number;
        self
    }

    /// Sets the number of requests that it was in, and the `X-Request-Id` of the last response about it.
    #[must_use]
    pub fn with_requests(mut self, requests: u32, id: Option<&str>) -> Self {
        self.requests = requests;
        self.request_id = id.map(Into::into);
        self
    }

    /// The number of the change, counted from 0 in the order given.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The change.
    pub fn change(&self) -> &MembershipChange {
        &self.change
    }

    /// Whether it can be the outcome of this change. It need not repeat the kind of the group.
    pub fn is_about(&self, change: &MembershipChange) -> bool {
        let MembershipChange { user, group, action } = &self.change;
        let is_of_kind = [change.group.kind(), GroupKind::Unknown].contains(&group.kind());
        (user, group.name(), action) == (&change.user, change.group.name(), &change.action) && is_of_kind
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether the membership is now as requested.
    pub fn is_completed(&self) -> bool {
        matches!(self.outcome, Outcome::Completed)
    }

    /// Whether the service said that nothing had to be changed. It does not always say so.
    pub fn was_so_already(&self) -> bool {
        self.was_so_already
    }

    /// Why it was rejected, if it was.
    pub fn error(&self) -> Option<&StepError> {
        match &self.outcome {
            Outcome::Rejected { errors } => errors.first(),
            _ => None,
        }
    }

    /// The number of requests that it was in, including repeated ones.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The `X-Request-Id` of the last response about it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// Its number counts from 1, as people do.
impl fmt::Display for MembershipOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "membership {}, {}: {}", self.number.saturating_add(1), self.change, self.outcome)
    }
}

impl BatchOutcome for MembershipOutcome {
    const SINGULAR: &'static str = "membership";
    const PLURAL: &'static str = "memberships";

    fn number(&self) -> usize {
        self.number
    }

    fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    fn may_have_been_applied(&self) -> bool {
        match self.outcome {
            Outcome::Completed => !self.was_so_already,
            _ => matches!(self.outcome, Outcome::Unknown { .. }),
        }
    }
}

impl Sealed for MembershipOutcome {
    fn set_number(&mut self, number: usize) {
        self.number = number;
    }
}

impl Report<MembershipOutcome> {
    /// The changes that were not sent, to be given again.
    pub fn into_unsent(self) -> Memberships {
        let unsent = |outcome: &MembershipOutcome| matches!(outcome.outcome, Outcome::NotSent { .. });
        self.into_outcomes().into_iter().filter(unsent).map(|outcome| outcome.change).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_type_is_administrative_only_by_its_name() {
        let kind =
            |name, group_type: Option<&str>| GroupRef::of_type(name, group_type.map(GroupType::from).as_ref()).kind();
        assert_eq!(kind("Design", None), GroupKind::Unknown);
        assert_eq!(kind("Design", Some("NEW_KIND_OF_GROUP")), GroupKind::Unknown);
        assert_eq!(kind("_admin_Design", None), GroupKind::Administrative);
        assert_eq!(kind("Design", Some("USER_GROUP")), GroupKind::UserGroup);
        assert_eq!(kind("Design", Some("PRODUCT_PROFILE")), GroupKind::Profile);
        assert_eq!(kind("Org admins", Some("SYSADMIN_GROUP")), GroupKind::Administrative);
    }
}
