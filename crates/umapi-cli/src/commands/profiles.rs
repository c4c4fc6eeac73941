//! `umapi profiles`: list product profiles.

use clap::{Args, Subcommand};
use umapi::model::{Group, GroupType};

use super::pages::write_list;
use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Result},
    output::GroupRecord,
};

/// List the product profiles and their licenses
///
/// List the members of a profile with `umapi groups members NAME`. Create profiles in the Admin Console.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    List(ListArgs),
}

/// List the product profiles
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi profiles list
  umapi profiles list --product Photoshop")]
pub(crate) struct ListArgs {
    /// List only the profiles of this product
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
}

impl ProfilesCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let Self::List(ListArgs { product }) = self;
        let product = product.map(|name| name.to_lowercase());
        let connection = Connection::for_list(context, "profiles").await?;
        let groups = connection.groups(context, "cannot list the profiles").await?;
        let pick = |profile: Group| {
            let is_profile = profile.type_ == Some(GroupType::ProductProfile);
            let is_of_product = product
                .as_ref()
                .is_none_or(|wanted| profile.product_name.as_ref().is_some_and(|name| name.to_lowercase() == *wanted));
            (is_profile && is_of_product).then(|| GroupRecord::from(profile))
        };
        write_list(context, &connection, groups, None, pick).await
    }
}
