//! The rules of the steps on a user.

use umapi_model::{
    CreateOption, ErrorCode, RoleLists, UserCommand, UserMemberships, UserRemoval, UserStep, UserUpdate, limits,
};

use super::{fields, no_duplicates};
use crate::command::invalid::BrokenRule;
use crate::command::names::{is_email_type, is_same};

/// The name of a step in the service's JSON.
pub(crate) fn name_of(step: &UserStep) -> &'static str {
    match step {
        UserStep::AddAdobeId(_) => "addAdobeID",
        UserStep::CreateEnterpriseId(_) => "createEnterpriseID",
        UserStep::CreateFederatedId(_) => "createFederatedID",
        UserStep::Update(_) => "update",
        UserStep::Add(_) => "add",
        UserStep::Remove(_) => "remove",
        UserStep::AddRoles(_) => "addRoles",
        UserStep::RemoveRoles(_) => "removeRoles",
        UserStep::RemoveFromOrg(_) => "removeFromOrg",
        UserStep::RemoveFromDomain(_) => "removeFromDomain",
        UserStep::ResetPassword(_) => "resetPassword",
        _ => "step",
    }
}

pub(super) fn check(command: &UserCommand, step: &UserStep) -> Result<(), BrokenRule> {
    match step {
        UserStep::AddAdobeId(new) => {
            create_email(&new.email)?;
            must_match(command, &new.email)?;
            names(new.firstname.as_deref(), new.lastname.as_deref())?;
            create_rest(new.country.as_deref(), new.option.as_ref())
        }
        UserStep::CreateEnterpriseId(new) => {
            create_email(&new.email)?;
            if is_email_type(&command.user) {
                must_match(command, &new.email)?;
            }
            names(Some(&new.firstname), Some(&new.lastname))?;
            create_rest(new.country.as_deref(), new.option.as_ref())
        }
        UserStep::CreateFederatedId(new) => {
            create_email(&new.email)?;
            names(Some(&new.firstname), Some(&new.lastname))?;
            create_rest(Some(&new.country), new.option.as_ref())
        }
        UserStep::Update(fields) => update(fields),
        UserStep::Add(lists) => memberships(lists),
        UserStep::Remove(UserRemoval::These(lists)) => memberships(lists),
        UserStep::AddRoles(lists) | UserStep::RemoveRoles(lists) => roles(lists),
        UserStep::RemoveFromOrg(removal) => match &removal.removed_domain {
            Some(domain) => fields::length("removedDomain", domain, limits::IDENTIFIER_LENGTH),
            None => Ok(()),
        },
        UserStep::RemoveFromDomain(removal) => super::domain_name(&removal.domain),
        _ => Ok(()),
    }
}

fn create_email(email: &str) -> Result<(), BrokenRule> {
    if email.is_empty() {
        return Err(BrokenRule::new(
            ErrorCode::UserIdMissing,
            "email",
            "a new user must have an email address",
            "add .email(…) after the step that creates, since the username is none",
        ));
    }
    fields::email("email", email)
}

fn must_match(command: &UserCommand, email: &str) -> Result<(), BrokenRule> {
    if is_same(&command.user, email) {
        return Ok(());
    }
    Err(BrokenRule::new(
        ErrorCode::UserMustMatchEmail,
        "email",
        format!("it must be the user of the command: {email} is not {}", command.user),
        "begin the command with this address",
    ))
}

/// Names may be absent, but not empty.
fn names(first: Option<&str>, last: Option<&str>) -> Result<(), BrokenRule> {
    for (field, value, code, max) in [
        ("firstname", first, ErrorCode::UserFirstnameMissing, limits::FIRST_NAME_LENGTH),
        ("lastname", last, ErrorCode::UserLastnameMissing, limits::LAST_NAME_LENGTH),
    ] {
        let Some(value) = value else { continue };
        if value.is_empty() {
            return Err(BrokenRule::new(code, field, "it must not be empty", "give the user a name"));
        }
        fields::length(field, value, max)?;
    }
    Ok(())
}

fn create_rest(country: Option<&str>, option: Option<&CreateOption>) -> Result<(), BrokenRule> {
    if let Some(country) = country {
        fields::country(country)?;
    }
    check_option(option)
}

pub(super) fn check_option(option: Option<&CreateOption>) -> Result<(), BrokenRule> {
    match option {
        Some(CreateOption::Other(other)) => Err(BrokenRule::new(
            ErrorCode::OptionIllegal,
            "option",
            format!("it must be ignoreIfAlreadyExists or updateIfAlreadyExists, not {other:?}"),
            "use .ignore_if_exists() or .update_if_exists()",
        )),
        _ => Ok(()),
    }
}

fn update(fields: &UserUpdate) -> Result<(), BrokenRule> {
    let UserUpdate { email, firstname, lastname, username, .. } = fields;
    if [email, firstname, lastname, username].into_iter().all(Option::is_none) {
        return Err(BrokenRule::new(
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
    names(firstname.as_deref(), lastname.as_deref())
}

fn memberships(lists: &UserMemberships) -> Result<(), BrokenRule> {
    let all = [
        ("group", &lists.group),
        ("product", &lists.product),
        ("productConfiguration", &lists.product_configuration),
        ("usergroup", &lists.usergroup),
    ];
    if !lists.product.is_empty() && !lists.product_configuration.is_empty() {
        return Err(BrokenRule::new(
            ErrorCode::CommandAddRemoveDuplicateProductList,
            "productConfiguration",
            "product and productConfiguration are the same list",
            "put all groups into one list, `group`",
        ));
    }
    some_names(&all)?;
    for (field, names) in all {
        for name in names {
            fields::group(field, name)?;
            fields::touchable(field, name)?;
        }
    }
    no_duplicates("usergroup", &lists.usergroup, ErrorCode::CommandAddRemoveDuplicateUsergroupList)
}

fn roles(lists: &RoleLists) -> Result<(), BrokenRule> {
    some_names(&[("admin", &lists.admin), ("productAdmin", &lists.product_admin)])?;
    for name in &lists.admin {
        fields::group("admin", name)?;
    }
    for name in &lists.product_admin {
        fields::group("productAdmin", name)?;
    }
    no_duplicates("productAdmin", &lists.product_admin, ErrorCode::CommandAddRemoveDuplicateProductadminList)
}

fn some_names(lists: &[(&'static str, &Vec<String>)]) -> Result<(), BrokenRule> {
    if lists.iter().all(|(_, names)| names.is_empty()) {
        let rule = "the list is empty";
        let remedy = "give it a name, or leave the step out";
        return Err(BrokenRule::new(ErrorCode::CommandAddRemoveMissingList, lists[0].0, rule, remedy));
    }
    Ok(())
}
