//! `umapi products`: list and look up products.

use clap::{Args, Subcommand};

use super::pages::write_pages;
use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    output::ProductRecord,
};

/// List and look up the products of the organization
#[derive(Debug, Subcommand)]
pub(crate) enum ProductsCommand {
    List(ListArgs),
    Get(GetArgs),
}

/// List the products
#[derive(Args, Debug)]
pub(crate) struct ListArgs {}

/// Show a product
#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// The id of the product, as in `umapi products list`
    id: String,
}

impl ProductsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "products").await?;
        let products = connection.client.legacy().products();
        match self {
            Self::List(_) => {
                let pick = |product| Some(ProductRecord::from(product));
                write_pages(context, &connection, products.list(), "cannot list the products", pick).await
            }
            Self::Get(GetArgs { id }) => {
                let product = products.get(&id).await;
                let product =
                    product.map_err(|error| Failure::of_service(format!("cannot look up the product {id}"), &error))?;
                let product = product.ok_or_else(|| {
                    Failure::failed(format!("product \"{id}\" does not exist"))
                        .remedy("list the products and their ids with \"umapi products list\"")
                })?;
                drop(connection);
                context.write_single(&ProductRecord::from(product))?;
                Ok(Exit::Success)
            }
        }
    }
}
