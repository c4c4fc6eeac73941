//! `umapi auth token`.

use clap::Args;
use serde::Serialize;

use crate::{
    cli::Format,
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    listing::Work,
    local_time,
    output::{Column, Record, column},
};

/// Logs in and writes the access token to stdout, for another program.
///
/// Whoever has the token can do everything that the login can, until it expires.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  curl -H \"Authorization: Bearer $(umapi auth token)\" -H \"X-Api-Key: $CLIENT_ID\" …")]
pub(crate) struct TokenArgs {}

#[derive(Serialize)]
struct Token {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
}

impl Record for Token {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("access_token", |token: &Self| (&token.access_token).into()),
            column("valid_until", |token| (&token.valid_until).into()),
        ]
    }
}

impl TokenArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let work = Work::begin_change(context, "login").await?;
        let token = work.connection.session.token().await;
        let token = token.map_err(|error| Failure::of_login("the login is refused", &error))?;
        if context.format() == Format::Table {
            context.write(format!("{}\n", token.reveal()).as_bytes())?;
            return Ok(Exit::Done);
        }
        let valid_until = token.expires().map(|end| local_time::utc_of(end, &context.clock));
        let token = Token { access_token: token.reveal().to_owned(), valid_until };
        context.write_single(&token)?;
        Ok(Exit::Done)
    }
}
