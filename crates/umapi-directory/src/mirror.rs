//! A directory that is kept on this machine, and brought up to date by what changed.

mod database;
mod reading;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use umapi_time::Clock;

use self::{
    database::{Database, NotKept, Origin, Unusable, lock},
    reading::Lacks,
};
use crate::{
    changes::{Change, ChangeFeed, Changed, Entry, EntryKey, Since, Whole},
    directory::{Directory, DirectoryError, Query, ReadFuture, Reading},
    extent::{Gap, GapCause},
    person::Person,
};

/// A directory of which this machine keeps a mirror, so that a read asks only for what changed.
///
/// The mirror begins with a read of everything that was whole. Everything is read again if the mirror does not fit the
/// settings or the query, is too old, or if the directory cannot tell the changes since.
pub struct MirroredDirectory {
    directory: Arc<dyn Directory>,
    path: PathBuf,
    /// Older mirrors are read anew: `None` reads everything now.
    max_age: Option<Duration>,
    clock: Clock,
}

/// How an update of a mirror ended.
enum Update {
    Done(Changed),
    /// Everything must be read, and the old mirror is of no use.
    Anew(String),
    /// Everything must be read; the mirror stays for a later run.
    Failed(String),
}

impl MirroredDirectory {
    /// A directory with a mirror in this file. A mirror older than `max_age` is read anew, with `None` any.
    pub fn new(
        directory: Arc<dyn Directory>,
        path: impl Into<PathBuf>,
        max_age: Option<Duration>,
        clock: Clock,
    ) -> Self {
        Self { directory, path: path.into(), max_age, clock }
    }

    async fn read_kept(&self, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Result<Reading, DirectoryError> {
        let Some(feed) = self.directory.changes() else {
            let mut reading = self.directory.read(query, take).await?;
            reading.notices.push("it cannot tell what changed, so everything is read each time".to_owned());
            return Ok(reading);
        };
        let lock = match lock(&beside(&self.path, ".lock")) {
            Ok(Some(lock)) => lock,
            Ok(None) => return self.read_without(query, take, "another process uses it").await,
            Err(error) => return self.read_without(query, take, &error.to_string()).await,
        };
        let basis = feed.basis(query);
        let mut notices = Vec::new();
        match Database::open(&self.path) {
            Ok((database, origin)) => match self.unfit(&origin, &basis) {
                None => match Self::update(feed, query, &database, &origin).await? {
                    Update::Done(changed) => {
                        let lacks =
                            Lacks { people: changed.people, group_list: changed.group_list, ..Lacks::default() };
                        let mut reading = Self::reading(feed, query, &database, &lacks, take);
                        reading.notices = changed.notices;
                        return Ok(reading);
                    }
                    Update::Anew(why) => {
                        // What does not fit is no use to a later run, even if reading everything fails now.
                        database.discard();
                        notices.push(format!("everything is read: {why}"));
                    }
                    Update::Failed(why) => notices.push(format!("everything is read: {why}")),
                },
                Some(why) => notices.push(format!("everything is read: {why}")),
            },
            Err(Unusable::Absent(None)) => {}
            Err(Unusable::Absent(Some(why))) => {
                notices.push(format!("everything is read: the mirror {}: {why}", self.path.display()));
            }
            Err(Unusable::Foreign(why)) => {
                let remedy = "move the file away, or name another state";
                return Err(DirectoryError::setting(self.path.display().to_string(), why, remedy));
            }
        }
        let reading = self.read_anew(feed, query, basis, notices, take).await;
        drop(lock);
        reading
    }

    /// Why a mirror cannot be used.
    fn unfit(&self, origin: &Origin, basis: &str) -> Option<String> {
        if origin.basis != basis {
            return Some("the configuration changed".to_owned());
        }
        let Some(max_age) = self.max_age else { return Some("it was asked for".to_owned()) };
        let now = self.now();
        if origin.read_at > now {
            return Some("the mirror is from the future".to_owned());
        }
        let age = Duration::from_secs(now - origin.read_at);
        (age >= max_age).then(|| format!("that was last done {} days ago", age.as_secs() / (24 * 60 * 60)))
    }

    fn now(&self) -> u64 {
        self.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// Asks for what changed, and applies it.
    async fn update(
        feed: &dyn ChangeFeed,
        query: &Query,
        database: &Database,
        origin: &Origin,
    ) -> Result<Update, DirectoryError> {
        let mut changes: Vec<Change> = Vec::new();
        let since = feed.read_changes(query, &origin.cursor, database, &mut |change| changes.push(change)).await?;
        let changed = match since {
            Since::Changed(changed) => changed,
            Since::Anew(why) => return Ok(Update::Anew(why)),
            Since::Failed(gap) => return Ok(Update::Failed(gap.to_string())),
        };
        if database.has_trouble() {
            return Ok(Update::Anew("the mirror cannot be read".to_owned()));
        }
        let fold = |name: &str| feed.folded(name);
        Ok(match database.apply(&origin.cursor, &changed.cursor, &changes, &fold) {
            Ok(()) => Update::Done(changed),
            Err(NotKept::Misfit(why)) => Update::Anew(why),
            Err(NotKept::File(why)) => Update::Failed(format!("the mirror cannot be written: {why}")),
        })
    }

    /// Reads everything into a new file, which becomes the mirror if it is whole.
    async fn read_anew(
        &self,
        feed: &dyn ChangeFeed,
        query: &Query,
        basis: String,
        mut notices: Vec<String>,
        take: &mut (dyn FnMut(Person) + Send),
    ) -> Result<Reading, DirectoryError> {
        let database = match Database::create(&beside(&self.path, ".new")) {
            Ok(database) => database,
            Err(why) => return self.read_without(query, take, &why).await,
        };
        let fold = |name: &str| feed.folded(name);
        let mut trouble: Option<String> = None;
        let mut passing: Option<Gap> = None;
        let mut keep = |key: EntryKey, entry: Entry| {
            if let Entry::Group(group) = &entry {
                let gap = group.gaps.iter().find(|gap| !gap.cause.is_lasting());
                passing = passing.take().or_else(|| gap.cloned());
            }
            if trouble.is_none() {
                trouble = database.put(&key, &entry, &fold).err();
            }
        };
        let whole = match feed.read_whole(query, &mut keep).await {
            Ok(whole) => whole,
            Err(error) => {
                database.discard();
                return Err(error);
            }
        };
        if let Some(why) = trouble {
            database.discard();
            return self.read_without(query, take, &why).await;
        }
        let Whole { cursor, people, group_list, unread, notices: told } = whole;
        notices.extend(told);
        let unlisted_groups = group_list.first().cloned();
        let lacks = Lacks { people, group_list, unread, unlisted_groups };
        let mut reading = Self::reading(feed, query, &database, &lacks, take);
        let is_whole = lacks.people.is_empty() && lacks.group_list.is_empty() && lacks.unread.is_empty();
        match cursor {
            Some(cursor) if is_whole && passing.is_none() => {
                let origin = Origin { basis, cursor, read_at: self.now() };
                if let Err(why) = database.keep_as(&self.path, &origin) {
                    notices.push(format!("the next run reads everything again: no mirror can be kept: {why}"));
                }
            }
            _ => database.discard(),
        }
        reading.notices.extend(notices);
        Ok(reading)
    }

    fn reading(
        feed: &dyn ChangeFeed,
        query: &Query,
        database: &Database,
        lacks: &Lacks,
        take: &mut (dyn FnMut(Person) + Send),
    ) -> Reading {
        reading::read(&database.connection(), feed, query, lacks, take).unwrap_or_else(|error| {
            let gap = Gap::new("all people", GapCause::Unreadable).detail(format!("the mirror: {error}"));
            Reading::missing(query, &gap)
        })
    }

    /// Reads everything, without a mirror.
    async fn read_without(
        &self,
        query: &Query,
        take: &mut (dyn FnMut(Person) + Send),
        why: &str,
    ) -> Result<Reading, DirectoryError> {
        let mut reading = self.directory.read(query, take).await?;
        reading.notices.push(format!("everything is read, and no mirror is kept: {why}"));
        Ok(reading)
    }
}

/// The path of a file beside another one: its name with an ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Directory for MirroredDirectory {
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(self.read_kept(query, take))
    }
}

#[cfg(test)]
mod tests;
