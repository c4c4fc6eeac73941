//! `umapi export`.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use clap::Args;
use umapi::model::User;

use crate::{
    cache::ListReader,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::warn_about_list,
    options::Format,
    output::{CsvStyle, Listing, UserRecord, counted},
    private_file,
};

/// Export all users with their memberships, as CSV, NDJSON or JSON.
///
/// The default format is CSV. An exported file can be edited and given to `umapi apply`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi export --output users.csv
  umapi export --domain example.com --format ndjson | jq .email")]
pub(crate) struct ExportArgs {
    /// File to write, as a whole or not at all. [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Export only the users of this domain.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,

    /// Include product profiles that come through user groups, not only direct ones.
    #[arg(long)]
    all_memberships: bool,

    /// Begin CSV with a byte order mark, so that Excel reads it as UTF-8.
    #[arg(long)]
    bom: bool,

    /// Put a `'` before text that a spreadsheet could take for a formula.
    ///
    /// For CSV that comes from many people and is opened in a spreadsheet. Names that were changed in this way are not
    /// found by `umapi apply`.
    #[arg(long)]
    csv_safe: bool,
}

impl ExportArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let format = match context.format() {
            Format::Table => Format::Csv,
            format => format,
        };
        let csv = CsvStyle { has_bom: self.bom, is_safe: self.csv_safe };
        if format != Format::Csv && csv != CsvStyle::default() {
            return Err(
                Failure::usage("--bom and --csv-safe are for CSV only").remedy("leave them out, or use --format csv")
            );
        }
        let connection = Connection::for_list(context, "users").await?;
        let (domain, direct_only) = (self.domain.as_deref(), !self.all_memberships);
        let users = connection.users(context, domain, direct_only, "cannot export the users").await?;
        let written = match &self.output {
            None => write(context, users, (format, csv), BufWriter::new(context.stdout_for(format))).await?,
            Some(path) => {
                let unwritten = |error: io::Error| {
                    Failure::failed(format!("cannot write {}", path.display()))
                        .why(error)
                        .remedy("name a file in a folder that you can write to")
                };
                if private_file::is_special(path) {
                    let out = BufWriter::new(File::options().write(true).open(path).map_err(unwritten)?);
                    write(context, users, (format, csv), out).await?
                } else {
                    let folder = private_file::folder_of(path);
                    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(unwritten)?;
                    let written = write(context, users, (format, csv), BufWriter::new(file.as_file_mut())).await?;
                    file.as_file().sync_all().map_err(unwritten)?;
                    file.persist(path).map_err(|error| unwritten(error.error))?;
                    private_file::sync_folder(folder).map_err(unwritten)?;
                    written
                }
            }
        };
        drop(connection);
        if let Some(path) = &self.output {
            context.note(&format!("{} in {}", counted(written, "user"), path.display()));
        }
        Ok(Exit::Success)
    }
}

async fn write(
    context: &Context,
    mut users: ListReader<User>,
    (format, csv): (Format, CsvStyle),
    out: impl Write,
) -> Result<u64> {
    let mut listing = Listing::new(format, None, out).csv_style(csv);
    while let Some(user) = users.try_next().await? {
        listing.push(&UserRecord::from(user))?;
    }
    warn_about_list(context, &users);
    Ok(listing.finish()?)
}
