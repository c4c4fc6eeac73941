//! `umapi report`: pages and tables about the organization, and the snapshots that they are compared with.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use clap::{Args, Subcommand};
use umapi::model::LicenseStatus;

use crate::{
    cache,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::{warn_about_changes, warn_about_list},
    options::Format,
    output::{CsvStyle, escape_line, time},
    private_file,
    report::{self, Builder, Organization, Report, Snapshots, snapshot},
};

/// The ending of snapshots.
const SNAPSHOT: &str = "snapshot";

/// Lists that were read further apart are named with both times.
const APART: Duration = Duration::from_secs(60);

/// Write reports about licenses, memberships and changes, e.g. for managers
///
/// A report is a page for a browser that needs nothing else, or its tables as CSV or JSON.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    Licenses(LicensesArgs),
    Memberships(MembershipsArgs),
    Changes(ChangesArgs),
}

impl ReportCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Licenses(arguments) => arguments.run(context).await,
            Self::Memberships(arguments) => arguments.run(context).await,
            Self::Changes(arguments) => arguments.run(context).await,
        }
    }
}

/// Report licenses: quota, used, waiting and free, and the trend
///
/// Also lists the users who wait for a license, and those who hold several profiles of one product. For each full profile, one
/// more list is read: who waits.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi report licenses --out licenses.html --keep
  umapi report licenses --format csv > licenses.csv")]
pub(crate) struct LicensesArgs {
    #[command(flatten)]
    options: ReportOptions,
}

/// Report memberships: sizes, empty groups, administrators, duplicates
///
/// Also lists the users in no group, and those of domains that are not the organization's.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi report memberships --out memberships.html
  umapi report memberships --domain example.com --out memberships.csv")]
pub(crate) struct MembershipsArgs {
    /// A domain of the organization; can be repeated [default: see the page].
    ///
    /// Without it, the domains of the enterprise and federated users are the organization's.
    #[arg(long, value_name = "DOMAIN")]
    domain: Vec<String>,

    #[command(flatten)]
    options: ReportOptions,
}

/// Report what changed since a snapshot: joined, left, moved, renamed
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi report changes --out changes.html --keep
  umapi report changes --from old.snapshot --to new.snapshot --out changes.html")]
pub(crate) struct ChangesArgs {
    /// Compare with this snapshot [default: the last one that was kept].
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Compare it with this snapshot, and ask the service nothing [default: the lists of now].
    #[arg(long, value_name = "FILE", requires = "from", conflicts_with_all = ["keep", "snapshots", "all_memberships"])]
    to: Option<PathBuf>,

    #[command(flatten)]
    options: ReportOptions,
}

/// The options of all reports.
#[derive(Args, Debug)]
struct ReportOptions {
    /// File to write, as a whole or not at all: .html, .csv, .json or .ndjson [default: stdout].
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Keep a snapshot for `umapi report changes` and the trend of licenses.
    ///
    /// It has the names of all users and groups, and only its owner can read it.
    #[arg(long)]
    keep: bool,

    /// Folder of the snapshots [default: one for each organization].
    #[arg(long, value_name = "FOLDER")]
    snapshots: Option<PathBuf>,

    /// Include product profiles that come through user groups, not only direct ones.
    #[arg(long)]
    all_memberships: bool,

    /// Begin CSV with a byte order mark, so that Excel reads it as UTF-8.
    #[arg(long)]
    bom: bool,

    /// Write text in CSV as it is, even if a spreadsheet could take it for a formula.
    ///
    /// Otherwise a `'` is put before it.
    #[arg(long)]
    no_csv_safe: bool,
}

impl LicensesArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let target = Target::of(context, &self.options)?;
        let connection = Connection::for_list(context, "users").await?;
        let folder = Folder::of(context, &self.options, &connection)?;
        let organization = read(context, &connection, &self.options, true).await?;
        let mut snapshots = Snapshots::default();
        for (path, head) in folder.heads() {
            match head.and_then(|head| folder.check(head)) {
                Ok(head) => snapshots.heads.push(head),
                Err(why) => snapshots.problems.push(left_out(context, &path, &why)),
            }
        }
        let report = report::licenses(&organization, snapshots);
        drop(connection);
        target.write(context, &report)?;
        self.options.keep(context, &folder, &organization)
    }
}

impl MembershipsArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let target = Target::of(context, &self.options)?;
        let connection = Connection::for_list(context, "users").await?;
        let folder = Folder::of(context, &self.options, &connection)?;
        let organization = read(context, &connection, &self.options, self.options.keep).await?;
        let report = report::memberships(&organization, &self.domain);
        drop(connection);
        target.write(context, &report)?;
        self.options.keep(context, &folder, &organization)
    }
}

impl ChangesArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let target = Target::of(context, &self.options)?;
        // A file that cannot be read must not cost the requests.
        let from = self.from.as_deref().map(|path| open(path).map(|before| (path, before))).transpose()?;
        if let (Some((path, before)), Some(to)) = (&from, &self.to) {
            let after = open(to)?;
            check_pair((path, before), &after)?;
            target.write(context, &report::changes(before, &after))?;
            return Ok(Exit::Success);
        }
        let connection = Connection::for_list(context, "users").await?;
        let folder = Folder::of(context, &self.options, &connection)?;
        if let Some((path, before)) = &from {
            folder.check_given(path, before)?;
        }
        let after = read(context, &connection, &self.options, self.options.keep).await?;
        drop(connection);
        let mut problems = Vec::new();
        let before = match from {
            Some((path, before)) => {
                check_pair((path, &before), &after)?;
                Some(before)
            }
            None => folder.last_before(&after, |path, why| problems.push(left_out(context, path, &why))),
        };
        let Some(before) = before else {
            let failure = Failure::failed("no earlier snapshot of this organization to compare with");
            return Err(match self.options.keep(context, &folder, &after) {
                Ok(_) if self.options.keep => failure.remedy("a snapshot of now was kept; run the command again later"),
                Ok(_) => failure.remedy("keep one with --keep, or name one with --from"),
                Err(unkept) => unkept,
            });
        };
        let mut report = report::changes(&before, &after);
        problems.into_iter().for_each(|problem| report.note(problem));
        target.write(context, &report)?;
        self.options.keep(context, &folder, &after)
    }
}

impl ReportOptions {
    /// Keeps a snapshot if it is asked for.
    fn keep(&self, context: &Context, folder: &Folder, organization: &Organization) -> Result<Exit> {
        if !self.keep {
            return Ok(Exit::Success);
        }
        let Some(path) = folder.path_for(organization) else { return Ok(Exit::Success) };
        let kept = private_file::create_folder(private_file::folder_of(&path))
            .and_then(|()| snapshot::write(organization))
            .and_then(|content| private_file::replace(&path, &content));
        kept.map_err(|error| {
            Failure::failed(format!("cannot keep the snapshot {}", path.display()))
                .why(error)
                .remedy("name a folder that you can write to with --snapshots")
        })?;
        context.note(&format!("snapshot kept in {}", path.display()));
        Ok(Exit::Success)
    }
}

/// Where a report is written, and in which format.
struct Target {
    path: Option<PathBuf>,
    format: Format,
    csv: CsvStyle,
}

impl Target {
    /// Finds mistakes before anything is read.
    fn of(context: &Context, options: &ReportOptions) -> Result<Self> {
        let path = options.out.clone();
        if let Some(folder) = path.as_ref().filter(|path| path.is_dir()) {
            return Err(Failure::usage(format!("{} is a folder", folder.display()))
                .remedy("name a file in it, e.g. --out report.html"));
        }
        let format = match (context.format(), &path) {
            (Format::Table, None) => Format::Html,
            (Format::Table, Some(path)) => format_of(path)?,
            (format, _) => format,
        };
        if options.bom && format != Format::Csv {
            return Err(Failure::usage("--bom is for CSV only").remedy("leave it out, or use --format csv"));
        }
        match &path {
            None if format == Format::Html && context.terminal.is_stdout => {
                return Err(Failure::usage("a page is not for a terminal")
                    .remedy("name a file, e.g. --out report.html, or use --format csv"));
            }
            Some(path) if !private_file::folder_of(path).is_dir() => {
                let folder = private_file::folder_of(path).display();
                return Err(Failure::usage(format!("the folder {folder} does not exist")).remedy("create it first"));
            }
            _ => {}
        }
        Ok(Self { path, format, csv: CsvStyle { has_bom: options.bom, is_safe: !options.no_csv_safe } })
    }

    fn write(&self, context: &Context, report: &Report) -> Result<()> {
        let Some(path) = &self.path else {
            let mut out = BufWriter::new(context.stdout_for(self.format));
            self.write_to(report, &mut out)?;
            return Ok(out.flush()?);
        };
        let mut content = Vec::new();
        let written = self.write_to(report, &mut content).and_then(|()| match private_file::is_special(path) {
            true => File::options().write(true).open(path)?.write_all(&content),
            // It names people, so it is for nobody else.
            false => private_file::replace(path, &content),
        });
        written.map_err(|error| {
            Failure::failed(format!("cannot write {}", path.display()))
                .why(error)
                .remedy("name a file in a folder that you can write to")
        })?;
        context.note(&format!("report in {}", path.display()));
        Ok(())
    }

    fn write_to(&self, report: &Report, out: &mut impl std::io::Write) -> std::io::Result<()> {
        match self.format {
            Format::Table | Format::Html => report.write_html(out),
            Format::Json => report.write_json(out),
            Format::Ndjson => report.write_ndjson(out),
            Format::Csv => report.write_csv(self.csv, out),
        }
    }
}

/// The format that the ending of a file says.
fn format_of(path: &Path) -> Result<Format> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    match ending.as_deref() {
        Some("html" | "htm") => Ok(Format::Html),
        Some("csv") => Ok(Format::Csv),
        Some("json") => Ok(Format::Json),
        Some("ndjson" | "jsonl") => Ok(Format::Ndjson),
        None if private_file::is_special(path) => Ok(Format::Html),
        _ => Err(Failure::usage(format!("{} does not end in .html, .csv, .json or .ndjson", path.display()))
            .remedy("change its ending, or name the format with --format")),
    }
}

/// Reads the groups and users, and who waits for licenses.
async fn read(
    context: &Context,
    connection: &Connection,
    options: &ReportOptions,
    with_waiting: bool,
) -> Result<Organization> {
    let (id, server) = (connection.access.organization.as_str(), server_of(connection));
    let mut builder = Builder::new(id, server, !options.all_memberships);
    let mut groups = connection.groups(context, "cannot list the groups").await?;
    while let Some(group) = groups.try_next().await? {
        builder.push_group(group);
    }
    warn_about_list(context, &groups);
    let mut users = connection.users(context, None, !options.all_memberships, "cannot list the users").await?;
    while let Some(user) = users.try_next().await? {
        builder.push_user(user);
    }
    warn_about_list(context, &users);
    let times = [groups.begun(), users.begun()].map(|begun| begun.unwrap_or(context.began_at));
    let [groups_at, users_at] = times;
    let is_partial = groups.has_moved() || users.has_moved() || groups.unreadable() + users.unreadable() > 0;
    let mut organization = builder.build(time::utc(groups_at.min(users_at)), is_partial);
    if apart(groups_at, users_at) > APART {
        context.note(&format!(
            "the groups are as of {}, the users as of {}; --refresh reads both again",
            time::short_local(groups_at, context.began_at),
            time::short_local(users_at, context.began_at)
        ));
    }
    if with_waiting {
        read_waiting(context, connection, &mut organization).await?;
    }
    Ok(organization)
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

/// Reads who waits for a license. Nobody does in a profile with licenses left.
async fn read_waiting(context: &Context, connection: &Connection, organization: &mut Organization) -> Result<()> {
    for profile in organization.groups.iter_mut().filter(|group| group.is_full()) {
        let members = connection.client.users().in_group(profile.name.as_str()).direct_only(false).exclude_groups(true);
        let mut members = members.status(LicenseStatus::Inactive).list().dedup();
        let mut waiting = Vec::new();
        loop {
            match members.try_next().await {
                Ok(Some(user)) => waiting.extend([user.email, user.username, user.id].into_iter().flatten().next()),
                Ok(None) => {
                    profile.waiting = Some(waiting);
                    break;
                }
                Err(error) if error.is_not_found() || error.is_group_too_large() => {
                    context.warn(&format!(
                        "the service does not list who waits for a license of \"{}\"",
                        escape_line(&profile.name)
                    ));
                    break;
                }
                Err(error) => {
                    let what = format!("cannot list who waits for a license of \"{}\"", profile.name);
                    return Err(Failure::of_service(what, &error));
                }
            }
        }
        warn_about_changes(context, members.changes());
    }
    Ok(())
}

fn server_of(connection: &Connection) -> &str {
    connection.access.server.as_deref().unwrap_or("production")
}

/// The folder of an organization's snapshots.
struct Folder {
    /// `None` if the platform has no folder for it.
    path: Option<PathBuf>,
    organization: String,
    server: String,
}

impl Folder {
    fn of(context: &Context, options: &ReportOptions, connection: &Connection) -> Result<Self> {
        let (organization, server) = (connection.access.organization.clone(), server_of(connection).to_owned());
        let path = match &options.snapshots {
            Some(path) => Some(path.clone()),
            // It is gone with the emulator.
            None if context.global.emulator => None,
            None => {
                cache::data_folder().map(|folder| folder.join("snapshots").join(cache::stem(&organization, &server)))
            }
        };
        if options.keep && path.is_none() {
            return Err(
                Failure::usage("the platform has no folder for the snapshot").remedy("name one with --snapshots")
            );
        }
        if let Some(path) = path.as_ref().filter(|path| path.exists() && !path.is_dir()) {
            return Err(Failure::usage(format!("{} is not a folder", path.display())).remedy("name a folder"));
        }
        Ok(Self { path, organization, server })
    }

    /// The snapshots of one list have one name, so that the list is kept once.
    fn path_for(&self, organization: &Organization) -> Option<PathBuf> {
        let kind = if organization.direct_only { "" } else { "-all" };
        let name = format!("{}{kind}.{SNAPSHOT}", organization.as_of.replace(':', "-"));
        Some(self.path.as_ref()?.join(name))
    }

    /// Reads the heads of all snapshots, in the order of their names, which is that of their times.
    fn heads(&self) -> impl Iterator<Item = (PathBuf, Result<snapshot::Head, String>)> {
        let entries = self.path.as_ref().and_then(|path| fs::read_dir(path).ok());
        let mut paths: Vec<PathBuf> = entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == SNAPSHOT) && path.is_file());
        paths.sort_unstable();
        paths.into_iter().map(|path| {
            let file = File::open(&path).map_err(snapshot::Unreadable::from);
            let head = file.and_then(|file| snapshot::read_head(&mut BufReader::new(file)));
            (path, head.map_err(|why| why.to_string()))
        })
    }

    fn check(&self, head: snapshot::Head) -> Result<snapshot::Head, String> {
        match (&head.organization, &head.server) == (&self.organization, &self.server) {
            true => Ok(head),
            false => Err("it is of another organization".to_owned()),
        }
    }

    /// Checks a snapshot that was named before anything is read.
    fn check_given(&self, path: &Path, before: &Organization) -> Result<()> {
        match (&before.id, &before.server) == (&self.organization, &self.server) {
            true => Ok(()),
            false => Err(Failure::usage(format!("{} is of another organization", path.display()))
                .why(format!("it is of {}, and this call is for {}", before.id, self.organization))
                .remedy("name another snapshot, or choose the organization with --profile")),
        }
    }

    /// Returns the last usable snapshot that is older than an organization, and tells what is wrong with others.
    fn last_before(&self, after: &Organization, mut problem: impl FnMut(&Path, String)) -> Option<Organization> {
        let mut usable = Vec::new();
        for (path, head) in self.heads() {
            match head.and_then(|head| self.check(head)) {
                Ok(head) if head.direct_only == after.direct_only && head.as_of < after.as_of => {
                    usable.push((head.as_of, path));
                }
                Ok(_) => {}
                Err(why) => problem(&path, why),
            }
        }
        usable.sort_unstable();
        usable.into_iter().rev().find_map(|(_, path)| match load(&path) {
            Ok(before) => Some(before),
            Err(why) => {
                problem(&path, why.to_string());
                None
            }
        })
    }
}

fn load(path: &Path) -> Result<Organization, snapshot::Unreadable> {
    snapshot::read(&mut BufReader::new(File::open(path)?))
}

/// Reads a snapshot that was named.
fn open(path: &Path) -> Result<Organization> {
    load(path).map_err(|why| {
        Failure::usage(format!("cannot read the snapshot {}", path.display()))
            .why(why.to_string())
            .remedy("name a file that \"umapi report\" kept with --keep")
    })
}

/// Whether two snapshots can be compared.
fn check_pair((path, before): (&Path, &Organization), after: &Organization) -> Result<()> {
    let unfit = |why: &str, remedy: &str| {
        Err(Failure::usage(format!("cannot compare with {}", path.display())).why(why).remedy(remedy))
    };
    if (&before.id, &before.server) != (&after.id, &after.server) {
        return unfit("the snapshots are of different organizations", "name two of one organization");
    }
    if before.direct_only != after.direct_only {
        return unfit(
            "only one of both has the memberships that come through user groups",
            "add or leave out --all-memberships, or name another snapshot",
        );
    }
    if before.as_of > after.as_of {
        return unfit("it is newer than what it is compared with", "name the earlier one with --from");
    }
    Ok(())
}

/// Warns about a snapshot that is not used, and returns the note for the report.
fn left_out(context: &Context, path: &Path, why: &str) -> String {
    context.warn(&format!("the snapshot {} is left out: {why}", path.display()));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("The snapshot {name} is left out: {why}.")
}
