//! `umapi profiles`.

use clap::{Args, Subcommand};
use umapi::model::{Group, GroupType};

use super::pages::write_pages;
use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Result},
    output::GroupRecord,
};

/// Product profiles: list them, with their licenses.
///
/// Who is in one says `umapi groups members NAME`; profiles are made in the Admin Console.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    List(ListArgs),
}

/// Lists the product profiles.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi profiles list
  umapi profiles list --product Photoshop")]
pub(crate) struct ListArgs {
    /// Only profiles of this product.
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
            let is_meant = product
                .as_ref()
                .is_none_or(|wanted| profile.product_name.as_ref().is_some_and(|name| name.to_lowercase() == *wanted));
            is_meant.then(|| GroupRecord::from(profile))
        };
        write_pages(context, &connection, pager, None, "cannot list the profiles", pick).await
    }
}
