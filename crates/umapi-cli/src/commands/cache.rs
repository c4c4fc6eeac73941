//! `umapi cache`: show and remove the cached lists.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    cache::{self, Cache, ListState},
    config::Access,
    context::Context,
    failure::{Exit, Failure, Result},
    output::{Column, Record, column, counted, hidden_column, time},
};

/// Show and remove the cached lists of groups and users
///
/// The service allows a client to read the first page of all users, and of all
/// groups, about once in two hours. It rejects an earlier attempt, and then every
/// call of that client for most of an hour. So these lists are read once and kept
/// on disk, readable only by you: one file per organization, in the folder that
/// UMAPI_CACHE_DIR names or in `umapi` in your folder for caches.
///
/// A list is used until it is older than --max-age (default 2h), and its age is
/// shown. --refresh reads it again, and waits until the service allows that. What
/// umapi changes is changed in the lists too; changes by others are not seen
/// before a list is read again. With --no-rate-limit the lists are not used.
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum CacheCommand {
    Show(ShowArgs),
    Clear(ClearArgs),
}

impl CacheCommand {
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Show(arguments) => arguments.run(context),
            Self::Clear(arguments) => arguments.run(context),
        }
    }
}

/// Show the cached lists of an organization, and how old they are
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  umapi cache show --format json")]
pub(crate) struct ShowArgs {}

/// Remove the cached lists of an organization
///
/// The next command that needs a list waits until the service allows to read it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi cache clear
  umapi cache clear --all")]
pub(crate) struct ClearArgs {
    /// Remove those of all organizations
    #[arg(long)]
    all: bool,
}

/// A cached list.
#[derive(Serialize)]
struct CacheRecord {
    list: &'static str,
    as_of: String,
    age_seconds: u64,
    entries: u64,
    /// Whether the whole list was read.
    is_complete: bool,
    /// How many entries umapi changed since, and looks up again.
    changed: u64,
    file: String,
}

impl CacheRecord {
    fn new(state: &ListState, cache: &Cache, context: &Context) -> Self {
        Self {
            list: state.list.name(),
            as_of: time::utc(state.as_of),
            age_seconds: context.clock.wall().duration_since(state.as_of).unwrap_or_default().as_secs(),
            entries: state.items,
            is_complete: state.is_complete,
            changed: state.changed,
            file: cache.path().display().to_string(),
        }
    }
}

impl Record for CacheRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("list", |record: &Self| record.list.into()),
            column("as_of", |record| (&record.as_of).into()),
            hidden_column("age_seconds", |record| (&record.age_seconds).into()),
            column("entries", |record| (&record.entries).into()),
            column("is_complete", |record| if record.is_complete { "true" } else { "false" }.into()),
            column("changed", |record| (&record.changed).into()),
            hidden_column("file", |record| (&record.file).into()),
        ]
    }
}

/// The cache of the organization that the options select.
fn selected(context: &Context) -> Result<Cache> {
    if context.global.emulator {
        return Err(Failure::usage("a temporary organization has no cache").remedy("leave out --emulator"));
    }
    Cache::of(&Access::find(&context.global)?).ok_or_else(|| {
        Failure::usage("there is no folder for the cache").remedy("name one with UMAPI_CACHE_DIR, or set HOME")
    })
}

impl ShowArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        let cache = selected(context)?;
        let states = cache.describe().map_err(|why| Failure::failed("cannot read the cache").why(why))?;
        let mut listing = context.listing();
        for state in &states {
            listing.push(&CacheRecord::new(state, &cache, context))?;
        }
        listing.finish()?;
        context.note(&cache.path().display().to_string());
        Ok(Exit::Success)
    }
}

impl ClearArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        let cannot_remove = |error: std::io::Error| {
            Failure::failed("cannot remove the cache").why(error).remedy("make its folder writable")
        };
        if self.all {
            let folder = cache::folder().unwrap_or_default();
            let removed = cache::clear(&folder, context.clock.wall()).map_err(cannot_remove)?;
            context.note(&format!("{} removed from {}", counted(removed, "cache"), folder.display()));
            return Ok(Exit::Success);
        }
        let cache = selected(context)?;
        match cache.clear(context.clock.wall()) {
            Ok(true) => context.note(&format!("removed the lists in {}", cache.path().display())),
            Ok(false) => context.note("nothing to remove: no list is cached"),
            Err(why) => return Err(Failure::failed("cannot remove the cache").why(why)),
        }
        Ok(Exit::Success)
    }
}
