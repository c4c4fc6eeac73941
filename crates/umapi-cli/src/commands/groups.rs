//! `umapi groups`: list and look up groups; create, change and delete user groups.

use std::collections::HashSet;

use clap::{Args, Subcommand, ValueEnum};
use umapi::{
    Command, NewGroup, UserGroupUpdate,
    model::{Group, GroupType},
    plan::account::FoldedName,
};

use super::{
    group_members::write_members,
    name_args::{self, NameFile},
    pages::write_list,
};
use crate::{
    batch::{self, Place, SmallBatch},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::warn_about_list,
    input::{ListedName, check_name},
    member_filter::MemberFilter,
    options::{IfExists, WriteArgs},
    output::{GroupRecord, UserRecord},
};

/// The number of groups that are shown before a question.
const SHOWN: usize = 20;

/// List and look up groups; create, change and delete user groups
#[derive(Debug, Subcommand)]
pub(crate) enum GroupsCommand {
    List(ListArgs),
    Get(GetArgs),
    Members(MembersArgs),
    Create(CreateArgs),
    Update(UpdateArgs),
    Delete(DeleteArgs),
}

impl GroupsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::List(arguments) => arguments.run(context).await,
            Self::Get(arguments) => arguments.run(context).await,
            Self::Members(arguments) => arguments.run(context).await,
            Self::Create(arguments) => arguments.run(context).await,
            Self::Update(arguments) => arguments.run(context).await,
            Self::Delete(arguments) => arguments.run(context).await,
        }
    }
}

/// List all groups, or the groups of a type
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups list
  umapi groups list --type user-group --format csv")]
pub(crate) struct ListArgs {
    /// List only groups of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Type>,
}

/// A group type.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Type {
    UserGroup,
    ProductProfile,
    SystemAdmins,
    DeploymentAdmins,
    SupportAdmins,
    ProductAdmins,
    ProfileAdmins,
    UserGroupAdmins,
    Developers,
}

impl Type {
    fn of_service(self) -> GroupType {
        match self {
            Self::UserGroup => GroupType::UserGroup,
            Self::ProductProfile => GroupType::ProductProfile,
            Self::SystemAdmins => GroupType::SysadminGroup,
            Self::DeploymentAdmins => GroupType::DeploymentAdminGroup,
            Self::SupportAdmins => GroupType::SupportAdminGroup,
            Self::ProductAdmins => GroupType::ProductAdminGroup,
            Self::ProfileAdmins => GroupType::ProfileAdminGroup,
            Self::UserGroupAdmins => GroupType::UserAdminGroup,
            Self::Developers => GroupType::DeveloperGroup,
        }
    }
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "groups").await?;
        let groups = connection.groups(context, "cannot list the groups").await?;
        let kind = self.kind.map(Type::of_service);
        let pick = |group: Group| {
            let is_listed = kind.as_ref().is_none_or(|kind| group.type_.as_ref() == Some(kind));
            is_listed.then(|| GroupRecord::from(group))
        };
        write_list(context, &connection, groups, None, pick).await
    }
}

/// Show a group
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups get 'Default Photoshop configuration'
  umapi groups get 1234567")]
pub(crate) struct GetArgs {
    /// The name or the id of the user group, product profile or admin group
    name: String,
}

impl GetArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "groups").await?;
        check_name(&self.name).map_err(|rule| Failure::usage(rule).remedy("correct the name"))?;
        let mut groups = connection.groups(context, &format!("cannot look up the group {}", self.name)).await?;
        // The whole list is read, for the next commands.
        let group = self.find(groups.collect().await?);
        warn_about_list(context, &groups);
        let is_old = groups.is_from_cache();
        drop(connection);
        let group = group.ok_or_else(|| match unknown(&self.name) {
            failure if is_old => failure.remedy("if it was created since, add --refresh to read the groups again"),
            failure => failure,
        })?;
        context.write_single(&GroupRecord::from(group))?;
        Ok(Exit::Success)
    }
}

impl GetArgs {
    /// Finds the group by its name or, if no group has this name, by its id.
    fn find(&self, groups: Vec<Group>) -> Option<Group> {
        let (name, id) = (FoldedName::new(&self.name), self.name.parse::<u64>().ok());
        let is_named = |group: &Group| FoldedName::new(&group.group_name) == name;
        let has_id = |group: &Group| id.is_some() && group.group_id == id;
        let position = groups.iter().position(is_named).or_else(|| groups.iter().position(has_id))?;
        groups.into_iter().nth(position)
    }
}

pub(super) fn unknown(name: &str) -> Failure {
    Failure::failed(format!("group \"{name}\" does not exist"))
        .remedy("check the spelling, or list the groups with \"umapi groups list\"")
}

/// List the members of a group
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups members Design
  umapi groups members Photoshop --inactive")]
pub(crate) struct MembersArgs {
    /// The name or the id of the user group, product profile or admin group
    #[arg(id = "group", value_name = "NAME")]
    group: String,

    #[command(flatten)]
    filter: MemberFilter,
}

impl MembersArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "members").await?;
        let groups = [self.group];
        write_members(context, &connection, (&groups, &self.filter), None, |user| Some(UserRecord::from(user))).await
    }
}

/// Create a user group
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups create Design --description 'All designers'
  umapi groups create Design --if-exists ignore --add-profile Photoshop")]
pub(crate) struct CreateArgs {
    /// The name of the group
    name: String,

    /// The description of the group
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// What to do if the group exists already
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    if_exists: IfExists,

    /// Give its members this product profile; can be repeated
    #[arg(long, value_name = "PROFILE")]
    add_profile: Vec<String>,

    #[command(flatten)]
    options: WriteArgs,
}

impl CreateArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut new = NewGroup::new(self.name);
        if let Some(description) = self.description {
            new = new.description(description);
        }
        new = match self.if_exists {
            IfExists::Error => new,
            IfExists::Ignore => new.ignore_if_exists(),
            IfExists::Update => new.update_if_exists(),
        };
        let mut command = Command::create_group(new);
        if !self.add_profile.is_empty() {
            command = command.add_profiles(&self.add_profile);
        }
        batch::run_small(context, [batch::checked(command.into())?], &self.options).await
    }
}

/// Change the name, the description or the profiles of a user group
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups update Design --name Drawing
  umapi groups update Design --add-profile Photoshop")]
#[command(override_usage = "umapi groups update [OPTIONS] <NAME>")]
#[group(id = "change", required = true, multiple = true, args = ["new_name", "description", "add_profile", "remove_profile"])]
pub(crate) struct UpdateArgs {
    /// The current name of the group
    name: String,

    /// The new name
    #[arg(long = "name", id = "new_name", value_name = "NAME")]
    new_name: Option<String>,

    /// The new description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Give its members this product profile; can be repeated
    #[arg(long, value_name = "PROFILE")]
    add_profile: Vec<String>,

    /// Take this product profile from its members; can be repeated
    #[arg(long, value_name = "PROFILE")]
    remove_profile: Vec<String>,

    #[command(flatten)]
    options: WriteArgs,
}

impl UpdateArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut command = Command::group(self.name);
        let mut update = UserGroupUpdate::default();
        (update.name, update.description) = (self.new_name, self.description);
        if update != UserGroupUpdate::default() {
            command = command.update(update);
        }
        if !self.remove_profile.is_empty() {
            command = command.remove_profiles(&self.remove_profile);
        }
        if !self.add_profile.is_empty() {
            command = command.add_profiles(&self.add_profile);
        }
        batch::run_small(context, [batch::checked(command.into())?], &self.options).await
    }
}

/// Delete user groups (their members stay in the organization)
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups delete Design --yes
  umapi groups delete --from old-groups.txt --dry-run")]
pub(crate) struct DeleteArgs {
    /// The names of the groups
    #[arg(value_name = "NAME", required_unless_present = "from")]
    names: Vec<String>,

    #[command(flatten)]
    file: NameFile,

    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    options: WriteArgs,
}

impl DeleteArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut seen = HashSet::new();
        let mut names = name_args::names(&self.names, &self.file)?;
        names.retain(|listed| seen.insert(FoldedName::new(&listed.name)));
        let deletion = |(number, listed): (u64, &ListedName)| {
            let command = batch::checked(Command::group(&listed.name).delete())?;
            Ok((Place { number, line: listed.line }, command))
        };
        let commands = (1..).zip(&names).map(deletion).collect::<Result<Vec<_>>>()?;
        if !self.options.dry_run && !commands.is_empty() {
            let what = match names.as_slice() {
                [group] => format!("the user group {}", group.name),
                groups => {
                    if !self.yes {
                        groups.iter().take(SHOWN).for_each(|group| context.note(&format!("  {}", group.name)));
                        if groups.len() > SHOWN {
                            context.note(&format!("  and {} more", groups.len() - SHOWN));
                        }
                    }
                    format!("{} user groups", groups.len())
                }
            };
            context.confirm(&format!("Delete {what}?"), self.yes)?;
        }
        SmallBatch::open(context).await?.run(context, commands, Vec::new(), &self.options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_service_can_be_listed() {
        let offered: Vec<GroupType> = Type::value_variants().iter().map(|kind| kind.of_service()).collect();
        for known in GroupType::KNOWN {
            assert!(offered.contains(&known), "`umapi groups list --type` does not offer {known}");
        }
    }
}
