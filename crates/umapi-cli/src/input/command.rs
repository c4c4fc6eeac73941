//! One command, from the service's own JSON.

use serde::{Deserialize, de::IgnoredAny};
use umapi::{
    Command, InvalidCommand,
    model::{UserCommand, UserGroupCommand},
};

use super::locate::{field_of_command, line_and_column};

/// Why a text is no command that can be sent: where in it, which rule, what to write.
#[derive(Debug)]
pub(super) struct Complaint {
    /// Counted from 1, within the text.
    pub(super) line: usize,
    /// Counted from 1.
    pub(super) column: usize,
    /// The field of the service's JSON, where it is known.
    pub(super) field: Option<String>,
    /// The step, counted from 0, where it is known.
    pub(super) step: Option<usize>,
    pub(super) rule: String,
    pub(super) remedy: Option<String>,
}

/// The root says which kind of command it is: so that the message is about what is wrong inside.
#[derive(Deserialize)]
struct Root {
    user: Option<IgnoredAny>,
    usergroup: Option<IgnoredAny>,
}

/// Reads and checks one command.
pub(super) fn parse(text: &str) -> Result<Command, Complaint> {
    let root: Root = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let command: Command = match (root.user, root.usergroup) {
        (Some(_), None) => serde_json::from_str::<UserCommand>(text).map_err(|error| unreadable(&error))?.into(),
        (None, Some(_)) => serde_json::from_str::<UserGroupCommand>(text).map_err(|error| unreadable(&error))?.into(),
        (Some(_), Some(_)) => {
            return Err(whole("a command has a `user` or a `usergroup`, not both", "write two commands"));
        }
        (None, None) => {
            return Err(whole("a command must have a `user` or a `usergroup`", "say whom the command is about"));
        }
    };
    match command.check() {
        Ok(()) => Ok(command),
        Err(invalid) => Err(against_rule(text, &invalid)),
    }
}

fn unreadable(error: &serde_json::Error) -> Complaint {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let rule = message.strip_suffix(&place).unwrap_or(&message).to_owned();
    Complaint { line: error.line().max(1), column: error.column().max(1), field: None, step: None, rule, remedy: None }
}

fn whole(rule: &str, remedy: &str) -> Complaint {
    let (rule, remedy) = (rule.to_owned(), Some(remedy.to_owned()));
    Complaint { line: 1, column: 1, field: None, step: None, rule, remedy }
}

fn against_rule(text: &str, invalid: &InvalidCommand) -> Complaint {
    let (line, column) = line_and_column(text, field_of_command(text, invalid.step(), invalid.field()));
    Complaint {
        line,
        column,
        field: Some(invalid.field().to_owned()),
        step: invalid.step(),
        rule: format!("{}: {} ({})", invalid.field(), invalid.rule(), invalid.code()),
        remedy: Some(invalid.remedy().to_owned()),
    }
}
