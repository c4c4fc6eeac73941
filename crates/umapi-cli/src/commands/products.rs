//! `umapi products`.

use clap::{Args, Subcommand};

use super::pages::write_pages;
use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    output::ProductRecord,
};

/// Products of the organization: list, look up.
#[derive(Debug, Subcommand)]
pub(crate) enum ProductsCommand {
    List(ListArgs),
    Get(GetArgs),
}

/// Lists the products.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {}

/// Looks a product up by its id.
#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// The id, as `umapi products list` shows it.
    id: String,
}

impl ProductsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "products").await?;
        let products = connection.client.legacy().products();
        match self {
            Self::List(_) => {
                let pick = |product| Some(ProductRecord::from(product));
                write_pages(context, &connection, products.list(), None, "cannot list the products", pick).await
            }
            Self::Get(GetArgs { id }) => {
                let product = products.get(&id).await;
                let product = product.map_err(|error| Failure::of_service(format!("cannot look up {id}"), &error))?;
                let product = product.ok_or_else(|| {
                    Failure::new(Exit::Failed, format!("there is no product {id}"))
                        .why("the organization has no product of this id")
                        .remedy("umapi products list shows the ids")
                })?;
                drop(connection);
                context.write_single(&ProductRecord::from(product))?;
                Ok(Exit::Success)
            }
        }
    }
}
