//! Changes of memberships to plan, and their plan.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use umapi_model::{ErrorCode, limits};

use super::{
    bounds::lower_bound,
    change::{GroupKind, GroupRef, MembershipAction, MembershipChange},
    choice::{self, Load},
    cover::{Bipartite, GROUPS, USERS},
    job::MembershipJob,
};
use crate::{
    account::{Account, AccountKey, FoldedName, is_email_type},
    command::{Violation, check_membership_group, check_membership_user},
};

/// Changes of memberships, in any number and order. They are a set: each may be sent before or after any other.
///
/// ```
/// use umapi_plan::{GroupRef, Memberships};
///
/// let mut memberships = Memberships::new();
/// for i in 0..10_000 {
///     let everybody = GroupRef::user_group("Everybody");
///     memberships = memberships.add(format!("user{i}@example.com"), everybody);
/// }
/// let plan = memberships.plan()?;
/// assert_eq!((plan.requests(), plan.lower_bound()), (10, 10));
/// # Ok::<(), umapi_plan::InvalidMembership>(())
/// ```
///
/// * A change given twice is sent once, and has an outcome for each time. A membership that is both added and removed is
///   rejected: a set has no order that could tell which is meant.
/// * Only the memberships of **user groups** can be set from the group, ten at a time in ten lists. Name the kind of each
///   group ([`GroupRef::user_group`]); the client looks up the kinds that are not given.
///
/// In JSON it is the list of the [changes](MembershipChange).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(into = "Vec<MembershipChange>", from = "Vec<MembershipChange>")]
pub struct Memberships {
    pub(super) users: Vec<Account>,
    pub(super) groups: Vec<GroupRef>,
    user_ids: HashMap<AccountKey, u32>,
    group_ids: HashMap<FoldedName, u32>,
    /// In the caller's order.
    pub(super) given: Vec<(u32, u32, MembershipAction)>,
    invalid: Option<InvalidMembership>,
}

/// A change of a membership that cannot be sent.
///
/// ```
/// use umapi_plan::Memberships;
///
/// let both = Memberships::new().add("ann@example.com", "Design").remove("ann@example.com", "Design");
/// let invalid = both.plan().unwrap_err();
/// println!("change {}: {}; {}", invalid.number() + 1, invalid.rule(), invalid.remedy());
/// assert_eq!((invalid.number(), invalid.change().group.name()), (1, "Design"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidMembership(Box<Details>);

#[derive(Clone, Debug, PartialEq)]
struct Details {
    number: usize,
    change: MembershipChange,
    violation: Violation,
}

/// A membership of a numbered user in a numbered group, and where it may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) action: MembershipAction,
    pub(super) sides: Sides,
}

/// The sides from which a membership may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sides {
    Either,
    UserOnly,
    GroupOnly,
}

impl Memberships {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user to a group.
    #[must_use]
    pub fn add(mut self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self {
        self.push(MembershipChange { user: user.into(), group: group.into(), action: MembershipAction::Add });
        self
    }

    /// Removes a user from a group.
    #[must_use]
    pub fn remove(mut self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self {
        self.push(MembershipChange { user: user.into(), group: group.into(), action: MembershipAction::Remove });
        self
    }

    /// Appends a change. Its number is the number of changes before it.
    pub fn push(&mut self, change: MembershipChange) {
        let number = self.given.len();
        if self.invalid.is_none()
            && let Err(violation) = check(&change)
        {
            self.invalid = Some(InvalidMembership::new(number, change.clone(), violation));
        }
        let action = change.action;
        let (user, group) = (self.user(change.user), self.group(change.group));
        self.given.push((user, group, action));
    }

    fn user(&mut self, user: Account) -> u32 {
        let next = self.users.len() as u32;
        match self.user_ids.entry(user.key().clone()) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                self.users.push(user);
                *entry.insert(next)
            }
        }
    }

    fn group(&mut self, group: GroupRef) -> u32 {
        let next = self.groups.len() as u32;
        match self.group_ids.entry(FoldedName::new(&group.name)) {
            Entry::Occupied(entry) => {
                let known = &mut self.groups[*entry.get() as usize];
                if known.kind == GroupKind::Unknown {
                    known.kind = group.kind;
                }
                *entry.get()
            }
            Entry::Vacant(entry) => {
                self.groups.push(group);
                *entry.insert(next)
            }
        }
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.given.len()
    }

    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// The changes, in the order given.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = MembershipChange> {
        self.given.iter().map(|(user, group, action)| self.change(*user, *group, *action))
    }

    pub(super) fn change(&self, user: u32, group: u32, action: MembershipAction) -> MembershipChange {
        MembershipChange { user: self.users[user as usize].clone(), group: self.groups[group as usize].clone(), action }
    }

    /// The names of the groups whose kind is unknown.
    pub fn unresolved(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter(|group| group.kind == GroupKind::Unknown).map(GroupRef::name)
    }

    /// Sets the kinds of groups whose kind is unknown. Memberships in groups that stay unknown are set from the users.
    ///
    /// ```
    /// use umapi_plan::{GroupKind, Memberships};
    ///
    /// let users = (0..100).map(|i| format!("user{i}@example.com"));
    /// let mut memberships = users.fold(Memberships::new(), |all, user| all.add(user, "Design"));
    /// assert_eq!(memberships.unresolved().collect::<Vec<_>>(), ["Design"]);
    /// memberships.resolve(|name| (name == "Design").then_some(GroupKind::UserGroup));
    /// let plan = memberships.plan()?;
    /// assert_eq!((plan.memberships(), plan.from_groups(), plan.commands()), (100, 100, 1));
    /// # Ok::<(), umapi_plan::InvalidMembership>(())
    /// ```
    pub fn resolve(&mut self, mut kind_of: impl FnMut(&str) -> Option<GroupKind>) {
        for group in self.groups.iter_mut().filter(|group| group.kind == GroupKind::Unknown) {
            group.kind = kind_of(&group.name).unwrap_or_default();
        }
    }

    /// Plans the fewest requests that set all of them.
    ///
    /// # Errors
    /// If a name breaks a rule, if a membership is both added and removed, or if it cannot be set from either side.
    pub fn plan(self) -> Result<MembershipPlan, InvalidMembership> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        let mut links: Vec<Link> = Vec::new();
        let mut known: HashMap<(u32, u32), u32> = HashMap::with_capacity(self.given.len());
        let mut link_of = Vec::with_capacity(self.given.len());
        for (number, (user, group, action)) in self.given.iter().enumerate() {
            let invalid = |violation| InvalidMembership::new(number, self.change(*user, *group, *action), violation);
            let next = links.len() as u32;
            let link = *known.entry((*user, *group)).or_insert(next);
            if link == next {
                let sides = sides(&self.users[*user as usize], &self.groups[*group as usize]).map_err(invalid)?;
                links.push(Link { user: *user, group: *group, action: *action, sides });
            } else if links[link as usize].action != *action {
                return Err(invalid(contradiction()));
            }
            link_of.push(link);
        }
        Ok(MembershipPlan::new(self, links, link_of))
    }
}

fn check(change: &MembershipChange) -> Result<(), Violation> {
    check_membership_user(change.user.name(), change.user.domain(), change.user.is_adobe_id())?;
    check_membership_group(&change.group.name)
}

/// A list holds names only: neither a domain nor the information that the Adobe ID is meant.
fn sides(user: &Account, group: &GroupRef) -> Result<Sides, Violation> {
    let user_cannot_be_root = user.domain().is_none() && !is_email_type(user.name());
    let user_cannot_be_listed = user.domain().is_some() || user.is_adobe_id();
    match (group.kind, user_cannot_be_root, user_cannot_be_listed) {
        (GroupKind::UserGroup, true, _) => Ok(Sides::GroupOnly),
        (GroupKind::UserGroup, false, false) => Ok(Sides::Either),
        (_, true, _) => Err(Violation::new(
            ErrorCode::CommandDomainMissing,
            "user",
            "a username needs its domain, unless the group is a user group",
            "give the domain, or an email address",
        )),
        _ => Ok(Sides::UserOnly),
    }
}

fn contradiction() -> Violation {
    let rule = "it is both added and removed, and the changes have no order";
    Violation::new(ErrorCode::CommandIllegalEntry, "membership", rule, "remove one of the two changes")
}

impl InvalidMembership {
    fn new(number: usize, change: MembershipChange, violation: Violation) -> Self {
        Self(Box::new(Details { number, change, violation }))
    }

    /// The number of the change, counted from 0.
    pub fn number(&self) -> usize {
        self.0.number
    }

    /// The change.
    pub fn change(&self) -> &MembershipChange {
        &self.0.change
    }

    /// The rule, and how it was violation.
    pub fn rule(&self) -> &str {
        &self.0.violation.rule
    }

    /// What to write instead.
    pub fn remedy(&self) -> &str {
        &self.0.violation.remedy
    }

    /// The code that the service has for this, or the nearest one.
    pub fn code(&self) -> &ErrorCode {
        &self.0.violation.code
    }
}

impl fmt::Display for InvalidMembership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { number, change, violation } = &*self.0;
        write!(
            f,
            "membership {}, {change}, {}: {}; {} ({})",
            number.saturating_add(1),
            violation.field,
            violation.rule,
            violation.remedy,
            violation.code
        )
    }
}

impl std::error::Error for InvalidMembership {}

/// Two sets are equal if they have the same changes in the same order.
impl PartialEq for Memberships {
    fn eq(&self, other: &Self) -> bool {
        // Everything else follows from these.
        (&self.users, &self.groups, &self.given) == (&other.users, &other.groups, &other.given)
    }
}

impl Extend<MembershipChange> for Memberships {
    fn extend<T: IntoIterator<Item = MembershipChange>>(&mut self, changes: T) {
        changes.into_iter().for_each(|change| self.push(change));
    }
}

impl From<Vec<MembershipChange>> for Memberships {
    fn from(changes: Vec<MembershipChange>) -> Self {
        changes.into_iter().collect()
    }
}

impl From<Memberships> for Vec<MembershipChange> {
    fn from(memberships: Memberships) -> Self {
        memberships.changes().collect()
    }
}

impl FromIterator<MembershipChange> for Memberships {
    fn from_iter<T: IntoIterator<Item = MembershipChange>>(changes: T) -> Self {
        let mut all = Self::new();
        all.extend(changes);
        all
    }
}

/// A plan: the side from which each membership is set, and the number of requests.
///
/// In JSON it is the changes, and what the plan needs. A plan that is read is made again of the changes.
///
/// ```
/// use umapi_plan::{GroupRef, MembershipPlan, Memberships};
///
/// let plan = Memberships::new().add("ann@example.com", GroupRef::user_group("Design")).plan()?;
/// let json = serde_json::json!({
///     "changes": [
///         {
///             "user": { "name": "ann@example.com" },
///             "group": { "name": "Design", "kind": "user_group" },
///             "action": "add",
///         },
///     ],
///     "memberships": 1,
///     "from_groups": 0,
///     "commands": 1,
///     "requests": 1,
///     "lower_bound": 1,
/// });
/// assert_eq!(serde_json::to_value(&plan)?, json);
/// assert_eq!(serde_json::from_value::<MembershipPlan>(json)?, plan);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "PlanForm")]
pub struct MembershipPlan {
    pub(super) memberships: Memberships,
    /// Each membership once.
    pub(super) links: Vec<Link>,
    /// The link of each change, by the number of the change.
    pub(super) link_of: Vec<u32>,
    /// The side of each link.
    pub(super) side: Vec<usize>,
    commands: usize,
    lower_bound: usize,
}

/// A plan that is read.
#[derive(Deserialize)]
struct PlanForm {
    changes: Memberships,
}

impl TryFrom<PlanForm> for MembershipPlan {
    type Error = InvalidMembership;

    fn try_from(form: PlanForm) -> Result<Self, InvalidMembership> {
        form.changes.plan()
    }
}

impl Serialize for MembershipPlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("MembershipPlan", 6)?;
        fields.serialize_field("changes", &self.memberships)?;
        fields.serialize_field("memberships", &self.memberships())?;
        fields.serialize_field("from_groups", &self.from_groups())?;
        fields.serialize_field("commands", &self.commands())?;
        fields.serialize_field("requests", &self.requests())?;
        fields.serialize_field("lower_bound", &self.lower_bound())?;
        fields.end()
    }
}

impl MembershipPlan {
    pub(super) fn new(memberships: Memberships, links: Vec<Link>, link_of: Vec<u32>) -> Self {
        let sizes = [memberships.users.len(), memberships.groups.len()];
        let graph = Bipartite::new(sizes, links.iter().map(|link| [link.user, link.group]).collect());
        let side = choice::choose(&graph, &links);
        let mut loads = [USERS, GROUPS].map(|side| vec![Load::default(); graph.size(side)]);
        for (link, side) in side.iter().enumerate() {
            loads[*side][graph.ends[link][*side] as usize].add(links[link].action);
        }
        let commands = loads.iter().flatten().map(|load| load.commands() as usize).sum();
        let lower_bound = lower_bound(&graph, &links).min(commands);
        Self { memberships, links, link_of, side, commands, lower_bound }
    }

    /// The number of memberships, each counted once.
    pub fn memberships(&self) -> usize {
        self.links.len()
    }

    /// The number of memberships that are set from the group.
    pub fn from_groups(&self) -> usize {
        self.side.iter().filter(|side| **side == GROUPS).count()
    }

    /// The number of commands, if nothing is rejected.
    pub fn commands(&self) -> usize {
        self.commands
    }

    /// The number of requests, if nothing is rejected and no request exceeds its limit of bytes.
    pub fn requests(&self) -> usize {
        self.commands.div_ceil(limits::COMMANDS_PER_REQUEST)
    }

    /// A lower bound on the number of requests, for any choice of sides.
    pub fn lower_bound(&self) -> usize {
        self.lower_bound.div_ceil(limits::COMMANDS_PER_REQUEST)
    }

    /// Whether no plan with fewer requests exists. `false` means that it is not proven.
    pub fn is_optimal(&self) -> bool {
        self.requests() == self.lower_bound()
    }

    #[cfg(test)]
    pub(super) fn command_bound(&self) -> usize {
        self.lower_bound
    }

    /// Turns the plan into a job that sends it. In test mode the service validates everything and changes nothing.
    pub fn into_job(self, test_mode: bool) -> MembershipJob {
        MembershipJob::new(self, test_mode)
    }
}

impl fmt::Display for MembershipPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (memberships, requests, bound) = (self.memberships(), self.requests(), self.lower_bound());
        write!(f, "{memberships} memberships by {} commands in {requests} requests", self.commands)?;
        if self.is_optimal() {
            f.write_str(", the fewest possible")
        } else {
            write!(f, ", at least {bound} are needed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_rejected_and_repetitions_are_not() {
        let once = Memberships::new().add("a@b.c", "g").add("A@B.c", "G");
        assert_eq!(once.clone().plan().unwrap().commands(), 1);
        let error = once.remove("a@b.c", "g").plan().unwrap_err();
        assert_eq!((error.number(), error.change().action), (2, MembershipAction::Remove));
        assert!(error.to_string().contains("a@b.c out of g"), "{error}");
    }

    #[test]
    fn impossible_names_are_rejected() {
        for (memberships, code) in [
            (Memberships::new().add("a b@c.d", "g"), "error.user.email.invalid"),
            (Memberships::new().add("a@b.c", ""), "error.group.invalid_list"),
            (Memberships::new().add("a@b.c", "_org_admin"), "error.command.illegal_entry"),
            (Memberships::new().add("jdoe", "Photoshop"), "error.command.domain.missing"),
            (
                Memberships::new().add(Account::username("a@b.c", "b.c"), "g"),
                "error.command.domain.must_be_used_with_nonemail_username",
            ),
        ] {
            assert_eq!(memberships.plan().unwrap_err().code().as_str(), code);
        }
    }

    #[test]
    fn the_side_is_forced_where_the_other_is_ambiguous() {
        let group = GroupRef::user_group("g");
        let on = |user: Account, group: &GroupRef| sides(&user, group);
        assert_eq!(on("a@b.c".into(), &group), Ok(Sides::Either));
        assert_eq!(on("jdoe".into(), &group), Ok(Sides::GroupOnly));
        assert_eq!(on(Account::username("jdoe", "b.c"), &group), Ok(Sides::UserOnly));
        assert_eq!(on(Account::adobe_id("a@b.c"), &group), Ok(Sides::UserOnly));
        for group in ["Photoshop".into(), GroupRef::profile("p"), "_admin_g".into()] {
            assert_eq!(on("a@b.c".into(), &group), Ok(Sides::UserOnly));
        }
    }
}
