//! Adding and removing members.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use umapi::{Edge, GroupRef, MembershipAction, UserRef};

use crate::{
    batch,
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
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
                edges.push(Edge { user: UserRef::email(user), group: GroupRef::from(group), action });
            }
        }
        memberships::execute(context, edges, &self.options).await
    }
}

/// Names, one a line. Empty lines and white space around names are left out.
fn read_names(path: &Path) -> Result<Vec<String>> {
    let unread = |error: std::io::Error| {
        Failure::usage(format!("cannot read {}", path.display())).why(error).remedy("check the path; `-` is stdin")
    };
    let input: Box<dyn Read> = match path {
        path if path == Path::new("-") => Box::new(std::io::stdin()),
        path => Box::new(std::fs::File::open(path).map_err(unread)?),
    };
    let lines = BufReader::new(input).lines().collect::<Result<Vec<_>, _>>().map_err(unread)?;
    let names = lines.iter().map(|line| line.trim_start_matches('\u{feff}').trim().to_owned());
    Ok(names.filter(|name| !name.is_empty()).collect())
}
