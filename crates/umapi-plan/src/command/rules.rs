//! The rules of a command that can be checked without the service. Each has the code by which the service would refuse it.

mod fields;
mod group_steps;
mod membership;
pub(crate) mod order;
mod user_steps;

use std::collections::HashSet;

use umapi_model::{self as model, ErrorCode, UserCommand, UserGroupCommand, limits};

use super::invalid::{BrokenRule, InvalidCommand};
use super::names::{fold, is_email_type};

pub(crate) use group_steps::name_of as group_step_name;
pub(crate) use membership::{membership_group, membership_user};
pub(crate) use user_steps::name_of as user_step_name;

/// Checks a command whose lists and steps may be longer than a request takes: they are split later.
pub(super) fn check(command: &model::Command) -> Result<(), InvalidCommand> {
    match command {
        model::Command::User(command) => check_user_command(command),
        model::Command::Group(command) => check_group_command(command),
        _ => Err(BrokenRule::new(
            ErrorCode::CommandUserUsergroupMissing,
            "user",
            "a command is about a user or a user group",
            "begin with Command::user or Command::group",
        )
        .in_command("")),
    }
}

fn check_user_command(command: &UserCommand) -> Result<(), InvalidCommand> {
    user_root(command).map_err(|broken| broken.in_command(&command.user))?;
    order::check_user(&command.user, &command.do_)?;
    for (index, step) in command.do_.iter().enumerate() {
        user_steps::check(command, step)
            .map_err(|broken| broken.in_step(&command.user, index, user_steps::name_of(step)))?;
    }
    Ok(())
}

fn check_group_command(command: &UserGroupCommand) -> Result<(), InvalidCommand> {
    group_root(command).map_err(|broken| broken.in_command(&command.usergroup))?;
    order::check_group(&command.usergroup, &command.do_)?;
    for (index, step) in command.do_.iter().enumerate() {
        group_steps::check(command, step)
            .map_err(|broken| broken.in_step(&command.usergroup, index, group_steps::name_of(step)))?;
    }
    Ok(())
}

fn user_root(command: &UserCommand) -> Result<(), BrokenRule> {
    request_id(command.request_id.as_deref())?;
    membership_user(&command.user, command.domain.as_deref(), ignores_domain(command))?;
    if command.domain.is_none() && !is_email_type(&command.user) {
        return Err(BrokenRule::new(
            ErrorCode::CommandDomainMissing,
            "domain",
            format!("it must be given, since the user is no email address: {}", command.user),
            "add .domain(…), or name the user by email address",
        ));
    }
    Ok(())
}

/// `domain` is ignored for Adobe IDs and Enterprise IDs. Of a user who is there already only the service knows the type.
fn ignores_domain(command: &UserCommand) -> bool {
    command.use_adobe_id == Some(true)
        || matches!(command.do_.first(), Some(model::UserStep::AddAdobeId(_) | model::UserStep::CreateEnterpriseId(_)))
}

fn domain_name(domain: &str) -> Result<(), BrokenRule> {
    fields::length("domain", domain, limits::IDENTIFIER_LENGTH)?;
    if domain.is_empty() || domain.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
        let rule = format!("it must be the name of a domain: {domain:?}");
        return Err(BrokenRule::new(ErrorCode::CommandDomainMissing, "domain", rule, "write example.com, say"));
    }
    Ok(())
}

fn group_root(command: &UserGroupCommand) -> Result<(), BrokenRule> {
    request_id(command.request_id.as_deref())?;
    if command.usergroup.is_empty() {
        return Err(BrokenRule::new(
            ErrorCode::CommandUserUsergroupMissing,
            "usergroup",
            "it must name a user group",
            "give the name of the group",
        ));
    }
    fields::length("usergroup", &command.usergroup, limits::GROUP_NAME_LENGTH)
}

fn request_id(id: Option<&str>) -> Result<(), BrokenRule> {
    fields::length("requestID", id.unwrap_or_default(), limits::IDENTIFIER_LENGTH)
}

/// No name stands twice in a list. Names are compared as the service compares them.
fn no_duplicates(field: &'static str, names: &[String], code: ErrorCode) -> Result<(), BrokenRule> {
    let mut seen = HashSet::with_capacity(names.len());
    match names.iter().find(|name| !seen.insert(fold(name))) {
        Some(name) => Err(BrokenRule::new(code, field, format!("it is listed twice: {name}"), "list it once")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
