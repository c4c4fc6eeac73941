//! What an error means after a request whose response was lost.
//!
//! The request was sent again, and nobody knows whether the first one was applied. An error that could be its effect is no
//! proof: what was asked for may have existed before. So the user or the group is read, and compared with what was asked:
//!
//! | the step | is rejected with | then these are read |
//! | --- | --- | --- |
//! | creates a user, without an option | exists already, is invited already | the user: type, address, names and country must be as asked |
//! | creates a user group, without an option | exists already | the group: it must be a user group |
//! | adds users to a group | all of them are members already | the users: all must be members |
//! | removes users from a group | the membership is as it was | the users: none must be a member |
//! | removes the user, deletes the group | does not exist | the user or the group: it must not exist |
//! | anything else in a command that removes, deletes or renames | does not exist | nothing: the first request may have done this step, and then the other. The outcome is unknown |
//! | anything | anything else | nothing: the first request had the same error. The step is rejected |
//!
//! If what is read is as asked, the step is done; if it is not, the step is rejected; if it cannot be told, the outcome is
//! unknown.

use umapi_model::{
    self as model, ErrorCode, ExhaustiveUserGroupStep as OnGroup, ExhaustiveUserStep as OnUser, Group, GroupType,
    NameKind, StepPosition, User, UserGroupMembers, UserGroupRemoval, UserGroupStep, UserStep,
};

use crate::{
    account::{Account, AccountKind, FoldedName, is_email_type},
    command::{Step, root_of},
    job::{Finding, Lookup},
};

/// What the error of a repeated step means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    /// It cannot be told before this is verified.
    Verify(Expectation),
    /// It cannot be told.
    Unknown,
    /// The step is rejected.
    Rejected,
}

/// What must hold if the lost request did the step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expectation {
    /// The user exists, with these fields.
    UserExists { account: Account, new: Box<NewUserFields> },
    /// The user does not exist.
    UserIsGone(Account),
    /// The user group exists.
    GroupExists(String),
    /// The group does not exist.
    GroupIsGone(String),
    /// These users are members of the group, or are not.
    Members { users: Vec<Account>, group: String, expected: bool },
}

/// The fields of a new user that can be read back. Those of an Adobe ID belong to the person, and are not compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewUserFields {
    kind: AccountKind,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    country: Option<String>,
}

/// What a verification shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// What was asked for is so.
    Done,
    /// It is not so.
    NotDone,
    /// It cannot be told.
    CannotTell,
}

/// Returns what the error of `step` means. It is one of the `steps` of a command that had been sent before.
pub(crate) fn meaning<'a>(
    head: &model::Command,
    mut steps: impl Iterator<Item = &'a Step>,
    step: &Step,
    code: &ErrorCode,
) -> Meaning {
    let is_gone = matches!(
        code,
        ErrorCode::UserNotFound
            | ErrorCode::UserNotInOrg
            | ErrorCode::UserNonexistent
            | ErrorCode::UsergroupNotFound
            | ErrorCode::GroupNotFound
    );
    let position = step.position();
    let verify = |expectation: Option<Expectation>| expectation.map_or(Meaning::Unknown, Meaning::Verify);
    match (code, step) {
        (ErrorCode::UserAlreadyInOrg | ErrorCode::UserAlreadyInvited, Step::User(step))
            if position == StepPosition::First =>
        {
            verify(new_user(head, step))
        }
        (ErrorCode::UsergroupAlreadyExists, Step::Group(UserGroupStep::CreateUserGroup(new))) => {
            let has_description = new.description.as_ref().is_some_and(|description| !description.is_empty());
            let name = new.name.as_deref().unwrap_or_else(|| root_of(head));
            // A description cannot be read back.
            verify((!has_description).then(|| Expectation::GroupExists(name.to_owned())))
        }
        (ErrorCode::UserAlreadyExists, Step::Group(UserGroupStep::Add(lists))) => verify(members(head, lists, true)),
        (ErrorCode::UsergroupUserListInvalid, Step::Group(UserGroupStep::Remove(UserGroupRemoval::These(lists)))) => {
            verify(members(head, lists, false))
        }
        (_, Step::User(_)) if is_gone && position == StepPosition::Last => {
            verify(account_of(head).map(Expectation::UserIsGone))
        }
        (_, Step::Group(_)) if is_gone && position == StepPosition::Last => {
            verify(Some(Expectation::GroupIsGone(root_of(head).to_owned())))
        }
        _ if is_gone && steps.any(takes_the_root_away) => Meaning::Unknown,
        _ => Meaning::Rejected,
    }
}

/// Whether the root of the command does not exist any more after this step.
fn takes_the_root_away(step: &Step) -> bool {
    match step {
        Step::User(step) => match step.exhaustive() {
            OnUser::Update(fields) => fields.email.is_some() || fields.username.is_some(),
            OnUser::RemoveFromOrg(_) | OnUser::RemoveFromDomain(_) => true,
            OnUser::AddAdobeId(_)
            | OnUser::CreateEnterpriseId(_)
            | OnUser::CreateFederatedId(_)
            | OnUser::Add(_)
            | OnUser::Remove(_)
            | OnUser::AddRoles(_)
            | OnUser::RemoveRoles(_)
            | OnUser::ResetPassword(_) => false,
        },
        Step::Group(step) => match step.exhaustive() {
            OnGroup::UpdateUserGroup(fields) => fields.name.is_some(),
            OnGroup::DeleteUserGroup(_) => true,
            OnGroup::CreateUserGroup(_) | OnGroup::Add(_) | OnGroup::Remove(_) => false,
        },
    }
}

/// The account of a command on a user.
fn account_of(head: &model::Command) -> Option<Account> {
    let model::Command::User(command) = head else { return None };
    Some(match &command.domain {
        _ if command.use_adobe_id == Some(true) => Account::adobe_id(&command.user),
        Some(domain) if !is_email_type(&command.user) => Account::username(&command.user, domain),
        _ => Account::email(&command.user),
    })
}

fn new_user(head: &model::Command, step: &UserStep) -> Option<Expectation> {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let new = match step.exhaustive() {
        OnUser::AddAdobeId(new) => NewUserFields {
            kind: AccountKind::AdobeId,
            email: new.email.clone(),
            first_name: None,
            last_name: None,
            country: None,
        },
        OnUser::CreateEnterpriseId(new) => NewUserFields {
            kind: AccountKind::EnterpriseId,
            email: new.email.clone(),
            first_name: text(&new.firstname),
            last_name: text(&new.lastname),
            country: new.country.as_ref().and_then(text),
        },
        OnUser::CreateFederatedId(new) => NewUserFields {
            kind: AccountKind::FederatedId,
            email: new.email.clone(),
            first_name: text(&new.firstname),
            last_name: text(&new.lastname),
            country: text(&new.country),
        },
        OnUser::Update(_)
        | OnUser::Add(_)
        | OnUser::Remove(_)
        | OnUser::AddRoles(_)
        | OnUser::RemoveRoles(_)
        | OnUser::RemoveFromOrg(_)
        | OnUser::RemoveFromDomain(_)
        | OnUser::ResetPassword(_) => return None,
    };
    let account = match new.kind {
        AccountKind::AdobeId => Account::adobe_id(&new.email),
        _ => account_of(head)?,
    };
    Some(Expectation::UserExists { account, new: Box::new(new) })
}

/// The memberships of a list of users. `None` if the list has something else, or users whose domain is not known.
fn members(head: &model::Command, lists: &UserGroupMembers, expected: bool) -> Option<Expectation> {
    let mut users = Vec::new();
    for (_, kind, names) in lists.name_lists() {
        match kind {
            NameKind::User => users.extend(names.iter().map(Account::email)),
            NameKind::Group | NameKind::Profile | NameKind::Product if names.is_empty() => {}
            NameKind::Group | NameKind::Profile | NameKind::Product => return None,
        }
    }
    let can_be_read = users.iter().all(|user: &Account| is_email_type(user.name()));
    can_be_read.then(|| Expectation::Members { users, group: root_of(head).to_owned(), expected })
}

impl Expectation {
    /// What must be read to verify it.
    pub(crate) fn lookups(&self) -> Vec<Lookup> {
        match self {
            Self::UserExists { account, .. } | Self::UserIsGone(account) => vec![Lookup::User(account.clone())],
            Self::GroupExists(name) | Self::GroupIsGone(name) => vec![Lookup::Group(name.clone())],
            Self::Members { users, .. } => users.iter().cloned().map(Lookup::User).collect(),
        }
    }

    /// Compares what was found, in the order of the lookups.
    pub(crate) fn verify(&self, findings: &[Finding]) -> Verified {
        match (self, findings) {
            (Self::UserExists { new, .. }, [Finding::User(Some(user))]) => new.verify(user),
            (Self::UserIsGone(_), [Finding::User(user)]) if user.is_none() => Verified::Done,
            (Self::GroupExists(_), [Finding::Group(Some(group))]) => verify_user_group(group),
            (Self::GroupIsGone(_), [Finding::Group(group)]) if group.is_none() => Verified::Done,
            (Self::Members { users, group, expected }, findings) if findings.len() == users.len() => {
                verify_members(group, *expected, findings)
            }
            // It exists, and is said not to; or it does not, and is said to.
            _ => Verified::CannotTell,
        }
    }
}

impl NewUserFields {
    fn verify(&self, user: &User) -> Verified {
        let kind = user.type_.as_ref().and_then(AccountKind::of);
        let email = user.email.as_deref().unwrap_or_default();
        if kind.is_some_and(|kind| kind != self.kind) || !FoldedName::is_same_user(email, &self.email) {
            return Verified::NotDone;
        }
        let fields = [
            (&self.first_name, &user.firstname),
            (&self.last_name, &user.lastname),
            // `UD` is the country of a user who has none.
            (&self.country, &user.country.clone().filter(|country| country != "UD")),
        ];
        let mut verified = if kind.is_some() { Verified::Done } else { Verified::CannotTell };
        for (asked, found) in fields {
            match (asked, found) {
                (Some(asked), Some(found)) if asked != found => return Verified::NotDone,
                (Some(_), None) => verified = Verified::CannotTell,
                _ => {}
            }
        }
        verified
    }
}

fn verify_user_group(group: &Group) -> Verified {
    match &group.type_ {
        Some(GroupType::UserGroup) => Verified::Done,
        Some(_) => Verified::NotDone,
        None => Verified::CannotTell,
    }
}

fn verify_members(group: &str, expected: bool, findings: &[Finding]) -> Verified {
    let group = FoldedName::new(group);
    let is_member = |user: &User| user.groups.iter().flatten().any(|name| FoldedName::new(name) == group);
    let mut verified = Verified::Done;
    for finding in findings {
        match finding {
            Finding::User(Some(user)) if is_member(user) == expected => {}
            // Nobody is a member whom the organization does not have.
            Finding::User(None) if !expected => {}
            Finding::User(_) => return Verified::NotDone,
            _ => verified = Verified::CannotTell,
        }
    }
    verified
}

#[cfg(test)]
mod tests {
    use umapi_model::UserType;

    use super::*;
    use crate::command::{Command, NewGroup, NewUser, take_steps};

    fn means(command: Command, step: usize, code: ErrorCode) -> Meaning {
        let mut head = command.to_raw();
        let steps = take_steps(&mut head);
        meaning(&head, steps.iter(), &steps[step], &code)
    }

    #[test]
    fn every_row_of_the_table() {
        let user = || Command::user("a@b.c");
        let group = || Command::group("g");
        let federated = NewUser::federated("a@b.c", "A", "B", "US");
        let adobe = NewUser::adobe_id("a@b.c");
        let rows: [(Command, usize, ErrorCode, &str); 13] = [
            (federated.into(), 0, ErrorCode::UserAlreadyInOrg, "UserExists"),
            (adobe.clone().into(), 0, ErrorCode::UserAlreadyInvited, "UserExists"),
            (adobe.into(), 0, ErrorCode::UserDomainEnforcement, "Rejected"),
            (NewGroup::new("g").into(), 0, ErrorCode::UsergroupAlreadyExists, "GroupExists"),
            (NewGroup::new("g").description("d").into(), 0, ErrorCode::UsergroupAlreadyExists, "Unknown"),
            (group().add_users(["a@b.c"]).into(), 0, ErrorCode::UserAlreadyExists, "Members"),
            (group().add_users(["jdoe"]).into(), 0, ErrorCode::UserAlreadyExists, "Unknown"),
            (group().remove_users(["a@b.c"]).into(), 0, ErrorCode::UsergroupUserListInvalid, "Members"),
            (group().add_users(["a@b.c"]).into(), 0, ErrorCode::UsergroupUserListInvalid, "Rejected"),
            (group().delete(), 0, ErrorCode::UsergroupNotFound, "GroupIsGone"),
            (user().remove_from_org_and_delete_account(), 0, ErrorCode::UserNonexistent, "UserIsGone"),
            (user().remove_all().remove_from_org(), 0, ErrorCode::UserNotInOrg, "Unknown"),
            (user().remove_all().add_to(["x"]).into(), 0, ErrorCode::UserNotInOrg, "Rejected"),
        ];
        for (command, step, code, expected) in rows {
            let meaning = format!("{:?}", means(command.clone(), step, code));
            assert!(meaning.trim_start_matches("Verify(").starts_with(expected), "{command:?}: {meaning}");
        }
    }

    fn created(new: NewUser) -> Expectation {
        match means(new.into(), 0, ErrorCode::UserAlreadyInOrg) {
            Meaning::Verify(expectation) => expectation,
            other => panic!("{other:?}"),
        }
    }

    fn ann() -> User {
        let user = User::default().with_email("ann@b.c").with_username("ann@b.c").with_type(UserType::FederatedId);
        user.with_firstname("Ann").with_lastname("Kim").with_country("US").with_groups(["Design"])
    }

    #[test]
    fn a_created_user_is_as_asked() {
        let without = |remove: fn(&mut User)| {
            let mut user = ann();
            remove(&mut user);
            user
        };
        let expectation = created(NewUser::federated("Ann@b.c", "Ann", "Kim", "US"));
        assert_eq!(expectation.lookups(), [Lookup::User(Account::email("ann@b.c"))]);
        for (user, verified) in [
            (Some(ann()), Verified::Done),
            (Some(ann().with_firstname("Anna")), Verified::NotDone),
            (Some(ann().with_country("DE")), Verified::NotDone),
            (Some(ann().with_type(UserType::EnterpriseId)), Verified::NotDone),
            (Some(ann().with_email("other@b.c")), Verified::NotDone),
            (Some(without(|user| user.firstname = None)), Verified::CannotTell),
            (Some(without(|user| user.type_ = None)), Verified::CannotTell),
            (None, Verified::CannotTell),
        ] {
            assert_eq!(expectation.verify(&[Finding::User(user.clone().map(Box::new))]), verified, "{user:?}");
        }
        let failed = Finding::Failed(crate::job::CallFailure::new("no network"));
        assert_eq!(expectation.verify(&[failed]), Verified::CannotTell);
    }

    #[test]
    fn names_of_adobe_ids_belong_to_the_person() {
        let expectation = created(NewUser::adobe_id("ann@b.c").names("A", "B"));
        assert_eq!(expectation.lookups(), [Lookup::User(Account::adobe_id("ann@b.c"))]);
        let adobe = ann().with_type(UserType::AdobeId);
        assert_eq!(expectation.verify(&[Finding::User(Some(Box::new(adobe)))]), Verified::Done);
    }

    #[test]
    fn memberships_and_groups_are_as_asked() {
        let members = |expected| Expectation::Members {
            users: vec![Account::email("ann@b.c"), Account::email("bob@b.c")],
            group: "DESIGN".to_owned(),
            expected,
        };
        let (member, other) = (|| Finding::User(Some(Box::new(ann()))), || Finding::User(None));
        assert_eq!(members(true).verify(&[member(), member()]), Verified::Done);
        assert_eq!(members(true).verify(&[member(), other()]), Verified::NotDone);
        assert_eq!(members(false).verify(&[other(), other()]), Verified::Done);
        assert_eq!(members(false).verify(&[member(), other()]), Verified::NotDone);
        assert_eq!(members(true).verify(&[member()]), Verified::CannotTell);
        let group = |kind| Finding::Group(Some(Box::new(Group::new("g").with_type(kind))));
        assert_eq!(Expectation::GroupExists("g".into()).verify(&[group(GroupType::UserGroup)]), Verified::Done);
        assert_eq!(Expectation::GroupExists("g".into()).verify(&[group(GroupType::ProductProfile)]), Verified::NotDone);
        assert_eq!(Expectation::GroupIsGone("g".into()).verify(&[Finding::Group(None)]), Verified::Done);
        assert_eq!(Expectation::UserIsGone(Account::email("a@b.c")).verify(&[member()]), Verified::CannotTell);
    }
}
