//! The rules of the steps on a user group.

use umapi_model::{ErrorCode, UserGroupCommand, UserGroupMembers, UserGroupRemoval, UserGroupStep};

use super::user_steps::check_option;
use super::{fields, no_duplicates};
use crate::command::invalid::BrokenRule;

/// The name of a step in the service's JSON.
pub(crate) fn name_of(step: &UserGroupStep) -> &'static str {
    match step {
        UserGroupStep::CreateUserGroup(_) => "createUserGroup",
        UserGroupStep::UpdateUserGroup(_) => "updateUserGroup",
        UserGroupStep::DeleteUserGroup(_) => "deleteUserGroup",
        UserGroupStep::Add(_) => "add",
        UserGroupStep::Remove(_) => "remove",
        _ => "step",
    }
}

pub(super) fn check(command: &UserGroupCommand, step: &UserGroupStep) -> Result<(), BrokenRule> {
    match step {
        UserGroupStep::CreateUserGroup(new) => {
            match &new.name {
                Some(name) => fields::new_group_name("name", name)?,
                None => fields::new_group_name("usergroup", &command.usergroup)?,
            }
            check_option(new.option.as_ref())
        }
        UserGroupStep::UpdateUserGroup(fields) if fields.name.is_none() && fields.description.is_none() => {
            Err(BrokenRule::new(
                ErrorCode::UserCommandMissingArguments,
                "updateUserGroup",
                "it changes nothing",
                "give it a name or a description",
            ))
        }
        UserGroupStep::UpdateUserGroup(fields) => match &fields.name {
            Some(name) => fields::new_group_name("name", name),
            None => Ok(()),
        },
        UserGroupStep::Add(lists) | UserGroupStep::Remove(UserGroupRemoval::These(lists)) => members(lists),
        _ => Ok(()),
    }
}

fn members(lists: &UserGroupMembers) -> Result<(), BrokenRule> {
    let users = [("user", &lists.user), ("users", &lists.users)];
    let profiles = [("productConfiguration", &lists.product_configuration), ("product", &lists.product)];
    if users.into_iter().chain(profiles).all(|(_, names)| names.is_empty()) {
        let (rule, remedy) = ("the list is empty", "give it a name, or leave the step out");
        return Err(BrokenRule::new(ErrorCode::CommandAddRemoveUserUsergroupMissing, "user", rule, remedy));
    }
    for (lists, code) in [
        (&users, ErrorCode::CommandAddRemoveDuplicateUserList),
        (&profiles, ErrorCode::CommandAddRemoveDuplicateProductList),
    ] {
        if lists.iter().all(|(_, names)| !names.is_empty()) {
            let (newer, older) = (lists[0].0, lists[1].0);
            let rule = format!("{newer} and {older} are the same list");
            return Err(BrokenRule::new(code, older, rule, "put all names into one list"));
        }
    }
    for (field, names) in users {
        for name in names {
            fields::listed_user(field, name)?;
        }
        no_duplicates(field, names, ErrorCode::CommandAddRemoveDuplicateUserList)?;
    }
    for (field, names) in profiles {
        for name in names {
            fields::group(field, name)?;
        }
    }
    Ok(())
}
