//! What is said of the step before: the options and optional fields of a create.

use umapi_model::{Command as Raw, CreateOption, UserGroupCreation, UserGroupStep, UserStep};

use super::command::Command;

const FOLLOWS_CREATE: &str = "it must follow the step that creates";
const MOVE_IT: &str = "put it right after that step, or take it off";

/// # What may follow a step that creates
impl Command {
    /// If the user or group exists already, skips the create and runs the steps after it.
    #[must_use]
    pub fn ignore_if_exists(self) -> Self {
        self.option(CreateOption::IgnoreIfAlreadyExists)
    }

    /// If the user or group exists already, writes first and last name, or the description, and runs the steps after it.
    #[must_use]
    pub fn update_if_exists(self) -> Self {
        self.option(CreateOption::UpdateIfAlreadyExists)
    }

    /// The email address of a new user whom the command names by a username.
    #[must_use]
    pub fn email(self, email: impl Into<String>) -> Self {
        self.new_user("email", |new| *new.email = email.into())
    }

    /// The country of a new user, as two upper-case letters of ISO 3166-1.
    #[must_use]
    pub fn country(self, country: impl Into<String>) -> Self {
        self.new_user("country", |new| match new.country {
            Field::Required(field) => *field = country.into(),
            Field::Optional(field) => *field = Some(country.into()),
        })
    }

    /// First and last name of a new user.
    #[must_use]
    pub fn names(self, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        self.new_user("firstname", |new| {
            for (field, value) in [(new.firstname, first_name.into()), (new.lastname, last_name.into())] {
                match field {
                    Field::Required(field) => *field = value,
                    Field::Optional(field) => *field = Some(value),
                }
            }
        })
    }

    /// The description of a new user group.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        match self.last_group_creation() {
            Some(new) => new.description = Some(description.into()),
            None => self.mistaken("description", FOLLOWS_CREATE, MOVE_IT),
        }
        self
    }

    fn option(mut self, option: CreateOption) -> Self {
        if let Some(new) = self.last_group_creation() {
            new.option = Some(option);
            return self;
        }
        self.new_user("option", |new| *new.option = Some(option))
    }

    fn last_group_creation(&mut self) -> Option<&mut UserGroupCreation> {
        match &mut self.raw {
            Raw::Group(command) => match command.do_.last_mut() {
                Some(UserGroupStep::CreateUserGroup(new)) => Some(new),
                _ => None,
            },
            _ => None,
        }
    }

    fn new_user(mut self, field: &'static str, change: impl FnOnce(NewUser<'_>)) -> Self {
        let last = match &mut self.raw {
            Raw::User(command) => command.do_.last_mut(),
            _ => None,
        };
        match last.and_then(NewUser::of) {
            Some(new) => change(new),
            None => self.mistaken(field, FOLLOWS_CREATE, MOVE_IT),
        }
        self
    }
}

/// The fields of a step that makes a user, whichever it is.
pub(super) struct NewUser<'a> {
    email: &'a mut String,
    firstname: Field<'a>,
    lastname: Field<'a>,
    country: Field<'a>,
    option: &'a mut Option<CreateOption>,
}

enum Field<'a> {
    Required(&'a mut String),
    Optional(&'a mut Option<String>),
}

impl<'a> NewUser<'a> {
    fn of(step: &'a mut UserStep) -> Option<Self> {
        Some(match step {
            UserStep::AddAdobeId(new) => Self {
                email: &mut new.email,
                firstname: Field::Optional(&mut new.firstname),
                lastname: Field::Optional(&mut new.lastname),
                country: Field::Optional(&mut new.country),
                option: &mut new.option,
            },
            UserStep::CreateEnterpriseId(new) => Self {
                email: &mut new.email,
                firstname: Field::Required(&mut new.firstname),
                lastname: Field::Required(&mut new.lastname),
                country: Field::Optional(&mut new.country),
                option: &mut new.option,
            },
            UserStep::CreateFederatedId(new) => Self {
                email: &mut new.email,
                firstname: Field::Required(&mut new.firstname),
                lastname: Field::Required(&mut new.lastname),
                country: Field::Required(&mut new.country),
                option: &mut new.option,
            },
            _ => return None,
        })
    }
}
