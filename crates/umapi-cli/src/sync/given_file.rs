//! What earlier runs gave, in an SQLite file beside the state, for `--push`. It is a cache: without it, a push sends
//! everything, and takes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, params};
use umapi::{Account, plan::account::FoldedName};
use umapi_directory::PersonId;
use umapi_sync::{
    AccountRecord, Action, Change, Given, GivenGroup, GivenUser, PersonKey, SeenUser, TargetKind, user_key,
};

use crate::{
    failure::{Failure, Result},
    private_file,
    sqlite_file::{self, FileKind},
};

/// `umgv`, in the header of the SQLite file.
const APPLICATION_ID: u32 = 0x756d_6776;
const FORMAT_VERSION: u32 = 1;

/// Organizations are known by their identifiers, so that another one under the same name begins anew.
const SCHEMA: &str = "
    CREATE TABLE user (
        org TEXT NOT NULL,
        directory TEXT NOT NULL,
        person TEXT NOT NULL,
        key TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (org, directory, person)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX user_key ON user (org, key);
    CREATE TABLE team (org TEXT NOT NULL, key TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (org, key)) STRICT, WITHOUT ROWID;
";

/// The codes of the service that say that a user does not exist any more.
const GONE: [&str; 3] = ["error.user.nonexistent", "error.user.not_found", "error.user.not_in_org"];

/// What earlier runs gave, on disk. The lock of the state protects it.
#[derive(Debug)]
pub(crate) struct GivenFile {
    /// `None` for a rehearsal.
    place: Option<(PathBuf, Connection)>,
}

/// What became of a change.
pub(crate) struct Made<'c> {
    pub(crate) change: &'c Change,
    pub(crate) is_completed: bool,
    pub(crate) codes: &'c [String],
}

/// A user, as the file has them.
#[derive(serde::Deserialize, serde::Serialize)]
struct Row {
    account: AccountRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_administrator: bool,
    /// Folded names.
    groups: Vec<String>,
}

/// A group, as the file has it.
#[derive(serde::Deserialize, serde::Serialize)]
struct GroupRow {
    name: String,
    kind: TargetKind,
}

impl GivenFile {
    /// Where the file of a state is.
    pub(crate) fn path_of(state: &Path) -> PathBuf {
        let mut path = state.as_os_str().to_owned();
        path.push(".given");
        path.into()
    }

    /// Opens the file, or begins one.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = open(path).map_err(|why| {
            Failure::usage(format!("cannot use what earlier runs gave, in {}", path.display()))
                .why(why)
                .remedy("move the file away: the next \"umapi sync apply\" writes it anew")
        })?;
        Ok(Self { place: Some((path.to_owned(), connection)) })
    }

    /// A file that is not kept.
    pub(crate) fn unsaved() -> Self {
        Self { place: None }
    }

    /// What earlier runs gave in an organization.
    pub(crate) fn read(&self, organization: &str) -> Result<Given> {
        let Some((path, connection)) = &self.place else { return Ok(Given::default()) };
        read(connection, organization).map_err(|error| {
            Failure::usage(format!("cannot read what earlier runs gave, in {}", path.display()))
                .why(error)
                .remedy("move the file away: the next \"umapi sync apply\" writes it anew")
        })
    }

    /// Takes over how Adobe's side is. `is_seen` tells who is among the users, and `accounts` gives the keys of all accounts, if
    /// all were read.
    pub(crate) fn see(
        &mut self,
        organization: &str,
        groups: BTreeMap<FoldedName, GivenGroup>,
        users: impl Iterator<Item = SeenUser>,
        is_seen: impl Fn(&PersonKey) -> bool,
        accounts: Option<impl FnOnce() -> BTreeSet<String>>,
    ) -> Result<()> {
        self.change(|transaction| {
            transaction.execute("DELETE FROM team WHERE org = ?1", [organization])?;
            for (key, GivenGroup { name, kind }) in groups {
                put_group(transaction, organization, key.as_str(), &GroupRow { name, kind })?;
            }
            for SeenUser { person, mut user, others } in users {
                let before = user_of(transaction, organization, &person)?;
                if let Some(before) = &before {
                    user.groups.extend(others.intersection(&before.groups).cloned());
                }
                if before.as_ref() != Some(&user) {
                    put_user(transaction, organization, &person, user)?;
                }
            }
            if let Some(accounts) = accounts {
                forget_gone(transaction, organization, is_seen, accounts)?;
            }
            Ok(())
        })
    }

    /// Takes over what a run did.
    pub(crate) fn record<'c>(&mut self, organization: &str, made: impl Iterator<Item = Made<'c>>) -> Result<()> {
        self.change(|transaction| {
            for Made { change, is_completed, codes } in made {
                if let (Action::CreateGroup { group }, true) = (&change.action, is_completed) {
                    let key = FoldedName::new(group);
                    let row = GroupRow { name: group.clone(), kind: TargetKind::UserGroup };
                    put_group(transaction, organization, key.as_str(), &row)?;
                }
                let Some(account) = &change.user else { continue };
                let key = user_key(&Account::from(account));
                let known = user_by_key(transaction, organization, &key)?;
                if !is_completed {
                    // Somebody else removed the user: the next push creates them again, with all memberships.
                    if codes.iter().any(|code| GONE.contains(&code.as_str())) {
                        transaction
                            .execute("DELETE FROM user WHERE org = ?1 AND key = ?2", params![organization, key])?;
                    }
                    continue;
                }
                if let Action::Add { group, kind } = &change.action {
                    let folded = FoldedName::new(group);
                    let row = GroupRow { name: group.clone(), kind: *kind };
                    transaction
                        .prepare_cached("INSERT OR IGNORE INTO team (org, key, content) VALUES (?1, ?2, ?3)")?
                        .execute(params![organization, folded.as_str(), json(&row)?])?;
                }
                let (person, user) = match (known, &change.person) {
                    (Some((person, user)), None) => (person, user),
                    (Some((_, user)), Some(person)) => (person.clone(), user),
                    (None, Some(person)) => (person.clone(), GivenUser::new(account.clone())),
                    (None, None) => continue,
                };
                match user.after(change) {
                    Some(user) => put_user(transaction, organization, &person, user)?,
                    None => {
                        transaction
                            .execute("DELETE FROM user WHERE org = ?1 AND key = ?2", params![organization, key])?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Changes the file, as a whole or not at all.
    fn change(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<()> {
        let Some((path, connection)) = &mut self.place else { return Ok(()) };
        let change = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            work(&transaction)?;
            transaction.commit()
        };
        change().map_err(|error| {
            Failure::failed(format!("cannot write what this run gave, to {}", path.display()))
                .why(error)
                .remedy("check that its disk has room and that you may write to its folder")
        })
    }
}

fn open(path: &Path) -> Result<Connection, String> {
    let text = |error: &dyn fmt::Display| error.to_string();
    if !path.try_exists().map_err(|error| text(&error))? {
        private_file::create(path, b"").map_err(|error| text(&error))?;
    }
    let is_new = match sqlite_file::inspect(path).map_err(|error| text(&error))? {
        FileKind::Empty => true,
        FileKind::Sqlite(header) if header.application_id == APPLICATION_ID => {
            if header.format_version != FORMAT_VERSION {
                return Err("another version of umapi wrote it".to_owned());
            }
            false
        }
        _ => return Err("it is something else".to_owned()),
    };
    let damaged = |error: rusqlite::Error| format!("it is damaged: {error}");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(damaged)?;
    if is_new {
        let fill = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
            transaction.execute_batch(SCHEMA)?;
            transaction.commit()
        };
        fill(&mut connection).map_err(|error| text(&error))?;
    }
    Ok(connection)
}

fn read(connection: &Connection, organization: &str) -> rusqlite::Result<Given> {
    let mut given = Given::default();
    let mut users = connection.prepare("SELECT directory, person, content FROM user WHERE org = ?1")?;
    let mut rows = users.query([organization])?;
    while let Some(row) = rows.next()? {
        given.users.insert(person(row.get(0)?, row.get(1)?), user(row.get(2)?)?);
    }
    let mut groups = connection.prepare("SELECT key, content FROM team WHERE org = ?1")?;
    let mut rows = groups.query([organization])?;
    while let Some(row) = rows.next()? {
        let GroupRow { name, kind } = from_json(row.get(1)?)?;
        given.groups.insert(FoldedName::new(&row.get::<_, String>(0)?), GivenGroup { name, kind });
    }
    Ok(given)
}

fn person(directory: String, id: String) -> PersonKey {
    PersonKey { directory: directory.into(), id: PersonId::from(id) }
}

fn user(text: String) -> rusqlite::Result<GivenUser> {
    let Row { account, first_name, last_name, is_administrator, groups } = from_json(text)?;
    let groups = groups.iter().map(|group| FoldedName::new(group)).collect();
    Ok(GivenUser { account, first_name, last_name, is_administrator, groups })
}

fn user_of(
    transaction: &Transaction<'_>,
    organization: &str,
    person: &PersonKey,
) -> rusqlite::Result<Option<GivenUser>> {
    let mut query =
        transaction.prepare_cached("SELECT content FROM user WHERE org = ?1 AND directory = ?2 AND person = ?3")?;
    let key = params![organization, person.directory.to_string(), person.id.as_str()];
    query.query_row(key, |row| row.get::<_, String>(0)).optional()?.map(user).transpose()
}

fn user_by_key(
    transaction: &Transaction<'_>,
    organization: &str,
    key: &str,
) -> rusqlite::Result<Option<(PersonKey, GivenUser)>> {
    let mut query =
        transaction.prepare_cached("SELECT directory, person, content FROM user WHERE org = ?1 AND key = ?2")?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?));
    let found: Option<(String, String, String)> = query.query_row(params![organization, key], row).optional()?;
    found.map(|(directory, id, content)| Ok((person(directory, id), user(content)?))).transpose()
}

fn put_user(
    transaction: &Transaction<'_>,
    organization: &str,
    person: &PersonKey,
    user: GivenUser,
) -> rusqlite::Result<()> {
    let key = user_key(&Account::from(&user.account));
    let GivenUser { account, first_name, last_name, is_administrator, groups } = user;
    let groups = groups.iter().map(|group| group.as_str().to_owned()).collect();
    let row = Row { account, first_name, last_name, is_administrator, groups };
    // Also in place of the user of another person: an account belongs to one.
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO user (org, directory, person, key, content) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    put.execute(params![organization, person.directory.to_string(), person.id.as_str(), key, json(&row)?])?;
    Ok(())
}

fn put_group(transaction: &Transaction<'_>, organization: &str, key: &str, group: &GroupRow) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached("INSERT OR REPLACE INTO team (org, key, content) VALUES (?1, ?2, ?3)")?;
    put.execute(params![organization, key, json(group)?])?;
    Ok(())
}

/// Forgets the users whom neither side has any more.
fn forget_gone(
    transaction: &Transaction<'_>,
    organization: &str,
    is_seen: impl Fn(&PersonKey) -> bool,
    accounts: impl FnOnce() -> BTreeSet<String>,
) -> rusqlite::Result<()> {
    let mut unseen: Vec<String> = Vec::new();
    let mut users = transaction.prepare_cached("SELECT directory, person, key FROM user WHERE org = ?1")?;
    let mut rows = users.query([organization])?;
    while let Some(row) = rows.next()? {
        if !is_seen(&person(row.get(0)?, row.get(1)?)) {
            unseen.push(row.get(2)?);
        }
    }
    if unseen.is_empty() {
        return Ok(());
    }
    let accounts = accounts();
    for key in unseen.iter().filter(|key| !accounts.contains(*key)) {
        transaction.execute("DELETE FROM user WHERE org = ?1 AND key = ?2", params![organization, key])?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(text: String) -> rusqlite::Result<T> {
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}

#[cfg(test)]
mod tests {
    use umapi_sync::Reason;

    use super::*;

    fn account(name: &str) -> AccountRecord {
        AccountRecord { name: name.to_owned(), domain: None, kind: None, email: None }
    }

    fn change(person: &str, name: &str, action: Action) -> Change {
        let person = Some(PersonKey { directory: "hr".into(), id: PersonId::new(person) });
        Change { user: Some(account(name)), person, action, reason: Reason::Selected }
    }

    fn create() -> Action {
        Action::CreateUser {
            email: "ann@b.c".to_owned(),
            first_name: Some("Ann".to_owned()),
            last_name: None,
            country: None,
            updates: false,
        }
    }

    fn add(group: &str) -> Action {
        Action::Add { group: group.to_owned(), kind: TargetKind::Profile }
    }

    fn groups(file: &GivenFile, org: &str) -> Vec<Vec<String>> {
        let given = file.read(org).unwrap();
        given.users.values().map(|user| user.groups.iter().map(ToString::to_string).collect()).collect()
    }

    #[test]
    fn only_what_was_completed_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.given");
        let mut file = GivenFile::open(&path).unwrap();
        let changes =
            [change("1", "ann@b.c", create()), change("1", "ann@b.c", add("Design")), change("1", "ann@b.c", add("X"))];
        let made =
            changes.iter().enumerate().map(|(index, change)| Made { change, is_completed: index < 2, codes: &[] });
        file.record("o", made).unwrap();
        drop(file);
        let mut file = GivenFile::open(&path).unwrap();
        assert_eq!(groups(&file, "o"), [["design"]]);
        assert_eq!(file.read("o").unwrap().groups.len(), 1);
        assert_eq!(file.read("another").unwrap(), Given::default());
        // A user whom somebody else removed is forgotten, so that they are created again.
        let codes = ["error.user.nonexistent".to_owned()];
        let gone = change("1", "ann@b.c", add("X"));
        file.record("o", [Made { change: &gone, is_completed: false, codes: &codes }].into_iter()).unwrap();
        assert!(groups(&file, "o").is_empty());
    }

    #[test]
    fn what_adobe_has_replaces_what_was_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = GivenFile::open(&folder.path().join("a.given")).unwrap();
        let changes = ["Design", "Old", "Lost"].map(|group| change("1", "ann@b.c", add(group)));
        file.record("o", changes.iter().map(|change| Made { change, is_completed: true, codes: &[] })).unwrap();
        let key = |name: &str| FoldedName::new(name);
        let mut user = GivenUser::new(account("ann@b.c"));
        user.groups.insert(key("Design"));
        // Others gave Guests; the group Old was given by a run, and is still there.
        let others = [key("Old"), key("Guests")].into();
        let person = PersonKey { directory: "hr".into(), id: PersonId::new("1") };
        let seen = SeenUser { person, user, others };
        let accounts = Some(|| ["ann@b.c".to_owned()].into());
        file.see("o", BTreeMap::new(), [seen].into_iter(), |_| true, accounts).unwrap();
        assert_eq!(groups(&file, "o"), [["design", "old"]]);
        file.see("o", BTreeMap::new(), std::iter::empty(), |_| false, Some(BTreeSet::new)).unwrap();
        assert!(groups(&file, "o").is_empty());
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.given");
        for content in [&b"SQLite format 3\0"[..], b"hello"] {
            std::fs::write(&path, content).unwrap();
            let refused = GivenFile::open(&path).unwrap_err().to_string();
            assert!(refused.contains("it is something else"), "{refused}");
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        std::fs::write(&path, b"").unwrap();
        GivenFile::open(&path).unwrap();
        assert_eq!(GivenFile::path_of(Path::new("a.state")), Path::new("a.state.given"));
    }
}
