//! `umapi run`.

use std::{
    collections::{HashMap, HashSet},
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use umapi::{AccountKind, Command, model::ExhaustiveUserStep as OnUser, plan::account::FoldedName};

use super::account_args::AccountType;
use crate::{
    accounts::{Accounts, Found, UserQuery, ambiguous, unknown as unknown_user},
    batch::{Batch, Place},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    input::{CommandReader, Diagnostics, InputFormat, ReadOptions, Source, TableArgs},
    journal::{Journal, RunIdentity, State},
    options::WriteArgs,
    output::{OutcomeRecord, counted},
    private_file,
};

/// Run the commands of a file, any number of them.
///
/// The whole file is checked before anything is sent. The commands are packed into as few requests as the service
/// allows, and sent as fast as its rate limits allow. `umapi help command-files` describes the file formats.
///
/// Ctrl-C finishes the requests in flight and reports what was done and what was not. With --journal, running the same
/// command again continues from there, even after a crash or a power failure, and does nothing twice.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi run commands.csv --dry-run
  umapi run commands.ndjson --journal commands.journal
  generate-commands | umapi run - --input-format ndjson --format csv > outcomes.csv")]
pub(crate) struct RunArgs {
    /// File with commands; `-` is stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the file. [default: by its name]
    #[arg(long, value_enum, value_name = "FORMAT")]
    input_format: Option<InputFormat>,

    #[command(flatten)]
    table: TableArgs,

    /// Type of users that are created by rows of another tool's table without a type.
    #[arg(long, value_enum, value_name = "TYPE")]
    default_type: Option<AccountType>,

    /// Run the valid commands of a file that has invalid ones; write those to a file.
    #[arg(long)]
    keep_going: bool,

    /// File for the invalid commands; it must not exist. [default: NAME.bad.FORMAT beside FILE]
    #[arg(long, value_name = "FILE", requires = "keep_going")]
    bad_file: Option<PathBuf>,

    /// Record what is sent and its outcome, so that the same command can continue.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    #[command(flatten)]
    options: WriteArgs,
}

impl RunArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let format = match self.input_format {
            Some(format) => format,
            None => InputFormat::of_file_name(&self.file)?,
        };
        let input = CheckedInput::read(Source::open(&self.file, self.table.encoding())?, format, self.read_options())?;
        let bad_file = if input.bad_count > 0 { Some(self.set_bad_aside(context, &input)?) } else { None };
        let exit = self.send(context, &input).await?;
        match bad_file {
            Some(path) => {
                context.note(&format!("{} in {}", counted(input.bad_count, "invalid command"), path.display()));
                Ok(exit.most_severe(Exit::Failed))
            }
            None => Ok(exit),
        }
    }

    fn read_options(&self) -> ReadOptions {
        let default_kind = self.default_type.map(AccountType::kind);
        ReadOptions { delimiter: self.table.delimiter(), default_kind }
    }

    /// Writes the invalid commands to a file, if the valid ones may be sent without them.
    fn set_bad_aside(&self, context: &Context, input: &CheckedInput) -> Result<PathBuf> {
        if !self.keep_going {
            return Err(input.failure(
                "correct the file; nothing was sent. With --keep-going the valid commands are sent and the invalid ones are written to a file",
            ));
        }
        if input.is_cut_off {
            return Err(input.failure("correct the file: the rest of it cannot be read, so nothing was sent"));
        }
        let path = input.bad_file_path(self.bad_file.as_deref());
        input.write_bad(&path).map_err(|error| {
            Failure::usage(format!("cannot write the invalid commands to {}", path.display()))
                .why(error)
                .remedy("name a file that does not exist with --bad-file")
        })?;
        let failure = input.failure(&format!("correct {} and run it", path.display()));
        context.messages.error(&failure);
        Ok(path)
    }

    async fn send(&self, context: &Context, input: &CheckedInput) -> Result<Exit> {
        let progress = context.progress("commands");
        progress.set_length(input.good_count);
        let observer = context.observer(&progress);
        let connection = Connection::open(context, progress, observer).await?;
        let journal = match &self.journal {
            None => None,
            Some(path) => Some(Arc::new(Journal::open(path, &self.identity(input, &connection))?)),
        };

        let known = not_found(context, &connection, input, journal.as_deref()).await?;
        let known_numbers: HashSet<u64> = known.iter().map(|record| record.number).collect();
        let commands = input
            .good()?
            .filter(|next| next.as_ref().map_or(true, |(place, _)| !known_numbers.contains(&place.number)));
        let expected = input.good_count;
        let (options, additions) = (&self.options, HashMap::new());
        Batch { context, connection: &connection, journal, options, known, additions, expected }.run(commands).await
    }

    fn identity(&self, input: &CheckedInput, connection: &Connection) -> RunIdentity {
        RunIdentity {
            organization: connection.access.organization.clone(),
            server: connection.access.server.clone().unwrap_or_else(|| "production".to_owned()),
            input: format!("{}{}", input.source.fingerprint(), input.options.fingerprint()),
            commands: input.good_count,
            is_dry_run: self.options.dry_run,
        }
    }
}

/// Looks up the users who are to leave the organization, and returns the outcomes of those who do not exist: the service
/// reports their removal as done, so a mistyped leaver would keep the licenses.
async fn not_found(
    context: &Context,
    connection: &Connection,
    input: &CheckedInput,
    journal: Option<&Journal>,
) -> Result<Vec<OutcomeRecord>> {
    let mut leavers = Vec::new();
    for leaver in input.leavers() {
        let state = journal.map_or(Ok(State::Untouched), |journal| journal.state(leaver.number));
        // A removal that was sent by an earlier run may be the reason that the user is gone.
        if state.map_err(|error| Failure::failed("cannot read the journal").why(error))? == State::Untouched {
            leavers.push(leaver);
        }
    }
    let accounts = Accounts::look_up(context, connection, leavers.iter().map(|leaver| &leaver.query)).await?;
    for Leaver { line, query, .. } in &leavers {
        if let Found::Several(several) = accounts.find(query) {
            let what = ambiguous(query, &several);
            context.warn(&format!("line {line}: {what}; only the one that is not an Adobe ID is removed"));
        }
    }
    let unknown = leavers.into_iter().filter(|leaver| matches!(accounts.find(&leaver.query), Found::Nobody));
    let outcome = |Leaver { number, line, query }: &Leaver| {
        let message = format!("{}; nothing was sent", unknown_user(query, &accounts.near_misses(query)));
        OutcomeRecord::not_found(*number, Some(*line), query.name.clone(), message)
    };
    Ok(unknown.map(outcome).collect())
}

/// A user who is to leave the organization.
struct Leaver {
    /// The number and the line of the command.
    number: u64,
    line: u64,
    query: UserQuery,
}

/// A file with commands that was read once and checked. However long it is, only its mistakes are in memory.
struct CheckedInput {
    source: Source,
    format: InputFormat,
    options: ReadOptions,
    good_count: u64,
    bad_count: u64,
    /// Whether there is a mistake that makes the rest of the file unreadable.
    is_cut_off: bool,
    mistakes: Diagnostics,
    leavers: Vec<Leaver>,
    /// The folded names that other commands of the file create, or change users to.
    new_names: HashSet<FoldedName>,
}

impl CheckedInput {
    fn read(source: Source, format: InputFormat, options: ReadOptions) -> Result<Self> {
        let mistakes = Diagnostics::of_file(source.name());
        let mut input = Self {
            source,
            format,
            options,
            good_count: 0,
            bad_count: 0,
            is_cut_off: false,
            mistakes,
            leavers: Vec::new(),
            new_names: HashSet::new(),
        };
        for next in input.reader()? {
            match next.map_err(|error| input.cannot_read(&error))? {
                Ok(read) => {
                    input.good_count += 1;
                    input.note_users(read.line, &read.command);
                }
                Err(bad) => {
                    input.bad_count += 1;
                    input.is_cut_off |= bad.ends_file;
                    input.mistakes.push(bad.diagnostic);
                }
            }
        }
        Ok(input)
    }

    /// Notes who leaves by a command, and which names it makes.
    fn note_users(&mut self, line: u64, command: &Command) {
        let umapi::model::Command::User(command) = command.to_raw() else { return };
        for step in &command.do_ {
            match step.exhaustive() {
                OnUser::AddAdobeId(_) | OnUser::CreateEnterpriseId(_) | OnUser::CreateFederatedId(_) => {
                    self.new_names.insert(FoldedName::user(&command.user));
                }
                OnUser::Update(update) => {
                    let names = [&update.email, &update.username];
                    self.new_names.extend(names.into_iter().flatten().map(|name| FoldedName::user(name)));
                }
                OnUser::RemoveFromOrg(_) => {
                    let kind = command.use_adobe_id.unwrap_or_default().then_some(AccountKind::AdobeId);
                    let query = UserQuery { name: command.user.clone(), kind, domain: command.domain.clone() };
                    self.leavers.push(Leaver { number: self.good_count, line, query });
                }
                OnUser::Add(_)
                | OnUser::Remove(_)
                | OnUser::AddRoles(_)
                | OnUser::RemoveRoles(_)
                | OnUser::RemoveFromDomain(_)
                | OnUser::ResetPassword(_) => {}
            }
        }
    }

    /// The users who are to leave, except those whom another command of the file may create or rename.
    fn leavers(&self) -> impl Iterator<Item = &Leaver> {
        self.leavers.iter().filter(|leaver| !self.new_names.contains(&FoldedName::user(&leaver.query.name)))
    }

    /// Reads the commands from the beginning.
    fn reader(&self) -> Result<CommandReader<io::BufReader<std::fs::File>>> {
        let content = self.source.read().map_err(|error| self.cannot_read(&error))?;
        Ok(CommandReader::new(self.format, self.options, content))
    }

    fn cannot_read(&self, error: &io::Error) -> Failure {
        Failure::failed(format!("cannot read {} to its end", self.source.name())).why(error)
    }

    /// The valid commands. Their numbers count from 1 and leave the invalid ones out, so that they mean the same each
    /// time that this file is run.
    fn good(&self) -> Result<impl Iterator<Item = Result<(Place, Command)>> + Send> {
        let name = self.source.name().to_owned();
        let good = self.reader()?.filter_map(move |next| match next {
            Ok(Ok(read)) => Some(Ok(read)),
            Ok(Err(_)) => None,
            Err(error) => Some(Err(Failure::failed(format!("cannot read {name} to its end")).why(error))),
        });
        Ok((1_u64..)
            .zip(good)
            .map(|(number, next)| next.map(|read| (Place { number, line: Some(read.line) }, read.command))))
    }

    /// The failure that tells the mistakes with line, column and rule.
    fn failure(&self, remedy: &str) -> Failure {
        let what = match (self.bad_count, self.good_count) {
            (1, 0) => "the command is not valid".to_owned(),
            (1, good) => format!("1 of {} commands is not valid", good + 1),
            (bad, good) => format!("{bad} of {} commands are not valid", bad + good),
        };
        self.mistakes.clone().into_failure_with(&what, remedy)
    }

    /// The path that was named, or one beside the file: `users.bad.csv` beside `users.csv`.
    fn bad_file_path(&self, named: Option<&Path>) -> PathBuf {
        match (named, self.source.path()) {
            (Some(path), _) => path.to_owned(),
            (None, Some(source)) => source.with_extension(format!("bad.{}", self.format.extension())),
            (None, None) => format!("commands.bad.{}", self.format.extension()).into(),
        }
    }

    /// Writes the invalid commands to a new file in the same format, to be corrected and run again.
    fn write_bad(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(path)?);
        let mut reader = CommandReader::new(self.format, self.options, self.source.read()?);
        let mut count = 0_u64;
        while let Some(next) = reader.next() {
            let Err(bad) = next? else { continue };
            count += 1;
            match self.format {
                InputFormat::Ndjson => {}
                InputFormat::Json => out.write_all(if count == 1 { b"[\n" } else { b",\n" })?,
                InputFormat::Csv if count == 1 => writeln!(out, "{}", reader.header().unwrap_or_default())?,
                InputFormat::Csv => {}
            }
            match self.format {
                InputFormat::Json => write!(out, "{}", bad.text)?,
                InputFormat::Ndjson | InputFormat::Csv => writeln!(out, "{}", bad.text)?,
            }
        }
        if self.format == InputFormat::Json {
            out.write_all(b"\n]\n")?;
        }
        out.flush()?;
        // The valid commands are sent next, so the others must not be lost in a power failure.
        out.get_ref().sync_all()?;
        private_file::sync_folder(private_file::folder_of(path))
    }
}
