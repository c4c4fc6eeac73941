//! `umapi users list`.

use clap::Args;

use crate::{
    context::Context,
    exit::Exit,
    failure::Result,
    listing::{Work, write_pages},
    member_filter::MemberFilter,
    records::UserRecord,
};

/// Lists users: all, or those of a domain or a group.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users list
  umapi users list --domain example.com --format csv > users.csv
  umapi users list --group Photoshop --status inactive")]
pub(crate) struct ListArgs {
    /// Only users of this domain.
    #[arg(long, value_name = "DOMAIN", conflicts_with = "group")]
    domain: Option<String>,

    /// Only members of this user group, product profile or administrative group.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,

    #[command(flatten)]
    filter: MemberFilter,

    /// Stops after so many users.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl ListArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let work = Work::begin(context, "users").await?;
        let users = work.connection.client.users();
        let pager = match (&self.group, &self.domain) {
            (Some(group), _) => self.filter.apply(users.in_group(group)).list(),
            (None, Some(domain)) => users.domain(domain).direct_only(self.filter.direct_only()).list(),
            (None, None) => users.direct_only(self.filter.direct_only()).list(),
        };
        write_pages(context, &work, pager, self.limit, "cannot list the users", |user| Some(UserRecord::from(user)))
            .await
    }
}
