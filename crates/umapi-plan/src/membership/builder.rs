//! What is given: memberships in any number and order.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use umapi_model::ErrorCode;

use super::change::{GroupKind, GroupRef, MembershipAction, MembershipChange};
use super::plan::MembershipPlan;
use crate::account::{Account, AccountKey, FoldedName, is_email_type};
use crate::command::{Violation, check_membership_group, check_membership_user};

/// Memberships to be set, in any number and order: a set, of which each may be sent before or after any other.
///
/// ```
/// use umapi_plan::{GroupRef, Memberships};
///
/// let mut memberships = Memberships::new();
/// for i in 0..10_000 {
///     memberships = memberships.add(format!("user{i}@example.com"), GroupRef::user_group("Everybody"));
/// }
/// let plan = memberships.plan()?;
/// assert_eq!((plan.requests(), plan.lower_bound()), (10, 10));
/// # Ok::<(), umapi_plan::InvalidMembership>(())
/// ```
///
/// * The same membership given twice counts once, and has an outcome for each time. To be added and to be removed, it is
///   refused: a set has no order that could say which is meant.
/// * Only the memberships of **user groups** can be set from the group, ten at a time in ten lists. Say which groups are
///   user groups ([`GroupRef::user_group`]); the client looks up those of which it is not said.
#[derive(Clone, Debug, Default)]
pub struct Memberships {
    pub(super) users: Vec<Account>,
    pub(super) groups: Vec<GroupRef>,
    user_ids: HashMap<AccountKey, u32>,
    group_ids: HashMap<FoldedName, u32>,
    /// In the caller's order.
    pub(super) given: Vec<(u32, u32, MembershipAction)>,
    invalid: Option<InvalidMembership>,
}

/// A membership that cannot be set.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidMembership(Box<Details>);

#[derive(Clone, Debug, PartialEq)]
struct Details {
    number: usize,
    edge: MembershipChange,
    violation: Violation,
}

/// A membership between two numbers, and where it may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) action: MembershipAction,
    pub(super) sides: Sides,
}

/// Where a membership may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sides {
    Either,
    UserOnly,
    GroupOnly,
}

impl Memberships {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has a user join a group.
    #[must_use]
    pub fn add(mut self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self {
        self.push(MembershipChange { user: user.into(), group: group.into(), action: MembershipAction::Add });
        self
    }

    /// Has a user leave a group.
    #[must_use]
    pub fn remove(mut self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self {
        self.push(MembershipChange { user: user.into(), group: group.into(), action: MembershipAction::Remove });
        self
    }

    /// Takes one more. Its number is how many there were before.
    pub fn push(&mut self, edge: MembershipChange) {
        let number = self.given.len();
        if self.invalid.is_none()
            && let Err(violation) = check(&edge)
        {
            self.invalid = Some(InvalidMembership::new(number, edge.clone(), violation));
        }
        let action = edge.action;
        let (user, group) = (self.user(edge.user), self.group(edge.group));
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

    /// How many were given.
    pub fn len(&self) -> usize {
        self.given.len()
    }

    /// Whether none were given.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// What was given, in its order.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = MembershipChange> {
        self.given.iter().map(|(user, group, action)| self.edge(*user, *group, *action))
    }

    pub(super) fn edge(&self, user: u32, group: u32, action: MembershipAction) -> MembershipChange {
        MembershipChange { user: self.users[user as usize].clone(), group: self.groups[group as usize].clone(), action }
    }

    /// The names of the groups whose kind is not known.
    pub fn unresolved(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter(|group| group.kind == GroupKind::Unknown).map(GroupRef::name)
    }

    /// Tells the kinds of groups that are not known. What stays unknown is set from the users.
    pub fn resolve(&mut self, mut kind_of: impl FnMut(&str) -> Option<GroupKind>) {
        for group in self.groups.iter_mut().filter(|group| group.kind == GroupKind::Unknown) {
            group.kind = kind_of(&group.name).unwrap_or_default();
        }
    }

    /// Finds the fewest requests that set all of them.
    ///
    /// # Errors
    /// If a name cannot be one, if a membership is to be added and removed, or if it cannot be set from either side.
    pub fn plan(self) -> Result<MembershipPlan, InvalidMembership> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        let mut links: Vec<Link> = Vec::new();
        let mut known: HashMap<(u32, u32), u32> = HashMap::with_capacity(self.given.len());
        let mut link_of = Vec::with_capacity(self.given.len());
        for (number, (user, group, action)) in self.given.iter().enumerate() {
            let invalid = |violation| InvalidMembership::new(number, self.edge(*user, *group, *action), violation);
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

fn check(edge: &MembershipChange) -> Result<(), Violation> {
    check_membership_user(edge.user.name(), edge.user.domain(), edge.user.is_adobe_id())?;
    check_membership_group(&edge.group.name)
}

/// The side of a list holds names alone: no domain, no word that it is the Adobe ID.
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
            "use Account::username with the domain, or an email address",
        )),
        _ => Ok(Sides::UserOnly),
    }
}

fn contradiction() -> Violation {
    let rule = "it is to be added and to be removed, and a set of memberships has no order";
    Violation::new(ErrorCode::CommandIllegalEntry, "membership", rule, "take one of the two out")
}

impl InvalidMembership {
    fn new(number: usize, edge: MembershipChange, violation: Violation) -> Self {
        Self(Box::new(Details { number, edge, violation }))
    }

    /// Which membership it is, counted from 0.
    pub fn number(&self) -> usize {
        self.0.number
    }

    /// The membership.
    pub fn edge(&self) -> &MembershipChange {
        &self.0.edge
    }

    /// The rule, and how it was violation.
    pub fn rule(&self) -> &str {
        &self.0.violation.rule
    }

    /// What to write instead.
    pub fn remedy(&self) -> &str {
        &self.0.violation.remedy
    }

    /// The code that the service has for this, or the nearest to it.
    pub fn code(&self) -> &ErrorCode {
        &self.0.violation.code
    }
}

impl fmt::Display for InvalidMembership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { number, edge, violation } = &*self.0;
        write!(
            f,
            "membership {number}, {edge}, {}: {}; {} ({})",
            violation.field, violation.rule, violation.remedy, violation.code
        )
    }
}

impl std::error::Error for InvalidMembership {}

impl Extend<MembershipChange> for Memberships {
    fn extend<T: IntoIterator<Item = MembershipChange>>(&mut self, edges: T) {
        edges.into_iter().for_each(|edge| self.push(edge));
    }
}

impl FromIterator<MembershipChange> for Memberships {
    fn from_iter<T: IntoIterator<Item = MembershipChange>>(edges: T) -> Self {
        let mut all = Self::new();
        all.extend(edges);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contradiction_is_refused_and_a_repetition_is_not() {
        let once = Memberships::new().add("a@b.c", "g").add("A@B.c", "G");
        assert_eq!(once.clone().plan().unwrap().commands(), 1);
        let error = once.remove("a@b.c", "g").plan().unwrap_err();
        assert_eq!((error.number(), error.edge().action), (2, MembershipAction::Remove));
        assert!(error.to_string().contains("a@b.c out of g"), "{error}");
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
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
    fn the_side_is_forced_where_a_list_or_a_root_cannot_say_who_is_meant() {
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
