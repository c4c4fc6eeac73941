//! `umapi profiles`: list product profiles.

use clap::{Args, Subcommand};
use umapi::model::{Group, GroupType};

use super::pages::write_pages;
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
        let pager = connection.client.groups().of_type(GroupType::ProductProfile).list();
        let pick = |profile: Group| {
            let is_listed = product
                .as_ref()
                .is_none_or(|wanted| profile.product_name.as_ref().is_some_and(|name| name.to_lowercase() == *wanted));
            is_listed.then(|| GroupRecord::from(profile))
        };
        write_pages(context, &connection, pager, None, "cannot list the profiles", pick).await
    }
}
