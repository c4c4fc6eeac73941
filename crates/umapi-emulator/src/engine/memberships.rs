//! `add`, `remove`, `addRoles` and `removeRoles` on a user.

use super::add_remove::{Names, NamesOf};
use super::command::{Context, Target};
use super::refusal::refuse;
use super::{Refusal, Rejected};
use crate::store::{GroupKind, GroupRow};

/// Roles that the service neither gives nor takes. `_org_admin` is a group of the organization; the other two are named in
/// the documentation and exist for organizations with compartments only.
const UNTOUCHABLE: [&str; 3] = ["_org_admin", "_compartment_admin", "_compartment_viewer"];

/// What `admin` lists call the roles over the organization itself.
const OWN_ROLES: [(&str, &str); 3] =
    [("org", "_org_admin"), ("support", "_support_admin"), ("deployment", "_deployment_admin")];

impl Context<'_, '_> {
    /// `add`, and `addRoles` (deprecated), which only names the groups in another way.
    pub(super) fn add_to_groups(&mut self, lists: &[Names]) -> Result<(), Rejected> {
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

    /// `remove`, and `removeRoles` (deprecated): what the user is not in is no error.
    pub(super) fn remove_from_groups(&mut self, lists: &[Names]) -> Result<(), Rejected> {
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

    /// `"remove": "all"`: user groups, profiles and administrative roles, except `_org_admin` and groups whose users another
    /// organization owns.
    pub(super) fn remove_from_all_groups(&mut self) -> Result<(), Rejected> {
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

    /// The user and the groups of a step. A missing user is reported before a missing group; in test mode a missing user is
    /// none, and the groups are still checked.
    fn user_and_groups(&mut self, lists: &[Names]) -> Result<(Target, Vec<GroupRow>), Rejected> {
        let user = self.member()?;
        let mut groups = Vec::new();
        for list in lists {
            for name in &list.names {
                groups.extend(self.group(list.of, name)?);
            }
        }
        Ok((user, groups))
    }

    /// The group that a name in a list means; `None` if an earlier command would have made it, in test mode.
    fn group(&self, of: NamesOf, name: &str) -> Result<Option<GroupRow>, Rejected> {
        let full_name = match of {
            NamesOf::Administered => match OWN_ROLES.iter().find(|(role, _)| *role == name) {
                Some((_, group)) => (*group).to_owned(),
                None => format!("_admin_{name}"),
            },
            NamesOf::Products => format!("_product_admin_{name}"),
            NamesOf::Groups | NamesOf::Profiles | NamesOf::UserGroups => name.to_owned(),
        };
        if UNTOUCHABLE.iter().any(|role| role.eq_ignore_ascii_case(&full_name)) {
            return refuse(
                "error.command.illegal_entry",
                format!("Group {full_name} can be neither given nor taken by the API"),
            );
        }
        let group = self.tx.rows().group_by_name(self.org.id, &full_name)?.filter(|group| match of {
            NamesOf::Profiles => group.kind == GroupKind::Profile,
            NamesOf::UserGroups => group.kind == GroupKind::UserGroup,
            NamesOf::Groups | NamesOf::Administered | NamesOf::Products => true,
        });
        match group {
            Some(group) => Ok(Some(group)),
            None if self.is_promised(&full_name) => Ok(None),
            None if of == NamesOf::Products => {
                refuse("error.user.productadmin.group.not_found", format!("Product {name} was not found"))
            }
            None => refuse("error.group.not_found", format!("Group {name} was not found")),
        }
    }
}

pub(super) fn read_only_add(group: &GroupRow) -> Rejected {
    Refusal::new(
        "error.usergroup.readonly.add_user_not_allowed",
        format!("User cannot be added to group as owned by another org and readonly: {}", group.name),
    )
    .into()
}

pub(super) fn read_only_remove(group: &GroupRow) -> Rejected {
    Refusal::new(
        "error.usergroup.readonly.remove_user_not_allowed",
        format!("User cannot be removed from group as owned by another org and readonly: {}", group.name),
    )
    .into()
}
