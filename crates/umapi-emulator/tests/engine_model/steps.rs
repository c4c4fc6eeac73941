//! What each step does to the model, and which error code an invalid one gets.

use std::collections::BTreeSet;

use crate::{
    actions::{Command, GroupStep, IfExists, Kind, UserStep},
    model::{Key, Model, Sort},
};

/// What the steps of one command share.
#[derive(Debug, Clone, Default)]
struct State {
    person: Option<Key>,
    group: Option<Key>,
    create_failed: bool,
    deleted: bool,
}

/// The result of looking up a user string.
enum Lookup {
    Member(Key),
    NotInOrg(Key),
    OtherType,
    NotFound,
}

type Outcome = Result<(), &'static str>;

impl Model {
    /// Runs a command. A failed step changes nothing; in test mode no step does.
    pub(crate) fn command(
        &mut self,
        command: &Command,
        index: u32,
        test: bool,
        planned: &mut BTreeSet<String>,
        errors: &mut Vec<(u32, u32, String)>,
    ) {
        let mut state = State::default();
        let count = match command {
            Command::User { steps, .. } => steps.len(),
            Command::Group { steps, .. } => steps.len(),
        };
        for step in 0..count {
            if state.deleted {
                break;
            }
            let (mut after, mut found) = (self.clone(), state.clone());
            let mut run = Run { model: &mut after, state: &mut found, planned, test };
            let outcome = match command {
                Command::User { email, use_adobe_id, steps } => misplaced(steps, step, is_create, is_removal)
                    .and_then(|()| run.user_step(email, *use_adobe_id, &steps[step])),
                Command::Group { name, steps } => {
                    misplaced(steps, step, is_group_create, |_| false).and_then(|()| run.group_step(name, &steps[step]))
                }
            };
            match outcome {
                Ok(()) if test => state.deleted = found.deleted,
                Ok(()) => (*self, state) = (after, found),
                Err(code) => {
                    state.create_failed |= matches!(command, Command::User { steps, .. } if is_create(&steps[step]));
                    errors.push((index, u32::try_from(step).unwrap(), code.to_owned()));
                }
            }
        }
    }
}

fn is_create(step: &UserStep) -> bool {
    matches!(step, UserStep::Create { .. })
}

fn is_removal(step: &UserStep) -> bool {
    matches!(step, UserStep::RemoveFromOrg { .. })
}

fn is_group_create(step: &GroupStep) -> bool {
    matches!(step, GroupStep::Create { .. })
}

/// Checks that there is at most one create, which is the first step, and that the removal is the last.
fn misplaced<S>(steps: &[S], at: usize, create: fn(&S) -> bool, removal: fn(&S) -> bool) -> Outcome {
    if create(&steps[at]) {
        if steps[..at].iter().any(create) {
            return Err("error.command.create.more_than_one");
        }
        if at > 0 {
            return Err("error.command.create.not_first");
        }
    }
    if removal(&steps[at]) && at + 1 < steps.len() {
        return Err("error.command.removefromorg.not_last");
    }
    Ok(())
}

/// The context of one step.
struct Run<'a> {
    model: &'a mut Model,
    state: &'a mut State,
    /// Groups that the request would have created, in test mode.
    planned: &'a mut BTreeSet<String>,
    test: bool,
}

impl Run<'_> {
    fn user_step(&mut self, email: &str, use_adobe_id: bool, step: &UserStep) -> Outcome {
        match step {
            UserStep::Create { kind, first, option } => self.create(email, *kind, first, *option),
            UserStep::Update { first, email: new, username } => {
                let Some(person) = self.member(email, use_adobe_id)? else { return Ok(()) };
                self.update(person, *first, *new, *username)
            }
            UserStep::Add(groups) | UserStep::Remove(groups) => {
                let adds = matches!(step, UserStep::Add(_));
                let person = self.member(email, use_adobe_id)?;
                let groups = self.groups(groups)?;
                let Some(person) = person else { return Ok(()) };
                for group in groups {
                    match (self.model.groups[&group].read_only, adds) {
                        (true, true) => return Err("error.usergroup.readonly.add_user_not_allowed"),
                        (true, false) => return Err("error.usergroup.readonly.remove_user_not_allowed"),
                        (false, true) => self.model.enter(person, group),
                        (false, false) => self.model.leave(person, group),
                    };
                }
                Ok(())
            }
            UserStep::RemoveAll => {
                let Some(person) = self.member(email, use_adobe_id)? else { return Ok(()) };
                for (key, group) in self.model.groups.clone() {
                    if group.sort != Sort::SystemAdmins && !group.read_only {
                        self.model.leave(person, key);
                    }
                }
                Ok(())
            }
            UserStep::RemoveFromOrg { delete } => {
                let found = self.find(email, use_adobe_id);
                if let Lookup::Member(key) | Lookup::NotInOrg(key) = found {
                    let is_adobe = self.model.people[&key].kind == Kind::Adobe;
                    if is_adobe || *delete {
                        self.model.leave_all(key);
                        self.model.people.remove(&key);
                    } else {
                        self.model.leave_all(key);
                        self.model.people.get_mut(&key).unwrap().member = false;
                    }
                }
                Ok(())
            }
        }
    }

    fn create(&mut self, email: &str, kind: Kind, first: &str, option: Option<IfExists>) -> Outcome {
        let domain = email.rsplit_once('@').unwrap().1.to_lowercase();
        match (kind, domain.as_str()) {
            (Kind::Adobe, _) | (Kind::Federated, "staff.example") | (Kind::Enterprise, "contractors.example") => {}
            (_, "mail.example") => return Err("error.domain.trust.nonexistent"),
            _ => return Err("error.user.type_mismatch"),
        }
        let found = self.with_email(email, kind == Kind::Adobe);
        if kind != Kind::Adobe && self.has_username(email, kind, found) {
            return Err("error.user.already_in_org");
        }
        let Some(key) = found else {
            self.state.person = Some(self.model.add_person(kind, email, first));
            return Ok(());
        };
        let person = self.model.people.get_mut(&key).unwrap();
        if person.member && option.is_none() {
            return Err("error.user.already_in_org");
        }
        person.member = true;
        if option == Some(IfExists::Update) && kind != Kind::Adobe {
            first.clone_into(&mut person.first);
        }
        self.state.person = Some(key);
        Ok(())
    }

    fn update(&mut self, key: Key, first: Option<&str>, email: Option<&str>, username: Option<&str>) -> Outcome {
        let person = &self.model.people[&key];
        if person.kind == Kind::Adobe {
            return Err("error.update.adobeid.no");
        }
        let email = email.filter(|email| !email.eq_ignore_ascii_case(&person.email));
        if let Some(email) = email {
            let domain = email.rsplit_once('@').unwrap().1.to_lowercase();
            match (person.kind, domain.as_str()) {
                (Kind::Federated, "staff.example") | (Kind::Enterprise, "contractors.example") => {}
                (_, "mail.example") => return Err("error.update.no"),
                _ => return Err("error.user.change_domain_update.no"),
            }
            if self.with_email(email, false).is_some() {
                return Err("error.user.email.name_in_use");
            }
        }
        let kind = person.kind;
        match (username, email) {
            (Some(username), _) if username != person.username => self.check_username(key, username)?,
            (None, Some(email)) if self.has_username(email, kind, Some(key)) => return Err("error.user.name_in_use"),
            _ => {}
        }
        let person = self.model.people.get_mut(&key).unwrap();
        // The username is kept if it is given, and follows the email if it is not.
        if let Some(username) = username.or(email) {
            username.clone_into(&mut person.username);
        }
        if let Some(email) = email {
            email.clone_into(&mut person.email);
        }
        if let Some(first) = first {
            first.clone_into(&mut person.first);
        }
        Ok(())
    }

    fn check_username(&self, key: Key, username: &str) -> Outcome {
        let person = &self.model.people[&key];
        if person.kind == Kind::Enterprise {
            return Err("error.update.username.no");
        }
        if username.contains('@') && !username.to_lowercase().ends_with("@staff.example") {
            return Err("error.update.domain.mismatch");
        }
        let addressed = self.with_email(username, false).is_some_and(|other| other != key);
        if addressed || self.has_username(username, person.kind, Some(key)) {
            return Err("error.user.name_in_use");
        }
        Ok(())
    }

    /// Whether another account of a directory has a username, other than its address.
    fn has_username(&self, username: &str, kind: Kind, except: Option<Key>) -> bool {
        self.model.people.iter().any(|(key, person)| {
            Some(*key) != except
                && person.kind == kind
                && person.username.eq_ignore_ascii_case(username)
                && !person.username.eq_ignore_ascii_case(&person.email)
        })
    }

    fn with_email(&self, email: &str, adobe: bool) -> Option<Key> {
        let mut people = self.model.people.iter();
        people
            .find(|(_, person)| person.email.eq_ignore_ascii_case(email) && (person.kind == Kind::Adobe) == adobe)
            .map(|(key, _)| *key)
    }

    fn find(&mut self, email: &str, use_adobe_id: bool) -> Lookup {
        if let Some(key) = self.state.person {
            return Lookup::Member(key);
        }
        let (own, adobe) = (self.with_email(email, false), self.with_email(email, true));
        let key = match (use_adobe_id, own, adobe) {
            (true, Some(_), None) => return Lookup::OtherType,
            (_, None, None) => return Lookup::NotFound,
            (true, _, Some(adobe)) | (false, None, Some(adobe)) => adobe,
            (false, Some(own), Some(adobe)) if !self.model.people[&own].member => adobe,
            (false, Some(own), _) => own,
        };
        if !self.model.people[&key].member {
            return Lookup::NotInOrg(key);
        }
        self.state.person = Some(key);
        Lookup::Member(key)
    }

    /// Returns the person of the command; a missing one is allowed in test mode.
    fn member(&mut self, email: &str, use_adobe_id: bool) -> Result<Option<Key>, &'static str> {
        match self.find(email, use_adobe_id) {
            Lookup::Member(key) => Ok(Some(key)),
            Lookup::NotInOrg(_) => Err("error.user.not_in_org"),
            Lookup::OtherType => Err("error.user.nonexistent_or_has_conflicting_parameters"),
            Lookup::NotFound if self.test => Ok(None),
            Lookup::NotFound if self.state.create_failed => Err("error.user.not_found"),
            Lookup::NotFound => Err("error.user.nonexistent"),
        }
    }

    /// Returns the groups of a list, without those that the request would have created.
    fn groups(&self, names: &[&str]) -> Result<Vec<Key>, &'static str> {
        let mut groups = Vec::new();
        for name in names {
            match self.model.named(name) {
                _ if *name == "_org_admin" => return Err("error.command.illegal_entry"),
                Some(group) => groups.push(group),
                None if self.planned.contains(&name.to_lowercase()) => {}
                None => return Err("error.group.not_found"),
            }
        }
        Ok(groups)
    }

    fn group_step(&mut self, name: &str, step: &GroupStep) -> Outcome {
        if let GroupStep::Create { description, option } = step {
            return self.create_group(name, *description, *option);
        }
        let found = match self.state.group.or_else(|| self.user_group(name)) {
            Some(group) => Some(group),
            None if self.planned.contains(&name.to_lowercase()) => None,
            None => return Err("error.usergroup.not_found"),
        };
        match step {
            GroupStep::Create { .. } => unreachable!(),
            GroupStep::Update { name, description } => self.update_group(found, *name, *description),
            GroupStep::Delete => self.delete_group(found),
            GroupStep::Add { users, profiles } => self.add_to_group(found, users, profiles),
            GroupStep::Remove { users, profiles } => self.remove_from_group(found, users, profiles),
            GroupStep::RemoveAll => self.remove_all_from_group(found),
        }
    }

    fn is_read_only(&self, group: Key) -> bool {
        self.model.groups[&group].read_only
    }

    fn update_group(&mut self, found: Option<Key>, name: Option<&str>, description: Option<&str>) -> Outcome {
        let Some(group) = found else { return Ok(()) };
        if self.is_read_only(group) {
            return Err("error.usergroup.readonly.update_not_allowed");
        }
        if let Some(name) = name {
            if self.model.named(name).is_some_and(|other| other != group) {
                return Err("error.usergroup.already_exists");
            }
            self.model.rename(group, name);
        }
        if let Some(description) = description {
            self.model.groups.get_mut(&group).unwrap().description = Some(description.to_owned());
        }
        self.state.group = Some(group);
        Ok(())
    }

    fn delete_group(&mut self, found: Option<Key>) -> Outcome {
        if let Some(group) = found {
            if self.is_read_only(group) {
                return Err("error.usergroup.readonly.remove_not_allowed");
            }
            self.model.delete(group);
        }
        self.state.deleted = true;
        Ok(())
    }

    fn add_to_group(&mut self, found: Option<Key>, users: &[&str], profiles: &[&str]) -> Outcome {
        let (asked, users, profiles) = (users.len(), self.people(users)?, self.profiles(profiles)?);
        let Some(group) = found else { return Ok(()) };
        if self.is_read_only(group) && asked > 0 {
            return Err("error.usergroup.readonly.add_user_not_allowed");
        }
        let new = users.iter().filter(|user| !self.model.is_in(**user, group)).count();
        if new == 0 && !users.is_empty() {
            return Err("error.user.already_exists");
        }
        for user in users {
            self.model.enter(user, group);
        }
        for profile in profiles {
            self.model.attach(group, profile);
        }
        Ok(())
    }

    fn remove_from_group(&mut self, found: Option<Key>, users: &[&str], profiles: &[&str]) -> Outcome {
        let (asked, users, profiles) = (users.len(), self.people(users)?, self.profiles(profiles)?);
        let Some(group) = found else { return Ok(()) };
        if self.is_read_only(group) && asked > 0 {
            return Err("error.usergroup.readonly.remove_user_not_allowed");
        }
        let gone = users.iter().filter(|user| self.model.is_in(**user, group)).count();
        if gone == 0 && !users.is_empty() {
            return Err("error.usergroup.user_list.invalid");
        }
        for user in users {
            self.model.leave(user, group);
        }
        for profile in profiles {
            self.model.detach(group, profile);
        }
        Ok(())
    }

    fn remove_all_from_group(&mut self, found: Option<Key>) -> Outcome {
        let Some(group) = found else { return Ok(()) };
        let all = self.model.groups[&group].clone();
        if all.read_only && !all.direct.is_empty() {
            return Err("error.usergroup.readonly.remove_user_not_allowed");
        }
        for profile in all.profiles {
            self.model.detach(group, profile);
        }
        for user in all.direct {
            self.model.leave(user, group);
        }
        Ok(())
    }

    fn create_group(&mut self, name: &str, description: Option<&str>, option: Option<IfExists>) -> Outcome {
        let Some(group) = self.model.named(name) else {
            let group = self.model.add_user_group(name);
            self.model.groups.get_mut(&group).unwrap().description = description.map(str::to_owned);
            self.state.group = Some(group);
            if self.test {
                self.planned.insert(name.to_lowercase());
            }
            return Ok(());
        };
        if option.is_none() || self.model.groups[&group].sort != Sort::UserGroup {
            return Err("error.usergroup.already_exists");
        }
        let there = self.model.groups.get_mut(&group).unwrap();
        if option == Some(IfExists::Update) && description.is_some() && there.description.as_deref() != description {
            if there.read_only {
                return Err("error.usergroup.readonly.update_not_allowed");
            }
            there.description = description.map(str::to_owned);
        }
        self.state.group = Some(group);
        Ok(())
    }

    fn user_group(&self, name: &str) -> Option<Key> {
        self.model.named(name).filter(|group| self.model.groups[group].sort == Sort::UserGroup)
    }

    /// Returns the users of a list: all, or an error. In test mode, those that exist.
    fn people(&self, emails: &[&str]) -> Result<Vec<Key>, &'static str> {
        let member = |email: &&str| {
            let found = [self.with_email(email, false), self.with_email(email, true)];
            found.into_iter().flatten().find(|key| self.model.people[key].member)
        };
        let found: Vec<Key> = emails.iter().filter_map(member).collect();
        match (emails.len() - found.len(), found.len()) {
            (0, _) => Ok(found),
            _ if self.test => Ok(found),
            (_, 0) => Err("error.user.not_found"),
            _ => Err("error.user.nonexistent"),
        }
    }

    fn profiles(&self, names: &[&str]) -> Result<Vec<Key>, &'static str> {
        names.iter().map(|name| self.model.named(name).ok_or("error.group.not_found")).collect()
    }
}
