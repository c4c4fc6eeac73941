//! `umapi users get`.

use clap::Args;

use crate::{
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    listing::Work,
    records::UserRecord,
};

/// Looks users up.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users get ann@example.com
  umapi users get ann --domain example.com          a user name of a domain with username login
  umapi users get ann@example.com --adobe-id        the Adobe ID of an address that has two accounts")]
pub(crate) struct GetArgs {
    /// Email addresses, or user names together with --domain.
    #[arg(required = true, value_name = "USER")]
    users: Vec<String>,

    /// The domain of the user names.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,

    /// The Adobe ID, where an Enterprise or Federated ID has the same address.
    #[arg(long, conflicts_with = "domain")]
    adobe_id: bool,
}

impl GetArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let work = Work::begin(context, "users").await?;
        let service = work.connection.client.users();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for name in &self.users {
            let answer = match &self.domain {
                Some(domain) => service.get_by_username(name, domain).await,
                None if self.adobe_id => service.get_adobe_id(name).await,
                None => service.get(name).await,
            };
            match answer.map_err(|error| Failure::of_service(format!("cannot look up {name}"), &error))? {
                Some(user) => found.push(UserRecord::from(user)),
                None => missing.push(name.as_str()),
            }
        }
        drop(work);
        match (found.as_slice(), self.users.len()) {
            ([user], 1) => context.write_single(user)?,
            ([], 1) => {}
            _ => {
                let mut listing = context.listing();
                found.iter().try_for_each(|user| listing.push(user))?;
                listing.finish()?;
            }
        }
        if missing.is_empty() {
            return Ok(Exit::Done);
        }
        Err(Failure::new(Exit::Refused, format!("there is no user {}", missing.join(", ")))
            .why("the organization has no active user of this name")
            .remedy("check the spelling; umapi users list shows all; user names need --domain"))
    }
}
