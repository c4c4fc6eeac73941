//! `umapi groups`: list and look up groups; create, change and delete user groups.

use clap::{Args, Subcommand, ValueEnum};
use umapi::{Command, UserGroupUpdate, model::GroupType};

use super::pages::write_pages;
use crate::{
    batch,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    member_filter::MemberFilter,
    output::{GroupRecord, UserRecord},
};

/// Groups of all types: list, look up; user groups also create, change, delete.
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

/// Lists groups of all types, or of one.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups list
  umapi groups list --type user-group --format csv")]
pub(crate) struct ListArgs {
    /// Only groups of this type.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Type>,
}

/// The types of groups.
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
        let groups = connection.client.groups();
        let pager = match self.kind {
            Some(kind) => groups.of_type(kind.of_service()).list(),
            None => groups.list(),
        };
        write_pages(context, &connection, pager, None, "cannot list the groups", |group| Some(GroupRecord::from(group)))
            .await
    }
}

/// Looks a group up by its name.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  umapi groups get 'Default Photoshop configuration'")]
pub(crate) struct GetArgs {
    /// The name of a user group, a product profile or an administrative group.
    name: String,
}

impl GetArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "groups").await?;
        let group = connection.client.groups().get(&self.name).await;
        let group = group.map_err(|error| Failure::of_service(format!("cannot look up {}", self.name), &error))?;
        drop(connection);
        let group = group.ok_or_else(|| unknown(&self.name))?;
        context.write_single(&GroupRecord::from(group))?;
        Ok(Exit::Success)
    }
}

/// There is no such group.
fn unknown(name: &str) -> Failure {
    Failure::new(Exit::Failed, format!("there is no group {name}"))
        .why("the organization has no group of this name")
        .remedy("check the spelling; umapi groups list shows all")
}

/// Lists the members of a group.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups members Design
  umapi groups members Photoshop --status inactive  who waits for a license")]
pub(crate) struct MembersArgs {
    /// The name of a user group, a product profile or an administrative group.
    #[arg(id = "group", value_name = "NAME")]
    group: String,

    #[command(flatten)]
    filter: MemberFilter,
}

impl MembersArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "members").await?;
        let pager = self.filter.apply(connection.client.users().in_group(&self.group)).list();
        let what_failed = format!("cannot list the members of {}", self.group);
        write_pages(context, &connection, pager, None, &what_failed, |user| Some(UserRecord::from(user))).await
    }
}

/// Creates a user group. Product profiles come from the Admin Console.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups create Design --description 'Everybody who draws'
  umapi groups create Design --if-exists ignore --add-profile Photoshop")]
pub(crate) struct CreateArgs {
    /// The name.
    name: String,

    /// What the group is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// What to do if the group is there already. `update` changes its description.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    if_exists: batch::IfExists,

    /// Gives its members this product profile; may be given several times.
    #[arg(long, value_name = "PROFILE")]
    add_profile: Vec<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl CreateArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut command = Command::group(self.name).create_user_group();
        if let Some(description) = self.description {
            command = command.description(description);
        }
        command = self.if_exists.apply(command);
        if !self.add_profile.is_empty() {
            command = command.add_profiles(&self.add_profile);
        }
        batch::run_small(context, [batch::checked(command)?], &self.options).await
    }
}

/// Renames or describes a user group, and changes the product profiles of its members.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups update Design --name Drawing
  umapi groups update Design --add-profile Photoshop --remove-profile Illustrator")]
#[group(id = "change", required = true, multiple = true, args = ["new_name", "description", "add_profile", "remove_profile"])]
pub(crate) struct UpdateArgs {
    /// The name that it has.
    name: String,

    /// The new name.
    #[arg(long = "name", id = "new_name", value_name = "NAME")]
    new_name: Option<String>,

    /// The new description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Gives its members this product profile; may be given several times.
    #[arg(long, value_name = "PROFILE")]
    add_profile: Vec<String>,

    /// Takes this product profile from its members; may be given several times.
    #[arg(long, value_name = "PROFILE")]
    remove_profile: Vec<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl UpdateArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut command = Command::group(self.name);
        let mut update = UserGroupUpdate::default();
        (update.name, update.description) = (self.new_name, self.description);
        if update != UserGroupUpdate::default() {
            command = command.update_user_group(update);
        }
        if !self.remove_profile.is_empty() {
            command = command.remove_profiles(&self.remove_profile);
        }
        if !self.add_profile.is_empty() {
            command = command.add_profiles(&self.add_profile);
        }
        batch::run_small(context, [batch::checked(command)?], &self.options).await
    }
}

/// Deletes user groups. Their members stay in the organization, without what the group gave them.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  umapi groups delete Design --yes")]
pub(crate) struct DeleteArgs {
    /// The names.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,

    /// Does not ask.
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl DeleteArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let deletion = |name| batch::checked(Command::group(name).delete_user_group());
        let commands = self.names.iter().map(deletion).collect::<Result<Vec<_>>>()?;
        if !self.options.dry_run {
            let what = match self.names.as_slice() {
                [one] => format!("the user group {one}"),
                many => format!("{} user groups", many.len()),
            };
            context.confirm(&format!("delete {what}?"), self.yes)?;
        }
        batch::run_small(context, commands, &self.options).await
    }
}
