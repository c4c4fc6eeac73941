//! From people of a directory to users of Adobe.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use umapi_directory::{Attributes, Person, PersonId};
use umapi_plan::{
    Account, AccountKind,
    account::{invisible_character, is_email_type},
};

use crate::{
    config::{Config, DisabledPeople, KindRule, account_kind, is_country},
    details::{Identity, UserDetails},
    index::Index,
    template::Template,
};

/// The name of a directory in the configuration.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(from = "String", into = "String")]
pub struct DirectoryName(Arc<str>);

/// A person of one of the directories.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PersonKey {
    /// The directory.
    pub directory: DirectoryName,
    /// The identity in it.
    pub id: PersonId,
}

/// The user that a person is to be.
#[derive(Clone, Debug)]
pub struct WantedUser {
    /// The account, with its kind and its email address; the names and the country.
    pub details: UserDetails,
    /// Where the directory shows the person.
    pub place: Box<str>,
    /// The number of the person, among all.
    person: u32,
    /// Whether several people of one directory have this account. Then nobody knows whose names are right.
    pub is_shared: bool,
}

/// What a person means for the sync.
#[derive(Clone, Debug)]
pub enum Standing {
    /// They are a user: an index into [`People::wanted`].
    Wanted(usize),
    /// Their account is disabled: they left.
    Left,
    /// They are left out, by a rule or for a mistake. What they have stays. The account is known if it could be made.
    Held(Option<Box<UserDetails>>),
}

/// A person who could not be made a user.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct PersonProblem {
    /// The person.
    pub person: PersonKey,
    /// Where the directory shows the person.
    pub place: String,
    /// Why, with the value.
    pub reason: String,
}

/// The people of all directories, as users.
#[derive(Debug)]
pub struct People<'c> {
    config: &'c Config,
    wanted: Vec<WantedUser>,
    by_account: Index,
    /// Everyone whom a directory showed.
    persons: Vec<(PersonKey, Standing)>,
    by_key: Index,
    problems: Vec<PersonProblem>,
}

impl<'c> People<'c> {
    /// Starts with nobody.
    pub fn new(config: &'c Config) -> Self {
        Self {
            config,
            wanted: Vec::new(),
            by_account: Index::default(),
            persons: Vec::new(),
            by_key: Index::default(),
            problems: Vec::new(),
        }
    }

    /// Takes a person of a directory.
    pub fn take(&mut self, directory: &DirectoryName, person: Person) {
        let key = PersonKey { directory: directory.clone(), id: person.id.clone() };
        let number = self.number_of(&key).unwrap_or(self.persons.len());
        let standing = self.standing_of(&key, number, person);
        match self.persons.get_mut(number) {
            Some((_, known)) => *known = standing,
            None => {
                self.persons.push((key, standing));
                self.by_key.insert(number, |number| Some(&self.persons.get(number)?.0));
            }
        }
    }

    /// The number of a person, among all.
    fn number_of(&self, key: &PersonKey) -> Option<usize> {
        self.by_key.find(&key, |number| Some(&self.persons.get(number)?.0))
    }

    fn standing_of(&mut self, key: &PersonKey, number: usize, person: Person) -> Standing {
        let config = self.config;
        let user = wanted_user(config, &person);
        let account = || user.as_ref().ok().cloned().map(Box::new);
        match config.people.skip.as_ref().map(|skip| skip.holds(&person)) {
            Some(Ok(true)) => return Standing::Held(account()),
            Some(Err(error)) => {
                self.problem(key, person.place, format!("`skip` has no answer: {error}"));
                return Standing::Held(account());
            }
            Some(Ok(false)) | None => {}
        }
        if !person.is_enabled {
            match config.people.disabled {
                DisabledPeople::Leave => return Standing::Left,
                DisabledPeople::Skip => return Standing::Held(account()),
                DisabledPeople::Stay => {}
            }
        }
        match user {
            Ok(details) => Standing::Wanted(self.add(key, number, details, person.place)),
            Err(reason) => {
                self.problem(key, person.place, reason);
                Standing::Held(None)
            }
        }
    }

    /// Adds a user. People with one account are one user.
    fn add(&mut self, key: &PersonKey, number: usize, details: UserDetails, place: String) -> usize {
        let known = self.by_account.find(&details.identity(), identity_of(&self.wanted));
        let Some(index) = known else {
            let index = self.wanted.len();
            let person = u32::try_from(number).unwrap_or(u32::MAX);
            self.wanted.push(WantedUser { details, place: place.into(), person, is_shared: false });
            self.by_account.insert(index, identity_of(&self.wanted));
            return index;
        };
        let same_directory = self.key_of(index).is_some_and(|first| first.directory == key.directory);
        if let Some(first) = self.wanted.get_mut(index).filter(|_| same_directory) {
            first.is_shared = true;
            let reason = format!("{details} is the account of {} too", first.place);
            self.problem(key, place, reason);
        }
        index
    }

    fn problem(&mut self, person: &PersonKey, place: String, reason: String) {
        self.problems.push(PersonProblem { person: person.clone(), place, reason });
    }

    /// The users that people are to be.
    pub fn wanted(&self) -> &[WantedUser] {
        &self.wanted
    }

    /// Who is to be a user, by the index into [`wanted`](Self::wanted). Of several people, it is the first one.
    pub fn key_of(&self, wanted: usize) -> Option<&PersonKey> {
        let person = self.wanted.get(wanted)?.person;
        self.persons.get(person as usize).map(|(key, _)| key)
    }

    /// What a person means for the sync. `None` for someone whom no directory showed.
    pub fn standing(&self, key: &PersonKey) -> Option<&Standing> {
        self.persons.get(self.number_of(key)?).map(|(_, standing)| standing)
    }

    /// Everyone whom a directory showed.
    pub fn standings(&self) -> impl Iterator<Item = (&PersonKey, &Standing)> {
        self.persons.iter().map(|(key, standing)| (key, standing))
    }

    /// The people who could not be made users.
    pub fn problems(&self) -> &[PersonProblem] {
        &self.problems
    }
}

/// The identity of a user, by its index.
fn identity_of<'p>(wanted: &'p [WantedUser]) -> impl Fn(usize) -> Option<Identity<'p>> {
    |index| Some(wanted.get(index)?.details.identity())
}

/// Makes a user of a person, or says why it cannot be done.
fn wanted_user(config: &Config, person: &Person) -> Result<UserDetails, String> {
    let rules = &config.people;
    let attributes = &person.attributes;
    let kind = match &rules.kind {
        KindRule::Always(kind) => *kind,
        KindRule::From(template) => {
            let text = required("type", template, attributes)?;
            account_kind(&text)
                .ok_or_else(|| format!("`{text}` is no type of account (federatedID, enterpriseID, adobeID)"))?
        }
    };
    let email = required("email address", &rules.email, attributes)?;
    if !is_address(&email) {
        return Err(format!("`{email}` is not an email address"));
    }
    let username = optional(rules.username.as_ref(), attributes);
    let username = username.filter(|_| kind != AccountKind::AdobeId);
    let account = match username {
        Some(username) if !is_email_type(&username) => {
            let Some(template) = &rules.domain else {
                return Err(format!("`{username}` is a username without a domain; set `domain` in [people]"));
            };
            Account::username(username, required("domain", template, attributes)?)
        }
        Some(username) => Account::email(username),
        None => Account::email(&email),
    };
    let country = optional(rules.country.as_ref(), attributes).map(|country| country.to_ascii_uppercase());
    match &country {
        Some(country) if !is_country(country) => {
            return Err(format!("`{country}` is not a country; two letters of ISO 3166-1 are needed"));
        }
        None if kind == AccountKind::FederatedId => {
            return Err("there is no country; give a default: country = \"{c|upper|or:US}\"".to_owned());
        }
        _ => {}
    }
    let account = account.with_kind(kind).with_email(email);
    let first = optional(rules.first_name.as_ref(), attributes);
    let last = optional(rules.last_name.as_ref(), attributes);
    for text in [Some(account.name()), first.as_deref(), last.as_deref()].into_iter().flatten() {
        if let Some(character) = invisible_character(text) {
            return Err(format!("`{}` holds the invisible character {character}", text.escape_debug()));
        }
    }
    Ok(UserDetails::new(&account, first.as_deref(), last.as_deref(), country.as_deref()))
}

fn required(field: &str, template: &Template, attributes: &Attributes) -> Result<String, String> {
    match template.fill(attributes) {
        Ok(text) if text.is_empty() => Err(format!("`{field}` is empty")),
        Ok(text) => Ok(text),
        Err(none) => Err(format!("there is no {field}: {none}")),
    }
}

fn optional(template: Option<&Template>, attributes: &Attributes) -> Option<String> {
    template?.fill(attributes).ok().filter(|text| !text.is_empty())
}

fn is_address(text: &str) -> bool {
    match text.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(char::is_whitespace)
        }
        None => false,
    }
}

impl From<String> for DirectoryName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<&str> for DirectoryName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<DirectoryName> for String {
    fn from(name: DirectoryName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for DirectoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.directory, self.id)
    }
}

impl fmt::Display for PersonProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}
