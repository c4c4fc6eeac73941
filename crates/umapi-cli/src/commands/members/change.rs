//! Adding and removing members.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use umapi::{GroupRef, MembershipAction, MembershipChange, UserRef};

use crate::{
    batch,
    context::Context,
    failure::{Exit, Result},
    input::{read_whole, unread},
    memberships,
};

/// Which users, and which groups.
#[derive(Args, Debug)]
pub(crate) struct ChangeArgs {
    /// The user group or product profile.
    #[arg(value_name = "GROUP")]
    first_group: String,

    /// Email addresses of the users.
    #[arg(value_name = "USER", required_unless_present = "from")]
    users: Vec<String>,

    /// A further group; may be given several times.
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,

    /// Reads the users from this file, one a line; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl ChangeArgs {
    pub(super) async fn run(mut self, context: &Context, action: MembershipAction) -> Result<Exit> {
        if let Some(path) = &self.from {
            self.users.extend(read_names(path)?);
        }
        let mut edges = Vec::new();
        for group in std::iter::once(&self.first_group).chain(&self.group) {
            for user in &self.users {
                edges.push(MembershipChange { user: UserRef::email(user), group: GroupRef::from(group), action });
            }
        }
        memberships::execute(context, edges, &self.options).await
    }
}

/// Names, one a line. Empty lines and white space around names are left out.
fn read_names(path: &Path) -> Result<Vec<String>> {
    let text = String::from_utf8(read_whole(path)?)
        .map_err(|error| unread(path, &io::Error::new(io::ErrorKind::InvalidData, error.utf8_error())))?;
    let names = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim().to_owned());
    Ok(names.filter(|name| !name.is_empty()).collect())
}
