//! `umapi run`.

mod bad_file;
mod check;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use bad_file::BadFile;
use check::Checked;
use clap::Args;

use crate::{
    batch::{Batch, Entry, Recorder, Ticket, Tickets, WriteArgs},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    input::{CommandReader, InputForm, Source},
    journal::{Journal, Subject},
    output::counted,
};

/// Carries out the commands of a file, any number of them.
///
/// The whole file is checked before anything is sent. The commands are packed into as few requests as the limits of the
/// service allow, and sent as fast as they allow. `umapi help command-files` describes the files.
///
/// Ctrl-C finishes the request under way and says what was done and what was not. With a journal the same call goes on
/// from there, also after a crash or a power cut, and does nothing twice.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi run commands.csv --dry-run
  umapi run commands.ndjson --journal commands.journal
  generate-commands | umapi run - --input-format ndjson --format csv > outcomes.csv")]
pub(crate) struct RunArgs {
    /// The file with commands; `-` is stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The form of the file, if its name does not tell.
    #[arg(long, value_enum, value_name = "FORM")]
    input_format: Option<InputForm>,

    /// Sends the good commands of a file that has bad ones too, which are written to a file.
    #[arg(long)]
    keep_going: bool,

    /// The file for the bad commands. It must not be there. [default: beside FILE, as NAME.bad.FORM]
    #[arg(long, value_name = "FILE", requires = "keep_going")]
    bad_file: Option<PathBuf>,

    /// Notes what is sent and what comes of it, so that the same call goes on where it ended.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    #[command(flatten)]
    options: WriteArgs,
}

impl RunArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let form = match self.input_format {
            Some(form) => form,
            None => InputForm::of_name(&self.file)?,
        };
        let source = Source::open(&self.file)?;
        let checked = Checked::read(&source, form)?;
        let bad_file = if checked.has_bad() { Some(self.set_aside(context, &checked, &source, form)?) } else { None };
        let exit = self.send(context, &checked, &source, form).await?;
        match bad_file {
            Some(bad_file) => {
                context.note(&format!("{} in {}", counted(checked.bad_count, "bad command"), bad_file.display()));
                Ok(exit.most_severe(Exit::Failed))
            }
            None => Ok(exit),
        }
    }

    /// Writes the bad commands to a file, if the others may be sent all the same.
    fn set_aside(&self, context: &Context, checked: &Checked, source: &Source, form: InputForm) -> Result<PathBuf> {
        let failure = checked.failure(source);
        if !self.keep_going {
            return Err(failure.remedy(
                "correct the file, nothing was sent; or --keep-going sends the good commands and writes the bad ones to a file",
            ));
        }
        if checked.is_cut_off {
            return Err(failure.remedy("correct the file: what comes after this cannot be read, so nothing was sent"));
        }
        let path = BadFile::path(self.bad_file.as_deref(), source, form);
        BadFile::write(&path, source, form)?;
        let _ = failure.show(&mut context.terminal.stderr());
        Ok(path)
    }

    async fn send(&self, context: &Context, checked: &Checked, source: &Source, form: InputForm) -> Result<Exit> {
        let progress = context.progress("commands");
        progress.set_length(checked.good_count);
        let (tickets, journal) = (Tickets::default(), Arc::<OnceLock<Journal>>::default());
        let recorder = Recorder::new(context.observer(&progress), tickets.clone(), journal.clone());
        let connection = Connection::open(context, progress, recorder).await?;
        if let Some(path) = &self.journal {
            let _ = journal.set(Journal::open(path, &self.subject(source, &connection)?)?);
        }
        let reader = CommandReader::new(form, source.read()?);
        let name = source.name().to_owned();
        // Bad commands were set aside; they keep no number, so that numbers mean the same in every call on the file.
        let good = reader.filter_map(move |next| match next {
            Ok(Ok(command)) => Some(Ok(command)),
            Ok(Err(_)) => None,
            Err(error) => Some(Err(Failure::failed(format!("cannot read {name} to its end")).why(error))),
        });
        let entries = (1_u64..).zip(good).map(|(number, next)| {
            next.map(|read| Entry { ticket: Ticket { number, line: Some(read.line) }, command: read.command })
        });
        Batch { context, connection: &connection, tickets, journal, options: &self.options }.run(entries).await
    }

    fn subject(&self, source: &Source, connection: &Connection) -> Result<Subject> {
        let unread = |error| Failure::failed(format!("cannot read {}", source.name())).why(error);
        Ok(Subject {
            organization: connection.access.organization.clone(),
            server: connection.access.server.clone().unwrap_or_else(|| "production".to_owned()),
            input: source.fingerprint().map_err(unread)?,
            is_test: self.options.dry_run,
        })
    }
}
