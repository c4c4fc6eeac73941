//! The log of user-sync.
//!
//! A line is `2026-01-31 02:00:00 4711 INFO processor - message`. The message tells a change; sets of groups are written as
//! Python does: `{'design', "o'hara"}`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What user-sync would do, by its log.
#[derive(Clone, Debug)]
pub struct PeerLog {
    changes: Vec<PeerChange>,
    runs: usize,
    is_test: bool,
    shape: LogShape,
    problems: Vec<(u64, String)>,
}

/// Whether a log tells everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogShape {
    /// It has the summary at the end of a run.
    Whole,
    /// The run has no end in it: it was cut off, or is not over.
    CutOff,
    /// It has no messages of the level INFO.
    NoInfo,
    /// It is not a log of user-sync.
    Foreign,
}

/// A change of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerChange {
    pub(super) line: u64,
    /// The secondary organization.
    pub(super) org: Option<String>,
    /// Username and address. Empty for a group.
    pub(super) names: Vec<String>,
    pub(super) action: PeerAction,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PeerAction {
    CreateGroup(String),
    Create {
        knows_groups: bool,
    },
    Update,
    Groups {
        added: BTreeSet<String>,
        removed: BTreeSet<String>,
    },
    /// Groups that the log does not name are taken.
    TakeGroups,
    Leave,
    Delete,
}

impl PeerLog {
    /// Reads a log. Of several runs, the last one counts.
    pub fn parse(text: &str) -> Self {
        let mut log = Self::new(0);
        let mut any = false;
        let mut groups_of_new: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut taken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut has_info = false;
        for (number, line) in (1_u64..).zip(text.trim_start_matches('\u{feff}').split('\n')) {
            // What follows a message on lines of its own, e.g. a stack trace, has no such head.
            let Some((level, message)) = head(line.trim_end_matches('\r')) else { continue };
            any = true;
            if is_start(message) {
                log = Self::new(log.runs + 1);
                groups_of_new.clear();
                taken.clear();
                log.is_test = message.contains("TEST MODE");
                has_info = true;
                continue;
            }
            has_info |= level == "INFO";
            if message.contains("- Action Summary") {
                log.shape = LogShape::Whole;
                log.is_test = message.contains("(TEST MODE)");
            }
            if matches!(level, "ERROR" | "CRITICAL") || is_skip(message) {
                log.problems.push((number, message.to_owned()));
            }
            if let Some(change) = change(number, message) {
                log.changes.push(change);
            } else if let Some(action) = added_action(message) {
                groups_of_new.entry(action.user.clone()).or_default().extend(action.added_to_new);
                taken.entry(action.user).or_default().extend(action.removed);
            }
        }
        if !any {
            log.shape = LogShape::Foreign;
        } else if !has_info {
            log.shape = LogShape::NoInfo;
        }
        groups_of_new.retain(|_, groups| !groups.is_empty());
        log.name_groups_of_new(&groups_of_new);
        log.name_taken_groups(&taken);
        log
    }

    fn new(runs: usize) -> Self {
        Self { changes: Vec::new(), runs, is_test: false, shape: LogShape::CutOff, problems: Vec::new() }
    }

    /// The groups of new users stand in messages of the level DEBUG only.
    fn name_groups_of_new(&mut self, groups: &BTreeMap<String, BTreeSet<String>>) {
        let mut more = Vec::new();
        for change in &mut self.changes {
            let PeerAction::Create { knows_groups } = &mut change.action else { continue };
            let Some(added) = change.names.iter().find_map(|name| groups.get(&name.to_lowercase())) else { continue };
            *knows_groups = true;
            let action = PeerAction::Groups { added: added.clone(), removed: BTreeSet::new() };
            more.push(PeerChange { action, ..change.clone() });
        }
        self.changes.extend(more);
    }

    /// The groups that are taken from users whom the directory does not have stand there, too.
    fn name_taken_groups(&mut self, taken: &BTreeMap<String, BTreeSet<String>>) {
        for change in self.changes.iter_mut().filter(|change| change.action == PeerAction::TakeGroups) {
            let groups = change.names.iter().find_map(|name| taken.get(&name.to_lowercase()));
            if let Some(removed) = groups.filter(|groups| !groups.is_empty()) {
                change.action = PeerAction::Groups { added: BTreeSet::new(), removed: removed.clone() };
            }
        }
    }

    pub(super) fn changes(&self) -> &[PeerChange] {
        &self.changes
    }

    /// The number of runs in it.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Whether the run changed nothing.
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    /// Whether it tells everything.
    pub fn shape(&self) -> LogShape {
        self.shape
    }

    /// Whether it names the groups of all new users.
    pub fn knows_groups_of_new(&self) -> bool {
        self.changes.iter().all(|change| change.action != PeerAction::Create { knows_groups: false })
    }

    /// Errors of user-sync, and users whom it skipped, with their lines.
    pub fn problems(&self) -> &[(u64, String)] {
        &self.problems
    }
}

/// The level and the message of a line.
fn head(line: &str) -> Option<(&str, &str)> {
    let mut words = line.splitn(6, ' ');
    let (date, time, process) = (words.next()?, words.next()?, words.next()?);
    let (level, _logger, rest) = (words.next()?, words.next()?, words.next()?);
    let is_number =
        |text: &str, others: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || others.contains(c));
    let is_level = matches!(level, "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL");
    if !(is_number(date, "-") && is_number(time, ":,.") && is_number(process, "") && is_level) {
        return None;
    }
    Some((level, rest.strip_prefix("- ")?))
}

fn is_start(message: &str) -> bool {
    message.starts_with("==") && message.contains(" Start Run (User Sync")
}

fn is_skip(message: &str) -> bool {
    ["Skipping user", "User cannot be added", "Unable to process "].iter().any(|start| message.starts_with(start))
}

/// The change that a message tells.
fn change(line: u64, message: &str) -> Option<PeerChange> {
    let of = |org: Option<&str>, user: &str, action| {
        Some(PeerChange { line, org: org.map(|org| org.trim().to_owned()), names: names(user), action })
    };
    let create = PeerAction::Create { knows_groups: false };
    if let Some(rest) = message.strip_prefix("Queuing new user for umapi ") {
        let (org, user) = rest.split_once(" with user key: ")?;
        return of(Some(org).filter(|org| *org != "None"), user, create);
    }
    for start in ["Queuing new user with user key: ", "Creating user with user key: "] {
        if let Some(user) = message.strip_prefix(start) {
            return of(None, user, create);
        }
    }
    if let Some(rest) = message.strip_prefix("Updating info for user key: ") {
        return of(None, rest.split_once(" changes: ")?.0, PeerAction::Update);
    }
    if let Some(rest) = message.strip_prefix("Managing groups ") {
        let (place, rest) = rest.split_once("for user key: ")?;
        // A user may have such words in the name; a set in Python may not begin otherwise.
        let (user, sets) = rest.split_once(" added: ")?;
        let (added, rest) = set(sets)?;
        let (removed, _) = set(rest.trim_start().strip_prefix("removed: ")?)?;
        let org = place.strip_prefix("in ").map(str::trim);
        return of(org, user, PeerAction::Groups { added, removed });
    }
    if let Some(rest) = message.strip_prefix("Auto create user-group enabled: Creating '") {
        let (group, org) = rest.rsplit_once("' on '")?;
        let org = org.strip_suffix('\'')?;
        let org = Some(org).filter(|org| *org != "primary org").map(str::to_owned);
        return Some(PeerChange { line, org, names: Vec::new(), action: PeerAction::CreateGroup(group.to_owned()) });
    }
    let starts = [
        ("Removing all adobe groups in ", " for Adobe-only user: ", PeerAction::TakeGroups),
        ("Removing mapped groups in ", " from Adobe-only user: ", PeerAction::TakeGroups),
        ("Removing Adobe-only user from ", ": ", PeerAction::Leave),
    ];
    for (start, middle, action) in starts {
        if let Some((org, user)) = message.strip_prefix(start).and_then(|rest| rest.split_once(middle)) {
            return of(Some(org), user, action);
        }
    }
    let starts = [
        ("Removing all adobe groups for Adobe-only user: ", PeerAction::TakeGroups),
        ("Removing mapped groups from Adobe-only user: ", PeerAction::TakeGroups),
        ("Removing Adobe-only user: ", PeerAction::Leave),
        ("Deleting Adobe-only user: ", PeerAction::Delete),
    ];
    starts.into_iter().find_map(|(start, action)| of(None, message.strip_prefix(start)?, action))
}

/// Username and address of a key: `federatedID,jdoe,example.com,jdoe@example.com`; older versions have no address.
fn names(key: &str) -> Vec<String> {
    let parts: Vec<&str> = key.trim().split(',').collect();
    let names = match parts.as_slice() {
        [_, username, _, email] => vec![*username, *email],
        // A username with a comma.
        [_, username @ .., _, email] if username.len() > 1 => {
            return vec![username.join(","), (*email).to_owned()];
        }
        [_, username, ..] => vec![*username],
        [only] => vec![*only],
        [] => Vec::new(),
    };
    names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A set of texts as Python writes it, and what follows: `{'a', "b"}`, `set()`, `set(['a'])`, `None`.
fn set(text: &str) -> Option<(BTreeSet<String>, &str)> {
    for empty in ["set()", "set([])", "None", "{}"] {
        if let Some(rest) = text.strip_prefix(empty) {
            return Some((BTreeSet::new(), rest));
        }
    }
    let (mut rest, end) = match text.strip_prefix("set([") {
        Some(inside) => (inside, "])"),
        None => (text.strip_prefix('{')?, "}"),
    };
    let mut texts = BTreeSet::new();
    loop {
        let (item, after) = literal(rest.trim_start())?;
        texts.insert(item);
        let after = after.trim_start();
        if let Some(done) = after.strip_prefix(end) {
            return Some((texts, done));
        }
        rest = after.strip_prefix(',')?;
    }
}

/// A text as Python writes it, and what follows.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('u').unwrap_or(text);
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return Some((value, &text[at + 1..]));
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        let mut code = |digits: usize| {
            let hex: String = characters.by_ref().take(digits).map(|(_, c)| c).collect();
            u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
        };
        match text[at + 1..].chars().next()? {
            'x' => {
                code(1);
                value.push(code(2)?);
            }
            'u' => {
                code(1);
                value.push(code(4)?);
            }
            'U' => {
                code(1);
                value.push(code(8)?);
            }
            escaped => {
                characters.next();
                value.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            }
        }
    }
    None
}

/// An action, as a message of the level DEBUG tells it.
struct AddedAction {
    /// In lower case.
    user: String,
    /// The groups of a user who is created.
    added_to_new: Vec<String>,
    removed: Vec<String>,
}

fn added_action(message: &str) -> Option<AddedAction> {
    let value: Value = serde_json::from_str(message.strip_prefix("Added action: ")?).ok()?;
    let steps = value.get("do")?.as_array()?;
    let creates = |step: &Value| {
        step.as_object().is_some_and(|step| step.keys().any(|key| key.starts_with("create") || key == "addAdobeID"))
    };
    let groups = |verb: &str| -> Vec<String> {
        let groups = steps.iter().filter_map(|step| step.get(verb)?.get("group")?.as_array());
        groups.flatten().filter_map(|group| group.as_str().map(str::to_owned)).collect()
    };
    Some(AddedAction {
        user: value.get("user")?.as_str()?.to_lowercase(),
        added_to_new: if steps.iter().any(creates) { groups("add") } else { Vec::new() },
        removed: groups("remove"),
    })
}
