//! `add`, `remove`, `addRoles` and `removeRoles`: parsing their lists, and running them on a user.

use std::collections::HashSet;

use super::{
    command::{Context, Target},
    outcome::{EngineError, Rejection, reject},
    request::{Json, ParseOptions},
    rules,
};
use crate::store::{GroupKind, GroupRow, fold};

const DUPLICATE_USERS: &str = "error.command.add_remove.duplicate.user_list";

/// What the names of a list refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamesOf {
    /// Groups of every kind.
    Groups,
    /// The subjects of `_admin_…` groups.
    Administered,
    /// The products of `_product_admin_…` groups.
    Products,
}

/// One list of an `add` or `remove`.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) of: NamesOf,
    pub(super) names: Vec<String>,
}

/// The value of `add` or `remove` in a command on a user.
pub(super) enum UserLists {
    All,
    Some(Vec<Names>),
}

/// The value of `add` or `remove` in a command on a user group.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupLists {
    pub(super) users: Vec<String>,
    pub(super) profiles: Vec<String>,
}

/// Parses the lists of a command on a user. The older keys find groups of every kind, like `group`: clients of 2018 send
/// user groups under `product`.
pub(super) fn user_lists(
    step: &str,
    value: &Json,
    options: &ParseOptions,
    deprecated: &mut Vec<String>,
) -> Result<UserLists, Rejection> {
    let Some(fields) = object_or_all(step, value)? else { return Ok(UserLists::All) };
    let mut lists: Vec<Names> = Vec::new();
    for (key, value) in fields {
        let (of, instead, twice) = match key.as_str() {
            "group" => (NamesOf::Groups, None, "error.command.add_remove.duplicate.group_list"),
            "product" => {
                (NamesOf::Groups, Some("productConfiguration"), "error.command.add_remove.duplicate.product_list")
            }
            "productConfiguration" => {
                (NamesOf::Groups, Some("group"), "error.command.add_remove.duplicate.product_list")
            }
            "usergroup" => (NamesOf::Groups, Some("group"), "error.command.add_remove.duplicate.usergroup_list"),
            _ => return Err(unknown_key(step, key)),
        };
        deprecated.extend(instead.map(|instead| use_instead(key, instead)));
        only_once(step, fields, key, twice)?;
        let names = group_names(key, value, options)?;
        if key == "usergroup" {
            no_duplicates(&names, twice, "user group")?;
        }
        lists.push(Names { of, names });
    }
    if lists.is_empty() {
        return Err(missing_list(step));
    }
    Ok(UserLists::Some(lists))
}

pub(super) fn role_lists(step: &str, value: &Json, options: &ParseOptions) -> Result<Vec<Names>, Rejection> {
    let mut lists: Vec<Names> = Vec::new();
    let fields = value.object().ok_or_else(|| neither_object_nor_all(step, false))?;
    for (key, value) in fields {
        let (of, twice) = match key.as_str() {
            "admin" => (NamesOf::Administered, "error.command.add_remove.duplicate.group_list"),
            "productAdmin" => (NamesOf::Products, "error.command.add_remove.duplicate.productadmin_list"),
            _ => return Err(unknown_key(step, key)),
        };
        only_once(step, fields, key, twice)?;
        let names = group_names(key, value, options)?;
        if of == NamesOf::Products {
            no_duplicates(&names, twice, "product")?;
        }
        lists.push(Names { of, names });
    }
    if lists.is_empty() {
        return Err(missing_list(step));
    }
    Ok(lists)
}

/// Parses the lists of a command on a user group. `None` is `"all"`.
pub(super) fn group_lists(
    step: &str,
    value: &Json,
    options: &ParseOptions,
    deprecated: &mut Vec<String>,
) -> Result<Option<GroupLists>, Rejection> {
    let Some(fields) = object_or_all(step, value)? else { return Ok(None) };
    if fields.is_empty() {
        return Err(Rejection::new(
            "error.command.add_remove.user_usergroup.missing",
            format!("{step} must have a list user or productConfiguration"),
        ));
    }
    let mut lists = GroupLists::default();
    for (key, value) in fields {
        match key.as_str() {
            "user" | "users" => {
                deprecated.extend((key == "users").then(|| use_instead(key, "user")));
                only_once(step, fields, key, DUPLICATE_USERS)?;
                lists.users.extend(user_names(key, value, options)?);
            }
            "productConfiguration" | "product" => {
                deprecated.extend((key == "product").then(|| use_instead(key, "productConfiguration")));
                only_once(step, fields, key, "error.command.add_remove.duplicate.product_list")?;
                if value.array() != Some(&[]) {
                    lists.profiles.extend(group_names(key, value, options)?);
                }
            }
            _ => return Err(unknown_key(step, key)),
        }
    }
    no_duplicates(&lists.users, DUPLICATE_USERS, "user")?;
    if lists.users.is_empty() && lists.profiles.is_empty() && !options.loose {
        return Err(Rejection::new(
            "error.usergroup.command.missing.arguments",
            format!("No users or profiles found to associate with the user group in {step}"),
        ));
    }
    Ok(Some(lists))
}

/// Returns the fields of the object, or `None` for `"all"`, which only `remove` accepts.
fn object_or_all<'a>(step: &str, value: &'a Json) -> Result<Option<&'a [(String, Json)]>, Rejection> {
    let may_be_all = step == "remove";
    match value {
        Json::Object(fields) => Ok(Some(fields)),
        Json::Text(text) if may_be_all && text == "all" => Ok(None),
        _ => Err(neither_object_nor_all(step, may_be_all)),
    }
}

fn neither_object_nor_all(step: &str, may_be_all: bool) -> Rejection {
    let or_all = if may_be_all { " or \"all\"" } else { "" };
    Rejection::new("error.command.add_remove.list", format!("{step} must be a JSON object{or_all}"))
}

fn unknown_key(step: &str, key: &str) -> Rejection {
    Rejection::new("error.command.add_remove.key.unknown", format!("Unknown key in {step}: {key}"))
}

fn missing_list(step: &str) -> Rejection {
    Rejection::new("error.command.add_remove.missing_list", format!("{step} must have a list of names"))
}

/// Rejects a key that occurs twice. An older key for the same list is allowed beside it: their names are combined.
fn only_once(step: &str, fields: &[(String, Json)], key: &str, twice: &'static str) -> Result<(), Rejection> {
    if fields.iter().filter(|(other, _)| other == key).count() > 1 {
        return Err(Rejection::new(twice, format!("{step} has more than one list for {key}")));
    }
    Ok(())
}

fn use_instead(key: &str, instead: &str) -> String {
    format!("'{key}' command is deprecated. Please use {instead}.")
}

fn items<'a>(key: &str, value: &'a Json, options: &ParseOptions) -> Result<&'a [Json], Rejection> {
    let items = value.array().ok_or_else(|| {
        Rejection::new("error.command.add_remove.list_not_array", format!("{key} must be a JSON array"))
    })?;
    if items.len() > options.sizes.names {
        return Err(Rejection::new(
            "error.command.add_remove.list_too_long",
            format!("Too many entries in {key}: {}, max {}", items.len(), options.sizes.names),
        ));
    }
    Ok(items)
}

fn group_names(key: &str, value: &Json, options: &ParseOptions) -> Result<Vec<String>, Rejection> {
    let items = items(key, value, options)?;
    let invalid = || {
        Rejection::new("error.group.invalid_list", format!("{key} is empty, or contains an entry that is not a name"))
    };
    if items.is_empty() && !options.loose {
        return Err(invalid());
    }
    items
        .iter()
        .map(|item| {
            let name = item.text().filter(|name| !name.is_empty()).ok_or_else(invalid)?;
            rules::group_reference(name)?;
            Ok(name.to_owned())
        })
        .collect()
}

fn user_names(key: &str, value: &Json, options: &ParseOptions) -> Result<Vec<String>, Rejection> {
    items(key, value, options)?
        .iter()
        .map(|item| {
            let name = item.text().ok_or_else(|| {
                Rejection::new("error.user.user_list.invalid", format!("{key} contains an entry that is not a string"))
            })?;
            rules::listed_user(name)?;
            Ok(name.to_owned())
        })
        .collect()
}

/// Rejects a name that occurs twice, ignoring case as the service does.
pub(super) fn no_duplicates(names: &[String], code: &'static str, what: &str) -> Result<(), Rejection> {
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(fold(name))) {
        Some(name) => Err(Rejection::new(code, format!("A {what} is listed twice: {name}"))),
        None => Ok(()),
    }
}

/// Roles that the API can neither add nor remove. `_org_admin` is a group of the organization; the other two are in the
/// documentation, and exist only for organizations with compartments.
const PROTECTED_ROLES: [&str; 3] = ["_org_admin", "_compartment_admin", "_compartment_viewer"];

/// The names that an `admin` list uses for the roles over the organization itself.
const OWN_ROLES: [(&str, &str); 3] =
    [("org", "_org_admin"), ("support", "_support_admin"), ("deployment", "_deployment_admin")];

impl Context<'_, '_> {
    /// Runs `add`, and `addRoles` (deprecated), which only names the groups differently.
    pub(super) fn add_to_groups(&mut self, lists: &[Names]) -> Result<(), EngineError> {
        let (user, groups) = self.user_and_groups(lists)?;
        let Target::User(user) = user else { return Ok(()) };
        for group in groups {
            if group.read_only {
                return Err(read_only_add(&group));
            }
            self.tx.add_member(&user, group.id)?;
        }
        Ok(())
    }

    /// Runs `remove`, and `removeRoles` (deprecated). Removing a membership that does not exist is not an error.
    pub(super) fn remove_from_groups(&mut self, lists: &[Names]) -> Result<(), EngineError> {
        let (user, groups) = self.user_and_groups(lists)?;
        let Target::User(user) = user else { return Ok(()) };
        for group in groups {
            if group.read_only {
                return Err(read_only_remove(&group));
            }
            self.tx.remove_member(&user, group.id)?;
        }
        Ok(())
    }

    /// Runs `"remove": "all"`: removes user groups, profiles and administrative roles, but not `_org_admin`, and not
    /// groups whose users another organization owns.
    pub(super) fn remove_from_all_groups(&mut self) -> Result<(), EngineError> {
        let Target::User(user) = self.member()? else { return Ok(()) };
        for membership in self.tx.rows().memberships(user.id)? {
            let group = self.tx.rows().group_row(self.org.id, membership.group)?;
            let takeable = group.is_some_and(|group| group.kind != GroupKind::SystemAdmin && !group.read_only);
            if membership.is_direct() && takeable {
                self.tx.remove_member(&user, membership.group)?;
            }
        }
        Ok(())
    }

    /// Returns the user and the groups of a step. A missing user is reported before a missing group; in test mode a
    /// missing user is allowed, and the groups are still checked.
    fn user_and_groups(&mut self, lists: &[Names]) -> Result<(Target, Vec<GroupRow>), EngineError> {
        let user = self.member()?;
        let mut groups = Vec::new();
        for list in lists {
            for name in &list.names {
                groups.extend(self.group(list.of, name)?);
            }
        }
        Ok((user, groups))
    }

    /// Returns the group that a name in a list refers to; `None` if an earlier command would have created it, in test
    /// mode.
    fn group(&self, of: NamesOf, name: &str) -> Result<Option<GroupRow>, EngineError> {
        let full_name = match of {
            NamesOf::Administered => match OWN_ROLES.iter().find(|(role, _)| *role == name) {
                Some((_, group)) => (*group).to_owned(),
                None => format!("_admin_{name}"),
            },
            NamesOf::Products => format!("_product_admin_{name}"),
            NamesOf::Groups => name.to_owned(),
        };
        if PROTECTED_ROLES.iter().any(|role| role.eq_ignore_ascii_case(&full_name)) {
            return reject(
                "error.command.illegal_entry",
                format!("The API cannot add or remove members of the group {full_name}"),
            );
        }
        match self.tx.rows().group_by_name(self.org.id, &full_name)? {
            Some(group) => Ok(Some(group)),
            None if self.is_planned(&full_name) => Ok(None),
            None if of == NamesOf::Products => {
                reject("error.user.productadmin.group.not_found", format!("Product {name} was not found"))
            }
            None => reject("error.group.not_found", format!("Group {name} was not found")),
        }
    }
}

pub(super) fn read_only_add(group: &GroupRow) -> EngineError {
    Rejection::new(
        "error.usergroup.readonly.add_user_not_allowed",
        format!("User cannot be added to group as owned by another org and readonly: {}", group.name),
    )
    .into()
}

pub(super) fn read_only_remove(group: &GroupRow) -> EngineError {
    Rejection::new(
        "error.usergroup.readonly.remove_user_not_allowed",
        format!("User cannot be removed from group as owned by another org and readonly: {}", group.name),
    )
    .into()
}
