//! The steps of a command, parsed and checked as far as their JSON alone allows.

use super::{
    add_remove::{self, GroupLists, Names, UserLists},
    outcome::Rejection,
    request::{Json, ParseOptions},
    rules::{self, identifier_length, person_name},
};
use crate::{generated::action_step::ActionStep, store::UserKind};

/// The root of a command.
#[derive(Debug, Clone)]
pub(super) enum Root {
    User { name: String, domain: Option<String>, use_adobe_id: bool },
    Group { name: String },
}

/// What a create step does if the user or group exists already. Without it, the step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfExists {
    Ignore,
    Update,
}

/// A step of a command whose JSON is valid.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Create(CreateUser),
    Update(UpdateUser),
    Add(Vec<Names>),
    Remove(Vec<Names>),
    RemoveAll,
    RemoveFromOrg { delete_account: Option<bool>, removed_domain: Option<String> },
    RemoveFromDomain { domain: String },
    ResetPassword,
    CreateGroup(GroupFields),
    UpdateGroup(GroupFields),
    DeleteGroup,
    AddToGroup(GroupLists),
    RemoveFromGroup(GroupLists),
    RemoveAllFromGroup,
}

#[derive(Debug, Clone)]
pub(super) struct CreateUser {
    pub(super) kind: UserKind,
    pub(super) email: String,
    pub(super) firstname: Option<String>,
    pub(super) lastname: Option<String>,
    pub(super) country: Option<String>,
    pub(super) option: Option<IfExists>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct UpdateUser {
    pub(super) email: Option<String>,
    pub(super) username: Option<String>,
    pub(super) firstname: Option<String>,
    pub(super) lastname: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct GroupFields {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) option: Option<IfExists>,
}

/// A parsed step.
pub(super) struct ParsedStep {
    /// The key that names the step, as it was sent.
    pub(super) name: String,
    /// The step of that name. `None` if there is none.
    pub(super) kind: Option<ActionStep>,
    pub(super) step: Result<Step, Rejection>,
    /// A warning for each deprecated name.
    pub(super) deprecated: Vec<String>,
}

impl ParsedStep {
    pub(super) fn is_create(&self) -> bool {
        self.kind.is_some_and(|kind| match kind {
            ActionStep::AddAdobeId
            | ActionStep::CreateEnterpriseId
            | ActionStep::CreateFederatedId
            | ActionStep::CreateUserGroup => true,
            ActionStep::Update
            | ActionStep::Add
            | ActionStep::Remove
            | ActionStep::AddRoles
            | ActionStep::RemoveRoles
            | ActionStep::RemoveFromOrg
            | ActionStep::RemoveFromDomain
            | ActionStep::ResetPassword
            | ActionStep::UpdateUserGroup
            | ActionStep::DeleteUserGroup => false,
        })
    }

    pub(super) fn is_removal(&self) -> bool {
        self.kind.is_some_and(|kind| match kind {
            ActionStep::RemoveFromOrg | ActionStep::RemoveFromDomain => true,
            ActionStep::AddAdobeId
            | ActionStep::CreateEnterpriseId
            | ActionStep::CreateFederatedId
            | ActionStep::Update
            | ActionStep::Add
            | ActionStep::Remove
            | ActionStep::AddRoles
            | ActionStep::RemoveRoles
            | ActionStep::ResetPassword
            | ActionStep::CreateUserGroup
            | ActionStep::UpdateUserGroup
            | ActionStep::DeleteUserGroup => false,
        })
    }
}

pub(super) fn parse_step(step: &Json, root: &Root, options: &ParseOptions) -> ParsedStep {
    let Some([(name, value)]) = step.object() else {
        let step = Err(illegal("A step must be an object with one key".to_owned()));
        return ParsedStep { name: String::new(), kind: None, step, deprecated: Vec::new() };
    };
    let kind = ActionStep::of_name(name);
    let mut deprecated = Vec::new();
    let step = match (kind, root) {
        (None, _) => Err(Rejection::new("error.command.step.unknown", format!("Unknown step: {name}"))),
        (Some(kind), Root::User { .. }) => user_step(kind, value, options, &mut deprecated),
        (Some(kind), Root::Group { .. }) => group_step(kind, value, options, &mut deprecated),
    };
    ParsedStep { name: name.clone(), kind, step, deprecated }
}

fn user_step(
    kind: ActionStep,
    value: &Json,
    options: &ParseOptions,
    deprecated: &mut Vec<String>,
) -> Result<Step, Rejection> {
    let name = kind.name();
    match kind {
        ActionStep::AddAdobeId => create_user(UserKind::AdobeId, name, value).map(Step::Create),
        ActionStep::CreateEnterpriseId => create_user(UserKind::EnterpriseId, name, value).map(Step::Create),
        ActionStep::CreateFederatedId => create_user(UserKind::FederatedId, name, value).map(Step::Create),
        ActionStep::Update => update_user(value).map(Step::Update),
        ActionStep::Add => Ok(match add_remove::user_lists(name, value, options, deprecated)? {
            UserLists::All => Step::RemoveAll,
            UserLists::Some(lists) => Step::Add(lists),
        }),
        ActionStep::Remove => Ok(match add_remove::user_lists(name, value, options, deprecated)? {
            UserLists::All => Step::RemoveAll,
            UserLists::Some(lists) => Step::Remove(lists),
        }),
        ActionStep::AddRoles => {
            deprecated.push("'addRoles' command is deprecated. Please use add.".to_owned());
            add_remove::role_lists(name, value, options).map(Step::Add)
        }
        ActionStep::RemoveRoles => {
            deprecated.push("'removeRoles' command is deprecated. Please use remove.".to_owned());
            add_remove::role_lists(name, value, options).map(Step::Remove)
        }
        ActionStep::RemoveFromOrg => remove_from_org(value, deprecated),
        ActionStep::RemoveFromDomain => {
            deprecated.push("'removeFromDomain' command is deprecated. Please use removeFromOrg.".to_owned());
            remove_from_domain(value)
        }
        ActionStep::ResetPassword => {
            deprecated.push("'resetPassword' command is deprecated.".to_owned());
            must_be_empty(name, value).map(|()| Step::ResetPassword)
        }
        ActionStep::CreateUserGroup | ActionStep::UpdateUserGroup | ActionStep::DeleteUserGroup => {
            Err(illegal(format!("{name} is a step for a usergroup, not for a user")))
        }
    }
}

fn group_step(
    kind: ActionStep,
    value: &Json,
    options: &ParseOptions,
    deprecated: &mut Vec<String>,
) -> Result<Step, Rejection> {
    let name = kind.name();
    match kind {
        ActionStep::CreateUserGroup => create_group(value).map(Step::CreateGroup),
        ActionStep::UpdateUserGroup => update_group(value).map(Step::UpdateGroup),
        ActionStep::DeleteUserGroup => must_be_empty(name, value).map(|()| Step::DeleteGroup),
        ActionStep::Add => Ok(match add_remove::group_lists(name, value, options, deprecated)? {
            None => Step::RemoveAllFromGroup,
            Some(lists) => Step::AddToGroup(lists),
        }),
        ActionStep::Remove => Ok(match add_remove::group_lists(name, value, options, deprecated)? {
            None => Step::RemoveAllFromGroup,
            Some(lists) => Step::RemoveFromGroup(lists),
        }),
        ActionStep::AddAdobeId
        | ActionStep::CreateEnterpriseId
        | ActionStep::CreateFederatedId
        | ActionStep::Update
        | ActionStep::AddRoles
        | ActionStep::RemoveRoles
        | ActionStep::RemoveFromOrg
        | ActionStep::RemoveFromDomain
        | ActionStep::ResetPassword => Err(illegal(format!("{name} is a step for a user, not for a usergroup"))),
    }
}

fn illegal(message: String) -> Rejection {
    Rejection::new("error.command.illegal_entry", message)
}

fn must_be_empty(name: &str, value: &Json) -> Result<(), Rejection> {
    match value.object() {
        Some([]) => Ok(()),
        _ => Err(not_empty(name)),
    }
}

fn not_empty(name: &str) -> Rejection {
    Rejection::new("error.command.object_not_empty", format!("{name} must be an empty object"))
}

fn option(value: &str) -> Result<IfExists, Rejection> {
    match value {
        "ignoreIfAlreadyExists" => Ok(IfExists::Ignore),
        "updateIfAlreadyExists" => Ok(IfExists::Update),
        other => Err(Rejection::new(
            "error.option.illegal",
            format!("option must be ignoreIfAlreadyExists or updateIfAlreadyExists, not {other}"),
        )),
    }
}

/// Parses the fields of a create step: an object of strings.
fn create_fields<'a>(name: &str, value: &'a Json, known: &[&str]) -> Result<Vec<(&'a str, &'a str)>, Rejection> {
    let fields = value.object().ok_or_else(|| {
        Rejection::new("error.command.create.object_expected", format!("{name} must be a JSON object"))
    })?;
    fields
        .iter()
        .map(|(key, value)| {
            if !known.contains(&key.as_str()) {
                return Err(Rejection::new(
                    "error.command.create.key.unknown",
                    format!("Unknown key in {name}: {key}, known are {}", known.join(", ")),
                ));
            }
            let value = value.text().ok_or_else(|| {
                Rejection::new("error.command.create.string_expected", format!("{key} in {name} must be a string"))
            })?;
            Ok((key.as_str(), value))
        })
        .collect()
}

fn create_user(kind: UserKind, name: &str, value: &Json) -> Result<CreateUser, Rejection> {
    let fields = create_fields(name, value, &["email", "firstname", "lastname", "country", "option"])?;
    let field = |key| fields.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
    let missing = |code, what: &str| Rejection::new(code, format!("{what} is missing where it is required, in {name}"));

    let email = field("email").filter(|email| !email.is_empty());
    let email = email.ok_or_else(|| missing("error.user.id_missing", "email"))?;
    rules::email(email)?;
    let mut names = [None, None];
    for (key, code, slot) in
        [("firstname", "error.user.firstname_missing", 0), ("lastname", "error.user.lastname_missing", 1)]
    {
        let value = field(key).filter(|value| !value.trim().is_empty());
        if value.is_none() && kind != UserKind::AdobeId {
            return Err(missing(code, key));
        }
        person_name(key, value.unwrap_or_default())?;
        names[slot] = value.map(str::to_owned);
    }
    let country = field("country");
    match country {
        Some(country) => rules::country(country)?,
        None if kind == UserKind::FederatedId => return Err(missing("error.country.invalid", "country")),
        None => {}
    }
    let [firstname, lastname] = names;
    Ok(CreateUser {
        kind,
        email: email.to_owned(),
        firstname,
        lastname,
        country: country.map(str::to_owned),
        option: field("option").map(option).transpose()?,
    })
}

fn update_user(value: &Json) -> Result<UpdateUser, Rejection> {
    let fields = value.object().ok_or_else(|| illegal("update must be a JSON object".to_owned()))?;
    let mut update = UpdateUser::default();
    for (key, value) in fields {
        let slot = match key.as_str() {
            "email" => &mut update.email,
            "username" => &mut update.username,
            "firstname" => &mut update.firstname,
            "lastname" => &mut update.lastname,
            "country" => {
                return Err(Rejection::new(
                    "error.update.country.no_update",
                    "The country of a user cannot be updated",
                ));
            }
            "option" => return Err(no_option("update")),
            other => return Err(illegal(format!("Unknown key in update: {other}"))),
        };
        let value = expect_text(key, value)?;
        match key.as_str() {
            "email" => rules::email(value)?,
            "username" => {
                identifier_length(key, value)?;
                rules::username(value)?;
            }
            "firstname" if value.trim().is_empty() => {
                return Err(Rejection::new("error.user.firstname_missing", "firstname must not be empty"));
            }
            "lastname" if value.trim().is_empty() => {
                return Err(Rejection::new("error.user.lastname_missing", "lastname must not be empty"));
            }
            _ => person_name(key, value)?,
        }
        *slot = Some(value.to_owned());
    }
    Ok(update)
}

fn no_option(step: &str) -> Rejection {
    Rejection::new("error.command.update.option.no", format!("option is allowed only in a create step, not in {step}"))
}

pub(super) fn expect_text<'a>(field: &str, value: &'a Json) -> Result<&'a str, Rejection> {
    value.text().ok_or_else(|| Rejection::new("error.command.string_expected", format!("{field} must be a string")))
}

fn remove_from_org(value: &Json, deprecated: &mut Vec<String>) -> Result<Step, Rejection> {
    let (mut delete_account, mut removed_domain) = (None, None);
    for (key, value) in value.object().ok_or_else(|| not_empty("removeFromOrg"))? {
        match (key.as_str(), value) {
            ("deleteAccount", Json::Bool(value)) => delete_account = Some(*value),
            ("deleteAccount", _) => {
                return Err(Rejection::new("error.command.boolean_expected", "deleteAccount must be true or false"));
            }
            ("removedDomain", value) => {
                deprecated.push("'removedDomain' command is deprecated. Please use deleteAccount.".to_owned());
                removed_domain = Some(domain_field(key, value)?);
            }
            _ => {
                return Err(Rejection::new(
                    "error.command.object_not_empty",
                    format!("removeFromOrg takes deleteAccount and nothing else, not {key}"),
                ));
            }
        }
    }
    Ok(Step::RemoveFromOrg { delete_account, removed_domain })
}

fn remove_from_domain(value: &Json) -> Result<Step, Rejection> {
    match value.object() {
        // The documentation of 2017 calls the field `removedDomain`.
        Some([(key, value)]) if matches!(key.as_str(), "domain" | "removedDomain") => {
            Ok(Step::RemoveFromDomain { domain: domain_field(key, value)? })
        }
        Some([]) => Err(Rejection::new("error.command.domain.missing", "removeFromDomain must name a domain")),
        _ => Err(illegal("removeFromDomain takes a domain and nothing else".to_owned())),
    }
}

fn domain_field(key: &str, value: &Json) -> Result<String, Rejection> {
    let value = value
        .text()
        .ok_or_else(|| Rejection::new("error.command.domain.string_expected", format!("{key} must be a string")))?;
    identifier_length(key, value)?;
    Ok(value.to_owned())
}

fn create_group(value: &Json) -> Result<GroupFields, Rejection> {
    let mut fields = GroupFields::default();
    for (key, value) in create_fields("createUserGroup", value, &["name", "description", "option"])? {
        match key {
            "name" => {
                rules::group_name(value)?;
                fields.name = Some(value.to_owned());
            }
            "description" => fields.description = Some(value.to_owned()),
            _ => fields.option = Some(option(value)?),
        }
    }
    Ok(fields)
}

fn update_group(value: &Json) -> Result<GroupFields, Rejection> {
    let mut fields = GroupFields::default();
    for (key, value) in value.object().ok_or_else(|| illegal("updateUserGroup must be a JSON object".to_owned()))? {
        match key.as_str() {
            "name" => {
                let name = expect_text(key, value)?;
                rules::group_name(name)?;
                fields.name = Some(name.to_owned());
            }
            "description" => fields.description = Some(expect_text(key, value)?.to_owned()),
            "option" => return Err(no_option("updateUserGroup")),
            other => return Err(illegal(format!("Unknown key in updateUserGroup: {other}"))),
        }
    }
    if fields.name.is_none() && fields.description.is_none() {
        return Err(Rejection::new(
            "error.user.command.missing.arguments",
            "updateUserGroup must have a name or a description",
        ));
    }
    Ok(fields)
}
