//! The configuration of a sync: a TOML file, read with all its mistakes at once.

mod group_pattern;
mod raw;
mod reader;

use std::{collections::BTreeMap, fmt};

use regex::Regex;
use sha2::{Digest as _, Sha256};
use umapi_directory::{DirectorySettings, GroupSelector, Query};
use umapi_plan::{AccountKind, account::FoldedName};

pub use group_pattern::{GroupPattern, TargetFamily, TargetPattern};
pub use raw::{DisabledPeople, LeaverScope, OnTrip, PeopleScope, UpdatableField, schema};
pub(crate) use reader::{account_kind, is_country};

use crate::{condition::Condition, template::Template};

/// How an organization is kept in step with its directories.
#[derive(Debug)]
pub struct Config {
    /// The organizations. The first one is the primary one: people without a group elsewhere belong there.
    pub orgs: Vec<OrgConfig>,
    /// Where people and groups are read.
    pub directories: Vec<DirectoryConfig>,
    /// How a person becomes a user.
    pub people: PeopleConfig,
    /// Which groups become which.
    pub maps: Vec<MapRule>,
    /// Who and what is never touched.
    pub protect: Protect,
    /// What happens to users who left the directory.
    pub leavers: Leavers,
    /// Who takes part.
    pub scope: PeopleScope,
    /// What stops a run.
    pub guard: Guards,
    /// SHA-256 of the text: a plan is only applied with the configuration that it was made with.
    pub hash: String,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgConfig {
    /// The name by which targets refer to it: `emea::Design`.
    pub name: String,
    /// The profile of its login.
    pub profile: String,
}

/// A directory.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectoryConfig {
    /// The name by which rules and messages refer to it.
    pub name: String,
    /// Its settings.
    pub settings: DirectorySettings,
    /// How a mirror of it is kept, if one is.
    pub mirror: Option<MirrorConfig>,
    /// The line of the file where it begins.
    pub line: usize,
}

/// How the mirror of a directory is kept: a run reads only what changed since the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorConfig {
    /// After how many days everything is read again.
    pub whole_after: u32,
}

/// How a person becomes a user.
#[derive(Debug)]
pub struct PeopleConfig {
    /// The kind of account, where the attributes do not say otherwise.
    pub kind: KindRule,
    /// The email address.
    pub email: Template,
    /// The username, if it is not the address.
    pub username: Option<Template>,
    /// The domain of a username that is not an address.
    pub domain: Option<Template>,
    /// The first name.
    pub first_name: Option<Template>,
    /// The last name.
    pub last_name: Option<Template>,
    /// The country.
    pub country: Option<Template>,
    /// The fields that follow the directory after the user was created.
    pub update: Vec<UpdatableField>,
    /// Who is left out. They are not leavers: what they have stays.
    pub skip: Option<Condition>,
    /// What a disabled account means.
    pub disabled: DisabledPeople,
}

/// How the kind of an account is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindRule {
    /// All accounts are of one kind.
    Always(AccountKind),
    /// The text names it: `federatedID`, `enterpriseID`, `adobeID`.
    From(Template),
}

/// A rule that makes members of one group members of others.
#[derive(Clone, Debug)]
pub struct MapRule {
    /// The groups of the directory.
    pub from: GroupPattern,
    /// The groups of Adobe. With none, the rule only selects people.
    pub to: Vec<TargetPattern>,
    /// Whether a user group that does not exist is created.
    pub create: bool,
    /// The directory, if the rule is not for all of them.
    pub directory: Option<String>,
    /// The line of the file where it begins.
    pub line: usize,
}

/// Who and what is never touched.
#[derive(Clone, Debug, Default)]
pub struct Protect {
    /// Groups whose memberships stay. Administrative groups are always protected.
    pub groups: Vec<FoldedName>,
    /// Kinds of accounts that are left alone.
    pub kinds: Vec<AccountKind>,
    /// Users by their address or username.
    pub users: Vec<Regex>,
}

/// What happens to users who left the directory, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leavers {
    /// When they lose the groups that the rules give.
    pub unmap: Stage,
    /// When they are removed from the organization.
    pub remove: Stage,
    /// When their accounts are deleted, with their files.
    pub delete: Stage,
    /// Who can be one.
    pub who: LeaverScope,
}

/// When something happens to a leaver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In the run that finds that they left.
    Now,
    /// This many days later.
    Days(u32),
    /// Not at all.
    Never,
}

/// What stops a run before it changes anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guards {
    /// How many users may leave.
    pub leavers: Limit,
    /// How many members a group may lose. Groups with fewer than ten members are exempt from a share.
    pub removals_per_group: Limit,
    /// How many users may be created.
    pub creations: Limit,
    /// By how much a directory may shrink.
    pub directory_shrinks: Limit,
    /// Whether a run stops that needs more licenses than there are.
    pub stops_without_licenses: bool,
    /// What a run does that stopped.
    pub on_trip: OnTrip,
}

/// An upper limit: a number, or a share of what there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A number.
    Count(u64),
    /// Hundredths.
    Percent(f64),
    /// No limit.
    Off,
}

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// The broken rule, with the value that breaks it.
    pub rule: String,
    /// How to correct it.
    pub remedy: Option<String>,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// All its mistakes, in the order of their lines.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigMistake>> {
        let mut config = reader::read(text)?;
        config.hash = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(config)
    }

    /// What a directory is asked for.
    pub fn query(&self, directory: &DirectoryConfig) -> Query {
        let mut groups: Vec<GroupSelector> = self
            .maps_of(directory)
            .map(|map| match &map.from {
                GroupPattern::Named(name) => GroupSelector::Named(name.clone()),
                GroupPattern::Matching(_) => GroupSelector::All,
            })
            .collect();
        groups.sort();
        groups.dedup();
        let mut attributes: Vec<String> = self.people.attributes().map(str::to_owned).collect();
        attributes.sort();
        attributes.dedup();
        Query { groups, attributes, everyone: true }
    }

    /// The rules that apply to a directory.
    pub fn maps_of<'a>(&'a self, directory: &'a DirectoryConfig) -> impl Iterator<Item = &'a MapRule> {
        self.maps.iter().filter(|map| map.directory.as_ref().is_none_or(|name| *name == directory.name))
    }

    /// Whether a rule is about a group of a directory.
    pub fn maps_group(&self, directory: &DirectoryConfig, group: &str) -> bool {
        self.maps_of(directory).any(|map| map.from.matches(group))
    }

    /// The name of the primary organization.
    pub fn primary(&self) -> &str {
        self.orgs.first().map_or("", |org| &org.name)
    }

    /// The organizations by their names.
    pub fn orgs_by_name(&self) -> BTreeMap<&str, &OrgConfig> {
        self.orgs.iter().map(|org| (org.name.as_str(), org)).collect()
    }
}

impl PeopleConfig {
    /// The attributes that mapping a person needs.
    fn attributes(&self) -> impl Iterator<Item = &str> {
        let kind = match &self.kind {
            KindRule::From(template) => Some(template),
            KindRule::Always(_) => None,
        };
        let optional = [&self.username, &self.domain, &self.first_name, &self.last_name, &self.country];
        let templates = optional.into_iter().flatten().chain([&self.email]).chain(kind);
        templates.flat_map(Template::attributes).chain(self.skip.iter().flat_map(Condition::attributes))
    }
}

impl Protect {
    /// Whether an account of this kind and these names is left alone.
    pub fn covers(&self, kind: Option<AccountKind>, names: &[&str]) -> bool {
        kind.is_some_and(|kind| self.kinds.contains(&kind))
            || self.users.iter().any(|pattern| names.iter().any(|name| pattern.is_match(name)))
    }
}

impl Stage {
    /// Whether it is reached this many whole days after the user left.
    pub fn is_reached_after(self, days: u64) -> bool {
        match self {
            Self::Now => true,
            Self::Days(grace) => days >= u64::from(grace),
            Self::Never => false,
        }
    }
}

impl Limit {
    /// Whether `count` out of `total` is too many.
    pub fn is_exceeded_by(self, count: u64, total: u64) -> bool {
        match self {
            Self::Count(limit) => count > limit,
            #[allow(clippy::cast_precision_loss)] // Counts of users are far below 2^52.
            Self::Percent(share) => count as f64 * 100.0 > share * total as f64,
            Self::Off => false,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Days(days) => write!(f, "{days}d"),
            Self::Never => f.write_str("never"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(share) => write!(f, "{share}%"),
            Self::Off => f.write_str("off"),
        }
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.rule)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
