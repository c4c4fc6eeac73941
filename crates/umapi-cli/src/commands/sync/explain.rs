//! `umapi sync explain`.

use clap::Args;
use umapi_sync::{AdobeUser, OrgPlan, Organization, PersonKey, Standing, State, UserDetails, WantedUser, user_key};

use super::{Prepared, prepare};
use crate::{
    context::Context,
    failure::{Exit, Failure, Result},
    sync::{Explanation, SyncArgs},
};

/// Show everything about a person: what the directory says, which rules apply, what Adobe has, and what would change.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// Address, username, or identity in the directory.
    #[arg(value_name = "PERSON")]
    person: String,

    #[command(flatten)]
    files: SyncArgs,
}

/// An explanation in progress.
struct Explaining<'p> {
    /// In small letters.
    wanted: String,
    prepared: &'p Prepared<'p>,
    state: &'p State,
    lines: Vec<Explanation>,
}

impl ExplainArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let setup = self.files.read(context)?;
        let file = setup.state(context)?;
        let prepared = prepare(context, &setup, &file, &file.state).await?;
        let wanted = self.person.trim().to_lowercase();
        let mut explaining = Explaining { wanted, prepared: &prepared, state: &file.state, lines: Vec::new() };
        explaining.directories();
        prepared.inputs.organizations.iter().for_each(|organization| explaining.organization(organization));
        prepared.planned.plan.orgs.iter().for_each(|org| explaining.plan(org));
        if explaining.lines.is_empty() {
            return Err(Failure::new(Exit::NotFound, format!("no directory and no organization has {}", self.person))
                .remedy("give the address, the username, or the identity in the directory"));
        }
        let mut listing = context.listing();
        for line in &explaining.lines {
            listing.push(line)?;
        }
        listing.finish()?;
        Ok(prepared.failed_exit())
    }
}

impl Explaining<'_> {
    fn say(&mut self, about: &str, value: impl Into<String>) {
        self.lines.push(Explanation { about: about.to_owned(), value: value.into() });
    }

    /// Whether a name or an address is the one asked for.
    fn is_meant(&self, name: &str) -> bool {
        name.to_lowercase() == self.wanted
    }

    fn is_user(&self, user: &UserDetails) -> bool {
        self.is_meant(user.name()) || user.email_address().is_some_and(|email| self.is_meant(email))
    }

    /// What the directories say, and what the rules make of it.
    fn directories(&mut self) {
        let people = &self.prepared.inputs.people;
        for (key, standing) in people.standings() {
            let user = match standing {
                Standing::Wanted(index) => people.wanted().get(*index),
                Standing::Left | Standing::Held(_) => None,
            };
            let details = match standing {
                Standing::Held(user) => user.as_deref(),
                Standing::Wanted(_) | Standing::Left => user.map(|user| &user.details),
            };
            if self.is_meant(key.id.as_str()) || details.is_some_and(|user| self.is_user(user)) {
                self.person(key, standing, user);
            }
        }
        for problem in people.problems() {
            if self.is_meant(problem.person.id.as_str()) || problem.place.to_lowercase().contains(&self.wanted) {
                self.say("problem", problem.reason.clone());
            }
        }
    }

    fn person(&mut self, key: &PersonKey, standing: &Standing, user: Option<&WantedUser>) {
        self.say("person", key.to_string());
        match (standing, user) {
            (Standing::Left, _) => self.say("account", "disabled: they left"),
            (Standing::Held(_), _) => self.say("rules", "left out; what they have stays"),
            (Standing::Wanted(index), Some(user)) => self.wanted_user(*index, user),
            (Standing::Wanted(_), None) => {}
        }
    }

    fn wanted_user(&mut self, index: usize, user: &WantedUser) {
        self.say("place", &*user.place);
        let user = &user.details;
        self.say("becomes", user.to_string());
        let fields = [("first name", user.first_name()), ("last name", user.last_name()), ("country", user.country())];
        for (what, value) in fields {
            self.say(what, value.unwrap_or("none"));
        }
        let Prepared { inputs, planned, .. } = self.prepared;
        for organization in &inputs.organizations {
            for (_, target) in planned.targets.groups(&organization.name) {
                let source = target.members.found().and_then(|members| members.source_of(index));
                if let Some(source) = source.and_then(|source| target.sources.get(source as usize)) {
                    let (group, line) = (&source.group, source.line);
                    let text = format!("{} of {}: from {group} (line {line})", target.name, organization.name);
                    self.say("belongs to", text);
                }
            }
        }
    }

    /// What an organization has.
    fn organization(&mut self, organization: &Organization) {
        for user in organization.users.found().into_iter().flatten() {
            if self.is_user(&user.details) {
                self.user(organization, user);
            }
        }
    }

    fn user(&mut self, organization: &Organization, user: &AdobeUser) {
        self.say("user", format!("{} in {}", user.details, organization.name));
        if user.is_administrator {
            self.say("protected", "an administrator: nothing is taken or changed");
        }
        for group in organization.groups_of(user).iter().filter_map(|index| organization.groups().get(*index as usize))
        {
            self.say("member of", group.group.name());
        }
        let leavers = self.state.orgs.get(&organization.name).map(|org| &org.leavers);
        if let Some(leaver) = leavers.and_then(|leavers| leavers.get(&user_key(&user.details.account()))) {
            self.say("left", format!("{} days ago", self.prepared.inputs.today - leaver.since));
        }
    }

    /// What would change.
    fn plan(&mut self, org: &OrgPlan) {
        for change in &org.changes {
            let Some(user) = &change.user else { continue };
            let is_person = change.person.as_ref().is_some_and(|person| self.is_meant(person.id.as_str()));
            let email = user.email.as_deref().is_some_and(|email| self.is_meant(email));
            if is_person || email || self.is_meant(&user.name) {
                self.say("change", format!("{} in {}: {}", change.action, org.org, change.reason));
            }
        }
        for blocked in &org.blocked {
            if blocked.what.to_lowercase().contains(&self.wanted) {
                self.say("blocked", blocked.to_string());
            }
        }
    }
}
