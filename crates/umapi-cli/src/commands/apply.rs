//! `umapi apply`.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use umapi::{MembershipPlan, model::limits::ThrottleClass};

use crate::{
    batch::WriteArgs,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    memberships::{self, ChangeRecord, Difference, MaxRemovals, Present},
    output::{counted, rough},
    wanted::Wanted,
};

/// How many changes are shown before the question.
const SHOWN: usize = 20;

/// Makes memberships as a file says: compares, shows the plan, asks, and does it.
///
/// What is missing is added, what is too much is removed; groups and users that the file does not name stay as they are.
/// `umapi help membership-file` describes the file. After Ctrl-C or a failure the same call goes on: it compares again.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi apply teams.yaml --plan-only
  umapi apply teams.yaml --yes --max-removals 50
  umapi export --output users.csv; edit users.csv; umapi apply users.csv")]
pub(crate) struct ApplyArgs {
    /// The file with the memberships that are wanted: YAML, JSON or CSV, as its name says.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Does not ask.
    #[arg(long, short)]
    yes: bool,

    /// Writes the plan to stdout, and does nothing.
    #[arg(long)]
    plan_only: bool,

    /// Writes the plan to a file too, as commands that `umapi run` takes.
    #[arg(long, value_name = "FILE")]
    plan_out: Option<PathBuf>,

    /// Does nothing if more would be removed: a number, or a share of the memberships that there are now.
    #[arg(long, value_name = "N|N%", default_value = "20%")]
    max_removals: MaxRemovals,

    /// Only adds what is missing.
    #[arg(long)]
    add_only: bool,

    /// Changes administrative groups too, where the file names them or a user has them.
    #[arg(long)]
    include_admin_groups: bool,

    #[command(flatten)]
    options: WriteArgs,
}

impl ApplyArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let wanted = Wanted::read(&self.file)?;
        let connection = Connection::for_change(context, "memberships").await?;
        let present = Present::read(&connection.client, &wanted).await?;
        let mut difference = Difference::between(&wanted, &present, self.include_admin_groups);
        if self.add_only {
            difference.keep_additions();
        }
        connection.progress.finish();
        self.say_what_is_left_out(context, &difference);
        let exit = if difference.unknown_users.is_empty() { Exit::Success } else { Exit::Failed };
        if let Some(path) = &self.plan_out {
            write_plan(path, &difference)?;
        }
        if self.plan_only {
            return self.show_plan(context, &connection, &difference).await.map(|()| exit);
        }
        if difference.is_empty() {
            context.note("nothing to do: everything is as the file says");
            return Ok(exit);
        }
        self.guard(&difference)?;
        let planned = memberships::plan(&connection, difference.edges().cloned().collect()).await?;
        context.note(&describe(&connection, &difference, planned.plan()).await);
        if !self.yes && !self.options.dry_run {
            for edge in difference.edges().take(SHOWN) {
                context.note(&format!("  {edge}"));
            }
            match difference.edges().count().saturating_sub(SHOWN) {
                0 => {}
                more => context.note(&format!("  and {more} more; --plan-only shows all")),
            }
            context.confirm("do it?", false)?;
        }
        Ok(memberships::carry_out(context, &connection, planned, &self.options).await?.most_severe(exit))
    }

    async fn show_plan(&self, context: &Context, connection: &Connection, difference: &Difference) -> Result<()> {
        let mut listing = context.listing();
        for edge in difference.edges() {
            listing.push(&ChangeRecord::from(edge))?;
        }
        listing.finish()?;
        let planned = memberships::plan(connection, difference.edges().cloned().collect()).await?;
        context.note(&describe(connection, difference, planned.plan()).await);
        if !self.max_removals.allows(difference.removals(), difference.present) {
            context.note(&format!("this is more than --max-removals {} allows", self.max_removals));
        }
        Ok(())
    }

    fn guard(&self, difference: &Difference) -> Result<()> {
        let (removals, present) = (difference.removals(), difference.present);
        if self.max_removals.allows(removals, present) {
            return Ok(());
        }
        Err(Failure::usage("nothing was done: too much would be removed")
            .why(format!("{removals} of {present} memberships, and --max-removals is {}", self.max_removals))
            .remedy(format!(
                "look at the plan with --plan-only; if it is meant, --max-removals {removals}; --add-only removes nothing"
            )))
    }

    fn say_what_is_left_out(&self, context: &Context, difference: &Difference) {
        if difference.left_alone() > 0 {
            context.note(&format!(
                "left alone: {} to administrative groups; --include-admin-groups makes them",
                counted(difference.left_alone() as u64, "change")
            ));
        }
        if !difference.unknown_users.is_empty() {
            let names: Vec<&str> = difference.unknown_users.iter().map(String::as_str).collect();
            context.warn(&format!("not in the organization, and left out: {}", names.join(", ")));
        }
    }
}

/// `12 to add, 3 to remove; 2 requests, about 6 s at the limits of the service`.
async fn describe(connection: &Connection, difference: &Difference, plan: &MembershipPlan) -> String {
    let requests = plan.requests();
    let time = connection.client.time_for(ThrottleClass::Action, requests).await;
    let time = match time.as_secs() {
        0 => "at once".to_owned(),
        _ => format!("about {}", rough(time)),
    };
    format!(
        "{} to add, {} to remove; {}, {time} at the limits of the service",
        difference.additions(),
        difference.removals(),
        counted(requests as u64, "request")
    )
}

fn write_plan(path: &Path, difference: &Difference) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(std::fs::File::create(path)?);
        for command in difference.commands() {
            serde_json::to_writer(&mut out, &command)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    write().map_err(|error| {
        Failure::failed(format!("cannot write the plan to {}", path.display()))
            .why(error)
            .remedy("name a file in a folder that you may write to")
    })
}
