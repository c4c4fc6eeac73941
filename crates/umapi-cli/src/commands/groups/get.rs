//! `umapi groups get`.

use clap::Args;

use crate::{
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    listing::Work,
    records::GroupRecord,
};

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
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let work = Work::begin(context, "groups").await?;
        let group = work.connection.client.groups().get(&self.name).await;
        let group = group.map_err(|error| Failure::of_service(format!("cannot look up {}", self.name), &error))?;
        drop(work);
        let group = group.ok_or_else(|| unknown(&self.name))?;
        context.write_single(&GroupRecord::from(group))?;
        Ok(Exit::Done)
    }
}

/// There is no such group.
fn unknown(name: &str) -> Failure {
    Failure::new(Exit::Refused, format!("there is no group {name}"))
        .why("the organization has no group of this name")
        .remedy("check the spelling; umapi groups list shows all")
}
