//! `umapi products`.

use clap::{Args, Subcommand};

use crate::{
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    listing::{Work, write_pages},
    records::ProductRecord,
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
        let work = Work::begin(context, "products").await?;
        let products = work.connection.client.legacy().products();
        match self {
            Self::List(_) => {
                let pick = |product| Some(ProductRecord::from(product));
                write_pages(context, &work, products.list(), None, "cannot list the products", pick).await
            }
            Self::Get(GetArgs { id }) => {
                let product = products.get(&id).await;
                let product = product.map_err(|error| Failure::of_service(format!("cannot look up {id}"), &error))?;
                let product = product.ok_or_else(|| {
                    Failure::new(Exit::Refused, format!("there is no product {id}"))
                        .why("the organization has no product of this id")
                        .remedy("umapi products list shows the ids")
                })?;
                drop(work);
                context.write_single(&ProductRecord::from(product))?;
                Ok(Exit::Done)
            }
        }
    }
}
