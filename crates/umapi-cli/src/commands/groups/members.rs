//! `umapi groups members`.

use clap::Args;

use crate::{
    context::Context,
    exit::Exit,
    failure::Result,
    listing::{Work, write_pages},
    member_filter::MemberFilter,
    records::UserRecord,
};

/// Lists the members of a group.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups members Design
  umapi groups members Photoshop --status inactive  who waits for a license")]
pub(crate) struct MembersArgs {
    /// The name of a user group, a product profile or an administrative group.
    #[arg(id = "group", value_name = "NAME")]
    group: String,

    #[command(flatten)]
    filter: MemberFilter,
}

impl MembersArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let work = Work::begin(context, "members").await?;
        let pager = self.filter.apply(work.connection.client.users().in_group(&self.group)).list();
        let what_failed = format!("cannot list the members of {}", self.group);
        write_pages(context, &work, pager, None, &what_failed, |user| Some(UserRecord::from(user))).await
    }
}
