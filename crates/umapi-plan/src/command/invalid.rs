//! Why a command cannot be sent.

use std::borrow::Cow;
use std::fmt;

use umapi_model::ErrorCode;

/// A command that breaks a rule, found before anything of it was sent.
///
/// ```
/// use umapi_plan::Command;
///
/// let error = Command::user("jdoe@example.com").create_federated("John", "Doe", "usa").check().unwrap_err();
/// assert_eq!(error.field(), "country");
/// assert_eq!(error.code().as_str(), "error.command.string.too_long");
/// assert!(error.to_string().contains("two upper-case letters"));
/// ```
///
/// It says what the service would have answered ([`code`](Self::code)), where ([`root`](Self::root),
/// [`step`](Self::step), [`field`](Self::field)), which rule was broken and what to write instead.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidCommand(Box<Details>);

#[derive(Clone, Debug, PartialEq)]
struct Details {
    number: Option<usize>,
    root: String,
    step: Option<(usize, &'static str)>,
    broken: BrokenRule,
}

/// A rule and how it was broken, wherever it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BrokenRule {
    pub(crate) code: ErrorCode,
    pub(crate) field: &'static str,
    pub(crate) rule: Cow<'static, str>,
    pub(crate) remedy: Cow<'static, str>,
}

impl BrokenRule {
    pub(crate) fn new(
        code: ErrorCode,
        field: &'static str,
        rule: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, field, rule: rule.into(), remedy: remedy.into() }
    }

    pub(crate) fn in_command(self, root: &str) -> InvalidCommand {
        InvalidCommand(Box::new(Details { number: None, root: root.to_owned(), step: None, broken: self }))
    }

    pub(crate) fn in_step(self, root: &str, index: usize, name: &'static str) -> InvalidCommand {
        let step = Some((index, name));
        InvalidCommand(Box::new(Details { number: None, root: root.to_owned(), step, broken: self }))
    }
}

impl InvalidCommand {
    /// Which command it is in a batch, counted from 0.
    pub fn number(&self) -> Option<usize> {
        self.0.number
    }

    /// The user or user group that the command is about.
    pub fn root(&self) -> &str {
        &self.0.root
    }

    /// The step, counted from 0. Nothing if the command as a whole is wrong.
    pub fn step(&self) -> Option<usize> {
        self.0.step.map(|(index, _)| index)
    }

    /// The field of the service's JSON that is wrong.
    pub fn field(&self) -> &str {
        self.0.broken.field
    }

    /// The rule, and how it was broken.
    pub fn rule(&self) -> &str {
        &self.0.broken.rule
    }

    /// What to write instead.
    pub fn remedy(&self) -> &str {
        &self.0.broken.remedy
    }

    /// The code that the service has for this.
    pub fn code(&self) -> &ErrorCode {
        &self.0.broken.code
    }

    pub(crate) fn with_number(mut self, number: usize) -> Self {
        self.0.number = Some(number);
        self
    }
}

impl fmt::Display for InvalidCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.0.number {
            write!(f, "command {number}, ")?;
        }
        write!(f, "{:?}", self.0.root)?;
        if let Some((index, name)) = self.0.step {
            write!(f, ", step {index} ({name})")?;
        }
        let BrokenRule { code, field, rule, remedy } = &self.0.broken;
        write!(f, ", {field}: {rule}; {remedy} ({code})")
    }
}

impl std::error::Error for InvalidCommand {}
