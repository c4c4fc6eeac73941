//! The rules of a command that can be checked without the service. Each has the code with which the service rejects it.

mod fields;

use std::collections::HashSet;

use umapi_model::{
    Bound, CreateOption, ErrorCode, ExhaustiveUserGroupRemoval, ExhaustiveUserGroupStep as OnGroup,
    ExhaustiveUserRemoval, ExhaustiveUserStep as OnUser, NameKind, OutOfBounds, RoleLists, StepPosition, UserCommand,
    UserGroupCommand, UserGroupMembers, UserGroupStep, UserMemberships, UserStep, UserUpdate, limits,
};

use super::violation::{InvalidCommand, Violation};
use crate::account::{FoldedName, is_email_type};

/// Checks a command on a user. Its lists and steps may be longer than a request allows: they are split later.
pub(super) fn check_user_command(command: &UserCommand) -> Result<(), InvalidCommand> {
    check_user_root(command).map_err(|violation| violation.in_command(&command.user))?;
    let steps = command.do_.iter().map(|step| (step.position(), step.name()));
    check_order(&command.user, steps, ErrorCode::CommandRemovefromorgNotLast)?;
    for (index, step) in command.do_.iter().enumerate() {
        check_user_step(command, step)
            .and_then(|()| step.check_bounds().map_err(out_of_bounds))
            .map_err(|violation| violation.in_step(&command.user, index, step.name()))?;
    }
    Ok(())
}

/// Checks a command on a user group. Its lists and steps may be longer than a request allows: they are split later.
pub(super) fn check_group_command(command: &UserGroupCommand) -> Result<(), InvalidCommand> {
    check_group_root(command).map_err(|violation| violation.in_command(&command.usergroup))?;
    let steps = command.do_.iter().map(|step| (step.position(), step.name()));
    // The service ignores what follows a deletion, so it has no code for it.
    check_order(&command.usergroup, steps, ErrorCode::CommandIllegalEntry)?;
    for (index, step) in command.do_.iter().enumerate() {
        check_group_step(command, step)
            .and_then(|()| step.check_bounds().map_err(out_of_bounds))
            .map_err(|violation| violation.in_step(&command.usergroup, index, step.name()))?;
    }
    Ok(())
}

pub(super) fn no_root() -> Violation {
    Violation::new(
        ErrorCode::CommandUserUsergroupMissing,
        "user",
        "a command is about a user or a user group",
        "name one of them",
    )
}

fn check_user_root(command: &UserCommand) -> Result<(), Violation> {
    check_request_id(command.request_id.as_deref())?;
    check_membership_user(&command.user, command.domain.as_deref(), ignores_domain(command))?;
    if command.domain.is_none() && !is_email_type(&command.user) {
        return Err(Violation::new(
            ErrorCode::CommandDomainMissing,
            "domain",
            format!("it must be given, because the user is not an email address: {}", command.user),
            "give the domain, or name the user by email address",
        ));
    }
    command.check_bounds().map_err(out_of_bounds)
}

/// The violation of a bound that the description states, for fields without a rule of their own.
fn out_of_bounds(error: OutOfBounds) -> Violation {
    let (code, remedy) = match error.bound() {
        Bound::MaxLength(_) => (ErrorCode::CommandStringTooLong, "shorten it"),
        Bound::MinLength(_) | Bound::MinItems(_) | Bound::MinProperties(_) => {
            (ErrorCode::CommandIllegalEntry, "add what is missing, or leave it out")
        }
        _ => (ErrorCode::CommandIllegalEntry, "correct the value"),
    };
    Violation::new(code, error.field(), error.rule(), remedy)
}

/// `domain` is ignored for Adobe IDs and Enterprise IDs. The type of an existing user is known to the service alone.
fn ignores_domain(command: &UserCommand) -> bool {
    command.use_adobe_id == Some(true)
        || command.do_.first().is_some_and(|step| match step.exhaustive() {
            OnUser::AddAdobeId(_) | OnUser::CreateEnterpriseId(_) => true,
            OnUser::CreateFederatedId(_)
            | OnUser::Update(_)
            | OnUser::Add(_)
            | OnUser::Remove(_)
            | OnUser::AddRoles(_)
            | OnUser::RemoveRoles(_)
            | OnUser::RemoveFromOrg(_)
            | OnUser::RemoveFromDomain(_)
            | OnUser::ResetPassword(_) => false,
        })
}

fn check_domain(domain: &str) -> Result<(), Violation> {
    fields::length("domain", domain, limits::IDENTIFIER_LENGTH)?;
    fields::visible("domain", domain, ErrorCode::CommandDomainMissing)?;
    if domain.is_empty() || domain.contains(|c: char| c.is_whitespace() || c == '@') {
        let rule = format!("it must be the name of a domain: {domain:?}");
        let remedy = "write a domain such as example.com";
        return Err(Violation::new(ErrorCode::CommandDomainMissing, "domain", rule, remedy));
    }
    Ok(())
}

fn check_group_root(command: &UserGroupCommand) -> Result<(), Violation> {
    check_request_id(command.request_id.as_deref())?;
    if command.usergroup.is_empty() {
        return Err(Violation::new(
            ErrorCode::CommandUserUsergroupMissing,
            "usergroup",
            "it must name a user group",
            "give the name of the group",
        ));
    }
    fields::length("usergroup", &command.usergroup, limits::GROUP_NAME_LENGTH)?;
    fields::visible("usergroup", &command.usergroup, ErrorCode::GroupInvalidName)?;
    command.check_bounds().map_err(out_of_bounds)
}

fn check_request_id(id: Option<&str>) -> Result<(), Violation> {
    fields::length("requestID", id.unwrap_or_default(), limits::IDENTIFIER_LENGTH)
}

/// Checks the user of a membership: an address, or a username with or without a domain.
pub(crate) fn check_membership_user(name: &str, domain: Option<&str>, ignores_domain: bool) -> Result<(), Violation> {
    if name.is_empty() {
        let remedy = "give an email address or a username";
        return Err(Violation::new(ErrorCode::CommandUserMissing, "user", "it must name a user", remedy));
    }
    fields::user("user", name)?;
    match domain {
        Some(_) if is_email_type(name) && !ignores_domain => Err(Violation::new(
            ErrorCode::CommandDomainMustBeUsedWithNonemailUsername,
            "domain",
            "it can only be used with a user that is not an email address",
            "leave it out: the address names its domain",
        )),
        Some(domain) => check_domain(domain),
        None => Ok(()),
    }
}

/// Checks the group of a membership.
pub(crate) fn check_membership_group(name: &str) -> Result<(), Violation> {
    fields::group("group", name)?;
    fields::assignable("group", name)
}

fn check_order(
    root: &str,
    steps: impl ExactSizeIterator<Item = (StepPosition, &'static str)>,
    not_last: ErrorCode,
) -> Result<(), InvalidCommand> {
    let count = steps.len();
    if count == 0 {
        let (rule, remedy) = ("a command must have at least one step", "add a step");
        return Err(Violation::new(ErrorCode::CommandStepsMalformed, "do", rule, remedy).in_command(root));
    }
    let mut created = false;
    for (index, (position, name)) in steps.enumerate() {
        let violation = match position {
            StepPosition::First if created => Violation::new(
                ErrorCode::CommandCreateMoreThanOne,
                name,
                "a command can create only once",
                "split it into two commands",
            ),
            StepPosition::First if index > 0 => Violation::new(
                ErrorCode::CommandCreateNotFirst,
                name,
                "it must be the first step of a command",
                "put it first, or split the command in two",
            ),
            StepPosition::Last if index + 1 < count => Violation::new(
                not_last.clone(),
                name,
                "it must be the last step of a command, and the only one of its kind",
                "put it last, or split the command in two",
            ),
            StepPosition::First | StepPosition::Last | StepPosition::Anywhere => {
                created |= position == StepPosition::First;
                continue;
            }
        };
        return Err(violation.in_step(root, index, name));
    }
    Ok(())
}

fn check_user_step(command: &UserCommand, step: &UserStep) -> Result<(), Violation> {
    match step.exhaustive() {
        OnUser::AddAdobeId(new) => {
            check_create_email(&new.email)?;
            check_root_is_email(command, &new.email)?;
            check_names(new.firstname.as_deref(), new.lastname.as_deref(), false)?;
            check_country_and_option(new.country.as_deref(), new.option.as_ref())
        }
        OnUser::CreateEnterpriseId(new) => {
            check_create_email(&new.email)?;
            if is_email_type(&command.user) {
                check_root_is_email(command, &new.email)?;
            }
            check_names(Some(&new.firstname), Some(&new.lastname), true)?;
            check_country_and_option(new.country.as_deref(), new.option.as_ref())
        }
        OnUser::CreateFederatedId(new) => {
            check_create_email(&new.email)?;
            check_names(Some(&new.firstname), Some(&new.lastname), true)?;
            check_country_and_option(Some(&new.country), new.option.as_ref())
        }
        OnUser::Update(fields) => check_update(fields),
        OnUser::Add(lists) => check_groups(lists),
        OnUser::Remove(removal) => match removal.exhaustive() {
            ExhaustiveUserRemoval::All(_) => Ok(()),
            ExhaustiveUserRemoval::These(lists) => check_groups(lists),
        },
        OnUser::AddRoles(lists) | OnUser::RemoveRoles(lists) => check_roles(lists),
        OnUser::RemoveFromOrg(removal) => match &removal.removed_domain {
            Some(domain) => fields::length("removedDomain", domain, limits::IDENTIFIER_LENGTH),
            None => Ok(()),
        },
        OnUser::RemoveFromDomain(removal) => check_domain(&removal.domain),
        // It has no fields.
        OnUser::ResetPassword(_) => Ok(()),
    }
}

fn check_create_email(email: &str) -> Result<(), Violation> {
    if email.is_empty() {
        return Err(Violation::new(
            ErrorCode::UserIdMissing,
            "email",
            "a new user must have an email address",
            "give the email address, because the username is not one",
        ));
    }
    fields::email("email", email)
}

fn check_root_is_email(command: &UserCommand, email: &str) -> Result<(), Violation> {
    if FoldedName::is_same_user(&command.user, email) {
        return Ok(());
    }
    Err(Violation::new(
        ErrorCode::UserMustMatchEmail,
        "email",
        format!("it must be the user of the command: {email} is not {}", command.user),
        "name the user by this address",
    ))
}

/// Names may be absent, but not empty. Where they are needed, blanks do not count as a name.
fn check_names(first: Option<&str>, last: Option<&str>, are_needed: bool) -> Result<(), Violation> {
    for (field, value, code, max) in [
        ("firstname", first, ErrorCode::UserFirstnameMissing, limits::FIRST_NAME_LENGTH),
        ("lastname", last, ErrorCode::UserLastnameMissing, limits::LAST_NAME_LENGTH),
    ] {
        let Some(value) = value else { continue };
        if value.is_empty() || (are_needed && value.trim().is_empty()) {
            return Err(Violation::new(code, field, "it must not be empty", "give the user a name"));
        }
        fields::length(field, value, max)?;
        fields::visible(field, value, ErrorCode::CommandIllegalEntry)?;
    }
    Ok(())
}

fn check_country_and_option(country: Option<&str>, option: Option<&CreateOption>) -> Result<(), Violation> {
    if let Some(country) = country {
        fields::country(country)?;
    }
    check_option(option)
}

fn check_option(option: Option<&CreateOption>) -> Result<(), Violation> {
    match option {
        Some(CreateOption::Other(other)) => {
            let known = CreateOption::KNOWN;
            let known: Vec<&str> = known.iter().map(CreateOption::as_str).collect();
            let (rule, remedy) = (format!("unknown option {other:?}"), format!("use {}", known.join(" or ")));
            Err(Violation::new(ErrorCode::OptionIllegal, "option", rule, remedy))
        }
        _ => Ok(()),
    }
}

fn check_update(fields: &UserUpdate) -> Result<(), Violation> {
    let UserUpdate { email, firstname, lastname, username, .. } = fields;
    if [email, firstname, lastname, username].into_iter().all(Option::is_none) {
        return Err(Violation::new(
            ErrorCode::UserCommandMissingArguments,
            "update",
            "it changes nothing",
            "give it a name, an email address or a username",
        ));
    }
    if let Some(email) = email {
        fields::email("email", email)?;
    }
    if let Some(username) = username {
        fields::length("username", username, limits::IDENTIFIER_LENGTH)?;
        fields::username("username", username)?;
    }
    check_names(firstname.as_deref(), lastname.as_deref(), true)
}

fn check_groups(lists: &UserMemberships) -> Result<(), Violation> {
    let all = lists.name_lists();
    if !lists.product.is_empty() && !lists.product_configuration.is_empty() {
        return Err(Violation::new(
            ErrorCode::CommandAddRemoveDuplicateProductList,
            "productConfiguration",
            "product and productConfiguration are the same list",
            "put all groups into one list, `group`",
        ));
    }
    check_some_names(&all)?;
    for (field, _, names) in all {
        for name in names {
            fields::group(field, name)?;
            fields::assignable(field, name)?;
        }
    }
    check_duplicates("usergroup", &lists.usergroup, FoldedName::new, ErrorCode::CommandAddRemoveDuplicateUsergroupList)
}

fn check_roles(lists: &RoleLists) -> Result<(), Violation> {
    let all = lists.name_lists();
    check_some_names(&all)?;
    for (field, _, names) in all {
        names.iter().try_for_each(|name| fields::group(field, name))?;
    }
    let code = ErrorCode::CommandAddRemoveDuplicateProductadminList;
    check_duplicates("productAdmin", &lists.product_admin, FoldedName::new, code)
}

fn check_some_names(lists: &[(&'static str, NameKind, &Vec<String>)]) -> Result<(), Violation> {
    if lists.iter().all(|(_, _, names)| names.is_empty()) {
        let (rule, remedy) = ("the list is empty", "add a name, or leave the step out");
        return Err(Violation::new(ErrorCode::CommandAddRemoveMissingList, lists[0].0, rule, remedy));
    }
    Ok(())
}

fn check_group_step(command: &UserGroupCommand, step: &UserGroupStep) -> Result<(), Violation> {
    match step.exhaustive() {
        OnGroup::CreateUserGroup(new) => {
            match &new.name {
                Some(name) => fields::new_group_name("name", name)?,
                None => fields::new_group_name("usergroup", &command.usergroup)?,
            }
            check_option(new.option.as_ref())
        }
        OnGroup::UpdateUserGroup(fields) if fields.name.is_none() && fields.description.is_none() => {
            Err(Violation::new(
                ErrorCode::UserCommandMissingArguments,
                "updateUserGroup",
                "it changes nothing",
                "give it a name or a description",
            ))
        }
        OnGroup::UpdateUserGroup(fields) => match &fields.name {
            Some(name) => fields::new_group_name("name", name),
            None => Ok(()),
        },
        OnGroup::Add(lists) => check_members(lists),
        OnGroup::Remove(removal) => match removal.exhaustive() {
            ExhaustiveUserGroupRemoval::All(_) => Ok(()),
            ExhaustiveUserGroupRemoval::These(lists) => check_members(lists),
        },
        // It has no fields.
        OnGroup::DeleteUserGroup(_) => Ok(()),
    }
}

fn check_members(lists: &UserGroupMembers) -> Result<(), Violation> {
    let users = [("user", &lists.user), ("users", &lists.users)];
    let profiles = [("productConfiguration", &lists.product_configuration), ("product", &lists.product)];
    let all = lists.name_lists();
    if all.iter().all(|(_, _, names)| names.is_empty()) {
        let (rule, remedy) = ("the list is empty", "add a name, or leave the step out");
        return Err(Violation::new(ErrorCode::CommandAddRemoveUserUsergroupMissing, "user", rule, remedy));
    }
    for (lists, code) in [
        (&users, ErrorCode::CommandAddRemoveDuplicateUserList),
        (&profiles, ErrorCode::CommandAddRemoveDuplicateProductList),
    ] {
        if lists.iter().all(|(_, names)| !names.is_empty()) {
            let (newer, older) = (lists[0].0, lists[1].0);
            let rule = format!("{newer} and {older} are the same list");
            return Err(Violation::new(code, older, rule, "put all names into one list"));
        }
    }
    for (field, kind, names) in all {
        match kind {
            NameKind::User => {
                names.iter().try_for_each(|name| fields::listed_user(field, name))?;
                check_duplicates(field, names, FoldedName::user, ErrorCode::CommandAddRemoveDuplicateUserList)?;
            }
            NameKind::Group | NameKind::Profile | NameKind::Product => {
                names.iter().try_for_each(|name| fields::group(field, name))?;
            }
        }
    }
    Ok(())
}

/// Rejects a name that is listed twice.
fn check_duplicates(
    field: &'static str,
    names: &[String],
    folded: fn(&str) -> FoldedName,
    code: ErrorCode,
) -> Result<(), Violation> {
    let mut seen = HashSet::with_capacity(names.len());
    match names.iter().find(|name| !seen.insert(folded(name))) {
        Some(name) => Err(Violation::new(code, field, format!("{name} is listed twice"), "list it once")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, Command, GroupCommand, NewGroup, NewUser, UserCommand, UserGroupUpdate};

    /// Returns the code, the field and the step of a violation.
    fn rejected(command: impl Into<Command>) -> (String, String, Option<usize>) {
        let command = command.into();
        let error = command.check().unwrap_err();
        assert!(!error.rule().is_empty() && !error.remedy().is_empty());
        assert_eq!(error.root(), command.root());
        (error.code().to_string(), error.field().to_owned(), error.step())
    }

    #[track_caller]
    fn assert_rejected(command: impl Into<Command>, code: &str, field: &str, step: Option<usize>) {
        assert_eq!(rejected(command), (code.to_owned(), field.to_owned(), step));
    }

    fn user() -> UserCommand {
        Command::user("a@b.c")
    }

    fn username(name: &str, domain: &str) -> UserCommand {
        Command::user(Account::username(name, domain))
    }

    fn group() -> GroupCommand {
        Command::group("Design")
    }

    fn create(new: NewUser) -> UserCommand {
        Command::create_user(new)
    }

    /// A command as it is read: steps in any order.
    fn parsed(json: &str) -> Command {
        serde_json::from_str(json).unwrap()
    }

    fn user_with(steps: &str) -> Command {
        parsed(&format!(r#"{{"user":"a@b.c","do":[{steps}]}}"#))
    }

    const ADOBE: &str = r#"{"addAdobeID":{"email":"a@b.c"}}"#;
    const ENTERPRISE: &str = r#"{"createEnterpriseID":{"email":"a@b.c","firstname":"A","lastname":"B"}}"#;
    const ADD: &str = r#"{"add":{"group":["x"]}}"#;
    const LEAVE: &str = r#"{"removeFromOrg":{}}"#;
    const NONE: [&str; 0] = [];

    #[test]
    fn creates_come_first_and_once() {
        let federated = create(NewUser::federated("a@b.c", "A", "B", "US"));
        assert!(federated.add_to(["x"]).remove_from_org().check().is_ok());
        let late = user_with(&[ADD, ADOBE].join(","));
        assert_rejected(late, "error.command.create.not_first", "addAdobeID", Some(1));
        let twice = user_with(&[ADOBE, ENTERPRISE].join(","));
        assert_rejected(twice, "error.command.create.more_than_one", "createEnterpriseID", Some(1));
        let twice = parsed(r#"{"usergroup":"Design","do":[{"createUserGroup":{}},{"createUserGroup":{}}]}"#);
        assert_rejected(twice, "error.command.create.more_than_one", "createUserGroup", Some(1));
    }

    #[test]
    fn removals_come_last_and_once() {
        let code = "error.command.removefromorg.not_last";
        assert_rejected(user_with(&[LEAVE, ADD].join(",")), code, "removeFromOrg", Some(0));
        assert_rejected(user_with(&[LEAVE, LEAVE].join(",")), code, "removeFromOrg", Some(0));
        let domain = r#"{"removeFromDomain":{"domain":"b.c"}}"#;
        assert_rejected(user_with(&[domain, LEAVE].join(",")), code, "removeFromDomain", Some(0));
        let after = parsed(r#"{"usergroup":"Design","do":[{"deleteUserGroup":{}},{"add":{"user":["a@b.c"]}}]}"#);
        assert_rejected(after, "error.command.illegal_entry", "deleteUserGroup", Some(0));
    }

    #[test]
    fn a_command_has_a_root_and_a_step() {
        assert_rejected(user(), "error.command.steps.malformed", "do", None);
        assert_rejected(Command::user("").remove_all(), "error.command.user.missing", "user", None);
        let nameless = Command::group("").remove_all();
        assert_rejected(nameless, "error.command.user_usergroup.missing", "usergroup", None);
    }

    #[test]
    fn only_usernames_have_a_domain() {
        let missing = "error.command.domain.missing";
        assert_rejected(Command::user("jdoe").remove_all(), missing, "domain", None);
        assert_rejected(username("jdoe", "").remove_all(), missing, "domain", None);
        let superfluous = "error.command.domain.must_be_used_with_nonemail_username";
        assert_rejected(username("a@b.c", "b.c").remove_all(), superfluous, "domain", None);
        assert_eq!(username("jdoe", "b.c").remove_all().check(), Ok(()));
        for steps in [ADOBE, ENTERPRISE] {
            assert_eq!(parsed(&format!(r#"{{"user":"a@b.c","domain":"b.c","do":[{steps}]}}"#)).check(), Ok(()));
        }
        let adobe = r#"{"user":"a@b.c","domain":"b.c","useAdobeID":true,"do":[{"remove":"all"}]}"#;
        assert_eq!(parsed(adobe).check(), Ok(()));
    }

    #[test]
    fn fields_of_new_users() {
        let long = "x".repeat(251);
        let federated =
            |first: &str, last: &str, country: &str| create(NewUser::federated("a@b.c", first, last, country));
        let enterprise = |last: &str| create(NewUser::enterprise("a@b.c", "A", last));
        let adobe = || NewUser::adobe_id("a@b.c");
        for (command, code, field) in [
            (federated("", "B", "US"), "error.user.firstname_missing", "firstname"),
            (federated(" ", "B", "US"), "error.user.firstname_missing", "firstname"),
            (federated("A", "\u{a0}", "US"), "error.user.lastname_missing", "lastname"),
            (enterprise(""), "error.user.lastname_missing", "lastname"),
            (enterprise(&long), "error.command.string.too_long", "lastname"),
            (federated("A", "B", ""), "error.country.invalid", "country"),
            (create(adobe().country("usa")), "error.command.string.too_long", "country"),
            (create(adobe().username("x", "y.z")), "error.user.must_match_email", "email"),
            (create(NewUser::enterprise("", "A", "B").username("jdoe", "b.c")), "error.user.id_missing", "email"),
            (create(NewUser::enterprise("a@b@c", "A", "B")), "error.user.email.invalid", "user"),
        ] {
            let (found, at, _) = rejected(command);
            assert_eq!((found.as_str(), at.as_str()), (code, field));
        }
        let other_case = r#"{"user":"a@b.c","do":[{"addAdobeID":{"email":"A@B.c","firstname":"A","lastname":"B"}}]}"#;
        assert!(parsed(other_case).check().is_ok());
        assert!(create(adobe().names("A", "B").country("DE").update_if_exists()).check().is_ok());
    }

    #[test]
    fn lists_hold_possible_names() {
        let long = "x".repeat(256);
        let commands: [(Command, &str); 10] = [
            (user().add_to(NONE).into(), "error.command.add_remove.missing_list"),
            (user().add_to([""]).into(), "error.group.invalid_list"),
            (user().remove_from([long.as_str()]).into(), "error.command.add_remove.group_or_product_name_too_long"),
            (user().add_to(["_ORG_admin"]).into(), "error.command.illegal_entry"),
            (user().add_admin_roles(NONE).into(), "error.command.add_remove.missing_list"),
            (user().add_product_admin_roles(["X", "x"]).into(), "error.command.add_remove.duplicate.productadmin_list"),
            (group().add_users(NONE).into(), "error.command.add_remove.user_usergroup.missing"),
            (group().add_users(["a@b.c", "A@B.C"]).into(), "error.command.add_remove.duplicate.user_list"),
            (group().remove_users(["a b@c.d"]).into(), "error.user.user_list.invalid"),
            (group().add_profiles([""]).into(), "error.group.invalid_list"),
        ];
        for (command, code) in commands {
            assert_eq!(rejected(command).0, code);
        }
        assert!(
            group().add_users((0..1000).map(|i| format!("u{i}@b.c"))).check().is_ok(),
            "long lists are split later"
        );
    }

    #[test]
    fn names_of_new_groups() {
        for command in [
            Command::create_group(NewGroup::new("_admin_x")),
            Command::create_group(NewGroup::new("..")),
            group().update(UserGroupUpdate::default().with_name("_x")),
        ] {
            assert_eq!(rejected(command).0, "error.group.invalid_name");
        }
        let nothing = group().update(UserGroupUpdate::default());
        assert_rejected(nothing, "error.user.command.missing.arguments", "updateUserGroup", Some(0));
    }

    #[test]
    fn updates_change_something() {
        let update = |fields| rejected(user().update(fields)).0;
        assert_eq!(update(UserUpdate::default()), "error.user.command.missing.arguments");
        assert_eq!(update(UserUpdate::default().with_email("x")), "error.user.email.invalid");
        assert_eq!(update(UserUpdate::default().with_username(" x")), "error.user.name.invalid");
        assert!(user().update(UserUpdate::default().with_firstname("X")).check().is_ok());
    }

    #[test]
    fn invisible_characters_are_rejected_and_shown_escaped() {
        let commands: [Command; 9] = [
            Command::user("a\u{200b}@b.c").remove_all().into(),
            username("jdoe", "b\u{feff}.c").remove_all().into(),
            create(NewUser::federated("a@b.c", "A\u{202e}", "B", "US")).into(),
            create(NewUser::federated("a@b.c", "A", "B\u{85}", "US")).into(),
            user().update(UserUpdate::default().with_username("x\u{2066}")).into(),
            user().add_to(["De\u{200b}sign"]).into(),
            group().add_users(["a@b.c\u{200b}"]).into(),
            Command::group("De\u{200f}sign").remove_all().into(),
            Command::create_group(NewGroup::new("Design\u{2060}")).into(),
        ];
        for command in commands {
            let text = command.check().expect_err("an invisible character").to_string();
            assert!(text.contains(" U+") && !text.chars().any(invisible), "{text}");
        }
    }

    fn invisible(c: char) -> bool {
        crate::account::invisible_character(&c.to_string()).is_some()
    }

    #[test]
    fn the_message_says_where_what_and_what_to_do() {
        let error = create(NewUser::federated("a@b.c", "A", "B", "us")).check().unwrap_err();
        let text = error.to_string();
        for part in ["a@b.c", "creating the Federated ID", "country", "upper-case", "such as", "error.country.invalid"]
        {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}
