//! Rules that a command or a membership breaks.

use std::{borrow::Cow, fmt};

use umapi_model::ErrorCode;

use super::{
    Step,
    description::{StepDescription, StepInText},
};

/// A rule and how it was broken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Violation {
    pub(crate) code: ErrorCode,
    pub(crate) field: &'static str,
    pub(crate) rule: Cow<'static, str>,
    pub(crate) remedy: Cow<'static, str>,
}

impl Violation {
    pub(crate) fn new(
        code: ErrorCode,
        field: &'static str,
        rule: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, field, rule: rule.into(), remedy: remedy.into() }
    }

    pub(crate) fn in_command(self, root: &str) -> InvalidCommand {
        InvalidCommand(Box::new(Details {
            number: None,
            root: root.to_owned(),
            step: None,
            description: None,
            violation: self,
        }))
    }

    pub(crate) fn in_step(self, root: &str, index: usize, name: &'static str) -> InvalidCommand {
        let step = Some((index, name));
        InvalidCommand(Box::new(Details {
            number: None,
            root: root.to_owned(),
            step,
            description: None,
            violation: self,
        }))
    }
}

/// A command that breaks a rule, found before any of it was sent.
///
/// ```
/// use umapi_plan::{Command, NewUser};
///
/// let john = NewUser::federated("jdoe@example.com", "John", "Doe", "usa");
/// let error = Command::create_user(john).check().unwrap_err();
/// assert_eq!(error.field(), "country");
/// assert_eq!(error.code().as_str(), "error.command.string.too_long");
/// let text = r#""jdoe@example.com", creating the Federated ID, country: "#;
/// assert!(error.to_string().starts_with(text));
/// ```
///
/// It has the code that the service has for it ([`code`](Self::code)), the place ([`root`](Self::root),
/// [`step`](Self::step), [`field`](Self::field)), the rule that was broken and what to write instead.
///
/// A program shows it where the command came from:
///
/// ```
/// use umapi_plan::{Command, Estimate};
///
/// let commands = [
///     Command::user("ann@example.com").add_to(["Design"]),
///     Command::user("bob@example.com").add_to(["Sales"]).remove_from([""]),
/// ];
/// let invalid = Estimate::of(commands).unwrap_err();
/// assert_eq!((invalid.number(), invalid.step()), (Some(1), Some(1)));
/// println!("line {:?}: {}; {}", invalid.number(), invalid.rule(), invalid.remedy());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidCommand(Box<Details>);

#[derive(Clone, Debug, PartialEq)]
struct Details {
    number: Option<usize>,
    root: String,
    step: Option<(usize, &'static str)>,
    description: Option<StepDescription>,
    violation: Violation,
}

impl InvalidCommand {
    /// The number of the command in its batch, counted from 0.
    pub fn number(&self) -> Option<usize> {
        self.0.number
    }

    /// The user or user group of the command.
    pub fn root(&self) -> &str {
        &self.0.root
    }

    /// The step, counted from 0. `None` if the command as a whole is wrong.
    pub fn step(&self) -> Option<usize> {
        self.0.step.map(|(index, _)| index)
    }

    /// What the step does.
    pub fn description(&self) -> Option<&StepDescription> {
        self.0.description.as_ref()
    }

    /// The field of the service's JSON that is wrong.
    pub fn field(&self) -> &str {
        self.0.violation.field
    }

    /// The rule, and how it was broken.
    pub fn rule(&self) -> &str {
        &self.0.violation.rule
    }

    /// What to write instead.
    pub fn remedy(&self) -> &str {
        &self.0.violation.remedy
    }

    /// The code that the service has for this.
    pub fn code(&self) -> &ErrorCode {
        &self.0.violation.code
    }

    pub(crate) fn with_number(mut self, number: usize) -> Self {
        self.0.number = Some(number);
        self
    }

    /// Adds the description of its step, one of so many.
    pub(crate) fn describe(mut self, steps: usize, step: impl FnOnce(usize) -> Option<Step>) -> Self {
        let step = self.step().and_then(step);
        self.0.description = step.map(|step| StepDescription::of_step(&step, steps));
        self
    }
}

impl fmt::Display for InvalidCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.0.number {
            // People count from 1.
            write!(f, "command {}, ", number.saturating_add(1))?;
        }
        write!(f, "{:?}", self.0.root)?;
        match (self.0.step, self.description()) {
            (Some((index, name)), None) => write!(f, ", step {} ({name})", index.saturating_add(1))?,
            (Some((index, _)), description) => write!(f, ", {}", StepInText { index, description })?,
            (None, _) => {}
        }
        let Violation { code, field, rule, remedy } = &self.0.violation;
        write!(f, ", {field}: {rule}; {remedy} ({code})")
    }
}

impl std::error::Error for InvalidCommand {}
