//! A saved plan of `umapi apply`: exactly the changes to make, and what must not have changed since.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use umapi::{
    Account, AccountKind, Client, Command, Error, GroupKind, GroupRef, MembershipAction, MembershipChange, NewGroup,
    plan::account::{AccountKey, FoldedName},
};

use super::PlannedChange;
use crate::{
    accounts::{FoundAccount, MAX_LOOKUPS},
    config::Access,
    connection::Connection,
    failure::{Failure, Result},
    input::{Diagnostic, SourceLocation},
    large_groups::GroupState,
    private_file,
};

/// The version of the format.
const VERSION: u32 = 1;

/// The field with the version: a file that begins with it is a plan, even if it was cut off.
const MARK: &str = "\"umapi_plan\"";

/// The number of differences that are shown.
const SHOWN: usize = 20;

/// A saved plan.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanFile {
    /// The version of the format, by which a plan is recognized.
    umapi_plan: u32,
    organization: String,
    server: String,
    /// When the plan was made, in UTC.
    pub(crate) made_at: String,
    /// The membership file that it was made from.
    pub(crate) file: String,
    /// The number of memberships that were compared.
    pub(crate) compared: usize,
    /// User groups to create first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) new_groups: Vec<String>,
    changes: Vec<Entry>,
}

/// A membership to change.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    action: Action,
    user: String,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<AccountKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group_kind: Option<Kind>,
    /// The line of the membership file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Add,
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    UserGroup,
    Profile,
    Administrative,
}

impl PlanFile {
    pub(crate) fn new(
        access: &Access,
        made_at: String,
        file: &str,
        compared: usize,
        new_groups: Vec<String>,
        changes: &[PlannedChange],
    ) -> Self {
        Self {
            umapi_plan: VERSION,
            organization: access.organization.clone(),
            server: server_of(access).to_owned(),
            made_at,
            file: file.to_owned(),
            compared,
            new_groups,
            changes: changes.iter().map(Entry::of).collect(),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        private_file::write_plan(path, serde_json::to_vec_pretty(self))
    }

    /// Reads a file if it is a plan. `None` if it is something else, or cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        // Only a regular file can be read again. Its name does not matter.
        if !path.is_file() || !begins_as_json_object(path).unwrap_or(false) {
            return Ok(None);
        }
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(None) };
        let text = text.trim_start_matches('\u{feff}');
        #[derive(Deserialize)]
        struct Version {
            umapi_plan: Value,
        }
        let version = serde_json::from_str(text).ok().map(|Version { umapi_plan }| umapi_plan);
        let begins_as_plan =
            || text.trim_start().strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(MARK));
        if version.is_none() && !begins_as_plan() {
            return Ok(None);
        }
        let name = path.display().to_string();
        if let Some(version) = version.as_ref().and_then(Value::as_u64).filter(|version| *version != u64::from(VERSION))
        {
            return Err(Failure::usage(format!("cannot apply the plan {name}"))
                .why(format!("it has the format {version}, and this umapi reads the format {VERSION}"))
                .remedy("make the plan again with this version: umapi apply FILE --plan-out PLAN.json"));
        }
        match serde_json::from_str::<Self>(text) {
            Ok(plan) => Ok(Some(plan)),
            Err(error) => {
                let location = SourceLocation::character(error.line() as u64, error.column() as u64);
                Err(Diagnostic::new(location, "this is not as umapi wrote it")
                    .remedy("do not edit a plan: change the membership file, and make the plan again with --plan-out")
                    .into_failure(name, "cannot apply the plan"))
            }
        }
    }

    /// Fails if the plan has names that no group or user can have.
    pub(crate) fn check_names(&self) -> Result<()> {
        let mut failure = None;
        for name in &self.new_groups {
            let Err(invalid) = Command::from(Command::create_group(NewGroup::new(name))).check() else { continue };
            let why = format!("group \"{name}\" cannot be created: {}; {}", invalid.rule(), invalid.remedy());
            let so_far = failure.unwrap_or_else(|| Failure::usage("there cannot be such groups; nothing was sent"));
            failure = Some(so_far.why(why));
        }
        failure.map_or_else(|| super::check_names(&self.changes()), Err)
    }

    /// Fails if the plan was made for another organization.
    pub(crate) fn check_origin(&self, access: &Access) -> Result<()> {
        let server = server_of(access);
        let is_same = self.organization.eq_ignore_ascii_case(&access.organization) && self.server == server;
        if is_same {
            return Ok(());
        }
        Err(Failure::usage("the plan was made for another organization; nothing was changed")
            .why(format!("it is for {} at {}", self.organization, self.server))
            .why(format!("this call is for {} at {server}", access.organization))
            .remedy("select the organization of the plan with --profile"))
    }

    pub(crate) fn removals(&self) -> usize {
        self.changes.iter().filter(|entry| entry.action == Action::Remove).count()
    }

    pub(crate) fn changes(&self) -> Vec<PlannedChange> {
        let planned =
            |(number, entry): (u64, &Entry)| PlannedChange { number, change: entry.change(), line: entry.line };
        (1..).zip(&self.changes).map(planned).collect()
    }

    /// Fails if the users and groups of the plan are not as they were when it was made. Reads no list of all users or groups.
    pub(crate) async fn check_unchanged(&self, connection: &Connection) -> Result<()> {
        let changes = self.changes();
        let cannot_check = |error: Error| Failure::of_service("cannot check whether the plan still fits", &error);
        let differences = differences(&connection.client, &changes, &self.new_groups).await.map_err(cannot_check)?;
        if differences.is_empty() {
            return Ok(());
        }
        let mut failure = Failure::failed(format!(
            "the organization has changed since the plan was made at {}; nothing was changed",
            self.made_at
        ));
        for difference in differences.iter().take(SHOWN) {
            failure = failure.why(difference);
        }
        if differences.len() > SHOWN {
            failure = failure.why(format!("and {} more", differences.len() - SHOWN));
        }
        Err(failure.remedy(self.make_again()))
    }

    /// What to do if the plan cannot be applied, or only a part of it was.
    pub(crate) fn make_again(&self) -> String {
        format!("make a new plan with \"umapi apply {} --plan-out PLAN.json\"", self.file)
    }
}

impl Entry {
    fn of(planned: &PlannedChange) -> Self {
        let MembershipChange { user, group, action } = &planned.change;
        Self {
            action: if *action == MembershipAction::Add { Action::Add } else { Action::Remove },
            user: user.name().to_owned(),
            kind: user.kind(),
            domain: user.domain().map(str::to_owned),
            email: user.email_address().filter(|email| *email != user.name()).map(str::to_owned),
            group: group.name().to_owned(),
            group_kind: match group.kind() {
                GroupKind::UserGroup => Some(Kind::UserGroup),
                GroupKind::Profile => Some(Kind::Profile),
                GroupKind::Administrative => Some(Kind::Administrative),
                _ => None,
            },
            line: planned.line,
        }
    }

    fn change(&self) -> MembershipChange {
        let account = match &self.domain {
            Some(domain) => Account::username(&self.user, domain),
            None => Account::email(&self.user),
        };
        let account = self.kind.into_iter().fold(account, Account::with_kind);
        MembershipChange {
            user: self.email.iter().fold(account, Account::with_email),
            group: match self.group_kind {
                Some(Kind::UserGroup) => GroupRef::user_group(&self.group),
                Some(Kind::Profile) => GroupRef::profile(&self.group),
                Some(Kind::Administrative) => GroupRef::administrative(&self.group),
                None => GroupRef::from(&self.group),
            },
            action: match self.action {
                Action::Add => MembershipAction::Add,
                Action::Remove => MembershipAction::Remove,
            },
        }
    }
}

/// Whether the first character of a file is the bracket of a JSON object. A table can be large, so it is not read for this.
fn begins_as_json_object(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4_096).read_to_end(&mut start)?;
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&start);
    Ok(start.trim_ascii_start().starts_with(b"{"))
}

fn server_of(access: &Access) -> &str {
    access.server.as_deref().unwrap_or("production")
}

/// The users of a plan as they are now: the folded names of their groups, or `None` if they do not exist.
type Users = BTreeMap<AccountKey, Option<BTreeSet<FoldedName>>>;

/// Describes what is not as a plan expects it.
async fn differences(client: &Client, changes: &[PlannedChange], new_groups: &[String]) -> Result<Vec<String>, Error> {
    let mut differences = Vec::new();
    for group in new_groups {
        if GroupState::of(client, group).await? != GroupState::Missing {
            differences.push(format!("group \"{group}\" exists already"));
        }
    }
    let new_groups: BTreeSet<FoldedName> = new_groups.iter().map(|name| FoldedName::new(name)).collect();
    let mut groups: BTreeMap<FoldedName, &str> = BTreeMap::new();
    for PlannedChange { change, .. } in changes {
        groups.insert(FoldedName::new(change.group.name()), change.group.name());
    }
    groups.retain(|key, _| !new_groups.contains(key));
    let (mut missing, mut large) = (BTreeSet::new(), BTreeSet::new());
    for (key, name) in &groups {
        match GroupState::of(client, name).await? {
            GroupState::Listable => {}
            GroupState::TooLarge => drop(large.insert(key.clone())),
            GroupState::Missing => {
                differences.push(format!("group \"{name}\" does not exist any more"));
                missing.insert(key.clone());
            }
        }
    }
    groups.retain(|key, _| !missing.contains(key) && !large.contains(key));
    let users = read_users(client, changes, groups.values().copied(), large).await?;
    let mut gone = BTreeSet::new();
    for PlannedChange { change, line, .. } in changes {
        let key = FoldedName::new(change.group.name());
        if missing.contains(&key) {
            continue;
        }
        let (user, group) = (&change.user, &change.group);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        match (users.get(user.key()), change.action) {
            (Some(None), _) if gone.insert(user.key()) => {
                differences.push(format!("{place}`{user}` is not in the organization any more"));
            }
            (Some(Some(own)), MembershipAction::Add) if own.contains(&key) => {
                differences.push(format!("{place}`{user}` is in \"{group}\" already"));
            }
            (Some(Some(own)), MembershipAction::Remove) if !own.contains(&key) => {
                differences.push(format!("{place}`{user}` is not in \"{group}\" any more"));
            }
            _ => {}
        }
    }
    Ok(differences)
}

/// Looks up the users of a plan: one by one or, if they are many, among the members of its groups,
/// except the groups that are too large to be listed.
async fn read_users<'a>(
    client: &Client,
    changes: &[PlannedChange],
    groups: impl Iterator<Item = &'a str>,
    mut large: BTreeSet<FoldedName>,
) -> Result<Users, Error> {
    let accounts: BTreeMap<&AccountKey, &Account> =
        changes.iter().map(|planned| (planned.change.user.key(), &planned.change.user)).collect();
    let service = client.users();
    let mut users = Users::new();
    if accounts.len() <= MAX_LOOKUPS {
        for (key, account) in accounts {
            users.insert(key.clone(), read_user(client, account).await?);
        }
        return Ok(users);
    }
    // A user in none of the groups may have left; then the service rejects the change.
    users.extend(accounts.keys().map(|key| ((*key).clone(), Some(BTreeSet::new()))));
    for group in groups {
        let mut members = service.in_group(group).list().dedup();
        loop {
            let user = match members.try_next().await {
                Ok(Some(user)) => user,
                Ok(None) => break,
                Err(error) if error.is_group_too_large() => {
                    large.insert(FoldedName::new(group));
                    break;
                }
                Err(error) => return Err(error),
            };
            if let Some(found) = FoundAccount::of(&user)
                && let Some(own) = users.get_mut(found.key())
            {
                *own = Some(found.groups.into_keys().collect());
            }
        }
    }
    // The list of all users would tell, but it may be old, or not be read again so soon.
    for PlannedChange { change, .. } in changes {
        let is_unread = users.get(change.user.key()).is_some_and(|own| own.as_ref().is_some_and(BTreeSet::is_empty));
        if is_unread && large.contains(&FoldedName::new(change.group.name())) {
            users.insert(change.user.key().clone(), read_user(client, &change.user).await?);
        }
    }
    Ok(users)
}

/// Looks up the groups of a user. `None` if there is no such account.
async fn read_user(client: &Client, account: &Account) -> Result<Option<BTreeSet<FoldedName>>, Error> {
    let (users, name) = (client.users(), account.name());
    let found = match (account.domain(), account.is_adobe_id()) {
        (Some(domain), _) => users.get_by_username(name, domain).await?,
        (None, true) => users.get_adobe_id(name).await?,
        (None, false) => users.get(name).await?,
    };
    let found = found.and_then(|user| FoundAccount::of(&user)).filter(|found| found.key() == account.key());
    Ok(found.map(|found| found.groups.into_keys().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(user: Account, group: GroupRef, action: MembershipAction, line: Option<u64>) -> PlannedChange {
        PlannedChange { number: 1, change: MembershipChange { user, group, action }, line }
    }

    #[test]
    fn entries_keep_the_change() {
        let twin = Account::adobe_id("ann@b.c");
        let lee = Account::username("lee", "one.d").with_kind(AccountKind::FederatedId).with_email("lee@mail.d");
        for change in [
            planned(Account::email("Ann@b.c"), GroupRef::user_group("Design"), MembershipAction::Add, Some(2)),
            planned(twin, GroupRef::profile("Photoshop"), MembershipAction::Remove, None),
            planned(lee, GroupRef::administrative("_admin_Design"), MembershipAction::Add, None),
        ] {
            let json = serde_json::to_string(&Entry::of(&change)).unwrap();
            let entry: Entry = serde_json::from_str(&json).unwrap();
            assert_eq!(entry.change(), change.change, "{json}");
            assert_eq!(entry.change().user.email_address(), change.change.user.email_address());
            assert_eq!((entry.change().group.kind(), entry.line), (change.change.group.kind(), change.line));
        }
    }

    #[test]
    fn other_files_are_not_plans() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("a.json", "{\"groups\": {}}"), ("b.json", ""), ("c.yaml", "groups:\n  Design: []\n")] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            assert_eq!(PlanFile::read(&path).unwrap(), None, "{name}");
        }
        assert_eq!(PlanFile::read(&folder.path().join("missing.json")).unwrap(), None);
    }

    #[test]
    fn damaged_plans_are_refused_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        for (content, part) in [
            ("{\n  \"umapi_plan\": 1,\n  \"organization\": 7\n}", "line 3, column 19"),
            ("\u{feff}{\"umapi_plan\": 1", "line 1"),
            ("{\"umapi_plan\": 2, \"anything\": []}", "the format 2"),
        ] {
            std::fs::write(&path, content).unwrap();
            let failure = PlanFile::read(&path).unwrap_err().to_string();
            assert!(failure.contains(part), "{failure}");
        }
    }
}
