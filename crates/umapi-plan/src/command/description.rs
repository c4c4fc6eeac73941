//! What a step does, in words.

use std::fmt;

use serde::{Deserialize, Serialize};
use umapi_model::{
    ExhaustiveUserGroupRemoval, ExhaustiveUserGroupStep as OnGroup, ExhaustiveUserRemoval,
    ExhaustiveUserStep as OnUser, NameKind,
};

use super::{Command, Step, take_steps};

/// So many names of a list are written out. Of the others a text says how many there are.
const NAMES_IN_TEXT: usize = 3;

/// What a step does, for messages: in words, and with the names of its lists.
///
/// ```
/// use umapi_plan::{Command, StepDescription};
///
/// let command = Command::user("ann@example.com").add_to(["Photoshop", "Design"]).remove_all();
/// let step = StepDescription::of(&command.into(), 0).unwrap();
/// assert_eq!(step.text, r#"adding to the groups "Photoshop" and "Design""#);
/// assert_eq!((step.names, step.steps), (vec!["Photoshop".to_owned(), "Design".to_owned()], 2));
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepDescription {
    /// What the step does, e.g. `adding to the group "Photoshop"`. Of more than three names it has the first ones.
    pub text: String,
    /// The names in the part of the step's lists that is meant. Empty if the step has no list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The number of steps of the command.
    pub steps: usize,
}

impl StepDescription {
    /// The description of a step without lists, of a command with so many steps.
    pub fn new(text: impl Into<String>, steps: usize) -> Self {
        Self { text: text.into(), names: Vec::new(), steps }
    }

    /// Sets the names of the step's lists.
    ///
    /// ```
    /// use umapi_plan::StepDescription;
    ///
    /// let step = StepDescription::new(r#"adding to the group "Nix""#, 2).with_names(["Nix"]);
    /// assert_eq!(step.names, ["Nix"]);
    /// ```
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The description of a step of a command, counted from 0. `None` if the command has fewer steps.
    pub fn of(command: &Command, step: usize) -> Option<Self> {
        let steps = take_steps(&mut command.to_raw());
        Some(Self::of_step(steps.get(step)?, steps.len()))
    }

    pub(crate) fn of_step(step: &Step, steps: usize) -> Self {
        let (text, names) = words(step);
        Self { text, names: names.into_iter().map(str::to_owned).collect(), steps }
    }
}

/// A step in a message: `adding to the group "Photoshop" (step 1 of 3)`. People count from 1.
pub(crate) struct StepInText<'a> {
    pub(crate) index: usize,
    pub(crate) description: Option<&'a StepDescription>,
}

impl fmt::Display for StepInText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.index.saturating_add(1);
        match self.description {
            Some(StepDescription { text, steps: 0 | 1, .. }) => f.write_str(text),
            Some(StepDescription { text, steps, .. }) => write!(f, "{text} (step {number} of {steps})"),
            None => write!(f, "step {number}"),
        }
    }
}

/// What a list holds: one of it, several of it, and the names.
type List<'a> = (&'static str, &'static str, &'a [String]);

/// What a step does, and all names in its lists.
fn words(step: &Step) -> (String, Vec<&str>) {
    match step {
        Step::User(step) => match step.exhaustive() {
            OnUser::AddAdobeId(_) => plain("adding the Adobe ID"),
            OnUser::CreateEnterpriseId(_) => plain("creating the Enterprise ID"),
            OnUser::CreateFederatedId(_) => plain("creating the Federated ID"),
            OnUser::Update(_) => plain("updating the user"),
            OnUser::Add(lists) => listed("adding to", "groups", &lists.name_lists().map(list)),
            OnUser::Remove(removal) => match removal.exhaustive() {
                ExhaustiveUserRemoval::All(_) => plain("removing from all groups"),
                ExhaustiveUserRemoval::These(lists) => listed("removing from", "groups", &lists.name_lists().map(list)),
            },
            OnUser::AddRoles(lists) => listed("making", "an administrator", &lists.name_lists().map(role)),
            OnUser::RemoveRoles(lists) => listed("removing as", "an administrator", &lists.name_lists().map(role)),
            OnUser::RemoveFromOrg(_) => plain("removing from the organization"),
            OnUser::RemoveFromDomain(_) => plain("removing from the domain"),
            OnUser::ResetPassword(_) => plain("resetting the password"),
        },
        Step::Group(step) => match step.exhaustive() {
            OnGroup::CreateUserGroup(_) => plain("creating the user group"),
            OnGroup::UpdateUserGroup(_) => plain("updating the user group"),
            OnGroup::DeleteUserGroup(_) => plain("deleting the user group"),
            OnGroup::Add(lists) => listed("adding", "members", &lists.name_lists().map(list)),
            OnGroup::Remove(removal) => match removal.exhaustive() {
                ExhaustiveUserGroupRemoval::All(_) => plain("removing all members"),
                ExhaustiveUserGroupRemoval::These(lists) => {
                    listed("removing", "members", &lists.name_lists().map(list))
                }
            },
        },
    }
}

fn list<'a>((field, kind, names): (&'static str, NameKind, &'a Vec<String>)) -> List<'a> {
    let (one, several) = match kind {
        NameKind::Group if field == "usergroup" => ("the user group ", "the user groups "),
        NameKind::Group => ("the group ", "the groups "),
        NameKind::Profile => ("the product profile ", "the product profiles "),
        NameKind::Product => ("the product ", "the products "),
        NameKind::User => ("", ""),
    };
    (one, several, names)
}

fn role<'a>((_, kind, names): (&'static str, NameKind, &'a Vec<String>)) -> List<'a> {
    match kind {
        NameKind::Product => ("an administrator of the product ", "an administrator of the products ", names),
        NameKind::Group | NameKind::Profile | NameKind::User => ("an administrator of ", "an administrator of ", names),
    }
}

fn plain<'a>(text: &str) -> (String, Vec<&'a str>) {
    (text.to_owned(), Vec::new())
}

/// A verb and what is listed. `objects` stands for lists without names.
fn listed<'a>(verb: &str, objects: &str, lists: &[List<'a>]) -> (String, Vec<&'a str>) {
    let lists = lists.iter().filter(|(_, _, names)| !names.is_empty());
    let mut text = verb.to_owned();
    let mut all = Vec::new();
    for (one, several, names) in lists {
        text += if all.is_empty() { " " } else { ", and " };
        text += if names.len() == 1 { one } else { several };
        push_names(&mut text, names);
        all.extend(names.iter().map(String::as_str));
    }
    if all.is_empty() {
        text = format!("{verb} {objects}");
    }
    (text, all)
}

/// Appends names, in quotes that show invisible characters.
fn push_names(text: &mut String, names: &[String]) {
    let shown = if names.len() > NAMES_IN_TEXT + 1 { NAMES_IN_TEXT } else { names.len() };
    for (i, name) in names[..shown].iter().enumerate() {
        let separator = match i {
            0 => "",
            i if i + 1 == names.len() => " and ",
            _ => ", ",
        };
        *text += &format!("{separator}{name:?}");
    }
    if shown < names.len() {
        *text += &format!(" and {} more", names.len() - shown);
    }
}

#[cfg(test)]
mod tests {
    use umapi_model::{DomainRemoval, PasswordReset, UserGroupUpdate, UserMemberships, UserStep, UserUpdate};

    use super::*;
    use crate::command::{NewGroup, NewUser};

    #[track_caller]
    fn assert_words(command: impl Into<Command>, expected: &str) {
        let command = command.into();
        let description = StepDescription::of(&command, command.steps() - 1).unwrap();
        assert_eq!(description.text, expected);
    }

    #[test]
    fn steps_are_described_in_words() {
        let (user, group) = (|| Command::user("a@b.c"), || Command::group("g"));
        assert_words(NewUser::adobe_id("a@b.c"), "adding the Adobe ID");
        assert_words(NewUser::enterprise("a@b.c", "A", "B"), "creating the Enterprise ID");
        assert_words(NewUser::federated("a@b.c", "A", "B", "US"), "creating the Federated ID");
        assert_words(user().update(UserUpdate::default()), "updating the user");
        assert_words(user().add_to(["x"]), r#"adding to the group "x""#);
        assert_words(user().remove_from(["x", "y"]), r#"removing from the groups "x" and "y""#);
        assert_words(user().remove_all(), "removing from all groups");
        assert_words(user().remove_from_org(), "removing from the organization");
        assert_words(user().add_admin_roles(["org"]), r#"making an administrator of "org""#);
        assert_words(user().remove_admin_roles(["org"]), r#"removing as an administrator of "org""#);
        assert_words(NewGroup::new("g"), "creating the user group");
        assert_words(group().update(UserGroupUpdate::default()), "updating the user group");
        assert_words(group().add_users(["a@b.c"]), r#"adding "a@b.c""#);
        assert_words(group().add_profiles(["p", "q"]), r#"adding the product profiles "p" and "q""#);
        assert_words(group().remove_users(["a@b.c"]), r#"removing "a@b.c""#);
        assert_words(group().remove_all(), "removing all members");
        assert_words(group().delete(), "deleting the user group");
        let words = |step: UserStep| StepDescription::of_step(&Step::User(step), 1).text;
        assert_eq!(words(DomainRemoval::new("b.c").into()), "removing from the domain");
        assert_eq!(words(PasswordReset::default().into()), "resetting the password");
    }

    #[test]
    fn long_lists_are_shortened_in_the_text_only() {
        let names: Vec<String> = (0..10).map(|i| format!("g{i}")).collect();
        let of = |names: &[String]| {
            let lists = UserMemberships::default().with_group(names).with_product_configuration(["p"]);
            StepDescription::of_step(&Step::User(UserStep::Add(lists)), 1)
        };
        assert_eq!(of(&names[..1]).text, r#"adding to the group "g0", and the product profile "p""#);
        assert!(of(&names[..4]).text.starts_with(r#"adding to the groups "g0", "g1", "g2" and "g3", and"#));
        let ten = of(&names);
        assert!(ten.text.starts_with(r#"adding to the groups "g0", "g1", "g2" and 7 more, and"#), "{}", ten.text);
        assert_eq!(ten.names.len(), 11);
        assert_eq!(
            of(&["a\u{200b}".to_owned()]).text,
            r#"adding to the group "a\u{200b}", and the product profile "p""#
        );
    }

    #[test]
    fn lists_without_names_have_words_too() {
        assert_words(Command::user("a@b.c").add_to([""; 0]), "adding to groups");
        assert_words(Command::group("g").remove_users([""; 0]), "removing members");
    }

    #[test]
    fn people_count_from_one() {
        let (description, only) =
            (StepDescription::new("updating the user", 3), StepDescription::new("updating the user", 1));
        let text = |index, description| StepInText { index, description }.to_string();
        assert_eq!(text(1, Some(&description)), "updating the user (step 2 of 3)");
        assert_eq!(text(0, Some(&only)), "updating the user");
        assert_eq!(text(0, None), "step 1");
        assert!(!text(usize::MAX, None).is_empty());
    }
}
